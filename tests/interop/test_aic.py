# SPDX-License-Identifier: Apache-2.0
"""AIC in calls of unmodified clients: compressed by AI Core, and native again whenever that fails."""

from __future__ import annotations

import re
import signal
import time

import pytest

from lib import tokens
from lib.aicore import SANITIZED, AICore
from lib.driver import at_most, eventually, late_ms
from lib.load import finish
from lib.load import start as load_test
from lib.netem import Forwarder, Impairment
from lib.openapi import Rest
from lib.proxy import Proxy
from lib.server import Server

pytestmark = [pytest.mark.browser]

NATIVE, AIC = "video/VP8", "video/AV1"
MODELS = "governor,faces,person" if SANITIZED else "faces,person"


@pytest.fixture
def core():
    """Without the models that nothing here depends on: two cores have two browsers to carry as well."""
    core = AICore("--without", MODELS)
    yield core
    core.process.send_signal(signal.SIGCONT)
    core.stop()


@pytest.fixture
def start_core():
    started = []

    def start(*arguments, **options):
        started.append(AICore(*arguments, **options))
        return started[-1]

    yield start
    assert [core.stop() for core in started] == [0] * len(started)


@pytest.fixture
def line(core):
    """The network between the server and AI Core."""
    proxy = Proxy(core.address)
    yield proxy
    proxy.close()


@pytest.fixture
def call(core, start_server, room_on):
    """Two browsers, one publishes VP8, with AIC on the server."""
    return begin(start_server, room_on, core.address)


def bytes_out(sender, video) -> int:
    return sum(layer["bytes"] for layer in sender.call("sentLayers", sid=video))


@pytest.fixture
def distant_call(line, start_server, room_on):
    """The same, with AI Core at the other end of `line`."""
    return begin(start_server, room_on, line.address)


def begin(start_server, room_on, address: str, **ai_core):
    server = start_server(config={"aic": {"enabled": True, "ai_core": {"address": address, **ai_core}}})
    room = room_on(server)
    sender = room.join("chromium", "sender")  # room.clients[0]
    video = sender.call("publishVideo", width=640, height=360, fps=15, bitrate=1_000_000)["sid"]
    viewer = room.join("chromium", "viewer")
    viewer.until(video, lambda s: s["distinct"] > 5, 60, "no picture")
    return server, room, viewer, video


def codec(viewer, video) -> str:
    return viewer.call("rtcStats", sid=video).get("mimeType")


def goes_to(viewer, video, wanted: str, timeout: float = 120) -> float:
    start = time.monotonic()
    eventually(lambda: codec(viewer, video) == wanted, timeout, 0.05, f"the viewer gets {wanted}")
    return time.monotonic() - start


def bytes_in(viewer, video, seconds: float) -> float:
    """kbps of payload that arrive."""
    first = viewer.call("rtcStats", sid=video)
    time.sleep(seconds)
    last = viewer.call("rtcStats", sid=video)
    return (last["bytesReceived"] - first["bytesReceived"]) * 8 / (last["timestamp"] - first["timestamp"])


def compressed_kbps(viewer, video, seconds: float = 2) -> float:
    """The same over a stretch without a fallback, which a busy machine may bring any time."""
    return compressed(None, viewer, video, seconds)[1]


def compressed(sender, viewer, video, seconds: float = 2) -> tuple[float, float]:
    """(kbps that the publisher sends, kbps that the viewer gets) in one such stretch."""

    def stretch():
        goes_to(viewer, video, AIC)
        before = viewer.call("rtcStats", sid=video)["keyFramesDecoded"]
        out, start = sender and bytes_out(sender, video), time.monotonic()
        kbps = bytes_in(viewer, video, seconds)
        sent = sender and (bytes_out(sender, video) - out) * 8 / 1000 / (time.monotonic() - start)
        after = viewer.call("rtcStats", sid=video)
        return after["mimeType"] == AIC and after["keyFramesDecoded"] == before and (sent, kbps)

    return eventually(stretch, 150, what="AIC lasts for a while")


def test_compressed(call, record):
    """The viewer's stream becomes AV1 on the same SSRC, without a freeze, and far smaller."""
    server, room, viewer, video = call
    first = viewer.call("rtcStats", sid=video)
    viewer.call("reset")
    goes_to(viewer, video, AIC)
    switch = viewer.track(video)
    compressed_kbps(viewer, video)
    last, stats, late = viewer.call("rtcStats", sid=video), viewer.track(video), late_ms(viewer)
    # The publisher's bandwidth estimate takes its time up to what it was asked for.
    native_kbps, kbps = eventually(
        lambda: (rates := compressed(room.clients[0], viewer, video))[0] > 700 and rates, 60, what="the full native rate")
    sent = server.tail(100_000)
    record(native_kbps=native_kbps, aic_kbps=kbps, max_gap_ms=stats["maxGapMs"], switch_gap_ms=switch["maxGapMs"])
    assert "AIC Compressed!" in sent and "ratio:" in sent
    [announced] = [line for line in sent.splitlines() if "AIC Compressed!" in line][:1]
    assert re.search(rf'room="\S+" room_sid="RM_\w+" participant="\w+" participant_sid="PA_\w+" track_sid="{video}"',
                     announced), announced
    assert last["ssrc"] == first["ssrc"]
    # Chromium calls it a freeze when a picture is 150 ms late; that is not the switch's fault where everything is late.
    assert last.get("freezeCount", 0) == first.get("freezeCount", 0) or late > 50, (first, last, late)
    assert stats["backwards"] == 0 and stats["unreadable"] == 0, stats
    assert stats["maxGapMs"] < 500 + 3 * late, (stats, late)
    # How much is saved depends on what the picture needs: the fake camera is no talking head.
    assert kbps < native_kbps * 0.75


# How AI Core fails, and how it is put right again.


def kill(core: AICore) -> None:
    core.process.kill()


def stop(core: AICore) -> None:
    core.process.send_signal(signal.SIGSTOP)


def drain(core: AICore) -> None:
    core.terminate()


def go_on(core: AICore, _) -> None:
    core.process.send_signal(signal.SIGCONT)


def anew(core: AICore, start_core) -> None:
    core.process.wait(60)
    start_core("--without", MODELS, listen=core.address)


@pytest.mark.parametrize("fail, repair", [
    pytest.param(kill, anew, marks=pytest.mark.smoke, id="kill"),
    pytest.param(stop, go_on, id="stop"),
    pytest.param(drain, anew, id="drain"),
])
def test_fallback(call, core, start_core, fail, repair, record):
    """AI Core goes in the middle of a call: the picture goes on natively, and is compressed again when it is back."""
    server, _, viewer, video = call
    falls_back(server, [viewer], video, lambda: fail(core), record, clean=fail in (kill, drain))
    if not SANITIZED:  # several times slower: answers are not on time soon enough for it to be taken back
        repair(core, start_core)
        record(return_s=goes_to(viewer, video, AIC))


def slow(line: Proxy) -> None:
    line.delay_s = 0.05


def cut(line: Proxy) -> None:
    line.cut()


@pytest.mark.parametrize("fail", [slow, cut])
def test_bad_line(distant_call, line, fail, record):
    """The network to AI Core fails in the middle of a call, and recovers."""
    server, _, viewer, video = distant_call
    falls_back(server, [viewer], video, lambda: fail(line), record)
    line.mend()
    record(return_s=goes_to(viewer, video, AIC))


def test_three(call, core, start_core, record):
    """kill -9 in a call of three: nobody's picture stops for long, and both viewers get AIC again."""
    server, room, viewer, video = call
    other = room.join("chromium", "other")
    other.until(video, lambda s: s["distinct"] > 10, 60, "no picture for the third")
    falls_back(server, [viewer, other], video, lambda: kill(core), record, clean=True)
    anew(core, start_core)
    for one in (viewer, other):
        goes_to(one, video, AIC)


def test_fallback_after_the_start(core, start_server, record):
    """AI Core goes just after it began, when viewers were given a native key frame a moment ago: the next one is asked for
    all the same. (Requests in general are throttled: rtc.pli_throttle, 1 s for the largest layer.)"""
    server = start_server(config={"aic": {"enabled": True, "ai_core": {"address": core.address}}})

    def frames() -> float:
        return server.metric("auralink_aic_frames_total")

    load = load_test(server.http_url, "--publishers", "1", "--subscribers", "2", "--video", "--duration", "4")
    try:
        eventually(lambda: "AIC Compressed!" in server.tail(100_000), 60, 0.02, "AIC begins")
        begun = frames()
        # 0.6 s: the requests of the start are then behind us, and still throttle.
        eventually(lambda: frames() >= begun + 18, 60, 0.02, "viewers see some of AI Core's frames")
        kill(core)
    finally:
        result = finish(load)
    record(freezes=result["counts"]["freezes"], frames=result["counts"]["frames"])
    assert "fallback" in server.tail(100_000)
    assert result["counts"]["freezes"] == 0, result


def freezes_of(viewer, video) -> int:
    return viewer.call("rtcStats", sid=video).get("freezeCount", 0)


def falls_back(server, viewers, video, fail, record, clean: bool = False) -> None:
    """@param clean: failures that the server learns of at once, where browsers must count no freeze"""
    for viewer in viewers:
        goes_to(viewer, video, AIC)
        viewer.call("reset")
    for viewer in viewers:
        viewer.until(video, lambda s: s["distinct"] > 20, 60, "pictures")
    # What this machine does without any failure is not the fallback's fault.
    before = [viewer.track(video)["maxGapMs"] for viewer in viewers]
    freezes = [freezes_of(viewer, video) for viewer in viewers]
    for viewer in viewers:
        viewer.call("reset")
    fail()
    back_s = [goes_to(viewer, video, NATIVE, 60) for viewer in viewers][-1]
    for viewer in viewers:
        viewer.until(video, lambda s: s["distinct"] > 15, 60, "pictures go on")
    stats = [viewer.track(video) for viewer in viewers]
    gaps, late = [s["maxGapMs"] for s in stats], max(late_ms(viewer) for viewer in viewers)
    freezes = [freezes_of(viewer, video) - n for viewer, n in zip(viewers, freezes)]
    figures = server.metrics()
    fallbacks = sum(v for k, v in figures.items() if k.startswith("auralink_aic_fallbacks_total"))
    record(back_s=back_s, max_gap_ms=max(gaps), gap_before_ms=max(before), freezes=sum(freezes),
           fallbacks=fallbacks, per_frame=fallbacks / figures["auralink_aic_frames_total"])
    assert all(s["backwards"] == 0 and s["unreadable"] == 0 for s in stats), stats
    assert fallbacks >= 1 and "fallback" in server.tail(100_000)
    for gap, own, n in zip(gaps, before, freezes):
        assert gap <= 300 + max(0, own - 100, 3 * late), (gaps, before, late)
        assert n == 0 or not clean or own > 200 or late > 50, (freezes, gaps, before, late)


def test_mutual_tls(start_core, start_server, room_on, certificates):
    """Media goes to AI Core through TLS, and each side knows the other."""
    core = start_core("--tls-cert", certificates["server.pem"], "--tls-key", certificates["server.key"],
                      "--tls-client-ca", certificates["ca.pem"])
    own = {"ca": certificates["ca.pem"], "cert": certificates["client.pem"], "key": certificates["client.key"]}
    _, _, viewer, video = begin(start_server, room_on, core.address, tls=own)
    goes_to(viewer, video, AIC)


def test_strangers(start_core, start_server, room_on, certificates):
    """AI Core refuses a server that it does not know: the call is native, and the log says why."""
    core = start_core("--tls-cert", certificates["server.pem"], "--tls-key", certificates["server.key"],
                      "--tls-client-ca", certificates["ca.pem"])
    stranger = {"ca": certificates["ca.pem"], "cert": certificates["stranger.pem"], "key": certificates["stranger.key"]}
    server, _, viewer, video = begin(start_server, room_on, core.address, tls=stranger)
    eventually(lambda: "ai_core_fails" in server.tail(100_000), 60, what="the log tells that AI Core is not to be had")
    viewer.call("reset")
    viewer.until(video, lambda s: s["distinct"] > 30, 60, "pictures go on")
    assert codec(viewer, video) == NATIVE


@pytest.mark.parametrize("ai_core, says", [
    ({"address": "10.0.0.1:50051"}, "aic.ai_core.tls.ca"),
    ({"address": "10.0.0.1:50051", "tls": {"ca": "/nowhere.pem"}}, "/nowhere.pem"),
    ({"tls": {"ca": "/nowhere.pem", "cert": "/nowhere.pem"}}, "belong together"),
    ({"tls": {"colour": "red"}}, "colour"),
], ids=["in the clear", "no file", "half", "unknown"])
def test_bad_settings(ai_core, says):
    with pytest.raises(AssertionError) as stopped:
        Server(config={"aic": {"enabled": True, "ai_core": ai_core}})
    assert says in str(stopped.value)


def test_without_ai_core(start_server, room_on):
    """The service is not there at all: nobody notices."""
    server = start_server(config={"aic": {"enabled": True, "ai_core": {"address": "127.0.0.1:9"}}})
    room = room_on(server)
    sender = room.join("chromium", "sender")
    video = sender.call("publishVideo", width=640, height=360, fps=15)["sid"]
    viewer = room.join("chromium", "viewer")
    viewer.until(video, lambda s: s["distinct"] > 60, 60, "no picture")
    stats = viewer.track(video)
    assert codec(viewer, video) == NATIVE
    assert stats["maxGapMs"] < at_most(600, viewer) and stats["unreadable"] == 0, stats


def test_new_viewers(call):
    """Who joins while it is compressed begins with it; who cannot decode AV1 stays native."""
    _, room, viewer, video = call
    goes_to(viewer, video, AIC)
    late = room.join("chromium", "late")
    late.until(video, lambda s: s["distinct"] > 15, 60, "no picture for who comes late")
    goes_to(late, video, AIC)
    node = room.join("node", "node")
    node.until(video, lambda s: s["distinct"] > 15, 60, "no picture in rtc-node")


def test_opting_out(call, record):
    """`auralink.aic: off` holds for what a participant gets, and for what it publishes; `on` takes it back."""
    _, room, viewer, video = call
    other = room.join("chromium", "other", grants={"attributes": {"auralink.aic": "off"}, "can_update_own_metadata": True})
    goes_to(viewer, video, AIC)
    other.until(video, lambda s: s["distinct"] > 30, 60, "pictures for who opted out")
    assert codec(other, video) == NATIVE
    other.call("setAttributes", attributes={"auralink.aic": "on"})
    goes_to(other, video, AIC)
    other.call("setAttributes", attributes={"auralink.aic": "off"})
    record(native_again_s=goes_to(other, video, NATIVE))
    own = other.call("publishVideo", width=640, height=360, fps=15)["sid"]
    viewer.until(own, lambda s: s["distinct"] > 60, 60, "pictures of who opted out")
    assert codec(viewer, own) == NATIVE
    goes_to(viewer, video, AIC)


def test_a_person_opts_out(call):
    """`aic_off` of an AuraID holds at once and at the next join, whatever the app's attribute says; other people's calls go on."""
    server, room, viewer, video = call
    grants = {"attributes": {"auralink.aic": "on"}}
    other = room.join("chromium", "other", grants=grants)
    goes_to(other, video, AIC)
    own = Rest(server, tokens.join("other", room.name))
    own.good("PATCH", "/aura/v1/ids/me", {"aic_off": True})
    goes_to(other, video, NATIVE)
    other.disconnect()
    again = room.join("chromium", "other", grants=grants)
    again.until(video, lambda s: s["distinct"] > 30, 20, "pictures for who opted out")
    assert codec(again, video) == NATIVE
    goes_to(viewer, video, AIC)
    own.good("PATCH", "/aura/v1/ids/me", {"aic_off": False})
    goes_to(again, video, AIC)


def test_simulcast(core, start_server, room_on):
    """The largest layer is compressed; who wants a small picture gets the publisher's small layer."""
    server = start_server(config={"aic": {"enabled": True, "ai_core": {"address": core.address}}})
    room = room_on(server)
    sender = room.join("chromium", "sender")
    video = sender.call("publishVideo", width=640, height=360, fps=15, simulcast=True, bitrate=800_000)["sid"]
    viewer = room.join("chromium", "viewer")
    viewer.until(video, lambda s: s["distinct"] > 10, 60, "no picture")
    goes_to(viewer, video, AIC)
    eventually(lambda: viewer.call("rtcStats", sid=video).get("frameHeight") == 360, 60, 0.1, "all lines, compressed")
    viewer.call("setQuality", sid=video, quality=0)
    goes_to(viewer, video, NATIVE)
    eventually(lambda: 0 < viewer.call("rtcStats", sid=video).get("frameHeight", 0) < 360, 60, 0.1, "few lines")
    viewer.call("setQuality", sid=video, quality=2)
    goes_to(viewer, video, AIC)
    stats = viewer.track(video)
    assert stats["backwards"] == 0 and stats["unreadable"] == 0, stats


@pytest.fixture
def plain_core():
    """AI Core without its model: a fifth of the native rate, whatever the picture."""
    core = AICore("--without", "governor")
    yield core
    core.stop()


def test_poor_link(plain_core, start_server, room_on, record):
    """400 kbps carry the whole picture compressed, where natively only the small layer fits."""
    core = plain_core
    server = start_server(config={"aic": {"enabled": True, "ai_core": {"address": core.address}}})
    links = [Forwarder(("127.0.0.1", server.udp_port), signal_target=server.url) for _ in range(2)]
    room = room_on(server)

    def lines(client):
        return client.call("rtcStats", sid=video).get("frameHeight", 0)

    try:
        sender = room.join("chromium", "sender")
        video = sender.call("publishVideo", width=640, height=360, fps=15, simulcast=True, noise=40, bitrate=800_000)["sid"]
        viewer = room.join("chromium", "viewer", url=links[0].ws_url)
        native = room.join("chromium", "native", url=links[1].ws_url, grants={"attributes": {"auralink.aic": "off"}})
        goes_to(viewer, video, AIC)
        native.until(video, lambda s: s["distinct"] > 15, 60, "a picture behind the link")
        for link in links:
            link.impair(Impairment(delay_ms=15), Impairment(delay_ms=15, rate_kbps=400))
        eventually(lambda: codec(native, video) == NATIVE and 0 < lines(native) < 360, 60, 0.1, "few lines natively")
        eventually(lambda: codec(viewer, video) == AIC and lines(viewer) == 360, 60, 0.1, "all lines, compressed")
        kbps, native_kbps = compressed_kbps(viewer, video, 4), bytes_in(native, video, 4)
        record(kbps=kbps, lines=lines(viewer), native_kbps=native_kbps, native_lines=lines(native))
        assert kbps < 400
        eventually(lambda: codec(viewer, video) == AIC and lines(viewer) == 360, 60, 0.1, "all lines, still")
    finally:
        for link in links:
            link.close()


@pytest.mark.parametrize("name", ["h264", "vp9"])
def test_codecs(core, start_server, room_on, name, record):
    """Other codecs are compressed as VP8 is: H.264, and VP9 with its spatial layers in one stream."""
    server = start_server(config={"aic": {"enabled": True, "ai_core": {"address": core.address}}})
    room = room_on(server)
    sender = room.join("chromium", "sender")
    video = sender.call("publishVideo", width=640, height=360, fps=15, bitrate=1_000_000, codec=name)["sid"]
    viewer = room.join("chromium", "viewer")
    viewer.until(video, lambda s: s["distinct"] > 5, 60, "no picture")
    native, before = viewer.call("rtcStats", sid=video), viewer.track(video)
    assert before["backwards"] == 0 and before["unreadable"] == 0, before
    goes_to(viewer, video, AIC)
    eventually(lambda: viewer.call("rtcStats", sid=video).get("frameHeight") == 360, 60, 0.1, "all lines, compressed")
    kbps = compressed_kbps(viewer, video)
    stats = viewer.track(video)
    record(native=native.get("mimeType"), aic_kbps=kbps, max_gap_ms=stats["maxGapMs"])
    assert stats["backwards"] == 0 and stats["unreadable"] == 0, stats
    assert kbps < 500


def test_av1(plain_core, start_server, room_on, record):
    """AV1 from the publisher is compressed again only where its rate is far above what AI Core needs."""
    server = start_server(config={"aic": {"enabled": True, "ai_core": {"address": plain_core.address}}})
    room = room_on(server)
    sender = room.join("chromium", "sender")
    own = {"width": 320, "height": 180, "fps": 15, "codec": "av1"}
    small = sender.call("publishVideo", bitrate=60_000, **own)["sid"]
    large = sender.call("publishVideo", bitrate=1_000_000, noise=60, name="second", **own)["sid"]
    viewer = room.join("chromium", "viewer")
    for video in (small, large):
        viewer.until(video, lambda s: s["distinct"] > 5, 60, "no picture")
    sent = 1_000_000

    def falls():
        nonlocal sent
        before = bytes_out(sender, large)
        kbps = bytes_in(viewer, large, 2)
        sent = (bytes_out(sender, large) - before) * 8 / 1000 / 2
        return kbps < sent / 2 and kbps

    kbps = eventually(falls, 90, 0.1, "the large one is compressed")
    viewer.call("reset")
    viewer.until(small, lambda s: s["distinct"] > 15, 60, "the small one goes on")
    viewer.until(large, lambda s: s["frames"] > 15, 60, "the large one goes on")
    record(sent_kbps=sent, aic_kbps=kbps)
    assert server.tail(100_000).count("AIC Compressed!") == 1


@pytest.mark.parametrize("options", [{"e2eeKey": "secret"}], ids=["encrypted"])
def test_untouched(core, start_server, room_on, options):
    """End-to-end encrypted tracks stay what they are."""
    server = start_server(config={"aic": {"enabled": True, "ai_core": {"address": core.address}}})
    room = room_on(server)
    shared = {k: v for k, v in options.items() if k == "e2eeKey"}
    sender = room.join("chromium", "sender", **shared)
    own = {k: v for k, v in options.items() if k == "codec"}
    video = sender.call("publishVideo", width=640, height=360, fps=15, **own)["sid"]
    viewer = room.join("chromium", "viewer", **shared)
    viewer.until(video, lambda s: s["distinct"] > 75, 60, "no picture")
    assert codec(viewer, video) != AIC
    assert "AIC Compressed!" not in server.tail(100_000)
