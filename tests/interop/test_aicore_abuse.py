# SPDX-License-Identifier: Apache-2.0
"""Bytes that no honest caller sends to AI Core: the caller learns of it, and a track beside it goes on undisturbed."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time

import grpc
import pytest

from lib.aicore import SANITIZED, SERVICE, AICore, schema
from lib.driver import eventually
from lib.proxy import Proxy
from test_aicore import HEIGHT, WIDTH, Caller, Stream, encoded, picture

REFUSALS = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED}
RATE = 10  # frames a second of the track beside
CODECS = {"VP8": "libvpx", "VP9": "libvpx-vp9", "H264": "libx264"}
NAMES = [*CODECS, "AV1"]


@pytest.fixture(scope="module")
def core():
    core = AICore("--without", "governor,faces,person" if SANITIZED else "faces,person")
    yield core
    assert core.stop() == 0


class Track(Caller):
    """An honest track; send() comes by the clock of a thread of its own."""

    def __init__(self, api):
        frames = encoded("libvpx", 40, WIDTH, HEIGHT, 500)
        super().__init__(api, frames)
        self._over = threading.Event()
        self._clock = threading.Thread(target=self._tick, daemon=True)

    def _tick(self) -> None:
        for number in range(10_000):
            if self._over.wait(1 / RATE):
                return
            count = len(self._frames)
            self._sent.append(time.monotonic())
            self._stream.send(self._api.CompressRequest(
                frame=self._frames[number % count], codec=self._api.CODEC_VP8, width=WIDTH, height=HEIGHT,
                rtp_timestamp=3000 * number, key_frame=number == 0, point=self._api.OperatingPoint(fps=RATE)))

    def start(self) -> None:
        super().start()
        self._clock.start()

    def finish(self) -> None:
        self._over.set()
        self._clock.join()
        assert self.end() == len(self.waits) and self.code is None, (self.code, len(self._sent), len(self.waits))


@pytest.fixture
def beside(core, record):
    """A track that begins before the test's mischief and ends after it, every frame answered."""
    with core.channel() as channel:
        track = Track(schema(channel))
        track.start()
        eventually(lambda: len(track.waits) > 3, 60, what="the honest track is let in")
        yield track
        seen = len(track.waits)
        eventually(lambda: len(track.waits) > seen + 5 or track.code, 60, what="the honest track goes on")
        track.finish()
        record(beside_ms_max=max(track.waits) * 1000)
    assert core.process.poll() is None, core.log()


def outcome(api, codec: int, frames: list[bytes], **more):
    """Sends them all on one stream. @return (frames answered, the status it ended with or None)"""
    answers = api.CompressStream(iter([api.CompressRequest(frame=f, codec=codec, rtp_timestamp=3000 * n, **more)
                                       for n, f in enumerate(frames)]), timeout=60)
    count = 0
    try:
        for _ in answers:
            count += 1
    except grpc.RpcError as error:
        return count, error.code()
    return count, None


def opened(api, codec: int, frames: list[bytes], **more):
    """The same, a little later when it comes too often or while there is no room."""
    return eventually(lambda: (o := outcome(api, codec, frames, **more))[1] != grpc.StatusCode.RESOURCE_EXHAUSTED and o,
                      60, 0.2, "a stream is let in")


def coded(api, name: str, count: int) -> list[bytes]:
    """Good frames. Those of AV1 are AI Core's own."""
    if name in CODECS:
        return encoded(CODECS[name], count, WIDTH, HEIGHT, 500)
    stream, out = Stream(api), []
    for n in range(count):
        stream.send(api.CompressRequest(frame=picture(n).tobytes(), codec=api.CODEC_I420, width=WIDTH, height=HEIGHT,
                                        rtp_timestamp=3000 * n))
        out.append(next(stream.answers).frame)
    stream.close()
    return out


@pytest.mark.parametrize("name", NAMES)
def test_spoilt_frames(core, beside, name, record):
    """Frames of a real encoder with flipped bits, cut short, or with a part of another one."""
    chance = random.Random(name)
    codes, answered = {}, 0
    with core.channel() as channel:
        api = schema(channel)
        good = coded(api, name, 12)
        codec = getattr(api, f"CODEC_{name}")
        for turn in range(12):
            frames = list(good)
            for n in range(turn % 2, len(frames)):  # every second stream begins with a good key frame
                data = bytearray(frames[n])
                kind = chance.randrange(3)
                if kind == 0:
                    for _ in range(chance.randrange(1, 20)):
                        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
                elif kind == 1:
                    del data[chance.randrange(1, len(data)) if len(data) > 1 else 1:]
                else:
                    data[chance.randrange(len(data)):] = chance.choice(good)[:400]
                frames[n] = bytes(data)
            count, code = opened(api, codec, frames)
            answered += count
            codes[code] = codes.get(code, 0) + 1
    record(answered=answered, ended={str(k): v for k, v in codes.items()})
    assert set(codes) <= {None, grpc.StatusCode.INVALID_ARGUMENT}, codes
    assert grpc.StatusCode.INVALID_ARGUMENT in codes or answered, codes


@pytest.mark.parametrize("claimed, real", [("H264", "VP8"), ("H264", "AV1"), ("VP8", "H264"), ("VP9", "VP8"),
                                           ("AV1", "H264"), ("AV1", "VP8"), ("VP8", "VP9"), ("VP8", "AV1")])
def test_wrong_codec(core, beside, claimed, real):
    """At once, or where a decoder skips what it does not know, after a few frames that show nothing."""
    with core.channel() as channel:
        api = schema(channel)
        count, code = opened(api, getattr(api, f"CODEC_{claimed}"), coded(api, real, 12))
        assert code == grpc.StatusCode.INVALID_ARGUMENT and count <= 8, (count, code)


def test_absurd_sizes(core, beside):
    """A picture of 10 000 x 10 000, claimed or in the key frame's own header; and frames of no bytes."""
    frame = bytearray(encoded("libvpx", 1)[0])
    assert frame[3:6] == b"\x9d\x01\x2a"
    frame[6:10] = struct.pack("<HH", 10_000, 10_000)
    with core.channel() as channel:
        api = schema(channel)
        for codec, data, more in (
            (api.CODEC_VP8, bytes(frame), {}),
            (api.CODEC_VP8, bytes(frame), {"width": 10_000, "height": 10_000}),
            (api.CODEC_VP8, b"", {}),
            (api.CODEC_AV1, b"", {}),
            (api.CODEC_I420, b"x" * 5_000, {"width": 10_000, "height": 10_000}),
            (api.CODEC_I420, b"x" * 5_000, {"width": 0xFFFFFFFF, "height": 0xFFFFFFFF}),
            (api.CODEC_VP8, bytes(100 << 20), {}),
            (99, b"x" * 500, {}),
        ):
            count, code = outcome(api, codec, [data], **more)
            assert count == 0 and code in REFUSALS, (codec, len(data), more, code)


def test_corrupted_wire(core, beside):
    """Bits flip under HTTP/2 itself: the connection may end, nothing else."""
    chance = random.Random(7)

    class Spoiler(Proxy):
        def _send(self, pipe, data):  # called with what is due on either side
            data = bytearray(data)
            if len(data) > 100:
                # Much of it in pixels, where it is only another picture; now and then in a frame's own head.
                reaches = [len(data)] * (len(data) // 2000 + 1) + [9] * (chance.random() < 0.3)
                for reach in reaches:
                    data[chance.randrange(reach)] ^= 1 << chance.randrange(8)
            Proxy._send(pipe, bytes(data))

    frames = [picture(n).tobytes() for n in range(8)]
    ended = 0
    for _ in range(10):
        line = Spoiler(core.address)
        try:
            with grpc.insecure_channel(line.address) as channel:
                # The messages' names come over a line that is whole.
                with core.channel() as whole:
                    api = schema(whole)
                    requests = [api.CompressRequest(frame=f, codec=api.CODEC_I420, width=WIDTH, height=HEIGHT) for f in frames]
                call = channel.stream_stream(f"/{SERVICE}/CompressStream", lambda q: q.SerializeToString(), bytes)
                try:
                    list(call(iter(requests), timeout=10))
                except grpc.RpcError:
                    ended += 1
        finally:
            line.close()
    assert ended, "nothing was spoilt"


def test_not_grpc(core, beside):
    """Other protocols, half a preface, frames of HTTP/2 without sense, and connections that say nothing."""
    chance = random.Random(3)
    host, port = core.address.rsplit(":", 1)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    idle = [socket.create_connection((host, int(port)), 5) for _ in range(50)]
    for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), preface[:9],
                 preface + chance.randbytes(4000), preface + b"\xff\xff\xff" + chance.randbytes(9000),
                 preface + (b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08" * 500), chance.randbytes(100_000)):
        with socket.create_connection((host, int(port)), 5) as line:
            try:
                line.sendall(data)
                line.shutdown(socket.SHUT_WR)
                line.settimeout(2)
                while line.recv(4096):
                    pass
            except OSError:
                pass
    for line in idle:
        line.close()


def test_thousands_of_opens(core, beside, record):
    """One client opens 3000 calls as fast as it can: most are refused, at once, and it costs the others nothing."""
    codes: dict = {}
    begun = time.monotonic()
    with core.channel() as channel:
        api = schema(channel)
        request = api.CompressRequest(frame=b"x" * 200, codec=api.CODEC_VP8)
        calls = []
        for _ in range(3000):
            calls.append(api.Compress.future(request, timeout=60))
            if len(calls) == 100:
                for call in calls:
                    codes[call.code()] = codes.get(call.code(), 0) + 1
                calls = []
    record(codes={str(k): v for k, v in codes.items()})
    assert set(codes) == REFUSALS, codes
    # Fifty a second are let in in the long run, a few seconds' more at first.
    may_be_let_in = 50 * (time.monotonic() - begun + 10)
    assert codes[grpc.StatusCode.RESOURCE_EXHAUSTED] > 3000 - may_be_let_in, codes
