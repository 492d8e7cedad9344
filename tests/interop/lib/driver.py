# SPDX-License-Identifier: Apache-2.0
"""Client processes (rtc-node, Python, browsers) behind one interface: commands and events."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import threading
import time
from collections import deque

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Seconds that tests wait for what must come: far more than it takes, for a machine that has much else to do.
PATIENCE_S = 60


class ClientError(Exception):
    """What the SDK in the other process threw."""


class Driver:
    """One client process; it may hold many clients (rooms)."""

    def __init__(self, name: str, argv: list[str], env: dict | None = None, log_path: str | None = None):
        self.name = name
        self._log_path = log_path or os.path.join("/tmp", f"interop-{name}-{os.getpid()}.log")
        self._log = open(self._log_path, "wb")
        self._process = subprocess.Popen(
            argv,
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **(env or {})},
        )
        self._ids = itertools.count(1)
        self._answers: dict[int, dict] = {}
        self._clients: dict[str, Client] = {}
        self._noise: deque[str] = deque(maxlen=40)
        self._changed = threading.Condition()
        self._dead = False
        self._ready = False
        threading.Thread(target=self._read, daemon=True).start()
        with self._changed:
            if not self._changed.wait_for(lambda: self._ready or self._dead, 120) or self._dead:
                raise ClientError(f"{name} did not start: {self.tail()}")

    @property
    def pid(self) -> int:
        return self._process.pid

    def tail(self) -> str:
        self._log.flush()
        with open(self._log_path, "rb") as file:
            text = file.read()[-3000:].decode(errors="replace")
        return "\n".join([*self._noise, text])

    def _read(self) -> None:
        for raw in self._process.stdout:
            try:
                message = json.loads(raw)
            except ValueError:
                message = None
            # SDKs log to stdout too, some of them in JSON.
            if not isinstance(message, dict) or not {"ok", "error", "event"} & message.keys():
                self._noise.append(raw.decode(errors="replace").rstrip())
                continue
            with self._changed:
                if "id" in message:
                    self._answers[message["id"]] = message
                elif message["event"] == "ready":
                    self._ready = True
                elif message["client"] in self._clients:
                    self._clients[message["client"]].events.append(message)
                self._changed.notify_all()
        with self._changed:
            self._dead = True
            self._changed.notify_all()

    def call(self, cmd: str, timeout: float = PATIENCE_S, **fields):
        wanted = self.begin(cmd, **fields)
        return self.finish(wanted, cmd, timeout)

    def begin(self, cmd: str, **fields) -> int:
        number = next(self._ids)
        line = json.dumps({"id": number, "cmd": cmd, **fields}) + "\n"
        with self._changed:
            if self._dead:
                raise ClientError(f"{self.name} has died: {self.tail()}")
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        return number

    def finish(self, number: int, cmd: str, timeout: float = PATIENCE_S):
        with self._changed:
            if not self._changed.wait_for(lambda: number in self._answers or self._dead, timeout):
                raise TimeoutError(f"{self.name}: no answer to {cmd} in {timeout} s\n{self.tail()}")
            if number not in self._answers:
                raise ClientError(f"{self.name} died during {cmd}: {self.tail()}")
            answer = self._answers.pop(number)
        if "error" in answer:
            raise ClientError(f"{self.name}.{cmd}: {answer.get('name', '')} {answer['error']}")
        return answer["ok"]

    def client(self, name: str) -> "Client":
        with self._changed:
            client = self._clients[name] = Client(self, name)
        return client

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.stdin.close()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
        os.unlink(self._log_path)


class Client:
    """One participant. `events` are those since the start, oldest first."""

    def __init__(self, driver: Driver, name: str):
        self.driver = driver
        self.name = name
        self.events: list[dict] = []
        self.identity = ""
        self.psid = ""
        self.connected = False
        self.reset_at = time.monotonic()

    def __repr__(self) -> str:
        return f"<{self.driver.name}:{self.name}>"

    def call(self, cmd: str, timeout: float = PATIENCE_S, **fields):
        if cmd == "reset":
            self.reset_at = time.monotonic()
        return self.driver.call(cmd, timeout, client=self.name, **fields)

    def connect(self, url: str, token: str, timeout: float = PATIENCE_S, **options) -> dict:
        answer = self.call("connect", timeout, url=url, token=token, **options)
        self.identity, self.psid, self.connected = answer["identity"], answer["psid"], True
        return answer

    def disconnect(self) -> None:
        if self.connected:
            self.connected = False
            self.call("disconnect", 30)

    def mark(self) -> int:
        """A place in the event list, for wait(since=...)."""
        return len(self.events)

    def find(self, event: str, since: int = 0, **wanted) -> dict | None:
        for item in self.events[since:]:
            if item["event"] == event and all(item.get(k) == v for k, v in wanted.items()):
                return item
        return None

    def wait(self, event: str, timeout: float = PATIENCE_S, since: int = 0, where=None, **wanted) -> dict:
        """The first event with these fields (and where(event)), waiting for it if need be."""

        def search():
            for item in self.events[since:]:
                if (
                    item["event"] == event
                    and all(item.get(k) == v for k, v in wanted.items())
                    and (where is None or where(item))
                ):
                    return item
            return None

        changed = self.driver._changed
        with changed:
            found = changed.wait_for(lambda: search() or self.driver._dead, timeout)
        if not isinstance(found, dict):
            seen = [(e["event"], {k: v for k, v in e.items() if k not in ("event", "client", "at")}) for e in self.events]
            raise AssertionError(f"{self!r}: no {event} {wanted} in {timeout} s; seen: {seen[-12:]}")
        return found

    def never(self, event: str, seconds: float, since: int = 0, **wanted) -> None:
        """Asserts that the event does not come within `seconds`."""
        changed = self.driver._changed
        with changed:
            came = changed.wait_for(lambda: self.find(event, since, **wanted), seconds)
        assert not came, f"{self!r}: unexpected {came}"

    def stats(self) -> dict:
        return self.call("stats")

    def track(self, sid: str) -> dict:
        return self.stats().get(sid, {})

    def until(self, sid: str, good, timeout: float = PATIENCE_S, what: str = "") -> dict:
        """Polls the statistics of a received track until good(stats)."""
        deadline = time.monotonic() + timeout
        stats: dict = {}
        while time.monotonic() < deadline:
            stats = self.track(sid)
            if stats and good(stats):
                return stats
            time.sleep(0.1)
        shown = {k: v for k, v in stats.items() if k not in ("flashes", "beeps")}
        raise AssertionError(f"{self!r}: track {sid} {what or 'not as expected'} in {timeout} s: {shown}")


def eventually(check, timeout: float = PATIENCE_S, every: float = 0.1, what: str = "condition"):
    """The first true value of check(), or an AssertionError with the last one."""
    deadline = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: still {value!r} after {timeout} s")
        time.sleep(every)


def late_ms(viewer: Client, *others: Client) -> float:
    """What the slowest of these clients' processes was late by since the statistics of the first were reset."""
    ms = (time.monotonic() - viewer.reset_at) * 1000
    return max(client.call("late", ms=ms) for client in (viewer, *others))


def at_most(ms: float, viewer: Client, *others: Client) -> float:
    """A limit for what nobody may wait longer for, on this machine: it is the publisher's process, the server's and the
    viewer's that may have been kept waiting for a processor, as long as one of them tells."""
    return ms + 3 * late_ms(viewer, *others)


def silent(client, sid, seconds=0.5) -> bool:
    """True if nothing was heard of a track for some time."""
    client.call("reset")
    time.sleep(seconds)
    return client.track(sid).get("loudSeconds", 0) < 0.05
