/* SPDX-License-Identifier: Apache-2.0 */
#include "client/clip.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/mem.h"
#include "client/clip_priv.h"
#include "rtp/opus.h"

#include <errno.h>
#include <stdio.h>

enum {
    VIDEO_CLOCK = 90000,
    AUDIO_CLOCK = 48000,
    IVF_HEADER = 32,
    IVF_FRAME_HEADER = 12,
    OGG_HEADER = 27,
    OGG_SEGMENT_MAX = 255,
    OPUS_PACKET_MAX = 1000, /* longer ones do not fit a datagram with their headers */
};

static uint32_t le32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* ---- IVF ---- */

static int parse_ivf(struct aura__clip_maker *m) {
    struct aura_clip *c = m->clip;
    struct aura_cur cur = aura_cur_of(c->bytes, c->bytes_len);
    const uint8_t *h = aura_cur_take(&cur, IVF_HEADER);
    if (!h || memcmp(h + 8, "VP80", 4) != 0) {
        return h ? AURA_EUNSUPPORTED : AURA_EMALFORMED;
    }
    uint32_t rate = le32(h + 16), scale = le32(h + 20);
    c->codec = AURA_CODEC_VP8;
    c->clock_rate = VIDEO_CLOCK;
    c->width = (uint16_t)(h[12] | h[13] << 8);
    c->height = (uint16_t)(h[14] | h[15] << 8);
    /* The time base is usually one frame; where it is finer, the first two frames tell. */
    uint64_t first = 0, step = 1;
    while (aura_cur_left(&cur) > 0 && !m->err) {
        const uint8_t *f = aura_cur_take(&cur, IVF_FRAME_HEADER);
        const uint8_t *data = f ? aura_cur_take(&cur, le32(f)) : NULL;
        if (!data) {
            return AURA_EMALFORMED;
        }
        if (le32(f) == 0) {
            continue;
        }
        first = c->frame_count == 0 ? le32(f + 4) : first;
        step = c->frame_count == 1 && le32(f + 4) > first ? le32(f + 4) - first : step;
        aura__clip_frame(m, (data[0] & 1) == 0);
        aura__clip_cut_vp8(m, (size_t)(data - c->bytes), le32(f));
    }
    if (m->err) {
        return m->err;
    }
    uint64_t ticks = rate ? VIDEO_CLOCK * step * scale / rate : 0;
    if (ticks < VIDEO_CLOCK / 240 || ticks > VIDEO_CLOCK * 2) {
        return AURA_EMALFORMED;
    }
    c->ticks = (uint32_t)ticks;
    return 0;
}

/* ---- H.264 ---- */

static int parse_annexb(struct aura__clip_maker *m) {
    struct aura_clip *c = m->clip;
    c->codec = AURA_CODEC_H264;
    c->clock_rate = VIDEO_CLOCK;
    c->ticks = VIDEO_CLOCK / AURA_CLIP_FPS_DEFAULT;
    return aura__clip_annexb(m);
}

/* A part without bytes ends each frame: it carries the stamp. */
static int add_fillers(struct aura__clip_maker *from) {
    struct aura_clip *c = from->clip;
    struct aura_clip_part *parts = aura_calloc(c->part_count + c->frame_count + 1, sizeof(*parts));
    size_t n = 0;
    if (!parts) {
        return AURA_ENOMEM;
    }
    for (size_t i = 0; i < c->frame_count; i++) {
        struct aura_clip_frame *f = &from->frames[i];
        memcpy(parts + n, from->parts + f->first_part, f->part_count * sizeof(*parts));
        f->first_part = (uint32_t)n;
        n += f->part_count++;
        parts[n++] = (struct aura_clip_part){.len = 0};
    }
    aura_free(from->parts);
    from->parts = parts;
    c->parts = parts;
    c->part_count = n;
    return 0;
}

/* ---- Ogg ---- */

static int take_opus(struct aura__clip_maker *m, size_t at, size_t len, unsigned number) {
    struct aura_clip *c = m->clip;
    struct aura_opus opus;
    if (number == 0) {
        return len >= 8 && memcmp(c->bytes + at, "OpusHead", 8) == 0 ? 0 : AURA_EUNSUPPORTED;
    }
    if (number == 1) {
        return 0; /* tags */
    }
    if (len == 0 || len > OPUS_PACKET_MAX || aura_opus_parse(&opus, c->bytes + at, len)) {
        return AURA_EMALFORMED;
    }
    uint32_t ticks = (uint32_t)((uint64_t)opus.duration_us * AUDIO_CLOCK / AURA_US_PER_S);
    c->ticks = c->ticks ? c->ticks : ticks;
    if (ticks != c->ticks || ticks == 0) {
        return c->frame_count ? AURA_EUNSUPPORTED : AURA_EMALFORMED;
    }
    aura__clip_frame(m, true);
    struct aura_clip_part part = {.at = (uint32_t)at, .len = (uint16_t)len};
    aura__clip_part(m, &part);
    return m->err;
}

/* Packets that go on in the next page would lie in two pieces; Opus of 20 ms never does that but at
 * page ends, where encoders cut between packets. */
static int parse_page(struct aura__clip_maker *m, struct aura_cur *cur, unsigned *number) {
    const uint8_t *h = aura_cur_take(cur, OGG_HEADER);
    if (!h || memcmp(h, "OggS", 4) != 0) {
        return AURA_EMALFORMED;
    }
    const uint8_t *lacing = aura_cur_take(cur, h[26]);
    size_t at = (size_t)(cur->p - m->clip->bytes), len = 0;
    for (unsigned i = 0; lacing && i < h[26]; i++) {
        len += lacing[i];
        if (!aura_cur_take(cur, lacing[i])) {
            return AURA_EMALFORMED;
        }
        if (lacing[i] < OGG_SEGMENT_MAX) {
            int err = take_opus(m, at, len, (*number)++);
            if (err) {
                return err;
            }
            at += len;
            len = 0;
        }
    }
    return lacing && len == 0 ? 0 : AURA_EUNSUPPORTED;
}

static int parse_ogg(struct aura__clip_maker *m) {
    struct aura_cur cur = aura_cur_of(m->clip->bytes, m->clip->bytes_len);
    unsigned number = 0;
    m->clip->codec = AURA_CODEC_OPUS;
    m->clip->clock_rate = AUDIO_CLOCK;
    int err = 0;
    while (!err && aura_cur_left(&cur) > 0) {
        err = parse_page(m, &cur, &number);
    }
    return err;
}

/* ---- files ---- */

static int parse_any(struct aura__clip_maker *m) {
    const struct aura_clip *c = m->clip;
    if (c->bytes_len >= 4 && memcmp(c->bytes, "DKIF", 4) == 0) {
        return parse_ivf(m);
    }
    if (c->bytes_len >= 4 && memcmp(c->bytes, "OggS", 4) == 0) {
        return parse_ogg(m);
    }
    if (c->bytes_len >= 4 && c->bytes[0] == 0 && c->bytes[1] == 0 &&
        (c->bytes[2] == 1 || (c->bytes[2] == 0 && c->bytes[3] == 1))) {
        int err = parse_annexb(m);
        return err ? err : add_fillers(m);
    }
    return AURA_EUNSUPPORTED;
}

int aura_clip_parse(struct aura_clip **out, uint8_t *bytes, size_t len) {
    struct aura_clip *c = aura_zalloc(sizeof(*c));
    if (!c) {
        aura_free(bytes);
        return AURA_ENOMEM;
    }
    c->bytes = bytes;
    c->bytes_len = len;
    struct aura__clip_maker m = {.clip = c};
    int err = len <= AURA_CLIP_BYTES_MAX ? parse_any(&m) : AURA_ELIMIT;
    if (!err && (c->frame_count == 0 || !c->frames[0].key)) {
        err = AURA_EMALFORMED;
    }
    if (err) {
        aura_clip_free(c);
        return err;
    }
    *out = c;
    return 0;
}

struct aura_clip *aura_clip_free(struct aura_clip *c) {
    if (c) {
        aura_free((void *)(uintptr_t)c->bytes);
        aura_free((void *)(uintptr_t)c->frames);
        aura_free((void *)(uintptr_t)c->parts);
        aura_free(c);
    }
    return NULL;
}

int aura_clip_load(struct aura_clip **out, const char *path) {
    FILE *f = fopen(path, "rbe");
    if (!f) {
        return errno == ENOENT ? AURA_ENOENT : AURA_EIO;
    }
    int err = 0;
    uint8_t *bytes = NULL;
    long size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    if (size <= 0 || fseek(f, 0, SEEK_SET) != 0) {
        err = size == 0 ? AURA_EMALFORMED : AURA_EIO;
    } else if (size > AURA_CLIP_BYTES_MAX) {
        err = AURA_ELIMIT;
    } else {
        bytes = aura_zalloc((size_t)size);
        err = bytes ? 0 : AURA_ENOMEM;
    }
    if (!err && fread(bytes, 1, (size_t)size, f) != (size_t)size) {
        err = AURA_EIO;
        aura_free(bytes);
    }
    fclose(f);
    return err ? err : aura_clip_parse(out, bytes, (size_t)size);
}

size_t aura_clip_next_key(const struct aura_clip *clip, size_t frame) {
    for (size_t i = frame + 1; i < clip->frame_count; i++) {
        if (clip->frames[i].key) {
            return i;
        }
    }
    return 0;
}
