# SPDX-License-Identifier: Apache-2.0
"""Wears a server out: joins, leaves, layer switches, mutes and a bad network, for as long as one likes.

    make soak ARGS="--minutes 30"

While waves of participants of `auralink load-test` come and go (every third one by being killed), a call of SDK
clients goes on: one publishes simulcast video and sound, one watches over a network that gets worse and better,
one mutes, unsubscribes and comes back. After each wave the call must still flow. At the end everybody leaves, and
then /metrics must show nobody and nothing, memory must not have grown, and the server must stop by itself
without a word of a sanitizer.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "tests", "interop")]
from lib import tokens  # noqa: E402
from lib.driver import Driver, eventually  # noqa: E402
from lib.netem import Forwarder, Impairment  # noqa: E402
from rig.servers import KEY, ROOT, SECRET, AuraLink  # noqa: E402

ROOM = "soak"
EMPTY_ROOM_S = 2
FLOW_TIMEOUT_S = 20  # in a debug build on a busy machine, after the network is good again
GONE_TIMEOUT_S = 60
WARM_UP = 0.5  # of the time: caches and pools grow to what the largest waves need
GROWTH_MAX = 0.05
GROWTH_MAX_KIB = 8 * 1024
ALLOCATIONS_SPARE = 64
SANITIZERS = {
    # A small quarantine: its own growth would hide the server's.
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:quarantine_size_mb=8:halt_on_error=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}
NETWORKS = (
    Impairment(),
    Impairment(delay_ms=15, loss=0.02),
    Impairment(delay_ms=30, loss=0.05, burst_length=4),
    Impairment(delay_ms=20, jitter_ms=40, reorder=0.02),
    Impairment(delay_ms=20, rate_kbps=1000),
    Impairment(delay_ms=20, rate_kbps=300),
)
NOTHING_LEFT = ("livekit_room_total", "livekit_participant_total", "livekit_track_published_total",
                "livekit_track_subscribed_total", "auralink_peer_connections", "auralink_websockets")


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


class Waves:
    """Participants that come and go: one load-test at a time."""

    def __init__(self, server: AuraLink, tools: str, seed: int):
        self.server = server
        self.program = os.path.join(ROOT, tools, "src", "cmd", "auralink")
        self.random = random.Random(seed)
        self.count = 0
        self.people = 0
        self.failed = 0

    def run(self) -> None:
        draw = self.random
        rooms, publishers, subscribers = draw.randint(1, 4), draw.randint(1, 3), draw.randint(0, 8)
        kinds = draw.choice((["--audio"], ["--video", "--video-resolution", "360p"], ["--audio", "--video"]))
        argv = [self.program, "load-test", "--json", "--url", self.server.url]
        argv += ["--api-key", KEY, "--api-secret", SECRET]
        argv += ["--room", f"wave-{self.count}", "--rooms", str(rooms), "--publishers", str(publishers)]
        argv += ["--subscribers", str(subscribers), "--meeting", "--dynacast", *kinds]
        argv += ["--ramp", str(draw.choice((20, 100, 1000))), "--duration", str(draw.randint(1, 6))]
        argv += ["--seed", str(draw.randrange(1 << 31))]
        self.count += 1
        self.people += rooms * (publishers + subscribers)
        wave = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            if self.count % 3 == 0:  # they vanish without a word
                try:
                    wave.communicate(timeout=draw.uniform(1, 4))
                except subprocess.TimeoutExpired:
                    wave.send_signal(signal.SIGKILL)
                    wave.communicate()
                return
            out, err = wave.communicate(timeout=90)
        finally:
            if wave.poll() is None:
                wave.kill()
                wave.communicate()
        if wave.returncode:
            self.failed += 1
            say(f"wave {self.count}: exit {wave.returncode}: {' '.join(argv[8:])}: {err.decode()[-300:]}{self.why(out)}")

    @staticmethod
    def why(out: bytes) -> str:
        try:
            result = json.loads(out)
        except ValueError:
            return ""
        return str({k: result[k] for k in ("failed", "first_failure", "tracks_flowing", "tracks_expected")})


class Call:
    """SDK clients that stay all the time."""

    def __init__(self, server: AuraLink, udp_port: int, seed: int):
        self.random = random.Random(seed)
        self.network = Forwarder(("127.0.0.1", udp_port), signal_target=server.url)
        self.node = Driver("node", ["node", os.path.join("clients", "node_client.mjs")])
        self.python = Driver("python", [sys.executable, os.path.join("clients", "python_client.py")])
        self.speaker = self.join(self.node, "speaker", server.url)
        self.watcher = self.join(self.node, "watcher", self.network.ws_url)
        self.fidget = self.join(self.python, "fidget", server.url)
        self.video = self.speaker.call("publishVideo", width=640, height=360, fps=20, simulcast=True)["sid"]
        self.audio = self.speaker.call("publishAudio")["sid"]
        self.own = self.fidget.call("publishAudio")["sid"]
        self.rounds = 0
        for client in (self.watcher, self.fidget):
            self.must_flow(client)

    @staticmethod
    def join(driver: Driver, identity: str, url: str):
        client = driver.client(identity)
        client.connect(url, tokens.join(identity, ROOM))
        return client

    def must_flow(self, client) -> None:
        """New pictures and new sound arrive."""
        client.call("reset")
        for sid, what in ((self.video, "distinct"), (self.audio, "frames")):
            eventually(lambda s=sid, w=what: client.call("stats").get(s, {}).get(w, 0) > 5, FLOW_TIMEOUT_S, 0.3,
                       f"{client.name} receives {'video' if sid == self.video else 'audio'}")

    def disturb(self) -> None:
        rule = self.random.choice(NETWORKS)
        self.network.impair(rule, Impairment(**{**rule.__dict__, "seed": self.rounds}))
        self.fidget.call("mute", sid=self.own, on=self.rounds % 2 == 0)
        mark = self.fidget.mark()
        self.fidget.call("subscribe", sid=self.video, on=False)
        # The SDK sends two requests in a row in either order.
        self.fidget.wait("trackUnsubscribed", FLOW_TIMEOUT_S, mark, sid=self.video)
        self.rounds += 1

    def settle(self) -> None:
        self.network.impair()
        self.fidget.call("subscribe", sid=self.video, on=True)
        for client in (self.watcher, self.fidget):
            self.must_flow(client)

    def close(self) -> None:
        for client in (self.watcher, self.fidget, self.speaker):
            client.disconnect()
        self.abandon()

    def abandon(self) -> None:
        self.node.stop()
        self.python.stop()
        self.network.close()


def grown(samples: list[float], spare: float) -> tuple[float, float, bool]:
    """Medians of the first and the last third after the warm-up, and whether the second is too much."""
    steady = samples[int(len(samples) * WARM_UP):]
    third = max(1, len(steady) // 3)
    first, last = statistics.median(steady[:third]), statistics.median(steady[-third:])
    return first, last, last > first * (1 + GROWTH_MAX) + spare


class Soak:
    def __init__(self, server: AuraLink, options: argparse.Namespace):
        self.server = server
        self.options = options
        self.waves = Waves(server, options.tools, options.seed)
        self.rss: list[float] = []
        self.allocations: list[float] = []
        self.problems: list[str] = []

    def only_the_call_is_left(self) -> bool:
        return self.server.total("livekit_participant_total") == 3

    def run(self) -> None:
        end = time.monotonic() + self.options.minutes * 60
        call = Call(self.server, self.server.udp_port, self.options.seed)
        try:
            while time.monotonic() < end:
                call.disturb()
                if not self.options.no_waves:
                    self.waves.run()
                call.settle()
                eventually(self.only_the_call_is_left, GONE_TIMEOUT_S, 0.3, "the wave's participants have gone")
                self.rss.append(self.server.rss_kib())
                self.allocations.append(self.server.metrics()["auralink_allocations_live"])
                say(f"wave {self.waves.count}: {self.waves.people} participants so far, "
                    f"RSS {self.rss[-1] / 1024:.1f} MiB, {self.allocations[-1]:.0f} allocations")
            call.close()
        except BaseException as error:
            if isinstance(error, AssertionError):
                error = AssertionError(f"{error}\n{evidence(self.server)}")
            call.abandon()
            raise error from None
        self.check()

    def check(self) -> None:
        eventually(lambda: not any(map(self.server.total, NOTHING_LEFT)), GONE_TIMEOUT_S, 0.5,
                   "/metrics shows nobody and nothing")
        if self.waves.failed:
            self.problems.append(f"{self.waves.failed} of {self.waves.count} waves had somebody without media")
        for name, samples, spare in (("RSS, KiB", self.rss, GROWTH_MAX_KIB),
                                     ("allocations", self.allocations, ALLOCATIONS_SPARE)):
            first, last, too_much = grown(samples, spare)
            say(f"{name}: {first:.0f} -> {last:.0f}")
            if too_much:
                self.problems.append(f"{name} grew from {first:.0f} to {last:.0f}")


def evidence(server: AuraLink) -> str:
    """What the server says of the call that stopped."""
    if not server.alive():
        return server.tail()
    room = server.text(f"/debug/rooms/{ROOM}", tokens.join("soak", ROOM, room_admin=True))
    return "\n".join([room, *(f"{k} {v:g}" for k, v in server.metrics().items() if v)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=10, help="how long (default 10)")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is drawn (default 1)")
    parser.add_argument("--build", default="build-asan", help="build folder of the server (default build-asan)")
    parser.add_argument("--tools", default="build", help="build folder of `auralink` (default build)")
    parser.add_argument("--no-waves", action="store_true", help="only the call that stays")
    options = parser.parse_args()
    os.environ.update(SANITIZERS)
    config = {"room": {"empty_timeout": EMPTY_ROOM_S, "departure_timeout": EMPTY_ROOM_S}}
    server = AuraLink(config=config, build=options.build)
    soak = Soak(server, options)
    try:
        server.start()
        soak.run()
    except Exception as error:  # whatever it was, the server has to be looked at and stopped
        soak.problems.append(str(error))
    log = server.log_after_stop()
    status = server.process.returncode
    for line in log.splitlines():
        if "ERROR: AddressSanitizer" in line or "LeakSanitizer" in line or "runtime error" in line:
            soak.problems.append(line)
    if status:
        soak.problems.append(f"the server ended with {status}:\n{log[-3000:]}")
    for problem in soak.problems:
        say(f"FAILED: {problem}")
    print(json.dumps({"waves": soak.waves.count, "participants": soak.waves.people, "rss_kib": soak.rss,
                      "allocations": soak.allocations, "problems": soak.problems}))
    return 1 if soak.problems else 0


if __name__ == "__main__":
    sys.exit(main())
