# SPDX-License-Identifier: Apache-2.0
"""The ways that a clip can take, from source to viewer, each with its bytes on the wire and its quality."""

from __future__ import annotations

import math
import os
import statistics
from dataclasses import dataclass
from pathlib import Path

from . import core, legible, media

PAYLOAD_MAX = 1100
# RTP header, extensions (transport-cc), GCM tag, UDP, IPv4.
PACKET_OVERHEAD = 12 + 8 + 16 + 8 + 20
WARM_SECONDS = 2  # an encoder is shown only once it has settled
# livekit-client's presets for a camera, by pixels: (up to, kbps at 30 frames a second).
NATIVE_KBPS = [(640 * 360, 450), (640 * 480, 500), (960 * 540, 800), (1280 * 720, 1700), (1920 * 1080, 3000)]
SCREEN_KBPS = 2500
# What livekit-client allows AV1 of that (determineAppropriateEncoding): its publisher never sends more.
AV1_SHARE = 0.7


def native_kbps(clip: media.Clip) -> int:
    if clip.content == "screen":
        return SCREEN_KBPS
    pixels = clip.width * clip.height
    return next((kbps for most, kbps in NATIVE_KBPS if pixels <= most), 8000)


def wire_kbps(sizes: list[int], clip: media.Clip) -> float:
    packets = sum(math.ceil(size / PAYLOAD_MAX) for size in sizes)
    return (sum(sizes) + packets * PACKET_OVERHEAD) * 8 / 1000 / (len(sizes) / clip.fps)


@dataclass
class Quality:
    vmaf: float
    p5: float
    neg: float

    @staticmethod
    def of(scores: dict[str, list[float]]) -> Quality:
        ordered = sorted(scores["vmaf"])
        return Quality(statistics.fmean(ordered), ordered[len(ordered) // 20], statistics.fmean(scores["vmaf_neg"]))


@dataclass
class Native:
    """What an ordinary client would send: the baseline of every row."""

    frames: list[bytes]
    kbps: float
    quality: Quality
    text: dict[str, float]  # of screens: legible.of_clip()


def native(clip: media.Clip, folder: Path) -> Native:
    frames = media.encode_vp8(clip, native_kbps(clip), folder)
    path = folder / "native.coded.ivf"
    media.write_ivf(path, "vp8", clip, list(enumerate(frames)))
    return Native(frames, wire_kbps([len(f) for f in frames], clip), Quality.of(media.compare(clip.path, path, clip)),
                  _text(clip, path))


def _text(clip: media.Clip, coded: Path, filters: str = "") -> dict[str, float]:
    return legible.of_clip(clip, coded, filters) if clip.content == "screen" else {}


def _cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _percentiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {f"p{p}": round(ordered[min(len(ordered) - 1, len(ordered) * p // 100)], 2) for p in (50, 95, 99)}


def row(clip: media.Clip, tier: str, levers: str, base: Native, kbps: float, quality: Quality,
        latency: list[float] | None = None, cpu_ms: float | None = None, text: dict | None = None) -> dict:
    legibility = {**text, "native_text_ssim": base.text.get("text_ssim")} if text else {}
    return {"clip": clip.name, "content": clip.content, "size": f"{clip.width}x{clip.height}",
            "fps": round(clip.fps, 2), "tier": tier, "levers": levers, "native_kbps_wire": round(base.kbps, 1),
            "kbps_wire": round(kbps, 1), "saved": round(1 - kbps / base.kbps, 4), "vmaf": round(quality.vmaf, 2),
            "vmaf_p5": round(quality.p5, 2), "vmaf_neg": round(quality.neg, 2),
            "native_vmaf": round(base.quality.vmaf, 2), "native_vmaf_neg": round(base.quality.neg, 2),
            "latency_ms": _percentiles(latency) if latency else None,
            "cpu_ms_per_frame": None if cpu_ms is None else round(cpu_ms, 2), **legibility}


def through_core(clip: media.Clip, base: Native, service: core.AICore, folder: Path, tier: str, levers: str,
                 restore: str = "", codec: str = "vp8", measures: dict[str, str] = media.MODELS, **wanted) -> dict:
    """tier server: the native frames are compressed anew; sender: the pictures themselves are."""
    raw = tier == "sender"
    frames = core.raw_frames(clip) if raw else base.frames
    before = _cpu_seconds(service.process.pid)
    answers = core.compress(service, clip, frames, "raw" if raw else codec, warm=round(WARM_SECONDS * clip.fps), **wanted)
    cpu = _cpu_seconds(service.process.pid) - before
    path = folder / f"{tier}.ivf"
    core.save(path, clip, answers)
    count = len(answers) + min(len(answers), round(WARM_SECONDS * clip.fps))
    return row(clip, tier, levers, base, wire_kbps([len(a.message.frame) for a in answers], clip),
               Quality.of(media.compare(clip.path, path, clip, restore, measures)), [a.wait_ms for a in answers],
               cpu * 1000 / count, _text(clip, path, restore))


def again(clip: media.Clip, base: Native, folder: Path, tier: str, found: dict, levers: str, restore: str) -> dict:
    """What was compressed last in that tier, restored by the receiver: the same bytes and times."""
    path = folder / f"{tier}.ivf"
    seen = row(clip, tier, levers, base, found["kbps_wire"], Quality.of(media.compare(clip.path, path, clip, restore)),
               text=_text(clip, path, restore))
    return {**seen, "latency_ms": found["latency_ms"], "cpu_ms_per_frame": found["cpu_ms_per_frame"]}


def own_av1(clip: media.Clip, base: Native, folder: Path, levers: str, kbps: float) -> dict:
    """The publisher's own AV1 encoder at a rate."""
    path = folder / "steered.ivf"
    media.encode_av1(clip, kbps, path)
    sizes = [len(f) for f in media.read_ivf(path)]
    return row(clip, "steered", levers, base, wire_kbps(sizes, clip), Quality.of(media.compare(clip.path, path, clip)),
               text=_text(clip, path))


def steered(clip: media.Clip, base: Native, service: core.AICore, folder: Path, levers: str, target: float) -> dict:
    """The publisher's own AV1 encoder, at the rate that AI Core recommends for what it sees: a ceiling, as REMB is."""
    kbps = core.recommended(service, clip, core.raw_frames(clip), target=target)
    return own_av1(clip, base, folder, levers, min(kbps, native_kbps(clip) * AV1_SHARE))


def exact(clip: media.Clip, base: Native, service: core.AICore, folder: Path, tier: str, kbps: float) -> dict:
    """A tier at a rate that nobody chose: a point of its curve."""
    levers = f"{kbps:.0f} kbps"
    if tier == "steered":
        return own_av1(clip, base, folder, levers, kbps)
    return through_core(clip, base, service, folder, tier, levers, exact_kbps=round(kbps))
