# SPDX-License-Identifier: Apache-2.0
"""`--dump-rtp` and the Wireshark dissector of AIC's hints, with tshark on captures of real code."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from collections import Counter, defaultdict

import pytest

from lib.aicore import AICore
from lib.driver import eventually
from lib.load import finish, start
from lib.server import ROOT

SCRIPT = os.path.join(ROOT, "tools", "wireshark", "auralink_aic.lua")
BUILD = os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"))
FIELDS = ["rtp.seq", "auralink_aic.version", "auralink_aic.mode", "auralink_aic.flags", "auralink_aic.model",
          "auralink_aic.ratio", "auralink_aic.vmaf", "auralink_aic.latency", "auralink_aic.scale",
          "auralink_aic.restore", "auralink_aic.later", "_ws.expert.message"]


def tshark(path: str, *options: str) -> str:
    """tshark with our dissector; everything that looks like RTP is taken as RTP."""
    argv = ["tshark", "-r", path, "-X", f"lua_script:{SCRIPT}", "--enable-heuristic", "rtp_udp", *options]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert "Lua" not in done.stderr, done.stderr
    return done.stdout


def rows(path: str, shown: str, names: list[str], *options: str) -> list[dict]:
    fields = [word for name in names for word in ("-e", name)]
    out = tshark(path, "-Y", shown, "-T", "fields", "-E", "occurrence=f", *fields, *options)
    return [dict(zip(names, line.split("\t"))) for line in out.splitlines()]


def hinted_so_far(path: str) -> int:
    """Compressed frames with hints in a file that grows: its last packet may be half there, of which tshark complains."""
    argv = ["tshark", "-r", path, "-X", f"lua_script:{SCRIPT}", "--enable-heuristic", "rtp_udp", "-Y", "auralink_aic.mode == 2",
            "-T", "fields", "-e", "rtp.timestamp"]
    return len(set(subprocess.run(argv, capture_output=True, text=True, timeout=120).stdout.split()))


@pytest.fixture
def forms(tmp_path):
    """The capture with hints in every form."""
    path = str(tmp_path / "hints.pcap")
    subprocess.run([os.path.join(BUILD, "tests/unit/sfu/hints_pcap"), path], check=True, timeout=60)
    return path


def test_every_form(forms):
    """All fields of the one-byte form; what is unknown is absent; what is to be ignored is said to be."""
    full, bare, short, other, later = rows(forms, "auralink_aic", FIELDS)
    assert (full["auralink_aic.version"], full["auralink_aic.mode"], full["auralink_aic.model"]) == ("1", "3", "7")
    assert int(full["auralink_aic.flags"], 0) == 0b101
    values = [float(full[f"auralink_aic.{name}"]) for name in ("ratio", "vmaf", "latency", "scale", "restore")]
    assert values == pytest.approx([0.8, 91, 6.2, 1.5, 40])
    assert [bare[f"auralink_aic.{name}"] for name in ("mode", "vmaf", "latency", "scale")] == ["0", "", "", ""]
    assert "Shorter" in short["_ws.expert.message"] and short["auralink_aic.mode"] == ""
    assert "Not version 1" in other["_ws.expert.message"] and other["auralink_aic.mode"] == ""
    assert float(later["auralink_aic.vmaf"]) == 91 and later["auralink_aic.later"] == "0000"


def test_id_by_preference(forms):
    """The two-byte form, under an id that only it can have."""
    (found,) = rows(forms, "auralink_aic", FIELDS, "-o", "auralink_aic.id:20")
    assert (found["rtp.seq"], found["auralink_aic.mode"]) == ("6", "3")


def test_filters_and_columns(forms):
    """A display filter on a value, and the text form in the list of packets."""
    assert len(rows(forms, "auralink_aic.vmaf > 90 && auralink_aic.flags.faces == 1", ["rtp.seq"])) == 2
    assert "AIC enhanced ratio:0.80 vmaf:91 model:7 lat:6.2ms" in tshark(forms, "-Y", "rtp.seq == 1")


def test_a_call(start_server, room_on, tmp_path, record):
    """A real call: whoever negotiated hints gets them with the right values, and nobody else does."""
    path = str(tmp_path / "call.pcap")
    core = AICore("--without", "governor,faces,person")
    try:
        server = start_server(config={"aic": {"enabled": True, "ai_core": {"address": core.address}}},
                              extra=["--dump-rtp", path])
        room = room_on(server, "dumped")
        plain = room.join("python", "plain")
        load = start(server.url, "--room", "dumped", "--publishers", "1", "--subscribers", "1", "--video",
                     "--no-simulcast", "--video-resolution", "360p", "--duration", "300")
        eventually(lambda: "AIC Compressed!" in server.tail(100_000), 150, what="the track is compressed")
        eventually(lambda: hinted_so_far(path) > 80, 150, 2, "compressed frames are in the file")
        load.send_signal(signal.SIGINT)
        finish(load)
        log = server.tail(100_000)
        plain.disconnect()
    finally:
        core.stop()
    assert "WARNING: --dump-rtp writes the media of calls UNENCRYPTED" in log
    assert "media_is_dumped_unencrypted" in log
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    eventually(lambda: rows(path, "auralink_aic", ["rtp.seq"]), 60, what="hints are in the file")
    hints = rows(path, "auralink_aic.mode == 2", ["udp.srcport", "rtp.ssrc", "rtp.p_type", "rtp.marker", "auralink_aic.ratio",
                                                "auralink_aic.latency", "auralink_aic.flags.switched", "rtp.timestamp"])
    assert len({row["rtp.ssrc"] for row in hints}) == 1, "one subscriber negotiated hints"
    frames = {row["rtp.timestamp"] for row in hints}
    assert len(frames) > 60, len(frames)
    assert all(0 < float(row["auralink_aic.latency"]) < 1000 for row in hints)
    assert any(row["auralink_aic.flags.switched"] in ("1", "True") for row in hints)
    compressed = rows(path, f"rtp.ssrc == {hints[0]['rtp.ssrc']} && rtp.p_type == {hints[0]['rtp.p_type']}", ["rtp.timestamp"])
    assert {row["rtp.timestamp"] for row in compressed} == frames, "each frame has hints"
    switched = defaultdict(Counter)  # streams that changed their payload type: native to compressed
    for row in rows(path, "rtp && !rtcp", ["rtp.ssrc", "rtp.p_type"]):
        switched[row["rtp.ssrc"]][row["rtp.p_type"]] += 1
    others = [ssrc for ssrc, types in switched.items() if len(types) > 1 and min(types.values()) > 20]
    assert len(others) == 2 and hints[0]["rtp.ssrc"] in others, "the other one gets the same frames, without hints"
    record(frames=len(frames), hints=len(hints))


def test_dump_of_one_participant(start_server, room_on, tmp_path):
    """--dump-rtp-of: only the named one's packets; --dump-rtp-mb ends the file."""
    path = str(tmp_path / "one.pcap")
    server = start_server(extra=["--dump-rtp", path, "--dump-rtp-of", "nobody"])
    load = start(server.url, "--publishers", "1", "--subscribers", "1", "--duration", "2")
    finish(load)
    server.stop()
    assert os.path.getsize(path) == 24, "only pcap's own head"
    path = str(tmp_path / "small.pcap")
    server = start_server(extra=["--dump-rtp", path, "--dump-rtp-mb", "1"])
    finish(start(server.url, "--publishers", "1", "--subscribers", "4", "--duration", "10"))
    server.stop()
    assert 900_000 < os.path.getsize(path) <= 1 << 20
    assert "dump_ends" in server.tail(100_000)
