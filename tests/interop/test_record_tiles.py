# SPDX-License-Identifier: Apache-2.0
"""Composed recordings show who is who: names, initials, who speaks, who is muted."""

from __future__ import annotations

import asyncio
import os
import subprocess

import numpy
from livekit import api

from lib import tokens
from lib.driver import eventually
from lib.media import program
from lib.recording import Recording

WIDTH, HEIGHT, FPS = 1280, 720, 10
# Two tiles beside each other, with pictures of 640x480 in them.
LEFT, RIGHT = (0, 120), (640, 120)
GREEN = (0x2F, 0xD3, 0x7A)


def call(server, method: str, request) -> None:
    async def run():
        async with api.LiveKitAPI(server.http_url, tokens.KEY, tokens.SECRET) as lk:
            await getattr(lk.room, method)(request)

    asyncio.run(run())


def compose(folder: str, out: str, *options: str, env: dict | None = None) -> subprocess.CompletedProcess:
    done = subprocess.run([*program(), "record", "compose", folder, "-o", out, "--json", "--size", f"{WIDTH}x{HEIGHT}",
                           "--fps", str(FPS), *options], capture_output=True, text=True, timeout=200,
                          env={**os.environ, **(env or {})})
    assert done.returncode == 0, done.stderr
    return done


def picture(path: str, at: float) -> numpy.ndarray:
    """The picture of that second: rows of pixels of red, green, blue."""
    raw = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-vf", f"select=eq(n\\,{int(at * FPS)})",
                          "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                         capture_output=True, check=True).stdout
    return numpy.frombuffer(raw, numpy.uint8).reshape(HEIGHT, WIDTH, 3).astype(int)


def part(image: numpy.ndarray, corner: tuple[int, int], x: int, y: int, width: int, height: int) -> numpy.ndarray:
    """Of a tile's picture, from its corner."""
    left, top = corner[0] + x, corner[1] + y
    return image[top:top + height, left:left + width]


def label(image: numpy.ndarray, corner: tuple[int, int]) -> numpy.ndarray:
    """Where the name stands: the lower left of the picture, within the border."""
    return part(image, corner, 12, 436, 110, 34)


def border(image: numpy.ndarray, corner: tuple[int, int]) -> numpy.ndarray:
    """The mean colour of the upper edge."""
    return part(image, corner, 20, 1, 600, 3).mean(axis=(0, 1))


def is_green(colour: numpy.ndarray) -> bool:
    return bool(abs(colour - GREEN).max() < 40)


def difference(a: numpy.ndarray, b: numpy.ndarray) -> float:
    return float(abs(a - b).mean())


def red_pixels(image: numpy.ndarray) -> int:
    """Of the slash over a microphone. Nothing else under a plate is as red: what is below it is dark."""
    return int(((image[..., 0] > 140) & (image[..., 0] > image[..., 1] + 60) & (image[..., 0] > image[..., 2] + 60)).sum())


def recorded(recording: Recording, sid: str, seconds: float) -> None:
    """Waits until the manifest says that so much of a track was."""
    def enough():
        assert recording.process.poll() is None, recording.log()
        try:
            return sum(f["duration_us"] for f in recording.files(sid)) >= seconds * 1e6
        except FileNotFoundError:
            return False

    eventually(enough, 90, 0.2, f"{seconds} s of {sid}")


class Talk:
    """Two people: first the left one speaks; then they are muted and the right one speaks, whose camera goes off."""

    def __init__(self, room, server, folder):
        self.room, self.server = room, server
        left = room.join("node", "left", token=tokens.join("left", room.name, name="Old Name"))
        right = room.join("node", "right", token=tokens.join("right", room.name, name="王 " + "long name " * 20))
        self.left = {kind: left.call(f"publish{kind}", **options)["sid"]
                     for kind, options in (("Video", {"width": 640, "height": 480, "fps": 10}), ("Audio", {"toneHz": 500}))}
        self.right = {"Video": right.call("publishVideo", width=640, height=480, fps=10)["sid"]}
        self.recording = Recording(server.url, room.name, folder, "--min-free-mb", "1")
        for sid in (self.left["Video"], self.left["Audio"], self.right["Video"]):
            self.recorded(sid, 5)
        call(server, "update_participant", api.UpdateParticipantRequest(room=room.name, identity="left", name="Ελένη Müller"))
        self.mute("left", self.left["Audio"])
        self.right["Audio"] = right.call("publishAudio", toneHz=700)["sid"]
        self.recorded(self.right["Audio"], 5)
        self.mute("right", self.right["Video"])
        gone = self.at("track_muted", self.right["Video"])
        eventually(lambda: self.recording.manifest()["written_us"] > self.start_us() + (gone + 3.5) * 1e6, 60, 0.2, "the end")
        self.recording.finish()

    def recorded(self, sid: str, seconds: float) -> None:
        recorded(self.recording, sid, seconds)

    def events(self, what: str, sid: str) -> list[int]:
        return [e["at_us"] for e in self.recording.manifest()["events"] if e["type"] == what and e.get("track") == sid]

    def mute(self, identity: str, sid: str) -> None:
        call(self.server, "mute_published_track", api.MuteRoomTrackRequest(
            room=self.room.name, identity=identity, track_sid=sid, muted=True))
        eventually(lambda: self.events("track_muted", sid), 60, 0.2, f"the mute of {sid}")

    def start_us(self) -> int:
        return min(f["start_us"] for t in self.recording.manifest()["tracks"] for f in t["files"])

    def at(self, what: str, sid: str) -> float:
        """Seconds since the beginning of the composed file."""
        return (self.events(what, sid)[0] - self.start_us()) / 1e6


def speaking(path: str, until: float, corner: tuple[int, int]) -> float:
    """The last time before at which that border is on: on a busy machine sound may have gaps."""
    for back in range(0, 30, 2):
        if is_green(border(picture(path, until - back / 10), corner)):
            return until - back / 10
    raise AssertionError(f"nobody speaks there before {until} s of {path}")


def test_tiles(room, server, tmp_path):
    talk = Talk(room, server, tmp_path / "recording")
    names = {p["identity"]: p["name"] for p in talk.recording.manifest()["participants"]}
    assert names["left"] == "Ελένη Müller", "the new name"
    first = talk.at("track_muted", talk.left["Audio"]) - 1
    second = talk.at("track_muted", talk.right["Video"]) - 0.5
    third = talk.at("track_muted", talk.right["Video"]) + 2.5
    on, off = str(tmp_path / "on.mp4"), str(tmp_path / "off.mp4")
    compose(talk.recording.folder, on)
    compose(talk.recording.folder, off, "--labels", "off")
    first = speaking(on, first, LEFT)
    shown, bare = picture(on, first), picture(off, first)
    for corner in (LEFT, RIGHT):
        # A dark plate with white letters on it, and the picture elsewhere as it was.
        assert difference(label(shown, corner), label(bare, corner)) > 15
        letters = label(shown, corner).min(axis=2)
        assert (letters > 190).sum() > 60 and numpy.median(letters) < 140, letters
        assert difference(part(shown, corner, 20, 20, 600, 390), part(bare, corner, 20, 20, 600, 390)) < 8
    # A long name goes on to the other side, and not beyond; a short one does not.
    far = (500, 436, 120, 34)
    assert difference(part(shown, RIGHT, *far), part(bare, RIGHT, *far)) > 15
    assert difference(part(shown, LEFT, *far), part(bare, LEFT, *far)) < 8
    assert not shown[:110].max() > 40, "beside the pictures is something"
    assert not is_green(border(shown, RIGHT))
    assert not is_green(border(bare, LEFT))
    assert red_pixels(label(shown, LEFT)) < 5

    # Sound that is not in the file says who speaks all the same.
    silent = str(tmp_path / "silent.webm")
    compose(talk.recording.folder, silent, "--only", "video", "--layout", "speaker")
    assert is_green(picture(silent, first)[2:7, 20:900].mean(axis=(0, 1)))

    shown = picture(on, speaking(on, second, RIGHT))
    assert not is_green(border(shown, LEFT))
    assert red_pixels(label(shown, LEFT)) >= 10 > red_pixels(label(shown, RIGHT))

    # Without a picture: one colour, initials in its middle, and the place is the same.
    shown, bare = picture(on, third), picture(off, third)
    plain = part(shown, RIGHT, 20, -90, 600, 60)
    assert plain.std(axis=(0, 1)).max() < 6 and plain.mean() > 40
    middle = part(shown, RIGHT, 120, 120, 400, 240)
    assert (middle.min(axis=2) > 190).sum() > 1000
    assert difference(part(shown, LEFT, 20, 20, 600, 390), part(bare, LEFT, 20, 20, 600, 390)) > 20, "it filled the picture"


def test_without_fonts(room, server, tmp_path):
    """No font: no names, all the rest, and one line that says what to install."""
    sender = room.join("node", "sender")
    sid = sender.call("publishAudio", toneHz=500)["sid"]
    recording = Recording(server.url, room.name, tmp_path / "recording", "--min-free-mb", "1")
    recorded(recording, sid, 2)
    recording.finish()
    empty = tmp_path / "fonts.conf"
    empty.write_text('<?xml version="1.0"?><fontconfig></fontconfig>\n')
    out = {True: str(tmp_path / "with.mp4"), False: str(tmp_path / "without.mp4")}
    assert "no_font" not in compose(recording.folder, out[True]).stderr
    said = compose(recording.folder, out[False], env={"FONTCONFIG_FILE": str(empty)}).stderr
    assert said.count("no_font") == 1 and "fonts-dejavu-core" in said, said
    middle = {fonts: picture(path, 1)[240:480, 400:880] for fonts, path in out.items()}
    assert (middle[True].min(axis=2) > 190).sum() > 1000, "no initial"
    assert middle[False].std(axis=(0, 1)).max() < 6 and middle[False].mean() > 40, "not a plain tile"
    assert is_green(picture(out[False], 1)[1:3, 20:1200].mean(axis=(0, 1)))


def test_muted_before(room, server, tmp_path):
    """Who was muted before the recording began is marked as well."""
    sender = room.join("node", "sender")
    video = sender.call("publishVideo", width=640, height=360, fps=10)["sid"]
    audio = sender.call("publishAudio", toneHz=500)["sid"]
    call(server, "mute_published_track", api.MuteRoomTrackRequest(
        room=room.name, identity="sender", track_sid=audio, muted=True))
    recording = Recording(server.url, room.name, tmp_path / "recording", "--min-free-mb", "1")
    recorded(recording, video, 3)
    recording.finish()
    [published] = [e for e in recording.manifest()["events"] if e["type"] == "track_published" and e["track"] == audio]
    assert published["muted"] is True
    out = str(tmp_path / "out.mp4")
    compose(recording.folder, out)
    # The one picture fills it all.
    shown = picture(out, 2)
    assert red_pixels(shown[640:710, 12:100]) > 40, "no slash"
    assert red_pixels(shown[100:600]) == 0
