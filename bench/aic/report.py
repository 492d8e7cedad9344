# SPDX-License-Identifier: Apache-2.0
"""Rows as text, as a Markdown table and as a chart."""

from __future__ import annotations

import math
from pathlib import Path

from rig.report import table as markdown

COLOURS = {"server": "#0f9d76", "sender": "#2f6fde", "steered": "#b3661d", "native": "#6b7485"}


def line(row: dict) -> str:
    latency = row["latency_ms"]
    return (f"{row['clip']:24} {row['tier']:8} {row['levers']:24} {row['kbps_wire']:8.0f} kbps {100 * row['saved']:6.1f} %"
            f"  VMAF {row['vmaf']:5.1f} ({row['vmaf'] - row['native_vmaf']:+5.1f})"
            f"  NEG {row['vmaf_neg']:5.1f} ({row['vmaf_neg'] - row['native_vmaf_neg']:+5.1f})"
            + (f"  {latency['p50']:.1f}/{latency['p99']:.1f} ms" if latency else ""))


def table(rows: list[dict]) -> str:
    head = ["clip", "tier", "levers", "kbps on the wire", "saved %", "VMAF", "p5", "NEG", "to native", "NEG to native",
            "p50 ms", "p95", "p99", "CPU ms"]

    def cells(r: dict) -> list[str]:
        latency = r["latency_ms"] or {}
        return [r["clip"], r["tier"], r["levers"], f"{r['kbps_wire']:.0f}", f"{100 * r['saved']:.1f}",
                f"{r['vmaf']:.1f}", f"{r['vmaf_p5']:.1f}", f"{r['vmaf_neg']:.1f}",
                f"{r['vmaf'] - r['native_vmaf']:+.1f}", f"{r['vmaf_neg'] - r['native_vmaf_neg']:+.1f}",
                *(f"{latency[p]:.1f}" if latency else "–" for p in ("p50", "p95", "p99")),
                "–" if r["cpu_ms_per_frame"] is None else f"{r['cpu_ms_per_frame']:.1f}"]

    return markdown(head, [cells(r) for r in rows])


def chart(rows: list[dict], path: Path) -> None:
    """One small picture for each clip: what each tier gives for its bytes."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "auralink"
    from matplotlib import pyplot, ticker

    clips = list(dict.fromkeys(r["clip"] for r in rows))
    columns = min(4, len(clips))
    lines = math.ceil(len(clips) / columns)
    figure, axes = pyplot.subplots(lines, columns, figsize=(3.4 * columns, 2.7 * lines), squeeze=False)
    for axis in axes.flat[len(clips):]:
        axis.axis("off")
    for axis, clip in zip(axes.flat, clips):
        own = [r for r in rows if r["clip"] == clip]
        for tier, colour in COLOURS.items():
            for restored in (False, True):
                points = sorted((r["kbps_wire"], r["vmaf"]) for r in own if r["tier"] == tier
                                and ("restored" in r["levers"]) == restored and r["levers"] != "fixed share")
                if points:
                    axis.plot(*zip(*points), color=colour, marker="o", markersize=3, linewidth=1.2,
                              linestyle="--" if restored else "-", label=f"{tier}, restored" if restored else tier)
        native = next(r for r in own if r["tier"] == "native")
        axis.axhline(native["vmaf"] - 6, color="#c4cbd6", linewidth=0.8)
        axis.axvline(native["kbps_wire"] / 5, color="#c4cbd6", linewidth=0.8)
        axis.set_title(f"{clip} ({native['size']})", fontsize=8)
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        axis.xaxis.set_minor_locator(ticker.NullLocator())
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].legend(fontsize=6, frameon=False)
    figure.supxlabel("kbps on the wire (grey: a fifth of native)", fontsize=8)
    figure.supylabel("VMAF (grey: native − 6)", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
