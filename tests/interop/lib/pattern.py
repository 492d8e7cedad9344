# SPDX-License-Identifier: Apache-2.0
"""The numbered test picture and the receivers' bookkeeping, as in clients/pattern.mjs."""

from __future__ import annotations

import asyncio
import time
from collections import deque

import numpy as np

BITS = 16
WHITE = 220
BLACK = 35


def draw_strip(luma: np.ndarray, counter: int) -> None:
    """Paints the counter's bits into the top quarter of a luma plane (h x w, uint8)."""
    height, width = luma.shape
    bits = (counter >> (BITS - 1 - (np.arange(width) * BITS) // width)) & 1
    row = np.where(bits == 1, WHITE, BLACK).astype(np.uint8)
    luma[: height // 8] = row
    luma[height // 8 : 2 * (height // 8)] = WHITE + BLACK - row


def read_counter(luma: np.ndarray) -> int:
    """The counter in a picture, or -1 if it can't be read."""
    height, width = luma.shape
    x = ((np.arange(BITS) + 0.5) * width / BITS).astype(int)
    a = luma[height // 16, x].astype(int)
    b = luma[height * 3 // 16, x].astype(int)
    if np.any(np.abs(a - b) < 60):
        return -1
    return int("".join("1" if on else "0" for on in a > b), 2)


class TestPicture:
    """I420 frames of a moving gradient under the strip."""

    __test__ = False

    def __init__(self, width: int, height: int):
        self.width, self.height = width, height
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        self._ramp = (x + y).astype(np.uint16)
        self._data = np.full(width * height * 3 // 2, 128, np.uint8)

    def frame(self, counter: int) -> bytearray:
        luma = self._data[: self.width * self.height].reshape(self.height, self.width)
        luma[:] = 60 + (((self._ramp + counter * 3) & 255) >> 1)
        draw_strip(luma, counter & 0xFFFF)
        return bytearray(self._data.tobytes())


class Lateness:
    """How late the timers of this process are: what a busy machine does to everything in it."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque(maxlen=15_000)  # (when, ms) of the last minutes
        self._due = time.monotonic()

    async def watch(self) -> None:
        while True:
            self._due = time.monotonic() + 0.02
            await asyncio.sleep(0.02)
            now = time.monotonic()
            self._late.append((now, (now - self._due) * 1000))

    def within(self, ms: float) -> float:
        """The worst of the last `ms` milliseconds."""
        now = time.monotonic()
        return max([0.0, (now - self._due) * 1000, *(late for at, late in self._late if at >= now - ms / 1000)])


class VideoWatch:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.frames = self.unreadable = self.backwards = 0
        self.sizes: dict[str, int] = {}
        self.counters: set[int] = set()
        self.first_ms = self.last_ms = self.max_gap_ms = 0.0
        self.last_counter = -1

    def arrived(self, now_ms: float, luma: np.ndarray) -> None:
        if self.frames:
            self.max_gap_ms = max(self.max_gap_ms, now_ms - self.last_ms)
        else:
            self.first_ms = now_ms
        self.last_ms = now_ms
        self.frames += 1
        size = f"{luma.shape[1]}x{luma.shape[0]}"
        self.sizes[size] = self.sizes.get(size, 0) + 1
        counter = read_counter(luma)
        if counter < 0:
            self.unreadable += 1
            return
        if 0 < self.last_counter - counter < 30000:
            self.backwards += 1
        self.last_counter = counter
        self.counters.add(counter)

    def summary(self, now_ms: float) -> dict:
        return {
            "kind": "video",
            "frames": self.frames,
            "distinct": len(self.counters),
            "unreadable": self.unreadable,
            "backwards": self.backwards,
            "lastCounter": self.last_counter,
            "sizes": self.sizes,
            "lastSize": list(self.sizes)[-1] if self.sizes else "",
            "firstMs": self.first_ms,
            "lastMs": self.last_ms,
            "sinceLastMs": now_ms - self.last_ms if self.frames else -1,
            "maxGapMs": self.max_gap_ms,
            "flashes": [],
        }


class AudioWatch:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.frames = 0
        self.seconds = self.loud_seconds = 0.0
        self.silent_run_ms = self.max_silent_ms = 0.0
        self.heard = False
        self._crossings: list[tuple[int, float]] = []
        self._last = 0

    def arrived(self, samples: np.ndarray, rate: int) -> None:
        self.frames += 1
        ms = len(samples) * 1000 / rate
        self.seconds += ms / 1000
        signs = np.concatenate(([self._last >= 0], samples >= 0))
        self._last = samples[-1]
        rms = float(np.sqrt(np.mean((samples / 32768.0) ** 2)))
        if rms > 0.02:
            self.heard = True
            self.loud_seconds += ms / 1000
            self.silent_run_ms = 0.0
            self._crossings.append((int(np.sum(signs[1:] != signs[:-1])), ms))
            self._crossings = self._crossings[-100:]
        elif self.heard:
            self.silent_run_ms += ms
            self.max_silent_ms = max(self.max_silent_ms, self.silent_run_ms)

    def summary(self) -> dict:
        # Pieces that the sender or the jitter buffer broke are no sine: only those near the median count.
        rates = np.array([c / ms for c, ms in self._crossings])
        median = float(np.median(rates)) if len(rates) else 0.0
        whole = rates[np.abs(rates - median) <= 0.2 * median] if median else rates
        tone = float(whole.mean()) * 500 if len(whole) else 0.0
        return {
            "kind": "audio",
            "frames": self.frames,
            "seconds": self.seconds,
            "loudSeconds": self.loud_seconds,
            "maxSilentMs": self.max_silent_ms,
            "toneHz": tone,
            "beeps": [],
        }
