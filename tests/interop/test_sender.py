# SPDX-License-Identifier: Apache-2.0
"""The sender tier: `auralink publish` and `auralink subscribe`, alone and with Chromium."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from lib.aicore import AICore
from lib.driver import at_most, eventually
from lib.media import Media, program
from lib.server import ROOT

NATIVE, AIC = "video/VP8", "video/AV1"
SMALL = ("--size", "640x360", "--fps", "15")


@pytest.fixture
def core():
    """Without the governor, which gives the test picture's sharp lines nearly what native has, and what else takes time: two
    cores have a browser to carry as well."""
    core = AICore("--without", "governor,faces,person,steady,quantizer")
    yield core
    core.process.send_signal(signal.SIGCONT)
    core.stop()


@pytest.fixture
def media(request):
    """media(command, server or url, *options): a process of the CLI in a room of the test's own."""
    started = []

    def start(command: str, server, *options: str, room: str | None = None) -> Media:
        url = server if isinstance(server, str) else server.url
        one = Media(command, url, room or request.node.name[:60], *options)
        started.append(one)
        return one

    yield start
    for one in started:
        one.close()


def aic(core: AICore) -> tuple[str, ...]:
    return "--aic", "on", "--ai-core", core.address


def is_active(line: dict) -> bool:
    return line["mode"] == "active" and line["aic_frames"] > 15


def numbers_in_order(summary: dict) -> None:
    """Every decoded test picture says its own number, later ones higher ones."""
    assert summary["pictures"] > 0 and summary["undecodable"] == 0, summary
    assert summary["numbered"] >= summary["pictures"] * 0.98 and summary["backwards"] == 0, summary


def test_compressed(core, media, server, record, tmp_path):
    """Pictures go through AI Core, arrive as AV1 with hints, and are restored by them."""
    out = tmp_path / "out.y4m"
    receiver = media("subscribe", server, "-o", str(out))
    sender = media("publish", server, "test", *SMALL, *aic(core))
    sender.until(is_active, 120, "AI Core's frames are sent")
    # A second without a fallback, which a busy machine may bring any time.
    line = receiver.until(lambda s: s["mode"] == "compressed" and s["restored"] > 20 and
                          s["kbps"] < sender.last["native_kbps"] / 2, 60, "restored pictures, of half the rate")
    sent, seen = sender.finish(), receiver.finish()
    record(kbps=line["kbps"], latency_ms=sent["latency_ms"]["p50"], gap_ms=seen["gap_ms_max"], native_kbps=sent["native_kbps"])
    assert "AIC Compressed!" in sender.log()
    assert line["codec"] == "AV1" and "ratio:" in line["hints"] and "lat:" in line["hints"], line
    assert (line["identity"], line["track"]) == ("publisher", "video")
    assert seen["hinted"] == seen["frames"], seen
    numbers_in_order(seen)
    with open(out, "rb") as file:
        assert file.readline() == b"YUV4MPEG2 W640 H360 F30:1 Ip A1:1 C420jpeg\n"
    frame = 640 * 360 * 3 // 2 + len("FRAME\n")
    assert (os.path.getsize(out) - 43) % frame == 0 and os.path.getsize(out) // frame >= seen["restored"]


def test_not_restored(core, media, server):
    """--aic off leaves pictures as they came."""
    receiver = media("subscribe", server, "--aic", "off")
    sender = media("publish", server, "test", *SMALL, *aic(core))
    sender.until(is_active, 120, "AI Core's frames are sent")
    receiver.until(lambda s: s["mode"] == "compressed", 60, "compressed")
    seen = receiver.finish()
    assert seen["restored"] == 0, seen
    numbers_in_order(seen)


@pytest.mark.browser
@pytest.mark.parametrize("fail", ["kill", "stop", "drain"])
def test_fallback(core, media, start_server, room_on, fail, record):
    """AI Core goes in the middle of a call: VP8 takes over on the same track, in Chromium too, and back."""
    server = start_server()
    room = room_on(server)
    receiver = media("subscribe", server, room=room.name)
    sender = media("publish", server, "test", *SMALL, *aic(core), room=room.name)
    viewer = room.join("chromium", "viewer")
    sid = viewer.wait("trackSubscribed", 60, where=lambda e: e["kind"] == "video")["sid"]
    viewer.until(sid, lambda s: s["distinct"] > 20, 60, "no picture")
    eventually(lambda: viewer.call("rtcStats", sid=sid).get("mimeType") == AIC, 120, 0.05, "AV1 in Chromium")
    ssrc = viewer.call("rtcStats", sid=sid)["ssrc"]
    viewer.call("reset")
    fallbacks = sender.last["fallbacks"]
    {"kill": core.process.kill, "stop": lambda: core.process.send_signal(signal.SIGSTOP), "drain": core.terminate}[fail]()
    eventually(lambda: viewer.call("rtcStats", sid=sid).get("mimeType") == NATIVE, 60, 0.05, "VP8 in Chromium")
    viewer.until(sid, lambda s: s["distinct"] > 30, 60, "pictures go on")
    stats, limit = viewer.track(sid), at_most(600, viewer)
    sent = sender.until(lambda s: s["fallbacks"] > fallbacks, 60, "the fallback is counted")
    record(max_gap_ms=stats["maxGapMs"], reason=sent["reason"])
    assert stats["backwards"] == 0 and stats["unreadable"] == 0, stats
    assert stats["maxGapMs"] < limit, (stats, limit)
    assert viewer.call("rtcStats", sid=sid)["ssrc"] == ssrc
    if fail == "stop":
        core.process.send_signal(signal.SIGCONT)
        eventually(lambda: viewer.call("rtcStats", sid=sid).get("mimeType") == AIC, 60, 0.05, "AV1 again, by itself")
    numbers_in_order(receiver.finish())
    sender.finish()


@pytest.mark.smoke
def test_without_ai_core(media, server):
    """It is not there at all: the client's own VP8, at LiveKit's default rate, and nobody waits."""
    receiver = media("subscribe", server)
    sender = media("publish", server, "test", *SMALL, "--aic", "on", "--ai-core", "127.0.0.1:9")
    receiver.until(lambda s: s["pictures"] > 45, 60, "pictures")
    sent, seen = sender.finish(), receiver.finish()
    assert seen["codec"] == "VP8" and sent["aic_frames"] == 0 and sent["native_frames"] > 45, (sent, seen)
    numbers_in_order(seen)


def test_stock_livekit(core, media, monkeypatch, start_server, record):
    """A server that knows nothing of AIC: AV1 all the time, AI Core's or our own, and no hints."""
    program = os.path.join(ROOT, ".cache", "bench", "livekit-server")
    if not os.path.exists(program):
        pytest.skip("no LiveKit server here: bench/setup.sh livekit builds it")
    monkeypatch.setenv("AURA_SERVER_CMD", program)
    monkeypatch.setenv("AURA_SERVER_KIND", "livekit")
    server = start_server()
    receiver = media("subscribe", server)
    sender = media("publish", server, "test", *SMALL, *aic(core))
    sender.until(is_active, 120, "AI Core's frames are sent")
    receiver.until(lambda s: s["pictures"] > 60, 60, "pictures")
    core.process.kill()
    seen = receiver.last["pictures"]
    sender.until(lambda s: s["mode"] == "fallback", 60, "the fallback")
    line = receiver.until(lambda s: s["pictures"] > seen + 45, 60, "pictures go on")
    record(gap_ms=line["gap_ms_max"])
    assert line["codec"] == "AV1" and line["hints"] == "", line
    numbers_in_order(receiver.finish())
    sender.finish()


@pytest.mark.browser
def test_from_chromium(media, start_server, room_on, core):
    """Chromium publishes VP8: we receive it, and the server's derived layer with its hints."""
    server = start_server(config={"aic": {"enabled": True, "ai_core": {"address": core.address}}})
    room = room_on(server)
    browser = room.join("chromium", "browser")
    browser.call("publishVideo", width=640, height=360, fps=15, bitrate=1_000_000)
    receiver = media("subscribe", server, "--from", "browser", room=room.name)
    first = receiver.until(lambda s: s["pictures"] > 5, 60, "pictures")
    assert first["identity"] == "browser"
    line = receiver.until(lambda s: s["codec"] == "AV1" and s["mode"] == "compressed", 60, "the derived layer's hints")
    assert "ratio:" in line["hints"], line
    numbers_in_order(receiver.finish())


def test_files(media, server, tmp_path, record):
    """A file with sound, looped: VP8 and Opus of it arrive."""
    path = tmp_path / "clip.mp4"
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=322x181:rate=25:duration=2",
                    "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100:duration=2", "-pix_fmt", "yuv444p",
                    "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", str(path)], check=True, timeout=60)
    receiver = media("subscribe", server)
    sender = media("publish", server, str(path), "--loop")
    line = receiver.until(lambda s: s["pictures"] > 100 and 20 < s["fps"] < 30, 60, "more pictures than one round has")
    sent = sender.finish()
    record(kbps=sent["kbps"], fps=line["fps"])
    assert (line["width"], line["height"]) == (322, 180)
    receiver.finish()


def test_end_of_file(media, server, tmp_path):
    """Without --loop the command ends with the file, and says what it sent."""
    path = tmp_path / "clip.webm"
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=3",
                    "-c:v", "libvpx", "-deadline", "realtime", str(path)], check=True, timeout=60)
    sender = media("publish", server, str(path))
    assert sender.process.wait(60) == 0, sender.log()
    assert sender.lines()[-1]["summary"] and sender.lines()[-1]["native_frames"] > 40, sender.lines()


def test_wrong_calls(media, server):
    """What cannot work is said, with status 1 or 2."""
    def status(*words: str) -> tuple[int, str]:
        done = subprocess.run([*program(), *words], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr

    assert status("publish", "test")[0] == 2
    assert status("publish", "test", "--room", "r", "--aic", "maybe")[0] == 2
    assert status("subscribe", "--room", "r", "--nonsense")[0] == 2
    code, text = status("publish", "/nowhere.mp4", "--room", "r", "--url", server.url)
    assert code == 1 and "/nowhere.mp4" in text
    code, text = status("publish", "test", "--room", "r", "--url", server.url, "--aic", "on", "--ai-core", "192.0.2.1:50051")
    assert code == 1 and "on this machine" in text
    code, text = status("subscribe", "--token", "nonsense", "--url", server.url)
    assert code == 1 and "401" in text, text
