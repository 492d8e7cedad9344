# SPDX-License-Identifier: Apache-2.0
"""Each grant × each kind of data packet, and what happens to a call when UpdateParticipant changes grants in it."""

from __future__ import annotations

import base64
import json

import pytest
from livekit.protocol import models, rtc as proto

from lib.driver import eventually, silent
from lib.rawpeer import RawPeer
from test_permissions_signal import FLIPPED, Case, people, token_of
from test_server_api import BASE, admin, post

__all__ = ["people"]

# kind: (a packet of it, whether somebody who is no agent may send it)
PACKETS = {
    "user": (models.DataPacket(user=models.UserPacket(payload=b"x", topic="kind")), True),
    "speaker": (models.DataPacket(speaker=models.ActiveSpeakerUpdate()), False),  # the server's alone, and old
    "sip_dtmf": (models.DataPacket(sip_dtmf=models.SipDTMF(code=1, digit="1")), True),
    "transcription": (models.DataPacket(transcription=models.Transcription(track_id="TR_x")), False),
    "metrics": (models.DataPacket(metrics=models.MetricsBatch(timestamp_ms=1)) if hasattr(models, "MetricsBatch") else None, True),
    "chat_message": (models.DataPacket(chat_message=models.ChatMessage(message="hi")), True),
    "rpc_request": (models.DataPacket(rpc_request=models.RpcRequest(id="1", method="m")), True),
    "rpc_ack": (models.DataPacket(rpc_ack=models.RpcAck(request_id="1")), True),
    "rpc_response": (models.DataPacket(rpc_response=models.RpcResponse(request_id="1", payload="p")), True),
    "stream_header": (models.DataPacket(stream_header=models.DataStream.Header(stream_id="s", topic="t")), True),
    "stream_chunk": (models.DataPacket(stream_chunk=models.DataStream.Chunk(stream_id="s")), True),
    "stream_trailer": (models.DataPacket(stream_trailer=models.DataStream.Trailer(stream_id="s")), True),
    "encrypted_packet": (models.DataPacket(encrypted_packet=models.EncryptedPacket(encrypted_value=b"e")), True),
}


def test_every_packet_has_a_row():
    assert {f.name for f in models.DataPacket.DESCRIPTOR.oneofs_by_name["value"].fields} == set(PACKETS)


def packet(kind: str) -> models.DataPacket:
    out = models.DataPacket()
    if PACKETS[kind][0] is not None:
        out.CopyFrom(PACKETS[kind][0])
    else:
        getattr(out, kind).SetInParent()
    out.participant_identity = "somebody else"
    return out


def server_says(server, room: str, topic: str) -> None:
    body = {"room": room, "data": base64.b64encode(b"end").decode(), "kind": "RELIABLE", "topic": topic}
    assert post(server, BASE + "SendData", json.dumps(body).encode(), admin(room))[0] == 200


def kinds(got) -> list[str]:
    return [p.WhichOneof("value") for p in got if p.user.topic != "end"]


@pytest.fixture
def peers(server):
    held = []

    def join(room: str, identity: str, **grants) -> RawPeer:
        held.append(RawPeer(server, token_of(identity, room, **grants)))
        return held[-1]

    yield join
    for one in held:
        one.close()


@pytest.mark.parametrize("grant", [None, *FLIPPED, "canPublish alone", "kind"])
def test_packets(server, peers, room, grant):
    """All kinds in their order; the server's own message behind them is the end."""
    grants = {grant: FLIPPED[grant]} if grant in FLIPPED else {"kind": "agent"} if grant == "kind" else {}
    if grant == "canPublish alone":  # canPublishData is canPublish where the token does not say
        grants = {"canPublish": False, "canPublishData": None}
    watcher = peers(room.name, "watcher")
    without = peers(room.name, "without-metrics", canSubscribeMetrics=False)
    subject = peers(room.name, "subject", **grants)
    before = server.metric("auralink_data_messages_total", "incoming")
    for kind in PACKETS:
        subject.send(packet(kind))
    eventually(lambda: server.metric("auralink_data_messages_total", "incoming") >= before + len(PACKETS), 60, 0.05,
               "the server has them all")
    server_says(server, room.name, "end")
    agent = grant == "kind"
    may = grant not in ("canPublishData", "canPublish alone")
    expected = [k for k, (_, everybody) in PACKETS.items() if may and (everybody or (agent and k == "transcription"))]
    assert kinds(watcher.wait("end")) == expected
    assert kinds(without.wait("end")) == [k for k in expected if k != "metrics"]
    for one in watcher.got[:-1]:
        speaks_for = agent and one.WhichOneof("value") in ("chat_message", "transcription", "stream_header",
                                                          "stream_chunk", "stream_trailer")
        named = "somebody else" if speaks_for else "" if grant == "hidden" else "subject"
        assert one.participant_identity == named, one


# ---- grants that change in mid-call ----


def update(server, room: str, identity: str = "subject", **permission) -> dict:
    """Everything that is not named is false, as in LiveKit."""
    body = json.dumps({"room": room, "identity": identity, "permission": permission}).encode()
    status, answer = post(server, BASE + "UpdateParticipant", body, admin(room))
    assert status == 200, answer
    return answer


def claims_in(jwt: str) -> dict:
    part = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


ALL = {"can_subscribe": True, "can_publish": True, "can_publish_data": True, "can_update_metadata": True}


def test_publish_revoked(server, people):
    """Its tracks go, for itself and for others; what it has from others stays; it may not publish again."""
    case = Case(people, {})
    sids = {case.own_track().sid, case.subject.publish("cam")}
    assert {t.sid for t in case.watcher.seen("subject").tracks} == sids
    before = len(case.subject.catch_up())
    update(server, case.room, **{**ALL, "can_publish": False})
    new = case.subject.catch_up()[before:]
    assert {m.track_unpublished.track_sid for m in new if m.HasField("track_unpublished")} == sids
    token = claims_in(case.subject.last("refresh_token"))
    assert token["video"]["canPublish"] is False and token["video"]["canSubscribe"] is True
    info = case.watcher.seen("subject")
    assert not info.tracks and not info.permission.can_publish
    assert case.subject.publish("again") == ""
    assert case.subject.last("subscription_permission_update").track_sid == case.sid  # the publisher's, as before
    update(server, case.room, **ALL)
    assert case.subject.publish("once-more")


def test_sources_revoked(server, people):
    """Only what is of another source goes; a source that is no source allows nothing more."""
    case = Case(people, {})
    microphone = case.own_track().sid
    camera = case.subject.publish("cam")
    update(server, case.room, **ALL, can_publish_sources=["MICROPHONE"])
    assert [t.sid for t in case.watcher.seen("subject").tracks] == [microphone] and camera
    assert case.subject.publish("cam2") == ""
    assert claims_in(case.subject.last("refresh_token"))["video"]["canPublishSources"] == ["microphone"]
    update(server, case.room, **ALL, can_publish_sources=[77])
    assert not case.watcher.seen("subject").tracks
    assert case.subject.publish("mic", models.MICROPHONE, models.AUDIO) == ""


def test_subscribe_revoked(server, people):
    """Subscriptions go, and come back with the right."""
    case = Case(people, {})
    case.subject.offer(("video", "recvonly", None))
    answer = case.subject.last("answer")
    assert dict(answer.mid_to_track_id) == {"0": case.sid}
    update(server, case.room, **{**ALL, "can_subscribe": False})
    assert case.subject.last("media_sections_requirement") is not None
    case.subject.offer()
    answer = case.subject.last("answer")
    assert not answer.mid_to_track_id and case.sid not in answer.sdp
    assert not case.tried("subscription")
    update(server, case.room, **ALL)
    assert case.subject.last("subscription_permission_update").track_sid == case.sid
    case.subject.offer()
    assert dict(case.subject.last("answer").mid_to_track_id) == {"0": case.sid}


def test_subscribe_granted_to_two_connections(server, people):
    """On /rtc the connection for subscriptions is made when the right to them comes."""
    case = Case(people, {"canSubscribe": False}, 0)
    assert not case.tried("answer") and not case.subject.join.subscriber_primary
    update(server, case.room, **ALL)
    offer = case.subject.last("offer")
    assert f"|{case.sid}" in offer.sdp
    assert case.tried("answer")


def test_metadata_granted_and_revoked(server, people):
    case = Case(people, {"canUpdateOwnMetadata": False})
    assert not case.tried("update_metadata")
    update(server, case.room, **ALL)
    assert case.tried("update_metadata")
    update(server, case.room, **{**ALL, "can_update_metadata": False})
    assert not case.subject.seen("subject").permission.can_update_metadata


def test_hidden_in_mid_call(server, people):
    """To others it leaves, and comes back."""
    case = Case(people, {})
    update(server, case.room, **ALL, hidden=True)
    assert case.watcher.seen("subject").state == models.ParticipantInfo.DISCONNECTED
    assert case.subject.seen("subject").permission.hidden
    assert "subject" not in {p.identity for p in people(case.room, "late").join.other_participants}
    update(server, case.room, **ALL)
    assert case.watcher.seen("subject").state == models.ParticipantInfo.JOINED


def test_recorder_in_mid_call(server, people):
    """Who is no recorder any more loses what it had as one, also in the token for its next join."""
    case = Case(people, {"recorder": True})
    case.subject.offer(("video", "recvonly", None))
    case.publisher.send(subscription_permission=proto.SubscriptionPermission(all_participants=False))
    case.publisher.catch_up()
    assert case.subject.last("subscription_permission_update").allowed
    update(server, case.room, **ALL)
    assert not case.subject.last("subscription_permission_update").allowed
    case.subject.offer()
    assert not case.subject.last("answer").mid_to_track_id
    assert "recorder" not in claims_in(case.subject.last("refresh_token"))["video"]
    assert not people(case.room, "late").join.room.active_recording
    update(server, case.room, **ALL, recorder=True)
    assert case.subject.last("subscription_permission_update").allowed
    assert claims_in(case.subject.last("refresh_token"))["video"]["recorder"] is True


def test_data_revoked(server, peers, room):
    watcher, subject = peers(room.name, "watcher"), peers(room.name, "subject")
    subject.send(models.DataPacket(user=models.UserPacket(payload=b"1", topic="first")))
    watcher.wait("first")
    update(server, room.name, **{**ALL, "can_publish_data": False})
    refused = server.metric("auralink_data_refused_total")
    subject.send(models.DataPacket(user=models.UserPacket(payload=b"2", topic="second")))
    eventually(lambda: server.metric("auralink_data_refused_total") > refused, 60, 0.05, "it is refused")
    update(server, room.name, **ALL)
    subject.send(models.DataPacket(user=models.UserPacket(payload=b"3", topic="third")))
    assert [p.user.topic for p in watcher.wait("third")] == ["first", "third"]


@pytest.mark.parametrize("kind", ["node", "python", pytest.param("chromium", marks=pytest.mark.browser)])
def test_sdks(server, room, kind):
    """Real SDKs: the sound stops for who may not hear any more, comes back with the right, and then ends for all."""
    speaker, listener = room.join("node", "speaker"), room.join(kind, "subject")
    other = room.join("node", "other")
    audio = speaker.call("publishAudio")["sid"]
    for one in (listener, other):
        one.until(audio, lambda s: s["loudSeconds"] > 0.3, 60)
    update(server, room.name, **{**ALL, "can_subscribe": False})
    eventually(lambda: silent(listener, audio), 60, what="the sound stops")
    if kind == "chromium":  # SDKs with a Rust core keep a track that the server took away, and are silent
        listener.wait("trackUnsubscribed", 60, identity="speaker", sid=audio)
    other.call("reset")
    other.until(audio, lambda s: s["loudSeconds"] > 0.3, what="the other hears nothing any more")
    update(server, room.name, **ALL)
    eventually(lambda: not silent(listener, audio, 1), 60, what="the sound is back")
    update(server, room.name, "speaker", **{**ALL, "can_publish": False})
    for one in (listener, other):
        one.wait("trackUnpublished", 60, identity="speaker", sid=audio)
