# SPDX-License-Identifier: Apache-2.0
"""Webhooks: what LiveKit sends, in order for each room, at least once, whatever the receivers do."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import urllib.request

import pytest
from livekit import api

from lib import tokens
from lib.driver import eventually
from lib.media import program
from lib.receiver import Receiver, verify
from lib.server import Server

@pytest.fixture
def receivers():
    made = []

    def make(**arguments) -> Receiver:
        made.append(Receiver(**arguments))
        return made[-1]

    yield make
    for receiver in made:
        receiver.stop()


@pytest.fixture
def outbox(tmp_path):
    return str(tmp_path / "state" / "webhooks.db")


def config(outbox: str, *urls: str, **more) -> dict:
    return {"webhook": {"api_key": tokens.KEY, "urls": list(urls), "outbox": outbox, **more},
            "room": {"departure_timeout": 1, "empty_timeout": 600}}


def rooms_made(server: Server, *names: str, delete: bool = False) -> None:
    """One room_started each (and a room_finished)."""

    async def run():
        async with api.LiveKitAPI(server.http_url, tokens.KEY, tokens.SECRET) as client:
            for name in names:
                await client.room.create_room(api.CreateRoomRequest(name=name))
                if delete:
                    await client.room.delete_room(api.DeleteRoomRequest(room=name))

    asyncio.run(run())


def numbers(receiver: Receiver, room: str) -> list[int]:
    return [int(g["headers"]["X-Auralink-Room-Sequence"]) for g in receiver.taken(room)]


def test_events(start_server, room_on, receivers, outbox):
    """The events of a call, as livekit-server-sdk reads them; both URLs get them."""
    first, second = receivers(), receivers()
    room = room_on(start_server(config=config(outbox, first.url, second.url)))
    speaker = room.join("node", "speaker", grants={"metadata": "some metadata"})
    audio = speaker.call("publishAudio")["sid"]
    first.wait(lambda r: "track_published" in r.names(room.name), what="the sound's beginning")
    listener = room.join("python", "listener")
    listener.until(audio, lambda s: s["loudSeconds"] > 0.2)
    speaker.call("unpublish", sid=audio)
    listener.wait("trackUnpublished", sid=audio)
    speaker.disconnect()
    listener.wait("participantDisconnected", identity="speaker")
    listener.disconnect()
    first.wait(lambda r: "room_finished" in r.names(room.name), what="the room's end")
    second.wait(lambda r: "room_finished" in r.names(room.name), what="the room's end, second URL")
    assert first.names(room.name) == second.names(room.name) == [
        "room_started", "participant_joined", "track_published", "participant_joined", "track_unpublished",
        "participant_left", "participant_left", "room_finished"]
    assert [g["body"] for g in first.taken()] == [g["body"] for g in second.taken()]

    seen = verify(first.taken())
    assert not [s for s in seen if "error" in s], seen
    events = [s["event"] for s in seen]
    assert all(e["id"].startswith("EV_") and int(e["createdAt"]) > 1e9 for e in events)
    assert len({e["id"] for e in events}) == len(events)
    assert len({e["room"]["sid"] for e in events}) == 1
    joined, published, left = events[1], events[2], events[5]
    assert joined["participant"]["identity"] == "speaker" and joined["participant"]["state"] == "ACTIVE"
    assert joined["participant"]["metadata"] == "some metadata"
    assert joined["room"]["numParticipants"] == 1
    assert published["track"]["sid"] == audio and published["participant"]["sid"] == speaker.psid
    assert set(published["room"]) == {"sid", "name"}
    assert left["participant"]["state"] == "DISCONNECTED"
    assert left["participant"]["disconnectReason"] == "CLIENT_INITIATED"
    assert json.loads(first.taken()[-1]["body"])["roomEndReason"] == "ROOM_END_IDLE_TIMEOUT"

    request = first.taken()[2]
    assert request["headers"]["Content-Type"] == "application/webhook+json"
    assert not request["headers"]["Authorization"].startswith("Bearer")
    assert numbers(first, room.name) == list(range(1, 9))
    # Camel case, without default values.
    assert "muted" not in json.loads(request["body"])["track"] and "mimeType" in json.loads(request["body"])["track"]
    bad = {**request, "body": request["body"].replace("track_published", "track_unpublished")}
    assert "error" in verify([bad])[0]
    assert "error" in verify([request], secret="another secret")[0]


def test_connection_aborted(start_server, receivers, outbox):
    """Who leaves before media is connected has aborted, not left."""
    from websockets.sync.client import connect

    receiver = receivers()
    server = start_server(config=config(outbox, receiver.url))
    with connect(f"{server.url}/rtc?access_token={tokens.join('early', 'aborted')}") as socket:
        socket.recv(10)
    receiver.wait(lambda r: "participant_connection_aborted" in r.names("aborted"))
    assert "participant_left" not in receiver.names("aborted")


def test_order_under_failures(start_server, receivers, outbox):
    """A receiver that fails every other time, in every way: nothing is lost or out of order in a room."""
    receiver = receivers()
    tries: dict[str, int] = {}

    def answer(event):
        count = tries[event["id"]] = tries.get(event["id"], 0) + 1
        return 200 if count > 1 else (500, 429, None, 503)[len(tries) % 4]

    receiver.answer = answer
    server = start_server(config=config(outbox, receiver.url))
    names = [f"order-{i}" for i in range(5)]
    for _ in range(3):
        rooms_made(server, *names, delete=True)
    receiver.wait(lambda r: len(r.taken()) >= 30, 60)
    for name in names:
        assert receiver.names(name) == ["room_started", "room_finished"] * 3
        assert numbers(receiver, name) == [1, 2, 3, 4, 5, 6]
    assert server.metric("auralink_webhook_failures_total") >= 15  # libcurl itself repeats on a connection that was kept
    eventually(lambda: server.metric("auralink_webhooks_waiting") == 0, what="all settled")


def test_slow_receiver_holds_nobody(start_server, receivers, outbox):
    """One URL that never answers: the other gets everything, calls go on, and later it gets them too."""
    import threading

    good, stuck = receivers(), receivers()
    release = threading.Event()

    def answer(event):
        release.wait(60)
        return 200

    stuck.answer = answer
    server = start_server(config=config(outbox, good.url, stuck.url, timeout="2s"))
    names = [f"slow-{i}" for i in range(30)]
    rooms_made(server, *names)
    good.wait(lambda r: {g["event"]["room"]["name"] for g in r.taken()} == set(names))
    # The longest turn since the last look: one that waits for the stuck one takes two seconds, time after time.
    eventually(lambda: server.metric("auralink_control_loop_lag_seconds") < 1, every=1, what="the control loop turns")
    release.set()
    stuck.wait(lambda r: {g["event"]["room"]["name"] for g in r.taken()} == set(names), 60)


def test_refused_and_redirected(start_server, receivers, outbox):
    """4xx is an answer: the next event goes. Redirects are followed with method and body."""
    refusing, target = receivers(), receivers()
    refusing.answer = lambda event: 404 if event["event"] == "room_started" else 200
    moved = receivers()
    moved.answer = lambda event: 302
    moved.headers = {"Location": target.url + "/moved"}
    server = start_server(config=config(outbox, refusing.url, moved.url))
    rooms_made(server, "refused", delete=True)
    refusing.wait(lambda r: r.names("refused") == ["room_finished"])
    assert len(refusing.got) == 2
    target.wait(lambda r: r.names("refused") == ["room_started", "room_finished"])
    assert target.got[0]["path"] == "/hook/moved"
    assert server.metric("auralink_webhooks_total", "refused") == 1


def test_receiver_down_and_restart(start_server, receivers, outbox):
    """The receiver is down while rooms come and go and the server is stopped; all is delivered afterwards."""
    receiver = receivers()
    receiver.stop()
    server = start_server(config=config(outbox, receiver.url))
    rooms_made(server, "down-1", "down-2", delete=True)
    eventually(lambda: server.metric("auralink_webhook_failures_total") >= 1, what="an attempt")
    eventually(lambda: server.metric("auralink_webhooks_waiting") == 4, what="all wait")
    assert server.stop() == 0
    again = start_server(config=config(outbox, receiver.url))
    rooms_made(again, "down-1")
    receiver.start()
    receiver.wait(lambda r: len(r.taken()) >= 5, 60)
    assert receiver.names("down-1") == ["room_started", "room_finished", "room_started"]
    assert numbers(receiver, "down-1") == [1, 2, 3]
    assert not [s for s in verify(receiver.taken()) if "error" in s]


def test_kill(start_server, receivers, outbox):
    """kill -9: what was stored goes out after the next start, in order."""
    receiver = receivers()
    receiver.answer = lambda event: 503
    server = start_server(config=config(outbox, receiver.url))
    names = [f"kill-{i}" for i in range(40)]
    rooms_made(server, *names, delete=True)
    eventually(lambda: server.metric("auralink_webhooks_stored") == 80, what="all are stored")
    os.kill(server.pid, signal.SIGKILL)
    server.process.wait(60)
    server.process.returncode = 0
    receiver.answer = lambda event: 200
    start_server(config=config(outbox, receiver.url))
    receiver.wait(lambda r: len({g["event"]["id"] for g in r.taken()}) == 80, 60)
    for name in names:
        assert receiver.names(name)[:2] == ["room_started", "room_finished"]


def test_ceiling(start_server, receivers, outbox):
    """The oldest go when the outbox is full, and that is counted."""
    receiver = receivers()
    receiver.answer = lambda event: 503
    server = start_server(config=config(outbox, receiver.url, max_events=16))
    rooms_made(server, *[f"full-{i}" for i in range(30)])
    eventually(lambda: server.metric("auralink_webhooks_total", "dropped") == 14, what="14 dropped")
    assert server.metric("auralink_webhooks_stored") == 16
    receiver.answer = lambda event: 200
    newest = {f"full-{i}" for i in range(14, 30)}
    receiver.wait(lambda r: newest <= {g["event"]["room"]["name"] for g in r.taken()}, 60)


def test_filter(start_server, receivers, outbox):
    receiver = receivers()
    server = start_server(config=config(outbox, receiver.url, filter_params={"exclude_events": ["room_started"]}))
    rooms_made(server, "filtered", delete=True)
    receiver.wait(lambda r: r.names("filtered") == ["room_finished"])


def run_cli(*words: str) -> dict:
    done = subprocess.run([*program(), *words, "--json"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_list_and_replay(start_server, receivers, outbox):
    """`auralink webhooks list|replay` and the API below them."""
    receiver = receivers()
    server = start_server(config=config(outbox, receiver.url))
    rooms_made(server, "replay & more", "other", delete=True)
    receiver.wait(lambda r: len(r.taken()) == 4)
    eventually(lambda: server.metric("auralink_webhooks_waiting") == 0, what="all settled")
    listed = run_cli("webhooks", "list", "--url", server.http_url)["events"]
    assert [e["seq"] for e in listed] == [1, 2, 3, 4]
    assert all(e["deliveries"] == [{"url": receiver.url, "state": "delivered", "attempts": 1, "status": 200}]
               for e in listed)
    some = run_cli("webhooks", "list", "--url", server.http_url, "--room", "replay & more", "--bodies")["events"]
    assert [e["body"]["event"] for e in some] == ["room_started", "room_finished"]
    assert run_cli("webhooks", "list", "--url", server.http_url, "--waiting")["events"] == []

    before = len(receiver.got)
    done = run_cli("webhooks", "replay", "--url", server.http_url, "--from", "1", "--room", "replay & more")
    assert done["replayed"] == 2
    receiver.wait(lambda r: len(r.got) == before + 2)
    again = receiver.got[before:]
    assert [g["event"]["id"] for g in again] == [some[0]["id"], some[1]["id"]]
    assert not [s for s in verify(again) if "error" in s]

    only_list = tokens.raw(tokens.claims(video={"roomList": True}))
    request = urllib.request.Request(server.http_url + "/webhooks/replay?from=1", data=b"",
                                     headers={"Authorization": f"Bearer {only_list}"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=60)
    assert caught.value.code == 403
    assert server.get("/webhooks")[0] == 401


def test_two_servers_one_file(start_server, receivers, outbox):
    """A second server on the same outbox would deliver everything twice: it does not start."""
    receiver = receivers()
    start_server(config=config(outbox, receiver.url))
    with pytest.raises(AssertionError, match="another server uses it"):
        start_server(config=config(outbox, receiver.url))
