# SPDX-License-Identifier: Apache-2.0
"""Runs the autoscaler of the chart against AI Core: simulated on a day of load, and with real processes."""

from __future__ import annotations

import argparse
import json
import os
import subprocess

import yaml

from .fleet import Costs, day, run
from .hpa import Hpa

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HELM = os.path.join(ROOT, ".cache", "go", "bin", "helm")
# A track of 720p30 in one thread's time: 12.1 ms of CPU a frame, docs/aicore.md, `make bench-aic ARGS="--levers --no-noise --seconds 3
# --only talk-720p"` on an idle machine. The start: `--measure` here, on a machine that was busy.
MEASURED = {"share": 0.0121 * 30, "start_s": 7.0}


def of_chart(*settings: str) -> Hpa:
    """The HorizontalPodAutoscaler as the chart renders it."""
    words = [HELM if os.path.exists(HELM) else "helm", "template", "auralink", os.path.join(ROOT, "deploy", "helm", "auralink"),
             "--kube-version", "1.37.0", "--set", "auth.existingSecret=k", "--show-only", "templates/aicore-scaling.yaml"]
    for setting in settings:
        words += ["--set-json", setting]
    return Hpa.of(yaml.safe_load(subprocess.run(words, capture_output=True, text=True, check=True).stdout))


def shapes() -> dict[str, list[float]]:
    """Loads by name."""
    return {
        "a day in eight hours": day(4, 120, 3 * 3600, 2 * 3600, 3 * 3600),
        "the same with a swing of 10 % every ten minutes": day(4, 120, 3 * 3600, 2 * 3600, 3 * 3600, wave=0.1),
        "up tenfold in ten minutes, down in an hour": day(10, 100, 600, 3600, 3600),
        "up tenfold in a minute (a webinar begins)": day(10, 100, 60, 3600, 3600),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="autoscale", description=__doc__)
    parser.add_argument("--measure", action="store_true", help="what one stream costs here, and how long AI Core takes to start")
    parser.add_argument("--real", action="store_true", help="scale real processes by their own metrics: about two minutes")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=JSON", help="a value of the chart")
    parser.add_argument("--share", type=float, default=MEASURED["share"], help="of a thread that a track is promised")
    parser.add_argument("--start", type=float, default=MEASURED["start_s"], help="seconds until AI Core serves")
    parser.add_argument("--threads", type=int, default=4, help="of a pod")
    parser.add_argument("--max", type=int, default=100, help="maxReplicas")
    chosen = parser.parse_args()
    if chosen.measure or chosen.real:
        from . import real
    if chosen.measure:
        costs = real.measured()
        print(json.dumps({"share": round(costs.share, 3), "start_s": round(costs.start_s, 2), "processor": real.processor()}))
        return
    hpa = of_chart(f"aicore.autoscaling.maxReplicas={chosen.max}", *chosen.set)
    if chosen.real:
        wanted = [1, 1, 2, 3, 4, 6, 8, 10, 12, 12, 12, 12, 10, 8, 6, 4, 3, 2, 1, 1, 1, 1, 1, 1]
        hpa.most, hpa.down.window_s = 6, 60
        hpa.down.policies = [("Pods", 1, 30)]
        result = real.fleet(hpa, wanted, 4, print)
        print(json.dumps({k: v for k, v in result.items() if k != "steps"}))
        return
    costs = Costs(share=chosen.share, start_s=chosen.start, threads=chosen.threads)
    for name, wanted in shapes().items():
        fresh = Hpa(hpa.target, hpa.least, hpa.most, hpa.up, hpa.down)
        figures = run(fresh, costs, wanted).summary()
        print(name, json.dumps({k: round(v, 2) for k, v in figures.items()}))


if __name__ == "__main__":
    main()
