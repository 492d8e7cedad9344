/* SPDX-License-Identifier: Apache-2.0 */
/* What a client asks for. */
#include "session_world.h"

#include <string.h>

static void say(struct client *c, const Livekit__SignalRequest *q) {
    size_t len = livekit__signal_request__get_packed_size(q);
    uint8_t *bytes = aura_zalloc(len);
    AURA_BUG_ON(!bytes);
    livekit__signal_request__pack(q, bytes);
    AURA_BUG_ON(aura_session_recv(c->session, bytes, len));
    aura_free(bytes);
}

static void describe(struct client *c, bool answer, uint32_t id) {
    Livekit__SessionDescription d = LIVEKIT__SESSION_DESCRIPTION__INIT;
    Livekit__SignalRequest q = LIVEKIT__SIGNAL_REQUEST__INIT;
    d.type = text(answer ? "answer" : "offer");
    d.sdp = w.sdp;
    d.id = id;
    q.message_case =
        answer ? LIVEKIT__SIGNAL_REQUEST__MESSAGE_ANSWER : LIVEKIT__SIGNAL_REQUEST__MESSAGE_OFFER;
    q.offer = &d; /* of a union with the answer */
    say(c, &q);
}

static void offer(struct client *c, struct aura_cur *cur) {
    uint8_t how = aura_cur_u8(cur);
    random_sections(c, cur);
    size_t len = session_offer(w.sdp, &c->sections, how & 1);
    if (how & 2 && len) { /* one byte of it wrong */
        char wrong = (char)aura_cur_u8(cur);
        w.sdp[aura_cur_u16(cur) % len] = wrong ? wrong : ' ';
        for (char *s = w.sdp; *s; s++) { /* a protobuf string is UTF-8 */
            *s &= 0x7f;
        }
    }
    describe(c, false, 1 + (how >> 2));
}

static void answer(struct client *c, uint8_t how) {
    if (c->offer) {
        session_answer(w.sdp, c->offer, how & 1 ? how : 0);
        describe(c, true, how & 2 ? c->offer_id + (how >> 6) : c->offer_id);
    }
}

static void add_track(struct client *c, struct aura_cur *cur) {
    static char *const codecs[] = {"vp8", "vp9", "av1", "h264", "opus", "nonsense", "", "vp8"};
    uint8_t a = aura_cur_u8(cur), b = aura_cur_u8(cur);
    char cid[4] = {'c', (char)('0' + (a & 7)), 0};
    Livekit__SimulcastCodec codec[2] = {LIVEKIT__SIMULCAST_CODEC__INIT,
                                        LIVEKIT__SIMULCAST_CODEC__INIT};
    Livekit__VideoLayer layer[3];
    Livekit__SimulcastCodec *list[2] = {&codec[0], &codec[1]};
    Livekit__VideoLayer *layers[3] = {&layer[0], &layer[1], &layer[2]};
    Livekit__AddTrackRequest add = LIVEKIT__ADD_TRACK_REQUEST__INIT;
    Livekit__SignalRequest q = LIVEKIT__SIGNAL_REQUEST__INIT;
    for (unsigned i = 0; i < 3; i++) {
        livekit__video_layer__init(&layer[i]);
        layer[i].quality = (Livekit__VideoQuality)(2 - i);
        layer[i].width = layer[i].height = 100 * i;
    }
    codec[0].codec = codecs[b & 7];
    codec[1].codec = codecs[b >> 3 & 7];
    codec[0].cid = codec[1].cid = cid;
    add.cid = cid;
    add.type = (Livekit__TrackType)(a >> 3 & 3);
    add.source = (Livekit__TrackSource)(a >> 5);
    add.n_simulcast_codecs = b >> 6 > 2 ? 2 : b >> 6;
    add.simulcast_codecs = list;
    add.n_layers = b % 4;
    add.layers = layers;
    add.muted = a == 255;
    struct participant *p = participant_of(c);
    const struct track *known = p ? AURA_LIST_FIRST(&p->tracks, struct track, node) : NULL;
    if ((b & 0xc7) == 0x41 && known) {
        add.sid = text(known->sid); /* a backup codec */
    }
    q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_ADD_TRACK;
    q.add_track = &add;
    say(c, &q);
}

/* Any track of the room, or one that is not there. */
const char *some_track(uint8_t which) {
    const struct room *room = the_room();
    const char *sid = "TR_none";
    size_t n = 0;
    if (room) {
        AURA_LIST_EACH(&room->participants, struct participant, p, node) {
            AURA_LIST_EACH(&p->tracks, struct track, track, node) {
                if (n++ == (which & 15u)) {
                    sid = track->sid;
                }
            }
        }
    }
    return sid;
}

static void track_requests(struct client *c, struct aura_cur *cur) {
    uint8_t a = aura_cur_u8(cur), b = aura_cur_u8(cur);
    char *sids[] = {text(some_track(b))}, *others[] = {"bob", "alice"};
    Livekit__SignalRequest q = LIVEKIT__SIGNAL_REQUEST__INIT;
    Livekit__MuteTrackRequest mute = LIVEKIT__MUTE_TRACK_REQUEST__INIT;
    Livekit__UpdateSubscription subscription = LIVEKIT__UPDATE_SUBSCRIPTION__INIT;
    Livekit__UpdateTrackSettings set = LIVEKIT__UPDATE_TRACK_SETTINGS__INIT;
    Livekit__TrackPermission who = LIVEKIT__TRACK_PERMISSION__INIT;
    Livekit__TrackPermission *list[] = {&who};
    Livekit__SubscriptionPermission permission = LIVEKIT__SUBSCRIPTION_PERMISSION__INIT;
    switch (a & 3) {
    case 0:
        mute.sid = sids[0];
        mute.muted = a >> 2 & 1;
        q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_MUTE;
        q.mute = &mute;
        break;
    case 1:
        subscription.track_sids = sids;
        subscription.n_track_sids = 1;
        subscription.subscribe = a >> 2 & 1;
        q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_SUBSCRIPTION;
        q.subscription = &subscription;
        break;
    case 2:
        set.track_sids = sids;
        set.n_track_sids = 1;
        set.disabled = a >> 2 & 1;
        set.quality = (Livekit__VideoQuality)(a >> 3 & 7);
        set.width = set.height = b * 16u;
        q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_TRACK_SETTING;
        q.track_setting = &set;
        break;
    default:
        permission.all_participants = a >> 2 & 1;
        permission.n_track_permissions = a >> 3 & 1;
        permission.track_permissions = list;
        who.participant_identity = others[a >> 4 & 1];
        who.all_tracks = a >> 5 & 1;
        who.n_track_sids = 1;
        who.track_sids = sids;
        q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_SUBSCRIPTION_PERMISSION;
        q.subscription_permission = &permission;
        break;
    }
    say(c, &q);
}

static void small_requests(struct client *c, uint8_t a) {
    Livekit__SignalRequest q = LIVEKIT__SIGNAL_REQUEST__INIT;
    Livekit__LeaveRequest leave = LIVEKIT__LEAVE_REQUEST__INIT;
    Livekit__SimulateScenario simulate = LIVEKIT__SIMULATE_SCENARIO__INIT;
    Livekit__UpdateParticipantMetadata change = LIVEKIT__UPDATE_PARTICIPANT_METADATA__INIT;
    if ((a & 3) == 0) {
        q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_LEAVE;
        q.leave = &leave;
    } else if ((a & 3) == 1) {
        simulate.scenario_case = (Livekit__SimulateScenario__ScenarioCase)(1 + (a >> 2) % 9);
        simulate.speaker_update = 1; /* of a union: bools read its low byte */
        q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_SIMULATE;
        q.simulate = &simulate;
    } else {
        change.metadata = text(a & 4 ? "{\"a\":1}" : "");
        change.name = text(a & 8 ? "name" : "");
        q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_UPDATE_METADATA;
        q.update_metadata = &change;
    }
    say(c, &q);
}

const uint8_t *take_raw(struct aura_cur *cur, size_t *len) {
    *len = aura_cur_u8(cur) * 2u;
    *len = *len < aura_cur_left(cur) ? *len : aura_cur_left(cur);
    return aura_cur_take(cur, *len);
}

static void raw_request(struct client *c, struct aura_cur *cur) {
    size_t len;
    const uint8_t *at = take_raw(cur, &len);
    if (at && aura_session_recv(c->session, at, len)) {
        let_go(c); /* as the WebSocket's owner does */
    }
}

void step_of_client(struct client *c, uint8_t op, struct aura_cur *cur) {
    switch (op & 15) {
    case 2:
        offer(c, cur);
        break;
    case 3:
        answer(c, aura_cur_u8(cur));
        break;
    case 4:
        add_track(c, cur);
        break;
    case 5:
        track_requests(c, cur);
        break;
    case 6:
        small_requests(c, aura_cur_u8(cur));
        break;
    default:
        raw_request(c, cur);
        break;
    }
}
