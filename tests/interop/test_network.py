# SPDX-License-Identifier: Apache-2.0
"""A browser behind a link whose capacity falls and rises; network.py prints the whole comparison."""

from __future__ import annotations

import os
import time

import pytest

import network
from lib.driver import at_most
from lib.netem import Forwarder, Impairment
from lib.server import ROOT


@pytest.mark.browser
def test_capacity_falls_and_rises(server, drivers, record):
    """3 → 0.3 → 3 Mbps: the picture gets small and large again, and the sound goes on."""
    cli = os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"), "auralink")
    wide, narrow, again = network.run(drivers.get("chromium"), server, "step", cli, reached={
        "3 Mbps": lambda f: f["height_second_half"] == 720, "3 Mbps again": lambda f: f["height_second_half"] >= 360,
    }).values()
    record(wide_kbps=wide["kbps"], narrow_kbps=narrow["kbps_second_half"], narrow_frozen_s=narrow["freeze_s"],
           narrow_concealed=narrow["concealed_percent"], again_kbps=again["kbps_second_half"],
           best_again_after_s=again["tallest_after_s"])
    assert wide["height_second_half"] == 720, wide
    assert wide["freeze_s"] < 1 + 3 * wide["late_s"], wide
    assert 60 < narrow["kbps_second_half"] < 300, narrow
    assert narrow["freeze_s"] < 6 + 3 * narrow["late_s"], narrow
    assert narrow["concealed_percent"] < 10 + 100 * 3 * narrow["late_s"] / 15, "the sound was sacrificed for the picture"
    assert again["height_second_half"] >= 360, again
    assert again["tallest_after_s"] < 14 + 3 * again["late_s"], again


@pytest.mark.browser
def test_joins_behind_a_poor_link(start_server, room_on, record):
    """400 kbps with a short queue from the first packet on: most of the first second is lost, but not more."""
    server = start_server()
    link = Forwarder(("127.0.0.1", server.udp_port), signal_target=server.url)
    link.impair(Impairment(delay_ms=15), Impairment(delay_ms=15, rate_kbps=400))
    room = room_on(server)
    try:
        sender = room.join("chromium", "sender")
        video = sender.call("publishVideo", width=640, height=360, fps=15, simulcast=True, noise=40, bitrate=800_000)["sid"]
        viewer = room.join("chromium", "viewer", url=link.ws_url)
        begun = time.monotonic()
        viewer.until(video, lambda s: s["distinct"] > 15, 60, "a picture behind the link")
        seen_s = time.monotonic() - begun
        record(seen_s=seen_s)
        assert seen_s * 1000 < at_most(10_000, viewer, sender)
    finally:
        link.close()
