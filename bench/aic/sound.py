# SPDX-License-Identifier: Apache-2.0
"""make bench-aic ARGS="--sound" [CLIPS=DIR] [OUT=results.json]

What AIC saves of sound, voice by voice: bytes on the wire (RTP, SRTP tag, UDP, IPv4), PESQ (wideband) and ViSQOL
(speech) against the source. Packets go through a running AI Core. CLIPS is a folder of recordings of speech; without it:
the five languages of Debian's asterisk-core-sounds packages.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pesq
import visqol

from .core import AICore, schema

from lib import sound  # noqa: E402  (the path is set by .core)

HEADERS = 12 + 16 + 8 + 20  # RTP, AES-GCM's tag, UDP, IPv4
PACKET = 960
POINTS = {  # name: AI Core's operating point
    "24 k / 60 ms": {"packet_ms": 60},
    "16 k / 60 ms": {"packet_ms": 60, "max_kbps": 16},
    "12 k / 120 ms": {"packet_ms": 120},
}


def load(file: Path, seconds: float) -> np.ndarray:
    command = ["ffmpeg", "-v", "error", "-i", str(file), "-t", str(seconds), "-ac", "1", "-ar", "48000", "-f", "s16le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.int16)


def voices(clips: Path | None, seconds: float) -> dict[str, np.ndarray]:
    if clips:
        return {f.stem: load(f, seconds) for f in sorted(clips.iterdir()) if f.is_file()}
    folders = sorted(Path("/usr/share/asterisk/sounds").glob("??_??_*_*"))
    found = {}
    for folder in folders:
        files = sorted(folder.glob("demo-*.g722"), key=lambda f: -f.stat().st_size) or sorted(
            folder.glob("*.g722"), key=lambda f: -f.stat().st_size)
        found[folder.name] = load(files[0], seconds)
    return found


def compressed(core: AICore, packets: list[bytes], point: dict) -> list:
    window = threading.Semaphore(8)
    with core.channel() as channel:
        api = schema(channel)

        def requests():
            for i, packet in enumerate(packets):
                window.acquire()
                yield api.CompressRequest(frame=packet, codec=api.CODEC_OPUS, rtp_timestamp=i * PACKET,
                                          point=api.OperatingPoint(**point))

        answers = []
        for answer in api.CompressStream(requests()):
            window.release()
            answers.append(answer)
        return answers


def quality(source: np.ndarray, heard: np.ndarray) -> tuple[float, float]:
    """PESQ and ViSQOL, both at 16 kHz."""
    def thin(x: np.ndarray) -> np.ndarray:
        run = subprocess.run(["ffmpeg", "-v", "error", "-f", "s16le", "-ar", "48000", "-ac", "1", "-i", "-", "-ar", "16000",
                              "-f", "s16le", "-"], input=x.tobytes(), capture_output=True, check=True)
        return np.frombuffer(run.stdout, np.int16)
    n = min(len(source), len(heard))
    a, b = thin(source[:n]), thin(heard[:n])
    api = visqol.VisqolApi()
    api.create(mode="speech", use_lattice_model=False)
    mos = api.measure_from_arrays(a.astype(float) / 32768, b.astype(float) / 32768, 16000).moslqo
    return pesq.pesq(16000, a, b, "wb"), float(mos)


def placed(answers: list, length: int) -> tuple[np.ndarray, int]:
    """What a receiver plays, and where the first packet begins."""
    out = [a for a in answers if a.frame]
    heard = np.zeros(length + 5760, np.int16)
    parts = sound.decoded([a.frame for a in out])
    at = 0
    for a in out:
        end = min(a.rtp_timestamp + a.samples, len(heard))
        heard[a.rtp_timestamp:end] = parts[at:at + end - a.rtp_timestamp]
        at += a.samples
    return heard[:length], out[0].rtp_timestamp if out else 0


def wire(sizes: list[int], seconds: float) -> float:
    return sum(n + HEADERS for n in sizes) * 8 / 1000 / seconds


def measure(core: AICore, name: str, pcm: np.ndarray):
    lead = 2 * 48000  # until AI Core knows that it is speech; not counted
    pcm = np.concatenate([pcm[:lead], pcm])
    packets = sound.opus(pcm)
    seconds = (len(packets) * PACKET - lead) / 48000
    native = [len(p) for p in packets[lead // PACKET:]]
    red = [native[0]] + [a + b + 5 for a, b in zip(native, native[1:])]  # RFC 2198: each packet with the one before
    base = quality(pcm[lead:], sound.decoded(packets)[lead:])
    default = wire(red, seconds)
    for lever, kbps in (("48 k / 20 ms, RED", default), ("48 k / 20 ms", wire(native, seconds))):
        yield {"voice": name, "lever": lever, "kbps_wire": kbps, "saved": 1 - kbps / default, "pesq": base[0],
               "visqol": base[1]}
    for lever, point in POINTS.items():
        answers = compressed(core, packets, point)
        heard, _ = placed(answers, len(pcm))
        sizes = [len(a.frame) for a in answers if a.frame and a.rtp_timestamp >= lead]
        kbps = wire(sizes, seconds)
        after = quality(pcm[lead:], heard[lead:])
        yield {"voice": name, "lever": lever, "kbps_wire": kbps, "saved": 1 - kbps / default, "pesq": after[0],
               "visqol": after[1], "us_per_packet": statistics.fmean(sum(s.us for s in a.steps) for a in answers)}


def conversation(core: AICore, pcm: np.ndarray):
    """4 s of speech, 6 s of none, three times, in a room with a fan 25 dB below the voice."""
    whole = np.zeros(30 * 48000)
    for turn in range(3):
        part = pcm[turn * 4 * 48000:][:4 * 48000]
        whole[turn * 480000:turn * 480000 + len(part)] = part
    level = float(np.sqrt((whole ** 2).mean())) * 10 ** (-25 / 20)
    packets = sound.opus(sound.mixed(whole, sound.noise(len(whole), level)))
    native = [len(p) for p in packets]
    default = wire([native[0]] + [a + b + 5 for a, b in zip(native, native[1:])], 30)
    answers = compressed(core, packets, {"packet_ms": 60})
    kbps = wire([len(a.frame) for a in answers if a.frame] + [len(p) for p, a in zip(packets, answers) if a.keep], 30)
    return {"voice": "conversation with a fan", "lever": "24 k / 60 ms, silence cut", "kbps_wire": kbps,
            "saved": 1 - kbps / default, "native_kbps_wire": default}


def table(rows: list[dict]) -> str:
    lines = ["| lever | kbps on the wire | saved | PESQ | ViSQOL |", "|---|---:|---:|---:|---:|"]
    for lever in dict.fromkeys(r["lever"] for r in rows):
        of = [r for r in rows if r["lever"] == lever]

        def mean(key: str, form: str) -> str:
            values = [r[key] for r in of if key in r]
            return format(statistics.fmean(values), form) if values else ""

        lines.append(f"| {lever} | {mean('kbps_wire', '.1f')} | {mean('saved', '.0%')} | {mean('pesq', '.2f')} | "
                     f"{mean('visqol', '.2f')} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog='make bench-aic ARGS="--sound"', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, help="a folder of recordings")
    parser.add_argument("--out", type=Path, default=Path("bench/results/aic-sound.json"), help="rows as JSON")
    parser.add_argument("--seconds", type=float, default=12, help="of each voice")
    parser.add_argument("--build", default="build", help="folder with auralink-aicore")
    options = parser.parse_args()
    os.environ["AURA_BUILD"] = options.build
    rows: list[dict] = []
    core = AICore()
    try:
        found = voices(options.clips, options.seconds)
        for name, pcm in found.items():
            for row in measure(core, name, pcm):
                rows.append(row)
                print({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}, flush=True)
        rows.append(conversation(core, next(iter(found.values()))))
    finally:
        core.stop()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"\n{len(found)} voices, means:\n\n{table(rows)}\n\n{options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
