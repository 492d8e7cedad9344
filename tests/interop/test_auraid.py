# SPDX-License-Identifier: Apache-2.0
"""AuraIDs: everybody gets one at the first join, keeps it, and nobody can say to be somebody else."""

from __future__ import annotations

import os
import re

import pytest

from livekit import api

from lib import tokens
from lib.driver import ClientError, eventually
from lib.server import Server
from test_cli_commands import call

pytestmark = pytest.mark.skipif(Server.is_reference(), reason="LiveKit has no AuraIDs")

NAME = "auralink.id"


def attributes(server, room, identity: str) -> dict:
    """As the server says them."""
    return dict(call(server, "room", "get_participant", api.RoomParticipantIdentity(room=room.name, identity=identity)).attributes)


def change_attributes(server, room, identity: str, to: dict) -> None:
    call(server, "room", "update_participant", api.UpdateParticipantRequest(room=room.name, identity=identity, attributes=to))


def shown(client, identity: str) -> str | None:
    """As another client sees it."""
    return client.call("participants")[identity]["attributes"].get(NAME)


@pytest.fixture
def directory(tmp_path):
    return str(tmp_path / "ids" / "auraid.db")


@pytest.mark.browser
@pytest.mark.smoke
def test_everybody_has_one(start_server, room_on, directory):
    """Three SDKs see it, of themselves and of the others, from the join on."""
    server = start_server(config={"auraid": {"directory": directory}})
    room = room_on(server)
    people = [room.join("node", "Ada Lovelace"), room.join("python", "bob"), room.join("chromium", "bob@example.org")]
    people[0].wait("participantConnected", identity="bob@example.org")
    assert shown(people[0], "bob") == "@bob.aura"
    assert shown(people[0], "bob@example.org") == "@bob-example-org.aura"
    assert shown(people[1], "Ada Lovelace") == shown(people[2], "Ada Lovelace") == "@ada-lovelace.aura"
    assert attributes(server, room, "Ada Lovelace") == {NAME: "@ada-lovelace.aura"}
    assert server.metrics()["auralink_auraid_created_total"] == 3


def test_it_stays(start_server, room_on, directory):
    """Another room, another server with the file: the same. Another app's identity of that name: another."""
    keys = {"devkey": "secret", "other": "other-secret-of-32-characters-or-more"}
    before = None
    for again in range(2):
        server = start_server(config={"auraid": {"directory": directory}, "keys": keys})
        room, second = room_on(server), room_on(server)
        room.join("node", "ann")
        watcher = second.join("node", "watcher")
        foreign = second.join("node", "ann", token=tokens.raw(tokens.claims(second.name, iss="other", sub="ann"), key=keys["other"]))
        watcher.wait("participantConnected", identity="ann")
        own, others = attributes(server, room, "ann")[NAME], shown(watcher, "ann")
        assert own == "@ann.aura" and re.fullmatch(r"@ann-[0-9a-f]{4}\.aura", others), (own, others)
        if again:
            assert others == before
        before = others
        foreign.disconnect()
        server.stop()
    assert os.stat(directory).st_mode & 0o077 == 0


def test_nobody_says_it_himself(start_server, room_on, directory):
    """Neither a token nor the SDK nor the server API gives somebody another AuraID."""
    server = start_server(config={"auraid": {"directory": directory}})
    room = room_on(server)
    said = {"attributes": {NAME: "@boss.aura", "own": "1"}, "can_update_own_metadata": True}
    liar, other = room.join("node", "liar", grants=said), room.join("chromium", "other", grants=said)
    viewer = room.join("node", "viewer")
    assert attributes(server, room, "liar") == {NAME: "@liar.aura", "own": "1"}
    liar.call("setAttributes", attributes={NAME: "@boss.aura"})
    with pytest.raises(ClientError, match="timed out"):  # livekit-client waits to see it
        other.call("setAttributes", attributes={NAME: "@boss.aura"})
    change_attributes(server, room, "liar", {NAME: ""})
    for one in (liar, other):  # and after all that what is their own still changes
        one.call("setAttributes", attributes={"own": "2"})
    for name in ("liar", "other"):
        eventually(lambda: viewer.call("participants")[name]["attributes"] == {NAME: f"@{name}.aura", "own": "2"})


def test_all_of_them_sent_back(start_server, room_on, directory):
    """Who sends back every attribute that there is, with a change among them, is not refused."""
    server = start_server(config={"auraid": {"directory": directory}})
    room = room_on(server)
    one = room.join("chromium", "one", grants={"attributes": {"a": "1"}, "can_update_own_metadata": True})
    one.call("setAttributes", attributes={**attributes(server, room, "one"), "a": "2"})
    assert attributes(server, room, "one") == {NAME: "@one.aura", "a": "2"}
    change_attributes(server, room, "one", {**attributes(server, room, "one"), "a": "3"})
    assert attributes(server, room, "one") == {NAME: "@one.aura", "a": "3"}


def test_who_has_none(start_server, room_on, directory):
    """Who records or hides, agents; and everybody where the operator says so, or where the directory is full."""
    server = start_server(config={"auraid": {"directory": directory, "max_identities": 1}})
    room = room_on(server)
    room.join("node", "first")
    room.join("node", "second")
    room.join("node", "agent", token=tokens.raw(tokens.claims(room.name, sub="agent", kind="agent")))
    room.join("node", "hidden", grants={"hidden": True})
    assert attributes(server, room, "first") == {NAME: "@first.aura"}
    for other in ("second", "agent", "hidden"):
        assert NAME not in attributes(server, room, other), other
    said = [line for line in server.tail(100_000).splitlines() if "no_auraid" in line]
    assert len(said) == 1 and "second" not in said[0], said  # and no name in the log
    off = start_server(config={"auraid": {"enabled": False}})
    quiet = room_on(off)
    quiet.join("node", "first")
    assert attributes(off, quiet, "first") == {}


def test_agents_go_by_their_name(start_server, room_on, directory):
    """Each job of an agent has another identity; the AuraID is of the agent that is dispatched by that name."""
    server = start_server(config={"auraid": {"directory": directory}})
    room = room_on(server)
    for job in ("agent-AJ_1", "agent-AJ_2"):
        claims = tokens.claims(room.name, sub=job, kind="agent", attributes={"lk.agent_name": "Echo Bot"})
        room.join("python", job, token=tokens.raw(claims))
        assert attributes(server, room, job) == {NAME: "@echo-bot.aura", "lk.agent_name": "Echo Bot"}
    assert server.metrics()["auralink_auraid_created_total"] == 1


def test_two_servers(start_server, room_on, directory):
    """A file that was named belongs to one server; without a name the second one keeps its own in memory."""
    start_server(config={"auraid": {"directory": directory}})
    with pytest.raises(AssertionError, match="another server uses it"):
        start_server(config={"auraid": {"directory": directory}})
