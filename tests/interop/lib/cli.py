# SPDX-License-Identifier: Apache-2.0
"""The `auralink` command line: one command at a time, and its table."""

from __future__ import annotations

import json
import subprocess

from lib.media import program


def run(*words: str, timeout: float = 120, **more) -> subprocess.CompletedProcess:
    return subprocess.run([*program(), *words], capture_output=True, text=True, timeout=timeout, **more)


def documents(text: str) -> list:
    """The JSON values that text consists of, one behind the other; nothing else may be there."""
    decoder, values, at = json.JSONDecoder(), [], 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        values.append(value)
    return values


def table() -> list[dict]:
    """All commands as the program has them."""
    return json.loads(run("man", "--json").stdout)["commands"]


def good(server, *words: str) -> dict:
    """A command that must succeed. @return what it prints with --json"""
    done = run(*words, "--json", "--url", server.http_url)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    [value] = documents(done.stdout)
    return value


def error_of(done: subprocess.CompletedProcess) -> dict:
    """The error object of a command that failed under --json; a person is told the same."""
    assert done.returncode != 0, done
    error = documents(done.stdout)[-1]
    assert set(error) == {"error", "hint"} and error["error"], done
    assert error["error"] in done.stderr and error["hint"] in done.stderr, done
    return error
