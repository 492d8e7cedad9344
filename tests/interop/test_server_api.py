# SPDX-License-Identifier: Apache-2.0
"""What server SDKs can ask beyond plain rooms: room configuration, presets, RPC, absent services, the wire."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import socket
import subprocess
import threading

import pytest
from livekit import api
from livekit.protocol.room import RoomConfiguration

from lib import tokens
from lib.driver import HERE, eventually
from test_api import ApiError, NodeApi, PythonApi, post

BASE = "/twirp/livekit.RoomService/"


def admin(room: str) -> str:
    return tokens.raw(tokens.claims(video={"roomAdmin": True, "room": room, "roomCreate": True, "roomList": True}))


def node(server, call: str, **request) -> dict:
    done = subprocess.run(["node", "clients/server_rpc.mjs", server.http_url, tokens.KEY, tokens.SECRET, call,
                           json.dumps(request)], cwd=HERE, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def configured(identity: str, room: str, config: RoomConfiguration | None = None, preset: str = "") -> str:
    token = (api.AccessToken(tokens.KEY, tokens.SECRET).with_identity(identity).with_ttl(datetime.timedelta(hours=1))
             .with_grants(api.VideoGrants(room_join=True, room=room)))
    if config is not None:
        token = token.with_room_config(config)
    if preset:
        token = token.with_room_preset(preset)
    return token.to_jwt()


def listed(server, name: str) -> dict:
    rooms = PythonApi(server).call("ListRooms", {"names": [name]})["rooms"]
    assert len(rooms) == 1
    return rooms[0]


def test_room_config_in_token(server, room):
    """roomConfig of the token makes the room; a room that is there stays what it is."""
    config = RoomConfiguration(empty_timeout=33, departure_timeout=44, max_participants=2, metadata="from the token")
    room.join("node", "one", token=configured("one", room.name, config))
    seen = listed(server, room.name)
    assert (seen["empty_timeout"], seen["departure_timeout"], seen["max_participants"], seen["metadata"]) == (
        33, 44, 2, "from the token")
    other = RoomConfiguration(metadata="another", max_participants=9)
    room.join("node", "two", token=configured("two", room.name, other))
    assert listed(server, room.name)["metadata"] == "from the token"
    status, text, _ = server.get(f"/rtc/validate?access_token={configured('three', room.name)}")
    assert status == 503 and "limit" in text


def test_presets(start_server, room_on):
    """room.room_configurations by name: in a token, in CreateRoom; what the request says itself wins."""
    server = start_server(config={"room": {"room_configurations": {
        "small": {"max_participants": 3, "emptyTimeout": 12, "metadata": "preset"}}}})
    room = room_on(server)
    room.join("node", "one", token=configured("one", room.name, RoomConfiguration(empty_timeout=99), "small"))
    seen = listed(server, room.name)
    assert (seen["max_participants"], seen["empty_timeout"], seen["metadata"]) == (3, 99, "preset")
    made = node(server, "createRoom", name="by-api", roomPreset="small", metadata="own")["ok"]
    assert (made["max_participants"], made["empty_timeout"], made["metadata"]) == (3, 12, "own")
    assert node(server, "createRoom", name="bad", roomPreset="none")["code"] == "invalid_argument"
    status, text, _ = server.get(f"/rtc/validate?access_token={configured('x', 'new', preset='none')}")
    assert (status, "preset" in text.lower()) == (400, True)


def test_bad_preset_stops_the_start(start_server):
    with pytest.raises(AssertionError, match="room_configurations.broken"):
        start_server(config={"room": {"room_configurations": {"broken": {"max_participants": "many"}}}})


def test_create_room_again(server, room):
    """CreateRoom for a room that is there changes what the request names."""
    calls = NodeApi(server)
    first = calls.call("CreateRoom", {"name": room.name, "metadata": "first", "max_participants": 4})
    client = room.join("node", "one")
    second = calls.call("CreateRoom", {"name": room.name, "metadata": "second"})
    assert second["sid"] == first["sid"] and second["max_participants"] == 4
    assert client.wait("roomMetadataChanged")["metadata"] == "second"


def test_sync_streams(server, room):
    """With syncStreams camera and microphone of a participant are one stream for browsers."""
    token = configured("speaker", room.name, RoomConfiguration(sync_streams=True))
    speaker = room.join("node", "speaker", token=token)
    listener = room.join("chromium", "listener")
    audio = speaker.call("publishAudio")["sid"]
    video = speaker.call("publishVideo")["sid"]
    listener.until(audio, lambda s: s["loudSeconds"] > 0.3)
    listener.until(video, lambda s: s.get("framesDecoded", s.get("frames", 0)) > 5, 60)


test_sync_streams = pytest.mark.browser(test_sync_streams)


@pytest.mark.parametrize("kind", ["node", "python", pytest.param("chromium", marks=pytest.mark.browser)])
def test_perform_rpc(server, room, kind):
    client = room.join(kind, "callee")
    client.call("registerRpc", method="echo")
    path, token = BASE + "PerformRpc", admin(room.name)

    def perform(**request):
        body = {"room": room.name, "destination_identity": "callee", "method": "echo", "payload": "hello", **request}
        return post(server, path, json.dumps(body).encode(), token)

    eventually(lambda: perform()[0] == 200, what="the callee is there")
    assert perform() == (200, {"payload": "echo:hello"})
    status, body = perform(method="no such method")
    assert status == 412 and body["meta"]["rpc_code"] == "1400", body
    assert perform(destination_identity="nobody")[1]["code"] == "not_found"
    assert perform(payload="x" * 20000)[1]["code"] == "invalid_argument"
    results = []
    threads = [threading.Thread(target=lambda i=i: results.append(perform(payload=str(i)))) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(r[1]["payload"] for r in results) == sorted(f"echo:{i}" for i in range(20))


def test_absent_services(server):
    """Egress, Ingress and SIP without those components; services that LiveKit does not have."""
    for call, service in (("listEgress", "egress"), ("listIngress", "ingress"), ("listTrunks", "sip")):
        answer = node(server, call)
        assert (answer["code"], answer["status"]) == ("internal", 500), answer
        assert answer["error"] == f"{service} not connected (redis required)"
    token = admin("x")
    for method in ("Egress/ListEgress", "Ingress/ListIngress", "SIP/ListSIPInboundTrunk"):
        status, body = post(server, f"/twirp/livekit.{method}", token=token)
        assert (status, body["code"]) == (401, "unauthenticated")
    status, body = post(server, "/twirp/livekit.Connector/DialWhatsAppCall", token=token)
    assert (status, body) == (404, {"text": "404 page not found"})
    answer = node(server, "createRoom", name="with-egress", egress={"room": {"roomName": "with-egress"}})
    assert answer["error"] == "egress not connected (redis required)"


def test_grants(server, room):
    """Each method wants its grant, and for its own room."""
    room.join("node", "one")
    per_room = ["ListParticipants", "GetParticipant", "RemoveParticipant", "MutePublishedTrack", "UpdateParticipant",
                "UpdateSubscriptions", "SendData", "UpdateRoomMetadata", "PerformRpc", "ForwardParticipant",
                "MoveParticipant"]
    body = json.dumps({"room": room.name, "identity": "none", "destination_room": "there"}).encode()

    def code(method, **video):
        return post(server, BASE + method, body, tokens.raw(tokens.claims(video=video)))[1].get("code")

    for method in per_room:
        for grants in ({"roomAdmin": True}, {"roomAdmin": True, "room": "other"}, {"room": room.name},
                       {"roomCreate": True, "roomList": True, "room": room.name}):
            assert code(method, **grants) == "unauthenticated", (method, grants)
    for method, answer in (("ForwardParticipant", "unimplemented"), ("MoveParticipant", "not_found")):
        assert code(method, roomAdmin=True, room=room.name) == "unauthenticated"
        assert code(method, roomAdmin=True, room=room.name, destinationRoom="there") == answer
    for method, grant in (("CreateRoom", "roomCreate"), ("DeleteRoom", "roomCreate"), ("ListRooms", "roomList")):
        others = {g: True for g in ("roomCreate", "roomList", "roomRecord", "ingressAdmin") if g != grant}
        assert code(method, **others) == "unauthenticated"


def test_move(server, room_on):
    """A client goes to another room with what it publishes; who may not, or where, is said."""
    here, there = room_on(server), room_on(server)
    waiting, moving = there.join("node", "waiting"), here.join("node", "moving")
    there.join("node", "twin"), here.join("node", "twin")
    moving.call("publishVideo", width=320, height=180, fps=10, bitrate=200_000)
    may = tokens.raw(tokens.claims(video={"roomAdmin": True, "room": here.name, "destinationRoom": there.name}))

    def move(identity: str, to: str = there.name, token: str = may) -> str | None:
        body = json.dumps({"room": here.name, "identity": identity, "destination_room": to}).encode()
        return post(server, BASE + "MoveParticipant", body, token)[1].get("code")

    assert move("nobody") == "not_found"
    assert move("twin") == "already_exists"
    itself = tokens.raw(tokens.claims(video={"roomAdmin": True, "room": here.name, "destinationRoom": here.name}))
    assert move("moving", here.name, itself) == "invalid_argument"
    assert move("moving") is None
    video = waiting.wait("trackSubscribed", identity="moving")["sid"]
    waiting.until(video, lambda s: s["distinct"] > 3)
    people = PythonApi(server).call("ListParticipants", {"room": here.name})["participants"]
    assert [p["identity"] for p in people] == ["twin"]


def test_send_data_nonce(server, room):
    client = room.join("node", "one")
    token = admin(room.name)
    for nonce, status in (("", 200), ("AAAAAAAAAAAAAAAAAAAAAA==", 200), ("AAAA", 400)):
        # RELIABLE: the lossy kind is lost while the client's channel is not open yet.
        body = {"room": room.name, "data": "aGk=", "kind": "RELIABLE", "nonce": nonce, "topic": "t" + nonce[:1]}
        assert post(server, BASE + "SendData", json.dumps(body).encode(), token)[0] == status
    client.wait("dataReceived", text="hi")


def test_wire_limits(server):
    """Doubled slashes, preflight, a body that is too long, metadata that is too long."""
    token = admin("limits")
    assert post(server, "//twirp//livekit.RoomService/ListRooms", token=token)[0] == 200
    with socket.create_connection(("127.0.0.1", server.http_port), 10) as raw:
        raw.sendall(b"OPTIONS /twirp/livekit.RoomService/ListRooms HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n"
                    b"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n"
                    b"Connection: close\r\n\r\n")
        text = b""
        while part := raw.recv(4096):
            text += part
    head = text.decode().lower()
    assert head.startswith("http/1.1 204") and "access-control-allow-origin: *" in head
    assert "access-control-allow-headers: authorization" in head and "access-control-max-age: 86400" in head
    with socket.create_connection(("127.0.0.1", server.http_port), 10) as raw:
        raw.sendall(b"POST /twirp/livekit.RoomService/ListRooms HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    b"Content-Length: 20000000\r\n\r\n")
        assert raw.recv(4096).startswith(b"HTTP/1.1 413")
    body = json.dumps({"name": "limits", "metadata": "x" * (600 * 1024)}).encode()
    assert post(server, BASE + "CreateRoom", body, token)[1]["code"] == "invalid_argument"
    with pytest.raises(ApiError, match="required"):
        PythonApi(server).call("CreateRoom", {"name": ""})


@pytest.fixture(scope="session")
def go_sdk(tmp_path_factory):
    """LiveKit's Go server SDK as a program, where Go is."""
    if not shutil.which("go"):
        pytest.skip("the Go SDK wants Go, which is not here")
    program = str(tmp_path_factory.mktemp("go") / "serversdk")
    subprocess.run(["go", "build", "-o", program, "."], cwd=os.path.join(HERE, "go"), check=True, timeout=600)

    def call(server, method: str, **request) -> dict:
        done = subprocess.run([program, server.http_url, tokens.KEY, tokens.SECRET, method, json.dumps(request)],
                              capture_output=True, text=True, timeout=60, check=True)
        return json.loads(done.stdout)

    return call


@pytest.mark.timeout(700)
def test_go_sdk(server, room, go_sdk):
    """The Go server SDK (protobuf bodies): rooms, participants, data, dispatches, errors."""
    name = room.name
    made = go_sdk(server, "CreateRoom", name=name, metadata="go", emptyTimeout=55,
                  agents=[{"agentName": "nobody-has-this-name"}])["ok"]
    assert made["sid"].startswith("RM_") and (made["metadata"], made["empty_timeout"]) == ("go", 55)
    assert [r["sid"] for r in go_sdk(server, "ListRooms", names=[name])["ok"]["rooms"]] == [made["sid"]]
    client = room.join("node", "one")
    assert go_sdk(server, "GetParticipant", room=name, identity="one")["ok"]["sid"] == client.psid
    assert go_sdk(server, "GetParticipant", room=name, identity="none")["code"] == "not_found"
    go_sdk(server, "SendData", room=name, data="aGVsbG8=", kind="RELIABLE", topic="go")
    assert client.wait("dataReceived", text="hello")["topic"] == "go"
    assert go_sdk(server, "UpdateRoomMetadata", room=name, metadata="changed")["ok"]["metadata"] == "changed"
    created = go_sdk(server, "CreateDispatch", room=name, agentName="none-either", metadata="m")["ok"]
    listed = go_sdk(server, "ListDispatch", room=name)["ok"]["agent_dispatches"]
    assert [d["agent_name"] for d in listed] == ["nobody-has-this-name", "none-either"]
    assert go_sdk(server, "DeleteDispatch", room=name, dispatchId=created["id"])["ok"]["id"] == created["id"]
    answer = go_sdk(server, "ListEgress")
    assert (answer["code"], answer["error"]) == ("internal", "egress not connected (redis required)")
    go_sdk(server, "DeleteRoom", room=name)
    client.wait("disconnected")
    client.connected = False
