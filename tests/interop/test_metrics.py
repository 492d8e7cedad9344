# SPDX-License-Identifier: Apache-2.0
"""/metrics as Prometheus reads it: types and HELP of all names, and values that follow a call."""

from __future__ import annotations

import re

from prometheus_client.parser import text_string_to_metric_families

from lib import signalling
from lib.driver import eventually

GAUGES = ("livekit_room_total", "livekit_participant_total", "livekit_track_published_total",
          "livekit_track_subscribed_total")
FLOWS = (("livekit_packet_total", {"direction": "incoming", "transmission": "original"}),
         ("livekit_packet_total", {"direction": "outgoing", "transmission": "original"}),
         ("livekit_packet_bytes", {"direction": "incoming"}), ("livekit_packet_bytes", {"direction": "outgoing"}),
         ("livekit_participant_join_total", {"state": "rtc_connected"}),
         ("auralink_signal_messages_total", {"direction": "incoming"}),
         ("auralink_signal_messages_total", {"direction": "outgoing"}))


def families(server) -> list:
    status, text, headers = server.get("/metrics")
    assert status == 200 and "version=0.0.4" in {k.lower(): v for k, v in headers.items()}["content-type"]
    return list(text_string_to_metric_families(text))


def value(server, name: str, labels: dict | None = None) -> float:
    found = [s.value for f in families(server) for s in f.samples
             if s.name.removesuffix("_total") == name.removesuffix("_total") and s.labels == (labels or {})]
    assert len(found) == 1, (name, labels, found)
    return found[0]


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


def test_histograms(server):
    """Buckets only grow, the last is the count."""
    histograms = [f for f in families(server) if f.type == "histogram"]
    assert {"auralink_join_duration_seconds", "auralink_aic_latency_seconds"} <= {h.name for h in histograms}
    for h in histograms:
        buckets = [s for s in h.samples if s.name.endswith("_bucket")]
        assert buckets[-1].labels["le"] == "+Inf"
        counts = [b.value for b in buckets]
        assert counts == sorted(counts)
        assert counts[-1] == next(s.value for s in h.samples if s.name.endswith("_count"))


def test_call(start_server, room_on):
    """What is there now follows a call up and down, what flowed only grows."""
    server = start_server(config={"room": {"departure_timeout": 1}})
    before = {(n, tuple(la.items())): value(server, n, la) for n, la in FLOWS}
    assert [value(server, name) for name in GAUGES] == [0, 0, 0, 0]
    assert signalling.refused(server, "nonsense")[0] == 401
    room = room_on(server)
    room.join("node", "sender").call("publishVideo", fps=15)
    room.join("python", "viewer").wait("trackSubscribed")
    eventually(lambda: [value(server, name) for name in GAUGES] == [1, 2, 1, 1], 60, what="gauges of the call")
    for name, labels in FLOWS:
        eventually(lambda: value(server, name, labels) > before[name, tuple(labels.items())], 60, what=f"{name} {labels}")
    eventually(lambda: value(server, "auralink_join_duration_seconds_count") == 2, 60, what="both have joined")
    room.close()
    eventually(lambda: [value(server, name) for name in GAUGES] == [0, 0, 0, 0], 60, what="gauges after the call")
