# SPDX-License-Identifier: Apache-2.0
"""`auralink doctor` with each thing broken that it looks for."""

from __future__ import annotations

import copy
import email.utils
import http.server
import json
import os
import ssl
import subprocess
import threading
import time

import pytest

from lib import tokens
from lib.driver import eventually
from lib.server import ROOT, Server
from test_turn import coturn, far_server, only  # noqa: F401 (fixtures)

pytestmark = pytest.mark.skipif(Server.is_reference(), reason="our own server's WHEP")
PROGRAM = os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"), "auralink")


def doctor(url: str, *options: str, within=lambda argv: argv, env: dict | None = None) -> tuple[int, dict]:
    """(exit code, findings by check)."""
    argv = within([PROGRAM, "doctor", url, "--json", *options])
    done = subprocess.run(argv, capture_output=True, text=True, timeout=90, env={**os.environ, **(env or {})})
    answer = json.loads(done.stdout)
    assert answer["ok"] == (done.returncode == 0), done
    return done.returncode, {c["check"]: c for c in answer["checks"]}


def broken(found: dict) -> dict:
    return {name: c for name, c in found.items() if c["status"] == "fail"}


def test_all_is_well(space, coturn, far_server, certificates):  # noqa: F811
    server = far_server(coturn.config)
    trusted = {"SSL_CERT_FILE": certificates["ca.pem"]}
    code, found = doctor(server.http_url, within=space.command, env=trusted)
    assert code == 0, found
    assert {n: c["status"] for n, c in found.items()} == {
        "http": "ok", "tls": "warn", "clock": "ok", "token": "ok", "udp": "ok", "tcp": "ok",
        "turn-udp": "ok", "turn-tcp": "ok", "turn-tls": "ok",
    }
    code, found = doctor(server.http_url, within=space.command)  # the relay's certificate is not trusted
    assert code == 1 and list(broken(found)) == ["turn-tls"] and "certificate" in found["turn-tls"]["found"]
    # The participant that it joined as is gone.
    eventually(lambda: server.metric("livekit_participant_total") == 0, what="nobody is left")


def test_firewalls(space, coturn, far_server):  # noqa: F811
    server = far_server(coturn.config)
    only(space, f"tcp dport {{ {server.http_port}, {server.tcp_port}, {coturn.port}, {coturn.tls_port} }}")
    code, found = doctor(server.http_url, "--insecure", within=space.command)
    assert code == 1 and sorted(broken(found)) == ["turn-udp", "udp"], found
    assert f"{space.outside}:{server.udp_port}" in found["udp"]["found"] and "UDP port" in found["udp"]["fix"]
    only(space, f"udp dport {{ {server.udp_port}, {server.udp_port + 1}, {coturn.port} }}", f"tcp dport {server.http_port}")
    code, found = doctor(server.http_url, "--insecure", within=space.command)
    assert code == 1 and sorted(broken(found)) == ["tcp", "turn-tcp", "turn-tls"], found
    assert "TCP port" in found["tcp"]["fix"]


def test_turn(space, coturn, far_server):  # noqa: F811
    without = far_server({})
    code, found = doctor(without.http_url, within=space.command)
    assert code == 0 and found["turn"]["status"] == "warn" and "coturn" in found["turn"]["fix"]
    wrong = copy.deepcopy(coturn.config)
    wrong["turn"]["secret"] = "quite another secret of the tests"
    server = far_server(wrong)
    code, found = doctor(server.http_url, "--insecure", within=space.command)
    assert code == 1 and sorted(broken(found)) == ["turn-tcp", "turn-tls", "turn-udp"]
    assert "static-auth-secret" in found["turn-udp"]["fix"] and "401" in found["turn-udp"]["found"]
    down = copy.deepcopy(coturn.config)
    down["turn"].update(udp_port=9, tls_port=0)
    server = far_server(down)
    code, found = doctor(server.http_url, within=space.command)
    assert code == 1 and "Start coturn" in found["turn-tcp"]["fix"]


def test_relay_that_may_not_reach_us(space, coturn, far_server):  # noqa: F811
    """coturn's file was written for another address of the server's."""
    server = far_server({**coturn.config, "rtc": {}})
    with open(coturn.path) as file:
        text = file.read().replace(f"allowed-peer-ip={space.outside}", "allowed-peer-ip=192.0.2.77")
    with open(coturn.path, "w") as file:
        file.write(text)
    coturn.restart()
    code, found = doctor(server.http_url, "--insecure", within=space.command)
    assert code == 1 and "auralink turn config" in found["turn-udp"]["fix"] and "403" in found["turn-udp"]["found"]


def test_tokens(server):
    now = int(time.time())
    claims = {"iss": tokens.KEY, "sub": "x", "video": {"roomJoin": True, "room": "r"}}
    for token, words in (
        (tokens.raw({**claims, "exp": now - 120}), "set the clock"),
        (tokens.raw({**claims, "exp": now + 7200, "nbf": now + 3600}), "server's future"),
        (tokens.raw({**claims, "exp": now + 60}, key="not the secret"), "secret differs"),
        (tokens.raw({**claims, "iss": "APInobody", "exp": now + 60}), "API key"),
        (tokens.raw({**claims, "exp": now + 60, "video": {"room": "r"}}), "roomJoin"),
        ("rubbish", "roomJoin"),
    ):
        code, found = doctor(server.http_url, "--token", token)
        assert code == 1 and list(broken(found)) == ["token"] and words in found["token"]["fix"], found
    code, found = doctor(server.http_url, "--token", tokens.join("viewer", "r", can_publish=False))
    assert code == 0, found
    code, found = doctor(server.http_url, "--token", tokens.join("source", "r", can_subscribe=False))
    assert code == 0, found
    code, found = doctor(server.http_url, "--api-secret", "wrong")
    assert code == 1 and "secret" in found["token"]["fix"]


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """A server that answers OK with a clock of its own."""

    ahead_s = 0

    def do_GET(self):
        self.send_response_only(200)
        self.send_header("Date", email.utils.formatdate(time.time() + self.ahead_s, usegmt=True))
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"OK")

    def log_message(self, *_):
        pass


@pytest.fixture
def elsewhere():
    started = []

    def start(ahead_s: int = 0, certificate: tuple | None = None) -> int:
        handler = type("Handler", (Elsewhere,), {"ahead_s": ahead_s})
        web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            web.socket = context.wrap_socket(web.socket, server_side=True)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        started.append(web)
        return web.server_address[1]

    yield start
    for web in started:
        web.shutdown()
        web.server_close()


def test_clock(elsewhere):
    code, found = doctor(f"http://127.0.0.1:{elsewhere(ahead_s=3600)}")
    assert code == 1 and "behind" in found["clock"]["found"] and "NTP" in found["clock"]["fix"]
    code, found = doctor(f"http://127.0.0.1:{elsewhere(ahead_s=-3600)}")
    assert code == 1 and "ahead of" in found["clock"]["found"]


def test_certificate(elsewhere, certificates):
    port = elsewhere(certificate=(certificates["server.pem"], certificates["server.key"]))
    code, found = doctor(f"https://localhost:{port}")
    assert code == 1 and list(found) == ["tls"] and "certificate" in found["tls"]["fix"]
    trusted = {"SSL_CERT_FILE": certificates["ca.pem"]}
    for url, options, env, status in (
        (f"https://localhost:{port}", ["--insecure"], {}, "ok"),
        (f"https://localhost:{port}", [], trusted, "ok"),
        (f"https://127.0.0.2:{port}", [], trusted, None),  # nothing listens there
    ):
        code, found = doctor(url, *options, env=env)
        assert found.get("tls", {}).get("status") == status, found


def test_nothing_there():
    code, found = doctor("http://127.0.0.1:9")
    assert code == 1 and "Start the server" in found["http"]["fix"]
    code, found = doctor("http://no-such-host.invalid")
    assert code == 1 and "DNS" in found["http"]["fix"]
