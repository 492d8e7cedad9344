# SPDX-License-Identifier: Apache-2.0
"""`auralink load-test` against one server: what to send, and what was measured."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass

from rig.servers import KEY, ROOT, SECRET, Server

LOSS_MAX = 0.001  # of a load that a server still carries
AUDIO_PACKETS_PER_S = 50
RATE_SLACK = 0.03  # of packets a second: what was on its way at both ends of the window
SERVER_IDLE = 0.85  # cores of its own: below, it is not the server that could not do more
GENERATOR_BUSY = 0.9  # cores a thread: above, the generator is what is measured
WARM_UP_S = 3  # bandwidth estimates grow before the window begins
START_S = 60  # joining and the first packets, beside the ramp


@dataclass(frozen=True)
class Load:
    """Who joins and what they send; `flags` are load-test's."""

    publishers: int
    subscribers: int
    flags: tuple[str, ...]
    rooms: int = 1
    ramp: int = 50

    def participants(self) -> int:
        return self.rooms * (self.publishers + self.subscribers)

    def arguments(self) -> list[str]:
        words = ["--publishers", str(self.publishers), "--subscribers", str(self.subscribers)]
        return [*words, "--rooms", str(self.rooms), "--ramp", str(self.ramp), *self.flags]


class LoadFailed(Exception):
    """The generator could not say anything about the server."""


def run(server: Server, load: Load, seconds: int, cores: set[int], build: str = "build") -> dict:
    """One measurement: load-test's JSON object, with `carried` added (see carried())."""
    argv = [os.path.join(ROOT, build, "src", "cmd", "auralink"), "load-test", "--json", "--url", server.url]
    argv += ["--api-key", KEY, "--api-secret", SECRET, "--server-pid", str(server.pid)]
    argv += ["--duration", str(seconds), "--warmup", str(WARM_UP_S), "--threads", str(len(cores))]
    argv += load.arguments()
    limit = seconds + WARM_UP_S + START_S + 2 * load.participants() / load.ramp
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=limit, check=False,
                              preexec_fn=lambda: os.sched_setaffinity(0, cores))
        result = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise LoadFailed(f"no end after {limit:.0f} s") from None
    except ValueError:
        raise LoadFailed(f"exit {done.returncode}: {done.stderr.strip()[-300:]}") from None
    if not server.alive():
        raise LoadFailed(f"{server.name} has died:\n{server.tail()}")
    result["carried"] = carried(load, result)
    result["generator_limited"] = generator_limited(result, len(server.cores), len(cores))
    return result


def generator_limited(result: dict, server_cores: int, client_cores: int) -> bool:
    """True if it was out of CPU, or dropped what it had no time to read while the server had time to spare."""
    dropped = not result["carried"] and result["udp_buffer_errors"] > 0
    idle = result["server"]["cpu"] < SERVER_IDLE * server_cores
    return result["client_cpu"] > GENERATOR_BUSY * client_cores or (dropped and idle)


def carried(load: Load, result: dict) -> bool:
    """Everybody joined, every track arrived, next to nothing was lost for good, and nothing fell behind."""
    complete = result["failed"] == 0 and result["tracks_flowing"] == result["tracks_expected"]
    rate = 1.0
    if "--no-simulcast" in load.flags or "--video" not in load.flags:
        rate = result["received_packets_per_s"] / (result["sent_packets_per_s"] * load.subscribers or 1)
    if "--video" not in load.flags:  # the generator kept its own time
        rate = min(rate, result["sent_packets_per_s"] / (load.rooms * load.publishers * AUDIO_PACKETS_PER_S))
    return complete and rate > 1 - RATE_SLACK and result["loss_after_repair"] < LOSS_MAX


def worker_shares(pid: int) -> list[float]:
    """CPU seconds so far of each of AuraLink's media workers (threads named media-0, media-1 ...)."""
    shares = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/stat") as file:
            head, rest = file.read().rsplit(")", 1)
        name, fields = head.split("(", 1)[1], rest.split()
        if name.startswith("media-"):
            shares[name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return [shares[name] for name in sorted(shares)]
