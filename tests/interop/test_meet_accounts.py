# SPDX-License-Identifier: Apache-2.0
"""Accounts of Meet as HTTP shows them: passkeys, passwords, sessions, and what is tried against them."""

from __future__ import annotations

import base64
import http.client
import json
import re

import jwt
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from lib.driver import PATIENCE_S
from lib.passkey import PRESENT, Passkey
from lib.server import Server
from test_meet import Production

pytestmark = pytest.mark.skipif(Server.is_reference(), reason="LiveKit has no accounts")
GOOD = "correct horse battery"
NO_LIMIT = {"limit": {"sign_ins_per_address": 0, "guests_per_address": 0}}


class Browser:
    """Keeps one cookie, and says where its page is from."""

    def __init__(self, server, origin: str | None = ""):
        self.server, self.cookie = server, None
        self.host = f"localhost:{server.http_port}"
        self.origin = f"http://{self.host}" if origin == "" else origin

    def ask(self, method: str, path: str, body=None, **headers) -> tuple[int, dict]:
        link = http.client.HTTPConnection(self.server.host, self.server.http_port, timeout=PATIENCE_S)
        given = {"Host": self.host, "Content-Type": "application/json", "Origin": self.origin, "Cookie": self.cookie, **headers}
        try:
            text = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
            link.request(method, path, text, {k: v for k, v in given.items() if v is not None})
            answer = link.getresponse()
            self.headers = {k.lower(): v for k, v in answer.getheaders()}
            if "set-cookie" in self.headers:
                self.set_cookie = self.headers["set-cookie"]
                value = self.set_cookie.split(";")[0]
                self.cookie = value if value.split("=")[1] else None
            text = answer.read()
            return answer.status, json.loads(text) if text[:1] == b"{" else {}
        finally:
            link.close()

    def post(self, what: str, body=None, **headers) -> tuple[int, dict]:
        return self.ask("POST", f"/meet/v1/{what}", {} if body is None else body, **headers)

    def code(self, what: str, body=None, **headers) -> tuple[int, str]:
        status, answer = self.post(what, body, **headers)
        return status, answer.get("code", "")

    def me(self):
        return self.ask("GET", "/meet/v1/about")[1]["me"]

    def sign_up(self, name: str, display: str = "Shown", password: str = GOOD) -> "Browser":
        status, answer = self.post("sign-up/password", {"name": name, "display": display, "password": password})
        assert status == 201, answer
        return self

    def begin(self, name: str) -> dict:
        status, answer = self.post("sign-up/passkey/begin", {"name": name})
        assert status == 200, answer
        return answer

    def challenge(self) -> str:
        status, answer = self.post("sign-in/passkey/begin")
        assert status == 200 and answer["rp"] == "localhost", answer
        return answer["challenge"]


@pytest.fixture(scope="module")
def server():
    server = Server(config=NO_LIMIT)
    yield server
    status = server.stop()
    server.cleanup()
    assert status == 0


@pytest.fixture
def someone(server, request):
    """A browser of nobody, and a name that is free."""
    browser = Browser(server)
    browser.name = "n-" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[-30:].strip("-")
    return browser


def with_passkey(browser) -> Passkey:
    passkey, given = Passkey("localhost"), browser.begin(browser.name)
    made = passkey.made(given["challenge"], browser.origin)
    status, answer = browser.post("sign-up/passkey", {"name": browser.name, "display": "Ann", **made})
    assert (status, answer) == (201, {"id": f"@{browser.name}.aura", "display": "Ann"})
    browser.handle = base64.b64decode(given["handle"]).hex()
    return passkey


# ---- signing up and in ----


def test_by_a_passkey(server, someone):
    passkey = with_passkey(someone)
    assert someone.me() == {"id": f"@{someone.name}.aura", "display": "Ann"}
    other = Browser(server)
    assert other.me() is None
    status, answer = other.post("sign-in/passkey", passkey.signed(other.challenge(), other.origin))
    assert (status, answer) == (200, someone.me()) and other.me() == someone.me()
    assert other.cookie != someone.cookie
    # The account is a proof of the AuraID, by the handle that the authenticator keeps.
    assert someone.ask("GET", "/aura/v1/links")[1] == {"links": [
        {"provider": "livekit/devkey", "subject": f"@{someone.name}.aura"}, {"provider": "local", "subject": someone.handle}]}
    assert someone.post("sign-out")[0] == 200 and someone.cookie is None
    assert someone.me() is None and other.me() is not None


def test_by_a_password(server, someone):
    someone.sign_up(someone.name, "Ann")
    other = Browser(server)
    for name in (someone.name, f"@{someone.name}.aura", someone.name.upper()):
        assert other.post("sign-in/password", {"name": name, "password": GOOD}) == (200, someone.me())
    assert other.code("sign-in/password", {"name": someone.name, "password": GOOD + "!"}) == (403, "bad_credentials")
    assert other.code("sign-in/password", {"name": "nobody-there", "password": GOOD}) == (403, "bad_credentials")
    assert other.code("sign-in/password", {"name": someone.name, "password": ""}) == (403, "bad_credentials")
    assert other.code("sign-in/password", {"name": someone.name, "password": "x" * 2000}) == (403, "bad_credentials")
    assert other.code("sign-in/password", {"name": someone.name, "password": 7}) == (403, "bad_credentials")


def test_cookies_are_kept_from_scripts_and_other_sites(someone):
    someone.sign_up(someone.name)
    parts = {part.strip().lower() for part in someone.set_cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= parts
    assert len(someone.cookie.split("=")[1]) >= 40
    assert someone.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("body", "status", "code"), [
    ({"name": "ab", "display": "x", "password": GOOD}, 400, "bad_name"),
    ({"name": "a" * 33, "display": "x", "password": GOOD}, 400, "bad_name"),
    ({"name": "ann@example.org", "display": "x", "password": GOOD}, 400, "bad_name"),
    ({"name": "<b>", "display": "x", "password": GOOD}, 400, "bad_name"),
    ({"name": "ann\u0000", "display": "x", "password": GOOD}, 400, "bad_name"),
    ({"name": "fine", "display": "", "password": GOOD}, 400, "bad_display"),
    ({"name": "fine", "display": "x\n", "password": GOOD}, 400, "bad_display"),
    ({"name": "fine", "display": "x" * 129, "password": GOOD}, 400, "bad_display"),
    ({"name": "fine", "display": "x", "password": "short"}, 400, "bad_password"),
    ({"name": "fine", "display": "x", "password": "x" * 257}, 400, "bad_password"),
    ({"name": "fine", "display": "x", "password": None}, 400, "bad_password"),
    (b"[]", 400, "bad_name"), (b"", 400, "bad_name"), (b"{", 400, "bad_name"),
])
def test_what_is_no_account(server, body, status, code):
    assert Browser(server).code("sign-up/password", body) == (status, code)


def test_names_are_given_once(server, someone):
    someone.sign_up(someone.name)
    other = Browser(server)
    assert other.code("sign-up/password", {"name": someone.name, "display": "Eve", "password": GOOD}) == (409, "taken")
    assert other.code("sign-up/passkey/begin", {"name": someone.name}) == (409, "taken")
    passkey, given = Passkey("localhost"), other.begin("is-free-yet")
    made = {**passkey.made(given["challenge"], other.origin), "display": "Eve"}
    assert other.code("sign-up/passkey", {"name": someone.name, **made}) == (409, "taken")
    assert other.me() is None


# ---- against passkeys ----


def test_a_challenge_is_good_once(server, someone):
    passkey, other = with_passkey(someone), Browser(server)
    proof = passkey.signed(other.challenge(), other.origin)
    assert other.post("sign-in/passkey", proof)[0] == 200
    assert Browser(server).code("sign-in/passkey", proof) == (400, "too_late")
    # One that signed up signs nobody up again, whatever name is asked for.
    passkey, given = Passkey("localhost"), other.begin("first-of-two")
    made = {**passkey.made(given["challenge"], other.origin), "display": "x"}
    assert other.post("sign-up/passkey", {"name": "first-of-two", **made})[0] == 201
    assert other.code("sign-up/passkey", {"name": "second-of-two", **made})[0] in (400, 409)
    assert other.begin("second-of-two")


def test_challenges_of_others_and_for_other_things(server, someone, start_server):
    passkey, other = with_passkey(someone), Browser(server)
    for challenge in (other.begin("free-name")["challenge"], Browser(start_server()).challenge(), base64.b64encode(b"x" * 48).decode(),
                      base64.b64encode(b"x").decode()):
        assert other.code("sign-in/passkey", passkey.signed(challenge, other.origin)) == (403, "bad_passkey")
    made = Passkey("localhost").made(other.challenge(), other.origin)
    assert other.code("sign-up/passkey", {"name": "free-name", "display": "x", **made}) == (403, "bad_passkey")
    assert other.me() is None


def test_forged_origins(server, someone):
    """What a page elsewhere had signed, or asks for, signs nobody in here."""
    passkey, other = with_passkey(someone), Browser(server)
    for origin in ("https://evil.example", "http://localhost", "http://localhost:1", f"https://{other.host}", "null"):
        assert other.code("sign-in/passkey", passkey.signed(other.challenge(), origin)) == (403, "bad_passkey"), origin
        elsewhere = Browser(server, origin)
        elsewhere.host = other.host
        good = passkey.signed(other.challenge(), other.origin)
        if origin != f"https://{other.host}":
            assert elsewhere.code("sign-in/passkey", good) == (403, "foreign_page"), origin
            assert elsewhere.code("sign-up/password", {"name": "evil", "display": "x", "password": GOOD}) == (403, "foreign_page")
    assert other.code("sign-in/passkey", good, Origin=None) == (403, "foreign_page")
    assert other.post("sign-in/passkey", good)[0] == 200


def test_a_page_in_a_page_of_others(server, someone):
    given = someone.begin(someone.name)
    made = Passkey("localhost").made(given["challenge"], someone.origin, crossOrigin=True)
    assert someone.code("sign-up/passkey", {"name": someone.name, "display": "x", **made}) == (400, "bad_passkey")


def test_other_keys_sites_and_signatures(server, someone):
    passkey, other = with_passkey(someone), Browser(server)
    thief = Passkey("localhost")
    assert other.code("sign-in/passkey", thief.signed(other.challenge(), other.origin)) == (403, "bad_passkey")
    thief.id = passkey.id
    assert other.code("sign-in/passkey", thief.signed(other.challenge(), other.origin)) == (403, "bad_passkey")
    passkey.rp = "evil.example"
    assert other.code("sign-in/passkey", passkey.signed(other.challenge(), other.origin)) == (403, "bad_passkey")
    passkey.rp = "localhost"
    assert other.code("sign-in/passkey", passkey.signed(other.challenge(), other.origin, flags=PRESENT)) == (403, "bad_passkey")
    assert other.code("sign-in/passkey", passkey.signed(other.challenge(), other.origin, kind="create")) == (403, "bad_passkey")
    good = passkey.signed(other.challenge(), other.origin)
    for field in good:
        assert other.code("sign-in/passkey", {**good, field: good[field][:-4]})[1] == "bad_passkey", field
        assert other.code("sign-in/passkey", {**good, field: None}) == (400, "bad_passkey"), field
        assert other.code("sign-in/passkey", {**good, field: "*"}) == (400, "bad_passkey"), field
    assert other.post("sign-in/passkey", good)[0] == 200  # what was wrong has used nothing up


def test_a_copy_of_an_authenticator_is_told_by_its_counter(server, someone):
    passkey, other = with_passkey(someone), Browser(server)
    assert other.post("sign-in/passkey", passkey.signed(other.challenge(), other.origin, step=5))[0] == 200
    assert other.code("sign-in/passkey", passkey.signed(other.challenge(), other.origin, step=0)) == (403, "bad_passkey")
    assert other.code("sign-in/passkey", passkey.signed(other.challenge(), other.origin, step=-2)) == (403, "bad_passkey")
    assert other.post("sign-in/passkey", passkey.signed(other.challenge(), other.origin, step=3))[0] == 200


def test_a_key_belongs_to_one_account(server, someone):
    passkey, other = with_passkey(someone), Browser(server)
    given = other.begin("key-of-another")
    made = passkey.made(given["challenge"], other.origin)
    assert other.post("sign-up/passkey", {"name": "key-of-another", "display": "x", **made})[0] == 409
    assert other.me() is None


def test_addresses_have_no_passkeys(server):
    """Browsers make none for an IP address: the page says so by this code, and offers passwords."""
    browser = Browser(server)
    browser.host, browser.origin = f"127.0.0.1:{server.http_port}", server.http_url
    assert browser.code("sign-in/passkey/begin") == (400, "no_passkeys")
    browser.sign_up("by-address")


# ---- sessions ----


def test_a_session_asks_as_its_person(server, someone):
    someone.sign_up(someone.name, "Ann")
    status, own = someone.ask("GET", "/aura/v1/ids/me")
    assert (status, own["id"], own["display"], own["kind"]) == (200, f"@{someone.name}.aura", "Ann", "user")
    assert someone.ask("PUT", "/aura/v1/contacts/@somebody.aura")[0] == 204
    assert someone.ask("GET", "/aura/v1/contacts")[1] == {"contacts": ["@somebody.aura"]}
    assert someone.ask("PATCH", "/aura/v1/ids/me", {"privacy": "contacts"})[1]["privacy"] == "contacts"
    assert someone.ask("GET", "/aura/v1/ids/me?as=@by-address.aura")[0] == 403
    assert someone.ask("GET", "/aura/v1/ids")[0] == 403  # that is an app's


@pytest.mark.parametrize(("method", "path", "body"), [
    ("PATCH", "/aura/v1/ids/me", {"display": "Eve"}), ("DELETE", "/aura/v1/ids/me", None),
    ("PUT", "/aura/v1/contacts/@eve.aura", None), ("DELETE", "/aura/v1/links?provider=local&subject=x", None),
    ("POST", "/aura/v1/calls", {"to": ["@eve.aura"], "device": "x"}), ("DELETE", "/aura/v1/calls/missed", None)])
def test_other_pages_do_nothing_with_a_session(server, someone, method, path, body):
    someone.sign_up(someone.name, "Ann")
    for origin in ("https://evil.example", "null", "http://localhost:1"):
        status, answer = someone.ask(method, path, body, Origin=origin)
        assert (status, answer["code"]) == (403, "foreign_page")
    if body:
        status, answer = someone.ask(method, path, body, **{"Content-Type": "text/plain"})
        assert (status, answer["code"]) == (415, "bad_type")
    assert someone.me()["display"] == "Ann"
    assert someone.ask("GET", "/aura/v1/contacts")[1] == {"contacts": []}


def test_other_pages_hear_nothing_with_a_session(server, someone):
    someone.sign_up(someone.name)
    url = f"ws://{server.host}:{server.http_port}/aura/v1/events?device=tab"

    def listen(**headers):
        return connect(url, additional_headers={"Cookie": someone.cookie, "Host": someone.host, **headers})

    for origin in ("https://evil.example", "null"):
        with pytest.raises(InvalidStatus) as refused:
            listen(Origin=origin)
        assert refused.value.response.status_code == 403
    with connect(f"ws://{someone.host}/aura/v1/events?device=tab",
                 additional_headers={"Cookie": someone.cookie, "Origin": someone.origin}) as link:
        assert json.loads(link.recv(PATIENCE_S))["id"] == f"@{someone.name}.aura"
    with pytest.raises(InvalidStatus) as refused:
        connect(url, additional_headers={"Cookie": "aura_account=" + "x" * 43})
    assert refused.value.response.status_code == 401


def test_a_session_that_ends_hears_nothing_more(server, someone):
    """Signing out, deletion and a dropped proof close what the browser listens to; another browser listens on."""
    someone.sign_up(someone.name)
    other = Browser(server)
    assert other.post("sign-in/password", {"name": someone.name, "password": GOOD})[0] == 200

    def listen(browser, device):
        return connect(f"ws://{someone.host}/aura/v1/events?device={device}",
                       additional_headers={"Cookie": browser.cookie, "Origin": browser.origin})

    with listen(someone, "one") as one, listen(other, "two") as two:
        for link in (one, two):
            link.recv(PATIENCE_S)
        assert someone.post("sign-out")[0] == 200
        with pytest.raises(ConnectionClosedError) as closed:
            one.recv(PATIENCE_S)
        assert closed.value.rcvd.code == 4002
        assert other.me() is not None
        two.ping().wait(PATIENCE_S)
        handle = next(link["subject"] for link in other.ask("GET", "/aura/v1/links")[1]["links"] if link["provider"] == "local")
        assert other.ask("DELETE", f"/aura/v1/links?provider=local&subject={handle}")[0] == 204
        assert other.me() is None
        with pytest.raises(ConnectionClosedError) as closed:
            two.recv(PATIENCE_S)
        assert closed.value.rcvd.code == 4002


def test_made_up_cookies(server, someone):
    someone.sign_up(someone.name)
    name, value = someone.cookie.split("=")
    for cookie in (f"{name}=", f"{name}={value[:-1]}", f"{name}={value}x", f"other={value}", f"{name}={'x' * 5000}", "=", ";;;"):
        assert someone.ask("GET", "/aura/v1/ids/me", Cookie=cookie)[0] in (400, 401, 431), cookie
    assert someone.ask("GET", "/aura/v1/ids/me", Cookie=f"a=b; {name}={value}; c=d")[0] == 200


def test_who_is_signed_in_joins_as_themselves(server, someone):
    someone.sign_up(someone.name, "Ann")
    status, answer = someone.post("join", {"room": "attic"})
    assert (status, answer["identity"]) == (200, f"@{someone.name}.aura")
    claims = jwt.decode(answer["token"], "secret", algorithms=["HS256"])
    assert claims["sub"] == f"@{someone.name}.aura" and claims["name"] == "Ann" and claims["video"]["room"] == "attic"
    assert claims.get("kind", "standard") == "standard"
    # That name is theirs alone in the app.
    me = {"Authorization": f"Bearer {answer['token']}", "Cookie": None}
    assert someone.ask("GET", "/aura/v1/ids/me", **me)[1]["id"] == f"@{someone.name}.aura"


def test_export_and_deletion(server, someone):
    with_passkey(someone)
    status, export = someone.ask("GET", "/aura/v1/ids/me/export")
    assert status == 200 and export["account"]["password"] is False
    assert [key["site"] for key in export["account"]["passkeys"]] == ["localhost"]
    other = Browser(server)
    other.cookie = someone.cookie
    assert someone.ask("DELETE", "/aura/v1/ids/me")[0] == 204
    assert other.me() is None and other.ask("GET", "/aura/v1/ids/me")[0] == 401
    again = Browser(server).sign_up(someone.name, "Somebody else")
    assert again.me()["display"] == "Somebody else"
    assert other.me() is None  # old cookies lead to nobody, not to who has the name now


def test_a_dropped_proof_ends_the_account(server, someone):
    someone.sign_up(someone.name)
    token = someone.post("join", {"room": "attic"})[1]["token"]
    handle = next(link["subject"] for link in someone.ask("GET", "/aura/v1/links")[1]["links"] if link["provider"] == "local")
    assert someone.ask("DELETE", f"/aura/v1/links?provider=local&subject={handle}")[0] == 204
    assert someone.me() is None
    assert Browser(server).code("sign-in/password", {"name": someone.name, "password": GOOD}) == (403, "bad_credentials")
    bearer = {"Authorization": f"Bearer {token}"}
    assert someone.ask("GET", "/aura/v1/ids/me", **bearer)[1]["id"] == f"@{someone.name}.aura"


# ---- how much of it ----


def test_guessing_is_slow_for_each_account(server, someone):
    """Ten wrong ones, and then one in half a minute, also from elsewhere and also for the right one."""
    passkey = with_passkey(someone)
    owner = Browser(server).sign_up(someone.name[:20] + "-guessed")
    name = owner.me()["id"]
    answers = [Browser(server).code("sign-in/password", {"name": name, "password": f"wrong password {n}"}) for n in range(11)]
    assert answers == [(403, "bad_credentials")] * 10 + [(429, "too_many")]
    late = Browser(server)
    assert late.code("sign-in/password", {"name": name, "password": GOOD}) == (429, "too_many")
    assert 1 <= int(late.headers["retry-after"]) <= 31
    other = Browser(server)  # others are not held back
    assert other.post("sign-in/passkey", passkey.signed(other.challenge(), other.origin))[0] == 200


def test_sign_ins_of_one_address_are_counted(start_server):
    server = start_server(config={"limit": {"sign_ins_per_address": 1}})
    browser = Browser(server)
    answers = [browser.code("sign-in/password", {"name": f"nobody{n}", "password": GOOD})[0] for n in range(30)]
    assert set(answers) == {403, 429} and answers[:10] == [403] * 10
    assert browser.ask("GET", "/meet/v1/about")[0] == 200  # the rest of the port is another budget
    assert server.metric("auralink_meet_sign_ins_refused_total") >= 10


def test_no_secrets_in_the_log(start_server):
    server = start_server(extra=["--log-level", "debug"])
    ann = Browser(server).sign_up("ann-logged", "Ann Logged", "a very secret word")
    ann.code("sign-in/password", {"name": "ann-logged", "password": "another secret word"})
    with open(server.log_path, encoding="utf-8") as file:
        log = file.read()
    for secret in ("secret word", ann.cookie.split("=")[1], "ann-logged", "Ann Logged", "argon2"):
        assert secret not in log


# ---- configuration ----


@pytest.fixture
def production():
    held = []

    def start(**config):
        held.append(Production(config={"auraid": {"directory": ":memory:"}, **config}))
        return held[-1]

    yield start
    for server in held:
        status = server.stop()
        server.cleanup()
        assert status == 0


def test_production_has_no_accounts_unasked(production):
    browser = Browser(production())
    assert browser.ask("GET", "/meet/v1/about")[1] == {"guests": False, "accounts": "off", "me": None}
    assert browser.post("sign-up/password", {"name": "ann", "display": "x", "password": GOOD})[0] == 403


def test_closed_means_nobody_new(production, tmp_path):
    path = str(tmp_path / "auraid.db")
    first = production(auraid={"directory": path}, meet={"accounts": "open", "rooms": ["lobby"]})
    Browser(first).sign_up("ann")
    assert first.stop() == 0
    browser = Browser(production(auraid={"directory": path}, meet={"accounts": "closed", "rooms": ["lobby"]}))
    assert browser.ask("GET", "/meet/v1/about")[1] == {"guests": False, "accounts": "closed", "me": None}
    assert browser.code("sign-up/password", {"name": "bob", "display": "x", "password": GOOD}) == (403, "no_sign_up")
    assert browser.code("sign-up/passkey/begin", {"name": "bob"}) == (403, "no_sign_up")
    assert browser.code("join", {"room": "lobby", "name": "x"}) == (403, "no_guests")
    assert browser.post("sign-in/password", {"name": "ann", "password": GOOD})[0] == 200
    assert browser.post("join", {"room": "lobby"})[0] == 200
    assert browser.code("join", {"room": "office"}) == (403, "not_open")


def test_the_site_can_be_said(production):
    server = production(meet={"accounts": "open", "origin": "https://meet.example.org"})
    browser = Browser(server, "https://meet.example.org")
    browser.host = "meet.example.org"
    assert browser.post("sign-in/passkey/begin")[1]["rp"] == "meet.example.org"
    browser.host = browser.origin = "evil.example"
    assert browser.code("sign-in/passkey/begin", Origin="https://evil.example") == (403, "foreign_page")


# ---- whom one can call ----


def test_people_are_what_they_show(server, someone):
    """Contacts by what they tell, agents with their kind; presence for who is a contact of theirs."""
    ann = someone.sign_up(someone.name, "Ann")
    bob = Browser(server).sign_up("bob-shown", "Bob")
    shy = Browser(server).sign_up("shy-shown", "Shy")
    assert shy.ask("PATCH", "/aura/v1/ids/me", {"privacy": "nobody"})[0] == 200
    app = {"Authorization": "Bearer " + jwt.encode({"iss": "devkey", "exp": 4e9, "video": {"roomCreate": True, "roomList": True}}, "secret")}
    status, agent = ann.ask("POST", "/aura/v1/ids", {"agent": "helper-shown", "display": "Helper"}, **app)
    assert status == 201

    def people() -> dict:
        return {one["id"]: one for one in ann.ask("GET", "/aura/v1/people")[1]["people"]}

    hidden = {"kind": None, "display": None, "contact": True, "presence": None}
    for name in ("@bob-shown.aura", "@shy-shown.aura", "@nobody-of-that.aura"):
        assert ann.ask("PUT", f"/aura/v1/contacts/{name}")[0] == 204
    bobs = {"id": "@bob-shown.aura", "kind": "user", "display": "Bob", "contact": True}
    now = people()
    assert now["@bob-shown.aura"] == {**bobs, "presence": None}
    assert now["@shy-shown.aura"] == {"id": "@shy-shown.aura", **hidden}
    assert now["@nobody-of-that.aura"] == {"id": "@nobody-of-that.aura", **hidden}
    assert now[agent["id"]] == {"id": agent["id"], "kind": "agent", "display": "Helper", "contact": False, "presence": None}
    assert bob.ask("PUT", f"/aura/v1/contacts/@{ann.name}.aura")[0] == 204
    assert people()["@bob-shown.aura"] == {**bobs, "presence": "away"}
    with connect(f"ws://{bob.host}/aura/v1/events?device=tab", additional_headers={"Cookie": bob.cookie, "Origin": bob.origin}) as link:
        link.recv(PATIENCE_S)
        assert people()["@bob-shown.aura"]["presence"] == "here"
    assert bob.ask("PUT", f"/aura/v1/blocks/@{ann.name}.aura")[0] == 204
    assert people()["@bob-shown.aura"] == {"id": "@bob-shown.aura", **hidden}
