# SPDX-License-Identifier: Apache-2.0
"""JSON logs: each line parses, says whom it is about under the same names, and gives no secret away."""

from __future__ import annotations

import json
import re

import jwt

from lib import signalling, tokens
from lib.driver import eventually

ROOM = {"room", "room_sid"}
WHO = ROOM | {"participant", "participant_sid"}
FIELDS = {
    "room_started": ROOM, "room_finished": ROOM, "participant_active": WHO, "participant_left": WHO,
    "track_published": WHO | {"track_sid"}, "layer": WHO | {"track_sid"},
}
SIDS = {"room_sid": "RM_", "participant_sid": "PA_", "track_sid": "TR_"}
SECRET = "a-s3cret-that-no-line-may-hold-0123456789"


def lines(server) -> list[dict]:
    """All lines of the log; the one that tells the ports is for programs."""
    with open(server.log_path) as file:
        return [json.loads(line) for line in file if not line.startswith("listening ")]


def token(identity: str, room: str) -> str:
    """A token of the key with the long secret."""
    claims = jwt.decode(tokens.join(identity, room), options={"verify_signature": False})
    return jwt.encode({**claims, "iss": "logkey"}, SECRET, "HS256")


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
    seen = lines(server)
    assert set(FIELDS) <= {line["event"] for line in seen}
    for line in seen:
        assert {"ts", "level", "scope", "event"} <= set(line), line
        wanted = FIELDS.get(line["event"], set())
        assert wanted <= set(line), line
        if "room" in wanted:
            assert line["room"] == room.name
        for field in wanted & set(SIDS):
            assert line[field].startswith(SIDS[field]), line
        if "participant" in wanted:
            assert line["participant"] in ("anna", "bert", "carl"), line
    with open(server.log_path) as file:
        text = file.read()
    for secret in [SECRET, *used, *passwords, *(t.rsplit(".", 1)[1] for t in used)]:
        assert secret not in text
