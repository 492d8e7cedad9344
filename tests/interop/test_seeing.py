# SPDX-License-Identifier: Apache-2.0
"""AI compression as people see it: attributes and data messages in unmodified clients, `auralink aic top`, /metrics."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time

import pytest

from lib import tokens
from lib.aicore import AICore
from lib.driver import ClientError, eventually
from lib.media import program
from test_aic import AIC, goes_to

pytestmark = [pytest.mark.browser]

TEXT = re.compile(r"^ratio:[01]\.\d\d( vmaf:\d+)?( model:\S+)? lat:\d+\.\dms$")

RATE_S = 3  # the attribute changes no more often


@pytest.fixture
def core():
    """Without models: what is shown is the same, and it is on time on a busy machine too."""
    core = AICore("--without", "governor,faces,person")
    yield core
    core.process.send_signal(signal.SIGCONT)
    core.stop()


@pytest.fixture
def call(core, start_server, room_on):
    """A browser that publishes VP8 and one that watches; the server compresses."""
    server = start_server(config={"aic": {"enabled": True, "ai_core": {"address": core.address}}})
    room = room_on(server)
    sender = room.join("chromium", "sender", grants={"attributes": {"mine": "1"}})
    video = sender.call("publishVideo", width=640, height=360, fps=15, bitrate=1_000_000)["sid"]
    viewer = room.join("chromium", "viewer")
    viewer.until(video, lambda s: s["distinct"] > 5, 60, "no picture")
    return server, room, sender, viewer, video


def attribute(client, video: str):
    """What a client sees of the compression of the sender's track."""
    return client.call("participants")["sender"]["attributes"].get(f"auralink.aic.{video}", "")


def shows(client, video: str, test, timeout: float = 120) -> str:
    return eventually(lambda: (text := attribute(client, video)) and test(text) and text, timeout,
                      what="the attribute says it")


def top(server, *options: str) -> list[dict]:
    done = subprocess.run([*program(), "aic", "top", "--once", "--json", "--url", server.http_url, *options],
                          capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def debug(server, path: str, **grants) -> dict:
    token = tokens.join("admin", grants.pop("room", "any"), **grants)
    status, text, _ = server.get(path, {"Authorization": f"Bearer {token}"})
    assert status == 200, text
    return json.loads(text)


def test_attributes(call, core):
    """livekit-client sees the state as an attribute of the publisher, beside the publisher's own ones."""
    server, room, sender, viewer, video = call
    text = shows(viewer, video, TEXT.match)
    seen = viewer.call("participants")["sender"]["attributes"]
    assert seen["mine"] == "1"
    sender.wait("participantAttributesChanged", identity="sender",
                where=lambda e: TEXT.match(e["attributes"].get(f"auralink.aic.{video}", "")))  # the publisher sees it too
    with pytest.raises(ClientError, match="timed out"):
        sender.call("setAttributes", attributes={"auralink.aic.TR_forged": "ratio:1.00"})
    sender.call("setAttributes", attributes={"mine": "2"})
    seen = eventually(lambda: (a := viewer.call("participants")["sender"]["attributes"])["mine"] == "2" and a, 60,
                      what="the publisher's own change")
    assert "auralink.aic.TR_forged" not in seen, "only the server says so"
    core.process.send_signal(signal.SIGSTOP)
    assert shows(viewer, video, lambda t: t == "native"), text
    core.process.send_signal(signal.SIGCONT)
    shows(viewer, video, TEXT.match)
    late = room.join("node", "late")
    shows(late, video, lambda t: True)
    mark, begun = viewer.mark(), time.monotonic()
    sender.call("setAttributes", attributes={"auralink.aic": "off"})
    eventually(lambda: not attribute(viewer, video), 60, what="who opts out shows nothing")
    changes = [e for e in viewer.events[mark:] if e["event"] == "participantAttributesChanged"]
    assert 1 <= len(changes) <= 4 + (time.monotonic() - begun) / RATE_S, changes


def test_rate_of_changes(call):
    """While nothing noticeable happens nobody is told; in any case not more often than every few seconds."""
    server, room, sender, viewer, video = call
    goes_to(viewer, video, AIC)
    mark, begun = viewer.mark(), time.monotonic()
    viewer.never("tooMany", 10)  # nothing of that name comes: ten seconds of the call go by
    changes = [e for e in viewer.events[mark:] if e["event"] == "participantAttributesChanged"]
    assert len(changes) <= 1 + (time.monotonic() - begun) / RATE_S, changes


def test_data(call):
    """Who asks by an attribute gets data messages once a second about tracks that it receives; nobody else does."""
    server, room, sender, viewer, video = call
    asks = room.join("python", "asks", grants={"attributes": {"auralink.aic.hints": "on"}})
    goes_to(viewer, video, AIC)
    said = asks.wait("dataReceived", 150, topic="auralink.aic", where=lambda e: '"active"' in e["text"])
    hints = json.loads(said["text"])
    assert hints["track"] == video and hints["mode"] == "compressed", hints
    assert 0 <= hints["ratio"] <= 1 and 0 < hints["latency_ms"] <= hints["latency_p95_ms"] < 1000, hints
    assert not said["reliable"]
    assert not viewer.find("dataReceived"), "nobody else is told"
    shows(asks, video, TEXT.match)  # the Python SDK has the attribute too
    mark = viewer.mark()
    viewer.call("setAttributes", attributes={"auralink.aic.hints": "on"})
    viewer.wait("dataReceived", 60, since=mark, topic="auralink.aic")
    viewer.call("setAttributes", attributes={"auralink.aic.hints": ""})

    def told_no_more() -> bool:  # what was on its way may come still
        mark = viewer.mark()
        asks.wait("dataReceived", since=asks.mark(), topic="auralink.aic")
        asks.wait("dataReceived", since=asks.mark(), topic="auralink.aic")
        return viewer.find("dataReceived", mark) is None

    eventually(told_no_more, what="who asks no more is told no more")


def test_attributes_within_their_limit(core, start_server, room_on):
    """Where the operator allows few bytes of attributes the participant's own come first."""
    server = start_server(config={"aic": {"enabled": True, "ai_core": {"address": core.address}},
                                  "limit": {"max_attributes_size": 48}})
    room = room_on(server)
    sender = room.join("chromium", "sender", grants={"attributes": {"mine": "so long that nothing else has room"}})
    sender.call("publishVideo", width=640, height=360, fps=15, bitrate=1_000_000)
    viewer = room.join("chromium", "viewer", grants={"attributes": {"auralink.aic.hints": "on"}})
    viewer.wait("dataReceived", 150, topic="auralink.aic", where=lambda e: '"active"' in e["text"])
    viewer.never("participantAttributesChanged", 4, identity="sender")
    assert viewer.call("participants")["sender"]["attributes"].keys() == {"mine"}


def test_figures(call, core, record):
    """`auralink aic top`, /debug and /metrics agree with each other and with what the browser received."""
    server, room, sender, viewer, video = call
    goes_to(viewer, video, AIC)
    (row,) = eventually(lambda: (rows := top(server)) and rows[0]["native_kbps"] > 0 and rows, 60, what="top has rates")
    assert (row["track"], row["publisher"], row["room"], row["codec"]) == (video, "sender", room.name, "video/VP8")
    assert row["sent_bytes"] < row["native_bytes"] and 0 < row["ratio"] < 1, row
    assert row["saved_bytes"] == row["native_bytes"] - row["sent_bytes"]
    assert row["frames"] > 0 and 0 < row["latency_p50_ms"] <= row["latency_p95_ms"], row
    assert top(server, "another-room") == []
    table = subprocess.run([*program(), "aic", "top", "--once", "--url", server.http_url], capture_output=True,
                           text=True, timeout=60, check=True).stdout
    assert table.startswith("ROOM") and video in table and "%" in table
    one = debug(server, f"/debug/rooms/{room.name}", room=room.name, room_admin=True)
    assert one["aic"][0]["track"] == video
    assert any(s["aic"] and s["subscriber"] == "viewer" for s in one["subscriptions"]) or not one["aic"][0]["viewers"]
    assert server.get("/debug/aic", {"Authorization": f"Bearer {tokens.join('x', room.name)}"})[0] == 403
    metrics = server.metrics()
    assert sum(v for k, v in metrics.items() if k.startswith("auralink_aic_tracks{")) == 1
    assert 0 < metrics["auralink_aic_sent_bytes_total"] < metrics["auralink_aic_native_bytes_total"]
    assert metrics["auralink_aic_latency_seconds_count"] == metrics['auralink_aic_latency_seconds_bucket{le="+Inf"}'] > 0
    assert len([k for k in metrics if "auralink_aic" in k]) < 40, "the same number of series for any number of tracks"
    eventually(lambda: top(server)[0]["state"] == "active", 60, 0, "it is compressed")  # so that there is something to fail
    core.process.kill()
    eventually(lambda: server.metric("auralink_aic_fallbacks_total", "broken") > 0, 60, what="the reason is counted")
    record(saved=row["ratio"], native_kbps=row["native_kbps"], sent_kbps=row["sent_kbps"], p50_ms=row["latency_p50_ms"],
           p95_ms=row["latency_p95_ms"])
    sender.disconnect()
    eventually(lambda: server.metric("auralink_aic_tracks") == 0, 60, what="tracks that ended are not counted")


def test_counted_bytes_are_right(call):
    """What the server says it sent is what the browser got, but for headers that the browser does not count."""
    server, _, _, viewer, video = call

    def between() -> tuple[dict, dict, dict]:
        """What the server counts, within two looks at the browser: asking takes a while."""
        return viewer.call("rtcStats", sid=video), top(server)[0], viewer.call("rtcStats", sid=video)

    def compressed_for_a_while():
        goes_to(viewer, video, AIC)
        first = between()
        viewer.never("tooMany", 6)
        last = between()
        same = first[1]["fallbacks"] == last[1]["fallbacks"] and last[2]["mimeType"] == first[0]["mimeType"] == AIC
        return same and (first, last)

    def got(before: dict, after: dict) -> float:
        return after["bytesReceived"] - before["bytesReceived"] + 66 * (after["packetsReceived"] - before["packetsReceived"])

    first, last = eventually(compressed_for_a_while, 120, what="a stretch without a fallback")
    counted = last[1]["sent_bytes"] - first[1]["sent_bytes"]
    least, most = got(first[2], last[0]), got(first[0], last[2])
    assert least * 0.75 < counted < most * 1.25 and least, (counted, least, most)


def test_governed(core, start_server, room_on):
    """A publisher that is held at a rate: the attribute, /debug and `top` say at which."""
    server = start_server(config={"aic": {"enabled": True, "mode": "governor", "ai_core": {"address": core.address}}})
    room = room_on(server)
    sender = room.join("chromium", "sender")
    video = sender.call("publishVideo", width=640, height=360, fps=15, bitrate=1_000_000)["sid"]
    viewer = room.join("chromium", "viewer")
    viewer.until(video, lambda s: s["distinct"] > 5, 60, "no picture")
    text = shows(viewer, video, lambda t: t.startswith("governed cap:"))
    assert re.match(r"^governed cap:\d+kbps( vmaf:\d+)?$", text), text
    (row,) = eventually(lambda: (rows := top(server)) and rows[0]["mode"] == "governed" and rows, 60, what="top says so")
    assert row["cap_kbps"] > 0 and row["track"] == video and row["sent_bytes"] == 0, row
