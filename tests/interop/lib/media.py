# SPDX-License-Identifier: Apache-2.0
"""`auralink publish` and `auralink subscribe` as processes whose lines of JSON are read as they come."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import tempfile

from lib.driver import eventually
from lib.server import ROOT, first_in_line


def program() -> list[str]:
    command = os.environ.get("AURA_CLI_CMD")
    return shlex.split(command) if command else [os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"), "auralink")]


class Media:
    """One of the two commands. `last` is its newest line."""

    def __init__(self, command: str, url: str, room: str, *options: str):
        self._folder = tempfile.TemporaryDirectory(prefix="media-")
        self._out = os.path.join(self._folder.name, "out")
        self._err = os.path.join(self._folder.name, "err")
        argv = [*program(), *self._argv(command, url, room, options)]
        with open(self._out, "wb") as out, open(self._err, "wb") as err, first_in_line():
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def _argv(self, command: str, url: str, room: str, options: tuple[str, ...]) -> list[str]:
        return [command, "--url", url, "--room", room, "--json", *options]

    def lines(self) -> list[dict]:
        with open(self._out, errors="replace") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def log(self) -> str:
        with open(self._err, errors="replace") as file:
            return file.read()

    @property
    def last(self) -> dict:
        assert self.process.poll() in (None, 0), f"{self.process.args} ended: {self.log()}"
        lines = self.lines()
        return lines[-1] if lines else {}

    def until(self, check, timeout: float, what: str) -> dict:
        def good():
            line = self.last
            return line if line and check(line) else None

        try:
            return eventually(good, timeout, 0.1, what)
        except BaseException:
            print(self.lines()[-5:], self.log())
            raise

    def finish(self, timeout: float = 60) -> dict:
        """Lets it end in good order. @return its summary"""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        assert self.process.wait(timeout) == 0, self.log()
        summary = self.lines()[-1]
        assert summary.get("summary"), summary
        return summary

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._folder.cleanup()
