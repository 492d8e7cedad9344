# SPDX-License-Identifier: Apache-2.0
"""A call as Element Call makes it: matrix-js-sdk finds us by what the homeserver says, and two users hear and see each other."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.parse

import jwt
import pytest

from lib.driver import HERE, Driver
from lib.ports import free_port
from lib.server import Server
from lib.synapse import Synapse
from test_matrix import name_of

pytestmark = [pytest.mark.skipif(Server.is_reference(), reason="LiveKit leaves this to lk-jwt-service"),
              pytest.mark.timeout(600)]

WAIT_S = 120  # a browser and a homeserver on a busy machine


def homeserver(folder, certificates, http: int) -> Synapse:
    """One that names us, at that port, as where calls are."""
    folder.mkdir()
    return Synapse(str(folder), certificates["server.pem"], certificates["server.key"], service=f"http://127.0.0.1:{http}")


def config(synapse: Synapse, certificates, http: int) -> dict:
    return {"room": {"auto_create": False},
            "matrix": {"enabled": True, "url": f"ws://127.0.0.1:{http}", "full_access": [synapse.name], "timeout": "30s",
                       "allow_addresses": ["127.0.0.0/8", "::1"], "ca_file": certificates["ca.pem"]}}


def two_in_a_room(synapse: Synapse):
    """Users who may be in its calls."""
    alice, bob = synapse.user("alice"), synapse.user("bob")
    room_id = alice.create_room(power_level_content_override={"events": {"org.matrix.msc3401.call.member": 0}}, preset="public_chat")
    bob.ask("POST", f"/_matrix/client/v3/join/{urllib.parse.quote(room_id)}", {})
    return alice, bob, room_id


@pytest.mark.slow
def test_call(start_server, room_on, certificates, tmp_path):
    http = free_port()
    synapse = homeserver(tmp_path / "synapse", certificates, http)
    client = None
    try:
        server = start_server(ports={"http": http}, config=config(synapse, certificates, http))
        alice, bob, room_id = two_in_a_room(synapse)
        log = open(tmp_path / "client.log", "w+")
        client = subprocess.Popen(["node", os.path.join(HERE, "matrix", "call.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=log, text=True, env={**os.environ, "NODE_EXTRA_CA_CERTS": certificates["ca.pem"]})
        task = {"domain": synapse.name, "base_url": synapse.plain, "room": room_id,
                "users": [{"user_id": u.id, "device_id": u.device, "access_token": u.token} for u in (alice, bob)]}
        client.stdin.write(json.dumps(task) + "\n")
        client.stdin.flush()
        line = client.stdout.readline()
        assert line, (tmp_path / "client.log").read_text()[-3000:]
        found = json.loads(line)
        assert found["focus"]["livekit_service_url"] == server.http_url and found["focus"]["livekit_alias"] == room_id
        assert [t["url"] for t in found["tokens"]] == [server.url] * 2
        room = room_on(server)
        one = room.join("node", alice.id, token=found["tokens"][0]["jwt"])
        two = room.join("python", bob.id, token=found["tokens"][1]["jwt"])
        one.wait("participantConnected", identity=f"{bob.id}:{bob.device}")
        tracks = [(two, one.call("publishAudio")["sid"]), (one, two.call("publishAudio")["sid"])]
        for hears, track in tracks:
            hears.until(track, lambda s: s["loudSeconds"] > 0.2)
        client.stdin.write("leave\n")
        client.stdin.flush()
        assert json.loads(client.stdout.readline()) == {"left": 0}
        assert client.wait(30) == 0
    finally:
        if client and client.poll() is None:
            client.kill()
        synapse.stop()


@pytest.fixture
def browsers(certificates):
    """A Chromium for each of two people, with the real matrix-js-sdk and livekit-client in its page."""
    started = []

    def start(name: str) -> Driver:
        # It does not know the test's authority, which signs for the homeserver.
        driver = Driver(f"matrix-{name}", ["node", "clients/browser_client.mjs", "chromium"],
                        env={"AURA_PAGE": os.path.join(HERE, "matrix", "page.mjs"), "AURA_CHROMIUM_FLAGS": "--ignore-certificate-errors"})
        started.append(driver)
        return driver

    yield start
    for driver in started:
        driver.stop()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("sticky", [False, True], ids=["state", "sticky"])
def test_call_in_browsers(start_server, browsers, certificates, tmp_path, sticky):
    """Two browsers: each finds the focus, has a token from us there, and gets the other's picture from livekit-client.

    "state": memberships are state of the room, found by .well-known, with /sfu/get. "sticky": as the MSCs have it now, sticky
    events, the homeserver's rtc/transports and /get_token, where identities are hashes that the SDK computes for itself."""
    http = free_port()
    synapse = homeserver(tmp_path / "synapse", certificates, http)
    try:
        server = start_server(ports={"http": http}, config=config(synapse, certificates, http))
        alice, bob, room_id = two_in_a_room(synapse)
        people = [(user, browsers(name)) for user, name in ((alice, "alice"), (bob, "bob"))]
        for user, browser in people:
            found = browser.call("matrixEnter", WAIT_S, sticky=sticky, domain=synapse.name, base_url=synapse.plain, room=room_id,
                                 user_id=user.id, device_id=user.device, access_token=user.token)
            assert found["foci"][0]["livekit_service_url"] == server.http_url
        clients = []
        for user, browser in people:
            given = browser.call("matrixToken", WAIT_S, room=room_id, device_id=user.device, count=2)
            assert given["focus"]["livekit_service_url"] == server.http_url and given["url"] == server.url
            room = jwt.decode(given["jwt"], options={"verify_signature": False})["video"]["room"]
            assert room == name_of(room_id, "m.call#ROOM")
            client = browser.client(user.id)
            client.connect(given["url"], given["jwt"], WAIT_S)
            assert client.identity == given["identity"], "whom the SDK takes that membership for"
            clients.append(client)
        one, two = clients
        assert sorted(given["people"]) == sorted([one.identity, two.identity])
        assert (one.identity == f"{alice.id}:{alice.device}") == (not sticky)
        for sees, shows in ((two, one), (one, two)):
            track = shows.call("publishVideo")["sid"]
            sees.wait("trackSubscribed", WAIT_S, sid=track, identity=shows.identity)
            sees.until(track, lambda s: s["frames"] >= 20, WAIT_S, "20 pictures are shown")
        for _, browser in people:
            browser.call("matrixLeave", WAIT_S)
        for _, browser in people:
            browser.call("matrixEmpty", WAIT_S)
    finally:
        synapse.stop()
