# SPDX-License-Identifier: Apache-2.0
"""AIC without compression: publishers steered to AV1, and held by REMB at the rate that AI Core recommends."""

from __future__ import annotations

import time

import pytest

from lib.aicore import AICore
from lib.driver import eventually

pytestmark = [pytest.mark.browser]


@pytest.fixture
def core():
    """Without its model AI Core recommends what the picture's size says: the same in every run."""
    core = AICore("--without", "governor")
    yield core
    core.stop()


@pytest.fixture
def light_core():
    """Without any model: the machine has two browsers to carry."""
    core = AICore("--without", "governor,faces,person")
    yield core
    core.stop()


def server_with(start_server, core, **aic):
    return start_server(config={"aic": {"enabled": True, "ai_core": {"address": core.address}, **aic}})


def sent_kbps(sender, video, seconds: float = 1) -> float:
    """What the publisher sends in all layers of all codecs."""

    def total():
        return sum(layer.get("bytes") or 0 for layer in sender.call("sentLayers", sid=video))

    first, start = total(), time.monotonic()
    time.sleep(seconds)
    return (total() - first) * 8 / 1000 / (time.monotonic() - start)


@pytest.mark.parametrize("mode", [None, "L1T3"], ids=["L3T3_KEY", "L1T3"])
def test_steered(core, start_server, room_on, record, mode):
    """An unmodified client publishes AV1 because the server lists it first and VP8 not at all.

    With the client's default, three spatial layers, and with one as an application may ask for."""
    server = server_with(start_server, core, steer=True)
    room = room_on(server)
    sender = room.join("chromium", "sender")
    own = {"scalabilityMode": mode} if mode else {}
    video = sender.call("publishVideo", width=1280, height=720, fps=15, noise=25, bitrate=1_700_000, **own)["sid"]
    viewer = room.join("chromium", "viewer")
    viewer.until(video, lambda s: s["distinct"] > 10, 60, "no picture")
    assert viewer.call("rtcStats", sid=video)["mimeType"] == "video/AV1"
    eventually(lambda: "AIC Governed!" in server.tail(100_000), 60, what="the governor takes hold")
    eventually(lambda: viewer.call("rtcStats", sid=video).get("frameHeight") == 720, 60, what="all lines, governed")
    time.sleep(8)
    governed = sent_kbps(sender, video, 4)
    # Chromium takes lines away for a while when the machine is busy.
    eventually(lambda: viewer.call("rtcStats", sid=video).get("frameHeight") == 720, 60, what="all lines, still")
    core.process.kill()
    free = eventually(lambda: (k := sent_kbps(sender, video)) > governed * 1.5 and k, 60, what="the ceiling is gone")
    record(governed_kbps=governed, free_kbps=free)
    assert governed < 1_000


def test_steered_backup(core, start_server, room_on, record):
    """A viewer that cannot decode AV1 gets VP8, which the steered publisher sends for it besides."""
    room = room_on(server_with(start_server, core, steer=True))
    sender = room.join("chromium", "sender")
    video = sender.call("publishVideo", width=640, height=360, fps=15)["sid"]
    viewer = room.join("chromium", "viewer")
    viewer.until(video, lambda s: s["distinct"] > 10, 60, "no picture in AV1")
    start = time.monotonic()
    old = room.join("chromium", "old", receiveWithout=["video/AV1"])
    old.until(video, lambda s: s["distinct"] > 10, 60, "no picture for who cannot decode AV1")
    record(seconds=time.monotonic() - start)
    assert old.call("rtcStats", sid=video)["mimeType"] == "video/VP8"
    assert viewer.call("rtcStats", sid=video)["mimeType"] == "video/AV1"


def test_not_steered(core, start_server, room_on):
    """Who cannot encode AV1 (rtc-node), and who opted out, publishes as ever."""
    room = room_on(server_with(start_server, core, steer=True))
    node = room.join("node", "node")
    out = room.join("chromium", "out", grants={"attributes": {"auralink.aic": "off"}})
    videos = [c.call("publishVideo", width=640, height=360, fps=15)["sid"] for c in (node, out)]
    viewer = room.join("chromium", "viewer", grants={"attributes": {"auralink.aic": "off"}})
    for video in videos:
        viewer.until(video, lambda s: s["distinct"] > 10, 60, "no picture")
        assert viewer.call("rtcStats", sid=video)["mimeType"] == "video/VP8"


def test_native_sdk(light_core, start_server, room_on):
    """rtc-node is not steered: its VP8 is compressed by the server, and stays VP8 for who cannot decode AV1."""
    server = server_with(start_server, light_core, steer=True)
    room = room_on(server)
    video = room.join("node", "sender").call("publishVideo", width=640, height=360, fps=15, bitrate=800_000)["sid"]
    viewer = room.join("chromium", "viewer")
    old = room.join("chromium", "old", receiveWithout=["video/AV1"])
    for one in (viewer, old):
        one.until(video, lambda s: s["distinct"] > 10, 60, "no picture")
    eventually(lambda: viewer.call("rtcStats", sid=video)["mimeType"] == "video/AV1", 60, 0.1, "compressed by the server")
    old.call("reset")
    old.until(video, lambda s: s["distinct"] > 15, 60, "pictures for who cannot decode AV1")
    assert old.call("rtcStats", sid=video)["mimeType"] == "video/VP8"


def test_governor(core, start_server, room_on, record):
    """Only advice: Chromium's VP8 falls to what AI Core recommends within a second or so, and comes back without it."""
    server = server_with(start_server, core, mode="governor")
    room = room_on(server)
    sender = room.join("chromium", "sender")
    video = sender.call("publishVideo", width=640, height=360, fps=15, noise=60, bitrate=1_500_000)["sid"]
    viewer = room.join("chromium", "viewer")
    viewer.until(video, lambda s: s["distinct"] > 10, 60, "no picture")
    before = sent_kbps(sender, video)
    eventually(lambda: "AIC Governed!" in server.tail(100_000), 60, 0.02, "the governor takes hold")
    start = time.monotonic()
    cap = int(server.tail(100_000).split("cap_kbps=")[1].split()[0])
    eventually(lambda: sent_kbps(sender, video, 0.3) < cap * 1.35, 60, 0.01, "the rate falls to the cap")
    falls_s = time.monotonic() - start
    governed = sent_kbps(sender, video, 3)
    assert "AIC Compressed!" not in server.tail(100_000)
    core.process.kill()
    start = time.monotonic()
    eventually(lambda: sent_kbps(sender, video, 0.5) > governed * 2, 60, 0.01, "the rate comes back")
    record(before_kbps=before, cap_kbps=cap, governed_kbps=governed, falls_s=falls_s, back_s=time.monotonic() - start)
    stats = viewer.track(video)
    assert stats["backwards"] == 0, stats
