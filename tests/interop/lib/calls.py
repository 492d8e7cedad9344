# SPDX-License-Identifier: Apache-2.0
"""Devices of people who call each other: WebSockets to /aura/v1/events, and REST below /aura/v1/calls."""

from __future__ import annotations

import json
import threading

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from lib import tokens
from lib.openapi import Rest

KEYS = {"devkey": "secret", "other": "other-secret-of-32-characters-or-more"}


class Device:
    """Connected from the start. `events` are those of this connection, oldest first; their numbers are checked."""

    def __init__(self, person: "Person", name: str, query_token: bool = False):
        self.person, self.name = person, name
        self.events: list[dict] = []
        self.closed: tuple[int, str] | None = None
        self._changed = threading.Condition()
        url = f"{person.server.url}/aura/v1/events?device={name}"
        headers = {"Authorization": f"Bearer {person.token}"}
        self._socket = connect(url + (f"&access_token={person.token}" if query_token else ""), legacy=True,
                               additional_headers={} if query_token else headers)
        threading.Thread(target=self._read, daemon=True).start()
        self.hello = self.wait("hello")
        assert self.hello["seq"] == 1 and self.hello["device"] == name

    def _read(self) -> None:
        try:
            for raw in self._socket:
                with self._changed:
                    self.events.append(json.loads(raw))
                    self._changed.notify_all()
        except ConnectionClosed:
            pass
        with self._changed:
            close = self._socket.protocol.close_rcvd
            self.closed = (close.code, close.reason) if close else (1006, "")
            self._changed.notify_all()

    def find(self, event: str, since: int = 0, **wanted) -> dict | None:
        return next((e for e in self.events[since:] if e["event"] == event
                     and all(e.get(k) == v for k, v in wanted.items())), None)

    def wait(self, event: str, since: int = 0, timeout: float = 30, **wanted) -> dict:
        with self._changed:
            assert self._changed.wait_for(lambda: self.find(event, since, **wanted) or self.closed, timeout), self.events
            found = self.find(event, since, **wanted)
        assert found, f"closed by {self.closed} without {event} {wanted}: {self.events}"
        assert [e["seq"] for e in self.events] == list(range(1, len(self.events) + 1))
        return found

    def wait_closed(self, timeout: float = 30) -> tuple[int, str]:
        with self._changed:
            assert self._changed.wait_for(lambda: self.closed, timeout), self.events
        return self.closed

    def mark(self) -> int:
        return len(self.events)

    def names(self, since: int = 0, call: str | None = None) -> list[str]:
        return [e["event"] for e in self.events[since:] if call is None or e.get("call") == call]

    def settled(self, marker: "Person") -> list[dict]:
        """All that has come, once what was told before now is certainly here: a ring by @p marker comes behind it."""
        since = self.mark()
        device = marker.devices[-1]
        call = device.ring(self.person)
        self.wait("ring", since, call=call)
        marker.marks.add(call)
        marker.post(f"{call}/leave")
        self.wait("missed", since, call=call)
        return [e for e in self.events if e.get("call") not in marker.marks]

    def close(self) -> None:
        self._socket.close()
        self.wait_closed()

    # ---- what it does

    def ring(self, *people: "Person", video: bool = False) -> str:
        said = self.person.rest.good("POST", "/aura/v1/calls",
                                     {"to": [p.id for p in people], "device": self.name, "video": video})
        assert said["unreached"] == []
        return said["call"]

    def try_ring(self, *ids: str) -> tuple[int, dict]:
        return self.person.rest.ask("POST", "/aura/v1/calls", {"to": list(ids), "device": self.name})

    def accept(self, call: str) -> None:
        self.person.post(f"{call}/accept", {"device": self.name})

    def decline(self, call: str, busy: bool = False) -> None:
        self.person.post(f"{call}/decline", {"device": self.name, "busy": busy})


class Person:
    """Somebody of an app."""

    def __init__(self, server, identity: str, app: str = "devkey", **claims):
        self.server, self.app, self.identity = server, app, identity
        self.token = tokens.raw(tokens.claims(iss=app, sub=identity, **claims), key=KEYS[app])
        self.rest = Rest(server, self.token)
        self.id = self.rest.good("GET", "/aura/v1/ids/me")["id"]
        self.devices: list[Device] = []
        self.marks: set[str] = set()  # calls that only say that all before them has been told

    def device(self, name: str, **options) -> Device:
        self.devices.append(Device(self, name, **options))
        return self.devices[-1]

    def post(self, path: str, body: dict | None = None) -> None:
        assert self.rest.good("POST", f"/aura/v1/calls/{path}", body) is None

    def refused(self, path: str, body: dict | None = None) -> tuple[int, str]:
        return self.rest.refused("POST", f"/aura/v1/calls/{path}", body)

    def call(self, call: str) -> dict:
        return self.rest.good("GET", f"/aura/v1/calls/{call}")

    def states(self, call: str) -> dict[str, str]:
        return {p["id"]: p["state"] for p in self.call(call)["people"]}
