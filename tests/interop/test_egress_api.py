# SPDX-License-Identifier: Apache-2.0
"""The breadth of LiveKit's Egress API through PyPI livekit-api; its webhooks; what rooms record by themselves."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time

import pytest
from livekit import api
from livekit.protocol import egress as pb

from lib import tokens
from lib.driver import eventually
from lib.receiver import Receiver, verify
from lib.recording import decode
from test_egress import Egress, children, recorded_for


def call(server, method: str, request, service: str = "egress"):
    async def run():
        async with api.LiveKitAPI(server.http_url, tokens.KEY, tokens.SECRET) as client:
            return await getattr(getattr(client, service), method)(request)

    return asyncio.run(run())


def refused(server, method: str, request, service: str = "egress") -> tuple[str, str]:
    with pytest.raises(api.TwirpError) as error:
        call(server, method, request, service)
    return error.value.code, error.value.message


@pytest.fixture
def hook():
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def recording_server(start_server, tmp_path, hook):
    folder = tmp_path / "recordings"
    folder.mkdir()
    server = start_server(config={
        "record": {"folder": str(folder), "min_free_mb": 1, "max": 4},
        "webhook": {"api_key": tokens.KEY, "urls": [hook.url], "outbox": str(tmp_path / "webhooks.db")}})
    server.recordings = str(folder)
    return server


def publisher_in(room, picture: bool = True):
    sender = room.join("node", "sender")
    sender.room_name = room.name
    if picture:
        sender.video = sender.call("publishVideo", width=320, height=240, fps=15)["sid"]
    sender.audio = sender.call("publishAudio", toneHz=500)["sid"]
    return sender


def streams(path: str) -> list[str]:
    out = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", path],
                         capture_output=True, text=True, check=True)
    return sorted(out.stdout.split())


def ended(server, egress_id: str) -> dict:
    return Egress(server).until(egress_id, "EGRESS_COMPLETE", "EGRESS_FAILED", "EGRESS_ABORTED")


def told(hook, egress_id: str) -> list[dict]:
    """What webhooks said of one egress, in the order of their numbers."""
    return [json.loads(g["body"]) for g in hook.taken() if json.loads(g["body"]).get("egressInfo", {}).get("egressId") == egress_id]


def test_webhooks(recording_server, room_on, hook):
    """started, updated, ended with EgressInfo, signed, in order with the room's others."""
    sender = publisher_in(room_on(recording_server))
    one = call(recording_server, "start_track_egress", pb.TrackEgressRequest(
        room_name=sender.room_name, track_id=sender.video, file=pb.DirectFileOutput(filepath="hooked")))
    recorded_for(recording_server, one.egress_id, 2)
    call(recording_server, "stop_egress", pb.StopEgressRequest(egress_id=one.egress_id))
    ended(recording_server, one.egress_id)
    eventually(lambda: len(told(hook, one.egress_id)) == 4, 60, 0.2, "four events")
    events = told(hook, one.egress_id)
    assert [(e["event"], e["egressInfo"].get("status", "EGRESS_STARTING")) for e in events] == [
        ("egress_started", "EGRESS_STARTING"), ("egress_updated", "EGRESS_ACTIVE"),
        ("egress_updated", "EGRESS_ENDING"), ("egress_ended", "EGRESS_COMPLETE")], events
    info = events[-1]["egressInfo"]
    assert info["roomName"] == sender.room_name and info["roomId"].startswith("RM_"), info
    assert info["track"]["trackId"] == sender.video and info["fileResults"][0]["filename"] == "hooked.webm", info
    numbers = [int(g["headers"]["X-Auralink-Room-Sequence"]) for g in hook.taken()]
    assert numbers == sorted(numbers) and len(set(numbers)) == len(numbers), "one order with the room's own"
    seen = verify(hook.taken())
    assert not [s for s in seen if "error" in s], seen
    assert [s["event"]["egressInfo"]["egressId"] for s in seen if s["event"]["event"] == "egress_ended"] == [one.egress_id]


def test_start_egress(recording_server, room_on):
    """StartEgress, the newer request: a template without a picture, a participant, two tracks."""
    sender = publisher_in(room_on(recording_server))
    room = sender.room_name

    def begin(filepath: str, **source) -> str:
        return call(recording_server, "start_egress", pb.StartEgressRequest(
            room_name=room, outputs=[pb.Output(file=pb.FileOutput(filepath=filepath))], **source)).egress_id

    sound = begin("v2/sound", template=pb.TemplateSource(audio_only=True))
    person = begin("v2/{publisher_identity}", media=pb.MediaSource(
        participant_video=pb.ParticipantVideo(identity="sender"),
        audio=pb.AudioConfig(routes=[pb.AudioRoute(participant_identity="sender")])),
        advanced=pb.EncodingOptions(width=320, height=180, framerate=10))
    tracks = begin("v2/tracks.webm", media=pb.MediaSource(
        video_track_id=sender.video, audio=pb.AudioConfig(routes=[pb.AudioRoute(track_id=sender.audio)])),
        advanced=pb.EncodingOptions(width=320, height=180, framerate=10))
    for one in (sound, person, tracks):
        recorded_for(recording_server, one, 2)
    assert [e.egress_id for e in call(recording_server, "list_egress", pb.ListEgressRequest(egress_id=person)).items] == [person]
    for one in (sound, person, tracks):
        call(recording_server, "stop_egress", pb.StopEgressRequest(egress_id=one))
    wanted = {sound: ("v2/sound.ogg", ["opus"]), person: ("v2/sender.mp4", ["aac", "h264"]),
              tracks: ("v2/tracks.webm", ["opus", "vp8"])}
    for one, (name, codecs) in wanted.items():
        done = ended(recording_server, one)
        [result] = done["file_results"]
        assert (done["status"], result["filename"]) == ("EGRESS_COMPLETE", name), done
        assert streams(result["location"]) == codecs
        assert decode(result["location"])["seconds"] > 1


def test_layout_is_updated(recording_server, room_on):
    """UpdateLayout of a room's recording; a track's has no layout. A participant's egress ends when they leave."""
    sender = publisher_in(room_on(recording_server))
    person = call(recording_server, "start_participant_egress", pb.ParticipantEgressRequest(
        room_name=sender.room_name, identity="sender", file_outputs=[pb.EncodedFileOutput(filepath="gone/")]))
    room = call(recording_server, "start_room_composite_egress", pb.RoomCompositeEgressRequest(
        room_name=sender.room_name, layout="grid", file_outputs=[pb.EncodedFileOutput(filepath="layout.mp4")],
        advanced=pb.EncodingOptions(width=320, height=180, framerate=10)))
    for one in (person, room):
        recorded_for(recording_server, one.egress_id, 2)
    changed = call(recording_server, "update_layout", pb.UpdateLayoutRequest(egress_id=room.egress_id, layout="single-speaker"))
    assert changed.egress_id == room.egress_id
    assert refused(recording_server, "update_layout", pb.UpdateLayoutRequest(egress_id=person.egress_id, layout="grid"))[0] \
        == "failed_precondition"
    # Before the room is left: it ends soon after, and its recording with it.
    call(recording_server, "stop_egress", pb.StopEgressRequest(egress_id=room.egress_id))
    sender.disconnect()
    done = ended(recording_server, person.egress_id)
    assert done["status"] == "EGRESS_COMPLETE", done
    assert done["file_results"][0]["filename"].startswith("gone/sender-2"), done
    done = ended(recording_server, room.egress_id)
    assert done["status"] == "EGRESS_COMPLETE", done
    assert decode(done["file_results"][0]["location"])["frames"] > 10


def brightness(path: str, *where: str) -> float:
    """Of one picture, 0 to 255: black is 0."""
    raw = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *where, "-i", path, "-frames:v", "1", "-vf",
                          "scale=out_range=full,format=gray", "-f", "rawvideo", "-"], capture_output=True, check=True).stdout
    return sum(raw) / len(raw)


def key_frame_distances(path: str) -> list[float]:
    out = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time,flags", "-of",
                          "csv=p=0", path], capture_output=True, text=True, check=True).stdout
    times = sorted(float(line.split(",")[0]) for line in out.split() if "K" in line.split(",")[1])
    return [b - a for a, b in zip(times, times[1:])]


def test_names_are_shown(recording_server, room_on):
    """A room's file shows who is there without a picture; not with another layout, nor do recordings of one person."""
    sender = publisher_in(room_on(recording_server), picture=False)
    small = pb.EncodingOptions(width=320, height=180, framerate=10, audio_bitrate=32, key_frame_interval=0.5)

    def composite(layout: str) -> str:
        return call(recording_server, "start_room_composite_egress", pb.RoomCompositeEgressRequest(
            room_name=sender.room_name, layout=layout, advanced=small,
            file_outputs=[pb.EncodedFileOutput(filepath=f"{layout}.mp4")])).egress_id

    named, plain, changed = composite("grid"), composite("grid-nolabels"), composite("speaker-light")
    person = call(recording_server, "start_participant_egress", pb.ParticipantEgressRequest(
        room_name=sender.room_name, identity="sender", advanced=small,
        file_outputs=[pb.EncodedFileOutput(filepath="person.mp4")])).egress_id
    everything = (named, plain, changed, person)
    for one in everything:
        recorded_for(recording_server, one, 3)
    call(recording_server, "update_layout", pb.UpdateLayoutRequest(egress_id=changed, layout="speaker-nolabels"))
    after = time.time() + 2

    def recorded_on():
        with open(os.path.join(recording_server.recordings, changed, "manifest.json")) as file:
            files = [f for t in json.load(file)["tracks"] for f in t["files"]]
        return max(f["start_us"] + f["duration_us"] for f in files) > after * 1e6

    eventually(recorded_on, 60, 0.3, "two seconds of the other layout")
    for one in everything:
        call(recording_server, "stop_egress", pb.StopEgressRequest(egress_id=one))
    seen, distances = {}, []
    for one in everything:
        done = ended(recording_server, one)
        assert done["status"] == "EGRESS_COMPLETE", done
        path = done["file_results"][0]["location"]
        distances += key_frame_distances(path)
        seen[one] = (brightness(path, "-ss", "1") > 40, brightness(path, "-sseof", "-0.5") > 40)
    assert max(distances) == pytest.approx(0.5), distances
    assert seen == {named: (True, True), plain: (False, False), changed: (True, False), person: (False, False)}


def test_refusals(recording_server, room_on, tmp_path):
    """What we do not have is said; no path leaves the folder."""
    sender = publisher_in(room_on(recording_server), picture=False)
    room = sender.room_name
    file = pb.EncodedFileOutput(filepath="x.mp4")

    def composite(**fields) -> tuple[str, str]:
        return refused(recording_server, "start_room_composite_egress", pb.RoomCompositeEgressRequest(room_name=room, **fields))

    for outputs in ({"stream_outputs": [pb.StreamOutput(urls=["rtmp://x/y"])]}, {"segment_outputs": [pb.SegmentedFileOutput()]},
                    {"image_outputs": [pb.ImageOutput()]}, {"file_outputs": [file, file]}, {},
                    {"file_outputs": [pb.EncodedFileOutput(filepath="x", s3=pb.S3Upload(bucket="b"))]}):
        code, text = composite(**outputs)
        assert code == "unimplemented" and "only file outputs" in text, (outputs, code, text)
    for fields, word in (({"custom_base_url": "https://x"}, "web pages"),
                         ({"file_outputs": [pb.EncodedFileOutput(file_type=pb.MP3)]}, "file_type"),
                         ({"file_outputs": [pb.EncodedFileOutput(filepath="x.ogg")]}, "audio_only"),
                         ({"file_outputs": [file], "preset": 8}, "preset")):
        code, text = composite(**fields)
        assert code == "unimplemented" and word in text, (fields, code, text)
    for path in ("../x.mp4", "a/../../x.mp4", "/etc/x.mp4", "EG_a/x.mp4", "a//b.mp4"):
        code, text = composite(file_outputs=[pb.EncodedFileOutput(filepath=path)])
        assert code == "invalid_argument" and "filepath" in text, (path, code, text)
    for wrong in ({"width": 321, "height": 200}, {"audio_bitrate": 511}, {"video_bitrate": 100_001},
                  {"key_frame_interval": -1}, {"key_frame_interval": float("nan")}):
        code, text = composite(file_outputs=[file], advanced=pb.EncodingOptions(**wrong))
        assert code == "invalid_argument" and next(iter(wrong)) in text, (wrong, code, text)
    assert refused(recording_server, "start_room_composite_egress", pb.RoomCompositeEgressRequest(
        room_name="nobody", file_outputs=[file])) == ("not_found", "requested room does not exist")
    assert refused(recording_server, "start_track_egress", pb.TrackEgressRequest(
        room_name=room, track_id="TR_none", websocket_url="ws://x"))[0] == "unimplemented"
    assert refused(recording_server, "start_web_egress", pb.WebEgressRequest(url="https://x"))[0] == "unimplemented"
    assert not children(recording_server)
    # A link in the folder is not followed: the recording stays where it was made, and fails with a sentence.
    outside = tmp_path / "outside"
    outside.mkdir()
    os.symlink(outside, os.path.join(recording_server.recordings, "away"))
    one = call(recording_server, "start_track_egress", pb.TrackEgressRequest(
        room_name=room, track_id=sender.audio, file=pb.DirectFileOutput(filepath="away/x"))).egress_id
    recorded_for(recording_server, one, 1)
    call(recording_server, "stop_egress", pb.StopEgressRequest(egress_id=one))
    done = ended(recording_server, one)
    assert done["status"] == "EGRESS_FAILED" and "link" in done["error"], done
    assert not list(outside.iterdir()) and done["file_results"][0]["filename"].startswith(one), done


def test_room_records_itself(recording_server, room_on):
    """CreateRoom with `egress`: the room and every track are recorded without a further word."""
    room = room_on(recording_server)
    outputs = [pb.EncodedFileOutput(filepath="{room_name}-auto.mp4")]
    composite = pb.RoomCompositeEgressRequest(file_outputs=outputs, advanced=pb.EncodingOptions(width=320, height=180, framerate=10))
    code, text = refused(recording_server, "create_room", api.CreateRoomRequest(name=room.name, egress=api.RoomEgress(
        room=pb.RoomCompositeEgressRequest(file_outputs=[pb.EncodedFileOutput(s3=pb.S3Upload(bucket="b"))]))), "room")
    assert code == "unimplemented" and "S3" in text, text
    call(recording_server, "create_room", api.CreateRoomRequest(name=room.name, egress=api.RoomEgress(
        room=composite, tracks=pb.AutoTrackEgress(filepath="auto/{track_type}"))), "room")
    sender = publisher_in(room)

    def begun():
        found = Egress(recording_server).call("list", room=sender.room_name)
        return found if len(found) == 3 else None

    found = eventually(begun, 60, 0.3, "three recordings")
    for one in found:
        recorded_for(recording_server, one["egress_id"], 2)
    call(recording_server, "delete_room", api.DeleteRoomRequest(room=sender.room_name), "room")
    names = set()
    for one in found:
        done = ended(recording_server, one["egress_id"])
        assert done["status"] == "EGRESS_COMPLETE", done
        names |= {f["filename"] for f in done["file_results"]}
    assert names == {f"{sender.room_name}-auto.mp4", "auto/audio.webm", "auto/video.webm"}, names


def test_token_records_participants(recording_server, room_on):
    """roomConfig of a token with `egress.participant`: who publishes is recorded."""
    room = room_on(recording_server)
    config = {"egress": {"participant": {"fileOutputs": [{"filepath": "people/{publisher_identity}.mp4"}],
                                         "advanced": {"width": 320, "height": 180, "framerate": 10}}}}
    now = int(time.time())
    sender = room.join("node", "sender", token=tokens.raw({
        "iss": tokens.KEY, "sub": "sender", "nbf": now - 10, "exp": now + 3600,
        "video": {"roomJoin": True, "room": room.name}, "roomConfig": config}))
    sender.call("publishAudio", toneHz=500)
    [one] = eventually(lambda: Egress(recording_server).call("list", room=room.name), 60, 0.3, "a recording")
    recorded_for(recording_server, one["egress_id"], 2)
    sender.disconnect()
    done = ended(recording_server, one["egress_id"])
    assert done["status"] == "EGRESS_COMPLETE" and done["file_results"][0]["filename"] == "people/sender.mp4", done
    assert done["participant"]["identity"] == "sender", done
