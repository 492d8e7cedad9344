# SPDX-License-Identifier: Apache-2.0
"""Several AI Cores behind one name: streams are shared out among them, and one that comes later gets its share."""

from __future__ import annotations

import os
import shlex
import subprocess

import pytest

from lib import image
from lib.aicore import AICore
from lib.driver import eventually
from lib.ports import free_port
from lib.server import ROOT

NAME = "aicores.example.com"
PROGRAM = os.environ.get("AURA_SERVER_CMD") or os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"), "auralink-server")


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """start(address): an AI Core at that address, with a certificate of deploy/certificates.sh. To servers that are started the
    name has two addresses, as a headless service of Kubernetes has; `tls` is how they reach it."""
    if why := image.missing():
        pytest.skip(why)
    keys = tmp_path / "keys"
    subprocess.run([os.path.join(ROOT, "deploy", "certificates.sh"), keys, NAME], check=True, capture_output=True)
    (tmp_path / "hosts").write_text(f"127.0.0.1 localhost {NAME}\n127.0.0.2 {NAME}\n")
    (tmp_path / "with_hosts").write_text('mount --make-rprivate / && mount --bind "$1" /etc/hosts && shift && exec "$@"\n')
    monkeypatch.setenv("AURA_SERVER_CMD", f"unshare --mount sh {shlex.quote(str(tmp_path / 'with_hosts'))} "
                       f"{shlex.quote(str(tmp_path / 'hosts'))} {PROGRAM}")
    port, running = free_port(), []

    def start(address: str) -> AICore:
        own = keys / "aicore"
        running.append(AICore("--without", "faces,person,speech", "--tls-cert", str(own / "tls.crt"), "--tls-key", str(own / "tls.key"),
                              "--tls-client-ca", str(own / "ca.crt"), listen=f"{address}:{port}"))
        return running[-1]

    start.config = {"address": f"{NAME}:{port}", "tls": {
        "ca": str(keys / "server/ca.crt"), "cert": str(keys / "server/tls.crt"), "key": str(keys / "server/tls.key")}}
    yield start
    for core in running:
        assert core.stop() == 0, "AI Core did not end in good order"


def streams(core: AICore) -> float:
    return core.metrics()["auralink_aicore_streams_total"]


@pytest.mark.timeout(400)
def test_streams_are_shared_out(start_server, room_on, pair):
    """The second AI Core of a name is started when the first has a track already; then they take turns."""
    first = pair("127.0.0.1")
    server = start_server(config={"aic": {"enabled": True, "audio": False, "ai_core": pair.config}})
    room = room_on(server)
    publishers = [room.join("node", f"sender{i}") for i in range(3)]
    publishers[0].call("publishVideo", width=320, height=180, fps=10)
    eventually(lambda: first.metrics()["auralink_aicore_frames_total"] > 5, 120, what="the only AI Core has the only track")
    second = pair("127.0.0.2")

    def another() -> bool:
        """A further track at a time, until the second has one: connecting takes the client as long as it takes."""
        sid = publishers[1].call("publishVideo", width=320, height=180, fps=10)["sid"]
        before = streams(first) + streams(second)
        eventually(lambda: streams(first) + streams(second) > before, 60, what="the new track is at an AI Core")
        publishers[1].call("unpublish", sid=sid)
        return streams(second) > 0

    eventually(another, 120, 0.5, what="the AI Core that came later gets a stream")
    was = streams(first), streams(second)
    for i in range(2):
        publishers[2].call("publishVideo", width=320, height=180, fps=10)
        eventually(lambda: streams(first) + streams(second) > sum(was) + i, 60, what="the track is at an AI Core")
    assert streams(first) > was[0] and streams(second) > was[1], "they take turns"
