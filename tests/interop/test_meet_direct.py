# SPDX-License-Identifier: Apache-2.0
"""AuraLink Meet from browser to browser: two people who allow it, and the way back to the server without a gap."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import subprocess

import pytest
from livekit import api

from lib.driver import at_most, eventually
from lib.meet import default_source, needs_pages, people_maker, start_browser
from lib.recording import Recording
from lib.server import Server
from lib.tokens import KEY, SECRET

pytestmark = [pytest.mark.browser, pytest.mark.slow, needs_pages,
              pytest.mark.skipif(Server.is_reference(), reason="LiveKit serves no app")]
GAP_MS = 1000


@pytest.fixture(scope="module")
def browsers(tmp_path_factory):
    """Two Chromium processes."""
    folder = str(tmp_path_factory.mktemp("direct"))
    made = [start_browser(f"direct-{n}", folder, default_source()) for n in (1, 2)]
    yield made
    for driver in made:
        driver.stop()


@pytest.fixture
def enter(browsers):
    """enter(server, room, name, browser=0, **how): somebody in front of the page before a call."""
    make, close = people_maker()
    yield lambda server, room, name, browser=0, **how: make(browsers[browser], server.http_url, room, name, **how)
    close()


def allow(person) -> None:
    if not person.count(css=".switch input[type=checkbox]"):
        person.press(key="a")
    person.client.call("click", role="checkbox", name="Connect directly", exact=False)


def is_direct(person, other: str) -> None:
    person.see(f"{person.tile(other)} .badge[data-aic=direct]", "Direct")
    person.see(f"{person.tile(other)} video[data-way=direct]")


def by_server(person, other: str) -> None:
    person.see(f"{person.tile(other)} video[data-way=direct]", state="detached")
    person.see(f"{person.tile(other)} video")
    person.see(f"{person.tile(other)} .badge[data-aic=direct]", state="detached")


def grown(person, *wanted: tuple[str, str, float], before: dict | None = None) -> None:
    """Waits until these counters are so much higher than now, or than they were: ("direct", "videoIn", 10000)."""
    before = before or person.ways()
    eventually(lambda: (now := person.ways()) and all(now[way][what] - before[way][what] >= by for way, what, by in wanted),
               what=f"{person.name}: {wanted} beyond {before}")


def stopped(person, way: str, *what: str) -> None:
    """Waits until nothing more is sent or comes in a stretch of two direct seconds' worth of sound."""

    def still():
        before = person.ways()
        grown(person, ("direct" if way == "server" else "server", "audioIn", 8000))
        now = person.ways()
        return all(now[way][w] == before[way][w] for w in what)

    eventually(still, what=f"{person.name}: no more {what} by {way}")


def go_direct(server, enter):
    """Two who see each other directly, each watched for gaps from then on."""
    ada, bob = enter(server, "nook", "Ada").join(), enter(server, "nook", "Bob", 1).join()
    for person, other in ((ada, "Bob"), (bob, "Ada")):
        person.see(f"{person.tile(other)} video")
        person.until_flow(framesDecoded=10, audioBytes=1000)
    allow(ada)
    ada.see("[data-direct]", "has not allowed it")
    allow(bob)
    is_direct(ada, "Bob")
    is_direct(bob, "Ada")
    for person, other in ((ada, "Bob"), (bob, "Ada")):
        person.client.call("reset", css=person.tile(other))
        eventually(lambda p=person: p.gap()["frames"] > 5, what="frames in the tile")
    return ada, bob


@pytest.fixture
def pair(start_server, enter):
    server = start_server()
    ada, bob = go_direct(server, enter)
    yield server, ada, bob
    assert ada.faults() == bob.faults() == []


def no_gap(record, ada, bob, *ways: str, heals: bool = False) -> None:
    """Neither has missed the other's picture for as long as a second, this machine's own lateness aside.

    @param heals  the direct way comes back by itself, so it may have done so
    """
    for person, other in ((bob, ada), (ada, bob)):
        seen = person.gap()
        limit = at_most(GAP_MS, person.client, other.client)
        record(**{f"gap_ms_{person.name}": seen["maxMs"], f"limit_ms_{person.name}": limit})
        assert (seen["ways"][: len(ways)] if heals else seen["ways"]) == list(ways), seen
        assert seen["maxMs"] < limit, seen


def test_directly_and_not_by_the_server(pair, record):
    """Pictures and sound flow directly; by the server nothing comes and nothing is sent, not even for nobody."""
    _, ada, bob = pair
    for person in (ada, bob):
        grown(person, ("direct", "videoIn", 20_000), ("direct", "audioIn", 2000), ("direct", "framesIn", 20))
        stopped(person, "server", "videoIn", "audioIn", "videoOut", "audioOut")
    # What is switched off and on, or comes later, goes the same way.
    ada.press_button("Turn the camera off")
    bob.see(f"{bob.tile('Ada')} .avatar", "A")
    ada.press_button("Turn the camera on")
    is_direct(bob, "Ada")
    ada.press_button("Share your screen")
    bob.see(f"{bob.tile('Ada: screen')} video[data-way=direct]")
    ada.press_button("Stop sharing")
    bob.see('.stage[data-layout="grid"]')
    is_direct(bob, "Ada")
    allow(bob)
    by_server(bob, "Ada")
    by_server(ada, "Bob")
    grown(bob, ("server", "videoIn", 20_000), ("server", "audioIn", 2000))
    eventually(lambda: bob.ways()["port"] == 0, what="the direct connection is closed")


def test_a_third_one_joins(pair, enter, record):
    server, ada, bob = pair
    carol = enter(server, "nook", "Carol")
    carol.press_button("Turn the camera off")
    carol.join()
    by_server(ada, "Bob")
    by_server(bob, "Ada")
    no_gap(record, ada, bob, "direct", "server")
    carol.until_flow(framesDecoded=20, audioBytes=2000)
    grown(bob, ("server", "videoIn", 20_000), ("server", "audioIn", 2000))
    carol.press_button("Leave the call")
    is_direct(ada, "Bob")
    is_direct(bob, "Ada")


@pytest.mark.parametrize("wish", ["On", "Data saver"])
def test_somebody_asks_for_compression(pair, record, wish):
    """On as well, although it is what the switch shows of who has chosen nothing."""
    _, ada, bob = pair
    bob.client.call("click", role="radio", name=wish, exact=False)
    by_server(ada, "Bob")
    by_server(bob, "Ada")
    ada.see("[data-direct]", "one of you asked for AI compression")
    no_gap(record, ada, bob, "direct", "server")
    bob.client.call("click", role="radio", name="Off", exact=False)
    is_direct(ada, "Bob")


def test_the_call_is_recorded(pair, tmp_path, record):
    """A recorder is seen by nobody, but that it records is."""
    server, ada, bob = pair
    recording = Recording(server.url, "nook", tmp_path, "--min-free-mb", "1")
    try:
        by_server(ada, "Bob")
        by_server(bob, "Ada")
        ada.see("[data-direct]", "the call is recorded")
        no_gap(record, ada, bob, "direct", "server")
    finally:
        recording.close()
    is_direct(ada, "Bob")
    is_direct(bob, "Ada")


def attributes_of(server, room: str) -> list[dict[str, str]]:
    async def ask():
        client = api.LiveKitAPI(server.http_url, KEY, SECRET)
        try:
            listed = await client.room.list_participants(api.ListParticipantsRequest(room=room))
        finally:
            await client.aclose()
        return [dict(p.attributes) for p in listed.participants]

    return asyncio.run(ask())


def test_addresses_are_for_the_other_one_only(start_server, enter, record):
    """Whoever may read attributes, as others in the room may, gets sealed ones."""
    server = start_server()
    ada, bob = enter(server, "attic", "Ada").join(), enter(server, "attic", "Bob", 1).join()
    allow(ada)
    allow(bob)
    seen: set[str] = set()

    def connected():
        said = [each["meet.direct.says"] for each in attributes_of(server, "attic") if each.get("meet.direct.says")]
        seen.update(said)
        return len(seen) >= 2 and all(person.count(css=".badge[data-aic=direct]") for person in (ada, bob))

    eventually(connected, what="a direct connection")
    for sealed in seen:
        opened = base64.b64decode(sealed)
        assert b"candidate" not in opened and b"offer" not in opened and b"phase" not in opened
    record(message_bytes=max(map(len, seen)))
    assert max(map(len, seen)) < 30_000  # of 65536 that limit.max_attributes_size leaves


@pytest.fixture
def cut():
    """cut(port): UDP from and to that port is lost from now on."""
    if os.geteuid() != 0 or not shutil.which("nft"):
        pytest.skip("needs root and nftables")
    table = f"aura{os.getpid()}"

    def run(rules: str):
        return subprocess.run(["nft", "-f", "-"], input=rules, text=True, capture_output=True, check=False)

    if run(f"table inet {table} {{\n chain lose {{\n  type filter hook input priority 0;\n }}\n}}\n").returncode:
        pytest.skip("no packet filter here")
    yield lambda port: run(f"add rule inet {table} lose udp dport {port} drop\nadd rule inet {table} lose udp sport {port} drop\n")
    run(f"delete table inet {table}")


def test_the_direct_way_is_cut(pair, cut, record):
    """Packets are lost from one moment to the next: nobody says so, and it is seen."""
    _, ada, bob = pair
    before = bob.ways()
    assert before["port"] and cut(before["port"]).returncode == 0
    by_server(bob, "Ada")
    by_server(ada, "Bob")
    grown(bob, ("server", "videoIn", 20_000), ("server", "audioIn", 2000), before=before)
    no_gap(record, ada, bob, "direct", "server", heals=True)
    is_direct(bob, "Ada")  # by itself, by another way, after a while


def test_the_server_is_gone(start_server, enter):
    """What goes directly goes on without it; when it is back all is as it was."""
    server = Server()  # killed, which the fixture would not forgive
    try:
        ada, bob = go_direct(server, enter)
    finally:
        server.process.kill()
        server.stop()
        server.cleanup()
    ada.see(".banner", "Coming back")
    for person, other in ((ada, "Bob"), (bob, "Ada")):
        grown(person, ("direct", "framesIn", 30), ("direct", "audioIn", 2000))
        assert person.count(css=f"{person.tile(other)} video[data-way=direct]") == 1
    start_server(ports={"http": server.http_port, "udp": server.udp_port, "tcp": server.tcp_port})
    for person, other in ((ada, "Bob"), (bob, "Ada")):
        person.see(".banner", state="detached")
        is_direct(person, other)
        grown(person, ("direct", "framesIn", 30), ("direct", "audioIn", 2000))


def test_one_does_not_allow_it(server, enter):
    ada, bob = enter(server, "porch", "Ada").join(), enter(server, "porch", "Bob", 1).join()
    ada.see(f"{ada.tile('Bob')} video")
    allow(ada)
    ada.see("[data-direct]", "has not allowed it")
    for person in (ada, bob):
        person.until_flow(framesDecoded=60, audioBytes=5000)
        assert person.ways()["attempts"] == 0
    # Nor in a call with a passphrase.
    ada.press_button("Leave the call")
    bob.press_button("Leave the call")
    for person in (ada, bob):
        person.evaluate(js="document.querySelector('details').open = true")
        person.fill(label="Passphrase that all in the call type in; empty = off", text="plum")
        person.join()
        person.press(key="a")
        person.see("[data-direct]", "encrypted")
        person.see(".switch input[type=checkbox]:disabled")
