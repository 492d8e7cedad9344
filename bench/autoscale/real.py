# SPDX-License-Identifier: Apache-2.0
"""Real AI Cores under real streams: what one costs, and a small fleet that the autoscaler's algorithm starts and stops by their own metrics."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import re
import sys
import threading
import time

import grpc

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "tests", "interop"))
from lib.aicore import AICore, schema  # noqa: E402

from .fleet import FILL, Costs  # noqa: E402
from .hpa import Hpa  # noqa: E402

WIDTH, HEIGHT = 1280, 720
LITTLE = ("--without", "governor,faces,person,speech,quantizer")


class Stream:
    """One track at an AI Core: raw pictures of a size, `told` of which a second are promised, and sent seldom: the promise is what scales."""

    def __init__(self, core: AICore, told: int, width: int = WIDTH, height: int = HEIGHT):
        self._channel = core.channel()
        self._api = schema(self._channel)
        self._queue: queue.Queue = queue.Queue()
        self._told, self._size, self._count = told, (width, height), itertools.count()
        self.code: grpc.StatusCode | None = None
        self.draining = False
        self.answers = 0
        self._call = self._api.CompressStream(iter(self._queue.get, None))
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self.send()

    def _read(self) -> None:
        try:
            for answer in self._call:
                self.answers += 1
                self.draining |= answer.draining
            self.code = grpc.StatusCode.OK
        except grpc.RpcError as error:
            self.code = error.code()

    def send(self) -> None:
        width, height = self._size
        n = next(self._count)
        point = self._api.OperatingPoint(fps=self._told)
        self._queue.put(self._api.CompressRequest(frame=bytes([90 + n % 8]) * (width * height * 3 // 2), codec=self._api.CODEC_I420,
                                                  width=width, height=height, rtp_timestamp=3000 * n, point=point))

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join(60)
        self._channel.close()


def measured(threads: int = 1, fps: int = 15) -> Costs:
    """What a stream is promised by an AI Core with all its models on this machine, and how long one takes to start."""
    begin = time.monotonic()
    core = AICore("--threads", str(threads))
    start_s = time.monotonic() - begin
    stream = Stream(core, fps)
    try:
        until = time.monotonic() + 120
        while not stream.answers and time.monotonic() < until:
            time.sleep(0.02)
        load = core.metrics()["auralink_aicore_load_ratio"]
    finally:
        stream.close()
        core.stop()
    return Costs(share=load * threads, start_s=start_s, threads=threads)


def a_fifth(core: AICore) -> tuple[int, int, int]:
    """(frames a second, width, height) of a stream that is promised about a fifth of one thread, whatever processor this is."""
    for width, height in ((320, 180), (640, 360), (1280, 720)):
        stream = Stream(core, 120, width, height)
        while not stream.answers:
            assert stream.code is None, f"AI Core refused the only stream: {stream.code}"
            time.sleep(0.01)
        load = core.metrics()["auralink_aicore_load_ratio"]
        stream.close()
        while core.metrics()["auralink_aicore_streams"]:
            time.sleep(0.02)
        if load >= 0.2:
            break
    return max(1, round(120 * 0.2 / load)), width, height


def fleet(hpa: Hpa, wanted: list[int], seconds_each: float, say) -> dict:
    """Goes through `wanted` tracks, one number each `seconds_each`, which stand for the autoscaler's 15 s; each AI Core is a process of one
    thread. Streams go to the next one and, refused or sent away, to another at the next step."""
    cores: list[AICore] = [AICore("--threads", "1", "--drain", "2", *LITTLE)]
    streams: list[tuple[AICore, Stream]] = []
    turn, figures, homeless = itertools.count(), [], 0
    counts = {"opened": 0, "refused": 0, "sent_away": 0, "native_steps": 0, "track_steps": 0}
    kind = a_fifth(cores[0])
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: [c.stop() for c in cores])
        for step, number in enumerate(wanted):
            until = time.monotonic() + seconds_each
            while len(streams) + homeless > number and streams:
                streams.pop()[1].close()
            homeless = number - len(streams)
            for _ in range(homeless):
                for _try in range(2):  # the one it has, then one more, as after the first back-off
                    core = cores[next(turn) % len(cores)]
                    stream = Stream(core, *kind)
                    counts["opened"] += 1
                    while stream.code is None and not stream.answers:
                        time.sleep(0.01)
                    if stream.code is None:
                        streams.append((core, stream))
                        break
                    counts["refused"] += 1
            homeless = number - len(streams)
            loads = [c.metrics()["auralink_aicore_load_ratio"] for c in cores]
            assert all(load <= FILL + 1e-6 or round(c.metrics()["auralink_aicore_streams"]) == 1 for c, load in zip(cores, loads))
            counts["native_steps"] += homeless
            counts["track_steps"] += number
            wish = hpa.step(step * 15.0, len(cores), loads)
            figures.append({"tracks": number, "homeless": homeless, "pods": len(cores), "loads": [round(x, 3) for x in loads], "wish": wish})
            say(json.dumps(figures[-1]))
            while len(cores) < wish:
                cores.append(AICore("--threads", "1", "--drain", "2", *LITTLE))
            while len(cores) > wish:
                gone = cores.pop()
                gone.terminate()
                for core, stream in [pair for pair in streams if pair[0] is gone]:
                    counts["sent_away"] += 1
                    streams.remove((core, stream))
                    stream.send()
                    stream.close()
                gone.stop()
            time.sleep(max(0.0, until - time.monotonic()))
        for _, stream in streams:
            stream.close()
    return {"steps": figures, **counts}


def processor() -> str:
    with open("/proc/cpuinfo") as file:
        found = re.search(r"^model name\s*: (.+)$", file.read(), re.M)
    return found.group(1) if found else "unknown"
