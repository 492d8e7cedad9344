# SPDX-License-Identifier: Apache-2.0
"""`make bench-aic` on folders as people have them, and the arithmetic behind its tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from lib.server import ROOT

sys.path.insert(0, os.path.join(ROOT, "bench"))
from aic import chart, curve, equal, legible, levers, media, screen, tiers  # noqa: E402

BUILD = os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"))
KEYS = {"clip", "tier", "levers", "native_kbps_wire", "kbps_wire", "saved", "vmaf", "vmaf_p5", "vmaf_neg", "native_vmaf",
        "native_vmaf_neg", "latency_ms", "cpu_ms_per_frame"}


def bench(folder: Path, out: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": os.path.join(ROOT, "bench")}
    command = [sys.executable, "-m", "aic", "--build", BUILD, "--clips", str(folder), "--out", str(out), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)


def draw(path: Path, size: str, rate: str, seconds: float, *more: str) -> None:
    media.run("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}", *more, path)


def test_any_folder(tmp_path, record):
    """Odd sides, upright, quick, two frames only, sound, no constant rate; and files that are no video."""
    clips = tmp_path / "clips"
    clips.mkdir()
    draw(clips / "odd.mkv", "179x143", "25", 0.4, "-pix_fmt", "yuv444p")
    draw(clips / "upright.MP4", "144x176", "60", 0.3, "-f", "lavfi", "-i", "sine=d=0.3", "-shortest")
    draw(clips / "short.webm", "176x144", "50", 0.04)
    draw(clips / "vfr.mp4", "176x144", "30", 1.2, "-vf", "select='lt(n,10)+not(mod(n,4))'", "-fps_mode", "vfr")
    media.run("-f", "lavfi", "-i", "sine=d=0.3", clips / "sound.mkv")
    (clips / "broken.mp4").write_bytes((clips / "upright.MP4").read_bytes()[:900])
    (clips / "empty.mp4").write_bytes(b"")
    (clips / "notes.txt").write_text("no clip, and nobody says so")
    out = tmp_path / "results" / "rows.json"
    done = bench(clips, out, "--targets", "0")
    assert done.returncode == 0, done.stderr
    rows = json.loads(out.read_text())
    record(rows=len(rows))
    by_clip = {c: [r for r in rows if r["clip"] == c] for c in ("odd", "upright", "short", "vfr")}
    assert sum(map(len, by_clip.values())) == len(rows)
    for name, own in by_clip.items():
        assert {r["tier"] for r in own} == {"native", "server", "sender", "steered"}, (name, done.stderr)
        assert all(KEYS <= set(r) for r in own)
        assert all(0 < r["vmaf"] <= 100 and 0 < r["vmaf_neg"] <= 100 and r["kbps_wire"] > 0 for r in own), own
        for r in own:
            assert r["saved"] == pytest.approx(1 - r["kbps_wire"] / r["native_kbps_wire"], abs=0.01)
            if r["tier"] in ("server", "sender"):
                assert 0 < r["latency_ms"]["p50"] <= r["latency_ms"]["p95"] <= r["latency_ms"]["p99"]
                assert r["cpu_ms_per_frame"] >= 0
    assert (by_clip["odd"][0]["size"], by_clip["upright"][0]["size"]) == ("178x142", "144x176")
    assert (by_clip["upright"][0]["fps"], by_clip["short"][0]["fps"]) == (60, 50)
    assert 5 < by_clip["vfr"][0]["fps"] < 30
    for name, why in (("sound", "only sound"), ("broken", "no video"), ("empty", "no video")):
        assert any(f"{name} is not measured" in line and why in line for line in done.stderr.splitlines()), done.stderr
    assert "notes" not in done.stderr and "3 not measured: broken, empty, sound" in done.stderr
    texts = [e.text for e in ElementTree.parse(out.with_suffix(".svg")).iter() if e.tag.endswith("text")]
    assert set(by_clip) <= set(texts)


@pytest.mark.parametrize("what, says", [("nothing", "no video in"), ("missing", "is not a folder"), ("broken", "not measured")])
def test_nothing_to_measure(tmp_path, what, says):
    clips = tmp_path / "clips"
    if what != "missing":
        clips.mkdir()
    if what == "broken":
        (clips / "a.mp4").write_bytes(b"x" * 100)
    done = bench(clips, tmp_path / "rows.json")
    assert done.returncode == (1 if what == "broken" else 2) and says in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_levers_know_the_stages():
    """Stages that AI Core gets later are measured without anybody telling the bench."""
    assert {"governor", "faces", "person", "screen-tools", "steady", "quantizer"} <= set(levers.stages(BUILD))


def test_curves():
    half = [(50, 70), (100, 80), (200, 90), (400, 95)]
    whole = [(2 * kbps, quality) for kbps, quality in half]
    assert curve.rate_at(half, 80) == pytest.approx(100)
    assert 100 < curve.rate_at(half, 85) < 200
    assert curve.rate_at(half, 96) is None and curve.rate_at(half, 69) is None
    assert curve.rate_at([(50, 70), (60, 60), (100, 80)], 75) == pytest.approx(70.7, abs=0.1)  # the dip is no curve
    assert curve.rate_change(whole, half) == pytest.approx(-0.5)
    assert curve.rate_change(half, [(50, 10), (60, 20)]) is None
    assert curve.quality_at(half, 141.42) == pytest.approx(85, abs=0.01)


def test_equal_quality():
    """Native has VMAF 90 at 1000 kbps; the curve has 90 at 400 and 84 at 200."""
    def row(tier, levers, kbps, vmaf, **more):
        return {"clip": "c", "size": "2x2", "fps": 30, "tier": tier, "levers": levers, "kbps_wire": kbps, "native_kbps_wire": 1000,
                "saved": 1 - kbps / 1000, "vmaf": vmaf, "vmaf_neg": vmaf - 1, "native_vmaf": 90, "native_vmaf_neg": 89, **more}

    rows = [row("native", "", 1000, 90), row("sender", "governor", 300, 88)]
    rows += [row("sender", f"{k} kbps", k, q, exact=True) for k, q in ((100, 70), (200, 84), (400, 90), (800, 94))]
    (found,) = equal.summary(rows)
    assert found["saved_equal_vmaf"] == pytest.approx(0.6) and found["saved_equal_neg"] == pytest.approx(0.6)
    assert found["saved_allowed_vmaf"] == pytest.approx(0.8)
    assert (found["governor_saved"], found["governor_vmaf"]) == (0.7, -2)
    assert "-60 %" in equal.text([found])


def test_legible_text(tmp_path):
    clip = screen.make(tmp_path / "screen.y4m", "screen-slides", seconds=0.1, width=640, height=360)
    (picture, *_) = (np.frombuffer(p, np.uint8).reshape(360, 640) for p in media.gray_frames(clip.path, clip))
    blurred = (picture.astype(int) + np.roll(picture, 1, 1) + np.roll(picture, 1, 0) + np.roll(picture, 2, 1)) // 4
    assert legible.of_pictures(picture, picture) == pytest.approx(1, abs=1e-4)
    assert legible.of_pictures(picture, blurred.astype(np.uint8)) < 0.9
    assert legible.of_pictures(np.full((64, 64), 200, np.uint8), np.zeros((64, 64), np.uint8)) is None


def test_wire_bytes():
    clip = media.Clip("c", Path("c"), 16, 16, 30, 30)
    assert tiers.wire_kbps([1000] * 30, clip) == pytest.approx((1000 + 64) * 8 * 30 / 1000)
    assert tiers.wire_kbps([1101] * 30, clip) == pytest.approx((1101 + 2 * 64) * 8 * 30 / 1000)
    assert chart.COLOURS.keys() == {"server", "sender", "steered"}
