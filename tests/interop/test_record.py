# SPDX-License-Identifier: Apache-2.0
"""`auralink record`: files of real publishers' tracks, played by ffmpeg and Chromium."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

from lib.driver import eventually
from lib.media import program
from lib.netem import Forwarder, Impairment
from lib.recording import Recording, decode, play, probe


@pytest.fixture
def recorder(tmp_path):
    """recorder(server or url, room, *options): a recording in a folder of its own."""
    started = []

    def start(server, room, *options: str) -> Recording:
        url = server if isinstance(server, str) else server.url
        one = Recording(url, room.name, tmp_path / f"recording-{len(started)}", "--min-free-mb", "1", *options)
        started.append(one)
        return one

    yield start
    for one in started:
        one.close()


def seconds_of(recording: Recording, sid: str) -> float:
    return sum(f["duration_us"] for f in recording.files(sid)) / 1e6


def wait_seconds(recording: Recording, sid: str, seconds: float) -> None:
    """Until the manifest says that so much of a track was recorded."""

    def enough():
        assert recording.process.poll() is None, recording.log()
        try:
            return seconds_of(recording, sid) >= seconds
        except FileNotFoundError:
            return False

    eventually(enough, 60, 0.2, f"{seconds} s of {sid}")


def end_us(recording: Recording, sid: str) -> int:
    """When its newest file ends, by the clock of the manifest."""
    last = recording.files(sid)[-1]
    return last["start_us"] + last["duration_us"]


def event_types(recording: Recording, sid: str) -> list[str]:
    return [e["type"] for e in recording.manifest()["events"] if e.get("track") == sid]


@pytest.mark.smoke
def test_node(room, server, recorder):
    """rtc-node's VP8 and Opus: whole files, in step with each other, and nobody saw the recorder."""
    sender = room.join("node", "sender/../x")
    video = sender.call("publishVideo", width=320, height=240, fps=15)["sid"]
    audio = sender.call("publishAudio", toneHz=500)["sid"]
    recording = recorder(server, room)
    wait_seconds(recording, video, 4)
    wait_seconds(recording, audio, 4)
    assert sender.find("participantConnected") is None
    eventually(lambda: all(f["aligned"] for sid in (video, audio) for f in recording.files(sid)), what="the sender's clock is known")
    summary = recording.finish()
    assert (summary["end"], summary["tracks"]) == ("stopped", 2), summary
    manifest = recording.manifest()
    assert manifest["complete"] and manifest["room"] == room.name
    assert sorted(os.listdir(recording.folder)) == sorted([t["files"][0]["file"] for t in manifest["tracks"]] +
                                                         ["manifest.json"])
    [seen], [heard] = recording.files(video), recording.files(audio)
    assert (seen["codec"], heard["codec"]) == ("VP8", "opus")
    assert seen["aligned"] and heard["aligned"], (seen, heard)
    for one in (seen, heard):
        # The way and the first key frame take their time, but clocks that do not agree would show: theirs count from
        # other beginnings.
        assert abs(one["start_us"] - one["arrival_us"]) < 10_000_000, one
    stream = probe(seen["path"])
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("vp8", 320, 240)
    assert stream["times"] == sorted(stream["times"])
    assert decode(seen["path"])["frames"] == seen["frames"]
    assert abs(decode(heard["path"])["seconds"] - heard["duration_us"] / 1e6) < 0.2
    assert probe(heard["path"])["codec_name"] == "opus"


@pytest.mark.browser
@pytest.mark.parametrize("codec", ["vp8", "vp9", "h264", "av1"])
def test_chromium(room, server, recorder, codec):
    """What Chromium publishes in each codec plays in ffmpeg and in Chromium."""
    sender = room.join("chromium", "browser")
    video = sender.call("publishVideo", width=320, height=180, fps=15, codec=codec)["sid"]
    audio = sender.call("publishAudio", toneHz=500)["sid"]
    recording = recorder(server, room)
    wait_seconds(recording, video, 3)
    wait_seconds(recording, audio, 3)
    recording.finish()
    names = {"vp8": "VP8", "vp9": "VP9", "h264": "H264", "av1": "AV1"}
    files = [f for f in recording.files(video) if f["codec"] == names[codec]]
    assert files, recording.files(video)
    last = files[-1]
    assert last["file"].endswith(".mp4" if codec == "h264" else ".webm")
    assert probe(last["path"])["codec_name"] == codec
    decoded = decode(last["path"])
    assert decoded["frames"] == last["frames"], (decoded, last)
    played = play(sender, last["path"])
    assert played["frames"] > last["frames"] * 0.5 and played["width"] == last["width"], (played, last)
    [heard] = recording.files(audio)
    played = play(sender, heard["path"])
    assert abs(played["time"] - heard["duration_us"] / 1e6) < 0.5 and played["audioBytes"] > 1000, (played, heard)


@pytest.mark.browser
def test_mute_and_gap(room, server, recorder):
    """While a track is muted time goes on: what comes after is as late in the file as it was in the room."""
    sender = room.join("chromium", "browser")
    video = sender.call("publishVideo", width=320, height=180, fps=15)["sid"]
    audio = sender.call("publishAudio", toneHz=500)["sid"]
    recording = recorder(server, room, "--audio", "ogg")
    wait_seconds(recording, video, 2)
    for sid in (video, audio):
        sender.call("mute", sid=sid, on=True)
    eventually(lambda: "track_muted" in event_types(recording, video), 60, 0.2, "the mute in the manifest")
    muted = next(e["at_us"] for e in recording.manifest()["events"] if e["type"] == "track_muted")
    # Long beside what a busy machine may be late with: it tells time that went on from time that stood still.
    eventually(lambda: recording.manifest()["written_us"] > muted + 8_000_000, 60, 0.2, "eight seconds")
    for sid in (video, audio):
        sender.call("mute", sid=sid, on=False)
    eventually(lambda: "track_unmuted" in event_types(recording, video), 60, 0.2, "the end of it in the manifest")
    unmuted = next(e["at_us"] for e in recording.manifest()["events"] if e["type"] == "track_unmuted")
    for sid in (video, audio):
        eventually(lambda sid=sid: end_us(recording, sid) > unmuted + 3_000_000, 60, 0.2, "three seconds more")
    recording.finish()
    assert event_types(recording, video)[:3] == ["track_published", "track_muted", "track_unmuted"]
    [seen] = recording.files(video)
    gap = max(b - a for a, b in zip(probe(seen["path"])["times"], probe(seen["path"])["times"][1:]))
    assert gap == pytest.approx((unmuted - muted) / 1e6, abs=4), (gap, seen)
    assert seen["gaps"] >= 1 and seen["gap_us_max"] / 1e6 == pytest.approx(gap, abs=0.2), seen
    end = recording.manifest()["written_us"]
    for sid in (video, audio):
        [one] = recording.files(sid)
        # The last frame's time in the file is the wall clock's.
        assert one["start_us"] + one["duration_us"] == pytest.approx(end, abs=4_000_000), one
        assert decode(one["path"])["seconds"] == pytest.approx(one["duration_us"] / 1e6, abs=0.5), one


@pytest.mark.browser
def test_layers_and_another_codec(room, server, recorder):
    """Simulcast's layers change the size in the same file; another codec begins another file."""
    sender = room.join("chromium", "browser")
    video = sender.call("publishVideo", width=1280, height=720, fps=15, simulcast=True)["sid"]
    recording = recorder(server, room)
    wait_seconds(recording, video, 2)
    sender.call("switchCodec", sid=video, codec="video/H264")
    eventually(lambda: recording.files(video)[-1]["codec"] == "H264", 60, 0.2, "a second file")
    first = seconds_of(recording, video)
    wait_seconds(recording, video, first + 3)
    recording.finish()
    files = recording.files(video)
    assert [f["codec"] for f in files[:1]] == ["VP8"] and files[-1]["codec"] == "H264", files
    for one in files:
        assert decode(one["path"])["frames"] >= one["frames"] - 1, one
    for earlier, later in zip(files, files[1:]):
        assert later["start_us"] >= earlier["start_us"] + earlier["duration_us"] - 200_000, files


def test_lossy(room, server, recorder, record):
    """5 % of the packets are lost on the way to the recorder: repaired, or gone on from a key frame."""
    forwarder = Forwarder(("127.0.0.1", server.udp_port), signal_target=server.url)
    try:
        sender = room.join("node", "sender")
        video = sender.call("publishVideo", width=320, height=240, fps=20)["sid"]
        audio = sender.call("publishAudio", toneHz=500)["sid"]
        recording = recorder(forwarder.ws_url, room)
        wait_seconds(recording, video, 1)
        bad = Impairment(delay_ms=15, loss=0.05)
        sent = sum(sender.call("frameCounts")["sent"].values())
        forwarder.impair(bad, bad)
        wait_seconds(recording, video, 10)
        wait_seconds(recording, audio, 10)
        recording.until(lambda line: line["repaired"] > 5, 60, "losses that were repaired")
        sent = sum(sender.call("frameCounts")["sent"].values()) - sent  # a busy encoder leaves some out
        summary = recording.finish()
        lost = forwarder.up.lost + forwarder.down.lost
        assert lost > 20 and summary["repaired"] > 5, (lost, summary)
        [seen], [heard] = recording.files(video), recording.files(audio)
        record(lost=lost, repaired=summary["repaired"], plis=summary["plis"], frames=seen["frames"])
        decoded = decode(seen["path"])
        assert decoded["frames"] == seen["frames"] > sent * 0.7 > 0, (decoded, seen, sent)
        missing = heard["duration_us"] / 1e6 - heard["frames"] * 0.02
        assert missing < heard["duration_us"] / 1e6 * 0.05, (missing, heard)
    finally:
        forwarder.close()


@pytest.mark.browser
@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_kill(room, server, recorder, codec):
    """kill -9: the files play, up to the last second or two."""
    sender = room.join("chromium", "browser")
    video = sender.call("publishVideo", width=320, height=180, fps=15, codec=codec)["sid"]
    audio = sender.call("publishAudio", toneHz=500)["sid"]
    recording = recorder(server, room)
    wait_seconds(recording, video, 5)
    wait_seconds(recording, audio, 5)
    recording.kill()
    assert not recording.manifest()["complete"]
    one = recording.files(video)[-1]
    decoded = decode(one["path"], strict=False)
    assert decoded["frames"] >= one["frames"] - 2 * 15, (decoded, one)
    assert play(sender, one["path"])["frames"] > 15
    [heard] = recording.files(audio)
    assert decode(heard["path"], strict=False)["seconds"] > 3
    assert play(sender, heard["path"])["audioBytes"] > 1000


def test_limits(room, server, recorder):
    """Each limit ends the recording with a sentence, and whole files."""
    sender = room.join("node", "sender")
    video = sender.call("publishVideo", width=640, height=480, fps=20, bitrate=4_000_000)["sid"]
    full = recorder(server, room, "--min-free-mb", "1000000000")
    short = recorder(server, room, "--max-duration", "10")
    small = recorder(server, room, "--max-size-mb", "1")
    assert full.process.wait(60) == 1
    assert "must stay free" in full.log() and full.manifest()["end"] == "disk_full"
    assert short.process.wait(60) == 0 and short.manifest()["end"] == "max_duration", short.log()
    assert small.process.wait(300) == 1
    assert "largest size" in small.log() and small.manifest()["end"] == "max_size"
    for recording in (short, small):
        [one] = recording.files(video)
        assert decode(one["path"])["frames"] == one["frames"] > 0


def test_refused(server, recorder, room):
    """A token that is none: a sentence, and no files of media."""
    recording = recorder(server, room, "--api-secret", "wrong")
    assert recording.process.wait(60) == 1
    assert recording.log().strip(), "says why"
    assert recording.manifest()["end"] == "unreachable" and not recording.tracks()


def compose(recording: Recording, out: str, *options: str) -> list[dict]:
    """`auralink record compose`, its lines of JSON."""
    done = subprocess.run([*program(), "record", "compose", recording.folder, "-o", out, "--json", "--size", "640x360",
                           "--fps", "15", *options], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def brightness(path: str, at: float, crop: str) -> float:
    """Mean of the luma of a part of the picture."""
    raw = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-ss", str(at), "-i", path, "-frames:v", "1", "-vf",
                          f"crop={crop},format=gray", "-f", "rawvideo", "-"], capture_output=True, check=True).stdout
    return sum(raw) / len(raw)


def loudness(path: str) -> float:
    """Mean volume in dB."""
    out = subprocess.run(["ffmpeg", "-nostdin", "-i", path, "-vn", "-af", "volumedetect", "-f", "null", "-"],
                         capture_output=True, text=True, check=True).stderr
    return float(re.search(r"mean_volume: (-?[\d.]+|-inf) dB", out).group(1))


@pytest.mark.browser
def test_compose(room, server, recorder, tmp_path, record):
    """Two participants become one file, side by side or with the speaker large, and their sound is in it."""
    quiet = room.join("node", "quiet")
    loud = room.join("chromium", "loud")
    first = quiet.call("publishVideo", width=320, height=240, fps=15)["sid"]
    second = loud.call("publishVideo", width=320, height=180, fps=15)["sid"]
    audio = loud.call("publishAudio", toneHz=500)["sid"]
    recording = recorder(server, room)
    for sid in (first, second, audio):
        wait_seconds(recording, sid, 5)
    recording.finish()
    spans = [(f["start_us"], f["start_us"] + f["duration_us"]) for sid in (first, second, audio) for f in recording.files(sid)]
    begun, ended = min(start for start, _ in spans), max(end for _, end in spans)
    # In the middle of the time for which there is all of it.
    middle = ((max(start for start, _ in spans) + min(end for _, end in spans)) / 2 - begun) / 1e6
    for layout, suffix in (("grid", "mp4"), ("speaker", "webm")):
        out = str(tmp_path / f"{layout}.{suffix}")
        lines = compose(recording, out, "--layout", layout)
        summary = lines[-1]
        assert summary["summary"] and summary["shown_max"] == 2 and not summary["unreadable"], summary
        assert any("done" in line for line in lines[:-1]), "no progress was shown"
        record(**{f"{layout}_took_s": summary["took_s"], "seconds": summary["seconds"]})
        assert summary["seconds"] == pytest.approx((ended - begun) / 1e6, abs=1.5)
        assert decode(out)["frames"] == summary["pictures"]
        assert loudness(out) > -50
        if layout == "grid":
            assert brightness(out, middle, "320:180:0:90") > 25 and brightness(out, middle, "320:180:320:90") > 25
        else:
            assert brightness(out, middle, "480:270:0:45") > 25
            # One small picture at the top right; the rest of the column is empty.
            assert brightness(out, middle, "160:90:480:0") > 25 > 20 > brightness(out, middle, "160:180:480:180")
        played = play(loud, out)
        assert (played["width"], played["height"]) == (640, 360) and played["frames"] > 30, played


def test_compose_refuses(tmp_path):
    """What is no recording, and what cannot be written: a sentence each."""
    done = subprocess.run([*program(), "record", "compose", str(tmp_path), "-o", str(tmp_path / "x.mp4")],
                          capture_output=True, text=True)
    assert done.returncode == 1 and "manifest.json" in done.stderr
    (tmp_path / "manifest.json").write_text('{"tracks": [{"kind": "video", "files": [{"file": "../../etc/passwd"}]}]}')
    done = subprocess.run([*program(), "record", "compose", str(tmp_path), "-o", str(tmp_path / "x.mp4")],
                          capture_output=True, text=True)
    assert done.returncode == 1 and not (tmp_path / "x.mp4").exists(), done
