# SPDX-License-Identifier: Apache-2.0
"""Somebody who speaks, with pauses and the noise of a room; and music. Files of 48 kHz, mono, 16 bits, no header."""

from __future__ import annotations

import os
import subprocess

import numpy as np

RATE = 48000
_SENTENCES = (
    "Good morning everybody, it is a pleasure to see so many of you here today.",
    "Before we begin, let me say a few words about the plan for the coming weeks.",
    "The first part is nearly done, and the second one will take us until Thursday.",
    "If there are questions, please ask them at any time, there is no need to wait.",
)


def _spoken(text: str, voice: str, folder: str) -> np.ndarray:
    wav = os.path.join(folder, "sentence.wav")
    subprocess.run(["espeak-ng", "-v", voice, "-s", "160", "-w", wav, text], check=True)
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", wav, "-f", "s16le", "-ac", "1", "-ar", str(RATE), "-"],
                         stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(raw, np.int16).astype(float) / 32768


def _save(samples: np.ndarray, path: str) -> str:
    (np.clip(samples, -1, 1) * 32767).astype("<i2").tofile(path)
    return path


def talk(folder: str, pause_s: float = 0.8, noise: float = 0.0005, voice: str = "en-us") -> str:
    """About 18 s of speech; between the sentences only the room is heard."""
    pause = np.zeros(round(pause_s * RATE))
    parts = [part for text in _SENTENCES for part in (_spoken(text, voice, folder), pause)]
    samples = np.concatenate(parts) * 0.5
    samples += np.random.default_rng(3).normal(0, noise, len(samples))
    return _save(samples, os.path.join(folder, f"talk-{pause_s:g}.pcm"))


def room_noise(folder: str, seconds: float = 10, level: float = 0.003) -> str:
    """An open microphone that nobody speaks into."""
    samples = np.random.default_rng(5).normal(0, level, round(seconds * RATE))
    return _save(samples, os.path.join(folder, "noise.pcm"))


def music(folder: str, seconds: float = 12) -> str:
    """Chords with a beat and overtones, as an organ with drums would play them."""
    t = np.arange(round(seconds * RATE)) / RATE
    out = np.zeros(len(t))
    chords = [(220, 277.2, 329.6), (196, 246.9, 293.7), (174.6, 220, 261.6), (164.8, 207.7, 246.9)]
    for number, chord in enumerate(chords * 8):
        begin, end = number * 0.75, (number + 1) * 0.75
        inside = (t >= begin) & (t < end)
        envelope = np.exp(-(t[inside] - begin) * 1.2)
        for root in chord:
            for overtone, share in ((1, 1.0), (2, 0.5), (3, 0.35), (4, 0.2), (6, 0.1)):
                out[inside] += share * envelope * np.sin(2 * np.pi * root * overtone * t[inside])
    beats = np.random.default_rng(7).normal(0, 1, len(t)) * np.exp(-(t % 0.375) * 25)
    return _save(0.08 * out + 0.06 * beats, os.path.join(folder, "music.pcm"))


def envelope(samples: np.ndarray, block: int = RATE // 50) -> np.ndarray:
    """Loudness in dB of each 20 ms, floor −60."""
    whole = samples[: len(samples) // block * block].reshape(-1, block).astype(float)
    return np.maximum(10 * np.log10((whole**2).mean(axis=1) + 1e-12), -60)


def likeness(sent: str, heard: str) -> float:
    """Correlation, at the best shift, of the loudness of what was heard with that of what was sent over and over."""
    source = envelope(np.fromfile(sent, "<i2") / 32768)
    got = envelope(np.fromfile(heard, "<i2") / 32768)
    source = np.tile(source, 2 + len(got) // len(source))
    best = -1.0
    for shift in range(len(source) - len(got)):
        part = source[shift : shift + len(got)]
        if part.std() and got.std():
            best = max(best, float(np.corrcoef(part, got)[0, 1]))
    return best
