# SPDX-License-Identifier: Apache-2.0
"""The dashboard's REST API by curl, as a browser would use it: a cookie, an Origin, JSON. Each answer is held against
docs/openapi/api.yaml."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from urllib.parse import urlsplit

import websockets.sync.client as ws
from websockets.exceptions import ConnectionClosed

from lib.driver import HERE, PATIENCE_S, eventually
from lib.openapi import Description

API = Description("api.yaml")
PASSWORD = "correct horse battery"


def announced(server) -> dict:
    """What a server in development says of itself to who starts it."""

    def line():
        with open(server.log_path) as file:
            return next((text for text in file if text.startswith("listening {") and text.endswith("\n")), None)

    return json.loads(eventually(line, what="the announcement").split(" ", 1)[1])


class Operator:
    """A browser at the dashboard."""

    def __init__(self, server, jar: str, name: str | None = None, password: str = PASSWORD):
        self.server, self.jar, self.name = server, jar, name
        if name:
            self.good("POST", "/session", {"name": name, "password": password})

    def ask(self, method: str, path: str, body=None, *, raw: str | None = None, headers: dict | None = None):
        """(status, answer); `path` is below /api/v1"""
        sent = {"Origin": self.server.http_url, **(headers or {})}
        argv = ["curl", "-sS", "--path-as-is", "-m", str(int(PATIENCE_S)), "-X", method, "-b", self.jar, "-c", self.jar,
                "-w", "\n%{http_code} %{content_type}"]
        text = raw if raw is not None else json.dumps(body) if body is not None else None
        if text is not None:
            sent.setdefault("Content-Type", "application/json")
            argv += ["--data-binary", "@-"]
        for name, value in sent.items():
            argv += ["-H", f"{name}: {value}"]
        done = subprocess.run([*argv, self.server.http_url + "/api/v1" + path], input=text, capture_output=True, text=True,
                              check=True)
        answer, _, last = done.stdout.rpartition("\n")
        status, _, kind = last.partition(" ")
        assert kind == "application/json", (status, kind, answer)
        said = json.loads(answer) if answer else None
        API.check(method, "/api/v1" + urlsplit(path).path, int(status), said)
        return int(status), said

    def good(self, method: str, path: str, body=None):
        status, said = self.ask(method, path, body)
        assert status < 300, (method, path, status, said)
        return said

    def get(self, path: str):
        return self.good("GET", path)

    def refused(self, method: str, path: str, body=None, **more) -> tuple[int, str]:
        status, said = self.ask(method, path, body, **more)
        assert status >= 400, (method, path, said)
        return status, said["code"]

    def room(self, name: str) -> dict:
        """The open room of that name."""
        return eventually(lambda: next((r for r in self.get("/rooms?limit=200")["rooms"] if r["name"] == name), None),
                          what=f"room {name}")

    def who(self, room: dict, identity: str) -> dict:
        path = f"/rooms/{room['sid']}/participants"
        return eventually(lambda: next((p for p in self.get(path)["participants"] if p["identity"] == identity), None),
                          what=f"{identity} in the room")

    def audit(self, action: str) -> list[dict]:
        return self.get(f"/audit?action={action}")["entries"]

    def cookie(self) -> str:
        """As a header's value."""
        with open(self.jar) as file:
            fields = [line.rstrip("\n").split("\t") for line in file if line.count("\t") == 6]
        return "; ".join(f"{f[5]}={f[6]}" for f in fields)

    def watch(self) -> "Watch":
        return Watch(self)


class Watch:
    """The stream of events."""

    def __init__(self, operator: Operator):
        server = operator.server
        self.link = ws.connect(server.url + "/api/v1/events", additional_headers={"Cookie": operator.cookie()},
                               origin=server.http_url, compression=None, open_timeout=PATIENCE_S, legacy=True)
        self.seen: list[dict] = []
        self.closed: queue.Queue = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for text in self.link:
                event = json.loads(text)
                API.validate("Event", event)
                self.seen.append(event)
        except ConnectionClosed:
            pass
        finally:
            self.closed.put(self.link.protocol.close_code)

    def wait(self, good, what: str = "event") -> dict:
        return eventually(lambda: next((e for e in list(self.seen) if good(e)), None), what=what)

    def wait_closed(self) -> int:
        return self.closed.get(timeout=PATIENCE_S)

    def close(self) -> None:
        self.link.close()
        self._thread.join(PATIENCE_S)


def set_up(server, folder, name: str = "ann") -> Operator:
    """The first operator of a server in development."""
    operator = Operator(server, os.path.join(folder, f"{name}.jar"))
    operator.good("POST", "/setup", {"token": announced(server)["setup"], "name": name, "password": PASSWORD})
    operator.name = name
    return operator


def _node(script: str, *words: str) -> str:
    done = subprocess.run(["node", "--input-type=module", "-e", script, *words], cwd=HERE, capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def npm_token(key: str, secret: str, identity: str, room: str) -> str:
    """A join token by npm's livekit-server-sdk."""
    return _node("import { AccessToken } from 'livekit-server-sdk';"
                "const [key, secret, identity, room] = process.argv.slice(1);"
                "const token = new AccessToken(key, secret, { identity });"
                "token.addGrant({ roomJoin: true, room });"
                "console.log(await token.toJwt());", key, secret, identity, room)


def validate(server, token: str) -> int:
    """Status of /rtc/validate."""
    return server.get(f"/rtc/validate?access_token={token}")[0]
