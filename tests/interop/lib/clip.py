# SPDX-License-Identifier: Apache-2.0
"""A clip of a real person as a fake camera: frame numbers, flashes and beeps painted over it."""

from __future__ import annotations

import os
import subprocess
import wave

import numpy as np

from lib.pattern import draw_strip
from lib.server import ROOT

FPS = 30
RATE = 48000
FLASH_S = (1.0, 3.1, 5.0, 7.3)  # uneven, so that a flash is never taken for its neighbour
FLASH_FRAMES = 3


def source(name: str = "talk-720p.mp4") -> str | None:
    """Path of a clip beside the checkout (AURA_MEDIA names another folder), None if it is not there."""
    folder = os.environ.get("AURA_MEDIA") or os.path.join(ROOT, "..", "shared", "media")
    path = os.path.join(folder, name)
    return path if os.path.exists(path) else None


class Clip:
    """Decoded, stamped and written as camera.y4m and microphone.wav into `folder`."""

    def __init__(self, path: str, folder: str, width: int = 640, height: int = 360):
        self.width, self.height = width, height
        raw = subprocess.run(
            ["ffmpeg", "-v", "error", "-i", path, "-vf", f"scale={width}:{height},fps={FPS}",
             "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"],
            stdout=subprocess.PIPE, check=True,
        ).stdout
        size = width * height * 3 // 2
        self.frames = np.frombuffer(raw, np.uint8)[: len(raw) // size * size].reshape(-1, size).copy()
        for number, frame in enumerate(self.frames):
            luma = frame[: width * height].reshape(height, width)
            draw_strip(luma, number)
            on = any(0 <= number - round(s * FPS) < FLASH_FRAMES for s in FLASH_S)
            luma[height - height // 8 :, : width // 8] = 235 if on else 16
        self.camera = os.path.join(folder, "camera.y4m")
        with open(self.camera, "wb") as file:
            file.write(b"YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420\n" % (width, height, FPS))
            for frame in self.frames:
                file.write(b"FRAME\n" + frame.tobytes())
        self.microphone = os.path.join(folder, "microphone.wav")
        self._write_sound(path)

    def luma(self, number: int) -> np.ndarray:
        return self.frames[number][: self.width * self.height].reshape(self.height, self.width)

    def _write_sound(self, path: str) -> None:
        raw = subprocess.run(
            ["ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "-ac", "1", "-ar", str(RATE), "-"],
            stdout=subprocess.PIPE, check=True,
        ).stdout
        length = len(self.frames) * RATE // FPS
        speech = np.zeros(length)
        decoded = np.frombuffer(raw, np.int16)[:length] / 32768
        speech[: len(decoded)] = decoded
        # The voice stays under the beeps' threshold.
        blocks = speech[: length // 960 * 960].reshape(-1, 960)
        speech *= 0.015 / max(1e-6, float(np.sqrt((blocks**2).mean(axis=1)).max()))
        beep = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE // 10) / RATE)
        for start in FLASH_S:
            at = round(start * FPS) * RATE // FPS
            speech[at : at + len(beep)] += beep
        with wave.open(self.microphone, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes((speech * 32767).astype(np.int16).tobytes())


def ssim(a: np.ndarray, b: np.ndarray, window: int = 8) -> float:
    """Mean SSIM of two luma planes over non-overlapping windows (Wang 2004, box window)."""
    rows, columns = (size // window * window for size in a.shape)

    def blocks(plane):
        cut = plane[:rows, :columns].astype(float)
        return cut.reshape(rows // window, window, columns // window, window).swapaxes(1, 2)

    x, y = blocks(a), blocks(b)
    axes = (2, 3)
    mx, my = x.mean(axes), y.mean(axes)
    vx, vy = x.var(axes), y.var(axes)
    covariance = (x * y).mean(axes) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = ((2 * mx * my + c1) * (2 * covariance + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return float(values.mean())
