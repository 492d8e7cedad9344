# SPDX-License-Identifier: Apache-2.0
"""Coded frames through a running AI Core, one at a time as in a call."""

from __future__ import annotations

import queue
import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .media import Clip, write_ivf

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "interop"))
from lib.aicore import AICore, schema  # noqa: E402

CODECS = {"vp8": "CODEC_VP8", "vp9": "CODEC_VP9", "h264": "CODEC_H264", "av1": "CODEC_AV1", "raw": "CODEC_I420"}
RTP_CLOCK = 90000



def raw_frames(clip: Clip):
    """The pictures of a y4m file, planes one after the other."""
    size = clip.width * clip.height * 3 // 2
    with open(clip.path, "rb") as file:
        file.readline()
        while file.readline():
            picture = file.read(size)
            if len(picture) == size:
                yield picture


@dataclass
class Answer:
    """What AI Core said of one frame, and how long the caller waited for it."""

    message: object
    wait_ms: float

    @property
    def steps(self) -> dict[str, float]:
        return {step.step: step.us / 1000 for step in self.message.steps}


def _paced(call, requests: Iterable) -> Iterable[tuple[object, float]]:
    """Answers and the milliseconds until each; the next request goes out when the one before is answered."""
    waiting: queue.SimpleQueue = queue.SimpleQueue()
    stream = call(iter(waiting.get, None))
    for request in requests:
        sent = time.perf_counter()
        waiting.put(request)
        yield next(stream), (time.perf_counter() - sent) * 1000
    waiting.put(None)


def _requests(api, clip: Clip, frames: Iterable[bytes], codec: str, point, key_frames: tuple[int, ...] = (0,)):
    for number, frame in enumerate(frames):
        yield api.CompressRequest(frame=frame, codec=getattr(api, CODECS[codec]), width=clip.width,
                                  height=clip.height, rtp_timestamp=round(number * RTP_CLOCK / clip.fps),
                                  key_frame=number in key_frames, point=point)


def compress(core: AICore, clip: Clip, frames: Iterable[bytes], codec: str = "vp8", target: float = 0,
             max_kbps: int = 0, exact_kbps: int = 0, warm: int = 0) -> list[Answer]:
    """
    One stream of frames, as fast as AI Core answers: the times are those of a service that has nothing else to do.
    With `warm` the first frames are sent twice over before, as in a call, where an encoder is shown only once it has
    settled: those answers are left out.
    """
    frames = list(frames)
    lead = frames[:warm]
    with core.channel() as channel:
        api = schema(channel)
        point = api.OperatingPoint(exact_kbps=exact_kbps, target_quality=target, max_kbps=max_kbps,
                                   fps=round(clip.fps))
        requests = _requests(api, clip, lead + frames, codec, point, (0, len(lead)))
        answers = [Answer(message, wait) for message, wait in _paced(api.CompressStream, requests)]
    return answers[len(lead):]


def recommended(core: AICore, clip: Clip, frames: Iterable[bytes], target: float = 0) -> float:
    """The mean rate in kbps that Analyze recommends, once it has seen a second."""
    with core.channel() as channel:
        api = schema(channel)
        point = api.OperatingPoint(target_quality=target, fps=round(clip.fps))
        requests = _requests(api, clip, frames, "raw", point)
        rates = [message.recommended_kbps for message, _ in _paced(api.Analyze, requests)]
    return statistics.fmean(rates[min(len(rates) - 1, round(clip.fps)):])


def save(path: Path, clip: Clip, answers: list[Answer]) -> None:
    write_ivf(path, "av1", clip, [(n, a.message.frame) for n, a in enumerate(answers) if a.message.frame])
