# SPDX-License-Identifier: Apache-2.0
"""Where homeservers are: .well-known, SRV, ports and certificates, by real DNS and HTTPS in a network namespace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading

import pytest

from lib.driver import eventually
from lib.namespace import Namespace
from lib.server import Server
from test_matrix import fake_token, old_body, post, refused

pytestmark = [
    pytest.mark.skipif(Server.is_reference(), reason="LiveKit leaves this to lk-jwt-service"),
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="needs root and iproute2 for a namespace")]

HERE = os.path.dirname(os.path.abspath(__file__))
LOOP = ["127.0.0.1"]
AWAY = ["10.9.9.9"]


def points_to(server: str) -> list:
    return [200, {}, json.dumps({"m.server": server})]


def moves_to(url: str) -> list:
    return [302, {"Location": url}, ""]


# The certificate is of all these names, but neither of target.test nor of bad.test.
NAMES = ("wk", "hs", "wksrv", "deleg", "srv", "old", "both", "none", "moved", "elsewhere", "inward", "plain", "loop", "mixed", "broken",
         "srvaway", "srvdot", "wkaway", "long")
WORLD = {
    "a": {**{f"{name}.test": LOOP for name in (*NAMES, "target", "bad")}, "away.test": AWAY, "mixed.test": AWAY + LOOP},
    "srv": {
        "_matrix-fed._tcp.deleg.test": [[10, 0, 1113, "target.test"]],
        "_matrix-fed._tcp.srv.test": [[20, 0, 1, "away.test"], [10, 5, 1114, "target.test"], [10, 1, 2, "away.test"]],
        "_matrix._tcp.old.test": [[10, 0, 1115, "target.test"]],
        "_matrix-fed._tcp.both.test": [[10, 0, 1114, "target.test"]],
        "_matrix._tcp.both.test": [[10, 0, 1115, "target.test"]],
        "_matrix-fed._tcp.srvaway.test": [[10, 0, 1114, "away.test"]],
        "_matrix-fed._tcp.srvdot.test": [[0, 0, 0, "."]],
        "_matrix-fed._tcp.wk.test": [[10, 0, 1115, "target.test"]],  # .well-known comes first
        "_matrix-fed._tcp.hs.test": [[10, 0, 1115, "target.test"]],  # a port was given
    },
    "ports": [443, 1111, 1113, 1114, 1115, 8448],
    "well_known": {
        "wk.test": points_to("hs.test:1111"), "wksrv.test": points_to("deleg.test"), "moved.test": moves_to("https://elsewhere.test/x"),
        "elsewhere.test": points_to("hs.test:1111"), "inward.test": moves_to("https://10.0.0.1/.well-known/matrix/server"),
        "plain.test": moves_to("http://elsewhere.test/x"), "loop.test": moves_to("https://loop.test/.well-known/matrix/server"),
        "broken.test": [200, {}, '{"m.server": "'], "wkaway.test": points_to("10.0.0.1:443"), "bad.test": points_to("bad.test:1111"),
        "long.test": [200, {}, '{"m.server": "hs.test:1111", "x": "' + "x" * 70000 + '"}'],
    },
}

# server name: (port and Host header of the request for userinfo)
FOUND = {
    "hs.test:1111": (1111, "hs.test:1111"), "127.0.0.1:1111": (1111, "127.0.0.1:1111"), "127.0.0.1": (8448, "127.0.0.1"),
    "wk.test": (1111, "hs.test:1111"), "wksrv.test": (1113, "deleg.test"), "srv.test": (1114, "srv.test"),
    "old.test": (1115, "old.test"), "both.test": (1114, "both.test"), "none.test": (8448, "none.test"),
    "moved.test": (1111, "hs.test:1111"), "inward.test": (8448, "inward.test"), "plain.test": (8448, "plain.test"),
    "loop.test": (8448, "loop.test"), "mixed.test": (8448, "mixed.test"), "broken.test": (8448, "broken.test"),
    "srvdot.test": (8448, "srvdot.test"), "long.test": (8448, "long.test"),
}
NOT_FOUND = {
    "away.test": "matrix.allow_addresses", "srvaway.test": "matrix.allow_addresses", "wkaway.test": "matrix.allow_addresses",
    "bad.test": "certificate", "target.test": "certificate", "nobody.test": "no address in DNS",
}


class World:
    """The names, and a server of ours among them."""

    def __init__(self, space: Namespace, folder: str, certificates: dict):
        self.asked: list[dict] = []
        file = os.path.join(folder, "world.json")
        with open(file, "w") as out:
            json.dump({**WORLD, **certificate(folder, certificates)}, out)
        self.process = subprocess.Popen(space.command([sys.executable, os.path.join(HERE, "lib", "small_internet.py"), file]),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        eventually(lambda: {"ready": True} in self.asked, 60, 0.05, "DNS and HTTPS")

    def _read(self) -> None:
        for line in self.process.stdout:
            self.asked.append(json.loads(line))

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(20)


def certificate(folder: str, certificates: dict) -> dict:
    def run(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    with open(os.path.join(folder, "san"), "w") as file:
        file.write("subjectAltName=IP:127.0.0.1," + ",".join(f"DNS:{name}.test" for name in NAMES))
    run("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=names", "-keyout", "names.key", "-out", "names.csr")
    run("x509", "-req", "-in", "names.csr", "-CA", certificates["ca.pem"], "-CAkey", certificates["ca.key"], "-CAcreateserial",
        "-days", "2", "-extfile", "san", "-out", "names.pem")
    return {"certificate": os.path.join(folder, "names.pem"), "key": os.path.join(folder, "names.key")}


@pytest.fixture(scope="module")
def world(tmp_path_factory, certificates):
    """(World, Server): `ip netns exec` gives the namespace its own resolv.conf."""
    try:
        space = Namespace()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespace here: {error.stderr}")
    own = f"/etc/netns/{space.name}"
    names = server = None
    try:
        os.makedirs(own)
        with open(os.path.join(own, "resolv.conf"), "w") as file:
            file.write("nameserver 127.0.0.1\n")
        names = World(space, str(tmp_path_factory.mktemp("world")), certificates)
        server = Server(netns=space.name, bind=space.inside, node_ip=space.inside, config={"matrix": {
            "enabled": True, "url": "ws://calls.example", "full_access": ["*"], "timeout": "30s", "allow_addresses": ["127.0.0.0/8"],
            "ca_file": certificates["ca.pem"]}})
        yield names, server
        assert server.stop() == 0
    finally:
        if server:
            server.cleanup()
        if names:
            names.stop()
        space.remove()
        shutil.rmtree(own, ignore_errors=True)


def userinfos(names: World) -> list[tuple[int, str]]:
    return [(a["port"], a["host"]) for a in names.asked if a.get("path", "").endswith("/userinfo")]


@pytest.mark.parametrize("name", FOUND)
def test_found(world, name):
    """The request comes where the standard says, with the Host header that it says, and the certificate is of that name."""
    names, server = world
    before = len(userinfos(names))
    status, body, _ = post(server, "/sfu/get", old_body(fake_token(name, name)))
    assert status == 200, body
    eventually(lambda: len(userinfos(names)) > before, 20, 0.02, "what was asked")
    assert userinfos(names)[before:] == [FOUND[name]]


@pytest.mark.parametrize("name", NOT_FOUND)
def test_not_found(world, name):
    names, server = world
    before = len(userinfos(names))
    refused(post(server, "/sfu/get", old_body(fake_token(name, name))), 401, "M_UNAUTHORIZED", NOT_FOUND[name])
    assert len(userinfos(names)) == before


def test_well_known_is_kept(world):
    """Asked for once; and so is that there is none."""
    names, server = world
    for name in ("wk.test", "none.test"):
        for i in range(3):
            post(server, "/sfu/get", old_body(fake_token(name, f"{name}&{i}"), device=f"D{i}"))
        asked = [a for a in names.asked if a.get("path") == "/.well-known/matrix/server" and a["host"] == name]
        assert len(asked) == 1, asked
