/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms as operators see them: pages, sids, orders. Series are what the SFU reports. */
#include "room/series.h"
#include "room/show.h"
#include "rooms_rig.h"

struct seen {
    size_t count;
    char sid[64], name[64];
    uint64_t at_us;
};

static void on_room(void *arg, const struct aura_rooms_room_view *v) {
    struct seen *s = arg;
    s->count++;
    snprintf(s->sid, sizeof(s->sid), "%s", v->sid);
    snprintf(s->name, sizeof(s->name), "%s", v->name);
}

static void on_participant(void *arg, const struct aura_rooms_participant_view *v) {
    struct seen *s = arg;
    s->count++;
    snprintf(s->sid, sizeof(s->sid), "%s", v->sid);
    snprintf(s->name, sizeof(s->name), "%s", v->identity);
}

static void make_room(struct world *w, const char *name) {
    Livekit__CreateRoomRequest q = LIVEKIT__CREATE_ROOM_REQUEST__INIT;
    Livekit__Room *room = NULL;
    q.name = (char *)(uintptr_t)name;
    assert_int_equal(aura_rooms_create_room(w->rooms, &q, &room), 0);
    protobuf_c_message_free_unpacked(&room->base, aura_pb_allocator());
}

static int pages_of_rooms(void) {
    static const char *const names[] = {"one", "two", "three", "four"};
    struct world w;
    struct seen s = {.count = 0};
    struct aura_rooms_page page = {.limit = 3};
    world_start(&w, &plain);
    for (size_t i = 0; i < 4; i++) {
        make_room(&w, names[i]);
    }
    assert_int_equal(aura_rooms_show_rooms(w.rooms, &page, on_room, &s), 0);
    assert_int_equal(s.count, 3);
    assert_string_equal(s.name, "three");
    assert_true(page.more);
    char last[64];
    memcpy(last, s.sid, sizeof(last));
    page = (struct aura_rooms_page){.limit = 3, .after = last};
    assert_int_equal(aura_rooms_show_rooms(w.rooms, &page, on_room, &s), 0);
    assert_int_equal(s.count, 4);
    assert_string_equal(s.name, "four");
    assert_false(page.more);
    s.count = 0;
    page = (struct aura_rooms_page){.search = "o"}; /* not in "three" */
    assert_int_equal(aura_rooms_show_rooms(w.rooms, &page, on_room, &s), 0);
    assert_int_equal(s.count, 3);
    s.count = 0;
    page = (struct aura_rooms_page){.search = "four", .after = last}; /* which does not fit */
    assert_int_equal(aura_rooms_show_rooms(w.rooms, &page, on_room, &s), 0);
    assert_int_equal(s.count, 1);
    assert_int_equal(aura_rooms_delete_room(w.rooms, "three"), 0);
    page = (struct aura_rooms_page){.after = last};
    assert_int_equal(aura_rooms_show_rooms(w.rooms, &page, on_room, &s), AURA_ENOENT);
    assert_int_equal(aura_rooms_show_room(w.rooms, last, on_room, &s), AURA_ENOENT);
    world_end(&w);
    return 0;
}

static void sid_of_room(struct world *w, const char *name, char out[64]) {
    struct seen s = {.count = 0};
    struct aura_rooms_page page = {.search = name};
    assert_int_equal(aura_rooms_show_rooms(w->rooms, &page, on_room, &s), 0);
    assert_int_equal(s.count, 1);
    memcpy(out, s.sid, 64);
}

static int by_sid(void) {
    struct world w;
    struct client a, b;
    struct seen s = {.count = 0};
    struct aura_rooms_page page = {.limit = 1};
    const char *name, *identity;
    char room[64], other[64];
    world_start(&w, &plain);
    enter(&w, &a, &(struct wish){.identity = "ann"});
    enter(&w, &b, &(struct wish){.identity = "bob"});
    make_room(&w, "elsewhere");
    sid_of_room(&w, "room", room);
    sid_of_room(&w, "elsewhere", other);
    assert_int_equal(aura_rooms_show_participants(w.rooms, room, &page, on_participant, &s), 0);
    assert_string_equal(s.name, "ann");
    assert_true(page.more);
    assert_int_equal(aura_rooms_place(w.rooms, room, s.sid, &name, &identity), 0);
    assert_string_equal(name, "room");
    assert_string_equal(identity, "ann");
    /* A sid means nothing in another room. */
    assert_int_equal(aura_rooms_place(w.rooms, other, s.sid, &name, &identity), AURA_ENOENT);
    assert_int_equal(aura_rooms_place(w.rooms, "RM_none", NULL, &name, NULL), AURA_ENOENT);
    assert_int_equal(aura_rooms_place(w.rooms, other, NULL, &name, NULL), 0);
    assert_int_equal(aura_rooms_track_place(w.rooms, room, "TR_none", &name, &identity),
                     AURA_ENOENT);
    client_end(&a);
    client_end(&b);
    world_end(&w);
    return 0;
}

static int moving(void) {
    struct world w;
    struct client a, b;
    world_start(&w, &plain);
    enter(&w, &a, &(struct wish){.identity = "ann"});
    enter(&w, &b, &(struct wish){.identity = "bob"});
    assert_int_equal(aura_rooms_move(w.rooms, "room", "ann", "room"), AURA_EINVAL);
    assert_int_equal(aura_rooms_move(w.rooms, "room", "ann", ""), AURA_EINVAL);
    assert_int_equal(aura_rooms_move(w.rooms, "room", "eve", "x"), AURA_ENOENT);
    client_clear(&a);
    assert_int_equal(aura_rooms_move(w.rooms, "room", "ann", "other"), 0);
    const Livekit__SignalResponse *token = GOT(&a, REFRESH_TOKEN), *leave = GOT(&a, LEAVE);
    assert_non_null(token);
    assert_non_null(leave);
    assert_int_equal(leave->leave->action, LIVEKIT__LEAVE_REQUEST__ACTION__RECONNECT);
    struct aura_claims claims;
    const char *why;
    assert_int_equal(aura_token_verify(&claims, w.keys, token->refresh_token,
                                       strlen(token->refresh_token), 1700000000, &why),
                     0);
    assert_string_equal(claims.video.room, "other");
    assert_string_equal(claims.identity, "ann");
    assert_true(claims.video.room_join && !claims.video.room_admin);
    aura_claims_clear(&claims);
    assert_true(a.closed);
    assert_false(aura_rooms_is_in(w.rooms, "room", "ann"));
    assert_int_equal(aura_rooms_disconnect_key(w.rooms, "another"), 0);
    assert_int_equal(aura_rooms_disconnect_key(w.rooms, "key"), 1);
    assert_true(b.closed);
    client_end(&a);
    client_end(&b);
    world_end(&w);
    return 0;
}

/* ---- series ---- */

struct samples {
    size_t count;
    uint64_t first_us, last_us;
    uint32_t last_bps;
};

static void on_sample(void *arg, const struct aura_rooms_sample *v, bool backup) {
    struct samples *s = arg;
    assert_false(backup);
    s->first_us = s->count++ ? s->first_us : v->at_us;
    s->last_us = v->at_us;
    s->last_bps = v->bps;
    assert_true(v->loss >= 0.249f && v->loss <= 0.251f);
}

static void on_subscription(void *arg, const struct aura_rooms_sub_series *v) {
    (void)arg;
    (void)v;
}

/* The SFU's handler, at our time: one sample each few seconds, the oldest go, and the room of all
 * together is bounded. */
static int series(void) {
    struct world w;
    struct client a;
    char room[64];
    struct samples got = {.count = 0};
    struct aura_rooms_series_look look = {
        .published = on_sample, .subscription = on_subscription, .arg = &got};
    world_start(&w, &plain);
    enter(&w, &a, &(struct wish){.identity = "ann"});
    add_track(&a, "cam", LIVEKIT__TRACK_SOURCE__CAMERA);
    sid_of_room(&w, "room", room);
    const Livekit__SignalResponse *told = GOT(&a, TRACK_PUBLISHED);
    assert_non_null(told);
    char sid[64];
    snprintf(sid, sizeof(sid), "%s", told->track_published->track->sid);
    struct room *r = aura__room_find(w.rooms, "room");
    struct track *t = aura__track_by_sid(aura__room_participant(r, "ann"), sid);
    assert_non_null(t);
    t->enc[0].pub = 0; /* no media: the series is fed by hand */
    for (unsigned i = 0; i < AURA_ROOMS_SAMPLES + 10; i++) {
        const struct aura_sfu_pub_stats stats = {
            .bitrate_bps = i, .interval_expected = 8, .interval_lost = 2};
        aura__series_pub(&t->enc[0], &stats);
        aura__series_pub(&t->enc[0], &stats); /* asked for by who looks: no further sample */
        aura_clock_manual_advance(&w.clock, AURA_ROOMS_STEP_S * AURA_US_PER_S);
    }
    assert_int_equal(aura_rooms_show_series(w.rooms, room, sid, &look), 0);
    assert_int_equal(got.count, AURA_ROOMS_SAMPLES);
    assert_int_equal(got.last_bps, AURA_ROOMS_SAMPLES + 9);
    assert_int_equal(got.last_us - got.first_us,
                     (AURA_ROOMS_SAMPLES - 1) * AURA_ROOMS_STEP_S * AURA_US_PER_S);
    assert_true(look.complete);
    assert_int_equal(w.rooms->series_count, 1);
    /* At the ceiling there is none for another one. */
    w.rooms->series_count = AURA_ROOMS_SERIES_MAX;
    const struct aura_sfu_pub_stats stats = {.bitrate_bps = 77};
    aura__series_pub(&t->enc[1], &stats);
    assert_null(t->enc[1].series);
    assert_int_equal(t->enc[1].in_bps, 77); /* what it is now is known all the same */
    w.rooms->series_count = 1;
    assert_int_equal(aura_rooms_show_series(w.rooms, room, "TR_none", &look), AURA_ENOENT);
    client_end(&a);
    assert_int_equal(aura_rooms_delete_room(w.rooms, "room"), 0);
    assert_int_equal(w.rooms->series_count, 0);
    world_end(&w);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_PLAIN(pages_of_rooms), AURA_PLAIN(by_sid),
                                       AURA_PLAIN(moving), AURA_PLAIN(series)};
    return RUN_CASES("room/show", cases);
}
