/* SPDX-License-Identifier: Apache-2.0 */
/* Simulcast, restarts, pauses, mute, losses in bulk, levels, and what a packet may cost. */
#include "env.h"

#include <string.h>

static uint16_t payload_seq(const struct client_packet *p) {
    return aura_get_u16(p->payload + (p->pt == PT_VP8_RTX ? 18 : 16));
}

static void wait_subs(struct env *e, uint64_t subs) {
    struct aura_sfu_counters n = {.subs = 0};
    WAIT_FOR(e->loop, (aura_sfu_counters(e->sfu, &n), n.subs == subs));
}

static void send_layer(struct client *c, const char *rid, uint32_t ssrc, uint16_t seq, bool key) {
    uint8_t payload[700];
    struct aura_rtp_item items[] = {
        {.id = EXT_MID, .len = 1, .data = (const uint8_t *)"1"},
        {.id = EXT_RID, .len = (uint8_t)strlen(rid), .data = (const uint8_t *)rid},
    };
    env_vp8_payload(payload, seq, key, seq, sizeof(payload));
    payload[18] = (uint8_t)rid[0];
    client_rtp(c, PT_VP8, seq, 3000u * seq, ssrc, true, items, 2, payload, sizeof(payload));
}

static aura_pub_id publish_layers(struct env *e, struct client *c) {
    aura_pub_id id = 0;
    struct aura_sfu_pub_conf conf = {.peer = c->peer, .media = env_video("1"), .stream_count = 3};
    conf.streams[0].rid[0] = 'q';
    conf.streams[1].rid[0] = 'h';
    conf.streams[2].rid[0] = 'f';
    assert_int_equal(aura_sfu_pub_new(e->sfu, &conf, &id), 0);
    return id;
}

static int layers_bind_by_rid_and_switch_at_key_frames(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    aura_pub_id pub = publish_layers(&e, &a);
    struct aura_media m = env_video("5");
    aura_sub_id sub = env_subscribe(&e, &b, pub, &m, 9000, 9001);
    wait_subs(&e, 1);
    /* Only the low layer at first. */
    for (uint16_t i = 0; i < 10; i++) {
        send_layer(&a, "q", 11, i, i == 0);
    }
    WAIT_FOR(e.loop, b.count == 10);
    assert_int_equal(b.log[0].payload[18], 'q');
    /* The high one begins, without a key frame: it is asked for one, the low one goes on. */
    size_t plis = a.plis;
    send_layer(&a, "f", 33, 1000, false);
    WAIT_FOR(e.loop, a.plis > plis && a.pli_ssrc == 33);
    send_layer(&a, "q", 11, 10, false);
    WAIT_FOR(e.loop, b.count == 11);
    assert_int_equal(b.log[10].payload[18], 'q');
    send_layer(&a, "f", 33, 1001, true);
    send_layer(&a, "q", 11, 11, false); /* no longer wanted */
    send_layer(&a, "f", 33, 1002, false);
    WAIT_FOR(e.loop, b.count == 13);
    assert_int_equal(b.log[11].payload[18], 'f');
    assert_int_equal(b.log[12].payload[18], 'f');
    for (size_t i = 1; i < 13; i++) {
        assert_int_equal((uint16_t)(b.log[i].seq - b.log[0].seq), i);
        assert_true((int32_t)(b.log[i].ts - b.log[i - 1].ts) > 0);
        uint16_t pid = aura_get_u16(b.log[i].payload + 2);
        assert_int_equal((uint16_t)(pid - aura_get_u16(b.log[i - 1].payload + 2)), 1);
    }
    /* What was sent before the switch can still be repeated. */
    client_nack(&b, 9000, b.log[9].seq);
    WAIT_FOR(e.loop, b.count == 14);
    assert_int_equal(b.log[13].ssrc, 9001);
    assert_int_equal(b.log[13].payload[20], 'q');
    /* The subscriber wants less. */
    struct aura_sfu_sub_settings low = {.max_layer = 0};
    aura_sfu_sub_set(e.sfu, sub, &low);
    uint16_t seq = 12;
    plis = a.plis;
    WAIT_FOR(e.loop, (send_layer(&a, "q", 11, seq, false), seq++, a.plis > plis));
    assert_int_equal(a.pli_ssrc, 11);
    send_layer(&a, "q", 11, seq, true);
    WAIT_FOR(e.loop, b.count == 15);
    assert_int_equal(b.log[14].payload[18], 'q');
    assert_int_equal(e.layers, 2);
    env_stop(&e);
    return 0;
}

static int a_silent_layer_is_replaced(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    aura_pub_id pub = publish_layers(&e, &a);
    struct aura_media m = env_video("5");
    env_subscribe(&e, &b, pub, &m, 9000, 9001);
    wait_subs(&e, 1);
    send_layer(&a, "h", 22, 1, true);
    WAIT_FOR(e.loop, b.count == 1);
    send_layer(&a, "q", 11, 1, true);
    uint16_t seq = 2;
    assert_int_equal(a.plis, 0); /* the first packet was a key frame */
    WAIT_FOR(e.loop, (send_layer(&a, "q", 11, seq, false), seq++, a.plis > 0));
    assert_int_equal(a.pli_ssrc, 11);
    assert_int_equal(b.count, 1);
    send_layer(&a, "q", 11, seq, true);
    WAIT_FOR(e.loop, b.count == 2);
    assert_int_equal(b.log[1].payload[18], 'q');
    env_stop(&e);
    return 0;
}

static int a_new_ssrc_goes_on_in_the_same_stream(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    struct aura_media m = env_audio("0", false);
    aura_pub_id pub = env_publish(&e, &a, &m, 0, 0);
    env_subscribe(&e, &b, pub, &m, 7000, 0);
    wait_subs(&e, 1);
    for (uint16_t i = 0; i < 10; i++) {
        env_send_audio(&a, "0", 1111, (uint16_t)(100 + i), 20);
    }
    for (uint16_t i = 0; i < 10; i++) {
        env_send_audio(&a, "0", 2222, (uint16_t)(40000 + i), 20);
    }
    env_send_audio(&a, "9", 3333, 1, 20); /* no such section */
    WAIT_FOR(e.loop, b.count == 20);
    for (size_t i = 1; i < 20; i++) {
        assert_int_equal((uint16_t)(b.log[i].seq - b.log[0].seq), i);
        assert_true((int32_t)(b.log[i].ts - b.log[i - 1].ts) > 0);
    }
    struct aura_sfu_counters n = {.pubs = 0};
    WAIT_FOR(e.loop, (aura_sfu_counters(e.sfu, &n), n.drops[AURA_DROP_UNKNOWN_SSRC] == 1));
    env_stop(&e);
    return 0;
}

static int mute_and_pause_are_enforced(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true};
    struct aura_sfu_counters n = {.pubs = 0};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    struct aura_media m = env_video("1");
    aura_pub_id pub = env_publish(&e, &a, &m, 500, 501);
    aura_sub_id sub = env_subscribe(&e, &b, pub, &m, 9000, 9001);
    wait_subs(&e, 1);
    env_send_vp8(&a, 500, 0, 0, true, 500);
    WAIT_FOR(e.loop, b.count == 1);
    aura_sfu_pub_set_muted(e.sfu, pub, true);
    e.sub_reports = 0;
    aura_sfu_poll_stats(e.sfu); /* carried out in order: muted when it answers */
    WAIT_FOR(e.loop, e.sub_reports > 0);
    const size_t seen = b.count;
    aura_sfu_counters(e.sfu, &n);
    const uint64_t in = n.packets_in;
    uint16_t seq = 1;
    while (seq <= 10) {
        env_send_vp8(&a, 500, seq, seq, false, 500);
        seq++;
    }
    WAIT_FOR(e.loop, (aura_sfu_counters(e.sfu, &n), n.packets_in >= in + 10));
    size_t plis = a.plis;
    aura_sfu_pub_set_muted(e.sfu, pub, false);
    WAIT_FOR(e.loop, (env_send_vp8(&a, 500, seq, seq, false, 500), seq++, a.plis > plis));
    assert_int_equal(b.count, seen);
    env_send_vp8(&a, 500, seq, seq, true, 500);
    seq++;
    WAIT_FOR(e.loop, b.count == seen + 1);
    assert_int_equal((uint16_t)(b.log[seen].seq - b.log[seen - 1].seq), 1);
    struct aura_sfu_sub_settings paused = {.paused = true, .max_layer = 2};
    aura_sfu_sub_set(e.sfu, sub, &paused);
    e.sub_reports = 0;
    aura_sfu_poll_stats(e.sfu); /* the same way */
    WAIT_FOR(e.loop, e.sub_reports > 0);
    env_send_vp8(&a, 500, seq, seq, true, 500);
    seq++;
    aura_sfu_counters(e.sfu, &n);
    client_pli(&b, 9000);
    WAIT_FOR(e.loop, (aura_sfu_counters(e.sfu, &n), n.pli_in > 0));
    assert_int_equal(b.count, seen + 1);
    paused.paused = false;
    aura_sfu_sub_set(e.sfu, sub, &paused);
    e.sub_reports = 0;
    aura_sfu_poll_stats(e.sfu);
    WAIT_FOR(e.loop, e.sub_reports > 0);
    env_send_vp8(&a, 500, seq, seq, true, 500);
    WAIT_FOR(e.loop, b.count == seen + 2);
    assert_int_equal((uint16_t)(b.log[seen + 1].seq - b.log[seen].seq), 1);
    env_stop(&e);
    return 0;
}

/* The publisher keeps what it sent; the SFU's requests are answered by RTX, which is lost too. */
static uint32_t rtx_sent;
static void answer_lossy(struct client *c, uint32_t ssrc, uint16_t seq) {
    uint8_t payload[800];
    (void)ssrc;
    if (++rtx_sent % 5 == 0) {
        return;
    }
    aura_put_u16(payload, seq);
    env_vp8_payload(payload + 2, seq, false, seq, 700);
    client_rtp(c, PT_VP8_RTX, (uint16_t)rtx_sent, 3000u * seq, 501, true, NULL, 0, payload, 702);
}

enum { LOSS_PACKETS = 1000 };

struct repair {
    struct client *c;
    bool have[LOSS_PACKETS];
    size_t at, missing;
    uint16_t base, newest;
};

/* What a receiver does: notes what came, asks for what is missing below the newest. */
static void repair_step(struct repair *r) {
    struct client *c = r->c;
    for (; r->at < c->count; r->at++) {
        uint16_t seq = payload_seq(&c->log[r->at]);
        assert_true(seq < LOSS_PACKETS);
        if (r->at == 0) {
            r->base = (uint16_t)(c->log[0].seq - seq);
        }
        r->missing -= !r->have[seq];
        r->have[seq] = true;
        r->newest = seq > r->newest ? seq : r->newest;
    }
    for (uint16_t i = 0; i < r->newest; i++) {
        if (!r->have[i]) {
            client_nack(c, 9000, (uint16_t)(r->base + i));
        }
    }
}

/* @return the first packet that is not there */
static size_t whole(const struct repair *r) {
    size_t n = 0;
    while (n < LOSS_PACKETS && r->have[n]) {
        n++;
    }
    return n;
}

static int losses_on_both_sides_are_repaired(void) {
    struct env e;
    struct client a = {.no_sctp = true, .on_nack = answer_lossy};
    struct client b = {.no_sctp = true, .drop_every = 13};
    static struct repair r;
    r = (struct repair){.c = &b, .missing = LOSS_PACKETS};
    rtx_sent = 0;
    env_start(&e, 2, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 1);
    struct aura_media m = env_video("1");
    aura_pub_id pub = env_publish(&e, &a, &m, 500, 501);
    env_subscribe(&e, &b, pub, &m, 9000, 9001);
    WAIT_FOR(e.loop, a.plis > 0);
    for (uint16_t i = 0; i < LOSS_PACKETS; i++) {
        if (i % 17 != 5 || i == LOSS_PACKETS - 1) {
            env_send_vp8(&a, 500, i, i, i == 0, 700);
        }
        if (i % 8 == 0) {
            /* 512 packets that are kept then last longer than a few repetitions take, however busy
             * the machine is: no more than half of them may be ahead of what is whole. */
            uint64_t until_us = aura_now_us(aura_clock_system()) + 6000;
            WAIT_FOR(e.loop, aura_now_us(aura_clock_system()) >= until_us);
            WAIT_FOR(e.loop, (repair_step(&r), whole(&r) + 256 > i));
        }
    }
    /* The very last ones may be lost with nothing behind them to notice it by. */
    r.newest = LOSS_PACKETS;
    WAIT_FOR(e.loop, (repair_step(&r), r.missing == 0));
    assert_true(b.dropped > 50 && rtx_sent > 50);
    assert_int_equal(b.discarded, 0);
    env_stop(&e);
    return 0;
}

static int speakers_are_reported(void) {
    struct env e;
    struct client a = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    struct aura_media m = env_audio("0", false);
    env_publish(&e, &a, &m, 1234, 0);
    uint16_t seq = 0;
    WAIT_FOR(e.loop, (env_send_audio(&a, "0", 1234, seq++, 10), e.speaking));
    WAIT_FOR(e.loop, !e.speaking); /* the silence is noticed without any packet */
    env_stop(&e);
    return 0;
}

static int media_costs_no_memory(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true}, c = {.no_sctp = true};
    struct aura_sfu_counters n, before;
    env_start(&e, 2, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    env_client(&e, &c, 1);
    struct aura_media m = env_video("1");
    aura_pub_id pub = env_publish(&e, &a, &m, 500, 501);
    env_subscribe(&e, &b, pub, &m, 9000, 9001);
    env_subscribe(&e, &c, pub, &m, 9000, 9001);
    uint16_t seq = 0;
    WAIT_FOR(e.loop, (env_send_vp8(&a, 500, seq, seq, true, 900), seq++, b.count && c.count));
    for (unsigned i = 0; i < 2000; i++, seq++) {
        env_send_vp8(&a, 500, seq, seq, false, 900);
        if (i % 16 == 0) {
            size_t have = b.count;
            WAIT_FOR(e.loop, b.count > have);
        }
    }
    client_nack(&b, 9000, b.log[b.count - 1].seq); /* the first one makes the table of repeats */
    size_t have = b.count;
    WAIT_FOR(e.loop, b.count > have);
    aura_sfu_counters(e.sfu, &before);
    for (unsigned i = 0; i < 10000; i++, seq++) {
        env_send_vp8(&a, 500, seq, seq, false, 900);
        if (i % 16 == 0) {
            b.count = c.count = 0;
            WAIT_FOR(e.loop, b.count && c.count);
        }
    }
    aura_sfu_counters(e.sfu, &n);
    assert_true(n.packets_out - before.packets_out >= 19000);
    /* Statistics every five seconds are the only thing that may allocate meanwhile. */
    uint64_t reports = e.pub_reports + e.sub_reports;
    assert_true(n.allocations - before.allocations <= 3 * (reports + 3));
    assert_int_equal(n.drops[AURA_DROP_RING_FULL], 0);
    env_stop(&e);
    return 0;
}

static void send_remb(struct client *c, uint64_t bps) {
    uint8_t buf[64];
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    struct aura_rtcp_remb remb = {.bitrate_bps = bps, .ssrc_count = 1, .ssrcs = {9000}};
    aura_rtcp_write_rr(&w, 1, NULL, 0);
    aura_rtcp_write_remb(&w, 1, &remb);
    client_rtcp(c, &w);
}

/* A video that does not fit any more is paused, everybody is told, and it comes back by itself. */
static int too_little_bandwidth_pauses_a_video(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true, .gives_feedback = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    struct aura_media m = env_video("1");
    m.codecs[0].feedback = AURA_FB_NACK | AURA_FB_PLI | AURA_FB_REMB;
    aura_pub_id pub = env_publish(&e, &a, &m, 500, 501);
    env_subscribe(&e, &b, pub, &m, 9000, 9001);
    wait_subs(&e, 1);
    uint16_t seq = 0;
    WAIT_FOR(e.loop, (env_send_vp8(&a, 500, seq, seq, seq == 0, 900), seq++, b.count > 5));
    send_remb(&b, 60000);
    WAIT_FOR(e.loop, (env_send_vp8(&a, 500, seq, seq, false, 900), seq++, e.sub_state.paused));
    assert_int_equal(e.sub_state.why, AURA_ALLOC_NO_ROOM);
    assert_int_equal(e.sub_state.estimate_bps, 60000);
    size_t plis = a.plis;
    send_remb(&b, 100000000);
    WAIT_FOR(e.loop, (env_send_vp8(&a, 500, seq, seq, false, 900), seq++, !e.sub_state.paused));
    WAIT_FOR(e.loop, (env_send_vp8(&a, 500, seq, seq, false, 900), seq++, a.plis > plis));
    size_t before = b.count;
    env_send_vp8(&a, 500, seq, seq, true, 900);
    WAIT_FOR(e.loop, b.count > before);
    assert_int_equal((uint16_t)(b.log[before].seq - b.log[before - 1].seq), 1);
    aura_sfu_poll_stats(e.sfu);
    WAIT_FOR(e.loop, e.peer_reports > 0);
    assert_in_range(e.peer_stats.bwe.remb_bps, 99000000, 100000000); /* 18 bits of it are sent */
    env_stop(&e);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(layers_bind_by_rid_and_switch_at_key_frames),
        AURA_PLAIN(a_silent_layer_is_replaced),
        AURA_PLAIN(a_new_ssrc_goes_on_in_the_same_stream),
        AURA_PLAIN(mute_and_pause_are_enforced),
        AURA_PLAIN(losses_on_both_sides_are_repaired),
        AURA_PLAIN(speakers_are_reported),
        AURA_PLAIN(media_costs_no_memory),
        AURA_PLAIN(too_little_bandwidth_pauses_a_video),
    };
    return RUN_CASES("sfu/tracks", cases);
}
