# SPDX-License-Identifier: Apache-2.0
"""WHIP publishers and WHEP players made of aiortc (PyPI), which knows nothing of LiveKit."""

from __future__ import annotations

import asyncio
import fractions
import threading
import time
import urllib.error
import urllib.request

import av
import numpy as np
from aiortc import AudioStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.mediastreams import MediaStreamError

from lib.pattern import AudioWatch, TestPicture, VideoWatch

_loop = asyncio.new_event_loop()
threading.Thread(target=_loop.run_forever, daemon=True).start()


def run(coroutine, timeout: float = 90):
    return asyncio.run_coroutine_threadsafe(coroutine, _loop).result(timeout)


def http(method: str, url: str, token: str | None = None, body: bytes | None = None, headers: dict | None = None):
    """(status, text, headers); HTTP errors are results, not exceptions."""
    request = urllib.request.Request(url, body, headers or {}, method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


class PictureTrack(VideoStreamTrack):
    def __init__(self, width: int, height: int, fps: int):
        super().__init__()
        self._picture, self._fps, self._n = TestPicture(width, height), fps, 0
        self._size = (width, height)
        self._begun = 0.0

    async def recv(self):
        self._begun = self._begun or time.monotonic()
        await asyncio.sleep(max(0, self._begun + self._n / self._fps - time.monotonic()))
        width, height = self._size
        data = np.frombuffer(bytes(self._picture.frame(self._n)), np.uint8)
        frame = av.VideoFrame.from_ndarray(data.reshape(height * 3 // 2, width), "yuv420p")
        frame.pts = self._n * 90000 // self._fps
        frame.time_base = fractions.Fraction(1, 90000)
        self._n += 1
        return frame


class ToneTrack(AudioStreamTrack):
    """A sine tone; `loud` may be switched while it plays."""

    def __init__(self, hz: float, loud: bool = True):
        super().__init__()
        self._hz, self._n, self._begun, self.loud = hz, 0, 0.0, loud

    async def recv(self):
        self._begun = self._begun or time.monotonic()
        await asyncio.sleep(max(0, self._begun + self._n / 48000 - time.monotonic()))
        t = (np.arange(960) + self._n) / 48000
        wave = (np.sin(2 * np.pi * self._hz * t) * (9000 if self.loud else 0)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, self._n, fractions.Fraction(1, 48000)
        self._n += 960
        return frame


class Session:
    """What WHIP and WHEP have in common: `pc`, and the session's `location`, `etag`, `answer`, `headers`."""

    def __init__(self, endpoint: str, token: str):
        self.endpoint, self.token = endpoint, token

    def configuration(self) -> RTCConfiguration:
        return RTCConfiguration(iceServers=[])

    async def _open(self) -> None:
        self.pc = RTCPeerConnection(self.configuration())
        self._add_media()
        await self.pc.setLocalDescription(await self.pc.createOffer())
        self.offer = self.pc.localDescription.sdp
        status, text, headers = await asyncio.to_thread(
            http, "POST", self.endpoint, self.token, self.offer.encode(), {"Content-Type": "application/sdp"}
        )
        assert status == 201, f"{status} {text}"
        assert headers["Content-Type"] == "application/sdp"
        self.answer, self.headers, self.etag = text, headers, headers["ETag"]
        self.location = self.endpoint[: self.endpoint.index("/", 8)] + headers["Location"]
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp=text, type="answer"))

    def open(self):
        run(self._open())
        return self

    def delete(self) -> int:
        return http("DELETE", self.location, self.token)[0]

    def close(self) -> None:
        run(self.pc.close())


class Publisher(Session):
    def __init__(self, endpoint: str, token: str, video=(320, 240, 15), tone_hz: float | None = 440, loud: bool = True):
        super().__init__(endpoint, token)
        self._video, self._tone, self._loud = video, tone_hz, loud

    def _add_media(self) -> None:
        if self._tone:
            self.tone = ToneTrack(self._tone, self._loud)
            self.pc.addTransceiver(self.tone, direction="sendonly")
        if self._video:
            self.pc.addTransceiver(PictureTrack(*self._video), direction="sendonly")


class Player(Session):
    def _add_media(self) -> None:
        self.video, self.audio, self.kinds, self._tasks = VideoWatch(), AudioWatch(), [], []
        self.size, self.rate_hz = None, 0.0
        self.pc.on("track", self._track)
        self.pc.addTransceiver("audio", direction="recvonly")
        self.pc.addTransceiver("video", direction="recvonly")

    def _track(self, track) -> None:
        self.kinds.append(track.kind)
        self._tasks.append(asyncio.ensure_future(self._watch(track)))

    async def _watch(self, track) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if track.kind == "video":
                self.video.arrived(time.time() * 1000, frame.reformat(format="gray").to_ndarray())
                self.size = (frame.width, frame.height)
            else:
                data = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0].astype(float)
                self.audio.arrived(data, frame.sample_rate)
                self._pitch(data, frame.sample_rate)

    def _pitch(self, data, rate: int) -> None:
        crossings = np.count_nonzero((data[:-1] < 0) & (data[1:] >= 0))
        if np.sqrt(np.mean((data / 32768) ** 2)) > 0.02:
            hz = crossings * rate / len(data)
            self.rate_hz = 0.9 * self.rate_hz + 0.1 * hz if self.rate_hz else hz
