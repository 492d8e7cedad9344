# SPDX-License-Identifier: Apache-2.0
"""A voice and music out of Debian's packages, Opus by an encoder and a decoder that are not ours."""

from __future__ import annotations

import pathlib
import subprocess
from fractions import Fraction

import av
import numpy as np

RATE = 48000
PACKET_MS = 20
PACKET = RATE // 1000 * PACKET_MS
_SOUNDS = pathlib.Path("/usr/share/asterisk")


def _load(file: pathlib.Path, seconds: float, begin: float = 0) -> np.ndarray:
    command = ["ffmpeg", "-v", "error", "-i", str(file), "-ss", str(begin), "-t", str(seconds), "-ac", "1", "-ar", str(RATE),
               "-f", "s16le", "-"]
    pcm = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.int16)
    assert len(pcm) == int(seconds * RATE), f"{file} is too short"
    return pcm


def voice(seconds: float, begin: float = 0) -> np.ndarray:
    """Somebody who speaks without long pauses, 16 bits."""
    return _load(_SOUNDS / "sounds/en_US_f_Allison/demo-congrats.g722", seconds, begin)


def music(seconds: float, piece: str = "macroform-cold_day") -> np.ndarray:
    return _load(_SOUNDS / f"moh/{piece}.g722", seconds, 10)


def pieces() -> list[str]:
    return sorted(file.stem for file in (_SOUNDS / "moh").glob("*.g722"))


def noise(samples: int, level: float, seed: int = 1) -> np.ndarray:
    """Like a fan: brown, with that standard deviation."""
    v = np.convolve(np.random.default_rng(seed).standard_normal(samples), np.ones(20), "same")
    return v / v.std() * level


def mixed(*parts: np.ndarray) -> np.ndarray:
    return np.clip(sum(p.astype(float) for p in parts), -32768, 32767).astype(np.int16)


def opus(pcm: np.ndarray, kbps: int = 48) -> list[bytes]:
    """Packets of 20 ms, mono."""
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = RATE, "mono", "s16"
    context.bit_rate, context.time_base = kbps * 1000, Fraction(1, RATE)
    context.options = {"application": "voip", "frame_duration": str(PACKET_MS)}
    out = []
    for at in range(0, len(pcm) - PACKET + 1, PACKET):
        frame = av.AudioFrame.from_ndarray(pcm[at:at + PACKET].reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
        out += [bytes(p) for p in context.encode(frame)]
    return out


def decoded(packets: list[bytes]) -> np.ndarray:
    context = av.CodecContext.create("libopus", "r")
    context.sample_rate, context.layout = RATE, "mono"
    frames = [f for p in packets for f in context.decode(av.Packet(p))]
    return np.concatenate([f.to_ndarray().ravel() for f in frames])


def samples(packet: bytes) -> int:
    """Samples that a packet stands for, by its first bytes (RFC 6716, section 3.1)."""
    config, code = packet[0] >> 3, packet[0] & 3
    size = ([480, 960, 1920, 2880] * 3)[config] if config < 12 else [480, 960][config % 2] if config < 16 else 120 << config % 4
    return size * (1 if code == 0 else 2 if code < 3 else packet[1] & 63)


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two sounds' loudness in 20 ms steps, over the best shift of up to 200 ms."""
    def steps(x: np.ndarray) -> np.ndarray:
        return np.log10((x[:len(x) // PACKET * PACKET].astype(float).reshape(-1, PACKET) ** 2).mean(1) + 10)
    x, y = steps(a), steps(b)
    n = min(len(x), len(y)) - 10
    return max(float(np.corrcoef(x[:n], y[shift:shift + n])[0, 1]) for shift in range(10))
