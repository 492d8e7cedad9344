/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/police.h"
#include "harness.h"

enum { MS = 1000, S = 1000000, PACKET = 1000 };

struct sender {
    struct aura_police p;
    uint64_t now_us;
    unsigned sent, taken, began, ended;
};

/* So many kbps for so long, in packets of a kilobyte. @return share that was taken, percent */
static unsigned send(struct sender *s, unsigned kbps, bool video, uint64_t us) {
    uint64_t every_us = (uint64_t)PACKET * 8 * 1000 / kbps, until_us = s->now_us + us;
    s->sent = s->taken = 0;
    while (s->now_us < until_us) {
        s->now_us += every_us;
        s->sent++;
        s->taken += !aura_police_packet(&s->p, PACKET, video, s->now_us);
        if (s->p.changed) {
            s->began += s->p.active;
            s->ended += !s->p.active;
            s->p.changed = false;
        }
    }
    return s->taken * 100 / s->sent;
}

static int who_keeps_it_is_let_alone(void) {
    struct sender s = {.p = {.bps = 300000}, .now_us = 5 * S};
    for (unsigned i = 0; i < 20; i++) { /* peaks are short, and tolerated */
        assert_int_equal(send(&s, 2000, true, (AURA_POLICE_PATIENCE - 2) * S), 100);
        assert_int_equal(send(&s, 290, true, 2 * S), 100);
    }
    assert_int_equal(send(&s, 370, true, 60 * S), 100);
    assert_int_equal(s.began, 0);
    struct sender free = {.now_us = 1};
    assert_int_equal(send(&free, 100000, true, 10 * S), 100);
    return 0;
}

static int who_does_not_loses_what_is_above(void) {
    struct sender s = {.p = {.bps = 300000}, .now_us = 5 * S};
    assert_int_equal(send(&s, 2000, true, AURA_POLICE_PATIENCE * S), 100);
    send(&s, 2000, true, 2 * S);
    assert_int_equal(s.began, 1);
    assert_true(s.p.kbps > 1900 && s.p.kbps < 2100);
    send(&s, 2000, true, 20 * S);
    assert_in_range(s.taken * PACKET * 8 / 20, 290000, 310000);
    assert_int_equal(s.ended, 0);
    assert_int_equal(send(&s, 250, true, (AURA_POLICE_PATIENCE + 2) * S), 100);
    assert_int_equal(s.ended, 1);
    assert_int_equal(send(&s, 1000, true, (AURA_POLICE_PATIENCE - 2) * S), 100); /* anew */
    return 0;
}

/* Both at once: sound is what is taken to the last. */
static int sound_comes_before_video(void) {
    struct aura_police p = {.bps = 300000};
    unsigned sound = 0, sounds = 0, video = 0, videos = 0;
    for (uint64_t us = S; us < 30 * S; us += 4 * MS) { /* 2 Mbps of one, 64 kbps of the other */
        bool begun = us > 10 * S;
        videos += begun;
        video += !aura_police_packet(&p, PACKET, true, us) && begun;
        if (us % (20 * MS) == 0) {
            sounds += begun;
            sound += !aura_police_packet(&p, 160, false, us + 1) && begun;
        }
    }
    assert_true(p.active && sounds > 900);
    assert_int_equal(sound, sounds);
    assert_in_range(video * 100 / videos, 8, 14);                 /* (300 − 64) / 2000 */
    struct sender loud = {.p = {.bps = 300000}, .now_us = 5 * S}; /* and bounded too */
    send(&loud, 1000, false, 10 * S);
    send(&loud, 1000, false, 10 * S);
    assert_in_range(loud.taken * PACKET * 8 / 10, 280000, 340000);
    return 0;
}

/* A tone of 100 kbps leaves 200 to be told; in a pause that grows slowly, and never ends in
 * nothing. */
static int what_is_told_leaves_room_for_sound(void) {
    struct sender s = {.p = {.bps = 300000}, .now_us = 5 * S};
    assert_int_equal(aura_police_told_bps(&s.p), 300000);
    send(&s, 100, false, 5 * S);
    assert_in_range(aura_police_told_bps(&s.p), 190000, 205000);
    send(&s, 100, true, 3 * S);
    assert_in_range(aura_police_told_bps(&s.p), 210000, 270000);
    send(&s, 100, true, 30 * S);
    assert_in_range(aura_police_told_bps(&s.p), 299000, 300000);
    send(&s, 1000, false, 3 * S);
    assert_int_equal(aura_police_told_bps(&s.p), 30000);
    struct aura_police none = {.bps = 0};
    assert_int_equal(aura_police_told_bps(&none), 0);
    return 0;
}

static int silence_begins_anew(void) {
    struct sender s = {.p = {.bps = 300000}, .now_us = 5 * S};
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(send(&s, 2000, true, (AURA_POLICE_PATIENCE - 1) * S), 100);
        s.now_us += 10 * S;
    }
    assert_int_equal(s.began, 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(who_keeps_it_is_let_alone), AURA_CASE(who_does_not_loses_what_is_above),
        AURA_CASE(sound_comes_before_video),  AURA_CASE(what_is_told_leaves_room_for_sound),
        AURA_CASE(silence_begins_anew),
    };
    return RUN_CASES("police", cases);
}
