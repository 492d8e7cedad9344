# SPDX-License-Identifier: Apache-2.0
"""Two clients see, hear and message each other."""

from __future__ import annotations

import itertools
import time

import pytest

from lib.driver import PATIENCE_S, eventually
from lib.netem import Forwarder


def exchange(sender, receiver, *, topic="t"):
    """Reliable, lossy, text stream, byte stream and RPC from sender to receiver."""
    for reliable in (True, False):
        text = f"hello {reliable}"

        def sent_and_seen(reliable=reliable, text=text):
            # A lossy packet may be lost by definition: it is sent again, where a reliable one is only waited for.
            sender.call("sendData", text=text, reliable=reliable, topic=topic)
            try:
                return receiver.wait("dataReceived", PATIENCE_S if reliable else 3, text=text, identity=sender.identity)
            except AssertionError:
                if reliable:
                    raise
                return None

        packet = sent_and_seen() if reliable else eventually(sent_and_seen, what="lossy data arrives")
        assert packet["topic"] == topic
        assert packet["reliable"] == reliable, packet
    sender.call("sendText", text="a line of text äöü €")
    assert receiver.wait("textStream", identity=sender.identity)["text"] == "a line of text äöü €"
    answer = sender.call("sendBytes", size=100_000)
    blob = receiver.wait("byteStream", identity=sender.identity)
    assert (blob["size"], blob["sum"]) == (100_000, answer["sum"])
    receiver.call("registerRpc", method="greet")
    assert sender.call("rpc", to=receiver.identity, method="greet", payload="joe") == "greet:joe"


def pictures(client, way: str) -> int:
    """Pictures that WebRTC has sent or put together."""
    return sum(client.call("frameCounts")[way].values())


@pytest.mark.smoke
def test_node_pair_20s(room, server, record):
    """More than 95 % of the frames in 20 s, at the right size, and data both ways."""
    alice = room.join("node", "alice")
    bob = room.join("node", "bob")
    alice.wait("participantConnected", identity="bob")
    video = alice.call("publishVideo", width=640, height=360, fps=25)["sid"]
    audio = alice.call("publishAudio", toneHz=440)["sid"]
    bob.until(video, lambda s: s["distinct"] >= 5 and s["lastSize"] == "640x360", 60, "no full-size frames")
    bob.until(audio, lambda s: s["loudSeconds"] > 0.3, 60, "no sound")
    bob.call("reset")
    # What was sent is counted within the time for which arrivals are. A busy encoder leaves pictures out.
    arrived, sent = pictures(bob, "received"), pictures(alice, "sent")
    exchange(alice, bob)
    exchange(bob, alice)
    time.sleep(20)  # the measured time itself
    sent, arrived = pictures(alice, "sent") - sent, pictures(bob, "received") - arrived
    seen, heard = bob.track(video), bob.track(audio)
    share = arrived / sent
    record(frames_share=share, sent=sent, max_gap_ms=seen["maxGapMs"], tone_hz=heard["toneHz"],
           audio_silent_ms=heard["maxSilentMs"], rss_kib=server.rss_kib())
    assert share > 0.95 and seen["distinct"] > 0.5 * sent > 0, (arrived, sent, seen)
    assert set(seen["sizes"]) == {"640x360"}, seen["sizes"]
    assert seen["backwards"] == 0
    assert abs(heard["toneHz"] - 440) < 25, heard
    assert heard["loudSeconds"] > 0.9 * heard["seconds"] > 9, heard
    alice.disconnect()
    bob.wait("participantDisconnected", identity="alice")


CLIENTS = ["node", "python", pytest.param("chromium", marks=pytest.mark.browser),
           pytest.param("chromium-v0", marks=pytest.mark.browser)]


PAIRS = [pytest.param(*[getattr(k, "values", (k,))[0] for k in pair], marks=[m for k in pair for m in getattr(k, "marks", ())])
         for pair in itertools.product(CLIENTS, CLIENTS)]
PAIRS += [("python-v0", "node"), ("node", "python-v0")]


@pytest.mark.parametrize(("publisher", "subscriber"), PAIRS)
def test_combination(room, publisher, subscriber, record):
    """Video, sound and data from each kind of client to each, and data back."""
    receiver = room.join(subscriber, "receiver")
    sender = room.join(publisher, "sender")
    receiver.wait("participantConnected", identity="sender")
    video = sender.call("publishVideo", width=640, height=360, fps=20)["sid"]
    audio = sender.call("publishAudio", toneHz=600)["sid"]
    seen = receiver.until(video, lambda s: s["distinct"] >= 40 and s["lastSize"] == "640x360", 60, "too few frames")
    heard = receiver.until(audio, lambda s: s["loudSeconds"] > 1, 60, "no sound")
    assert seen["backwards"] == 0
    assert abs(heard["toneHz"] - 600) < 40, heard
    exchange(sender, receiver)
    exchange(receiver, sender)
    record(frames=seen["frames"], max_gap_ms=seen["maxGapMs"], unreadable=seen["unreadable"])
    sender.disconnect()
    receiver.wait("participantDisconnected", identity="sender")


@pytest.mark.parametrize("kind", ["node", pytest.param("chromium", marks=pytest.mark.browser)])
def test_over_tcp(room, server, kind):
    """Clients that UDP does not reach: they learn of the ICE-TCP candidate only."""
    network = Forwarder(("127.0.0.1", server.udp_port), signal_target=server.url, only_tcp=True)
    try:
        receiver = room.join(kind, "receiver", url=network.ws_url, timeout=60)
        sender = room.join("node", "sender", url=network.ws_url, timeout=60)
        video = sender.call("publishVideo", width=640, height=360, fps=20)["sid"]
        audio = sender.call("publishAudio", toneHz=600)["sid"]
        receiver.until(video, lambda s: s["distinct"] > 40, 60, "no picture over TCP")
        receiver.until(audio, lambda s: s["loudSeconds"] > 1, 60, "no sound over TCP")
        assert network.up.seen == 0, "UDP was used"
    finally:
        network.close()
