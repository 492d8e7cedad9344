# SPDX-License-Identifier: Apache-2.0
"""Rows as text and as a Markdown table."""

from __future__ import annotations

from rig.report import table as markdown


def line(row: dict) -> str:
    latency = row["latency_ms"]
    return (f"{row['clip']:24} {row['tier']:8} {row['levers']:24} {row['kbps_wire']:8.0f} kbps {100 * row['saved']:6.1f} %"
            f"  VMAF {row['vmaf']:5.1f} ({row['vmaf'] - row['native_vmaf']:+5.1f})"
            f"  NEG {row['vmaf_neg']:5.1f} ({row['vmaf_neg'] - row['native_vmaf_neg']:+5.1f})"
            + (f"  {latency['p50']:.1f}/{latency['p99']:.1f} ms" if latency else "")
            + (f"  text {row['text_ssim']:.3f} of {row['native_text_ssim']:.3f}" if row.get("text_ssim") else ""))


def table(rows: list[dict]) -> str:
    head = ["clip", "tier", "levers", "kbps on the wire", "saved %", "VMAF", "p5", "NEG", "to native", "NEG to native",
            "p50 ms", "p95", "p99", "CPU ms", "text SSIM", "native"]

    def cells(r: dict) -> list[str]:
        latency = r["latency_ms"] or {}
        return [r["clip"], r["tier"], r["levers"], f"{r['kbps_wire']:.0f}", f"{100 * r['saved']:.1f}",
                f"{r['vmaf']:.1f}", f"{r['vmaf_p5']:.1f}", f"{r['vmaf_neg']:.1f}",
                f"{r['vmaf'] - r['native_vmaf']:+.1f}", f"{r['vmaf_neg'] - r['native_vmaf_neg']:+.1f}",
                *(f"{latency[p]:.1f}" if latency else "–" for p in ("p50", "p95", "p99")),
                "–" if r["cpu_ms_per_frame"] is None else f"{r['cpu_ms_per_frame']:.1f}",
                *(f"{r[k]:.3f}" if r.get(k) else "–" for k in ("text_ssim", "native_text_ssim"))]

    return markdown(head, [cells(r) for r in rows])
