# SPDX-License-Identifier: Apache-2.0
"""`auralink dev`, as `make run` starts it: server and AI Core together, for a person at a terminal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import urllib.request

import pytest

from lib.driver import eventually
from lib.server import ROOT


class Dev:
    def __init__(self, folder, *arguments: str):
        self._path = folder / "dev.log"
        program = os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"), "auralink")
        with open(self._path, "wb") as log:
            self.process = subprocess.Popen(
                [program, "dev", "--bind", "127.0.0.1", "--port", "0", "--udp-port", "0", "--tcp-port", "0", *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def text(self) -> str:
        return self._path.read_text(errors="replace")

    def found(self, pattern: str) -> str:
        def look():
            assert self.process.poll() is None, self.text()
            return re.search(pattern, self.text())

        return eventually(look, 60, what=pattern).group(1)


@pytest.fixture
def start_dev(tmp_path):
    started = []

    def start(*arguments):
        started.append(Dev(tmp_path, *arguments))
        return started[-1]

    yield start
    for dev in started:
        if dev.process.poll() is None:
            dev.process.kill()
            dev.process.wait()


def children(pid: int) -> dict[str, int]:
    """Names of programs to process ids."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        pids = [int(word) for word in file.read().split()]
    return {os.path.basename(os.readlink(f"/proc/{child}/exe")): child for child in pids}


def answers(port: str) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as response:
        return response.status == 200


def test_dev(start_dev):
    """AI Core is there, may go without the server going, and one Ctrl-C ends it all."""
    dev = start_dev()
    port = dev.found(r"ws://localhost:(\d+)")
    assert dev.found(r"AI Core   (127\.0\.0\.1:\d+)")
    running = children(dev.process.pid)
    assert set(running) == {"auralink-server", "auralink-aicore"}
    assert answers(port)
    os.kill(running["auralink-aicore"], signal.SIGKILL)
    eventually(lambda: "calls go on natively" in dev.text(), 60, what="it tells that AI Core ended")
    assert answers(port)
    dev.process.send_signal(signal.SIGINT)
    assert dev.process.wait(timeout=60) == 0
    assert not os.path.exists(f"/proc/{running['auralink-server']}")


def test_one_signal_ends_both(start_dev):
    dev = start_dev()
    dev.found(r"ws://localhost:(\d+)")
    running = children(dev.process.pid)
    dev.process.send_signal(signal.SIGTERM)
    assert dev.process.wait(timeout=60) == 0
    assert not any(os.path.exists(f"/proc/{pid}") for pid in running.values())


def test_without_aic(start_dev):
    dev = start_dev("--no-aic")
    dev.found(r"(calls are native)")
    assert set(children(dev.process.pid)) == {"auralink-server"}
