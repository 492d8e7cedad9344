# SPDX-License-Identifier: Apache-2.0
"""Clips in, coded frames out and back: everything that ffmpeg does for the measurements."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import imageio_ffmpeg

MODELS = {"vmaf": "version=vmaf_v0.6.1", "vmaf_neg": "version=vmaf_v0.6.1neg"}
FOURCC = {"vp8": b"VP80", "vp9": b"VP90", "av1": b"AV01", "h264": b"H264"}


@cache
def ffmpeg() -> str:
    return imageio_ffmpeg.get_ffmpeg_exe()


def run(*arguments: str | Path) -> str:
    command = [ffmpeg(), "-hide_banner", "-nostdin", "-y", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr[-2000:]}")
    return done.stderr


class Unreadable(Exception):
    """A file that is no video, or none that can be measured; says why."""


@dataclass(frozen=True)
class Clip:
    """A source that nothing was lost of: y4m, 4:2:0, even sides."""

    name: str
    path: Path
    width: int
    height: int
    fps: float
    frames: int
    content: str = "camera"

    @property
    def seconds(self) -> float:
        return self.frames / self.fps


def open_y4m(path: Path, name: str, content: str = "camera") -> Clip:
    with open(path, "rb") as file:
        head = file.readline().decode("ascii").split()
        fields = {word[0]: word[1:] for word in head[1:]}
        width, height = int(fields["W"]), int(fields["H"])
        above, below = map(int, fields["F"].split(":"))
        start = file.tell()
    frame = len(b"FRAME\n") + width * height * 3 // 2
    return Clip(name, path, width, height, above / below, (path.stat().st_size - start) // frame, content)


FPS_MOST = 60.0
SIDE_LEAST, SIDE_MOST = 16, 4096  # what AI Core takes
_STREAM = re.compile(r"Stream #\S+.*Video: .*")
_RATE = re.compile(r"([\d.]+)(k?) fps")


def frame_rate(source: Path) -> float:
    """Frames a second on the average: a file with a variable rate may call its clock's rate its own."""
    command = [ffmpeg(), "-hide_banner", "-nostdin", "-i", str(source)]
    said = subprocess.run(command, capture_output=True, text=True, errors="replace").stderr
    stream = _STREAM.search(said)
    if not stream and "Audio:" in said:
        raise Unreadable("there is only sound in it")
    if not stream:
        last = [line for line in said.strip().splitlines() if line and "output file" not in line]
        raise Unreadable(f"no video in it ({last[-1].strip()[-160:] if last else 'it is empty'})")
    rate = _RATE.search(stream.group())
    found = float(rate.group(1)) * (1000 if rate.group(2) else 1) if rate else 30.0
    return min(found, FPS_MOST) or 30.0


def prepare(source: Path, out: Path, name: str, seconds: float, filters: str = "", content: str = "camera",
            start: float = 0, fps: float | None = None) -> Clip:
    """The first seconds of any video file as y4m, after filters; limited range, as calls have it. A variable rate
    becomes the average one, odd sides lose a line. Raises Unreadable."""
    rate = fps or frame_rate(source)
    chain = ",".join(f for f in [filters, "crop=trunc(iw/2)*2:trunc(ih/2)*2",
                                   "scale=out_range=limited", "format=yuv420p"] if f)
    try:
        run("-ss", start, "-i", source, "-map", "0:v:0", "-an", "-t", seconds, "-vf", chain, "-r", f"{rate:g}",
            "-fps_mode", "cfr", "-strict", "-1", "-f", "yuv4mpegpipe", out)
    except RuntimeError as error:
        raise Unreadable(f"it cannot be decoded ({str(error).strip().splitlines()[-1][-160:]})") from None
    if not out.stat().st_size:
        raise Unreadable("there is no picture in it")
    clip = open_y4m(out, name, content)
    if not clip.frames:
        raise Unreadable("there is no picture in it")
    if min(clip.width, clip.height) < SIDE_LEAST or max(clip.width, clip.height) > SIDE_MOST:
        raise Unreadable(f"{clip.width}x{clip.height} is beyond what AI Core takes ({SIDE_LEAST} to {SIDE_MOST})")
    return clip


def read_ivf(path: Path) -> list[bytes]:
    data = path.read_bytes()
    at, frames = struct.unpack_from("<H", data, 6)[0], []
    while at + 12 <= len(data):
        size = struct.unpack_from("<I", data, at)[0]
        frames.append(data[at + 12 : at + 12 + size])
        at += 12 + size
    return frames


def write_ivf(path: Path, codec: str, clip: Clip, frames: list[tuple[int, bytes]]) -> None:
    """frames: (number of the picture, coded bytes)."""
    above, below = round(clip.fps * 1000), 1000
    with open(path, "wb") as file:
        file.write(struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, FOURCC[codec], clip.width, clip.height, above, below,
                               len(frames), 0))
        for number, data in frames:
            file.write(struct.pack("<IQ", len(data), number) + data)


def encode_vp8(clip: Clip, kbps: float, folder: Path) -> list[bytes]:
    """As libwebrtc does: real time, one pass, no frames held back."""
    out = folder / "native.ivf"
    run("-i", clip.path, "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "-6", "-lag-in-frames", "0", "-b:v",
        f"{kbps}k", "-minrate", f"{kbps}k", "-maxrate", f"{kbps}k", "-bufsize", f"{kbps}k", "-qmin", "2", "-qmax",
        "56", "-undershoot-pct", "100", "-overshoot-pct", "15", "-error-resilient", "1", "-noise-sensitivity", "0",
        "-static-thresh", "1", "-g", "3000", "-threads", "1", out)
    return read_ivf(out)


def encode_h264(clip: Clip, kbps: float, folder: Path) -> list[bytes]:
    """One access unit each, Annex B, without B frames."""
    out = folder / "native.h264"
    run("-i", clip.path, "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-profile:v", "baseline",
        "-b:v", f"{kbps}k", "-maxrate", f"{kbps}k", "-bufsize", f"{kbps}k", "-g", "3000", "-x264-params", "aud=1",
        "-f", "h264", out)
    data, frames, at = out.read_bytes(), [], 0
    delimiter = b"\x00\x00\x00\x01\x09"
    while at < len(data):
        end = data.find(delimiter, at + 1)
        end = len(data) if end < 0 else end
        frames.append(data[at:end])
        at = end
    return frames


def gray_frames(path: Path, clip: Clip, filters: str = ""):
    """Luma planes of a coded clip, one for each of its pictures, as bytes."""
    chain = ",".join(f for f in [f"fps={clip.fps:g}", filters, "format=gray"] if f)
    command = [ffmpeg(), "-hide_banner", "-loglevel", "error", "-nostdin", "-i", str(path), "-vf", chain, "-f", "rawvideo", "-"]
    size = clip.width * clip.height
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while len(picture := process.stdout.read(size)) == size:
            yield picture


def encode_av1(clip: Clip, kbps: float, out: Path) -> None:
    """As Chromium does: libaom in real time."""
    run("-i", clip.path, "-c:v", "libaom-av1", "-usage", "realtime", "-aom-params", "cpu-used=9", "-lag-in-frames", "0", "-b:v",
        f"{round(kbps)}k", "-minrate", f"{round(kbps)}k", "-maxrate", f"{round(kbps)}k", "-bufsize",
        f"{round(kbps)}k", "-aq-mode", "3", "-g", "3000", "-threads", "2", out)


def compare(reference: Path, distorted: Path, clip: Clip, filters: str = "",
            measures: dict[str, str] = MODELS) -> dict[str, list[float]]:
    """VMAF and VMAF-NEG of each picture of `distorted` against the clip it was made from."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "vmaf.json"
        models = "|".join(f"{text}\\:name={name}" for name, text in measures.items())
        chain = ",".join(f for f in [f"fps={clip.fps}", filters, "format=yuv420p"] if f)
        run("-i", distorted, "-i", reference, "-lavfi",
            f"[0:v]{chain},settb=AVTB,setpts=N/{clip.fps}/TB[d];[1:v]settb=AVTB,setpts=N/{clip.fps}/TB[r];"
            f"[d][r]libvmaf=model='{models}':log_fmt=json:log_path={log}:n_threads=2:shortest=1",
            "-f", "null", "-")
        frames = json.loads(log.read_text())["frames"]
    return {name: [f["metrics"][name] for f in frames] for name in measures}
