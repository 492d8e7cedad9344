# SPDX-License-Identifier: Apache-2.0
"""A call over IPv6 alone, through a veth pair (clients gather no loopback candidates for IPv6)."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from conftest import Room
from lib.namespace import Namespace
from lib.server import Server


@pytest.fixture
def far6(drivers):
    """A server on the IPv6 address of a veth pair, and a Node driver behind the other end."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("needs root and iproute2 for a network namespace")
    if Server.is_reference():
        pytest.skip("addresses are configured otherwise there")
    try:
        space = Namespace()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespace with IPv6 here: {error.stderr}")
    server = None
    try:
        server = Server(node_ip=space.outside6, bind=space.outside6)
        drivers.add("node-far", space.command(["node", "clients/node_client.mjs"]))
        yield server
    finally:
        drivers.remove("node-far")
        if server:
            server.stop()
            server.cleanup()
        space.remove()


def test_call_over_ipv6(drivers, far6, record):
    room = Room(drivers, far6, "ipv6")
    try:
        receiver = room.join("node-far", "receiver")
        sender = room.join("node-far", "sender")
        video = sender.call("publishVideo", width=640, height=360, fps=20)["sid"]
        audio = sender.call("publishAudio", toneHz=600)["sid"]
        seen = receiver.until(video, lambda s: s["distinct"] > 20, 60, "no picture over IPv6")
        receiver.until(audio, lambda s: s["loudSeconds"] > 0.5, 60, "no sound over IPv6")
        record(max_gap_ms=seen["maxGapMs"])
    finally:
        room.close()
