#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""GStreamer's webrtcbin as a WHIP publisher or a WHEP player: gst_whip.py whip|whep URL TOKEN

Prints a JSON line each half second: of a player, the frames and the size that came, and the seconds of
sound. Ends (and deletes the session) when its standard input does. Runs with the system's Python, where
Debian puts GStreamer's bindings."""

import json
import sys
import threading
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

mode, url, token = sys.argv[1:4]
Gst.init(None)
seen = {"frames": 0, "size": "", "sound": 0}
session = {}

PUBLISHER = (
    "webrtcbin name=rtc bundle-policy=max-bundle "
    "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 ! "
    "vp8enc deadline=1 keyframe-max-dist=30 target-bitrate=300000 ! rtpvp8pay picture-id-mode=15-bit ! "
    "application/x-rtp,media=video,encoding-name=VP8,payload=96 ! rtc. "
    "audiotestsrc is-live=true freq=500 ! audio/x-raw,rate=48000,channels=1 ! opusenc ! rtpopuspay ! "
    "application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! rtc. "
)


def request(method, to, body=None, kind=None):
    headers = {"Authorization": f"Bearer {token}"}
    if kind:
        headers["Content-Type"] = kind
    return urllib.request.urlopen(urllib.request.Request(to, body, headers, method=method), timeout=10)


def post(sdp):
    with request("POST", url, sdp.encode(), "application/sdp") as answer:
        session["url"] = url[: url.index("/", 8)] + answer.headers["Location"]
        _, message = GstSdp.SDPMessage.new_from_text(answer.read().decode())
    kind = GstWebRTC.WebRTCSDPType.ANSWER
    rtc.emit("set-remote-description", GstWebRTC.WebRTCSessionDescription.new(kind, message), None)


def offered(promise, *_):
    promise.wait()
    reply = promise.get_reply()
    print(reply.to_string(), file=sys.stderr)
    offer = reply.get_value("offer")
    rtc.emit("set-local-description", offer, None)


def gathered(element, _):
    # All candidates are in the offer: neither side has to trickle.
    if element.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
        sdp = element.get_property("local-description").sdp.as_text()
        threading.Thread(target=post, args=(sdp,), daemon=True).start()


def frame(pad, info):
    size = pad.get_current_caps().get_structure(0)
    seen["frames"] += 1
    seen["size"] = f"{size.get_value('width')}x{size.get_value('height')}"
    return Gst.PadProbeReturn.OK


def sound(pad, info):
    seen["sound"] += info.get_buffer().duration / Gst.SECOND
    return Gst.PadProbeReturn.OK


def decoded(_, pad):
    video = pad.get_current_caps().get_structure(0).get_name().startswith("video")
    sink = Gst.ElementFactory.make("fakesink")
    sink.set_property("sync", False)
    pipeline.add(sink)
    sink.sync_state_with_parent()
    pad.link(sink.get_static_pad("sink"))
    pad.add_probe(Gst.PadProbeType.BUFFER, frame if video else sound)


def incoming(_, pad):
    if pad.direction == Gst.PadDirection.SRC:
        decoder = Gst.ElementFactory.make("decodebin")
        decoder.connect("pad-added", decoded)
        pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))


def tell():
    print(json.dumps(seen), flush=True)
    return True


def until_closed():
    sys.stdin.read()
    loop.quit()


loop = GLib.MainLoop()
if mode == "whip":
    pipeline = Gst.parse_launch(PUBLISHER)
    rtc = pipeline.get_by_name("rtc")
else:
    pipeline = Gst.Pipeline.new()
    rtc = Gst.ElementFactory.make("webrtcbin", "rtc")
    rtc.set_property("bundle-policy", "max-bundle")
    pipeline.add(rtc)
    receive = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
    for caps in (
        "application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000,encoding-params=(string)2",
        "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000",
    ):
        rtc.emit("add-transceiver", receive, Gst.Caps.from_string(caps))
    rtc.connect("pad-added", incoming)
rtc.connect("notify::ice-gathering-state", gathered)
rtc.connect(
    "on-negotiation-needed",
    lambda element: element.emit("create-offer", None, Gst.Promise.new_with_change_func(offered, None)),
)
pipeline.set_state(Gst.State.PLAYING)
GLib.timeout_add(500, tell)
threading.Thread(target=until_closed, daemon=True).start()
loop.run()
if "url" in session:
    request("DELETE", session["url"]).close()
pipeline.set_state(Gst.State.NULL)
