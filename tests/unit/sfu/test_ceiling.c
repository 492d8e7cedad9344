/* SPDX-License-Identifier: Apache-2.0 */
/* A publisher that is told its ceiling and does not care, through real sockets and media threads.
 */
#include "env.h"

static uint64_t dropped(struct env *e) {
    struct aura_sfu_counters n;
    aura_sfu_counters(e->sfu, &n);
    return n.drops[AURA_DROP_CEILING];
}

/* About a megabit a second. */
static void send_video(struct client *a, uint16_t *seq) {
    static uint64_t next_us;
    uint64_t now_us = aura_now_us(aura_clock_system());
    if (now_us >= next_us) {
        next_us = now_us + 10000;
        env_send_vp8(a, 500, *seq, *seq, *seq == 0, 1100);
        ++*seq;
    }
}

static size_t sounds(const struct client *c, size_t from) {
    size_t n = 0;
    for (size_t i = from; i < c->count; i++) {
        n += c->log[i].ssrc == 7000;
    }
    return n;
}

static int who_does_not_heed_it_loses_video(void) {
    struct env e;
    struct client a = {.no_sctp = true, .ceiling_kbps = 100}, b = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    struct aura_media video = env_video("1"), sound = env_audio("0", false);
    aura_pub_id pub = env_publish(&e, &a, &video, 500, 501);
    aura_pub_id mic = env_publish(&e, &a, &sound, 1234, 0);
    env_subscribe(&e, &b, pub, &video, 9000, 9001);
    env_subscribe(&e, &b, mic, &sound, 7000, 0);
    WAIT_FOR(e.loop, a.plis > 0);
    uint16_t seq = 0, at = 0;
    uint64_t bytes = aura_sfu_bytes(e.sfu);
    WAIT_FOR(e.loop, (send_video(&a, &seq), dropped(&e) > 20));
    assert_true(aura_sfu_bytes(e.sfu) > bytes + 1000 * b.count);
    WAIT_FOR(e.loop, a.rembs > 3);
    assert_in_range(a.remb_bps, 99000, 100000);
    WAIT_FOR(e.loop, e.policed > 0);
    assert_int_equal(e.let_alone, 0);
    /* What is left of the ceiling is for sound: none of it is lost. */
    size_t before = b.count;
    uint64_t drops = dropped(&e);
    for (; at < 20; at++) {
        env_send_vp8(&a, 500, seq, seq, false, 1100);
        seq++;
        env_send_audio(&a, "0", 1234, at, 20);
        env_send_vp8(&a, 500, seq, seq, false, 1100);
        seq++;
    }
    WAIT_FOR(e.loop, dropped(&e) > drops);
    WAIT_FOR(e.loop, sounds(&b, before) == 20);
    env_stop(&e);
    return 0;
}

static int nobody_is_told_without_one(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    struct aura_media m = env_video("1");
    aura_pub_id pub = env_publish(&e, &a, &m, 500, 501);
    env_subscribe(&e, &b, pub, &m, 9000, 9001);
    WAIT_FOR(e.loop, a.plis > 0);
    uint16_t seq = 0;
    WAIT_FOR(e.loop, (send_video(&a, &seq), a.rrs > 1));
    assert_int_equal(a.rembs, 0);
    assert_int_equal(dropped(&e), 0);
    env_stop(&e);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(who_does_not_heed_it_loses_video),
        AURA_PLAIN(nobody_is_told_without_one),
    };
    return RUN_CASES("ceiling", cases);
}
