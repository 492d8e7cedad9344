# SPDX-License-Identifier: Apache-2.0
"""Clients behind firewalls: TURN through a real coturn over UDP, TCP and TLS, and ICE over TCP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import stat
import subprocess
import sys
import time

import pytest

from conftest import Room
from lib.coturn import SECRET, Coturn, auralink
from lib.driver import eventually
from lib.namespace import Namespace
from lib.server import Server

pytestmark = pytest.mark.skipif(Server.is_reference(), reason="our own configuration")


@pytest.fixture
def coturn(space, certificates):
    if not Coturn.there():
        pytest.skip("coturn is not installed")
    folder = os.path.dirname(certificates["ca.pem"])
    with open(os.path.join(folder, "san-turn"), "w") as file:
        file.write(f"subjectAltName=IP:{space.outside}")
    for words in (
        ("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=turn", "-keyout", "turn.key", "-out", "turn.csr"),
        ("x509", "-req", "-in", "turn.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
         "-extfile", "san-turn", "-out", "turn.pem"),
    ):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    running = Coturn(space.outside, space.outside, os.path.join(folder, "turn.pem"), os.path.join(folder, "turn.key"))
    yield running
    running.stop()


def only(space: Namespace, *accepted: str) -> None:
    """A firewall inside: nothing leaves but what is accepted."""
    rules = "".join(f"{rule} accept\n" for rule in ("oif lo", "ct state established,related", *accepted))
    text = "table inet wall {\n}\ndelete table inet wall\ntable inet wall { chain out { type filter hook output priority 0; policy drop;\n" + rules + "}\n}\n"
    subprocess.run(space.command(["nft", "-f", "-"]), input=text, text=True, check=True)


@pytest.fixture
def call_from_inside(drivers, space):
    """call(server, name): a call between rtc-node inside and rtc-node outside, both ways."""
    drivers.add("node-far", space.command(["node", "clients/node_client.mjs"]))
    rooms = []

    def call(server: Server, name: str) -> None:
        room = Room(drivers, server, name)
        rooms.append(room)
        near = room.join("node", "near")
        far = room.join("node-far", "far", timeout=60)
        up = far.call("publishVideo", width=320, height=240, fps=15)["sid"]
        down = near.call("publishVideo", width=320, height=240, fps=15)["sid"]
        near.until(up, lambda s: s["distinct"] > 15, 60, "no picture from inside")
        far.until(down, lambda s: s["distinct"] > 15, 60, "no picture inside")

    yield call
    for room in rooms:
        room.close()
    drivers.remove("node-far")


@pytest.fixture
def far_server(space, start_server):
    def start(config: dict) -> Server:
        return start_server(node_ip=space.outside, bind=space.outside, config=config)

    return start


def test_call_by_turn_over_tcp(space, coturn, far_server, call_from_inside):
    """No UDP, and no TCP but to the signalling and to TURN."""
    server = far_server(coturn.config)
    only(space, f"tcp dport {{ {server.http_port}, {coturn.port} }}")
    call_from_inside(server, "turn-tcp")
    eventually(lambda: "ALLOCATE processed, success" in coturn.log(), what="coturn's log")


def test_call_by_turn_over_udp(space, coturn, far_server, call_from_inside):
    """UDP only to TURN."""
    server = far_server(coturn.config)
    only(space, f"tcp dport {server.http_port}", f"udp dport {coturn.port}")
    call_from_inside(server, "turn-udp")
    eventually(lambda: "ALLOCATE processed, success" in coturn.log(), what="coturn's log")


def test_call_by_ice_tcp(space, far_server, call_from_inside):
    """No UDP and no TURN: media over TCP straight to the server."""
    server = far_server({})
    only(space, f"tcp dport {{ {server.http_port}, {server.tcp_port} }}")
    call_from_inside(server, "ice-tcp")
    assert server.alive()


def test_whip_by_turn_over_tls(space, coturn, far_server, drivers, certificates):
    """aiortc, told of TURN by WHIP's Link headers, with nothing open but signalling and TURN/TLS."""
    server = far_server(coturn.config)
    only(space, f"tcp dport {{ {server.http_port}, {coturn.tls_port} }}")
    room = Room(drivers, server, "turn-tls")
    viewer = room.join("node", "viewer")
    inside = subprocess.Popen(
        space.command([sys.executable, "clients/whip_turn.py", server.http_url, room.name]),
        stdin=subprocess.PIPE, text=True, env={**os.environ, "SSL_CERT_FILE": certificates["ca.pem"]},
    )
    try:
        sid = viewer.wait("trackSubscribed", 60, kind="video")["sid"]
        viewer.until(sid, lambda s: s["distinct"] > 15, 60, "no picture by TURN over TLS")
    finally:
        inside.stdin.close()
        inside.wait(60)
        room.close()
    eventually(lambda: "TLS" in coturn.log(), what="coturn's log")


def credentials(name: str, ends_in: int, secret: str = SECRET) -> dict:
    username = f"{int(time.time()) + ends_in}:{name}"
    mac = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return {"username": username, "password": base64.b64encode(mac).decode()}


def test_relay_is_not_open(space, coturn):
    """coturn relays to the server's address and to none else, for nobody without fresh credentials."""
    from aioice import stun, turn

    async def relay_to(peer: str, **who) -> str:
        class Silent(asyncio.DatagramProtocol):
            pass

        # A relay for IPv4; the permission for the peer is asked for with the first packet.
        transport, protocol = await turn.create_turn_endpoint(
            Silent, server_addr=(coturn.host, coturn.port), transport="tcp", **who
        )
        inner = transport._TurnTransport__inner_protocol
        try:
            await inner.channel_bind(1 << 14, (peer, 9))
            return "relayed"
        except stun.TransactionFailed as refusal:
            return str(refusal.response.attributes["ERROR-CODE"][0])
        finally:
            transport.close()

    async def attempt(peer: str, **who) -> str:
        try:
            return await asyncio.wait_for(relay_to(peer, **who), 20)
        except stun.TransactionFailed as refusal:
            return str(refusal.response.attributes["ERROR-CODE"][0])

    good = credentials("PA_x", 600)
    assert asyncio.run(attempt(space.outside, **good)) == "relayed"
    for peer in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "192.0.2.7", space.inside):
        assert asyncio.run(attempt(peer, **good)) == "403", peer
    assert asyncio.run(attempt(space.outside, **credentials("PA_x", -600))) == "401"
    assert asyncio.run(attempt(space.outside, **credentials("PA_x", 600, "another secret"))) == "401"


def test_configuration(tmp_path, coturn):
    """The file is not for everybody, and a bad section is refused with its sentence."""
    assert stat.S_IMODE(os.stat(coturn.path).st_mode) & 0o007 == 0
    for text, words in (
        ("{}", "turn.enabled"),
        ("turn: {enabled: true}", "turn.domain"),
        ("turn: {enabled: true, domain: x, secret: short}", "turn.secret"),
        (f"turn: {{enabled: true, domain: x, secret: {SECRET}, tls_port: 443}}", "turn.cert_file"),
        (f"turn: {{enabled: true, domain: x, secret: {SECRET}}}", "--peer"),
        ("rtc: {turn_servers: [{host: x, protocol: sctp}]}", "rtc.turn_servers"),
    ):
        path = tmp_path / "server.yaml"
        path.write_text(text)
        done = auralink("turn", "config", "--config", str(path))
        assert done.returncode == 1 and words in done.stderr and not done.stdout, done
