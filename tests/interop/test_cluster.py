# SPDX-License-Identifier: Apache-2.0
"""Several nodes on one Redis: clients come in at any of them, each room lives on one."""

from __future__ import annotations

import itertools
import json
import signal

import pytest

from lib import tokens
from lib.driver import PATIENCE_S, ClientError, eventually
from lib.openapi import Rest
from lib.ports import free_port
from lib.redis import Redis
from test_api import ApiError, NodeApi, PythonApi
from test_pair import exchange

pytestmark = pytest.mark.skipif(Redis.missing() is not None, reason=str(Redis.missing()))

_serial = itertools.count(1)


def debug(node) -> dict:
    token = tokens.raw(tokens.claims(video={"roomList": True}))
    status, text, _ = node.get("/debug/nodes", {"Authorization": f"Bearer {token}"})
    assert status == 200, (status, text)
    return json.loads(text)


def rooms_of(node) -> dict[str, int]:
    """Epochs of the rooms that it owns."""
    return {r["room"]: r["epoch"] for r in debug(node)["rooms"]}


class Nodes:
    """Servers that share a Redis, each with ports of its own."""

    def __init__(self, start_server, redis: Redis):
        self.redis, self._start = redis, start_server
        self.nodes = []

    def add(self, count: int = 1, tls: dict | None = None, redis: dict | None = None, more: dict | None = None, **config):
        """more: keys of `cluster`."""
        for _ in range(count):
            cluster = {"port": free_port(), **(more or {})}
            if tls:
                cluster["tls"] = {"ca_file": tls["ca"], "cert_file": tls["cert"], "key_file": tls["key"]}
                cluster["address"] = "127.0.0.1"
            self.nodes.append(self._start(config={"redis": redis or {"address": self.redis.address}, "cluster": cluster,
                                                  **config}))
        return self.nodes

    def meet(self, *nodes) -> None:
        """Waits until they know each other and may have new rooms."""
        nodes = nodes or self.nodes
        for node in nodes:
            eventually(lambda node=node: len(debug(node)["nodes"]) == len(nodes) and not debug(node)["settling"]
                       and debug(node)["connected"], PATIENCE_S, 0.1, "the nodes know each other")

    def owner(self, room: str):
        found = [n for n in self.nodes if n.alive() and room in rooms_of(n)]
        assert len(found) == 1, f"{room} is owned by {len(found)} nodes"
        return found[0]


@pytest.fixture
def redis():
    server = Redis()
    yield server
    server.close()


@pytest.fixture
def cluster(start_server, redis):
    return Nodes(start_server, redis)


@pytest.fixture
def people(room_on, request):
    """people(node): joins at that node, always the same room."""
    name = f"{request.node.name[:40]}-{next(_serial)}"

    def at(node):
        return room_on(node, name)

    at.room = name
    return at


CLIENTS = ["node", "python", pytest.param("chromium", marks=pytest.mark.browser)]


@pytest.mark.parametrize("kind", CLIENTS)
def test_who_come_to_different_nodes_meet(cluster, people, kind):
    """The first decides where the room is; the second's signalling crosses, media goes to the owner itself."""
    one, two = cluster.add(2)
    cluster.meet()
    first = people(one).join("node", "first")
    second = people(two).join(kind, "second")
    assert cluster.owner(people.room) is one
    assert debug(two)["relays"] == 1 and debug(one)["relays"] == 0
    first.wait("participantConnected", identity="second")
    video = second.call("publishVideo", width=640, height=360, fps=15)["sid"]
    first.until(video, lambda s: s["distinct"] >= 10, PATIENCE_S, "no picture")
    sound = first.call("publishAudio", toneHz=440)["sid"]
    second.until(sound, lambda s: s["loudSeconds"] > 0.3, PATIENCE_S, "no sound")
    exchange(first, second)
    exchange(second, first)
    assert one.metric("livekit_participant_total") == 2 and two.metric("livekit_participant_total") == 0
    second.disconnect()
    first.wait("participantDisconnected", identity="second")
    eventually(lambda: debug(two)["relays"] == 0, what="the relay has ended")


@pytest.mark.parametrize("sdk", [NodeApi, PythonApi])
def test_room_service_at_the_other_node(cluster, people, sdk):
    one, two = cluster.add(2)
    cluster.meet()
    client = people(one).join("node", "somebody")
    api = sdk(two)
    assert people.room in [r["name"] for r in api.call("ListRooms", {})["rooms"]]
    assert [p["identity"] for p in api.call("ListParticipants", {"room": people.room})["participants"]] == ["somebody"]
    api.call("UpdateParticipant", {"room": people.room, "identity": "somebody", "metadata": "from afar"})
    eventually(lambda: PythonApi(one).call("GetParticipant", {"room": people.room, "identity": "somebody"})["metadata"]
               == "from afar", what="the metadata is there")
    with pytest.raises(ApiError):
        api.call("GetParticipant", {"room": people.room, "identity": "nobody"})
    with pytest.raises(ApiError):
        api.call("GetParticipant", {"room": "there is no such room", "identity": "somebody"})
    api.call("RemoveParticipant", {"room": people.room, "identity": "somebody"})
    client.wait("disconnected")


def test_a_room_made_at_one_node_is_joined_at_another(cluster, people):
    one, two = cluster.add(2)
    cluster.meet()
    PythonApi(one).call("CreateRoom", {"name": people.room, "metadata": "made"})
    people(two).join("node", "somebody")
    assert cluster.owner(people.room) is one
    assert [r["metadata"] for r in PythonApi(two).call("ListRooms", {"names": [people.room]})["rooms"]] == ["made"]


def test_the_same_identity_at_two_nodes(cluster, people):
    """There is one participant: who came first is told that another has taken the place."""
    one, two = cluster.add(2)
    cluster.meet()
    watcher = people(one).join("node", "watcher")
    old = people(one).join("node", "twin")
    people(two).join("node", "twin")
    old.wait("disconnected")
    found = PythonApi(two).call("ListParticipants", {"room": people.room})["participants"]
    assert sorted(p["identity"] for p in found) == ["twin", "watcher"]
    assert list(watcher.call("participants")) == ["twin"]


def test_mutual_tls(cluster, people, certificates, start_server):
    """Nodes prove to each other that they are nodes; one that another authority signed is not let in."""
    ours = {"ca": certificates["ca.pem"], "cert": certificates["server.pem"], "key": certificates["server.key"]}
    stranger = {"ca": certificates["ca.pem"], "cert": certificates["stranger.pem"], "key": certificates["stranger.key"]}
    one, two = cluster.add(2, tls=ours)
    other = cluster.add(1, tls=stranger)[2]
    cluster.meet()
    first = people(one).join("node", "first")
    people(two).join("node", "second")
    assert cluster.owner(people.room) is one
    with pytest.raises(ApiError, match="unavailable|503"):
        PythonApi(other).call("ListParticipants", {"room": people.room})
    with pytest.raises((ClientError, TimeoutError)):
        people(other).join("node", "third", timeout=60)
    found = PythonApi(two).call("ListParticipants", {"room": people.room})["participants"]
    assert sorted(p["identity"] for p in found) == ["first", "second"]
    # An answer without a body, which HTTP/2 between the nodes ends in another way.
    PythonApi(two).call("DeleteRoom", {"room": people.room})
    first.wait("disconnected")


def test_redis_is_away_for_a_while(cluster, people, redis):
    """A call goes on, its people may come back; a new room is refused with a reason until Redis is there again."""
    one, two = cluster.add(2)
    cluster.meet()
    first = people(one).join("node", "first")
    second = people(two).join("node", "second")
    epoch = rooms_of(one)[people.room]
    redis.kill()
    for node in (one, two):
        eventually(lambda node=node: not debug(node)["connected"], PATIENCE_S, what="it is seen to be away")
    exchange(first, second)
    third = people(two).join("node", "third")  # the node remembers where the room is
    first.wait("participantConnected", identity="third")
    with pytest.raises(ApiError, match="Redis cannot be reached"):
        PythonApi(two).call("CreateRoom", {"name": people.room + "-new"})
    redis.start()  # empty
    cluster.meet()
    assert rooms_of(one) == {people.room: epoch} and rooms_of(two) == {}
    assert redis.cli("hget", "{auralink}:room:" + people.room, "epoch") == str(epoch)
    exchange(second, third)
    PythonApi(two).call("CreateRoom", {"name": people.room + "-new"})
    assert people.room + "-new" in rooms_of(two)
    first.disconnect()
    second.wait("participantDisconnected", identity="first")
    assert not [e for c in (second, third) for e in c.events if e["event"] in ("reconnecting", "disconnected")]


def test_the_owner_is_killed(cluster, people):
    """Who came in elsewhere comes back there, to a room that lives on with a higher epoch, and nobody is there twice."""
    one, two = cluster.add(2)
    cluster.meet()
    people(one).join("node", "first")
    second = people(two).join("node", "second")
    third = people(two).join("python", "third")
    epoch = rooms_of(one)[people.room]
    mark = second.mark()
    one.process.send_signal(signal.SIGKILL)
    one.process.wait()
    one.process.returncode = 0  # as was wished
    eventually(lambda: rooms_of(two).get(people.room, 0) > epoch, PATIENCE_S, what="the other node owns the room")
    second.wait("reconnected", PATIENCE_S, since=mark)
    eventually(lambda: sorted(p["identity"] for p in PythonApi(two).call("ListParticipants", {"room": people.room})[
        "participants"]) == ["second", "third"], PATIENCE_S, what="both are back, once")
    eventually(lambda: list(second.call("participants")) == ["third"], PATIENCE_S, what="they see each other")
    exchange(second, third)


def test_a_node_is_drained(cluster, people):
    """Its rooms go elsewhere at once: who is told to reconnect finds the others there."""
    one, two = cluster.add(2)
    cluster.meet()
    people(one).join("node", "first")
    second = people(two).join("node", "second")
    epoch = rooms_of(one)[people.room]
    mark = second.mark()
    one.terminate()
    second.wait("reconnected", PATIENCE_S, since=mark)
    assert rooms_of(two)[people.room] > epoch
    found = PythonApi(two).call("ListParticipants", {"room": people.room})["participants"]
    assert "second" in [p["identity"] for p in found]


def test_new_rooms_go_to_the_wanted_region(cluster, people):
    """The node that is asked is of another region than the one that drains: rooms stay where they were asked for."""
    one, two = cluster.add(1, region="eu") and cluster.add(1, region="us")
    cluster.meet()
    people(two).join("node", "somebody")
    assert cluster.owner(people.room) is two
    why = {r["room"]: r["why"] for r in debug(two)["rooms"]}[people.room]
    assert "region us, wanted us" in why and "the client came here" in why
    assert {n["region"] for n in debug(one)["nodes"]} == {"eu", "us"}


def test_a_new_room_is_near_the_home_of_who_makes_it(cluster, people):
    """The home region of an AuraID counts, wherever its owner comes in."""
    one, two = cluster.add(1, region="eu") and cluster.add(1, region="us")
    cluster.meet()
    Rest(one, tokens.join("traveller", people.room)).good("PATCH", "/aura/v1/ids/me", {"home_region": "us"})
    traveller = people(one).join("node", "traveller")
    assert cluster.owner(people.room) is two
    placed = [line for line in one.tail(100_000).splitlines() if "room_placed" in line and people.room in line]
    assert len(placed) == 1 and "region us, wanted us" in placed[0], placed
    exchange(traveller, people(two).join("node", "neighbour"))


@pytest.mark.parametrize("way", ["tls", "sentinel", "cluster"])
def test_ways_to_redis(start_server, people, certificates, way):
    """TLS with a password, a master that a Sentinel names, and a Redis Cluster whose other node has our keys."""
    started = []

    def run(*words: str, **options) -> Redis:
        started.append(Redis(list(words), **options))
        return started[-1]

    try:
        if way == "tls":
            port = free_port()
            run("--requirepass", "open sesame", "--tls-port", str(port), "--tls-cert-file", certificates["server.pem"],
                "--tls-key-file", certificates["server.key"], "--tls-ca-cert-file", certificates["ca.pem"],
                "--tls-auth-clients", "no", password="open sesame")
            redis = {"address": f"localhost:{port}", "password": "open sesame", "use_tls": True,
                     "tls": {"ca_cert_file": certificates["ca.pem"]}}
        elif way == "sentinel":
            master = run()
            sentinel = run("--sentinel", sentinel_of=master)
            redis = {"sentinel_master_name": "mymaster", "sentinel_addresses": [sentinel.address]}
        else:
            one, two = (run("--cluster-enabled", "yes") for _ in range(2))
            slot = int(one.cli("cluster", "keyslot", "{auralink}"))
            other = [n for n in range(16384) if n != slot]
            one.cli("cluster", "addslots", *map(str, other))
            two.cli("cluster", "addslots", str(slot))
            one.cli("cluster", "meet", "127.0.0.1", str(two.port))
            for node in (one, two):
                eventually(lambda node=node: "cluster_state:ok" in node.cli("cluster", "info"), PATIENCE_S,
                           what="the Redis Cluster is complete")
            redis = {"cluster_addresses": [one.address]}
        nodes = Nodes(start_server, started[0])
        here, there = nodes.add(2, redis=redis)
        nodes.meet()
        people(here).join("node", "first")
        people(there).join("node", "second")
        assert nodes.owner(people.room) is here
        if way == "cluster":
            assert debug(here)["redis"] == two.address
    finally:
        for server in started:
            server.close()


def test_a_redis_that_is_another_is_not_trusted(start_server, certificates):
    """Its certificate is of an authority that we do not know: no password is shown to it."""
    port = free_port()
    server = Redis(["--tls-port", str(port), "--tls-cert-file", certificates["stranger.pem"], "--tls-key-file",
                    certificates["stranger.key"], "--tls-ca-cert-file", certificates["ca.pem"], "--tls-auth-clients", "no"])
    try:
        node = start_server(config={"cluster": {"port": free_port()}, "redis": {
            "address": f"localhost:{port}", "use_tls": True, "tls": {"ca_cert_file": certificates["ca.pem"]}}})
        eventually(lambda: "unable to get local issuer certificate" in node.tail(), PATIENCE_S, what="the log says why")
        assert not debug(node)["connected"]
    finally:
        server.close()


def test_without_redis_there_is_no_cluster(server):
    token = tokens.raw(tokens.claims(video={"roomList": True}))
    status, text, _ = server.get("/debug/nodes", {"Authorization": f"Bearer {token}"})
    assert status == 404 and "alone" in text
