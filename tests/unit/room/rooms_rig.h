/* SPDX-License-Identifier: Apache-2.0 */
/** @file rooms_rig.h  Rooms on a clock that stands still, a real SFU behind them, and clients that
 * are nothing but their inbox. */
#ifndef AURA_TESTS_ROOMS_RIG_H
#define AURA_TESTS_ROOMS_RIG_H

#include "harness.h"
#include "room/rooms.h"

#include <stdio.h>
#include <string.h>

enum { INBOX = 64 };

struct world {
    struct aura_clock_manual clock;
    struct aura_loop *loop;
    struct aura_keys *keys;
    struct aura_rooms *rooms;
    struct aura_sfu *sfu;
};

/* A client without media: what it was sent, unpacked. */
struct client {
    struct aura_session *session;
    Livekit__SignalResponse *inbox[INBOX];
    size_t count;
    bool closed;
};

static inline void world_start(struct world *w, const struct aura_rooms_conf *more) {
    static const char *const stun[] = {"stun.example.org:3478", "stun:other.example.org"};
    struct aura_addr bind;
    memset(w, 0, sizeof(*w));
    aura_clock_manual_init(&w->clock, 1000000, UINT64_C(1700000000000000));
    assert_int_equal(aura_addr_parse(&bind, "127.0.0.1"), 0);
    assert_int_equal(aura_loop_new(&w->loop, &w->clock.clock), 0);
    assert_int_equal(aura_keys_new(&w->keys), 0);
    assert_int_equal(aura_keys_add(w->keys, "key", "secret"), 0);
    struct aura_rooms_conf conf = *more;
    conf.keys = w->keys;
    conf.node_id = "ND_test";
    conf.region = "";
    conf.version = "1.13.11";
    conf.empty_timeout_s = 300;
    conf.departure_timeout_s = 20;
    conf.stun_servers = stun;
    conf.stun_server_count = 2;
    conf.rand = aura_rand_system();
    assert_int_equal(aura_rooms_new(&w->rooms, &conf, w->loop), 0);
    struct aura_sfu_conf sfu = {.workers = 1,
                                .bind = &bind,
                                .bind_count = 1,
                                .clock = aura_clock_system(),
                                .rand = aura_rand_system()};
    assert_int_equal(aura_sfu_new(&w->sfu, &sfu, w->loop, aura_rooms_sfu_handlers(), w->rooms), 0);
    aura_rooms_attach(w->rooms, w->sfu);
}

static inline void client_clear(struct client *c) {
    for (size_t i = 0; i < c->count; i++) {
        livekit__signal_response__free_unpacked(c->inbox[i], aura_pb_allocator());
    }
    c->count = 0;
}

static inline void client_end(struct client *c) {
    if (c->session) {
        aura_session_closed(c->session);
        c->session = NULL;
    }
    client_clear(c);
}

static inline void world_end(struct world *w) {
    aura_rooms_free(w->rooms);
    aura_sfu_free(w->sfu);
    aura_loop_free(w->loop);
    aura_keys_free(w->keys);
}

static inline void pass(struct world *w, uint64_t ms) {
    aura_clock_manual_advance(&w->clock, ms * AURA_US_PER_MS);
    aura_loop_run_once(w->loop, 0);
}

static inline void on_send(void *arg, const uint8_t *message, size_t len) {
    struct client *c = arg;
    Livekit__SignalResponse *m =
        livekit__signal_response__unpack(aura_pb_allocator(), len, message);
    assert_non_null(m);
    assert_true(c->count < INBOX);
    c->inbox[c->count++] = m;
}

static inline void on_close(void *arg, int code, const char *reason) {
    struct client *c = arg;
    (void)code;
    (void)reason;
    c->closed = true;
}

static const Livekit__SignalResponse *find(const struct client *c,
                                           Livekit__SignalResponse__MessageCase which) {
    for (size_t i = c->count; i > 0; i--) {
        if (c->inbox[i - 1]->message_case == which) {
            return c->inbox[i - 1];
        }
    }
    return NULL;
}

#define GOT(c, name) find(c, LIVEKIT__SIGNAL_RESPONSE__MESSAGE_##name)

struct wish {
    const char *identity, *sid;
    bool no_publish, metadata;
    const char *user_agent, *aic;
    const char *standard, *room; /* of compression: the server, and the room's metadata */
    bool native_sdk;
    int pauses; /* as it says of itself: 0 = nothing, 1 = yes, -1 = no */
};

static inline int join(struct world *w, struct client *c, const struct wish *wish,
                       struct aura_denial *d) {
    struct aura_claims claims;
    Livekit__JoinRequest request = LIVEKIT__JOIN_REQUEST__INIT;
    Livekit__ClientInfo info = LIVEKIT__CLIENT_INFO__INIT;
    aura_claims_init(&claims);
    claims.api_key = (char *)(uintptr_t) "key";
    claims.identity = (char *)(uintptr_t)wish->identity;
    claims.has_video = true;
    claims.video.room_join = true;
    claims.video.room = (char *)(uintptr_t) "room";
    claims.video.can_publish = wish->no_publish ? AURA_NO : AURA_UNSET;
    claims.video.can_update_own_metadata = wish->metadata ? AURA_YES : AURA_UNSET;
    info.protocol = 17;
    info.sdk = wish->native_sdk ? LIVEKIT__CLIENT_INFO__SDK__RUST : LIVEKIT__CLIENT_INFO__SDK__JS;
    struct aura_pair attribute = {.key = (char *)(uintptr_t) "auralink.aic",
                                  .value = (char *)(uintptr_t)wish->aic};
    if (wish->aic) {
        claims.attributes = &attribute;
        claims.attribute_count = 1;
    }
    request.client_info = &info;
    Livekit__ConnectionSettings settings = LIVEKIT__CONNECTION_SETTINGS__INIT;
    if (wish->pauses) {
        settings.auto_subscribe = true;
        settings._subscriber_allow_pause_case =
            LIVEKIT__CONNECTION_SETTINGS___SUBSCRIBER_ALLOW_PAUSE_SUBSCRIBER_ALLOW_PAUSE;
        settings.subscriber_allow_pause = wish->pauses > 0;
        request.connection_settings = &settings;
    }
    if (wish->sid) {
        request.reconnect = 1;
        request.participant_sid = (char *)(uintptr_t)wish->sid;
    }
    struct aura_join q = {
        .claims = &claims, .request = &request, .single = true, .user_agent = wish->user_agent};
    memset(c, 0, sizeof(*c));
    return aura_rooms_join(w->rooms, &q, &c->session, d);
}

static inline void enter(struct world *w, struct client *c, const struct wish *wish) {
    static const struct aura_signal_sink sink = {on_send, on_close};
    struct aura_denial d;
    assert_int_equal(join(w, c, wish, &d), 0);
    aura_session_start(c->session, &sink, c);
}

static inline void say(struct client *c, const Livekit__SignalRequest *q) {
    uint8_t bytes[32768];
    size_t len = livekit__signal_request__get_packed_size(q);
    assert_true(len <= sizeof(bytes));
    livekit__signal_request__pack(q, bytes);
    assert_int_equal(aura_session_recv(c->session, bytes, len), 0);
}

static inline void add_track(struct client *c, const char *cid, Livekit__TrackSource source) {
    Livekit__AddTrackRequest add = LIVEKIT__ADD_TRACK_REQUEST__INIT;
    Livekit__SignalRequest q = LIVEKIT__SIGNAL_REQUEST__INIT;
    add.cid = (char *)(uintptr_t)cid;
    add.source = source;
    add.type = source == LIVEKIT__TRACK_SOURCE__MICROPHONE ? LIVEKIT__TRACK_TYPE__AUDIO
                                                           : LIVEKIT__TRACK_TYPE__VIDEO;
    q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_ADD_TRACK;
    q.add_track = &add;
    say(c, &q);
}

static const struct aura_rooms_conf plain = {.auto_create = true};

#endif
