# SPDX-License-Identifier: Apache-2.0
"""Staying connected: lost networks, new addresses, lost servers, lost clients."""

from __future__ import annotations

import os
import signal
import time

import pytest

from lib.driver import at_most, eventually
from lib.netem import Forwarder, Impairment
from lib.server import Server

BROWSER = pytest.mark.browser
KINDS = ["node", "python", pytest.param("chromium", marks=BROWSER), pytest.param("chromium-v0", marks=BROWSER)]
DARK = Impairment(loss=1.0)


def behind(server):
    return Forwarder(("127.0.0.1", server.udp_port), signal_target=server.url)


def texts(client, since=0) -> list[str]:
    return [e["text"] for e in client.events[since:] if e["event"] == "dataReceived"]


def knows(client, identity):
    eventually(lambda: identity in client.call("participants"), 60, what=f"{client!r} knows {identity}")


@pytest.mark.parametrize("kind", KINDS)
def test_messages_survive_a_gap(room, server, kind):
    """No packet passes for three seconds: every reliable message arrives, once and in order."""
    forwarder = behind(server)
    try:
        receiver = room.join(kind, "receiver", url=forwarder.ws_url)
        sender = room.join("node", "sender")
        knows(sender, "receiver")
        wanted = [f"message {n}" for n in range(100)]
        for n, message in enumerate(wanted):
            sender.call("sendData", text=message)
            if n == 30:
                forwarder.impair(DARK, DARK)
                cut = time.monotonic()
            if n > 30 and time.monotonic() > cut + 3:
                forwarder.impair(None, None)
            time.sleep(0.05)
        forwarder.impair(None, None)
        eventually(lambda: len(texts(receiver)) >= len(wanted), 60, what="all messages have come")
        time.sleep(1)  # for those that would come twice
        assert texts(receiver) == wanted
    finally:
        forwarder.close()


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["chromium", "chromium-v0"])
def test_messages_survive_a_resume(room, kind):
    """Messages sent while a client resumes reach it exactly once, in order. (livekit-client's scenario
    "resume-reconnect" makes the resume fail: what is sent between two sessions belongs to neither.)"""
    receiver = room.join(kind, "receiver")
    sender = room.join("node", "sender")
    knows(sender, "receiver")
    mark = receiver.mark()
    wanted = [f"message {n}" for n in range(120)]
    for n, message in enumerate(wanted):
        sender.call("sendData", text=message)
        if n == 20:
            receiver.call("simulate", scenario="signal-reconnect")
        time.sleep(0.02)
    receiver.wait("reconnected", 60, since=mark)
    eventually(lambda: len(texts(receiver)) >= len(wanted), 60, what="all messages have come")
    time.sleep(1)
    assert texts(receiver) == wanted


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["chromium", "chromium-v0"])
@pytest.mark.parametrize("scenario", ["signal-reconnect", "resume-reconnect"])
def test_ice_restart_on_a_new_address(room, server, kind, scenario, record):
    """The client's address changes; it restarts ICE (or, where that fails, joins anew): pictures go on
    within a second."""
    forwarder = behind(server)
    try:
        viewer = room.join(kind, "viewer", url=forwarder.ws_url)
        sender = room.join("node", "sender")
        video = sender.call("publishVideo", fps=20)["sid"]
        viewer.until(video, lambda s: s["distinct"] > 20, 60, "no picture")
        mark = viewer.mark()
        viewer.call("reset")
        forwarder.move()
        viewer.call("simulate", scenario=scenario)
        viewer.wait("reconnected", 60, since=mark)
        viewer.until(video, lambda s: s["distinct"] > 40, 60, "no picture after the move")
        gap_ms, limit = viewer.track(video)["maxGapMs"], at_most(1000, viewer, sender)
        record(max_gap_ms=gap_ms)
        assert gap_ms < limit
    finally:
        forwarder.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_address_unnoticed(room, server, kind, record):
    """A router gives the client another address: its next connectivity check brings the media back."""
    forwarder = behind(server)
    try:
        viewer = room.join(kind, "viewer", url=forwarder.ws_url)
        sender = room.join("node", "sender")
        video = sender.call("publishVideo", fps=20)["sid"]
        viewer.until(video, lambda s: s["distinct"] > 20, 60, "no picture")
        viewer.call("reset")
        forwarder.move()
        viewer.until(video, lambda s: s["distinct"] > 40, 60, "no picture after the move")
        gap_ms, limit = viewer.track(video)["maxGapMs"], at_most(4000, viewer, sender)
        record(max_gap_ms=gap_ms)
        assert gap_ms < limit, "more than clients wait between two checks"
    finally:
        forwarder.close()


@pytest.mark.parametrize("kind", ["node", "python", pytest.param("chromium", marks=BROWSER)])
def test_server_restarts(room_on, kind, record):
    """The server is killed and comes back on the same ports: so do clients, and they see each other."""
    first = Server()
    ports = {"http": first.http_port, "udp": first.udp_port, "tcp": first.tcp_port}
    second = None
    try:
        room = room_on(first)
        viewer, sender = room.join(kind, "viewer"), room.join("node-other", "sender")
        video = sender.call("publishVideo", fps=15)["sid"]
        viewer.until(video, lambda s: s["distinct"] > 10, 60, "no picture")
        mark = viewer.mark()
        first.process.kill()
        first.process.wait()
        start = time.monotonic()
        second = Server(ports=ports)
        viewer.wait("trackSubscribed", 90, since=mark, kind="video")
        viewer.call("reset")

        def pictures() -> bool:  # a client that had to try twice has published twice
            again = {e["sid"] for e in viewer.events[mark:] if e["event"] == "trackSubscribed" and e["kind"] == "video"}
            return any(viewer.track(sid).get("distinct", 0) > 10 for sid in again)

        eventually(pictures, 60, what="pictures from the new server")
        record(seconds=time.monotonic() - start)
        room.close()
        assert second.stop() == 0
    finally:
        first.cleanup()
        if second:
            second.cleanup()


def test_a_killed_client_is_gone(room, drivers, record):
    """No ghost: who is killed leaves the room within the time that ICE consent lasts."""
    watcher = room.join("node", "watcher")
    victim = room.join("node-victim", "victim")
    victim.call("publishAudio")
    watcher.wait("trackSubscribed", identity="victim")
    start = time.monotonic()
    os.kill(drivers.get("node-victim").pid, signal.SIGKILL)
    watcher.wait("participantDisconnected", 120, identity="victim")
    record(seconds=time.monotonic() - start)
    room.clients.remove(victim)
    drivers.remove("node-victim")
    assert "victim" not in watcher.call("participants")


@pytest.mark.browser
def test_only_so_many_are_audible(start_server, room_on, record):
    """audio.max_audible: of six that speak three are heard, and who falls silent makes room."""
    server = start_server(config={"audio": {"max_audible": 3}})
    room = room_on(server)
    listener = room.join("node", "listener")
    tracks = {}
    for n in range(6):
        speaker = room.join("chromium", f"speaker{n}")
        tracks[speaker] = speaker.call("publishAudio", toneHz=400 + 50 * n, red=False)["sid"]

    def heard() -> set:
        before = {sid: listener.track(sid).get("loudSeconds", 0) for sid in tracks.values()}
        time.sleep(1)
        return {s for s, sid in tracks.items() if listener.track(sid).get("loudSeconds", 0) > before[sid] + 0.3}

    first = eventually(lambda: len(h := heard()) == 3 and h, 60, 0, "three are heard")
    for speaker in first:
        speaker.call("mute", sid=tracks[speaker], on=True)
    # What is on its way still when they are muted may be heard for a moment.
    others = eventually(lambda: len(h := heard()) == 3 and not h & first and h, 60, 0, "the other three are heard, and no other")
    record(first=len(first), others=len(others))
