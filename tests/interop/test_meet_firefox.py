# SPDX-License-Identifier: Apache-2.0
"""AuraLink Meet with one in Firefox and one in Chromium: calls by the server, directly, and by AuraID; chat, AIC, a screen."""

from __future__ import annotations

import os
import shutil

import pytest

from lib.driver import PATIENCE_S, Driver
from lib.meet import default_source, needs_pages, people_maker, start_browser
from lib.server import Server
from test_meet_calls import INCOMING, call, id_of, in_call, ready, sign_in, sign_up
from test_meet_direct import allow, by_server, grown, is_direct, no_gap

pytestmark = [pytest.mark.firefox, pytest.mark.browser, pytest.mark.slow, needs_pages,
              pytest.mark.skipif(Server.is_reference(), reason="LiveKit serves no app")]
FLOW = {"framesDecoded": 10, "audioBytes": 1000}


@pytest.fixture
def visit(space, tmp_path):
    """visit(name, browser, room=""): somebody before the app, in Firefox (0), in a namespace of its own, or in Chromium (1)."""
    if not shutil.which(os.environ.get("AURA_FIREFOX", "firefox-esr")):
        pytest.skip("no Firefox")
    server = Server(node_ip=space.outside, bind="0.0.0.0", host=space.outside, config={"limit": {"sign_ins_per_address": 0}})
    drivers = []
    make, close = people_maker()
    try:
        drivers.append(Driver("meet-firefox", space.command(["node", "clients/meet_firefox.mjs", space.outside])))
        drivers.append(start_browser("meet-beside", str(tmp_path), default_source()))
        here = f"http://localhost:{server.http_port}"
        held = []

        def somebody(name: str, browser: int, room: str = ""):
            held.append(make(drivers[browser], here, room, name))
            return held[-1]

        yield somebody
        # livekit-client takes it for a fault that data channels end with a call, which Firefox tells of.
        assert [fault for person in held for fault in person.faults() if "closed unexpectedly" not in fault] == []
    finally:
        close()
        for driver in drivers:
            driver.stop()
        server.stop()
        server.cleanup()


@pytest.fixture
def two(visit):
    """Ada in Firefox and Bob in Chromium, who see and hear each other in one room."""
    ada, bob = visit("Ada", 0, "border").join(), visit("Bob", 1, "border").join()
    for person, other in ((ada, "Bob"), (bob, "Ada")):
        person.see(f"{person.tile(other)} video")
        person.until_flow(**FLOW)
    return ada, bob


def test_firefox_and_chromium(two, record):
    """By the server, directly, and back when one asks for compression."""
    ada, bob = two
    allow(ada)
    allow(bob)
    is_direct(ada, "Bob")
    is_direct(bob, "Ada")
    for person, other in ((ada, "Bob"), (bob, "Ada")):
        grown(person, ("direct", "videoIn", 10_000), ("direct", "audioIn", 1000), ("direct", "framesIn", 20))
        person.client.call("reset", css=person.tile(other))
    bob.client.call("click", role="radio", name="On", exact=False)
    by_server(ada, "Bob")
    by_server(bob, "Ada")
    no_gap(record, ada, bob, "direct", "server")
    for person in (ada, bob):
        grown(person, ("server", "videoIn", 10_000), ("server", "audioIn", 1000))


def test_words_wishes_and_a_screen(two):
    """Chat both ways, a hand, what one wants of AIC as the other sees it, mute, and a screen that Firefox is shown.
    (Without a display of its own it has none to give.)"""
    ada, bob = two
    ada.press(key="c")
    ada.see('input[aria-label="Message to all"]')
    ada.fill(label="Message to all", text="hello from Firefox")
    ada.press(key="Enter")
    bob.press_button("Chat, 1 new")
    bob.see(".chat-text", "hello from Firefox")
    bob.fill(label="Message to all", text="hello <b>from</b> Chromium")
    bob.press(key="Enter")
    ada.see(".chat-text", "hello <b>from</b> Chromium")
    ada.press_button("Close: Chat")
    ada.press(key="h")
    bob.see(f"{bob.tile('Ada')} .tile-hand")

    for person, other in ((ada, "Bob"), (bob, "Ada")):
        person.see(f"{person.tile(other)} .badge[data-aic=native] .badge-rate", "bps")
    ada.press(key="a")
    ada.see(".switch")
    ada.see(".graph", state="attached")
    bob.press_button("People")
    for wish, words in (("Data saver", "data saver"), ("Off", "AI compression off")):
        ada.client.call("click", PATIENCE_S + 10, role="radio", name=wish, exact=False)
        ada.see(".switch-on", wish)
        bob.see(".person-name", words)

    ada.press_button("Mute")
    bob.see(f"{bob.tile('Ada')} .tile-muted")
    bob.press_button("Share your screen")
    ada.see(f"{ada.tile('Bob: screen')} video")
    ada.see('.stage[data-layout="focus"]')
    ada.until_flow(framesDecoded=20)
    bob.press_button("Stop sharing")
    ada.see('.stage[data-layout="grid"]')


def test_signs_in_and_is_called(visit):
    """Firefox signs up, is rung, answers, calls back from a page that was loaded again, and signs in anew."""
    ada, bob = sign_up(visit("Ada", 0)), sign_up(visit("Bob", 1))
    call(bob, "ada")
    ada.see(f"{INCOMING} h2", "Bob is calling")
    ada.press_button("Accept")
    in_call(ada, "Bob")
    in_call(bob, "Ada")
    bob.press_button("Leave the call")
    ada.see("h1", "The call is over.")
    ada.go(url=ada.evaluate(js="location.href"))
    ada.see(".signed-in", id_of(ada))  # the cookie
    assert ada.evaluate(js="document.cookie") == ""
    ready(ada)
    call(ada, "bob")
    bob.see(f"{INCOMING} h2", "Ada is calling")
    bob.press_button("Decline")
    ada.see(".call-notice", "Bob declined.")
    ada.press_button("Sign out")
    ada.see(".signed-in", state="detached")
    sign_in(ada)
