/* SPDX-License-Identifier: Apache-2.0 */
/* Who has no place for a track waits for one. */
#include "rooms_rig.h"

#include "room/room_priv.h"

struct scene {
    struct world w;
    struct client alice, bob;
    struct participant *a, *b;
    char sids[8][SID_CAP];
};

/* What a client's offer would come to: the section on which it sends what it has announced. */
static void publish(struct scene *s, unsigned i) {
    char cid[8];
    struct aura_neg_pub pub = {.kind = AURA_KIND_VIDEO, .media = {.kind = AURA_KIND_VIDEO}};
    pub.media.codecs[pub.media.codec_count++] =
        (struct aura_media_codec){.codec = AURA_CODEC_VP8, .pt = 96, .clock_rate = 90000};
    snprintf(cid, sizeof(cid), "c%u", i);
    snprintf(pub.track_id, sizeof(pub.track_id), "%s", cid);
    snprintf(pub.mid, sizeof(pub.mid), "%u", i);
    add_track(&s->alice, cid, LIVEKIT__TRACK_SOURCE__CAMERA);
    aura__publish_section(s->a, s->a->pub.peer, &pub);
    const Livekit__SignalResponse *told = GOT(&s->alice, TRACK_PUBLISHED);
    assert_non_null(told);
    snprintf(s->sids[i], SID_CAP, "%s", told->track_published->track->sid);
    client_clear(&s->alice);
}

static void start(struct scene *s, const struct aura_rooms_conf *conf, unsigned tracks) {
    world_start(&s->w, conf);
    enter(&s->w, &s->alice, &(struct wish){.identity = "alice"});
    enter(&s->w, &s->bob, &(struct wish){.identity = "bob"});
    struct room *room = aura__room_find(s->w.rooms, "room");
    assert_non_null(room);
    s->a = aura__room_participant(room, "alice");
    s->b = aura__room_participant(room, "bob");
    for (unsigned i = 0; i < tracks; i++) {
        publish(s, i);
    }
}

static void end(struct scene *s) {
    client_end(&s->bob);
    client_end(&s->alice);
    world_end(&s->w);
}

static struct track *track(struct scene *s, unsigned i) {
    struct track *t = aura__track_by_sid(s->a, s->sids[i]);
    assert_non_null(t);
    return t;
}

/* Bit i: bob gets track i (of what he may see). */
static unsigned has(struct scene *s) {
    unsigned set = 0;
    for (unsigned i = 0; i < 8; i++) {
        struct track *t = s->sids[i][0] ? aura__track_by_sid(s->a, s->sids[i]) : NULL;
        struct subscription *sub = t ? aura__subscription_find(s->b, t) : NULL;
        set |= sub && sub->allowed ? 1u << i : 0;
    }
    return set;
}

static void ask(struct scene *s, unsigned i, bool subscribe) {
    char *sid = s->sids[i];
    Livekit__UpdateSubscription u = LIVEKIT__UPDATE_SUBSCRIPTION__INIT;
    Livekit__SignalRequest q = LIVEKIT__SIGNAL_REQUEST__INIT;
    u.track_sids = &sid;
    u.n_track_sids = 1;
    u.subscribe = subscribe;
    q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_SUBSCRIPTION;
    q.subscription = &u;
    client_clear(&s->bob);
    say(&s->bob, &q);
}

static const struct aura_rooms_conf two = {.auto_create = true, .max_sub_video = 2};

static int the_oldest_takes_the_place(void) {
    struct scene s = {0};
    start(&s, &two, 5);
    assert_int_equal(has(&s), 0x03);
    ask(&s, 0, false);
    assert_int_equal(has(&s), 0x02); /* kept a moment for what it asks for itself */
    pass(&s.w, 1000);
    assert_int_equal(has(&s), 0x06);
    aura__publish_end(track(&s, 1), true); /* unpublished */
    pass(&s.w, 1000);
    assert_int_equal(has(&s), 0x0c);
    ask(&s, 2, false);
    ask(&s, 3, false);
    pass(&s.w, 1000);
    assert_int_equal(has(&s), 0x10); /* 0, 2 and 3 were given up: they do not come back */
    end(&s);
    return 0;
}

static int who_asks_is_told_and_waits(void) {
    struct scene s = {0};
    start(&s, &two, 4);
    ask(&s, 3, true);
    assert_int_equal(GOT(&s.bob, SUBSCRIPTION_RESPONSE)->subscription_response->err,
                     LIVEKIT__SUBSCRIPTION_ERROR__SE_UNKNOWN);
    ask(&s, 2, false); /* gives up waiting */
    assert_null(GOT(&s.bob, SUBSCRIPTION_RESPONSE));
    ask(&s, 1, false);
    pass(&s.w, 1000);
    assert_int_equal(has(&s), 0x09);
    ask(&s, 0, false); /* one in place of another, and nobody comes between */
    ask(&s, 1, true);
    assert_null(GOT(&s.bob, SUBSCRIPTION_RESPONSE));
    assert_int_equal(has(&s), 0x0a);
    pass(&s.w, 1000);
    assert_int_equal(has(&s), 0x0a);
    end(&s);
    return 0;
}

static void allow(struct scene *s, bool all) {
    Livekit__SubscriptionPermission p = LIVEKIT__SUBSCRIPTION_PERMISSION__INIT;
    p.all_participants = all;
    aura__subscribe_permission(s->a, &p);
}

/* What it may not see takes no place; with the permission back there are as many as before. */
static int permissions_take_and_give_places(void) {
    struct scene s = {0};
    start(&s, &two, 3);
    allow(&s, false);
    pass(&s.w, 1000);
    assert_int_equal(has(&s), 0);
    publish(&s, 3);
    allow(&s, true);
    pass(&s.w, 1000);
    assert_int_equal(has(&s) & 0x03, 0x03);
    assert_int_equal(has(&s) & ~0x03u, 0);
    ask(&s, 0, false);
    ask(&s, 1, false);
    pass(&s.w, 1000);
    assert_int_equal(has(&s), 0x0c);
    end(&s);
    return 0;
}

static int nobody_waits_who_has_left_or_may_not(void) {
    struct scene s = {0};
    start(&s, &two, 4);
    struct permission may = s.b->may;
    may.subscribe = false;
    aura__participant_permit(s.b, &may);
    pass(&s.w, 1000);
    assert_int_equal(has(&s), 0);
    may.subscribe = true;
    aura__participant_permit(s.b, &may);
    assert_int_equal(has(&s), 0x03);
    aura__participant_leave(s.b, LIVEKIT__DISCONNECT_REASON__PARTICIPANT_REMOVED,
                            LIVEKIT__LEAVE_REQUEST__ACTION__DISCONNECT);
    pass(&s.w, 1000);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(aura_list_empty(&track(&s, i)->waiting));
    }
    end(&s);
    return 0;
}

static int a_higher_limit_serves_at_once(void) {
    struct scene s = {0};
    start(&s, &two, 4);
    aura_rooms_change(s.w.rooms,
                      &(struct aura_rooms_conf){.auto_create = true, .max_sub_video = 3});
    pass(&s.w, 1000);
    assert_int_equal(has(&s), 0x07);
    aura_rooms_change(s.w.rooms, &(struct aura_rooms_conf){.auto_create = true});
    pass(&s.w, 1000);
    assert_int_equal(has(&s), 0x0f);
    end(&s);
    return 0;
}

/* What the server says counts for who says nothing. */
static int pauses_are_as_server_and_client_say(void) {
    static const struct {
        bool no_pause;
        int client;
        bool essential;
    } rows[] = {{false, 0, false}, {false, -1, true}, {true, 0, true}, {true, 1, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct aura_rooms_conf conf = {.auto_create = true, .no_pause = rows[i].no_pause};
        struct scene s = {0};
        start(&s, &conf, 1);
        struct client carol;
        enter(&s.w, &carol, &(struct wish){.identity = "carol", .pauses = rows[i].client});
        struct participant *c = aura__room_participant(s.a->room, "carol");
        aura__subscribe(c, track(&s, 0));
        assert_int_equal(aura__subscription_find(c, track(&s, 0))->settings.essential,
                         rows[i].essential);
        client_end(&carol);
        end(&s);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(the_oldest_takes_the_place),
        AURA_PLAIN(who_asks_is_told_and_waits),
        AURA_PLAIN(permissions_take_and_give_places),
        AURA_PLAIN(nobody_waits_who_has_left_or_may_not),
        AURA_PLAIN(a_higher_limit_serves_at_once),
        AURA_PLAIN(pauses_are_as_server_and_client_say),
    };
    return RUN_CASES("waiting", cases);
}
