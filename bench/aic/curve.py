# SPDX-License-Identifier: Apache-2.0
"""Rate against quality from a few measured points: what a quality costs, and how far two curves are apart."""

from __future__ import annotations

import math

Point = tuple[float, float]  # (kbps, quality)


def rising(points: list[Point]) -> list[Point]:
    """By rate; a point that is no better than a cheaper one tells nothing about what a quality costs."""
    kept: list[Point] = []
    for point in sorted(points):
        if not kept or point[1] > kept[-1][1]:
            kept.append(point)
    return kept


def rate_at(points: list[Point], quality: float) -> float | None:
    """kbps by straight lines over the logarithm of the rate; None where nothing was measured."""
    curve = rising(points)
    for (below, worse), (above, better) in zip(curve, curve[1:]):
        if worse <= quality <= better:
            part = (quality - worse) / (better - worse)
            return math.exp(math.log(below) + part * (math.log(above) - math.log(below)))
    return None


def quality_at(points: list[Point], kbps: float) -> float | None:
    curve = sorted(points)
    for (below, worse), (above, better) in zip(curve, curve[1:]):
        if below <= kbps <= above:
            part = (math.log(kbps) - math.log(below)) / (math.log(above) - math.log(below))
            return worse + part * (better - worse)
    return None


def rate_change(base: list[Point], other: list[Point], steps: int = 50) -> float | None:
    """Mean change of the rate at equal quality, over the qualities that both reach; −0.1 = a tenth less."""
    base, other = rising(base), rising(other)
    if len(base) < 2 or len(other) < 2:
        return None
    low, high = max(base[0][1], other[0][1]), min(base[-1][1], other[-1][1])
    if high <= low:
        return None
    logs = []
    for i in range(steps + 1):
        quality = min(high, low + (high - low) * i / steps)
        one, two = rate_at(base, quality), rate_at(other, quality)
        if one and two:
            logs.append(math.log(two / one))
    return math.exp(sum(logs) / len(logs)) - 1 if logs else None
