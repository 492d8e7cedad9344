# SPDX-License-Identifier: Apache-2.0
"""AI Core's /metrics, /healthz and JSON log, while Python's grpcio uses it."""

from __future__ import annotations

import json
import signal

import grpc
import pytest

from lib.aicore import schema
from lib.driver import eventually
from test_aicore import HEIGHT, WIDTH, Stream, encoded, start_core  # noqa: F401 (fixture)

FRAMES = 40


def feed(api, frames: list[bytes]) -> tuple[Stream, list]:
    stream, answers = Stream(api), []
    for n, data in enumerate(frames):
        stream.send(api.CompressRequest(frame=data, codec=api.CODEC_VP8, rtp_timestamp=n * 3000, width=WIDTH, height=HEIGHT))
        answers.append(next(stream.answers))
    return stream, answers


def test_metrics(start_core, record):  # noqa: F811
    """What was done is counted where it belongs, and the histograms hold each frame."""
    core = start_core("--max-streams", "1")
    assert core.get("/healthz") == (200, "serving\n")
    assert core.get("/anything")[0] == 404
    before = core.metrics()
    assert before["auralink_aicore_streams"] == 0 and before["auralink_aicore_frames_total"] == 0
    frames = encoded("libvpx", FRAMES)
    with core.channel() as channel:
        api = schema(channel)
        stream, answers = feed(api, frames)
        now = core.metrics()
        assert now["auralink_aicore_streams"] == 1 and 0 < now["auralink_aicore_load_ratio"] < 1
        assert now["auralink_aicore_frames_total"] == FRAMES
        assert now["auralink_aicore_in_bytes_total"] == sum(len(f) for f in frames)
        assert now["auralink_aicore_out_bytes_total"] == sum(len(a.frame) for a in answers)
        for step in ("decode", "analyse", "encode"):
            name = f'auralink_aicore_step_seconds_count{{step="{step}"}}'
            assert now[name] == FRAMES, name
            bucket = f'auralink_aicore_step_seconds_bucket{{step="{step}",le="+Inf"}}'
            assert now[bucket] == FRAMES
            told = sum(t.us for a in answers for t in a.steps if t.step == step) / 1e6
            assert now[f'auralink_aicore_step_seconds_sum{{step="{step}"}}'] == pytest.approx(told, abs=1e-4)
        assert now["auralink_aicore_frame_seconds_count"] == FRAMES
        with pytest.raises(grpc.RpcError):
            feed(api, frames[:1])  # a second stream: there is room for one
        with pytest.raises(grpc.RpcError):
            api.Compress(api.CompressRequest(frame=b"no frame", codec=api.CODEC_VP8))
        then = core.metrics()
        assert then['auralink_aicore_refused_total{reason="no_room"}'] == 1
        assert then['auralink_aicore_refused_total{reason="malformed_frame"}'] == 1
        assert then["auralink_aicore_frames_failed_total"] == 1
        loaded = {m.id for m in api.ListModels(api.ListModelsRequest()).models if m.loaded}
        shown = {k.split('id="')[1].split('"')[0] for k in then if k.startswith("auralink_aicore_model_info")}
        assert shown == loaded
        stream.close()
        eventually(lambda: core.metrics()["auralink_aicore_streams"] == 0, 60, what="the stream has ended")
    record(encode_ms=1000 * now['auralink_aicore_step_seconds_sum{step="encode"}'] / FRAMES,
           saved=now["auralink_aicore_saved_ratio"])


def test_draining(start_core):  # noqa: F811
    """While it drains, load balancers are told, and calls are refused for that reason."""
    core = start_core("--drain", "120")
    with core.channel() as channel:
        api = schema(channel)
        stream, _ = feed(api, encoded("libvpx", 3))
        core.process.send_signal(signal.SIGTERM)
        eventually(lambda: core.get("/healthz") == (503, "draining\n"), 60, what="it says so")
        with pytest.raises(grpc.RpcError):
            api.Compress(api.CompressRequest(frame=b"x", codec=api.CODEC_VP8))
        metrics = core.metrics()
        assert metrics["auralink_aicore_draining"] == 1
        assert metrics['auralink_aicore_refused_total{reason="draining"}'] == 1
        stream.close()


def test_log(start_core):  # noqa: F811
    """JSON lines, each with time, level, scope and event; nothing of the media, even at debug level."""
    core = start_core("--log-json", "--log-level", "debug")
    frames = encoded("libvpx", 5)
    with core.channel() as channel:
        stream, _ = feed(schema(channel), frames)
        stream.close()
    core.terminate()
    core.process.wait(60)
    lines = [line for line in core.log().splitlines() if line.startswith("{")]
    events = [json.loads(line) for line in lines]
    assert {"started", "drain", "stopped"} <= {e["event"] for e in events}
    assert all({"ts", "level", "scope", "event"} <= e.keys() for e in events)
    assert all(len(line) < 2048 for line in lines)
    raw = open(core.log_path, "rb").read()
    assert not any(frame[20:40] in raw for frame in frames)


def test_taken_port(start_core):  # noqa: F811
    """A port that was named must be had; /metrics can be switched off."""
    first = start_core()
    with pytest.raises(AssertionError, match="taken"):
        start_core("--http", first.http_url.removeprefix("http://"))
    off = start_core("--http", "off")
    assert off.http_url.endswith(":0")
