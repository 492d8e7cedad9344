# SPDX-License-Identifier: Apache-2.0
"""The work that the servers are given."""

from __future__ import annotations

from dataclasses import dataclass

from rig.load import Load


@dataclass(frozen=True)
class Scenario:
    """A kind of room at falling sizes; the largest one that every server carries is compared.

    `sizes` are (publishers, subscribers), `media` says whose latency counts.
    """

    name: str
    title: str
    media: str
    sizes: tuple[tuple[int, int], ...]
    flags: tuple[str, ...]
    knee: bool = False  # its limit is searched for, by adding subscribers

    def load(self, size: tuple[int, int]) -> Load:
        return Load(size[0], size[1], self.flags)

    def label(self, size: tuple[int, int]) -> str:
        return self.title.format(publishers=size[0], subscribers=size[1])


SCENARIOS = (
    Scenario("audio", "audio, {publishers} → {subscribers}", "audio",
             ((10, 500), (10, 250), (10, 120), (10, 80), (10, 50), (10, 30), (10, 15)), ("--audio",), True),
    Scenario("livestream", "livestream 720p, {publishers} → {subscribers}", "video",
             ((1, 500), (1, 300), (1, 200), (1, 120), (1, 80), (1, 50), (1, 25)),
             ("--video", "--video-resolution", "720p", "--no-simulcast"), True),
    Scenario("meeting", "meeting, {publishers} × {publishers}, simulcast", "video",
             ((20, 0), (16, 0), (12, 0), (10, 0), (8, 0), (6, 0), (4, 0)),
             ("--audio", "--video", "--video-resolution", "720p", "--simulcast", "--meeting")),
)

# AuraLink alone. Cost of a packet must not depend on how many take the track.
FLAT_SUBSCRIBERS = (10, 100, 500, 1000)
FLAT = (
    ("audio", ("--audio",)),
    ("video 180p", ("--video", "--video-resolution", "180p", "--no-simulcast")),
)

# Two workers against one: the same rooms, so many that they spread.
WORKERS = Load(1, 25, ("--audio", "--video", "--video-resolution", "360p", "--no-simulcast"), rooms=8)

# 2000 participants, 120 a second.
STORM = Load(1, 49, ("--audio",), rooms=40, ramp=120)

QUICK_SIZES = {"audio": ((2, 10),), "livestream": ((1, 10),), "meeting": ((3, 0),)}
