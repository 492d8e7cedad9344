# SPDX-License-Identifier: Apache-2.0
"""limit.publisher_kbps: who listens sends less, who does not loses what is above; the call goes on in either case."""

from __future__ import annotations

import pytest

from lib.driver import eventually
from test_aic_steered import sent_kbps
from test_whip import Gstreamer
from lib import tokens

CEILING = 300


@pytest.fixture
def narrow(start_server):
    return start_server(config={"limit": {"publisher_kbps": CEILING}})


def dropped(server) -> float:
    return server.metric("auralink_drops_total", "ceiling")


@pytest.mark.browser
@pytest.mark.parametrize("kind, simulcast", [("chromium", False), ("chromium", True), ("chromium-v0", False)])
def test_browser(start_server, narrow, room_on, record, kind, simulcast):
    """Chromium, which would send 2 Mbps, settles below; nothing has to be dropped."""

    def call(server, kbps_ok, what):
        room = room_on(server)
        sender, viewer = room.join(kind, "sender"), room.join("chromium", "viewer")
        video = sender.call("publishVideo", width=640, height=360, fps=15, noise=60, bitrate=2_000_000, simulcast=simulcast)
        video, sound = video["sid"], sender.call("publishAudio")["sid"]
        viewer.until(video, lambda s: s["distinct"] > 10, 60, "no picture")
        kbps = eventually(lambda: kbps_ok(k := sent_kbps(sender, video, 2)) and k, 60, 0.1, what)
        return sender, viewer, video, sound, kbps

    sender, viewer, video, sound, held = call(narrow, lambda k: k < CEILING * 1.2, "the rate falls")
    viewer.call("reset")
    viewer.until(video, lambda s: s["distinct"] > 20, 60, "the picture does not go on")
    viewer.until(sound, lambda s: s["loudSeconds"] > 1, 60, "the sound does not go on")
    again = [sent_kbps(sender, video, 2) for _ in range(4)]
    assert min(again) < CEILING * 1.2, again
    assert dropped(narrow) == 0 and "publisher_over_ceiling" not in narrow.tail(100_000)
    if kind == "chromium" and not simulcast:
        _, _, _, _, free = call(start_server(), lambda k: k > CEILING * 2, "the same without a ceiling")
        record(held_kbps=held, free_kbps=free)


def test_who_does_not_listen(start_server, room_on):
    """GStreamer's vp8enc sends what it was set to: video above the ceiling is dropped, sound is not, others' is not."""
    server = start_server(config={"limit": {"publisher_kbps": 150}})
    room = room_on(server)
    viewer = room.join("node", "viewer")
    other = room.join("node", "other").call("publishAudio", toneHz=700)["sid"]
    publisher = Gstreamer("whip", f"{server.http_url}/whip/v1", tokens.join("gst-in", room.name))
    try:
        viewer.wait("trackSubscribed", 60, kind="video", identity="gst-in")
        sound = viewer.wait("trackSubscribed", 60, kind="audio", identity="gst-in")["sid"]
        eventually(lambda: dropped(server) > 50, 60, 0.2, "nothing is dropped")
        line = next(row for row in server.tail(100_000).splitlines() if "publisher_over_ceiling" in row)
        assert 'participant="gst-in"' in line and "ceiling_kbps=150" in line and "limit.publisher_kbps" in line
        before = dropped(server)
        viewer.call("reset")
        for sid in (sound, other):
            heard = viewer.until(sid, lambda s: s["loudSeconds"] > 3, 60, "no sound beside it")
            assert heard["loudSeconds"] > 3
        eventually(lambda: dropped(server) > before, 60, 0.2, "it is dropped no more")
        assert server.tail(100_000).count("publisher_over_ceiling") == 1
    finally:
        publisher.process.kill()
        publisher.process.wait()
