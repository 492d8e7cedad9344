# SPDX-License-Identifier: Apache-2.0
"""The chart: one panel for each clip, quality over the bytes on the wire, with what the governor chose."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path

COLOURS = {"server": "#0f9d76", "sender": "#2f6fde", "steered": "#b3661d"}
INK, FAINT, GRID = "#1f2733", "#6b7485", "#dfe4ec"
COLUMNS, PANEL_WIDTH, PANEL_HEIGHT = 3, 320, 250
LEFT, RIGHT, TOP, BOTTOM = 42, 14, 34, 40  # inside a panel
HEAD = 72  # above the panels
ALLOWED = 6


def _text(x: float, y: float, text: str, size: int = 11, fill: str = INK, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'


def _line(points: list[tuple[float, float]], colour: str, width: float = 1.8, dash: str = "") -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"'
            + (f' stroke-dasharray="{dash}"' if dash else "") + "/>")


class Panel:
    def __init__(self, rows: list[dict], left: float, top: float):
        self.rows, self.left, self.top = rows, left, top
        self.native = next(r for r in rows if r["tier"] == "native")
        rates = [r["kbps_wire"] for r in rows] + [self.native["kbps_wire"] / 5]
        self.low, self.high = math.log(min(rates) / 1.15), math.log(max(rates) * 1.15)
        floor = min(min(r["vmaf"], r["vmaf_neg"]) for r in rows)
        self.floor = max(0, 10 * math.floor(min(floor, self.native["vmaf"] - ALLOWED - 2) / 10))

    def x(self, kbps: float) -> float:
        return self.left + LEFT + (math.log(kbps) - self.low) / (self.high - self.low) * (PANEL_WIDTH - LEFT - RIGHT)

    def y(self, quality: float) -> float:
        tall = PANEL_HEIGHT - TOP - BOTTOM
        return self.top + TOP + (100 - quality) / (100 - self.floor) * tall

    def axes(self) -> list[str]:
        bottom, right = self.y(self.floor), self.left + PANEL_WIDTH - RIGHT
        out = [_text(self.left + LEFT, self.top + 16, f"{self.native['clip']}", 12, bold=True),
               _text(right, self.top + 16, f"{self.native['size']}, {self.native['fps']:g} fps", 10, FAINT, "end")]
        step = 10 if 100 - self.floor <= 50 else 20
        for quality in range(self.floor, 101, step):
            out.append(_line([(self.left + LEFT, self.y(quality)), (right, self.y(quality))], GRID, 1))
            out.append(_text(self.left + LEFT - 6, self.y(quality) + 4, str(quality), 10, FAINT, "end"))
        ticks = [m * 10**e for e in range(1, 6) for m in (1, 2, 5)]
        for kbps in ticks:
            if self.low <= math.log(kbps) <= self.high:
                out.append(_line([(self.x(kbps), bottom), (self.x(kbps), bottom + 4)], FAINT, 1))
                out.append(_text(self.x(kbps), bottom + 16, f"{kbps:g}", 10, FAINT, "middle"))
        fifth, least = self.x(self.native["kbps_wire"] / 5), self.y(self.native["vmaf"] - ALLOWED)
        out.append(_line([(fifth, self.y(100)), (fifth, bottom)], FAINT, 1, "2 3"))
        out.append(_line([(self.left + LEFT, least), (right, least)], FAINT, 1, "2 3"))
        return out

    def curves(self) -> list[str]:
        out = []
        for tier, colour in COLOURS.items():
            own = [r for r in self.rows if r["tier"] == tier and "restored" not in r["levers"] and "variant" not in r]
            exact = [r for r in own if r.get("exact")]
            line = sorted(exact or [r for r in own if r["levers"].startswith("governor")], key=lambda r: r["kbps_wire"])
            for which, width, dash in (("vmaf_neg", 1.1, "4 3"), ("vmaf", 1.8, "")):
                if len(line) > 1:
                    out.append(_line([(self.x(r["kbps_wire"]), self.y(r[which])) for r in line], colour, width, dash))
        return out

    def marks(self) -> list[str]:
        x, y = self.x(self.native["kbps_wire"]), self.y(self.native["vmaf"])
        out = [f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{INK}"/>']
        chosen = [r for r in self.rows if r["levers"] == "governor" and r["tier"] in COLOURS]
        bottom = self.y(self.floor) - 8
        for n, row in enumerate(sorted(chosen, key=lambda r: list(COLOURS).index(r["tier"]), reverse=True)):
            colour = COLOURS[row["tier"]]
            out.append(f'<circle cx="{self.x(row["kbps_wire"]):.1f}" cy="{self.y(row["vmaf"]):.1f}" r="4.5" fill="{colour}" '
                       'stroke="#fff" stroke-width="1.2"/>')
            lost = row["vmaf"] - row["native_vmaf"]
            out.append(_text(self.left + PANEL_WIDTH - RIGHT - 4, bottom - 14 * n,
                             f"{row['tier']} {-100 * row['saved']:+.0f} %, {lost:+.1f}".replace("-", "−"), 11, colour, "end"))
        return out

    def svg(self) -> str:
        return "\n".join(self.axes() + self.curves() + self.marks())


def _legend(width: float) -> list[str]:
    out, x = [], float(LEFT)
    for tier, colour in COLOURS.items():
        out += [_line([(x, 20), (x + 26, 20)], colour), f'<circle cx="{x + 13:.1f}" cy="20" r="4.5" fill="{colour}" stroke="#fff"/>',
                _text(x + 32, 24, tier, 12)]
        x += 100
    out += [f'<rect x="{x:.1f}" y="16" width="8" height="8" fill="{INK}"/>', _text(x + 14, 24, "native VP8", 12)]
    out.append(_text(LEFT, 44, "VMAF (dashed: VMAF-NEG) over kbps on the wire. Dots: the governor's choice, its bytes and VMAF "
                     "against native.", 11, FAINT))
    out.append(_text(LEFT, 59, f"Dotted: a fifth of native's bytes, and native's VMAF − {ALLOWED}.", 11, FAINT))
    return out


def draw(rows: list[dict], path: Path) -> None:
    clips = [c for c in dict.fromkeys(r["clip"] for r in rows) if any(r["clip"] == c and r["tier"] == "native" for r in rows)]
    columns = min(COLUMNS, len(clips)) or 1
    width = max(columns * PANEL_WIDTH, 2 * PANEL_WIDTH)
    height = HEAD + math.ceil(len(clips) / columns) * PANEL_HEIGHT
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
           'font-family="system-ui, Helvetica, Arial, sans-serif">', f'<rect width="{width}" height="{height}" fill="#fff"/>']
    out += _legend(width)
    for n, clip in enumerate(clips):
        panel = Panel([r for r in rows if r["clip"] == clip], n % columns * PANEL_WIDTH, HEAD + n // columns * PANEL_HEIGHT)
        out.append(panel.svg())
    path.write_text("\n".join(out + ["</svg>"]) + "\n")
