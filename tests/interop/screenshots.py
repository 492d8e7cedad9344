# SPDX-License-Identifier: Apache-2.0
"""Takes the pictures of docs/screenshots anew: `make screenshots`; `screenshots.py NAME...` takes some: prejoin, accounts, large, call,
dashboard, cluster.

The camera is webcam-vga-again.mkv of shared/media (Intel Corporation, CC BY 4.0), the only clip there whose frames may be shown.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

from lib import clip, tokens
from lib.aicore import AICore
from lib.dashboard_page import Operator, setup_link
from lib.driver import PATIENCE_S, Driver, eventually
from lib.meet import PAGES, as_browsers_like_it, people_maker, start_browser
from lib.receiver import Receiver
from lib.redis import Redis
from lib.server import ROOT, Server
from test_cluster import Nodes

PICTURES = os.path.join(ROOT, "docs", "screenshots")
PASSWORD = "correct horse battery"
PHONE = {"width": 390, "height": 780}
GUESTS = """Emmy Noether, Marie Curie, Rosalind Franklin, Lise Meitner, Ada Lovelace, Sofia Kovalevskaya, Barbara McClintock, Chien-Shiung Wu,
Katherine Johnson, Mary Somerville, Dorothy Hodgkin, Maria Mitchell, Caroline Herschel, Sophie Germain, Hypatia, Hedy Lamarr,
Vera Rubin, Rita Levi-Montalcini, Maryam Mirzakhani, Henrietta Leavitt, Inge Lehmann, Cecilia Payne, Jocelyn Bell, Jane Goodall,
Tu Youyou, Wangari Maathai, Mary Anning, Émilie du Châtelet, Annie Cannon, Grace Hopper, Gerty Cori""".replace("\n", " ").split(", ")


def wait_for(compressed) -> None:
    """A machine that is busy with other things shows native pictures, which is true, but not what is to be shown."""
    try:
        eventually(compressed, PATIENCE_S, what="AI Core keeps up")
    except AssertionError as late:
        print(f"screenshots: {late}: take them again on a machine with nothing else to do", file=sys.stderr)


def looks_on(make, driver, url: str, room: str, name: str, **how):
    person = make(driver, url, room, name, **how)
    person.see(".mirror video")
    eventually(lambda: person.evaluate(js="document.querySelector('.mirror video').currentTime > 1"))
    return person


def take_prejoin(make, drivers, url: str) -> None:
    first = looks_on(make, drivers[0], url, "garden", "Alan Turing")
    first.fill(label="Your name", text=first.name)
    first.shot(path=os.path.join(PICTURES, "prejoin.jpg"))


def sign_up(person) -> None:
    person.client.call("click", role="tab", name="Sign in to call people")
    person.press_button("New here? Sign up")
    person.fill(label="Name that others see", text=person.name)
    person.fill(label="Your AuraID: @name.aura", text=person.name.split()[0].lower())
    person.fill(label="Password, 10 characters or more", text=PASSWORD)
    person.press_button("Sign up with a password")
    person.see(".call-by-id")


def add(person, name: str) -> None:
    person.fill(label="AuraID of whom you want to call", text=name)
    person.press_button("Add to contacts")
    person.see(".callee", name)


def take_accounts(make, drivers, url: str) -> None:
    visitor = looks_on(make, drivers[0], url, "", "Alan Turing")
    visitor.client.call("click", role="tab", name="Sign in to call people")
    visitor.see(".sign-in")
    visitor.shot(path=os.path.join(PICTURES, "sign-in.jpg"))
    people = [make(drivers[n % 2], url, "", name) for n, name in enumerate(("Grace Hopper", "Ada Lovelace"))]
    for person in [visitor, *people]:
        sign_up(person)
    for person in people:
        add(person, "alan")
        add(visitor, person.name.split()[0].lower())
    visitor.see(".presence-here")
    people[0].press_button("Call Alan Turing")
    visitor.see("dialog.incoming")
    visitor.shot(path=os.path.join(PICTURES, "incoming.jpg"))
    visitor.press(key="Escape")
    visitor.see("dialog.incoming", state="detached")
    people[0].press_button("Cancel the call")
    visitor.see(".missed")
    visitor.shot(path=os.path.join(PICTURES, "people.jpg"))
    take_account(visitor)
    phone = make(drivers[1], url, "", visitor.name, viewport=PHONE, colours="light", touch=True)
    phone.client.call("click", role="tab", name="Sign in to call people")
    phone.fill(label="Your AuraID", text="alan")
    phone.fill(label="Password", text=PASSWORD)
    phone.press_button("Sign in with a password")
    phone.see(".signed-in")
    phone.client.call("click", role="tab", name="Account")
    phone.see(".own-row", "My laptop")
    phone.evaluate(js="document.querySelector('.prejoin-ways').scrollIntoView()")
    phone.shot(path=os.path.join(PICTURES, "account-phone.jpg"))
    take_adding(visitor, *people)


def take_account(person) -> None:
    person.authenticator()
    person.client.call("click", role="tab", name="Account")
    person.fill(label="Name of a new passkey, as “My phone”", text="My laptop")
    person.press_button("Add a passkey")
    person.see(".own-row", "My laptop")
    person.fill(label="AuraID to block", text="@spammer.aura")
    person.press_button("Block")
    person.see(".own-row", "@spammer.aura")
    person.shot(path=os.path.join(PICTURES, "account.jpg"), whole=True)


def take_adding(caller, called, added) -> None:
    """One more is rung out of a call."""
    called.press_button("Turn the camera off")
    caller.client.call("click", role="tab", name="Call people")
    caller.press_button("Call " + called.name)
    called.press_button("Accept")
    caller.see(caller.tile(called.name))
    caller.press(key="p")
    caller.fill(label="Add somebody by their AuraID", text=added.name.split()[0].lower())
    caller.press_button("Ring")
    added.see("dialog.incoming")
    caller.see(".call-rung", "ringing")
    caller.see(".tile video")
    caller.shot(path=os.path.join(PICTURES, "adding.jpg"))


def take_large(make, drivers, url: str) -> None:
    """More people than fit on a screen; all but one without a picture."""
    first = looks_on(make, drivers[0], url, "lecture", "Alan Turing")
    first.join()
    crowd = Driver("crowd", ["node", "clients/node_client.mjs"], env={"RUST_LOG": "warn"})
    try:
        for at, name in enumerate(GUESTS):
            crowd.client(name).connect(url.replace("http", "ws"), tokens.join(f"guest-{at}", "lecture", name), autoSubscribe=False)
        first.see(".topbar-count", f"{len(GUESTS) + 1} people")
        first.see(".pager p", "Page 1 of 2")
        first.shot(path=os.path.join(PICTURES, "large.jpg"))
        phone = make(drivers[1], url, "lecture", "Joan Clarke", viewport=PHONE, colours="light", touch=True)
        phone.press_button("Turn the camera off")
        phone.join()
        phone.see(".pager")
        phone.shot(path=os.path.join(PICTURES, "large-phone.jpg"))
        pin = "Show Alan Turing large"
        while not phone.count(css=f'button[aria-label="{pin}"]'):
            phone.press(key="PageDown")
        phone.press_button(pin)
        phone.see('.stage-focus > .tile[aria-label="Alan Turing"] video')
        phone.until_flow(framesDecoded=30)
        phone.shot(path=os.path.join(PICTURES, "large-phone-one.jpg"))
        first.press_button("Show Alan Turing (you) large")
        first.see(".strip .tile")
        first.shot(path=os.path.join(PICTURES, "large-one.jpg"))
    finally:
        crowd.stop()


def take_call(make, drivers, url: str, into: str) -> None:
    first = looks_on(make, drivers[0], url, "garden", "Alan Turing")
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


def take_cluster(make, drivers, url: str) -> None:  # noqa: ARG001: nodes of its own
    """Three nodes with people on each, as one of them shows them."""
    redis, servers = Redis(), []
    crowd = Driver("crowd", ["node", "clients/node_client.mjs"], env={"RUST_LOG": "warn"})

    def start(**how) -> Server:
        servers.append(Server(**how))
        return servers[-1]

    with tempfile.TemporaryDirectory() as folder:
        try:
            nodes = Nodes(start, redis)
            for region in ("eu", "us", "asia"):
                nodes.add(1, region=region, dashboard={"database": os.path.join(folder, f"{region}.db")})
            nodes.meet()
            for at, name in enumerate(GUESTS):
                where = servers[at % 3]
                crowd.client(name).connect(where.url, tokens.join(f"guest-{at}", f"room {at % 7}", name), autoSubscribe=False)
            here = as_browsers_like_it(servers[0].http_url)
            ada = Operator(drivers[0], here, "ada", setup_link(os.path.join(folder, "eu.db"), here),
                           viewport={"width": 1280, "height": 900}).set_up()
            ada.open("Nodes and routes")
            ada.see("h2", "3 nodes")
            people = "[...document.querySelectorAll('tbody tr')].slice(0, 3).reduce((sum, row) => sum + Number(row.cells[3].innerText), 0)"
            eventually(lambda: ada.evaluate(js=people) == len(GUESTS), what="heartbeats tell of all")
            picture(ada, "cluster")
            ada.client.call("close")
        finally:
            crowd.stop()
            for server in servers:
                server.stop()
                server.cleanup()
            redis.close()


TAKES = {"prejoin": take_prejoin, "accounts": take_accounts, "large": take_large, "cluster": take_cluster}


def main() -> int:
    source = clip.source("webcam-vga-again.mkv")
    if not source or not os.path.exists(os.path.join(PAGES, "index.html")):
        print("screenshots: need shared/media beside the checkout, and the app (make web)", file=sys.stderr)
        return 1
    os.makedirs(PICTURES, exist_ok=True)
    core = AICore("--without", "faces,person")
    receiver = Receiver()
    with tempfile.TemporaryDirectory() as folder:
        database = os.path.join(folder, "dashboard.db")
        server = Server(extra=["--ai-core", core.address], config={
            "dashboard": {"database": database}, "record": {"folder": os.path.join(folder, "recordings")},
            "webhook": {"api_key": "devkey", "urls": [receiver.url], "outbox": os.path.join(folder, "webhooks.db")}})
        drivers = [start_browser(f"meet-{n}", folder, source) for n in (1, 2)]
        try:
            wanted = sys.argv[1:] or [*TAKES, "call", "dashboard"]
            if "cluster" in wanted and Redis.missing():
                wanted.remove("cluster")
                print(f"screenshots: no picture of a cluster: {Redis.missing()}", file=sys.stderr)
            for name in [name for name in TAKES if name in wanted]:
                make, close = people_maker()
                TAKES[name](make, drivers, server.http_url)
                close()  # nobody of theirs is in what is taken next
            if {"call", "dashboard"} & set(wanted):
                take_call(people_maker()[0], drivers, server.http_url, PICTURES if "call" in wanted else folder)
            if "dashboard" in wanted:
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
