#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long it takes from a wish to ring somebody until their device has the ring, with many calls ringing at once.

    .cache/venv-test/bin/python bench/calls.py [--build DIR] [--calls N] [--rounds N] [--identities N]

Starts a server with a directory of so many identities, connects two devices for each call to /aura/v1/events, and has all callers
ask for their call by HTTP, each on a connection of its own: first one after the other while the rest rings on, then all in the same
moment. Client and server share the machine, so what is measured has the client's own work in it. Nothing but sockets and epoll is
used, to keep that small. What the server's control thread worked for a ring, which no other load on the machine changes much, is told
beside it, and how long that thread was kept waiting for a processor.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import resource
import select
import socket
import sqlite3
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "interop"))
from lib import tokens  # noqa: E402
from lib.server import Server  # noqa: E402


def connect(server: Server) -> socket.socket:
    link = socket.create_connection((server.host, server.http_port), timeout=60)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def answer(link: socket.socket) -> tuple[int, bytes]:
    """One HTTP answer with a Content-Length, or an upgrade and what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = link.recv(65536)
        assert more, data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1])
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while status != 101 and len(body) < length:
        body += link.recv(65536)
    return status, body


class Person:
    def __init__(self, server: Server, name: str):
        self.token = tokens.raw(tokens.claims(sub=name))
        self.id = f"@{name}.aura"
        self.socket = connect(server)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET /aura/v1/events?device=d HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {self.token}\r\n"
                             "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             f"Sec-WebSocket-Key: {key}\r\n\r\n").encode())
        status, rest = answer(self.socket)
        assert status == 101, (status, rest)
        while b'"hello"' not in rest:
            rest += self.socket.recv(65536)
        assert self.id.encode() in rest, rest

    def post(self, path: str, body: dict) -> bytes:
        text = json.dumps(body)
        return (f"POST {path} HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {self.token}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(text)}\r\n\r\n{text}").encode()


def alive(people: list[Person]) -> None:
    """Unasked pongs (RFC 6455 §5.5.3): the server closes who says nothing for half a minute."""
    for person in people:
        person.socket.sendall(b"\x8a\x80\0\0\0\0")


def told(person: Person, event: bytes) -> None:
    """Reads on until that came; pings come in between."""
    data = b""
    while event not in data:
        more = person.socket.recv(65536)
        assert more, f"closed without {event}: {data}"
        data += more


def share(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] * 1000


def hang_up(callers: list[Person], links: list[socket.socket], callees: list[Person]) -> None:
    for i, (caller, link) in enumerate(zip(callers, links)):
        if i % 250 == 0:
            alive(callers + callees)
        status, body = answer(link)
        assert status == 201, (status, body)
        link.sendall(caller.post(f"/aura/v1/calls/{json.loads(body)['call']}/leave", {}))
    for link in links:
        assert answer(link)[0] == 204
        link.close()
    for callee in callees:  # ring, quiet, missed: all of it is read before the next round
        told(callee, b'"missed"')


def rung(callees: list[Person], begin, sent: list[float]) -> list[float]:
    """begin() sends, and fills `sent`. @return seconds from there to each ring"""
    poll = select.epoll()
    waiting = {callee.socket.fileno(): i for i, callee in enumerate(callees)}
    for number in waiting:
        poll.register(number, select.EPOLLIN)
    begin()
    at = [0.0] * len(callees)
    while waiting:
        ready = poll.poll(30)
        now = time.perf_counter()
        assert ready, f"{len(waiting)} did not ring"
        for number, _ in ready:
            i = waiting[number]
            data = callees[i].socket.recv(65536)
            assert data, "closed"
            if b'"ring"' not in data:
                continue  # a ping
            del waiting[number]
            at[i] = now - sent[i]
            poll.unregister(number)
    poll.close()
    return at


def control_thread(server: Server) -> tuple[int, int]:
    """@return ns that it has run, ns that it has waited for a processor (Documentation/scheduler/sched-stats)"""
    with open(f"/proc/{server.process.pid}/schedstat") as file:  # of the first thread, which is the control thread
        ran, waited, _ = file.read().split()
    return int(ran), int(waited)


def measure(server: Server, callers: list[Person], callees: list[Person], together: bool) -> tuple[list[float], int, int]:
    """@return seconds until each ring; ns that the control thread ran, and waited"""
    alive(callers + callees)
    links = [connect(server) for _ in callers]
    wishes = [a.post("/aura/v1/calls", {"to": [b.id], "device": "d"}) for a, b in zip(callers, callees)]
    took = []
    ran, waited = control_thread(server)
    if together:
        sent = [0.0] * len(links)

        def begin():
            for i, link in enumerate(links):
                sent[i] = time.perf_counter()
                link.sendall(wishes[i])

        took = rung(callees, begin, sent)
    else:
        for i, (link, wish, callee) in enumerate(zip(links, wishes, callees)):
            if i % 250 == 0:
                alive(callers + callees)
            start = time.perf_counter()
            link.sendall(wish)
            told(callee, b'"ring"')
            took.append(time.perf_counter() - start)
    now_ran, now_waited = control_thread(server)
    assert server.metrics()["auralink_calls"] == len(callers)  # all of them ring now
    alive(callers + callees)
    hang_up(callers, links, callees)
    return took, now_ran - ran, now_waited - waited


def fill(config: dict, count: int) -> None:
    """People whom the server has known for long. It makes the tables, and must not run while they are filled."""
    server = Server(config=config)
    server.stop()
    server.cleanup()
    with sqlite3.connect(config["auraid"]["directory"]) as db:
        db.executemany("INSERT INTO identity VALUES(?, 0, 'Somebody', '', 0, 0, 0)", ((f"old{i}",) for i in range(count)))
        db.executemany("INSERT INTO proof VALUES('livekit/devkey', ?, ?)", ((f"old {i}", f"old{i}") for i in range(count)))
    db.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--build", default="build", help="folder with auralink-server")
    options.add_argument("--calls", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--identities", type=int, default=100000)
    given = options.parse_args()
    os.environ["AURA_BUILD"] = given.build
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with tempfile.TemporaryDirectory() as folder:
        config = {"limit": {"requests_per_address": 0}, "log_level": "warn", "auraid": {
            "directory": os.path.join(folder, "auraid.db"),
            "calls": {"ring_timeout": "120s", "max_rings_per_minute": 0, "max_strangers_per_minute": 0}}}
        fill(config, given.identities)
        server = Server(config=config)
        try:
            callers = [Person(server, f"caller{i}") for i in range(given.calls)]
            callees = [Person(server, f"callee{i}") for i in range(given.calls)]
            for name, together in (("one after the other, the others ringing", False), ("all in one moment", True)):
                rounds = [measure(server, callers, callees, together) for _ in range(given.rounds)]
                took = [t for times, _, _ in rounds for t in times]
                ran, waited = (sum(part) / len(took) / 1000 for part in list(zip(*rounds))[1:])
                print(f"{given.calls} calls, {name}: ring p50 {share(took, 0.5):.2f} ms, p99 {share(took, 0.99):.2f} ms, "
                      f"max {max(took) * 1000:.2f} ms ({len(took)} rings); control thread {ran:.0f} us a ring, "
                      f"{waited:.0f} us waiting for a processor", flush=True)
        finally:
            server.stop()
            server.cleanup()


main()
