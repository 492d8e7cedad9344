# SPDX-License-Identifier: Apache-2.0
"""The MatrixRTC authorisation service: a real Synapse's users get tokens and join; homeservers that lie, hang or are down."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import threading
import time

import jwt
import pytest

from lib import tokens
from lib.driver import ClientError, eventually
from lib.homeserver import USERINFO, Homeserver
from lib.ports import free_port
from lib.server import Server
from lib.synapse import Synapse

pytestmark = [pytest.mark.skipif(Server.is_reference(), reason="LiveKit leaves this to lk-jwt-service"),
              pytest.mark.timeout(600)]  # a homeserver takes its time on a busy machine

OWN_KEY = {"devkey": "secret", "matrixkey": "a-secret-of-32-letters-for-matrix"}


@pytest.fixture(scope="module")
def synapse(tmp_path_factory, certificates):
    made = Synapse(str(tmp_path_factory.mktemp("synapse")), certificates["server.pem"], certificates["server.key"])
    yield made
    made.stop()


@pytest.fixture(scope="module")
def alice(synapse):
    return synapse.user("alice")


@pytest.fixture
def homeserver(certificates):
    """Ours to command; `localhost:PORT`."""
    made = Homeserver(certificates["server.pem"], certificates["server.key"])
    yield made
    made.stop()


@pytest.fixture
def serve(start_server, certificates):
    """serve(full access..., **matrix): a server with the service, which may dial loopback. It waits long for
    homeservers, since the machine may be busy; where a test is about that wait, it says less."""

    def start(*full, **matrix):
        config = {"enabled": True, "url": "ws://calls.example", "full_access": list(full), "timeout": "30s",
                  "allow_addresses": ["127.0.0.0/8", "::1"], "ca_file": certificates["ca.pem"], "api_key": "matrixkey", **matrix}
        return start_server(config={"matrix": config, "keys": OWN_KEY, "room": {"auto_create": False, "departure_timeout": 1}})

    return start


def post(server, path: str, body, method: str = "POST", timeout: float = 60):
    """(status, JSON or text, headers)."""
    link = http.client.HTTPConnection(server.host, server.http_port, timeout=timeout)
    link.request(method, path, body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode(),
                 {"Content-Type": "application/json", "Origin": "https://app.example"})
    answer = link.getresponse()
    text = answer.read().decode()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    link.close()
    return answer.status, json.loads(text) if headers.get("content-type", "").startswith("application/json") else text, headers


def now_body(openid: dict, user: str, room: str = "!room:example.org", device: str = "DEVICE", member: str = "member1", **more):
    return {"room_id": room, "slot_id": "m.call#ROOM", "openid_token": openid,
            "member": {"id": member, "claimed_user_id": user, "claimed_device_id": device}, **more}


def old_body(openid: dict, room: str = "!room:example.org", device: str = "DEVICE", **more):
    return {"room": room, "openid_token": openid, "device_id": device, **more}


def fake_token(server: str, token: str = "token") -> dict:
    return {"access_token": token, "token_type": "Bearer", "matrix_server_name": server, "expires_in": 3600}


def name_of(*parts: str) -> str:
    array = json.dumps(list(parts), separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(hashlib.sha256(array.encode()).digest()).decode().rstrip("=")


def refused(answer, status: int, code: str, *words: str) -> None:
    got, body, headers = answer
    assert (got, body["errcode"]) == (status, code), body
    assert headers["access-control-allow-origin"] == "*"
    for word in words:
        assert word in body["error"], body


def participants(server, room_name: str) -> set[str]:
    from livekit import api

    from test_cli_commands import call

    try:
        got = call(server, "room", "list_participants", api.ListParticipantsRequest(room=room_name))
    except api.TwirpError:
        return set()
    return {p.identity for p in got.participants}


# ---- with a real homeserver ----

@pytest.mark.parametrize("path", ["/get_token", "/sfu/get"])
def test_token_and_join(serve, room_on, alice, path):
    """Signed in at Synapse, an OpenID token, a token from us, and in the call with rtc-node; and what the token says."""
    server = serve(alice.server.name)
    room_id = alice.create_room()
    body = now_body(alice.openid(), alice.id, room_id, alice.device) if path == "/get_token" else old_body(alice.openid(), room_id, alice.device)
    status, got, headers = post(server, path, body)
    assert status == 200 and got["url"] == "ws://calls.example" and set(got) == {"url", "jwt"}, got
    assert headers["access-control-allow-origin"] == "*"
    room_name = name_of(room_id, "m.call#ROOM")
    identity = name_of(alice.id, alice.device, "member1") if path == "/get_token" else f"{alice.id}:{alice.device}"
    claims = jwt.decode(got["jwt"], OWN_KEY["matrixkey"], algorithms=["HS256"])
    assert (claims["iss"], claims["sub"]) == ("matrixkey", identity)
    assert claims["video"] == {"roomJoin": True, "room": room_name, "canPublish": True, "canSubscribe": True,
                               "canUpdateOwnMetadata": True}
    assert claims["exp"] - claims["nbf"] == 3600
    room = room_on(server, room_name)
    client = room.join("node", identity, token=got["jwt"])
    track = client.call("publishAudio")["sid"]
    bob = alice.server.user(f"bob{path.count('/')}")
    body = now_body(bob.openid(), bob.id, room_id, bob.device) if path == "/get_token" else old_body(bob.openid(), room_id, bob.device)
    second = room.join("python", "bob", token=post(server, path, body)[1]["jwt"])
    second.until(track, lambda s: s["loudSeconds"] > 0.2)
    assert len(participants(server, room_name)) == 2
    assert server.metrics()["auralink_matrix_tokens_total"] == 2


def test_restricted(serve, room_on, alice):
    """A user of a server without full access gets a token, but comes in only where somebody else has made the room."""
    server = serve("example.org")
    room_id = alice.create_room()
    status, got, _ = post(server, "/get_token", now_body(alice.openid(), alice.id, room_id, alice.device))
    assert status == 200
    room = room_on(server, name_of(room_id, "m.call#ROOM"))
    with pytest.raises(ClientError):
        room.join("node", "early", token=got["jwt"])
    from livekit import api

    from test_cli_commands import call

    call(server, "room", "create_room", api.CreateRoomRequest(name=room.name))
    room.join("node", "alice", token=got["jwt"])


@pytest.mark.parametrize("path", ["/get_token", "/sfu/get"])
def test_bad_tokens(serve, alice, path):
    """Tokens that Synapse does not know, of the wrong kind, or shown for somebody else."""
    server = serve(alice.server.name)
    make = (lambda t: now_body(t, alice.id)) if path == "/get_token" else old_body
    refused(post(server, path, make(fake_token(alice.server.name))), 401, "M_UNAUTHORIZED", alice.server.name, "get a new one")
    refused(post(server, path, make(fake_token(alice.server.name, alice.token))), 401, "M_UNAUTHORIZED")
    if path == "/get_token":
        refused(post(server, path, now_body(alice.openid(), f"@mallory:{alice.server.name}")), 401, "M_UNAUTHORIZED", "claimed_user_id")
    assert server.metrics()['auralink_matrix_openid_total{result="refused"}'] == 2


def test_expired(serve, homeserver):
    """What a homeserver knew once is asked for again when its time is over, and is then no good any more."""
    server = serve(homeserver.name)
    user = f"@ann:{homeserver.name}"
    homeserver.says(user)
    token = {**fake_token(homeserver.name), "expires_in": 1}
    assert post(server, "/get_token", now_body(token, user))[0] == 200
    homeserver.says({"errcode": "M_UNKNOWN_TOKEN", "error": "expired"}, 401)

    def is_over():
        status, body, _ = post(server, "/get_token", now_body(token, user))
        return status == 401 and "get a new one" in body["error"]

    eventually(is_over, 60, 0.2, "the token has expired")


def test_replay(serve, alice):
    """The same call again is fine, and Synapse is not asked; another room or device is not."""
    server = serve(alice.server.name)
    token, room_id = alice.openid(), alice.create_room()
    for member in ("first", "second"):
        assert post(server, "/get_token", now_body(token, alice.id, room_id, alice.device, member))[0] == 200
    assert post(server, "/sfu/get", old_body(token, room_id, alice.device))[0] == 200
    refused(post(server, "/get_token", now_body(token, alice.id, "!other:example.org", alice.device)), 401, "M_UNAUTHORIZED", "another room")
    refused(post(server, "/get_token", now_body(token, alice.id, room_id, "OTHER")), 401, "M_UNAUTHORIZED", "another room")
    m = server.metrics()
    assert [m[f'auralink_matrix_openid_total{{result="{r}"}}'] for r in ("verified", "known", "bound_elsewhere")] == [1, 2, 2]


def test_homeserver_down(serve, room_on, synapse, certificates, tmp_path):
    """With the homeserver gone Matrix's users are told so, everybody else goes on; and when it is back, so do they."""
    own = Synapse(str(tmp_path), certificates["server.pem"], certificates["server.key"])
    try:
        dora = own.user("dora")
        server = serve(own.name)
        token = dora.openid()
        own.stop()
        refused(post(server, "/get_token", now_body(token, dora.id)), 401, "M_UNAUTHORIZED", "cannot be connected to")
        call_room(server)
        room_on(server, "others").join("node", "local")
        own.start()
        assert post(server, "/get_token", now_body(token, dora.id))[0] == 200
    finally:
        own.stop()


def call_room(server, name: str = "others") -> None:
    from livekit import api

    from test_cli_commands import call

    call(server, "room", "create_room", api.CreateRoomRequest(name=name))


def test_delayed_leave(serve, room_on, alice):
    """Handed over, a delayed leave is restarted while its user is in the call, and sent when he goes."""
    server = serve(alice.server.name)
    room_id = alice.create_room()
    alice.enter(room_id)
    delay = alice.delayed_leave(room_id, 20000)
    more = {"delay_id": delay, "delay_timeout": 20000, "delay_cs_api_url": alice.server.tls}
    status, got, _ = post(server, "/get_token", now_body(alice.openid(), alice.id, room_id, alice.device, **more))
    assert status == 200, got
    room = room_on(server, name_of(room_id, "m.call#ROOM"))
    client = room.join("node", "alice", token=got["jwt"])
    restarted = 'auralink_matrix_leave_total{did="restarted"}'
    eventually(lambda: server.metrics()[restarted] >= 1, 60, 0.1, "the first restart")
    eventually(lambda: server.metrics()[restarted] >= 2, 120, 0.2, "the next one")
    assert alice.membership(room_id)["application"] == "m.call"
    client.disconnect()
    eventually(lambda: server.metrics()['auralink_matrix_leave_total{did="sent"}'] == 1, 60, 0.1, "it is sent")
    assert alice.membership(room_id) == {} and server.metrics()["auralink_matrix_leaves"] == 0
    assert delay not in server.tail(100_000)


def test_delegate(serve, alice):
    """Afterwards too; where nobody comes it is left alone; only from servers with full access, over https or to where
    the operator allows it."""
    server = serve(alice.server.name)
    room_id = alice.create_room()
    more = {"delay_id": alice.delayed_leave(room_id, 1000), "delay_timeout": 1000, "delay_cs_api_url": alice.server.plain + "/"}
    token = alice.openid()
    status, got, _ = post(server, "/delegate_delayed_leave", now_body(token, alice.id, room_id, alice.device, **more))
    assert (status, got) == (200, {})
    eventually(lambda: server.metrics()['auralink_matrix_leave_total{did="given_up"}'] == 1, 60, 0.1, "nobody came")
    refused(post(server, "/delegate_delayed_leave", now_body(token, alice.id, room_id, alice.device)), 400, "M_BAD_JSON", "delay_id")
    other = serve("example.org")
    refused(post(other, "/delegate_delayed_leave", now_body(token, alice.id, room_id, alice.device, **more)), 403, "M_FORBIDDEN")
    refused(post(other, "/get_token", now_body(token, alice.id, room_id, alice.device, **more)), 400, "M_BAD_JSON")
    refused(post(other, "/sfu/get", old_body(token, room_id, alice.device, **more)), 400, "M_BAD_JSON")


def test_auraid(start_server, room_on, alice, certificates, tmp_path):
    """One AuraID in all calls, by the homeserver's word; an app that says the same of a token of its own is not believed."""
    config = {"enabled": True, "url": "ws://calls.example", "full_access": [alice.server.name], "timeout": "30s",
              "allow_addresses": ["127.0.0.0/8", "::1"], "ca_file": certificates["ca.pem"], "api_key": "matrixkey"}
    server = start_server(config={"matrix": config, "keys": OWN_KEY, "auraid": {"directory": str(tmp_path / "ids.db")}})
    seen = set()
    for member in ("one", "two"):
        status, got, _ = post(server, "/get_token", now_body(alice.openid(), alice.id, f"!{member}:x", alice.device, member))
        assert status == 200
        claims = jwt.decode(got["jwt"], OWN_KEY["matrixkey"], algorithms=["HS256"])
        room = room_on(server, claims["video"]["room"])
        room.join("node", claims["sub"], token=got["jwt"])
        watcher = room.join("node", "watcher", token=tokens.join("watcher", room.name))
        liar = {**claims, "iss": tokens.KEY, "sub": "liar"}
        room.join("node", "liar", token=jwt.encode(liar, tokens.SECRET, algorithm="HS256"))
        watcher.wait("participantConnected", identity="liar")
        people = watcher.call("participants")
        seen.add(people[claims["sub"]]["attributes"]["auralink.id"])
        assert people["liar"]["attributes"]["auralink.id"] == "@liar.aura"
    assert seen == {"@alice.aura"}


# ---- what is asked, and how ----

BAD = {
    "M_NOT_JSON": (b"", b"{", b"[]", b"null", b'"text"', b'{"room_id":1}', b'{"a":1,"a":2}', b"\xff\xfe", b"{" * 5000,
                   {**now_body(fake_token("example.org"), "@a:b"), "more": 1},
                   {**now_body({**fake_token("example.org"), "more": 1}, "@a:b")},
                   now_body({**fake_token("example.org"), "expires_in": "soon"}, "@a:b"),
                   now_body(fake_token("example.org"), "@a:b", delay_id="x", delay_timeout="1")),
    "M_BAD_JSON": (b"{}", {"room_id": "!a:b"}, now_body({}, "@a:b"), now_body(fake_token("example.org"), "nobody"),
                   now_body(fake_token("not a name"), "@a:b"), now_body(fake_token("a/../b"), "@a:b"),
                   now_body(fake_token("user@host"), "@a:b"), now_body(fake_token("host?x=1"), "@a:b"),
                   now_body(fake_token("1.2.3"), "@a:b"), now_body(fake_token("host:99999"), "@a:b"),
                   now_body(fake_token("example.org", ""), "@a:b"), now_body(fake_token("example.org"), "@a:b", room="r" * 300),
                   now_body(fake_token("example.org"), "@a:b", room="line\nbreak"),
                   now_body(fake_token("example.org"), "@a:b", delay_id="x")),
}


@pytest.fixture(scope="module")
def quiet(certificates):
    """One server for what never gets to a homeserver."""
    server = Server(config={"matrix": {"enabled": True, "url": "wss://calls.example", "full_access": ["example.org"]}})
    yield server
    assert server.stop() == 0
    server.cleanup()


@pytest.mark.parametrize("code", BAD)
def test_bad_bodies(quiet, code):
    for body in BAD[code]:
        refused(post(quiet, "/get_token", body), 400, code)


def test_methods_and_cors(quiet):
    for path in ("/get_token", "/sfu/get", "/delegate_delayed_leave"):
        status, body, headers = post(quiet, path, None, "OPTIONS")
        assert status == 200 and headers["access-control-allow-origin"] == "*" and "POST" in headers["access-control-allow-methods"]
        for method in ("GET", "PUT", "DELETE"):
            assert post(quiet, path, None, method)[0] == 405, (path, method)
    for method in ("GET", "HEAD"):
        assert post(quiet, "/healthz", None, method)[0] == 200


def test_off(server):
    """Unless it is configured there is nothing there."""
    for path in ("/get_token", "/sfu/get", "/delegate_delayed_leave"):
        assert post(server, path, {})[0] == 404
    assert "auralink_matrix_tokens_total" not in server.metrics()


@pytest.mark.parametrize("matrix, says", [
    ({"url": "https://x"}, "matrix.url"), ({"api_key": "nobody"}, "matrix.api_key"), ({"full_access": ["*", "a.b"]}, "matrix.full_access"),
    ({"allow_addresses": ["10.0.0.0/33"]}, "matrix.allow_addresses"), ({"ca_file": "/nowhere"}, "matrix.ca_file")])
def test_bad_config(start_server, matrix, says):
    with pytest.raises(AssertionError, match=says):
        start_server(config={"matrix": {"enabled": True, "url": "wss://x", **matrix}})


# ---- homeservers that are no good ----

def test_forged(serve, homeserver):
    """A server vouches for its own users only."""
    server = serve("*")
    for sub in ("@alice:example.org", f"@alice:x.{homeserver.name}", "@alice:localhost:8448", "@alice:localhost", f"@alice:{homeserver.name.upper()}"):
        homeserver.says(sub)
        refused(post(server, "/sfu/get", old_body(fake_token(homeserver.name))), 401, "M_UNAUTHORIZED", "another server's user")
    homeserver.says(f"@alice:{homeserver.name}")
    assert post(server, "/sfu/get", old_body(fake_token(homeserver.name)))[0] == 200
    assert homeserver.asked[-1]["query"] == {"access_token": "token"} and homeserver.asked[-1]["host"] == homeserver.name


@pytest.mark.parametrize("name, answer, says", [
    ("broken", b'{"sub": "@a:', "says nothing about a user"),
    ("twice", b'{"sub": "@a:b", "sub": "@c:d"}', "says nothing about a user"),
    ("a list", b"[1]", "says nothing about a user"),
    ("a number", {"sub": 5}, "says nothing about a user"),
    ("binary", bytes(range(256)), "says nothing about a user"),
    ("deep", b"[" * 60000, "says nothing about a user"),
    ("long", b'{"sub": "' + b"a" * (10 << 20), "longer than 64 KiB"),
])
def test_hostile_answers(serve, homeserver, name, answer, says):
    server = serve("*")
    homeserver.says(answer)
    refused(post(server, "/sfu/get", old_body(fake_token(homeserver.name))), 401, "M_UNAUTHORIZED", says)


def test_long_headers(serve, homeserver):
    server = serve("*")
    homeserver.says("@a:b", headers={f"x-{i}": "x" * 1000 for i in range(50)})
    refused(post(server, "/sfu/get", old_body(fake_token(homeserver.name))), 401, "M_UNAUTHORIZED")


def test_redirects_are_not_followed(serve, homeserver, certificates):
    """Not even to where it would be allowed."""
    server = serve("*")
    target = Homeserver(certificates["server.pem"], certificates["server.key"])
    try:
        target.says(f"@alice:{homeserver.name}")
        homeserver.says(b"", 302, {"Location": f"https://localhost:{target.port}{USERINFO}?access_token=token"})
        refused(post(server, "/sfu/get", old_body(fake_token(homeserver.name))), 401, "M_UNAUTHORIZED")
        assert target.asked == []
    finally:
        target.stop()


def ask_hanging(server, homeserver, count: int) -> tuple[list, list]:
    """(threads, their answers) of so many requests about one server, which has taken at least one of them."""
    homeserver.answers[USERINFO] = (200, {}, None)
    got = []
    threads = [threading.Thread(target=lambda i=i: got.append(post(server, "/sfu/get", old_body(fake_token(homeserver.name, f"t{i}")))),
                                daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    homeserver.wait_asked(USERINFO)
    return threads, got


def test_it_hangs(serve, homeserver):
    """There is an answer when its time is over."""
    threads, got = ask_hanging(serve("*", timeout="5s"), homeserver, 4)
    for thread in threads:
        thread.join(60)
    for answer in got:
        refused(answer, 401, "M_UNAUTHORIZED", "does not answer in time")
    assert len(got) == 4


def test_others_go_on(serve, room_on, homeserver, certificates):
    """While one homeserver hangs, others join, and another server's user is verified."""
    server = serve("*")
    other = Homeserver(certificates["server.pem"], certificates["server.key"])
    try:
        threads, got = ask_hanging(server, homeserver, 6)
        other.says(f"@a:{other.name}")
        assert post(server, "/sfu/get", old_body(fake_token(other.name)))[0] == 200
        call_room(server)
        room_on(server, "others").join("node", "local")
        assert got == []
        homeserver.stop()
        for thread in threads:
            thread.join(60)
        assert [status for status, _, _ in got] == [401] * 6
    finally:
        other.stop()


def test_default_cap(start_server, room_on, homeserver, certificates, tmp_path):
    """With the two seconds that a homeserver gets by default: while one hangs without end, SDKs join and get their AuraIDs, and
    requests about other people are answered; those who asked about it are told what is wrong, and not before its time is over."""
    server = start_server(config={"auraid": {"directory": str(tmp_path / "ids.db")}, "keys": OWN_KEY, "limit": {"requests_per_address": 0}, "matrix": {
        "enabled": True, "url": "ws://calls.example", "full_access": ["*"], "allow_addresses": ["127.0.0.0/8", "::1"],
        "ca_file": certificates["ca.pem"], "api_key": "matrixkey"}})
    homeserver.answers[USERINFO] = (200, {}, None)
    got, end = [], threading.Event()

    def ask(token: str) -> None:
        begun = time.monotonic()
        answer = post(server, "/sfu/get", old_body(fake_token(homeserver.name, token)))
        got.append((time.monotonic() - begun, answer))

    def keep_asking(token: str) -> None:
        while not end.is_set():  # so that at every moment the server waits for it
            ask(f"{token}-{len(got)}")

    def start(target, *args) -> threading.Thread:
        thread = threading.Thread(target=target, args=args, daemon=True)
        thread.start()
        return thread

    # One asks for the homeserver, and until that is answered others are, one after the other.
    first = start(ask, "first")
    homeserver.wait_asked(USERINFO)
    answered = 0
    while first.is_alive():
        assert post(server, "/healthz", None, "GET")[0] == 200
        answered += 1
    assert answered > 2, "who asks for something else waits as long as who asks for the homeserver"
    threads = [start(keep_asking, f"t{i}") for i in range(3)]
    try:
        room = room_on(server, "meanwhile")
        call_room(server, room.name)
        people = [room.join(sdk, f"{sdk}-{i}") for i in range(2) for sdk in ("node", "python")]
        people[0].wait("participantConnected", identity="python-1")
        assert people[0].call("participants")["python-1"]["attributes"]["auralink.id"] == "@python-1.aura"
        stalled = len(homeserver.asked)
        eventually(lambda: len(homeserver.asked) > stalled + 3, 60, 0.1, "it is asked, and hangs, until the last has joined")
    finally:
        end.set()
        for thread in threads:
            thread.join(60)
    for took, answer in got:
        refused(answer, 401, "M_UNAUTHORIZED", homeserver.name, "does not answer in time")
        assert took > 1.9  # how much longer is the machine's business
    assert server.metrics()["auralink_auraid_created_total"] == 4


def test_too_many_at_one_server(serve, homeserver):
    """A stranger's server that hangs gets eight requests at a time; more are told to wait."""
    server = serve(timeout="30s")
    homeserver.answers[USERINFO] = (200, {}, None)
    got, lock = [], threading.Condition()

    def ask(i):
        answer = post(server, "/sfu/get", old_body(fake_token(homeserver.name, f"t{i}")))
        with lock:
            got.append(answer)
            lock.notify_all()

    threads = [threading.Thread(target=ask, args=(i,), daemon=True) for i in range(11)]
    for thread in threads:
        thread.start()
    with lock:
        assert lock.wait_for(lambda: len(got) >= 3, 60)
    assert [status for status, _, _ in got[:3]] == [429] * 3
    refused(got[0], 429, "M_LIMIT_EXCEEDED", "try again")
    homeserver.stop()  # the others are hung up on
    for thread in threads:
        thread.join(60)
    assert len(got) == 11


def test_private_addresses(serve, homeserver):
    """Nobody makes us dial what the operator has not allowed: written as an address, as a name, or anyhow else."""
    server = serve("*", allow_addresses=[])
    homeserver.says(f"@a:{homeserver.name}")
    port = homeserver.port
    for name in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", f"[::ffff:127.0.0.1]:{port}", "10.0.0.1:22", "169.254.169.254:80",
                 f"0.0.0.0:{port}", "100.64.0.1:443", "[fe80::1]:443", "[fd00::1]:443", "[64:ff9b::7f00:1]:443", "224.0.0.1:443"):
        refused(post(server, "/sfu/get", old_body(fake_token(name))), 401, "M_UNAUTHORIZED", "matrix.allow_addresses")
    for name in (f"2130706433:{port}", f"0x7f000001:{port}", f"0177.0.0.1:{port}", f"127.1:{port}"):
        status, body, _ = post(server, "/sfu/get", old_body(fake_token(name)))
        assert status in (400, 401), (name, body)
    assert homeserver.asked == []


def test_wrong_certificate(serve, certificates):
    """From an authority that nobody here believes, or of another name."""
    server = serve("*")
    stranger = Homeserver(certificates["stranger.pem"], certificates["stranger.key"])
    try:
        stranger.says(f"@a:{stranger.name}")
        refused(post(server, "/sfu/get", old_body(fake_token(stranger.name))), 401, "M_UNAUTHORIZED", "certificate")
        assert stranger.asked == []
    finally:
        stranger.stop()
    elsewhere = Homeserver(certificates["server.pem"], certificates["server.key"], host="127.0.0.2")
    try:
        refused(post(server, "/sfu/get", old_body(fake_token(elsewhere.name))), 401, "M_UNAUTHORIZED", "certificate")
        assert elsewhere.asked == []
    finally:
        elsewhere.stop()


def test_nothing_there(serve):
    server = serve("*")
    refused(post(server, "/sfu/get", old_body(fake_token(f"localhost:{free_port()}"))), 401, "M_UNAUTHORIZED", "cannot be connected to")
    refused(post(server, "/sfu/get", old_body(fake_token("no-such-host.invalid:443"))), 401, "M_UNAUTHORIZED", "no address in DNS")
