# SPDX-License-Identifier: Apache-2.0
"""Ten calls at once through one AI Core: as many are compressed as it has time for, the others stay native, all of them move."""

from __future__ import annotations

import pytest

from lib.aicore import AICore
from lib.driver import eventually
from lib.media import Media
from test_seeing import top
from test_sender import SMALL, numbers_in_order

pytestmark = [pytest.mark.slow]

CALLS = 10


@pytest.fixture
def core():
    """One thread, which has less time than ten tracks need."""
    core = AICore("--threads", "1", "--without", "faces,person")
    yield core
    core.stop()


def test_ten_calls(core, start_server, record):
    """Each a publisher of VP8 and a viewer who can read the number in every picture."""
    server = start_server(config={"aic": {"enabled": True, "ai_core": {"address": core.address}}})
    senders, viewers = [], []
    try:
        for n in range(CALLS):
            viewers.append(Media("subscribe", server.url, f"call{n}"))
            senders.append(Media("publish", server.url, f"call{n}", "test", *SMALL))
        for viewer in viewers:
            viewer.until(lambda s: s["pictures"] > 20, 60, "pictures in each call")
        eventually(lambda: any(t["state"] == "active" for t in top(server)), 60, 0.2, "some are compressed")
        marks = [viewer.last["pictures"] for viewer in viewers]
        most = 0
        for viewer, mark in zip(viewers, marks):

            def ten_seconds(s, mark=mark):
                nonlocal most
                most = max(most, sum(t["state"] == "active" for t in top(server)))
                return s["pictures"] > mark + 150

            viewer.until(ten_seconds, 90, "ten more seconds in each call")
        tracks = top(server)
        load = core.metrics()["auralink_aicore_load_ratio"]
        fallbacks = {k.split('"')[1]: v for k, v in server.metrics().items() if k.startswith("auralink_aic_fallbacks_total") and v}
        sent = [sender.finish() for sender in senders]
        seen = [viewer.finish() for viewer in viewers]
        pictures, pushed = sum(s["pictures"] for s in seen), sum(s["native_frames"] for s in sent)
        record(compressed=most, load=load, fallbacks=fallbacks, gap_ms_max=max(s["gap_ms_max"] for s in seen),
               shown=pictures / pushed, states=[t["state"] for t in tracks])
        assert 1 <= most < CALLS and load <= 1, (most, load, tracks)
        for one in seen:
            numbers_in_order(one)
            # A busy machine may be late with a frame; nobody's picture stands still.
            assert one["gap_ms_max"] < 1500, one
        assert pictures > pushed * 0.9, (pictures, pushed)
    finally:
        for one in senders + viewers:
            one.close()
