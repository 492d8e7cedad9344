# SPDX-License-Identifier: Apache-2.0
"""WHIP (RFC 9725) and WHEP between standard tools and unmodified LiveKit clients."""

from __future__ import annotations

import json
import re
import subprocess
import threading

import pytest

from lib import tokens
from lib.driver import eventually
from lib.whip import Player, Publisher, http


@pytest.fixture
def sessions():
    """Sessions to be closed when the test ends."""
    held = []
    yield held
    for session in held:
        session.close()


@pytest.fixture
def publish(server, room, sessions):
    def begin(identity: str, **options) -> Publisher:
        publisher = Publisher(f"{server.http_url}/whip/v1", tokens.join(identity, room.name), **options)
        sessions.append(publisher)
        return publisher.open()

    return begin


@pytest.fixture
def play(server, room, sessions):
    def begin(identity: str, query: str = "") -> Player:
        player = Player(f"{server.http_url}/whep/v1{query}", tokens.join(identity, room.name))
        sessions.append(player)
        return player.open()

    return begin


def sids(client, kind: str) -> list[str]:
    return [e["sid"] for e in client.events("trackSubscribed") if e["kind"] == kind]


def test_whip_to_livekit_client(room, publish):
    """aiortc publishes by WHIP; rtc-node sees and hears it, and sees it go on DELETE."""
    viewer = room.join("node", "viewer")
    publisher = publish("encoder")
    video = viewer.wait("trackSubscribed", 60, kind="video")
    audio = viewer.wait("trackSubscribed", 60, kind="audio")
    assert video["identity"] == audio["identity"] == "encoder"
    assert room.server.metric("auralink_whip_sessions") >= 1
    viewer.until(video["sid"], lambda s: s["distinct"] > 15, 60, "no picture by WHIP")
    viewer.until(audio["sid"], lambda s: s["loudSeconds"] > 0.5, 60, "no sound by WHIP")
    assert publisher.delete() == 200
    viewer.wait("participantDisconnected", 60, identity="encoder")
    assert publisher.delete() == 404


def test_whep_from_livekit_client(room, play):
    """rtc-node publishes; aiortc plays it by WHEP, and goes on when the publisher comes back."""
    player = play("watcher")
    assert player.kinds == ["audio", "video"]  # negotiated before there is anything to see
    first = room.join("node", "first")
    first.call("publishVideo", width=320, height=240, fps=15)
    first.call("publishAudio", toneHz=600)
    eventually(lambda: len(player.video.counters) > 15, 60, 0.1, "no picture by WHEP")
    eventually(lambda: player.audio.loud_seconds > 0.5, 60, 0.1, "no sound by WHEP")
    first.disconnect()
    player.video.reset()
    second = room.join("node", "second")
    second.call("publishVideo", width=480, height=360, fps=15)
    eventually(lambda: len(player.video.counters) > 15, 60, 0.1, "no picture of the second publisher")
    print(player.video.summary(0))
    assert player.delete() == 200


def test_whep_shows_who_speaks(server, room, play, publish):
    """Without ?publisher= the player follows the active speaker; with it, it does not."""
    one = publish("one", tone_hz=400, video=(320, 240, 15))
    player, other = play("watcher"), play("other", "?publisher=two")
    eventually(lambda: player.size == (320, 240), 60, 0.1, "no picture of the only publisher")
    two = publish("two", tone_hz=1000, video=(480, 360, 15), loud=False)
    eventually(lambda: other.size == (480, 360), 60, 0.1, "no picture of the one asked for")
    one.tone.loud, two.tone.loud = False, True
    eventually(lambda: player.size == (480, 360), 60, 0.1, "the picture did not follow the speaker")
    eventually(lambda: 900 < player.rate_hz < 1100, 60, 0.1, "the sound did not follow the speaker")
    one.tone.loud, two.tone.loud = True, False
    eventually(lambda: player.size == (320, 240), 60, 0.1, "the picture did not follow back")
    assert other.size == (480, 360)
    assert two.delete() == one.delete() == 200


def test_resource(server, room, publish):
    """ETag, trickle, ICE restart, CORS and every refusal with its sentence."""
    endpoint, token = f"{server.http_url}/whip/v1", tokens.join("encoder", room.name)
    publisher = publish("encoder")
    sdp, fragment = {"Content-Type": "application/sdp"}, {"Content-Type": "application/trickle-ice-sdpfrag"}
    ufrag = re.search("a=ice-ufrag:(.*)", publisher.answer)[1].strip()
    assert publisher.etag == f'"{ufrag}"'
    assert publisher.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
    assert "stun:" in publisher.headers.get("Link", "stun:")
    assert "Location" in publisher.headers["Access-Control-Expose-Headers"]
    theirs = re.search("a=ice-ufrag:(.*)", publisher.offer)[1].strip()

    def patch(body: str, headers: dict, by=token):
        return http("PATCH", publisher.location, by, body.encode(), {**fragment, **headers})

    candidate = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.9 9 typ host\r\n"
    trickle = f"a=ice-ufrag:{theirs}\r\na=ice-pwd:x\r\n{candidate}"
    assert patch(trickle, {"If-Match": publisher.etag})[0] == 204
    assert patch(trickle, {"If-Match": '"old"'})[0] == 412
    status, text, _ = patch(trickle, {})
    assert status == 428 and "If-Match" in text
    assert patch(trickle, {"If-Match": publisher.etag, "Content-Type": "text/plain"})[0] == 415
    assert patch(trickle, {"If-Match": publisher.etag}, tokens.join("stranger", room.name))[0] == 404
    status, text, headers = patch(f"a=ice-ufrag:newfrag\r\na=ice-pwd:{'p' * 24}\r\n", {"If-Match": "*"})
    assert status == 200, text
    fresh = re.search("a=ice-ufrag:(.*)", text)[1].strip()
    assert fresh != ufrag and headers["ETag"] == f'"{fresh}"' and "a=candidate:" in text and "m=" in text
    assert patch(trickle, {"If-Match": publisher.etag})[0] == 412

    offer = publisher.offer.encode()
    for status, words, answer in (
        (401, "no permissions", http("POST", endpoint, None, offer, sdp)),
        (401, "token", http("POST", endpoint, "rubbish", offer, sdp)),
        (403, "canPublish", http("POST", endpoint, tokens.join("x", room.name, can_publish=False), offer, sdp)),
        (415, "application/sdp", http("POST", endpoint, token, offer, {"Content-Type": "application/json"})),
        (400, "no SDP offer", http("POST", endpoint, token, b"hello", sdp)),
        (400, "empty", http("POST", endpoint, token, b"", sdp)),
        (422, "nothing to publish", http("POST", endpoint, tokens.join("y", room.name),
                                         offer.replace(b"a=sendonly", b"a=recvonly"), sdp)),
        (422, "no media in common", http("POST", endpoint, tokens.join("y", room.name),
                                         re.sub(rb"(?i)rtpmap:(\d+) (opus|VP8|H264|PCM[UA])", rb"rtpmap:\1 XX", offer), sdp)),
        (413, "128 KiB", http("POST", endpoint, token, offer + b"a=x\r\n" * 40000, sdp)),
        (403, "canSubscribe", http("POST", f"{server.http_url}/whep/v1",
                                   tokens.join("x", room.name, can_subscribe=False), offer, sdp)),
        (405, "POST", http("GET", endpoint, token)),
        (405, "PATCH", http("GET", publisher.location, token)),
        (404, "no such session", http("DELETE", endpoint + "/none", token)),
    ):
        assert answer[0] == status and words in answer[1], f"{answer[0]} {answer[1]}, not {status} {words}"
        assert answer[2]["Access-Control-Allow-Origin"] == "*"
    status, _, headers = http("OPTIONS", endpoint, None, None, {"Access-Control-Request-Headers": "authorization"})
    assert status == 204 and headers["Accept-Post"] == "application/sdp"
    assert publisher.delete() == 200


def reset_until(client, stats: dict, size: str) -> bool:
    """Twenty pictures, all of that size; others begin the count anew."""
    if list(stats["sizes"]) not in ([], [size]):
        client.call("reset")
    return stats["sizes"].get(size, 0) > 20


@pytest.mark.browser
def test_browser_whip_simulcast(server, room):
    """A page publishes three layers by WHIP; a LiveKit client gets the one that it asks for."""
    viewer = room.join("chromium", "viewer")
    page = room.drivers.get("chromium").client(f"{room.name}/page")
    url = f"{server.http_url}/whip/v1"
    session = page.call("whip", url=url, token=tokens.join("page", room.name), width=960, height=540, fps=10, simulcast=True)
    assert session["location"].startswith("/whip/v1/") and session["etag"], "CORS hides the headers"
    sid = viewer.wait("trackSubscribed", 60, kind="video")["sid"]
    viewer.until(sid, lambda s: "960x540" in s["sizes"], 60, "not the full picture")
    viewer.call("setQuality", sid=sid, quality=0)
    viewer.until(sid, lambda s: reset_until(viewer, s, "240x135"), 60, "not the small picture alone")
    page.call("disconnect")
    viewer.wait("participantDisconnected", 60, identity="page")


@pytest.mark.browser
def test_browser_whep(server, room):
    """A page plays by WHEP what a LiveKit client publishes in VP8, then another in H.264."""
    page = room.drivers.get("chromium").client(f"{room.name}/page")
    page.call("whep", url=f"{server.http_url}/whep/v1", token=tokens.join("page", room.name))
    first = room.join("node", "first")
    first.call("publishVideo", width=320, height=240, fps=15)
    page.until("video", lambda s: s["distinct"] > 15, 60, "no picture by WHEP")
    first.disconnect()
    page.call("reset")
    second = room.join("node", "second")
    second.call("publishVideo", width=320, height=240, fps=15, codec="h264")
    seen = page.until("video", lambda s: s["distinct"] > 15, 60, "no picture after the change of codec")
    assert seen["unreadable"] < seen["frames"] / 4
    page.call("disconnect")


class Gstreamer:
    """clients/gst_whip.py; `seen` is what it told last."""

    def __init__(self, mode: str, url: str, token: str):
        self.seen = {"frames": 0, "size": "", "sound": 0}
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "clients/gst_whip.py", mode, url, token],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.seen = json.loads(line)

    def stop(self) -> int:
        self.process.stdin.close()
        return self.process.wait(60)


@pytest.fixture
def gstreamer(server, room):
    started = []

    def start(mode: str, identity: str) -> Gstreamer:
        url = f"{server.http_url}/{mode}/v1"
        started.append(Gstreamer(mode, url, tokens.join(identity, room.name)))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def test_gstreamer(room, gstreamer):
    """webrtcbin publishes by WHIP and plays by WHEP, with an rtc-node client on the other side."""
    viewer = room.join("node", "viewer")
    publisher = gstreamer("whip", "gst-in")
    video = viewer.wait("trackSubscribed", 60, kind="video")["sid"]
    audio = viewer.wait("trackSubscribed", 60, kind="audio")["sid"]
    viewer.until(video, lambda s: s["frames"] > 20 and s["lastSize"] == "320x240", 60, "no picture of GStreamer's")
    viewer.until(audio, lambda s: s["loudSeconds"] > 0.5, 60, "no sound of GStreamer's")
    player = gstreamer("whep", "gst-out")
    eventually(lambda: player.seen["frames"] > 20 and player.seen["size"] == "320x240", 60, 0.1, "GStreamer sees nothing")
    eventually(lambda: player.seen["sound"] > 0.5, 60, 0.1, "GStreamer hears nothing")
    assert player.stop() == 0 and publisher.stop() == 0
    viewer.wait("participantDisconnected", 60, identity="gst-in")
    viewer.wait("participantDisconnected", 60, identity="gst-out")
