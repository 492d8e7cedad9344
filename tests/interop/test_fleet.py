# SPDX-License-Identifier: Apache-2.0
"""Several nodes with media links: a client's media goes where it came in, and crosses between nodes once."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from lib.driver import PATIENCE_S, eventually
from lib.redis import Redis
from test_api import PythonApi
from test_cluster import Nodes, cluster, debug, people, redis, rooms_of  # noqa: F401 (fixtures)
from test_pair import exchange

pytestmark = pytest.mark.skipif(Redis.missing() is not None, reason=str(Redis.missing()))


def fleet(node) -> dict:
    return debug(node)["media"]


@pytest.fixture
def linked(cluster):  # noqa: F811
    """linked(n): so many nodes, each with media links to all others."""

    def start(count: int = 2, **config):
        nodes = cluster.add(count, more={"media_links": True}, **config)
        meet(cluster, nodes)
        return nodes

    return start


def meet(cluster, nodes) -> None:  # noqa: F811
    cluster.meet(*nodes)
    for node in nodes:
        eventually(lambda node=node: fleet(node)["ready"] == len(nodes) - 1, PATIENCE_S, 0.1, "media can go to all nodes")


def test_media_goes_to_the_nearest_node(linked, people):  # noqa: F811
    """A publisher at one node, two viewers at another: a picture and a sound cross, each once; data goes both ways."""
    one, two = linked()
    publisher = people(one).join("node", "publisher")
    viewers = [people(two).join("node", "first"), people(two).join("python", "second")]
    assert people.room in rooms_of(one)
    video = publisher.call("publishVideo", width=640, height=360, fps=15)["sid"]
    sound = publisher.call("publishAudio", toneHz=440)["sid"]
    for viewer in viewers:
        viewer.until(video, lambda s: s["distinct"] >= 10, PATIENCE_S, "no picture")
        viewer.until(sound, lambda s: s["loudSeconds"] > 0.3, PATIENCE_S, "no sound")
    assert fleet(two)["guests"] >= 2 and fleet(one)["far_peers"] == fleet(two)["guests"]
    assert fleet(one)["relays"] == fleet(one)["relays_made"] == 2 and fleet(one)["refused"] == fleet(two)["refused"] == 0
    back = viewers[0].call("publishVideo", width=320, height=180, fps=15)["sid"]
    publisher.until(back, lambda s: s["distinct"] >= 10, PATIENCE_S, "no picture the other way")
    viewers[1].until(back, lambda s: s["distinct"] >= 10, PATIENCE_S, "no picture beside it")
    assert fleet(one)["relays_made"] == 3
    exchange(publisher, viewers[0])
    exchange(viewers[0], publisher)
    exchange(viewers[0], viewers[1])
    for viewer in viewers:
        viewer.disconnect()
    eventually(lambda: fleet(one)["relays"] == 0 and fleet(two)["guests"] == 0, PATIENCE_S, what="nothing crosses any more")


def test_without_the_key_media_goes_to_the_owner(cluster, people):  # noqa: F811
    one, two = cluster.add(2)
    cluster.meet()
    assert debug(one)["media"] is None
    publisher, viewer = people(one).join("node", "publisher"), people(two).join("node", "viewer")
    video = publisher.call("publishVideo", width=640, height=360, fps=15)["sid"]
    viewer.until(video, lambda s: s["distinct"] >= 10, PATIENCE_S, "no picture")


def numbered(sender, receiver, count: int = 60) -> None:
    """Reliable messages arrive, each once, in their order."""
    mark = receiver.mark()
    for i in range(count):
        sender.call("sendData", text=f"{sender.identity} {i}", reliable=True, topic="numbered")
    wanted = [f"{sender.identity} {i}" for i in range(count)]

    def came() -> list[str]:
        return [e["text"] for e in receiver.events[mark:] if e["event"] == "dataReceived" and e["topic"] == "numbered"]

    eventually(lambda: len(came()) >= count, PATIENCE_S, what="all messages")
    assert came() == wanted


def test_reliable_messages_keep_their_order(linked, people):  # noqa: F811
    one, two = linked()
    here, there = people(one).join("node", "here"), people(two).join("node", "there")
    numbered(here, there)
    numbered(there, here)
    assert fleet(one)["far_peers"] > 0


def test_three_nodes(linked, people):  # noqa: F811
    """From a node to a third one, neither of which owns the room: by the owner, once over each link."""
    one, two, three = linked(3)
    people(one).join("node", "keeper")
    publisher = people(two).join("node", "publisher")
    viewers = [people(three).join("node", "first"), people(three).join("python", "second")]
    video = publisher.call("publishVideo", width=640, height=360, fps=15)["sid"]
    for viewer in viewers:
        viewer.until(video, lambda s: s["distinct"] >= 10, PATIENCE_S, "no picture")
    assert fleet(one)["relays"] == 2 and fleet(one)["relays_made"] == 2
    numbered(publisher, viewers[0])


def kill(node) -> None:
    node.process.send_signal(signal.SIGKILL)
    node.process.wait()
    node.process.returncode = 0  # as was wished


def test_a_node_with_viewers_is_killed(linked, people):  # noqa: F811
    """Who was there is gone, and nobody else notices."""
    one, two, three = linked(3)
    publisher = people(one).join("node", "publisher")
    lost, other = people(two).join("node", "lost"), people(three).join("node", "other")
    video = publisher.call("publishVideo", width=640, height=360, fps=15)["sid"]
    for viewer in (lost, other):
        viewer.until(video, lambda s: s["distinct"] >= 10, PATIENCE_S, "no picture")
    assert fleet(one)["relays"] == 2
    kill(two)
    publisher.wait("participantDisconnected", identity="lost")
    eventually(lambda: fleet(one)["relays"] == 1 and fleet(one)["links"] == 1, PATIENCE_S, what="nothing goes there any more")
    seen = other.track(video)["distinct"]
    other.until(video, lambda s: s["distinct"] >= seen + 20, PATIENCE_S, "no picture after that")
    assert not [e for c in (publisher, other) for e in c.events if e["event"] in ("reconnecting", "disconnected")]


def test_the_owner_is_killed(linked, people):  # noqa: F811
    """Its guests' node takes the room, and they are there, once."""
    one, two = linked()
    people(one).join("node", "keeper")
    publisher, viewer = people(two).join("node", "publisher"), people(two).join("node", "viewer")
    assert people.room in rooms_of(one) and fleet(two)["guests"] > 0
    marks = publisher.mark(), viewer.mark()
    kill(one)
    eventually(lambda: people.room in rooms_of(two), PATIENCE_S, what="the other node owns the room")
    for client, mark in zip((publisher, viewer), marks):
        client.wait("reconnected", PATIENCE_S, since=mark)
    eventually(lambda: sorted(p["identity"] for p in PythonApi(two).call("ListParticipants", {"room": people.room})[
        "participants"]) == ["publisher", "viewer"], PATIENCE_S, what="both are back, once")
    eventually(lambda: fleet(two)["guests"] == 0 and fleet(two)["links"] == 0, PATIENCE_S, what="nothing is left of the guests")
    video = publisher.call("publishVideo", width=640, height=360, fps=15)["sid"]
    viewer.until(video, lambda s: s["distinct"] >= 10, PATIENCE_S, "no picture")


def break_links(*nodes) -> None:
    """Every connection between nodes is reset, as by something on the way."""
    known = {n["id"]: n["address"] for n in debug(nodes[0])["nodes"]}
    for address in known.values():
        subprocess.run(["ss", "-K", "state", "established", "sport", "=", f":{address.rsplit(':', 1)[1]}"], check=True,
                       capture_output=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can reset connections of others")
def test_the_control_link_breaks(linked, people):  # noqa: F811
    """Who came in at the other node comes back and sees on; who is at the owner notices nothing."""
    one, two = linked()
    publisher, viewer = people(one).join("node", "publisher"), people(two).join("node", "viewer")
    video = publisher.call("publishVideo", width=640, height=360, fps=15)["sid"]
    viewer.until(video, lambda s: s["distinct"] >= 10, PATIENCE_S, "no picture")
    lost, mark = fleet(one)["links_lost"], viewer.mark()
    break_links(one, two)
    eventually(lambda: fleet(one)["links_lost"] > lost, PATIENCE_S, what="the link was lost")
    viewer.wait("reconnected", PATIENCE_S, since=mark)
    eventually(lambda: fleet(one)["ready"] == 1 and fleet(two)["ready"] == 1, PATIENCE_S, what="there is a new link")

    def on() -> bool:
        seen = viewer.track(video).get("distinct", 0)
        return bool(viewer.until(video, lambda s: s["distinct"] >= seen + 10, 5)) if seen else False

    eventually(on, PATIENCE_S, what="it sees on")
    assert [p["identity"] for p in PythonApi(one).call("ListParticipants", {"room": people.room})["participants"]].count("viewer") == 1
    assert not [e for e in publisher.events if e["event"] in ("reconnecting", "disconnected")]


def test_mutual_tls(cluster, people, certificates):  # noqa: F811
    ours = {"ca": certificates["ca.pem"], "cert": certificates["server.pem"], "key": certificates["server.key"]}
    one, two = cluster.add(2, tls=ours, more={"media_links": True})
    meet(cluster, (one, two))
    publisher, viewer = people(one).join("node", "publisher"), people(two).join("node", "viewer")
    video = publisher.call("publishVideo", width=640, height=360, fps=15)["sid"]
    viewer.until(video, lambda s: s["distinct"] >= 10, PATIENCE_S, "no picture")
    assert fleet(two)["guests"] > 0
