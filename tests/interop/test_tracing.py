# SPDX-License-Identifier: Apache-2.0
"""A join as an OpenTelemetry trace: what a collector gets of it, and that no collector can harm a call."""

from __future__ import annotations

import socket

import pytest

from lib import signalling, tokens
from lib.collector import Collector
from lib.driver import eventually

SERVER_KIND, INTERNAL_KIND = 2, 1
CALLER, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.stop()


def config(url: str, **more) -> dict:
    return {"tracing": {"otlp_endpoint": url, **more}}


def spans_total(server, result: str) -> float:
    return server.metric("auralink_trace_spans_total", result)


def join_raw(server, identity: str, traceparent: str | None) -> None:
    """Joins and leaves again, without media."""
    headers = {"traceparent": traceparent} if traceparent else {}
    with signalling.Signal(server, tokens.join(identity, "raw"), headers=headers) as signal:
        signal.wait("join")
        signal.send(leave={})


def test_join(start_server, room_on, collector):
    """rtc-node's join: one trace, each step a child of the request, all of them in the order of the call."""
    server = start_server(config=config(collector.url))
    room = room_on(server)
    room.join("node", "tracy")
    room.clients[0].call("publishVideo", fps=15)
    names = {"join", "token_check", "room_create", "negotiation", "ice", "dtls", "first_media"}
    spans = collector.wait(lambda c: names <= {s.name for s in c.of("tracy")} and c.of("tracy"))
    assert not collector.problems
    assert collector.requests[0]["path"] == "/v1/traces"
    root = next(s for s in spans if s.name == "join")
    assert root.kind == SERVER_KIND and not root.parent and not root.failed
    said = root.attributes
    assert said["room"] == room.name and said["participant"] == "tracy"
    assert said["room_sid"].startswith("RM_") and said["participant_sid"] == room.clients[0].psid
    assert said["sdk"] == "NODE" and said["protocol"] >= 9
    assert said["http.response.status_code"] == 101
    assert root.resource["service.name"] == "auralink-server" and root.resource["service.instance.id"].startswith("ND_")
    assert len({s.id for s in spans}) == len(spans)
    for span in spans:
        assert span.trace == root.trace and span.end >= span.start >= root.start, span
        if span is not root:
            assert span.parent == root.id and span.kind == INTERNAL_KIND and not span.failed, span
    steps = {(s.name, s.attributes.get("connection")): s for s in spans}
    assert len(steps) == len(spans), spans
    for kind in ("publisher", "subscriber"):
        if ("dtls", kind) in steps:
            assert steps["negotiation", kind].end <= steps["ice", kind].start
            assert steps["ice", kind].end <= steps["dtls", kind].start
    media = steps["first_media", "publisher"]
    assert media.start >= steps["dtls", "publisher"].end and media.end - root.start < 31
    assert any(s.name == "dtls" and s.end <= root.end for s in spans)  # active is media connected


def test_second_is_found(start_server, room_on, collector):
    """Who joins a room that is there gets it, and media out is traced too."""
    server = start_server(config=config(collector.url))
    room = room_on(server)
    room.join("node", "first").call("publishVideo", fps=15)
    room.join("python", "second")
    spans = collector.wait(lambda c: {"room_get", "first_media"} <= {s.name for s in c.of("second")} and c.of("second"))
    media = next(s for s in spans if s.name == "first_media")
    assert media.attributes["connection"] == "subscriber"
    assert next(s for s in spans if s.name == "join").attributes["sdk"] == "PYTHON"


def test_traceparent(start_server, collector):
    """The caller's span is the parent, its flag decides; what is not a traceparent counts as none."""
    server = start_server(config=config(collector.url, sample_ratio=0))
    join_raw(server, "unsampled", f"00-{CALLER}-{PARENT}-00")
    join_raw(server, "undecided", None)
    for bad in (f"00-{CALLER.upper()}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01", f"ff-{CALLER}-{PARENT}-01",
                f"00-{CALLER}-{PARENT}-01-x", "01", "x" * 4000):
        join_raw(server, "malformed", bad)
    join_raw(server, "later", f"01-{CALLER}-{PARENT}-03-more")
    join_raw(server, "sampled", f"00-{CALLER}-{PARENT}-01")
    collector.wait(lambda c: c.of("sampled"))
    for name in ("unsampled", "undecided", "malformed"):
        assert not collector.of(name), name
    for name in ("later", "sampled"):
        root = next(s for s in collector.of(name) if s.attributes.get("participant") == name)
        assert root.trace == CALLER and root.parent == PARENT and root.failed  # left before media was there
        assert root.message == "CLIENT_INITIATED"


def test_refused(start_server, collector):
    """A refused join says why; a resumed session is not a join."""
    server = start_server(config=config(collector.url))
    assert signalling.refused(server, "nonsense")[0] == 401
    root = collector.wait(lambda c: next((s for s in c.spans if s.name == "join"), None))
    assert root.failed and root.message and root.attributes["http.response.status_code"] == 401
    check = next(s for s in collector.spans if s.name == "token_check")
    assert check.failed and check.parent == root.id
    with signalling.Signal(server, tokens.join("back", "raw")) as signal:
        sid = signal.wait("join").participant.sid
        with signalling.Signal(server, tokens.join("back", "raw"), reconnect="1", sid=sid) as again:
            again.wait("reconnect")
    resumed = collector.wait(lambda c: next((s for s in c.spans if s.name == "resume"), None))
    assert not resumed.failed and resumed.attributes["participant"] == "back"


def test_headers(start_server, collector, tmp_path):
    """Headers of a file go with each request, and nowhere else; a file that everybody may read is refused."""
    secret = "Bearer d0-not-sh0w-this"
    path = tmp_path / "headers"
    path.write_text(f"# for the collector\nAuthorization: {secret}\n\nX-Scope: calls\n")
    path.chmod(0o644)
    with pytest.raises(AssertionError, match="chmod"):
        start_server(config=config(collector.url, headers_file=str(path)))
    path.chmod(0o600)
    server = start_server(config=config(collector.url + "/otlp/traces", headers_file=str(path)),
                          extra=["--log-level", "debug"])
    join_raw(server, "someone", None)
    collector.wait(lambda c: c.of("someone"))
    request = collector.requests[0]
    assert request["path"] == "/otlp/traces"
    assert request["headers"]["Authorization"] == secret and request["headers"]["X-Scope"] == "calls"
    with open(server.log_path) as file:
        assert "d0-not-sh0w" not in file.read()


def test_retries(start_server, collector):
    """A collector that is away for a moment misses nothing, one that refuses is not asked again."""
    server = start_server(config=config(collector.url))
    collector.answer = lambda count: 503 if count == 1 else 200
    join_raw(server, "patient", None)
    spans = collector.wait(lambda c: c.of("patient"))
    assert {"join", "token_check", "room_create"} <= {s.name for s in spans}
    assert server.metric("auralink_trace_retries_total") >= 1
    assert spans_total(server, "failed") == 0
    eventually(lambda: spans_total(server, "exported") == len(collector.spans), what="all are counted")
    before = len(collector.requests)
    collector.answer = lambda count: 400
    join_raw(server, "refused", None)
    eventually(lambda: spans_total(server, "failed") >= 3, 60, what="they are counted as failed")
    assert not collector.of("refused") and len(collector.requests) > before


def test_dead_collector(start_server, room_on):
    """Nobody listens, or somebody who never answers: calls go on, what cannot be sent is dropped and counted."""
    deaf = socket.create_server(("127.0.0.1", 0))  # takes connections, says nothing
    try:
        server = start_server(config={**config(f"http://127.0.0.1:{deaf.getsockname()[1]}"),
                                      "limit": {"requests_per_address": 0, "refusals_per_address": 0}})
        room = room_on(server)
        room.join("node", "tracy")
        while not spans_total(server, "dropped"):  # the queue holds 4096, each leaves two
            flood(server, 400)
        assert spans_total(server, "dropped") > 0 and spans_total(server, "exported") == 0
        room.join("node", "late").call("publishVideo", fps=15)
        room.clients[0].wait("trackSubscribed")
        server.terminate()  # drains until all have left
        room.close()
        assert server.wait_exit(60) == 0
    finally:
        deaf.close()


def flood(server, count: int) -> None:
    """Refused joins, one after the other: a refusal is traced as well."""
    for _ in range(count):
        with socket.create_connection((server.host, server.http_port), 10) as s:
            s.sendall(b"GET /rtc?access_token=x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                      b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
            s.recv(64)


def test_config(start_server):
    """What makes no sense is refused at the start, in a sentence."""
    for wrong, says in (({"otlp_endpoint": "collector:4318"}, "otlp_endpoint"),
                        ({"otlp_endpoint": "http://127.0.0.1:1", "sample_ratio": 2}, "sample_ratio"),
                        ({"otlp_endpoint": "http://127.0.0.1:1", "headers_file": "/nowhere"}, "headers_file")):
        with pytest.raises(AssertionError, match=says):
            start_server(config={"tracing": wrong})
