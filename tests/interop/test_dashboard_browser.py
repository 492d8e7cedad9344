# SPDX-License-Identifier: Apache-2.0
"""The dashboard in Chromium: operators look at real calls, and do something about them."""

from __future__ import annotations

import datetime

import pytest
from livekit import api
from livekit.protocol import egress as pb

from lib.dashboard import API
from lib.dashboard_page import PASSWORD, Operator, setup_link
from lib.driver import ClientError, eventually
from lib.meet import as_browsers_like_it, needs_pages, start_browser
from lib.receiver import Receiver
from lib.redis import Redis
from lib.server import Server
from test_cluster import cluster, redis  # noqa: F401 (fixtures)
from test_egress import recorded_for
from test_egress_api import call

pytestmark = [pytest.mark.browser, needs_pages, pytest.mark.skipif(Server.is_reference(), reason="LiveKit has no dashboard")]
HOSTILE = '<img src=x onerror="window.hacked=1">'
PLACES = ("Overview", "Rooms", "AI compression", "Projects and keys", "Nodes and routes", "Webhooks", "Recordings", "Audit log",
          "Operators")
PHONE = {"width": 390, "height": 780}
VIEWER = "second password here"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    driver = start_browser("dashboard", str(tmp_path_factory.mktemp("dashboard")), None)
    yield driver
    driver.stop()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def hall(start_server, tmp_path, receiver):
    """A server with a dashboard of its own, and somebody who takes its webhooks."""
    (tmp_path / "recordings").mkdir()
    server = start_server(config={
        "dashboard": {"database": str(tmp_path / "dashboard.db")},
        "webhook": {"api_key": "devkey", "urls": [receiver.url], "outbox": str(tmp_path / "webhooks.db")},
        "record": {"folder": str(tmp_path / "recordings"), "min_free_mb": 1}})
    server.database, server.recordings = str(tmp_path / "dashboard.db"), str(tmp_path / "recordings")
    return server


@pytest.fixture
def page(browser, hall):
    """page(name, path, **how): somebody in front of a page of the dashboard."""
    held: list[Operator] = []

    def make(name: str, path: str = "/dashboard/", **how) -> Operator:
        held.append(Operator(browser, hall.http_url, name, path, **how))
        return held[-1]

    yield make
    for one in held:
        one.client.call("close")


@pytest.fixture
def ada(page, hall):
    """The first operator, an admin who has just set the server up."""
    return page("ada", setup_link(hall.database, as_browsers_like_it(hall.http_url))).set_up()


def a_viewer(ada: Operator, page) -> Operator:
    ada.open("Operators")
    ada.press_button("New operator")
    ada.fill(label="Name", text="victor")
    ada.fill(label="First password", text=VIEWER)
    ada.answer("Add")
    ada.see('tr:has-text("victor")', "viewer")
    victor = page("victor").sign_in(VIEWER)
    victor.see("h1", "Overview")
    return victor


def token(key: str, secret: str, room: str, identity: str) -> str:
    return (api.AccessToken(key, secret).with_identity(identity).with_ttl(datetime.timedelta(hours=1))
            .with_grants(api.VideoGrants(room_join=True, room=room)).to_jwt())


def harmless(*pages: Operator) -> None:
    """Nothing that somebody is called has run, and no policy had to stop anything."""
    for one in pages:
        assert one.evaluate(js="window.hacked === undefined && document.querySelectorAll('main img').length === 0")
        assert [fault for fault in one.faults() if "404 (Not Found)" not in fault] == []  # what is shown may just have gone


# ---- getting in ----


def test_set_up_and_sign_in(page, hall):
    """The link makes the first operator, once; then names and passwords count."""
    early = page("early")
    early.see("h1", "Not set up yet")
    link = setup_link(hall.database, as_browsers_like_it(hall.http_url))
    ada = page("ada", link)
    ada.fill(label="Name", text="ada")
    ada.fill(label="Password", text=PASSWORD)
    ada.fill(label="The password again", text="another password")
    ada.press_button("Make the first operator")
    ada.see('.fault[role="alert"]', "The two passwords differ")
    ada.set_up()
    assert ada.evaluate(js="location.hash") == ""
    assert ada.evaluate(js="document.cookie") == ""  # HttpOnly: no script sees it
    ada.press_button("Sign out")
    ada.see("h1", "Sign in")
    ada.sign_in("not her password")
    ada.see('.fault[role="alert"]')
    ada.sign_in()
    ada.see("h1", "Overview")
    ada.see(".live", "Live")
    late = page("late", link)
    late.see("h1", "Sign in")
    assert late.ask("POST", "/api/v1/setup", {"token": link.split("=")[1], "name": "late", "password": PASSWORD})[0] in (403, 409)
    ada.open("Audit log")
    for words in ("operator: set up", "session: sign out", "session: sign in failed", "session: sign in"):
        ada.see(".pill", words)


def test_a_session_ends_elsewhere(ada, page):
    """Who is removed by an admin is signed out on a page that is open, at once."""
    victor = a_viewer(ada, page)
    victor.open("Rooms")
    ada.in_row("victor", "Remove")
    ada.answer("Remove")
    victor.see("h1", "Sign in")
    victor.sign_in(VIEWER)
    victor.see('.fault[role="alert"]')


# ---- keys ----


def test_a_key_lives_and_dies(ada, hall, room_on):
    """Made here, a real client joins by it; rotated, the old secret is refused; revoked with all who came in by it."""
    ada.open("Projects and keys")
    ada.see(".empty-title", "No key has been made here yet.")
    ada.press_button("New key")
    ada.fill(label="Project", text="Shop")
    ada.press_button("Make the key")
    ada.see("dialog[open]", "It is shown this once.")
    key, secret = ada.value(label="LIVEKIT_API_KEY"), ada.value(label="LIVEKIT_API_SECRET")
    assert ada.value(label="LIVEKIT_URL") == as_browsers_like_it(hall.url)
    ada.click(name="Copy LIVEKIT_API_SECRET", css="dialog[open]")
    ada.see('.copy p[role="status"]', "Copied")
    assert ada.evaluate(js="navigator.clipboard.readText()") == secret
    ada.answer("I have it")
    assert secret not in ada.evaluate(js="document.documentElement.outerHTML")

    shop = room_on(hall, "shop")
    buyer = shop.join("node", "buyer", token=token(key, secret, "shop", "buyer"))
    ada.in_row(key, "Rotate")
    ada.select(label="The old secret ends", text="at once: what still has the old one fails now")
    ada.press_button("Make a new secret")
    ada.see("dialog[open]", "It is shown this once.")
    newer = ada.value(label="LIVEKIT_API_SECRET")
    ada.answer("I have it")
    assert newer != secret
    with pytest.raises(ClientError):
        shop.join("node", "late", token=token(key, secret, "shop", "late"))
    second = shop.join("node", "second", token=token(key, newer, "shop", "second"))

    ada.in_row(key, "Revoke")
    ada.see(".consequences", "it cannot be undone")
    ada.check(label="Also disconnect everybody who came in by it")
    ada.answer("Revoke for good")
    for client in (buyer, second):
        client.wait("disconnected")
        client.connected = False
    ada.see(f'tr:has-text("{key}") .pill', "revoked")
    ada.see('[role="status"]', f"{key} is revoked. Disconnected with it: 2.")
    with pytest.raises(ClientError):
        shop.join("node", "third", token=token(key, newer, "shop", "third"))
    ada.open("Audit log")
    for words in ("key: create", "key: rotate", "key: revoke"):
        ada.see(".pill", words)
    html = ada.evaluate(js="document.documentElement.outerHTML")
    assert secret not in html and newer not in html
    harmless(ada)


# ---- rooms ----


def test_a_room_is_watched_and_put_in_order(ada, hall, room_on):
    """People come and go on the page by themselves; a track's graphs are of real media; mute, message, move, remove."""
    garden = room_on(hall, "garden " + HOSTILE)
    ada.open("Rooms")
    ada.see(".empty-title", "No room is open.")
    eve = garden.join("node", "eve " + HOSTILE)
    ada.follow(garden.name)
    ada.see("h1", garden.name)
    ada.see("td", "eve " + HOSTILE)
    bob = garden.join("node", "bob")
    ada.see("td", "bob")
    picture = eve.call("publishVideo", fps=15)["sid"]
    bob.until(picture, lambda s: s["frames"] > 10)
    ada.click(role="link", name="Camera", css='tr:has-text("eve")')
    ada.see("h1", "Camera of eve " + HOSTILE)
    ada.until_points("Bitrate", 4)
    ada.until_points("Packet loss", 4)
    ada.see(".timeline-words li")  # the layer and its reason, in words
    assert ": " in ada.texts(css=".timeline-words li")[0]
    ada.see(".u-legend", "to bob")

    ada.press_button("Mute")
    ada.answer("Mute")
    bob.wait("trackMuted", sid=picture)
    ada.see(".page-head .pill", "muted")
    ada.click(role="link", name="eve " + HOSTILE, css=".crumbs")
    ada.see("h1", "eve " + HOSTILE)
    ada.see("dt", "Let in by the key")
    ada.press_button("Message")
    ada.fill(label="Text", text="are you <b>there</b>?")
    ada.answer("Send")
    assert "are you <b>there</b>?" in eve.wait("dataReceived", topic="lk-chat-topic")["text"]
    assert not bob.find("dataReceived")

    ada.click(role="link", name=garden.name, css=".crumbs")
    ada.in_row("eve", "Remove")
    ada.see("dialog[open] h2", "from the room?")
    ada.answer("Remove")
    eve.wait("disconnected")
    eve.connected = False
    ada.see('tr:has-text("eve")', state="detached")
    bob.wait("participantDisconnected", identity="eve " + HOSTILE)
    ada.press_button("Close the room")
    ada.answer("Close it")
    bob.wait("disconnected")
    bob.connected = False
    ada.see("h1", "Rooms")
    ada.see(".empty-title", "No room is open.")
    ada.open("Audit log")
    for words in ("track: mute", "room: message", "participant: kick", "room: close"):
        ada.see(".pill", words)
    harmless(ada)


def test_somebody_is_moved(ada, hall, room_on):
    """To a room that others are in: both rooms' pages say so, and the log does."""
    here, there = room_on(hall, "here"), room_on(hall, "there")
    waiting, moving = there.join("node", "waiting"), here.join("node", "moving")
    here.join("node", "staying")
    ada.open("Rooms").follow("here")
    ada.in_row("moving", "Move")
    ada.fill(label="Name of the other room", text="there")
    ada.answer("Move")
    waiting.wait("participantConnected", identity="moving")
    moving.wait("participantConnected", identity="waiting")
    ada.see('tr:has-text("moving")', state="detached")
    ada.see('tr:has-text("staying")')
    ada.open("Rooms").follow("there")
    ada.see('tr:has-text("moving")')
    ada.open("Audit log")
    ada.see(".pill", "participant: move")
    harmless(ada)


def test_a_recording_is_watched_and_stopped(ada, hall, room_on):
    """It stands there while it runs, and with its file when an admin has stopped it."""
    ada.open("Recordings")
    ada.see(".empty-title", "Nothing has been recorded.")
    room = room_on(hall, "studio")
    speaker = room.join("node", "speaker")
    speaker.call("publishAudio", toneHz=500)
    egress = call(hall, "start_room_composite_egress", pb.RoomCompositeEgressRequest(
        room_name="studio", audio_only=True, file_outputs=[pb.EncodedFileOutput(filepath="studio.ogg")]))
    ada.see('tr:has-text("studio") .pill', "recording")
    recorded_for(hall, egress.egress_id, 1)
    ada.in_row("studio", "Stop")
    ada.see("dialog[open] h2", "Stop this recording?")
    ada.answer("Stop")
    ada.see('tr:has-text("studio") .pill', "complete")
    ada.see('tr:has-text("studio") .mono', "studio.ogg")
    assert ada.count(css='tr:has-text("studio") button') == 0
    ended = call(hall, "list_egress", pb.ListEgressRequest(egress_id=egress.egress_id)).items[0]
    assert ended.status == pb.EGRESS_COMPLETE and ended.file_results[0].size > 0
    ada.open("Audit log")
    ada.see(".pill", "recording: stop")
    harmless(ada)


def routes_of(page: Operator, node: str, query: str = "") -> dict:
    status, answer = page.ask("GET", f"/api/v1/routes?node={node}&{query}")
    API.check("GET", "/api/v1/routes", status, answer)
    assert status == 200, answer
    return answer


@pytest.mark.skipif(Redis.missing() is not None, reason=str(Redis.missing()))
def test_the_nodes_of_a_cluster(browser, cluster, room_on, tmp_path):  # noqa: F811
    """Each node's dashboard shows all of them, and which has which room; one that ends goes from the page."""
    one, two = [cluster.add(1, region=region, dashboard={"database": str(tmp_path / f"{region}.db")})[-1] for region in ("eu", "us")]
    cluster.meet()
    link = setup_link(str(tmp_path / "eu.db"), as_browsers_like_it(one.http_url))
    ada = Operator(browser, one.http_url, "ada", link)
    try:
        ada.set_up()
        ada.open("Nodes and routes")
        ada.see("h2", "2 nodes")
        ada.see('tr:has-text("this one, eu")', "here")
        ada.see('tr:has-text("us") .pill', "serving")
        assert ada.count(css=".map-node") == 2
        status, answer = ada.ask("GET", "/api/v1/nodes")
        API.check("GET", "/api/v1/nodes", status, answer)
        assert [(node["self"], node["region"], node["state"]) for node in answer["nodes"]] == [(True, "eu", "serving"), (False, "us", "serving")]
        assert answer["nodes"][0]["address"] != answer["nodes"][1]["address"] and answer["nodes"][1]["version"] is None
        here, there = (node["id"] for node in answer["nodes"])
        room_on(one, "near " + HOSTILE).join("node", "somebody")
        for name in ("far one", "far two"):
            room_on(two, name).join("node", "somebody")
        ada.see('section:has(h2:text-is("Routes of this node")) td', "near " + HOSTILE)
        ada.select(label="Rooms of which node", text=f"us: {there}")
        for name in ("far one", "far two"):
            ada.see('section:has(h2:text-is("Routes of another node")) td', name)
        assert ada.count(css="main td a") == 0  # its people are on its own dashboard
        assert ada.serious() == []
        far = routes_of(ada, there)
        assert [(r["room"], r["node"], r["kind"]) for r in far["routes"]] == [(n, there, "home") for n in ("far one", "far two")]
        first = routes_of(ada, there, "limit=1")
        assert first["routes"] == far["routes"][:1] and first["next"] == first["routes"][0]["sid"] and far["next"] is None
        assert routes_of(ada, there, f"limit=1&after={first['next']}") == {"routes": far["routes"][1:], "next": None}
        assert [r["room"] for r in routes_of(ada, here)["routes"]] == ["near " + HOSTILE]
        ada.select(label="Rooms of which node", text="this one")
        ada.follow("near " + HOSTILE)
        ada.see("td", "somebody")
        ada.open("Nodes and routes")
        assert ada.faults() == []
        for query in ("node=none", f"node={there}&after=RM_none", f"node={there}&after=%26limit", "after=x%0ay"):
            status, refused = ada.ask("GET", f"/api/v1/routes?{query}")
            assert (status, refused["code"]) == (404, "not_found"), query
        two.terminate()
        ada.see("h2", "One node")
        harmless(ada)
    finally:
        ada.client.call("close")


def test_what_has_gone_is_said(ada):
    ada.go(url=as_browsers_like_it(ada.base) + "/dashboard/rooms/RM_none")
    ada.see("h1", "The room is gone")
    ada.go(url=as_browsers_like_it(ada.base) + "/dashboard/nothing/here")
    ada.see("h1", "No such page")
    ada.follow("Go to the overview")
    ada.see("h1", "Overview")


# ---- webhooks ----


def test_a_webhook_is_sent_again(ada, hall, room_on, receiver):
    room = room_on(hall, "hooked")
    room.join("node", "fisher")
    receiver.wait(lambda r: "participant_joined" in r.names("hooked"))
    before = receiver.names("hooked").count("participant_joined")
    ada.open("Webhooks")
    ada.see('tr:has-text("participant joined") .pill', "delivered")
    ada.in_row("participant joined", "Send again")
    ada.answer("Send again")
    receiver.wait(lambda r: r.names("hooked").count("participant_joined") == before + 1)
    ids = {g["event"]["id"] for g in receiver.taken("hooked") if g["event"]["event"] == "participant_joined"}
    assert len(ids) == 1
    ada.open("Audit log")
    ada.see(".pill", "webhook: replay")


# ---- who may what ----


def test_a_viewer_changes_nothing(ada, page, hall, room_on):
    """The page offers nothing that would be refused, and the server refuses it."""
    room = room_on(hall, "quiet")
    room.join("node", "somebody")
    victor = a_viewer(ada, page)
    for place in PLACES:
        victor.open(place)
        victor.see(".live", "Live")
        victor.see(".loading", state="detached")
        offered = set(victor.evaluate(js="[...document.querySelectorAll('main button')].map((b) => b.textContent)"))
        assert offered <= {"Change the password", "Show more"}, (place, offered)
    victor.open("Rooms").follow("quiet")
    victor.see("td", "somebody")
    assert victor.count(css="main button") == 0
    sid = victor.evaluate(js="location.pathname.split('/').pop()")
    for method, path, body in (("POST", "/api/v1/keys", {"project": "x"}), ("DELETE", f"/api/v1/rooms/{sid}", None),
                               ("POST", f"/api/v1/rooms/{sid}/message", {"text": "x"}),
                               ("POST", "/api/v1/webhooks/replay", {"from": 1}),
                               ("POST", "/api/v1/operators", {"name": "x", "role": "admin", "password": PASSWORD})):
        status, answer = victor.ask(method, path, body)
        assert (status, answer["code"]) == (403, "not_permitted"), path
    victor.see("td", "somebody")


# ---- for everybody ----


@pytest.mark.parametrize("colours", ["dark", "light"])
def test_everybody_can_use_it(page, hall, room_on, colours):
    """axe-core finds nothing serious on any page or dialog, in either colours."""
    early = page("early", colours=colours, still=True)
    early.see("h1", "Not set up yet")
    assert early.serious() == []
    ada = page("ada", setup_link(hall.database, as_browsers_like_it(hall.http_url)), colours=colours, still=True)
    ada.see("h1", "Welcome")
    assert ada.evaluate(js="document.documentElement.dataset.theme") == colours
    assert ada.serious() == []
    ada.set_up()
    room = room_on(hall, "open house")
    host, guest = room.join("node", "host"), room.join("node", "guest")
    picture = host.call("publishVideo", fps=15)["sid"]
    guest.until(picture, lambda s: s["frames"] > 5)
    for place in PLACES:
        ada.open(place)
        ada.see(".loading", state="detached")
        assert ada.serious() == [], place
    ada.press_button("New operator")
    ada.see("dialog[open]")
    assert ada.serious() == []
    ada.press(key="Escape")
    ada.see("dialog[open]", state="detached")
    assert ada.evaluate(js="document.activeElement.textContent") == "New operator"
    ada.open("Rooms").follow("open house")
    ada.see("td", "guest")
    assert ada.serious() == []
    ada.follow("guest")
    ada.see(".timeline")
    assert ada.serious() == []
    ada.follow("Camera of host")
    ada.until_points("Bitrate", 2)
    assert ada.serious() == []
    ada.press_button("Sign out")
    ada.see("h1", "Sign in")
    assert ada.serious() == []


def test_by_keys_alone(ada):
    """From the top to the page's content, along the menu, into a dialog and back."""
    ada.open("Projects and keys")
    ada.evaluate(js="document.body.focus(), document.activeElement.blur()")
    ada.evaluate(js="document.querySelector('.skip').focus()")
    ada.press(key="Enter")
    assert ada.evaluate(js="document.activeElement.id") == "content"
    ada.press(key="Tab")
    assert ada.evaluate(js="document.activeElement.textContent") == "New key"
    ada.press(key="Enter")
    ada.see("dialog[open]")
    for _ in range(8):  # it stays in there
        ada.press(key="Tab")
        assert ada.evaluate(js="document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    ada.press(key="Escape")
    ada.see("dialog[open]", state="detached")


def test_on_a_phone(page, hall, room_on):
    """Nothing sticks out of a small screen; the menu opens by its button and closes when it was used."""
    ada = page("ada", setup_link(hall.database, as_browsers_like_it(hall.http_url)), viewport=PHONE, touch=True)
    ada.set_up()
    room_on(hall, "a room with quite a long name " + "x" * 60).join("node", "somebody-with-a-name-" + "y" * 60)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    for place in PLACES:
        ada.press_button("Menu")
        ada.open(place)
        eventually(lambda: ada.evaluate(js=fits), what=f"{place} fits")
    ada.press_button("Menu")
    ada.open("Rooms")
    ada.click(role="link", name="a room with", css="main", exact=False)
    ada.see("td", "somebody")
    assert ada.evaluate(js=fits)


def test_meet_loads_nothing_of_it(page, hall):
    meet = page("guest", "/")
    meet.see('.prejoin button[type="submit"]')
    names = [item["path"] for item in meet.loaded() if item["path"].endswith((".js", ".css"))]
    assert names and not [name for name in names if "dashboard" in name]
