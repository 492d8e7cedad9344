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


class Stream:
    """One CompressStream call, or another of that kind: the next frame goes out when the one before is answered."""

    def __init__(self, api, clip: Clip, codec: str, point, method: str = "CompressStream"):
        self._requests: queue.SimpleQueue = queue.SimpleQueue()
        self._answers = getattr(api, method)(iter(self._requests.get, None))
        self._api, self._clip, self._codec, self._point = api, clip, getattr(api, CODECS[codec]), point

    def ask(self, frame: bytes, number: int, key_frame: bool = False) -> Answer:
        sent = time.perf_counter()
        self._requests.put(self._api.CompressRequest(
            frame=frame, codec=self._codec, width=self._clip.width, height=self._clip.height, key_frame=key_frame,
            rtp_timestamp=round(number * RTP_CLOCK / self._clip.fps), point=self._point))
        return Answer(next(self._answers), (time.perf_counter() - sent) * 1000)

    def close(self) -> None:
        self._requests.put(None)


def compress(core: AICore, clip: Clip, frames: Iterable[bytes], codec: str = "vp8", target: float = 0,
             max_kbps: int = 0, exact_kbps: int = 0, exact_quantizer: int = 0, warm: int = 0) -> list[Answer]:
    """
    One stream of frames, as fast as AI Core answers: the times are those of a service that has nothing else to do.
    With `warm` the first frames are sent twice over before, as in a call, where an encoder is shown only once it has
    settled: those answers are left out.
    """
    frames = list(frames)
    lead = frames[:warm]
    with core.channel() as channel:
        api = schema(channel)
        point = api.OperatingPoint(exact_kbps=exact_kbps, exact_quantizer=exact_quantizer, target_quality=target, max_kbps=max_kbps,
                                   fps=round(clip.fps))
        stream = Stream(api, clip, codec, point)
        answers = [stream.ask(frame, number, key_frame=number in (0, len(lead)))
                   for number, frame in enumerate(lead + frames)]
        stream.close()
    return answers[len(lead):]


def recommended(core: AICore, clip: Clip, frames: Iterable[bytes], target: float = 0) -> float:
    """The mean rate in kbps that Analyze recommends, once it has seen a second."""
    with core.channel() as channel:
        api = schema(channel)
        point = api.OperatingPoint(target_quality=target, fps=round(clip.fps))
        stream = Stream(api, clip, "raw", point, "Analyze")
        rates = [stream.ask(frame, number).message.recommended_kbps for number, frame in enumerate(frames)]
        stream.close()
    return statistics.fmean(rates[min(len(rates) - 1, round(clip.fps)):])


def save(path: Path, clip: Clip, answers: list[Answer]) -> None:
    write_ivf(path, "av1", clip, [(n, a.message.frame) for n, a in enumerate(answers) if a.message.frame])
