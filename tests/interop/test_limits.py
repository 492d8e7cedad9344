# SPDX-License-Identifier: Apache-2.0
"""At each limit the client is told which one it was, and whoever was there before notices nothing."""

from __future__ import annotations

import json

import pytest
import websockets
from livekit.protocol import models, rtc as proto
from websockets.sync.client import connect

from lib import tokens
from lib.driver import ClientError, eventually
from lib.rawpeer import RawPeer
from lib.signalling import Signal, refused
from lib.whip import http
from test_permissions_signal import Person, token_of
from test_server_api import BASE, post

LIMITS = {"rooms": 2, "participants": 3, "num_tracks": 2, "tracks_per_participant": 2, "signal_rate": 10,
          "subscription_limit_video": 2, "subscription_limit_audio": 1,
          "data_rate": 5, "max_metadata_size": 100, "max_attributes_size": 100, "max_room_name_length": 20,
          "max_participant_identity_length": 10, "max_participant_name_length": 10}


@pytest.fixture
def limited(start_server):
    """limited(name, …): a server with these limits of LIMITS, and no others."""
    return lambda *names: start_server(config={"limit": {name: LIMITS[name] for name in names}})


def admin(room: str = "") -> str:
    return tokens.raw(tokens.claims(sub="admin", video={"roomAdmin": True, "roomCreate": True, "roomList": True, "room": room}))


def create(server, name: str, **more):
    return post(server, BASE + "CreateRoom", json.dumps({"name": name, **more}).encode(), admin(name))


def sdk_is_told(room, kind: str, words: str) -> None:
    with pytest.raises(ClientError, match=words):
        room.join(kind, "refused")


@pytest.mark.parametrize("kind", ["node", "python"])
def test_rooms(limited, room_on, kind):
    server = limited("rooms")
    rooms = [room_on(server, name) for name in ("one", "two", "three")]
    first = [rooms[i].join("node", "first") for i in range(2)]
    sdk_is_told(rooms[2], kind, "limit of 2 rooms")
    status, answer = create(server, "four")
    assert (status, answer["code"]) == (429, "resource_exhausted") and "rooms" in answer["msg"]
    assert create(server, "one")[0] == 200  # it is there
    second = rooms[0].join(kind, "second")  # so is its place
    assert second.connected and all(one.connected for one in first)


@pytest.mark.parametrize("version", [0, 1])
def test_participants(limited, version):
    server = limited("participants")
    there = [Person(server, token_of(f"p{i}", f"room-{i % 2}")) for i in range(3)]
    status, text = refused(server, token_of("late", "room-0"), version)
    assert status == 503 and "limit of 3 participants" in text
    status, text, _ = server.get("/rtc/validate", {"Authorization": f"Bearer {token_of('late', 'room-9')}"})
    assert status == 503 and "participants" in text
    again = Person(server, token_of("p0", "room-0"), version)  # takes its own place
    assert there[0].signal.wait("leave").reason == models.DUPLICATE_IDENTITY
    there[1].close()
    eventually(lambda: refused(server, token_of("late", "room-0"), version)[0] == 101, 60, 0.1, "a place is free")
    assert there[2].catch_up() is not None and again.catch_up() is not None


def test_tracks_of_the_server(limited):
    server = limited("num_tracks")
    one = Person(server, token_of("one", "room"))
    sids = [one.publish("a"), one.publish("b")]
    status, text = refused(server, token_of("two", "room"))
    assert status == 503 and "limit of 2 published tracks" in text
    one.close()
    two = Person(server, token_of("two", "other")) if eventually(
        lambda: refused(server, token_of("two", "other"))[0] == 101, 60, 0.1, "the tracks are gone") else None
    assert all(sids) and two.publish("c")


def test_tracks_of_a_participant(limited):
    server = limited("tracks_per_participant")
    one, watcher = Person(server, token_of("one", "room")), Person(server, token_of("two", "room"))
    assert one.publish("a") and one.publish("b") and not one.publish("c")
    answer = one.last("request_response")
    assert (answer.reason, answer.add_track.cid) == (proto.RequestResponse.LIMIT_EXCEEDED, "c") and "tracks" in answer.message
    assert len(watcher.seen("one").tracks) == 2
    assert watcher.publish("mine")


def test_subscribed_tracks(limited):
    """LiveKit's limit.subscription_limit_video: more are not sent; who asks for one is told that it failed."""
    server = limited("subscription_limit_video", "subscription_limit_audio")
    publisher = Person(server, token_of("publisher", "room"))
    sids = [publisher.publish(name) for name in ("a", "b", "c")]
    sound = publisher.publish("mic", models.MICROPHONE, models.AUDIO)
    one = Person(server, token_of("one", "room"))

    def given():
        return {m.subscription_permission_update.track_sid for m in one.catch_up() if m.HasField("subscription_permission_update")}

    assert given() == {*sids[:2], sound}
    one.send(subscription=proto.UpdateSubscription(track_sids=[sids[2]], subscribe=True))
    failed = one.last("subscription_response")
    assert (failed.track_sid, failed.err) == (sids[2], models.SE_UNKNOWN)
    one.send(subscription=proto.UpdateSubscription(track_sids=[sids[0]], subscribe=False))
    one.send(subscription=proto.UpdateSubscription(track_sids=[sids[2]], subscribe=True))  # in the place of it
    assert given() == {*sids, sound}


def test_subscriptions_that_wait(start_server, room_on):
    """Who has no place for a track gets it when there is one, oldest first; SDKs see nothing but a track that comes."""
    room = room_on(start_server(config={"limit": {"subscription_limit_audio": 2}}))
    publisher, viewer = room.join("node", "publisher"), room.join("node", "viewer")
    sids = [publisher.call("publishAudio", name=f"sound {i}")["sid"] for i in range(4)]
    for sid in sids[:2]:
        viewer.until(sid, lambda s: s["loudSeconds"] > 0.2, 60, "no sound")
    assert not viewer.find("trackSubscribed", sid=sids[2]) and not viewer.find("trackSubscribed", sid=sids[3])
    publisher.call("unpublish", sid=sids[0])
    viewer.until(sids[2], lambda s: s["loudSeconds"] > 0.2, 60, "the third has no place")
    assert not viewer.find("trackSubscribed", sid=sids[3])
    viewer.call("subscribe", sid=sids[1], on=False)
    viewer.until(sids[3], lambda s: s["loudSeconds"] > 0.2, 60, "the fourth has no place")
    viewer.call("subscribe", sid=sids[1], on=True)  # there is none for it now
    viewer.call("subscribe", sid=sids[2], on=False)
    viewer.call("reset")
    viewer.until(sids[1], lambda s: s["loudSeconds"] > 0.2, 60, "the second is not back")


def test_bytes_of_the_server(start_server, room_on):
    """LiveKit's limit.bytes_per_sec: joins are refused while media takes more; who is there notices nothing."""
    server = start_server(config={"limit": {"bytes_per_sec": 8_000}})
    room = room_on(server)
    sender, viewer = room.join("node", "sender"), room.join("node", "viewer")
    video = sender.call("publishVideo", width=640, height=360, fps=15)["sid"]
    _, text = eventually(lambda: (r := refused(server, token_of("late", "other")))[0] == 503 and r, 60, 0.5, "more than the limit")
    assert "limit of 8000 bytes a second" in text
    viewer.call("reset")
    viewer.until(video, lambda s: s["frames"] > 10, 60, "those who are there go on")
    sender.call("unpublish", sid=video)
    eventually(lambda: refused(server, token_of("late", "other"))[0] == 101, 60, 0.5, "less again")


def test_signalling_rate(limited):
    """Who says too much too fast loses its WebSocket and hears why; it may come back, and others go on."""
    server = limited("signal_rate")
    loud, other = Signal(server, token_of("loud", "room")), Person(server, token_of("other", "room"))
    before = server.metric("auralink_signal_malformed_total")
    try:
        for _ in range(10_000):  # at once: a hundred are allowed
            loud.send(ping=1)
    except websockets.ConnectionClosed:
        pass
    code, reason = loud.wait_closed(60)
    assert code == 1008 and "limit.signal_rate" in reason
    assert server.metric("auralink_signal_malformed_total") > before
    assert other.catch_up() is not None
    again = Signal(server, token_of("loud", "room"))
    again.wait("join")
    long = proto.SignalRequest(update_metadata=proto.UpdateParticipantMetadata(metadata="x" * 500_000))
    again.send_raw(long.SerializeToString())  # counts as 123
    assert again.wait_closed(60)[0] == 1008
    assert other.publish("mine")


def test_data_rate(limited):
    """What is too much is dropped and counted; the rest arrives, and other people's all."""
    server = limited("data_rate")
    peers = [RawPeer(server, token_of(name, "room")) for name in ("loud", "other", "watcher")]
    loud, other, watcher = peers
    for number in range(300):
        loud.send(models.DataPacket(user=models.UserPacket(payload=bytes([number % 256]), topic="flood")))
    eventually(lambda: server.metric("auralink_data_messages_total", "incoming") >= 300, 60, 0.05, "it came")
    eventually(lambda: server.metric("auralink_data_refused_total") > 0, 60, 0.05, "some was refused")
    other.send(models.DataPacket(user=models.UserPacket(payload=b"x", topic="calm")))
    watcher.wait("calm")
    flood = [p for p in watcher.got if p.user.topic == "flood"]
    assert len(flood) >= 50 and len(flood) == 300 - server.metric("auralink_data_refused_total")
    for one in peers:
        one.close()


@pytest.mark.parametrize("how", ["token", "api", "self"])
def test_metadata_and_attributes(limited, how):
    server = limited("max_metadata_size", "max_attributes_size")
    one = Person(server, token_of("one", "room"))
    for field, fits, long in (("metadata", "m" * 100, "m" * 101), ("attributes", {"k": "v" * 99}, {"k": "v" * 100})):
        if how == "self":
            for value, reason in ((long, proto.RequestResponse.LIMIT_EXCEEDED), (fits, proto.RequestResponse.OK)):
                one.send(update_metadata=proto.UpdateParticipantMetadata(**{field: value}, request_id=5))
                answer = one.last("request_response")
                assert answer.reason == reason and (answer.message or reason == proto.RequestResponse.OK)
        elif how == "api":
            for value, status in ((long, 400), (fits, 200)):
                body = json.dumps({"room": "room", "identity": "one", field: value}).encode()
                answer = post(server, BASE + "UpdateParticipant", body, admin("room"))
                assert answer[0] == status and (status == 200 or "limit" in answer[1]["msg"])
        else:
            for value, expected in ((long, 400), (fits, 101)):
                token = tokens.raw(tokens.claims(sub="two", video={"roomJoin": True, "room": "room"}, **{field: value}))
                status, text = refused(server, token)
                assert status == expected and (status == 101 or "limit" in text), (field, status, text)
    if how == "api":
        assert create(server, "long", metadata="m" * 101)[0] == 400
        body = json.dumps({"room": "room", "metadata": "m" * 101}).encode()
        assert post(server, BASE + "UpdateRoomMetadata", body, admin("room"))[0] == 400
    assert one.catch_up() is not None


def test_names(limited):
    server = limited("max_room_name_length", "max_participant_identity_length", "max_participant_name_length")

    def answer(room="r", identity="i", name="n"):
        return refused(server, tokens.raw(tokens.claims(sub=identity, name=name, video={"roomJoin": True, "room": room})))

    assert answer("r" * 20, "i" * 10, "n" * 10)[0] == 101
    for wrong, words in (({"room": "r" * 21}, "room name"), ({"identity": "i" * 11}, "identity"), ({"name": "n" * 11}, "name")):
        status, text = answer(**wrong)
        assert status == 400 and words in text and "longer than" in text
    status, body = create(server, "r" * 21)
    assert (status, body["code"]) == (400, "invalid_argument")


def test_message_sizes(server):
    """2 MiB of signalling, 10 MiB of an API call: more is refused before it is read."""
    one, other = Signal(server, token_of("one", "sizes")), Person(server, token_of("other", "sizes"))
    one.wait("join")
    try:
        one.send_raw(bytes((2 << 20) + 1))
    except websockets.ConnectionClosed:
        pass
    assert one.wait_closed(60)[0] == 1009
    status, _ = post(server, BASE + "ListRooms", b'{"names":["' + b"x" * (10 << 20) + b'"]}', admin())
    assert status == 413
    assert other.catch_up() is not None


def until_limited(answer, most: int = 2000) -> list[int]:
    """Statuses of one request after the other up to the first 429: on a slow machine budgets fill up between them."""
    statuses = []
    while len(statuses) < most and 429 not in statuses:
        statuses.append(answer())
    return statuses


def ask(server, of: str, path: str = "/rtc/validate", token: str = "") -> tuple[int, str, dict]:
    """A GET as a proxy on this machine hands it on."""
    return http("GET", server.http_url + path, token or None, headers={"X-Forwarded-For": of})


def test_requests_of_an_address(start_server, room_on):
    """Too many from one address: 429, and when to come again; others, its neighbours in the room too, notice nothing."""
    server = start_server(config={"limit": {"requests_per_address": 3}})
    good = tokens.join("guest", "anywhere")
    answers = []

    def again() -> int:
        answers.append(ask(server, "203.0.113.5", token=good))
        return answers[-1][0]

    statuses = until_limited(again)
    assert statuses[:30] == [200] * 30 and set(statuses) == {200, 429}, statuses
    assert "too many requests" in answers[-1][1] and int(answers[-1][2]["Retry-After"]) >= 1
    # What the client itself wrote stands before what the proxy adds: its own budget is whole, of thirty at least.
    assert len(until_limited(lambda: ask(server, "198.51.100.7, 203.0.113.5", token=good)[0], 30)) < 30
    assert ask(server, "198.51.100.7", token=good)[0] == 200
    def upgrade() -> int:
        try:
            with connect(f"{server.url}/rtc?access_token={good}", additional_headers={"X-Forwarded-For": "203.0.113.6"}):
                return 101
        except websockets.InvalidStatus as error:
            return error.response.status_code

    of = until_limited(upgrade)
    assert of[:20] == [101] * 20 and of[-1] == 429, of
    assert server.metric("auralink_http_limited_total") > 0
    assert room_on(server).join("node", "neighbour").connected


def test_wrong_tokens_of_an_address(start_server):
    """Who guesses is let alone for a while, with a right token too; a right token without the grant is no guess."""
    server = start_server(config={"limit": {"refusals_per_address": 1}})
    good, bad = tokens.join("guest", "anywhere"), tokens.join("guest", "anywhere")[:-3] + "abc"
    statuses = until_limited(lambda: ask(server, "203.0.113.5", token=bad)[0])
    assert statuses[:10] == [401] * 10 and statuses[-1] == 429, statuses

    def right():
        """A second later one guess is free again, and with it the address: just before it must be limited."""
        until_limited(lambda: ask(server, "203.0.113.5", token=bad)[0])
        answer = ask(server, "203.0.113.5", token=good)
        return answer[0] == 429 and answer

    _, text, headers = eventually(right, what="a right token is refused too")
    assert "refused tokens" in text and int(headers["Retry-After"]) >= 1
    assert ask(server, "203.0.113.6", token=good)[0] == 200
    for _ in range(40):
        assert ask(server, "203.0.113.6", "/debug/aic", token=good)[0] in (401, 403)
    assert ask(server, "203.0.113.6", token=good)[0] == 200
