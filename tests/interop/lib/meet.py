# SPDX-License-Identifier: Apache-2.0
"""People who use AuraLink Meet in Chromium, by what they see and press."""

from __future__ import annotations

import itertools
import os
import subprocess

import pytest

from lib import clip
from lib.driver import PATIENCE_S, Client, Driver, eventually
from lib.server import ROOT

PAGES = os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"), "web")
AXE = os.path.join(ROOT, "web", "node_modules", "axe-core", "axe.min.js")
needs_pages = pytest.mark.skipif(not os.path.exists(os.path.join(PAGES, "index.html")) or not os.path.exists(AXE),
                                 reason="the app was not built: no Node that is new enough")
_serial = itertools.count(1)


def start_browser(name: str, folder: str, source: str | None, width: int = 640, height: int = 360,
                  fps: int = 15) -> Driver:
    """A Chromium whose camera and microphone are the clip; without one they are its own pattern and beeps."""
    files = []
    if source:
        files = [os.path.join(folder, f"camera-{height}p{fps}.y4m"), os.path.join(folder, "microphone.wav")]
        if not os.path.exists(files[0]):
            run = ["ffmpeg", "-v", "error", "-y", "-i", source]
            subprocess.run([*run, "-vf", f"scale={width}:{height}:force_original_aspect_ratio=increase,crop={width}:{height},fps={fps}", "-pix_fmt", "yuv420p", files[0]], check=True)
            sound = subprocess.run([*run, "-ac", "1", "-ar", "48000", files[1]], capture_output=True, check=False)
            files = files if sound.returncode == 0 else files[:1]
    return Driver(name, ["node", "clients/meet_client.mjs", *files])


def default_source() -> str | None:
    return clip.source()


def as_browsers_like_it(url: str) -> str:
    """http://localhost is a place from which browsers give camera and microphone."""
    return url.replace("127.0.0.1", "localhost")


class Page:
    """One page. Waiting is in the page, for as long as it may take on a busy machine."""

    def __init__(self, driver: Driver, url: str, name: str, **how):
        self.name = name
        self.client: Client = driver.client(f"{name}-{next(_serial)}")
        self.client.call("open", PATIENCE_S + 10, url=as_browsers_like_it(url), **how)

    def __getattr__(self, command: str):
        return lambda **fields: self.client.call(command, PATIENCE_S + 10, **fields)

    def see(self, css: str, text: str | None = None, state: str = "visible") -> None:
        self.client.call("see", PATIENCE_S + 10, css=css, text=text, state=state)

    def press_button(self, name: str) -> None:
        self.client.call("click", PATIENCE_S + 10, name=name)

    def serious(self) -> list:
        """What axe-core finds that keeps people out."""
        found = self.client.call("axe", PATIENCE_S + 10)
        return [v for v in found if v["impact"] in ("serious", "critical")]


class Person(Page):
    """Somebody in a call."""

    def __init__(self, driver: Driver, base: str, room: str, name: str, **how):
        super().__init__(driver, f"{base}/r/{room}" if room else f"{base}/", name, **how)

    def join(self) -> "Person":
        self.client.call("fill", label="Your name", text=self.name)
        self.press_button("Join")
        self.see('.controls button[aria-label="Raise your hand"]:enabled')
        return self

    def tile(self, name: str) -> str:
        """CSS of somebody's tile."""
        return f'.tile[aria-label="{name}"]'

    def until_flow(self, **more: float) -> dict:
        """Waits until the browser's counters have grown by so much; gives them."""
        before = self.client.call("flow")

        def grown():
            now = self.client.call("flow")
            return now if all(now[k] - before[k] >= v for k, v in more.items()) else None

        return eventually(grown, what=f"{self.name} gets {more}")


def people_maker():
    """(make(driver, base, room, name, **how), close()): pages that are closed at the end, without faults in their consoles."""
    held: list[Person] = []

    def make(*words, **how) -> Person:
        held.append(Person(*words, **how))
        return held[-1]

    def close():
        for person in held:
            person.client.call("close")

    return make, close
