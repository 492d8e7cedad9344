/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/track.h"

#include "aicore/predictor.h"
#include "base/mem.h"

enum {
    MASK_EVERY_US = 500000, /* where nothing is encoded */
    FPS_ASSUMED = 30,
    MEASURE_EVERY = 4, /* frames */
    SCREEN_AFTER = 15, /* frames in a row that look so, before the tools are changed */
    RTP_CLOCK_RATE = 90000,
    BLANK_MAX = 8, /* frames in a row that show nothing: they are not what they are said to be */
    STEP_US_MAX = 10 * 1000000, /* beyond that a time stamp is taken as a new beginning */
};

static const float screen_flat = 0.25F; /* more flat blocks than that: drawn */

struct second {
    uint64_t began_us;
    size_t in, out;
};

struct aura_track {
    const struct aura_clock *clock;
    struct aura_decoder *decoder;
    enum aura_codec_kind kind;
    unsigned blank; /* frames in a row without a picture */
    struct aura_statistics_state *statistics;
    struct aura_encoder *encoder;
    struct aura_encoder_conf conf; /* of the encoder */
    bool screen;
    unsigned other_content; /* frames in a row that look like the other kind */
    uint64_t pts_us;
    uint32_t rtp_timestamp;
    struct second now;
    float ratio;
    struct aura_governor governor;
    struct aura_likeness_state *likeness;
    unsigned since_measured;
    struct aura_predictor_model *predictor; /* NULL: no model */
    struct aura_masks *masks;
    uint64_t masked_us; /* when they were asked last; 0 = never */
    struct aura_faces faces;
    float person_share;
};

int aura_track_new(struct aura_track **tp, const struct aura_clock *clock,
                   const struct aura_models *models) {
    struct aura_track *t = aura_zalloc(sizeof(*t));
    if (!t) {
        return AURA_ENOMEM;
    }
    t->clock = clock;
    int err = aura_statistics_new(&t->statistics);
    err = err ? err : aura_likeness_new(&t->likeness);
    err = err ? err : aura_predictor_new(&t->predictor, models);
    err = err == AURA_ENOENT ? 0 : err;
    err = err ? err : aura_masks_new(&t->masks, models);
    aura_governor_init(&t->governor, t->predictor ? aura_predictor_of(t->predictor) : NULL);
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
        aura_likeness_free(t->likeness);
        aura_predictor_free(t->predictor);
        aura_masks_free(t->masks);
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
        t->blank = 0;
    }
    int err = aura_decoder_decode(t->decoder, in->data, in->len, p);
    t->blank = err == AURA_EAGAIN ? t->blank + 1 : 0;
    return t->blank > BLANK_MAX ? AURA_EMALFORMED : err;
}

/* A second's sums are enough for the ratio. */
static void count(struct aura_track *t, size_t in, size_t out) {
    uint64_t us = t->pts_us - t->now.began_us;
    if (us >= AURA_US_PER_S) {
        t->ratio = t->now.in > t->now.out ? 1 - (float)t->now.out / (float)t->now.in : 0;
        t->now = (struct second){.began_us = t->pts_us};
    }
    t->now.in += in;
    t->now.out += out;
}

/* Frames are as far apart as their time stamps say: how they travelled does not matter. */
static void advance(struct aura_track *t, const struct aura_frame_in *in) {
    uint64_t now_us = aura_now_us(t->clock);
    uint64_t step_us =
        (uint64_t)(in->rtp_timestamp - t->rtp_timestamp) * AURA_US_PER_S / RTP_CLOCK_RATE;
    bool stamped = t->pts_us && step_us && step_us < STEP_US_MAX;
    uint64_t pts_us = stamped ? t->pts_us + step_us : now_us;
    t->pts_us = pts_us > t->pts_us ? pts_us : t->pts_us + 1;
    t->rtp_timestamp = in->rtp_timestamp;
}

static uint32_t choose_kbps(const struct aura_track *t, const struct aura_frame_in *in,
                            const struct aura_picture *p) {
    uint32_t kbps = aura_governor_kbps(&t->governor, p->width, p->height);
    kbps = in->max_kbps && kbps > in->max_kbps ? in->max_kbps : kbps;
    return in->exact_kbps ? in->exact_kbps : kbps;
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

/* @param mask_every_us  faces and people move slowly enough for that; 0 = in each picture */
static int look(struct aura_track *t, const struct aura_frame_in *in, struct aura_frame_out *out,
                struct aura_picture *p, uint64_t mask_every_us, uint64_t *since_us) {
    *out = (struct aura_frame_out){.ratio = t->ratio, .quality = -1};
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
    bool mask = !t->masked_us || t->pts_us >= t->masked_us + mask_every_us;
    t->masked_us = mask ? t->pts_us : t->masked_us;
    (void)(mask && aura_masks_faces(t->masks, p, &t->faces));
    out->step_us[AURA_STEP_FACES] = lap(t, since_us);
    (void)(mask && aura_masks_person(t->masks, p, &t->person_share));
    out->step_us[AURA_STEP_PERSON] = lap(t, since_us);
    out->faces = t->faces;
    out->person_share = t->person_share;
    out->kbps = choose_kbps(t, in, p);
    return 0;
}

/* Some frames of a second are enough to know how well it goes. */
static int measure(struct aura_track *t, const struct aura_picture *p, struct aura_frame_out *out) {
    struct aura_picture seen;
    if (!out->coded.len || t->since_measured++ % MEASURE_EVERY ||
        !aura_encoder_seen(t->encoder, &seen)) {
        return 0;
    }
    int err = aura_likeness_of(t->likeness, p, &seen, &out->likeness);
    out->measured = err == 0;
    return err;
}

/* @param coded_bytes  that came in; 0: what is asked for is a rate for the picture's own source */
static void learn(struct aura_track *t, const struct aura_frame_in *in, size_t coded_bytes,
                  struct aura_frame_out *out) {
    const struct aura_governor_frame f = {
        .pts_us = t->pts_us,
        .width = out->width,
        .height = out->height,
        .statistics = out->statistics,
        .bytes_in = coded_bytes,
        .bytes_out = out->coded.len,
        .measured = out->measured,
        .likeness = out->likeness,
        .quantizer = out->coded.quantizer,
    };
    (void)aura_governor_frame(&t->governor, &f, in->target_quality);
    out->quality = t->governor.quality;
    if (t->governor.predictor) {
        out->model = t->governor.predictor->id;
        out->model_number = t->governor.predictor->number;
    }
    count(t, in->len, out->coded.len);
}

int aura_track_look(struct aura_track *t, const struct aura_frame_in *in,
                    struct aura_frame_out *out) {
    struct aura_picture p;
    uint64_t since_us = aura_now_us(t->clock);
    advance(t, in);
    int err = look(t, in, out, &p, MASK_EVERY_US, &since_us);
    if (!err) {
        /* A share of the rate that arrives would make a publisher that follows it slower and
         * slower. */
        learn(t, in, 0, out);
    }
    return err == AURA_EAGAIN ? 0 : err;
}

int aura_track_frame(struct aura_track *t, const struct aura_frame_in *in,
                     struct aura_frame_out *out) {
    struct aura_picture p;
    uint64_t since_us = aura_now_us(t->clock);
    advance(t, in);
    int err = look(t, in, out, &p, 0, &since_us);
    if (err) {
        return err == AURA_EAGAIN ? 0 : err;
    }
    err = ensure_encoder(t, &p, out->kbps, in->fps ? in->fps : FPS_ASSUMED);
    err = err ? err : aura_encoder_encode(t->encoder, &p, t->pts_us, in->key_frame, &out->coded);
    out->step_us[AURA_STEP_ENCODE] = lap(t, &since_us);
    if (err && err != AURA_EAGAIN) {
        return err;
    }
    int left = measure(t, &p, out);
    learn(t, in, in->codec == AURA_CODEC_KIND_NONE ? 0 : in->len, out);
    return left;
}
