# SPDX-License-Identifier: Apache-2.0
"""Calls over a bad network: video recovers by NACK and RTX, sound plays on."""

from __future__ import annotations

import time

import pytest

from lib.driver import at_most
from lib.netem import Forwarder, Impairment

MEASURE_S = 12

NETWORKS = {
    "loss1": Impairment(delay_ms=15, loss=0.01),
    "loss5": Impairment(delay_ms=15, loss=0.05),
    "jitter50_reorder": Impairment(delay_ms=20, jitter_ms=50, reorder=0.02),
}


def pictures(client, way: str) -> int:
    """Pictures that WebRTC has sent or put together."""
    return sum(client.call("frameCounts")[way].values())


def impaired(server, up=None, down=None):
    return Forwarder(("127.0.0.1", server.udp_port), up, down, signal_target=server.url)


@pytest.mark.parametrize("bad_side", ["publisher", "subscriber"])
@pytest.mark.parametrize("network", NETWORKS)
def test_node_through(room, server, record, network, bad_side):
    """One side is behind the bad network, in both directions; no freeze over 1 s."""
    rule = NETWORKS[network]
    forwarder = impaired(server)
    try:
        urls = {bad_side: forwarder.ws_url}
        receiver = room.join("node", "receiver", url=urls.get("subscriber"))
        sender = room.join("node", "sender", url=urls.get("publisher"))
        video = sender.call("publishVideo", width=640, height=360, fps=20, bitrate=600_000)["sid"]
        audio = sender.call("publishAudio", toneHz=500)["sid"]
        receiver.until(video, lambda s: s["distinct"] >= 20, 60, "no video before the impairment")
        receiver.until(audio, lambda s: s["loudSeconds"] > 0.5, 60, "no sound before the impairment")
        forwarder.impair(rule, Impairment(**{**rule.__dict__, "seed": 2}))
        # A jitter buffer may need its first second to grow.
        time.sleep(2)
        receiver.call("reset")
        # What was sent is counted within the time for which arrivals are. A busy encoder or decoder leaves pictures out.
        arrived, sent = pictures(receiver, "received"), pictures(sender, "sent")
        time.sleep(MEASURE_S)
        sent, arrived = pictures(sender, "sent") - sent, pictures(receiver, "received") - arrived
        seen, heard = receiver.track(video), receiver.track(audio)
        share = arrived / sent
        lost = forwarder.up.lost + forwarder.down.lost
        record(frames_share=share, max_gap_ms=seen["maxGapMs"], unreadable=seen["unreadable"],
               heard_s=heard["loudSeconds"], silent_ms=heard["maxSilentMs"], packets_lost=lost)
        if rule.loss:
            assert lost > 5, "the forwarder lost nothing: the test would prove nothing"
        assert seen["maxGapMs"] < at_most(1000, receiver, sender), seen
        assert share > 0.85, (arrived, sent, seen)
        assert seen["unreadable"] == 0, "a damaged picture was shown"
        assert heard["loudSeconds"] > MEASURE_S * 0.9, heard
        assert heard["maxSilentMs"] < at_most(300, receiver, sender), heard
    finally:
        forwarder.close()


@pytest.mark.browser
def test_chromium_repairs_with_rtx(room, server, record):
    """A browser that loses 5 % of the packets gets them again: it sends NACKs, and hardly a frame misses."""
    forwarder = impaired(server)
    try:
        receiver = room.join("chromium", "receiver", url=forwarder.ws_url)
        sender = room.join("node", "sender")
        video = sender.call("publishVideo", width=640, height=360, fps=20, bitrate=600_000)["sid"]
        receiver.until(video, lambda s: s["distinct"] >= 20, 60, "no video before the impairment")
        before = receiver.call("rtcStats", sid=video)
        sent = pictures(sender, "sent")
        forwarder.impair(None, Impairment(delay_ms=15, loss=0.05))
        receiver.call("reset")
        time.sleep(MEASURE_S)
        sent = pictures(sender, "sent") - sent
        after = receiver.call("rtcStats", sid=video)
        nacks = after["nackCount"] - before["nackCount"]
        repaired = after.get("retransmittedPacketsReceived", 0) - before.get("retransmittedPacketsReceived", 0)
        freezes = after.get("totalFreezesDuration", 0) - before.get("totalFreezesDuration", 0)
        decoded = after["framesDecoded"] - before["framesDecoded"]
        record(nacks=nacks, retransmitted=repaired, freeze_s=freezes, decoded=decoded)
        assert nacks > 0
        assert repaired > 0.4 * nacks, "NACKs go unanswered"
        put_together = after["framesReceived"] - before["framesReceived"]
        assert put_together > sent * 0.85 > 0, (put_together, sent)
        assert decoded > put_together * 0.85, "what was repaired cannot be decoded"
        assert freezes * 1000 < at_most(1000, receiver, sender)
    finally:
        forwarder.close()
