# SPDX-License-Identifier: Apache-2.0
"""/aura/v1/account by HTTP: passkeys and passwords of who is signed in to Meet, and what is tried against them."""

from __future__ import annotations

import base64

import pytest

from lib.driver import eventually
from lib.openapi import DESCRIPTION
from lib.passkey import Passkey
from lib.server import Server
from test_meet_accounts import GOOD, NO_LIMIT, Browser, server, someone, with_passkey  # noqa: F401

pytestmark = pytest.mark.skipif(Server.is_reference(), reason="LiveKit has no accounts")


class Account(Browser):
    """Each answer below /aura/v1 is held against the description."""

    def ask(self, method: str, path: str, body=None, **headers):
        status, answer = super().ask(method, path, body, **headers)
        if path.startswith("/aura/v1/account"):
            DESCRIPTION.check(method, path, status, None if status == 204 else answer)
        return status, answer

    def change(self, method: str, what: str = "", body=None, **headers) -> tuple[int, str]:
        status, answer = self.ask(method, f"/aura/v1/account{what}", body, **headers)
        return status, answer.get("code", "")

    def account(self) -> dict:
        status, answer = self.ask("GET", "/aura/v1/account")
        assert status == 200, answer
        return answer

    def one_more(self, passkey: Passkey) -> dict:
        """What the browser brings of another passkey."""
        status, given = self.ask("POST", "/aura/v1/account/passkeys/begin")
        assert (status, given["rp"], given["id"]) == (200, "localhost", self.me()["id"])
        self.begun = given
        return passkey.made(given["challenge"], self.origin)

    def by_password(self, name: str, password: str = GOOD) -> "Account":
        assert self.post("sign-in/password", {"name": name, "password": password})[0] == 200
        return self


def test_passkeys_are_added_named_and_removed(server, someone):
    ann = Account(server).sign_up(someone.name)
    assert ann.account()["passkeys"] == [] and ann.account()["password"] is True and ann.account()["sessions"] == 1
    phone, key = Passkey("localhost"), Passkey("localhost")
    status, first = ann.ask("POST", "/aura/v1/account/passkeys", {"name": "Phone", **ann.one_more(phone)})
    assert (status, first["name"], first["site"]) == (201, "Phone", "localhost")
    made = ann.one_more(key)
    assert [base64.b64decode(one) for one in ann.begun["known"]] == [phone.id]  # the browser makes no second one on one device
    assert ann.change("POST", "/passkeys", {"name": "Key", **made}) == (201, "")
    assert [one["name"] for one in ann.account()["passkeys"]] == ["Phone", "Key"]
    assert ann.change("PATCH", f"/passkeys/{first['id']}", {"name": "Old phone"}) == (204, "")
    assert ann.account()["passkeys"][0]["name"] == "Old phone"
    assert ann.ask("GET", "/aura/v1/ids/me/export")[1]["account"]["passkeys"][0]["name"] == "Old phone"
    other = Browser(server)
    assert other.post("sign-in/passkey", phone.signed(other.challenge(), other.origin)) == (200, ann.me())
    assert ann.change("DELETE", f"/passkeys/{first['id']}") == (204, "")
    assert ann.change("DELETE", f"/passkeys/{first['id']}") == (404, "not_found")
    assert other.code("sign-in/passkey", phone.signed(other.challenge(), other.origin)) == (403, "bad_passkey")
    assert other.post("sign-in/passkey", key.signed(other.challenge(), other.origin))[0] == 200
    for name in ("", " ", "x" * 65, "a\nb", 7, None):
        assert ann.change("PATCH", f"/passkeys/{ann.account()['passkeys'][0]['id']}", {"name": name}) == (400, "bad_request"), name


def test_a_new_passkey_is_of_its_account_and_once(server, someone):
    """What was asked for one account, or signed before, adds nothing; others' passkeys are out of reach."""
    ann, eve = Account(server).sign_up(someone.name), Account(server).sign_up(someone.name[:24] + "-evil")
    made = {"name": "x", **ann.one_more(Passkey("localhost"))}
    assert eve.change("POST", "/passkeys", made) == (403, "bad_passkey")
    assert ann.change("POST", "/passkeys", made, Origin="https://evil.example") == (403, "foreign_page")
    assert ann.change("POST", "/passkeys", made) == (201, "")
    assert ann.change("POST", "/passkeys", made) == (400, "too_late")
    for challenge in (ann.begin("free-for-all")["challenge"], ann.challenge()):  # of signing up, and in
        forged = {"name": "x", **Passkey("localhost").made(challenge, ann.origin)}
        assert ann.change("POST", "/passkeys", forged) == (403, "bad_passkey")
    path = f"/passkeys/{ann.account()['passkeys'][0]['id']}"
    assert eve.change("DELETE", path) == eve.change("PATCH", path, {"name": "mine"}) == (404, "not_found")
    twice = Passkey("localhost")
    assert ann.change("POST", "/passkeys", {"name": "x", **ann.one_more(twice)}) == (201, "")
    assert eve.change("POST", "/passkeys", {"name": "x", **eve.one_more(twice)}) == (409, "taken")
    for n in range(14):
        assert ann.change("POST", "/passkeys", {"name": f"n{n}", **ann.one_more(Passkey("localhost"))}) == (201, "")
    assert ann.change("POST", "/passkeys", {"name": "x", **ann.one_more(Passkey("localhost"))}) == (429, "limit")


def test_the_last_way_in_stays(server, someone):
    ann = Account(server)
    ann.name = someone.name
    with_passkey(ann)
    path = f"/passkeys/{ann.account()['passkeys'][0]['id']}"
    assert ann.change("DELETE", path) == (409, "last")
    assert ann.change("PUT", "/password", {"password": GOOD}) == (204, "")
    assert ann.change("DELETE", path) == (204, "")
    Account(server).by_password(ann.name)


def test_a_password_is_changed_by_who_knows_it(server, someone):
    """The other browsers are out from then on, and guessing is as slow as at signing in."""
    ann = Account(server).sign_up(someone.name)
    other = Account(server).by_password(someone.name)
    newer = "another good password"
    assert ann.change("PUT", "/password", {"password": newer}) == (403, "bad_credentials")
    assert ann.change("PUT", "/password", {"password": newer, "current": "wrong password"}) == (403, "bad_credentials")
    assert ann.change("PUT", "/password", {"password": "short", "current": GOOD}) == (400, "bad_password")
    assert other.me() is not None and ann.account()["sessions"] == 2
    assert ann.change("PUT", "/password", {"password": newer, "current": GOOD}) == (204, "")
    assert other.me() is None and ann.me() is not None and ann.account()["sessions"] == 1
    assert other.code("sign-in/password", {"name": someone.name, "password": GOOD}) == (403, "bad_credentials")
    other.by_password(someone.name, newer)
    wrong = {"password": newer, "current": "wrong password"}
    answers = [ann.change("PUT", "/password", wrong) for _ in range(11)]
    assert answers == [(403, "bad_credentials")] * 10 + [(429, "too_many")]


def test_signed_out_elsewhere(server, someone):
    ann = Account(server).sign_up(someone.name)
    other, eve = Account(server).by_password(someone.name), Account(server).sign_up(someone.name[:24] + "-else")
    assert ann.change("POST", "/sign-out-others") == (204, "")
    assert other.me() is None and ann.account()["sessions"] == 1 and eve.me() is not None


def test_who_signed_in_long_ago_signs_in_again(start_server):
    server = start_server(config={**NO_LIMIT, "meet": {"fresh_sign_in": "1s"}})
    ann = Account(server)
    ann.name = "ann"
    passkey = with_passkey(ann)
    eventually(lambda: ann.change("POST", "/passkeys/begin") == (403, "sign_in_again"), what="a session that is not fresh")
    path = f"/passkeys/{ann.account()['passkeys'][0]['id']}"
    assert ann.change("DELETE", path) == (403, "sign_in_again")
    assert ann.change("PUT", "/password", {"password": GOOD}) == (403, "sign_in_again")
    made = {"name": "x", "client_data": "eA==", "authenticator_data": "eA=="}
    assert ann.change("POST", "/passkeys", made) == (403, "sign_in_again")
    assert ann.change("PATCH", path, {"name": "mine"}) == (204, "")  # that gives nobody a way in
    assert ann.post("sign-in/passkey", passkey.signed(ann.challenge(), ann.origin))[0] == 200


def test_other_pages_change_no_account(server, someone):
    ann = Account(server).sign_up(someone.name)
    for method, what, body in (("POST", "/passkeys/begin", None), ("POST", "/sign-out-others", None),
                               ("PUT", "/password", {"password": "another good password", "current": GOOD})):
        assert ann.change(method, what, body, Origin="https://evil.example") == (403, "foreign_page")
    assert ann.change("PUT", "/password", {"password": "x"}, **{"Content-Type": "text/plain"}) == (415, "bad_type")
    assert ann.change("GET", Cookie=None) == (401, "unauthorized")
