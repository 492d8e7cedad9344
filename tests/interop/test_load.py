# SPDX-License-Identifier: Apache-2.0
"""`auralink load-test`: its figures against our server, and its media beside other SDKs' clients."""

from __future__ import annotations

import json
import signal
import socket
import subprocess

import pytest

from lib.cli import good
from lib.driver import PATIENCE_S, eventually
from lib.load import finish, start
from lib.netem import Forwarder, Impairment


def load(url: str, *options: str) -> dict:
    return finish(start(url, *options))


@pytest.mark.smoke
def test_two_publishers_ten_subscribers(server, record):
    """Everything that is sent arrives, once, and all figures are there."""
    result = load(server.url, "--publishers", "2", "--subscribers", "10", "--duration", "5", "--room", "load-2x10",
                  "--server-pid", str(server.process.pid))
    counts = result["counts"]
    record(join_ms=result["join_ms"]["p50"], connect_ms=result["connect_ms"]["p50"],
           first_video_ms=result["first_video_ms"]["p50"], cpu_us=result["server"]["cpu_us_per_packet"],
           latency_ms=result["video_latency_ms"]["p50"], packets=counts["packets"])
    assert (result["connected"], result["failed"]) == (12, 0), result
    assert (result["tracks_flowing"], result["tracks_expected"]) == (40, 40), result
    assert counts["packets"] > 5 * (10 * 2 * (50 + 30)), counts  # audio, and a packet of each picture at least
    assert counts["unknown"] == 0, counts
    assert result["loss_after_repair"] == 0, result
    assert result["video_latency_ms"]["count"] == counts["frames"] > 0, result
    assert result["first_audio_ms"]["count"] == result["first_video_ms"]["count"] == 10


def test_h264_meeting(server):
    """Everybody publishes and subscribes, over H.264, one layer."""
    result = load(server.url, "--publishers", "4", "--subscribers", "0", "--meeting", "--video", "--codec", "h264",
                  "--no-simulcast", "--video-resolution", "360p", "--warmup", "6", "--duration", "3", "--room", "load-meeting")
    assert (result["tracks_flowing"], result["tracks_expected"]) == (12, 12), result
    assert result["loss_after_repair"] == 0, result
    assert result["counts"]["freezes"] == 0, result


def test_repairs_what_the_network_loses(server, record):
    """5 % of the packets to the subscribers are lost: retransmission brings nearly all of them back."""
    network = Forwarder(("127.0.0.1", server.udp_port), down=Impairment(loss=0.05), signal_target=server.url)
    try:
        result = load(network.ws_url, "--publishers", "1", "--subscribers", "2", "--video", "--video-resolution",
                      "360p", "--duration", "8", "--room", "load-loss")
    finally:
        network.close()
    record(loss=result["loss_before_repair"], after=result["loss_after_repair"], plis=result["counts"]["plis"])
    assert 0.02 < result["loss_before_repair"] < 0.1, result
    assert result["counts"]["repaired"] > 0, result
    assert result["loss_after_repair"] < 0.003, result


def test_our_publisher_repairs(server, record):
    """5 % of the packets to the server are lost: our publishers send them again when asked."""
    network = Forwarder(("127.0.0.1", server.udp_port), up=Impairment(loss=0.05), signal_target=server.url)
    try:
        result = load(network.ws_url, "--publishers", "1", "--subscribers", "1", "--video", "--video-resolution",
                      "360p", "--no-simulcast", "--duration", "8", "--room", "load-loss-up")
    finally:
        network.close()
    counts = result["counts"]
    record(after=result["loss_after_repair"], resent=counts["resent"], frames=counts["frames"])
    assert counts["resent"] > 0.03 * counts["packets_sent"], counts
    assert result["loss_after_repair"] < 0.003, result
    assert counts["frames"] > 0.97 * 8 * 30, counts
    assert counts["freezes"] <= 1, counts


def test_stops_layers_nobody_takes(server):
    """Dynacast: when all ask for the lowest layer, only that one is sent."""
    options = ("--publishers", "1", "--subscribers", "2", "--video", "--quality", "low", "--duration", "3")
    every = load(server.url, *options, "--room", "load-all")
    needed = load(server.url, *options, "--room", "load-dynacast", "--dynacast", "--warmup", "9")
    assert every["sent_packets_per_s"] > 200, every
    assert 25 < needed["sent_packets_per_s"] < 60, needed
    assert every["loss_after_repair"] == needed["loss_after_repair"] == 0
    assert 200 < needed["received_kbps"] < 450, needed


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_others_see_our_publisher(room, server, codec):
    """An unmodified SDK decodes what we publish, stamps and all."""
    viewer = room.join("node", "viewer")
    ours = start(server.url, "--publishers", "1", "--subscribers", "0", "--room", room.name, "--codec", codec,
                 "--warmup", "0", "--duration", "300")
    try:
        video = viewer.wait("trackSubscribed", 60, where=lambda e: e["kind"] == "video")["sid"]
        audio = viewer.wait("trackSubscribed", 60, where=lambda e: e["kind"] == "audio")["sid"]
        # What it counts begins a second after its publisher joins: two seconds before these frames are seen.
        viewer.until(video, lambda s: s["frames"] > 90 and s["lastSize"] == "1280x720", 60, "no picture")
        viewer.until(audio, lambda s: s["loudSeconds"] > 1, 60, "no sound")
        ours.send_signal(signal.SIGINT)
        result = finish(ours)
    finally:
        ours.kill()
    assert result["counts"]["packets_sent"] > 0, result


def test_we_see_other_publishers(room, server):
    """Tracks of an unmodified SDK arrive whole at our subscribers."""
    sender = room.join("node", "sender")
    sender.call("publishVideo", width=640, height=360, fps=20)
    sender.call("publishAudio", toneHz=440)
    result = load(server.url, "--publishers", "0", "--subscribers", "3", "--room", room.name, "--duration", "5")
    counts = result["counts"]
    assert result["tracks_flowing"] == 6, result
    assert counts["frames"] > 3 * 5 * 20 * 0.8, counts
    assert result["loss_after_repair"] == 0, result


def test_says_what_is_wrong(server):
    """Errors name the cause and the way out."""
    cases = [
        (("ws://127.0.0.1:9", "--subscribers", "1"), "Is the server running there?"),
        ((server.url, "--subscribers", "1", "--api-secret", "wrong"), "--api-secret"),
        ((server.url, "--codec", "mpeg2"), "--codec wants"),
        (("127.0.0.1:7880",), "--url wants"),
    ]
    for (url, *options), wanted in cases:
        process = start(url, *options)
        out, err = process.communicate(timeout=60)
        assert process.returncode not in (0, None), (url, options, out)
        assert wanted in err, (url, options, err)


def ended_early(process: subprocess.Popen) -> dict:
    """Ends it as Ctrl-C does. @return its error, which a person is told as well"""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 1, (process.returncode, out, err)
    said = json.loads(out)
    assert said["error"] in err and said["hint"] in err, (out, err)
    return said


def test_ended_before_it_measured(server):
    """There are no figures then: it says so, and what would be needed, and does not blame the server."""
    ours = start(server.url, "--publishers", "1", "--subscribers", "2", "--audio", "--room", "load-ended", "--warmup", "3600")
    try:
        eventually(lambda: len(good(server, "participant", "list", "load-ended")["participants"]) == 3, what="three in the room")
        said = ended_early(ours)
    finally:
        ours.kill()
    assert "nothing was measured" in said["error"] and "of 3 joined" in said["error"], said
    assert "--warmup (3600 s)" in said["hint"] and "--duration (10 s)" in said["hint"], said


def test_ended_before_anybody_was_in():
    """A server that accepts and says nothing: whoever does not wait for it has not found anything wrong with it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ours = start(f"ws://127.0.0.1:{silent.getsockname()[1]}", "--publishers", "1", "--subscribers", "1", "--audio")
        try:
            silent.settimeout(PATIENCE_S)
            with silent.accept()[0]:
                said = ended_early(ours)
        finally:
            ours.kill()
    assert "nothing was measured" in said["error"] and "0 of 2 joined" in said["error"], said
