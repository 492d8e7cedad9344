# SPDX-License-Identifier: Apache-2.0
"""What Kubernetes' HorizontalPodAutoscaler would do, step by step, for one metric of the kind Pods with an AverageValue.

After pkg/controller/podautoscaler of Kubernetes 1.37 (replica_calculator.go: GetMetricReplicas; horizontal.go: normalizeDesiredReplicasWithBehaviors)
and its documentation, "Algorithm details": tolerance, pods without a metric, stabilization windows, policies."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

TOLERANCE = 0.1  # --horizontal-pod-autoscaler-tolerance
SYNC_S = 15  # --horizontal-pod-autoscaler-sync-period


@dataclass
class Rules:
    """One direction of spec.behavior."""

    window_s: float
    policies: list[tuple[str, float, float]]  # (Pods or Percent, value, period in s)
    select: str = "Max"

    @classmethod
    def of(cls, spec: dict) -> Rules:
        return cls(spec.get("stabilizationWindowSeconds", 0), [(p["type"], p["value"], p["periodSeconds"]) for p in spec["policies"]],
                   spec.get("selectPolicy", "Max"))


@dataclass
class Hpa:
    """`target`: of the metric's average. Times are seconds on the caller's clock."""

    target: float
    least: int
    most: int
    up: Rules
    down: Rules
    _recommended: list[tuple[float, int]] = field(default_factory=list)
    _changed: list[tuple[float, int]] = field(default_factory=list)  # (when, by how many pods)

    @classmethod
    def of(cls, manifest: dict) -> Hpa:
        """Of an autoscaling/v2 object, as the chart renders it."""
        spec = manifest["spec"]
        [metric] = spec["metrics"]
        value = str(metric["pods"]["target"]["averageValue"])
        target = float(value[:-1]) / 1000 if value.endswith("m") else float(value)
        behavior = spec["behavior"]
        return cls(target, spec["minReplicas"], spec["maxReplicas"], Rules.of(behavior["scaleUp"]), Rules.of(behavior["scaleDown"]))

    def wanted(self, current: int, metrics: list[float | None]) -> int:
        """By the metric alone. `metrics`: one for each pod that there is; None: it has not been scraped yet, or is still starting."""
        known = [m for m in metrics if m is not None]
        missing = len(metrics) - len(known)
        if not known:
            return current
        ratio = sum(known) / len(known) / self.target
        if not missing:
            return current if abs(1 - ratio) <= TOLERANCE else math.ceil(ratio * len(known) - 1e-9)
        # Who is not known counts as idle on the way up and as just right on the way down: neither may be rushed by ignorance.
        filled = known + [0.0 if ratio > 1 else self.target] * missing
        again = sum(filled) / len(filled) / self.target
        if abs(1 - again) <= TOLERANCE or (ratio < 1) != (again < 1):
            return current
        replicas = math.ceil(again * len(filled) - 1e-9)
        backwards = (again < 1 and replicas > current) or (again > 1 and replicas < current)
        return current if backwards else replicas

    def step(self, now_s: float, current: int, metrics: list[float | None]) -> int:
        """The number of pods from now on."""
        wish = self._stabilized(now_s, current, self.wanted(current, metrics))
        wish = min(max(wish, self.least), self.most)
        if wish > current:
            wish = min(wish, max(current, self._bound(now_s, current, self.up, 1)))
        elif wish < current:
            wish = max(wish, min(current, self._bound(now_s, current, self.down, -1)))
        if wish != current:
            self._changed.append((now_s, wish - current))
        return wish

    def _stabilized(self, now_s: float, current: int, wish: int) -> int:
        """Up only as far as was wished all through the window of scaleUp, down likewise."""
        def within(rules: Rules) -> list[int]:
            return [r for at, r in self._recommended if at > now_s - rules.window_s] + [wish]

        up, down = min(within(self.up)), max(within(self.down))
        longest = max(self.up.window_s, self.down.window_s)
        self._recommended = [(at, r) for at, r in self._recommended if at > now_s - longest] + [(now_s, wish)]
        return min(max(current, up), down) if up <= down else max(min(current, down), up)

    def _bound(self, now_s: float, current: int, rules: Rules, sign: int) -> int:
        bounds = []
        for kind, value, period_s in rules.policies:
            lately = sum(by for at, by in self._changed if at > now_s - period_s and by * sign > 0)
            start = current - lately
            if kind == "Pods":
                bounds.append(start + sign * value)
            elif sign > 0:
                bounds.append(math.ceil(start * (1 + value / 100)))
            else:
                bounds.append(int(start * (1 - value / 100)))
        largest = (rules.select == "Max") == (sign > 0)
        return int(max(bounds) if largest else min(bounds))
