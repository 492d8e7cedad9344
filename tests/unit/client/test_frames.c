/* SPDX-License-Identifier: Apache-2.0 */
/* Frames out of packets: order, gaps, another codec on the same stream, hints. */
#include "client/frames.h"
#include "harness.h"

#include <string.h>

enum { VP8_PT = 96, AV1_PT = 45, AIC_ID = 6, HEADER = 12 + 4 + 12, LEN = 40 };

struct seen {
    struct aura_frames *f;
    unsigned frames, keys, hinted;
    uint32_t last_ts;
    size_t last_len;
    enum aura_codec codec;
    enum aura_aic_mode mode;
    bool refuse;
};

static bool on_frame(void *arg, const struct aura_frame *frame) {
    struct seen *s = arg;
    s->frames++;
    s->keys += frame->key_frame;
    s->hinted += frame->has_hints;
    s->mode = frame->has_hints ? frame->hints.mode : s->mode;
    s->last_ts = frame->ts;
    s->last_len = frame->len;
    s->codec = frame->codec;
    assert_string_equal(frame->track, "TR_1");
    return !s->refuse;
}

static int start(struct seen *s) {
    struct aura_media media = {.kind = AURA_KIND_VIDEO, .codec_count = 2};
    media.codecs[0] = (struct aura_media_codec){.codec = AURA_CODEC_AV1, .pt = AV1_PT};
    media.codecs[1] = (struct aura_media_codec){.codec = AURA_CODEC_VP8, .pt = VP8_PT};
    media.ext.id[AURA_EXT_AIC] = AIC_ID;
    *s = (struct seen){.frames = 0};
    return aura_frames_new(&s->f, &media, "TR_1", on_frame, s);
}

/* A VP8 frame of one packet, or an AV1 one: a sequence header announces a key frame. */
static void packet(struct seen *s, uint64_t eseq, uint8_t pt, bool key, bool marker, bool first) {
    uint8_t ext[12] = {AIC_ID << 4 | (AURA_AIC_HINTS_BYTES - 1)};
    uint8_t payload[LEN] = {first ? 0x90 : 0x80,
                            0x80,
                            0x80,
                            (uint8_t)eseq,
                            key ? 0 : 1,
                            0,
                            0,
                            0x9d,
                            1,
                            0x2a,
                            64,
                            0,
                            64,
                            0};
    struct aura_aic_hints hints = {.mode = AURA_AIC_COMPRESSED, .vmaf = -1};
    (void)aura_aic_hints_write(&hints, ext + 1, AURA_AIC_HINTS_BYTES);
    struct aura_rtp rtp = {.pt = pt,
                           .seq = (uint16_t)eseq,
                           .ts = (uint32_t)eseq * 3000,
                           .marker = marker,
                           .payload = payload,
                           .payload_len = LEN};
    if (pt == AV1_PT) {
        /* Two elements: a sequence header of 12 bytes, N with a key frame, and a frame. */
        memset(payload, 0, sizeof(payload));
        payload[0] = (uint8_t)(0x20 | (key ? 0x08 : 0));
        payload[1] = 12;
        payload[2] = 1 << 3;
        payload[14] = 6 << 3;
        rtp.ext_profile = AURA_RTP_EXT_ONE_BYTE;
        rtp.ext = ext;
        rtp.ext_len = sizeof(ext);
    }
    aura_frames_packet(s->f, &rtp, eseq, eseq * 1000);
}

static void whole(struct seen *s, uint64_t eseq, uint8_t pt, bool key) {
    packet(s, eseq, pt, key, true, true);
}

static int order(void) {
    struct seen s;
    int err;
    TRY_OUT(start(&s));
    assert_true(aura_frames_wants_key(s.f));
    whole(&s, 100, VP8_PT, false);
    assert_int_equal(s.frames, 0);
    whole(&s, 101, VP8_PT, true);
    assert_false(aura_frames_wants_key(s.f));
    whole(&s, 103, VP8_PT, false); /* before the one that it needs */
    assert_int_equal(s.frames, 1);
    whole(&s, 102, VP8_PT, false);
    assert_int_equal(s.frames, 3);
    assert_int_equal(s.last_ts, 103 * 3000);
    whole(&s, 102, VP8_PT, false); /* once more: too late */
    assert_int_equal(s.frames, 3);
    packet(&s, 104, VP8_PT, false, false, true);
    assert_int_equal(s.frames, 3);
    packet(&s, 105, VP8_PT, false, true, false);
    assert_int_equal(s.frames, 4);
    assert_int_equal(s.last_len, 2 * (LEN - 4));
    assert_int_equal(s.keys, 1);
out:
    aura_frames_free(s.f);
    return err;
}

static int gaps(void) {
    struct seen s;
    int err;
    TRY_OUT(start(&s));
    whole(&s, 1000, VP8_PT, true);
    whole(&s, 1002, VP8_PT, false);
    whole(&s, 1003, VP8_PT, false);
    assert_int_equal(s.frames, 1);
    whole(&s, 1004, VP8_PT, true); /* the key frame is gone on with */
    assert_int_equal(s.frames, 2);
    assert_int_equal(s.keys, 2);
    whole(&s, 1005, VP8_PT, false);
    assert_int_equal(s.frames, 3);
    /* What was lost is out of reach: nothing until a key frame, whatever the numbers do. */
    whole(&s, 1006 + AURA_FRAMES_PACKETS, VP8_PT, false);
    assert_true(aura_frames_wants_key(s.f));
    whole(&s, 7, VP8_PT, true);
    assert_int_equal(s.frames, 4);
    s.refuse = true;
    whole(&s, 8, VP8_PT, false);
    assert_true(aura_frames_wants_key(s.f));
    s.refuse = false;
    whole(&s, 9, VP8_PT, false);
    assert_int_equal(s.frames, 5);
out:
    aura_frames_free(s.f);
    return err;
}

static int codecs(void) {
    struct seen s;
    int err;
    TRY_OUT(start(&s));
    whole(&s, 50, VP8_PT, true);
    whole(&s, 51, VP8_PT, false);
    whole(&s, 52, AV1_PT, true);
    assert_int_equal(s.frames, 3);
    assert_int_equal(s.codec, AURA_CODEC_AV1);
    assert_int_equal(s.hinted, 1);
    assert_int_equal(s.mode, AURA_AIC_COMPRESSED);
    whole(&s, 53, VP8_PT, false); /* no key frame: nothing can begin there */
    assert_int_equal(s.frames, 3);
    assert_true(aura_frames_wants_key(s.f));
    whole(&s, 54, VP8_PT, true);
    assert_int_equal(s.frames, 4);
    whole(&s, 55, 111, true); /* a payload type that nobody agreed on */
    assert_int_equal(s.frames, 4);
out:
    aura_frames_free(s.f);
    return err;
}

/* A frame that there is no memory for is waited for anew, as a key frame. */
static int memory(void) {
    struct seen s;
    int err;
    TRY_OUT(start(&s));
    whole(&s, 1, VP8_PT, true);
    if (aura_frames_wants_key(s.f)) {
        err = AURA_ENOMEM;
        goto out;
    }
    assert_int_equal(s.frames, 1);
out:
    aura_frames_free(s.f);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_PLAIN(order), AURA_PLAIN(gaps), AURA_PLAIN(codecs),
                                       AURA_CASE(memory)};
    return RUN_CASES("client/frames", cases);
}
