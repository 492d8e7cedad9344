# SPDX-License-Identifier: Apache-2.0
"""What a real browser sees behind a link whose capacity changes, on one server or on two in turns.

    ../../.cache/venv-test/bin/python network.py ["NAME=COMMAND" ...] [--scenario step] [--rounds 1]

COMMAND is a server program; a NAME that contains "livekit" gets LiveKit's flags. Without one: ours from
build/. Publishers are `auralink load-test` (pre-encoded VP8, three layers of 150, 500 and 1700 kbps, and
Opus), the subscriber is livekit-client in Chromium behind lib/netem.py's forwarder. The same code is the
test in test_network.py.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import tokens  # noqa: E402
from lib.driver import Driver, eventually  # noqa: E402
from lib.netem import Forwarder, Impairment  # noqa: E402
from lib.server import ROOT, Server  # noqa: E402

SAMPLE_S = 0.25


@dataclass
class Phase:
    """A time with one kind of network towards the subscriber."""

    name: str
    seconds: float
    down: Impairment
    up: Impairment = field(default_factory=lambda: Impairment(delay_ms=20))


def link(kbps: float, **more) -> Impairment:
    return Impairment(delay_ms=20, rate_kbps=kbps, queue_ms=300, **more)


SCENARIOS = {
    "step": [Phase("3 Mbps", 12, link(3000)), Phase("0.3 Mbps", 15, link(300)), Phase("3 Mbps again", 18, link(3000))],
    "loss": [Phase("5 % loss", 15, link(3000, loss=0.05)), Phase("bursts of 8, 3 %", 15, link(3000, loss=0.03, burst_length=8))],
    "jitter": [Phase("jitter 30 ms", 15, link(3000, jitter_ms=30)), Phase("jitter 50 ms, reordering", 15, link(3000, jitter_ms=50, reorder=0.02))],
    "far": [Phase("3 Mbps, 200 ms round trip", 15, Impairment(delay_ms=100, rate_kbps=3000, queue_ms=300), Impairment(delay_ms=100)),
            Phase("0.5 Mbps, 200 ms", 15, Impairment(delay_ms=100, rate_kbps=500, queue_ms=300), Impairment(delay_ms=100))],
}


@dataclass
class Sample:
    at: float
    video_bytes: int
    height: int
    freeze_s: float
    frames: int
    concealed: int
    audio_samples: int
    late_ms: float = 0  # of the browser's own timers, since the sample before


def publish(cli: str, url: str, room: str, seconds: float) -> subprocess.Popen:
    """One participant with camera and microphone, for some time."""
    argv = [cli, "load-test", "--url", url, "--room", room, "--publishers", "1", "--subscribers", "0",
            "--audio", "--video", "--duration", str(int(seconds)), "--json"]
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def sample(client, video: str, audio: str, start: float) -> Sample:
    v = client.call("rtcStats", sid=video)
    a = client.call("rtcStats", sid=audio)
    return Sample(time.monotonic() - start, v.get("bytesReceived", 0), v.get("frameHeight", 0),
                  v.get("totalFreezesDuration", 0), v.get("framesDecoded", 0), a.get("concealedSamples", 0),
                  a.get("totalSamplesReceived", 0), client.call("late", ms=SAMPLE_S * 1000))


def watch(client, video: str, audio: str, seconds: float) -> list[Sample]:
    start, out = time.monotonic(), []
    while (passed := time.monotonic() - start) < seconds:
        out.append(sample(client, video, audio, start))
        time.sleep(max(0.0, SAMPLE_S - (time.monotonic() - start - passed)))
    return out


def figures(samples: list[Sample]) -> dict[str, float]:
    first, last = samples[0], samples[-1]
    tail = samples[len(samples) // 2:]
    heights = [s.height for s in tail if s.height]
    heard = last.audio_samples - first.audio_samples
    return {
        "kbps": (last.video_bytes - first.video_bytes) * 8 / 1000 / (last.at - first.at),
        "kbps_second_half": (tail[-1].video_bytes - tail[0].video_bytes) * 8 / 1000 / (tail[-1].at - tail[0].at),
        "fps": (last.frames - first.frames) / (last.at - first.at),
        "height_second_half": statistics.median(heights) if heights else 0,
        "freeze_s": last.freeze_s - first.freeze_s,
        "concealed_percent": 100 * (last.concealed - first.concealed) / heard if heard else 100.0,
        "late_s": max(s.late_ms for s in samples) / 1000,
        "tallest_after_s": next((s.at for s in samples if s.height == max(x.height for x in samples)), 0.0),
    }


def run(driver: Driver, server: Server, scenario: str, cli: str, reached: dict | None = None) -> dict[str, dict[str, float]]:
    """Figures of each phase. One that has a condition in `reached` is looked at again until it holds, for two minutes at
    most: on a busy machine the estimate of the link's capacity is late."""
    phases = SCENARIOS[scenario]
    room = f"network-{scenario}-{time.time_ns()}"
    forwarder = Forwarder(("127.0.0.1", server.udp_port), phases[0].up, phases[0].down, signal_target=server.url)
    publisher = publish(cli, server.url, room, sum(p.seconds for p in phases) + (400 if reached else 15))
    try:
        client = driver.client(f"{room}/viewer")
        client.connect(forwarder.ws_url, tokens.join("viewer", room))

        def tracks():
            found = {t["kind"]: t["sid"] for p in client.call("participants").values() for t in p["tracks"]}
            return found if len(found) == 2 else None

        sids = eventually(tracks, 60, 0.1, "both tracks of the publisher")
        client.until(sids["video"], lambda s: s["frames"] > 0, 60, "the first picture")
        client.until(sids["audio"], lambda s: bool(s), 60, "sound")
        out = {}
        for phase in phases:
            forwarder.impair(phase.up, phase.down)
            deadline, good = time.monotonic() + 120, (reached or {}).get(phase.name, bool)
            while not out.get(phase.name) or (not good(out[phase.name]) and time.monotonic() < deadline):
                out[phase.name] = figures(watch(client, sids["video"], sids["audio"], phase.seconds))
        client.disconnect()
        return out
    finally:
        publisher.terminate()
        publisher.communicate(timeout=60)
        forwarder.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="*", default=["auralink="])
    parser.add_argument("--scenario", choices=SCENARIOS, action="append")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--cli", default=os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"), "auralink"))
    arguments = parser.parse_args()
    driver = Driver("chromium", ["node", "clients/browser_client.mjs", "chromium"])
    print("| scenario | phase | server | kbps (2nd half) | lines | fps | frozen s | concealed audio | best after s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for scenario in arguments.scenario or SCENARIOS:
        for _ in range(arguments.rounds):
            for entry in arguments.servers:
                name, _, command = entry.partition("=")
                os.environ["AURA_SERVER_KIND"] = name
                os.environ["AURA_SERVER_CMD"] = command
                server = Server()
                try:
                    for phase, f in run(driver, server, scenario, arguments.cli).items():
                        print(f"| {scenario} | {phase} | {name} | {f['kbps']:.0f} ({f['kbps_second_half']:.0f}) | "
                              f"{f['height_second_half']:.0f} | {f['fps']:.1f} | {f['freeze_s']:.1f} | "
                              f"{f['concealed_percent']:.1f} % | {f['tallest_after_s']:.1f} |", flush=True)
                finally:
                    server.stop()
                    server.cleanup()
    driver.stop()


if __name__ == "__main__":
    main()
