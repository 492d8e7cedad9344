# SPDX-License-Identifier: Apache-2.0
"""A room's playout delay: what livekit-client's receiver makes of it in Chromium."""

from __future__ import annotations

import json

import pytest

from lib.driver import eventually
from test_server_api import BASE, admin, configured, post
from livekit.protocol.room import RoomConfiguration

pytestmark = [pytest.mark.browser]

URI = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
ASKED_S = 1.0  # much more than a receiver takes by itself, also on a busy machine


def buffered_s(viewer, video: str, frames: int = 20) -> float | None:
    """How long frames that came from now on wait until they are shown, on average; None = too few came."""
    first = viewer.call("rtcStats", sid=video)

    def more():
        now = viewer.call("rtcStats", sid=video)
        return now if now["jitterBufferEmittedCount"] >= first["jitterBufferEmittedCount"] + frames else None

    now = eventually(more, 60, 0.2, "frames go on")
    emitted = now["jitterBufferEmittedCount"] - first["jitterBufferEmittedCount"]
    return (now["jitterBufferDelay"] - first["jitterBufferDelay"]) / emitted


def call(room, kind: str = "chromium", **how):
    """A publisher in a room and who looks at it."""
    sender, viewer = room.join(kind, "sender", **how), room.join(kind, "viewer")
    video = sender.call("publishVideo", width=320, height=180, fps=15)["sid"]
    sound = sender.call("publishAudio")["sid"]
    viewer.until(video, lambda s: s["distinct"] > 10, 60, "no picture")
    viewer.until(sound, lambda s: s["loudSeconds"] > 0.3, 60, "no sound")
    return viewer, video


def sections(viewer) -> list[str]:
    return viewer.call("serverSdp").split("\r\nm=")[1:]


@pytest.mark.parametrize("kind", ["chromium", "chromium-v0"])
def test_created(server, room, room_on, record, kind):
    """CreateRoom's min_playout_delay, beside a room without: one shows at least so late, the other does not."""
    body = json.dumps({"name": room.name, "min_playout_delay": int(ASKED_S * 1000)}).encode()
    assert post(server, BASE + "CreateRoom", body, admin(room.name))[0] == 200
    viewer, video = call(room, kind)
    late = eventually(lambda: (d := buffered_s(viewer, video)) >= ASKED_S * 0.95 and d, 90, 0.1, "shown as late as asked")
    assert any(URI in s for s in sections(viewer))
    assert not [s for s in sections(viewer) if URI in s and not s.startswith("video")]
    room.close()
    viewer, video = call(room_on(server), kind)
    plain = eventually(lambda: (d := buffered_s(viewer, video)) < ASKED_S * 0.6 and d, 90, 0.1, "shown when it comes")
    assert not any(URI in s for s in sections(viewer))
    record(late_s=late, plain_s=plain)


def test_ways_to_ask(start_server, room_on):
    """By the configuration for all rooms, by a token's roomConfig for one; the room's own wish counts more."""
    server = start_server(config={"room": {"playout_delay": {"enabled": True, "min": int(ASKED_S * 1000), "max": 2000}}})
    viewer, video = call(room_on(server))
    eventually(lambda: buffered_s(viewer, video) >= ASKED_S * 0.95, 90, 0.1, "as the configuration says")
    room = room_on(server, "its-own")
    wish = RoomConfiguration(min_playout_delay=1, max_playout_delay=int(ASKED_S * 300))
    viewer, video = call(room, token=configured("sender", room.name, wish))
    eventually(lambda: buffered_s(viewer, video) < ASKED_S * 0.6, 90, 0.1, "as the room says")
    assert any(URI in s for s in sections(viewer))
