# SPDX-License-Identifier: Apache-2.0
"""A browser behind a link whose capacity falls and rises; network.py prints the whole comparison."""

from __future__ import annotations

import os

import pytest

import network
from lib.server import ROOT


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_capacity_falls_and_rises(server, drivers, record):
    """3 → 0.3 → 3 Mbps: the picture gets small and large again, and the sound goes on."""
    cli = os.path.join(ROOT, os.environ.get("AURA_BUILD", "build"), "auralink")
    wide, narrow, again = network.run(drivers.get("chromium"), server, "step", cli).values()
    record(wide_kbps=wide["kbps"], narrow_kbps=narrow["kbps_second_half"], narrow_frozen_s=narrow["freeze_s"],
           narrow_concealed=narrow["concealed_percent"], again_kbps=again["kbps_second_half"],
           best_again_after_s=again["tallest_after_s"])
    assert wide["height_second_half"] == 720, wide
    assert wide["freeze_s"] < 1, wide
    assert 60 < narrow["kbps_second_half"] < 300, narrow
    assert narrow["freeze_s"] < 6, narrow
    assert narrow["concealed_percent"] < 10, "the sound was sacrificed for the picture"
    assert again["height_second_half"] >= 360, again
    assert again["tallest_after_s"] < 14, again
