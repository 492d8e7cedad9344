# SPDX-License-Identifier: Apache-2.0
"""`auralink publish` and `subscribe` (the client library) when the server or the network goes for a while."""

from __future__ import annotations

import socket

import pytest

from lib.driver import eventually
from lib.media import Media
from lib.netem import Forwarder, Impairment
from lib.ports import free_port
from lib.server import Server
from test_sender import SMALL, numbers_in_order


@pytest.fixture
def media(request):
    started = []

    def start(command: str, url: str, *options: str) -> Media:
        started.append(Media(command, url, request.node.name[:60], *options))
        return started[-1]

    yield start
    for one in started:
        one.close()


def more_pictures(receiver: Media, n: int, timeout: float, what: str) -> dict:
    seen = receiver.last.get("pictures", 0)
    return receiver.until(lambda s: s["pictures"] > seen + n, timeout, what)


def test_restart(media, record):
    """The server is killed and comes back where it was: both join anew by themselves, and tell of it."""
    ports = {"http": free_port(), "udp": free_port(socket.SOCK_DGRAM), "tcp": free_port()}
    first = Server(ports=ports)
    try:
        receiver = media("subscribe", first.url)
        sender = media("publish", first.url, "test", *SMALL)
        more_pictures(receiver, 20, 30, "pictures")
        first.process.kill()
        first.process.wait()
    finally:
        first.cleanup()
    for one in (sender, receiver):
        eventually(lambda one=one: "connection lost" in one.log(), 60, what="the loss is told")
    second = Server(ports=ports)
    try:
        more_pictures(receiver, 30, 60, "pictures again")
        line = sender.until(lambda s: s["published"] and s["reconnects"] == 1, 60, "the sender's figures")
        for one in (sender, receiver):
            assert "connected again" in one.log()
        sent, seen = sender.finish(), receiver.finish()
        record(gap_ms=seen["gap_ms_max"], frames=line["native_frames"])
        assert sent["reconnects"] == 1 and seen["reconnects"] == 1, (sent, seen)
        numbers_in_order(seen)
    finally:
        assert second.stop() == 0, second.tail()
        second.cleanup()


@pytest.mark.parametrize("seconds", [5, 40])
def test_cut(media, server, record, seconds):
    """No packet gets through: a short cut is sat out on the same connection, after a long one it is made anew."""
    line = Forwarder(("127.0.0.1", server.udp_port), signal_target=server.url)
    try:
        receiver = media("subscribe", server.url)
        sender = media("publish", line.ws_url, "test", *SMALL)
        more_pictures(receiver, 20, 30, "pictures")
        begun = sender.last["seconds"]
        line.impair(Impairment(loss=1), Impairment(loss=1))
        sender.until(lambda s: s["seconds"] > begun + seconds, seconds + 20, "the cut lasts")
        line.impair(Impairment(), Impairment())
        more_pictures(receiver, 30, 60, "pictures again")
        sent, seen = sender.finish(), receiver.finish()
        record(gap_ms=seen["gap_ms_max"], reconnects=sent["reconnects"])
        assert seen["gap_ms_max"] > (seconds - 2) * 1000 or sent["reconnects"], (sent, seen)
        assert sent["reconnects"] == 0 if seconds == 5 else sent["reconnects"] >= 1, sent
        numbers_in_order(seen)
    finally:
        line.close()


def test_sent_away(media, server):
    """Another participant of the same name takes its place: it does not fight for it."""
    one = media("publish", server.url, "test", *SMALL)
    one.until(lambda s: s["published"], 60, "the first is in")
    two = media("publish", server.url, "test", *SMALL)
    two.until(lambda s: s["published"], 60, "the second is in")
    assert one.process.wait(60) == 1
    assert "ended the session" in one.log() and "connected again" not in one.log()
    two.finish()


def test_never_there(media):
    """A server that was never reached is a mistake to be told at once."""
    one = media("publish", f"ws://127.0.0.1:{free_port()}", "test", *SMALL)
    assert one.process.wait(60) == 1
    assert "trying again" not in one.log()
