# SPDX-License-Identifier: Apache-2.0
"""`auralink record` when the server or the network goes for a while: it joins again and goes on."""

from __future__ import annotations

import socket


from lib.driver import eventually
from lib.media import Media
from lib.netem import Forwarder, Impairment
from lib.ports import free_port
from lib.recording import Recording, decode
from lib.server import Server
from test_sender import SMALL


def video_seconds(recording: Recording) -> float:
    try:
        return sum(f["duration_us"] for t in recording.tracks() if t["kind"] == "video" for f in t["files"]) / 1e6
    except FileNotFoundError:
        return 0


def until_seconds(recording: Recording, seconds: float) -> None:
    def enough():
        assert recording.process.poll() is None, recording.log()
        return video_seconds(recording) >= seconds

    eventually(enough, 90, 0.3, f"{seconds} s of pictures")


def types(recording: Recording) -> list[str]:
    return [e["type"] for e in recording.manifest()["events"]]


def test_restart(tmp_path, request):
    """The server is killed and comes back with an empty room: new files of the new tracks, in the same recording."""
    ports = {"http": free_port(), "udp": free_port(socket.SOCK_DGRAM), "tcp": free_port()}
    room = request.node.name
    first = Server(ports=ports)
    sender = recording = None
    try:
        sender = Media("publish", first.url, room, "test", *SMALL)
        recording = Recording(first.url, room, tmp_path / "recording", "--min-free-mb", "1")
        until_seconds(recording, 3)
        first.process.kill()
        first.process.wait()
    finally:
        first.cleanup()
    second = Server(ports=ports)
    try:
        eventually(lambda: "connection_returned" in types(recording), 90, 0.3, "the recorder is back")
        before = video_seconds(recording)
        until_seconds(recording, before + 3)
        summary = recording.finish()
        assert summary["end"] == "stopped", summary
        manifest = recording.manifest()
        [away] = manifest["interruptions"]
        assert away["until_us"] > away["from_us"] > 0 and away["why"], away
        videos = [t for t in manifest["tracks"] if t["kind"] == "video"]
        assert len({t["sid"] for t in videos}) == 2, videos
        assert len([p for p in manifest["participants"] if p["identity"] == "publisher" and "left_us" in p]) == 1, manifest["participants"]
        for track in videos:
            for one in recording.files(track["sid"]):
                assert decode(one["path"])["frames"] == one["frames"] > 0
    finally:
        for one in (sender, recording):
            if one:
                one.close()
        second.stop()
        second.cleanup()


def test_cut(tmp_path, request, server):
    """The recorder's line is cut until it gives its connection up: it comes back, and the file goes on behind a gap."""
    line = Forwarder(("127.0.0.1", server.udp_port), signal_target=server.url)
    room = request.node.name
    sender = recording = None
    try:
        sender = Media("publish", server.url, room, "test", *SMALL)
        recording = Recording(line.ws_url, room, tmp_path / "recording", "--min-free-mb", "1")
        until_seconds(recording, 3)
        line.impair(Impairment(loss=1), Impairment(loss=1))
        eventually(lambda: "connection_lost" in types(recording), 90, 0.3, "the loss is noticed")
        line.impair(Impairment(), Impairment())
        eventually(lambda: "connection_returned" in types(recording), 90, 0.3, "the recorder is back")
        frames = sum(f["frames"] for t in recording.tracks() for f in t["files"])
        eventually(lambda: sum(f["frames"] for t in recording.tracks() for f in t["files"]) > frames + 40, 60, 0.3, "more")
        assert recording.finish()["end"] == "stopped"
        [video] = [t for t in recording.tracks() if t["kind"] == "video"]
        files = recording.files(video["sid"])
        assert sum(f["gaps"] for f in files) >= 1 or len(files) > 1, files
        for one in files:
            assert decode(one["path"])["frames"] == one["frames"] > 0
        assert recording.manifest()["interruptions"][0]["until_us"] > 0
    finally:
        for one in (sender, recording):
            if one:
                one.close()
        line.close()


def test_patience_ends(tmp_path, request):
    """Without patience the recording ends with the server, with whole files and a sentence."""
    server = Server()
    sender = recording = None
    try:
        sender = Media("publish", server.url, request.node.name, "test", *SMALL)
        recording = Recording(server.url, request.node.name, tmp_path / "recording", "--min-free-mb", "1", "--patience", "0")
        until_seconds(recording, 2)
        server.process.kill()
        server.process.wait()
        assert recording.process.wait(60) == 1
        assert recording.manifest()["complete"] and recording.manifest()["end"] == "connection_lost"
    finally:
        for one in (sender, recording):
            if one:
                one.close()
        server.cleanup()
