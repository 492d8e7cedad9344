# SPDX-License-Identifier: Apache-2.0
"""Measures the training clips: dataset.py [--screens] [--out FILE] [--build DIR] [--work DIR]

Each clip is coded natively (VP8, at the rate a LiveKit client would use for its size, and away from it) or taken
raw, and goes through AI Core at six fixed rates. One line of JSON for each second: what AI Core saw and did, and
VMAF and VMAF-NEG of the result against what came in and against the source. What is in FILE already is kept.

With --screens it is the clips of screens.py, and AI Core is held at four quantizers instead of rates.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from aic import core, media  # noqa: E402
from governor import clips, screens  # noqa: E402

SECONDS = 3
LADDER = [0.014, 0.024, 0.042, 0.075, 0.13]  # bits per pixel
NATIVE_720P_KBPS = 1700
QUANTIZERS = [32, 42, 47, 53]  # as src/codec/encoder.h counts them
SCREEN_720P_KBPS = 2500
LEFT = ["fine", "coarse", "edges"]
SEEN = ["motion", "residual", "texture", "noise", "flat"]


def native_kbps(clip: media.Clip, shared: bool) -> float:
    """LiveKit's presets: 1.7 Mbps at 720p, 450 kbps at 360p; 2.5 Mbps for a screen."""
    return (SCREEN_720P_KBPS if shared else NATIVE_720P_KBPS) * (clip.width * clip.height / (1280 * 720)) ** 0.96


def seconds_of(clip: media.Clip, answers: list[core.Answer], scores: dict[str, dict[str, list[float]]]):
    size = round(clip.fps)
    for start in range(0, len(answers) - size + 1, size):
        part = answers[start : start + size]
        coded = [a.message for a in part if a.message.frame]
        row = {name: statistics.fmean(getattr(a.message.statistics, name) for a in part) for name in SEEN}
        row["bits"] = sum(len(m.frame) for m in coded) * 8 / size / (clip.width * clip.height)
        for name in LEFT:
            row[name] = statistics.fmean(getattr(m.coding, name) for m in coded if m.coding.fine)
        row["quantizer"] = statistics.fmean(m.coding.quantizer for m in coded)
        row["second"] = start // size
        for against, found in scores.items():
            row |= {f"{name}_{against}": statistics.fmean(found[name][start : start + size]) for name in found}
        yield row


def measure(clip: media.Clip, service: core.AICore, folder: Path, native: float, done: set, write,
            quantizers: bool = False) -> None:
    """native: times the usual rate; 0 = raw."""
    todo = [b for b in (QUANTIZERS if quantizers else LADDER) if (clip.name, native, b) not in done]
    if not todo:
        return
    base, frames, native_bits = {}, None, 0.0
    if native:
        frames = media.encode_vp8(clip, native * native_kbps(clip, quantizers), folder)
        native_bits = sum(map(len, frames)) * 8 / len(frames) / (clip.width * clip.height)
        media.write_ivf(folder / "n.ivf", "vp8", clip, list(enumerate(frames)))
        base = {"native": media.compare(clip.path, folder / "n.ivf", clip)}
    for bits in todo:
        wanted = {"exact_quantizer": bits} if quantizers else {
            "exact_kbps": max(24, round(bits * clip.width * clip.height * clip.fps / 1000))}
        source = frames if native else core.raw_frames(clip)
        answers = core.compress(service, clip, source, "vp8" if native else "raw", **wanted)
        core.save(folder / "o.ivf", clip, answers)
        scores = {"source": media.compare(clip.path, folder / "o.ivf", clip)} | base
        for row in seconds_of(clip, answers, scores):
            row["native_bits"] = native_bits
            write({"clip": clip.name, "content": clip.content, "native": native, "asked": bits, "width": clip.width,
                   "height": clip.height, "fps": clip.fps} | row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(".cache/governor/dataset.jsonl"))
    parser.add_argument("--screens", action="store_true", help="what the quantizer's model is trained on")
    parser.add_argument("--build", default="build", help="folder with auralink-aicore")
    parser.add_argument("--work", type=Path, default=Path(".cache/governor"), help="for clips and pictures")
    parser.add_argument("--part", default="0/1", help="I/N: every Nth clip from the Ith on, to use several processors")
    options = parser.parse_args()
    first, step = map(int, options.part.split("/"))
    os.environ["AURA_BUILD"] = options.build
    options.work.mkdir(parents=True, exist_ok=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.loads(line) for line in open(options.out)] if options.out.exists() else []
    done = {(r["clip"], r["native"], r["asked"]) for r in lines}
    kind = screens if options.screens else clips
    sources = kind.fetch(options.work / "sources")
    # The models are those that are to be trained.
    service = core.AICore("--without", "governor,faces,person,quantizer")
    try:
        with open(options.out, "a", buffering=1) as file:
            for number, recipe in list(enumerate(kind.RECIPES))[first::step]:
                clip = kind.make(recipe, sources, options.work / "clip.y4m", SECONDS)
                for native in [*recipe.natives, 0]:
                    measure(clip, service, options.work, native, done, lambda r: file.write(json.dumps(r) + "\n"),
                            options.screens)
                print(f"{number + 1}/{len(kind.RECIPES)} {clip.name}: {clip.width}x{clip.height}, {clip.fps:.0f} fps",
                      flush=True)
    finally:
        service.stop()


if __name__ == "__main__":
    main()
