# SPDX-License-Identifier: Apache-2.0
"""Operators who use the dashboard in Chromium, by what they see and press."""

from __future__ import annotations

import json

from lib import cli
from lib.driver import Driver, eventually
from lib.meet import Page

PASSWORD = "correct horse battery"


def setup_link(database: str, base: str) -> str:
    """What `auralink operator setup` prints."""
    done = cli.run("operator", "setup", "--database", database, "--at", base, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["link"]


class Operator(Page):
    """One browser of one operator."""

    def __init__(self, driver: Driver, base: str, name: str, path: str = "/dashboard/", **how):
        self.base = base
        super().__init__(driver, path if "://" in path else base + path, name, **how)

    def set_up(self) -> "Operator":
        """On the page of the set-up link: makes the first admin."""
        self.fill(label="Name", text=self.name)
        self.fill(label="Password", text=PASSWORD)
        self.fill(label="The password again", text=PASSWORD)
        self.press_button("Make the first operator")
        self.see("h1", "Overview")
        return self

    def sign_in(self, password: str = PASSWORD) -> "Operator":
        self.fill(label="Name", text=self.name)
        self.fill(label="Password", text=password)
        self.press_button("Sign in")
        return self

    def open(self, name: str) -> "Operator":
        """A place of the menu."""
        self.click(role="link", name=name, css='nav[aria-label="Dashboard"]')
        self.see("h1", name)
        return self

    def follow(self, link: str) -> "Operator":
        self.click(role="link", name=link, css="main")
        return self

    def answer(self, button: str) -> None:
        """Presses a button of the dialog that is open, and waits until it is gone."""
        self.click(name=button, css="dialog[open]")
        self.see("dialog[open]", state="detached")

    def in_row(self, text: str, button: str) -> None:
        """Presses a button in the row of a table that has the text in it."""
        self.click(name=button, css=f'tr:has-text("{text}")')

    def points(self, title: str) -> int:
        """How many values the graph under a heading has."""
        js = f"""(() => {{
            const card = [...document.querySelectorAll('.card')].find((c) => c.querySelector('h2').textContent === {json.dumps(title)});
            return Number(card?.querySelector('.chart')?.dataset.points ?? 0);
        }})()"""
        return self.evaluate(js=js)

    def until_points(self, title: str, least: int) -> int:
        return eventually(lambda: (n := self.points(title)) >= least and n, 120, 0.5, f"{least} values under {title}")

    def ask(self, method: str, path: str, body: dict | None = None) -> tuple[int, dict]:
        """What the server says to this page itself, with its cookie."""
        js = f"""fetch({json.dumps(path)}, {{ method: {json.dumps(method)}, headers: {{ 'content-type': 'application/json' }},
            body: {json.dumps(json.dumps(body)) if body is not None else 'undefined'} }})
            .then(async (a) => [a.status, await a.json().catch(() => ({{}}))])"""
        status, answer = self.evaluate(js=js)
        return status, answer
