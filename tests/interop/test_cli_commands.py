# SPDX-License-Identifier: Apache-2.0
"""What `auralink`'s commands do, as clients and PyPI's livekit-api see it."""

from __future__ import annotations

import asyncio
import json
import os

from livekit import api
from livekit.protocol import models

from lib import cli, tokens
from lib.attributes import own
from lib.driver import eventually, silent
from lib.recording import decode
from test_egress import recorded_for, recording_server  # noqa: F401


def call(server, service: str, method: str, request):
    async def ask():
        async with api.LiveKitAPI(server.http_url, tokens.KEY, tokens.SECRET) as client:
            return await getattr(getattr(client, service), method)(request)

    return asyncio.run(ask())


def participant(server, room: str, identity: str):
    return call(server, "room", "get_participant", api.RoomParticipantIdentity(room=room, identity=identity))


def test_update(server, room):
    """Permissions that are not named stay, in either spelling; attributes come one by one or together."""
    speaker, listener = room.join("node", "speaker"), room.join("node", "listener")
    audio = speaker.call("publishAudio")["sid"]
    listener.until(audio, lambda s: s["loudSeconds"] > 0.3)
    before = participant(server, room.name, "speaker").permission
    assert before.can_publish and before.can_publish_data
    cli.good(server, "participant", "update", room.name, "speaker", "--name", "Ada", "--metadata", "m", "--attribute",
             "a=1", "--attributes", '{"b": "2", "c": "3"}', "--permissions", '{"canPublish": false, "hidden": false}')
    now = participant(server, room.name, "speaker")
    assert (now.name, now.metadata, own(now.attributes)) == ("Ada", "m", {"a": "1", "b": "2", "c": "3"})
    assert not now.permission.can_publish and now.permission.can_publish_data and now.permission.can_subscribe
    listener.wait("trackUnpublished", identity="speaker", sid=audio)
    cli.good(server, "participant", "update", room.name, "speaker", "--attribute", "a=", "--permissions",
             '{"can_publish": true}')
    now = participant(server, room.name, "speaker")
    assert now.permission.can_publish and set(own(now.attributes)) == {"b", "c"} and now.name == "Ada"
    for options in (["--permissions", "no"], ["--permissions", "[]"], ["--attributes", "{"], ["--attribute", "x"], []):
        done = cli.run("participant", "update", room.name, "speaker", *options, "--json", "--url", server.http_url)
        assert done.returncode in (1, 2) and cli.error_of(done), options
    error = cli.error_of(cli.run("participant", "get", room.name, "nobody", "--json", "--url", server.http_url))
    assert "404" in error["error"] and "participant list" in error["hint"]


def test_tracks(server, room):
    """mute and subscribe, seen by those whom they are about; rpc and its errors; remove."""
    speaker, listener = room.join("node", "speaker"), room.join("node", "listener")
    speaker.call("registerRpc", method="echo")
    audio = speaker.call("publishAudio")["sid"]
    listener.until(audio, lambda s: s["loudSeconds"] > 0.3)
    cli.good(server, "participant", "subscribe", room.name, "listener", audio, "--unsubscribe")
    eventually(lambda: silent(listener, audio), what="the sound ends")
    cli.good(server, "participant", "subscribe", room.name, "listener", audio)
    listener.until(audio, lambda s: s["loudSeconds"] > 0.3, what="no sound after subscribing again")
    assert cli.good(server, "participant", "mute", room.name, "speaker", audio)["track"]["muted"] is True
    listener.wait("trackMuted", identity="speaker", sid=audio)

    said = cli.run("participant", "rpc", room.name, "speaker", "echo", "hello", "--url", server.http_url)
    assert (said.returncode, said.stdout) == (0, "echo:hello\n")
    done = cli.run("participant", "rpc", room.name, "speaker", "nothing", "--json", "--url", server.http_url)
    assert "412" in cli.error_of(done)["error"]
    shown = cli.run("participant", "get", room.name, "speaker", "--url", server.http_url).stdout
    assert audio in shown and "permission can_publish = true" in shown
    cli.good(server, "participant", "remove", room.name, "speaker")
    assert speaker.wait("disconnected")["reason"] == models.PARTICIPANT_REMOVED
    speaker.connected = False


def test_data(server, room):
    """`data send` and `room send-data` are one."""
    one, two = room.join("node", "one"), room.join("node", "two")
    for group in (["data", "send"], ["room", "send-data"]):
        cli.good(server, *group, room.name, f"by {group[0]}", "--topic", "t", "--to", "two")
        assert two.wait("dataReceived", text=f"by {group[0]}")["topic"] == "t"
    assert not one.find("dataReceived", topic="t")


def test_room(server):
    """create says all that CreateRoom takes; debug and delete."""
    name = "test_cli_room"
    made = cli.good(server, "room", "create", name, "--metadata", "ä", "--max-participants", "3", "--empty-timeout", "77",
                    "--agent", "first", "--agent", "second")
    assert made["metadata"] == "ä"
    [seen] = call(server, "room", "list_rooms", api.ListRoomsRequest(names=[name])).rooms
    assert (seen.sid, seen.max_participants, seen.empty_timeout) == (made["sid"], 3, 77)
    agents = call(server, "agent_dispatch", "list_dispatch", name)
    assert {a.agent_name for a in agents} == {"first", "second"}
    cli.good(server, "room", "update-metadata", name, "new")
    assert call(server, "room", "list_rooms", api.ListRoomsRequest(names=[name])).rooms[0].metadata == "new"
    table = cli.run("room", "list", name, "--url", server.http_url).stdout.splitlines()
    assert table[0].split()[:2] == ["SID", "NAME"] and table[1].split()[:2] == [made["sid"], name] and len(table) == 2
    cli.good(server, "room", "delete", name)
    assert not call(server, "room", "list_rooms", api.ListRoomsRequest(names=[name])).rooms
    done = cli.run("room", "create", name, "--metadata", b"\xff".decode(errors="surrogateescape"), "--json", "--url",
                   server.http_url)
    assert "UTF-8" in cli.error_of(done)["hint"]
    done = cli.run("room", "create", name, "--egress", '{"room": {}}', "--json", "--url", server.http_url)
    assert "record.folder" in cli.error_of(done)["hint"]


def test_token(start_server):
    """A token makes the room as it says: by a preset, or by a configuration of its own."""
    server = start_server(config={"room": {"room_configurations": {"small": {"max_participants": 2}}}})

    def token(*options: str) -> str:
        return cli.good(server, "token", "create", "--identity", "i", *options)["token"]

    claims = api.TokenVerifier(tokens.KEY, tokens.SECRET).verify(
        token("--room", "r", "--preset", "small", "--record", "--room-config", '{"agents": [{"agentName": "helper"}]}'))
    assert claims.room_preset == "small" and claims.video.room_record and claims.video.room_join
    assert claims.room_config.agents[0].agent_name == "helper"
    error = cli.error_of(cli.run("token", "create", "--room", "r", "--identity", "i", "--room-config", "x", "--json"))
    assert "--room-config" in error["error"]


def test_dispatch_get(server):
    name = "test_cli_dispatch"
    made = cli.good(server, "dispatch", "create", name, "helper", "--metadata", "m", "--deployment", "d")
    cli.good(server, "dispatch", "create", name, "another")
    [one] = cli.good(server, "dispatch", "get", name, made["id"])["agent_dispatches"]
    assert (one["agent_name"], one["metadata"], one["deployment"]) == ("helper", "m", "d")
    error = cli.error_of(cli.run("dispatch", "get", name, "AD_none", "--json", "--url", server.http_url))
    assert "AD_none" in error["error"] and "dispatch list" in error["hint"]
    call(server, "room", "delete_room", api.DeleteRoomRequest(room=name))


def test_egress(recording_server, room_on, tmp_path):  # noqa: F811
    """Recordings by options, by a request in a file and in the word itself; listed, stopped, playable."""
    server, room = recording_server, room_on(recording_server)
    sender = room.join("node", "sender")
    audio = sender.call("publishAudio", toneHz=500)["sid"]
    whole = cli.good(server, "egress", "start", "--room", room.name, "--audio-only", "--filepath", "all-{room_name}")
    request = tmp_path / "request.json"
    request.write_text(json.dumps({"room_name": room.name, "track_id": audio, "file": {"filepath": "one"}}))
    track = cli.good(server, "egress", "start", str(request), "--type", "track")
    for one in (whole, track):
        recorded_for(server, one["egress_id"], 2)
    shown = cli.run("egress", "list", "--room", room.name, "--active", "--url", server.http_url).stdout
    assert shown.count("EGRESS_ACTIVE") == 2 and whole["egress_id"] in shown
    assert cli.run("egress", "stop", whole["egress_id"], track["egress_id"], "--url", server.http_url).returncode == 0

    def complete():
        items = cli.good(server, "egress", "list", "--room", room.name)["items"]
        return items if {e["status"] for e in items} == {"EGRESS_COMPLETE"} else None

    files = {f["filename"]: f["location"] for e in eventually(complete, 60, 0.3) for f in e["file_results"]}
    assert {os.path.splitext(name)[0] for name in files} == {f"all-{room.name}", "one"}
    for path in files.values():
        assert decode(path)["seconds"] > 1
    inline = cli.run("egress", "start", json.dumps({"room_name": room.name, "web": {"url": "http://x"}}), "--json",
                     "--url", server.http_url)
    assert cli.error_of(inline)["error"].startswith("StartEgress")
    for wrong in ([], ["{}", "--room", "r"], ["/no/such/file"], ["[1]"], ["{}", "--type", "x"]):
        done = cli.run("egress", "start", *wrong, "--json", "--url", server.http_url)
        assert done.returncode == 2 and cli.error_of(done), wrong
