# SPDX-License-Identifier: Apache-2.0
"""A webhook receiver that can be made to misbehave."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
import time

from lib import tokens
from lib.driver import HERE
from lib.ports import free_port


class Receiver:
    """Keeps what is POSTed to it. `answer(headers, body)` gives the status; None = no answer at all."""

    def __init__(self, port: int | None = None):
        self.port = port or free_port()
        self.got: list[dict] = []  # all requests, also those that were refused
        self.answer = lambda event: 200
        self.headers: dict[str, str] = {}  # of answers
        self._changed = threading.Condition()
        self._server: http.server.ThreadingHTTPServer | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def start(self) -> None:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                event = json.loads(body)
                status = receiver.answer(event)
                with receiver._changed:
                    receiver.got.append({"path": self.path, "headers": dict(self.headers), "body": body.decode(),
                                         "event": event, "status": status, "at": time.monotonic()})
                    receiver._changed.notify_all()
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def do_GET(self):
                self.send_error(405)

            def log_message(self, *_):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Listener(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def taken(self, room: str | None = None) -> list[dict]:
        """Requests that were answered with 2xx, in order."""
        return [g for g in list(self.got) if g["status"] and 200 <= g["status"] < 300
                and (room is None or g["event"]["room"]["name"] == room)]

    def names(self, room: str) -> list[str]:
        return [g["event"]["event"] for g in self.taken(room)]

    def wait(self, check, timeout: float = 60, what: str = "webhooks"):
        with self._changed:
            good = self._changed.wait_for(lambda: check(self), timeout)
        assert good, f"{what}: not in {timeout} s; got {[(g['event']['event'], g['status']) for g in self.got][-30:]}"


def verify(requests: list[dict], key: str = tokens.KEY, secret: str = tokens.SECRET) -> list[dict]:
    """What livekit-server-sdk's WebhookReceiver says to each."""
    lines = "".join(json.dumps({"body": g["body"], "authorization": g["headers"].get("Authorization", "")}) + "\n"
                    for g in requests)
    done = subprocess.run(["node", "clients/webhook_verify.mjs", key, secret], cwd=HERE, input=lines,
                          capture_output=True, text=True, timeout=120, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]
