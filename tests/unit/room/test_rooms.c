/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane on a clock that stands still, with a real SFU on loopback behind it. */
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

static void world_start(struct world *w, const struct aura_rooms_conf *more) {
    static const char *const stun[] = {"stun:stun.example.org:3478"};
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
    conf.stun_server_count = 1;
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

static void client_clear(struct client *c) {
    for (size_t i = 0; i < c->count; i++) {
        livekit__signal_response__free_unpacked(c->inbox[i], aura_pb_allocator());
    }
    c->count = 0;
}

static void client_end(struct client *c) {
    if (c->session) {
        aura_session_closed(c->session);
        c->session = NULL;
    }
    client_clear(c);
}

static void world_end(struct world *w) {
    aura_rooms_free(w->rooms);
    aura_sfu_free(w->sfu);
    aura_loop_free(w->loop);
    aura_keys_free(w->keys);
}

static void pass(struct world *w, uint64_t ms) {
    aura_clock_manual_advance(&w->clock, ms * AURA_US_PER_MS);
    aura_loop_run_once(w->loop, 0);
}

static void on_send(void *arg, const uint8_t *message, size_t len) {
    struct client *c = arg;
    Livekit__SignalResponse *m =
        livekit__signal_response__unpack(aura_pb_allocator(), len, message);
    assert_non_null(m);
    assert_true(c->count < INBOX);
    c->inbox[c->count++] = m;
}

static void on_close(void *arg, int code, const char *reason) {
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
};

static int join(struct world *w, struct client *c, const struct wish *wish, struct aura_denial *d) {
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
    if (wish->sid) {
        request.reconnect = 1;
        request.participant_sid = (char *)(uintptr_t)wish->sid;
    }
    struct aura_join q = {
        .claims = &claims, .request = &request, .single = true, .user_agent = wish->user_agent};
    memset(c, 0, sizeof(*c));
    return aura_rooms_join(w->rooms, &q, &c->session, d);
}

static void enter(struct world *w, struct client *c, const struct wish *wish) {
    static const struct aura_signal_sink sink = {on_send, on_close};
    struct aura_denial d;
    assert_int_equal(join(w, c, wish, &d), 0);
    aura_session_start(c->session, &sink, c);
}

static void say(struct client *c, const Livekit__SignalRequest *q) {
    uint8_t bytes[32768];
    size_t len = livekit__signal_request__get_packed_size(q);
    assert_true(len <= sizeof(bytes));
    livekit__signal_request__pack(q, bytes);
    assert_int_equal(aura_session_recv(c->session, bytes, len), 0);
}

static void add_track(struct client *c, const char *cid, Livekit__TrackSource source) {
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

static int the_join_response_comes_first_and_is_complete(void) {
    struct world w;
    struct client a, b;
    world_start(&w, &plain);
    enter(&w, &a, &(struct wish){.identity = "alice"});
    assert_int_equal(a.inbox[0]->message_case, LIVEKIT__SIGNAL_RESPONSE__MESSAGE_JOIN);
    const Livekit__JoinResponse *j = a.inbox[0]->join;
    assert_string_equal(j->participant->identity, "alice");
    assert_memory_equal(j->participant->sid, "PA_", 3);
    assert_memory_equal(j->room->sid, "RM_", 3);
    assert_int_equal(j->ping_interval, 5);
    assert_int_equal(j->ping_timeout, 15);
    assert_int_equal(j->server_info->protocol, 17);
    assert_string_equal(j->server_info->version, "1.13.11");
    assert_string_equal(j->ice_servers[0]->urls[0], "stun:stun.example.org:3478");
    assert_true(j->n_enabled_publish_codecs > 4);
    assert_int_equal(j->n_other_participants, 0);
    assert_false(j->subscriber_primary); /* one peer connection */
    assert_non_null(GOT(&a, REFRESH_TOKEN));
    client_clear(&a);
    enter(&w, &b, &(struct wish){.identity = "bob"});
    assert_int_equal(b.inbox[0]->join->n_other_participants, 1);
    assert_string_equal(b.inbox[0]->join->other_participants[0]->identity, "alice");
    const Livekit__SignalResponse *update = GOT(&a, UPDATE);
    assert_non_null(update);
    assert_string_equal(update->update->participants[0]->identity, "bob");
    client_end(&b);
    client_end(&a);
    world_end(&w);
    return 0;
}

#define CHROME(version, more)                                                                      \
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " version              \
    " Safari/537.36" more

#define DESKTOP CHROME("Chrome/156.0.0.0", "")

/* And wants to: the participant has its say before the room, and the room before the operator. */
static int who_can_encode_av1_is_told_to(void) {
    static const struct {
        struct wish wish;
        bool steered;
    } clients[] = {
        {{.user_agent = CHROME("Chrome/156.0.0.0", "")}, true},
        {{.user_agent = CHROME("HeadlessChrome/156.0.0.0", "")}, true},
        {{.user_agent = CHROME("Chrome/131.0.0.0", " Edg/131.0.0.0")}, true},
        {{.user_agent = CHROME("Chrome/112.0.0.0", "")}, false},
        {{.user_agent = CHROME("Chrome/156.0.0.0", ""), .aic = "off"}, false},
        {{.user_agent = CHROME("Chrome/156.0.0.0", ""), .native_sdk = true}, false},
        {{.user_agent = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
                        "Chrome/156.0.0.0 Mobile Safari/537.36"},
         false},
        {{.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"},
         false},
        {{.user_agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
                        "(KHTML, like Gecko) Version/18.0 Safari/605.1.15"},
         false},
        {{.user_agent = NULL}, false},
        {{.user_agent = DESKTOP, .standard = "off", .room = "{\"auralink.aic\":\"saver\"}"}, true},
        {{.user_agent = DESKTOP, .standard = "on", .room = "{\"x\":1,\"auralink.aic\":\"off\"}"},
         false},
        {{.user_agent = DESKTOP, .standard = "on", .room = "{\"auralink.aic\":1}"}, true},
        {{.user_agent = DESKTOP,
          .aic = "on",
          .standard = "off",
          .room = "{\"auralink.aic\":\"off\"}"},
         true},
        {{.user_agent = DESKTOP, .aic = "off", .standard = "on", .room = "no JSON, auralink.aic"},
         false},
        {{.user_agent = DESKTOP, .aic = "maybe", .standard = "off", .room = ""}, false},
    };
    for (size_t i = 0; i < sizeof(clients) / sizeof(*clients); i++) {
        struct aura_rooms_conf conf = {.auto_create = true, .aic = true, .aic_steers = true};
        struct wish wish = clients[i].wish;
        struct world w;
        struct client first_there, c;
        Livekit__Room *room = NULL;
        const char *metadata = wish.room ? wish.room : "";
        conf.aic_default = wish.standard;
        world_start(&w, &conf);
        enter(&w, &first_there, &(struct wish){.identity = "bob"});
        assert_int_equal(aura_rooms_update_metadata(w.rooms, "room", metadata, &room), 0);
        livekit__room__free_unpacked(room, aura_pb_allocator());
        wish.identity = "alice";
        enter(&w, &c, &wish);
        const Livekit__JoinResponse *j = c.inbox[0]->join;
        const char *first = NULL;
        bool vp8 = false;
        for (size_t k = 0; k < j->n_enabled_publish_codecs; k++) {
            const char *mime = j->enabled_publish_codecs[k]->mime;
            first = first || strncmp(mime, "video/", 6) != 0 ? first : mime;
            vp8 |= strcmp(mime, "video/VP8") == 0;
        }
        assert_string_equal(first, clients[i].steered ? "video/AV1" : "video/VP8");
        assert_int_equal(vp8, !clients[i].steered);
        client_end(&c);
        client_end(&first_there);
        world_end(&w);
    }
    return 0;
}

static int joins_are_refused_with_livekits_words(void) {
    struct world w;
    struct aura_claims c;
    struct aura_denial d;
    Livekit__JoinRequest request = LIVEKIT__JOIN_REQUEST__INIT;
    struct aura_join q = {.claims = &c, .request = &request, .single = true};
    world_start(&w, &(struct aura_rooms_conf){.auto_create = false});
    aura_claims_init(&c);
    assert_int_equal(aura_rooms_check(w.rooms, &q, &d), AURA_EAUTH);
    assert_int_equal(d.status, 401);
    assert_string_equal(d.text, "no permissions to access the room");
    c.has_video = true;
    assert_int_not_equal(aura_rooms_check(w.rooms, &q, &d), 0);
    assert_int_equal(d.status, 401);
    assert_string_equal(d.text, "permissions denied");
    c.video.room_join = true;
    assert_int_not_equal(aura_rooms_check(w.rooms, &q, &d), 0);
    assert_int_equal(d.status, 400);
    assert_string_equal(d.text, "no room name");
    c.video.room = (char *)(uintptr_t) "room";
    assert_int_not_equal(aura_rooms_check(w.rooms, &q, &d), 0);
    assert_string_equal(d.text, "identity cannot be empty");
    c.identity = (char *)(uintptr_t) "alice";
    assert_int_not_equal(aura_rooms_check(w.rooms, &q, &d), 0);
    assert_int_equal(d.status, 404);
    assert_string_equal(d.text, "requested room does not exist");
    c.video.room_create = true;
    assert_int_equal(aura_rooms_check(w.rooms, &q, &d), 0);
    char longer[300];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = 0;
    c.identity = longer;
    assert_int_not_equal(aura_rooms_check(w.rooms, &q, &d), 0);
    assert_int_equal(d.status, 400);
    c.identity = (char *)(uintptr_t) "alice";
    request.metadata = (char *)(uintptr_t) "mine";
    assert_int_not_equal(aura_rooms_check(w.rooms, &q, &d), 0);
    assert_int_equal(d.status, 401);
    aura_rooms_drain(w.rooms);
    assert_int_not_equal(aura_rooms_check(w.rooms, &q, &d), 0);
    assert_int_equal(d.status, 503);
    world_end(&w);
    return 0;
}

static int a_second_join_replaces_the_first(void) {
    struct world w;
    struct client a, again;
    world_start(&w, &plain);
    enter(&w, &a, &(struct wish){.identity = "alice"});
    enter(&w, &again, &(struct wish){.identity = "alice"});
    const Livekit__SignalResponse *leave = GOT(&a, LEAVE);
    assert_non_null(leave);
    assert_int_equal(leave->leave->reason, LIVEKIT__DISCONNECT_REASON__DUPLICATE_IDENTITY);
    assert_true(a.closed);
    assert_false(again.closed);
    struct aura_rooms_stats stats;
    aura_rooms_stats(w.rooms, &stats);
    assert_int_equal(stats.participants, 1);
    client_end(&a);
    client_end(&again);
    world_end(&w);
    return 0;
}

static int a_full_room_says_so(void) {
    struct world w;
    struct client a, b;
    struct aura_denial d;
    world_start(&w, &(struct aura_rooms_conf){.auto_create = true, .max_participants = 1});
    enter(&w, &a, &(struct wish){.identity = "alice"});
    assert_int_equal(join(&w, &b, &(struct wish){.identity = "bob"}, &d), AURA_ELIMIT);
    assert_int_equal(d.status, 503);
    client_end(&a);
    world_end(&w);
    return 0;
}

static int pings_are_answered(void) {
    struct world w;
    struct client a;
    world_start(&w, &plain);
    enter(&w, &a, &(struct wish){.identity = "alice"});
    Livekit__Ping ping = LIVEKIT__PING__INIT;
    Livekit__SignalRequest q = LIVEKIT__SIGNAL_REQUEST__INIT;
    q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_PING;
    q.ping = 5;
    say(&a, &q);
    assert_int_equal(GOT(&a, PONG)->pong, INT64_C(1700000000000));
    ping.timestamp = 42;
    q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_PING_REQ;
    q.ping_req = &ping;
    say(&a, &q);
    assert_int_equal(GOT(&a, PONG_RESP)->pong_resp->last_ping_timestamp, 42);
    static const uint8_t garbage[] = {0xff, 0xff, 0xff};
    assert_int_equal(aura_session_recv(a.session, garbage, sizeof(garbage)), AURA_EMALFORMED);
    client_end(&a);
    world_end(&w);
    return 0;
}

static int own_metadata_needs_the_grant(void) {
    struct world w;
    struct client a, b;
    world_start(&w, &plain);
    enter(&w, &a, &(struct wish){.identity = "alice"});
    enter(&w, &b, &(struct wish){.identity = "bob", .metadata = true});
    Livekit__UpdateParticipantMetadata u = LIVEKIT__UPDATE_PARTICIPANT_METADATA__INIT;
    Livekit__SignalRequest q = LIVEKIT__SIGNAL_REQUEST__INIT;
    u.metadata = (char *)(uintptr_t) "new";
    u.request_id = 7;
    q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_UPDATE_METADATA;
    q.update_metadata = &u;
    say(&a, &q);
    const Livekit__SignalResponse *r = GOT(&a, REQUEST_RESPONSE);
    assert_int_equal(r->request_response->request_id, 7);
    assert_int_equal(r->request_response->reason, LIVEKIT__REQUEST_RESPONSE__REASON__NOT_ALLOWED);
    client_clear(&a);
    say(&b, &q);
    assert_int_equal(GOT(&b, REQUEST_RESPONSE)->request_response->reason,
                     LIVEKIT__REQUEST_RESPONSE__REASON__OK);
    assert_string_equal(GOT(&a, UPDATE)->update->participants[0]->metadata, "new");
    client_end(&a);
    client_end(&b);
    world_end(&w);
    return 0;
}

static int publishing_is_permitted_and_bounded(void) {
    struct world w;
    struct client a, b;
    world_start(&w, &plain);
    enter(&w, &a, &(struct wish){.identity = "alice", .no_publish = true});
    add_track(&a, "cid", LIVEKIT__TRACK_SOURCE__CAMERA);
    assert_null(GOT(&a, TRACK_PUBLISHED));
    const Livekit__SignalResponse *r = GOT(&a, REQUEST_RESPONSE);
    assert_int_equal(r->request_response->reason, LIVEKIT__REQUEST_RESPONSE__REASON__NOT_ALLOWED);
    assert_string_equal(r->request_response->add_track->cid, "cid");
    enter(&w, &b, &(struct wish){.identity = "bob"});
    client_clear(&b);
    for (int i = 0; i < 20; i++) {
        char cid[8];
        snprintf(cid, sizeof(cid), "c%d", i);
        add_track(&b, cid, LIVEKIT__TRACK_SOURCE__MICROPHONE);
        const Livekit__SignalResponse *p = GOT(&b, TRACK_PUBLISHED);
        assert_string_equal(p->track_published->cid, cid);
        assert_memory_equal(p->track_published->track->sid, "TR_AM", 5);
        assert_string_equal(p->track_published->track->stream, "camera");
        client_clear(&b);
    }
    add_track(&b, "one too many", LIVEKIT__TRACK_SOURCE__MICROPHONE);
    assert_int_equal(GOT(&b, REQUEST_RESPONSE)->request_response->reason,
                     LIVEKIT__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED);
    char *longer = aura_zalloc(20000);
    assert_non_null(longer);
    memset(longer, 'x', 19999);
    client_end(&b);
    enter(&w, &b, &(struct wish){.identity = "bob"});
    add_track(&b, longer, LIVEKIT__TRACK_SOURCE__CAMERA);
    assert_null(GOT(&b, TRACK_PUBLISHED));
    assert_int_equal(GOT(&b, REQUEST_RESPONSE)->request_response->reason,
                     LIVEKIT__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED);
    aura_free(longer);
    client_end(&a);
    client_end(&b);
    world_end(&w);
    return 0;
}

static int rooms_end_when_nobody_is_there(void) {
    struct world w;
    struct client a;
    struct aura_rooms_stats stats;
    Livekit__CreateRoomRequest q = LIVEKIT__CREATE_ROOM_REQUEST__INIT;
    Livekit__Room *room = NULL;
    world_start(&w, &plain);
    q.name = (char *)(uintptr_t) "empty";
    assert_int_equal(aura_rooms_create_room(w.rooms, &q, &room), 0);
    livekit__room__free_unpacked(room, aura_pb_allocator());
    enter(&w, &a, &(struct wish){.identity = "alice"});
    client_end(&a);
    pass(&w, 19000);
    aura_rooms_stats(w.rooms, &stats);
    assert_int_equal(stats.rooms, 2);
    pass(&w, 2000); /* departure timeout: 20 s */
    aura_rooms_stats(w.rooms, &stats);
    assert_int_equal(stats.rooms, 1);
    pass(&w, 280000); /* empty timeout: 300 s */
    aura_rooms_stats(w.rooms, &stats);
    assert_int_equal(stats.rooms, 0);
    world_end(&w);
    return 0;
}

static int whoever_never_connects_is_removed(void) {
    struct world w;
    struct client a;
    world_start(&w, &plain);
    enter(&w, &a, &(struct wish){.identity = "alice"});
    pass(&w, 61000);
    const Livekit__SignalResponse *leave = GOT(&a, LEAVE);
    assert_non_null(leave);
    assert_int_equal(leave->leave->reason, LIVEKIT__DISCONNECT_REASON__JOIN_FAILURE);
    assert_true(a.closed);
    client_end(&a);
    world_end(&w);
    return 0;
}

static int a_session_resumes(void) {
    struct world w;
    struct client a, b, lost;
    char sid[32];
    world_start(&w, &plain);
    enter(&w, &a, &(struct wish){.identity = "alice"});
    snprintf(sid, sizeof(sid), "%s", a.inbox[0]->join->participant->sid);
    /* The new WebSocket comes before the old one is found dead. */
    enter(&w, &b, &(struct wish){.identity = "alice", .sid = sid});
    assert_int_equal(b.inbox[0]->message_case, LIVEKIT__SIGNAL_RESPONSE__MESSAGE_RECONNECT);
    assert_non_null(GOT(&b, UPDATE));
    assert_string_equal(GOT(&b, UPDATE)->update->participants[0]->sid, sid);
    assert_non_null(GOT(&b, ROOM_UPDATE));
    assert_non_null(GOT(&b, REFRESH_TOKEN));
    assert_true(a.closed);
    enter(&w, &lost, &(struct wish){.identity = "alice", .sid = "PA_nobody"});
    assert_int_equal(lost.inbox[0]->message_case, LIVEKIT__SIGNAL_RESPONSE__MESSAGE_LEAVE);
    assert_int_equal(lost.inbox[0]->leave->action, LIVEKIT__LEAVE_REQUEST__ACTION__RECONNECT);
    assert_int_equal(lost.inbox[0]->leave->reason, LIVEKIT__DISCONNECT_REASON__STATE_MISMATCH);
    assert_false(b.closed);
    client_end(&lost);
    client_end(&a);
    client_end(&b);
    world_end(&w);
    return 0;
}

static int room_service_manages(void) {
    struct world w;
    struct client a;
    Livekit__ParticipantInfo *info = NULL;
    Livekit__ListParticipantsResponse *list = NULL;
    Livekit__Room *room = NULL;
    world_start(&w, &plain);
    enter(&w, &a, &(struct wish){.identity = "alice"});
    assert_int_equal(aura_rooms_get_participant(w.rooms, "room", "nobody", &info), AURA_ENOENT);
    assert_int_equal(aura_rooms_get_participant(w.rooms, "room", "alice", &info), 0);
    assert_string_equal(info->identity, "alice");
    livekit__participant_info__free_unpacked(info, aura_pb_allocator());
    assert_int_equal(aura_rooms_list_participants(w.rooms, "room", &list), 0);
    assert_int_equal(list->n_participants, 1);
    livekit__list_participants_response__free_unpacked(list, aura_pb_allocator());
    assert_int_equal(aura_rooms_update_metadata(w.rooms, "room", "m", &room), 0);
    livekit__room__free_unpacked(room, aura_pb_allocator());
    assert_string_equal(GOT(&a, ROOM_UPDATE)->room_update->room->metadata, "m");
    Livekit__UpdateParticipantRequest u = LIVEKIT__UPDATE_PARTICIPANT_REQUEST__INIT;
    Livekit__ParticipantPermission may = LIVEKIT__PARTICIPANT_PERMISSION__INIT;
    u.room = (char *)(uintptr_t) "room";
    u.identity = (char *)(uintptr_t) "alice";
    u.name = (char *)(uintptr_t) "Alice";
    u.permission = &may; /* replaces the whole: nothing is allowed any more */
    assert_int_equal(aura_rooms_update_participant(w.rooms, &u, &info), 0);
    assert_string_equal(info->name, "Alice");
    assert_false(info->permission->can_publish);
    livekit__participant_info__free_unpacked(info, aura_pb_allocator());
    client_clear(&a);
    add_track(&a, "cid", LIVEKIT__TRACK_SOURCE__CAMERA);
    assert_int_equal(GOT(&a, REQUEST_RESPONSE)->request_response->reason,
                     LIVEKIT__REQUEST_RESPONSE__REASON__NOT_ALLOWED);
    assert_int_equal(aura_rooms_remove_participant(w.rooms, "room", "alice"), 0);
    assert_int_equal(GOT(&a, LEAVE)->leave->reason,
                     LIVEKIT__DISCONNECT_REASON__PARTICIPANT_REMOVED);
    assert_int_equal(aura_rooms_delete_room(w.rooms, "room"), 0);
    assert_int_equal(aura_rooms_delete_room(w.rooms, "room"), AURA_ENOENT);
    client_end(&a);
    world_end(&w);
    return 0;
}

static int draining_sends_everybody_elsewhere(void) {
    struct world w;
    struct client a;
    world_start(&w, &plain);
    enter(&w, &a, &(struct wish){.identity = "alice"});
    aura_rooms_drain(w.rooms);
    assert_int_equal(GOT(&a, LEAVE)->leave->action, LIVEKIT__LEAVE_REQUEST__ACTION__RECONNECT);
    assert_int_equal(GOT(&a, LEAVE)->leave->reason, LIVEKIT__DISCONNECT_REASON__SERVER_SHUTDOWN);
    client_end(&a);
    struct aura_rooms_stats stats;
    aura_rooms_stats(w.rooms, &stats);
    assert_int_equal(stats.participants, 0); /* whoever went is not waited for */
    world_end(&w);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(the_join_response_comes_first_and_is_complete),
        AURA_PLAIN(who_can_encode_av1_is_told_to),
        AURA_PLAIN(joins_are_refused_with_livekits_words),
        AURA_PLAIN(a_second_join_replaces_the_first),
        AURA_PLAIN(a_full_room_says_so),
        AURA_PLAIN(pings_are_answered),
        AURA_PLAIN(own_metadata_needs_the_grant),
        AURA_PLAIN(publishing_is_permitted_and_bounded),
        AURA_PLAIN(rooms_end_when_nobody_is_there),
        AURA_PLAIN(whoever_never_connects_is_removed),
        AURA_PLAIN(a_session_resumes),
        AURA_PLAIN(room_service_manages),
        AURA_PLAIN(draining_sends_everybody_elsewhere),
    };
    return RUN_CASES("rooms", cases);
}
