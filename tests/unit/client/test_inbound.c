/* SPDX-License-Identifier: Apache-2.0 */
/* A received stream: what is counted as lost, what is asked for again, when a key frame is. */
#include "base/bytes.h"
#include "base/clock.h"
#include "client/clip.h"
#include "client/inbound.h"
#include "harness.h"

#include <string.h>

enum { PT = 96, RTX_PT = 97, SSRC = 77, FRAME_US = 33000 };

struct bench {
    struct aura_meter *meter;
    struct aura_inbound *in;
    uint64_t now_us;
    uint32_t ts;
};

static int start(struct bench *b, enum aura_kind kind) {
    struct aura_media media = {.kind = kind, .codec_count = 1};
    bool video = kind == AURA_KIND_VIDEO;
    media.codecs[0] = (struct aura_media_codec){.codec = video ? AURA_CODEC_VP8 : AURA_CODEC_OPUS,
                                                .pt = PT,
                                                .rtx_pt = video ? RTX_PT : 0,
                                                .feedback = video ? AURA_FB_NACK : 0,
                                                .clock_rate = video ? 90000 : 48000};
    *b = (struct bench){.now_us = AURA_US_PER_S};
    b->meter = aura_zalloc(sizeof(*b->meter));
    return b->meter ? aura_inbound_new(&b->in, &media, SSRC, b->meter) : AURA_ENOMEM;
}

static void end(struct bench *b) {
    aura_inbound_free(b->in);
    aura_free(b->meter);
}

static void packet(struct bench *b, uint16_t seq, bool key, bool marker, bool repaired) {
    uint8_t payload[40] = {0x90, 0xe0, 0x80, 1, 1, 0, key ? 0 : 1, 0, 0, 0x9d, 1, 0x2a};
    size_t len = sizeof(payload) - AURA_STAMP_BYTES;
    if (marker) { /* sent 5 ms ago */
        struct aura_wr w = aura_wr_of(payload + len, AURA_STAMP_BYTES);
        aura_wr_u64(&w, b->now_us - 5000);
        aura_wr_u32(&w, 0xa54c545a);
        len += AURA_STAMP_BYTES;
    }
    struct aura_rtp rtp = {.pt = PT,
                           .seq = seq,
                           .ts = b->ts,
                           .ssrc = SSRC,
                           .marker = marker,
                           .payload = payload,
                           .payload_len = len};
    (void)aura_inbound_packet(b->in, &rtp, 12 + len, repaired, b->now_us);
}

/* One frame of one packet. */
static void frame(struct bench *b, uint16_t seq, bool key) {
    packet(b, seq, key, true, false);
    b->now_us += FRAME_US;
    b->ts += 2970;
}

#define COUNT(name) ((int64_t)aura_count_get(&b.meter->name))

static int counts(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b, AURA_KIND_VIDEO));
    for (uint16_t seq = 65530; seq != 10; seq++) { /* over the wrap */
        if (seq != 3) {
            frame(&b, seq, seq == 65530);
        }
    }
    struct aura_rtcp_block block;
    assert_true(aura_inbound_report(b.in, b.now_us, &block));
    assert_int_equal(block.ssrc, SSRC);
    assert_int_equal(block.lost, 1);
    frame(&b, 9, false); /* a duplicate */
    assert_int_equal(COUNT(expected), 16);
    assert_int_equal(COUNT(packets), 15);
    assert_int_equal(COUNT(missing), 1);
    assert_int_equal(COUNT(duplicates), 1);
    assert_int_equal(COUNT(frames), 15);
    assert_int_equal(aura_hist_total(&b.meter->video_us), 15);
    assert_in_range(aura_hist_quantile(&b.meter->video_us, 0.5), 4800, 5200);
    assert_true(aura_inbound_has_gaps(b.in));
    struct aura_rtcp_nack nacks[4];
    assert_int_equal(aura_inbound_nacks(b.in, b.now_us, 10000, nacks, 4), 1);
    assert_int_equal(nacks[0].pid, 3);
    assert_int_equal(COUNT(nacks), 1);
    packet(&b, 3, false, true, true);
    packet(&b, 3, false, true, true); /* repaired already */
    assert_int_equal(COUNT(repaired), 1);
    assert_int_equal(COUNT(missing), 0);
    assert_int_equal(COUNT(duplicates), 2);
    assert_false(aura_inbound_has_gaps(b.in));
    assert_int_equal(aura_inbound_packets(b.in), 15);
    assert_int_equal(aura_inbound_pt_of_rtx(b.in, RTX_PT), PT);
    assert_int_equal(aura_inbound_pt_of_rtx(b.in, 5), 0);
out:
    end(&b);
    return err;
}

/* Nothing can be decoded before a key frame; we wait 300 ms for one, then ask twice a second. */
static int asks_at_the_start(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b, AURA_KIND_VIDEO));
    assert_false(aura_inbound_wants_key(b.in, b.now_us));
    uint16_t seq = 1;
    unsigned asked = 0;
    for (uint64_t until = b.now_us + 290000; b.now_us < until;) {
        frame(&b, seq++, false);
        asked += aura_inbound_wants_key(b.in, b.now_us - FRAME_US);
    }
    assert_int_equal(asked, 0);
    for (uint64_t until = b.now_us + 1000000; b.now_us < until;) {
        frame(&b, seq++, false);
        asked += aura_inbound_wants_key(b.in, b.now_us);
    }
    assert_in_range(asked, 2, 3);
    frame(&b, seq++, true);
    for (unsigned i = 0; i < 100; i++) {
        frame(&b, seq++, false);
        assert_false(aura_inbound_wants_key(b.in, b.now_us));
    }
out:
    end(&b);
    return err;
}

/* A gap that stays makes video stand still: after 300 ms a key frame is asked for, and ends it. */
static int asks_when_stalled(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b, AURA_KIND_VIDEO));
    frame(&b, 1, true);
    frame(&b, 3, false);
    uint64_t from = b.now_us;
    uint16_t seq = 4;
    while (!aura_inbound_wants_key(b.in, b.now_us)) {
        frame(&b, seq++, false);
        assert_true(seq < 100);
    }
    assert_in_range(b.now_us - from, 260000, 360000);
    frame(&b, seq++, true);
    for (unsigned i = 0; i < 50; i++) {
        frame(&b, seq++, false);
        assert_false(aura_inbound_wants_key(b.in, b.now_us));
    }
    assert_int_equal(COUNT(missing), 1); /* it stays lost */
    assert_false(aura_inbound_has_gaps(b.in));
out:
    end(&b);
    return err;
}

static int freezes(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b, AURA_KIND_VIDEO));
    for (uint16_t seq = 1; seq < 40; seq++) {
        frame(&b, seq, seq == 1);
    }
    b.now_us += 100000; /* longer than usual, but no freeze */
    frame(&b, 40, false);
    assert_int_equal(COUNT(freezes), 0);
    b.now_us += 400000;
    frame(&b, 41, false);
    assert_int_equal(COUNT(freezes), 1);
    assert_in_range(COUNT(freeze_ms), 400, 450);
out:
    end(&b);
    return err;
}

/* Audio: no retransmission, no key frames. */
static int audio(void) {
    struct bench b;
    int err;
    TRY_OUT(start(&b, AURA_KIND_AUDIO));
    frame(&b, 5, false);
    frame(&b, 8, false);
    frame(&b, 7, false); /* late */
    assert_int_equal(COUNT(expected), 4);
    assert_int_equal(COUNT(packets), 3);
    assert_int_equal(COUNT(missing), 1);
    assert_false(aura_inbound_has_gaps(b.in));
    assert_false(aura_inbound_wants_key(b.in, b.now_us + AURA_US_PER_S));
    assert_int_equal(aura_hist_total(&b.meter->audio_us), 3);
    assert_int_equal(COUNT(frames), 0);
out:
    end(&b);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(counts), AURA_CASE(asks_at_the_start),
                                       AURA_CASE(asks_when_stalled), AURA_CASE(freezes),
                                       AURA_CASE(audio)};
    return RUN_CASES("client/inbound", cases);
}
