# SPDX-License-Identifier: Apache-2.0
"""AuraLink Meet with one in Firefox and one in Chromium: by the server, directly, and back."""

from __future__ import annotations

import os
import shutil

import pytest

from lib.driver import Driver
from lib.meet import default_source, needs_pages, people_maker, start_browser
from lib.server import Server
from test_meet_direct import allow, by_server, grown, is_direct, no_gap

pytestmark = [pytest.mark.firefox, pytest.mark.browser, pytest.mark.slow, needs_pages,
              pytest.mark.skipif(Server.is_reference(), reason="LiveKit serves no app")]


@pytest.fixture
def two(space, tmp_path):
    """Ada in Firefox, in a namespace of its own, and Bob in Chromium, in one call."""
    if not shutil.which(os.environ.get("AURA_FIREFOX", "firefox-esr")):
        pytest.skip("no Firefox")
    server = Server(node_ip=space.outside, bind="0.0.0.0", host=space.outside)
    drivers = [Driver("meet-firefox", space.command(["node", "clients/meet_firefox.mjs", space.outside])),
               start_browser("meet-beside", str(tmp_path), default_source())]
    make, close = people_maker()
    try:
        here = f"http://localhost:{server.http_port}"
        ada, bob = make(drivers[0], here, "border", "Ada").join(), make(drivers[1], here, "border", "Bob").join()
        yield ada, bob
        assert ada.faults() == bob.faults() == []
    finally:
        close()
        for driver in drivers:
            driver.stop()
        server.stop()
        server.cleanup()


def test_firefox_and_chromium(two, record):
    ada, bob = two
    for person, other in ((ada, "Bob"), (bob, "Ada")):
        person.see(f"{person.tile(other)} video")
        person.until_flow(framesDecoded=10, audioBytes=1000)
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
