# SPDX-License-Identifier: Apache-2.0
"""The table of `auralink`'s commands, walked: each one's mistakes, failures and success in JSON."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from lib import cli, tokens
from lib.driver import eventually
from lib.media import program
from lib.receiver import Receiver
from test_dev import children

NOBODY = "http://127.0.0.1:1"  # no server is there
ENDLESS = {"publish": ["--room", "r", "--duration", "5"], "subscribe": ["--room", "r", "--duration", "5"],
           "record": ["--patience", "0", "-o"], "load-test": ["--publishers", "0", "--subscribers", "1"]}
REPORTS = {"doctor"}  # its report says what is wrong
NEEDED = {"egress start": ["{}"], "participant update": ["--name", "n"], "webhooks replay": ["--from", "1"]}


def words(command: dict) -> list[str]:
    """The command with as many operands as it must have."""
    return [*command["command"], *["x"] * command["operands_min"]]


def test_mistakes():
    """An unknown option is an error object with a hint and exit status 2, of every command."""
    for command in cli.table():
        if command["command"] == ["dev"]:
            continue
        done = cli.run(*command["command"], "--json", "--no-such-option")
        error = cli.error_of(done)
        assert done.returncode == 2 and "--no-such-option" in error["error"], command
        assert error["hint"] == f"Try 'auralink {' '.join(command['command'])} --help'."
        assert cli.run(*command["command"], "--no-such-option").stdout == "", "without --json it is for people alone"
    error = cli.error_of(cli.run("nothing", "--json"))
    assert error == {"error": "no command 'nothing'", "hint": "See auralink --help."}
    error = cli.error_of(cli.run("room", "nothing", "--json"))
    assert error == {"error": "no command 'room nothing'", "hint": "See auralink room --help."}


def test_dev_mistake():
    """`auralink dev` hands options on: the server refuses them."""
    done = cli.run("dev", "--json", "--no-aic", "--no-such-option")
    error = cli.error_of(done)
    assert "auralink-server ended with status 2" in error["error"] and "--no-such-option" in done.stderr


def test_help():
    """--help of each has its summary's place, its options and their defaults; the list has all."""
    listed = cli.run("--help").stdout
    for command in cli.table():
        text = cli.run(*command["command"], "--help").stdout
        assert text.startswith(f"Usage: auralink {' '.join(command['command'])} [options]"), text
        assert command["about"] in text and command["summary"] in listed
        for option in command["options"]:
            dashes = "--" if len(option["name"]) > 1 else "-"
            assert f"  {dashes}{option['name']}{' ' if option['value'] else ''}{option['value']} " in text, option
        assert "json" in [option["name"] for option in command["options"]]
        if len(command["command"]) == 2 and command["command"][0] != "record":
            group = cli.run(command["command"][0], "--help")
            assert group.returncode == 0 and f"  {command['command'][1]} " in group.stdout
        assert command["server"] == ("api-secret" in [o["name"] for o in command["options"]])


def test_no_server(tmp_path):
    """What talks to a server says that there is none, and what to do; exit status 1."""
    seen = 0
    for command in cli.table():
        name = " ".join(command["command"])
        if not command["server"] or name == "token create":
            continue
        extra = [*NEEDED.get(name, []), *ENDLESS.get(name, [])]
        if name == "record":
            extra.append(str(tmp_path / "record"))
            command = {**command, "operands_min": 1}
        if name == "publish":
            command = {**command, "operands_min": 0}
            extra = ["test", *extra]
        if name == "egress start":
            command = {**command, "operands_min": 0}
        done = cli.run(*words(command), *extra, "--json", "--url", NOBODY)
        assert done.returncode == 1, (name, done)
        if name in REPORTS:
            assert cli.documents(done.stdout)[-1]["ok"] is False
        else:
            error = cli.error_of(done)
            assert error["hint"], (name, error)
        seen += 1
    assert seen > 25


def test_wrong_secret(server):
    error = cli.error_of(cli.run("room", "list", "--json", "--url", server.http_url, "--api-secret", "wrong"))
    assert "401" in error["error"] and "--api-secret" in error["hint"]


@pytest.fixture
def all_server(start_server, tmp_path):
    """One that has all that commands ask for."""
    hook = Receiver()
    (tmp_path / "recordings").mkdir()
    server = start_server(config={
        "dashboard": {"database": str(tmp_path / "dashboard.db")},
        "record": {"folder": str(tmp_path / "recordings"), "min_free_mb": 1, "max": 4},
        "room": {"enable_remote_unmute": True},
        "webhook": {"api_key": tokens.KEY, "urls": [hook.url], "outbox": str(tmp_path / "webhooks.db")}})
    yield server
    hook.stop()


def turn_config(tmp_path) -> str:
    path = tmp_path / "turn.yaml"
    path.write_text(json.dumps({
        "keys": {"devkey": "secret"}, "rtc": {"node_ip": "127.0.0.1"},
        "turn": {"enabled": True, "domain": "turn.test", "udp_port": 3478, "secret": "s" * 32}}))
    return str(path)


def test_success(all_server, room_on, tmp_path):
    """Every command of the table once, against a real server: JSON and nothing else on standard output."""
    room = room_on(all_server)
    callee = room.join("node", "callee")
    callee.call("registerRpc", method="echo")
    sid = callee.call("publishAudio", toneHz=400)["sid"]
    other = room.join("node", "other")
    other.until(sid, lambda s: s["loudSeconds"] > 0.3)
    name, folder = room.name, str(tmp_path / "recorded")
    walked = set()

    def walk(*line: str, status: int = 0, **more) -> list:
        here = {" ".join(c["command"]): c for c in cli.table()}
        command = " ".join(line[:2]) if " ".join(line[:2]) in here else line[0]
        walked.add(command)
        url = ["--url", all_server.http_url] if here[command]["server"] else []
        done = cli.run(*line, "--json", *url, **more)
        assert done.returncode == status, (line, done)
        values = cli.documents(done.stdout)
        assert values and (status or "hint" not in values[-1]), (line, done)
        return values

    walk("token", "create", "--room", name, "--identity", "i")
    walk("room", "create", "made", "--metadata", "m")
    assert {r["name"] for r in walk("room", "list")[0]["rooms"]} >= {name, "made"}
    walk("room", "update-metadata", "made", "m2")
    assert walk("room", "debug", name)[0]["subscriptions"]
    walk("room", "send-data", name, "hello")
    walk("data", "send", name, "hello")
    walk("room", "delete", "made")
    assert len(walk("participant", "list", name)[0]["participants"]) == 2
    walk("participant", "get", name, "callee")
    walk("participant", "update", name, "callee", "--name", "N")
    walk("participant", "mute", name, "callee", sid)
    walk("participant", "mute", name, "callee", sid, "--unmute")
    walk("participant", "subscribe", name, "other", sid, "--unsubscribe")
    assert walk("participant", "rpc", name, "callee", "echo", "hi")[0] == {"payload": "echo:hi"}
    [error] = walk("participant", "forward", name, "callee", "elsewhere", status=1)  # as LiveKit's open-source server
    assert "501" in error["error"] and "docs/server-api.md" in error["hint"]
    agent = walk("dispatch", "create", name, "helper")[0]["id"]
    assert agent in str(walk("dispatch", "list", name)) and agent in str(walk("dispatch", "get", name, agent))
    walk("dispatch", "delete", name, agent)
    egress = walk("egress", "start", "--room", name)[0]["egress_id"]
    walk("egress", "update-layout", egress, "speaker")
    assert [e["egress_id"] for e in walk("egress", "list", "--active")[0]["items"]] == [egress]
    walk("egress", "stop", egress)
    events = walk("webhooks", "list")[0]["events"]
    walk("webhooks", "replay", "--from", str(events[-1]["seq"]))
    assert walk("auraid", "of", "callee") == walk("auraid", "get", "@callee.aura") == walk("auraid", "list", "--limit", "1")[0]["ids"]
    assert walk("auraid", "export", "@callee.aura")[0]["proofs"] == [{"provider": f"livekit/{tokens.KEY}", "subject": "callee"}]
    walk("auraid", "delete", "@callee.aura")
    [error] = walk("auraid", "get", "@callee.aura", status=1)
    assert "404" in error["error"] and "/aura/v1/ids" in error["hint"]
    file = str(tmp_path / "registration.yaml")
    assert walk("auraid", "appservice", "--server", "example.org", "--url", "http://localhost:7880", "--output", file) == [
        {"written": file}]
    walk("aic", "top", "--once")
    assert "denied-peer-ip" in walk("turn", "config", "--config", turn_config(tmp_path))[0]["config"]
    assert walk("doctor")[0]["ok"] is True
    assert walk("publish", "test", "--room", name, "--duration", "2", "--size", "160x120", "--fps", "5")[-1]["summary"]
    assert walk("subscribe", "--room", name, "--duration", "2")[-1]["summary"]
    assert walk("record", name, "-o", folder, "--max-duration", "6")[-1]["end"] == "max_duration"
    assert walk("record", "compose", folder, "-o", folder + ".ogg", "--only", "audio")[-1]["summary"]
    assert walk("load-test", "--subscribers", "1", "--duration", "1", "--audio")[0]["connected"] == 2
    assert "complete -o default" in walk("completion", "bash")[0]["script"]
    walk("man")
    walk("participant", "remove", name, "callee")
    callee.connected = False
    walk("participant", "move", name, "other", "elsewhere")
    database = ["--database", str(tmp_path / "dashboard.db")]
    assert "#" in walk("operator", "setup", *database)[0]["link"]
    walk("operator", "add", "ann", "--role", "admin", *database, input="correct horse battery\n")
    walk("operator", "passwd", "ann", *database, input="correct horse battery 2\n")
    walk("operator", "add", "bob", *database, input="correct horse battery\n")
    walk("operator", "remove", "bob", *database)
    assert [o["name"] for o in walk("operator", "list", *database)[0]["operators"]] == ["ann"]
    assert walked | {"dev"} == {" ".join(c["command"]) for c in cli.table()}


def test_dev_json():
    """`auralink dev --json` prints one object when the server is there; what it logs goes elsewhere."""
    with subprocess.Popen([*program(), "dev", "--json", "--no-aic", "--bind", "127.0.0.1", "--port", "0", "--udp-port",
                           "0", "--tcp-port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as dev:
        try:
            said = json.loads(dev.stdout.readline())
            assert cli.run("room", "list", "--url", said["url"], "--api-key", said["api_key"], "--api-secret",
                           said["api_secret"]).returncode == 0
            assert said["token"].count(".") == 2 and said["ai_core"] == "" and (said["room"], said["identity"]) == ("demo", "guest")
            assert eventually(lambda: children(dev.pid), 60, what="the server is its child")
        finally:
            dev.send_signal(signal.SIGINT)
        assert dev.stdout.read() == "" and dev.wait(30) == 0
