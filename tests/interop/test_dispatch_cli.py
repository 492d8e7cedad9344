# SPDX-License-Identifier: Apache-2.0
"""`auralink dispatch`: what it does, PyPI's livekit-api sees, and the other way round."""

from __future__ import annotations

import asyncio
import json
import subprocess

from livekit import api

from lib import tokens
from lib.media import program


def dispatch(server, *words: str, fails: bool = False) -> str:
    done = subprocess.run([*program(), "dispatch", *words, "--url", server.url], capture_output=True, text=True)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stderr if fails else done.stdout


def of_api(server, room: str) -> list:
    """Those with a name: a room that wants nobody else gets the nameless one."""
    async def ask():
        async with api.LiveKitAPI(server.http_url, tokens.KEY, tokens.SECRET) as client:
            return await client.agent_dispatch.list_dispatch(room)

    return [d for d in asyncio.run(ask()) if d.agent_name]


def test_dispatch(server):
    """Created, listed as table and as JSON, deleted."""
    room = "test_dispatch_cli"
    made = json.loads(dispatch(server, "create", room, "helper", "--metadata", "be kind", "--json"))
    seen = of_api(server, room)
    assert [(d.id, d.agent_name, d.metadata) for d in seen] == [(made["id"], "helper", "be kind")]
    table = dispatch(server, "list", room).splitlines()
    assert table[0].split()[:3] == ["ID", "AGENT", "ROOM"]
    row = next(line.split() for line in table if made["id"] in line)
    assert row[1:3] == ["helper", room] and row[4:] == ["be", "kind"]
    assert made["id"] in [d["id"] for d in json.loads(dispatch(server, "list", room, "--json"))["agent_dispatches"]]
    assert made["id"] in dispatch(server, "delete", room, made["id"])
    assert of_api(server, room) == []
    assert made["id"] not in dispatch(server, "list", room)
    assert "404" in dispatch(server, "delete", room, made["id"], fails=True)
