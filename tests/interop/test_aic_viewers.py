# SPDX-License-Identifier: Apache-2.0
"""AIC in clients other than Chromium: Firefox, rtc-node and Python get AI Core's AV1 and lose nothing when it goes."""

from __future__ import annotations

import pytest

from conftest import Room
from lib.aicore import SANITIZED, AICore
from lib.driver import eventually, late_ms
from lib.server import Server
from test_aic import AIC, NATIVE, goes_to
from test_seeing import top

SMALL = {"width": 640, "height": 360, "fps": 15}


@pytest.fixture
def core():
    core = AICore("--without", ("governor," if SANITIZED else "") + "faces,person,steady,quantizer")
    yield core
    core.stop()


@pytest.fixture
def far_room(request, drivers, firefox, core):
    """A room for Firefox and others; AI Core is on the server's side."""
    server = Server(node_ip=firefox.outside, bind=firefox.outside,
                    config={"aic": {"enabled": True, "ai_core": {"address": core.address}}})
    holder = Room(drivers, server, request.node.name[:60])
    yield holder
    holder.close()
    status = server.stop()
    tail = server.tail()
    server.cleanup()
    assert status == 0, tail


@pytest.mark.firefox
@pytest.mark.browser
@pytest.mark.parametrize("kind", ["firefox", "firefox-v0"])
def test_firefox(far_room, core, record, kind):
    """Firefox follows the payload type to AV1, and back when AI Core is killed, on one SSRC and without a freeze."""
    viewer = far_room.join(kind, "viewer", timeout=60)
    sender = far_room.join("node", "sender")
    video = sender.call("publishVideo", bitrate=1_000_000, **SMALL)["sid"]
    viewer.until(video, lambda s: s["distinct"] > 10, 60, "no picture")
    first = viewer.call("rtcStats", sid=video)
    viewer.call("reset")
    goes_to(viewer, video, AIC)
    viewer.until(video, lambda s: s["distinct"] > 30, 60, "no picture in AV1")
    goes_to(viewer, video, AIC)  # a busy machine may bring a fallback any time
    forth, late = viewer.track(video), late_ms(viewer, sender)
    viewer.call("reset")
    core.process.kill()
    back_s = goes_to(viewer, video, NATIVE, 60)
    viewer.until(video, lambda s: s["distinct"] > 30, 60, "pictures go on")
    back, last = viewer.track(video), viewer.call("rtcStats", sid=video)
    late = max(late, late_ms(viewer, sender))
    record(forth_gap_ms=forth["maxGapMs"], back_gap_ms=back["maxGapMs"], back_s=back_s)
    assert last["ssrc"] == first["ssrc"]
    for seen in (forth, back):
        assert seen["backwards"] == 0 and seen["unreadable"] == 0 and seen["maxGapMs"] < 600 + 3 * late, (seen, late)
    # Not every Firefox counts them; that a picture is 150 ms late is no fault where everything is late.
    assert last.get("freezeCount", 0) == first.get("freezeCount", 0) or late > 50, (first, last, late)


@pytest.mark.parametrize("kind", ["node", "python"])
def test_native_sdk(core, start_server, room_on, record, kind):
    """libwebrtc without a browser: rtc-node and the Python SDK."""
    server = start_server(config={"aic": {"enabled": True, "ai_core": {"address": core.address}}})
    room = room_on(server)
    sender = room.join("node", "sender")
    video = sender.call("publishVideo", bitrate=1_000_000, **SMALL)["sid"]
    viewer = room.join(kind, "viewer")
    viewer.until(video, lambda s: s["distinct"] > 10, 60, "no picture")

    def compressed() -> bool:
        return any(t["state"] == "active" and t["viewers"] == 1 for t in top(server))

    eventually(compressed, 150, 0.1, "the viewer gets AI Core's frames")
    viewer.call("reset")
    viewer.until(video, lambda s: s["distinct"] > 30, 60, "no picture in AV1")
    eventually(compressed, 150, 0.1, "the viewer gets AI Core's frames")  # a busy machine may bring a fallback any time
    forth, late = viewer.track(video), late_ms(viewer, sender)
    viewer.call("reset")
    core.process.kill()
    eventually(lambda: not compressed(), 60, 0.05, "the fallback")
    viewer.until(video, lambda s: s["distinct"] > 30, 60, "pictures go on")
    back = viewer.track(video)
    late = max(late, late_ms(viewer, sender))
    record(aic_gap_ms=forth["maxGapMs"], back_gap_ms=back["maxGapMs"])
    for seen in (forth, back):
        assert seen["backwards"] == 0 and seen["unreadable"] == 0 and seen["maxGapMs"] < 600 + 3 * late, (seen, late)
