# SPDX-License-Identifier: Apache-2.0
"""The pages of the app as HTTP serves them, and the tokens that guests get."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import re
import subprocess

import jwt
import pytest

from lib.driver import eventually
from lib.server import ROOT, Server

PAGES = os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"), "web", "index.html")
needs_pages = pytest.mark.skipif(not os.path.exists(PAGES), reason="the app was not built: no Node that is new enough")
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Encoding": "gzip, deflate, br"}


def ask(server, method: str, path: str, headers: dict | None = None, body: bytes | None = None):
    """(status, headers, body) as they are on the wire; the path is sent as it stands."""
    link = http.client.HTTPConnection(server.host, server.http_port, timeout=60)
    try:
        link.request(method, path, body, headers or {})
        answer = link.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        link.close()


def join(server, body, **headers):
    """(status, answer) of POST /meet/v1/join."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, answer = ask(server, "POST", "/meet/v1/join", {"Content-Type": "application/json", **headers}, text)
    return status, json.loads(answer)


class Production(Server):
    """Without --dev."""

    def _argv(self, config):
        argv = super()._argv(config)
        argv[argv.index("--dev")] = "--keys"
        argv.insert(argv.index("--keys") + 1, "devkey: secret")
        return argv


@pytest.fixture
def production():
    held = []

    def start(**config):
        held.append(Production(config=config))
        return held[-1]

    yield start
    for server in held:
        status = server.stop()
        server.cleanup()
        assert status == 0


# ---- pages ----


@needs_pages
def test_the_page_and_what_it_loads(server):
    """Types, compressed forms, caching, and a policy that lets no script in but the app's files."""
    status, headers, body = ask(server, "GET", "/", BROWSER)
    assert (status, headers["content-type"], headers["content-encoding"]) == (200, "text/html; charset=utf-8", "br")
    assert headers["cache-control"] == "no-cache" and "Accept-Encoding" in headers["vary"]
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'" and policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'" and policy["base-uri"] == "'none'"
    assert not re.search("unsafe|\\*|https?:", headers["content-security-policy"])
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    unpacked = subprocess.run(["node", "-e", "process.stdin.pipe(require('zlib').createBrotliDecompress()).pipe(process.stdout)"],
                              input=body, capture_output=True, check=True).stdout
    with open(PAGES, "rb") as file:
        page = file.read()
    assert unpacked == page
    assert b"<script>" not in page and b"style=" not in page and b" on" not in page.split(b"<body>")[1]
    names = re.findall(r'(?:src|href)="(/[^"]+)"', page.decode())
    assert any(name.endswith(".js") for name in names) and any(name.endswith(".css") for name in names)
    for name in names:
        status, headers, body = ask(server, "GET", name, {"Accept-Encoding": "gzip"})
        assert (status, headers["content-encoding"]) == (200, "gzip")
        with open(os.path.join(os.path.dirname(PAGES), name[1:]), "rb") as file:
            assert gzip.decompress(body) == file.read()
        assert headers["content-type"].split(";")[0] in ("text/javascript", "text/css", "image/svg+xml")
        assert ("immutable" in headers["cache-control"]) == name.startswith("/assets/")


@needs_pages
def test_what_a_browser_has_is_not_sent_again(server):
    _, headers, body = ask(server, "GET", "/", BROWSER)
    status, again, rest = ask(server, "GET", "/", {**BROWSER, "If-None-Match": headers["etag"]})
    assert (status, rest, again["etag"]) == (304, b"", headers["etag"])
    assert "content-encoding" not in again
    status, head, rest = ask(server, "HEAD", "/", BROWSER)
    assert (status, rest, head["content-length"]) == (200, b"", str(len(body)))
    assert ask(server, "GET", "/r/any%20room", BROWSER)[2] == body


@needs_pages
def test_nothing_else_is_shown(server):
    for path in ("/assets/", "/assets", "/index.html.br", "/assets/../../../etc/passwd", "/..%2f..%2fetc/passwd",
                 "/%2e%2e/%2e%2e/etc/passwd", "/assets/%00", "/.git/config", "/package.json", "//etc/passwd"):
        status, _, body = ask(server, "GET", path, BROWSER)
        assert status in (400, 403, 404) and b"root:" not in body, (path, status)
    assert ask(server, "POST", "/", {**BROWSER, "Content-Length": "0"})[0] == 404


def test_others_are_told_ok(server):
    """Load balancers and SDKs ask / as they ask LiveKit's server."""
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        status, answer, body = ask(server, "GET", "/", headers)
        assert (status, body, answer["content-type"]) == (200, b"OK", "text/plain; charset=utf-8")
    assert ask(server, "GET", "/healthz", BROWSER)[2] == b"OK"
    status, answer, body = ask(server, "HEAD", "/healthz")
    assert (status, answer["content-length"], body) == (200, "2", b"")


@needs_pages
def test_pages_are_the_operators_choice(start_server, tmp_path):
    none = start_server(config={"web": {"enabled": False}})
    assert ask(none, "GET", "/", BROWSER)[2] == b"OK"
    assert ask(none, "GET", "/r/x", BROWSER)[0] == 404
    (tmp_path / "index.html").write_text("mine")
    own = start_server(config={"web": {"folder": str(tmp_path)}})
    assert ask(own, "GET", "/", BROWSER)[2] == b"mine"


@pytest.mark.skipif(not os.path.exists(os.path.join(ROOT, "web", "node_modules", "vite")), reason="the app's packages are not here")
def test_functions_without_a_browser():
    """web/test, by Node's own runner."""
    done = subprocess.run(["npm", "run", "--silent", "test"], cwd=os.path.join(ROOT, "web"), capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"^# pass (\d+)", done.stdout, re.MULTILINE)[1]) > 10, done.stdout


# ---- guests ----


def test_a_guest_gets_a_token_for_one_room(server):
    status, answer = join(server, {"room": "attic", "name": "Ada"}, Origin=server.http_url)
    assert status == 200
    claims = jwt.decode(answer["token"], "secret", algorithms=["HS256"])
    assert claims["video"] == {"roomJoin": True, "room": "attic", "canPublish": True, "canSubscribe": True,
                               "canPublishData": True, "canUpdateOwnMetadata": True}
    assert claims["sub"] == answer["identity"] and claims["sub"].startswith("guest-") and claims["name"] == "Ada"
    assert 0 < claims["exp"] - claims["nbf"] <= 3600
    _, other = join(server, {"room": "attic", "name": "Ada"})
    assert other["identity"] != answer["identity"]


def test_a_guest_is_nobody_tomorrow(start_server, room_on):
    """The directory of AuraIDs does not fill with people who will never come back; others get theirs."""
    server = start_server()
    room = room_on(server)
    guest = room.join("node", "ignored", token=join(server, {"room": room.name, "name": "Ada"})[1]["token"])
    assert guest.identity.startswith("guest-")
    assert server.metric("auralink_auraid_created_total") == 0
    room.join("node", "resident")
    eventually(lambda: server.metric("auralink_auraid_created_total") == 1, what="a token's owner has an AuraID")


@pytest.mark.parametrize(("body", "code"), [
    (b"", "bad_room"), (b"[]", "bad_room"), (b"{", "bad_room"), ({"name": "x"}, "bad_room"), ({"room": "x"}, "bad_name"),
    ({"room": "", "name": "x"}, "bad_room"), ({"room": "x", "name": "  "}, "bad_name"), ({"room": 7, "name": "x"}, "bad_room"),
    ({"room": "x" * 129, "name": "x"}, "bad_room"), ({"room": "x", "name": "x" * 129}, "bad_name"),
    ({"room": "x\n", "name": "x"}, "bad_room"), ({"room": "x", "name": "\u007f"}, "bad_name"),
    (b'{"room":"x","name":"\xff"}', "bad_room"), (b'{"room":"x","room":"y","name":"n"}', "bad_room"),
])
def test_what_is_no_name(server, body, code):
    status, answer = join(server, body)
    assert (status, answer["code"]) == (400, code)


def test_bodies_are_bounded_and_json(server):
    good = {"room": "x", "name": "x"}
    assert join(server, {**good, "more": "x" * 17000})[0] == 413
    assert join(server, good, **{"Content-Type": "text/plain"})[0] == 415
    assert ask(server, "GET", "/meet/v1/join")[:2][0] == 405
    assert ask(server, "POST", "/meet/v1/about", body=b"")[0] == 405
    assert ask(server, "GET", "/meet/v1/other")[0] == 404
    status, headers, body = ask(server, "GET", "/meet/v1/about")
    assert (status, json.loads(body), headers["cache-control"]) == (200, {"guests": True, "accounts": "open", "me": None}, "no-store")


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "http://127.0.0.1", "null", "http://127.0.0.1.elsewhere.example"])
def test_pages_of_others_get_no_token(server, origin):
    status, answer = join(server, {"room": "x", "name": "x"}, Origin=origin)
    assert (status, answer["code"]) == (403, "foreign_page")


def test_guests_of_one_address_are_counted(start_server):
    server = start_server(config={"limit": {"guests_per_address": 1}})
    answers = [join(server, {"room": "x", "name": "x"})[0] for _ in range(30)]
    assert set(answers) == {200, 429} and answers[:10] == [200] * 10
    status, headers, _ = ask(server, "POST", "/meet/v1/join", {"Content-Type": "application/json"}, b'{"room":"x","name":"x"}')
    assert status == 200 or int(headers["retry-after"]) >= 1
    assert ask(server, "GET", "/")[0] == 200  # the rest of the port is another budget
    assert server.metric("auralink_meet_guests_total") >= 10 and server.metric("auralink_meet_refused_total") >= 1


def test_production_lets_nobody_in_unasked(production):
    server = production()
    assert json.loads(ask(server, "GET", "/meet/v1/about")[2]) == {"guests": False, "accounts": "off", "me": None}
    status, answer = join(server, {"room": "x", "name": "x"})
    assert (status, answer["code"]) == (403, "no_guests")


def test_guests_go_where_they_may(production):
    server = production(meet={"enabled": True, "rooms": ["lobby", "meet-*"]})
    for name, status in (("lobby", 200), ("meet-1", 200), ("lobby2", 403), ("office", 403), ("meet", 403)):
        assert join(server, {"room": name, "name": "x"})[0] == status, name


@pytest.mark.parametrize(("meet", "wrong"), [
    ({"enabled": True}, "meet.rooms"), ({"enabled": True, "rooms": ["*"], "api_key": "nobody"}, "meet.api_key")])
def test_what_cannot_be_meant(meet, wrong):
    program = os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"), "auralink-server")
    done = subprocess.run([program, "--keys", "devkey: secret", "--config-body", json.dumps({"meet": meet}), "--config-check"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and wrong in done.stderr
