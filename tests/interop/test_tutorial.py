# SPDX-License-Identifier: Apache-2.0
"""What docs/tutorial tells readers to type works, and the code that it shows is the code."""

from __future__ import annotations

import glob
import os
import re
import subprocess

import pytest

from lib.driver import eventually
from lib.load import start
from lib.media import program
from lib.meet import needs_pages, people_maker, start_browser
from lib.server import ROOT, Server

PAGES = sorted(glob.glob(os.path.join(ROOT, "docs", "tutorial", "[0-9]-*.md")))
BLOCK = re.compile(r"^```(\w+) (\S+)\n(.*?)^```$", re.M | re.S)


def blocks(kind: str, what: str | None = None) -> list[tuple[str, str]]:
    """(what the block is headed by, its text) in the order of reading."""
    found = [m for page in PAGES for m in BLOCK.findall(open(page).read())]
    return [(head, text) for k, head, text in found if k == kind and what in (None, head)]


def test_excerpts_are_the_code():
    shown = blocks("ts")
    assert len(shown) >= 5
    for path, text in shown:
        with open(os.path.join(ROOT, path)) as file:
            assert text in file.read(), f"docs/tutorial shows of {path} what is not there:\n{text}"


@pytest.mark.skipif(Server.is_reference(), reason="about this server's own interfaces")
def test_commands(server):
    """With a call in the room, as the chapters say."""
    room = "demo"
    load = start(server.url, "--room", room, "--publishers", "2", "--video", "--subscribers", "1", "--duration", "300")
    tools = os.path.dirname(program()[0])
    env = {**os.environ, "LIVEKIT_URL": server.http_url}

    def run(text: str) -> subprocess.CompletedProcess:
        script = text.replace("build/auralink ", f"{tools}/auralink ")
        return subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=env, cwd=ROOT, capture_output=True, text=True, check=False)

    def in_the_call() -> bool:
        listed = run("build/auralink participant list demo").stdout
        return all(who in listed for who in ("pub-0", "pub-1", "sub-0"))

    try:
        eventually(in_the_call, what="a call in the room")
        told = blocks("sh", "run")
        assert len(told) >= 4
        for _, text in told:
            done = run(text)
            assert done.returncode == 0 and done.stdout, (text, done.stdout, done.stderr)
        assert load.poll() is None  # the call went on all the while
    finally:
        load.terminate()  # it may not have come to measuring, which is not why it is here
        load.communicate(timeout=90)


@pytest.mark.browser
@needs_pages
def test_the_console(server, tmp_path):
    """All blocks one after the other, in the console of a window that is in a call."""
    driver, (make, close) = start_browser("tutorial", str(tmp_path), None), people_maker()
    try:
        ada = make(driver, server.http_url, "demo-tutorial", "Ada").join()
        told = blocks("js", "console")
        assert len(told) >= 5
        for _, text in told:
            ada.evaluate(js=f"(async () => {{ {text}\n }})()")
        assert ada.evaluate(js="a.connectionState") == "closed"
        assert ada.faults() == []
    finally:
        close()
        driver.stop()
