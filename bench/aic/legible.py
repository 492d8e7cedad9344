# SPDX-License-Identifier: Apache-2.0
"""Whether text stays text: structural similarity where the source has letters, not of the empty page around them."""

from __future__ import annotations

import statistics
from itertools import islice
from pathlib import Path

import numpy as np

from . import media

BLOCK = 8
CONTRAST = 80  # of 255, between the darkest and the lightest sample of a block: ink on paper
EVERY = 5  # pictures
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # SSIM's own


def _blocks(picture: np.ndarray) -> np.ndarray:
    height, width = (side // BLOCK * BLOCK for side in picture.shape)
    cut = picture[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    return cut.transpose(0, 2, 1, 3).reshape(-1, BLOCK * BLOCK).astype(np.float32)


def of_pictures(source: np.ndarray, seen: np.ndarray) -> float | None:
    """Mean SSIM of the blocks with text, 1 = untouched; None where there is no text."""
    a, b = _blocks(source), _blocks(seen)
    text = a.max(1) - a.min(1) > CONTRAST
    if not text.any():
        return None
    a, b = a[text], b[text]
    mean_a, mean_b = a.mean(1), b.mean(1)
    both = (a * b).mean(1) - mean_a * mean_b
    likeness = ((2 * mean_a * mean_b + C1) * (2 * both + C2)) / (
        (mean_a**2 + mean_b**2 + C1) * (a.var(1) + b.var(1) + C2))
    return float(likeness.mean())


def of_clip(clip: media.Clip, coded: Path, filters: str = "") -> dict[str, float]:
    """{text_ssim, text_ssim_p5}; empty where no picture has text."""
    shape = (clip.height, clip.width)
    found = []
    pairs = zip(media.gray_frames(clip.path, clip), media.gray_frames(coded, clip, filters))
    for source, seen in islice(pairs, 0, None, EVERY):
        value = of_pictures(np.frombuffer(source, np.uint8).reshape(shape), np.frombuffer(seen, np.uint8).reshape(shape))
        if value is not None:
            found.append(value)
    if not found:
        return {}
    return {"text_ssim": round(statistics.fmean(found), 4), "text_ssim_p5": round(sorted(found)[len(found) // 20], 4)}
