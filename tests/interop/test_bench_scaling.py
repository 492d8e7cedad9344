# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of docs/scaling.md, and AI Core's autoscaling: Kubernetes' algorithm by itself, on a simulated fleet, on real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as tree

import pytest

from lib import chart
from lib.server import ROOT

sys.path.insert(0, os.path.join(ROOT, "bench"))
import scaling  # noqa: E402
from autoscale import __main__ as autoscale  # noqa: E402
from autoscale.fleet import Costs, day, run  # noqa: E402
from autoscale.hpa import Hpa, Rules  # noqa: E402


@pytest.fixture(scope="module")
def measured():
    return scaling.Costs.read()


def test_document(measured):
    """docs/scaling.md and its chart are what the script makes of the measurements that are in docs/."""
    with open(os.path.join(ROOT, "docs", "scaling.md")) as file:
        text = file.read()
    wrong = "run `python3 bench/scaling.py --write`, and read the sentences below the tables again"
    assert text.split(scaling.BEGIN)[1].split(scaling.END)[0].strip() == scaling.tables(measured), wrong
    with open(os.path.join(ROOT, "docs", "scaling.svg")) as file:
        drawn = file.read()
    assert drawn == scaling.chart(measured), wrong
    assert tree.fromstring(drawn).tag.endswith("svg")


def test_sentences(measured):
    """What docs/scaling.md says in words about the tables."""
    calls, meetings, webinars = scaling.uses(measured)
    for use in (calls, meetings, webinars):
        n = scaling.need(use, measured, 1_000_000)
        assert n.first == "network" and n.per_node["memory"] > 5 * n.carried
        assert 1 < n.regions <= 3 and scaling.need(use, measured, 10_000).regions == 1
    assert scaling.registry_nodes() == 223
    wide = scaling.need(meetings, measured, 1_000_000)
    assert wide.per_node["network"] * 10 > wide.per_node["processors"], "with 100 Gbps processors come first"
    assert measured.ai_core > 100 * calls.packets(measured) * calls.us / 1e6


def test_by_hand(measured):
    """One row without the script's help: a call of two is one 720p and one sound each way."""
    calls = scaling.uses(measured)[0]
    n = scaling.need(calls, measured, 10_000)
    packets = 23_294 / 120 + 50_011 / 1000
    assert n.packets == pytest.approx(10_000 * packets)
    core = 1.3 * packets * 5.99e-6 + 2.71e-3 / 1800
    assert n.per_node["processors"] == pytest.approx(16 * 0.6 / core)
    assert n.per_node["network"] == pytest.approx(7e6 / (1.3 * (1768 + 71.1)))
    assert n.nodes == -(-10_000 // int(n.per_node["network"]))
    assert n.ai_cores == pytest.approx(10_000 * 0.0121 * 30)


def hpa(target: float = 0.5, up: Rules | None = None, down: Rules | None = None, least: int = 1, most: int = 100) -> Hpa:
    free = [("Percent", 1000, 15)]
    return Hpa(target, least, most, up or Rules(0, free), down or Rules(0, [("Percent", 100, 15)]))


def test_algorithm():
    """ceil(pods × metric ÷ target), nothing within a tenth; who is not known is idle on the way up and right on the way down."""
    assert hpa(100).wanted(1, [200.0]) == 2 and hpa(100).wanted(4, [50.0] * 4) == 2  # the examples of Kubernetes' documentation
    assert hpa(1.0).wanted(10, [1.1] * 10) == 10 and hpa(1.0).wanted(10, [0.9] * 10) == 10
    assert hpa(1.0).wanted(10, [1.11] * 10) == 12
    assert hpa().wanted(2, [0.8, None]) == 2, "one pod has not said anything yet: 0.8 and 0 are 0.4 on the mean"
    assert hpa(0.3).wanted(2, [0.8, None]) == 3
    assert hpa().wanted(4, [0.2, 0.2, None, None]) == 3, "two are taken for 0.5: 0.35 on the mean"
    assert hpa().wanted(3, [None, None, None]) == 3
    bounded = hpa(most=5)
    assert bounded.step(0, 3, [5.0] * 3) == 5 and hpa(least=2).step(0, 3, [0.0] * 3) == 2


def test_windows_and_policies():
    """Down only to the most that was wished in the window; so many pods in a period, whichever policy gives more."""
    down = hpa(down=Rules(300, [("Pods", 1, 60)]))
    assert down.step(0, 10, [0.5] * 10) == 10
    assert [down.step(t, 10, [0.1] * 10) for t in range(15, 300, 15)] == [10] * 19
    pods, seen = 10, []
    for t in range(300, 480, 15):
        pods = down.step(t, pods, [0.1] * pods)
        seen.append(pods)
    assert seen == [9] * 4 + [8] * 4 + [7] * 4, "one a minute"
    up = hpa(up=Rules(0, [("Pods", 4, 60), ("Percent", 100, 60)]))
    pods, seen = 1, []
    for t in range(0, 240, 15):
        pods = up.step(t, pods, [5.0] * pods)
        seen.append(pods)
    assert seen == [5] * 4 + [10] * 4 + [20] * 4 + [40] * 4
    cautious = hpa(up=Rules(60, [("Percent", 1000, 15)]))
    assert cautious.step(0, 2, [0.5] * 2) == 2
    assert [cautious.step(t, 2, [1.0] * 2) for t in (15, 30, 45)] == [2, 2, 2] and cautious.step(60, 2, [1.0] * 2) == 4


def test_manifest():
    """The algorithm gets what the chart renders."""
    [manifest] = chart.of(chart.rendered("--set", chart.KEYS), "HorizontalPodAutoscaler")
    read = Hpa.of(manifest)
    assert (read.target, read.least, read.most) == (0.5, 1, 10)
    assert read.down == Rules(900, [("Pods", 1, 300)], "Max") and read.up.policies == [("Pods", 4, 60), ("Percent", 100, 60)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_simulated(seed, record):
    """The chart's defaults under loads that rise and fall: no pod is taken away and wanted back, and except for a tenfold rise within a
    minute tracks are native less than 1 % of their time."""
    chart.helm()
    rules = autoscale.of_chart("aicore.autoscaling.maxReplicas=100")
    costs = Costs(**autoscale.MEASURED, threads=4)
    for name, wanted in autoscale.shapes().items():
        result = run(Hpa(rules.target, rules.least, rules.most, rules.up, rules.down), costs, wanted, seed=seed)
        figures = result.summary()
        record(**{f"{name}: {k}": v for k, v in figures.items()})
        assert result.flaps == 0 and figures["most_pods"] < 60, name
        assert result.pods[-1] < max(result.pods) * 0.75, "it goes down again"
        assert figures["native_time_percent"] < (5 if "webinar" in name else 1), name


def test_simulation_sees_flapping():
    """What the test above relies on: without a window, and with a target so near the limit that nobody gets in any more, it would fail."""
    eager = Hpa(0.5, 1, 100, Rules(0, [("Percent", 1000, 15)]), Rules(0, [("Percent", 100, 15)]))
    costs = Costs(**autoscale.MEASURED, threads=4)
    swinging = day(20, 60, 3600, 3600, 3600, wave=0.3)
    assert run(eager, costs, swinging).flaps > 10
    tight = Hpa(0.79, 1, 100, Rules(0, [("Pods", 4, 60)]), Rules(900, [("Pods", 1, 300)]))
    assert run(tight, costs, swinging).summary()["native_time_percent"] > 1


@pytest.mark.timeout(500)
def test_real():
    """Real AI Cores, started and stopped by the algorithm on their own metrics: more as tracks come, fewer as they go, never past 0.8."""
    chart.helm()
    done = subprocess.run([sys.executable, "-m", "autoscale", "--real"], capture_output=True, text=True, timeout=480,
                          env={**os.environ, "PYTHONPATH": os.path.join(ROOT, "bench")})
    assert done.returncode == 0, done.stderr
    *steps, counts = [json.loads(line) for line in done.stdout.splitlines()]
    pods = [s["pods"] for s in steps]
    top = pods.index(max(pods))
    assert max(pods) >= 2 and pods[:top + 1] == sorted(pods[:top + 1]), pods
    assert pods[top:] == sorted(pods[top:], reverse=True), pods
    assert steps[-1]["wish"] < max(pods), "it goes down again"
    assert all(sum(s["loads"]) > 0 for s in steps)
    assert counts["opened"] >= 12 and counts["native_steps"] < counts["track_steps"] / 2
