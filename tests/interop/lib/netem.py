# SPDX-License-Identifier: Apache-2.0
"""A bad network between client and server: a UDP forwarder with delay, jitter, loss, bursts, reordering
and a rate limit, seeded so that a run can be repeated; and a WebSocket proxy that puts the forwarder's
address into the server's ICE candidates, so that unmodified clients talk through it.

Each client address gets an upstream socket of its own; both directions have their own impairment.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import random
import re
import socket
import threading
from dataclasses import dataclass, field

import websockets
from livekit.protocol import models as _models  # noqa: F401  (registers imported messages)
from livekit.protocol import rtc as proto

UPSTREAM_LIMIT = 64  # client addresses at a time
QUEUE_LIMIT = 20_000  # packets held back at a time


@dataclass
class Impairment:
    """What happens to packets of one direction. All off by default."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0  # uniform, added to the delay; keeps the order unless reorder is set
    loss: float = 0.0  # probability
    burst_length: float = 1.0  # mean length of a loss burst (Gilbert model), packets
    reorder: float = 0.0  # probability that a packet skips the delay of those before it
    rate_kbps: float = 0.0  # 0 = no limit
    queue_ms: float = 200.0  # tail drop when the rate limit's queue is longer
    seed: int = 1


@dataclass
class Direction:
    """State of one direction; decides when (or whether) a packet leaves."""

    impairment: Impairment
    seen: int = 0
    lost: int = 0
    overflowed: int = 0
    reordered: int = 0
    _random: random.Random = field(default_factory=random.Random)
    _bad: bool = False
    _line_free_at: float = 0.0
    _last_due: float = 0.0

    def __post_init__(self) -> None:
        self._random.seed(self.impairment.seed)

    def _lose(self) -> bool:
        rule = self.impairment
        if rule.loss <= 0:
            return False
        if rule.burst_length <= 1:
            return self._random.random() < rule.loss
        leave = 1 / rule.burst_length
        enter = rule.loss * leave / (1 - rule.loss)
        self._bad = self._random.random() >= leave if self._bad else self._random.random() < enter
        return self._bad

    def due(self, now: float, size: int) -> float | None:
        """Time at which a packet of `size` bytes that came at `now` leaves; None if it is lost."""
        rule = self.impairment
        self.seen += 1
        if self._lose():
            self.lost += 1
            return None
        start = now
        if rule.rate_kbps > 0:
            start = max(now, self._line_free_at)
            if (start - now) * 1000 > rule.queue_ms:
                self.overflowed += 1
                return None
            self._line_free_at = start + size * 8 / (rule.rate_kbps * 1000)
            start = self._line_free_at
        due = start + (rule.delay_ms + self._random.random() * rule.jitter_ms) / 1000
        if rule.reorder > 0 and self._random.random() < rule.reorder:
            self.reordered += 1
            return start + rule.delay_ms / 2000
        due = max(due, self._last_due)
        self._last_due = due
        return due


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, on_packet):
        self._on_packet = on_packet

    def datagram_received(self, data, addr):
        self._on_packet(data, addr)

    def error_received(self, exc):
        """An ICMP error of a socket that has gone: as good as a loss."""


class Forwarder:
    """Listens on host:port and forwards to target; runs its own event loop thread."""

    def __init__(self, target: tuple[str, int], up: Impairment | None = None, down: Impairment | None = None,
                 host: str = "127.0.0.1", signal_target: str | None = None, only_tcp: bool = False):
        self.target = target
        self.up = Direction(up or Impairment())
        self.down = Direction(down or Impairment(seed=2))
        self.host = host
        self._signal_target = signal_target
        self._only_tcp = only_tcp  # clients learn the server's TCP candidates alone, as they are
        self.port = 0
        self.ws_port = 0
        self._upstreams: dict[tuple, asyncio.DatagramTransport] = {}
        # One listener for each UDP port of the server: its media workers have one each.
        self._listeners: dict[int, asyncio.DatagramTransport] = {}
        self._queue: list = []
        self._order = itertools.count()
        self._wake: asyncio.Event | None = None
        self._web = None
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._tasks: list[asyncio.Task] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        if not self._ready.wait(10):
            raise AssertionError("the forwarder did not start")

    @property
    def ws_url(self) -> str:
        """The URL that clients of this network use."""
        return f"ws://{self.host}:{self.ws_port}"

    def impair(self, up: Impairment | None = None, down: Impairment | None = None) -> None:
        """Replaces the rules while packets flow; counters start anew."""

        def swap():
            self.up = Direction(up or Impairment())
            self.down = Direction(down or Impairment(seed=2))

        self._loop.call_soon_threadsafe(swap)

    def move(self) -> None:
        """The server sees the clients at other addresses from now on, as after a change of network."""

        def forget():
            for upstream in self._upstreams.values():
                upstream.close()
            self._upstreams.clear()

        self._loop.call_soon_threadsafe(forget)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()
        if self._web:
            self._web.close()
            self._loop.run_until_complete(self._web.wait_closed())
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        for transport in [*self._listeners.values(), *self._upstreams.values()]:
            transport.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _start(self) -> None:
        self._wake = asyncio.Event()
        await self._listen(self.target[1])
        self.port = self._port_for(self.target[1])
        self._tasks.append(self._loop.create_task(self._deliver()))
        if self._signal_target:
            self._web = await websockets.serve(
                self._proxy, self.host, 0, max_size=None, compression=None, open_timeout=60
            )
            self.ws_port = self._web.sockets[0].getsockname()[1]

    async def _listen(self, port: int) -> None:
        if port in self._listeners:
            return
        listener, _ = await self._loop.create_datagram_endpoint(
            lambda: _Receiver(lambda data, client: self._from_client(data, client, port)),
            local_addr=(self.host, 0),
        )
        _roomy(listener)
        if port in self._listeners:
            listener.close()
        else:
            self._listeners[port] = listener

    def _port_for(self, port: int) -> int:
        return self._listeners[port].get_extra_info("sockname")[1]

    def _from_client(self, data: bytes, client: tuple, port: int) -> None:
        upstream = self._upstreams.get((client, port))
        if upstream is None:
            if len(self._upstreams) >= UPSTREAM_LIMIT:
                return
            self._tasks.append(self._loop.create_task(self._open(data, client, port)))
            return
        self._enqueue(self.up, data, upstream, None)

    async def _open(self, data: bytes, client: tuple, port: int) -> None:
        key = (client, port)
        if key not in self._upstreams:
            upstream, _ = await self._loop.create_datagram_endpoint(
                lambda: _Receiver(lambda d, _: self._enqueue(self.down, d, self._listeners[port], client)),
                remote_addr=(self.target[0], port),
            )
            if key in self._upstreams:
                upstream.close()
            else:
                _roomy(upstream)
                self._upstreams[key] = upstream
        self._enqueue(self.up, data, self._upstreams[key], None)

    def _enqueue(self, direction: Direction, data: bytes, transport, address) -> None:
        now = self._loop.time()
        due = direction.due(now, len(data))
        if due is None:
            return
        if due <= now:
            transport.sendto(data, address)
        elif len(self._queue) < QUEUE_LIMIT:
            heapq.heappush(self._queue, (due, next(self._order), transport, data, address))
            if self._queue[0][0] == due:
                self._wake.set()
        else:
            direction.overflowed += 1

    async def _deliver(self) -> None:
        while True:
            now = self._loop.time()
            while self._queue and self._queue[0][0] <= now:
                _, _, transport, data, address = heapq.heappop(self._queue)
                if not transport.is_closing():
                    transport.sendto(data, address)
            self._wake.clear()
            wait = self._queue[0][0] - self._loop.time() if self._queue else None
            try:
                await asyncio.wait_for(self._wake.wait(), None if wait is None else max(0.0, wait))
            except asyncio.TimeoutError:
                pass

    async def _proxy(self, client) -> None:
        request = client.request
        headers = {}
        if "Authorization" in request.headers:
            headers["Authorization"] = request.headers["Authorization"]
        async with websockets.connect(
            self._signal_target + request.path, additional_headers=headers, max_size=None, compression=None
        ) as server:

            async def to_server():
                async for message in client:
                    await server.send(message)
                await server.close()

            async def to_client():
                async for message in server:
                    passed = await self._rewrite(message) if isinstance(message, bytes) else message
                    if passed is not None:
                        await client.send(passed)
                await client.close()

            done, pending = await asyncio.wait(
                [asyncio.ensure_future(to_server()), asyncio.ensure_future(to_client())],
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in pending:
                task.cancel()
            for task in done:
                task.exception()

    async def _rewrite(self, frame: bytes) -> bytes | None:
        """The frame with our address in it; None for a candidate that would lead around us (TCP)."""
        message = proto.SignalResponse.FromString(frame)
        kind = message.WhichOneof("message")
        if kind in ("answer", "offer"):
            description = getattr(message, kind)
            lines = []
            for line in description.sdp.split("\r\n"):
                if not line.startswith("a=candidate:"):
                    lines.append(line)
                elif self._passes(line):
                    lines.append(await self.candidate(line))
            description.sdp = "\r\n".join(lines)
        elif kind == "trickle":
            init = json.loads(message.trickle.candidateInit)
            if init.get("candidate"):
                if not self._passes(init["candidate"]):
                    return None
                init["candidate"] = await self.candidate(init["candidate"])
                message.trickle.candidateInit = json.dumps(init)
        else:
            return frame
        return message.SerializeToString()

    def _passes(self, candidate: str) -> bool:
        return (" tcp " if self._only_tcp else " udp ") in candidate.lower()

    async def candidate(self, line: str) -> str:
        """The same candidate at the forwarder's address."""
        found = re.search(r"(candidate:\S+ \d+ \S+ \d+) \S+ (\d+)", line)
        if self._only_tcp or not found:
            return line
        port = int(found.group(2))
        await self._listen(port)
        return f"{line[:found.start()]}{found.group(1)} {self.host} {self._port_for(port)}{line[found.end():]}"


def _roomy(transport: asyncio.DatagramTransport) -> None:
    sock = transport.get_extra_info("socket")
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, 1 << 21)
