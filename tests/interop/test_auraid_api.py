# SPDX-License-Identifier: Apache-2.0
"""getAuraID: /aura/v1 by curl, with tokens as PyPI livekit-api and npm livekit-server-sdk make them."""

from __future__ import annotations

import json
import os
import re
import subprocess

import openapi_spec_validator
import pytest

from livekit import api

from lib import openapi, tokens
from lib.driver import HERE, eventually
from lib.openapi import Rest
from lib.server import Server

pytestmark = pytest.mark.skipif(Server.is_reference(), reason="LiveKit has no AuraIDs")

KEYS = {"devkey": "secret", "other": "other-secret-of-32-characters-or-more"}
ME = "/aura/v1/ids/me"


def person(server, identity: str, app: str = "devkey", **claims) -> Rest:
    return Rest(server, tokens.raw(tokens.claims(iss=app, sub=identity, **claims), key=KEYS[app]))


def app(server, name: str = "devkey") -> Rest:
    grants = api.VideoGrants(room_create=True, room_list=True)
    return Rest(server, api.AccessToken(name, KEYS[name]).with_grants(grants).to_jwt())


def id_of(one: Rest) -> str:
    return one.good("GET", ME)["id"]


@pytest.fixture
def server(start_server, tmp_path):
    return start_server(config={"auraid": {"directory": str(tmp_path / "auraid.db")}, "keys": KEYS})


# ---- the description ----


def test_description_is_openapi():
    openapi_spec_validator.validate(openapi.load("aura-v1.yaml"))


def test_every_route_is_described(server):
    """What the server says it has, and what the file says it has."""
    listed = json.loads(server.get("/aura/v1")[1])["routes"]
    assert {(r["method"], r["path"]) for r in listed} == openapi.DESCRIPTION.routes()
    for method, path in openapi.DESCRIPTION.routes():
        item = openapi.DESCRIPTION.doc["paths"][path]
        named = {p.get("name") or p["$ref"].rsplit("/", 1)[1] for p in item.get("parameters", []) + item[method.lower()].get("parameters", [])}
        assert set(re.findall(r"\{(\w+)\}", path)) <= named, path


# ---- identities ----


def test_the_same_as_a_join_gives(server, room_on):
    """The API and a join lead to one identity, whichever is first, also with npm's tokens."""
    room = room_on(server)
    ann = person(server, "Ann Example")
    assert ann.good("POST", "/aura/v1/ids")["id"] == "@ann-example.aura"
    room.join("node", "Ann Example")
    late = room.join("node", "late")
    assert late.call("participants")["Ann Example"]["attributes"] == {"auralink.id": "@ann-example.aura"}
    assert id_of(person(server, "late")) == "@late.aura"
    assert server.metrics()["auralink_auraid_created_total"] == 2
    status, _ = person(server, "new").ask("POST", "/aura/v1/ids")
    again, _ = person(server, "new").ask("POST", "/aura/v1/ids")
    assert (status, again) == (201, 200)


NODE_TOKEN = """import { AccessToken } from 'livekit-server-sdk';
const t = new AccessToken('devkey', 'secret', JSON.parse(process.argv[1]));
t.addGrant(JSON.parse(process.argv[2]));
console.log(await t.toJwt());"""


def test_tokens_of_node(server):
    """npm livekit-server-sdk: a person's token and an app's own."""
    def of(options: dict, grant: dict) -> Rest:
        done = subprocess.run(["node", "--input-type=module", "-e", NODE_TOKEN, json.dumps(options), json.dumps(grant)], cwd=HERE,
                              capture_output=True, text=True, check=True)
        return Rest(server, done.stdout.strip())

    ann = of({"identity": "ann", "name": "Ann"}, {"roomJoin": True, "room": "r"})
    assert (ann.good("GET", ME)["id"], ann.good("GET", ME)["display"]) == ("@ann.aura", "Ann")
    assert of({}, {"roomCreate": True, "roomList": True}).good("GET", f"{ME}?as=@ann.aura")["display"] == "Ann"


@pytest.mark.browser
def test_in_a_page(server, room_on):
    """A web page of another origin may do all of it: the browser asks first, and gets leave."""
    room = room_on(server)
    client = room.join("chromium", "ann")
    token = person(server, "ann").token

    def ask(method: str, path: str, body=None) -> dict:
        return client.call("rest", method=method, url=server.http_url + path, token=token, body=body and json.dumps(body))

    assert json.loads(ask("GET", ME)["text"])["id"] == "@ann.aura"
    assert json.loads(ask("PATCH", ME, {"display": "Ann"})["text"])["display"] == "Ann"
    assert ask("PUT", "/aura/v1/contacts/@bob.aura")["status"] == ask("DELETE", "/aura/v1/contacts/@bob.aura")["status"] == 204
    assert json.loads(ask("GET", "/aura/v1/ids/@bob.aura")["text"])["code"] == "not_found"


def test_changes_stay(server):
    ann = person(server, "ann", name="Ann of the token")
    before = ann.good("GET", ME)
    assert (before["display"], before["privacy"], before["aic_off"]) == ("Ann of the token", "everyone", False)
    after = ann.good("PATCH", ME, {"display": "Änn 🦉", "home_region": "eu-west"})
    assert after == {**before, "display": "Änn 🦉", "home_region": "eu-west"}
    assert ann.good("PATCH", ME, {"privacy": "contacts", "aic_off": True}) == {**after, "privacy": "contacts", "aic_off": True}
    assert ann.good("PATCH", ME, {}) == ann.good("GET", ME) == {**after, "privacy": "contacts", "aic_off": True}
    assert ann.good("PATCH", ME, {"display": ""})["display"] == ""


def test_who_sees_whom(server):
    """Privacy and blocks; who may not see gets what they would get of nobody, word for word."""
    ann, bob, foreign = person(server, "ann"), person(server, "bob"), person(server, "bob", "other")
    assert id_of(ann) == "@ann.aura" and id_of(bob) == "@bob.aura"
    stranger = id_of(foreign)
    seen = {"id": "@ann.aura", "kind": "user", "display": ""}
    nobody = foreign.ask("GET", "/aura/v1/ids/@nobody.aura")
    assert nobody[0] == 404

    def sees(one: Rest) -> bool:
        answer = one.ask("GET", "/aura/v1/ids/@ann.aura")
        assert answer in ((200, seen), nobody), answer
        return answer[0] == 200

    assert sees(foreign) and sees(bob) and sees(ann)
    assert foreign.good("GET", "/aura/v1/ids/ANN.aura") == seen  # as people write it
    ann.good("PUT", f"/aura/v1/blocks/{stranger}")
    assert not sees(foreign) and sees(bob)
    ann.good("PATCH", ME, {"privacy": "contacts"})
    assert not sees(bob) and sees(ann)
    ann.good("PUT", "/aura/v1/contacts/@bob.aura")
    ann.good("PUT", f"/aura/v1/contacts/{stranger}")  # blocked no more
    assert sees(bob) and sees(foreign)
    ann.good("PATCH", ME, {"privacy": "nobody"})
    assert not sees(bob) and not sees(foreign) and sees(ann)
    assert sees(app(server)) and not sees(app(server, "other"))  # an app knows whom it has named, and no other


def test_presence_is_for_contacts(server, room_on):
    """Being public is no leave to be watched."""
    room = room_on(server)
    ann, bob = person(server, "ann"), person(server, "bob")
    path = f"/aura/v1/ids/{id_of(ann)}/presence"
    assert id_of(bob) and bob.refused("GET", path) == (404, "not_found")
    assert bob.refused("GET", "/aura/v1/ids/@nobody.aura/presence") == (404, "not_found")
    ann.good("PUT", "/aura/v1/contacts/@bob.aura")
    assert bob.good("GET", path) == {"id": "@ann.aura", "online": False}
    client = room.join("node", "ann")
    for one in (bob, ann, app(server)):
        assert one.good("GET", path)["online"] is True
    assert ann.good("GET", f"{ME}/presence")["online"] is True
    client.disconnect()
    eventually(lambda: bob.good("GET", path)["online"] is False)
    ann.good("DELETE", "/aura/v1/contacts/@bob.aura")
    assert bob.refused("GET", path)[0] == 404
    assert app(server, "other").refused("GET", path)[0] == 404


# ---- an app's own token ----


def test_an_app_acts_for_its_own(server):
    """It names its people and agents, and asks for them; other apps' are to it as if they were not there."""
    mine, other = app(server), app(server, "other")
    status, bob = mine.ask("POST", "/aura/v1/ids", {"identity": "bob", "display": "Bob"})
    assert (status, bob["id"], bob["display"]) == (201, "@bob.aura", "Bob")
    assert mine.ask("POST", "/aura/v1/ids", {"identity": "bob", "display": "else"}) == (200, bob)
    assert id_of(person(server, "bob")) == "@bob.aura"
    status, echo = mine.ask("POST", "/aura/v1/ids", {"agent": "echo"})
    assert (status, echo["id"], echo["kind"]) == (201, "@echo.aura", "agent")
    assert mine.good("PATCH", f"{ME}?as=@bob.aura", {"display": "Robert"})["display"] == "Robert"
    mine.good("PUT", "/aura/v1/devices/phone?as=@bob.aura", {"push": "abc"})
    mine.good("PUT", "/aura/v1/contacts/@echo.aura?as=@bob.aura")
    assert mine.refused("GET", ME) == (400, "for_whom")
    unknown = mine.refused("GET", f"{ME}?as=@nobody.aura")
    assert unknown == other.refused("GET", f"{ME}?as=@bob.aura") == (404, "not_found")
    assert mine.refused("GET", f"{ME}?as=bob") == (400, "bad_request")
    assert person(server, "bob").refused("GET", f"{ME}?as=@bob.aura") == (403, "forbidden")
    assert person(server, "eve").refused("POST", "/aura/v1/ids", {"identity": "bob"}) == (403, "forbidden")
    assert mine.refused("POST", "/aura/v1/ids") == mine.refused("POST", "/aura/v1/ids", {"identity": "a", "agent": "b"}) == (400, "bad_request")


def test_an_app_lists_its_own(server):
    """By pages, each of its people once, agents apart, and nobody of other apps."""
    mine = app(server)
    for i in range(5):
        mine.good("POST", "/aura/v1/ids", {"identity": f"user-{i}"})
    mine.good("POST", "/aura/v1/ids", {"agent": "echo"})
    app(server, "other").good("POST", "/aura/v1/ids", {"identity": "user-9"})
    person(server, "user-1").good("POST", "/aura/v1/links/livekit", {"token": person(server, "second").token})
    names, after = [], ""
    while page := [who["id"] for who in mine.good("GET", f"/aura/v1/ids?limit=2{after}")["ids"]]:
        names += page
        after = f"&after={page[-1]}"
    assert names == [f"@user-{i}.aura" for i in range(5)]
    assert [who["id"] for who in mine.good("GET", "/aura/v1/ids?kind=agent")["ids"]] == ["@echo.aura"]
    assert [who["id"] for who in app(server, "other").good("GET", "/aura/v1/ids")["ids"]] == ["@user-9.aura"]
    for query in ("limit=0", "limit=1001", "limit=x", "limit=2x", "after=x", "kind=x"):
        assert mine.refused("GET", f"/aura/v1/ids?{query}") == (400, "bad_request"), query
    assert person(server, "user-1").refused("GET", "/aura/v1/ids") == (403, "forbidden")


# ---- proofs ----


def test_links(server):
    """Who holds the tokens of two apps can be one person in both."""
    ann, abroad = person(server, "ann"), person(server, "a.nn", "other")
    own = {"provider": "livekit/devkey", "subject": "ann"}
    linked = {"provider": "livekit/other", "subject": "a.nn"}
    id_of(ann)
    assert ann.good("GET", "/aura/v1/links") == {"links": [own]}
    assert ann.good("POST", "/aura/v1/links/livekit", {"token": abroad.token}) == linked
    assert ann.good("POST", "/aura/v1/links/livekit", {"token": abroad.token}) == linked
    assert id_of(abroad) == "@ann.aura" and abroad.good("GET", "/aura/v1/links") == {"links": [own, linked]}
    taken = person(server, "bob", "other")
    id_of(taken)
    assert ann.refused("POST", "/aura/v1/links/livekit", {"token": taken.token}) == (409, "conflict")
    forged = tokens.raw(tokens.claims(iss="other", sub="eve"), key="guessed")
    assert ann.refused("POST", "/aura/v1/links/livekit", {"token": forged}) == (400, "bad_token")
    hidden = person(server, "x", "other", video={"hidden": True}).token
    assert ann.refused("POST", "/aura/v1/links/livekit", {"token": hidden}) == (400, "nobody")
    agent = person(server, "x", "other", kind="agent", attributes={"lk.agent_name": "bot"}).token
    assert ann.refused("POST", "/aura/v1/links/livekit", {"token": agent}) == (400, "bad_request")
    assert ann.refused("DELETE", "/aura/v1/links") == (400, "bad_request")
    query = "/aura/v1/links?provider=livekit/other&subject="
    assert ann.refused("DELETE", query + "bob") == (404, "not_found")  # another's
    ann.good("DELETE", query + "a.nn")
    assert ann.refused("DELETE", "/aura/v1/links?provider=livekit/devkey&subject=ann") == (409, "conflict")
    assert id_of(abroad) != "@ann.aura"


# ---- devices and lists ----


def test_devices(server):
    """What an app's push service is told by is that app's alone; the oldest of too many goes."""
    ann = person(server, "ann")
    id_of(ann)
    abroad = person(server, "ann", "other")
    ann.good("POST", "/aura/v1/links/livekit", {"token": abroad.token})
    ann.good("PUT", "/aura/v1/devices/phone", {"push": "secret-of-the-push-service"})
    abroad.good("PUT", "/aura/v1/devices/phone")
    seen = {(d["app"], d["id"]): d.get("push") for d in ann.good("GET", "/aura/v1/devices")["devices"]}
    assert seen == {("devkey", "phone"): "secret-of-the-push-service", ("other", "phone"): None}
    assert "secret" not in json.dumps(abroad.good("GET", "/aura/v1/devices"))
    abroad.good("DELETE", "/aura/v1/devices/phone")
    assert abroad.refused("DELETE", "/aura/v1/devices/phone") == (404, "not_found")
    for i in range(32):
        ann.good("PUT", f"/aura/v1/devices/d{i}")
    names = [d["id"] for d in ann.good("GET", "/aura/v1/devices")["devices"]]
    assert len(names) == 32 and names[0] == "d31" and "phone" not in names
    for bad in ("x" * 64, "a%20b", "%C3%A4", "a%7Fb"):
        assert ann.refused("PUT", f"/aura/v1/devices/{bad}") == (400, "bad_request"), bad


def test_contacts_and_blocks(server):
    ann = person(server, "ann")
    id_of(ann)
    ann.good("PUT", "/aura/v1/contacts/@zed.aura")  # whom there need not be
    ann.good("PUT", "/aura/v1/contacts/@bob.aura")
    ann.good("PUT", "/aura/v1/contacts/BOB.aura")
    assert ann.good("GET", "/aura/v1/contacts") == {"contacts": ["@bob.aura", "@zed.aura"]}
    ann.good("PUT", "/aura/v1/blocks/@bob.aura")
    assert ann.good("GET", "/aura/v1/contacts") == {"contacts": ["@zed.aura"]}
    assert ann.good("GET", "/aura/v1/blocks") == {"blocks": ["@bob.aura"]}
    assert ann.refused("DELETE", "/aura/v1/contacts/@bob.aura") == (404, "not_found")
    ann.good("DELETE", "/aura/v1/blocks/@bob.aura")
    assert ann.good("GET", "/aura/v1/blocks") == {"blocks": []}
    assert ann.refused("PUT", "/aura/v1/contacts/@ann.aura") == (400, "bad_request")
    for bad in ("ab.aura", "@a b.aura", "@ann.aura:example.org", "@%F0%9F%A6%89.aura", "x" * 200 + ".aura"):
        assert ann.refused("PUT", f"/aura/v1/contacts/{bad.replace(' ', '%20')}") == (400, "bad_request"), bad


# ---- a person's rights ----


def test_export_and_deletion(server, room_on, tmp_path):
    """All that is kept comes out, and nothing of it is left: neither in answers nor in the file."""
    room = room_on(server)
    ann, bob = person(server, "ann-7f3c"), person(server, "bob")
    id_of(ann), id_of(bob)
    ann.good("PATCH", ME, {"display": "Ann Needle-7f3c", "home_region": "needle-region"})
    ann.good("PUT", "/aura/v1/devices/needle-device", {"push": "needle-push"})
    ann.good("PUT", "/aura/v1/contacts/@bob.aura")
    ann.good("PUT", "/aura/v1/blocks/@eve.aura")
    bob.good("PUT", "/aura/v1/contacts/@ann-7f3c.aura")
    out = ann.good("GET", f"{ME}/export")
    assert (out["display"], out["home_region"]) == ("Ann Needle-7f3c", "needle-region")
    assert out["proofs"] == [{"provider": "livekit/devkey", "subject": "ann-7f3c"}]
    assert [(d["id"], d["push"]) for d in out["devices"]] == [("needle-device", "needle-push")]
    assert out["contacts"] == [{"id": "@bob.aura", "stance": "allow"}, {"id": "@eve.aura", "stance": "block"}]
    room.join("node", "ann-7f3c")
    watcher = room.join("node", "watcher")
    assert watcher.call("participants")["ann-7f3c"]["attributes"] == {"auralink.id": "@ann-7f3c.aura"}
    ann.good("DELETE", ME)
    eventually(lambda: watcher.call("participants")["ann-7f3c"]["attributes"].get("auralink.id", "") == "")
    assert bob.good("GET", "/aura/v1/contacts") == {"contacts": []}
    assert bob.refused("GET", "/aura/v1/ids/@ann-7f3c.aura") == (404, "not_found")
    log = server.tail(1_000_000)
    server.stop()
    for name in os.listdir(tmp_path):
        with open(tmp_path / name, "rb") as file:
            left = file.read()
        assert b"needle" not in left and b"7f3c" not in left, f"{name} still has it"
    assert "needle" not in log.lower() and ".aura" not in log


def test_who_comes_back_is_new(server):
    ann = person(server, "ann")
    created = ann.good("PATCH", ME, {"display": "x"})["created_us"]
    ann.good("DELETE", ME)
    again = ann.good("GET", ME)
    assert again["created_us"] > created and again["display"] == ""


# ---- what is refused ----


def test_tokens(server):
    """Nobody without a token, and no token that is nobody's."""
    refused = {
        None: (401, "unauthorized"),
        "no-token": (401, "unauthorized"),
        tokens.raw(tokens.claims(), key="guessed"): (401, "unauthorized"),
        tokens.raw(tokens.claims(exp=1)): (401, "unauthorized"),
        tokens.raw(tokens.claims(iss="unknown")): (401, "unauthorized"),
        tokens.raw(tokens.claims(sub=None)): (403, "nobody"),
        tokens.raw(tokens.claims(video={"hidden": True})): (403, "nobody"),
        tokens.raw(tokens.claims(video={"recorder": True})): (403, "nobody"),
        tokens.raw(tokens.claims(kind="egress")): (403, "nobody"),
        tokens.raw(tokens.claims(kind="agent")): (403, "nobody"),  # without the name that it is dispatched by
        tokens.raw(tokens.claims(sub="x" * 257)): (400, "bad_request"),
    }
    for token, expected in refused.items():
        assert Rest(server, token).refused("GET", ME) == expected, token
    assert server.metrics()["auralink_auraid_created_total"] == 0


@pytest.mark.parametrize("raw", ["", "[]", "null", "{", '{"display":"a","display":"b"}', '{"display":1}', '{"aic_off":"no"}',
                                 '{"aic_off":null}', '{"privacy":"friends"}', '{"id":"@boss.aura"}', '{"kind":"agent"}',
                                 '{"display":"a\\u0000b"}', '{"display":"a\\nb"}', '{"display":"\\ud800"}',
                                 json.dumps({"display": "x" * 257}), json.dumps({"display": "é" * 129}),
                                 '{"display":' + "[" * 5000 + "]" * 5000 + "}"])
def test_bodies(server, raw):
    """Strict: what is not known is refused, and nothing changes."""
    ann = person(server, "ann")
    before = ann.good("GET", ME)
    if raw:
        assert ann.refused("PATCH", ME, raw=raw) == (400, "bad_request")
    assert ann.good("GET", ME) == before


def test_sizes_and_methods(server):
    ann = person(server, "ann")
    big = '{"display":"' + "x" * 65536 + '"}'
    assert ann.refused("PATCH", ME, raw=big) == (413, "too_large")
    assert ann.refused("PUT", ME) == (405, "method_not_allowed")
    assert ann.refused("GET", "/aura/v1/nothing") == ann.refused("GET", "/aura/v1/ids/a/b/c") == (404, "no_such_path")
    assert ann.refused("GET", "/aura/v1/ids/" + "x" * 257) == (404, "no_such_path")
    assert server.get("/aura/v10")[0] == 404 and server.get("/aura/v10")[1] == "404 page not found"


def test_a_full_directory(start_server, tmp_path):
    server = start_server(config={"auraid": {"directory": str(tmp_path / "auraid.db"), "max_identities": 1}, "keys": KEYS})
    assert id_of(person(server, "ann")) == "@ann.aura"
    assert person(server, "bob").refused("GET", ME) == (503, "full")
    assert app(server).refused("POST", "/aura/v1/ids", {"identity": "bob"}) == (503, "full")
    assert id_of(person(server, "ann")) == "@ann.aura"


def test_switched_off(start_server):
    server = start_server(config={"auraid": {"enabled": False}})
    for path in (ME, "/aura/v1", "/aura/v1/contacts"):
        assert person(server, "ann").refused("GET", path) == (404, "disabled")
