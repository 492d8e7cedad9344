# SPDX-License-Identifier: Apache-2.0
"""Shows that an adapter carries media between unmodified clients: check.py [mediasoup] [janus]

One rtc-node client publishes simulcast video and a tone, two others must see frames in order and hear the
tone, one of them having joined before the tracks existed. Needs the packages of tests/interop (run.sh).
"""

from __future__ import annotations

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "tests", "interop")]
from lib import tokens  # noqa: E402
from lib.driver import Driver, eventually  # noqa: E402
from rig.servers import SERVERS  # noqa: E402

FRAMES = 60


def check(name: str) -> None:
    server = SERVERS[name]()
    driver = Driver("node", ["node", os.path.join("clients", "node_client.mjs")])
    try:
        with server:
            print(f"{name} {server.version} at {server.url}, pid {server.pid}")

            def join(identity: str):
                client = driver.client(identity)
                try:
                    client.connect(server.url, tokens.join(identity, "check"))
                except Exception:
                    print(server.tail())
                    raise
                return client

            early = join("early")
            speaker = join("speaker")
            audio = speaker.call("publishAudio")["sid"]
            video = speaker.call("publishVideo", width=640, height=360, simulcast=True)["sid"]
            late = join("late")
            for guest in (early, late):
                eventually(lambda g=guest: g.call("stats").get(video, {}).get("frames", 0) > FRAMES, 30,
                           0.2, f"{guest.name} sees {FRAMES} frames")
                stats = guest.call("stats")
                print(f"  {guest.name}: video {stats[video]}")
                print(f"  {guest.name}: audio {stats.get(audio)}")
            for client in (late, speaker, early):
                client.disconnect()
    finally:
        driver.stop()


if __name__ == "__main__":
    for wanted in sys.argv[1:] or ["mediasoup", "janus"]:
        check(wanted)
