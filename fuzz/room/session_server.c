/* SPDX-License-Identifier: Apache-2.0 */
/* What comes from the server's other sides: media workers, the operator, a worker of agents. */
#include "session_world.h"

#include <string.h>

/* ---- media workers ---- */

void media_event(const struct client *c, struct aura_cur *cur) {
    const struct aura_sfu_handlers *h = aura_rooms_sfu_handlers();
    static const char rids[] = "qhf";
    uint8_t a = aura_cur_u8(cur), b = aura_cur_u8(cur);
    struct participant *p = participant_of(c);
    const struct track *track = p ? AURA_LIST_FIRST(&p->tracks, struct track, node) : NULL;
    const struct subscription *s = p ? AURA_LIST_FIRST(&p->subs, struct subscription, node) : NULL;
    struct aura_sfu_layer layer = {.codec = (enum aura_codec)(1 + b % (AURA_CODEC_COUNT - 1)),
                                   .ssrc = b};
    struct aura_sfu_level level = {
        .pub = track ? track->enc[0].pub : 7, .level = (float)b / 255, .active = b & 1};
    struct aura_sfu_sub_state state = {
        .sub = s ? s->sub : 7, .paused = b & 1, .spatial = (int8_t)(b % 4 - 1)};
    struct aura_sfu_pub_stats stats = {.pub = level.pub,
                                       .interval_packets = b,
                                       .interval_expected = 255,
                                       .interval_lost = 255u - b};
    layer.rid[0] = b & 4 ? rids[b % 3] : '\0';
    switch (a & 7) {
    case 0:
    case 1:
        if (p) {
            h->peer_state(w.rooms, a & 8 && p->sub.peer ? p->sub.peer : p->pub.peer,
                          (enum aura_pc_state)(b % 5));
        }
        break;
    case 2:
        h->pub_layer(w.rooms, track ? track->enc[b >> 7].pub : 7, &layer);
        break;
    case 3:
        h->audio_levels(w.rooms, &level, 1);
        break;
    case 4:
        h->sub_state(w.rooms, &state);
        break;
    case 5:
        h->sub_started(w.rooms, state.sub);
        break;
    case 6:
        h->pub_stats(w.rooms, &stats);
        break;
    default:
        aura_sfu_poll_stats(&w.t.sfu);
        break;
    }
}

void data_message(const struct client *c, struct aura_cur *cur) {
    const struct participant *p = participant_of(c);
    uint8_t a = aura_cur_u8(cur);
    size_t len;
    const uint8_t *at = take_raw(cur, &len);
    uint8_t bytes[RAW_MAX];
    Livekit__DataPacket d = LIVEKIT__DATA_PACKET__INIT;
    Livekit__UserPacket user = LIVEKIT__USER_PACKET__INIT;
    Livekit__RpcRequest rpc = LIVEKIT__RPC_REQUEST__INIT;
    char *to[] = {"bob"};
    if (!p || !at) {
        return;
    }
    if (a & 8) {
        user.payload = (ProtobufCBinaryData){.len = len, .data = (uint8_t *)(uintptr_t)at};
        d.destination_identities = to;
        d.n_destination_identities = a >> 4 & 1;
        d.sequence = a >> 5;
        if (a & 4) {
            d.value_case = LIVEKIT__DATA_PACKET__VALUE_RPC_REQUEST;
            rpc.id = rpc.method = text("x");
            d.rpc_request = &rpc;
        } else {
            d.value_case = LIVEKIT__DATA_PACKET__VALUE_USER;
            d.user = &user;
        }
        if (livekit__data_packet__get_packed_size(&d) > sizeof(bytes)) {
            return;
        }
        len = livekit__data_packet__pack(&d, bytes);
        at = bytes;
    }
    aura_rooms_sfu_handlers()->data(w.rooms, p->pub.peer, (enum aura_data_channel)(a % 3), at, len);
}

/* ---- the operator, and a worker of agents ---- */

static void on_agent_send(void *arg, const uint8_t *message, size_t len) {
    Livekit__ServerMessage *m = livekit__server_message__unpack(aura_pb_allocator(), len, message);
    (void)arg;
    AURA_BUG_ON(!m);
    livekit__server_message__free_unpacked(m, aura_pb_allocator());
}

static void on_agent_close(void *arg, int code, const char *reason) {
    (void)arg;
    (void)code;
    (void)reason;
    w.agent_closed = true;
}

static void on_rpc(void *arg, const struct aura_rpc_result *result) {
    (void)arg;
    AURA_BUG_ON(w.rpcs_out == 0 || (result->err == 0 && !result->payload));
    w.rpcs_out--;
}

static void free_answer(void *message) {
    aura__pb_free(message);
}

static void update_participant(const char *identity, uint8_t b, uint8_t more) {
    Livekit__TrackSource sources[] = {(Livekit__TrackSource)(more & 7), (Livekit__TrackSource)more};
    Livekit__UpdateParticipantRequest q = LIVEKIT__UPDATE_PARTICIPANT_REQUEST__INIT;
    Livekit__ParticipantPermission may = LIVEKIT__PARTICIPANT_PERMISSION__INIT;
    Livekit__ParticipantInfo *info = NULL;
    q.room = text("room");
    q.identity = text(identity);
    q.permission = &may;
    may.can_publish = b & 1;
    may.can_subscribe = b >> 1 & 1;
    may.can_publish_data = b >> 2 & 1;
    may.can_update_metadata = b >> 3 & 1;
    may.hidden = b >> 4 & 1 && b >> 5 & 1;
    may.recorder = more >> 7;
    may.agent = more >> 6 & 1;
    may.n_can_publish_sources = b >> 6 & 1 ? 1 + (b >> 7) : 0;
    may.can_publish_sources = sources;
    if (aura_rooms_update_participant(w.rooms, &q, &info) == 0) {
        free_answer(info);
    }
}

void room_service(struct aura_cur *cur) {
    static const char *const names[] = {"alice", "bob", "carol", "nobody"};
    uint8_t a = aura_cur_u8(cur), b = aura_cur_u8(cur), more = aura_cur_u8(cur);
    const char *identity = names[a >> 4 & 3];
    char *sids[] = {text(some_track(b))};
    Livekit__MuteRoomTrackRequest mute = LIVEKIT__MUTE_ROOM_TRACK_REQUEST__INIT;
    Livekit__UpdateSubscriptionsRequest subs = LIVEKIT__UPDATE_SUBSCRIPTIONS_REQUEST__INIT;
    Livekit__SendDataRequest send = LIVEKIT__SEND_DATA_REQUEST__INIT;
    Livekit__PerformRpcRequest rpc = LIVEKIT__PERFORM_RPC_REQUEST__INIT;
    Livekit__CreateAgentDispatchRequest dispatch = LIVEKIT__CREATE_AGENT_DISPATCH_REQUEST__INIT;
    Livekit__ListParticipantsResponse *list = NULL;
    Livekit__AgentDispatch *made = NULL;
    Livekit__TrackInfo *track = NULL;
    Livekit__Room *room = NULL;
    mute.room = subs.room = send.room = rpc.room = dispatch.room = text("room");
    mute.identity = subs.identity = rpc.destination_identity = text(identity);
    switch (a & 15) {
    case 0:
        (void)!aura_rooms_remove_participant(w.rooms, "room", identity);
        break;
    case 1:
        mute.track_sid = sids[0];
        mute.muted = b >> 7;
        (void)!aura_rooms_mute_track(w.rooms, &mute, &track);
        free_answer(track);
        break;
    case 2:
        subs.n_track_sids = 1;
        subs.track_sids = sids;
        subs.subscribe = b >> 7;
        (void)!aura_rooms_update_subscriptions(w.rooms, &subs);
        break;
    case 3:
        (void)!aura_rooms_send_data(w.rooms, &send);
        break;
    case 4:
        if (b > 250) {
            (void)!aura_rooms_delete_room(w.rooms, "room");
        }
        break;
    case 5:
        (void)!aura_rooms_update_metadata(w.rooms, "room",
                                          b & 1 ? "{\"auralink.aic\":\"off\"}" : "x", &room);
        free_answer(room);
        break;
    case 6:
        (void)!aura_rooms_list_participants(w.rooms, "room", &list);
        free_answer(list);
        break;
    case 7:
        rpc.method = text("m");
        rpc.payload = text("p");
        w.rpcs_out++;
        w.rpcs_out -= aura_rooms_perform_rpc(w.rooms, &rpc, on_rpc, NULL) != 0;
        break;
    case 8:
        dispatch.agent_name = text(b & 1 ? "agent" : "");
        (void)!aura_rooms_create_dispatch(w.rooms, &dispatch, &made);
        free_answer(made);
        break;
    default:
        update_participant(identity, b, more);
        break;
    }
}

void agent_message(struct aura_cur *cur) {
    static const struct aura_signal_sink sink = {on_agent_send, on_agent_close};
    static const uint8_t hello[] = {0x0a,
                                    0x00}; /* register: a worker without a name, for w.rooms */
    size_t len;
    uint8_t a = aura_cur_u8(cur);
    const uint8_t *at = take_raw(cur, &len);
    if (w.agent && (w.agent_closed || a == 255)) {
        aura_worker_closed(w.agent);
        w.agent = NULL;
        return;
    }
    if (!w.agent) {
        w.agent_closed = false;
        AURA_BUG_ON(aura_worker_new(&w.agent, w.rooms, "key", &sink, NULL));
        at = hello;
        len = sizeof(hello);
    }
    if (at && aura_worker_recv(w.agent, at, len)) {
        aura_worker_closed(w.agent);
        w.agent = NULL;
    }
}
