# SPDX-License-Identifier: Apache-2.0
"""Call by AuraID in Chromium: people sign in by passkey or password, ring each other, and see and hear each other."""

from __future__ import annotations

import json

import pytest
from livekit import api
from websockets.sync.client import connect

from lib.driver import PATIENCE_S, eventually
from lib.meet import default_source, needs_pages, people_maker, start_browser
from lib.openapi import Rest
from lib.server import Server
from lib.worker import HandWorker

pytestmark = [pytest.mark.browser, needs_pages, pytest.mark.skipif(Server.is_reference(), reason="LiveKit has no accounts")]
GOOD = "correct horse battery"
HOSTILE = '<img src=x onerror="window.hacked=1">'
CALL = {"framesDecoded": 20, "audioBytes": 2000}
INCOMING = "dialog.incoming[open]"


@pytest.fixture(scope="module")
def browsers(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("calls"))
    made = [start_browser(f"calls-{n}", folder, default_source()) for n in (1, 2)]
    yield made
    for driver in made:
        driver.stop()


@pytest.fixture
def server(start_server):
    return start_server(config={"limit": {"sign_ins_per_address": 0}})


@pytest.fixture
def visit(browsers, server):
    """visit(name, browser=0): somebody before the app, who is nobody yet."""
    make, close = people_maker()
    yield lambda name, browser=0, room="", at=server, **how: make(browsers[browser], at.http_url, room, name, **how)
    close()


def to_sign_in(person):
    person.client.call("click", PATIENCE_S + 10, role="tab", name="Sign in to call people")
    return person


def id_of(person) -> str:
    return f"@{person.name.lower()}.aura"


def sign_up(person, display: str | None = None):
    to_sign_in(person)
    person.press_button("New here? Sign up")
    person.fill(label="Name that others see", text=display or person.name)
    person.fill(label="Your AuraID: @name.aura", text=person.name.lower())
    person.fill(label="Password, 10 characters or more", text=GOOD)
    person.press_button("Sign up with a password")
    person.see(".signed-in", id_of(person))
    return ready(person)


def sign_in(person):
    to_sign_in(person)
    person.fill(label="Your AuraID", text=id_of(person))
    person.fill(label="Password", text=GOOD)
    person.press_button("Sign in with a password")
    person.see(".signed-in", id_of(person))
    return ready(person)


def ready(person):
    """The line is there: who types an AuraID may call."""
    person.fill(label="AuraID of whom you want to call", text="somebody")
    person.see('.call-by-id button[type="submit"]:enabled')
    return person


def make_agent(server):
    app = api.AccessToken("devkey", "secret").with_grants(api.VideoGrants(room_create=True, room_list=True)).to_jwt()
    assert Rest(server, app).good("POST", "/aura/v1/ids", {"agent": "helper", "display": "Helper"})["kind"] == "agent"


def call(person, whom: str):
    person.fill(label="AuraID of whom you want to call", text=whom)
    person.press_button("Call")


def in_call(person, *others: str):
    for other in others:
        person.see(f"{person.tile(other)} video")
    person.until_flow(**CALL)


def test_two_people_call_each_other(visit):
    """Ring, accept, see and hear; hang up; and the call back."""
    ann, bob = sign_up(visit("Ann")), sign_up(visit("Bob", 1))
    call(ann, "bob")
    ann.see(".outgoing", "Calling @bob.aura…")
    bob.see(f"{INCOMING} h2", "Ann is calling")
    assert bob.evaluate(js="document.title") == "Ann is calling"
    assert bob.evaluate(js="document.activeElement.tagName") == "H2"  # a key that is just typed answers nothing
    bob.press_button("Accept")
    in_call(ann, "Bob")
    in_call(bob, "Ann")
    ann.see(".topbar-room", "@bob.aura")
    bob.see(".topbar-room", "Ann")
    assert bob.evaluate(js="location.pathname") == "/"
    assert ann.faults() == bob.faults() == []
    ann.press_button("Leave the call")
    ann.see("h1", "You have left the call.")
    bob.see("h1", "The call is over.")
    for person in (ann, bob):
        ready(person)
    call(bob, "@ann.aura")
    ann.see(f"{INCOMING} h2", "Bob is calling")
    ann.press_button("Accept")
    in_call(bob, "Ann")


def test_by_a_passkey(visit):
    """Chromium's own authenticator makes it, and signs in with it, without a name being typed."""
    ann = visit("Ann")
    ann.authenticator()
    to_sign_in(ann)
    ann.press_button("New here? Sign up")
    ann.fill(label="Name that others see", text="Ann")
    ann.fill(label="Your AuraID: @name.aura", text="ann")
    ann.press_button("Sign up with a passkey")
    ann.see(".signed-in", "@ann.aura")
    ready(ann)
    ann.press_button("Sign out")
    ann.see(".signed-in", state="detached")
    to_sign_in(ann)
    ann.press_button("Sign in with a passkey")
    ann.see(".signed-in", "@ann.aura")
    assert ann.faults() == []
    assert ann.evaluate(js="document.cookie") == ""  # scripts do not see it
    bob = visit("Bob", 1)  # who has none is told so
    bob.authenticator(unwilling=True)
    to_sign_in(bob)
    bob.press_button("Sign in with a passkey")
    bob.see('.fault[role="alert"]', "No passkey was given.")


def test_declined_and_missed(visit):
    ann, bob = sign_up(visit("Ann")), sign_up(visit("Bob", 1))
    call(ann, "bob")
    bob.see(INCOMING)
    bob.press_button("Decline")
    ann.see(".call-notice", "Bob declined.")
    ann.see(".outgoing", state="detached")
    bob.see(INCOMING, state="detached")
    call(ann, "bob")
    bob.see(INCOMING)
    ann.press_button("Cancel the call")
    bob.see(INCOMING, state="detached")
    bob.see('section[aria-label="Missed calls"]', "Ann")
    # It is there still when the page is loaded again, until it has been seen.
    bob.go(url=bob.evaluate(js="location.href"))
    bob.see('section[aria-label="Missed calls"] .callee', "Ann")
    bob.press_button("Call @ann.aura back")  # who is no contact is kept by the AuraID alone
    ann.see(f"{INCOMING} h2", "Bob is calling")
    ann.press(key="Escape")
    ann.see(INCOMING, state="detached")
    bob.see(".outgoing", "Calling @ann.aura…")  # it was hidden, and not answered
    bob.press_button("Cancel the call")
    ann.see('section[aria-label="Missed calls"] .callee', "Bob")
    bob.press_button("Clear the list")
    bob.see('section[aria-label="Missed calls"]', state="detached")
    assert ann.faults() == bob.faults() == []


def test_answered_on_another_device(visit):
    """All devices ring; where one has answered the others are quiet."""
    ann, bob = sign_up(visit("Ann")), sign_up(visit("Bob", 1))
    tablet = sign_in(visit("Bob", 1))
    call(ann, "bob")
    for device in (bob, tablet):
        device.see(f"{INCOMING} h2", "Ann is calling")
    tablet.press_button("Accept")
    bob.see(INCOMING, state="detached")
    bob.see(".call-notice", "Answered on another of your devices.")
    in_call(ann, "Bob")
    in_call(tablet, "Ann")
    assert bob.count(css=".tile") == 0


def test_contacts_several_at_once_and_agents(visit, server):
    """Presence, an agent with its badge, and two people who are rung at once."""
    make_agent(server)
    ann, bob, eve = sign_up(visit("Ann")), sign_up(visit("Bob", 1)), sign_up(visit("Eve", 1))
    for person in (bob, eve):
        person.fill(label="AuraID of whom you want to call", text="ann")
        person.press_button("Add to contacts")
        person.see(".callee-name", "Ann")
        ann.fill(label="AuraID of whom you want to call", text=id_of(person))
        ann.press_button("Add to contacts")
        ann.see(".callee", f"{person.name}")
    ann.see(".callee", "Bob")
    ann.see(".callee .presence-here")
    ann.see(".callee .person-tag", "AI agent")
    assert "Helper" in ann.texts(css=".callee-name")[-1]
    assert ann.serious() == []
    for name in ("Bob", "Eve"):
        ann.check(label=f"Choose {name}")
    ann.press_button("Call 2 people")
    ann.see(".outgoing", "Calling Bob and Eve…")
    bob.see(f"{INCOMING} h2", "Ann is calling")
    eve.see(INCOMING)
    bob.press_button("Accept")
    in_call(ann, "Bob")
    eve.press_button("Accept")
    in_call(eve, "Ann", "Bob")
    in_call(bob, "Eve")
    assert ann.faults() == bob.faults() == eve.faults() == []


def test_somebody_is_added_to_a_call(visit):
    """Rung out of a call that goes on: declined, rung again, and in it with the others."""
    ann, bob, eve = sign_up(visit("Ann")), sign_up(visit("Bob", 1)), sign_up(visit("Eve", 1))
    call(ann, "bob")
    bob.see(INCOMING)
    bob.press_button("Accept")
    in_call(ann, "Bob")
    bob.press(key="p")
    bob.fill(label="Add somebody by their AuraID", text="nobody-there")
    bob.press_button("Ring")
    bob.see(".call-add .fault", "Nobody of that AuraID can be called by you.")
    bob.fill(label="Add somebody by their AuraID", text="eve")
    bob.press(key="Enter")
    eve.see(f"{INCOMING} h2", "Bob is calling")
    bob.see(".call-rung", "Eve: ringing…")
    ann.press(key="p")
    ann.see(".call-rung", "Eve: ringing…")  # all in the call see whom it rings
    assert ann.serious() == []
    eve.press_button("Decline")
    bob.see(".call-rung", "Eve declined")
    bob.fill(label="Add somebody by their AuraID", text="eve")
    bob.press_button("Ring")
    eve.see(INCOMING)
    eve.press_button("Accept")
    in_call(eve, "Ann", "Bob")
    for person in (ann, bob):
        person.see(f"{person.tile('Eve')} video")
        person.see(".call-rung li", state="detached")
    ann.press_button("Leave the call")  # who began it: it goes on for the others
    bob.see(bob.tile("Ann"), state="detached")
    bob.see(f"{bob.tile('Eve')} video")
    assert ann.faults() == eve.faults() == []
    assert [fault for fault in bob.faults() if "404" not in fault] == []


def test_an_agent_is_called(visit, server):
    """A worker gets a job for the call's room, with who calls."""
    make_agent(server)
    worker = HandWorker(server, "helper")
    try:
        ann = sign_up(visit("Ann"))
        ann.see(".callee-name", "Helper")
        ann.press_button("Call Helper")
        worker.wait(lambda w: w.assigned, what="a job")
        assert json.loads(worker.assigned[0].job.metadata)["from"] == "@ann.aura"
        ann.see(".outgoing", "Calling Helper…")
    finally:
        worker.close()


def test_hostile_names_are_text(visit):
    ann, eve = sign_up(visit("Ann")), sign_up(visit("Eve", 1), HOSTILE)
    ann.fill(label="AuraID of whom you want to call", text="eve")
    ann.press_button("Add to contacts")
    ann.see(".callee-name", HOSTILE)
    call(eve, "ann")
    ann.see(f"{INCOMING} h2", f"{HOSTILE} is calling")
    eve.press_button("Cancel the call")
    ann.see('section[aria-label="Missed calls"]', HOSTILE)
    ann.see(".callee-name", HOSTILE)
    for person in (ann, eve):
        assert person.evaluate(js="window.hacked === undefined && document.querySelectorAll('#root img').length === 0")
        assert person.faults() == []


def test_who_cannot_be_called(visit):
    """Nobody of that name, and nobody who wants it: the page says the same of both."""
    ann = sign_up(visit("Ann"))
    call(ann, "nobody-there")
    ann.see(".call-notice", "Nobody of that AuraID can be called by you.")
    call(ann, "a!")
    ann.see(".call-notice", "An AuraID reads @name.aura")
    assert ann.count(css=".outgoing") == 0


def test_a_wrong_password_and_a_taken_name(visit):
    sign_up(visit("Ann"))
    other = to_sign_in(visit("Ann", 1))
    other.fill(label="Your AuraID", text="ann")
    other.fill(label="Password", text="wrong password")
    other.press_button("Sign in with a password")
    other.see('.fault[role="alert"]', "There is no such AuraID and password.")
    other.press_button("New here? Sign up")
    other.fill(label="Name that others see", text="Ann")
    other.fill(label="Your AuraID: @name.aura", text="ann")
    other.press_button("Sign up with a password")
    other.see('.fault[role="alert"]', "somebody’s already")


def test_joins_by_a_link_as_oneself(visit):
    """Who follows a link goes into that room, by the name of the account."""
    ann = visit("Ann", room="garden")
    sign_up(ann)
    ann.client.call("click", PATIENCE_S + 10, role="tab", name="Join a room")
    ann.press_button("Join")
    ann.see(ann.tile("Ann (you)"))
    assert ann.evaluate(js="location.pathname") == "/r/garden"
    bob = visit("Bob", 1, room="garden").join()
    bob.see(f"{bob.tile('Ann')} video")


@pytest.mark.parametrize("colours", ["dark", "light"])
def test_everybody_can_use_it(visit, colours):
    """axe-core finds nothing serious, and all of it works by keys."""
    ann, bob = visit("Ann", colours=colours, still=True), sign_up(visit("Bob", 1))
    to_sign_in(ann)
    assert ann.serious() == []
    ann.press_button("New here? Sign up")
    assert ann.serious() == []
    ann.press_button("I have an account: sign in")
    sign_up_again(ann)
    assert ann.serious() == []
    call(bob, "ann")
    ann.see(INCOMING)
    assert ann.serious() == []
    ann.press(key="Tab")
    ann.press(key="Tab")
    assert ann.evaluate(js="document.activeElement.textContent").strip() == "Accept"
    ann.press(key="Enter")
    in_call(ann, "Bob")


def sign_up_again(person):
    person.client.call("click", PATIENCE_S + 10, role="tab", name="Join a room")
    person.press(key="ArrowRight")  # from one tab to the other
    person.see(".sign-in")
    sign_up(person)


def test_on_a_phone(visit):
    ann, bob = sign_up(visit("Ann", viewport={"width": 390, "height": 780}, touch=True)), sign_up(visit("Bob", 1))
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert ann.evaluate(js=fits)
    call(bob, "ann")
    ann.see(INCOMING)
    assert ann.evaluate(js=fits)
    box = f"(() => {{ const b = document.querySelector('{INCOMING}').getBoundingClientRect(); return b.left >= 0 && b.right <= innerWidth && b.bottom <= innerHeight; }})()"
    assert ann.evaluate(js=box)


def test_the_line_comes_back(visit, server):
    """A tab whose connection was replaced takes another name, and rings again."""
    ann, bob = sign_up(visit("Ann")), sign_up(visit("Bob", 1))
    device = bob.evaluate(js="sessionStorage.getItem('auralink.device')")
    token = bob.evaluate(js="""fetch('/meet/v1/join', {method: 'POST', headers: {'content-type': 'application/json'},
        body: JSON.stringify({room: 'x'})}).then((answer) => answer.json()).then(({token}) => token)""")
    with connect(f"ws://{server.host}:{server.http_port}/aura/v1/events?device={device}&access_token={token}") as link:
        link.recv(PATIENCE_S)
        eventually(lambda: bob.evaluate(js="sessionStorage.getItem('auralink.device')") != device, what="another name")
        ready(bob)
        call(ann, "bob")
        bob.see(f"{INCOMING} h2", "Ann is calling")
