# SPDX-License-Identifier: Apache-2.0
"""Many in a room, many rooms after each other, and the end of the server."""

from __future__ import annotations

import statistics
import time

import pytest
from livekit.protocol import models

from lib.driver import eventually
from lib.server import Server
from lib.signalling import Signal
from lib import tokens


def test_eight_publishers(room, server, record):
    """Eight publish, each subscribed to all: 56 pictures and 56 sounds flow at once."""
    # The tones lie far apart, to tell who is heard.
    people = [room.join(f"node-{i % 2}", f"p{i}") for i in range(8)]
    tone_of = {person: 300 + 200 * i for i, person in enumerate(people)}
    videos, audios = {}, {}
    for person in people:
        videos[person] = person.call("publishVideo", width=320, height=180, fps=6, bitrate=100_000)["sid"]
        audios[person] = person.call("publishAudio", toneHz=tone_of[person])["sid"]

    def all_see(pictures: int, seconds: float) -> None:
        for receiver in people:
            for sender in people:
                if sender is not receiver:
                    receiver.until(videos[sender], lambda s: s["distinct"] > pictures, 60, f"no picture of {sender!r}")
                    receiver.until(audios[sender], lambda s: s["loudSeconds"] > seconds, 60, f"no sound of {sender!r}")

    def counts(way: str) -> dict:
        return {p: p.call("frameCounts")[way] for p in people}

    all_see(5, 0.2)
    for person in people:
        person.call("reset")
    # Eight people are not asked at one moment. What was sent is counted within the time for which arrivals are
    # (from after their first count to before their last), so nobody can have got less than that.
    arrived_before, sent_before = counts("received"), counts("sent")
    cpu, start = server.cpu_seconds(), time.monotonic()
    all_see(60, 3)
    load = (server.cpu_seconds() - cpu) / (time.monotonic() - start)
    sent_after, arrived_after = counts("sent"), counts("received")

    def passed(who, before, after) -> list[int]:
        return [n - before[who].get(ssrc, 0) for ssrc, n in after[who].items()]

    shares, shown = [], []
    for receiver in people:
        # What arrives is the server's work; 56 decoders on two cores may show fewer.
        arrived = passed(receiver, arrived_before, arrived_after)
        assert len(arrived) == 7 and min(arrived) > 0, arrived
        sent = sum(sum(passed(p, sent_before, sent_after)) for p in people if p is not receiver)
        shares.append(sum(arrived) / sent)
        stats = receiver.stats()
        for sender in people:
            if sender is not receiver:
                shown.append(stats[videos[sender]]["distinct"])
                tone = stats[audios[sender]]["toneHz"]
                assert abs(tone - tone_of[sender]) < 80, f"{receiver!r} hears {tone} Hz from {sender!r}, {tone_of[sender]}"
    record(worst_share=min(shares), mean_share=statistics.mean(shares), shown_min=min(shown), rss_kib=server.rss_kib(),
           cpu_share=load)
    # Under way at the last count: a picture or two of each sender.
    assert statistics.mean(shares) > 0.97 and min(shares) > 0.93, shares


def test_memory_returns(start_server, room_on, record):
    """After calls have ended, the server holds what it held before; no room or participant stays."""
    server = start_server(config={"room": {"auto_create": True, "departure_timeout": 1, "empty_timeout": 5}})

    def call():
        room = room_on(server)
        pair = [room.join("node", name) for name in ("a", "b", "c", "d")]
        sids = [p.call("publishVideo", width=320, height=180, fps=15)["sid"] for p in pair]
        for p in pair:
            p.call("publishAudio")
        for i, p in enumerate(pair):
            p.until(sids[(i + 1) % 4], lambda s: s["distinct"] > 5, 60)
            p.call("sendBytes", size=200_000)
        for p in pair:
            for other in pair:
                if other is not p:
                    p.wait("byteStream", 60, identity=other.identity)
        for p in pair:
            p.disconnect()

    figures, live = [], []
    for turn in range(12):
        call()
        eventually(lambda: no_rooms(server), 60, what="no room left in /metrics")
        if not Server.is_reference():
            live.append(settled(lambda: int(server.metric("auralink_allocations_live"))))
        figures.append(server.rss_kib())
        # What a busy moment's queues took may stay with the allocator, once; what leaks is there in each three rounds.
        if turn >= 5 and figures[-1] - figures[-4] < 1_536:
            break
    record(rss_kib=str(figures), allocations=str(live))
    # Warm after three rounds (pools, arenas, OpenSSL tables); from there it may not climb.
    if not Server.is_reference():  # LiveKit 1.13.5 climbs by 10 MB a round
        assert figures[-1] - figures[-4] < 1_536, figures
        assert live[-1] - live[-4] <= 4, live


def settled(value) -> int:
    """What it comes down to: connections that end take some blocks with them a little later."""
    least, since = value(), time.monotonic()
    while time.monotonic() < since + 1:
        if (now := value()) < least:
            least, since = now, time.monotonic()
        time.sleep(0.1)
    return least


def no_rooms(server) -> bool:
    return server.metric("livekit_room_total") == 0 and server.metric("livekit_participant_total") == 0


@pytest.mark.smoke
def test_sigterm_drains(start_server, room_on, record):
    """SIGTERM: nobody new, clients are told to reconnect elsewhere, exit 0 within the configured time."""
    if Server.is_reference():
        pytest.skip("LiveKit drains without end, or at once without a word")
    limit_s = 5
    server = start_server(config={"drain_timeout": limit_s})
    room = room_on(server)
    client = room.join("node", "one")
    with Signal(server, tokens.join("bare", room.name)) as signal:
        signal.wait("join")
        start = time.monotonic()
        server.terminate()
        leave = signal.wait("leave")
        assert leave.reason == models.SERVER_SHUTDOWN
        assert leave.action in (1, 2), "RESUME or RECONNECT"
        signal.wait_closed()
    status = server.wait_exit(60)
    took = time.monotonic() - start
    record(exit_s=took)
    assert status == 0, server.tail()
    assert took < limit_s + 3, "it waited for those who do not go"
    eventually(lambda: client.find("reconnecting") or client.find("disconnected"), what="the client knows")
