# SPDX-License-Identifier: Apache-2.0
"""WHIP (RFC 9725) and WHEP between standard tools and unmodified LiveKit clients."""

from __future__ import annotations

import re

import pytest

from lib import tokens
from lib.driver import eventually
from lib.whip import Player, Publisher, http


@pytest.fixture
def sessions():
    """Sessions to be closed when the test ends."""
    held = []
    yield held
    for session in held:
        session.close()


@pytest.fixture
def publish(server, room, sessions):
    def begin(identity: str, **options) -> Publisher:
        publisher = Publisher(f"{server.http_url}/whip/v1", tokens.join(identity, room.name), **options)
        sessions.append(publisher)
        return publisher.open()

    return begin


@pytest.fixture
def play(server, room, sessions):
    def begin(identity: str, query: str = "") -> Player:
        player = Player(f"{server.http_url}/whep/v1{query}", tokens.join(identity, room.name))
        sessions.append(player)
        return player.open()

    return begin


def sids(client, kind: str) -> list[str]:
    return [e["sid"] for e in client.events("trackSubscribed") if e["kind"] == kind]


def test_whip_to_livekit_client(room, publish):
    """aiortc publishes by WHIP; rtc-node sees and hears it, and sees it go on DELETE."""
    viewer = room.join("node", "viewer")
    publisher = publish("encoder")
    video = viewer.wait("trackSubscribed", 20, kind="video")
    audio = viewer.wait("trackSubscribed", 20, kind="audio")
    assert video["identity"] == audio["identity"] == "encoder"
    viewer.until(video["sid"], lambda s: s["distinct"] > 15, 30, "no picture by WHIP")
    viewer.until(audio["sid"], lambda s: s["loudSeconds"] > 0.5, 30, "no sound by WHIP")
    assert publisher.delete() == 200
    viewer.wait("participantDisconnected", 10, identity="encoder")
    assert publisher.delete() == 404


def test_whep_from_livekit_client(room, play):
    """rtc-node publishes; aiortc plays it by WHEP, and goes on when the publisher comes back."""
    player = play("watcher")
    assert player.kinds == ["audio", "video"]  # negotiated before there is anything to see
    first = room.join("node", "first")
    first.call("publishVideo", width=320, height=240, fps=15)
    first.call("publishAudio", toneHz=600)
    eventually(lambda: len(player.video.counters) > 15, 30, 0.1, "no picture by WHEP")
    eventually(lambda: player.audio.loud_seconds > 0.5, 30, 0.1, "no sound by WHEP")
    first.disconnect()
    player.video.reset()
    second = room.join("node", "second")
    second.call("publishVideo", width=480, height=360, fps=15)
    eventually(lambda: len(player.video.counters) > 15, 30, 0.1, "no picture of the second publisher")
    print(player.video.summary(0))
    assert player.delete() == 200
