# SPDX-License-Identifier: Apache-2.0
"""What orchestrators and load balancers ask: is it alive, may it get calls."""

from __future__ import annotations

from lib import signalling, tokens
from lib.driver import eventually


def statuses(server) -> dict[str, int]:
    return {path: server.get(path)[0] for path in ("/", "/healthz", "/readyz")}


def test_ready(server):
    assert statuses(server) == {"/": 200, "/healthz": 200, "/readyz": 200}


def test_drain(start_server):
    """A server that drains takes nobody new and says so, but lives, and who is there stays until they leave."""
    server = start_server(config={"drain_timeout": 120})
    with signalling.Signal(server, tokens.join("stays", "room")) as stays:
        stays.wait("join")
        server.terminate()
        eventually(lambda: server.get("/readyz")[:2] == (503, "draining"), 60, what="it is not ready")
        assert statuses(server) == {"/": 200, "/healthz": 200, "/readyz": 503}
        assert signalling.refused(server, tokens.join("late", "room"))[0] == 503
        stays.wait("leave")
        assert server.metric("livekit_participant_total") == 1
        stays.send(leave={})
        assert server.wait_exit(60) == 0  # long before the time is over: nobody is left
