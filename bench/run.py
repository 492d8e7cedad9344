# SPDX-License-Identifier: Apache-2.0
"""Measures AuraLink beside LiveKit, Janus and mediasoup: `make bench`, or run.py --help.

The same generator (`auralink load-test`) gives each server the same work, in turns. One core is the server's
(the process that carries the media), the others are the generator's. Each run starts a fresh server.
Results: docs/benchmarks.md and .svg, and all figures in bench/results/.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shlex
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "tests", "interop")]
from rig import load, report, scenarios, steering  # noqa: E402
from rig.load import Load, LoadFailed  # noqa: E402
from rig.scenarios import Scenario  # noqa: E402
from rig.servers import ROOT, SERVERS, AuraLink  # noqa: E402

DOC = os.path.join(ROOT, "docs", "benchmarks.md")
MARKERS = ("<!-- bench:begin -->", "<!-- bench:end -->")
PARTS = ("audio", "livestream", "meeting", "knee", "full", "flat", "workers", "storm")
DEAREST_FIRST = ("livekit", "janus", "mediasoup", "auralink")  # so that trials end early
TRIAL_S = 4  # a trial only has to show whether a load is carried
GROWTH = 1.25  # from one trial to the next, looking for the knee
KNEE_GUESS = 0.85  # of the load at which the cost of a packet would fill a core
BISECTIONS = 2
SUBSCRIBERS_MAX = 1500
SUBSCRIBERS_MAX_QUICK = 20


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Bench:
    """One session of measuring; what it has learned is in `results`, saved after every step."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        cores = sorted(os.sched_getaffinity(0))
        self.server_cores = set(cores[:1])
        self.client_cores = set(cores[1:]) or self.server_cores
        self.deadline = time.monotonic() + 60 * options.minutes if options.minutes else None
        self.path = os.path.join(ROOT, "bench", "results", time.strftime("%Y%m%d-%H%M%S.json"))
        self.results = {
            "date": datetime.date.today().isoformat(),
            "machine": f"{cpu_name()}, {len(cores)} cores, Linux {platform.release()}",
            "command": "make bench" + (f' ARGS="{shlex.join(sys.argv[1:])}"' if sys.argv[1:] else ""),
            "steered": steering.possible(),
            "reps": options.reps,
            "seconds": options.seconds,
            "versions": {},
            **{part: {} for part in ("compared", "knees", "storm")},
            **{part: [] for part in ("full", "flat", "workers")},
        }

        if options.add_to:
            with open(options.add_to) as file:
                self.results |= json.load(file)

    def save(self) -> None:
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path, "w") as file:
            json.dump(self.results, file, indent=1)

    def late(self, what: str) -> bool:
        """True when --minutes are over: what has not begun is left out."""
        over = self.deadline is not None and time.monotonic() > self.deadline
        if over:
            say(f"out of time: without {what}")
        return over

    def measure(self, name: str, work: Load, seconds: int, **options) -> dict | None:
        """One run on a fresh server; None if it could not be measured at all."""
        options = {"cores": self.server_cores, "other_cores": self.client_cores, **options}
        if name == "auralink":
            options["build"] = self.options.build
        label = f"{name}: {' '.join(work.arguments())}"
        apart = options["cores"].isdisjoint(self.client_cores)
        try:
            with SERVERS[name](**options) as server, steering.deliver_on(self.client_cores if apart else set()):
                self.results["versions"][name] = server.version
                result = load.run(server, work, seconds, self.client_cores, self.options.build)
        except (LoadFailed, RuntimeError) as error:
            say(f"  {label}: {error}")
            return None
        say(f"  {label}: {result['server']['cpu_us_per_packet']:.2f} us a packet, "
            f"{result['received_packets_per_s']:.0f} packets/s, loss {100 * result['loss_after_repair']:.3f} %, "
            f"server {result['server']['cpu']:.2f} cores, generator {result['client_cpu']:.2f}"
            + ("" if result["carried"] else ", NOT CARRIED")
            + (", limited by the generator" if result["generator_limited"] else ""))
        return result

    def fits(self, name: str, work: Load) -> bool:
        result = self.measure(name, work, TRIAL_S)
        return bool(result and result["carried"] and not result["generator_limited"])

    def size_for_all(self, scenario: Scenario) -> tuple[int, int]:
        """The largest size that every server carries; the smallest one if none does."""
        if scenario.name in self.options.size:
            return self.options.size[scenario.name]
        say(f"{scenario.name}: looking for a size that everybody carries")
        dearest_first = sorted(self.options.only, key=DEAREST_FIRST.index)
        sizes = scenarios.QUICK_SIZES[scenario.name] if self.options.quick else scenario.sizes
        for size in sizes[:-1]:
            if all(self.fits(name, scenario.load(size)) for name in dearest_first):
                return size
        return sizes[-1]

    def compare(self, scenario: Scenario) -> None:
        size = self.size_for_all(scenario)
        entry = {"label": scenario.label(size), "media": scenario.media, "size": size,
                 "runs": {name: [] for name in self.options.only}}
        if self.options.quick:
            entry["note"] = "A quick run: it shows that everything works, not how fast."
        elif scenario.name in self.options.size:
            entry["note"] = f"Sized by hand; the plan begins with {scenario.label(scenario.sizes[0])}."
        elif size != scenario.sizes[0]:
            entry["note"] = f"Scaled down from {scenario.label(scenario.sizes[0])}, which not all carry here."
        self.results["compared"][scenario.name] = entry
        for rep in range(self.options.reps):
            say(f"{scenario.name}, run {rep + 1} of {self.options.reps}")
            for name in self.options.only:
                result = self.measure(name, scenario.load(size), self.options.seconds)
                if result:
                    entry["runs"][name].append(result)
                self.save()

    def knee_guess(self, name: str, scenario: Scenario) -> int:
        """Where to begin: below the subscribers that fill a core, at the cost that was measured before."""
        entry = self.results["compared"].get(scenario.name)
        if not entry or not entry["runs"].get(name) or self.options.quick:
            return SUBSCRIBERS_MAX_QUICK // 2 if self.options.quick else scenario.sizes[-1][1]
        run = entry["runs"][name][-1]
        cost_us = run["server"]["cpu_us_per_packet"] * run["received_packets_per_s"] / entry["size"][1]
        return max(1, int(KNEE_GUESS * 1e6 / cost_us))

    def find_knee(self, name: str, scenario: Scenario, first: int) -> dict | None:
        """The most subscribers at which nothing is lost: grows until something is, then halves the step."""
        publishers = scenario.sizes[0][0]
        most = SUBSCRIBERS_MAX_QUICK if self.options.quick else SUBSCRIBERS_MAX
        best, by_generator = None, False
        good, bad, trial = 0, 0, first
        while trial > good and trial != bad:
            result = self.measure(name, Load(publishers, trial, scenario.flags, ramp=100), TRIAL_S)
            by_generator = bool(result and result["generator_limited"]) or trial >= most
            if result and result["carried"]:
                good, best = trial, {**result, "subscribers": trial}
                if by_generator:
                    break
            else:
                bad = trial
            if bad and bad - good <= max(1, bad // 2 ** (BISECTIONS + 1)):
                break
            trial = (good + bad) // 2 if bad else min(most, int(trial * GROWTH) + 1)
        if not best:
            return None
        rate, cpu = best["received_packets_per_s"], best["server"]["cpu"]
        return {"subscribers": best["subscribers"], "packets_per_s": rate, "cpu": cpu,
                "packets_per_core_s": rate / cpu if cpu else None, "generator_limited": by_generator}

    def knees(self, scenario: Scenario) -> None:
        entry = {"title": scenario.name, "servers": {}}
        self.results["knees"][scenario.name] = entry
        for name in self.options.only:
            if self.late(f"the knee of {name}"):
                return
            say(f"{scenario.name}: the knee of {name}")
            knee = self.find_knee(name, scenario, self.knee_guess(name, scenario))
            if knee:
                entry["servers"][name] = knee
            self.save()

    def full(self) -> None:
        """The sizes of the plan that AuraLink carries and the others do not."""
        for scenario in scenarios.SCENARIOS:
            compared = self.results["compared"].get(scenario.name, {}).get("size")
            for size in scenario.sizes:
                if compared and size == tuple(compared):
                    break
                say(f"{scenario.name}: AuraLink alone")
                result = self.measure("auralink", scenario.load(size), self.options.seconds)
                if result and result["carried"]:
                    self.results["full"].append({**result, "label": scenario.label(size)})
                    self.save()
                    break
        self.uncut()

    def uncut(self) -> None:
        """The livestream at receivers that take what was sent in one piece, as a network card would."""
        scenario = scenarios.SCENARIOS[1]
        size = self.results["compared"].get(scenario.name, {}).get("size", scenario.sizes[-1])
        work = Load(*size, (*scenario.flags, "--gro"))
        result = self.measure("auralink", work, self.options.seconds)
        if result:
            self.results["full"].append({**result, "label": scenario.label(size) + ", receivers with GRO"})
            self.save()

    def flat(self) -> None:
        audiences = (5, 10) if self.options.quick else scenarios.FLAT_SUBSCRIBERS
        for media, flags in scenarios.FLAT:
            for subscribers in audiences:
                result = self.measure("auralink", Load(1, subscribers, flags, ramp=100), self.options.seconds)
                if result:
                    self.results["flat"].append({**result, "media": media, "subscribers": subscribers})
                    self.save()

    def workers(self) -> None:
        """What a second worker adds: the cost of a packet with both, and how evenly they share the work.

        On a machine where the generator needs one of two cores, two full workers cannot run: the factor is
        2 x cost(1) / cost(2) x mean share / largest share.
        """
        work = Load(1, 3, scenarios.WORKERS.flags, rooms=4) if self.options.quick else scenarios.WORKERS
        first_cost = None
        for workers in (1, 2):
            cores = os.sched_getaffinity(0)
            with AuraLink(workers=workers, cores=cores, build=self.options.build) as server:
                try:
                    result = load.run(server, work, self.options.seconds, self.client_cores, self.options.build)
                except LoadFailed as error:
                    say(f"  {workers} workers: {error}")
                    return
                shares = load.worker_shares(server.pid)
            cost = result["server"]["cpu_us_per_packet"]
            first_cost = first_cost or cost
            balance = sum(shares) / len(shares) / max(shares)
            result |= {"workers": workers, "shares": shares, "scaling": workers * first_cost / cost * balance}
            say(f"  {workers} workers: {cost:.2f} us a packet, shares {shares}, {result['scaling']:.2f} x one")
            self.results["workers"].append(result)
            self.save()

    def storm(self) -> None:
        work = Load(1, 9, ("--audio",), rooms=5, ramp=50) if self.options.quick else scenarios.STORM
        result = self.measure("auralink", work, TRIAL_S, cores=os.sched_getaffinity(0))
        if result:
            self.results["storm"] = {**result, "join_seconds": work.participants() / work.ramp}
            self.save()

    def run(self) -> None:
        wanted = self.options.scenario
        chosen = [s for s in scenarios.SCENARIOS if s.name in wanted]
        for scenario in chosen:
            if scenario.name not in self.results["compared"]:  # else: from the result that is added to
                self.compare(scenario)
        if "auralink" in self.options.only:
            for part in ("flat", "workers", "storm", "full"):
                if part in wanted and not self.late(part):
                    say(f"{part}: AuraLink alone")
                    getattr(self, part)()
        for scenario in chosen:
            if scenario.knee and "knee" in wanted:
                self.knees(scenario)
        self.save()


def cpu_name() -> str:
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def publish(results: dict) -> None:
    """Puts tables and chart into docs/."""
    with open(DOC) as file:
        text = file.read()
    before, rest = text.split(MARKERS[0])
    after = rest.split(MARKERS[1])[1]
    with open(DOC, "w") as file:
        file.write(f"{before}{MARKERS[0]}\n\n{report.markdown(results)}\n{MARKERS[1]}{after}")
    with open(DOC.replace(".md", ".svg"), "w") as file:
        file.write(report.chart(results))
    say("docs/benchmarks.md and docs/benchmarks.svg are written")


def size(text: str) -> tuple[str, tuple[int, int]]:
    """Reads audio=10x80 as (name, (publishers, subscribers))."""
    name, numbers = text.split("=")
    publishers, subscribers = numbers.split("x")
    if name not in scenarios.QUICK_SIZES:
        raise ValueError(name)
    return name, (int(publishers), int(subscribers))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", nargs="+", choices=list(SERVERS), default=list(SERVERS), metavar="SERVER",
                        help="servers to measure: " + ", ".join(SERVERS))
    parser.add_argument("--scenario", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART",
                        help="parts of the plan: " + ", ".join(PARTS))
    parser.add_argument("--reps", type=int, default=3, help="runs of each comparison (default 3)")
    parser.add_argument("--seconds", type=int, default=10, help="window of a run (default 10)")
    parser.add_argument("--size", nargs="+", type=size, default=[], metavar="NAME=PxS",
                        help="publishers and subscribers, instead of looking for what all carry: audio=10x80")
    parser.add_argument("--minutes", type=float, help="begin nothing but comparisons after this time")
    parser.add_argument("--quick", action="store_true", help="tiny loads: shows that everything works, measures nothing")
    parser.add_argument("--build", default="build", help="build folder of AuraLink (default build)")
    parser.add_argument("--no-setup", action="store_true", help="take the peers as they are")
    parser.add_argument("--no-publish", action="store_true", help="leave docs/ as it is")
    parser.add_argument("--add-to", metavar="JSON", help="put what is measured beside an earlier result")
    parser.add_argument("--report", metavar="JSON", help="only write docs/ from an earlier result")
    options = parser.parse_args()
    options.size = dict(options.size)
    if options.quick:
        options.reps, options.seconds = 1, min(options.seconds, 3)
    return options


def set_up(options: argparse.Namespace) -> None:
    """Installs the peers; one that cannot be had is left out, with a word."""
    if options.no_setup:
        return
    for peer in [p for p in options.only if p != "auralink"]:
        if subprocess.run([os.path.join(ROOT, "bench", "setup.sh"), peer], check=False).returncode:
            say(f"bench: going on without {peer}")
            options.only.remove(peer)


def main() -> int:
    options = arguments()
    if options.report:
        with open(options.report) as file:
            publish(json.load(file))
        return 0
    set_up(options)
    bench = Bench(options)
    bench.run()
    say(f"all figures: {os.path.relpath(bench.path, ROOT)}")
    if options.no_publish or options.quick:
        print(report.markdown(bench.results))
    else:
        publish(bench.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
