# SPDX-License-Identifier: Apache-2.0
"""Sound through AI Core, by Python's grpcio: speech gets small, music stays, silence is cut."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import grpc
import numpy as np
import pytest

from lib import sound
from lib.aicore import AICore, schema

MS = 48  # samples
WINDOW = 8  # packets on their way at once; more would be sent away


@pytest.fixture(scope="module")
def core():
    core = AICore()
    yield core
    core.stop()


def ask(core: AICore, packets: list[bytes | None], call: str = "CompressStream", codec: str = "CODEC_OPUS",
        first: int = 1000, every_ms: int = 20, channels: int = 0, **point) -> list:
    """Answers to packets; None was lost on the way."""
    window = threading.Semaphore(WINDOW)
    with core.channel() as channel:
        names = schema(channel)

        def requests():
            for i, packet in enumerate(packets):
                if packet is None:
                    continue
                assert window.acquire(timeout=60)
                yield names.CompressRequest(frame=packet, codec=getattr(names, codec), channels=channels,
                                            rtp_timestamp=(first + i * every_ms * MS) % (1 << 32),
                                            point=names.OperatingPoint(**point))

        answers = []
        for answer in getattr(names, call)(requests()):
            window.release()
            answers.append(answer)
        return answers


def contents(core: AICore) -> SimpleNamespace:
    with core.channel() as channel:
        return schema(channel)


def frames(answers: list) -> list:
    return [a for a in answers if a.frame]


def kbps(answers: list, seconds: float) -> float:
    return sum(len(a.frame) for a in answers) * 8 / seconds / 1000


@pytest.mark.smoke
def test_speech(core):
    """Packets of 60 ms, half the bytes, and the same is said in them."""
    pcm = sound.voice(10)
    packets = sound.opus(pcm)
    answers = ask(core, packets, first=(1 << 32) - 50000)  # time stamps wrap on the way
    out = frames(answers)
    assert len(answers) == len(packets)
    assert {a.samples for a in out} <= {20 * MS, 60 * MS}
    assert all(sound.samples(a.frame) == a.samples for a in out)
    assert sum(a.samples == 60 * MS for a in out) > 140
    assert 15 < kbps(out, 10) < 26, kbps(out, 10)
    whole = [a for a in out if a.samples == 60 * MS]
    steps = [(b.rtp_timestamp - a.rtp_timestamp) % (1 << 32) for a, b in zip(whole, whole[1:])]
    assert steps.count(60 * MS) > 0.9 * len(steps)
    assert (out[-1].rtp_timestamp - out[0].rtp_timestamp) % (1 << 32) < 10 * 48000
    names = contents(core)
    last = answers[-60]
    assert last.content == names.CONTENT_SPEECH and last.speech > 0.5 and not last.keep
    assert last.model == "speech-1" and last.codec == names.CODEC_OPUS
    assert {s.step for s in last.steps} == {"decode", "speech", "encode"}
    began = (whole[0].rtp_timestamp - ((1 << 32) - 50000)) % (1 << 32)
    assert sound.likeness(pcm[began:], sound.decoded([a.frame for a in whole])) > 0.9


@pytest.mark.parametrize("packet_ms, low, high", [(20, 16, 27), (40, 16, 27), (80, 10, 18), (120, 7, 14)])
def test_sizes(core, packet_ms, low, high):
    """Each size of packets has its rate."""
    out = frames(ask(core, sound.opus(sound.voice(6)), packet_ms=packet_ms))
    assert {a.samples for a in out} <= {20 * MS, packet_ms * MS}
    assert sum(a.samples for a in out) > 4 * 48000
    assert low < kbps(out, 6) < high, kbps(out, 6)


def test_size_changes_on_the_way(core):
    """20, then 120, then 60 ms in one stream: each sample goes out once."""
    packets = sound.opus(sound.voice(9))
    window = threading.Semaphore(WINDOW)
    with core.channel() as channel:
        names = schema(channel)

        def requests():
            for i, packet in enumerate(packets):
                assert window.acquire(timeout=60)
                yield names.CompressRequest(frame=packet, codec=names.CODEC_OPUS, rtp_timestamp=i * 20 * MS,
                                            point=names.OperatingPoint(packet_ms=(20, 120, 60)[i // 150]))

        out = []
        for answer in names.CompressStream(requests()):
            window.release()
            out += [answer] if answer.frame else []
    sizes = {a.samples // MS for a in out}
    assert {20, 60, 120} <= sizes, sizes
    ends = [a.rtp_timestamp + a.samples for a in out]
    assert all(b.rtp_timestamp >= end for b, end in zip(out[1:], ends))


@pytest.mark.parametrize("piece", sound.pieces())
def test_music_is_kept(core, piece):
    answers = ask(core, sound.opus(sound.music(8, piece)))
    names = contents(core)
    late = answers[100:]
    assert sum(a.keep for a in late) > 0.95 * len(late)
    assert sum(a.content == names.CONTENT_MUSIC for a in late) > 0.95 * len(late)
    assert sum(len(a.frame) for a in late) < 1000


def test_speech_over_music_is_kept(core):
    pcm = sound.mixed(sound.voice(10) * 0.6, sound.music(10) * 0.4)
    late = ask(core, sound.opus(pcm))[150:]
    assert sum(a.keep for a in late) > 0.9 * len(late)


def conversation(level: float) -> np.ndarray:
    """4 s of speech, 6 s of none, twice, in a room with a fan."""
    pcm = np.zeros(20 * sound.RATE)
    pcm[:4 * sound.RATE] = sound.voice(4)
    pcm[10 * sound.RATE:14 * sound.RATE] = sound.voice(4, 4)
    return sound.mixed(pcm, sound.noise(len(pcm), level))


@pytest.mark.parametrize("level", [0.01, 60, 200])
def test_silence_is_cut(core, level):
    """What a fan does is not sent, but that somebody is still there."""
    answers = ask(core, sound.opus(conversation(level)))
    names = contents(core)
    silent = answers[5 * 50:9 * 50 + 25]
    spoken = answers[10 * 50 + 25:13 * 50 + 25]
    assert {a.content for a in silent} == {names.CONTENT_SILENCE}
    assert not any(a.keep for a in silent)
    assert 4 <= len(frames(silent)) <= 20
    assert kbps(silent, 4.5) < 2, kbps(silent, 4.5)
    assert max(b.rtp_timestamp - a.rtp_timestamp for a, b in zip(frames(silent), frames(silent)[1:])) <= 600 * MS
    assert any(len(a.frame) <= 2 for a in silent), "nothing says that the silence goes on"
    assert sum(a.samples for a in frames(spoken)) > 2.5 * sound.RATE


def test_sender_with_dtx(core):
    """Gaps in the time stamps that a sender's own DTX leaves are silence, not loss."""
    pcm = conversation(0.01)
    loud = [np.abs(pcm[max(0, i - 9) * 960:(i + 1) * 960].astype(int)).max() > 30 for i in range(len(pcm) // 960)]
    sent = [p if loud[i] or i % 20 == 0 else None for i, p in enumerate(sound.opus(pcm))]
    assert sent.count(None) > 200
    answers = ask(core, sent)
    out = frames(answers)
    assert len(answers) == len(sent) - sent.count(None)
    assert sum(a.samples for a in out if a.samples == 60 * MS) > 5 * sound.RATE
    assert all(a.rtp_timestamp + a.samples <= b.rtp_timestamp for a, b in zip(out, out[1:]))


def test_loss_is_filled(core):
    """Each twentieth packet is lost on the way to AI Core: its sound is made up, the rest stays where it was."""
    pcm = sound.voice(10)
    sent = [p if i % 20 else None for i, p in enumerate(sound.opus(pcm))]
    out = [a for a in frames(ask(core, sent)) if a.samples == 60 * MS]
    assert sum(a.samples for a in out) > 8 * sound.RATE
    assert all(b.rtp_timestamp - a.rtp_timestamp >= 60 * MS for a, b in zip(out, out[1:]))
    heard = np.zeros(len(pcm) + 60 * MS, np.int16)
    for a, part in zip(out, sound.decoded([a.frame for a in out]).reshape(-1, 60 * MS)):
        at = a.rtp_timestamp - 1000
        heard[at:at + 60 * MS] = part
    began = out[0].rtp_timestamp - 1000
    assert sound.likeness(pcm[began:], heard[began:len(pcm)]) > 0.75


def test_redundancy(core):
    """With loss and receivers that know it, packets carry more; a decoder that does not know it hears the same."""
    pcm = sound.voice(6)
    packets = sound.opus(pcm)
    out = frames(ask(core, packets, loss_percent=20, redundancy=True))
    whole = [a.frame for a in out if a.samples == 60 * MS]
    plain = frames(ask(core, packets, loss_percent=20))
    padded = [f for f in whole if f[0] & 3 == 3 and f[1] & 0x40]  # RFC 6716, 3.2.5: padding, where DRED is
    assert len(padded) > 0.5 * len(whole), f"{len(padded)} of {len(whole)}"
    assert not [a for a in plain if a.frame[0] & 3 == 3 and a.frame[1] & 0x40 and len(a.frame) > 2]
    began = next(a for a in out if a.samples == 60 * MS).rtp_timestamp - 1000
    assert sound.likeness(pcm[began:], sound.decoded(whole)) > 0.85


@pytest.mark.parametrize("channels, chunk_ms", [(1, 10), (1, 20), (2, 20)])
def test_pcm(core, channels, chunk_ms):
    """What our own sender sends: samples instead of packets."""
    pcm = sound.voice(6)
    both = np.repeat(pcm.reshape(-1, 1), channels, axis=1).tobytes()
    size = chunk_ms * MS * 2 * channels
    chunks = [both[i:i + size] for i in range(0, len(both), size)]
    out = frames(ask(core, chunks, codec="CODEC_PCM", channels=channels, every_ms=chunk_ms))
    assert 12 < kbps(out, 6) < 26
    assert sum(a.samples == 60 * MS for a in out) > 75


def test_stereo_is_kept(core):
    """Two different channels are no voice in a call."""
    pcm = np.stack([sound.voice(6), sound.voice(6, 6)], axis=1).tobytes()
    size = 20 * MS * 4
    late = ask(core, [pcm[i:i + size] for i in range(0, len(pcm), size)], codec="CODEC_PCM", channels=2)[100:]
    assert all(a.keep for a in late if a.content == contents(core).CONTENT_SPEECH)
    assert sum(a.keep for a in late) > 0.9 * len(late)


def test_by_itself(core):
    """Compress takes one packet and answers it at once."""
    with core.channel() as channel:
        names = schema(channel)
        answer = names.Compress(names.CompressRequest(frame=sound.opus(sound.voice(1))[25], codec=names.CODEC_OPUS))
        assert answer.samples == 20 * MS == sound.samples(answer.frame)
        pcm = sound.voice(1)[:100 * MS].tobytes()
        answer = names.Compress(names.CompressRequest(frame=pcm, codec=names.CODEC_PCM, channels=1))
        assert answer.samples == 100 * MS == sound.samples(answer.frame)


def test_analyze(core):
    names = contents(core)
    talk = ask(core, sound.opus(sound.voice(3)), call="Analyze")
    assert talk[-1].content == names.CONTENT_SPEECH and max(a.speech for a in talk) > 0.9
    tune = ask(core, sound.opus(sound.music(3)), call="Analyze")
    assert tune[-1].content == names.CONTENT_MUSIC


@pytest.mark.parametrize("fields", [
    {"codec": "CODEC_OPUS", "frame": b""},
    {"codec": "CODEC_OPUS", "frame": b"\xff\xff\xff"},           # 63 frames that are not there
    {"codec": "CODEC_OPUS", "frame": b"\x0b\xc1" + b"\xff" * 20},  # padding longer than the packet
    {"codec": "CODEC_PCM", "frame": b"\0" * 1919, "channels": 1},
    {"codec": "CODEC_PCM", "frame": b"\0" * 1920},                # of how many channels?
    {"codec": "CODEC_PCM", "frame": b"\0" * 1920, "channels": 3},
    {"codec": "CODEC_PCM", "frame": b"\0" * 96 * 1000, "channels": 1},
    {"codec": "CODEC_PCM", "frame": b"", "channels": 1},
    {"codec": "CODEC_PCM", "frame": b"\0" * 1920, "channels": 1, "packet_ms": 61},
    {"codec": "CODEC_PCM", "frame": b"\0" * 1920, "channels": 1, "packet_ms": 140},
])
@pytest.mark.smoke
def test_bad_packets(core, fields):
    with core.channel() as channel:
        names = schema(channel)
        point = names.OperatingPoint(packet_ms=fields.get("packet_ms", 0))
        request = names.CompressRequest(frame=fields["frame"], codec=getattr(names, fields["codec"]),
                                        channels=fields.get("channels", 0), point=point)
        with pytest.raises(grpc.RpcError) as refused:
            names.Compress(request)
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        good = names.CompressRequest(frame=sound.opus(sound.voice(1))[25], codec=names.CODEC_OPUS)
        assert names.Compress(good).frame


def test_cost(core):
    """Sound takes little, and says so."""
    before = core.metrics()
    ask(core, sound.opus(sound.voice(4)))
    after = core.metrics()
    for step in ("decode", "speech", "encode"):
        name = f'auralink_aicore_step_seconds_count{{step="{step}"}}'
        assert after[name] > before[name]
    assert after["auralink_aicore_streams_total"] == before["auralink_aicore_streams_total"] + 1


def test_without_the_model():
    """Nobody can say that it is no music: all is kept."""
    core = AICore("--without", "speech")
    try:
        answers = ask(core, sound.opus(sound.voice(2)))
        assert all(a.keep and not a.frame for a in answers)
    finally:
        core.stop()
