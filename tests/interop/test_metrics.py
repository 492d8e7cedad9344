# SPDX-License-Identifier: Apache-2.0
"""/metrics as Prometheus reads it: types and HELP of all names, LiveKit's labels and buckets, and values that follow a call."""

from __future__ import annotations

import re
import urllib.error
import urllib.request

import pytest
import websockets
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect

from lib import signalling, tokens
from lib.driver import eventually
from lib.netem import Forwarder, Impairment
from lib.ports import free_port
from lib.server import Server

pytestmark = pytest.mark.skipif(Server.is_reference(), reason="some of the names are ours")

GAUGES = ("livekit_room_total", "livekit_participant_total", "livekit_track_published_total",
          "livekit_track_subscribed_total")
FLOWS = (("livekit_packet_total", {"direction": "incoming", "transmission": "initial"}),
         ("livekit_packet_total", {"direction": "outgoing", "transmission": "initial"}),
         ("livekit_packet_bytes", {"direction": "incoming", "transmission": "initial"}),
         ("livekit_packet_bytes", {"direction": "outgoing", "transmission": "initial"}),
         ("livekit_forward_latency_ns_count", {}),
         ("livekit_participant_join_total", {"state": "rtc_connected"}),
         ("livekit_node_messages", {"type": "signal", "status": "success", "direction": "request"}),
         ("auralink_signal_messages_total", {"direction": "incoming"}),
         ("auralink_signal_messages_total", {"direction": "outgoing"}))
STREAM = {"direction", "source", "type"}
PROTOCOL = {"protocol_version"}


def exponential(least: float, most: float) -> list[float]:
    return [least * (most / least) ** (i / 14) for i in range(15)]


PERCENT = [0, 0.1, 0.3, 0.5, 0.7, 1, 5, 10, 40, 100]
# What LiveKit 1.13 has under the same names: labels besides node_id and node_type, and buckets (None: a counter).
THEIRS = {
    "livekit_packet_loss_total": (STREAM, None),
    "livekit_packet_loss_percent": (STREAM, PERCENT),
    "livekit_packet_out_of_order_percent": (STREAM, PERCENT),
    "livekit_jitter_us": (STREAM, [1e3, 1e4, 3e4, 5e4, 7e4, 1e5, 3e5, 6e5, 1e6]),
    "livekit_rtt_ms": (STREAM, [50, 100, 150, 200, 250, 500, 750, 1000, 5000, 10000]),
    "livekit_room_duration_seconds": (set(), [5, 10, 60, 300, 600, 1800, 3600, 7200, 18000, 36000]),
    "livekit_session_join_latency_ms": (PROTOCOL, exponential(10, 10000)),
    "livekit_session_start_time_ms": (PROTOCOL | {"warp"}, exponential(100, 10000)),
    "livekit_session_duration_ms": (PROTOCOL, exponential(100, 4 * 3600 * 1000)),
    "livekit_pubsubtime_ms": (STREAM | {"sdk", "kind", "count"}, [100, 200, 500, 700, 1000, 5000, 10000]),
    "livekit_track_publish_counter": ({"kind", "state"}, None),
    "livekit_track_subscribe_counter": ({"state", "error"}, None),
    "livekit_peer_connection_state": ({"transport", "state"}, None),
    "livekit_node_service_operation": ({"type", "status", "error_type"}, None),
    "livekit_node_twirp_request_status": ({"service", "method", "status", "code"}, None),
    "livekit_node_twirp_request_latency_ms":
        ({"service", "method", "status"}, [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000]),
    "livekit_quality_rating": (set(), [0, 1, 2]),
    "livekit_quality_score": (set(), [1, 2, 2.5, 3, 3.25, 3.5, 3.75, 4, 4.25, 4.5]),
    "livekit_forward_latency_ns": (set(), [5e4, 1e5, 2.5e5, 5e5, 1e6, 2e6, 3e6, 5e6, 1e7, 2e7]),
    "livekit_datapacket_stream_dest_count": ({"type", "mime_type"}, [1, 2, 3, 4, 5, 10, 15, 25, 50]),
    "livekit_datapacket_stream_bytes": ({"type", "mime_type"}, [float(128 * 4**i) for i in range(10)]),
}


def families(server) -> list:
    status, text, headers = server.get("/metrics")
    assert status == 200 and "version=0.0.4" in {k.lower(): v for k, v in headers.items()}["content-type"]
    return list(text_string_to_metric_families(text))


def own(labels: dict) -> dict:
    """Without those that all of LiveKit's names have."""
    return {k: v for k, v in labels.items() if k not in ("node_id", "node_type")}


def value(server, name: str, labels: dict | None = None, sum_up: bool = False) -> float:
    """Of the one series with exactly these labels; or the sum of all that have them."""
    found = [s.value for f in families(server) for s in f.samples
             if s.name.removesuffix("_total") == name.removesuffix("_total")
             and (labels.items() <= s.labels.items() if sum_up else own(s.labels) == (labels or {}))]
    assert sum_up or len(found) == 1, (name, labels, found)
    return sum(found)


def lossy(server, way: dict) -> bool:
    """Whether not all reports of one look at them say that nothing was lost."""
    samples = [s for f in families(server) for s in f.samples if way.items() <= s.labels.items()]
    reports = sum(s.value for s in samples if s.name == "livekit_packet_loss_percent_count")
    none = sum(s.value for s in samples if s.name == "livekit_packet_loss_percent_bucket" and float(s.labels["le"]) == 0)
    return none < reports


def test_format(server):
    """Every family has a type and a HELP text, comes once, and no series comes twice."""
    _, text, _ = server.get("/metrics")
    helped = dict(re.findall(r"^# HELP (\S+) (.+)$", text, re.M))
    typed = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    assert set(helped) == set(typed) and len(helped) == text.count("# HELP ") == text.count("# TYPE ")
    assert set(typed.values()) <= {"counter", "gauge", "histogram"}
    names = [f.name for f in families(server)]
    assert len(names) == len(set(names)) and "unknown" not in {f.type for f in families(server)}
    series = [(s.name, tuple(sorted(s.labels.items()))) for f in families(server) for s in f.samples]
    assert len(series) == len(set(series)) > 60
    for family in families(server):
        assert re.fullmatch(r"(livekit|auralink|process)_[a-z0-9_]+", family.name), family.name
        assert family.documentation.endswith("."), family.name
        for sample in family.samples:
            theirs = family.name.startswith("livekit_")
            assert (sample.labels.get("node_type") == "SERVER") == theirs, sample
            assert ("node_id" in sample.labels) == theirs, sample


def check_histogram(family) -> None:
    """In each series buckets only grow, and the last is the count."""
    series: dict[tuple, list] = {}
    for s in family.samples:
        if s.name.endswith("_bucket"):
            series.setdefault(tuple(sorted((k, v) for k, v in s.labels.items() if k != "le")), []).append(s)
    for labels, buckets in series.items():
        assert buckets[-1].labels["le"] == "+Inf"
        counts = [b.value for b in buckets]
        assert counts == sorted(counts), family.name
        assert counts[-1] == next(s.value for s in family.samples
                                  if s.name.endswith("_count") and tuple(sorted(s.labels.items())) == labels)


def test_call(start_server, room_on):
    """What is there now follows a call up and down, what flowed only grows."""
    server = start_server(config={"room": {"departure_timeout": 1}})
    before = {(n, tuple(la.items())): value(server, n, la) for n, la in FLOWS}
    assert [value(server, name, {}, sum_up=True) for name in GAUGES] == [0, 0, 0, 0]
    assert signalling.refused(server, "nonsense")[0] == 401
    assert value(server, "livekit_participant_join_total", {"state": "signal_validation_failed"}) == 1
    room = room_on(server)
    room.join("node", "sender").call("publishVideo", fps=15)
    room.join("python", "viewer").wait("trackSubscribed")
    eventually(lambda: [value(server, name, {}, sum_up=True) for name in GAUGES] == [1, 2, 1, 1], 60,
               what="gauges of the call")
    assert value(server, "livekit_track_subscribed_total", {"kind": "VIDEO"}) == 1
    for name, labels in FLOWS:
        eventually(lambda: value(server, name, labels) > before[name, tuple(labels.items())], 60, what=f"{name} {labels}")
    eventually(lambda: value(server, "auralink_join_duration_seconds_count") == 2, 60, what="both have joined")
    room.close()
    eventually(lambda: [value(server, name, {}, sum_up=True) for name in GAUGES] == [0, 0, 0, 0], 60,
               what="gauges after the call")


def test_bad_network(start_server, room_on):
    """A call with delay and losses each way: LiveKit's histograms and counters have its labels, its buckets and what happened."""
    server = start_server(config={"room": {"departure_timeout": 1}})
    network = {"delay_ms": 60, "loss": 0.1, "jitter_ms": 20}
    forwarder = Forwarder(("127.0.0.1", server.udp_port), Impairment(**network), Impairment(**network, seed=2),
                          signal_target=server.url)
    room = room_on(server)
    camera = {"source": "CAMERA", "type": "VIDEO"}
    try:
        sender = room.join("node", "sender", url=forwarder.ws_url)
        viewer = room.join("python", "viewer", url=forwarder.ws_url)
        sender.call("publishVideo", fps=15, width=320, height=180)
        sender.call("publishAudio", toneHz=500)
        viewer.wait("trackSubscribed", 60)
        sender.call("sendText", text="three words here", topic="chat", to=["viewer"])
        for direction in ("incoming", "outgoing"):
            way = {"direction": direction, **camera}
            eventually(lambda: value(server, "livekit_packet_loss_total", way, sum_up=True) > 0, 90, what=f"losses {way}")
            eventually(lambda: value(server, "livekit_jitter_us_sum", way, sum_up=True) > 0, 90, what=f"jitter {way}")

            def slow():
                """Round trips of which each must have taken the 120 ms that the network takes, at least."""
                count = value(server, "livekit_rtt_ms_count", way, sum_up=True)
                return count > 0 and value(server, "livekit_rtt_ms_bucket", {**way, "le": "100"}, sum_up=True) == 0

            eventually(slow, 90, what=f"round trips {way}")
            eventually(lambda: lossy(server, way), 90, what=f"reports of losses {way}")
        eventually(lambda: value(server, "livekit_jitter_us_count", {"source": "MICROPHONE", "type": "AUDIO"}, sum_up=True),
                   90, what="sound is measured")
        eventually(lambda: value(server, "livekit_pubsubtime_ms_count",
                                 {**camera, "direction": "subscribe-stream-start", "sdk": "PYTHON"}, sum_up=True) == 1,
                   90, what="the time to the first packet")
        assert value(server, "livekit_pubsubtime_ms_count", {**camera, "direction": "publish"}, sum_up=True) == 1
        for state in ("attempt", "success"):
            assert value(server, "livekit_track_publish_counter", {"kind": "VIDEO", "state": state}) == 1
            eventually(lambda: value(server, "livekit_track_subscribe_counter", {"state": state, "error": ""}) == 2, 60,
                       what=state)
        eventually(lambda: value(server, "livekit_quality_score_count", {}, sum_up=True) > 0, 60, what="a score")
        for state in ("started", "ice_connected", "connected"):
            assert value(server, "livekit_peer_connection_state", {"transport": "PUBLISHER", "state": state}) >= 1
        eventually(lambda: value(server, "livekit_datapacket_stream_dest_count_sum", {}, sum_up=True) == 1, 60,
                   what="the text stream")
    finally:
        room.close()
        forwarder.close()
    eventually(lambda: value(server, "livekit_room_duration_seconds_count", {}, sum_up=True) == 1, 60, what="the room has ended")
    assert value(server, "livekit_session_duration_ms_count", {}, sum_up=True) == 2
    assert server.get("/twirp/livekit.RoomService/Nothing")[0] == 404
    found = {f.name if f.name + "_total" not in THEIRS else f.name + "_total": f for f in families(server)}
    for name, (labels, buckets) in THEIRS.items():
        family = found[name]
        assert family.samples, name
        assert family.type == ("histogram" if buckets else "counter"), name
        for sample in family.samples:
            assert set(own(sample.labels)) - {"le"} == labels, sample
        if buckets:
            check_histogram(family)
            bounds = sorted({float(s.labels["le"]) for s in family.samples if s.name.endswith("_bucket")})
            assert bounds == pytest.approx([*buckets, float("inf")]), name


def list_rooms(server, headers: dict) -> int:
    """The status of the answer."""
    request = urllib.request.Request(server.http_url + "/twirp/livekit.RoomService/ListRooms", b"{}",
                                     {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_twirp(server):
    """Requests of the API are counted by service, method and outcome."""
    way = {"service": "RoomService", "method": "ListRooms"}
    refused = {**way, "status": "4xx", "code": "unauthenticated"}

    def count(labels):
        return value(server, "livekit_node_twirp_request_status", labels, sum_up=True)

    before = count(refused)
    assert list_rooms(server, {}) == 401
    assert count(refused) == before + 1
    before = count({**way, "status": "200", "code": ""})
    token = tokens.raw(tokens.claims(video={"roomList": True}))
    assert list_rooms(server, {"Authorization": f"Bearer {token}"}) == 200
    assert count({**way, "status": "200", "code": ""}) == before + 1


@pytest.mark.parametrize("tls", [False, True])
def test_port_of_its_own(start_server, certificates, tls):
    """LiveKit's prometheus_port: plain HTTP there, nothing else there, and no metrics on the port of all."""
    port = free_port()
    config = {"prometheus": {"port": port}} if tls else {"prometheus_port": port}
    if tls:
        config["tls"] = {"cert_file": certificates["server.pem"], "key_file": certificates["server.key"]}
    server = start_server(config=config, ca_file=certificates["ca.pem"] if tls else None)
    status, text, _ = server.get("/metrics", port=port)
    assert status == 200 and "livekit_room_total" in text
    assert server.get("/metrics")[0] == 404
    assert server.get("/healthz")[0] == 200
    token = tokens.join("one", "room")
    for path in ("/", "/healthz", f"/rtc/validate?access_token={token}", "/twirp/livekit.RoomService/ListRooms"):
        status, text, _ = server.get(path, port=port)
        assert status == 404 and "only /metrics" in text, path
    with pytest.raises(websockets.exceptions.InvalidStatus, match="404"):
        connect(f"ws://{server.host}:{port}/rtc?access_token={token}")
