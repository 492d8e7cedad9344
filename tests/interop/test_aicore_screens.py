# SPDX-License-Identifier: Apache-2.0
"""Screens through AI Core, from VP8 that is not ours: pages of text that stand still, scroll and change."""

from __future__ import annotations

import queue
import random
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from lib.aicore import AICore, schema

WIDTH, HEIGHT, FPS = 640, 360, 30
STILL, SCROLLED, CHANGED = 60, 90, 120  # frames: a page until here, then it scrolls, then another one
STEP = 23  # lines of a picture that it scrolls by


def page(seed: int, height: int) -> np.ndarray:
    rng = random.Random(seed)
    sheet = Image.new("L", (WIDTH, height), 240)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for y in range(6, height - 20, 21):
        text = " ".join("".join(rng.choices("abdefghiklmnoprstuvw", k=rng.randrange(2, 9))) for _ in range(rng.randrange(6, 12)))
        draw.text((12, y), text, fill=25, font=font)
    return np.asarray(sheet)


def pictures() -> list[np.ndarray]:
    long, other = page(1, HEIGHT + STEP * (SCROLLED - STILL)), page(2, HEIGHT)
    tops = [max(0, n - STILL) * STEP for n in range(SCROLLED)]
    return [long[top : top + HEIGHT] for top in tops] + [other] * (CHANGED - SCROLLED)


def vp8(shown: list[np.ndarray], kbps: int = 500) -> list[bytes]:
    context = av.CodecContext.create("libvpx", "w")
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.time_base, context.framerate, context.bit_rate = Fraction(1, FPS), FPS, kbps * 1000
    context.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    out = []
    for n, luma in enumerate(shown):
        whole = np.concatenate([luma, np.full((HEIGHT // 2, WIDTH), 128, np.uint8)])
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(whole), "yuv420p")
        frame.pts = n
        out += [bytes(p) for p in context.encode(frame)]
    return out


@pytest.fixture(scope="module")
def through():
    frames = vp8(pictures())
    assert len(frames) == CHANGED

    def ask(*arguments: str, **point):
        core = AICore("--without", ",".join(["faces", "person", *arguments]))
        try:
            with core.channel() as channel:
                api = schema(channel)
                requests: queue.SimpleQueue = queue.SimpleQueue()
                answers, found = api.CompressStream(iter(requests.get, None)), []
                wanted = api.OperatingPoint(fps=FPS, **point)
                for n, frame in enumerate(frames):  # one at a time, as in a call
                    requests.put(api.CompressRequest(frame=frame, codec=api.CODEC_VP8, rtp_timestamp=3000 * n, point=wanted))
                    found.append(next(answers))
                requests.put(None)
                return api, found
        finally:
            assert core.stop() == 0

    return ask


def weight(answers, start: int, end: int) -> int:
    return sum(len(a.frame) for a in answers[start:end])


def test_a_screen_is_drawn_at_a_quantizer(through, record):
    """Another page is drawn as well as the one before, at once, and what stands still costs next to nothing."""
    api, answers = through()
    last = answers[-1]
    assert last.content == api.CONTENT_SCREEN and last.model == "quantizer-1" and last.quality > 80
    before, after = (answers[n].coding.quantizer for n in (SCROLLED - 1, SCROLLED))
    still, new = weight(answers, 40, STILL), weight(answers, SCROLLED, SCROLLED + 1)
    record(before=before, after=after, still_bytes=still, page_bytes=new)
    assert abs(after - before) <= 6 * 4  # a step of the governor's, if that comes just there
    assert still < new / 2
    api, held = through("quantizer")
    jump = held[SCROLLED].coding.quantizer
    record(after_at_a_rate=jump)
    assert held[-1].model == "governor-1" and jump > after


def test_an_exact_quantizer_is_kept(through, record):
    """With and without the conditioning, through scrolling and another page; what both weigh is told."""
    _, steady = through(exact_quantizer=34)
    _, noisy = through("steady", exact_quantizer=34)
    record(scroll_bytes=weight(steady, STILL, SCROLLED), without_steady=weight(noisy, STILL, SCROLLED))
    assert all(a.coding.quantizer == 34 * 4 for a in steady + noisy)


def test_a_rate_is_kept_where_somebody_has_a_limit(through):
    _, answers = through(max_kbps=150)
    assert answers[-1].model == "governor-1"
    _, answers = through(exact_kbps=300)
    assert answers[-1].model == "governor-1"
    assert {a.coding.kbps for a in answers} == {300}
