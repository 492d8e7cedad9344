/* SPDX-License-Identifier: Apache-2.0 */
/* Media files become RTP payloads that the project's own parsers understand. */
#include "base/bytes.h"
#include "client/clip.h"
#include "harness.h"
#include "rtp/h264.h"
#include "rtp/opus.h"
#include "rtp/vp8.h"

#include <string.h>

enum { FILE_MAX = 64 * 1024 };

static uint8_t *new_file(struct aura_wr *w) {
    uint8_t *bytes = aura_zalloc(FILE_MAX);
    *w = aura_wr_of(bytes, bytes ? FILE_MAX : 0);
    return bytes;
}

static void put_le(struct aura_wr *w, uint64_t v, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        aura_wr_u8(w, (uint8_t)(v >> (8 * i)));
    }
}

static void ivf_header(struct aura_wr *w, const char *fourcc, uint32_t rate, uint32_t scale) {
    aura_wr_bytes(w, "DKIF\0\0\x20\0", 8);
    aura_wr_bytes(w, fourcc, 4);
    put_le(w, 320, 2);
    put_le(w, 180, 2);
    put_le(w, rate, 4);
    put_le(w, scale, 4);
    put_le(w, 0, 8);
}

static void ivf_frame(struct aura_wr *w, size_t len, uint64_t pts, bool key) {
    put_le(w, len, 4);
    put_le(w, pts, 8);
    for (size_t i = 0; i < len; i++) {
        aura_wr_u8(w, i == 0 ? !key : (uint8_t)i);
    }
}

static int ivf_clip(struct aura_clip **clip, uint32_t rate, uint64_t step) {
    struct aura_wr w;
    uint8_t *bytes = new_file(&w);
    if (!bytes) {
        return AURA_ENOMEM;
    }
    ivf_header(&w, "VP80", rate, 1);
    ivf_frame(&w, 3000, 0, true);
    ivf_frame(&w, 100, step, false);
    ivf_frame(&w, AURA_CLIP_PAYLOAD_MAX, 2 * step, true);
    ivf_frame(&w, 10, 3 * step, false);
    return aura_clip_parse(clip, bytes, aura_wr_len(&w));
}

static int vp8(void) {
    struct aura_clip *clip = NULL;
    uint8_t out[1500];
    struct aura_vp8 d;
    uint64_t stamp = 0;
    TRY(ivf_clip(&clip, 30, 1));
    assert_int_equal(clip->codec, AURA_CODEC_VP8);
    assert_int_equal(clip->ticks, 3000);
    assert_int_equal(clip->width, 320);
    assert_int_equal(clip->height, 180);
    assert_int_equal(clip->frame_count, 4);
    assert_int_equal(clip->frames[0].part_count, 3);
    assert_int_equal(clip->frames[2].part_count, 1);
    assert_true(clip->frames[0].key && !clip->frames[1].key && clip->frames[2].key);
    assert_int_equal(aura_clip_next_key(clip, 0), 2);
    assert_int_equal(aura_clip_next_key(clip, 2), 0);
    struct aura_clip_vp8 counters = {.pid = 0x7fff, .tl0 = 200};
    size_t body = 0;
    for (size_t part = 0; part < 3; part++) {
        size_t len = aura_clip_write(clip, 0, part, &counters, 123456789, out, sizeof(out));
        assert_int_equal(aura_vp8_parse(&d, out, len), 0);
        assert_int_equal(d.start, part == 0);
        assert_int_equal(d.key_frame, part == 0);
        assert_int_equal(d.pid, 0x7fff);
        assert_int_equal(d.tl0, 200);
        assert_int_equal(aura_stamp_read(out, len, &stamp), part == 2);
        body += len - d.len - (part == 2 ? AURA_STAMP_BYTES : 0);
        assert_true(len <= AURA_CLIP_PAYLOAD_MAX + AURA_CLIP_PREFIX_MAX + AURA_STAMP_BYTES);
    }
    assert_int_equal(body, 3000);
    assert_int_equal(stamp, 123456789);
    assert_int_equal(aura_clip_write(clip, 0, 0, &counters, 0, out, 100), 0); /* no room */
    aura_clip_free(clip);
    return 0;
}

/* A time base in milliseconds, as some tools write it. */
static int fine_time_base(void) {
    struct aura_clip *clip = NULL;
    TRY(ivf_clip(&clip, 1000, 40));
    assert_int_equal(clip->ticks, 3600);
    aura_clip_free(clip);
    return 0;
}

/* ---- H.264 ---- */

static void nal(struct aura_wr *w, bool lengthy, uint8_t header, size_t len) {
    if (lengthy) {
        aura_wr_u8(w, 0);
    }
    aura_wr_u24(w, 1);
    aura_wr_u8(w, header);
    for (size_t i = 1; i < len; i++) {
        aura_wr_u8(w, 0x80 | (uint8_t)(i % 100)); /* first_mb_in_slice = 0, no start codes */
    }
}

static int h264(void) {
    struct aura_clip *clip = NULL;
    struct aura_wr w;
    uint8_t out[1500], *bytes = new_file(&w);
    struct aura_h264 h;
    uint64_t stamp = 0;
    if (!bytes) {
        return AURA_ENOMEM;
    }
    nal(&w, true, 0x67, 12);
    nal(&w, true, 0x68, 5);
    nal(&w, false, 0x65, 4000);
    nal(&w, true, 0x09, 2);
    nal(&w, false, 0x61, 500);
    nal(&w, false, 0x61, 60);
    TRY(aura_clip_parse(&clip, bytes, aura_wr_len(&w)));
    assert_int_equal(clip->codec, AURA_CODEC_H264);
    assert_int_equal(clip->frame_count, 3);
    assert_true(clip->frames[0].key && !clip->frames[1].key && !clip->frames[2].key);
    assert_int_equal(clip->frames[0].part_count, 2 + 4 + 1);
    assert_int_equal(clip->frames[1].part_count, 1 + 1); /* the delimiter is left out */
    size_t body = 0;
    bool idr = false, sps = false;
    for (size_t part = 0; part < clip->frames[0].part_count; part++) {
        size_t len = aura_clip_write(clip, 0, part, NULL, 42, out, sizeof(out));
        bool last = part + 1 == clip->frames[0].part_count;
        assert_int_equal(aura_h264_parse(&h, out, len), 0);
        idr = idr || h.idr;
        sps = sps || h.sps;
        body += part >= 2 && !last ? len - 2 : 0;
        assert_int_equal(aura_stamp_read(out, len, &stamp), last);
    }
    assert_true(idr && sps);
    assert_int_equal(body, 3999);
    assert_int_equal(stamp, 42);
    aura_clip_free(clip);
    return 0;
}

/* ---- Opus ---- */

static void page(struct aura_wr *w, const uint8_t *packet, size_t len) {
    aura_wr_bytes(w, "OggS\0\0", 6);
    for (size_t i = 0; i < 20; i++) {
        aura_wr_u8(w, 0);
    }
    aura_wr_u8(w, (uint8_t)(len / 255 + 1));
    for (size_t i = 0; i < len / 255; i++) {
        aura_wr_u8(w, 255);
    }
    aura_wr_u8(w, (uint8_t)(len % 255));
    aura_wr_bytes(w, packet, len);
}

static uint8_t *ogg_file(struct aura_wr *w, const uint8_t *packet, size_t len) {
    uint8_t *bytes = new_file(w);
    if (bytes) {
        page(w, (const uint8_t *)"OpusHead\1\1\0\0\0\0\0\0\0\0\0", 19);
        page(w, (const uint8_t *)"OpusTags\0\0\0\0", 12);
        page(w, packet, len);
        page(w, packet, len);
    }
    return bytes;
}

static int opus(void) {
    struct aura_clip *clip = NULL;
    struct aura_wr w;
    struct aura_opus o;
    uint8_t out[1500], packet[300] = {0x78, 1, 2, 3}; /* CELT, 20 ms, one frame */
    uint64_t stamp = 0;
    uint8_t *bytes = ogg_file(&w, packet, sizeof(packet));
    if (!bytes) {
        return AURA_ENOMEM;
    }
    TRY(aura_clip_parse(&clip, bytes, aura_wr_len(&w)));
    assert_int_equal(clip->codec, AURA_CODEC_OPUS);
    assert_int_equal(clip->ticks, 960);
    assert_int_equal(clip->frame_count, 2);
    size_t len = aura_clip_write(clip, 1, 0, NULL, 77, out, sizeof(out));
    assert_int_equal(aura_opus_parse(&o, out, len), 0);
    assert_int_equal(o.frames, 1);
    assert_int_equal(o.duration_us, 20000);
    assert_memory_equal(out + 3, packet + 1, sizeof(packet) - 1);
    assert_true(aura_stamp_read(out, len, &stamp));
    assert_int_equal(stamp, 77);
    aura_clip_free(clip);

    packet[0] = 0x79; /* two frames of 20 ms: sent as they are */
    bytes = ogg_file(&w, packet, 101);
    if (!bytes) {
        return AURA_ENOMEM;
    }
    TRY(aura_clip_parse(&clip, bytes, aura_wr_len(&w)));
    assert_int_equal(clip->ticks, 1920);
    len = aura_clip_write(clip, 0, 0, NULL, 77, out, sizeof(out));
    assert_int_equal(len, 101);
    assert_false(aura_stamp_read(out, len, &stamp));
    aura_clip_free(clip);
    return 0;
}

/* ---- what is not a clip ---- */

static int refuse(const void *data, size_t len, int wanted) {
    struct aura_clip *clip = NULL;
    uint8_t *bytes = aura_zalloc(len + 1);
    if (!bytes) {
        return AURA_ENOMEM;
    }
    memcpy(bytes, data, len);
    int err = aura_clip_parse(&clip, bytes, len);
    if (err == AURA_ENOMEM) {
        return err;
    }
    assert_int_equal(err, wanted);
    return 0;
}

static int not_clips(void) {
    struct aura_clip *clip = NULL;
    struct aura_wr w;
    TRY(refuse("", 0, AURA_EUNSUPPORTED));
    TRY(refuse("RIFF....", 8, AURA_EUNSUPPORTED));
    TRY(refuse("DKIF", 4, AURA_EMALFORMED));
    TRY(refuse("OggS", 4, AURA_EMALFORMED));
    TRY(refuse("\0\0\0\1", 4, AURA_EMALFORMED));
    uint8_t *bytes = new_file(&w);
    if (!bytes) {
        return AURA_ENOMEM;
    }
    ivf_header(&w, "AV01", 30, 1);
    int err = aura_clip_parse(&clip, bytes, aura_wr_len(&w));
    if (err == AURA_ENOMEM) {
        return err;
    }
    assert_int_equal(err, AURA_EUNSUPPORTED);
    bytes = new_file(&w);
    if (!bytes) {
        return AURA_ENOMEM;
    }
    ivf_header(&w, "VP80", 30, 1);
    ivf_frame(&w, 100, 0, false); /* does not begin with a key frame */
    err = aura_clip_parse(&clip, bytes, aura_wr_len(&w));
    if (err == AURA_ENOMEM) {
        return err;
    }
    assert_int_equal(err, AURA_EMALFORMED);
    assert_int_equal(aura_clip_load(&clip, "/nonexistent/clip.ivf"), AURA_ENOENT);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(vp8), AURA_CASE(fine_time_base), AURA_CASE(h264),
                                       AURA_CASE(opus), AURA_CASE(not_clips)};
    return RUN_CASES("client/clip", cases);
}
