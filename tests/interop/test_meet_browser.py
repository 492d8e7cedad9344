# SPDX-License-Identifier: Apache-2.0
"""AuraLink Meet in Chromium: people join, see, hear and write to each other."""

from __future__ import annotations

import os
import re

import pytest

from lib import tokens
from lib.driver import eventually
from lib.meet import PAGES, default_source, needs_pages, people_maker, start_browser
from lib.server import Server
from test_meet import Production

pytestmark = [pytest.mark.browser, needs_pages]
FIRST_LOAD_BYTES = 300_000
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
CALL = {"framesDecoded": 20, "audioBytes": 2000, "audioEnergy": 1e-6, "sentBytes": 10_000}


@pytest.fixture(scope="module")
def browsers(tmp_path_factory):
    """Two Chromium processes."""
    folder = str(tmp_path_factory.mktemp("meet"))
    made = [start_browser(f"meet-{n}", folder, default_source()) for n in (1, 2)]
    yield made
    for driver in made:
        driver.stop()


@pytest.fixture
def enter(browsers):
    """enter(server, room, name, browser=0, **how): somebody in front of the page before a call."""
    make, close = people_maker()
    yield lambda server, room, name, browser=0, **how: make(browsers[browser], server.http_url, room, name, **how)
    close()


def test_two_people_see_and_hear_each_other(server, enter):
    """Two browsers; mute, camera, screen share and leaving, as the other one sees them."""
    ada, bob = enter(server, "garden", "Ada").join(), enter(server, "garden", "Bob", 1).join()
    for person, other in ((ada, "Bob"), (bob, "Ada")):
        person.see(f"{person.tile(other)} video")
        person.until_flow(**CALL)
        person.see(f"{person.tile(other)} .quality", "connection")
    ada.press_button("Mute")
    bob.see(f"{bob.tile('Ada')} .tile-muted")
    ada.press_button("Unmute")
    bob.see(f"{bob.tile('Ada')} .tile-muted", state="detached")
    ada.press_button("Turn the camera off")
    bob.see(f"{bob.tile('Ada')} .avatar", "A")
    ada.press_button("Turn the camera on")
    bob.see(f"{bob.tile('Ada')} video")
    ada.press_button("Share your screen")
    bob.see(f"{bob.tile('Ada: screen')} video")
    bob.see('.stage[data-layout="focus"]')
    ada.press_button("Stop sharing")
    bob.see('.stage[data-layout="grid"]')
    bob.press_button("Show who speaks large")
    bob.see('.stage[data-layout="focus"] .strip .tile')
    assert ada.faults() == bob.faults() == []
    ada.press_button("Leave the call")
    ada.see("h1", "You have left the call.")
    bob.see(bob.tile("Ada"), state="detached")


def test_chat_hands_and_reactions(server, enter):
    """By buttons, and by keys; keys that are typed into a message are no shortcuts."""
    ada, bob = enter(server, "kitchen", "Ada").join(), enter(server, "kitchen", "Bob", 1).join()
    ada.see(ada.tile("Bob"))
    ada.press(key="c")
    ada.fill(label="Message to all", text="how much me have we, mash?")
    ada.press(key="m")
    ada.press(key="Enter")
    ada.see(".chat-mine .chat-text", "how much me have we, mash?")
    bob.see('.controls button[aria-label="Chat, 1 new"]')
    bob.press_button("Chat, 1 new")
    bob.see(".chat-text", "how much me have we, mash?m")
    bob.see(f"{bob.tile('Ada')} .tile-muted", state="detached")
    bob.press_button("Raise your hand")
    ada.see(f"{ada.tile('Bob')} .tile-hand")
    ada.press_button("People")
    ada.see(".person:first-child .person-name", "Bob")  # whoever wants to speak stands first
    bob.press_button("Lower your hand")
    ada.see(f"{ada.tile('Bob')} .tile-hand", state="detached")
    bob.press_button("Reactions")
    bob.press_button("Applause")
    ada.see(".flight", "👏", state="attached")
    assert ada.faults() == bob.faults() == []


def test_hostile_names_and_words_are_text(server, enter):
    ada, eve = enter(server, "lab", "Ada").join(), enter(server, "lab", HOSTILE[:60], 1).join()
    eve.press(key="c")
    eve.fill(label="Message to all", text=HOSTILE)
    eve.press(key="Enter")
    ada.press(key="c")
    ada.see(".chat-text", HOSTILE)
    ada.see(".tile-name", HOSTILE[:60])
    ada.press(key="Tab")
    ada.press_button("People")
    ada.see(".person-name", HOSTILE[:60])
    for person in (ada, eve):
        assert person.evaluate(js="window.hacked === undefined && document.querySelectorAll('#root img').length === 0")
        assert person.faults() == []
    # Even where the app failed, the page's policy would not let it run.
    blocked = """new Promise((done) => {
        document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective), { once: true });
        document.body.insertAdjacentHTML('beforeend', '<img src="/none" onerror="window.hacked=1">');
    })"""
    assert ada.evaluate(js=blocked).startswith("script-src")
    assert ada.evaluate(js="window.hacked === undefined")


@pytest.mark.parametrize("colours", ["dark", "light"])
def test_everybody_can_use_it(server, enter, colours):
    """axe-core finds nothing serious on any page or panel, in either colours."""
    ada = enter(server, f"hall-{colours}", "Ada", colours=colours, still=True)
    ada.see(".mirror video")
    assert ada.evaluate(js="document.documentElement.dataset.theme") == colours
    assert ada.serious() == []
    ada.join()
    ada.see(f"{ada.tile('Ada (you)')} video")
    assert ada.serious() == []
    for key in "cpad":
        ada.press(key=key)
        ada.see(".panel")
        assert ada.serious() == [], key
        ada.press_button(ada.evaluate(js="document.querySelector('.panel-head button').ariaLabel"))
    ada.press(key="?")
    ada.see(".keys")
    assert ada.serious() == []


def test_first_load(server, enter, record):
    """What has to come before somebody can type a name, as gzip sends it."""
    ada = enter(server, "x", "Ada")
    ada.see('.prejoin button[type="submit"]')
    # Of the page itself, which knows all that it has loaded; what the driver notes of each comes a moment later.
    own = set(ada.evaluate(js="""[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        .map((entry) => new URL(entry.name).pathname)"""))
    paths = {path for path in own if path.startswith(("/assets/", "/r/"))}
    eventually(lambda: paths <= {item["path"] for item in ada.loaded()}, what="what was loaded is noted")
    assert any(path.endswith(".js") for path in paths) and not any("RoomPage" in path for path in paths)
    files = ["/index.html" if path.startswith("/r/") else path for path in paths]
    total = sum(os.path.getsize(PAGES + file + ".gz") for file in files)
    record(first_load_bytes=total)
    assert 10_000 < total < FIRST_LOAD_BYTES
    assert all(item["encoding"] in ("br", "gzip") for item in ada.loaded() if item["path"].endswith((".js", ".css")))


def test_on_a_phone(server, enter):
    """Nothing sticks out of a small screen, and panels lie over the stage."""
    ada = enter(server, "bus", "Ada", viewport={"width": 390, "height": 780}, touch=True)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    ada.see(".mirror")
    assert ada.evaluate(js=fits)
    ada.join()
    ada.press_button("Chat")
    ada.see(".panel")
    assert ada.evaluate(js=fits)
    inside = """[...document.querySelectorAll('.controls button, .panel, .topbar button')].every((e) => {
        const box = e.getBoundingClientRect();
        return box.left >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
    })"""
    assert ada.evaluate(js=inside)


def shown(person) -> list[str]:
    """Who is on the page of tiles, not counting who is large."""
    return person.evaluate(js="""[...document.querySelectorAll('.stage-grid .tile, .strip .tile')]
        .map((tile) => tile.dataset.identity)""")


def pages(person) -> int:
    return int(re.fullmatch(r"Page \d+ of (\d+)", person.texts(css=".pager p")[0])[1])


def around(person) -> list[str]:
    """Turns all pages by a key, from the first one until it comes again: who was on them."""
    person.see(".pager p", "Page 1 of")
    count, seen = pages(person), shown(person)
    for at in range(2, count + 1):
        person.press(key="PageDown")
        person.see(".pager p", f"Page {at} of {count}")
        seen += shown(person)
    person.press(key="PageDown")
    person.see(".pager p", f"Page 1 of {count}")
    assert count >= 2
    return seen


MICROPHONE = '.field:has(span:text-is("Microphone")) select'
LARGE = ".stage-focus > .tile"


@pytest.mark.parametrize("screen", ["wide", "phone"])
def test_a_large_room_has_pages(server, enter, room_on, screen):
    """Who does not fit is on another page, which keys and buttons turn to; nobody is lost or shown twice, nor beside who is large."""
    size = {"width": 640, "height": 480} if screen == "wide" else {"width": 390, "height": 780}
    ada = enter(server, f"stadium-{screen}", "Ada", viewport=size, still=True).join()
    ada.see(ada.tile("Ada (you)"))
    assert ada.count(css=".pager") == 0
    room = room_on(server, f"stadium-{screen}")
    guests = {f"guest {n}" for n in range(12)}
    for name in guests:
        room.join("node", name)
    ada.see(".topbar-count", "13 people", state="attached")
    ada.see(".pager p", "Page 1 of")
    eventually(lambda: len(guests) + 1 <= pages(ada) * len(shown(ada)), what="all have a place")
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert ada.serious() == [] and ada.evaluate(js=fits)
    made_out = """[...document.querySelectorAll('.stage-grid .tile, .avatar')].map((e) => e.getBoundingClientRect())
        .every(({ width, height }) => (width > 150 && height > 80) || (Math.abs(width - height) < 1 && height > 30))"""
    assert ada.evaluate(js=made_out)  # tiles are no stripes, and avatars are round
    seen = around(ada)
    assert len(seen) == len(set(seen)) == len(guests) + 1 and guests < set(seen)
    count = pages(ada)
    ada.press(key="PageUp")  # before the first one is the last
    ada.see(".pager p", f"Page {count} of {count}")
    ada.press_button("Next page")
    ada.see(".pager p", f"Page 1 of {count}")
    ada.press(key="c")
    ada.fill(label="Message to all", text="x")
    ada.press(key="PageUp")  # that is for what is typed
    ada.press_button("Close: Chat")
    ada.see(".pager p", f"Page 1 of {count}")

    ada.press(key="l")
    ada.see(LARGE)
    large = ada.evaluate(js=f"document.querySelector('{LARGE}').dataset.identity")
    seen = around(ada)
    assert len(seen) == len(set(seen)) and {large, *seen} > guests and large not in seen
    assert ada.serious() == [] and ada.evaluate(js=fits)
    inside = """[...document.querySelectorAll('.strip .tile')].every((tile) => {
        const [box, strip] = [tile, tile.parentElement].map((e) => e.getBoundingClientRect());
        return box.left >= strip.left - 1 && box.right <= strip.right + 1 && box.width >= 139;
    })"""
    assert ada.evaluate(js=inside)  # a page is one row, and as many as it has room for
    ada.press(key="PageDown")
    ada.see(".pager p", "Page 2 of")
    wanted = shown(ada)[0]
    ada.press_button(f"Show {wanted} large")
    ada.see(f'{LARGE}[data-identity="{wanted}"]')
    ada.press(key="PageUp")
    seen = around(ada)
    assert len(seen) == len(set(seen)) and {wanted, *seen} > guests and wanted not in seen
    ada.press_button(f"Unpin {wanted}")
    ada.press(key="l")
    ada.see('.stage[data-layout="grid"]')
    assert ada.faults() == []


def test_another_microphone(server, enter):
    """In the middle of a call, with the sound going on; the choice is kept for the next one."""
    ada, bob = enter(server, "shed", "Ada").join(), enter(server, "shed", "Bob", 1).join()
    bob.until_flow(audioBytes=2000, audioEnergy=1e-6)
    names = ada.evaluate(js="""navigator.mediaDevices.enumerateDevices().then((all) =>
        Object.fromEntries(all.filter((one) => one.kind === 'audioinput').map((one) => [one.label, one.deviceId])))""")
    used = """window.testPeers.flatMap((peer) => peer.getSenders()).map((sender) => sender.track)
        .filter((track) => track?.kind === 'audio' && track.readyState === 'live').map((track) => track.getSettings().deviceId)"""
    ada.press(key="d")
    ada.see(MICROPHONE)
    for name in [name for name in names if "Default" not in name][:2]:
        ada.select(css=MICROPHONE, text=name)
        eventually(lambda wanted=names[name]: ada.evaluate(js=used) == [wanted], what=f"{name} is used")
        bob.until_flow(audioBytes=2000, audioEnergy=1e-6)
        assert ada.value(css=MICROPHONE) == names[name]
    ada.press_button("Leave the call")
    ada.see("h1", "You have left the call.")
    ada.see(f"{MICROPHONE} option", name, state="attached")
    assert ada.value(css=MICROPHONE) == names[name]
    assert ada.faults() == bob.faults() == []


def test_encrypted_end_to_end(server, enter):
    """Who has the passphrase sees; who has another one gets packets and no picture."""
    people = [enter(server, "vault", name, browser) for name, browser in (("Ada", 0), ("Bob", 1), ("Eve", 0))]
    for person, words in zip(people, ("apple pie", "apple pie", "guess"), strict=True):
        person.evaluate(js="document.querySelector('details').open = true")
        person.fill(label="Passphrase that all in the call type in; empty = off", text=words)
        person.join()
        person.see(".lock")
    ada, bob, eve = people
    assert "#key=apple%20pie" in ada.evaluate(js="location.href")
    bob.until_flow(framesDecoded=20)
    ada.until_flow(framesDecoded=20)
    flow = eve.until_flow(videoBytes=50_000)
    assert flow["framesDecoded"] == 0, flow


def test_coming_back(start_server, enter):
    """The server is gone for a while: the page says so, and the call goes on."""
    server = Server()  # killed, which the fixture would not forgive
    try:
        ada, bob = enter(server, "bridge", "Ada").join(), enter(server, "bridge", "Bob", 1).join()
        bob.until_flow(framesDecoded=5)
    finally:
        server.process.kill()
        server.stop()
        server.cleanup()
    ada.see(".banner", "Coming back")
    ports = {"http": server.http_port, "udp": server.udp_port, "tcp": server.tcp_port}
    start_server(ports=ports)
    for person, other in ((ada, "Bob"), (bob, "Ada")):
        person.see(".banner", state="detached")
        person.see(f"{person.tile(other)} video")
        person.until_flow(framesDecoded=10, audioBytes=1000)


def test_without_camera_and_microphone(server, enter):
    """Who does not give them is told so, and is in the call all the same."""
    ada, bob = enter(server, "cinema", "Ada").join(), enter(server, "cinema", "Bob", 1, deny=True)
    bob.see('.mirror-text[role="alert"]', "Allow it beside the address")
    bob.join()
    bob.see('.banner-fault[role="alert"]', "did not let the page use that device")
    bob.until_flow(framesDecoded=10)
    ada.see(f"{ada.tile('Bob')} .avatar", "B")
    bob.press_button("Light colours")
    bob.press_button("Close this message")
    bob.see(".banner-fault", state="detached")
    assert bob.evaluate(js="document.documentElement.dataset.theme") == "light"
    bob.until_flow(framesDecoded=10)
    assert bob.evaluate(js="window.testPeers.filter((peer) => peer.connectionState === 'connected').length") <= 2


def test_who_is_not_let_in(start_server, enter):
    """The page says why, in words for people."""
    server = start_server(config={"meet": {"rooms": ["lobby"]}})
    ada = enter(server, "office", "Ada")
    ada.fill(label="Your name", text="Ada")
    ada.press_button("Join")
    ada.see('.fault[role="alert"]', "Guests may not go into this room.")
    ada.fill(label="Room", text="lobby")
    ada.press_button("Join")
    ada.see(ada.tile("Ada (you)"))


def test_who_may_moderate(enter):
    """By a token with roomAdmin: mute, and remove, which is asked twice. Others have no such buttons."""
    server = Production(config={})
    try:
        people = []
        for browser, (name, grants) in enumerate((("Ada", {"room_admin": True}), ("Bob", {}))):
            person = enter(server, "council", name, browser)
            person.fill(label="Access token, from who invited you", text=tokens.join(name, "council", name, **grants))
            person.press_button("Join")
            person.see('.controls button[aria-label="Raise your hand"]:enabled')
            person.press(key="p")
            people.append(person)
        ada, bob = people
        ada.press_button("Mute Bob")
        bob.see('.controls button[aria-label="Unmute"]')
        ada.see(f"{ada.tile('Bob')} .tile-muted")
        ada.see('.person button[aria-label="Mute Bob"]', state="detached")
        assert ada.serious() == []
        ada.press_button("Remove Bob…")
        ada.press_button("Keep")
        ada.press_button("Remove Bob…")
        assert ada.serious() == []
        assert bob.count(css=".person button") == 0
        ada.press_button("Remove Bob")
        bob.see("h1", "You were taken out of the call.")
        ada.see(ada.tile("Bob"), state="detached")
        assert ada.faults() == []  # Bob's browser notes that his WebSocket was closed
    finally:
        status = server.stop()
        server.cleanup()
    assert status == 0
