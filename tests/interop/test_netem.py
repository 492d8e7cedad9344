# SPDX-License-Identifier: Apache-2.0
"""The impairment forwarder against known delays and losses: it is checked before it judges anything."""

from __future__ import annotations

import asyncio
import re
import socket
import statistics
import struct
import time

import pytest

from lib.netem import Direction, Forwarder, Impairment


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


@pytest.fixture
def echo_through():
    """echo_through(up, down, count, gap_s, size): round trips of numbered packets through the forwarder.

    Returns [(number, rtt_ms)] in order of arrival.
    """

    def run(up, down, count, gap_s=0.002, size=100, settle_s=0.5):
        target = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        target.bind(("127.0.0.1", 0))
        target.setblocking(False)
        forwarder = Forwarder(target.getsockname(), up, down)
        arrived = []

        async def talk():
            loop = asyncio.get_running_loop()
            echo, _ = await loop.create_datagram_endpoint(Echo, sock=target)

            class Client(asyncio.DatagramProtocol):
                def datagram_received(self, data, addr):
                    number, sent = struct.unpack("!Id", data[:12])
                    arrived.append((number, (time.monotonic() - sent) * 1000))

            client, _ = await loop.create_datagram_endpoint(
                Client, remote_addr=(forwarder.host, forwarder.port)
            )
            for number in range(count):
                client.sendto(struct.pack("!Id", number, time.monotonic()).ljust(size, b"x"))
                await asyncio.sleep(gap_s)
            await asyncio.sleep(settle_s)
            client.close()
            echo.close()

        asyncio.run(talk())
        forwarder.close()
        return arrived, forwarder

    return run


def test_clean(echo_through):
    arrived, _ = echo_through(Impairment(), Impairment(), 200)
    assert [n for n, _ in arrived] == list(range(200))
    assert statistics.median(rtt for _, rtt in arrived) < 10


def test_delay(echo_through):
    arrived, _ = echo_through(Impairment(delay_ms=40), Impairment(delay_ms=20), 200)
    assert [n for n, _ in arrived] == list(range(200))
    rtts = [rtt for _, rtt in arrived]
    assert min(rtts) >= 60
    assert statistics.median(rtts) < 75


def test_jitter_and_reorder(echo_through):
    arrived, _ = echo_through(Impairment(delay_ms=30, jitter_ms=50), Impairment(), 300)
    rtts = [rtt for _, rtt in arrived]
    assert len(arrived) == 300
    assert min(rtts) >= 30 and statistics.median(rtts) < 95
    assert [n for n, _ in arrived] == sorted(n for n, _ in arrived), "jitter alone keeps the order"
    assert statistics.pstdev(rtts) > 3
    arrived, forwarder = echo_through(
        Impairment(delay_ms=30, jitter_ms=50, reorder=0.1), Impairment(), 300
    )
    order = [n for n, _ in arrived]
    late = sum(1 for a, b in zip(order, order[1:]) if b < a)
    assert sorted(order) == list(range(300))
    assert late > 5 and forwarder.up.reordered > 10


def test_loss_rate(echo_through):
    arrived, forwarder = echo_through(Impairment(loss=0.05, seed=7), Impairment(), 3000, gap_s=0.0005)
    assert len(arrived) == 3000 - forwarder.up.lost, "nothing but the chosen packets is lost"
    assert 0.035 < forwarder.up.lost / 3000 < 0.065


@pytest.mark.parametrize(("loss", "burst"), [(0.01, 1), (0.05, 1), (0.05, 4), (0.2, 10)])
def test_loss_model(loss, burst):
    """The loss chosen is the loss asked for, and bursts have the mean length asked for."""
    direction = Direction(Impairment(loss=loss, burst_length=burst, seed=3))
    lost = [direction.due(0.0, 100) is None for _ in range(200_000)]
    bursts = sum(1 for a, b in zip([False, *lost], lost) if b and not a)
    assert abs(sum(lost) / len(lost) - loss) < loss * 0.1
    expected = burst if burst > 1 else 1 / (1 - loss)
    assert abs(sum(lost) / bursts - expected) < expected * 0.1


def test_seed_repeats():
    one, two, other = (Direction(Impairment(loss=0.1, jitter_ms=9, seed=s)) for s in (5, 5, 6))
    first, second, third = ([d.due(i * 0.01, 99) for i in range(500)] for d in (one, two, other))
    assert first == second
    assert first != third


def test_rate_limit():
    """1000 kbit/s passes 1000-byte packets 8 ms apart, and drops what would wait over 100 ms."""
    direction = Direction(Impairment(rate_kbps=1000, queue_ms=100))
    due = [direction.due(0.0, 1000) for _ in range(30)]
    passed = [d for d in due if d is not None]
    assert [round(d * 1000) for d in passed[:3]] == [8, 16, 24]
    assert len(passed) == 13 and direction.overflowed == 17


def test_candidate_rewriting():
    """Each port of the server has one of ours: its media workers are told apart by port."""
    forwarder = Forwarder(("127.0.0.1", 9))
    try:
        ports = []
        for port in (9, 10, 9):
            line = f"a=candidate:1 1 udp 2130706431 10.0.0.1 {port} typ host generation 0"
            rewritten = asyncio.run_coroutine_threadsafe(forwarder.candidate(line), forwarder._loop).result(5)
            found = re.fullmatch(
                r"a=candidate:1 1 udp 2130706431 127\.0\.0\.1 (\d+) typ host generation 0", rewritten
            )
            assert found, rewritten
            ports.append(int(found.group(1)))
        assert ports[0] == forwarder.port == ports[2]
        assert ports[1] != ports[0]
    finally:
        forwarder.close()
