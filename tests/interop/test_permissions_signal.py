# SPDX-License-Identifier: Apache-2.0
"""Each grant × each signalling request.

A request or grant without a row fails the test of completeness. Nothing here waits for nothing to
happen: a ping behind the request is answered once its effects have been told.
"""

from __future__ import annotations

import itertools

import pytest
from livekit.protocol import models, rtc as proto

from lib import tokens
from lib.grants import known_to_sdk
from lib.signalling import Signal

_serial = itertools.count(1)

# What a participant has unless the row says otherwise …
USUAL = {"roomJoin": True, "canPublish": True, "canSubscribe": True, "canPublishData": True,
         "canUpdateOwnMetadata": True, "canSubscribeMetrics": True}
# … and the other value of each grant. Those of other claims are nobody's in a room.
FLIPPED = {
    "canPublish": False, "canSubscribe": False, "canPublishData": False, "canUpdateOwnMetadata": False,
    "canSubscribeMetrics": False, "canPublishSources": ["screen_share"], "roomCreate": True, "roomList": True,
    "roomRecord": True, "roomAdmin": True, "ingressAdmin": True, "hidden": True, "recorder": True, "agent": True,
    "canManageAgentSession": True, "destinationRoom": "elsewhere",
}
NEEDED = {"roomJoin", "room"}  # without them nobody is there: test_permissions_http.py

PUBLISH = {"canPublish", "canPublishSources"}
# request: the grants without which it does nothing
REQUESTS = {
    "offer": set(), "answer": {"canSubscribe"}, "trickle": set(), "add_track": PUBLISH, "mute": PUBLISH | {"hidden"},
    "subscription": {"canSubscribe"}, "track_setting": {"canSubscribe"}, "leave": set(), "update_layers": set(),
    "subscription_permission": PUBLISH, "sync_state": set(), "simulate": set(), "ping": set(),
    "update_metadata": {"canUpdateOwnMetadata"}, "ping_req": set(), "update_audio_track": PUBLISH | {"hidden"},
    "update_video_track": PUBLISH | {"hidden"}, "publish_data_track_request": {"canPublishData"},
    "unpublish_data_track_request": {"canPublishData"}, "update_data_subscription": {"canSubscribe"},
}
# LiveKit's data blobs, which we do not have: they do nothing, whatever the token says.
ABSENT = {"store_data_blob_request", "get_data_blob_request"}


def token_of(identity: str, room: str, kind: str | None = None, **grants) -> str:
    return tokens.raw(tokens.claims(sub=identity, video={**USUAL, "room": room, **grants}, kind=kind))


def sdp(sections) -> str:
    """An offer with these (kind, direction, track id)."""
    out = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE "
    out += " ".join(str(i) for i in range(len(sections))) + "\r\n"
    for mid, (kind, direction, track) in enumerate(sections):
        pt, codec = (111, "opus/48000/2") if kind == "audio" else (96, "VP8/90000")
        out += (f"m={kind} 9 UDP/TLS/RTP/SAVPF {pt}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na={direction}\r\n"
                "a=rtcp-mux\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n"
                "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + f"\r\na=rtpmap:{pt} {codec}\r\n")
        if track:
            out += f"a=msid:stream {track}\r\n"
    return out


class Person:
    """A signalling session; what it was told is kept."""

    def __init__(self, server, token: str, version: int = 1, **query):
        self.signal = Signal(server, token, version, **query)
        self.join = self.signal.wait("join")
        self.psid = self.join.participant.sid
        self.told: list[proto.SignalResponse] = []
        self.sections: list = []

    def send(self, **request) -> None:
        self.signal.send(**request)

    def catch_up(self) -> list[proto.SignalResponse]:
        """Everything that it was told up to now: the server answers pings in their order."""
        number = next(_serial)
        self.send(ping_req=proto.Ping(timestamp=number))
        while True:
            message = self.signal.receive(20)
            if message.WhichOneof("message") == "pong_resp" and message.pong_resp.last_ping_timestamp == number:
                return self.told
            self.told.append(message)

    def last(self, kind: str):
        found = [getattr(m, kind) for m in self.catch_up() if m.WhichOneof("message") == kind]
        return found[-1] if found else None

    def seen(self, identity: str):
        """The newest ParticipantInfo of somebody."""
        infos = [i for m in self.catch_up() if m.WhichOneof("message") == "update" for i in m.update.participants]
        infos = [i for i in infos if i.identity == identity]
        return infos[-1] if infos else None

    def offer(self, *sections) -> None:
        self.sections += sections
        self.send(offer=proto.SessionDescription(type="offer", sdp=sdp(self.sections), id=len(self.sections)))

    def publish(self, name: str = "cam", source=models.CAMERA, kind=models.VIDEO) -> str:
        """The new track's sid, "" if it was refused."""
        before = len(self.catch_up())
        self.send(add_track=proto.AddTrackRequest(cid=name, name=name, type=kind, source=source))
        self.offer(("video" if kind == models.VIDEO else "audio", "sendonly", name))
        new = self.catch_up()[before:]
        return next((m.track_published.track.sid for m in new if m.HasField("track_published")), "")

    def close(self) -> None:
        self.signal.close()


@pytest.fixture
def people(server):
    held = []

    def join(room: str, identity: str, version: int = 1, query: dict | None = None, **grants) -> Person:
        held.append(Person(server, token_of(identity, room, **grants), version, **(query or {})))
        return held[-1]

    yield join
    for one in held:
        one.close()


class Case:
    """A publisher with a camera, somebody who watches, and the one whose grants are looked at."""

    def __init__(self, people, grants: dict, version: int = 1):
        self.room = f"signal-{next(_serial)}"
        self.watcher = people(self.room, "watcher")
        self.publisher = people(self.room, "publisher")
        self.sid = self.publisher.publish()
        self.subject = people(self.room, "subject", version, **grants)

    def own_track(self):
        self.subject.publish("mine", models.MICROPHONE, models.AUDIO)
        info = self.watcher.seen("subject")
        return info.tracks[0] if info and info.tracks else None

    def own_sid(self) -> str:
        """Also of a track that nobody else sees."""
        return self.subject.publish("mine", models.MICROPHONE, models.AUDIO) or "TR_none"

    def tried(self, request: str) -> bool:
        """Sends it. @return whether it did anything"""
        return getattr(self, "try_" + request)()

    # ---- one for each row ----

    def try_offer(self):
        self.subject.offer(("audio", "recvonly", None))
        return self.subject.last("answer") is not None

    def try_answer(self):
        return self._subscriber_offer() is not None

    def _subscriber_offer(self):
        offer = self.subject.last("offer")
        if offer:
            text = offer.sdp.replace("a=setup:actpass", "a=setup:active").replace("a=sendonly", "a=recvonly")
            self.subject.send(answer=proto.SessionDescription(type="answer", sdp=text, id=offer.id))
        return offer

    def try_trickle(self):
        self.subject.send(trickle=proto.TrickleRequest(candidateInit="{}", target=0))
        return self.subject.catch_up() is not None

    def try_add_track(self):
        sid = self.subject.publish("mine", models.MICROPHONE, models.AUDIO)
        refusal = self.subject.last("request_response")
        assert bool(sid) == (refusal is None)
        assert refusal is None or (refusal.reason == proto.RequestResponse.NOT_ALLOWED and refusal.message)
        return bool(sid)

    def try_mute(self):
        self.subject.send(mute=proto.MuteTrackRequest(sid=self.own_sid(), muted=True))
        self.subject.send(mute=proto.MuteTrackRequest(sid=self.sid, muted=True))  # is another's
        self.subject.catch_up()
        info = self.watcher.seen("subject")
        assert not self.watcher.seen("publisher").tracks[0].muted
        return bool(info and info.tracks and info.tracks[0].muted)

    def try_subscription(self):
        self.subject.send(subscription=proto.UpdateSubscription(track_sids=[self.sid], subscribe=False))
        before = len(self.subject.catch_up())
        self.subject.send(subscription=proto.UpdateSubscription(track_sids=[self.sid], subscribe=True))
        new = self.subject.catch_up()[before:]
        return any(m.HasField("subscription_permission_update") for m in new)

    def try_track_setting(self):
        self.subject.send(track_setting=proto.UpdateTrackSettings(track_sids=[self.sid], disabled=True))
        update = self.subject.last("subscription_permission_update")  # there is something to set
        return update is not None

    def try_leave(self):
        self.subject.send(leave=proto.LeaveRequest())
        return self.subject.signal.wait("leave") is not None

    def try_update_layers(self):
        self.subject.send(update_layers=proto.UpdateVideoLayers(track_sid=self.sid))
        return self.subject.catch_up() is not None

    def try_subscription_permission(self):
        """The watcher loses the subject's track, and of the publisher's nothing."""
        sid = self.own_sid()
        self.subject.send(subscription_permission=proto.SubscriptionPermission(all_participants=False))
        self.subject.catch_up()
        lost = {m.subscription_permission_update.track_sid for m in self.watcher.catch_up()
                if m.HasField("subscription_permission_update") and not m.subscription_permission_update.allowed}
        assert self.sid not in lost
        return sid in lost

    def try_sync_state(self):
        self.subject.send(sync_state=proto.SyncState())
        return self.subject.catch_up() is not None

    def try_simulate(self):
        self.subject.send(simulate=proto.SimulateScenario(leave_request_full_reconnect=True))
        return self.subject.last("leave") is not None

    def try_ping(self):
        self.subject.send(ping=1)
        return any(m.WhichOneof("message") == "pong" for m in self.subject.catch_up())

    def try_ping_req(self):
        return self.subject.catch_up() is not None

    def try_update_metadata(self):
        self.subject.send(update_metadata=proto.UpdateParticipantMetadata(metadata="mine", name="me", request_id=3))
        answer = self.subject.last("request_response")
        own = self.subject.seen("subject")
        assert (own.metadata == "mine") == (answer.reason == proto.RequestResponse.OK), answer
        assert answer.request_id == 3
        assert answer.reason in (proto.RequestResponse.OK, proto.RequestResponse.NOT_ALLOWED)
        return own.metadata == "mine"

    def try_update_audio_track(self):
        self.subject.send(update_audio_track=proto.UpdateLocalAudioTrack(track_sid=self.own_sid(), features=[models.TF_STEREO]))
        self.subject.catch_up()
        info = self.watcher.seen("subject")
        return bool(info and info.tracks and list(info.tracks[0].audio_features) == [models.TF_STEREO])

    def try_update_video_track(self):
        """A camera, which a list of sources may leave out too."""
        sid = self.subject.publish("cam") or "TR_none"
        self.subject.send(update_video_track=proto.UpdateLocalVideoTrack(track_sid=sid, width=123, height=45))
        self.subject.catch_up()
        info = self.watcher.seen("subject")
        return bool(info and info.tracks and info.tracks[0].width == 123)


    def _data_track(self, person):
        """Its sid, "" if it was refused."""
        before = len(person.catch_up())
        person.send(publish_data_track_request=proto.PublishDataTrackRequest(pub_handle=5, name="data"))
        new = person.catch_up()[before:]
        for m in new:
            if m.HasField("request_response"):
                assert m.request_response.reason == proto.RequestResponse.NOT_ALLOWED and m.request_response.message
        return next((m.publish_data_track_response.info.sid for m in new if m.HasField("publish_data_track_response")), "")

    def try_publish_data_track_request(self):
        sid = self._data_track(self.subject)
        seen = self.watcher.seen("subject")
        assert {t.sid for t in seen.data_tracks} == ({sid} if sid else set()) if seen else True
        return bool(sid)

    def try_unpublish_data_track_request(self):
        self._data_track(self.subject)
        self.subject.send(unpublish_data_track_request=proto.UnpublishDataTrackRequest(pub_handle=5))
        return self.subject.last("unpublish_data_track_response") is not None

    def try_update_data_subscription(self):
        update = proto.UpdateDataSubscription.Update(track_sid=self._data_track(self.publisher), subscribe=True)
        self.subject.send(update_data_subscription=proto.UpdateDataSubscription(updates=[update]))
        handles = self.subject.last("data_track_subscriber_handles")
        return handles is not None and [h.track_sid for h in handles.sub_handles.values()] == [update.track_sid]


def test_every_request_and_grant_has_a_row():
    oneof = proto.SignalRequest.DESCRIPTOR.oneofs_by_name["message"]
    assert {f.name for f in oneof.fields} == set(REQUESTS) | ABSENT
    video = {grant for grant in known_to_sdk() if "." not in grant}
    assert video == set(FLIPPED) | NEEDED
    permission = {f.json_name for f in models.ParticipantPermission.DESCRIPTOR.fields}
    assert permission == {"canSubscribe", "canPublish", "canPublishData", "canPublishSources", "hidden", "recorder",
                          "canUpdateMetadata", "agent", "canSubscribeMetrics", "canManageAgentSession"}


@pytest.mark.parametrize("request_name", REQUESTS)
def test_requests(people, request_name):
    needs, version = REQUESTS[request_name], 0 if request_name == "answer" else 1
    assert Case(people, {}, version).tried(request_name), "nobody can do it"
    for grant, value in FLIPPED.items():
        done = Case(people, {grant: value}, version).tried(request_name)
        assert done == (grant not in needs), grant


def test_absent_requests_do_nothing(people):
    case = Case(people, {})
    before = len(case.subject.catch_up())
    for name in ABSENT:
        case.subject.send(**{name: type(getattr(proto.SignalRequest(), name))()})
    assert [m.WhichOneof("message") for m in case.subject.catch_up()[before:]] == []
    assert len(case.watcher.seen("publisher").tracks) == 1


@pytest.mark.parametrize("hidden", [False, True])
def test_hidden(people, hidden):
    """Nobody is told of who is hidden, whatever it does; it is told of all."""
    case = Case(people, {"hidden": hidden})
    late = people(case.room, "late")
    case.subject.send(update_metadata=proto.UpdateParticipantMetadata(metadata="x"))
    assert case.subject.seen("subject").metadata == "x"
    assert (case.watcher.seen("subject") is None) == hidden
    assert ("subject" in {p.identity for p in late.join.other_participants}) == (not hidden)
    assert {p.identity for p in case.subject.join.other_participants} == {"watcher", "publisher"}


@pytest.mark.parametrize("recorder", [False, True])
def test_recorder(people, recorder):
    """It gets what publishers keep from others, and the room says that it is recorded."""
    case = Case(people, {"recorder": recorder})
    case.publisher.send(subscription_permission=proto.SubscriptionPermission(all_participants=False))
    case.publisher.catch_up()
    assert case.subject.last("subscription_permission_update").allowed == recorder
    assert not case.watcher.last("subscription_permission_update").allowed
    assert people(case.room, "late").join.room.active_recording == recorder
