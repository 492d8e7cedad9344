#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an AuraID adds to a join, from end to end: two servers beside each other, with auraid.enabled true and false.

    .cache/venv-test/bin/python bench/join.py [--build DIR] [--joins N] [--rounds N]

Each round has, on both servers by turns, N people whom nobody has seen before come into a room of their own and leave, one after
the other: a WebSocket to /rtc with a token, until the JoinResponse is there. So what else the machine does meets both alike.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "interop"))
from livekit.protocol import rtc as pb  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

from lib import tokens  # noqa: E402
from lib.server import Server  # noqa: E402


def join(server: Server, who: str) -> float:
    """@return ms until the JoinResponse"""
    token = tokens.join(who, f"room-{who}")
    start = time.perf_counter()
    link = connect(f"{server.url}/rtc?access_token={token}&protocol=16&auto_subscribe=1", legacy=True)
    message = pb.SignalResponse()
    message.ParseFromString(link.recv())
    took = (time.perf_counter() - start) * 1000
    assert message.WhichOneof("message") == "join", message
    link.close()
    return took


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--build", default="build", help="folder with auralink-server")
    options.add_argument("--joins", type=int, default=300)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    os.environ["AURA_BUILD"] = given.build
    with tempfile.TemporaryDirectory() as folder:
        limits = {"limit": {"requests_per_address": 0, "refusals_per_address": 0}, "log_level": "warn"}
        with_ids = Server(config={**limits, "auraid": {"directory": os.path.join(folder, "auraid.db")}})
        without = Server(config={**limits, "auraid": {"enabled": False}})
        try:
            added = []
            for round in range(given.rounds):
                took: dict[bool, list[float]] = {True: [], False: []}
                for i in range(given.joins):
                    for on in (True, False) if i % 2 else (False, True):
                        took[on].append(join(with_ids if on else without, f"person-{round}-{i}"))
                on, off = statistics.median(took[True]), statistics.median(took[False])
                added.append(on - off)
                print(f"round {round + 1}: join p50 {on:.2f} ms with AuraIDs, {off:.2f} ms without: {on - off:+.2f} ms")
            assert with_ids.metric("auralink_auraid_created_total") == given.joins * given.rounds
            print(f"added at p50, median of {given.rounds} rounds: {statistics.median(added):+.2f} ms")
        finally:
            for server in (with_ids, without):
                server.stop()
                server.cleanup()


main()
