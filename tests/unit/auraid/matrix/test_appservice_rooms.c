/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms of calls with Matrix: groups, agents, answers by coming in, encryption, ghosts that end. */
#include "as_world.h"

#include <stdio.h>
#include <string.h>

/* Who began it has gone, somebody else of Matrix has not; then nobody is left. */
static int groups_go_on(void) {
    static const char in[] = "\"application\":\"m.call\",\"expires\":60000";
    struct hs h;
    ring_named(&h);
    tell(&h, member_type, "_m", in);
    tell_by(&h, "@eve:example.org", member_type, "_e", in);
    assert_int_equal(world_accept_on(&h.w, &h.w.bob, "one", "b1"), 0);
    finish(&h, AURA_AS_DO_ENTER, 0);
    h.w.log[0] = 0;
    tell(&h, member_type, "_m", "");
    world_told(&h.w, "");
    tell(&h, member_type, "_m", in); /* is back, and goes again */
    tell_by(&h, "@eve:example.org", member_type, "_e", "");
    world_told(&h.w, "");
    tell(&h, member_type, "_m", "");
    assert_non_null(strstr(h.w.log, "b1 over left\n"));
    finish(&h, AURA_AS_DO_LEAVE, 0);
    /* One whose time is up is not there any more, whether it says so or not. */
    tell_by(&h, "@eve:example.org", member_type, "_e",
            "\"application\":\"m.call\",\"expires\":10000");
    ring(&h, BOB, 30000);
    h.w.log[0] = 0;
    tell(&h, member_type, "_m", "");
    world_told(&h.w, ""); /* it rings on: the group is there to be joined */
    world_pass(&h.w, 10001);
    tell(&h, member_type, "_m", "");
    assert_non_null(strstr(h.w.log, "b1 quiet cancelled\n"));
    idle(&h);
    assert_int_equal(links(&h), 0);
    end(&h);
    return 0;
}

/* A call that Bob is in, of Mat and Eve; and where its media are. */
static void be_in_group(struct hs *h, char room[AURA_RTC_ROOM_BYTES]) {
    char identity[AURA_RTC_IDENTITY_BYTES];
    ring_named(h);
    tell(h, member_type, "_m", "\"application\":\"m.call\",\"expires\":600000");
    tell_by(h, "@eve:example.org", member_type, "_e",
            "\"application\":\"m.call\",\"expires\":900000");
    assert_int_equal(world_accept_on(&h->w, &h->w.bob, "one", "b1"), 0);
    finish(h, AURA_AS_DO_ENTER, 0);
    assert_true(aura_as_media(h->as, h->w.call, &h->w.bob, room, identity));
    assert_true(aura_as_is_ghost(h->as, identity));
    assert_false(aura_as_is_ghost(h->as, "@mat:example.org:DEVICE"));
    assert_false(aura_as_is_ghost(h->as, "@bob.aura:elsewhere.org:AURALINK"));
    assert_false(aura_as_is_ghost(h->as, "mat"));
    h->others = true;
    h->w.log[0] = 0;
}

/* Their connections are lost, and they say nothing: as long as a device may be away, and no longer.
 * Who comes back, or somebody else who has come, keeps it up. */
static int vanishing_ends_it(void) {
    char room[AURA_RTC_ROOM_BYTES];
    struct hs h;
    be_in_group(&h, room);
    aura_as_in_media(h.as, room, &h.w.bob, true);
    aura_as_in_media(h.as, room, &h.w.cid, false); /* an AuraID that the test has: Mat or Eve */
    world_pass(&h.w, GRACE_S * 1000);
    world_told(&h.w, ""); /* the other one is there */
    h.others = false;
    aura_as_in_media(h.as, room, &h.w.cid, false);
    world_pass(&h.w, GRACE_S * 1000 - 1);
    aura_as_in_media(h.as, room, &h.w.bob, false); /* he is no sign of anything */
    world_told(&h.w, "");
    tell_by(&h, "@fay:example.org", member_type, "_f", /* who has no media yet */
            "\"application\":\"m.call\",\"expires\":900000");
    world_pass(&h.w, GRACE_S * 1000 - 1);
    world_told(&h.w, "");
    world_pass(&h.w, 1);
    assert_non_null(strstr(h.w.log, "b1 over left\n"));
    finish(&h, AURA_AS_DO_LEAVE, 0);
    idle(&h);
    assert_int_equal(links(&h), 0);
    end(&h);
    return 0;
}

/* They were never in its media, or are in them still: their memberships end by themselves. */
static int lapsing_ends_it(void) {
    char room[AURA_RTC_ROOM_BYTES];
    struct hs h;
    be_in_group(&h, room);
    world_pass(&h.w, 600001);
    world_told(&h.w, ""); /* Eve's goes on */
    world_pass(&h.w, 300000);
    world_told(&h.w, ""); /* it has ended too, but she is heard and seen */
    h.others = false;
    aura_as_in_media(h.as, room, &h.w.cid, false);
    world_pass(&h.w, GRACE_S * 1000);
    assert_non_null(strstr(h.w.log, "b1 over left\n"));
    finish(&h, AURA_AS_DO_LEAVE, 0);
    end(&h);
    be_in_group(&h, room);
    h.others = false;
    world_pass(&h.w, 900000);
    world_pass(&h.w, 0);
    assert_non_null(strstr(h.w.log, "b1 over left\n"));
    finish(&h, AURA_AS_DO_LEAVE, 0);
    end(&h);
    return 0;
}

/* An agent is rung; it has answered when it is in the media room, and its call ends with it. */
static int agents_are_rung(void) {
    static const char bot[] = "@bot.aura:example.org";
    char room[AURA_RTC_ROOM_BYTES], identity[AURA_RTC_IDENTITY_BYTES];
    struct hs h;
    begin(&h);
    name_calls(&h);
    tell(&h, "m.room.member", bot, "\"membership\":\"invite\"");
    finish(&h, AURA_AS_DO_JOIN, 0);
    ring(&h, bot, 60000);
    world_told(&h.w, "agent bot of one for mat\n");
    assert_true(aura_as_media(h.as, h.w.call, &h.w.bot, room, identity));
    assert_string_equal(identity, "@bot.aura:example.org:AURALINK");
    assert_true(aura_as_is_media(h.as, room));
    assert_false(aura_as_is_media(h.as, h.w.call));
    aura_as_in_media(h.as, "another room", &h.w.bot, true);
    aura_as_in_media(h.as, room, &h.w.bob, true); /* is in it by right of his own */
    idle(&h);
    aura_as_in_media(h.as, room, &h.w.bot, true);
    finish(&h, AURA_AS_DO_ENTER, 0);
    h.w.log[0] = 0;
    aura_as_in_media(h.as, room, &h.w.bot, false);
    assert_non_null(strstr(h.w.log, "room closes\n"));
    finish(&h, AURA_AS_DO_LEAVE, 0);
    idle(&h);
    assert_int_equal(links(&h), 0);
    assert_false(aura_as_is_media(h.as, room));
    end(&h);
    return 0;
}

static int encrypted_rooms_are_refused(void) {
    static const char invited[] =
        "{\"type\":\"m.room.member\",\"event_id\":\"$i\",\"room_id\":\"" ROOM "\",\"sender\":\"" MAT
        "\",\"state_key\":\"" BOB
        "\",\"content\":{\"membership\":\"invite\"},\"unsigned\":{\"invite_room_state\":[{\"type\":"
        "\"m.room.encryption\",\"state_key\":\"\",\"content\":{}}]}}";
    struct hs h;
    begin(&h);
    assert_int_equal(push(&h, "i", invited), 0);
    const struct aura_as_errand *e = due(&h, AURA_AS_DO_REFUSE);
    assert_string_equal(e->ghost, BOB);
    assert_string_equal(e->room, ROOM);
    finish(&h, AURA_AS_DO_REFUSE, 0);
    tell(&h, "m.room.encryption", "",
         "\"algorithm\":\"m.megolm.v1.aes-sha2\""); /* nobody is there */
    idle(&h);
    come_in(&h);
    tell(&h, "m.room.encryption", "other", ""); /* is no such state */
    idle(&h);
    tell(&h, "m.room.encryption", "", "\"algorithm\":\"m.megolm.v1.aes-sha2\"");
    finish(&h, AURA_AS_DO_REFUSE, 0);
    idle(&h);
    end(&h);
    return 0;
}

/* Ghosts of who is no more end one after the other, as often as it takes, also after a restart. */
static int ghosts_end(void) {
    struct hs h;
    struct aura_id id;
    begin(&h);
    aura_as_forget(h.as, &h.w.bob);
    aura_as_forget(h.as, &h.w.ann);
    aura_as_forget(h.as, &h.w.ann);
    assert_string_equal(due(&h, AURA_AS_DO_FORGET)->ghost, "@ann.aura:example.org");
    finish(&h, AURA_AS_DO_FORGET, AURA_ETIMEDOUT);
    idle(&h);
    world_pass(&h.w, AURA_AS_GONE_RETRY_S * 1000);
    due(&h, AURA_AS_DO_FORGET)->more = true;
    finish(&h, AURA_AS_DO_FORGET, 0);
    assert_string_equal(due(&h, AURA_AS_DO_FORGET)->ghost, "@ann.aura:example.org");
    finish(&h, AURA_AS_DO_FORGET, 0);
    assert_string_equal(due(&h, AURA_AS_DO_FORGET)->ghost, BOB);
    begin_again(&h);
    assert_string_equal(due(&h, AURA_AS_DO_FORGET)->ghost, BOB);
    finish(&h, AURA_AS_DO_FORGET, 0);
    idle(&h);
    assert_int_equal(aura_directory_gone(h.w.d, &id), AURA_ENOENT);
    end(&h);
    return 0;
}

/* Who is in a call when they are no more is seen to hang up first, and then to leave. */
static int ghosts_hang_up(void) {
    struct hs h;
    ring_named(&h);
    assert_int_equal(world_accept_on(&h.w, &h.w.bob, "one", "b1"), 0);
    finish(&h, AURA_AS_DO_ENTER, 0);
    aura_as_forget(h.as, &h.w.bob);
    aura_exchange_forget(h.w.x, &h.w.bob);
    due(&h, AURA_AS_DO_LEAVE);
    world_pass(&h.w, AURA_AS_RETRY_MS);
    assert_int_equal(h.begun, h.done + 1); /* that is all so far */
    finish(&h, AURA_AS_DO_LEAVE, 0);
    idle(&h);
    assert_int_equal(links(&h), 0);
    world_pass(&h.w, AURA_AS_RETRY_MS);
    assert_string_equal(due(&h, AURA_AS_DO_FORGET)->ghost, BOB);
    finish(&h, AURA_AS_DO_FORGET, 0);
    end(&h);
    return 0;
}

/* Their client writes no membership: being in the media room is the answer, and leaving it the end.
 */
static int matrix_answers_by_media(void) {
    char room[AURA_RTC_ROOM_BYTES], identity[AURA_RTC_IDENTITY_BYTES];
    struct hs h;
    begin_outgoing(&h);
    room_made(&h);
    finish(&h, AURA_AS_DO_CALL, 0);
    assert_true(aura_as_media(h.as, h.w.call, &h.w.ann, room, identity));
    aura_as_in_media(h.as, room, &h.w.ann, true); /* is no answer: she rings */
    aura_as_in_media(h.as, room, &h.w.cid, false);
    world_told(&h.w, "");
    aura_as_in_media(h.as, room, &h.w.cid, true);
    world_told(&h.w, "a1 join ann@one\na1 person @cid.aura accepted\n");
    aura_as_in_media(h.as, room, &h.w.cid, true);
    world_told(&h.w, "");
    aura_as_in_media(h.as, room, &h.w.cid, false);
    assert_non_null(strstr(h.w.log, "a1 over left\n"));
    finish(&h, AURA_AS_DO_LEAVE, 0);
    idle(&h);
    /* A membership that comes later counts from then on: a lost connection ends nothing. */
    assert_int_equal(world_ring(&h.w, &h.w.ann, "one", "a1", &h.w.cid), 0);
    memcpy(due(&h, AURA_AS_DO_CALL)->ring, "$again", 7);
    finish(&h, AURA_AS_DO_CALL, 0);
    aura_as_in_media(h.as, room, &h.w.cid, true);
    tell(&h, "org.matrix.msc4143.rtc.member", NULL,
         "\"slot_id\":\"m.call#ROOM\",\"member\":{},\"msc4354_sticky_key\":\"k\"");
    h.w.log[0] = 0;
    aura_as_in_media(h.as, room, &h.w.cid, false);
    world_told(&h.w, "");
    tell(&h, "org.matrix.msc4143.rtc.member", NULL,
         "\"slot_id\":\"m.call#ROOM\",\"msc4354_sticky_key\":\"k\"");
    assert_non_null(strstr(h.w.log, "a1 over left\n"));
    end(&h);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(groups_go_on),
        AURA_PLAIN(vanishing_ends_it),
        AURA_PLAIN(lapsing_ends_it),
        AURA_PLAIN(agents_are_rung),
        AURA_PLAIN(encrypted_rooms_are_refused),
        AURA_PLAIN(ghosts_end),
        AURA_PLAIN(ghosts_hang_up),
        AURA_PLAIN(matrix_answers_by_media),
    };
    return RUN_CASES("auraid/matrix_appservice_rooms", cases);
}
