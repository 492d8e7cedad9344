# SPDX-License-Identifier: Apache-2.0
"""Drives any number of PyPI `livekit` rooms in one process; commands as clients/lines.mjs says."""

from __future__ import annotations

import asyncio
import json
import math
import mmap
import os
import sys
import time

import numpy as np
from livekit import rtc

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from lib.pattern import AudioWatch, Lateness, TestPicture, VideoWatch  # noqa: E402


def now_ms() -> float:
    return time.time() * 1000


def emit(message: dict) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def kind_name(kind) -> str:
    return "video" if kind == rtc.TrackKind.KIND_VIDEO else "audio"


def who(participant) -> dict:
    if participant is None:
        return {"identity": "", "psid": ""}
    return {"identity": participant.identity, "psid": participant.sid}


class Client:
    def __init__(self, name: str):
        self.name = name
        self.room = rtc.Room()
        self.watches: dict[str, tuple] = {}
        self.published: dict[str, dict] = {}
        self.data_tracks: dict[str, rtc.RemoteDataTrack] = {}
        self.frames: dict[str, dict] = {}
        self.tasks: set[asyncio.Task] = set()
        self._listen()

    def tell(self, event: str, **fields) -> None:
        emit({"event": event, "client": self.name, "at": now_ms(), **fields})

    def spawn(self, coroutine) -> asyncio.Task:
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def _listen(self) -> None:
        on = self.room.on
        on("participant_connected", lambda p: self.tell("participantConnected", **who(p), name=p.name))
        on("participant_disconnected", lambda p: self.tell("participantDisconnected", **who(p)))
        on("track_published", lambda pub, p: self.tell("trackPublished", **who(p), sid=pub.sid, kind=kind_name(pub.kind)))
        on("track_unpublished", lambda pub, p: self.tell("trackUnpublished", **who(p), sid=pub.sid))
        on("track_subscribed", self._subscribed)
        on("track_unsubscribed", lambda t, pub, p: self.tell("trackUnsubscribed", **who(p), sid=pub.sid))
        on("track_muted", lambda p, pub: self.tell("trackMuted", **who(p), sid=pub.sid))
        on("track_unmuted", lambda p, pub: self.tell("trackUnmuted", **who(p), sid=pub.sid))
        on(
            "active_speakers_changed",
            lambda s: self.tell("activeSpeakersChanged", identities=[p.identity for p in s]),
        )
        on("room_metadata_changed", lambda old, new: self.tell("roomMetadataChanged", metadata=new))
        on(
            "participant_metadata_changed",
            lambda p, old, new: self.tell("participantMetadataChanged", **who(p), metadata=new),
        )
        on("participant_name_changed", lambda p, old, new: self.tell("participantNameChanged", **who(p), name=new))
        on(
            "participant_attributes_changed",
            lambda changed, p: self.tell(
                "participantAttributesChanged", **who(p), changed=changed, attributes=dict(p.attributes)
            ),
        )
        on(
            "connection_quality_changed",
            lambda p, q: self.tell("connectionQualityChanged", **who(p), quality=str(q)),
        )
        on("data_received", self._data)
        on("data_track_published", self._data_track)
        on("data_track_unpublished", lambda sid: self.tell("dataTrackUnpublished", sid=sid))
        on("local_track_subscribed", lambda t: self.tell("localTrackSubscribed", sid=t.sid))
        on("reconnecting", lambda: self.tell("reconnecting"))
        on("reconnected", lambda: self.tell("reconnected"))
        on("disconnected", lambda reason=0: self.tell("disconnected", reason=int(reason)))

    def _data(self, packet) -> None:
        self.tell(
            "dataReceived",
            **who(packet.participant),
            text=packet.data.decode(),
            reliable=packet.kind == rtc.DataPacketKind.KIND_RELIABLE,
            topic=packet.topic or "",
        )

    def _data_track(self, track) -> None:
        self.data_tracks[track.info.sid] = track
        self.tell("dataTrackPublished", sid=track.info.sid, name=track.info.name, identity=track.publisher_identity)

    def _subscribed(self, track, publication, participant) -> None:
        video = track.kind == rtc.TrackKind.KIND_VIDEO
        watch = VideoWatch() if video else AudioWatch()
        self.watches[track.sid] = (watch, participant.identity)
        self.spawn(self._pump_video(track, watch) if video else self._pump_audio(track, watch))
        self.tell(
            "trackSubscribed",
            **who(participant),
            sid=track.sid,
            kind=kind_name(track.kind),
            mime=publication.mime_type,
            encryption=int(publication.encryption_type),
        )

    async def _pump_video(self, track, watch) -> None:
        stream = rtc.VideoStream(track, format=rtc.VideoBufferType.I420)
        async for event in stream:
            frame = event.frame
            luma = np.frombuffer(frame.data, np.uint8, frame.width * frame.height)
            watch.arrived(now_ms(), luma.reshape(frame.height, frame.width))
        await stream.aclose()

    async def _pump_audio(self, track, watch) -> None:
        stream = rtc.AudioStream.from_track(track=track, sample_rate=48000, num_channels=1)
        async for event in stream:
            watch.arrived(np.frombuffer(event.frame.data, np.int16), event.frame.sample_rate)
        await stream.aclose()


CLIENTS: dict[str, Client] = {}
LATENESS = Lateness()


def _frames_of(path: str, size: int):
    """frame(number) of a file of I420 frames one behind the other, over and over."""
    with open(path, "rb") as file:
        kept = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    count = len(kept) // size

    def frame(number: int) -> bytes:
        at = number % count * size
        return kept[at : at + size]

    return frame


async def _send_video(source, width, height, fps, state, file=None) -> None:
    frame = _frames_of(file, width * height * 3 // 2) if file else TestPicture(width, height).frame
    start = time.monotonic()
    while state["running"]:
        data = frame(state["counter"])
        source.capture_frame(
            rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, data),
            timestamp_us=int(time.monotonic() * 1e6),
        )
        state["counter"] += 1
        await asyncio.sleep(max(0.0, start + state["counter"] / fps - time.monotonic()))


async def _send_audio(source, tone_hz, state) -> None:
    position = 0
    while state["running"]:
        t = (position + np.arange(480)) * (2 * math.pi * tone_hz / 48000)
        samples = (np.sin(t) * state["level"] * 32767).astype(np.int16)
        position += 480
        await source.capture_frame(rtc.AudioFrame(samples.tobytes(), 48000, 1, 480))


def frame_bytes(number: int, size: int) -> bytes:
    """Its number, then bytes that follow from it (page.mjs makes the same)."""
    return number.to_bytes(4, "big") + bytes((number + i) & 255 for i in range(size - 4))


def is_frame(payload: bytes) -> bool:
    return len(payload) >= 4 and payload == frame_bytes(int.from_bytes(payload[:4], "big"), len(payload))


async def _send_frames(state, size) -> None:
    while state["running"]:
        try:
            state["track"].try_push(rtc.DataTrackFrame(frame_bytes(state["counter"], size)))
        except rtc.PushFrameError:
            pass  # its own buffer is full: the next one may go
        state["counter"] += 1
        await asyncio.sleep(0.02)


class Commands:
    @staticmethod
    async def connect(m):
        client = CLIENTS[m["client"]] = Client(m["client"])
        options = rtc.RoomOptions(
            auto_subscribe=m.get("autoSubscribe", True),
            dynacast=m.get("dynacast", False),
            single_peer_connection=m.get("singlePc", True),
        )
        if m.get("e2eeKey"):
            options.encryption = rtc.E2EEOptions(
                key_provider_options=rtc.KeyProviderOptions(shared_key=m["e2eeKey"].encode())
            )
        for topic in m.get("topics", ["text"]):
            Commands._streams(client, topic)
        start = time.monotonic()
        try:
            await client.room.connect(m["url"], m["token"], options)
        except Exception:
            CLIENTS.pop(m["client"], None)
            raise
        me = client.room.local_participant
        return {
            "identity": me.identity,
            "psid": me.sid,
            "connectMs": (time.monotonic() - start) * 1000,
            "at": now_ms(),
        }

    @staticmethod
    def _streams(client, topic):
        async def text(reader, identity):
            client.tell("textStream", identity=identity, topic=topic, text=await reader.read_all())

        async def data(reader, identity):
            blob = b"".join([chunk async for chunk in reader])
            total = 0
            for byte in blob:
                total = (total * 31 + byte) & 0xFFFFFFFF
            client.tell("byteStream", identity=identity, topic=topic, size=len(blob), sum=total)

        client.room.register_text_stream_handler(topic, lambda r, i: client.spawn(text(r, i)) and None)
        client.room.register_byte_stream_handler(topic, lambda r, i: client.spawn(data(r, i)) and None)

    @staticmethod
    async def publishVideo(m):
        client = CLIENTS[m["client"]]
        width, height, fps = m.get("width", 640), m.get("height", 360), m.get("fps", 25)
        source = rtc.VideoSource(width, height)
        track = rtc.LocalVideoTrack.create_video_track(m.get("name", "camera"), source)
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_CAMERA, simulcast=m.get("simulcast", False)
        )
        if m.get("codec"):
            options.video_codec = rtc.VideoCodec.Value(m["codec"].upper())
        if m.get("bitrate"):
            options.video_encoding.CopyFrom(rtc.VideoEncoding(max_bitrate=m["bitrate"], max_framerate=fps))
        publication = await client.room.local_participant.publish_track(track, options)
        state = {"running": True, "counter": 0, "track": track, "mostKbps": m.get("bitrate", 0) / 1000}
        state["task"] = client.spawn(_send_video(source, width, height, fps, state, m.get("file")))
        client.published[publication.sid] = state
        return {"sid": publication.sid}

    @staticmethod
    async def publishAudio(m):
        client = CLIENTS[m["client"]]
        source = rtc.AudioSource(48000, 1, queue_size_ms=200)
        track = rtc.LocalAudioTrack.create_audio_track(m.get("name", "mic"), source)
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_MICROPHONE, red=m.get("red", True), dtx=m.get("dtx", True)
        )
        publication = await client.room.local_participant.publish_track(track, options)
        state = {"running": True, "level": 0.3, "track": track, "counter": 0}
        state["task"] = client.spawn(_send_audio(source, m.get("toneHz", 440), state))
        client.published[publication.sid] = state
        return {"sid": publication.sid}

    @staticmethod
    async def setLevel(m):
        CLIENTS[m["client"]].published[m["sid"]]["level"] = m["level"]

    @staticmethod
    async def mute(m):
        track = CLIENTS[m["client"]].published[m["sid"]]["track"]
        if m["on"]:
            track.mute()
        else:
            track.unmute()

    @staticmethod
    async def unpublish(m):
        client = CLIENTS[m["client"]]
        state = client.published.pop(m["sid"])
        state["running"] = False
        await client.room.local_participant.unpublish_track(m["sid"])

    @staticmethod
    async def sent(m):
        return CLIENTS[m["client"]].published[m["sid"]]["counter"]

    @staticmethod
    async def sending(m):
        """What is sent of a picture now, as meet_probe.mjs tells it of a page."""
        state = CLIENTS[m["client"]].published[m["sid"]]
        for s in await state["track"].get_stats():
            if s.HasField("outbound_rtp"):
                out = s.outbound_rtp.outbound
                return {"width": out.frame_width, "height": out.frame_height, "fps": out.frames_per_second,
                        "kbps": out.target_bitrate / 1000, "mostKbps": state["mostKbps"]}
        return None

    @staticmethod
    async def setMetadata(m):
        await CLIENTS[m["client"]].room.local_participant.set_metadata(m["metadata"])

    @staticmethod
    async def setName(m):
        await CLIENTS[m["client"]].room.local_participant.set_name(m["name"])

    @staticmethod
    async def setAttributes(m):
        await CLIENTS[m["client"]].room.local_participant.set_attributes(m["attributes"])

    @staticmethod
    async def setPermission(m):
        allowed = [
            rtc.ParticipantTrackPermission(participant_identity=i, allow_all=True) for i in m.get("identities", [])
        ]
        CLIENTS[m["client"]].room.local_participant.set_track_subscription_permissions(
            allow_all_participants=m["all"], participant_permissions=allowed
        )

    @staticmethod
    async def subscribe(m):
        for participant in CLIENTS[m["client"]].room.remote_participants.values():
            publication = participant.track_publications.get(m["sid"])
            if publication:
                publication.set_subscribed(m["on"])
                return
        raise KeyError(f"no remote track {m['sid']}")

    @staticmethod
    async def sendData(m):
        await CLIENTS[m["client"]].room.local_participant.publish_data(
            m["text"].encode(),
            reliable=m.get("reliable", True),
            topic=m.get("topic", ""),
            destination_identities=m.get("to") or [],
        )

    @staticmethod
    async def publishDataTrack(m):
        client = CLIENTS[m["client"]]
        track = await client.room.local_participant.publish_data_track(name=m["name"])
        state = {"running": True, "track": track, "counter": 0}
        client.published[track.info.sid] = state
        client.spawn(_send_frames(state, m["size"]))
        return {"sid": track.info.sid}

    @staticmethod
    async def unpublishDataTrack(m):
        state = CLIENTS[m["client"]].published.pop(m["sid"])
        state["running"] = False
        await state["track"].unpublish()

    @staticmethod
    async def subscribeDataTrack(m):
        client = CLIENTS[m["client"]]
        stream = client.data_tracks[m["sid"]].subscribe()
        counts = client.frames[m["sid"]] = {"good": 0, "bad": 0, "stream": stream}

        async def read():
            async for frame in stream:
                counts["good" if is_frame(frame.payload) else "bad"] += 1
            client.tell("dataTrackEnded", sid=m["sid"])

        client.spawn(read())

    @staticmethod
    async def unsubscribeDataTrack(m):
        await CLIENTS[m["client"]].frames[m["sid"]]["stream"].aclose()

    @staticmethod
    async def dataFrames(m):
        counts = CLIENTS[m["client"]].frames[m["sid"]]
        return {"good": counts["good"], "bad": counts["bad"]}

    @staticmethod
    async def sendText(m):
        text = m["text"] if "text" in m else "x" * m["size"]
        await CLIENTS[m["client"]].room.local_participant.send_text(
            text, topic=m.get("topic", "text"), destination_identities=m.get("to")
        )

    @staticmethod
    async def sendBytes(m):
        blob = bytes((i * 7 + 3) & 255 for i in range(m["size"]))
        total = 0
        for byte in blob:
            total = (total * 31 + byte) & 0xFFFFFFFF
        writer = await CLIENTS[m["client"]].room.local_participant.stream_bytes(
            "blob", total_size=m["size"], topic=m.get("topic", "text"), destination_identities=m.get("to")
        )
        await writer.write(blob)
        await writer.aclose()
        return {"sum": total}

    @staticmethod
    async def registerRpc(m):
        method = m["method"]

        async def handler(data):
            return f"{method}:{data.payload}"

        CLIENTS[m["client"]].room.local_participant.register_rpc_method(method, handler)

    @staticmethod
    async def rpc(m):
        return await CLIENTS[m["client"]].room.local_participant.perform_rpc(
            destination_identity=m["to"],
            method=m["method"],
            payload=m["payload"],
            response_timeout=m.get("timeoutMs", 30_000) / 1000,
        )

    @staticmethod
    async def reset(m):
        for watch, _ in CLIENTS[m["client"]].watches.values():
            watch.reset()

    @staticmethod
    async def stats(m):
        out = {}
        for sid, (watch, identity) in CLIENTS[m["client"]].watches.items():
            summary = watch.summary(now_ms()) if isinstance(watch, VideoWatch) else watch.summary()
            out[sid] = {"identity": identity, **summary}
        return out

    @staticmethod
    async def late(m):
        return LATENESS.within(m["ms"])

    @staticmethod
    async def participants(m):
        return {
            p.identity: {
                "psid": p.sid,
                "name": p.name,
                "metadata": p.metadata,
                "attributes": dict(p.attributes),
                "tracks": [
                    {"sid": t.sid, "kind": kind_name(t.kind), "muted": t.muted}
                    for t in p.track_publications.values()
                ],
            }
            for p in CLIENTS[m["client"]].room.remote_participants.values()
        }

    @staticmethod
    async def disconnect(m):
        client = CLIENTS.pop(m["client"])
        for state in client.published.values():
            state["running"] = False
        await client.room.disconnect()


async def answer(message: dict) -> None:
    try:
        handler = getattr(Commands, message["cmd"], None)
        if handler is None or message["cmd"].startswith("_"):
            raise NotImplementedError(f"this client has no command {message['cmd']}")
        emit({"id": message["id"], "ok": await handler(message)})
    except Exception as error:  # whatever an SDK throws is the test's to judge
        emit({"id": message["id"], "error": str(error) or repr(error), "name": type(error).__name__})


async def main() -> None:
    reader = asyncio.StreamReader(limit=1 << 24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    pending = {asyncio.ensure_future(LATENESS.watch())}
    emit({"event": "ready", "client": ""})
    while line := await reader.readline():
        task = asyncio.ensure_future(answer(json.loads(line)))
        pending.add(task)
        task.add_done_callback(pending.discard)


if __name__ == "__main__":
    asyncio.run(main())
