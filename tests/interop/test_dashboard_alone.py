# SPDX-License-Identifier: Apache-2.0
"""The dashboard's REST API on servers of the tests' own: the first operator, the command line, guessing, restarts, what other
parts do."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

from lib import cli, tokens
from lib.aicore import AICore
from lib.dashboard import PASSWORD, Operator, announced, npm_token, set_up, validate
from lib.driver import HERE, eventually
from lib.server import Server

pytestmark = pytest.mark.skipif(Server.is_reference(), reason="LiveKit has no such API")


def test_first_operator(start_server, tmp_path):
    """The link works once, for who has it; then there is signing in, and out."""
    server = start_server()
    said = announced(server)
    first = Operator(server, str(tmp_path / "first"))
    assert first.get("/session") == {"operator": None, "set_up": False, "expires_us": None}
    wish = {"token": said["setup"], "name": "ann", "password": PASSWORD}
    assert first.refused("POST", "/setup", {**wish, "token": "x" * 40}) == (403, "bad_token")
    assert first.refused("POST", "/setup", {**wish, "password": "short"}) == (400, "bad_request")
    assert first.refused("POST", "/setup", {**wish, "name": "Ann"}) == (400, "bad_request")
    assert first.good("POST", "/setup", wish)["operator"] == {"name": "ann", "role": "admin"}
    assert first.refused("POST", "/setup", {**wish, "name": "eve"}) == (409, "conflict")
    assert first.get("/session")["operator"]["name"] == "ann"
    second = Operator(server, str(tmp_path / "second"))
    assert second.get("/session") == {"operator": None, "set_up": True, "expires_us": None}
    assert second.refused("POST", "/session", {"name": "ann", "password": "not hers"}) == (401, "bad_credentials")
    assert second.refused("POST", "/session", {"name": "eve", "password": PASSWORD}) == (401, "bad_credentials")
    second.good("POST", "/session", {"name": "ann", "password": PASSWORD})
    assert second.get("/rooms")["rooms"] == []
    second.good("DELETE", "/session")
    assert second.refused("GET", "/rooms") == (401, "signed_out")
    assert first.get("/rooms")["rooms"] == []  # another session of the same person
    with open(server.log_path) as file:
        log = file.read()
    assert PASSWORD not in log and said["setup"] not in log.replace(json.dumps(said, separators=(",", ":")), "")
    assert [e["action"] for e in first.get("/audit")["entries"]] == [
        "session.sign_out", "session.sign_in", "session.sign_in_failed", "session.sign_in_failed", "operator.set_up"]
    assert all(e["from"] == "127.0.0.1" for e in first.get("/audit")["entries"])


def test_command_line(start_server, tmp_path):
    """`auralink operator` writes beside the running server, which follows at once."""
    database = str(tmp_path / "state" / "dash.db")
    server = start_server(config={"dashboard": {"database": database}})
    place = ("--database", database)

    def operator(*words: str, password: str = ""):
        return cli.run("operator", *words, *place, input=password + "\n")

    link = json.loads(operator("setup", "--at", "https://calls.example", "--json").stdout)["link"]
    assert re.fullmatch(r"https://calls\.example/dashboard/#setup=\w{40}", link)
    board = Operator(server, str(tmp_path / "jar"))
    old = announced(server)["setup"]
    assert board.refused("POST", "/setup", {"token": old, "name": "a", "password": PASSWORD}) == (403, "bad_token")
    board.good("POST", "/setup", {"token": link.rpartition("=")[2], "name": "ann", "password": PASSWORD})
    assert operator("setup").returncode == 1
    assert operator("add", "carol", "--role", "admin", password=PASSWORD).returncode == 0
    assert operator("add", "carol", password=PASSWORD).returncode == 1
    assert operator("add", "dave", password="short").returncode == 1
    assert operator("add", "Dave", password=PASSWORD).returncode == 1
    carol = Operator(server, str(tmp_path / "carol"), "carol")
    carol.get("/rooms")
    assert operator("passwd", "carol", password="quite another").returncode == 0
    Operator(server, str(tmp_path / "again"), "carol", "quite another").get("/rooms")
    assert operator("remove", "carol").returncode == 0
    assert carol.refused("GET", "/rooms") == (401, "signed_out")
    assert operator("remove", "ann").returncode == 1  # nobody would be left
    listed = json.loads(operator("list", "--json").stdout)["operators"]
    assert [(o["name"], o["role"]) for o in listed] == [("ann", "admin")]
    assert [(e["operator"], e["target"]) for e in board.audit("operator.add")] == [("cli", "carol")]
    assert os.stat(database).st_mode & 0o777 == 0o600


def test_guessing(start_server, tmp_path):
    """After ten there is a wait, for a name from anywhere and for an address whatever the name; a right one clears it."""
    server = start_server()
    set_up(server, str(tmp_path))
    guesser = Operator(server, str(tmp_path / "guesser"))

    def tries(name: str, headers: dict) -> int:
        """How many were looked at before one was not; one more may be every 20 s."""
        for n in range(100):
            status, said = guesser.ask("POST", "/session", {"name": name, "password": f"guess {n}"}, headers=headers)
            if status == 429:
                assert said["code"] == "too_many"
                return n
            assert (status, said["code"]) == (401, "bad_credentials")
        raise AssertionError("no end")

    here, elsewhere = {"X-Forwarded-For": "192.0.2.6"}, {"X-Forwarded-For": "192.0.2.7"}
    assert 10 <= tries("ann", here) < 100
    assert tries("eve", here) <= 3  # the address has used up its own
    assert tries("ann", elsewhere) <= 3  # and so has the name
    assert tries("eve", elsewhere) >= 5


def test_keys_outlive_a_restart_and_a_reload(start_server, tmp_path):
    """What was revoked stays so; what was made serves on."""
    config = {"dashboard": {"database": str(tmp_path / "d.db")}}
    server = start_server(config=config)
    board = set_up(server, str(tmp_path))
    kept, gone = (board.good("POST", "/keys", {"project": p}) for p in ("kept", "gone"))
    board.good("POST", f"/keys/{gone['key']['key']}/revoke", {})
    tokens_of = {name: npm_token(k["key"]["key"], k["secret"], "x", "room") for name, k in (("kept", kept), ("gone", gone))}
    server.process.send_signal(1)  # SIGHUP

    def reloaded():
        with open(server.log_path) as file:
            return "reloaded" in file.read()

    eventually(reloaded, what="the reload")
    assert (validate(server, tokens_of["kept"]), validate(server, tokens_of["gone"])) == (200, 401)
    assert server.stop() == 0
    server = start_server(config=config)
    assert (validate(server, tokens_of["kept"]), validate(server, tokens_of["gone"])) == (200, 401)
    assert announced(server)["setup"] == ""
    states = {k["project"]: k["state"] for k in Operator(server, str(tmp_path / "j"), "ann").get("/keys")["keys"]}
    assert states == {"": "active", "kept": "active", "gone": "revoked"}


def test_recording(start_server, room_on, tmp_path):
    """One that npm's EgressClient began is seen, and ended here."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    server = start_server(config={"record": {"folder": str(folder), "min_free_mb": 1, "max": 2}})
    board = set_up(server, str(tmp_path))
    assert board.get("/recordings") == {"enabled": True, "recordings": [], "next": None}
    room = room_on(server)
    sender = room.join("node", "sender")
    audio = sender.call("publishAudio", toneHz=500)["sid"]
    done = subprocess.run(["node", "clients/egress_sdk.mjs", server.http_url, tokens.KEY, tokens.SECRET, "track",
                           json.dumps({"room": room.name, "track": audio, "filepath": "one"})],
                          cwd=HERE, capture_output=True, text=True, timeout=120, check=True)
    recording = json.loads(done.stdout)["ok"]["egress_id"]

    def one() -> dict:
        return board.get("/recordings")["recordings"][0]

    eventually(lambda: one()["state"] == "active" and one()["bytes"] > 1000, what="something recorded")
    assert (one()["id"], one()["kind"], one()["room"], one()["track"]) == (recording, "track", room.name, audio)
    assert board.get("/overview")["now"]["recordings"] == 1
    board.good("POST", f"/recordings/{recording}/stop")
    eventually(lambda: one()["state"] == "complete", what="its end")
    assert one()["files"][0]["bytes"] > 1000 and one()["ended_us"] > one()["started_us"] > 0
    assert board.refused("POST", f"/recordings/{recording}/stop") == (409, "conflict")
    assert board.audit("recording.stop")[0]["detail"] == recording


@pytest.mark.browser
def test_aic(start_server, room_on, tmp_path):
    """AI Core at work, and what is said of it when it is gone."""
    core = AICore("--without", "governor,faces,person")
    try:
        server = start_server(config={"aic": {"enabled": True, "max_streams": 3, "ai_core": {"address": core.address}}})
        board = set_up(server, str(tmp_path))
        room = room_on(server)
        sender = room.join("chromium", "sender")
        video = sender.call("publishVideo", width=640, height=360, fps=15, bitrate=1_000_000)["sid"]
        viewer = room.join("chromium", "viewer")
        viewer.until(video, lambda s: s["distinct"] > 5, 60, "no picture")
        sid = board.room(room.name)["sid"]

        def track() -> dict | None:
            return next(iter(board.get(f"/rooms/{sid}/aic")["tracks"]), None)

        def in_debug() -> dict:
            token = tokens.raw(tokens.claims(video={"roomList": True}))
            return json.loads(server.get("/debug/aic", {"Authorization": "Bearer " + token})[1])["aic"][0]

        # How much is saved depends on the machine; that both say the same does not.
        eventually(lambda: (t := track()) and t["frames"] > 0, 240, what="frames that AI Core answered")
        assert (track()["track"], track()["identity"], track()["codec"]) == (video, "sender", "video/VP8")

        def agrees() -> bool:
            a, b = track(), in_debug()
            return all(a[k] == b[k] for k in ("state", "mode", "frames", "late", "fallbacks")) and all(
                a["saving"][k] == b[k] for k in ("sent_bytes", "native_bytes"))

        eventually(agrees, what="the same as /debug/aic says")
        whole = board.get("/aic")
        assert whole["enabled"] and (whole["mode"], whole["default_mode"]) == ("compress", "on")
        assert whole["frames"] > 0 and whole["latency_p50_ms"] > 0 and sum(whole["tracks"].values()) == 1
        [instance] = board.get("/aic/instances")["instances"]
        assert (instance["address"], instance["tls"], instance["max_streams"]) == (core.address, False, 3)
        core.process.kill()
        eventually(lambda: track()["reason"] and track()["state"] == "fallback", 120, what="a fallback with its reason")
        eventually(lambda: sum(board.get("/aic/instances")["instances"][0]["fallbacks"].values()), what="its count")
    finally:
        core.process.kill()
        core.process.wait()


def test_without_it(start_server, tmp_path):
    """dashboard.enabled: false."""
    server = start_server(config={"dashboard": {"enabled": False}})
    board = Operator(server, str(tmp_path / "jar"))
    assert board.refused("GET", "/session") == (404, "disabled")
    assert board.refused("POST", "/session", {"name": "a", "password": "b"}) == (404, "disabled")
    assert announced(server)["setup"] == ""
