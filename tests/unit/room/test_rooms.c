/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane on a clock that stands still, with a real SFU on loopback behind it. */
#include "rooms_rig.h"

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
    assert_string_equal(j->ice_servers[0]->urls[1], "stun:other.example.org");
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
