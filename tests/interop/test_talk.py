# SPDX-License-Identifier: Apache-2.0
"""A real person as the camera: the received pictures are the sent ones, and lips and sound stay together."""

from __future__ import annotations

import glob
import os
import statistics
import time

import numpy as np
import pytest

from lib import clip
from lib.driver import eventually, late_ms
from lib.pattern import read_counter


def latencies(sent_ms: list[float], received_ms: list[float]) -> list[float]:
    """For each received mark the time since the mark sent last before it (those more than 1 s apart don't match)."""
    out = []
    for at in received_ms:
        before = [s for s in sent_ms if at - 1000 < s <= at]
        if before:
            out.append(at - before[-1])
    return out


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    path = clip.source()
    if path is None:
        pytest.skip("no clip at ../shared/media (AURA_MEDIA names another folder)")
    return clip.Clip(path, str(tmp_path_factory.mktemp("clip")))


@pytest.mark.browser
@pytest.mark.slow
def test_person(room, drivers, talk, tmp_path, record):
    drivers.add("chromium-talk", ["node", "clients/browser_client.mjs", "chromium", talk.camera, talk.microphone])
    try:
        recorder = room.join("node", "recorder")
        viewer = room.join("chromium-talk", "viewer")
        person = room.join("chromium-talk", "person")
        sids = person.call("publishDevices", width=talk.width, height=talk.height)
        viewer.until(sids["video"], lambda s: s["distinct"] > 60, 60, "no picture of the person")
        viewer.until(sids["audio"], lambda s: s["seconds"] > 3, 60, "no sound of the person")
        recorder.until(sids["video"], lambda s: s["distinct"] > 60, 60, "no picture of the person")
        # Chromium starts smaller while it learns the bandwidth.
        recorder.until(sids["video"], lambda s: s["lastSize"] == f"{talk.width}x{talk.height}", 90, "not the whole size")
        recorder.call("saveFrames", folder=str(tmp_path), count=40, every=7)
        time.sleep(20)  # two rounds of the clip: eight flashes and beeps
        eventually(lambda: len(saved(tmp_path)) == 40, 120, 0.5, "pictures are saved")
        local = person.call("localStats")
        seen, heard = viewer.track(sids["video"]), viewer.track(sids["audio"])
        pictures = compare(talk, tmp_path)
        late_video = latencies(local["video"]["flashes"], seen["flashes"])
        late_audio = latencies(local["audio"]["beeps"], heard["beeps"])
        assert len(late_video) >= 5, (local["video"]["flashes"], seen["flashes"])
        assert len(late_audio) >= 5, (local["audio"]["beeps"], heard["beeps"])
        offset = statistics.median(late_video) - statistics.median(late_audio)
        record(ssim_mean=statistics.mean(pictures), ssim_worst=min(pictures), pictures=len(pictures),
               av_offset_ms=offset, video_latency_ms=statistics.median(late_video),
               audio_latency_ms=statistics.median(late_audio))
        assert len(pictures) >= 20
        assert statistics.mean(pictures) > 0.9
        assert min(pictures) > 0.8
        # Sound waits longer where packets come unevenly, as they do on a machine that lets everybody wait.
        assert abs(offset) < 100 + min(200, late_ms(viewer, person)), offset
    finally:
        room.close()
        drivers.remove("chromium-talk")


def saved(folder) -> list[str]:
    """Files of pictures that are written to their end."""
    def whole(path: str) -> bool:
        width, height = map(int, os.path.basename(path).split(".")[0].split("_")[1].split("x"))
        return os.path.getsize(path) == width * height * 3 // 2

    return [path for path in glob.glob(os.path.join(folder, "*.i420")) if whole(path)]


def compare(talk, folder) -> list[float]:
    """SSIM of each saved picture with the sent picture of the same number (below the strip)."""
    out = []
    for path in saved(folder):
        name = os.path.basename(path).split(".")[0]
        number, size = name.split("_")
        if size != f"{talk.width}x{talk.height}":
            continue  # Chromium takes lines away while it has no time
        luma = np.fromfile(path, np.uint8)[: talk.width * talk.height].reshape(talk.height, talk.width)
        assert read_counter(luma) == int(number) < len(talk.frames)
        below = talk.height // 4
        out.append(clip.ssim(luma[below:], talk.luma(int(number))[below:]))
    return out


def test_ssim_judges():
    """The measure itself: the same picture is 1, another one far less."""
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 255, (64, 64), dtype=np.uint8)
    noisy = np.clip(picture.astype(int) + rng.integers(-9, 9, picture.shape), 0, 255).astype(np.uint8)
    assert clip.ssim(picture, picture) == pytest.approx(1)
    assert 0.9 < clip.ssim(picture, noisy) < 1
    assert clip.ssim(picture, np.roll(picture, 3, axis=1)) < 0.3
