/* SPDX-License-Identifier: Apache-2.0 */
/* A playout delay on its way to a subscriber, through real sockets and media threads. */
#include "env.h"

#include <string.h>

enum { EXT_PLAYOUT = 7, SSRC = 9000, SSRC_RTX = 9001 };

struct call {
    struct env e;
    struct client a, b;
    uint16_t seq;
};

static void start(struct call *c, uint8_t ext, struct aura_playout_range range) {
    *c = (struct call){.a = {.no_sctp = true}, .b = {.no_sctp = true}};
    env_start(&c->e, 1, 0);
    env_client(&c->e, &c->a, 0);
    env_client(&c->e, &c->b, 0);
    struct aura_media m = env_video("1");
    struct aura_sfu_sub_conf conf = {.peer = c->b.peer,
                                     .pub = env_publish(&c->e, &c->a, &m, 500, 501),
                                     .media = m,
                                     .ssrc = SSRC,
                                     .rtx_ssrc = SSRC_RTX,
                                     .playout = range};
    conf.media.codecs[0].feedback &= (uint8_t)~AURA_FB_TWCC;
    conf.media.ext.id[AURA_EXT_PLAYOUT_DELAY] = ext;
    struct aura_sfu_sub_settings settings = {.max_layer = 2};
    aura_sub_id id;
    assert_int_equal(aura_sfu_sub_new(c->e.sfu, &conf, &settings, &id), 0);
    WAIT_FOR(c->e.loop, c->a.plis > 0);
}

static int delay_of(const struct client_packet *p) {
    const struct aura_rtp rtp = {
        .ext = p->ext, .ext_len = p->ext_len, .ext_profile = p->ext_profile};
    struct aura_ext_map map = {.id = {[AURA_EXT_PLAYOUT_DELAY] = EXT_PLAYOUT}};
    struct aura_rtp_exts x;
    aura_rtp_ext_parse_all(&rtp, &map, &x);
    return aura_rtp_has(&x, AURA_EXT_PLAYOUT_DELAY) ? x.playout_min_ms : -1;
}

/* Sends one more packet. @return the delay that it arrives with, in ms; -1 = none */
static int next(struct call *c, bool key) {
    size_t before = c->b.count;
    env_send_vp8(&c->a, 500, c->seq, c->seq, key, 700);
    c->seq++;
    WAIT_FOR(c->e.loop, c->b.count == before + 1);
    return delay_of(&c->b.log[before]);
}

static int newest(struct call *c) {
    return next(c, c->seq == 0);
}

static void report(struct call *c, uint16_t highest, uint32_t jitter) {
    struct aura_sfu_counters n;
    uint8_t buf[128];
    struct aura_rtcp_block block = {.ssrc = SSRC, .max_eseq = highest, .jitter = jitter};
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    aura_sfu_counters(c->e.sfu, &n);
    uint64_t plis = n.pli_in;
    aura_rtcp_write_rr(&w, 1, &block, 1);
    aura_rtcp_write_pli(&w, 1, SSRC); /* counted: so the report before it has been read */
    client_rtcp(&c->b, &w);
    WAIT_FOR(c->e.loop, (aura_sfu_counters(c->e.sfu, &n), n.pli_in == plis + 1));
}

static int until_it_is_acknowledged(void) {
    struct call c;
    start(&c, EXT_PLAYOUT, aura_playout_range(400, 0));
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(newest(&c), 400);
    }
    report(&c, (uint16_t)(c.b.log[0].seq - 1), 0); /* nothing of it has come */
    assert_int_equal(newest(&c), 400);
    report(&c, c.b.log[2].seq, 0);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(newest(&c), -1);
    }
    /* What is sent again has it, for the first packet of a frame may be what was lost. */
    size_t before = c.b.count;
    client_nack(&c.b, SSRC, c.b.log[8].seq);
    WAIT_FOR(c.e.loop, c.b.count == before + 1);
    assert_int_equal(c.b.log[before].ssrc, SSRC_RTX);
    assert_int_equal(delay_of(&c.b.log[before]), 400);
    /* 100 ms of jitter ask for more: told again, until that is acknowledged. */
    report(&c, c.b.log[9].seq, 9000);
    assert_int_equal(newest(&c), 800);
    report(&c, c.b.log[9].seq, 9000);
    assert_int_equal(newest(&c), 800);
    report(&c, c.b.log[c.b.count - 1].seq, 9000);
    assert_int_equal(newest(&c), -1);
    assert_int_equal(next(&c, true), 800); /* for a receiver that is new */
    assert_int_equal(newest(&c), -1);
    env_stop(&c.e);
    return 0;
}

static int only_where_asked_and_negotiated(void) {
    struct call c;
    start(&c, 0, aura_playout_range(400, 0));
    assert_int_equal(newest(&c), -1);
    env_stop(&c.e);
    start(&c, EXT_PLAYOUT, (struct aura_playout_range){.on = false});
    assert_int_equal(newest(&c), -1);
    report(&c, c.b.log[0].seq, 90000);
    assert_int_equal(newest(&c), -1);
    env_stop(&c.e);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(until_it_is_acknowledged),
        AURA_PLAIN(only_where_asked_and_negotiated),
    };
    return RUN_CASES("playout", cases);
}
