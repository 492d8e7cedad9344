/* SPDX-License-Identifier: Apache-2.0 */
/* Media from one client to others through real sockets and media threads. */
#include "env.h"

#include "rtp/rtcp_xr.h"

#include <string.h>

static uint16_t payload_seq(const struct client_packet *p, size_t at) {
    return aura_get_u16(p->payload + at);
}

static int audio_is_forwarded(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    struct aura_media in = env_audio("0", false), out = env_audio("7", false);
    out.codecs[0].pt = 109; /* the subscriber's own numbers */
    out.ext.id[AURA_EXT_AUDIO_LEVEL] = 9;
    out.ext.id[AURA_EXT_TWCC] = 0;
    aura_pub_id pub = env_publish(&e, &a, &in, 0, 0);
    env_subscribe(&e, &b, pub, &out, 7000, 0);
    struct aura_sfu_counters n = {.subs = 0};
    WAIT_FOR(e.loop, (aura_sfu_counters(e.sfu, &n), n.subs == 1));
    for (uint16_t i = 0; i < 50; i++) {
        env_send_audio(&a, "0", 1234, (uint16_t)(65520 + i), 20); /* over the wrap */
        WAIT_FOR(e.loop, b.count == i + 1u);
    }
    for (size_t i = 0; i < 50; i++) {
        const struct client_packet *p = &b.log[i];
        assert_int_equal(p->ssrc, 7000);
        assert_int_equal(p->pt, 109);
        assert_int_equal(p->payload_len, 80);
        assert_int_equal(payload_seq(p, 1), (uint16_t)(65520 + i));
        assert_int_equal((uint16_t)(p->seq - b.log[0].seq), i);
        assert_int_equal(p->ts - b.log[0].ts, (uint32_t)(uint16_t)(65520 + i) * 960 - 65520u * 960);
        /* mid "7" under id 4, the level under the subscriber's id 9, nothing else. */
        static const uint8_t ext[] = {0x40, '7', 0x90, 0x80 | 20};
        assert_int_equal(p->ext_profile, 0xbede);
        assert_int_equal(p->ext_len, sizeof(ext));
        assert_memory_equal(p->ext, ext, sizeof(ext));
    }
    assert_int_equal(e.layers, 1);
    assert_int_equal(e.layer[0].ssrc, 1234);
    assert_int_equal(e.layer[0].codec, AURA_CODEC_OPUS);
    WAIT_FOR(e.loop, e.started == 1);
    WAIT_FOR(e.loop, a.twccs > 0);
    WAIT_FOR(e.loop, a.rrs > 0);
    assert_int_equal(a.last_rr.blocks[0].ssrc, 1234);
    assert_int_equal(a.last_rr.blocks[0].lost, 0);
    assert_int_equal(a.rembs, 0);
    env_stop(&e);
    return 0;
}

static void send_sr(struct client *c, uint32_t ssrc, uint64_t ntp, uint32_t ts) {
    uint8_t buf[128];
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    struct aura_rtcp_sender s = {.ntp = ntp, .rtp = ts, .packets = 1, .bytes = 1};
    aura_rtcp_write_sr(&w, ssrc, &s, NULL, 0);
    client_rtcp(c, &w);
}

static int reports_keep_the_publishers_clock(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    struct aura_media m = env_audio("0", false);
    aura_pub_id pub = env_publish(&e, &a, &m, 1234, 0);
    env_subscribe(&e, &b, pub, &m, 7000, 0);
    struct aura_sfu_counters n = {.subs = 0};
    WAIT_FOR(e.loop, (aura_sfu_counters(e.sfu, &n), n.subs == 1));
    env_send_audio(&a, "0", 1234, 10, 20);
    WAIT_FOR(e.loop, b.count == 1);
    assert_int_equal(b.srs, 0); /* no clock is known */
    uint64_t ntp = UINT64_C(0x1122334455667788);
    send_sr(&a, 1234, ntp, 9600);
    WAIT_FOR(e.loop, b.srs == 1);
    assert_int_equal(b.sdes, 1);
    assert_int_equal(b.last_sr.ssrc, 7000);
    assert_int_equal(b.last_sr.sender.packets, 1);
    /* The same instant on the publisher's clock: both have advanced by the same time. */
    double passed = (double)(b.last_sr.sender.ntp - ntp) / 4294967296.0;
    uint32_t offset = b.log[0].ts - 9600;
    double ticks = (double)(int32_t)(b.last_sr.sender.rtp - offset - 9600);
    assert_true(passed >= 0 && passed < 2);
    assert_true(ticks - passed * 48000 < 2 && ticks - passed * 48000 > -2);
    env_stop(&e);
    return 0;
}

static int video_begins_with_a_key_frame(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    struct aura_media m = env_video("1");
    aura_pub_id pub = env_publish(&e, &a, &m, 500, 501);
    env_subscribe(&e, &b, pub, &m, 9000, 9001);
    for (uint16_t i = 0; i < 20; i++) {
        env_send_vp8(&a, 500, i, i, false, 900);
    }
    WAIT_FOR(e.loop, a.plis > 0);
    assert_int_equal(a.pli_ssrc, 500);
    for (uint16_t i = 20; i < 60; i++) {
        env_send_vp8(&a, 500, i, i, i == 30, 900);
        WAIT_FOR(e.loop, b.count == (i < 30 ? 0u : i - 29u));
    }
    assert_int_equal(payload_seq(&b.log[0], 16), 30);
    for (size_t i = 0; i < b.count; i++) {
        assert_int_equal((uint16_t)(b.log[i].seq - b.log[0].seq), i);
        assert_int_equal(payload_seq(&b.log[i], 16), 30 + i);
        assert_int_equal(b.log[i].payload[0], 0x90);
        uint16_t pid = payload_seq(&b.log[i], 2) & 0x7fff;
        assert_int_equal((pid - payload_seq(&b.log[0], 2)) & 0x7fff, i);
    }
    env_stop(&e);
    return 0;
}

static int key_frame_requests_are_merged(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true}, c = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    env_client(&e, &c, 0);
    struct aura_media m = env_video("1");
    aura_pub_id pub = env_publish(&e, &a, &m, 500, 501);
    uint64_t begun_us = aura_now_us(aura_clock_system());
    env_subscribe(&e, &b, pub, &m, 9000, 9001);
    env_subscribe(&e, &c, pub, &m, 9000, 9001);
    struct aura_sfu_counters n = {.pli_in = 0};
    WAIT_FOR(e.loop, (aura_sfu_counters(e.sfu, &n), n.subs == 2 && a.plis > 0));
    env_send_vp8(&a, 500, 1, 1, true, 500);
    WAIT_FOR(e.loop, b.count == 1 && c.count == 1);
    for (uint16_t i = 0; i < 20; i++) {
        client_pli(&b, 9000);
        client_pli(&c, 9000);
    }
    WAIT_FOR(e.loop, (aura_sfu_counters(e.sfu, &n), n.pli_in == 40));
    /* One, or one in each 500 ms that a busy machine took for it. */
    uint64_t took_us = aura_now_us(aura_clock_system()) - begun_us;
    assert_in_range(n.pli_out, 1, 1 + took_us / 500000);
    /* It is not forgotten: after the throttle the next packet brings it out. */
    uint16_t seq = 2;
    WAIT_FOR(e.loop, (env_send_vp8(&a, 500, seq, seq, false, 500), seq++, a.plis > 1));
    env_stop(&e);
    return 0;
}

static int subscriber_losses_are_repeated(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    struct aura_media m = env_video("1");
    aura_pub_id pub = env_publish(&e, &a, &m, 500, 501);
    env_subscribe(&e, &b, pub, &m, 9000, 9001);
    WAIT_FOR(e.loop, a.plis > 0); /* the subscription is in force */
    for (uint16_t i = 0; i < 100; i++) {
        env_send_vp8(&a, 500, i, i, i == 0, 700);
    }
    WAIT_FOR(e.loop, b.count == 100);
    uint16_t lost = b.log[40].seq;
    client_nack(&b, 9000, lost);
    client_nack(&b, 9000, lost); /* within the round trip: not answered twice */
    client_nack(&b, 9000, (uint16_t)(b.log[99].seq + 500)); /* never sent */
    WAIT_FOR(e.loop, b.count == 101);
    const struct client_packet *r = &b.log[100];
    assert_int_equal(r->ssrc, 9001);
    assert_int_equal(r->pt, PT_VP8_RTX);
    assert_int_equal(payload_seq(r, 0), lost); /* the original number */
    assert_int_equal(r->payload_len, 702);
    assert_int_equal(r->ts, b.log[40].ts);
    assert_memory_equal(r->payload + 2, b.log[40].payload, 30);
    client_nack(&b, 9000, b.log[41].seq);
    WAIT_FOR(e.loop, b.count == 102);
    assert_int_equal((uint16_t)(b.log[101].seq - r->seq), 1);
    env_stop(&e);
    return 0;
}

static void answer_nack(struct client *c, uint32_t ssrc, uint16_t seq) {
    uint8_t payload[800];
    assert_int_equal(ssrc, 500);
    aura_put_u16(payload, seq);
    env_vp8_payload(payload + 2, seq, false, seq, 700);
    client_rtp(c, PT_VP8_RTX, (uint16_t)c->nacks, 3000u * seq, 501, true, NULL, 0, payload, 702);
}

static int publisher_losses_are_asked_for(void) {
    struct env e;
    struct client a = {.no_sctp = true, .on_nack = answer_nack}, b = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    struct aura_media m = env_video("1");
    aura_pub_id pub = env_publish(&e, &a, &m, 500, 501);
    env_subscribe(&e, &b, pub, &m, 9000, 9001);
    size_t lost = 0;
    WAIT_FOR(e.loop, a.plis > 0);
    for (uint16_t i = 0; i < 200; i++) {
        if (i % 20 == 7 || i == 101 || i == 102) {
            lost++;
            continue;
        }
        env_send_vp8(&a, 500, i, i, i == 0, 700);
    }
    WAIT_FOR(e.loop, b.count == 200);
    assert_true(a.nacks >= lost);
    bool seen[200] = {false};
    for (size_t i = 0; i < 200; i++) {
        uint16_t seq = payload_seq(&b.log[i], 16);
        assert_true(seq < 200 && !seen[seq]);
        seen[seq] = true;
        assert_int_equal(b.log[i].ssrc, 9000);
        assert_int_equal((uint16_t)(b.log[i].seq - b.log[0].seq), seq);
        assert_int_equal(b.log[i].ts - b.log[0].ts, 3000u * seq);
    }
    aura_sfu_poll_stats(e.sfu);
    WAIT_FOR(e.loop, e.pub_reports > 0);
    assert_int_equal(e.pub_stats.packets_repaired, lost);
    assert_int_equal(e.pub_stats.packets, 200);
    env_stop(&e);
    return 0;
}

static void answer_key(struct client *c, uint32_t ssrc, uint16_t seq) {
    uint8_t payload[800];
    (void)ssrc;
    aura_put_u16(payload, seq);
    env_vp8_payload(payload + 2, seq, seq == 10, seq, 700);
    client_rtp(c, PT_VP8_RTX, (uint16_t)c->nacks, 3000u * seq, 501, true, NULL, 0, payload, 702);
}

static int a_lost_key_frame_begin_is_caught_up(void) {
    struct env e;
    struct client a = {.no_sctp = true, .on_nack = answer_key}, b = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    struct aura_media m = env_video("1");
    aura_pub_id pub = env_publish(&e, &a, &m, 500, 501);
    env_subscribe(&e, &b, pub, &m, 9000, 9001);
    WAIT_FOR(e.loop, a.plis > 0);
    for (uint16_t i = 0; i < 30; i++) {
        if (i != 10) { /* the key frame */
            env_send_vp8(&a, 500, i, i, false, 700);
        }
    }
    WAIT_FOR(e.loop, b.count == 20);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(payload_seq(&b.log[i], 16), 10 + i);
        assert_int_equal((uint16_t)(b.log[i].seq - b.log[0].seq), i);
    }
    env_stop(&e);
    return 0;
}

static int without_rtx_the_packet_itself_is_repeated(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    struct aura_media m = env_video("1"), plain = m;
    plain.codecs[0].rtx_pt = 0;
    aura_pub_id pub = env_publish(&e, &a, &m, 500, 501);
    env_subscribe(&e, &b, pub, &plain, 9000, 0);
    WAIT_FOR(e.loop, a.plis > 0);
    b.drop_every = 5; /* the fifth is lost */
    for (uint16_t i = 0; i < 8; i++) {
        env_send_vp8(&a, 500, i, i, i == 0, 700);
    }
    WAIT_FOR(e.loop, b.count == 7);
    client_nack(&b, 9000, (uint16_t)(b.log[3].seq + 1));
    WAIT_FOR(e.loop, b.count == 8);
    assert_int_equal(b.log[7].ssrc, 9000);
    assert_int_equal((uint16_t)(b.log[7].seq - b.log[3].seq), 1);
    assert_int_equal(payload_seq(&b.log[7], 16), 4);
    env_stop(&e);
    return 0;
}

static int feedback_follows_what_was_negotiated(void) {
    struct env e;
    struct client a = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    struct aura_media m = env_video("1");
    m.codecs[0].feedback = AURA_FB_REMB | AURA_FB_FIR;
    m.ext.id[AURA_EXT_TWCC] = 0;
    aura_pub_id pub = env_publish(&e, &a, &m, 500, 501);
    env_subscribe(&e, &a, pub, &m, 9000, 9001); /* to itself: any subscriber will do */
    WAIT_FOR(e.loop, a.firs > 0);
    assert_int_equal(a.plis, 0);
    uint8_t buf[128];
    struct aura_wr w = aura_wr_of(buf, sizeof(buf));
    struct aura_xr xr = {.ssrc = 77, .has_rrtr = true, .rrtr_ntp = UINT64_C(0x1122334455667788)};
    aura_rtcp_write_rr(&w, 77, NULL, 0);
    aura_xr_write(&w, &xr);
    client_rtcp(&a, &w);
    for (uint16_t i = 0; i < 40; i += 2) { /* every second packet is lost */
        env_send_vp8(&a, 500, i, i, i == 0, 700);
    }
    WAIT_FOR(e.loop, a.rembs > 0 && a.rrs > 0 && a.dlrrs > 0);
    assert_int_equal(a.twccs, 0);
    assert_int_equal(a.nacks, 0); /* not negotiated */
    assert_int_equal(a.last_rr.blocks[0].lost, 19);
    env_stop(&e);
    return 0;
}

static int red_is_unpacked(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true}, c = {.no_sctp = true};
    env_start(&e, 1, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 0);
    env_client(&e, &c, 0);
    struct aura_media red = env_audio("0", true), plain = env_audio("0", false);
    aura_pub_id pub = env_publish(&e, &a, &red, 1234, 0);
    env_subscribe(&e, &b, pub, &plain, 7000, 0);
    env_subscribe(&e, &c, pub, &red, 7000, 0);
    struct aura_sfu_counters n = {.subs = 0};
    WAIT_FOR(e.loop, (aura_sfu_counters(e.sfu, &n), n.subs == 2));
    for (uint16_t i = 0; i < 10; i++) {
        /* One redundant block of 5 bytes, 960 ticks older, then the primary of 6. */
        uint8_t payload[] = {0x80 | PT_OPUS, 960 >> 6, (960 & 0x3f) << 2, 5, PT_OPUS, 1, 1, 1, 1, 1,
                             0xfc,           2,        (uint8_t)i,        4, 5,       6};
        client_rtp(&a, PT_RED, i, i * 960u, 1234, false, NULL, 0, payload, sizeof(payload));
    }
    WAIT_FOR(e.loop, b.count == 10 && c.count == 10);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(b.log[i].pt, PT_OPUS);
        assert_int_equal(b.log[i].payload_len, 6);
        assert_int_equal(b.log[i].payload[0], 0xfc);
        assert_int_equal(b.log[i].payload[2], i);
        assert_int_equal((uint16_t)(b.log[i].seq - b.log[0].seq), i);
        assert_int_equal(c.log[i].pt, PT_RED);
        assert_int_equal(c.log[i].payload_len, 16);
    }
    env_stop(&e);
    return 0;
}

static int workers_share_packets(void) {
    struct env e;
    struct client a = {.no_sctp = true}, b = {.no_sctp = true}, c = {.no_sctp = true};
    env_start(&e, 2, 0);
    env_client(&e, &a, 0);
    env_client(&e, &b, 1);
    env_client(&e, &c, 0);
    struct aura_media m = env_video("1");
    aura_pub_id pub = env_publish(&e, &a, &m, 500, 501);
    aura_sub_id sub = env_subscribe(&e, &b, pub, &m, 9000, 9001);
    env_subscribe(&e, &c, pub, &m, 9000, 9001);
    uint16_t seq = 0;
    WAIT_FOR(e.loop, (env_send_vp8(&a, 500, seq, seq, true, 700), seq++, b.count && c.count));
    send_sr(&a, 500, UINT64_C(0x1122334455667788), 0);
    uint16_t to = (uint16_t)(seq + 100);
    for (; seq < to; seq++) {
        env_send_vp8(&a, 500, seq, seq, false, 700);
    }
    uint16_t from = payload_seq(&b.log[0], 16);
    WAIT_FOR(e.loop, b.count == (uint16_t)(to - from));
    for (size_t i = 0; i < b.count; i++) {
        assert_int_equal(payload_seq(&b.log[i], 16), from + i);
        assert_int_equal((uint16_t)(b.log[i].seq - b.log[0].seq), i);
    }
    size_t before = b.count;
    client_nack(&b, 9000, b.log[50].seq);
    WAIT_FOR(e.loop, b.count == before + 1);
    assert_int_equal(b.log[before].ssrc, 9001);
    assert_int_equal(payload_seq(&b.log[before], 18), from + 50);
    WAIT_FOR(e.loop, b.srs > 0 && c.srs > 0);
    /* The last subscriber there leaves, another comes: the replica begins anew. */
    size_t plis = a.plis;
    before = b.count;
    aura_sfu_sub_close(e.sfu, sub);
    env_subscribe(&e, &b, pub, &m, 9002, 9003);
    WAIT_FOR(e.loop, (env_send_vp8(&a, 500, seq, seq, false, 700), seq++, a.plis > plis));
    assert_int_equal(b.count, before);
    env_send_vp8(&a, 500, seq, seq, true, 700);
    WAIT_FOR(e.loop, b.count == before + 1);
    assert_int_equal(b.log[before].ssrc, 9002);
    aura_sfu_pub_close(e.sfu, pub);
    env_stop(&e);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(audio_is_forwarded),
        AURA_PLAIN(reports_keep_the_publishers_clock),
        AURA_PLAIN(video_begins_with_a_key_frame),
        AURA_PLAIN(key_frame_requests_are_merged),
        AURA_PLAIN(subscriber_losses_are_repeated),
        AURA_PLAIN(publisher_losses_are_asked_for),
        AURA_PLAIN(a_lost_key_frame_begin_is_caught_up),
        AURA_PLAIN(without_rtx_the_packet_itself_is_repeated),
        AURA_PLAIN(feedback_follows_what_was_negotiated),
        AURA_PLAIN(red_is_unpacked),
        AURA_PLAIN(workers_share_packets),
    };
    return RUN_CASES("sfu/forward", cases);
}
