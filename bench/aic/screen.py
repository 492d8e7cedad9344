# SPDX-License-Identifier: Apache-2.0
"""A screen that somebody shares: text that scrolls, a pointer, a line that is typed, slides that change."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from . import media

# "screen": typing, scrolling, slides, typing, for a quarter of the time each; the others do one thing only.
KINDS = ("screen", "screen-scroll", "screen-slides")
SLIDE_SECONDS = 1.0
WORDS = ("packet frame layer bitrate jitter buffer codec screen text server client room track key delta probe loss "
         "delay picture encoder model graph value return static const struct if else for while int").split()
INKS = [(30, 30, 30), (0, 90, 160), (150, 40, 40), (20, 120, 60), (110, 60, 140)]


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)  # Pillow's own: the same everywhere


def _page(width: int, height: int, seed: int) -> Image.Image:
    rng = random.Random(seed)
    page = Image.new("RGB", (width, height), (250, 250, 248))
    draw, font = ImageDraw.Draw(page), _font(17)
    for y in range(8, height - 20, 23):
        x = 60 + 34 * rng.randrange(4)
        draw.text((10, y), f"{y // 23 + 1:4d}", fill=(150, 150, 150), font=font)
        for _ in range(rng.randrange(2, 12)):
            word = rng.choice(WORDS)
            draw.text((x, y), word, fill=rng.choice(INKS), font=font)
            x += round(font.getlength(word + " ")) + 4
    return page


def _slide(width: int, height: int, number: int) -> Image.Image:
    rng = random.Random(1000 + number)
    slide = Image.new("RGB", (width, height), rng.choice([(255, 255, 255), (24, 30, 46), (238, 244, 250)]))
    draw = ImageDraw.Draw(slide)
    ink = (20, 24, 30) if slide.getpixel((0, 0))[0] > 100 else (236, 240, 246)
    draw.text((70, 50), " ".join(rng.sample(WORDS, 4)), fill=ink, font=_font(44))
    for i in range(5):
        draw.text((100, 150 + 48 * i), "• " + " ".join(rng.sample(WORDS, 6)), fill=ink, font=_font(24))
    left, bottom = width - 440, height - 80
    for i in range(8):
        tall = rng.randrange(40, 300)
        draw.rectangle((left + 46 * i, bottom - tall, left + 46 * i + 34, bottom), fill=rng.choice(INKS))
    return slide


def _typing(long: Image.Image, top: int, within: float, width: int, height: int) -> Image.Image:
    picture = long.crop((0, top, width, top + height))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((60, 330, width - 60, 356), fill=(255, 252, 220))
    draw.text((66, 333), " ".join(WORDS)[: int(within * 90)] + "|", fill=(10, 10, 10), font=_font(17))
    return picture


def _scrolled(long: Image.Image, pixels: float, width: int, height: int) -> Image.Image:
    top = round(pixels) % (long.height - height)
    return long.crop((0, top, width, top + height))


def _picture(kind: str, n: int, frames: int, fps: int, long: Image.Image, width: int, height: int) -> Image.Image:
    second = n / fps
    if kind == "screen-scroll":  # up and down, with rests: as somebody reads
        return _scrolled(long, 400 * second if int(second) % 3 else 400 * int(second), width, height)
    if kind == "screen-slides":
        return _slide(width, height, int(second / SLIDE_SECONDS))
    part, within = divmod(n * 4, frames)
    within /= frames
    if part == 1:
        return _scrolled(long, within * height * 1.6, width, height)
    if part == 2:
        return _slide(width, height, int(within * 3))
    return _typing(long, part * 40, within, width, height)


def make(out: Path, kind: str = "screen", seconds: float = 10, width: int = 1280, height: int = 720,
         fps: int = 30) -> media.Clip:
    """One of KINDS, with a pointer that moves."""
    frames = round(seconds * fps)
    long = _page(width, height * 3, 7)
    raw = out.with_suffix(".rgb")
    with open(raw, "wb") as file:
        for n in range(frames):
            picture = _picture(kind, n, frames, fps, long, width, height)
            x, y = 200 + (n * 7) % (width - 300), 200 + (n * 3) % (height - 300)
            ImageDraw.Draw(picture).polygon([(x, y), (x, y + 18), (x + 5, y + 14), (x + 12, y + 13)], fill=(0, 0, 0))
            file.write(picture.tobytes())
    media.run("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", fps, "-i", raw, "-vf",
              "scale=out_color_matrix=bt709:out_range=limited,format=yuv420p", "-strict", "-1", "-f", "yuv4mpegpipe", out)
    raw.unlink()
    return media.open_y4m(out, kind, "screen")
