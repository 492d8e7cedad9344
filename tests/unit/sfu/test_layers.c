/* SPDX-License-Identifier: Apache-2.0 */
/* Layers left out of a stream: who may be joined when, and numbers without gaps. */
#include "harness.h"

#include "sfu/rates.h"
#include "sfu/subscribed.h"

#include <string.h>

enum { SENT_MAX = 2000 };

struct rig {
    struct aura_source source;
    struct aura_subscribed sub;
    struct aura_packet *p;
    struct aura_sub_out sent[SENT_MAX];
    uint64_t sent_from[SENT_MAX];
    size_t count;
    size_t placeholders;
};

static void rig_start(struct rig *r, enum aura_codec codec, uint8_t spatial, uint8_t temporal) {
    memset(r, 0, sizeof(*r));
    r->source.kind = AURA_KIND_VIDEO;
    r->source.layer_count = 1;
    r->sub.source = &r->source;
    r->sub.newest.seq = 1000;
    r->sub.newest.pid = 300;
    r->sub.filter.want = (struct aura_filter_layers){spatial, temporal};
    r->p = aura_zalloc(sizeof(*r->p) + 64);
    assert_non_null(r->p);
    r->p->codec = (uint8_t)codec;
    r->p->clock_rate = 90000;
}

/* What subscribed.c does with a packet of the running segment. */
static void rig_packet(struct rig *r) {
    struct aura_sub_out out;
    if (!r->sub.running) {
        assert_true(r->p->key_frame);
        aura__subscribed_open(&r->sub, 0, r->p);
    }
    const struct aura_sub_segment *seg = &r->sub.seg[r->sub.seg_at];
    bool pass = aura__filter_pass(&r->sub.filter, r->p);
    if (!pass && aura__subscribed_leave_out(&r->sub, r->p)) {
        return;
    }
    assert_true(aura__subscribed_number(&r->sub, seg, r->p, &out));
    r->placeholders += !pass;
    if (out.seq > r->sub.newest.seq) {
        r->sub.newest = out;
    }
    r->sent_from[r->count] = r->p->eseq;
    r->sent[r->count++] = out;
}

/* VP8 with three temporal layers as libwebrtc makes them: 0 2 1 2, with sync frames (RFC 7741). */
static void vp8_frame(struct rig *r, unsigned n, unsigned packets, unsigned sync_every) {
    static const uint8_t layer[4] = {0, 2, 1, 2};
    struct aura_packet *p = r->p;
    p->temporal = n == 0 ? 0 : layer[n % 4];
    p->key_frame = n == 0;
    p->pid_at = 2;
    p->pid = 70000 + n;
    p->tl0 = (uint8_t)(n / 4);
    p->ts = n * 3000;
    memset(p->up_to, -1, sizeof(p->up_to));
    p->up_from = 0;
    if (p->temporal && n / 4 % sync_every == 0) {
        p->up_from = (uint8_t)(p->temporal - 1);
        p->up_to[0] = (int8_t)p->temporal;
    }
    for (unsigned i = 0; i < packets; i++) {
        p->eseq = 5000 + n * packets + i;
        p->frame_start = i == 0;
        p->frame_end = p->marker = i + 1 == packets;
        rig_packet(r);
    }
}

static void check_continuous(const struct rig *r) {
    for (size_t i = 1; i < r->count; i++) {
        const struct aura_sub_out *a = &r->sent[i - 1], *b = &r->sent[i];
        assert_int_equal(b->seq, a->seq + 1);
        assert_int_equal((uint16_t)(b->pid - a->pid), a->marker ? 1 : 0);
        assert_true((int32_t)(b->ts - a->ts) >= 0);
        assert_true((uint8_t)(b->tl0 - a->tl0) <= 1);
    }
}

static int temporal_layers_are_left_out_without_a_gap(void) {
    struct rig r;
    rig_start(&r, AURA_CODEC_VP8, 2, 2);
    for (unsigned n = 0; n < 40; n++) {
        vp8_frame(&r, n, 3, 4);
    }
    assert_int_equal(r.count, 120);
    r.sub.filter.want.temporal = 0; /* from the next picture on */
    for (unsigned n = 40; n < 80; n++) {
        vp8_frame(&r, n, 3, 4);
    }
    assert_int_equal(r.count, 120 + 30);
    /* Up again: only at sync frames, one layer at a time. They come in 80..83, then 96..99. */
    for (unsigned n = 80; n < 84; n++) {
        vp8_frame(&r, n, 3, 4);
    }
    assert_int_equal(r.count, 150 + 3);
    r.sub.filter.want.temporal = 2;
    for (unsigned n = 84; n < 96; n++) {
        vp8_frame(&r, n, 3, 4); /* no sync frame yet */
    }
    assert_int_equal(r.count, 153 + 9);
    for (unsigned n = 96; n < 100; n++) {
        vp8_frame(&r, n, 3, 4);
    }
    /* 97 may not begin layer 2 (layer 1 is not there), 98 begins layer 1, 99 layer 2. */
    assert_int_equal(r.count, 162 + 9);
    check_continuous(&r);
    assert_int_equal(r.sent[0].seq, 1001);
    assert_int_equal(r.sent[0].pid, 301);
    assert_int_equal(r.placeholders, 0);
    aura_free(r.p);
    return 0;
}

/* A packet of a layer that is left out comes after its successor went: its number is gone. */
static int late_packets_that_are_left_out_keep_their_number(void) {
    struct rig r;
    rig_start(&r, AURA_CODEC_VP8, 2, 0);
    vp8_frame(&r, 0, 1, 1);
    r.p->eseq = 5002; /* the base layer's next frame; 5001 is on its way still */
    r.p->key_frame = false;
    r.p->temporal = 0;
    r.p->pid += 2;
    rig_packet(&r);
    r.p->eseq = 5001;
    r.p->temporal = 2;
    r.p->pid -= 1;
    r.p->frame_start = true;
    rig_packet(&r);
    assert_int_equal(r.count, 3);
    assert_int_equal(r.placeholders, 1);
    assert_int_equal(r.sent[1].seq, r.sent[0].seq + 2);
    assert_int_equal(r.sent[2].seq, r.sent[0].seq + 1);
    aura_free(r.p);
    return 0;
}

/* What was sent under a number is found again, whatever was left out between. */
static int numbers_lead_back_to_packets(void) {
    struct rig r;
    rig_start(&r, AURA_CODEC_VP8, 2, 0);
    for (unsigned n = 0; n < 100; n++) {
        vp8_frame(&r, n, 2, 4);
    }
    for (size_t i = 0; i < r.count; i++) {
        uint64_t number = 0;
        assert_true(aura_gapmap_inverse(&r.sub.gaps, r.sent[i].seq - 1001, &number));
        assert_int_equal(number, r.sent_from[i]);
    }
    uint64_t number;
    assert_false(aura_gapmap_inverse(&r.sub.gaps, r.count, &number));
    aura_free(r.p);
    return 0;
}

/* VP9 with spatial layers inside (RFC 9628): the picture's last packet that goes has the marker. */
static void vp9_picture(struct rig *r, unsigned n, bool key) {
    struct aura_packet *p = r->p;
    for (uint8_t s = 0; s < 3; s++) {
        p->spatial = s;
        p->temporal = 0;
        p->frame_start = p->frame_end = true;
        p->marker = s == 2;
        p->key_frame = key && s == 0;
        p->up_spatial = key;
        memset(p->up_to, -1, sizeof(p->up_to));
        if (key) {
            p->up_to[s] = INT8_MAX;
        }
        p->pid_at = 1;
        p->pid = 80000 + n;
        p->ts = n * 3000;
        p->eseq = 100 + n * 3 + s;
        rig_packet(r);
    }
}

static int spatial_layers_change_at_safe_points(void) {
    struct rig r;
    rig_start(&r, AURA_CODEC_VP9, 2, 3);
    for (unsigned n = 0; n < 4; n++) {
        vp9_picture(&r, n, n == 0);
    }
    assert_int_equal(r.count, 12);
    r.sub.filter.want.spatial = 0; /* down: at the next picture */
    for (unsigned n = 4; n < 8; n++) {
        vp9_picture(&r, n, false);
    }
    assert_int_equal(r.count, 16);
    for (size_t i = 12; i < 16; i++) {
        assert_true(r.sent[i].marker);
    }
    r.sub.filter.want.spatial = 1; /* up: not before a key picture */
    for (unsigned n = 8; n < 12; n++) {
        vp9_picture(&r, n, false);
    }
    assert_int_equal(r.count, 20);
    vp9_picture(&r, 12, true);
    vp9_picture(&r, 13, false);
    assert_int_equal(r.count, 24);
    assert_false(r.sent[22].marker);
    assert_true(r.sent[23].marker);
    for (size_t i = 1; i < r.count; i++) {
        assert_int_equal(r.sent[i].seq, r.sent[i - 1].seq + 1);
        /* Picture ids keep their distances: references are told by them. */
        assert_int_equal((uint16_t)(r.sent[i].pid - r.sent[0].pid), r.sent[i].ts / 3000);
    }
    aura_free(r.p);
    return 0;
}

static int a_new_segment_goes_on_where_the_last_ended(void) {
    struct rig r;
    rig_start(&r, AURA_CODEC_AV1, 2, 3);
    r.sub.newest.dd_frame = 0xfffe;
    for (unsigned run = 0; run < 2; run++) {
        r.sub.running = false;
        for (unsigned n = 0; n < 5; n++) {
            r.p->key_frame = n == 0;
            r.p->frame_start = r.p->frame_end = r.p->marker = true;
            r.p->dd_frame = (uint16_t)(run * 777 + n);
            r.p->eseq = run * 9000 + n;
            r.p->ts = 1000000 * run + 3000 * n;
            r.p->arrival_us = (5 * run + n) * 33000;
            rig_packet(&r);
            r.sub.newest_us = r.p->arrival_us;
        }
    }
    for (size_t i = 1; i < r.count; i++) {
        assert_int_equal(r.sent[i].seq, r.sent[i - 1].seq + 1);
        assert_int_equal((uint16_t)(r.sent[i].dd_frame - r.sent[i - 1].dd_frame), 1);
        assert_true((int32_t)(r.sent[i].ts - r.sent[i - 1].ts) > 2900);
        assert_true((int32_t)(r.sent[i].ts - r.sent[i - 1].ts) < 3100);
    }
    assert_int_equal(r.sent[0].dd_frame, 0xffff);
    aura_free(r.p);
    return 0;
}

static int rates_tell_what_a_layer_weighs(void) {
    struct aura_rates r = {.since_us = 0};
    uint64_t now_us = 1000000;
    for (unsigned i = 0; i < 300; i++, now_us += 10000) { /* 3 s, 100 packets a second */
        aura__rates_add(&r, 1, i % 2, 1000, i % 4 == 0, now_us);
    }
    assert_in_range(r.layer[1][0].bps, 380000, 420000);
    assert_in_range(r.layer[1][1].bps, 380000, 420000);
    assert_in_range(r.layer[1][0].fps_x4, 90, 110);
    assert_int_equal(r.layer[0][0].bps, 0);
    for (unsigned i = 0; i < 200; i++, now_us += 10000) {
        aura__rates_add(&r, 1, 0, 1000, false, now_us); /* the upper one stops */
    }
    assert_in_range(r.layer[1][0].bps, 750000, 850000);
    assert_int_equal(r.layer[1][1].bps, 0);
    aura__rates_roll(&r, now_us + 2000000);
    assert_int_equal(r.layer[1][0].bps, 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(temporal_layers_are_left_out_without_a_gap),
        AURA_PLAIN(late_packets_that_are_left_out_keep_their_number),
        AURA_PLAIN(numbers_lead_back_to_packets),
        AURA_PLAIN(spatial_layers_change_at_safe_points),
        AURA_PLAIN(a_new_segment_goes_on_where_the_last_ended),
        AURA_PLAIN(rates_tell_what_a_layer_weighs),
    };
    return RUN_CASES("sfu/layers", cases);
}
