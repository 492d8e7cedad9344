# SPDX-License-Identifier: Apache-2.0
"""4K: 20 Mbps of H.264 compressed to 4, not in real time.

No clip of that size is at hand. The source is a mosaic of nine pictures of 1280 × 720, each from another place or
mirrored: as much detail per sample as a camera gives at 720 lines, more than most 4K cameras give; and nine motions
instead of one. That is harder than one 4K picture of the same scene.
"""

from __future__ import annotations

from pathlib import Path

from . import clips, core, media, tiers

NATIVE_KBPS, EXACT_KBPS = 20000, 4000
TILES = 9
MEASURES = {"vmaf": "version=vmaf_4k_v0.6.1", "vmaf_neg": "version=vmaf_v0.6.1neg"}


def source(files: list[Path], out: Path, seconds: float) -> media.Clip:
    """files: of any size; those with 720 lines and more are best."""
    inputs: list[str | Path] = []
    chains, names = [], []
    for i in range(TILES):
        inputs += ["-stream_loop", "-1", "-ss", f"{(i // len(files)) * 1.3:g}", "-i", files[i % len(files)]]
        flip = ",hflip" if i % 2 else ""
        chains.append(f"[{i}:v]scale=1280:720:force_original_aspect_ratio=increase,crop=1280:720{flip},fps=30,setsar=1[t{i}]")
        names.append(f"[t{i}]")
    layout = "|".join(f"{1280 * (i % 3)}_{720 * (i // 3)}" for i in range(TILES))
    media.run(*inputs, "-filter_complex", ";".join(chains) + ";" + "".join(names)
              + f"xstack=inputs={TILES}:layout={layout},scale=out_range=limited,format=yuv420p[o]",
              "-map", "[o]", "-t", seconds, "-strict", "-1", "-f", "yuv4mpegpipe", out)
    return media.open_y4m(out, "mosaic-2160p")


def measure(options, service: core.AICore, folder: Path) -> list[dict]:
    files = clips.in_folder(options.clips) if options.clips else clips.at_hand()
    large = [f for f in files if "720" in f.stem or "bunny" in f.stem] if not options.clips else files
    clip = source(large or files, folder / "uhd.y4m", options.seconds)
    frames = media.encode_h264(clip, NATIVE_KBPS, folder)
    path = folder / "native.mkv"
    media.run("-r", "30", "-i", folder / "native.h264", "-c", "copy", path)
    base = tiers.Native(frames, tiers.wire_kbps([len(f) for f in frames], clip),
                        tiers.Quality.of(media.compare(clip.path, path, clip, measures=MEASURES)), {})
    native = tiers.row(clip, "native", "H.264", base, base.kbps, base.quality)
    row = tiers.through_core(clip, base, service, folder, "server", "4 Mbps, not in real time", codec="h264",
                             measures=MEASURES, exact_kbps=EXACT_KBPS)
    return [native, row]
