# SPDX-License-Identifier: Apache-2.0
"""Takes the pictures of docs/screenshots anew: `make screenshots`, or those of `dashboard` alone.

The camera is webcam-vga-again.mkv of shared/media (Intel Corporation, CC BY 4.0), the only clip there whose frames may be shown.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

from lib import clip
from lib.aicore import AICore
from lib.dashboard_page import Operator, setup_link
from lib.driver import PATIENCE_S, eventually
from lib.meet import PAGES, as_browsers_like_it, people_maker, start_browser
from lib.receiver import Receiver
from lib.server import ROOT, Server

PICTURES = os.path.join(ROOT, "docs", "screenshots")
PHONE = {"width": 390, "height": 780}


def wait_for(compressed) -> None:
    """A machine that is busy with other things shows native pictures, which is true, but not what is to be shown."""
    try:
        eventually(compressed, PATIENCE_S, what="AI Core keeps up")
    except AssertionError as late:
        print(f"screenshots: {late}: take them again on a machine with nothing else to do", file=sys.stderr)


def take(make, drivers, url: str, into: str) -> None:
    first = make(drivers[0], url, "garden", "Alan Turing")
    first.see(".mirror video")
    first.fill(label="Your name", text=first.name)
    eventually(lambda: first.evaluate(js="document.querySelector('.mirror video').currentTime > 1"))
    first.shot(path=os.path.join(into, "prejoin.jpg"))
    first.join()
    second = make(drivers[1], url, "garden", "Grace Hopper", viewport=PHONE, colours="light", touch=True)
    second.press_button("Turn the camera off")
    second.join()
    third = make(drivers[1], url, "garden", "Ada Lovelace", colours="light")
    third.press_button("Turn the camera off")
    third.join()
    second.press_button("Raise your hand")
    first.see(".tile-hand")
    third.press(key="a")
    compressed = third.tile("Alan Turing") + " .badge-compressed"
    wait_for(lambda: third.count(css=compressed) == 1)
    time.sleep(20)  # of graph
    wait_for(lambda: third.count(css=compressed) == 1)
    third.shot(path=os.path.join(into, "call-light.jpg"))
    second.shot(path=os.path.join(into, "phone.jpg"))
    first.press(key="c")
    first.fill(label="Message to all", text="Can you all see the green numbers?")
    first.press(key="Enter")
    first.see(".chat-text", "green")
    first.shot(path=os.path.join(into, "call.jpg"))


def look_around(first: Operator, url: str, room: str) -> None:
    """All pages of the dashboard, while people are in the room."""
    first.open("Projects and keys")
    for project in ("Shop app", "Clinic"):
        first.press_button("New key")
        first.fill(label="Project", text=project)
        first.press_button("Make the key")
        first.see("dialog[open] b", "shown this once")
        if project == "Clinic":
            picture(first, "key")
        first.answer("I have it")
    picture(first, "keys")
    for name, place in (("overview", "Overview"), ("aic", "AI compression"), ("nodes", "Nodes and routes"), ("webhooks", "Webhooks"),
                        ("recordings", "Recordings"), ("audit", "Audit log"), ("operators", "Operators")):
        first.open(place)
        first.see(".note", "Loading…", state="detached")
        picture(first, name)
    first.open("Rooms").follow(room)
    first.see("td", "Ada Lovelace")
    picture(first, "room")
    first.follow("Ada Lovelace")
    first.see(".timeline")
    picture(first, "participant")
    first.follow("Camera of Alan Turing")
    first.see(".timeline")
    picture(first, "track")
    first.press_button("Light colours")
    first.open("Overview")
    first.see(".note", "Loading…", state="detached")
    picture(first, "light")


def picture(page, name: str) -> None:
    page.shot(path=os.path.join(PICTURES, f"dashboard-{name}.jpg"))


def take_dashboard(drivers, server: Server, database: str) -> None:
    url = as_browsers_like_it(server.http_url)
    first = Operator(drivers[0], url, "ada", setup_link(database, url), viewport={"width": 1280, "height": 900})
    picture(first, "setup")
    first.set_up()
    look_around(first, url, "garden")
    phone = Operator(drivers[1], url, "ada", viewport=PHONE, touch=True).sign_in()
    phone.see("h1", "Overview")
    phone.see(".note", "Loading…", state="detached")
    picture(phone, "phone")


def main() -> int:
    source = clip.source("webcam-vga-again.mkv")
    if not source or not os.path.exists(os.path.join(PAGES, "index.html")):
        print("screenshots: need shared/media beside the checkout, and the app (make web)", file=sys.stderr)
        return 1
    os.makedirs(PICTURES, exist_ok=True)
    core, make_close = AICore("--without", "faces,person"), people_maker()
    receiver = Receiver()
    with tempfile.TemporaryDirectory() as folder:
        database = os.path.join(folder, "dashboard.db")
        server = Server(extra=["--ai-core", core.address], config={
            "dashboard": {"database": database}, "record": {"folder": os.path.join(folder, "recordings")},
            "webhook": {"api_key": "devkey", "urls": [receiver.url], "outbox": os.path.join(folder, "webhooks.db")}})
        drivers = [start_browser(f"meet-{n}", folder, source) for n in (1, 2)]
        try:
            take(make_close[0], drivers, server.http_url, folder if "dashboard" in sys.argv[1:] else PICTURES)
            take_dashboard(drivers, server, database)
        finally:
            for driver in drivers:
                driver.stop()
            server.stop()
            server.cleanup()
            core.stop()
            receiver.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
