# SPDX-License-Identifier: Apache-2.0
"""What one more stream takes of AI Core's memory: its resident size before and after 720p streams that stay open."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import grpc

from . import core, media

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "interop"))
from lib.aicore import AICore, schema  # noqa: E402

STREAMS, FRAMES = 5, 40


def resident_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def measure(clip: media.Clip, frames: list[bytes]) -> dict:
    """Streams are opened one after the other, and fall silent after some frames."""
    service = AICore("--threads", str(STREAMS + 1))  # so that there is room for them
    try:
        with service.channel() as channel:
            api = schema(channel)
            sizes, open_streams = [resident_kib(service.process.pid)], []
            try:
                for _ in range(STREAMS):
                    open_streams.append(core.Stream(api, clip, "vp8", api.OperatingPoint(fps=round(clip.fps))))
                    for number, frame in enumerate(frames[:FRAMES]):
                        open_streams[-1].ask(frame, number, key_frame=number == 0)
                    time.sleep(0.2)  # what is done after the last answer
                    sizes.append(resident_kib(service.process.pid))
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED or len(sizes) < 3:
                    raise  # a busy machine lets in fewer, but two it must be
            for stream in open_streams:
                stream.close()
    finally:
        service.stop()
    steps = [b - a for a, b in zip(sizes, sizes[1:])]
    return {"measure": "memory", "size": f"{clip.width}x{clip.height}", "streams": len(steps),
            "process_mib": round(sizes[0] / 1024, 1), "first_stream_mib": round(steps[0] / 1024, 1),
            "stream_mib": round(statistics.median(steps[1:]) / 1024, 1)}


def text(found: dict) -> str:
    return (f"memory: AI Core {found['process_mib']} MiB without streams; the first {found['size']} stream "
            f"+{found['first_stream_mib']}, each other one +{found['stream_mib']} MiB (median of {found['streams'] - 1})")
