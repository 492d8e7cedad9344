# SPDX-License-Identifier: Apache-2.0
"""rtc.single_port: two media workers behind one UDP port and one TCP port."""

from __future__ import annotations

import json
import re

import pytest

from conftest import Room
from lib.driver import eventually
from lib.server import Server

pytestmark = pytest.mark.skipif(Server.is_reference(), reason="our own configuration")


def test_single_port(drivers, start_server, room_on):
    """Six clients on two workers, all through one UDP port, see each other; nothing is lost between workers."""
    server = start_server(config={"rtc": {"single_port": True, "workers": 2}})
    listening = json.loads(re.search(r"listening (\{.*\})", server.tail())[1])
    assert listening["udp"] == [server.udp_port] * 2
    room = room_on(server)
    publishers = [room.join("node", f"p{i}") for i in range(3)]
    sids = [p.call("publishVideo", width=320, height=240, fps=15)["sid"] for p in publishers]
    viewers = [room.join(kind, f"v{i}") for i, kind in enumerate(("node", "python", "node"))]
    for viewer in viewers:
        for sid in sids:
            viewer.until(sid, lambda s: s["distinct"] > 15, 60, "no picture through the single port")
    # Peers are shared out over both workers, and the kernel knows nothing of it.
    eventually(lambda: server.metric("auralink_datagrams_handed_over_total") > 100, 60, what="both workers have peers")
    assert server.metric("auralink_drops_total", "ring_full") == 0
    unknown, received = server.metric("auralink_drops_total", "unknown_peer"), server.metric("livekit_packet_total", "incoming")
    assert unknown < received / 100, f"{unknown} of {received} packets went to nobody"
    for viewer in viewers:
        seen = viewer.track(sids[0])
        assert seen["unreadable"] < 10, seen


def test_single_port_taken(start_server):
    """A port that another program has is refused, although the workers share theirs."""
    first = start_server(config={"rtc": {"single_port": True, "workers": 2}})
    with pytest.raises(AssertionError, match="server exited"):
        Server(ports={"udp": first.udp_port}, config={"rtc": {"single_port": True, "workers": 2}})


def test_single_port_and_many(drivers, start_server):
    """Joining and leaving in turns: routes go with their peers."""
    server = start_server(config={"rtc": {"single_port": True, "workers": 2}})
    for turn in range(4):
        room = Room(drivers, server, f"turn-{turn}")
        one, two = room.join("node", "one"), room.join("python", "two")
        sid = one.call("publishVideo", width=320, height=240, fps=15)["sid"]
        two.until(sid, lambda s: s["distinct"] > 5, 60, "no picture")
        room.close()
    eventually(lambda: server.metric("auralink_peer_connections") == 0, 60, 0.2, "peers that nobody left behind")
    assert server.metric("auralink_datagrams_handed_over_total") > 0
