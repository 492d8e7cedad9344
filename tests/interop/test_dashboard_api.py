# SPDX-License-Identifier: Apache-2.0
"""The dashboard's REST API with real clients: what operators see and do, who may, and that it is all written down."""

from __future__ import annotations

import json
import re
import subprocess

import openapi_spec_validator
import pytest
import websockets
import websockets.sync.client as ws

from lib import tokens
from lib.dashboard import API, PASSWORD, Operator, npm_token, set_up, validate
from lib.driver import HERE, eventually
from lib.receiver import Receiver
from lib.server import Server

pytestmark = pytest.mark.skipif(Server.is_reference(), reason="LiveKit has no such API")


@pytest.fixture(scope="module")
def boards(tmp_path_factory):
    """A server, its first operator, and a viewer beside her."""
    folder = str(tmp_path_factory.mktemp("dashboard"))
    receiver = Receiver()
    server = Server(config={"webhook": {"api_key": tokens.KEY, "urls": [receiver.url], "outbox": folder + "/webhooks.db"},
                            "limit": {"requests_per_address": 0, "refusals_per_address": 0},
                            "room": {"enable_remote_unmute": True}})
    try:
        admin = set_up(server, folder)
        admin.good("POST", "/operators", {"name": "vic", "role": "viewer", "password": PASSWORD})
        viewer = Operator(server, folder + "/vic.jar", "vic")
        yield server, admin, viewer, receiver
        assert server.alive(), server.tail()
        status = server.stop()
        assert status == 0, server.tail()
    finally:
        receiver.stop()
        server.cleanup()


@pytest.fixture
def board(boards):
    return boards[1]


@pytest.fixture
def call(boards, room_on):
    """Two people in a room, one of whom is seen and heard: (room, publisher, subscriber, sid of the video)."""
    room = room_on(boards[0])
    speaker = room.join("node", "speaker")
    video = speaker.call("publishVideo", width=320, height=180, fps=10, bitrate=200_000)["sid"]
    listener = room.join("python", "listener")
    listener.until(video, lambda s: s["distinct"] > 3)
    return room, speaker, listener, video


def npm_rooms(server, key: str, secret: str) -> dict:
    done = subprocess.run(["node", "clients/server_sdk.mjs", server.http_url, key, secret, "ListRooms", "{}"], cwd=HERE,
                          capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout)


# ---- the description ----


def test_each_route_is_described(boards):
    """Both ways; and what is served is what lies in docs."""
    server = boards[0]
    listed = json.loads(server.get("/api/v1")[1])["routes"]
    assert {(r["method"], r["path"]) for r in listed} == API.routes()
    status, text, headers = server.get("/api/openapi.json")
    assert status == 200 and headers["content-type"] == "application/json"
    assert json.loads(text) == json.loads(json.dumps(API.doc))
    openapi_spec_validator.validate(API.doc)


# A path that names what is not there, and a body that would do, for each route.
BODIES = {
    ("POST", "/session"): {"name": "nobody", "password": "x"},
    ("POST", "/session/password"): {"current": "not hers", "new": "long enough"},
    ("POST", "/setup"): {"token": "x", "name": "eve", "password": "long enough"},
    ("POST", "/operators"): {"name": "Not a name", "role": "admin", "password": "long enough"},
    ("PATCH", "/operators/{operator}"): {"role": "admin"},
    ("POST", "/keys"): {"project": "x" * 200},
    ("PATCH", "/keys/{key}"): {"project": "x"},
    ("POST", "/keys/{key}/rotate"): {},
    ("POST", "/keys/{key}/revoke"): {},
    ("POST", "/rooms/{room}/message"): {"text": "x"},
    ("POST", "/rooms/{room}/participants/{participant}/move"): {"room": "x"},
    ("POST", "/rooms/{room}/tracks/{track}/mute"): {"muted": True},
    ("POST", "/webhooks/replay"): {"from": 9_000_000, "to": 9_000_001},
}
OPEN = {("GET", "/session"), ("POST", "/session"), ("DELETE", "/session"), ("POST", "/setup")}


def routes():
    return sorted((method, path.removeprefix("/api/v1")) for method, path in API.routes())


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda m: {"room": "RM_none", "participant": "PA_none", "track": "TR_none"}.get(m[1], "none"),
                  path)


@pytest.mark.parametrize(("method", "path"), routes())
def test_who_may(boards, tmp_path, method, path):
    """Nobody, a viewer, an admin, a foreign page, and LiveKit's tokens at each route."""
    server, admin, viewer, _ = boards
    stranger = Operator(server, str(tmp_path / "jar"))
    body = BODIES.get((method, path))
    is_open = (method, path) in OPEN
    if not is_open:
        assert stranger.refused(method, filled(path), body) == (401, "signed_out")
        token = tokens.raw(tokens.claims(video={"roomAdmin": True, "roomCreate": True, "roomList": True, "room": "x"}))
        assert stranger.refused(method, filled(path), body, headers={"Authorization": f"Bearer {token}"})[0] == 401
    if method != "GET":
        for who in (stranger, viewer, admin):
            for origin in ("https://evil.example", server.http_url + "0", "null"):
                assert who.refused(method, filled(path), body, headers={"Origin": origin}) == (403, "foreign_page")
        own = path == "/session/password" or is_open
        if not own:
            assert viewer.refused(method, filled(path), body) == (403, "not_permitted")
        if body is not None and (method, path) != ("DELETE", "/session"):
            asks = stranger if is_open else admin
            assert asks.refused(method, filled(path), raw=json.dumps(body),
                                headers={"Content-Type": "text/plain"}) == (415, "bad_type")
            assert asks.refused(method, filled(path), {**body, "more": 1})[0] in (400, 409, 429)
            assert asks.refused(method, filled(path), raw="[1]") == (400, "bad_request")
            assert asks.refused(method, filled(path), raw='{"a": 1, "a": 2}') == (400, "bad_request")
            assert asks.refused(method, filled(path), raw='{"a": "' + "x" * 70_000 + '"}') == (413, "too_large")
    if not is_open and method == "GET":
        a, b = admin.ask(method, filled(path))[0], viewer.ask(method, filled(path))[0]
        assert a == b and a in (200, 404, 426)
    elif not is_open and not own:
        assert admin.ask(method, filled(path), body)[0] in (200, 400, 404)


def test_mistakes(boards):
    server, admin, _, _ = boards
    assert admin.refused("GET", "/nothing") == (404, "no_such_path")
    assert admin.refused("PUT", "/rooms") == (405, "method_not_allowed")
    for query in ("limit=0", "limit=201", "limit=x", "limit=-1", "limit=1e3", "limit="):
        assert admin.refused("GET", f"/audit?{query}") == (400, "bad_request")
        assert admin.refused("GET", f"/rooms?{query}") == (400, "bad_request")
    assert admin.refused("GET", "/rooms?after=RM_gone") == (404, "not_found")
    assert admin.refused("GET", "/keys?after=gone") == (404, "not_found")
    assert admin.refused("GET", "/recordings?after=gone") == (404, "not_found")
    assert admin.refused("GET", "/rooms/" + "x" * 300) == (404, "no_such_path")


# ---- operators ----


def test_cookie(boards):
    """No script sees it, no other site sends it."""
    server, _, viewer, _ = boards
    done = subprocess.run(["curl", "-sSi", "-H", "Content-Type: application/json", "-d",
                           json.dumps({"name": "vic", "password": PASSWORD}), server.http_url + "/api/v1/session"],
                          capture_output=True, text=True, check=True)
    cookie = re.search(r"(?im)^set-cookie: (.*)$", done.stdout)[1].strip()
    assert re.fullmatch(r"aura_operator=\w{43}; Path=/; Max-Age=86400; HttpOnly; SameSite=Strict", cookie)
    done = subprocess.run(["curl", "-sSi", "-H", "Content-Type: application/json", "-H", "X-Forwarded-Proto: https", "-d",
                           json.dumps({"name": "vic", "password": PASSWORD}), server.http_url + "/api/v1/session"],
                          capture_output=True, text=True, check=True)
    assert re.search(r"(?im)^set-cookie: __Host-aura_operator=\w{43}; Path=/; .*; Secure", done.stdout)
    assert re.search("(?im)^cache-control: no-store", done.stdout)
    viewer.get("/rooms")


def test_operators(boards, tmp_path):
    """Roles change at once, sessions end, the last admin stays."""
    server, admin, _, _ = boards
    admin.good("POST", "/operators", {"name": "bob", "role": "viewer", "password": PASSWORD})
    assert admin.refused("POST", "/operators", {"name": "bob", "role": "viewer", "password": PASSWORD}) == (409, "conflict")
    bob = Operator(server, str(tmp_path / "bob"), "bob")
    watch = bob.watch()
    watch.wait(lambda e: e["type"] == "hello")
    assert admin.good("PATCH", "/operators/bob", {"role": "admin"})["role"] == "admin"
    assert watch.wait_closed() == 4001
    assert bob.refused("GET", "/rooms") == (401, "signed_out")
    bob = Operator(server, str(tmp_path / "bob"), "bob")
    key = bob.good("POST", "/keys", {"project": "bob's"})["key"]
    assert (key["created_by"], key["source"], key["state"]) == ("bob", "dashboard", "active")
    assert bob.refused("POST", "/session/password", {"current": "not his", "new": "another one"}) == (401, "bad_credentials")
    bob.good("POST", "/session/password", {"current": PASSWORD, "new": "another one"})
    bob.get("/rooms")
    assert Operator(server, str(tmp_path / "x")).refused("POST", "/session", {"name": "bob", "password": PASSWORD})[0] == 401
    assert admin.refused("DELETE", "/operators/none") == (404, "not_found")
    admin.good("DELETE", "/operators/bob")
    assert bob.refused("GET", "/rooms") == (401, "signed_out")
    assert admin.refused("DELETE", "/operators/ann") == (409, "conflict")
    assert admin.refused("PATCH", "/operators/ann", {"role": "viewer"}) == (409, "conflict")
    assert {o["name"] for o in admin.get("/operators")["operators"]} == {"ann", "vic"}
    assert [e["target"] for e in admin.audit("operator.change")] == ["bob"]


# ---- keys ----


def test_key(boards, room_on):
    """Made here, it serves npm's livekit-server-sdk and lets rtc-node in at once; rotated, both secrets do for a while."""
    server, admin, viewer, _ = boards
    made = admin.good("POST", "/keys", {"project": "shop"})
    key, secret = made["key"]["key"], made["secret"]
    room = room_on(server)
    before = npm_token(key, secret, "customer", room.name)
    customer = room.join("node", "customer", token=before)
    assert room.name in [r["name"] for r in npm_rooms(server, key, secret)["ok"]["rooms"]]
    shown = admin.who(admin.room(room.name), "customer")
    assert (shown["app_key"], shown["state"], shown["kind"]) == (key, "active", "standard")
    assert shown["sdk"].startswith("NODE")
    for text in (json.dumps(viewer.get("/keys?limit=200")), json.dumps(admin.get("/audit"))):
        assert secret not in text
    with open(server.log_path) as file:
        assert secret not in file.read()
    assert admin.good("PATCH", f"/keys/{key}", {"project": "store"})["project"] == "store"

    again = admin.good("POST", f"/keys/{key}/rotate", {"overlap_s": 3600})
    assert again["secret"] != secret and again["key"]["state"] == "rotating"
    after = npm_token(key, again["secret"], "another", room.name)
    assert validate(server, before) == validate(server, after) == 200
    at_once = admin.good("POST", f"/keys/{key}/rotate", {"overlap_s": 0})
    assert at_once["key"]["state"] == "active"
    assert validate(server, before) == validate(server, after) == 401
    now = npm_token(key, at_once["secret"], "another", room.name)
    assert validate(server, now) == 200

    gone = admin.good("POST", f"/keys/{key}/revoke", {})
    assert (gone["key"]["state"], gone["disconnected"]) == ("revoked", 0)
    assert validate(server, now) == 401
    assert "error" in npm_rooms(server, key, at_once["secret"])
    assert admin.who(admin.room(room.name), "customer")["state"] == "active"  # who is there stays
    assert admin.refused("POST", f"/keys/{key}/revoke", {}) == (409, "conflict")
    assert admin.refused("POST", f"/keys/{key}/rotate", {}) == (409, "conflict")
    customer.disconnect()
    for action in ("key.create", "key.rename", "key.rotate", "key.revoke"):
        assert key in [e["target"] for e in admin.audit(action)], action


def test_revoked_and_disconnected(boards, room_on):
    server, admin, _, _ = boards
    made = admin.good("POST", "/keys", {"project": "leaving"})
    room = room_on(server)
    guest = room.join("node", "guest", token=npm_token(made["key"]["key"], made["secret"], "guest", room.name))
    other = room.join("python", "other")
    assert admin.good("POST", f"/keys/{made['key']['key']}/revoke", {"disconnect": True})["disconnected"] == 1
    guest.wait("disconnected")
    other.wait("participantDisconnected", identity="guest")


def test_configured_keys_are_only_shown(board):
    first = board.get("/keys")["keys"][0]
    assert (first["key"], first["source"], first["state"]) == (tokens.KEY, "config", "active")
    for method, path, body in (("PATCH", "", {"project": "x"}), ("POST", "/rotate", {}), ("POST", "/revoke", {})):
        assert board.refused(method, f"/keys/{tokens.KEY}{path}", body) == (409, "read_only")


def test_pages(board):
    """Keys, one a page: each is seen once."""
    for i in range(3):
        board.good("POST", "/keys", {"project": f"page {i}"})
    seen, after = [], ""
    while after is not None:
        page = board.get(f"/keys?limit=1{f'&after={after}' if after else ''}")
        assert len(page["keys"]) == 1
        seen.append(page["keys"][0]["key"])
        after = page["next"]
    assert len(seen) == len(set(seen)) == len(board.get("/keys?limit=200")["keys"])
    entries, before = [], None
    while True:
        page = board.get(f"/audit?limit=2{f'&before={before}' if before else ''}")
        entries += page["entries"]
        before = page["next"]
        if not before:
            break
    ids = [e["id"] for e in entries]
    assert ids == sorted(ids, reverse=True) and ids[-1] == 1


# ---- rooms ----


def test_room(boards, call):
    """A call as it is, its series, and the reason for the layer."""
    _, admin, viewer, _ = boards
    room, _, _, video = call
    seen = admin.room(room.name)
    assert (seen["participants"], seen["publishers"], seen["tracks"]) == (2, 1, 1)
    assert viewer.get(f"/rooms/{seen['sid']}")["name"] == room.name
    track = admin.who(seen, "speaker")["tracks"][0]
    assert (track["sid"], track["kind"], track["muted"], track["encrypted"]) == (video, "video", False, False)
    path = f"/rooms/{seen['sid']}/tracks/{video}/series"

    def sampled():
        got = admin.get(path)
        subs = got["subscriptions"]
        return got if got["published"] and subs and subs[0]["samples"] and subs[0]["samples"][-1]["bps"] else None

    got = eventually(sampled, what="samples")
    assert got["complete"] and got["published"][-1]["bps"] > 10_000 and got["published"][-1]["layers"]
    sub = got["subscriptions"][0]
    assert (sub["identity"], sub["bound"], sub["wish"]) == ("listener", True, "high")
    eventually(lambda: admin.get(path)["subscriptions"][0]["why"] in ("best_there_is", "as_wished"), what="the best layer")
    debug = json.loads(boards[0].get(f"/debug/rooms/{room.name}", {"Authorization": "Bearer " + tokens.raw(tokens.claims(
        video={"roomAdmin": True, "room": room.name}))})[1])
    assert debug["subscriptions"][0]["why"] == admin.get(path)["subscriptions"][0]["why"]
    only = sub["participant"]
    assert [s["participant"] for s in admin.get(f"{path}?participant={only}")["subscriptions"]] == [only]
    links = eventually(lambda: admin.get(f"/rooms/{seen['sid']}/links")["links"], what="links")
    assert "listener" in [link["identity"] for link in links]
    routes = admin.get("/routes?limit=200")["routes"]
    node_of = {r["sid"]: r["node"] for r in routes}
    assert node_of[seen["sid"]] == seen["node"] == admin.get("/nodes")["nodes"][0]["id"]
    assert admin.get(f"/rooms?search={room.name}")["rooms"][0]["sid"] == seen["sid"]
    assert admin.get("/rooms?search=nobody-has-this")["rooms"] == []
    assert admin.get(f"/rooms/{seen['sid']}/aic") == {
        "saving": {"sent_bytes": 0, "native_bytes": 0, "saved_bytes": 0, "ratio": 0}, "tracks": []}
    overview = eventually(lambda: (o := admin.get("/overview"))["series"] and o["now"]["in_bps"] and o, what="figures")
    assert overview["now"]["participants"] >= 2 and overview["now"]["out_bps"] > 0
    assert admin.get("/aic")["enabled"] is False and admin.get("/aic/instances") == {"instances": []}


def test_mute(boards, call):
    _, admin, _, _ = boards
    room, speaker, listener, video = call
    sid = admin.room(room.name)["sid"]
    path = f"/rooms/{sid}/tracks/{video}/mute"
    assert admin.good("POST", path, {"muted": True})["muted"] is True
    listener.wait("trackMuted", sid=video)
    assert admin.good("POST", path, {"muted": False})["muted"] is False
    listener.wait("trackUnmuted", sid=video)
    assert admin.audit("track.mute")[0]["target"] == f"{room.name} / speaker"
    assert admin.audit("track.unmute")[0]["detail"] == video


def test_kick_and_close(boards, call):
    """By sid: who comes back is not meant."""
    _, admin, _, _ = boards
    room, speaker, listener, _ = call
    seen = admin.room(room.name)
    path = f"/rooms/{seen['sid']}/participants/{admin.who(seen, 'speaker')['sid']}"
    admin.good("DELETE", path)
    speaker.wait("disconnected")
    listener.wait("participantDisconnected", identity="speaker")
    room.join("node", "speaker")
    assert admin.refused("DELETE", path) == (404, "not_found")
    assert admin.who(seen, "speaker")["state"] in ("joined", "active")
    admin.good("DELETE", f"/rooms/{seen['sid']}")
    listener.wait("disconnected")
    assert admin.refused("GET", f"/rooms/{seen['sid']}") == (404, "not_found")
    assert admin.audit("participant.kick")[0]["target"] == f"{room.name} / speaker"
    assert admin.audit("room.close")[0]["target"] == room.name


def test_message(boards, call):
    """As a chat message for all, as data for one."""
    _, admin, _, _ = boards
    room, speaker, listener, _ = call
    sid = admin.room(room.name)["sid"]
    admin.good("POST", f"/rooms/{sid}/message", {"text": "closing <b>soon</b>"})
    for who in (speaker, listener):
        got = json.loads(who.wait("dataReceived", topic="lk-chat-topic")["text"])
        assert got["message"] == "closing <b>soon</b>" and got["timestamp"] > 0
    admin.good("POST", f"/rooms/{sid}/message", {"text": "for you", "topic": "note", "to": ["listener"]})
    admin.good("POST", f"/rooms/{sid}/message", {"text": "the end", "topic": "end"})
    listener.wait("dataReceived", topic="note", text="for you")
    speaker.wait("dataReceived", topic="end")
    assert not speaker.find("dataReceived", topic="note")
    assert "soon" not in json.dumps(admin.audit("room.message"))


@pytest.mark.parametrize("kind", ["node", "chromium"])
def test_move(boards, room_on, kind):
    """LiveKit's own clients go to the other room with what they publish, by reconnecting."""
    server, admin, _, _ = boards
    here, there = room_on(server), room_on(server)
    waiting = there.join("python", "waiting")
    moving = here.join(kind, "moving")
    staying = here.join("python", "staying")
    moving.call("publishVideo", width=320, height=180, fps=10, bitrate=200_000)
    staying.wait("trackSubscribed", identity="moving")
    room = admin.room(here.name)
    path = f"/rooms/{room['sid']}/participants/{admin.who(room, 'moving')['sid']}/move"
    assert admin.refused("POST", path, {"room": here.name}) == (400, "bad_request")
    admin.good("POST", path, {"room": there.name})
    staying.wait("participantDisconnected", identity="moving")
    waiting.wait("participantConnected", identity="moving")
    video = waiting.wait("trackSubscribed", identity="moving")["sid"]
    waiting.until(video, lambda s: s["distinct"] > 3)
    assert admin.audit("participant.move")[0]["detail"] == there.name


# ---- the rest ----


def test_events(boards, room_on):
    """What happens is told while it happens, ticks among it; nobody else may watch."""
    server, admin, viewer, _ = boards
    watch = viewer.watch()
    watch.wait(lambda e: e["type"] == "hello" and e["operator"] == "vic")
    room = room_on(server)
    client = room.join("node", "seen")
    client.call("publishAudio")
    for event in ("room_started", "participant_joined", "track_published"):
        watch.wait(lambda e, event=event: e["type"] == "room" and e["event"] == event and e["room"]["name"] == room.name, event)
    watch.wait(lambda e: e["type"] == "tick" and e["now"]["participants"] >= 1)
    admin.good("POST", "/keys", {"project": "told"})
    watch.wait(lambda e: e["type"] == "audit" and e["entry"]["action"] == "key.create" and e["entry"]["detail"] == "told")
    watch.link.send("hello")
    assert watch.wait_closed() == 1003
    url, cookie = server.url + "/api/v1/events", viewer.cookie()
    for headers, origin, status in (({}, server.http_url, 401), ({"Cookie": cookie}, "https://evil.example", 403),
                                    ({"Cookie": cookie[:-1] + "!"}, server.http_url, 401)):
        with pytest.raises(websockets.InvalidStatus) as error:
            ws.connect(url, additional_headers=headers, origin=origin, compression=None, open_timeout=60, legacy=True)
        assert error.value.response.status_code == status
    assert viewer.refused("GET", "/events") == (426, "bad_request")


def test_webhooks(boards, room_on):
    """What the receiver got is listed, and comes again when it is wanted."""
    server, admin, viewer, receiver = boards
    room = room_on(server)
    room.join("node", "one")
    receiver.wait(lambda r: "participant_joined" in r.names(room.name), what="the events")

    def delivered():
        events = viewer.get(f"/webhooks?room={room.name}")["events"]
        done = all(d["state"] == "delivered" for e in events for d in e["deliveries"])
        return events if done and len(events) >= 2 else None

    events = eventually(delivered, what="deliveries")
    assert [e["seq"] for e in events] == sorted((e["seq"] for e in events), reverse=True)
    assert events[0]["deliveries"][0]["url"] == receiver.url and events[0]["deliveries"][0]["status"] == 200
    first = events[-1]
    page = viewer.get(f"/webhooks?room={room.name}&limit=1")
    assert page["next"] == page["events"][0]["seq"]
    assert viewer.get(f"/webhooks?room={room.name}&limit=1&before={page['next']}")["events"][0]["seq"] < page["next"]
    had = sum(g["event"]["id"] == first["id"] for g in receiver.got)
    assert admin.good("POST", "/webhooks/replay", {"from": first["seq"], "to": first["seq"]}) == {"replayed": 1}
    receiver.wait(lambda r: sum(g["event"]["id"] == first["id"] for g in r.got) > had, what="it again")
    assert admin.audit("webhook.replay")[0]["detail"].startswith(f"{first['seq']} to {first['seq']}")


def test_hostile_names(boards, room_on):
    """Whatever people call themselves is a text in JSON, and no page of another kind."""
    server, admin, _, _ = boards
    name = '<script>alert(1)</script>"\'\\\u202e\u0000'.replace("\u0000", "")
    room = room_on(server, f"{name} room")
    room.join("node", name, token=tokens.join(name, room.name, name=name, metadata="x" * 5000))
    seen = admin.who(admin.room(room.name), name)
    assert seen["name"] == name and len(seen["metadata"]) == 1024
    admin.good("DELETE", f"/rooms/{admin.room(room.name)['sid']}/participants/{seen['sid']}")
    assert admin.audit("participant.kick")[0]["target"] == f"{room.name} / {name}"
