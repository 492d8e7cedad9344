# SPDX-License-Identifier: Apache-2.0
"""Firefox publishes and subscribes, in a network namespace of its own (it gathers no loopback candidates)."""

from __future__ import annotations

import pytest

from conftest import Room
from lib.driver import eventually
from lib.server import Server
from test_pair import exchange

pytestmark = [pytest.mark.firefox, pytest.mark.browser]


@pytest.fixture(scope="module")
def far(firefox):
    """The server on the near side of a veth pair; Firefox is on the other."""
    server = Server(node_ip=firefox.outside, bind=firefox.outside)
    yield server
    server.stop()
    server.cleanup()


@pytest.fixture
def far_room(request, drivers, far):
    holder = Room(drivers, far, request.node.name[:60])
    yield holder
    holder.close()


@pytest.mark.parametrize("kind", ["firefox", "firefox-v0"])
def test_subscribes(far_room, record, kind):
    """VP8 and RED audio from rtc-node; Firefox takes plain Opus only."""
    receiver = far_room.join(kind, "receiver", timeout=60)
    sender = far_room.join("node", "sender")
    video = sender.call("publishVideo", width=640, height=360, fps=15)["sid"]
    audio = sender.call("publishAudio", toneHz=600)["sid"]
    seen = receiver.until(video, lambda s: s["distinct"] > 30, 60, "no picture")
    # Without a sound card WebAudio does not run in Firefox: its own statistics tell of the sound.
    receiver.until(audio, lambda s: s["loudSeconds"] > 1, 60, "no sound")
    record(max_gap_ms=seen["maxGapMs"], size=seen["lastSize"])
    assert seen["backwards"] == 0


@pytest.mark.parametrize("kind", ["firefox", "firefox-v0"])
def test_publishes(far_room, record, kind):
    receiver = far_room.join("node", "receiver")
    sender = far_room.join(kind, "sender", timeout=60)
    receiver.wait("participantConnected", identity="sender")
    video = sender.call("publishVideo", width=640, height=360, fps=15, timeout=60)["sid"]
    audio = sender.call("publishAudio", timeout=60)["sid"]  # the tone of Firefox's fake microphone
    seen = receiver.until(video, lambda s: s["distinct"] > 30, 60, "no picture")
    heard = receiver.until(audio, lambda s: s["loudSeconds"] > 1, 60, "no sound")
    record(max_gap_ms=seen["maxGapMs"], size=seen["lastSize"], tone_hz=heard["toneHz"])
    assert seen["backwards"] == 0


def test_data(far_room):
    sender = far_room.join("firefox", "sender", timeout=60)
    receiver = far_room.join("node", "receiver")
    sender.wait("participantConnected", identity="receiver")
    eventually(lambda: "sender" in receiver.call("participants"), what="the receiver knows the sender")
    exchange(sender, receiver)
    exchange(receiver, sender)
