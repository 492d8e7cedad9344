# SPDX-License-Identifier: Apache-2.0
"""AuraIDs as users of a real Synapse: ghosts, rings in both directions, declined and cancelled ones, what comes twice."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import stat
import subprocess
import time
import urllib.parse

import pytest
import yaml

from lib import cli, tokens
from lib.calls import KEYS, Person
from lib.driver import HERE, eventually
from lib.ports import free_port
from lib.server import ROOT, Server
from lib.synapse import DECLINE, MEMBER, RING, Synapse
from lib.worker import HandWorker
from test_matrix import name_of

pytestmark = [pytest.mark.skipif(Server.is_reference(), reason="LiveKit is no user of Matrix"),
              pytest.mark.timeout(900)]  # a homeserver takes its time on a busy machine

WAIT_S = int(os.environ.get("W", 120))
_serial = itertools.count(1)


class World:
    """A homeserver and a server that know each other by a registration that our own command wrote."""

    def __init__(self, folder, certificates):
        self.http = free_port()
        self.file = str(folder / "registration.yaml")
        (folder / "synapse").mkdir()
        self.folder, self.certificates = folder, certificates
        # The homeserver's name has its port, which it chooses: so the file is written when that is known.
        made = cli.run("auraid", "appservice", "--server", "localhost:1", "--url", f"http://127.0.0.1:{self.http}",
                       "--output", self.file)
        assert made.returncode == 0, made.stderr
        self.said = made.stdout
        self.mode = stat.S_IMODE(os.stat(self.file).st_mode)
        self.synapse = Synapse(str(folder / "synapse"), certificates["server.pem"], certificates["server.key"],
                               appservice=self.file)
        self.synapse.stop()
        os.remove(self.file)
        assert cli.run("auraid", "appservice", "--server", self.synapse.name, "--url", f"http://127.0.0.1:{self.http}",
                       "--output", self.file).returncode == 0
        self.synapse.start()
        self.tokens = yaml.safe_load(open(self.file))
        self.server = Server(ports={"http": self.http}, config=self.config(self.http, self.file))

    def config(self, http: int, file: str, **more):
        return {
            "keys": {**KEYS, "matrixkey": "a-secret-of-32-letters-for-matrix"}, "limit": {"requests_per_address": 0},
            "room": {"auto_create": False},
            "auraid": {"directory": str(self.folder / f"auraid-{http}.db"), "calls": {
                "cross_app": "everyone", "max_rings_per_minute": 0, "max_strangers_per_minute": 0, "ring_timeout": "60s",
                "device_grace": "10s"}},
            "matrix": {"enabled": True, "url": f"ws://127.0.0.1:{http}", "full_access": [self.synapse.name], "timeout": "30s",
                       "api_key": "matrixkey", "allow_addresses": ["127.0.0.0/8", "::1"],
                       "ca_file": self.certificates["ca.pem"], "homeserver_url": self.synapse.plain, "appservice": {"registration": file}, **more}}

    def stop(self):
        self.server.stop()
        self.server.cleanup()
        self.synapse.stop()

    def person(self, **claims) -> Person:
        """Somebody new, of an app."""
        return Person(self.server, f"ann{next(_serial)}", name="Ann", **claims)

    def user(self):
        """Somebody new, of Matrix."""
        return self.synapse.user(f"bob{next(_serial)}")

    def ghost(self, person: Person) -> str:
        return f"{person.id}:{self.synapse.name}"

    def member_key(self, ghost: str) -> str:
        return f"_{ghost}_AURALINK"

    def room_of(self, user, person: Person) -> str:
        """A room in which both are, and may be in calls."""
        room = user.create_room(is_direct=True, invite=[self.ghost(person)],
                                power_level_content_override={"events": {MEMBER: 0}})
        eventually(lambda: self.ghost(person) in user.members(room), WAIT_S, 0.2, "the ghost has accepted the invitation")
        return room

    def link(self, person: Person, user) -> None:
        """The person is on Matrix too, and has shown it."""
        token = tokens.raw(tokens.claims(iss="matrixkey", sub=f"{user.id}:{user.device}", auralinkMatrixUser=user.id),
                           key=KEYS["matrixkey"])
        person.rest.good("POST", "/aura/v1/links/livekit", {"token": token})

    def push(self, path: str, body, token: str | None, method: str = "PUT"):
        link = http.client.HTTPConnection("127.0.0.1", self.http, timeout=60)
        link.request(method, path, body if isinstance(body, bytes) else json.dumps(body).encode(),
                     {"Authorization": f"Bearer {token}"} if token else {})
        answer = link.getresponse()
        text = answer.read()
        link.close()
        return answer.status, json.loads(text)


@pytest.fixture(scope="module")
def world(tmp_path_factory, certificates):
    KEYS["matrixkey"] = "a-secret-of-32-letters-for-matrix"
    made = World(tmp_path_factory.mktemp("appservice"), certificates)
    yield made
    made.stop()
    KEYS.pop("matrixkey")


def member_of(user, room: str, key: str) -> dict:
    """A ghost's call membership; nothing there is as good as an empty one."""
    found = [e["content"] for e in user.seen(room, MEMBER) if e["state_key"] == key]
    return found[-1] if found else {}


def test_registration(world, tmp_path):
    """The file is for its owner alone, says what to do, and is never written over."""
    assert world.mode == 0o600
    assert "app_service_config_files" in world.said and "homeserver_url" in world.said
    known = world.tokens
    assert known["as_token"] != known["hs_token"] and len(known["as_token"]) == len(known["hs_token"]) == 64
    assert known["io.element.msc4190"] is True and known["rate_limited"] is False
    assert known["namespaces"]["users"] == [{"exclusive": True, "regex": r"@[a-z0-9_\-]+\.aura:" + world.synapse.name}]
    before = open(world.file).read()
    again = cli.run("auraid", "appservice", "--server", world.synapse.name, "--url", "http://x", "--output", world.file)
    assert again.returncode == 1 and "there is such a file" in again.stderr and open(world.file).read() == before
    assert cli.run("auraid", "appservice", "--server", "no name", "--url", "http://x").returncode == 2
    assert cli.run("auraid", "appservice", "--server", "a.b", "--url", "x").returncode == 2


def test_mistakes_are_named(world, tmp_path):
    """A registration that cannot be used ends the server with what is wrong, and no secret."""
    open_file, short, gone = tmp_path / "open.yaml", tmp_path / "short.yaml", tmp_path / "gone.yaml"
    open_file.write_text(open(world.file).read())
    open_file.chmod(0o644)
    short.touch(0o600)
    short.write_text("as_token: my-little-secret-token\nhs_token: x\n")
    for file, homeserver, said in ((open_file, "http://x", "chmod o-rwx"), (short, "http://x", "hs_token:"),
                                   (gone, "http://x", "No such file"), (world.file, "x", "matrix.homeserver_url")):
        config = tmp_path / "config.yaml"
        config.write_text(json.dumps({"matrix": {"enabled": True, "url": "wss://x", "homeserver_url": homeserver,
                                                 "appservice": {"registration": str(file)}}, "auraid": {"directory": ":memory:"}}))
        done = subprocess.run([os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"), "auralink-server"), "--dev", "--port",
                               str(free_port()), "--config", str(config)], capture_output=True, text=True, timeout=120)
        assert done.returncode != 0 and said in done.stderr, done
        assert "my-little-secret" not in done.stderr and (homeserver == "x" or str(file) in done.stderr)


def test_ghosts(world):
    """An AuraID is made a user of the homeserver when somebody asks for it; who is hidden is like who is not there."""
    ann, hidden, bob = world.person(), world.person(), world.user()
    hidden.rest.good("PATCH", "/aura/v1/ids/me", {"privacy": "contacts"})
    room = world.room_of(bob, ann)
    profile = bob.ask("GET", f"/_matrix/client/v3/profile/{urllib.parse.quote(world.ghost(ann))}")
    assert profile["displayname"] == "Ann"
    for person in (world.ghost(hidden), f"@nobody.aura:{world.synapse.name}"):
        status, said = world.push(f"/_matrix/app/v1/users/{urllib.parse.quote(person)}", b"", world.tokens["hs_token"], "GET")
        assert (status, said["errcode"]) == (404, "M_NOT_FOUND"), person
    with pytest.raises(AssertionError, match="M_EXCLUSIVE"):
        world.synapse.user("mallory.aura")
    assert world.ghost(ann) in bob.members(room)
    exported = ann.rest.good("GET", "/aura/v1/ids/me/export")
    assert exported["matrix_rooms"] == [{"room": room, "with": bob.id}]


def test_block_keeps_out(world):
    """Who may not ring is not let in either."""
    ann, bob, cid = world.person(), world.user(), world.user()
    room = world.room_of(bob, ann)
    ann.rest.good("PATCH", "/aura/v1/ids/me", {"privacy": "nobody"})
    closed = cid.create_room(is_direct=True, invite=[world.ghost(ann)])
    other = world.person()
    world.room_of(cid, other)  # what was sent before it has been looked at
    assert world.ghost(ann) not in cid.members(closed)
    assert world.ghost(ann) in bob.members(room)


def test_homeserver_proves_itself(world):
    ann = world.person()
    path = f"/_matrix/app/v1/users/{urllib.parse.quote(world.ghost(ann))}"
    token = world.tokens["hs_token"]
    assert world.push(path, b"", None, "GET")[0] == 401
    for wrong in (token[:-1], token + "x", world.tokens["as_token"], "", token[:-1] + ("a" if token[-1] != "a" else "b")):
        assert world.push(path, b"", wrong or " ", "GET")[0] == 403
        assert world.push("/_matrix/app/v1/transactions/1", {"events": []}, wrong or " ")[0] == 403
    assert world.push(path, b"", token, "GET") == (200, {})
    assert world.push("/_matrix/app/v1/ping", {}, token, "POST") == (200, {})
    assert world.push("/_matrix/app/v1/rooms/%23x%3Ay", b"", token, "GET")[0] == 404
    assert world.push("/_matrix/app/v1/transactions/1", b"{", token)[1]["errcode"] == "M_BAD_JSON"
    assert world.push("/_matrix/app/v1/transactions/1", [1], token)[1]["errcode"] == "M_BAD_JSON"
    assert world.push("/_matrix/app/v1/transactions/", {}, token)[0] == 404
    assert world.push("/_matrix/app/v1/ping", b"", token, "GET")[0] == 405
    # The homeserver itself finds us:
    said = world.synapse.ask("POST", "/_matrix/client/v1/appservice/auralink/ping", {"transaction_id": "x"},
                             world.tokens["as_token"])
    assert said["duration_ms"] >= 0


@pytest.mark.parametrize("everybody", [False, True])
def test_rung_by_matrix(world, everybody):
    """Bob of Matrix rings Ann's phone; she accepts, is in his call, with a token for its room; then he hangs up."""
    ann, bob = world.person(), world.user()
    phone = ann.device("phone")
    room = world.room_of(bob, ann)
    member = bob.enter(room)
    bob.ring(room, member, [] if everybody else [world.ghost(ann)], everybody)
    ring = phone.wait("ring", timeout=WAIT_S)
    assert ring["from"]["id"].startswith("@bob")
    phone.accept(ring["call"])
    way = phone.wait("join", call=ring["call"])
    assert way["room"] == name_of(room, "m.call#ROOM") and way["identity"] == f"{world.ghost(ann)}:AURALINK"
    key = world.member_key(world.ghost(ann))
    eventually(lambda: member_of(bob, room, key), WAIT_S, 0.2, "she is in his call")
    content = member_of(bob, room, key)
    assert content["device_id"] == "AURALINK" and content["foci_preferred"][0] == {
        "type": "livekit", "livekit_service_url": f"http://127.0.0.1:{world.http}", "livekit_alias": room}
    bob.exit(room)
    assert phone.wait("over", call=ring["call"], timeout=WAIT_S)["reason"] == "left"
    eventually(lambda: not member_of(bob, room, key), WAIT_S, 0.2, "she has left it too")


def test_media_with_matrix(world, room_on):
    """The phone hears Bob, who has his token from the authorisation service, and he hears her."""
    ann, bob = world.person(), world.user()
    phone = ann.device("phone")
    room = world.room_of(bob, ann)
    bob.ring(room, bob.enter(room), [world.ghost(ann)])
    call = phone.wait("ring", timeout=WAIT_S)["call"]
    phone.accept(call)
    way = phone.wait("join", call=call)
    link = http.client.HTTPConnection("127.0.0.1", world.http, timeout=60)
    link.request("POST", "/sfu/get", json.dumps({"room": room, "openid_token": bob.openid(), "device_id": bob.device}),
                 {"Content-Type": "application/json"})
    given = json.loads(link.getresponse().read())
    holder = room_on(world.server, way["room"])
    hers = holder.join("node", way["identity"], token=way["token"], url=world.server.url)
    his = holder.join("python", f"{bob.id}:{bob.device}", token=given["jwt"])
    for hears, sends in ((hers, his), (his, hers)):
        hears.until(sends.call("publishAudio")["sid"], lambda s: s["loudSeconds"] > 0.2)
    ann.post(f"{call}/leave")
    hers.wait("disconnected")  # and he, who came by his own right, goes on
    assert his.call("participants") is not None


def test_declined_by_ghost(world):
    ann, bob = world.person(), world.user()
    phone = ann.device("phone")
    room = world.room_of(bob, ann)
    ring = bob.ring(room, bob.enter(room), [world.ghost(ann)])
    phone.decline(phone.wait("ring", timeout=WAIT_S)["call"])
    eventually(lambda: bob.seen(room, DECLINE), WAIT_S, 0.2, "he is told")
    [said] = bob.seen(room, DECLINE)
    assert said["sender"] == world.ghost(ann)
    assert said["content"]["m.relates_to"] == {"rel_type": "m.reference", "event_id": ring}


def test_cancelled_by_matrix(world):
    """He hangs up before she answers, or leaves the room."""
    ann, bob = world.person(), world.user()
    phone = ann.device("phone")
    room = world.room_of(bob, ann)
    for stops in (bob.exit, bob.leave):
        before = phone.mark()  # the ring may be there before the request that makes it has its answer
        bob.ring(room, bob.enter(room), [world.ghost(ann)])
        call = phone.wait("ring", before, timeout=WAIT_S)["call"]
        stops(room)
        assert phone.wait("quiet", call=call, timeout=WAIT_S)["reason"] == "cancelled"
        assert phone.wait("missed", call=call)["reason"] == "cancelled"


def test_rings_that_are_none(world):
    """Too old, of somebody else, of another kind, or of who does not want him: the phone stays silent."""
    ann, bob = world.person(), world.user()
    phone = ann.device("phone")
    room = world.room_of(bob, ann)
    member = bob.enter(room)
    bob.ring(room, member, [world.ghost(ann)], lifetime=0)
    bob.ring(room, member, [bob.id])
    bob.ring(room, member, [f"@nobody.aura:{world.synapse.name}"])
    bob.send(room, RING, {"notification_type": "notification", "lifetime": 30000, "sender_ts": int(time.time() * 1000),
                          "m.mentions": {"user_ids": [world.ghost(ann)]}})
    bob.ring(room, member, [world.ghost(ann)])  # comes behind them all
    phone.wait("ring", timeout=WAIT_S)
    assert phone.names() == ["hello", "ring"]


def test_rings_matrix(world):
    """Ann's phone rings Bob, who is on Matrix: a room for two, her membership, a ring; he joins; she hangs up."""
    ann, bob, carol = world.person(), world.user(), world.person()
    world.link(carol, bob)
    phone = ann.device("phone")
    call = phone.ring(carol)
    eventually(bob.invitations, WAIT_S, 0.2, "he is invited")
    [room] = bob.invitations()
    bob.join(room)
    key = world.member_key(world.ghost(ann))
    eventually(lambda: bob.seen(room, RING), WAIT_S, 0.2, "he is rung")
    [ring] = bob.seen(room, RING)
    assert ring["sender"] == world.ghost(ann) and ring["content"]["m.mentions"]["user_ids"] == [bob.id]
    assert ring["content"]["notification_type"] == "ring" and ring["content"]["lifetime"] == 60000
    assert member_of(bob, room, key)["application"] == "m.call"
    bob.enter(room)
    way = phone.wait("join", call=call, timeout=WAIT_S)
    assert way["room"] == name_of(room, "m.call#ROOM") and way["identity"] == f"{world.ghost(ann)}:AURALINK"
    assert phone.wait("person", call=call, state="accepted")["person"]["id"] == carol.id
    ann.post(f"{call}/leave")
    eventually(lambda: not member_of(bob, room, key), WAIT_S, 0.2, "she has left")
    # The next call goes over the same room, and he declines.
    bob.exit(room)
    call = phone.ring(carol)
    eventually(lambda: len(bob.seen(room, RING)) == 2, WAIT_S, 0.2, "he is rung there again")
    bob.decline(room, bob.seen(room, RING)[-1]["event_id"])
    assert phone.wait("over", call=call, timeout=WAIT_S)["reason"] == "declined"
    eventually(lambda: not member_of(bob, room, key), WAIT_S, 0.2, "nobody is in the call")
    # And she hangs up before he answers: what rings on his side ends with her membership.
    call = phone.ring(carol)
    eventually(lambda: len(bob.seen(room, RING)) == 3 and member_of(bob, room, key), WAIT_S, 0.2, "once more")
    ann.post(f"{call}/leave")
    assert phone.wait("over", call=call)["reason"] == "cancelled"
    eventually(lambda: not member_of(bob, room, key), WAIT_S, 0.2, "it has stopped")


def test_seen_by_a_client(world):
    """The real matrix-js-sdk takes the ghost's membership for one, with us as its focus, and sees it end."""
    ann, bob, carol = world.person(), world.user(), world.person()
    world.link(carol, bob)
    phone = ann.device("phone")
    call = phone.ring(carol)
    eventually(bob.invitations, WAIT_S, 0.2, "he is invited")
    [room] = bob.invitations()
    bob.join(room)
    log = open(world.folder / "watch.log", "w+")
    client = subprocess.Popen(["node", os.path.join(HERE, "matrix", "watch.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=log, text=True)
    try:
        client.stdin.write(json.dumps({"base_url": world.synapse.plain, "room": room, "user": {
            "user_id": bob.id, "device_id": bob.device, "access_token": bob.token}}) + "\n")
        client.stdin.flush()
        line = client.stdout.readline()
        assert line, (world.folder / "watch.log").read_text()[-3000:]
        assert json.loads(line) == {"memberships": [{"sender": world.ghost(ann), "device": "AURALINK", "focus": {
            "type": "livekit", "livekit_service_url": f"http://127.0.0.1:{world.http}", "livekit_alias": room}}]}
        ann.post(f"{call}/leave")
        assert json.loads(client.stdout.readline()) == {"left": 0}
        assert client.wait(30) == 0
    finally:
        if client.poll() is None:
            client.kill()
            client.wait()


def test_answered_by_joining(world, room_on):
    """Bob's client is in the media room, and has written neither a membership nor a decline: that is an answer, and its leaving the end."""
    ann, bob, carol = world.person(), world.user(), world.person()
    world.link(carol, bob)
    phone = ann.device("phone")
    call = phone.ring(carol)
    eventually(bob.invitations, WAIT_S, 0.2, "he is invited")
    [room] = bob.invitations()
    bob.join(room)
    eventually(lambda: bob.seen(room, RING), WAIT_S, 0.2, "he is rung")
    his = room_on(world.server, name_of(room, "m.call#ROOM")).join("python", f"{bob.id}:{bob.device}", token=bob.sfu_token(world.server, room))
    assert phone.wait("join", call=call, timeout=WAIT_S)["room"] == name_of(room, "m.call#ROOM")
    his.disconnect()
    assert phone.wait("over", call=call, timeout=WAIT_S)["reason"] == "left"


def test_agent_rung_by_matrix(world, room_on):
    """Bob of Matrix rings an agent: its worker gets a job in his call's room, as the ghost, which answers by coming in."""
    bob, name = world.user(), f"bot{next(_serial)}"
    app = Person(world.server, "operator")
    app.rest.token = tokens.raw(tokens.claims(video={"roomCreate": True, "roomList": True}))
    app.id = app.rest.good("POST", "/aura/v1/ids", {"agent": name})["id"]
    worker = HandWorker(world.server, name)
    try:
        room = world.room_of(bob, app)
        bob.ring(room, bob.enter(room), [world.ghost(app)])
        worker.wait(lambda w: w.assigned, WAIT_S, "a job")
        job, claims = worker.assigned[0].job, worker.claims()
        assert job.room.name == claims["video"]["room"] == name_of(room, "m.call#ROOM")
        assert claims["sub"] == f"{world.ghost(app)}:AURALINK"  # whom clients take its membership for
        assert json.loads(job.metadata)["aura_id"] == app.id
        key = world.member_key(world.ghost(app))
        assert not member_of(bob, room, key)
        agent = room_on(world.server, job.room.name).join("python", claims["sub"], token=worker.assigned[0].token)
        eventually(lambda: member_of(bob, room, key), WAIT_S, 0.2, "it is in his call")
        bob.exit(room)
        agent.wait("disconnected", WAIT_S)
        worker.wait(lambda w: w.terminated == [job.id], WAIT_S, "the job ends")
        eventually(lambda: not member_of(bob, room, key), WAIT_S, 0.2, "it has left")
    finally:
        worker.close()


def test_group_goes_on(world):
    """Bob rings Ann in a group; he goes, Carl of Matrix stays, and so does her call, until he goes too."""
    ann, bob, carl = world.person(), world.user(), world.user()
    phone = ann.device("phone")
    room = world.room_of(bob, ann)
    bob.invite(room, carl.id)
    carl.join(room)
    bob.ring(room, bob.enter(room), [], True)
    call = phone.wait("ring", timeout=WAIT_S)["call"]
    phone.accept(call)
    key = world.member_key(world.ghost(ann))
    eventually(lambda: member_of(bob, room, key), WAIT_S, 0.2, "she is in it")
    carl.enter(room)
    bob.exit(room)
    other, late = world.person(), world.user()
    world.room_of(late, other)  # what was sent before it has been looked at
    assert "over" not in phone.names() and member_of(bob, room, key)
    carl.exit(room)
    assert phone.wait("over", call=call, timeout=WAIT_S)["reason"] == "left"


def test_vanished(world, room_on):
    """Bob rings Ann in a group and goes; Carl of Matrix stays, until his connection is lost, of which his membership says nothing."""
    ann, bob, carl = world.person(), world.user(), world.user()
    phone = ann.device("phone")
    room = world.room_of(bob, ann)
    bob.invite(room, carl.id)
    carl.join(room)
    bob.ring(room, bob.enter(room), [], True)
    call = phone.wait("ring", timeout=WAIT_S)["call"]
    phone.accept(call)
    media = phone.wait("join", call=call)["room"]
    key = world.member_key(world.ghost(ann))
    eventually(lambda: member_of(bob, room, key), WAIT_S, 0.2, "she is in it")
    carl.enter(room)
    his = room_on(world.server, media).join("python", f"{carl.id}:{carl.device}", token=carl.sfu_token(world.server, room))
    bob.exit(room)
    other, late = world.person(), world.user()
    world.room_of(late, other)  # what was sent before it has been looked at
    assert "over" not in phone.names()
    his.disconnect()
    assert phone.wait("over", call=call, timeout=WAIT_S)["reason"] == "left"
    eventually(lambda: not member_of(bob, room, key), WAIT_S, 0.2, "she has left it too")
    assert carl.membership(room)["application"] == "m.call"


def test_encrypted_rooms(world):
    """A ghost has no keys: it says so, rather than being there and hearing nothing."""
    ann, bob = world.person(), world.user()
    encryption = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
    sealed = bob.create_room(is_direct=True, invite=[world.ghost(ann)], initial_state=[encryption])
    later = world.room_of(bob, ann)
    bob.put_state(later, encryption["type"], encryption["content"])
    for room in (sealed, later):
        eventually(lambda: bob.own_membership(room, world.ghost(ann))["membership"] == "leave", WAIT_S, 0.2, "the ghost has gone")
        assert "encrypted" in bob.own_membership(room, world.ghost(ann))["reason"]


def test_deleted_person_leaves(world):
    """Who deletes their AuraID is in no room of the homeserver any more, nor does it know their name."""
    ann, bob = world.person(), world.user()
    rooms = [world.room_of(bob, ann) for _ in range(2)]
    ann.rest.good("DELETE", "/aura/v1/ids/me")
    for room in rooms:
        eventually(lambda: world.ghost(ann) not in bob.members(room), WAIT_S, 0.2, "the ghost has left")

    def nameless() -> bool:
        try:
            return not bob.ask("GET", f"/_matrix/client/v3/profile/{urllib.parse.quote(world.ghost(ann))}").get("displayname")
        except AssertionError as error:  # what Synapse says of a profile that nothing is in
            return "M_NOT_FOUND" in str(error)

    eventually(nameless, WAIT_S, 0.2, "it has no name")


def test_deleted_in_a_call(world):
    """Who deletes their AuraID while in a call hangs up, as Bob of Matrix sees it, and then leaves."""
    ann, bob = world.person(), world.user()
    phone = ann.device("phone")
    room = world.room_of(bob, ann)
    bob.ring(room, bob.enter(room), [world.ghost(ann)])
    phone.accept(phone.wait("ring", timeout=WAIT_S)["call"])
    key = world.member_key(world.ghost(ann))
    eventually(lambda: member_of(bob, room, key), WAIT_S, 0.2, "she is in his call")
    ann.rest.good("DELETE", "/aura/v1/ids/me")
    eventually(lambda: world.ghost(ann) not in bob.members(room), WAIT_S, 0.2, "the ghost has left")
    assert not member_of(bob, room, key), "before it has left, its membership was emptied"


@pytest.mark.slow
def test_rung_over_federation(world, tmp_path):
    """Bob's homeserver is another one: it has never heard of the Application Service, and his ring comes all the same."""
    far = Synapse(str(tmp_path), world.certificates["server.pem"], world.certificates["server.key"])
    try:
        ann, bob = world.person(), far.user("bob")
        phone = ann.device("phone")
        room = world.room_of(bob, ann)
        bob.ring(room, bob.enter(room), [world.ghost(ann)])
        ring = phone.wait("ring", timeout=WAIT_S)
        call = ring["call"]
        phone.accept(call)
        key = world.member_key(world.ghost(ann))
        eventually(lambda: member_of(bob, room, key), WAIT_S, 0.2, "she is in his call, as his homeserver has it")
        bob.exit(room)
        assert phone.wait("over", call=call, timeout=WAIT_S)["reason"] == "left"
        # And the other way round: she rings him, in the room that they have.
        status, said = phone.try_ring(ring["from"]["id"])
        assert status == 201, said
        call = said["call"]
        eventually(lambda: len(bob.seen(room, RING)) == 2, WAIT_S, 0.2, "he is rung")
        bob.decline(room, bob.seen(room, RING)[-1]["event_id"])
        assert phone.wait("over", call=call, timeout=WAIT_S)["reason"] == "declined"
    finally:
        far.stop()


def test_answered_on_a_device(world):
    """Who is rung on Matrix and on a phone takes the phone: the call is no matter of Matrix any more."""
    ann, bob, carol = world.person(), world.user(), world.person()
    world.link(carol, bob)
    phone, tablet = ann.device("phone"), carol.device("tablet")
    call = phone.ring(carol)
    tablet.wait("ring", call=call)
    eventually(bob.invitations, WAIT_S, 0.2, "he is invited")
    [room] = bob.invitations()
    bob.join(room)
    key = world.member_key(world.ghost(ann))
    eventually(lambda: bob.seen(room, RING), WAIT_S, 0.2, "he is rung")
    tablet.accept(call)
    assert phone.wait("join", call=call)["room"] == tablet.wait("join", call=call)["room"] == call
    eventually(lambda: not member_of(bob, room, key), WAIT_S, 0.2, "it rings there no more")
    ann.post(f"{call}/leave")


def test_comes_once(world):
    """The same transaction, the same event in another one, and a number that begins anew with other events."""
    ann, bob = world.person(), world.user()
    phone = ann.device("phone")
    room = world.room_of(bob, ann)
    token, now = world.tokens["hs_token"], int(time.time() * 1000)

    def ring(event: str) -> dict:
        return {"type": RING, "event_id": event, "room_id": room, "sender": bob.id, "origin_server_ts": now, "content": {
            "notification_type": "ring", "sender_ts": now, "lifetime": 120000,
            "m.mentions": {"user_ids": [world.ghost(ann)]}}}

    def exit(event: str) -> dict:
        return {"type": MEMBER, "event_id": event, "room_id": room, "sender": bob.id, "state_key": "x", "content": {}}

    before = world.server.metric("auralink_appservice_replayed_total")
    one, two = f"$one-{room[1:9]}", f"$two-{room[1:9]}"
    assert world.push("/_matrix/app/v1/transactions/r1", {"events": [ring(one), exit(one + "x")]}, token) == (200, {})
    assert world.push("/_matrix/app/v1/transactions/r1", {"events": [ring(one), exit(one + "x")]}, token) == (200, {})
    assert world.push("/_matrix/app/v1/transactions/r2", {"events": [ring(one)]}, token) == (200, {})
    phone.wait("missed")
    assert phone.names() == ["hello", "ring", "quiet", "missed"]
    assert world.push("/_matrix/app/v1/transactions/r1", {"events": [ring(two)]}, token) == (200, {})
    eventually(lambda: phone.names() == ["hello", "ring", "quiet", "missed", "ring"], WAIT_S, 0.05, "another event is a new one")
    assert world.server.metric("auralink_appservice_replayed_total") == before + 2


def test_synapse_restarts(world):
    """Its numbers of transactions begin anew; calls after it come through."""
    ann, bob = world.person(), world.user()
    phone = ann.device("phone")
    room = world.room_of(bob, ann)
    bob.ring(room, bob.enter(room), [world.ghost(ann)])
    call = phone.wait("ring", timeout=WAIT_S)["call"]
    bob.exit(room)
    phone.wait("quiet", call=call, timeout=WAIT_S)
    eventually(lambda: world.synapse.transactions() == 0, WAIT_S, 0.1, "all is answered, so that it forgets how far it was")
    world.synapse.stop()
    world.synapse.start()
    since = phone.mark()
    bob.ring(room, bob.enter(room), [world.ghost(ann)])
    phone.wait("ring", since, timeout=WAIT_S)
    # Or this test says nothing. It notes an answer a little after it has got it.
    eventually(lambda: world.synapse.logged("/_matrix/app/v1/transactions/1: 200") >= 2, WAIT_S, 0.1, "they begin anew")


def test_homeserver_down(world):
    """Who is only on Matrix is unreachable, with a line in the log; calls of others do not mind. (The last one: Synapse ends.)"""
    ann, bob, carol, dan = world.person(), world.user(), world.person(), world.person()
    world.link(carol, bob)
    phone, laptop = ann.device("phone"), dan.device("laptop")
    world.synapse.stop()
    call = phone.ring(carol)
    local = phone.ring(dan)
    laptop.accept(laptop.wait("ring", call=local)["call"])
    assert phone.wait("join", call=local)["room"] == local
    assert phone.wait("over", call=call, timeout=WAIT_S)["reason"] == "unreachable"
    assert [m["reason"] for m in carol.rest.good("GET", "/aura/v1/calls/missed")["missed"]] == ["unreachable"]
    assert "homeserver_failed" in world.server.tail() and "it cannot be connected to" in world.server.tail()
    ann.post(f"{local}/leave")
    world.synapse.start()
