# SPDX-License-Identifier: Apache-2.0
"""Calls across apps: two API keys, devices on WebSockets, and media by the tokens that an answered call gives."""

from __future__ import annotations

import json
import os
import signal
import socket
from http.client import HTTPConnection
from urllib.parse import quote

import pytest
from livekit import api
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from lib import tokens
from lib.calls import KEYS, Person
from lib.driver import eventually
from lib.receiver import Receiver, verify
from lib.server import Server
from lib.worker import HandWorker, RealWorker
from test_cli_commands import call as twirp

pytestmark = pytest.mark.skipif(Server.is_reference(), reason="LiveKit has no AuraIDs")

NO_PACE = {"max_rings_per_minute": 0, "max_strangers_per_minute": 0}


@pytest.fixture
def serve(start_server):
    """serve(**keys of auraid.calls): people of any app take calls, and nobody is held back, unless it says else."""

    def start(more: dict | None = None, **calls):
        return start_server(config={"auraid": {"directory": ":memory:", "calls": {"cross_app": "everyone", **NO_PACE, **calls}},
                                    "keys": KEYS, "limit": {"requests_per_address": 0}, **(more or {})})

    return start


@pytest.fixture
def pair(serve):
    """Ann of one app with a phone, Bob of another one with a laptop."""
    server = serve()
    ann, bob = Person(server, "ann", name="Ann"), Person(server, "bob", "other", name="Bob")
    return server, ann.device("phone"), bob.device("laptop")


def participants(server, room: str) -> set[str]:
    return {p.identity for p in twirp(server, "room", "list_participants", api.ListParticipantsRequest(room=room)).participants}


def rooms(server) -> set[str]:
    return {r.name for r in twirp(server, "room", "list_rooms", api.ListRoomsRequest()).rooms}


@pytest.mark.smoke
def test_two_apps_talk(pair, room_on):
    """Ring, accept, and both see and hear each other by the tokens that they were given."""
    server, phone, laptop = pair
    call = phone.ring(laptop.person, video=True)
    ring = laptop.wait("ring")
    assert ring == {"seq": 2, "event": "ring", "call": call, "from": {"id": "@ann.aura", "name": "Ann"}, "video": True,
                    "waiting": False}
    laptop.accept(call)
    ways = [phone.wait("join", call=call), laptop.wait("join", call=call)]
    assert phone.wait("person")["person"] == {"id": "@bob.aura", "name": "Bob"}
    holder = room_on(server, call)
    ends = [holder.join("node", way["identity"], token=way["token"], url=way["url"] or server.url) for way in ways]
    sent = [(end.call("publishVideo", width=320, height=240, fps=15)["sid"], end.call("publishAudio", toneHz=440)["sid"])
            for end in ends]
    for end, (video, sound) in zip(ends, reversed(sent)):
        end.until(video, lambda s: s["distinct"] >= 5, 60, "no pictures")
        end.until(sound, lambda s: s["loudSeconds"] > 0.3, 60, "no sound")
    seen = ends[0].call("participants")["@bob.aura"]
    assert seen["attributes"]["auralink.id"] == "@bob.aura"  # it is him, by the token of his own app
    assert phone.person.states(call) == {"@ann.aura": "accepted", "@bob.aura": "accepted"}
    laptop.person.post(f"{call}/leave")
    assert phone.wait("over", call=call)["reason"] == laptop.wait("over", call=call)["reason"] == "left"
    for end in ends:
        end.wait("disconnected")  # who has hung up is out of the room, and it is closed
    assert call not in rooms(server)
    assert laptop.person.rest.refused("GET", f"/aura/v1/calls/{call}") == (404, "not_found")


def test_answered_elsewhere(serve):
    """Three devices ring, one of them by a token in the URL; the first one wins, the others learn it."""
    server = serve()
    ann, bob = Person(server, "ann"), Person(server, "bob", "other")
    phone = ann.device("phone")
    one, two, three = bob.device("one"), bob.device("two", query_token=True), bob.device("three")
    call = phone.ring(bob)
    for device in (one, two, three):
        device.wait("ring", call=call)
    two.accept(call)
    assert two.wait("join")["identity"] == "@bob.aura"
    for device in (one, three):
        assert device.wait("quiet", call=call)["reason"] == "answered_elsewhere"
        assert bob.refused(f"{call}/accept", {"device": device.name}) == (409, "conflict")
    two.accept(call)  # asked again
    bob.post(f"{call}/leave")  # from any device
    assert two.wait("over")["reason"] == "left"
    eve = Person(server, "eve")
    eve.device("e")
    assert [e["event"] for e in one.settled(eve)] == [e["event"] for e in three.settled(eve)] == ["hello", "ring", "quiet"]
    assert [e["event"] for e in two.settled(eve)] == ["hello", "ring", "join", "person", "over"]


def test_declined_busy_cancelled(pair):
    server, phone, laptop = pair
    tablet = laptop.person.device("tablet")
    for busy, reason in ((False, "declined"), (True, "busy")):
        call = phone.ring(laptop.person)
        tablet.wait("ring", call=call)
        tablet.decline(call, busy)
        assert laptop.wait("quiet", call=call)["reason"] == tablet.wait("quiet", call=call)["reason"] == reason
        assert phone.wait("person", call=call)["state"] == "ended"
        assert phone.wait("over", call=call)["reason"] == reason
    call = phone.ring(laptop.person)
    laptop.wait("ring", call=call)
    assert laptop.person.refused(f"{call}/leave") == (409, "conflict")  # it only rings there
    phone.person.post(f"{call}/leave")
    assert laptop.wait("quiet", call=call)["reason"] == laptop.wait("missed", call=call)["reason"] == "cancelled"
    assert phone.wait("over", call=call)["reason"] == "cancelled"
    assert laptop.person.refused(f"{call}/accept", {"device": "laptop"}) == (404, "not_found")
    metrics = server.metrics()
    assert metrics["auralink_call_rings_total"] == 3 and metrics["auralink_calls"] == 0
    assert metrics["auralink_call_missed_total"] == 1 and metrics["auralink_call_devices"] == 3


def test_in_a_call_one_is_busy(serve):
    """Or, where the operator wants that, rung as waiting."""
    for waits in (False, True):
        server = serve(busy_in_call=not waits)
        ann, bob, cid = Person(server, "ann"), Person(server, "bob"), Person(server, "cid", "other")
        phone, laptop, third = ann.device("phone"), bob.device("laptop"), cid.device("third")
        call = phone.ring(bob)
        laptop.accept(call)
        laptop.wait("join")
        second = third.ring(bob)
        if waits:
            assert laptop.wait("ring", call=second)["waiting"] is True
        else:
            assert third.wait("over", call=second)["reason"] == laptop.wait("missed", call=second)["reason"] == "busy"
            assert "ring" not in laptop.names(call=second)


def test_timeout_and_missed(serve):
    """Nobody answers: all learn it, and who was not there learns it later, once."""
    server = serve(ring_timeout="1s")
    ann, bob = Person(server, "ann"), Person(server, "bob", "other")
    phone, laptop = ann.device("phone"), bob.device("laptop")
    call = phone.ring(bob)
    assert laptop.wait("quiet", call=call)["reason"] == laptop.wait("missed", call=call)["reason"] == "timeout"
    assert phone.wait("over", call=call)["reason"] == "timeout"
    late = bob.device("late")
    missed = late.hello["missed"]
    assert [(m["call"], m["from"]["id"], m["reason"]) for m in missed] == [(call, "@ann.aura", "timeout")]
    assert bob.rest.good("GET", "/aura/v1/calls/missed") == {"missed": missed}
    assert [m["call"] for m in bob.rest.good("GET", "/aura/v1/ids/me/export")["missed"]] == [call]
    bob.rest.good("DELETE", "/aura/v1/calls/missed")
    assert bob.device("later").hello["missed"] == []


def test_who_cannot_be_rung(serve):
    """Blocked, private and unknown people are one thing to who asks; in a group the others ring."""
    server = serve()
    ann, bob, cid = Person(server, "ann"), Person(server, "bob"), Person(server, "cid", "other")
    phone, laptop, third = ann.device("phone"), bob.device("laptop"), cid.device("third")
    bob.rest.good("PUT", "/aura/v1/blocks/@ann.aura")
    cid.rest.good("PATCH", "/aura/v1/ids/me", {"privacy": "contacts"})
    unknown = phone.try_ring("@nobody.aura")
    assert unknown[0] == 404
    assert phone.try_ring("@bob.aura") == phone.try_ring("@cid.aura") == unknown
    cid.rest.good("PUT", "/aura/v1/contacts/@ann.aura")
    status, said = phone.try_ring("@nobody.aura", "@cid.aura", "@bob.aura")
    assert (status, said["unreached"]) == (201, ["@nobody.aura", "@bob.aura"])
    third.wait("ring", call=said["call"])
    ann.post(f"{said['call']}/leave")
    assert [e["event"] for e in laptop.settled(cid)] == ["hello"]
    for bad, code in (({"to": ["@cid.aura"], "device": "other"}, (409, "not_connected")),
                      ({"to": ["@ann.aura"], "device": "phone"}, (400, "bad_request")),
                      ({"to": [], "device": "phone"}, (400, "bad_request")),
                      ({"to": ["@cid.aura", "@cid.aura"], "device": "phone"}, (400, "bad_request")),
                      ({"to": ["cid!"], "device": "phone"}, (400, "bad_request")),
                      ({"to": [7], "device": "phone"}, (400, "bad_request")),
                      ({"to": [f"@p{i}x.aura" for i in range(32)], "device": "phone"}, (400, "bad_request")),
                      ({"to": ["@cid.aura"]}, (400, "bad_request")),
                      ({"to": ["@cid.aura"], "device": "phone", "video": 1}, (400, "bad_request"))):
        assert ann.rest.refused("POST", "/aura/v1/calls", bad) == code, bad


def test_across_apps_by_policy(serve):
    """By default contacts only; an allowed pair of apps is as one app, in that direction; only devices of apps that may ring do."""
    server = serve(cross_app="contacts", allow=["devkey>other"])
    ann, bob = Person(server, "ann"), Person(server, "bob", "other")
    phone, laptop = ann.device("phone"), bob.device("laptop")
    call = phone.ring(bob)
    laptop.wait("ring", call=call)
    ann.post(f"{call}/leave")
    assert laptop.try_ring("@ann.aura")[0] == 404
    ann.rest.good("PUT", "/aura/v1/contacts/@bob.aura")
    call = laptop.ring(ann)
    phone.wait("ring", call=call)
    bob.post(f"{call}/leave")
    closed = serve(cross_app="nobody")
    ann, bob = Person(closed, "ann"), Person(closed, "bob", "other")
    phone, laptop = ann.device("phone"), bob.device("laptop")
    bob.rest.good("PUT", "/aura/v1/contacts/@ann.aura")
    assert phone.try_ring("@bob.aura")[0] == 404
    # In two apps one person: the calls of each ring there.
    near = Person(closed, "bob")
    bob.rest.good("PUT", "/aura/v1/contacts/@ann.aura")
    assert bob.rest.refused("POST", "/aura/v1/links/livekit", {"token": near.token}) == (409, "conflict")
    near.rest.good("DELETE", "/aura/v1/ids/me")
    bob.rest.good("POST", "/aura/v1/links/livekit", {"token": near.token})
    near = Person(closed, "bob")
    assert near.id == "@bob.aura"
    here = near.device("here")
    call = phone.ring(bob)
    here.wait("ring", call=call)
    assert bob.refused(f"{call}/accept", {"device": "laptop"}) == (404, "not_found")
    ann.post(f"{call}/leave")
    here.wait("missed", call=call)
    bob2 = Person(closed, "friend", "other")
    bob2.device("x")
    assert [e["event"] for e in laptop.settled(bob2)] == ["hello"]


def test_spam_is_held_back(serve):
    server = serve(max_rings_per_minute=3, max_strangers_per_minute=2)
    ann, bob, eve = Person(server, "ann"), Person(server, "bob"), Person(server, "eve", "other")
    phone, laptop, other = ann.device("phone"), bob.device("laptop"), eve.device("other")
    for _ in range(2):
        ann.post(f"{phone.ring(bob)}/leave")
    status, said = other.try_ring("@bob.aura")  # her first, but bob was rung often enough
    assert (status, said["code"]) == (429, "limit")
    bob.rest.good("PUT", "/aura/v1/contacts/@eve.aura")
    eve.post(f"{other.ring(bob)}/leave")
    assert phone.try_ring("@nobody.aura")[0] == 404  # who looks for names is held back too
    for _ in range(2):
        assert phone.try_ring("@nobody.aura")[0] == 429
    assert server.metrics()["auralink_call_limited_total"] == 3
    assert laptop.names().count("ring") == 3


def test_glare(pair):
    """Both ring each other: one call, and both are in it."""
    server, phone, laptop = pair
    call = phone.ring(laptop.person)
    assert laptop.ring(phone.person) == call
    assert phone.wait("join")["call"] == laptop.wait("join")["call"] == call
    assert phone.person.states(call) == {"@ann.aura": "accepted", "@bob.aura": "accepted"}
    assert server.metrics()["auralink_calls"] == 1


def test_reconnect(serve):
    """A device that comes back learns what is so: it rings still, it does not any more, the call is on, or over."""
    server = serve()
    ann, bob = Person(server, "ann"), Person(server, "bob", "other")
    phone, laptop, tablet = ann.device("phone"), bob.device("laptop"), bob.device("tablet")
    call = phone.ring(bob)
    laptop.wait("ring")
    laptop.close()
    laptop = bob.device("laptop")
    laptop.wait("ring", call=call)
    tablet.close()
    laptop.accept(call)
    laptop.wait("person")
    tablet = bob.device("tablet")
    before = phone.wait("join", call=call)
    phone.close()
    phone = ann.device("phone")
    again = phone.wait("join", call=call)
    assert (again["room"], again["identity"]) == (before["room"], before["identity"])
    assert phone.wait("person")["state"] == "accepted"
    # A second connection of the same device takes over, and the first one is told so.
    newer = ann.device("phone")
    newer.wait("join", call=call)
    assert phone.wait_closed()[0] == 4000
    bob.post(f"{call}/leave")
    assert newer.wait("over")["reason"] == "left"
    assert newer.person.device("phone").names() == ["hello"]
    eve = Person(server, "eve")
    eve.device("e")
    assert [e["event"] for e in tablet.settled(eve)] == ["hello"]  # no stale ring


def test_who_stays_away_has_left(serve):
    """A caller's device that is gone cancels, one in a call leaves; not at once."""
    server = serve(device_grace="1s")
    ann, bob = Person(server, "ann"), Person(server, "bob", "other")
    phone, laptop = ann.device("phone"), bob.device("laptop")
    call = phone.ring(bob)
    laptop.wait("ring", call=call)
    phone.close()
    assert laptop.wait("quiet", call=call)["reason"] == "cancelled"
    phone = ann.device("phone")
    call = phone.ring(bob)
    laptop.accept(call)
    laptop.wait("join", call=call)
    phone.close()
    assert laptop.wait("over", call=call)["reason"] == "device_gone"
    assert call not in rooms(server)


def test_group_and_transfer(pair, room_on):
    """A call of two becomes one of three; then one hands it on. Who is out is out of the room."""
    server, phone, laptop = pair
    ann, bob, cid, dan = phone.person, laptop.person, Person(server, "cid"), Person(server, "dan", "other")
    third, fourth = cid.device("third"), dan.device("fourth")
    call = phone.ring(bob)
    assert bob.refused(f"{call}/add", {"to": cid.id}) == (409, "conflict")  # not in it yet
    laptop.accept(call)
    bob.post(f"{call}/add", {"to": cid.id})
    assert third.wait("ring", call=call)["from"]["id"] == "@bob.aura"
    assert phone.wait("person", state="ringing")["person"]["id"] == "@cid.aura"
    assert bob.refused(f"{call}/add", {"to": cid.id}) == (409, "conflict")
    assert bob.refused(f"{call}/add", {"to": "@nobody.aura"}) == (404, "not_found")
    third.accept(call)
    way = third.wait("join", call=call)
    for device in (phone, laptop):
        device.wait("person", state="accepted", person={"id": "@cid.aura"})
    holder = room_on(server, call)
    inside = holder.join("node", way["identity"], token=way["token"])
    ann.post(f"{call}/leave")
    assert bob.states(call) == {"@bob.aura": "accepted", "@cid.aura": "accepted"}
    cid.post(f"{call}/transfer", {"to": dan.id})
    assert fourth.wait("ring", call=call)["from"]["id"] == "@cid.aura"
    fourth.decline(call)
    assert third.wait("person", state="ended", reason="declined")["person"]["id"] == "@dan.aura"
    assert cid.states(call)["@cid.aura"] == "accepted"  # nothing has changed
    fourth.wait("quiet", call=call)
    since = fourth.mark()
    cid.post(f"{call}/transfer", {"to": dan.id})
    fourth.wait("ring", since, call=call)
    fourth.accept(call)
    assert third.wait("over", call=call)["reason"] == "transferred"
    assert laptop.wait("person", state="ended", reason="transferred")["person"]["id"] == "@cid.aura"
    inside.wait("disconnected")
    assert bob.states(call) == {"@bob.aura": "accepted", "@dan.aura": "accepted"}
    dan.post(f"{call}/leave")
    assert laptop.wait("over", call=call)["reason"] == "left"


def test_push(serve, tmp_path):
    """Devices that are not connected are woken by their app's own push: a signed webhook says whom it rings, and when no more."""
    receiver = Receiver()
    try:
        server = serve({"webhook": {"api_key": tokens.KEY, "urls": [receiver.url], "outbox": str(tmp_path / "out.db")}})
        ann, bob = Person(server, "ann", name="Ann"), Person(server, "bob", "other")
        phone, laptop = ann.device("phone"), bob.device("laptop")
        bob.rest.good("PUT", "/aura/v1/devices/sleeping", {"push": "address-1"})
        bob.rest.good("PUT", "/aura/v1/devices/laptop", {"push": "address-2"})  # it is connected
        call = phone.ring(bob, video=True)
        laptop.wait("ring", call=call)
        woken = bob.device("sleeping")  # by the push
        woken.wait("ring", call=call)
        woken.close()
        laptop.decline(call)
        receiver.wait(lambda r: len([g for g in r.got if g["event"]["event"].startswith("aura_call")]) == 2, what="both webhooks")
        got = [g for g in receiver.got if g["event"]["event"].startswith("aura_call")]
        devices = [{"device": "sleeping", "push": "address-1"}]
        about = {"id": call, "from": {"id": "@ann.aura", "name": "Ann"}, "to": "@bob.aura", "video": True, "app": "other",
                 "devices": devices}
        assert [(g["event"]["event"], g["event"]["call"]) for g in got] == [
            ("aura_call_ringing", about), ("aura_call_quiet", about | {"reason": "declined"})]
        assert not [s for s in verify(got) if "error" in s]
        assert all("error" in s for s in verify(got, secret="another"))
    finally:
        receiver.stop()


def test_nobody_is_in_the_log(serve, room_on, tmp_path):
    """At level debug: what people are called, whom they know, where they are woken and whom they ring is not written down. (Identities
    of participants in rooms are, as ever: an AuraID only where a call has made it one.)"""
    server = serve({"logging": {"json": True, "level": "debug"}})
    ann, bob = Person(server, "subject-1", name="Ann Marvellous"), Person(server, "subject-2", "other", name="Bob Astonishing")
    ann.rest.good("PATCH", "/aura/v1/ids/me", {"display": "Ann Splendid", "home_region": "somewhere-far"})
    ann.rest.good("PUT", f"/aura/v1/contacts/{bob.id}", {"stance": "allow"})
    bob.rest.good("PUT", "/aura/v1/devices/sleeping", {"push": "address-of-a-device"})
    phone, laptop = ann.device("pocket-phone"), bob.device("kitchen-laptop")
    for answer in (laptop.decline, laptop.accept):
        call = phone.ring(bob)
        laptop.wait("ring", call=call)
        answer(call)
        phone.wait("over" if answer == laptop.decline else "join", call=call)
    ann.post(f"{call}/leave")
    laptop.close()
    missed = phone.ring(bob)
    ann.post(f"{missed}/leave")
    room_on(server).join("node", "subject-1")  # by the identity, which has that AuraID
    eventually(lambda: '"participant_active"' in server.tail(10_000_000), what="it does say something")
    assert ann.rest.ask("GET", "/aura/v1/ids/@nobody-of-that-name.aura")[0] == 404
    ann.rest.good("GET", "/aura/v1/ids/me/export")
    for person in (ann, bob):
        person.rest.good("DELETE", "/aura/v1/ids/me")
    said = server.tail(10_000_000)
    secrets = ["Marvellous", "Astonishing", "Splendid", "somewhere-far", "address-of-a-device", "pocket-phone", "kitchen-laptop",
               ann.id, bob.id, "nobody-of-that-name", ann.token, bob.token]
    assert [secret for secret in secrets if secret in said] == []


@pytest.fixture
def worker():
    made = []

    def make(which, *arguments, **options):
        made.append(HandWorker(*arguments, **options) if which == "hand" else RealWorker(which, *arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_calling_an_agent(serve, worker, room_on):
    """An agent has an AuraID: a call dispatches its worker, and it has answered when it is in the room."""
    server = serve()
    app = api.AccessToken(tokens.KEY, tokens.SECRET).with_grants(api.VideoGrants(room_create=True, room_list=True)).to_jwt()
    ann = Person(server, "ann")
    phone = ann.device("phone")
    ann.rest.token, own = app, ann.rest.token
    assert ann.rest.good("POST", "/aura/v1/ids", {"agent": "echo"})["id"] == "@echo.aura"
    ann.rest.token = own
    agent = worker("python", server, agent_name="echo")
    status, said = phone.try_ring("@echo.aura")
    assert status == 201
    call = said["call"]
    way = phone.wait("join", call=call, timeout=90)
    assert phone.wait("person")["person"]["id"] == "@echo.aura"
    job = agent.wait("joined", room=call)
    assert json.loads(job["metadata"]) == {"aura_id": "@echo.aura", "call": call, "from": "@ann.aura", "video": False}
    end = room_on(server, call).join("node", way["identity"], token=way["token"])
    eventually(lambda: any(p.startswith("agent") for p in end.call("participants")), 30, what="the agent is there")
    ann.post(f"{call}/leave")
    assert phone.wait("over")["reason"] == "left"
    assert call not in rooms(server)


def test_no_agent_is_there(serve):
    """Nobody works for it: it does not answer, and the caller is told in the end."""
    server = serve(ring_timeout="1s")
    ann = Person(server, "ann")
    phone = ann.device("phone")
    ann.rest.token = api.AccessToken(tokens.KEY, tokens.SECRET).with_grants(api.VideoGrants(room_create=True, room_list=True)).to_jwt()
    ann.rest.good("POST", "/aura/v1/ids", {"agent": "lazy"})
    ann.rest.token = ann.token
    status, said = phone.try_ring("@lazy.aura")
    assert status == 201 and phone.wait("over")["reason"] == "timeout"
    assert said["call"] not in rooms(server)


def test_an_app_rings_for_its_people(serve):
    """An app's own token acts for those it knows, with ?as=, and for nobody else."""
    server = serve()
    ann, bob, eve = Person(server, "ann"), Person(server, "bob"), Person(server, "eve", "other")
    phone, laptop = ann.device("phone"), bob.device("laptop")
    grants = api.VideoGrants(room_create=True, room_list=True)
    ann.rest.token = api.AccessToken(tokens.KEY, tokens.SECRET).with_grants(grants).to_jwt()
    body = {"to": [bob.id], "device": "phone"}
    assert ann.rest.refused("POST", "/aura/v1/calls", body) == (400, "for_whom")
    assert ann.rest.refused("POST", f"/aura/v1/calls?as={eve.id}", body) == (404, "not_found")
    call = ann.rest.good("POST", f"/aura/v1/calls?as={ann.id}", body)["call"]
    laptop.wait("ring", call=call)
    laptop.accept(call)
    phone.wait("join", call=call)


def test_names_cannot_be_taken(serve):
    """A token whose identity reads as an AuraID is nobody's, unless a call has given it to the one who has that AuraID."""
    server = serve()
    ann = Person(server, "ann")
    liar = tokens.raw(tokens.claims(iss="other", sub="@ann.aura"), key=KEYS["other"])
    person = ann.rest
    person.token, own = liar, person.token
    assert person.refused("GET", "/aura/v1/ids/me") == (403, "nobody")
    person.token = own
    ann.device("phone")


def test_deleted_people_are_gone(pair):
    """Their calls end, their devices are closed, and nobody has them in a list."""
    server, phone, laptop = pair
    call = phone.ring(laptop.person)
    laptop.wait("ring", call=call)
    phone.person.rest.good("DELETE", "/aura/v1/ids/me")
    assert laptop.wait("quiet", call=call)["reason"] == "cancelled"
    assert phone.wait_closed()[0] == 4001
    assert laptop.person.rest.good("GET", "/aura/v1/calls/missed") == {"missed": []}
    assert phone.names() == ["hello", "over"]


def test_who_does_not_read_is_closed(serve, record):
    """A device that reads nothing is disconnected; nobody waits for it, and the others are told all."""
    server = serve()
    ann, bob = Person(server, "ann"), Person(server, "bob")
    ann.device("phone")
    laptop = bob.device("laptop")
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # before it connects: so the server's buffer stays small too
    slow.connect((server.host, server.http_port))
    slow.sendall((f"GET /aura/v1/events?device=slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bob.token}\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
    eventually(lambda: server.metrics()["auralink_call_devices"] == 3, what="it is connected")
    # Each event is made long by the caller's name; curl would be slow for so many.
    ann.rest.good("PATCH", "/aura/v1/ids/me", {"display": "n" * 256})
    link = HTTPConnection(server.host, server.http_port)

    def post(path: str, body: dict) -> dict:
        link.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {ann.token}"})
        return json.loads(link.getresponse().read() or "{}")

    rounds = 0
    while server.metrics()["auralink_call_slow_closed_total"] == 0:
        for _ in range(100):
            call = post("/aura/v1/calls", {"to": [bob.id], "device": "phone"})["call"]
            post(f"/aura/v1/calls/{call}/leave", {})
            rounds += 1
        assert rounds < 30000
    laptop.wait("missed", call=call)
    assert laptop.names().count("ring") == laptop.names().count("missed") == rounds
    assert server.metrics()["auralink_call_devices"] == 2
    record(rounds=rounds)
    slow.close()


def test_what_is_no_device(serve):
    """Names that are none, too many devices, and a device that talks."""
    server = serve()
    ann = Person(server, "ann")
    for name in ("", "a b", "a/b", "x" * 64):
        with pytest.raises(InvalidStatus) as refused:
            connect(f"{server.url}/aura/v1/events?device={quote(name)}&access_token={ann.token}", legacy=True)
        answer = refused.value.response
        assert (answer.status_code, json.loads(answer.body)["code"]) == (400, "bad_request"), name
    with pytest.raises(InvalidStatus, match="401"):
        connect(f"{server.url}/aura/v1/events?device=x", legacy=True)
    devices = [ann.device(f"d{i}") for i in range(16)]
    with pytest.raises(AssertionError, match="1013"):
        ann.device("one-more")
    devices[0].close()
    ann.device("one-more")
    devices[1]._socket.send("hello?")
    assert devices[1].wait_closed()[0] == 1003
    assert server.metrics()["auralink_call_devices"] == 15


def test_rules_change_while_it_runs(serve):
    """SIGHUP: other apps may ring, a ring is shorter, and what cannot be changes nothing."""
    server = serve(cross_app="nobody")
    path = os.path.join(server._config_dir.name, "config.yaml")
    with open(path) as file:
        config = json.load(file)

    def reload(said: str, **calls) -> None:
        with open(path, "w") as file:
            json.dump({**config, "auraid": {**config["auraid"], "calls": {**config["auraid"]["calls"], **calls}}}, file)
        before = server.tail(200000).count(said)
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: server.tail(200000).count(said) > before, what=said)

    ann, eve = Person(server, "ann"), Person(server, "eve", "other")
    phone, laptop = ann.device("phone"), eve.device("laptop")
    assert phone.try_ring(eve.id)[0] == 404
    reload("reload_refused", allow=["devkey"])
    assert phone.try_ring(eve.id)[0] == 404
    reload(" reloaded ", allow=["devkey>other"], ring_timeout="1s")
    call = phone.ring(eve)
    laptop.wait("ring", call=call)
    assert phone.wait("over", call=call)["reason"] == "timeout"
    reload(" reloaded ")
    assert phone.try_ring(eve.id)[0] == 404
