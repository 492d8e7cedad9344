# SPDX-License-Identifier: Apache-2.0
"""RoomService through the npm and the PyPI server SDK, and what its calls do to clients."""

from __future__ import annotations

import asyncio
import json
import subprocess
import urllib.error
import urllib.request

import pytest
from livekit import api
from livekit.protocol import models

from lib import tokens
from lib.attributes import own
from lib.driver import HERE, eventually, silent
from lib.server import Server


class PythonApi:
    """livekit-api, protobuf bodies."""

    def __init__(self, server):
        self.url = server.http_url

    def call(self, method: str, request: dict) -> dict:
        from google.protobuf import json_format

        async def run():
            async with api.LiveKitAPI(self.url, tokens.KEY, tokens.SECRET) as client:
                name, message = METHODS[method]
                try:
                    answer = await getattr(client.room, name)(json_format.ParseDict(request, message()))
                except api.TwirpError as error:
                    raise ApiError(error.code, error.message, error.status) from None
                if answer is None:
                    return {}
                return json_format.MessageToDict(answer, preserving_proto_field_name=True)

        return asyncio.run(run())


class ApiError(Exception):
    def __init__(self, code, message, status):
        super().__init__(f"{code} {status}: {message}")
        self.code, self.status = code, status


METHODS = {
    "CreateRoom": ("create_room", api.CreateRoomRequest),
    "ListRooms": ("list_rooms", api.ListRoomsRequest),
    "DeleteRoom": ("delete_room", api.DeleteRoomRequest),
    "UpdateRoomMetadata": ("update_room_metadata", api.UpdateRoomMetadataRequest),
    "ListParticipants": ("list_participants", api.ListParticipantsRequest),
    "GetParticipant": ("get_participant", api.RoomParticipantIdentity),
    "RemoveParticipant": ("remove_participant", api.RoomParticipantIdentity),
    "MutePublishedTrack": ("mute_published_track", api.MuteRoomTrackRequest),
    "UpdateParticipant": ("update_participant", api.UpdateParticipantRequest),
    "UpdateSubscriptions": ("update_subscriptions", api.UpdateSubscriptionsRequest),
    "SendData": ("send_data", api.SendDataRequest),
}


class NodeApi:
    """livekit-server-sdk, JSON bodies."""

    def __init__(self, server):
        self.url = server.http_url

    def call(self, method: str, request: dict) -> dict:
        done = subprocess.run(
            ["node", "clients/server_sdk.mjs", self.url, tokens.KEY, tokens.SECRET, method, json.dumps(request)],
            cwd=HERE, capture_output=True, text=True, timeout=60, check=False,
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        if "error" in answer:
            raise ApiError(answer["code"], answer["error"], answer["status"])
        return answer["ok"]


@pytest.fixture(params=["python", "node"])
def rooms(request, server):
    return PythonApi(server) if request.param == "python" else NodeApi(server)


def test_rooms(rooms, room):
    name = room.name
    made = rooms.call("CreateRoom", {"name": name, "metadata": "first", "empty_timeout": 77, "max_participants": 9})
    assert made["sid"].startswith("RM_") and made["name"] == name
    assert made["empty_timeout"] == 77 and made["max_participants"] == 9
    again = rooms.call("CreateRoom", {"name": name})
    assert again["sid"] == made["sid"]
    listed = rooms.call("ListRooms", {"names": [name]})["rooms"]
    assert [(r["sid"], r["metadata"]) for r in listed] == [(made["sid"], "first")]
    client = room.join("node", "one")
    changed = rooms.call("UpdateRoomMetadata", {"room": name, "metadata": "second"})
    assert changed["metadata"] == "second"
    assert client.wait("roomMetadataChanged")["metadata"] == "second"
    rooms.call("DeleteRoom", {"room": name})
    assert client.wait("disconnected")["reason"] == models.ROOM_DELETED
    client.connected = False
    eventually(lambda: not rooms.call("ListRooms", {"names": [name]}).get("rooms"), what="the room is gone")


def test_participants(rooms, room):
    name = room.name
    speaker = room.join("node", "speaker")
    listener = room.join("node", "listener")
    audio = speaker.call("publishAudio")["sid"]
    listener.until(audio, lambda s: s["loudSeconds"] > 0.3)

    def both_active():
        seen = rooms.call("ListParticipants", {"room": name})["participants"]
        return len(seen) == 2 and all(p["state"] in ("ACTIVE", 2) for p in seen)

    eventually(both_active, what="both are ACTIVE")
    info = rooms.call("GetParticipant", {"room": name, "identity": "speaker"})
    assert info["sid"] == speaker.psid
    assert [t["sid"] for t in info["tracks"]] == [audio]

    changed = rooms.call(
        "UpdateParticipant",
        {"room": name, "identity": "speaker", "name": "New Name", "metadata": "m2", "attributes": {"k": "v"}},
    )
    assert (changed["name"], changed["metadata"], own(changed["attributes"])) == ("New Name", "m2", {"k": "v"})
    listener.wait("participantNameChanged", identity="speaker", name="New Name")
    listener.wait("participantMetadataChanged", identity="speaker", metadata="m2")
    listener.wait("participantAttributesChanged", identity="speaker", where=lambda e: own(e["attributes"]) == {"k": "v"})

    rooms.call("SendData", {"room": name, "data": "aGVsbG8=", "kind": "RELIABLE", "topic": "api",
                            "destination_identities": ["listener"]})
    assert listener.wait("dataReceived", text="hello")["topic"] == "api"
    assert not speaker.find("dataReceived", text="hello")

    # rtc-node raises no event for an unsubscription that the server made: listen instead.
    subscription = {"room": name, "identity": "listener", "track_sids": [audio]}
    rooms.call("UpdateSubscriptions", {**subscription, "subscribe": False})
    eventually(lambda: silent(listener, audio), what="the sound ends after UpdateSubscriptions")
    rooms.call("UpdateSubscriptions", {**subscription, "subscribe": True})
    listener.until(audio, lambda s: s["loudSeconds"] > 0.3, what="no sound after subscribing again")

    muted = rooms.call("MutePublishedTrack", {"room": name, "identity": "speaker", "track_sid": audio, "muted": True})
    assert muted["track"]["muted"] is True
    listener.wait("trackMuted", identity="speaker", sid=audio)

    rooms.call("RemoveParticipant", {"room": name, "identity": "speaker"})
    assert speaker.wait("disconnected")["reason"] == models.PARTICIPANT_REMOVED
    speaker.connected = False
    listener.wait("participantDisconnected", identity="speaker")


def test_permission_update(rooms, room):
    """Taking canPublish away stops the publisher's tracks."""
    speaker = room.join("node", "speaker")
    listener = room.join("node", "listener")
    audio = speaker.call("publishAudio")["sid"]
    listener.until(audio, lambda s: s["loudSeconds"] > 0.3)
    rooms.call("UpdateParticipant", {"room": room.name, "identity": "speaker",
                                     "permission": {"can_subscribe": True, "can_publish": False}})
    listener.wait("trackUnpublished", identity="speaker", sid=audio)


def test_errors(rooms, room):
    room.join("node", "one")
    for method, request, code in [
        ("GetParticipant", {"room": room.name, "identity": "nobody"}, "not_found"),
        ("DeleteRoom", {"room": "no such room at all"}, "not_found"),
    ]:
        with pytest.raises(ApiError) as caught:
            rooms.call(method, request)
        assert (caught.value.code, caught.value.status) == (code, 404), str(caught.value)


def post(server, path, body=b"{}", token=None, content="application/json"):
    headers = {"Content-Type": content}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(server.http_url + path, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")
        try:
            return error.code, json.loads(text)
        except ValueError:
            return error.code, {"text": text}


def test_wire(server):
    """Statuses, codes and the JSON form."""
    base = "/twirp/livekit.RoomService/"
    admin = tokens.raw(tokens.claims(video={"roomList": True, "roomCreate": True}))
    status, body = post(server, base + "ListRooms", token=admin)
    assert status == 200 and isinstance(body["rooms"], list)
    status, body = post(server, base + "CreateRoom", b'{"name":"wire","emptyTimeout":5,"unknown":1}', admin)
    assert status == 200
    assert body["empty_timeout"] == 5 and isinstance(body["creation_time"], str)
    assert body["active_recording"] is False and body["metadata"] == ""
    for path, token, wanted, code in [
        (base + "ListRooms", None, 401, "unauthenticated"),
        (base + "ListRooms", tokens.raw(tokens.claims(video={"roomCreate": True})), 401, "unauthenticated"),
        (base + "ListParticipants", tokens.raw(tokens.claims(video={"roomAdmin": True, "room": "other"})), 401,
         "unauthenticated"),
        (base + "NoSuchMethod", admin, 404, "bad_route"),
    ]:
        data = b'{"room":"wire"}'
        status, body = post(server, path, data, token)
        assert (status, body.get("code")) == (wanted, code), (path, status, body)
    status, body = post(server, base + "ListRooms", b"{not json", admin)
    assert (status, body.get("code")) == (400, "malformed")
    status, body = post(server, base + "ListRooms", b"", admin, "text/plain")
    assert (status, body.get("code")) == (404, "bad_route")


def test_metrics(server, room):
    """Prometheus text with LiveKit's names where LiveKit has one."""
    speaker, listener = room.join("node", "speaker"), room.join("node", "listener")
    audio = speaker.call("publishAudio")["sid"]
    listener.until(audio, lambda s: s["loudSeconds"] > 0.5)
    assert server.metric("livekit_room_total") >= 1
    assert server.metric("livekit_participant_total") >= 2
    assert server.metric("livekit_track_published_total") >= 1
    if not Server.is_reference():  # LiveKit counts packets late
        eventually(lambda: server.metric("livekit_packet_total", "incoming") > 20, what="packets in")
        eventually(lambda: server.metric("livekit_packet_total", "outgoing") > 20, what="packets out")
        eventually(lambda: server.metric("livekit_packet_bytes", "outgoing") > 1000, what="bytes out")
        eventually(lambda: server.metric("auralink_join_duration_seconds_count") >= 2, what="both have joined")
        assert server.metric("auralink_drops_total") >= 0
