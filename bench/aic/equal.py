# SPDX-License-Identifier: Apache-2.0
"""What is saved at equal quality: each tier at several exact rates, and between them by interpolation.

Beside it what the governor chose: how far it is from the rate that loses exactly as much as is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rig.report import table as markdown

from . import core, curve, media, tiers

SHARES = (0.1, 0.16, 0.26, 0.42, 0.68, 1.0)  # of the native rate
ALLOWED = 6.0  # points of VMAF that a viewer may lose
TIERS = ("server", "sender", "steered")


def points(clip: media.Clip, base: tiers.Native, service: core.AICore, folder: Path) -> Iterator[dict]:
    """Rows of the curves. `levers` is the rate."""
    for tier in TIERS:
        for share in SHARES:
            yield {**tiers.exact(clip, base, service, folder, tier, max(40, tiers.native_kbps(clip) * share)), "exact": True}


def _saved(rows: list[dict], which: str, lost: float, native: dict) -> float | None:
    points = [(r["kbps_wire"], r[which]) for r in rows]
    kbps = curve.rate_at(points, native[which] - lost)
    return None if kbps is None else 1 - kbps / native["kbps_wire"]


def summary(rows: list[dict]) -> list[dict]:
    """One for each clip and tier that has a curve; None where the curve does not reach that quality."""
    found = []
    for clip in dict.fromkeys(r["clip"] for r in rows):
        own = [r for r in rows if r["clip"] == clip]
        native = next(r for r in own if r["tier"] == "native")
        for tier in TIERS:
            line = [r for r in own if r["tier"] == tier and r.get("exact")]
            if not line:
                continue
            entry = {"clip": clip, "tier": tier}
            for name, lost in (("equal", 0.0), ("allowed", ALLOWED)):
                entry[f"saved_{name}_vmaf"] = _saved(line, "vmaf", lost, native)
                entry[f"saved_{name}_neg"] = _saved(line, "vmaf_neg", lost, native)
            governed = next((r for r in own if r["tier"] == tier and r["levers"] == "governor"), None)
            if governed:
                entry |= {"governor_saved": governed["saved"], "governor_vmaf": governed["vmaf"] - native["vmaf"],
                          "governor_neg": governed["vmaf_neg"] - native["vmaf_neg"]}
            found.append(entry)
    return found


def text(found: list[dict]) -> str:
    def percent(value: float | None) -> str:
        return "–" if value is None else f"{-100 * value:+.0f} %"

    head = ["clip", "tier", "equal VMAF", "equal NEG", f"VMAF −{ALLOWED:g}", f"NEG −{ALLOWED:g}", "governor", "its VMAF", "NEG"]
    return markdown(head, [
        [e["clip"], e["tier"], percent(e["saved_equal_vmaf"]), percent(e["saved_equal_neg"]),
         percent(e["saved_allowed_vmaf"]), percent(e["saved_allowed_neg"]),
         percent(e.get("governor_saved")), *(f"{e[k]:+.1f}" if k in e else "–" for k in ("governor_vmaf", "governor_neg"))]
        for e in found])
