# SPDX-License-Identifier: Apache-2.0
"""Each grant × each HTTP action: what LiveKit asks for (livekit-protocol §1.5, §6), and nothing else opens it.

A method, path or grant without a row fails the test of completeness.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
from http.client import HTTPConnection

import livekit.protocol
import pytest
import websockets
import websockets.sync.client as ws

from lib.dashboard import API as DASHBOARD
from lib.grants import FLAGS, OTHER, ROOM, known_to_sdk, token
from lib.openapi import DESCRIPTION
from lib.server import ROOT, Server
from lib.signalling import join_request

ADMIN = {"roomAdmin", "room"}
ANYBODY: set[str] = set()

METHODS = {
    "RoomService": {
        "CreateRoom": {"roomCreate"}, "DeleteRoom": {"roomCreate"}, "ListRooms": {"roomList"},
        "ListParticipants": ADMIN, "GetParticipant": ADMIN, "RemoveParticipant": ADMIN, "MutePublishedTrack": ADMIN,
        "UpdateParticipant": ADMIN, "UpdateSubscriptions": ADMIN, "SendData": ADMIN, "UpdateRoomMetadata": ADMIN,
        "PerformRpc": ADMIN, "ForwardParticipant": ADMIN | {"destinationRoom"},
        "MoveParticipant": ADMIN | {"destinationRoom"},
    },
    "AgentDispatchService": {"CreateDispatch": ADMIN, "DeleteDispatch": ADMIN, "ListDispatch": ADMIN},
    "Egress": dict.fromkeys((
        "StartEgress", "StartRoomCompositeEgress", "StartWebEgress", "StartParticipantEgress",
        "StartTrackCompositeEgress", "StartTrackEgress", "UpdateLayout", "UpdateStream", "ListEgress", "StopEgress"),
        {"roomRecord"}),
    "Ingress": dict.fromkeys(("CreateIngress", "UpdateIngress", "ListIngress", "DeleteIngress"), {"ingressAdmin"}),
    "SIP": {
        **dict.fromkeys((
            "ListSIPTrunk", "CreateSIPInboundTrunk", "CreateSIPOutboundTrunk", "UpdateSIPInboundTrunk",
            "UpdateSIPOutboundTrunk", "GetSIPInboundTrunk", "GetSIPOutboundTrunk", "ListSIPInboundTrunk",
            "ListSIPOutboundTrunk", "DeleteSIPTrunk", "CreateSIPDispatchRule", "UpdateSIPDispatchRule",
            "ListSIPDispatchRule", "DeleteSIPDispatchRule"), {"sip.admin"}),
        "CreateSIPParticipant": {"sip.call"}, "TransferSIPParticipant": {"sip.call"} | ADMIN,
    },
}
# LiveKit's cloud alone has them: nobody gets anything there.
CLOUD = {"AgentSimulation", "CloudAgent", "Connector", "PhoneNumberService"}

JOIN = {"roomJoin", "room"}
SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"  # refused, but only after the grants were looked at
# path: (method, path with query, Content-Type, body, grants that it needs)
PATHS = {
    "/": ("GET", "/", None, b"", ANYBODY),
    "/metrics": ("GET", "/metrics", None, b"", ANYBODY),  # of all rooms, without names in it
    "/healthz": ("GET", "/healthz", None, b"", ANYBODY),
    "/meet/v1/": ("GET", "/meet/v1/about", None, b"", ANYBODY),  # who may join there: test_meet.py
    "/readyz": ("GET", "/readyz", None, b"", ANYBODY),
    "/rtc/validate": ("GET", "/rtc/validate", None, b"", JOIN),
    "/rtc/v1/validate": ("GET", f"/rtc/v1/validate?join_request={join_request()}", None, b"", JOIN),
    "/debug/rooms/": ("GET", f"/debug/rooms/{ROOM}", None, b"", ADMIN),
    "/debug/nodes": ("GET", "/debug/nodes", None, b"", {"roomList"}),
    "/cluster/v1/owns": ("GET", "/cluster/v1/owns", None, b"", ANYBODY),  # there for nobody on this port
    "/cluster/v1/routes": ("GET", "/cluster/v1/routes", None, b"", ANYBODY),  # nor this
    "/debug/aic": ("GET", "/debug/aic", None, b"", {"roomList"}),
    "/webhooks": ("GET", "/webhooks", None, b"", {"roomList"}),
    "/webhooks/replay": ("POST", "/webhooks/replay?from=1&to=1", None, b"", {"roomList", "roomCreate"}),
    "/whip/v1": ("POST", "/whip/v1", "application/sdp", SDP, JOIN),  # canPublish and canSubscribe: see below
    "/whep/v1": ("POST", "/whep/v1", "application/sdp", SDP, JOIN),
}
SOCKETS = {"/rtc": ("/rtc", JOIN), "/rtc/v1": (f"/rtc/v1?join_request={join_request()}", JOIN), "/agent": ("/agent", {"agent"})}
# Below /aura/v1 a token asks for who it is of, which is nobody for these; an app's own asks for whom it says.
NOBODY = {"hidden", "recorder", "agent"}
APP = {"roomCreate", "roomList"}
AURA = {  # (method, path): body
    ("POST", "/aura/v1/ids"): {},
    ("GET", "/aura/v1/ids"): None,
    ("GET", "/aura/v1/ids/me"): None,
    ("PATCH", "/aura/v1/ids/me"): {"display": "x"},
    ("DELETE", "/aura/v1/ids/me"): None,
    ("GET", "/aura/v1/ids/me/export"): None,
    ("GET", "/aura/v1/ids/{id}"): None,
    ("GET", "/aura/v1/ids/{id}/presence"): None,
    ("GET", "/aura/v1/links"): None,
    ("DELETE", "/aura/v1/links"): None,
    ("POST", "/aura/v1/links/livekit"): {"token": "x"},
    ("GET", "/aura/v1/devices"): None,
    ("PUT", "/aura/v1/devices/{device}"): {"push": "x"},
    ("DELETE", "/aura/v1/devices/{device}"): None,
    ("GET", "/aura/v1/contacts"): None,
    ("PUT", "/aura/v1/contacts/{id}"): None,
    ("DELETE", "/aura/v1/contacts/{id}"): None,
    ("GET", "/aura/v1/people"): None,
    ("GET", "/aura/v1/blocks"): None,
    ("PUT", "/aura/v1/blocks/{id}"): None,
    ("DELETE", "/aura/v1/blocks/{id}"): None,
    ("POST", "/aura/v1/calls"): {"to": ["@other.aura"], "device": "phone"},
    ("GET", "/aura/v1/calls/missed"): None,
    ("DELETE", "/aura/v1/calls/missed"): None,
    ("GET", "/aura/v1/calls/{call}"): None,
    ("POST", "/aura/v1/calls/{call}/accept"): {"device": "phone"},
    ("POST", "/aura/v1/calls/{call}/decline"): {"device": "phone"},
    ("POST", "/aura/v1/calls/{call}/leave"): None,
    ("POST", "/aura/v1/calls/{call}/add"): {"to": "@other.aura"},
    ("POST", "/aura/v1/calls/{call}/transfer"): {"to": "@other.aura"},
}
# How one signs in is changed by who is signed in (test_meet_accounts.py), and by no token: it would be theirs for good.
ACCOUNT = {  # (method, path): body
    ("GET", "/aura/v1/account"): None,
    ("POST", "/aura/v1/account/passkeys/begin"): None,
    ("POST", "/aura/v1/account/passkeys"): {"name": "x", "client_data": "x", "authenticator_data": "x"},
    ("PATCH", "/aura/v1/account/passkeys/{key}"): {"name": "x"},
    ("DELETE", "/aura/v1/account/passkeys/{key}"): None,
    ("PUT", "/aura/v1/account/password"): {"password": "a new password"},
    ("POST", "/aura/v1/account/sign-out-others"): None,
}
# An OpenID token of Matrix opens them (test_matrix.py), whatever LiveKit token comes with it.
MATRIX = {"/get_token", "/sfu/get", "/delegate_delayed_leave"}
# The registration's hs_token opens them (test_matrix_appservice.py), and nothing else: (method, path, body)
APPSERVICE = {
    "transactions/": ("PUT", "transactions/1", {"events": []}),
    "users/": ("GET", "users/@nobody.aura:x.org", None),
    "rooms/": ("GET", "rooms/%23x:x.org", None),
    "ping": ("POST", "ping", {}),
}
EVENTS = "/aura/v1/events"  # a WebSocket with the rights of those
# An operator's cookie opens it, and what is below /api (test_dashboard_api.py has each route by role).
WATCH = "/api/v1/events"
REFUSED = (401, 403)

ALL = set(FLAGS)


class Caller:
    """One connection that is kept: there are thousands of calls."""

    def __init__(self, server):
        self.link = HTTPConnection(server.host, server.http_port, timeout=60)

    def call(self, method: str, path: str, kind: str | None, body: bytes, grants) -> int:
        headers = {"Authorization": f"Bearer {token(grants)}"}
        if kind:
            headers["Content-Type"] = kind
        self.link.request(method, path, body, headers)
        answer = self.link.getresponse()
        answer.read()
        return answer.status


def combinations(needs: set[str]):
    """(grants, allowed): each grant alone, all but each, exactly what is needed, and everything."""
    for grant in FLAGS:
        yield {grant}, needs <= {grant}
        yield ALL - {grant}, grant not in needs
    yield set(), not needs
    yield needs, True
    yield ALL, True


def schema_methods() -> dict[str, set[str]]:
    found = {}
    for module in pkgutil.iter_modules(livekit.protocol.__path__):
        file = getattr(importlib.import_module(f"livekit.protocol.{module.name}"), "DESCRIPTOR", None)
        for service in file.services_by_name.values() if file else ():
            found[service.name] = {method.name for method in service.methods}
    return found


def test_every_action_has_a_row():
    """LiveKit's schema, our own paths, and the grants that its SDK knows."""
    found = schema_methods()
    assert set(found) - CLOUD == set(METHODS)
    for service, rows in METHODS.items():
        assert found[service] == set(rows), service
    source = ""
    for name in ("server.c", "whip.c", "meet.c"):
        with open(os.path.join(ROOT, "src", "api", name)) as file:
            source += file.read()
    paths = set(re.findall(r'"(/[a-z][a-z0-9/]*|/)"', source)) - {"/twirp/"}
    assert paths == set(PATHS) | set(SOCKETS) | {EVENTS, WATCH}
    with open(os.path.join(ROOT, "src", "api", "matrix.c")) as file:
        assert set(re.findall(r'"(/[a-z][a-z0-9_/]*)"', file.read())) == MATRIX
    with open(os.path.join(ROOT, "src", "api", "appservice.c")) as file:
        rows = re.findall(r'\{"([A-Z]+)", "([a-z]+/?)", (?:true|false), \w+\}', file.read())
    assert {path: method for method, path in rows} == {path: row[0] for path, row in APPSERVICE.items()}
    assert known_to_sdk() == set(FLAGS)
    assert set(AURA) | set(ACCOUNT) == DESCRIPTION.routes()  # which are the server's: test_auraid_api.py


@pytest.fixture(params=["plain", "records"])
def any_server(request, server, start_server, tmp_path):
    """With recordings other functions answer Egress."""
    if request.param == "plain":
        return server
    return start_server(config={"record": {"folder": str(tmp_path), "min_free_mb": 1, "max": 2}})


@pytest.mark.parametrize("service", METHODS)
def test_api(any_server, service):
    caller = Caller(any_server)
    body = json.dumps({"room": ROOM, "room_name": ROOM, "identity": "nobody", "destination_room": OTHER}).encode()
    for method, needs in METHODS[service].items():
        for grants, allowed in combinations(needs):
            path = f"/twirp/livekit.{service}/{method}"
            status = caller.call("POST", path, "application/json", body, grants)
            assert (status not in REFUSED) == allowed, (method, sorted(grants), status)
            assert status != 404 or allowed, "a method that is not there"


@pytest.fixture(scope="module")
def aura_server():
    """Thousands of requests, wrong tokens among them, are no attack here."""
    server = Server(config={"limit": {"requests_per_address": 0, "refusals_per_address": 0}})
    yield server
    server.stop()


@pytest.mark.skipif(Server.is_reference(), reason="LiveKit has no AuraIDs")
@pytest.mark.parametrize(("method", "path"), AURA)
def test_auraid(aura_server, method, path):
    """Each grant, alone and missing: a person's token opens it, an app's own too, and that alone asks for others."""
    caller = Caller(aura_server)
    target = path.replace("{id}", "@other.aura").replace("{device}", "phone").replace("{call}", "CA_0123456789abcdef")
    body = json.dumps(AURA[method, path]).encode() if AURA[method, path] is not None else b""
    for grants, app in combinations(APP):
        status = caller.call(method, target, None, body, grants)
        assert (status not in REFUSED) == (app or (not grants & NOBODY and (method, path) != ("GET", "/aura/v1/ids"))), (
            sorted(grants), status)
        status = caller.call(method, target + "?as=@matrix.aura", None, body, grants)
        assert (status not in REFUSED) == app, (sorted(grants), status)
        if method == "POST" and path == "/aura/v1/ids":
            status = caller.call(method, path, None, b'{"identity": "somebody"}', grants)
            assert (status not in REFUSED) == app, (sorted(grants), status)


@pytest.mark.skipif(Server.is_reference(), reason="LiveKit has no AuraIDs")
@pytest.mark.parametrize(("method", "path"), ACCOUNT)
def test_accounts_are_for_no_token(aura_server, method, path):
    caller = Caller(aura_server)
    body = json.dumps(ACCOUNT[method, path]).encode() if ACCOUNT[method, path] is not None else b""
    for grants, _ in combinations(APP):
        for query in ("", "?as=@matrix.aura"):
            assert caller.call(method, path.replace("{key}", "0" * 32) + query, None, body, grants) in (*REFUSED, 404), sorted(grants)


@pytest.mark.skipif(Server.is_reference(), reason="LiveKit has no AuraIDs")
@pytest.mark.parametrize(("method", "path"), [*AURA, *ACCOUNT])
def test_auraid_without_token(aura_server, method, path):
    caller = Caller(aura_server)
    for header in (None, "Bearer x", token(ALL), "Bearer " + token(ALL)[:-4] + "AAAA", "Bearer " + token(ALL, iss="other")):
        caller.link.request(method, path.replace("{id}", "@other.aura"), b"", {"Authorization": header} if header else {})
        answer = caller.link.getresponse()
        assert (answer.status, json.loads(answer.read())["code"]) == (401, "unauthorized"), header


def _socket_status(url: str, authorization: str | None) -> int:
    try:
        ws.connect(url, additional_headers={"Authorization": authorization} if authorization else {}, compression=None,
                   open_timeout=20, legacy=True).close()
    except websockets.InvalidStatus as error:
        return error.response.status_code
    return 101


@pytest.mark.skipif(Server.is_reference(), reason="LiveKit has no AuraIDs")
def test_auraid_events(aura_server):
    """A person's token opens it, an app's own if it says for whom, and nothing else."""
    url = f"{aura_server.url}{EVENTS}?device=phone"
    _socket_status(url, f"Bearer {token({'roomJoin'})}")  # so that the app knows who is asked for
    for grants, app in combinations(APP):
        authorization = f"Bearer {token(grants)}"
        expected = 400 if app else 403 if grants & NOBODY else 101
        assert _socket_status(url, authorization) == expected, sorted(grants)
        assert _socket_status(url + "&as=@matrix.aura", authorization) == (101 if app else 403), sorted(grants)
    for header in (None, "Bearer x", token(ALL), "Bearer " + token(ALL)[:-4] + "AAAA", "Bearer " + token(ALL, iss="other")):
        assert _socket_status(url, header) == 401, header


@pytest.mark.skipif(Server.is_reference(), reason="LiveKit has no such API")
@pytest.mark.parametrize(("method", "path"), sorted(DASHBOARD.routes()))
def test_dashboard(aura_server, method, path):
    """No grant stands in for an operator; what is open is the door alone."""
    caller = Caller(aura_server)
    doors = {"/api/v1/session": (200, 204, 401), "/api/v1/setup": (403, 429)}
    body = {"/api/v1/session": {"name": "x", "password": "x"},
            "/api/v1/setup": {"token": "x", "name": "x", "password": "xxxxxxxxxx"}}.get(path, {})
    target = re.sub(r"\{\w+\}", "x", path)
    sent = b"" if method in ("GET", "DELETE") else json.dumps(body).encode()
    for grants, _ in combinations(ALL) if path not in doors else [(ALL, True)]:
        status = caller.call(method, target, "application/json", sent, grants)
        assert status in doors.get(path, (401,)), (sorted(grants), status)
    if path == WATCH:
        assert _socket_status(aura_server.url + WATCH, f"Bearer {token(ALL)}") == 401


@pytest.mark.parametrize("service", sorted(CLOUD))
def test_cloud_services_are_nobodys(server, service):
    caller = Caller(server)
    for method in schema_methods().get(service, {"ListPhoneNumbers"}):
        assert caller.call("POST", f"/twirp/livekit.{service}/{method}", "application/json", b"{}", ALL) == 404


def test_rooms_of_others(server):
    """roomAdmin is for the room that the token names, and destinationRoom for where it says."""
    caller = Caller(server)
    for body, opens in (({"room": ROOM, "destination_room": OTHER}, True), ({"room": OTHER, "destination_room": OTHER}, False),
                        ({"room": "", "destination_room": OTHER}, False), ({"room": ROOM.upper()}, False),
                        ({"room": ROOM, "destination_room": ROOM}, None)):
        for service, rows in METHODS.items():
            for method, needs in rows.items():
                if not needs >= ADMIN or service == "SIP":
                    continue
                expected = opens if opens is not None else "destinationRoom" not in needs
                status = caller.call("POST", f"/twirp/livekit.{service}/{method}", "application/json",
                                     json.dumps(body).encode(), ALL)
                assert (status not in REFUSED) == expected, (method, body, status)
    assert caller.call("GET", f"/debug/rooms/{OTHER}", None, b"", ALL) in REFUSED


@pytest.mark.parametrize("path", PATHS)
def test_paths(server, path):
    caller = Caller(server)
    method, target, kind, body, needs = PATHS[path]
    for grants, allowed in combinations(needs):
        status = caller.call(method, target, kind, body, grants)
        assert (status not in REFUSED) == allowed or (allowed is False and status == 400 and "room" not in grants), (
            sorted(grants), status)


@pytest.mark.parametrize("path", sorted(MATRIX))
def test_matrix(start_server, path):
    """No grant stands in for a homeserver's word."""
    server = start_server(config={"matrix": {"enabled": True, "url": "wss://x", "full_access": ["*"]}})
    caller = Caller(server)
    openid = {"access_token": "x", "token_type": "Bearer", "matrix_server_name": "127.0.0.1:9", "expires_in": 60}
    delay = {"delay_id": "d", "delay_timeout": 1000, "delay_cs_api_url": "https://127.0.0.1:9"}
    old = {"room": ROOM, "openid_token": openid, "device_id": "D"}
    member = {"id": "m", "claimed_user_id": "@a:127.0.0.1:9", "claimed_device_id": "D"}
    new = {"room_id": ROOM, "slot_id": "m.call#ROOM", "openid_token": openid, "member": member}
    body = json.dumps(old if path == "/sfu/get" else {**new, **delay}).encode()
    for grants, _ in combinations(ALL):
        assert caller.call("POST", path, "application/json", body, grants) == 401, sorted(grants)


@pytest.mark.parametrize("path", sorted(APPSERVICE))
def test_appservice(start_server, tmp_path, path):
    """No grant stands in for the homeserver's token, and that token is none of LiveKit's."""
    file = tmp_path / "registration.yaml"
    file.touch(0o600)
    file.write_text("as_token: one-token-of-ours-in-full\nhs_token: another-token-of-theirs\nauralink_server_name: x.org\n")
    server = start_server(config={
        "limit": {"refusals_per_address": 0}, "auraid": {"directory": ":memory:"},
        "matrix": {"enabled": True, "url": "wss://x", "homeserver_url": "http://127.0.0.1:9",
                   "appservice": {"registration": str(file)}}})
    caller = Caller(server)
    method, target, content = APPSERVICE[path]
    body = b"" if content is None else json.dumps(content).encode()
    for grants, _ in combinations(ALL):
        assert caller.call(method, f"/_matrix/app/v1/{target}", None, body, grants) == 403, sorted(grants)
    for header, status in ((None, 401), ("one-token-of-ours-in-full", 401), ("Bearer one-token-of-ours-in-full", 403),
                           ("Bearer another-token-of-theirs", 404 if method == "GET" else 200)):
        caller.link.request(method, f"/_matrix/app/v1/{target}", body, {"Authorization": header} if header else {})
        answer = caller.link.getresponse()
        answer.read()
        assert answer.status == status, header


@pytest.mark.parametrize(("path", "claim"), [("/whip/v1", "canPublish"), ("/whep/v1", "canSubscribe")])
def test_whip_and_whep_want_what_they_do(server, path, claim):
    """Absent is allowed, false is not; the other way's right is none of their business."""
    caller = Caller(server)
    for name in ("canPublish", "canSubscribe", "canPublishData"):
        for value in (True, False):
            grants = {"roomJoin": True, "room": ROOM, name: value}
            caller.link.request("POST", path, SDP, {"Authorization": f"Bearer {token((), video=grants)}",
                                                    "Content-Type": "application/sdp"})
            answer = caller.link.getresponse()
            answer.read()
            assert (answer.status == 403) == (name == claim and not value), (name, value, answer.status)


@pytest.mark.parametrize("path", SOCKETS)
def test_websockets(server, path):
    target, needs = SOCKETS[path]
    for grants, allowed in combinations(needs):
        try:
            ws.connect(server.url + target, additional_headers={"Authorization": f"Bearer {token(grants)}"},
                       compression=None, open_timeout=60, legacy=True).close()
            status = 101
        except websockets.InvalidStatus as error:
            status = error.response.status_code
        no_room = path != "/agent" and "roomJoin" in grants and "room" not in grants
        assert status == (101 if allowed else 400 if no_room else 401), (sorted(grants), status)


def test_no_token(server):
    """Without one, with a wrong one, and with one of another key."""
    caller = Caller(server)
    for header in (None, "Bearer x", token(ALL), "Bearer " + token(ALL)[:-4] + "AAAA", "Bearer " + token(ALL, iss="other")):
        headers = {"Authorization": header} if header else {}
        for method, target, kind, body, needs in PATHS.values():
            if needs:
                caller.link.request(method, target, body, headers | ({"Content-Type": kind} if kind else {}))
                answer = caller.link.getresponse()
                answer.read()
                assert answer.status == 401, (target, header and header[:12], answer.status)
        for service, rows in METHODS.items():
            for name in rows:
                caller.link.request("POST", f"/twirp/livekit.{service}/{name}", b"{}",
                                    headers | {"Content-Type": "application/json"})
                answer = caller.link.getresponse()
                assert (answer.status, json.loads(answer.read())["code"]) == (401, "unauthenticated")
