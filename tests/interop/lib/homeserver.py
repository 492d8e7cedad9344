# SPDX-License-Identifier: Apache-2.0
"""A homeserver that answers what a test wants it to: another's user, redirects, too much, nothing."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
import urllib.parse

from lib.ports import free_port

USERINFO = "/_matrix/federation/v1/openid/userinfo"


class Homeserver:
    """HTTPS on loopback. `answers[path]` is (status, headers, bytes); None as bytes: it hangs until stop()."""

    def __init__(self, certificate: str, key: str, host: str = "127.0.0.1"):
        self.port = free_port(host=host)
        self.name = f"{'localhost' if host == '127.0.0.1' else host}:{self.port}"
        self.answers: dict[str, tuple[int, dict, bytes | None]] = {}
        self.asked: list[dict] = []  # path, query and headers
        self._changed = threading.Condition()
        self._end = threading.Event()
        hs = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                with hs._changed:
                    hs.asked.append({"path": url.path, "query": dict(urllib.parse.parse_qsl(url.query)),
                                     "host": self.headers["Host"]})
                    hs._changed.notify_all()
                status, headers, body = hs.answers.get(url.path, (404, {}, b"{}"))
                if body is None:
                    hs._end.wait()
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.do_GET()

            def log_message(self, *_):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request, client_address):
                pass  # who is hung up on

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = Listener((host, self.port), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def says(self, sub: str | dict | bytes, status: int = 200, headers: dict | None = None) -> None:
        """What it says of every token."""
        body = sub if isinstance(sub, bytes) else json.dumps(sub if isinstance(sub, dict) else {"sub": sub}).encode()
        self.answers[USERINFO] = (status, headers or {}, body)

    def wait_asked(self, path: str, timeout: float = 30) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: any(a["path"] == path for a in self.asked), timeout), self.asked

    def stop(self) -> None:
        """Twice is fine."""
        if self._end.is_set():
            return
        self._end.set()
        self._server.shutdown()
        self._server.server_close()
