# SPDX-License-Identifier: Apache-2.0
"""How long a frame waits for AI Core: 720p at 30 frames a second by the clock, AI Core on one core with one thread.

Twice: by a caller of its gRPC service, step by step; and in a call, where the server's own meter counts from a
frame's last packet in to its first packet out.
"""

from __future__ import annotations

import os
import queue
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from . import core, media, tiers

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "interop"))
from lib.aicore import AICore, schema  # noqa: E402
from lib.driver import eventually  # noqa: E402
from lib.media import program  # noqa: E402
from lib.server import Server  # noqa: E402

WARM_S = 5  # encoders, models and the governor have settled
# In this order before the answer; the others are done after it.
BEFORE, AFTER = ("decode", "condition", "encode"), ("analyse", "faces", "person", "learn")


def cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def pinned(*arguments: str) -> AICore:
    """AI Core alone on the first core; everything else of this measurement goes elsewhere, if there is a second one."""
    program = Path(os.environ.get("AURA_BUILD", "build")).resolve() / "auralink-aicore"
    if not shutil.which("taskset"):
        raise RuntimeError("taskset is missing (Debian's util-linux)")
    os.environ["AURA_AICORE_CMD"] = f"taskset -c {cores()[0]} {program}"
    try:
        service = AICore("--threads", "1", *arguments)
    finally:
        del os.environ["AURA_AICORE_CMD"]
    others = cores()[1:]
    if others:
        os.sched_setaffinity(0, others)  # children inherit it
    return service


def native(clip: media.Clip, folder: Path) -> list[bytes]:
    return media.encode_vp8(clip, tiers.native_kbps(clip), folder)


class Call:
    """Frames by the clock; answers are read on a thread of their own."""

    def __init__(self, api, clip: media.Clip, frames: list[bytes], exact_kbps: int = 0):
        self._requests: queue.SimpleQueue = queue.SimpleQueue()
        self._answers = api.CompressStream(iter(self._requests.get, None))
        self._api, self._clip, self._frames = api, clip, frames
        self._point = api.OperatingPoint(fps=round(clip.fps), exact_kbps=exact_kbps)
        self._sent: dict[int, float] = {}
        self.answers: list[core.Answer] = []
        self._reader = threading.Thread(target=self._read, daemon=True)

    def _read(self) -> None:
        for message in self._answers:
            wait = time.perf_counter() - self._sent[message.rtp_timestamp]
            self.answers.append(core.Answer(message, wait * 1000))

    def play(self, seconds: float) -> None:
        self._reader.start()
        begun, step = time.perf_counter(), round(core.RTP_CLOCK / self._clip.fps)
        for number in range(round(seconds * self._clip.fps)):
            time.sleep(max(0, begun + number / self._clip.fps - time.perf_counter()))
            at = number % len(self._frames)
            self._sent[number * step] = time.perf_counter()
            self._requests.put(self._api.CompressRequest(
                frame=self._frames[at], codec=self._api.CODEC_VP8, width=self._clip.width, height=self._clip.height,
                rtp_timestamp=number * step, key_frame=number == 0, point=self._point))
        self._requests.put(None)
        self._reader.join(60)
        if self._reader.is_alive():
            raise RuntimeError("answers are still outstanding after a minute")


def by_grpc(service: AICore, clip: media.Clip, frames: list[bytes], seconds: float) -> dict:
    before = tiers._cpu_seconds(service.process.pid)
    with service.channel() as channel:
        call = Call(schema(channel), clip, frames)
        call.play(WARM_S + seconds)
    cpu = tiers._cpu_seconds(service.process.pid) - before
    kept = call.answers[round(WARM_S * clip.fps):]
    names = [step.step for step in kept[0].message.steps]
    total = [a.message.total_us / 1000 for a in kept]
    return {
        "measure": "grpc", "clip": clip.name, "size": f"{clip.width}x{clip.height}", "fps": clip.fps,
        "frames": len(kept), "latency_ms": tiers._percentiles([a.wait_ms for a in kept]),
        "aicore_ms": tiers._percentiles(total),
        "transport_ms": tiers._percentiles([a.wait_ms - t for a, t in zip(kept, total)]),
        "steps_ms": {n: {"mean": round(statistics.fmean(a.steps[n] for a in kept), 2),
                         **tiers._percentiles([a.steps[n] for a in kept])} for n in names},
        "cpu_ms_per_frame": round(cpu * 1000 / len(call.answers), 2),
        "kbps": round(statistics.fmean(len(a.message.frame) for a in kept) * 8 * clip.fps / 1000),
    }


def _quantile(buckets: list[tuple[float, float]], share: float) -> float:
    """From counts up to each bound, evenly spread inside a bucket; milliseconds."""
    below, last = 0.0, 0.0
    for bound, count in buckets:
        if count >= share * buckets[-1][1]:
            within = (share * buckets[-1][1] - below) / max(1e-9, count - below)
            return 1000 * (last + (bound - last) * within) if bound != float("inf") else 1000 * last
        below, last = count, bound
    return 1000 * last


def _buckets(server: Server) -> dict[float, float]:
    head = 'auralink_aic_latency_seconds_bucket{le="'
    return {float(k[len(head):-2].replace("+Inf", "inf")): v for k, v in server.metrics().items() if k.startswith(head)}


def by_server(service: AICore, path: Path, seconds: float) -> dict:
    """`auralink load-test` publishes a clip that was coded before, and watches it; the server's meter says the rest."""
    server = Server(config={"aic": {"enabled": True, "ai_core": {"address": service.address}}})
    load = None
    try:
        load = subprocess.Popen([*program(), "load-test", "--url", server.http_url, "--video", "--no-simulcast", "--clip",
                                 str(path), "--publishers", "1", "--subscribers", "1", "--duration", "600"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: sum(_buckets(server).values()), 30, 0.2, "AI Core answers in a call")
        time.sleep(WARM_S)
        first = _buckets(server)
        time.sleep(seconds)
        last = _buckets(server)
        metrics = server.metrics()
    finally:
        if load:
            load.kill()
            load.wait()
        server.stop()
    counts = sorted((bound, last[bound] - first.get(bound, 0)) for bound in last)
    if not counts or counts[-1][1] < seconds:
        raise RuntimeError("the server counted no answers of AI Core")
    late = sum(count for bound, count in counts if bound == 0.02)
    return {
        "measure": "server", "frames": round(counts[-1][1]),
        "latency_ms": {f"p{p}": round(_quantile(counts, p / 100), 2) for p in (50, 95, 99)},
        "on_time": round(late / counts[-1][1], 4),  # within 20 ms
        "fallbacks": {k: v for k, v in metrics.items() if k.startswith("auralink_aic_fallbacks_total") and v},
    }


def text(found: dict) -> str:
    def line(name: str, values: dict) -> str:
        return f"  {name:26}" + "".join(f"{k} {v:7.2f}  " for k, v in values.items()) + "ms"

    head = f"{found['measure']}: {found['frames']} frames"
    if found["measure"] == "server":
        return "\n".join([head + f", {100 * found['on_time']:.1f} % within 20 ms, fallbacks: {found['fallbacks'] or 'none'}",
                          line("last packet to answer", found["latency_ms"])])
    rows = [head + f" of {found['clip']} ({found['size']} at {found['fps']:g}), {found['kbps']} kbps, "
            f"{found['cpu_ms_per_frame']} ms of CPU a frame",
            line("frame sent to answer", found["latency_ms"]), line("of it in AI Core", found["aicore_ms"]),
            line("gRPC and the caller", found["transport_ms"])]
    steps = found["steps_ms"]
    rows += [line(f"{n}, before the answer", steps[n]) for n in BEFORE if n in steps]
    rows += [line(f"{n}, after it", steps[n]) for n in AFTER if n in steps]
    return "\n".join(rows)


def measure(clip: media.Clip, folder: Path, frames: list[bytes], seconds: float, extra: list[str]) -> list[dict]:
    affinity = os.sched_getaffinity(0)
    service = pinned(*extra)
    try:
        found = [by_grpc(service, clip, frames, seconds)]
        print(text(found[-1]), flush=True)
        coded = folder / "latency.ivf"
        media.write_ivf(coded, "vp8", clip, list(enumerate(frames)))
        found.append(by_server(service, coded, seconds))
        print(text(found[-1]), flush=True)
        return found
    finally:
        os.sched_setaffinity(0, affinity)
        service.stop()
