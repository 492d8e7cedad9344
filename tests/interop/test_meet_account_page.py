# SPDX-License-Identifier: Apache-2.0
"""The page of one's own account in Chromium: passkeys, password, who may call, and what is kept."""

from __future__ import annotations

import json

import pytest

from lib.driver import PATIENCE_S, eventually
from lib.meet import needs_pages
from lib.server import Server
from test_meet_calls import GOOD, INCOMING, browsers, call, id_of, ready, server, sign_in, sign_up, to_sign_in, visit  # noqa: F401

pytestmark = [pytest.mark.browser, needs_pages, pytest.mark.skipif(Server.is_reference(), reason="LiveKit has no accounts")]
HOSTILE = '<img src=x onerror="h=1">'


def open_account(person):
    person.click(role="tab", name="Account")
    person.see("h1", "Your account")
    person.see('section[aria-label="Passkeys"]')
    return person


def open_calls(person):
    person.click(role="tab", name="Call people")
    return ready(person)


def done(person, section: str, words: str):
    person.see(f'section[aria-label="{section}"] .own-done', words)


def test_passkeys_and_a_password(visit):  # noqa: F811
    """Added, renamed, used and removed; the password is changed, and other browsers are out."""
    ann = sign_up(visit("Ann"))
    ann.authenticator()
    tablet = sign_in(visit("Ann", 1))
    open_account(ann)
    ann.see('section[aria-label="Passkeys"]', "You have none.")
    ann.see('section[aria-label="Where you are signed in"]', "another browser")
    ann.fill(label="Name of a new passkey, as “My phone”", text=HOSTILE)
    ann.press_button("Add a passkey")
    done(ann, "Passkeys", "you can sign in with it")
    ann.see(".own-row", HOSTILE)
    ann.fill(label="Name of a new passkey, as “My phone”", text="Again")
    ann.press_button("Add a passkey")  # a device makes no second one
    ann.see('section[aria-label="Passkeys"] .fault', "This device has a passkey for that account already.")
    ann.press_button(f"Rename {HOSTILE}")
    ann.fill(label="New name of this passkey", text="My laptop")
    ann.press_button("Save the name")
    ann.see(".own-row", "My laptop")

    ann.fill(label="Password until now", text="wrong password")
    ann.fill(label="New password, 10 characters or more", text="another good password")
    ann.fill(label="The new password again", text="another good passwort")
    ann.press_button("Change the password")
    ann.see('section[aria-label="Password"] .fault', "The two passwords differ.")
    ann.fill(label="The new password again", text="another good password")
    ann.press_button("Change the password")
    ann.see('section[aria-label="Password"] .fault', "That is not your password until now.")
    ann.fill(label="Password until now", text=GOOD)
    ann.press_button("Change the password")
    done(ann, "Password", "The new password is set.")
    tablet.see(".signed-in", state="detached")
    ann.see('section[aria-label="Where you are signed in"]', "this browser alone")
    assert ann.evaluate(js="window.h === undefined && document.querySelectorAll('#root img').length === 0")
    assert [fault for fault in ann.faults() if "403" not in fault] == []

    ann.press_button("Sign out")
    to_sign_in(ann)
    ann.press_button("Sign in with a passkey")
    ann.see(".signed-in", "@ann.aura")
    open_account(ann)
    ann.press_button("Remove My laptop")
    ann.press_button("Remove it")
    done(ann, "Passkeys", "Delete it on the device too")
    ann.see('section[aria-label="Passkeys"]', "You have none.")
    ann.press_button("Sign out")
    to_sign_in(ann)
    ann.press_button("Sign in with a passkey")
    ann.see('.fault[role="alert"]')


def test_signed_in_long_ago(visit, start_server):  # noqa: F811
    """What gives somebody a way in is for who has just signed in; the line outlives that and the end of the old session."""
    server = start_server(config={"limit": {"sign_ins_per_address": 0}, "meet": {"fresh_sign_in": "1s"}})  # noqa: F811
    ann = visit("Ann", at=server)
    ann.authenticator()
    open_account(sign_up(ann))
    begin = "fetch('/aura/v1/account/passkeys/begin', {method: 'POST'}).then((answer) => answer.status)"
    eventually(lambda: ann.evaluate(js=begin) == 403, what="a session that is not fresh")
    ann.fill(label="Name of a new passkey, as “My phone”", text="Laptop")
    ann.press_button("Add a passkey")
    ann.see(".own .fault", "Sign in again, then go on.")
    ann.fill(label="Your AuraID", text="ann")
    ann.fill(label="Password", text=GOOD)
    ann.press_button("Sign in with a password")
    ann.see('section[aria-label="Where you are signed in"]', "another browser")  # which is this one, before
    ann.press_button("Sign out everywhere else")
    done(ann, "Where you are signed in", "You are signed out everywhere else.")
    open_calls(ann)  # the line has come back by the new session


def test_who_may_call(visit):  # noqa: F811
    """Contacts alone, then nobody who is blocked; the caller is told the same as of nobody."""
    ann, bob = sign_up(visit("Ann")), sign_up(visit("Bob", 1))
    open_account(ann).check(label="My contacts")
    done(ann, "Who may call you", "That holds from now on.")
    call(bob, "ann")
    bob.see(".call-notice", "Nobody of that AuraID can be called by you.")
    open_calls(ann)
    ann.fill(label="AuraID of whom you want to call", text="bob")
    ann.press_button("Add to contacts")
    ann.see(".callee-name", "Bob")
    call(bob, "ann")
    ann.see(f"{INCOMING} h2", "Bob is calling")
    ann.press_button("Decline")
    bob.see(".call-notice", "Ann declined.")
    open_account(ann)
    assert ann.evaluate(js="document.querySelector('[name=privacy]:checked').ariaLabel") == "My contacts"
    ann.check(label="Everybody")
    done(ann, "Who may call you", "That holds from now on.")
    ann.fill(label="AuraID to block", text="@bob.aura")
    ann.press_button("Block")
    done(ann, "Blocked", "@bob.aura is blocked.")
    call(bob, "ann")
    bob.see(".call-notice", "Nobody of that AuraID can be called by you.")
    ann.press_button("Unblock @bob.aura")
    done(ann, "Blocked", "@bob.aura may call you again.")
    call(bob, "ann")
    ann.see(f"{INCOMING} h2", "Bob is calling")


def test_own_data(visit):  # noqa: F811
    """The download has what is kept; after deletion nobody of that name is there."""
    ann = open_account(sign_up(visit("Ann")))
    link = ann.evaluate(js="(({href, download}) => [href, download])(document.querySelector('.own-link'))")
    assert link[1].endswith(".json")
    kept = ann.evaluate(js=f"fetch({json.dumps(link[0])}).then((answer) => answer.json())")
    assert kept["id"] == id_of(ann) and kept["account"]["password"] is True
    ann.evaluate(js="document.querySelector('.own details').open = true")
    ann.fill(label="Type in your AuraID to confirm", text="@bob.aura")
    assert ann.evaluate(js="document.querySelector('.own details .danger-button').disabled")
    ann.fill(label="Type in your AuraID to confirm", text="ann")
    ann.press_button("Delete all of it")
    ann.see(".signed-in", state="detached")
    assert ann.evaluate(js="fetch('/meet/v1/about').then((answer) => answer.json()).then(({me}) => me)") is None
    sign_up(ann)  # the name is free again


@pytest.mark.parametrize("colours", ["dark", "light"])
def test_everybody_can_use_it(visit, colours):  # noqa: F811
    """axe-core finds nothing serious, keys alone lead there, and nothing sticks out of a small screen."""
    ann = visit("Ann", colours=colours, still=True, viewport={"width": 390, "height": 780}, touch=True)
    ann.authenticator()
    sign_up(ann)
    ann.client.call("click", PATIENCE_S + 10, role="tab", name="Call people")
    ann.press(key="ArrowRight")
    ann.see('section[aria-label="Passkeys"]')
    assert ann.evaluate(js="document.activeElement.textContent") == "Account"
    ann.fill(label="Name of a new passkey, as “My phone”", text="A phone with quite a long name x")
    ann.press(key="Enter")
    done(ann, "Passkeys", "you can sign in with it")
    ann.fill(label="AuraID to block", text="@a-name-of-thirty-two-characters.aura")
    ann.press(key="Enter")
    done(ann, "Blocked", "is blocked")
    ann.evaluate(js="document.querySelector('.own details').open = true")
    ann.press_button("Remove A phone with quite a long name x")
    ann.see('[role="group"][aria-label^="Remove A phone"]')
    assert ann.serious() == []
    assert ann.evaluate(js="document.documentElement.scrollWidth <= innerWidth")
