# SPDX-License-Identifier: Apache-2.0
"""Who gets in, with which status and text, and what a permission allows."""

from __future__ import annotations

import json
import time
import urllib.request

import pytest
from livekit.protocol import models, rtc as proto

from lib import tokens
from lib.attributes import own
from lib.driver import ClientError, eventually
from lib.server import Server
from lib.signalling import Signal, join_request, path, refused

NOW = int(time.time())
VIDEO = {"roomJoin": True, "room": "admission"}

REFUSED = {
    "no token": (None, 401, "permission"),
    "garbage": ("garbage", 401, "token"),
    "three empty parts": ("..", 401, ""),
    "expired": (tokens.raw(tokens.claims(exp=NOW - 600)), 401, ""),
    "not yet valid": (tokens.raw(tokens.claims(nbf=NOW + 3600, exp=NOW + 7200)), 401, ""),
    "forged": (tokens.raw(tokens.claims(), key="another secret"), 401, ""),
    "unknown key": (tokens.raw(tokens.claims(iss="nobody")), 401, "API key"),
    "alg none": (tokens.raw(tokens.claims(), alg="none", sign=False), 401, ""),
    "alg none signed": (tokens.raw(tokens.claims(), alg="none"), 401, ""),
    "HS512": (tokens.raw(tokens.claims(), alg="HS512"), 401, ""),
    "no video grant": (tokens.raw(tokens.claims(video=None)), 401, ""),
    "no roomJoin": (tokens.raw(tokens.claims(video={"room": "admission"})), 401, "permission"),
    "no identity": (tokens.raw(tokens.claims(sub=None)), 400, "identity"),
    "long identity": (tokens.raw(tokens.claims(sub="x" * 300)), 400, ""),
}


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("case", REFUSED)
def test_refused(server, case, version):
    """Bad tokens: the upgrade and /validate answer alike, with CORS so that browsers can read it."""
    token, status, text = REFUSED[case]
    if Server.is_reference() and case == "HS512":
        pytest.skip("LiveKit takes HS512 too")
    got, body = refused(server, token, version)
    assert got == status, body
    assert text.lower() in body.lower()
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    where = path(version).replace("/rtc?", "/rtc/validate?").replace("/rtc/v1?", "/rtc/v1/validate?")
    got, body, answered = server.get(where, headers={**headers, "Origin": "http://example.org"})
    assert got == status, body
    assert text.lower() in body.lower()
    assert {k.lower(): v for k, v in answered.items()}.get("access-control-allow-origin") == "*"


def test_query_token_and_validate(server):
    token = tokens.join("someone", "admission-query")
    assert server.get(path(0, access_token=token).replace("/rtc?", "/rtc/validate?"))[:2] == (200, "success")
    got, _ = refused(server, None, 0, access_token=token)
    assert got == 101
    got, body = refused(server, None, 0, headers={"Authorization": f"Basic {token}"})
    assert got == 401 and "Bearer" in body


def test_http_edges(server):
    assert server.get("/")[:2] == (200, "OK")
    assert server.get("/nothing/here")[0] == 404
    assert server.get("/rtc")[0] in (400, 401, 404)
    token = tokens.join("someone", "edges")
    got, body = refused(server, token, 1, join_request=None)
    assert (got, "join_request" in body) == (400, True)
    got, _ = refused(server, token, 1, join_request="!!!!")
    assert got == 400
    got, _ = refused(server, token, 1, join_request="AAAA")
    assert got == 400


@pytest.mark.parametrize("version", [0, 1])
def test_join_response(server, version):
    """JoinResponse is the first frame and holds what SDKs rely on; a refresh token follows."""
    token = tokens.join("me", "join-response", name="My Name", metadata="meta", attributes={"a": "b"})
    with Signal(server, token, version) as signal:
        message = signal.receive()
        assert message.WhichOneof("message") == "join"
        join = message.join
        assert join.participant.sid.startswith("PA_")
        assert (join.participant.identity, join.participant.name) == ("me", "My Name")
        assert join.participant.metadata == "meta" and own(join.participant.attributes) == {"a": "b"}
        assert join.participant.permission.can_publish and join.participant.permission.can_subscribe
        assert join.participant.joined_at > NOW - 60
        assert join.room.name == "join-response"
        assert join.ping_interval > 0 and join.ping_timeout > join.ping_interval
        assert len(join.server_info.version.split(".")) == 3
        assert join.server_info.protocol >= 16
        assert join.subscriber_primary == (version == 0)
        assert join.fast_publish
        assert signal.wait("refresh_token").count(".") == 2
        signal.send(ping=12345)
        assert abs(signal.wait("pong") / 1000 - time.time()) < 60
        signal.send(ping_req=proto.Ping(timestamp=77, rtt=1))
        assert signal.wait("pong_resp").last_ping_timestamp == 77
        signal.send(leave=proto.LeaveRequest(reason=models.CLIENT_INITIATED))
        code, _ = signal.wait_closed()
        assert code == 1000


def test_json_signalling(server):
    """A text frame means JSON, and from then on the server answers in JSON."""
    with Signal(server, tokens.join("json", "json-room")) as signal:
        signal.wait("join")
        signal.socket.send('{"pingReq":{"timestamp":"55","rtt":"1"}}')
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            frame = signal.socket.recv(5)
            if isinstance(frame, str) and "pongResp" in frame:
                assert json.loads(frame)["pongResp"]["lastPingTimestamp"] == "55"
                return
        raise AssertionError("no pong in JSON")


@pytest.mark.parametrize("version", [0, 1])
def test_resume_of_unknown_session(server, version):
    """Resuming what the server does not know: told to reconnect afresh."""
    token = tokens.join("nobody", "resume-unknown")
    if version:
        query = {"join_request": join_request(reconnect=True, participant_sid="PA_doesnotexist")}
    else:
        query = {"reconnect": "1", "sid": "PA_doesnotexist"}
    with Signal(server, token, version, **query) as signal:
        leave = signal.wait("leave")
        assert (leave.action, leave.reason) == (proto.LeaveRequest.RECONNECT, models.STATE_MISMATCH)


def test_duplicate_identity(room):
    first = room.join("node", "twin")
    room.join("node", "twin")
    gone = first.wait("disconnected")
    assert gone["reason"] == models.DUPLICATE_IDENTITY
    first.connected = False


def test_room_limits(start_server, room_on):
    server = start_server(config={"room": {"auto_create": True, "max_participants": 2}})
    room = room_on(server)
    room.join("node", "one")
    room.join("node", "two")
    with pytest.raises(ClientError):
        room.join("node", "three")
    got, body = refused(server, tokens.join("three", room.name), 1)
    assert got >= 400, body


def test_auto_create_off(start_server):
    server = start_server(config={"room": {"auto_create": False}})
    got, body = refused(server, tokens.join("one", "missing"), 1)
    assert (got, "requested room does not exist" in body) == (404, True), body
    got, _ = refused(server, tokens.join("one", "made", room_create=True), 1)
    assert got == 101


def test_empty_and_departure_timeouts(start_server, room_on, record):
    """A room that everybody has left goes after departure_timeout; one nobody came to after empty_timeout."""
    server = start_server(config={"room": {"auto_create": True, "empty_timeout": 3, "departure_timeout": 2}})
    room = room_on(server)
    client = room.join("node", "one")
    rooms = lambda: rooms_of(server)  # noqa: E731
    assert rooms() == [room.name]
    start = time.monotonic()
    client.disconnect()
    eventually(lambda: not rooms(), 60, what="the room goes after its last participant")
    waited = time.monotonic() - start
    record(departure_s=waited)
    assert waited > 1.5


def rooms_of(server) -> list[str]:
    """Names of the rooms, by a plain Twirp call."""
    token = tokens.raw(tokens.claims(video={"roomList": True}))
    request = urllib.request.Request(
        f"{server.http_url}/twirp/livekit.RoomService/ListRooms",
        data=b"{}",
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return [r["name"] for r in json.load(answer)["rooms"]]


def test_may_not_publish(room):
    listener = room.join("node", "listener", grants={"can_publish": False})
    speaker = room.join("node", "speaker")
    with pytest.raises((ClientError, TimeoutError)):
        listener.call("publishVideo", timeout=15)
    with pytest.raises((ClientError, TimeoutError)):
        listener.call("publishAudio", timeout=15)
    audio = speaker.call("publishAudio")["sid"]
    listener.until(audio, lambda s: s["loudSeconds"] > 0.3)


def test_may_not_subscribe(room):
    speaker = room.join("node", "speaker")
    speaker.call("publishAudio")
    deaf = room.join("node", "deaf", grants={"can_subscribe": False})
    deaf.call("publishAudio")
    speaker.wait("trackSubscribed", identity="deaf")
    deaf.never("trackSubscribed", 2)
    assert not deaf.stats()


def test_sources(room):
    client = room.join("node", "mic-only", grants={"can_publish_sources": ["microphone"]})
    client.call("publishAudio")
    with pytest.raises((ClientError, TimeoutError)):
        client.call("publishVideo", timeout=15)


def test_may_not_send_data(room):
    mute = room.join("node", "mute", grants={"can_publish_data": False})
    other = room.join("node", "other")
    mute.wait("participantConnected", identity="other")
    try:
        mute.call("sendData", text="should not arrive", timeout=5)
    except (ClientError, TimeoutError):
        pass
    other.call("sendData", text="arrives")
    mute.wait("dataReceived", text="arrives")
    other.never("dataReceived", 1, text="should not arrive")


def test_may_not_change_metadata(room, server):
    """The asker is told so, and nobody sees a change."""
    other = room.join("node", "other")
    token = tokens.join("fixed", room.name, can_update_own_metadata=False)
    with Signal(server, token) as signal:
        signal.wait("join")
        signal.send(update_metadata=proto.UpdateParticipantMetadata(metadata="changed", request_id=7))
        answer = signal.wait("request_response")
        assert (answer.request_id, answer.reason) == (7, proto.RequestResponse.NOT_ALLOWED)
        other.never("participantMetadataChanged", 1)


def test_hidden(room):
    watcher = room.join("node", "watcher")
    speaker = room.join("node", "speaker")
    ghost = room.join("node", "ghost", grants={"hidden": True})
    audio = speaker.call("publishAudio")["sid"]
    ghost.until(audio, lambda s: s["loudSeconds"] > 0.3)
    watcher.wait("trackPublished", identity="speaker")
    assert not watcher.find("participantConnected", identity="ghost")
    assert "ghost" not in watcher.call("participants")
