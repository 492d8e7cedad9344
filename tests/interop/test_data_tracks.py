# SPDX-License-Identifier: Apache-2.0
"""Data tracks between real SDKs: frames of one packet and of many, from whoever publishes to whoever asks.

rtc-node 1.1 has no data tracks in its API. Frames are sent without pause; packets may be lost, so what is
looked at is that many arrive and that none is wrong.
"""

from __future__ import annotations

import pytest

from lib.driver import eventually
from test_api import PythonApi

BROWSER = pytest.mark.browser
KINDS = ["python", pytest.param("chromium", marks=BROWSER), pytest.param("chromium-v0", marks=BROWSER)]


def arrive(client, sid, more: int = 20) -> None:
    """That many frames more than by now."""
    before = client.call("dataFrames", sid=sid)["good"]
    eventually(lambda: client.call("dataFrames", sid=sid)["good"] >= before + more, 30, what=f"{more} frames of {sid}")
    assert client.call("dataFrames", sid=sid)["bad"] == 0


def published(publisher, watcher, name: str, size: int) -> str:
    sid = publisher.call("publishDataTrack", name=name, size=size)["sid"]
    assert sid.startswith("DTR_")
    watcher.wait("dataTrackPublished", sid=sid, name=name, identity=publisher.identity)
    return sid


@pytest.mark.parametrize("receiver", KINDS)
@pytest.mark.parametrize("sender", KINDS)
def test_frames(room, sender, receiver):
    """Two tracks at once; then one is given up, and one ends."""
    alice = room.join(sender, "alice")
    bob = room.join(receiver, "bob")
    small, large = published(alice, bob, "small", 100), published(alice, bob, "large", 40_000)
    for sid in (small, large):
        bob.call("subscribeDataTrack", sid=sid)
    for sid in (small, large):
        arrive(bob, sid)
    bob.call("unsubscribeDataTrack", sid=small)
    alice.call("unpublishDataTrack", sid=large)
    bob.wait("dataTrackUnpublished", sid=large)
    bob.wait("dataTrackEnded", sid=large)
    bob.call("subscribeDataTrack", sid=small)
    arrive(bob, small)


def test_many(room, server):
    """Some were there before the track and some come later; each gets it, and the API tells of it."""
    early = [room.join("python", f"early{i}") for i in range(2)]
    alice = room.join("python", "alice")
    sid = published(alice, early[0], "sensor", 2000)
    late = room.join("python", "late")
    for one in (*early, late):
        one.wait("dataTrackPublished", sid=sid)
        one.call("subscribeDataTrack", sid=sid)
    for one in (*early, late):
        arrive(one, sid)
    info = PythonApi(server).call("GetParticipant", {"room": room.name, "identity": "alice"})
    assert [(t["sid"], t["name"]) for t in info["data_tracks"]] == [(sid, "sensor")] and info["is_publisher"]
    alice.disconnect()
    for one in (*early, late):
        one.wait("dataTrackUnpublished", sid=sid)


@pytest.mark.browser
def test_permission(room):
    """Who may not subscribe gets nothing; what was asked for comes with the right."""
    alice = room.join("chromium", "alice")
    bob = room.join("python", "bob")
    sid = published(alice, bob, "private", 100)
    alice.call("setPermission", all=False)
    bob.call("subscribeDataTrack", sid=sid)
    carol = room.join("python", "carol")
    alice.wait("participantConnected", identity="carol")
    alice.call("setPermission", all=False, identities=["carol"])
    carol.wait("dataTrackPublished", sid=sid)
    carol.call("subscribeDataTrack", sid=sid)
    arrive(carol, sid)
    assert bob.call("dataFrames", sid=sid) == {"good": 0, "bad": 0}
    alice.call("setPermission", all=True)
    arrive(bob, sid)


def test_after_a_resume(room, server):
    """A client whose signalling breaks and comes back keeps its tracks and what it gets of others."""
    alice = room.join("chromium", "alice")
    bob = room.join("chromium", "bob")
    sid = published(alice, bob, "steady", 100)
    bob.call("subscribeDataTrack", sid=sid)
    arrive(bob, sid)
    for one in (alice, bob):
        mark = one.mark()
        one.call("simulate", scenario="signal-reconnect")
        one.wait("reconnected", since=mark, timeout=30)
        arrive(bob, sid)


def test_encrypted(room, server):
    """End-to-end encryption passes untouched; others are told of it."""
    alice, bob = (room.join("python", identity, e2eeKey="secret") for identity in ("alice", "bob"))
    sid = published(alice, bob, "sealed", 3000)
    bob.call("subscribeDataTrack", sid=sid)
    arrive(bob, sid)
    info = PythonApi(server).call("GetParticipant", {"room": room.name, "identity": "alice"})
    assert info["data_tracks"][0]["encryption"] == "GCM", info
