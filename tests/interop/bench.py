# SPDX-License-Identifier: Apache-2.0
"""Figures of a server, or of two in turns: join latency, CPU per forwarded packet, memory per participant.

    ../../.cache/venv-test/bin/python bench.py ["NAME=COMMAND" ...] [--joins 50] [--seconds 10] [--rounds 2]

COMMAND is a server program; a NAME that contains "livekit" gets LiveKit's flags and metric names. Without
one: ours from build/. The clients are rtc-node, in one process beside the server, so that a busy machine
shows in the latencies; servers take turns, so that it shows in all of them alike.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import tokens  # noqa: E402
from lib.driver import Driver  # noqa: E402
from lib.server import ROOT, Server  # noqa: E402

FORWARDED = ("livekit_packet_total", "outgoing")  # our name too
PAUSE_S = 1.0  # between joins: key frames are asked for at most once in that time


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def join(driver: Driver, server: Server, room: str, identity: str):
    client = driver.client(f"{room}/{identity}")
    client.join_answer = client.connect(server.url, tokens.join(identity, room))
    return client


def joins(driver: Driver, server: Server, count: int) -> dict[str, float]:
    """connect() and first picture of `count` joins into a room where somebody publishes."""
    speaker = join(driver, server, "joins", "speaker")
    video = speaker.call("publishVideo", width=320, height=180, fps=30)["sid"]
    connect_ms, first_ms = [], []
    for number in range(count):
        guest = join(driver, server, "joins", f"guest{number}")
        answer = guest.join_answer
        stats = guest.until(video, lambda s: s["frames"] > 0, 20)
        connect_ms.append(answer["connectMs"])
        first_ms.append(stats["firstMs"] - (answer["at"] - answer["connectMs"]))
        guest.disconnect()
        time.sleep(PAUSE_S)
    speaker.disconnect()
    return {
        "connect_ms_p50": statistics.median(connect_ms),
        "connect_ms_p95": percentile(connect_ms, 0.95),
        "first_picture_ms_p50": statistics.median(first_ms),
        "first_picture_ms_p95": percentile(first_ms, 0.95),
    }


def forwarding(driver: Driver, server: Server, seconds: float,
               publishers: int = 2, subscribers: int = 8) -> dict[str, float]:
    """CPU of the server over `seconds` while everybody hears and sees the publishers."""
    idle_rss = server.rss_kib()
    idle_cpu = server.cpu_seconds()
    time.sleep(2)
    idle_share = (server.cpu_seconds() - idle_cpu) / 2
    room = f"forwarding-{time.time()}"
    senders = [join(driver, server, room, f"sender{n}") for n in range(publishers)]
    guests = [join(driver, server, room, f"guest{n}") for n in range(subscribers)]
    videos = [s.call("publishVideo", width=320, height=180, fps=20, bitrate=300_000)["sid"] for s in senders]
    for sender in senders:
        sender.call("publishAudio")
    for guest in guests:
        for video in videos:
            guest.until(video, lambda s: s["frames"] > 10, 30)
    time.sleep(2)
    packets, cpu, start = server.metric(*FORWARDED), server.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - start
    packets = server.metric(*FORWARDED) - packets
    cpu = server.cpu_seconds() - cpu
    rss = server.rss_kib()
    for client in senders + guests:
        client.disconnect()
    return {
        "packets_per_s": packets / took,
        "cpu_share": cpu / took,
        "idle_cpu_share": idle_share,
        "cpu_us_per_packet": cpu * 1e6 / packets if packets else float("nan"),
        "rss_kib": rss,
        "rss_kib_per_participant": (rss - idle_rss) / (publishers + subscribers),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="*", metavar="NAME=COMMAND")
    parser.add_argument("--joins", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    servers = [s.partition("=")[::2] for s in options.servers]
    servers = servers or [("auralink", os.path.join(ROOT, "build", "auralink-server"))]
    figures: dict[str, dict[str, list[float]]] = {name: {} for name, _ in servers}
    for turn in range(options.rounds):
        for name, command in servers:
            reference = "livekit" in name
            os.environ["AURA_SERVER_CMD"] = command
            os.environ["AURA_SERVER_KIND"] = "livekit" if reference else ""
            server = Server()
            driver = Driver("node-bench", ["node", "clients/node_client.mjs"])
            try:
                found = joins(driver, server, options.joins)
                found.update(forwarding(driver, server, options.seconds))
            finally:
                driver.stop()
                server.stop()
                server.cleanup()
            for key, value in found.items():
                figures[name].setdefault(key, []).append(value)
            print(f"round {turn + 1} {name}: " + " ".join(f"{k}={v:.4g}" for k, v in found.items()), flush=True)
    for name, found in figures.items():
        print(f"\n{name} (median of {options.rounds} rounds)")
        for key, values in found.items():
            print(f"  {key:26} {statistics.median(values):10.1f}" if max(values) >= 10 else
                  f"  {key:26} {statistics.median(values):10.3f}")


if __name__ == "__main__":
    main()
