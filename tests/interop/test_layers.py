# SPDX-License-Identifier: Apache-2.0
"""Which layers and codecs flow: dynacast, quality settings, SVC, backup codecs, a change of codec."""

from __future__ import annotations

import time

import pytest

from lib.driver import at_most, eventually, late_ms

LOW, HIGH = 0, 2

pytestmark = pytest.mark.browser


def bytes_of(client, sid) -> dict[str, int]:
    return {layer["rid"]: layer["bytes"] for layer in client.call("sentLayers", sid=sid)}


def flowing(client, sid, seconds=0.7) -> set[str]:
    """The layers that are really sent now."""
    before = bytes_of(client, sid)
    time.sleep(seconds)
    after = bytes_of(client, sid)
    return {rid for rid, count in after.items() if count > before.get(rid, 0)}


def lines(client, sid) -> int:
    return client.call("rtcStats", sid=sid).get("frameHeight", 0)


def test_dynacast(room, record):
    """Layers that nobody takes are not sent; once somebody does they come within a second or so."""
    sender = room.join("chromium", "sender", dynacast=True)
    video = sender.call("publishVideo", width=640, height=360, fps=15, simulcast=True, bitrate=600_000)["sid"]
    viewer = room.join("chromium", "viewer")
    viewer.until(video, lambda s: s["distinct"] > 10, 60, "no picture")
    everything = eventually(lambda: len(f := flowing(sender, video)) > 1 and f, 60, 0.1, "several layers are sent")
    viewer.call("setQuality", sid=video, quality=LOW)
    eventually(lambda: flowing(sender, video) == {"q"}, 60, 0.1, "only the low layer is sent")
    assert eventually(lambda: 0 < lines(viewer, video) < 360, 60, 0.1, "the viewer gets the low layer")
    start = time.monotonic()
    flowing(sender, video, 0.2)
    look_s = time.monotonic() - start - 0.2  # what it takes to ask, on this machine
    assert viewer.track(video)["backwards"] == 0
    viewer.call("reset")
    start = time.monotonic()
    viewer.call("setQuality", sid=video, quality=HIGH)
    eventually(lambda: len(flowing(sender, video, 0.2)) > 1, 60, 0.02, "the higher layers are sent again")
    sent_s = time.monotonic() - start
    eventually(lambda: lines(viewer, video) == 360, 60, 0.05, "the viewer sees all lines again")
    seen_s = time.monotonic() - start
    stats = viewer.track(video)
    record(layers=str(everything), sent_again_s=sent_s, seen_again_s=seen_s, max_gap_ms=stats["maxGapMs"])
    assert sent_s < 2 + 10 * look_s + 3 * late_ms(viewer, sender) / 1000, "an encoder was told late"
    assert stats["backwards"] == 0


def test_nobody_watches(room):
    """Without a viewer nothing is sent at all, and the next viewer has a picture at once."""
    sender = room.join("chromium", "sender", dynacast=True)
    video = sender.call("publishVideo", width=640, height=360, fps=15, simulcast=True, bitrate=600_000)["sid"]
    eventually(lambda: not flowing(sender, video), 60, 0.1, "nothing is sent")
    viewer = room.join("chromium", "viewer")
    viewer.until(video, lambda s: s["distinct"] > 5, 60, "no picture after the pause")


@pytest.mark.parametrize("codec,mode", [("vp9", "L3T3_KEY"), ("vp9", "L3T3"), ("av1", "L2T2")])
def test_svc(room, codec, mode, record):
    """Spatial layers inside one stream: fewer or more of them on wish, without a damaged picture."""
    sender = room.join("chromium", "sender")
    video = sender.call("publishVideo", width=640, height=360, fps=15, codec=codec, scalabilityMode=mode)["sid"]
    viewer = room.join("chromium", "viewer")
    viewer.until(video, lambda s: s["distinct"] > 10, 60, "no picture")
    eventually(lambda: lines(viewer, video) == 360, 60, 0.1, "all layers")
    viewer.call("reset")
    viewer.call("setQuality", sid=video, quality=LOW)
    eventually(lambda: 0 < lines(viewer, video) < 360, 60, 0.1, "fewer lines")
    low = lines(viewer, video)
    viewer.call("setQuality", sid=video, quality=HIGH)
    eventually(lambda: lines(viewer, video) == 360, 60, 0.1, "all lines again")
    stats = viewer.track(video)
    record(low=low, max_gap_ms=stats["maxGapMs"], unreadable=stats["unreadable"])
    assert stats["backwards"] == 0 and stats["unreadable"] == 0, stats
    assert stats["maxGapMs"] < at_most(1000, viewer), stats


def test_backup_codec(room, record):
    """A viewer that cannot decode the main codec makes the publisher send the backup, for him alone."""
    sender = room.join("chromium", "sender")
    video = sender.call("publishVideo", width=640, height=360, fps=15, codec="vp9", backupCodec={"codec": "vp8"})["sid"]
    viewer = room.join("chromium", "viewer")
    viewer.until(video, lambda s: s["distinct"] > 10, 60, "no picture in the main codec")
    assert {layer["mimeType"] for layer in sender.call("sentLayers", sid=video)} == {"video/VP9"}
    start = time.monotonic()
    old = room.join("chromium", "old", receiveWithout=["video/VP9", "video/AV1"])
    old.until(video, lambda s: s["distinct"] > 10, 60, "no picture in the backup codec")
    record(seconds=time.monotonic() - start)
    assert old.call("rtcStats", sid=video)["mimeType"] == "video/VP8"
    assert viewer.call("rtcStats", sid=video)["mimeType"] == "video/VP9"


def test_codec_changes_in_a_stream(room, record):
    """The publisher changes the payload type on its SSRC: viewers go on at a key frame, without a freeze."""
    sender = room.join("chromium", "sender")
    video = sender.call("publishVideo", width=640, height=360, fps=15)["sid"]
    viewer = room.join("chromium", "viewer")
    viewer.until(video, lambda s: s["distinct"] > 20, 60, "no picture")
    first = viewer.call("rtcStats", sid=video)
    viewer.call("reset")
    for codec in ("video/H264", "video/VP9", "video/VP8"):
        sender.call("switchCodec", sid=video, codec=codec)
        eventually(lambda codec=codec: viewer.call("rtcStats", sid=video).get("mimeType") == codec, 60, 0.1, codec)
        seen = viewer.track(video)["distinct"]
        viewer.until(video, lambda s, seen=seen: s["distinct"] > seen + 15, 60, f"pictures in {codec}")
    last, stats = viewer.call("rtcStats", sid=video), viewer.track(video)
    record(max_gap_ms=stats["maxGapMs"], freeze_s=last.get("totalFreezesDuration", 0) - first.get("totalFreezesDuration", 0))
    assert last["ssrc"] == first["ssrc"]
    assert stats["maxGapMs"] < at_most(700, viewer), stats
    assert stats["backwards"] == 0 and stats["unreadable"] == 0, stats
