# SPDX-License-Identifier: Apache-2.0
"""Screens that the quantizer's model is trained on: others than those that results are judged by (bench/aic/screen.py).

Other fonts (Debian's DejaVu), other words, other layouts and other motion: a document that is written and paged, a dark
terminal whose lines come in bursts, a sheet whose cells change, a web page that is scrolled at several speeds, slides
with pictures.
"""

from __future__ import annotations

import math
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aic import media
from PIL import Image, ImageDraw, ImageFont

FPS = 30
PACKAGE = "fonts-dejavu-core"
FOLDER = "usr/share/fonts/truetype/dejavu"
VOWELS, CONSONANTS = "aeiou", "bcdfglmnprstv"


@dataclass(frozen=True)
class Recipe:
    name: str
    kind: str
    seed: int
    width: int = 1280
    height: int = 720
    natives: tuple[float, ...] = (1.0,)  # of the rate that a client would use; raw comes besides


RECIPES = [
    Recipe("document-1", "document", 21),
    Recipe("web-1", "web", 22),
    Recipe("terminal-1", "terminal", 23),
    Recipe("sheet-1", "sheet", 24),
    Recipe("talk-1", "talk", 25),
]


def fetch(folder: Path) -> Path:
    """The folder of fonts."""
    folder.mkdir(parents=True, exist_ok=True)
    unpacked = folder / PACKAGE
    if not unpacked.exists():
        subprocess.run(["apt-get", "download", "-q", PACKAGE], cwd=folder, check=True, capture_output=True)
        archive = next(folder.glob(f"{PACKAGE}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", archive, unpacked], check=True)
        archive.unlink()
    return unpacked / FOLDER


def _word(rng: random.Random) -> str:
    return "".join(rng.choice(CONSONANTS) + rng.choice(VOWELS) for _ in range(rng.randrange(1, 5)))


def _line(rng: random.Random, words: int) -> str:
    return " ".join(_word(rng) for _ in range(words))


def _font(fonts: Path, name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(fonts / f"{name}.ttf"), size)


def _prose(r: Recipe, fonts: Path, pages: int, paper: tuple, ink: tuple) -> Image.Image:
    rng = random.Random(r.seed)
    sheet = Image.new("RGB", (r.width, r.height * pages), paper)
    draw, text, head = ImageDraw.Draw(sheet), _font(fonts, "DejaVuSerif", 15), _font(fonts, "DejaVuSans-Bold", 24)
    y = 30
    while y < sheet.height - 40:
        if rng.random() < 0.08:
            draw.text((90, y + 6), _line(rng, 4), fill=ink, font=head)
            y += 44
            continue
        draw.text((90, y), _line(rng, rng.randrange(6, 14)), fill=ink, font=text)
        y += 22 if rng.random() < 0.85 else 38
    return sheet


def _document(r: Recipe, fonts: Path) -> Callable[[int], Image.Image]:
    long = _prose(r, fonts, 4, (255, 255, 255), (35, 35, 40))
    written, font = _line(random.Random(r.seed + 1), 60), _font(fonts, "DejaVuSerif", 15)

    def at(n: int) -> Image.Image:
        page = long.crop((0, n // 40 * r.height % (3 * r.height), r.width, n // 40 * r.height % (3 * r.height) + r.height))
        draw = ImageDraw.Draw(page)
        draw.rectangle((80, 200, r.width - 80, 222), fill=(255, 255, 255))
        draw.text((90, 202), written[: n * 2 % 120], fill=(35, 35, 40), font=font)
        return page

    return at


def _web(r: Recipe, fonts: Path) -> Callable[[int], Image.Image]:
    long, rng = _prose(r, fonts, 6, (246, 247, 249), (20, 40, 80)), random.Random(r.seed + 2)
    speeds = [rng.choice((0, 4, 11, 18, 30, -14)) for _ in range(40)]

    def at(n: int) -> Image.Image:
        top = sum(speeds[i // 20] for i in range(n)) % (long.height - r.height)
        page = long.crop((0, top, r.width, top + r.height))
        ImageDraw.Draw(page).rectangle((0, 0, r.width, 46), fill=(30, 60, 120))  # does not scroll
        return page

    return at


def _terminal(r: Recipe, fonts: Path) -> Callable[[int], Image.Image]:
    rng, font = random.Random(r.seed), _font(fonts, "DejaVuSansMono", 14)
    lines = [_line(rng, rng.randrange(1, 12)) for _ in range(900)]
    inks = [rng.choice(((200, 200, 200), (120, 220, 120), (220, 180, 90), (110, 170, 240))) for _ in lines]
    shown, count = [], 40
    for n in range(600):
        count += rng.choice((0, 0, 0, 1)) + (rng.randrange(3, 12) if n % 33 == 20 else 0)
        shown.append(min(count, len(lines)))

    def at(n: int) -> Image.Image:
        page = Image.new("RGB", (r.width, r.height), (18, 18, 22))
        draw, rows = ImageDraw.Draw(page), r.height // 18
        for i in range(rows):
            k = shown[n] - rows + i
            if k >= 0:
                draw.text((8, i * 18), lines[k], fill=inks[k], font=font)
        return page

    return at


def _sheet(r: Recipe, fonts: Path) -> Callable[[int], Image.Image]:
    font = _font(fonts, "DejaVuSans", 13)

    def at(n: int) -> Image.Image:
        rng = random.Random(r.seed + n // 70)  # another sheet now and then
        page = Image.new("RGB", (r.width, r.height), (255, 255, 255))
        draw = ImageDraw.Draw(page)
        for row in range(r.height // 24):
            for column in range(r.width // 96):
                x, y, value = column * 96, row * 24, rng.randrange(100000)
                fresh = (row * 7 + column * 3) % 50 == n // 6 % 50
                draw.rectangle((x, y, x + 96, y + 24), outline=(205, 205, 210), fill=(255, 245, 200) if fresh else None)
                draw.text((x + 8, y + 4), f"{(value + (n if fresh else 0)) / 100:.2f}", fill=(30, 30, 30), font=font)
        return page

    return at


def _talk(r: Recipe, fonts: Path) -> Callable[[int], Image.Image]:
    def at(n: int) -> Image.Image:
        rng = random.Random(r.seed + n // 45)
        page = Image.new("RGB", (r.width, r.height), rng.choice(((252, 252, 250), (20, 34, 60), (245, 236, 220))))
        draw = ImageDraw.Draw(page)
        ink = (25, 25, 30) if page.getpixel((0, 0))[0] > 100 else (240, 240, 235)
        draw.text((60, 40), _line(rng, 4), fill=ink, font=_font(fonts, "DejaVuSans-Bold", 40))
        for i in range(6):
            draw.text((80, 130 + i * 44), "– " + _line(rng, 5), fill=ink, font=_font(fonts, "DejaVuSans", 22))
        a, b = rng.uniform(0.01, 0.05), rng.uniform(0.01, 0.05)
        photo = Image.new("RGB", (300, 200))  # something soft
        photo.putdata([(round(128 + 90 * math.sin(a * x + b * y)), round(120 + 80 * math.cos(b * x)),
                        round(110 + 70 * math.sin(a * y))) for y in range(200) for x in range(300)])
        page.paste(photo, (r.width - 360, r.height - 260))
        return page

    return at


KINDS = {"document": _document, "web": _web, "terminal": _terminal, "sheet": _sheet, "talk": _talk}


def make(recipe: Recipe, fonts: Path, out: Path, seconds: float) -> media.Clip:
    """With a pointer that moves half of the time."""
    draw_at, raw = KINDS[recipe.kind](recipe, fonts), out.with_suffix(".rgb")
    with open(raw, "wb") as file:
        for n in range(round(seconds * FPS)):
            page, m = draw_at(n), min(n % 50, 25) + n // 50 * 25
            x, y = 300 + m * 9 % (recipe.width - 400), 240 + m * 5 % (recipe.height - 300)
            ImageDraw.Draw(page).polygon([(x, y), (x, y + 16), (x + 4, y + 12), (x + 11, y + 11)], fill=(0, 0, 0),
                                         outline=(255, 255, 255))
            file.write(page.tobytes())
    media.run("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{recipe.width}x{recipe.height}", "-r", FPS, "-i", raw, "-vf",
              "scale=out_color_matrix=bt709:out_range=limited,format=yuv420p", "-strict", "-1", "-f", "yuv4mpegpipe", out)
    raw.unlink()
    return media.open_y4m(out, recipe.name, "screen")
