# SPDX-License-Identifier: Apache-2.0
"""A call as Element Call makes it: matrix-js-sdk finds us by the homeserver's .well-known, and two users hear each other."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.parse

import pytest

from lib.driver import HERE
from lib.ports import free_port
from lib.server import Server
from lib.synapse import Synapse

pytestmark = [pytest.mark.skipif(Server.is_reference(), reason="LiveKit leaves this to lk-jwt-service"),
              pytest.mark.timeout(600)]


@pytest.mark.slow
def test_call(start_server, room_on, certificates, tmp_path):
    http = free_port()
    folder = tmp_path / "synapse"
    folder.mkdir()
    synapse = Synapse(str(folder), certificates["server.pem"], certificates["server.key"], service=f"http://127.0.0.1:{http}")
    client = None
    try:
        server = start_server(ports={"http": http}, config={
            "room": {"auto_create": False},
            "matrix": {"enabled": True, "url": f"ws://127.0.0.1:{http}", "full_access": [synapse.name], "timeout": "30s",
                       "allow_addresses": ["127.0.0.0/8", "::1"], "ca_file": certificates["ca.pem"]}})
        alice, bob = synapse.user("alice"), synapse.user("bob")
        room_id = alice.create_room(power_level_content_override={"events": {"org.matrix.msc3401.call.member": 0}}, preset="public_chat")
        bob.ask("POST", f"/_matrix/client/v3/join/{urllib.parse.quote(room_id)}", {})
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
