/* SPDX-License-Identifier: Apache-2.0 */
/* A subscription that follows one track after the other: for the subscriber it is one stream. */
#include "env.h"

static int a_moved_subscription_is_one_stream(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true}, c = {.no_sctp = true};
    env_start(&e, 2, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 1); /* its track comes from the other worker */
    env_client(&e, &c, 0);
    struct aura_media m1 = env_video("1"), m2 = env_video("1"), m5 = env_video("5");
    aura_pub_id one = env_publish(&e, &a, &m1, 11, 0), two = env_publish(&e, &b, &m2, 22, 0);
    aura_sub_id sub = env_subscribe(&e, &c, one, &m5, 9000, 9001);
    const struct aura_sfu_sub_settings wish = {.max_layer = 2, .essential = true},
                                       none = {.paused = true};
    struct aura_sfu_counters n;
    WAIT_FOR(e.loop, (aura_sfu_counters(e.sfu, &n), n.subs == 1));
    for (uint16_t i = 0; i < 5; i++) {
        env_send_vp8(&a, 11, i, i, i == 0, 600);
    }
    WAIT_FOR(e.loop, c.count == 5);
    /* The track ends, and with it the source; nothing is sent. */
    aura_sfu_sub_move(e.sfu, sub, 0, &none);
    aura_sfu_pub_close(e.sfu, one);
    aura_sfu_sub_move(e.sfu, sub, two, &wish);
    WAIT_FOR(e.loop, b.plis > 0); /* a key frame is needed of the new one */
    for (uint16_t i = 0; i < 5; i++) {
        env_send_vp8(&b, 22, (uint16_t)(40000 + i), (uint16_t)(700 + i), i == 0, 600);
    }
    WAIT_FOR(e.loop, c.count == 10);
    for (size_t i = 1; i < 10; i++) {
        assert_int_equal(c.log[i].ssrc, 9000);
        assert_int_equal((uint16_t)(c.log[i].seq - c.log[i - 1].seq), 1);
        assert_true((int32_t)(c.log[i].ts - c.log[i - 1].ts) > 0);
        uint16_t pid = aura_get_u16(c.log[i].payload + 2);
        assert_int_equal((uint16_t)(pid - aura_get_u16(c.log[i - 1].payload + 2)), 1);
    }
    /* What the old track sent cannot be repeated; what the new one sent can. */
    client_nack(&c, 9000, c.log[2].seq);
    client_nack(&c, 9000, c.log[7].seq);
    WAIT_FOR(e.loop, c.count == 11);
    assert_int_equal(c.log[10].ssrc, 9001);
    assert_int_equal(aura_get_u16(c.log[10].payload), c.log[7].seq);
    env_stop(&e);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(a_moved_subscription_is_one_stream),
    };
    return RUN_CASES("moved subscriptions", cases);
}
