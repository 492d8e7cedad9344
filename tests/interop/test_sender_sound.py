# SPDX-License-Identifier: Apache-2.0
"""Sound of `auralink publish` and `auralink subscribe --audio`: a voice there and back, with losses."""

from __future__ import annotations

import os
import subprocess
import wave

import numpy as np
import pytest

from lib import sound
from lib.media import Media
from lib.netem import Forwarder, Impairment
from lib.server import ROOT

pytestmark = [pytest.mark.timeout(180)]

SECONDS = 12


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A small picture with a real voice."""
    folder = tmp_path_factory.mktemp("clip")
    pcm = sound.voice(SECONDS)
    (folder / "voice.raw").write_bytes(pcm.tobytes())
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=15:duration={SECONDS}",
                    "-f", "s16le", "-ar", str(sound.RATE), "-ac", "1", "-i", str(folder / "voice.raw"),
                    "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-b:a", "96k", str(folder / "clip.mkv")],
                   check=True, timeout=60)
    return str(folder / "clip.mkv"), pcm


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


def said_once(media, clip, publish_url: str, watch_url: str, out) -> tuple[dict, dict, float]:
    """The clip once. @return both summaries and how alike what came is to what was said"""
    path, pcm = clip
    receiver = media("subscribe", watch_url, "--audio", str(out))
    receiver.until(lambda line: line["seconds"] > 0, 20, "the receiver is there")
    sender = media("publish", publish_url, path)
    assert sender.process.wait(90) == 0, sender.log()
    seen = receiver.finish()
    got = heard(out)
    # After the last packet there is silence up to the end.
    assert seen["sound_ms"] <= len(got) / sound.RATE * 1000 + 1 < seen["sound_ms"] + 10_000
    return sender.lines()[-1], seen, best(pcm, got)


def best(said: np.ndarray, got: np.ndarray) -> float:
    """Likeness where they fit best: the beginning is said before anybody has subscribed to it."""
    n = sound.PACKET
    return max(sound.likeness(said[shift * n * 8:], got) for shift in range(13))


def test_voice(media, server, clip, tmp_path, record):
    """It is heard as it was said, and the file is as long as the time it took."""
    sent, seen, alike = said_once(media, clip, server.url, server.url, tmp_path / "out.wav")
    record(alike=alike, kbps=seen["sound_bytes"] * 8 / seen["sound_ms"], sound_ms=seen["sound_ms"])
    assert alike > 0.95
    assert seen["sound_ms"] > (SECONDS - 2) * 1000
    assert seen["sound_guessed_ms"] + seen["sound_recovered_ms"] < 500, seen
    assert seen["pictures"] > 60 and seen["identity"] == "publisher"


def test_voice_with_losses(media, server, clip, tmp_path, record):
    """A tenth of the packets is lost on the way: what was lost is made up, and time is kept."""
    path = Forwarder(("127.0.0.1", server.udp_port), down=Impairment(loss=0.1), signal_target=server.url)
    try:
        sent, seen, alike = said_once(media, clip, server.url, path.ws_url, tmp_path / "out.wav")
    finally:
        path.close()
    record(alike=alike, guessed_ms=seen["sound_guessed_ms"], recovered_ms=seen["sound_recovered_ms"])
    assert alike > 0.85
    assert seen["sound_ms"] > (SECONDS - 2) * 1000
    assert 0 < seen["sound_guessed_ms"] + seen["sound_recovered_ms"], seen


def test_stock_livekit(media, monkeypatch, start_server, clip, tmp_path, record):
    """The same with a LiveKit server."""
    program = os.path.join(ROOT, ".cache", "bench", "livekit-server")
    if not os.path.exists(program):
        pytest.skip("no LiveKit server here: bench/setup.sh livekit builds it")
    monkeypatch.setenv("AURA_SERVER_CMD", program)
    monkeypatch.setenv("AURA_SERVER_KIND", "livekit")
    server = start_server()
    sent, seen, alike = said_once(media, clip, server.url, server.url, tmp_path / "out.wav")
    record(alike=alike)
    assert alike > 0.95


def test_wrong_path(media, server, tmp_path):
    """A file that cannot be written is said."""
    receiver = media("subscribe", server.url, "--audio", str(tmp_path / "none" / "out.wav"))
    assert receiver.process.wait(30) == 1
    assert "out.wav" in receiver.log()
