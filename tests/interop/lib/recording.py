# SPDX-License-Identifier: Apache-2.0
"""`auralink record` as a process, and a look at the files it made."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess

from lib.media import Media

TYPES = {"webm": "video/webm", "mp4": "video/mp4", "ogg": "audio/ogg"}


class Recording(Media):
    """One recording process and its folder."""

    def __init__(self, url: str, room: str, folder, *options: str):
        super().__init__("record", url, room, "-o", str(folder), *options)
        self.folder = str(folder)

    def _argv(self, command: str, url: str, room: str, options: tuple[str, ...]) -> list[str]:
        return [command, "--url", url, room, "--json", *options]

    def manifest(self) -> dict:
        with open(os.path.join(self.folder, "manifest.json")) as file:
            return json.load(file)

    def tracks(self, sid: str | None = None) -> list[dict]:
        return [t for t in self.manifest()["tracks"] if sid in (None, t["sid"])]

    def files(self, sid: str) -> list[dict]:
        """What the manifest says of the files of a track, with the path of each."""
        found = [f for t in self.tracks(sid) for f in t["files"]]
        return [{**f, "path": os.path.join(self.folder, f["file"])} for f in found]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)


def probe(path: str) -> dict:
    """ffprobe's view: the one stream of the file, with its packets' times."""
    out = subprocess.run(["ffprobe", "-v", "error", "-show_streams", "-show_entries", "packet=pts_time,duration_time",
                          "-of", "json", path], capture_output=True, text=True, check=True)
    assert not out.stderr, f"{path}: {out.stderr}"
    seen = json.loads(out.stdout)
    assert len(seen["streams"]) == 1, seen["streams"]
    stream = seen["streams"][0]
    stream["times"] = [float(p["pts_time"]) for p in seen["packets"]]
    return stream


def assert_rising(path: str) -> None:
    """No two packets of a stream have the same time of decoding, in the file's own unit."""
    out = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "packet=stream_index,dts", "-of", "json", path],
                         capture_output=True, text=True, check=True)
    last = {}
    for packet in json.loads(out.stdout)["packets"]:
        stream, at = packet["stream_index"], packet["dts"]
        assert at > last.get(stream, at - 1), f"{path}: stream {stream}: {at} behind {last[stream]}"
        last[stream] = at


def decode(path: str, strict: bool = True) -> dict:
    """Decodes all of it. @return frames (video) or seconds (audio); complaints fail the test if strict.

    Pictures keep the file's own unit of time: ffmpeg counts in frames of the rate that it guesses, and calls two that are
    closer than one of these "non monotonically increasing", though the file's times rise (assert_rising sees to that).
    """
    out = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-fps_mode", "passthrough", "-enc_time_base:v",
                          "-1", "-f", "null", "-progress", "pipe:1", "-"], capture_output=True, text=True, check=True)
    if strict:
        assert not out.stderr, f"{path}: {out.stderr}"
        assert_rising(path)
    last = dict(line.split("=", 1) for line in out.stdout.splitlines() if "=" in line)
    return {"frames": int(last.get("frame", 0)), "seconds": int(last["out_time_us"]) / 1e6}


def play(client, path: str, **options) -> dict:
    """Chromium's <video> plays it."""
    with open(path, "rb") as file:
        data = base64.b64encode(file.read()).decode()
    return client.call("playFile", 90, data=data, type=TYPES[path.rsplit(".", 1)[1]], **options)
