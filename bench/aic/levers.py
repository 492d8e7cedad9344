# SPDX-License-Identifier: Apache-2.0
"""What each lever gains and what it costs: AI Core with all of it, and with one thing otherwise.

A variant is AI Core with other arguments. Those that leave out one stage come from AI Core's own list of stages; more
are named by --variant "NAME=ARGUMENTS". Each variant is measured at the same few exact rates, so that bytes can be
compared at equal quality, and once as it chooses by itself.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path

from rig.report import table as markdown

from . import core, curve, media, tiers

ALL = "all"
OF_SOUND = {"speech"}  # aic.sound measures that
SHARES = (0.12, 0.22, 0.4)  # of the native rate
TIERS = ("server", "sender")


def stages(build: str) -> list[str]:
    """What --without knows, by AI Core's own word."""
    program = Path(build).resolve() / "auralink-aicore"
    said = subprocess.run([program, "--help"], capture_output=True, text=True).stdout
    entry = re.search(r"--without \S+\s+leave these out, with commas: ((?:[a-z-]+,?\s+)*[a-z-]+)", said)
    if not entry:
        raise RuntimeError("AI Core's --help names no stages at --without")
    return re.split(r",?\s+", entry.group(1).strip())


def variants(options) -> dict[str, list[str]]:
    found = {ALL: []} | {f"no {stage}": ["--without", stage] for stage in stages(options.build) if stage not in OF_SOUND}
    for text in options.variant:
        name, _, arguments = text.partition("=")
        found[name] = arguments.split()
    return found


def measure(clip: media.Clip, base: tiers.Native, services: dict[str, core.AICore], folder: Path,
            restore: str) -> Iterator[dict]:
    for tier in TIERS:
        for name, service in services.items():
            for share in SHARES:
                kbps = round(max(40, tiers.native_kbps(clip) * share))
                row = tiers.through_core(clip, base, service, folder, tier, f"{name}, {kbps} kbps", exact_kbps=kbps)
                yield {**row, "variant": name, "exact": True}
                if name == ALL:
                    row = tiers.again(clip, base, folder, tier, row, f"restored, {kbps} kbps", restore)
                    yield {**row, "variant": "restored", "exact": True}
            row = tiers.through_core(clip, base, service, folder, tier, f"{name}, as it chooses")
            yield {**row, "variant": name, "exact": False}


def _mean(values: list[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return statistics.fmean(known) if known else None


def _one(rows: list[dict], tier: str, variant: str) -> dict:
    bytes_vmaf, bytes_neg, vmaf, neg, ms, cpu, chosen, lost, lost_neg = [], [], [], [], [], [], [], [], []
    for clip in dict.fromkeys(r["clip"] for r in rows):
        own = [r for r in rows if r["clip"] == clip and r["tier"] == tier]
        here = [r for r in own if r.get("variant") == variant]
        there = [r for r in own if r.get("variant") == ALL]
        exact = [[r for r in side if r["exact"]] for side in (there, here)]
        for which, into, gain in (("vmaf", bytes_vmaf, vmaf), ("vmaf_neg", bytes_neg, neg)):
            base, other = ([(r["kbps_wire"], r[which]) for r in side] for side in exact)
            into.append(curve.rate_change(base, other))
            at = [(q, curve.quality_at(other, k)) for k, q in base]
            gain.append(_mean([mine - q for q, mine in at if mine is not None]))
        ms += [r["latency_ms"]["p50"] for r in exact[1] if r["latency_ms"]]
        cpu += [r["cpu_ms_per_frame"] for r in exact[1] if r["cpu_ms_per_frame"] is not None]
        chosen += [r["saved"] for r in here if not r["exact"]]
        lost += [r["vmaf"] - r["native_vmaf"] for r in here if not r["exact"]]
        lost_neg += [r["vmaf_neg"] - r["native_vmaf_neg"] for r in here if not r["exact"]]
    return {"tier": tier, "variant": variant, "bytes_at_equal_vmaf": _mean(bytes_vmaf), "bytes_at_equal_neg": _mean(bytes_neg),
            "vmaf_at_equal_bytes": _mean(vmaf), "neg_at_equal_bytes": _mean(neg), "ms_p50": _mean(ms), "cpu_ms": _mean(cpu),
            "saved_as_it_chooses": _mean(chosen), "vmaf_as_it_chooses": _mean(lost), "neg_as_it_chooses": _mean(lost_neg)}


def summary(rows: list[dict]) -> list[dict]:
    """Means over the clips, each variant against all of it."""
    names = list(dict.fromkeys(r["variant"] for r in rows if "variant" in r))
    return [_one(rows, tier, name) for tier in TIERS for name in names]


def text(found: list[dict]) -> str:
    def shown(value: float | None, form: str, scale: float = 1) -> str:
        return "–" if value is None else format(value * scale, form)

    head = ["tier", "variant", "bytes at equal VMAF %", "at equal NEG %", "VMAF at equal bytes", "NEG", "p50 ms", "CPU ms a frame",
            "saves as it chooses %", "its VMAF", "its NEG"]
    return markdown(head, [
        [e["tier"], e["variant"], shown(e["bytes_at_equal_vmaf"], "+.1f", 100), shown(e["bytes_at_equal_neg"], "+.1f", 100),
         shown(e["vmaf_at_equal_bytes"], "+.2f"), shown(e["neg_at_equal_bytes"], "+.2f"), shown(e["ms_p50"], ".1f"),
         shown(e["cpu_ms"], ".1f"), shown(e["saved_as_it_chooses"], ".0f", 100),
         shown(e["vmaf_as_it_chooses"], "+.2f"), shown(e["neg_as_it_chooses"], "+.2f")] for e in found])


def start(options) -> dict[str, core.AICore]:
    """One AI Core for each variant: they wait, and take no time while they do."""
    started: dict[str, core.AICore] = {}
    os.environ["AURA_BUILD"] = options.build
    try:
        for name, arguments in variants(options).items():
            started[name] = core.AICore("--threads", "1", *arguments)
    except BaseException:
        for service in started.values():
            service.stop()
        raise
    return started
