/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of several people with some of Matrix among them. */
#include "as_world.h"

#include <stdio.h>
#include <string.h>

#define ANN "@ann.aura:example.org"

static void be_on_matrix(struct hs *h) {
    const struct aura_proof proof = {"matrix", MAT};
    begin(h);
    assert_int_equal(aura_directory_link(h->w.d, &h->w.cid, &proof), 0);
    world_go(&h->w, 3); /* no device of hers is connected */
}

/* Ann rings Bob, and Cid, who is only Mat. */
static void ring_both(struct hs *h) {
    struct aura_exchange_rung rung;
    be_on_matrix(h);
    const struct aura_exchange_caller ann = world_of(&h->w.ann, "one", "a1");
    const struct aura_id to[] = {h->w.bob, h->w.cid};
    assert_int_equal(aura_exchange_ring(h->w.x, &ann, to, 2, false, &rung), 0);
    memcpy(h->w.call, rung.call, sizeof(h->w.call));
}

static void make_room(struct hs *h) {
    struct aura_as_errand *e = due(h, AURA_AS_DO_ROOM);
    assert_string_equal(e->ghost, ANN);
    assert_string_equal(e->peer, "");
    memcpy(e->room, ROOM, sizeof(ROOM));
    finish(h, AURA_AS_DO_ROOM, 0);
}

static void enter(struct hs *h, const char *ghost, const char *member) {
    struct aura_as_errand *e = due(h, AURA_AS_DO_ENTER);
    assert_string_equal(e->ghost, ghost);
    assert_string_equal(e->room, ROOM);
    memcpy(e->member, member, strlen(member) + 1);
    finish(h, AURA_AS_DO_ENTER, 0);
}

static void bring(struct hs *h, const char *ghost, const char *host) {
    const struct aura_as_errand *e = due(h, AURA_AS_DO_BRING);
    assert_string_equal(e->ghost, ghost);
    assert_string_equal(e->host, host);
    assert_string_equal(e->room, ROOM);
    finish(h, AURA_AS_DO_BRING, 0);
}

static void ring_mat(struct hs *h, const char *member) {
    struct aura_as_errand *e = due(h, AURA_AS_DO_RING);
    assert_string_equal(e->ghost, ANN);
    assert_string_equal(e->peer, MAT);
    assert_string_equal(e->member, member);
    memcpy(e->ring, "$ours", 6);
    finish(h, AURA_AS_DO_RING, 0);
}

static void done_by(struct hs *h, enum aura_as_do what, const char *ghost) {
    assert_string_equal(due(h, what)->ghost, ghost);
    finish(h, what, 0);
}

static void comes(struct hs *h) {
    tell(h, member_type, "_m", "\"application\":\"m.call\",\"expires\":600000");
}

static void goes(struct hs *h) {
    tell(h, member_type, "_m", "");
}

static void gone(struct hs *h) {
    idle(h);
    assert_int_equal(links(h), 0);
    end(h);
}

/* One room of Matrix, in which everybody is seen who is in the call, and as long as they are. */
static int all_are_in_one_room(void) {
    char room[AURA_RTC_ROOM_BYTES], identity[AURA_RTC_IDENTITY_BYTES], media[AURA_RTC_ROOM_BYTES];
    struct hs h;
    ring_both(&h);
    /* Before there is a room it is known where media go, and as whom. */
    assert_int_equal(world_accept_on(&h.w, &h.w.bob, "one", "b1"), 0);
    assert_true(aura_as_media(h.as, h.w.call, &h.w.bob, room, identity));
    assert_string_equal(room, h.w.call);
    assert_string_equal(identity, BOB ":AURALINK");
    assert_true(aura_as_is_media(h.as, h.w.call));
    assert_false(aura_as_room(h.as, ROOM, media));
    make_room(&h);
    assert_true(aura_as_room(h.as, ROOM, media));
    assert_string_equal(media, h.w.call);
    assert_false(aura_as_room(h.as, "!other:example.org", media));
    enter(&h, ANN, "$ann");
    bring(&h, BOB, ANN);
    ring_mat(&h, "$ann");
    enter(&h, BOB, "$bob");
    idle(&h);
    h.w.log[0] = 0;
    comes(&h);
    world_told(&h.w, "a1 person @cid.aura accepted\nb1 person @cid.aura accepted\n");
    assert_int_equal(world_leave_on(&h.w, &h.w.ann, "a1"), 0);
    done_by(&h, AURA_AS_DO_LEAVE, ANN);
    idle(&h); /* her ghost is still in the room: it may have to invite */
    h.w.log[0] = 0;
    goes(&h);
    assert_non_null(strstr(h.w.log, "b1 over left\n"));
    assert_false(aura_as_room(h.as, ROOM, media));
    done_by(&h, AURA_AS_DO_PART, ANN);
    done_by(&h, AURA_AS_DO_LEAVE, BOB);
    done_by(&h, AURA_AS_DO_PART, BOB);
    gone(&h);
    return 0;
}

/* Who of Matrix declines, or has not come, is out; the others go on. */
static int guests_decline(void) {
    struct hs h;
    ring_both(&h);
    make_room(&h);
    enter(&h, ANN, "$ann");
    ring_mat(&h, "$ann");
    h.w.log[0] = 0;
    tell(&h, decline_type, NULL,
         "\"m.relates_to\":{\"rel_type\":\"m.reference\",\"event_id\":\"$ours\"}");
    world_told(&h.w, "a1 person @cid.aura ended declined\n");
    assert_int_equal(world_accept_on(&h.w, &h.w.bob, "one", "b1"), 0);
    bring(&h, BOB, ANN);
    enter(&h, BOB, "$bob");
    /* Out of the room is out of its call, but not out of ours. */
    h.w.log[0] = 0;
    tell_by(&h, MAT, "m.room.member", BOB, "\"membership\":\"leave\"");
    idle(&h);
    world_told(&h.w, "");
    assert_int_equal(world_leave_on(&h.w, &h.w.bob, "b1"), 0);
    done_by(&h, AURA_AS_DO_LEAVE, ANN);
    done_by(&h, AURA_AS_DO_PART, ANN);
    gone(&h);
    return 0;
}

/* Cancelled while the room is being made: what was made is left again, and nobody is rung. */
static int cancelled_at_once(void) {
    struct hs h;
    ring_both(&h);
    (void)due(&h, AURA_AS_DO_ROOM);
    assert_int_equal(world_leave_on(&h.w, &h.w.ann, "a1"), 0);
    make_room(&h);
    done_by(&h, AURA_AS_DO_PART, ANN);
    gone(&h);
    return 0;
}

static int matrix_is_down(void) {
    static const enum aura_as_do steps[] = {AURA_AS_DO_ROOM, AURA_AS_DO_ENTER, AURA_AS_DO_RING};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct hs h;
        ring_both(&h);
        h.w.log[0] = 0;
        if (i > 0) {
            make_room(&h);
        }
        if (i > 1) {
            enter(&h, ANN, "$ann");
        }
        finish(&h, steps[i], AURA_ETIMEDOUT);
        world_pass(&h.w, 0);
        world_told(&h.w, "a1 person @cid.aura ended unreachable\n");
        /* The others are called as ever. */
        assert_int_equal(world_accept_on(&h.w, &h.w.bob, "one", "b1"), 0);
        assert_non_null(strstr(h.w.log, "b1 join"));
        if (i == 1) {
            enter(&h, ANN, "$ann"); /* tried again, as she is in it now */
        }
        if (i > 0) {
            bring(&h, BOB, ANN);
            finish(&h, AURA_AS_DO_ENTER, AURA_EPOLICY); /* media go on without it */
        }
        idle(&h);
        assert_int_equal(world_leave_on(&h.w, &h.w.bob, "b1"), 0);
        if (i > 0) {
            done_by(&h, AURA_AS_DO_LEAVE, ANN);
        }
        if (i > 0) {
            done_by(&h, AURA_AS_DO_PART, BOB);
            done_by(&h, AURA_AS_DO_PART, ANN);
        }
        gone(&h);
    }
    return 0;
}

/* Where a call is on among apps its people have names that Matrix does not know. */
static int too_late_for_matrix(void) {
    const struct aura_exchange_caller ann = {.app = "one", .device = "a1"};
    struct aura_exchange_caller c = ann;
    uint32_t wait_s;
    struct hs h;
    be_on_matrix(&h);
    c.who = &h.w.ann;
    assert_int_equal(world_ring(&h.w, &h.w.ann, "one", "a1", &h.w.bob), 0);
    assert_int_equal(world_accept_on(&h.w, &h.w.bob, "one", "b1"), 0);
    assert_int_equal(aura_exchange_add(h.w.x, h.w.call, &c, &h.w.cid, false, &wait_s), 0);
    h.w.log[0] = 0;
    idle(&h);
    world_told(&h.w,
               "a1 person @cid.aura ended unreachable\nb1 person @cid.aura ended unreachable\n");
    assert_int_equal(world_leave_on(&h.w, &h.w.bob, "b1"), 0);
    gone(&h);
    return 0;
}

/* A call of two with Matrix becomes one of three: in the room that it has. */
static int a_third_is_added(void) {
    char room[AURA_RTC_ROOM_BYTES], again[AURA_RTC_ROOM_BYTES], identity[AURA_RTC_IDENTITY_BYTES];
    struct aura_exchange_caller c = {.app = "one", .device = "a1"};
    uint32_t wait_s;
    struct hs h;
    begin_outgoing(&h);
    c.who = &h.w.ann;
    room_made(&h);
    comes(&h);
    finish(&h, AURA_AS_DO_CALL, 0);
    assert_true(aura_as_media(h.as, h.w.call, &h.w.ann, room, identity));
    assert_int_equal(aura_exchange_add(h.w.x, h.w.call, &c, &h.w.bob, false, &wait_s), 0);
    idle(&h); /* nothing to see until he is in it */
    assert_int_equal(world_accept_on(&h.w, &h.w.bob, "one", "b1"), 0);
    bring(&h, BOB, ANN);
    enter(&h, BOB, "$bob");
    /* Whoever goes first, the others stay where they are. */
    h.w.log[0] = 0;
    goes(&h);
    assert_null(strstr(h.w.log, "over"));
    assert_true(aura_as_media(h.as, h.w.call, &h.w.bob, again, identity));
    assert_string_equal(again, room);
    idle(&h);
    assert_int_equal(world_leave_on(&h.w, &h.w.ann, "a1"), 0);
    done_by(&h, AURA_AS_DO_LEAVE, ANN);
    done_by(&h, AURA_AS_DO_LEAVE, BOB);
    done_by(&h, AURA_AS_DO_PART, BOB);
    gone(&h);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(all_are_in_one_room), AURA_PLAIN(guests_decline),
        AURA_PLAIN(cancelled_at_once),   AURA_PLAIN(matrix_is_down),
        AURA_PLAIN(too_late_for_matrix), AURA_PLAIN(a_third_is_added),
    };
    return RUN_CASES("auraid/matrix_appservice_group", cases);
}
