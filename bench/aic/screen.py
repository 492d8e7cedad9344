# SPDX-License-Identifier: Apache-2.0
"""A screen that somebody shares: text that scrolls, a cursor, a line that is typed, slides that change."""

from __future__ import annotations

import random
from pathlib import Path

from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from . import media

WORDS = ("packet frame layer bitrate jitter buffer codec screen text server client room track key delta probe loss "
         "delay picture encoder model graph value return static const struct if else for while int").split()
INKS = [(30, 30, 30), (0, 90, 160), (150, 40, 40), (20, 120, 60), (110, 60, 140)]


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font_manager.findfont("DejaVu Sans Mono"), size)


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
            x += 11 * (len(word) + 1)
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


def make(out: Path, seconds: float = 10, width: int = 1280, height: int = 720, fps: int = 30) -> media.Clip:
    """Four parts of equal length: typing, scrolling, slides, typing with the pointer moving."""
    frames = round(seconds * fps)
    long = _page(width, height * 3, 7)
    font = _font(17)
    raw = out.with_suffix(".rgb")
    with open(raw, "wb") as file:
        for n in range(frames):
            part, within = divmod(n * 4, frames)
            within /= frames
            if part == 1:
                top = round(within * height * 1.6)
                picture = long.crop((0, top, width, top + height))
            elif part == 2:
                picture = _slide(width, height, int(within * 3))
            else:
                picture = long.crop((0, part * 40, width, part * 40 + height))
                draw = ImageDraw.Draw(picture)
                draw.rectangle((60, 330, width - 60, 356), fill=(255, 252, 220))
                draw.text((66, 333), " ".join(WORDS)[: int(within * 90)] + "|", fill=(10, 10, 10), font=font)
            x, y = 200 + (n * 7) % (width - 300), 200 + (n * 3) % (height - 300)
            ImageDraw.Draw(picture).polygon([(x, y), (x, y + 18), (x + 5, y + 14), (x + 12, y + 13)], fill=(0, 0, 0))
            file.write(picture.tobytes())
    media.run("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", fps, "-i", raw, "-vf",
              "scale=out_color_matrix=bt709,format=yuv420p", "-strict", "-1", "-f", "yuv4mpegpipe", out)
    raw.unlink()
    return media.open_y4m(out, "screen", "screen")
