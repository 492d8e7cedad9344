# SPDX-License-Identifier: Apache-2.0
"""Which addresses and ports the server tells clients of: behind a NAT, with several interfaces, LiveKit's port range."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from lib.coturn import Coturn
from lib.ports import free_port
from lib.server import Server

pytestmark = pytest.mark.skipif(Server.is_reference(), reason="our own configuration")

PUBLIC = "198.51.100.7"  # of the NAT, as those see it who are on the other side


def told(server: Server) -> list[str]:
    """The addresses that it says it advertises."""
    return re.findall(r'media_address ip="([^"]+)"', server.tail())


def call(room, near: str, far: str, far_url: str | None = None) -> None:
    """Both ways between a client here and one elsewhere."""
    one = room.join(near, "near")
    two = room.join(far, "far", url=far_url, timeout=60)
    up = two.call("publishVideo", width=320, height=240, fps=15)["sid"]
    down = one.call("publishVideo", width=320, height=240, fps=15)["sid"]
    one.until(up, lambda s: s["distinct"] > 15, 60, "no picture from there")
    two.until(down, lambda s: s["distinct"] > 15, 60, "no picture there")


@pytest.fixture
def nat(space):
    """Inside the namespace is the world. It knows us by PUBLIC alone, as a cloud's NAT has it."""
    rules = f"""
        table ip nat {{
            chain from_us {{ type nat hook input priority 100; ip saddr {space.outside} snat to {PUBLIC}; }}
            chain to_us {{ type nat hook output priority -100; ip daddr {PUBLIC} dnat to {space.outside}; }}
        }}
        table ip wall {{
            chain out {{ type filter hook output priority 0; ct original ip daddr {space.outside} drop; }}
        }}"""
    subprocess.run(space.command(["nft", "-f", "-"]), input=rules, text=True, check=True)
    return space


@pytest.fixture
def stun(nat):
    if not Coturn.there():
        pytest.skip("coturn is not installed")
    running = Coturn(nat.inside, nat.inside, command=nat.command)
    yield f"{nat.inside}:{running.port}"
    running.stop()


@pytest.fixture
def far(drivers, space):
    drivers.add("node-far", space.command(["node", "clients/node_client.mjs"]))
    yield "node-far"
    drivers.remove("node-far")


def test_external_ip(start_server, nat, stun, far, room_on):
    """Clients beyond the NAT reach the media at the address that a STUN server saw, and at no other."""
    server = start_server(bind=nat.outside, node_ip="10.9.9.9",  # use_external_ip takes precedence
                          config={"rtc": {"use_external_ip": True, "stun_servers": [stun]}})
    assert told(server) == [PUBLIC]
    room = room_on(server)
    one, two = (room.join(far, name, url=f"ws://{PUBLIC}:{server.http_port}", timeout=60) for name in ("one", "two"))
    sid = one.call("publishVideo", width=320, height=240, fps=15)["sid"]
    two.until(sid, lambda s: s["distinct"] > 15, 60, "no picture through the NAT")


def test_external_and_internal_ip(start_server, nat, stun, far, room_on):
    """With the inner address told as well, a client on this side sees one beyond."""
    server = start_server(bind="0.0.0.0", host=nat.outside, node_ip=None, config={"rtc": {
        "use_external_ip": True, "advertise_internal_ip": True, "stun_servers": [stun],
        "ips": {"includes": [f"{nat.outside}/32"]}}})
    assert told(server) == [PUBLIC, nat.outside]
    call(room_on(server), "node", far, f"ws://{PUBLIC}:{server.http_port}")


def test_no_stun_server_answers(start_server, space):
    """It does not come up half reachable; it says what to do."""
    config = {"rtc": {"use_external_ip": True, "stun_servers": [f"{space.inside}:9"]}}
    with pytest.raises(AssertionError, match="no STUN server answered. Let UDP out to them, name others"):
        Server(bind=space.outside, config=config)


def test_interfaces(start_server, space, room_on):
    """Of two interfaces only one is told; then by their networks."""
    for words in (("link", "add", "spare0", "type", "veth", "peer", "name", "spare1"), ("addr", "add", "203.0.113.9/24", "dev", "spare0"),
                  ("link", "set", "spare0", "up"), ("link", "set", "spare1", "up")):
        subprocess.run(space.command(["ip", *words]), check=True)
    for rtc in ({"interfaces": {"excludes": ["spare0", "lo"]}, "ips": {"excludes": ["fd00::/8"]}},
                {"interfaces": {"includes": ["eth0"]}, "ips": {"includes": ["10.0.0.0/8"]}},
                {"ips": {"excludes": ["203.0.113.0/24", "127.0.0.0/8", "::/0"]}}):
        server = start_server(netns=space.name, bind="0.0.0.0", host=space.inside, node_ip=None,
                              config={"rtc": rtc})
        assert told(server) == [space.inside], rtc
        room = room_on(server)
        one, two = room.join("node", "one"), room.join("node", "two")
        sid = one.call("publishVideo", width=320, height=240, fps=15)["sid"]
        two.until(sid, lambda s: s["distinct"] > 5, 60, "no picture")


def test_port_range(start_server):
    """A worker takes one port of LiveKit's range, from its first on."""
    first = free_port()
    server = start_server(config={"rtc": {"port_range_start": first, "port_range_end": first + 50, "workers": 2}})
    listening = json.loads(re.search(r"listening (\{.*\})", server.tail())[1])
    assert listening["udp"] == [first, first + 1]
