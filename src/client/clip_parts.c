/* SPDX-License-Identifier: Apache-2.0 */
#include "client/clip_priv.h"

#include "base/bytes.h"
#include "base/mem.h"

enum {
    PARTS_MAX = 4 << 20, /* own limit */
    NAL_TYPE = 0x1f,
    NAL_IDR = 5,
    NAL_SEI = 6,
    NAL_SPS = 7,
    NAL_PPS = 8,
    NAL_AUD = 9,
    NAL_FILLER = 12,
    NAL_FU_A = 28,
    FU_START = 0x80,
    FU_END = 0x40,
    OPUS_CODE = 3,
    OPUS_ONE_PADDED = 0x41, /* a frame count of one, padding follows (RFC 6716 section 3.2.5) */
};

static const uint8_t magic[4] = {0xa5, 0x4c, 0x54, 0x5a};

static void *grow(void *array, size_t count, size_t *cap, size_t size) {
    if (count < *cap) {
        return array;
    }
    size_t more = *cap ? *cap * 2 : 1024;
    void *bigger = aura_realloc(array, more * size);
    if (bigger) {
        *cap = more;
    }
    return bigger;
}

void aura__clip_frame(struct aura__clip_maker *m, bool key) {
    struct aura_clip *c = m->clip;
    struct aura_clip_frame *frames =
        m->err ? NULL : grow(m->frames, c->frame_count, &m->frame_cap, sizeof(*m->frames));
    if (!frames) {
        m->err = m->err ? m->err : AURA_ENOMEM;
        return;
    }
    m->frames = frames;
    c->frames = frames;
    frames[c->frame_count++] =
        (struct aura_clip_frame){.first_part = (uint32_t)c->part_count, .key = key};
}

void aura__clip_part(struct aura__clip_maker *m, const struct aura_clip_part *part) {
    struct aura_clip *c = m->clip;
    if (m->err || c->part_count == PARTS_MAX) {
        m->err = m->err ? m->err : AURA_ELIMIT;
        return;
    }
    struct aura_clip_part *parts = grow(m->parts, c->part_count, &m->part_cap, sizeof(*parts));
    if (!parts) {
        m->err = AURA_ENOMEM;
        return;
    }
    m->parts = parts;
    c->parts = parts;
    struct aura_clip_frame *frame = &m->frames[c->frame_count - 1];
    if (frame->part_count == UINT16_MAX) {
        m->err = AURA_ELIMIT;
        return;
    }
    frame->part_count++;
    parts[c->part_count++] = *part;
}

void aura__clip_cut_vp8(struct aura__clip_maker *m, size_t at, size_t len) {
    /* Parts of equal size, as libwebrtc does. */
    size_t n = (len + AURA_CLIP_PAYLOAD_MAX - 1) / AURA_CLIP_PAYLOAD_MAX;
    for (size_t i = 0; i < n; i++) {
        size_t from = len * i / n, to = len * (i + 1) / n;
        struct aura_clip_part part = {.at = (uint32_t)(at + from), .len = (uint16_t)(to - from)};
        aura__clip_part(m, &part);
    }
}

void aura__clip_cut_nal(struct aura__clip_maker *m, size_t at, size_t len) {
    const uint8_t *nal = m->clip->bytes + at;
    if (len <= AURA_CLIP_PAYLOAD_MAX) {
        struct aura_clip_part part = {.at = (uint32_t)at, .len = (uint16_t)len};
        aura__clip_part(m, &part);
        return;
    }
    size_t body = len - 1, n = (body + AURA_CLIP_PAYLOAD_MAX - 1) / AURA_CLIP_PAYLOAD_MAX;
    for (size_t i = 0; i < n; i++) {
        size_t from = body * i / n, to = body * (i + 1) / n;
        struct aura_clip_part part = {
            .at = (uint32_t)(at + 1 + from),
            .len = (uint16_t)(to - from),
            .prefix_len = 2,
            .prefix = {(uint8_t)((nal[0] & ~NAL_TYPE) | NAL_FU_A), (uint8_t)(nal[0] & NAL_TYPE)}};
        part.prefix[1] |= (uint8_t)((i == 0 ? FU_START : 0) | (i == n - 1 ? FU_END : 0));
        aura__clip_part(m, &part);
    }
}

/* ---- Annex B ---- */

/* @return where the next start code begins, or the end; `*code` is its length */
static size_t find_start(const uint8_t *b, size_t at, size_t len, size_t *code) {
    for (*code = 0; at + 3 <= len; at++) {
        if (b[at] == 0 && b[at + 1] == 0 && b[at + 2] == 1) {
            *code = 3;
            return at;
        }
    }
    return len;
}

struct unit_state {
    bool open;  /* a frame has begun */
    bool coded; /* and it has a slice */
};

static void take_nal(struct aura__clip_maker *m, struct unit_state *u, size_t at, size_t len) {
    const uint8_t *nal = m->clip->bytes + at;
    uint8_t type = nal[0] & NAL_TYPE;
    bool slice = type >= 1 && type <= NAL_IDR;
    bool first = slice && len > 1 && (nal[1] & 0x80); /* first_mb_in_slice is 0 */
    bool leads = type >= NAL_SEI && type <= NAL_AUD;
    if (!u->open || (u->coded && (first || leads))) {
        aura__clip_frame(m, false);
        u->open = true;
        u->coded = false;
    }
    if (m->err || type == NAL_AUD || type == NAL_FILLER) {
        return;
    }
    m->frames[m->clip->frame_count - 1].key |= type == NAL_IDR;
    u->coded = u->coded || slice;
    aura__clip_cut_nal(m, at, len);
}

int aura__clip_annexb(struct aura__clip_maker *m) {
    const struct aura_clip *c = m->clip;
    struct unit_state u = {false, false};
    size_t code, at = find_start(c->bytes, 0, c->bytes_len, &code);
    while (at < c->bytes_len && !m->err) {
        size_t begin = at + code, end = find_start(c->bytes, begin, c->bytes_len, &code);
        at = end;
        while (end > begin && c->bytes[end - 1] == 0) {
            end--; /* trailing zeros, also the first byte of a long start code */
        }
        if (end > begin) {
            take_nal(m, &u, begin, end - begin);
        }
    }
    return m->err;
}

/* ---- payloads ---- */

static void put_stamp(struct aura_wr *w, uint64_t stamp) {
    aura_wr_u64(w, stamp);
    aura_wr_bytes(w, magic, sizeof(magic));
}

bool aura_stamp_read(const uint8_t *payload, size_t len, uint64_t *stamp) {
    if (len < AURA_STAMP_BYTES || memcmp(payload + len - 4, magic, sizeof(magic)) != 0) {
        return false;
    }
    struct aura_cur c = aura_cur_of(payload + len - AURA_STAMP_BYTES, 8);
    *stamp = aura_cur_u64(&c);
    return true;
}

static void put_opus(struct aura_wr *w, const uint8_t *data, size_t len, uint64_t stamp) {
    if (len < 2 || (data[0] & OPUS_CODE) != 0) {
        aura_wr_bytes(w, data, len); /* several frames: sent as it is */
        return;
    }
    aura_wr_u8(w, data[0] | OPUS_CODE);
    aura_wr_u8(w, OPUS_ONE_PADDED);
    aura_wr_u8(w, AURA_STAMP_BYTES);
    aura_wr_bytes(w, data + 1, len - 1);
    put_stamp(w, stamp);
}

/* RFC 7741 section 4.2: 15-bit picture id, TL0PICIDX, temporal layer 0. */
static void put_vp8_descriptor(struct aura_wr *w, const struct aura_clip_vp8 *v, bool start) {
    aura_wr_u8(w, start ? 0x90 : 0x80);
    aura_wr_u8(w, 0xe0);
    aura_wr_u16(w, v->pid | 0x8000);
    aura_wr_u8(w, v->tl0);
    aura_wr_u8(w, 0);
}

size_t aura_clip_write(const struct aura_clip *clip, size_t frame, size_t part,
                       const struct aura_clip_vp8 *vp8, uint64_t stamp, uint8_t *out, size_t cap) {
    const struct aura_clip_frame *f = &clip->frames[frame];
    const struct aura_clip_part *p = &clip->parts[f->first_part + part];
    const uint8_t *data = clip->bytes + p->at;
    bool last = part + 1 == f->part_count;
    struct aura_wr w = aura_wr_of(out, cap);
    if (clip->codec == AURA_CODEC_OPUS) {
        put_opus(&w, data, p->len, stamp);
    } else if (clip->codec == AURA_CODEC_VP8) {
        put_vp8_descriptor(&w, vp8, part == 0);
        aura_wr_bytes(&w, data, p->len);
        if (last) {
            put_stamp(&w, stamp);
        }
    } else if (p->len) {
        aura_wr_bytes(&w, p->prefix, p->prefix_len);
        aura_wr_bytes(&w, data, p->len);
    } else {
        aura_wr_u8(&w, NAL_FILLER);
        put_stamp(&w, stamp);
    }
    return w.fail ? 0 : aura_wr_len(&w);
}
