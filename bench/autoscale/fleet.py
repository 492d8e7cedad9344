# SPDX-License-Identifier: Apache-2.0
"""AI Core's pods and the tracks that want them, second by second: how streams are let in (src/aicore/admission.c), shared out (gRPC's round robin
over what DNS said last), refused, tried again (src/aic/machine.c) and sent home by a pod that goes."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from .hpa import SYNC_S, Hpa

FILL = 0.8  # of a pod's time is promised at most
WARM_S = 1.5
BACKOFF_MIN_S, BACKOFF_MAX_S, STEADY_S = 2.0, 60.0, 60.0


@dataclass
class Costs:
    """Figures of real processes; `measured` in real.py."""

    share: float  # of a thread's time that one track is promised
    start_s: float  # of the process, until it serves
    threads: int = 2
    schedule_s: float = 15.0  # until the container is started: not measured here, there is no cluster
    scrape_s: float = 15.0  # how old a metric can be
    look_up_s: float = 30.0  # until a server hears of a new pod by an aged connection, at one pod (CONNECTION_AGE_MS); of n pods, an n-th


@dataclass
class Track:
    ends_s: float
    server: int
    since_s: float = 0.0
    pod: Pod | None = None
    active_s: float = math.inf  # from when on AI Core's pictures are shown
    retry_s: float = 0.0
    backoff_s: float = BACKOFF_MIN_S
    tried: bool = False


@dataclass(eq=False)
class Pod:
    ready_s: float
    tracks: set[int] = field(default_factory=set)
    metric: float | None = None
    leaving: bool = False


@dataclass
class Result:
    pods: list[int] = field(default_factory=list)
    tracks: list[int] = field(default_factory=list)
    load: list[float] = field(default_factory=list)  # mean of ready pods
    started: int = 0  # tracks
    refused: int = 0  # openings
    fallbacks: int = 0  # of tracks that AI Core's pictures were shown of
    track_s: float = 0.0
    native_s: float = 0.0  # of tracks that wanted AI Core, beyond warming up
    pod_s: float = 0.0

    @property
    def flaps(self) -> int:
        """Pods that were taken away and wanted back, or added and taken away, within ten minutes."""
        moves = [(t, b - a) for t, (a, b) in enumerate(zip(self.pods, self.pods[1:])) if a != b]
        return sum((a > 0) != (b > 0) and t - s < 600 for (s, a), (t, b) in zip(moves, moves[1:]))

    @property
    def reversals(self) -> int:
        """How often the number of pods turned round: 1 for a load that rises and falls once."""
        moves = [b - a for a, b in zip(self.pods, self.pods[1:]) if a != b]
        return sum((a > 0) != (b > 0) for a, b in zip(moves, moves[1:]))

    def summary(self) -> dict[str, float]:
        return {"tracks": self.started, "most_tracks": max(self.tracks), "most_pods": max(self.pods), "reversals": self.reversals, "flaps": self.flaps,
                "changes": sum(a != b for a, b in zip(self.pods, self.pods[1:])), "refused_openings": self.refused,
                "fallbacks": self.fallbacks, "fallbacks_percent": 100 * self.fallbacks / max(self.started, 1),
                "native_time_percent": 100 * self.native_s / max(self.track_s, 1), "pod_hours": self.pod_s / 3600,
                "mean_load": sum(self.load) / max(len(self.load), 1)}


def run(hpa: Hpa, costs: Costs, wanted: list[float], servers: int = 4, life_s: float = 900.0, seed: int = 1) -> Result:
    """`wanted`: how many tracks there are, on the mean, each second. They come at random and stay for `life_s` on the mean."""
    chance = random.Random(seed)
    pods = [Pod(0.0) for _ in range(hpa.least or 1)]
    known: list[list[Pod]] = [list(pods) for _ in range(servers)]
    heard_s, turn = [0.0] * servers, [0] * servers
    tracks: dict[int, Track] = {}
    result, number, replicas = Result(), 0, len(pods)

    def load(pod: Pod) -> float:
        return len(pod.tracks) * costs.share / costs.threads

    def leave(which: int, now_s: float, fell: bool) -> None:
        track = tracks[which]
        shown = track.pod and now_s >= track.active_s
        if track.pod:
            track.pod.tracks.discard(which)
        if fell and shown:
            result.fallbacks += 1
            track.backoff_s = BACKOFF_MIN_S if now_s - track.active_s > STEADY_S else min(track.backoff_s * 2, BACKOFF_MAX_S)
        track.pod, track.active_s = None, math.inf
        track.retry_s = now_s + track.backoff_s

    def attempt(which: int, now_s: float) -> None:
        """One opening: at the next pod that this server knows of."""
        track = tracks[which]
        there = [p for p in known[track.server] if p in pods and p.ready_s <= now_s]
        turn[track.server] += 1
        pod = there[turn[track.server] % len(there)] if there else None
        room = pod and not pod.leaving and (not pod.tracks or load(pod) + costs.share / costs.threads <= FILL)
        if room:
            pod.tracks.add(which)
            track.pod, track.active_s = pod, now_s + WARM_S
        else:
            result.refused += 1
            track.retry_s = now_s + track.backoff_s
            track.backoff_s = min(track.backoff_s * 2, BACKOFF_MAX_S)
        track.tried = True

    for second, mean in enumerate(wanted):
        now_s = float(second)
        # Tracks end, and come so that there are as many as are wanted on the mean.
        for which in [w for w, t in tracks.items() if t.ends_s <= now_s]:
            leave(which, now_s, fell=False)
            del tracks[which]
        rise = wanted[min(second + 1, len(wanted) - 1)] - mean
        for _ in range(_poisson(chance, max(0.0, mean / life_s + rise))):
            tracks[number] = Track(now_s + chance.expovariate(1 / life_s), chance.randrange(servers), now_s)
            number += 1
            result.started += 1
        for server in range(servers):
            if now_s - heard_s[server] >= costs.look_up_s / max(1, len(known[server])) * chance.uniform(0.9, 1.1):
                known[server], heard_s[server] = [p for p in pods if p.ready_s <= now_s and not p.leaving], now_s
        for which, track in tracks.items():
            if not track.pod and track.retry_s <= now_s:
                attempt(which, now_s)
        # A pod that leaves has told its tracks; it goes when they have.
        pods = [p for p in pods if not p.leaving]
        for n, pod in enumerate(pods):
            if pod.ready_s <= now_s and (second + n) % int(costs.scrape_s) == 0:
                pod.metric = load(pod)
        if second % SYNC_S == 0:
            replicas = hpa.step(now_s, replicas, [p.metric for p in pods])
            while len(pods) < replicas:
                pods.append(Pod(now_s + costs.schedule_s + costs.start_s))
            # Of equal pods a ReplicaSet removes the youngest first, those that are not ready before all.
            for pod in sorted(pods, key=lambda p: p.ready_s)[replicas:]:
                pod.leaving = True
                for which in list(pod.tracks):
                    leave(which, now_s, fell=True)
        ready = [p for p in pods if p.ready_s <= now_s and not p.leaving]
        result.pods.append(replicas)
        result.tracks.append(len(tracks))
        result.load.append(sum(map(load, ready)) / max(1, len(ready)))
        result.pod_s += len(pods)
        result.track_s += len(tracks)
        result.native_s += sum(1 for t in tracks.values() if t.tried and not t.pod)
    return result


def _poisson(chance: random.Random, mean: float) -> int:
    limit, n, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        n, product = n + 1, product * chance.random()
    return n


def day(least: float, most: float, rise_s: int, hold_s: int, fall_s: int, wave: float = 0.0) -> list[float]:
    """Rises, holds and falls along half waves; `wave`: a swing of ten minutes by that share, which is not to be followed."""
    def at(t: int) -> float:
        if t < rise_s:
            x = (1 - math.cos(math.pi * t / rise_s)) / 2
        elif t < rise_s + hold_s:
            x = 1.0
        else:
            x = (1 + math.cos(math.pi * (t - rise_s - hold_s) / fall_s)) / 2
        return (least + (most - least) * x) * (1 + wave * math.sin(2 * math.pi * t / 600))

    return [at(t) for t in range(rise_s + hold_s + fall_s)]
