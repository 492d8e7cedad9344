/* SPDX-License-Identifier: Apache-2.0 */
/* Rings between Matrix and AuraIDs, and what comes twice. */
#include "as_world.h"

#include <stdio.h>
#include <string.h>

/* ---- rung by Matrix ---- */

static int invitations_are_accepted(void) {
    struct hs h;
    begin(&h);
    tell(&h, "m.room.member", BOB, "\"membership\":\"invite\",\"is_direct\":true");
    const struct aura_as_errand *e = due(&h, AURA_AS_DO_JOIN);
    assert_string_equal(e->ghost, BOB);
    assert_string_equal(e->room, ROOM);
    finish(&h, AURA_AS_DO_JOIN, 0);
    char room[AURA_DIRECTORY_TEXT_MAX + 1];
    assert_int_equal(aura_directory_direct_room(h.w.d, &h.w.bob, MAT, room), 0);
    assert_string_equal(room, ROOM);
    tell(&h, "m.room.member", BOB, "\"membership\":\"leave\"");
    assert_int_equal(aura_directory_direct_room(h.w.d, &h.w.bob, MAT, room), AURA_ENOENT);
    /* Nobody: he is blocked; there is none of that name; it is of another server. */
    struct aura_identity bob;
    assert_int_equal(aura_directory_get(h.w.d, &h.w.bob, &bob), 0);
    bob.privacy = AURA_PRIVACY_NOBODY;
    assert_int_equal(aura_directory_update(h.w.d, &bob), 0);
    tell(&h, "m.room.member", BOB, "\"membership\":\"invite\"");
    tell(&h, "m.room.member", "@none.aura:example.org", "\"membership\":\"invite\"");
    tell(&h, "m.room.member", "@ann.aura:other.org", "\"membership\":\"invite\"");
    idle(&h);
    struct aura_as_errand errand;
    assert_int_equal(aura_as_user(h.as, "@ann.aura:example.org", &errand), 0);
    assert_string_equal(errand.ghost, "@ann.aura:example.org");
    static const char *const hidden[] = {
        BOB, "@none.aura:example.org", "@ann.aura:other.org", "@ann:example.org", "ann", ""};
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        assert_int_equal(aura_as_user(h.as, hidden[i], &errand), AURA_ENOENT);
    }
    end(&h);
    return 0;
}

static int cancelled_by_matrix(void) {
    struct hs h;
    begin(&h);
    come_in(&h);
    ring(&h, BOB, 60000);
    world_told(&h.w, "b1 ring @mat.aura\nb2 ring @mat.aura\n");
    idle(&h);
    assert_int_equal(links(&h), 1);
    /* Ringing again, of the same one, changes nothing. */
    ring(&h, BOB, 60000);
    world_told(&h.w, "");
    tell(&h, member_type, "_m", "");
    world_told(&h.w, "room -mat\nb1 quiet cancelled\nb2 quiet cancelled\n"
                     "b1 missed @mat.aura cancelled\nb2 missed @mat.aura cancelled\nroom closes\n");
    idle(&h);
    assert_int_equal(links(&h), 0);
    end(&h);
    return 0;
}

static int membership_follows_the_call(void) {
    struct hs h;
    char room[AURA_RTC_ROOM_BYTES], identity[AURA_RTC_IDENTITY_BYTES];
    ring_named(&h);
    assert_int_equal(world_accept_on(&h.w, &h.w.bob, "one", "b1"), 0);
    assert_true(aura_as_media(h.as, h.w.call, &h.w.bob, room, identity));
    assert_string_equal(identity, BOB ":AURALINK");
    assert_int_equal(strlen(room), AURA_RTC_ROOM_BYTES - 1);
    /* Entering fails: it is tried again, later each time, and media go on meanwhile. */
    finish(&h, AURA_AS_DO_ENTER, AURA_EIO);
    idle(&h);
    world_pass(&h.w, 999);
    idle(&h);
    world_pass(&h.w, 1);
    finish(&h, AURA_AS_DO_ENTER, AURA_ETIMEDOUT);
    world_pass(&h.w, 1999);
    idle(&h);
    world_pass(&h.w, 1);
    /* He hangs up while it is under way: it ends first, then is undone. */
    const struct aura_as_errand *e = due(&h, AURA_AS_DO_ENTER);
    assert_string_equal(e->device, "AURALINK");
    assert_int_equal(world_leave_on(&h.w, &h.w.bob, "b1"), 0);
    world_pass(&h.w, 0);
    assert_int_equal(h.begun, h.done + 1);
    finish(&h, AURA_AS_DO_ENTER, 0);
    finish(&h, AURA_AS_DO_LEAVE, 0);
    idle(&h);
    assert_int_equal(links(&h), 0);
    end(&h);
    return 0;
}

static int declined_and_busy(void) {
    struct hs h;
    ring_named(&h);
    assert_int_equal(world_decline_on(&h.w, &h.w.bob, "b1"), 0);
    const struct aura_as_errand *e = due(&h, AURA_AS_DO_DECLINE);
    assert_string_equal(e->ring, "$2");
    finish(&h, AURA_AS_DO_DECLINE, 0);
    idle(&h);
    assert_int_equal(links(&h), 0);
    /* Who is in a call is busy at once: the exchange's call is over before we know its name. */
    assert_int_equal(world_ring(&h.w, &h.w.ann, "one", "a1", &h.w.bob), 0);
    assert_int_equal(world_accept_on(&h.w, &h.w.bob, "one", "b1"), 0);
    ring(&h, BOB, 60000);
    finish(&h, AURA_AS_DO_DECLINE, AURA_EPOLICY);
    idle(&h);
    assert_int_equal(links(&h), 0);
    end(&h);
    return 0;
}

static int rings_end_in_time(void) {
    struct hs h;
    begin(&h);
    come_in(&h);
    ring(&h, BOB, 0);                         /* too old, the moment it comes */
    ring(&h, "@ann.aura:example.org", 60000); /* her ghost is not there */
    world_told(&h.w, "");
    ring(&h, BOB, 5000);
    world_told(&h.w, "b1 ring @mat.aura\nb2 ring @mat.aura\n");
    world_pass(&h.w, 4999);
    world_told(&h.w, "");
    world_pass(&h.w, 1);
    world_told(&h.w, "room -mat\nb1 quiet cancelled\nb2 quiet cancelled\n"
                     "b1 missed @mat.aura cancelled\nb2 missed @mat.aura cancelled\nroom closes\n");
    /* The ghost is thrown out of the room while it rings. */
    ring(&h, BOB, 5000);
    tell(&h, "m.room.member", BOB, "\"membership\":\"ban\"");
    assert_non_null(strstr(h.w.log, "b1 quiet cancelled\n"));
    idle(&h);
    assert_int_equal(links(&h), 0);
    end(&h);
    return 0;
}

/* Another device of the caller's is not the one that rings. */
static int devices_are_told_apart(void) {
    struct hs h;
    char content[500];
    begin(&h);
    come_in(&h);
    tell(&h, member_type, "_one", "\"application\":\"m.call\"");
    (void)snprintf(content, sizeof(content),
                   "\"notification_type\":\"ring\",\"sender_ts\":%llu,\"lifetime\":30000,"
                   "\"m.mentions\":{\"room\":true},\"m.relates_to\":{\"rel_type\":"
                   "\"m.reference\",\"event_id\":\"$%u\"}",
                   (unsigned long long)wall_ms(&h), h.event);
    tell(&h, ring_type, NULL, content);
    world_told(&h.w, "b1 ring @mat.aura\nb2 ring @mat.aura\n");
    tell(&h, member_type, "_two", "");
    world_told(&h.w, "");
    tell(&h, member_type, "_one", "");
    assert_non_null(strstr(h.w.log, "b1 quiet cancelled\n"));
    idle(&h);
    end(&h);
    return 0;
}

static int long_calls_are_renewed(void) {
    struct hs h;
    ring_named(&h);
    assert_int_equal(world_accept_on(&h.w, &h.w.bob, "one", "b1"), 0);
    assert_int_equal(due(&h, AURA_AS_DO_ENTER)->term, 0);
    finish(&h, AURA_AS_DO_ENTER, 0);
    for (uint32_t i = 1; i < 4; i++) {
        world_pass(&h.w, AURA_AS_RENEW_S * 1000ull);
        assert_int_equal(due(&h, AURA_AS_DO_ENTER)->term, i);
        finish(&h, AURA_AS_DO_ENTER, i == 2 ? AURA_EPOLICY : 0); /* one that fails ends nothing */
    }
    idle(&h);
    tell(&h, member_type, "_m", "");
    finish(&h, AURA_AS_DO_LEAVE, 0);
    idle(&h);
    assert_int_equal(links(&h), 0);
    end(&h);
    return 0;
}

/* ---- what comes twice ---- */

static const char one[] =
    "{\"type\":\"m.room.member\",\"event_id\":\"$x\",\"room_id\":\"" ROOM "\",\"sender\":\"" MAT
    "\",\"state_key\":\"" BOB "\",\"content\":{\"membership\":\"invite\"}}";

static int transactions_count_once(void) {
    struct hs h;
    struct aura_as_stats s;
    begin(&h);
    assert_int_equal(push(&h, "1", one), 0);
    assert_int_equal(h.begun, 1);
    assert_int_equal(push(&h, "1", one), 0); /* the same one: its events are not even looked at */
    assert_int_equal(push(&h, "2", one), 0); /* the same event */
    world_pass(&h.w, AURA_AS_TRANSACTION_S * 1000);
    assert_int_equal(push(&h, "1", one), 0); /* the window is over, the event is known */
    assert_int_equal(h.begun, 1);
    aura_as_stats(h.as, &s);
    assert_int_equal(s.replayed, 3);
    assert_int_equal(s.transactions, 3);
    /* The number begins anew, with another event: that is a new one. */
    char other[400];
    (void)snprintf(other, sizeof(other), "%s", one);
    *strstr(other, "$x") = '$';
    memcpy(strstr(other, "$x"), "$y", 2);
    assert_int_equal(push(&h, "1", other), 0);
    assert_int_equal(h.begun, 2);
    end(&h);
    return 0;
}

static int events_are_forgotten_in_the_end(void) {
    struct world w;
    char id[32];
    world_begin(&w);
    assert_int_equal(aura_directory_event(w.d, "$first"), 0);
    assert_int_equal(aura_directory_event(w.d, "$first"), AURA_EEXISTS);
    for (int i = 1; i < AURA_DIRECTORY_EVENTS_MAX; i++) {
        (void)snprintf(id, sizeof(id), "$%d", i);
        assert_int_equal(aura_directory_event(w.d, id), 0);
    }
    assert_int_equal(aura_directory_event(w.d, "$first"), AURA_EEXISTS);
    assert_int_equal(aura_directory_event(w.d, "$last"), 0);
    assert_int_equal(aura_directory_event(w.d, "$first"), 0); /* the oldest one went */
    assert_int_equal(aura_directory_event(w.d, "$last"), AURA_EEXISTS);
    world_end(&w);
    return 0;
}

/* ---- Matrix is rung ---- */

static int matrix_answers(void) {
    struct hs h;
    char room[AURA_RTC_ROOM_BYTES], identity[AURA_RTC_IDENTITY_BYTES];
    begin_outgoing(&h);
    room_made(&h);
    tell(&h, member_type, "_m", "\"application\":\"m.call\""); /* before the ring's own answer */
    world_told(&h.w, "a1 join ann@one\na1 person @cid.aura accepted\n");
    assert_true(aura_as_media(h.as, h.w.call, &h.w.ann, room, identity));
    finish(&h, AURA_AS_DO_CALL, 0);
    tell(&h, member_type, "_m", "");
    world_told(&h.w, "room -cid\na1 person @cid.aura ended left\nroom -ann\na1 over left\n"
                     "room closes\n");
    finish(&h, AURA_AS_DO_LEAVE, 0);
    idle(&h);
    assert_int_equal(links(&h), 0);
    /* The room is kept for the next call; where the ghost is not in it any more, another is made.
     */
    assert_int_equal(world_ring(&h.w, &h.w.ann, "one", "a1", &h.w.cid), 0);
    assert_string_equal(due(&h, AURA_AS_DO_CALL)->room, ROOM);
    finish(&h, AURA_AS_DO_CALL, AURA_EPOLICY);
    room_made(&h);
    finish(&h, AURA_AS_DO_CALL, AURA_EPOLICY); /* and that is enough */
    assert_non_null(strstr(h.w.log, "a1 over unreachable\n"));
    finish(&h, AURA_AS_DO_LEAVE, AURA_EPOLICY);
    idle(&h);
    assert_int_equal(links(&h), 0);
    end(&h);
    return 0;
}

static int matrix_declines(void) {
    struct hs h;
    begin_outgoing(&h);
    room_made(&h);
    finish(&h, AURA_AS_DO_CALL, 0);
    static const char about[] =
        "\"m.relates_to\":{\"rel_type\":\"m.reference\",\"event_id\":\"%s\"}";
    char content[200];
    (void)snprintf(content, sizeof(content), about, "$another");
    tell(&h, decline_type, NULL, content);
    world_told(&h.w, "");
    (void)snprintf(content, sizeof(content), about, "$ours");
    tell(&h, decline_type, NULL, content);
    world_told(&h.w, "a1 person @cid.aura ended declined\nroom -ann\na1 over declined\n"
                     "room closes\n");
    finish(&h, AURA_AS_DO_LEAVE, 0);
    idle(&h);
    assert_int_equal(links(&h), 0);
    end(&h);
    return 0;
}

static int matrix_is_down(void) {
    struct hs h;
    begin_outgoing(&h);
    finish(&h, AURA_AS_DO_ROOM, AURA_ETIMEDOUT);
    world_told(&h.w, "a1 person @cid.aura ended unreachable\nroom -ann\na1 over unreachable\n"
                     "room closes\n");
    idle(&h);
    /* With a device that rings it rings on. */
    assert_int_equal(world_come(&h.w, 3, &h.w.cid, "two", "c1"), 0);
    h.act_fails = AURA_ELIMIT;
    assert_int_equal(world_ring(&h.w, &h.w.ann, "one", "a1", &h.w.cid), 0);
    h.w.log[0] = 0;
    world_pass(&h.w, 0);
    world_told(&h.w, "");
    assert_int_equal(world_accept_on(&h.w, &h.w.cid, "two", "c1"), 0);
    idle(&h);
    assert_int_equal(links(&h), 0);
    end(&h);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(invitations_are_accepted),
        AURA_PLAIN(cancelled_by_matrix),
        AURA_PLAIN(membership_follows_the_call),
        AURA_PLAIN(declined_and_busy),
        AURA_PLAIN(rings_end_in_time),
        AURA_PLAIN(devices_are_told_apart),
        AURA_PLAIN(long_calls_are_renewed),
        AURA_PLAIN(transactions_count_once),
        AURA_PLAIN(events_are_forgotten_in_the_end),
        AURA_PLAIN(matrix_answers),
        AURA_PLAIN(matrix_declines),
        AURA_PLAIN(matrix_is_down),
    };
    return RUN_CASES("auraid/matrix_appservice", cases);
}
