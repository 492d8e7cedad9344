/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/track.h"

#include "base/mem.h"

enum {
    FPS_ASSUMED = 30,
    SHARE_PERCENT = 20, /* of the native rate */
    KBPS_LEAST = 40,
    SCREEN_AFTER = 15,           /* frames in a row that look so, before the tools are changed */
    MICROBITS_PER_PIXEL = 12500, /* of a raw picture, where no rate is known */
};

static const float screen_flat = 0.25F; /* more flat blocks than that: drawn */

struct second {
    uint64_t began_us;
    size_t in, out, frames;
};

struct aura_track {
    const struct aura_clock *clock;
    struct aura_decoder *decoder;
    enum aura_codec_kind kind;
    struct aura_statistics_state *statistics;
    struct aura_encoder *encoder;
    struct aura_encoder_conf conf; /* of the encoder */
    bool screen;
    unsigned other_content; /* frames in a row that look like the other kind */
    uint64_t last_us;
    struct second now;
    float ratio;
    uint32_t native_kbps, fps;
};

int aura_track_new(struct aura_track **tp, const struct aura_clock *clock) {
    struct aura_track *t = aura_zalloc(sizeof(*t));
    if (!t) {
        return AURA_ENOMEM;
    }
    t->clock = clock;
    t->fps = FPS_ASSUMED;
    int err = aura_statistics_new(&t->statistics);
    if (err) {
        aura_track_free(t);
        return err;
    }
    *tp = t;
    return 0;
}

struct aura_track *aura_track_free(struct aura_track *t) {
    if (t) {
        aura_decoder_free(t->decoder);
        aura_encoder_free(t->encoder);
        aura_statistics_free(t->statistics);
        aura_free(t);
    }
    return NULL;
}

static int raw_picture(const struct aura_frame_in *in, struct aura_picture *p) {
    uint64_t w = in->width, h = in->height;
    bool fits = w >= AURA_PICTURE_SIDE_MIN && w <= AURA_PICTURE_SIDE_MAX && w % 2 == 0 &&
                h >= AURA_PICTURE_SIDE_MIN && h <= AURA_PICTURE_SIDE_MAX && h % 2 == 0;
    if (!fits) {
        return AURA_ELIMIT;
    }
    if (in->len != w * h * 3 / 2) {
        return AURA_EMALFORMED;
    }
    *p = (struct aura_picture){.width = in->width, .height = in->height};
    p->plane[0] = in->data;
    p->plane[1] = in->data + w * h;
    p->plane[2] = in->data + w * h * 5 / 4;
    p->stride[0] = w;
    p->stride[1] = p->stride[2] = w / 2;
    return 0;
}

static int decode(struct aura_track *t, const struct aura_frame_in *in, struct aura_picture *p) {
    if (in->codec == AURA_CODEC_KIND_NONE) {
        return raw_picture(in, p);
    }
    if (!t->decoder || t->kind != in->codec) {
        t->decoder = aura_decoder_free(t->decoder);
        int err = aura_decoder_new(&t->decoder, in->codec);
        if (err) {
            return err;
        }
        t->kind = in->codec;
    }
    return aura_decoder_decode(t->decoder, in->data, in->len, p);
}

/* A second's sums are enough for rate and ratio. */
static void count(struct aura_track *t, size_t in, size_t out, uint64_t now_us) {
    uint64_t us = now_us - t->now.began_us;
    if (!t->now.began_us) {
        t->now.began_us = now_us;
    } else if (us >= AURA_US_PER_S) {
        t->native_kbps = (uint32_t)(t->now.in * 8 * 1000 / us);
        t->fps = (uint32_t)((t->now.frames * AURA_US_PER_S + us / 2) / us);
        t->fps = t->fps ? t->fps : 1;
        t->ratio = t->now.in > t->now.out ? 1 - (float)t->now.out / (float)t->now.in : 0;
        t->now = (struct second){.began_us = now_us};
    }
    t->now.in += in;
    t->now.out += out;
    t->now.frames++;
}

static uint32_t choose_kbps(const struct aura_track *t, const struct aura_frame_in *in,
                            const struct aura_picture *p) {
    bool raw = in->codec == AURA_CODEC_KIND_NONE;
    uint64_t kbps = (uint64_t)t->native_kbps * SHARE_PERCENT / 100;
    if (raw || !kbps) {
        uint32_t fps = in->fps ? in->fps : t->fps;
        kbps = (uint64_t)p->width * p->height * fps * MICROBITS_PER_PIXEL / 1000000 / 1000;
    }
    kbps = in->max_kbps && kbps > in->max_kbps ? in->max_kbps : kbps;
    return kbps < KBPS_LEAST ? KBPS_LEAST : (uint32_t)kbps;
}

static void judge_content(struct aura_track *t, const struct aura_statistics *s) {
    bool drawn = s->flat > screen_flat;
    t->other_content = drawn != t->screen ? t->other_content + 1 : 0;
    if (t->other_content >= SCREEN_AFTER) {
        t->screen = drawn;
        t->other_content = 0;
    }
}

static int ensure_encoder(struct aura_track *t, const struct aura_picture *p, uint32_t kbps,
                          uint32_t fps) {
    struct aura_encoder_conf want = {
        .width = p->width, .height = p->height, .fps = fps, .kbps = kbps, .screen = t->screen};
    if (t->encoder && t->conf.width == want.width && t->conf.height == want.height &&
        t->conf.screen == want.screen) {
        return aura_encoder_set(t->encoder, kbps, fps);
    }
    t->encoder = aura_encoder_free(t->encoder);
    t->conf = want;
    return aura_encoder_new(&t->encoder, &want);
}

static uint32_t lap(const struct aura_track *t, uint64_t *since_us) {
    uint64_t now_us = aura_now_us(t->clock), us = now_us - *since_us;
    *since_us = now_us;
    return (uint32_t)us;
}

static int look(struct aura_track *t, const struct aura_frame_in *in, struct aura_frame_out *out,
                struct aura_picture *p, uint64_t *since_us) {
    *out = (struct aura_frame_out){.ratio = t->ratio};
    int err = decode(t, in, p);
    out->step_us[AURA_STEP_DECODE] = lap(t, since_us);
    if (err) {
        return err;
    }
    err = aura_statistics_of(t->statistics, p, &out->statistics);
    if (err) {
        return err;
    }
    judge_content(t, &out->statistics);
    out->screen = t->screen;
    out->width = p->width;
    out->height = p->height;
    out->step_us[AURA_STEP_ANALYSE] = lap(t, since_us);
    out->kbps = choose_kbps(t, in, p);
    return 0;
}

int aura_track_look(struct aura_track *t, const struct aura_frame_in *in,
                    struct aura_frame_out *out) {
    struct aura_picture p;
    uint64_t since_us = aura_now_us(t->clock);
    int err = look(t, in, out, &p, &since_us);
    if (err == AURA_EAGAIN) {
        return 0;
    }
    count(t, in->len, 0, since_us);
    return err;
}

int aura_track_frame(struct aura_track *t, const struct aura_frame_in *in,
                     struct aura_frame_out *out) {
    struct aura_picture p;
    uint64_t since_us = aura_now_us(t->clock), began_us = since_us;
    int err = look(t, in, out, &p, &since_us);
    if (err) {
        return err == AURA_EAGAIN ? 0 : err;
    }
    uint64_t pts_us = began_us > t->last_us ? began_us : t->last_us + 1;
    t->last_us = pts_us;
    err = ensure_encoder(t, &p, out->kbps, in->fps ? in->fps : t->fps);
    err = err ? err : aura_encoder_encode(t->encoder, &p, pts_us, in->key_frame, &out->coded);
    out->step_us[AURA_STEP_ENCODE] = lap(t, &since_us);
    if (err && err != AURA_EAGAIN) {
        return err;
    }
    count(t, in->len, out->coded.len, since_us);
    return 0;
}
