# SPDX-License-Identifier: Apache-2.0
"""Recordings by LiveKit's Egress API: npm livekit-server-sdk's EgressClient starts, lists and stops them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess

import pytest

from lib import tokens
from lib.driver import HERE, eventually
from lib.recording import decode, probe


class EgressError(Exception):
    def __init__(self, answer: dict):
        super().__init__(answer["error"])
        self.code, self.status = answer["code"], answer["status"]


class Egress:
    def __init__(self, server, key=tokens.KEY, secret=tokens.SECRET):
        self.url, self.key, self.secret = server.http_url, key, secret

    def call(self, method: str, **request):
        done = subprocess.run(["node", "clients/egress_sdk.mjs", self.url, self.key, self.secret, method,
                               json.dumps(request)], cwd=HERE, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        if "error" in answer:
            raise EgressError(answer)
        return answer["ok"]

    def info(self, egress_id: str) -> dict:
        [one] = self.call("list", id=egress_id)
        return one

    def until(self, egress_id: str, *states: str) -> dict:
        def reached():
            one = self.info(egress_id)
            return one if one.get("status", "EGRESS_STARTING") in states else None

        return eventually(reached, 60, 0.3, f"{egress_id} is {states}")


@pytest.fixture
def recording_server(start_server, tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    server = start_server(config={"record": {"folder": str(folder), "min_free_mb": 1, "max": 2}})
    server.recordings = str(folder)
    return server


@pytest.fixture
def publisher(recording_server, room_on):
    """A room with one participant who sends a picture and a tone."""
    room = room_on(recording_server)
    sender = room.join("node", "sender")
    sender.room_name = room.name
    sender.video = sender.call("publishVideo", width=320, height=240, fps=15)["sid"]
    sender.audio = sender.call("publishAudio", toneHz=500)["sid"]
    return sender


def children(server) -> list[list[str]]:
    """Command lines of the server's recorders."""
    out = subprocess.run(["ps", "-ww", "-o", "args=", "--ppid", str(server.pid)], capture_output=True, text=True).stdout
    return [line.split() for line in out.splitlines() if " record " in line]


def recorded_for(server, egress_id: str, seconds: float) -> None:
    path = os.path.join(server.recordings, egress_id, "manifest.json")

    def enough():
        if not os.path.exists(path):
            return False
        with open(path) as file:
            files = [f for t in json.load(file)["tracks"] for f in t["files"]]
        return files and max(f["duration_us"] for f in files) >= seconds * 1e6

    eventually(enough, 60, 0.3, f"{seconds} s of {egress_id}")


def test_room(recording_server, publisher):
    """A room becomes one MP4: started, seen active, stopped, complete, and it plays."""
    egress = Egress(recording_server)
    begun = egress.call("room", room=publisher.room_name, filepath="{room_name}/my {time}.mp4", layout="speaker")
    assert begun["egress_id"].startswith("EG_") and begun["room_name"] == publisher.room_name, begun
    egress.until(begun["egress_id"], "EGRESS_ACTIVE")
    [child] = children(recording_server)
    assert tokens.SECRET not in " ".join(child) and not any(word.startswith("eyJ") for word in child), child
    assert [e["egress_id"] for e in egress.call("list", active=True)] == [begun["egress_id"]]
    assert publisher.find("participantConnected") is None, "the recorder was seen"
    recorded_for(recording_server, begun["egress_id"], 4)
    assert egress.call("stop", id=begun["egress_id"])["status"] == "EGRESS_ENDING"
    done = egress.until(begun["egress_id"], "EGRESS_COMPLETE", "EGRESS_FAILED")
    assert done["status"] == "EGRESS_COMPLETE", done
    [result] = done["file_results"]
    assert re.fullmatch(re.escape(publisher.room_name) + r"/my \d{4}-\d\d-\d\dT\d{6}\.mp4", result["filename"]), result
    assert result["location"] == os.path.join(recording_server.recordings, result["filename"]), result
    assert done["file"] == result and done["room_composite"]["room_name"] == publisher.room_name, done
    assert done["manifest_location"] == os.path.join(recording_server.recordings, begun["egress_id"], "manifest.json")
    assert int(result["size"]) == os.path.getsize(result["location"])
    assert decode(result["location"])["frames"] > 60
    assert int(done["ended_at"]) > int(done["started_at"])
    assert egress.call("list", active=True) == []
    with pytest.raises(EgressError) as refused:
        egress.call("stop", id=begun["egress_id"])
    assert (refused.value.code, refused.value.status) == ("failed_precondition", 412)


def test_track_and_participant(recording_server, publisher):
    """A track as it is; a participant as one WebM, at the same time. A third is one too many."""
    egress = Egress(recording_server)
    track = egress.call("track", room=publisher.room_name, track=publisher.audio, filepath="{track_type}/{track_id}")["egress_id"]
    person = egress.call("participant", room=publisher.room_name, identity="sender", filepath="p.webm")["egress_id"]
    with pytest.raises(EgressError) as refused:
        egress.call("track", room=publisher.room_name, track=publisher.video, filepath="x")
    assert refused.value.code == "resource_exhausted"
    for one in (track, person):
        recorded_for(recording_server, one, 3)
        egress.call("stop", id=one)
    [result] = egress.until(track, "EGRESS_COMPLETE")["file_results"]
    assert probe(result["location"])["codec_name"] == "opus"
    assert result["filename"] == f"audio/{publisher.audio}.webm"
    assert int(result["duration"]) / 1e9 == pytest.approx(decode(result["location"])["seconds"], abs=0.3)
    [result] = egress.until(person, "EGRESS_COMPLETE")["file_results"]
    assert result["filename"] == "p.webm" and decode(result["location"])["frames"] > 30
    assert {e["egress_id"] for e in egress.call("list", room=publisher.room_name)} == {track, person}
    assert egress.call("list", room="another") == []


def counters(server) -> dict[str, float]:
    """What /metrics says of recordings, by the name behind auralink_recording."""
    return {k.removeprefix("auralink_recording"): v for k, v in server.metrics().items()
            if k.startswith("auralink_recording")}


def test_counters(recording_server, publisher):
    """/metrics counts recordings from their start to how they end, what they write, and what is composed of it."""
    server, egress = recording_server, Egress(recording_server)
    zero = counters(server)
    assert set(zero.values()) == {0} and len(zero) == 12, zero
    file = egress.call("room", room=publisher.room_name, filepath="file.mp4")["egress_id"]
    killed = egress.call("track", room=publisher.room_name, track=publisher.audio, filepath="x")["egress_id"]
    eventually(lambda: counters(server)['s{state="active"}'] == 2, 60, what="both are active")
    assert counters(server)["s_started_total"] == 2
    recorded_for(server, file, 2)
    recorded_for(server, killed, 2)
    seen = eventually(lambda: (c := counters(server))["_frames_total"] > 0 and c['_bytes_total{stage="recorded"}'] > 0 and c, 60,
                      what="the server knows of both")
    assert seen['_bytes_total{stage="composed"}'] == 0
    eventually(lambda: counters(server)['_bytes_total{stage="recorded"}'] > seen['_bytes_total{stage="recorded"}'], 60,
               what="bytes grow")
    eventually(lambda: counters(server)["_frames_total"] > seen["_frames_total"], 60, what="frames grow")
    os.kill(recorder_of(server, killed), signal.SIGKILL)
    egress.until(killed, "EGRESS_FAILED")
    egress.call("stop", id=file)
    [result] = egress.until(file, "EGRESS_COMPLETE")["file_results"]
    done = counters(server)
    assert [done[f's_ended_total{{result="{how}"}}'] for how in ("complete", "failed", "aborted", "limit")] == [1, 1, 0, 0]
    assert sum(v for k, v in done.items() if k.startswith("s{")) == 0
    assert done['_bytes_total{stage="composed"}'] == os.path.getsize(result["location"])
    with open(os.path.join(server.recordings, file, "manifest.json")) as manifest:
        files = [f for t in json.load(manifest)["tracks"] for f in t["files"]]
    assert done['_bytes_total{stage="recorded"}'] > sum(f["bytes"] for f in files)  # and the other's
    assert done["_frames_total"] > sum(f["frames"] for f in files)
    assert done["_dropped_frames_total"] == 0


def recorder_of(server, egress_id: str) -> int:
    """Process of a recording."""
    out = subprocess.run(["ps", "-ww", "-o", "pid=,args=", "--ppid", str(server.pid)], capture_output=True, text=True)
    [pid] = [int(line.split()[0]) for line in out.stdout.splitlines() if egress_id in line]
    return pid


def test_refused(recording_server, publisher, server):
    """Streams, wrong secrets and unknown ids are refused; without `record:` there is no recorder."""
    egress = Egress(recording_server)
    with pytest.raises(EgressError) as refused:
        egress.call("stream", room=publisher.room_name)
    assert refused.value.code == "unimplemented" and "only file outputs" in str(refused.value)
    with pytest.raises(EgressError) as refused:
        egress.call("stop", id="EG_nobody")
    assert refused.value.code == "not_found"
    with pytest.raises(EgressError) as refused:
        Egress(recording_server, secret="wrong" * 8).call("list")
    assert refused.value.status == 401
    with pytest.raises(EgressError):
        Egress(server).call("list")
    assert not children(recording_server)


def test_recorder_dies(recording_server, publisher):
    """A recorder that is killed is a failed egress, and its files play."""
    egress = Egress(recording_server)
    one = egress.call("track", room=publisher.room_name, track=publisher.video, filepath="x")["egress_id"]
    recorded_for(recording_server, one, 4)
    os.kill(recorder_of(recording_server, one), signal.SIGKILL)
    failed = egress.until(one, "EGRESS_FAILED")
    [result] = failed["file_results"]
    assert decode(result["location"], strict=False)["frames"] > 15
    assert recording_server.alive()


def test_server_ends(recording_server, publisher):
    """With the server its recorders end, in good order."""
    egress = Egress(recording_server)
    one = egress.call("room", room=publisher.room_name, filepath="x")["egress_id"]
    recorded_for(recording_server, one, 3)
    path = os.path.join(recording_server.recordings, one, "manifest.json")
    recording_server.terminate()
    recording_server.wait_exit(60)

    def complete():
        with open(path) as file:
            return json.load(file)["complete"]

    eventually(complete, 60, 0.2, "the manifest is complete")
