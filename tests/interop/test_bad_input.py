# SPDX-License-Identifier: Apache-2.0
"""Hostile peers: a clear error where there is one, a counter, and the call beside them goes on."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import struct
import time
import zlib

import pytest
from livekit.protocol import models, rtc as proto

from conftest import Room
from lib import tokens
from lib.driver import PATIENCE_S, at_most, eventually
from lib.server import Server
from lib.signalling import Signal, join_request, refused


@pytest.fixture(scope="module")
def call_beside(drivers, _shared_server):
    """A call that runs while all tests of this file do: (receiver, sender, video, audio)."""
    room = Room(drivers, _shared_server, f"beside-{time.time()}")
    receiver = room.join("node", "receiver")
    sender = room.join("node", "sender")
    video = sender.call("publishVideo", width=320, height=180, fps=20, bitrate=200_000)["sid"]
    audio = sender.call("publishAudio", toneHz=440)["sid"]
    # The encoder drops frames in its first second, while it learns the bandwidth.
    receiver.until(video, lambda s: s["distinct"] > 60, 60)
    receiver.until(audio, lambda s: s["loudSeconds"] > 0.3, 60)
    yield receiver, sender, video, audio
    room.close()


@pytest.fixture
def running_call(call_beside, server):
    """The call beside must notice nothing of what the test does: checked after the test's body."""
    receiver, sender, video, audio = call_beside

    def pictures(client, way: str) -> int:
        return sum(client.call("frameCounts")[way].values())

    receiver.call("reset")
    # What was sent is counted within the time for which arrivals are. A busy encoder or decoder leaves pictures out.
    arrived, sent = pictures(receiver, "received"), pictures(sender, "sent")
    yield
    receiver.until(video, lambda s: s["distinct"] > 20, what="the picture stopped")
    receiver.until(video, lambda s: s["sinceLastMs"] < 300, what="the picture stopped")
    sent, arrived = pictures(sender, "sent") - sent, pictures(receiver, "received") - arrived
    seen, heard = receiver.track(video), receiver.track(audio)
    assert arrived > 0.9 * sent > 0, f"the call beside suffered: {arrived} of {sent} pictures, {seen}"
    assert seen["maxGapMs"] < at_most(1500, receiver, sender), seen
    assert heard["maxSilentMs"] < at_most(500, receiver, sender), heard
    assert server.alive()


def grows(server, metric: str, do, *, timeout: float = 10):
    """Runs do() and asserts that a counter whose name contains `metric` grows."""
    if Server.is_reference():
        do()
        return
    before = server.metric(metric)
    do()
    eventually(lambda: server.metric(metric) > before, timeout, what=f"counter {metric} grows")


def udp_send(server, packets):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number, packet in enumerate(packets):
            sock.sendto(packet, (server.host, server.udp_port))
            if number % 200 == 199:
                time.sleep(0.005)  # a flood, but not one that the kernel drops for us


@pytest.mark.smoke
def test_udp_garbage(server, running_call):
    """Random bytes of every length, and of every first byte that RFC 7983 tells apart."""
    rng = random.Random(1)

    def send():
        packets = [rng.randbytes(size) for size in range(1500)]
        packets += [bytes([first]) + rng.randbytes(60) for first in range(256)]
        packets += [b"", b"\x00", b"\x80", b"\x16\xfe\xfd"]
        packets += [b"\x80\x60" + rng.randbytes(1200) for _ in range(200)]  # RTP of nobody
        packets += [b"\x80\xc8\x00\x06" + rng.randbytes(24) for _ in range(200)]  # RTCP of nobody
        packets += [b"\x16\xfe\xff" + rng.randbytes(40) for _ in range(200)]  # DTLS of nobody
        udp_send(server, packets)

    grows(server, "auralink_drops_total", send)


def stun_binding(username: bytes, rng, *, integrity: bool = True) -> bytes:
    attributes = struct.pack("!HH", 6, len(username)) + username.ljust((len(username) + 3) & ~3, b"\0")
    attributes += struct.pack("!HHI", 0x24, 4, 1)
    if integrity:
        attributes += struct.pack("!HH", 8, 20) + rng.randbytes(20)
    head = struct.pack("!HHI", 1, len(attributes) + 8, 0x2112A442) + rng.randbytes(12)
    body = head + attributes
    crc = (zlib.crc32(body) ^ 0x5354554E) & 0xFFFFFFFF
    return body + struct.pack("!HHI", 0x8028, 4, crc)


def test_stun_flood(server, running_call):
    """Twenty thousand bindings of unknown and forged users."""
    rng = random.Random(2)

    def send():
        for _ in range(20):
            udp_send(server, [stun_binding(b"abcd%06d:efgh" % rng.randrange(10**6), rng) for _ in range(1000)])

    grows(server, "auralink_drops_total", send)


def test_no_amplification(server, running_call):
    """Who has no password gets back at most as many bytes as it sent, and to an address that is not its own nothing useful."""
    rng = random.Random(5)
    signal = Signal(server, tokens.join("known", f"amplification-{time.time()}"), 0)
    try:
        ufrag = re.search(r"a=ice-ufrag:(\S+)", signal.wait("offer").sdp)[1].encode()
        hello = b"\x16\xfe\xfd" + bytes(9) + b"\x00\x40\x01" + rng.randbytes(63)
        asked = [stun_binding(b"", rng), stun_binding(b"nobody:x", rng), stun_binding(ufrag + b":x", rng),
                 stun_binding(ufrag + b":x", rng, integrity=False), hello, b"\x80\x60" + rng.randbytes(200),
                 b"\x80\xce\x00\x02" + rng.randbytes(8)]  # an RTCP key frame request
        for packet in asked:
            # A socket for each: what is answered late to one is not what another got.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
                line.settimeout(0.5)
                before = server.metric("livekit_packet_total", "incoming")
                for _ in range(20):
                    line.sendto(packet, ("127.0.0.1", server.udp_port))
                eventually(lambda: server.metric("livekit_packet_total", "incoming") >= before + 20, what="they have arrived")
                got = 0
                with contextlib.suppress(TimeoutError):
                    while True:
                        got += len(line.recv(2000))
                assert got <= 20 * len(packet), (packet, got)
    finally:
        signal.close()


def test_stun_malformed(server, running_call):
    rng = random.Random(3)
    good = stun_binding(b"user:peer", rng)
    packets = [good[:size] for size in range(len(good))]
    for _ in range(2000):
        broken = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        packets.append(bytes(broken))
    udp_send(server, packets)


def test_tcp_garbage(server, running_call):
    """The ICE-TCP port: garbage, wrong lengths, half a frame, silence, and many of them at once."""
    rng = random.Random(4)
    silent = []
    for number in range(60):
        with contextlib.suppress(OSError):
            sock = socket.create_connection((server.host, server.tcp_port), 2)
            if number % 4 == 0:
                sock.sendall(rng.randbytes(3000))
            elif number % 4 == 1:
                sock.sendall(b"\xff\xff" + rng.randbytes(100))
            elif number % 4 == 2:
                sock.sendall(struct.pack("!H", 100) + stun_binding(b"no:body", rng)[:40])
            silent.append(sock)
    time.sleep(0.5)
    for sock in silent:
        sock.close()


def test_http_garbage(server, running_call):
    """The HTTP port: not HTTP, endless headers, endless request lines, TLS, half requests."""
    rng = random.Random(5)
    cases = [
        rng.randbytes(4000),
        b"GET " + b"/x" * 40_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-A: " + b"y" * 200_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(5000)) + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(400),
        b"POST /twirp/livekit.RoomService/ListRooms HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /twirp/livekit.RoomService/ListRooms HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /twirp/livekit.RoomService/ListRooms HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /rtc?access_token=" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /rtc HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"GET /%00%ff/../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HT",
    ]
    for case in cases:
        with contextlib.suppress(OSError), socket.create_connection((server.host, server.http_port), 3) as sock:
            sock.settimeout(0.5)
            sock.sendall(case)
            answer = b""
            with contextlib.suppress(OSError):
                answer = sock.recv(4096)
            assert b" 101 " not in answer.split(b"\r\n")[0]
            assert not answer.startswith(b"HTTP/1.1 200") or case.startswith(b"GET / "), case[:60]
    assert server.get("/")[0] == 200


def test_half_open(server, running_call):
    """Two hundred connections that say nothing don't keep anybody out."""
    held = []
    for number in range(200):
        with contextlib.suppress(OSError):
            sock = socket.create_connection((server.host, server.http_port), 2)
            if number % 2:
                sock.sendall(b"GET /rtc HTTP/1.1\r\nHost: a\r\n")
            held.append(sock)
    assert server.get("/")[:2] == (200, "OK")
    with Signal(server, tokens.join("late", "half-open")) as signal:
        signal.wait("join")
    for sock in held:
        sock.close()


def long_sdp(lines: int) -> str:
    head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    media = (
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n"
        "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n"
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\na=rtpmap:111 opus/48000/2\r\n"
    )
    return head + media + "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n" * lines


BAD_SDPS = {
    "empty": "",
    "not sdp": "hello",
    "10000 lines": long_sdp(10_000),
    "endless line": "v=0\r\na=" + "x" * 500_000,
    "1000 sections": long_sdp(0) + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:9\r\n" * 1000,
    "no fingerprint": long_sdp(0).replace("a=fingerprint", "a=fingerprinz"),
    "bad fingerprint": long_sdp(0).replace("AB:AB", "ZZ:"),
    "nul": "v=0\r\no=\0\r\n",
    "broken utf-8 rtpmap": long_sdp(0) + "a=rtpmap:999999999999999999999 x/y/z\r\n",
}


@pytest.mark.parametrize("case", BAD_SDPS)
def test_bad_offers(server, running_call, case):
    """Offers nobody can use: the connection may be ended with a leave, the server and others stay."""
    for version in (0, 1):
        with Signal(server, tokens.join("bad", f"bad-sdp-{version}"), version) as signal:
            signal.wait("join")
            with contextlib.suppress(Exception):
                signal.send(offer=proto.SessionDescription(type="offer", sdp=BAD_SDPS[case], id=1))
                signal.send(ping_req=proto.Ping(timestamp=1))
            with contextlib.suppress(Exception):
                while signal.receive(0.5):
                    pass
    if Server.is_reference() or case == "10000 lines":
        return
    bundled = proto.SessionDescription(type="offer", sdp=BAD_SDPS[case][:4000], id=1)
    refused(server, tokens.join("bad", "bad-sdp-join"), 1, join_request=join_request(publisher_offer=bundled))


def test_bad_signalling(server, running_call):
    """Truncated, oversized, random and senseless messages."""
    rng = random.Random(6)
    room = f"bad-signalling-{time.time()}"
    good = proto.SignalRequest(
        add_track=proto.AddTrackRequest(cid="c", name="n", type=models.VIDEO, source=models.CAMERA)
    ).SerializeToString()
    for frame in [good[:-3], b"\xff" * 50, b"", rng.randbytes(3000), b"\x0a\xff\xff\xff\xff\x0f", b"\x00"]:
        with Signal(server, tokens.join("bad", room)) as signal:
            signal.wait("join")
            signal.send_raw(frame)
            with contextlib.suppress(Exception):
                signal.send(ping_req=proto.Ping(timestamp=1))
                signal.receive(0.5)
    with Signal(server, tokens.join("big", room)) as signal:
        signal.wait("join")
        with contextlib.suppress(Exception):
            signal.send_raw(b"\x7a" + bytes(3 << 20))
        signal.wait_closed(60)
    senseless = [
        {"answer": proto.SessionDescription(type="answer", sdp="v=0", id=99)},
        {"mute": proto.MuteTrackRequest(sid="TR_none", muted=True)},
        {"subscription": proto.UpdateSubscription(track_sids=["TR_x"] * 5000, subscribe=True)},
        {"track_setting": proto.UpdateTrackSettings(track_sids=["TR_x"], width=1 << 31)},
        {"trickle": proto.TrickleRequest(candidateInit="{not json", target=0)},
        {"trickle": proto.TrickleRequest(candidateInit='{"candidate":"' + "x" * 9000 + '"}', target=1)},
        {"update_metadata": proto.UpdateParticipantMetadata(metadata="m" * 600_000)},
        {"update_metadata": proto.UpdateParticipantMetadata(attributes={f"k{i}": "v" * 100 for i in range(2000)})},
        {"sync_state": proto.SyncState()},
        {"simulate": proto.SimulateScenario(speaker_update=1)},
    ]
    for message in senseless:
        with Signal(server, tokens.join("odd", room)) as signal:
            signal.wait("join")
            signal.send(**message)
            with contextlib.suppress(Exception):
                signal.send(ping_req=proto.Ping(timestamp=1))
                signal.wait("pong_resp", 3)


def test_many_tracks(server, running_call):
    """A client that announces tracks without end meets a limit."""
    with Signal(server, tokens.join("greedy", "greedy"), 1) as signal:
        signal.wait("join")
        with contextlib.suppress(Exception):
            for number in range(3000):
                signal.send(add_track=proto.AddTrackRequest(cid=f"c{number}", type=models.AUDIO, source=models.MICROPHONE))
        limited = False
        with contextlib.suppress(Exception):
            while True:
                message = signal.receive(0.5 if limited else PATIENCE_S)
                kind = message.WhichOneof("message")
                if kind == "leave" or (kind == "request_response" and message.request_response.reason):
                    limited = True
        assert limited or signal.socket.protocol.close_code is not None, signal.seen[-5:]


def test_client_vanishes(server, room):
    """A signal connection that breaks without a word: the others are told in time."""
    other = room.join("node", "other")
    signal = Signal(server, tokens.join("brief", room.name))
    signal.wait("join")
    signal.socket.socket.shutdown(socket.SHUT_RDWR)
    # It never had a media connection, so nothing keeps it: gone at once or after the join timeout.
    time.sleep(0.2)
    second = room.join("node", "brief")
    other.wait("participantConnected", identity="brief", psid=second.psid)
