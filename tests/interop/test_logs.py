# SPDX-License-Identifier: Apache-2.0
"""JSON logs: each line parses, says whom it is about under the same names, and gives no secret away."""

from __future__ import annotations

import contextlib
import json
import re

import jwt
import websockets
from livekit.protocol import models

from lib import signalling, tokens
from lib.driver import eventually
from lib.rawpeer import RawPeer
from lib.whip import Publisher, http
from test_egress import Egress

ROOM = {"room", "room_sid"}
WHO = ROOM | {"participant", "participant_sid"}
FIELDS = {
    "room_started": ROOM, "room_finished": ROOM, "participant_active": WHO, "participant_left": WHO,
    "track_published": WHO | {"track_sid"}, "layer": WHO | {"track_sid"},
    "publishing": WHO, "session_ended": WHO, "refused": {"room", "participant"},
    "join_refused": {"room", "participant"}, "bad_signal": WHO, "too_many_signals": WHO, "too_much_data": WHO,
    "recording_started": ROOM, "recording_ended": ROOM,
}
SIDS = {"room_sid": "RM_", "participant_sid": "PA_", "track_sid": "TR_"}
SECRET = "a-s3cret-that-no-line-may-hold-0123456789"


def lines(server) -> list[dict]:
    """All lines of the log; the one that tells the ports is for programs."""
    with open(server.log_path) as file:
        return [json.loads(line) for line in file if line.endswith("\n") and not line.startswith("listening ")]


def token(identity: str, room: str) -> str:
    """A token of the key with the long secret."""
    claims = jwt.decode(tokens.join(identity, room), options={"verify_signature": False})
    return jwt.encode({**claims, "iss": "logkey"}, SECRET, "HS256")


def check(server, room: str, people: set[str], events: set[str]) -> None:
    """All of the events are in the log, and its lines have the fields that they should have, with the right values."""
    eventually(lambda: events <= {line["event"] for line in lines(server)}, what=f"{events} are logged")
    seen = lines(server)
    for line in seen:
        assert {"ts", "level", "scope", "event"} <= set(line), line
        wanted = FIELDS.get(line["event"], set())
        assert wanted <= set(line), line
        assert line.get("room", room) == room, line
        assert all(line[field] for field in (WHO | {"track_sid"}) & set(line)), line  # what is not known is left out
        for field in set(line) & set(SIDS):
            assert line[field].startswith(SIDS[field]), line
        if "participant" in line:
            assert line["participant"] in people, line


def test_call(start_server, room_on):
    """A whole call at level debug: rooms, participants and tracks have their names and sids, secrets are nowhere."""
    server = start_server(config={"logging": {"json": True, "level": "debug"}, "keys": {"logkey": SECRET},
                                  "room": {"departure_timeout": 1}})
    room = room_on(server)
    used = [token(name, room.name) for name in ("anna", "bert", "carl")]
    sender = room.join("node", "anna", token=used[0])
    sender.call("publishVideo", fps=15)
    room.join("python", "bert", token=used[1]).wait("trackSubscribed")
    with signalling.Signal(server, used[2]) as carl:
        offer = carl.wait("offer")
        passwords = re.findall(r"a=ice-pwd:(\S+)", offer.sdp)
        assert passwords
        eventually(lambda: any(line["event"] == "layer" for line in lines(server)), 60, what="a layer is chosen")
        carl.send(leave={})
    room.close()
    eventually(lambda: any(line["event"] == "room_finished" for line in lines(server)), 60, what="the room ends")
    check(server, room.name, {"anna", "bert", "carl"}, {
        "room_started", "room_finished", "participant_active", "participant_left", "track_published", "layer"})
    with open(server.log_path) as file:
        text = file.read()
    for secret in [SECRET, *used, *passwords, *(t.rsplit(".", 1)[1] for t in used)]:
        assert secret not in text


def test_other_ways_in(start_server, room_on, tmp_path):
    """WHIP, recordings, refusals and what is too much: their lines name room, people and tracks too."""
    server = start_server(config={
        "logging": {"json": True, "level": "debug"}, "record": {"folder": str(tmp_path), "min_free_mb": 1},
        "limit": {"data_rate": 1, "signal_rate": 5}})
    room = room_on(server)
    encoder = Publisher(f"{server.http_url}/whip/v1", tokens.join("encoder", room.name)).open()
    egress = Egress(server)
    eventually(lambda: any(line["event"] == "track_published" for line in lines(server)), 60, what="WHIP publishes")
    track = next(line["track_sid"] for line in lines(server) if line["event"] == "track_published")
    one = egress.call("track", room=room.name, track=track, filepath="track")["egress_id"]
    two = egress.call("participant", room=room.name, identity="encoder", filepath="person")["egress_id"]
    for egress_id in (one, two):
        egress.until(egress_id, "EGRESS_ACTIVE")
        egress.call("stop", id=egress_id)
        egress.until(egress_id, "EGRESS_COMPLETE")
    for line in lines(server):
        if line["event"].startswith("recording_"):
            assert line.get("track_sid") == (track if line["id"] == one else None), line
            assert line.get("participant") == "encoder", line
    assert encoder.delete() == 200
    mute = tokens.join("encoder", room.name, can_publish=False)
    assert http("POST", f"{server.http_url}/whip/v1", mute, b"v=0", {"Content-Type": "application/sdp"})[0] == 403
    stranger = tokens.raw({**tokens.claims(room.name), "sub": "stranger", "video": {"room": room.name}})
    assert signalling.refused(server, stranger)[0] == 401
    with signalling.Signal(server, tokens.join("clumsy", room.name)) as clumsy:
        clumsy.wait("join")
        clumsy.send_raw(b"\xff\xff\xff")
        clumsy.wait_closed(60)
    with signalling.Signal(server, tokens.join("loud", room.name)) as loud:
        loud.wait("join")
        try:
            for _ in range(1000):  # fifty are allowed
                loud.send(ping=1)
        except websockets.ConnectionClosed:
            pass
        assert loud.wait_closed(60)[0] == 1008
    with contextlib.closing(RawPeer(server, tokens.join("flood", room.name))) as flood:
        for _ in range(100):
            flood.send(models.DataPacket(user=models.UserPacket(payload=b"x", topic="flood")))
        eventually(lambda: any(line["event"] == "too_much_data" for line in lines(server)), 60, what="it is too much")
    people = {"encoder", "stranger", "clumsy", "loud", "flood", one, two}
    check(server, room.name, people, {
        "publishing", "session_ended", "refused", "join_refused", "bad_signal", "too_many_signals", "too_much_data",
        "recording_started", "recording_ended"})
