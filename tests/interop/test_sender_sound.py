# SPDX-License-Identifier: Apache-2.0
"""Sound of `auralink publish` and `auralink subscribe --audio`: a voice there and back, with losses."""

from __future__ import annotations

import os
import signal
import subprocess
import wave

import numpy as np
import pytest

from lib import sound
from lib.aicore import AICore
from lib.media import Media
from lib.netem import Forwarder, Impairment
from lib.server import ROOT

SECONDS = 29


def film(folder, pcm: np.ndarray):
    (folder / "voice.raw").write_bytes(pcm.tobytes())
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size=128x96:rate=5:duration={SECONDS}",
                    "-f", "s16le", "-ar", str(sound.RATE), "-ac", "1", "-i", str(folder / "voice.raw"),
                    "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-b:a", "96k", str(folder / "clip.mkv")],
                   check=True, timeout=60)
    return str(folder / "clip.mkv"), pcm


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A small picture with a real voice."""
    return film(tmp_path_factory.mktemp("clip"), sound.voice(SECONDS))


@pytest.fixture
def core():
    core = AICore()
    yield core
    core.process.send_signal(signal.SIGCONT)
    core.stop()


def aic(core: AICore) -> tuple[str, ...]:
    return "--aic", "on", "--ai-core", core.address


def kbps(seen: dict) -> float:
    return seen["sound_bytes"] * 8 / seen["sound_ms"]


@pytest.fixture
def media(request):
    started = []

    def start(command: str, url: str, *options: str) -> Media:
        started.append(Media(command, url, request.node.name[:60], *options))
        return started[-1]

    yield start
    for one in started:
        one.close()


def heard(path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (sound.RATE, 2, 2)
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)[:, 0]


def said(media, clip, publish_url: str, watch_url: str, out, enough, *options: str) -> tuple[dict, dict, float]:
    """The clip over and over, until a line of the sender's is enough. @return both summaries and how alike what came is to it"""
    path, pcm = clip
    receiver = media("subscribe", watch_url, "--audio", str(out))
    receiver.until(lambda line: line["seconds"] > 0, 60, "the receiver is there")
    sender = media("publish", publish_url, path, "--loop", *options)
    joined = sender.until(lambda line: line["sound_native"] > 0, 60, "the first packets")["seconds"]
    sender.until(enough, 180, "enough is said")
    sent, seen = sender.finish(), receiver.finish()
    got = heard(out)
    # After the last packet there is silence up to the end.
    assert seen["sound_ms"] <= len(got) / sound.RATE * 1000 + 1 < seen["sound_ms"] + 10_000
    # From the first packet on: until it joined nothing was said.
    assert seen["sound_ms"] > (sent["seconds"] - joined) * 1000 - 3000, (sent, seen, joined)
    return sent, seen, best(pcm, got[:seen["sound_ms"] * 48])


def seconds(enough: float):
    return lambda line: line["seconds"] > enough


def packets(enough: int):
    """So many of AI Core's; on a busy machine it takes a while to trust it."""
    return lambda line: line["sound_aic"] >= enough


def best(pcm: np.ndarray, got: np.ndarray, tail: int = 6) -> float:
    """Correlation of the loudness of the last seconds that were heard with the place of the clip that they are from."""
    def steps(x: np.ndarray) -> np.ndarray:
        return np.log10((x[:len(x) // sound.PACKET * sound.PACKET].astype(float).reshape(-1, sound.PACKET) ** 2).mean(1) + 10)
    heard_last, clip = steps(got[-tail * sound.RATE:]), steps(np.concatenate([pcm, pcm]))
    n = len(heard_last)
    assert n == tail * 50
    return max(float(np.corrcoef(heard_last, clip[at:at + n])[0, 1]) for at in range(len(clip) - n))


def test_voice(media, server, clip, tmp_path, record):
    """It is heard as it was said, and the file is as long as the time it took."""
    sent, seen, alike = said(media, clip, server.url, server.url, tmp_path / "out.wav", seconds(10))
    record(alike=alike, kbps=kbps(seen), sound_ms=seen["sound_ms"])
    assert alike > 0.95
    assert seen["sound_guessed_ms"] + seen["sound_recovered_ms"] < 500, seen
    assert seen["pictures"] > 20 and seen["identity"] == "publisher"


def test_voice_with_losses(media, server, clip, tmp_path, record):
    """A tenth of the packets is lost on the way: what was lost is made up, and time is kept."""
    path = Forwarder(("127.0.0.1", server.udp_port), down=Impairment(loss=0.1), signal_target=server.url)
    try:
        sent, seen, alike = said(media, clip, server.url, path.ws_url, tmp_path / "out.wav", seconds(10))
    finally:
        path.close()
    record(alike=alike, guessed_ms=seen["sound_guessed_ms"], recovered_ms=seen["sound_recovered_ms"])
    assert alike > 0.85
    assert 0 < seen["sound_guessed_ms"] + seen["sound_recovered_ms"], seen


def test_compressed(media, server, core, clip, tmp_path, record):
    """A voice goes through AI Core: long packets, fewer bytes, and the same is heard."""
    sent, seen, alike = said(media, clip, server.url, server.url, tmp_path / "out.wav", packets(110), *aic(core))
    record(alike=alike, kbps=kbps(seen), cut_ms=sent["sound_cut_ms"], native=sent["sound_native"], aic=sent["sound_aic"])
    assert alike > 0.9
    # The beginning is the client's own: 48 kbps in packets of 20 ms.
    own_ms = sent["sound_native"] * 20
    assert kbps(seen) * seen["sound_ms"] < own_ms * 60 + (seen["sound_ms"] - own_ms) * 30, (sent, seen)
    assert seen["sound_guessed_ms"] + seen["sound_recovered_ms"] < 500, seen


def test_compressed_with_losses(media, server, core, clip, tmp_path, record):
    """Long packets, a tenth of them lost on the way to the receiver."""
    path = Forwarder(("127.0.0.1", server.udp_port), down=Impairment(loss=0.1), signal_target=server.url)
    try:
        sent, seen, alike = said(media, clip, server.url, path.ws_url, tmp_path / "out.wav", packets(110), *aic(core))
    finally:
        path.close()
    record(alike=alike, guessed_ms=seen["sound_guessed_ms"], recovered_ms=seen["sound_recovered_ms"], aic=sent["sound_aic"])
    assert alike > 0.8  # with zeros instead of what is lost it is 0.7


def test_redundancy(media, server, core, clip, tmp_path, record):
    """The publisher's own packets get lost: they carry DRED then, from which the receiver takes what is missing."""
    path = Forwarder(("127.0.0.1", server.udp_port), up=Impairment(loss=0.1), signal_target=server.url)
    try:
        sent, seen, alike = said(media, clip, path.ws_url, server.url, tmp_path / "out.wav", packets(130), *aic(core))
    finally:
        path.close()
    record(alike=alike, guessed_ms=seen["sound_guessed_ms"], recovered_ms=seen["sound_recovered_ms"], aic=sent["sound_aic"])
    assert seen["sound_recovered_ms"] > 0, seen
    assert alike > 0.8


@pytest.mark.parametrize("fail", ["kill", "stop"])
def test_fallback(media, server, core, clip, tmp_path, record, fail):
    """AI Core goes in the middle of a word: the client's own packets follow without a hole."""
    path, _ = clip
    receiver = media("subscribe", server.url, "--audio", str(tmp_path / "out.wav"))
    receiver.until(lambda line: line["seconds"] > 0, 60, "the receiver is there")
    sender = media("publish", server.url, path, "--loop", *aic(core))
    before = sender.until(lambda line: line["sound_aic"] > 30 and line["sound_mode"] == "active", 60, "AI Core's packets")["sound_fallbacks"]
    receiver.until(lambda line: line["sound_ms"] > 3000, 60, "sound of some seconds")
    core.process.send_signal(signal.SIGKILL if fail == "kill" else signal.SIGSTOP)
    own = receiver.last  # what this machine does without any failure is not the fallback's fault
    line = sender.until(lambda line: line["sound_mode"] != "active", 60, "the fallback")
    sender.until(lambda now: now["sound_native"] > line["sound_native"] + 100, 60, "its own packets")
    sent, seen = sender.finish(), receiver.finish()
    record(guessed_ms=seen["sound_guessed_ms"], silent_ms=seen["sound_silent_ms"])
    assert sent["sound_fallbacks"] > before, sent
    share = own["sound_guessed_ms"] / max(1, own["sound_ms"])
    assert seen["sound_guessed_ms"] < 200 + 2 * own["sound_guessed_ms"] + 2 * share * (seen["sound_ms"] - own["sound_ms"]), (own, seen)


def test_music(media, server, core, tmp_path_factory, tmp_path, record):
    """Music stays what it was."""
    def is_kept(line: dict) -> bool:
        return line["sound_mode"] == "kept" and line["seconds"] > 10

    clip = film(tmp_path_factory.mktemp("music"), sound.music(SECONDS))
    sent, seen, alike = said(media, clip, server.url, server.url, tmp_path / "out.wav", is_kept, *aic(core))
    record(alike=alike, aic=sent["sound_aic"])
    assert sent["sound_aic"] == 0, sent
    assert alike > 0.9


def test_stock_livekit(media, monkeypatch, start_server, clip, tmp_path, record):
    """The same with a LiveKit server."""
    program = os.path.join(ROOT, ".cache", "bench", "livekit-server")
    if not os.path.exists(program):
        pytest.skip("no LiveKit server here: bench/setup.sh livekit builds it")
    monkeypatch.setenv("AURA_SERVER_CMD", program)
    monkeypatch.setenv("AURA_SERVER_KIND", "livekit")
    server = start_server()
    sent, seen, alike = said(media, clip, server.url, server.url, tmp_path / "out.wav", seconds(10))
    record(alike=alike)
    assert alike > 0.95


def test_wrong_path(media, server, tmp_path):
    """A file that cannot be written is said."""
    receiver = media("subscribe", server.url, "--audio", str(tmp_path / "none" / "out.wav"))
    assert receiver.process.wait(60) == 1
    assert "out.wav" in receiver.log()
