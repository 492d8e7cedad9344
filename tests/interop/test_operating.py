# SPDX-License-Identifier: Apache-2.0
"""What operators get beside the programs: dashboard, systemd unit, completion, manual."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

import pytest

from lib.driver import eventually
from lib.media import program
from lib.server import ROOT

DEPLOY = os.path.join(ROOT, "deploy")
WORDS = {"sum", "rate", "by", "le", "histogram_quantile", "state", "direction", "transmission", "reason"}


def test_dashboard(server, room):
    """Each query of the Grafana dashboard names metrics and labels that the server has once there is a call."""
    names, labels = set(), set()

    def look() -> bool:
        _, text, _ = server.get("/metrics")
        names.update(re.findall(r"^([a-z0-9_]+)[{ ]", text, re.M))
        labels.update(re.findall(r'[{,]([a-z_]+)="', text))
        return {"livekit_rtt_ms_bucket", "livekit_jitter_us_bucket", "livekit_quality_score_count"} <= names

    with open(os.path.join(DEPLOY, "grafana", "auralink.json")) as file:
        dashboard = json.load(file)
    queries = [t["expr"] for p in dashboard["panels"] for t in p.get("targets", [])]
    assert len(queries) > 15
    ids = [p["id"] for p in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    room.join("node", "sender").call("publishVideo", fps=15)
    room.join("python", "viewer").wait("trackSubscribed")
    eventually(look, 60, what="reports of a call")
    for query in queries:
        metrics = re.findall(r"\b(?:livekit|auralink)_[a-z_]+", query)
        assert metrics, query
        assert set(metrics) <= names, (query, set(metrics) - names)
        for group in re.findall(r"by \(([^)]*)\)", query):
            assert {w.strip() for w in group.split(",")} <= labels, (query, group)


def test_systemd_unit():
    """systemd finds nothing wrong with the unit but that the program isn't installed here."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd here")
    unit = os.path.join(DEPLOY, "systemd", "auralink-server.service")
    done = subprocess.run(["systemd-analyze", "verify", "--recursive-errors=no", unit], capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if "auralink-server.service" in line and
                  "is not executable" not in line]
    assert not complaints, complaints


def commands() -> list[list[str]]:
    text = subprocess.run([*program(), "--help"], capture_output=True, text=True, check=True).stdout
    part = text.split("Commands:\n")[1].split("\n\n")[0]
    return [line[:30].split() for line in part.splitlines()]


def options(command: list[str]) -> list[str]:
    text = subprocess.run([*program(), *command, "--help"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^  (--?[a-z][a-z0-9-]*)", text, re.M)


def complete(script: str, *words: str) -> list[str]:
    """What bash would offer for the last word."""
    quoted = " ".join(f"'{w}'" for w in words)
    code = f"source '{script}'; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _auralink; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_completion(tmp_path):
    """bash completes every command and every option that --help shows."""
    script = str(tmp_path / "completion")
    with open(script, "w") as file:
        subprocess.run([*program(), "completion", "bash"], stdout=file, check=True)
    all_commands = commands()
    assert len(all_commands) > 15
    assert {c[0] for c in all_commands} <= set(complete(script, "auralink", ""))
    assert complete(script, "auralink", "pub") == ["publish"]
    for command in all_commands:
        if len(command) == 2:
            assert command[1] in complete(script, "auralink", command[0], "")
        wanted = options(command)
        assert "--help" in wanted and set(wanted) == set(complete(script, "auralink", *command, "-")), command
    assert subprocess.run([*program(), "completion", "tcsh"], capture_output=True).returncode == 2


def test_completion_fish(tmp_path):
    """fish offers the same, with what it is for."""
    script = tmp_path / "auralink.fish"
    script.write_text(subprocess.run([*program(), "completion", "fish"], capture_output=True, text=True, check=True).stdout)

    def offered(*words: str) -> dict[str, str]:
        done = subprocess.run(["fish", "--no-config", "-c", f"source {script}; complete -C '{' '.join(words)}'"],
                              capture_output=True, text=True, check=True)
        assert not done.stderr, done.stderr
        return dict(line.split("\t") if "\t" in line else (line, "") for line in done.stdout.splitlines())

    all_commands = commands()
    assert {c[0] for c in all_commands} == {w for w in offered("auralink", "") if not w.startswith("-")}
    for command in all_commands:
        if len(command) == 2:
            assert offered("auralink", command[0], "")[command[1]], command
        wanted = {o for o in options(command) if o.startswith("--")}
        assert wanted == {w for w in offered("auralink", *command, "--") if w.startswith("--")}, command
    assert "sync" in "".join(offered("auralink", "room", "create", "--s")), "it finishes words"


ZSH = """
compdef() { :; }
_describe() { print -rl -- "${(@P)${@[-1]}}"; }
_arguments() { print -rl -- "$@"; }
source "$1"
shift
words=("$@") CURRENT=$#
_auralink
"""


def test_completion_zsh(tmp_path):
    """zsh's own functions get every command and option with what it is for."""
    script = tmp_path / "_auralink"
    script.write_text(subprocess.run([*program(), "completion", "zsh"], capture_output=True, text=True, check=True).stdout)

    def given(*words: str) -> list[str]:
        done = subprocess.run(["zsh", "-f", "-c", ZSH, "zsh", str(script), *words], capture_output=True, text=True)
        assert done.returncode == 0 and not done.stderr, done.stderr
        return done.stdout.splitlines()

    all_commands = commands()
    assert {line.split(":")[0] for line in given("auralink", "")} == {c[0] for c in all_commands}
    for command in all_commands:
        if len(command) == 2:
            assert any(line.startswith(command[1] + ":") for line in given("auralink", command[0], "")), command
        offered = {re.match(r"\*?(--?[a-z][a-z0-9-]*)\[", line).group(1) for line in given("auralink", *command, "x", "-")
                   if re.match(r"\*?-", line)}
        assert offered == set(options(command)), command
    real = "autoload -U compinit; compinit -u -D; source $1; print -r -- $_comps[auralink]"
    done = subprocess.run(["zsh", "-f", "-c", real, "zsh", str(script)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "_auralink"


def beside(name: str) -> list[str]:
    """Another program of the same build."""
    return [os.path.join(os.path.dirname(program()[-1]), name)]


def checked(page: str, path) -> str:
    """The page as a reader sees it; man, groff and mandoc find nothing wrong with it."""
    path.write_text(page)
    shown = subprocess.run(["man", "--warnings", "-l", str(path)], capture_output=True, text=True,
                           env={**os.environ, "MANWIDTH": "200", "LC_ALL": "C.UTF-8"})
    assert shown.returncode == 0 and not shown.stderr, shown.stderr
    done = subprocess.run(["groff", "-ww", "-man", "-Kutf8", "-Tutf8", str(path)], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", str(path)], capture_output=True, text=True)
    wrong = [line for line in done.stdout.splitlines() if "missing date" not in line]  # pages are the same every day
    assert not wrong, wrong
    return shown.stdout


def test_manual(tmp_path):
    """The manual has every command and option."""
    page = subprocess.run([*program(), "man"], capture_output=True, text=True, check=True).stdout
    plain = page.replace("\\-", "-")
    for command in commands():
        assert f".SS auralink {' '.join(command)}" in plain, command
        for option in options(command):
            assert option == "--help" or f".B {option}" in plain, (command, option)
    shown = checked(page, tmp_path / "auralink.1")
    assert "auralink record compose FOLDER" in shown


@pytest.mark.parametrize("name", ["auralink-server", "auralink-aicore"])
def test_manual_of_services(name, tmp_path):
    """The same of the services: --man has what --help has, and the server's all keys of its configuration."""
    page = subprocess.run([*beside(name), "--man"], capture_output=True, text=True, check=True).stdout
    plain = page.replace("\\-", "-")
    text = subprocess.run([*beside(name), "--help"], capture_output=True, text=True, check=True).stdout
    found = set(re.findall(r"^  (--?[a-z][a-z0-9-]*)", text, re.M)) - {"--man"}
    assert len(found) > 10
    for option in found:
        assert re.search(rf"^\.B {option}\b", plain, re.M), option
    for variable in re.findall(r"\[env (\w+)\]", text):
        assert f".B {variable}\n" in plain, variable
    if name == "auralink-server":
        keys = subprocess.run([*beside(name), "--config-keys"], capture_output=True, text=True, check=True).stdout
        for key in re.findall(r"^\| `([^`]+)`", keys, re.M):
            assert re.search(rf"^\.B {re.escape(key)}(:|$)", plain, re.M), key
    shown = checked(page, tmp_path / f"{name}.8")
    assert f"{name.upper()}(8)" in shown
