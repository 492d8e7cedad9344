/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/track.h"

#include "aicore/predictor.h"
#include "aicore/quantizer.h"
#include "aicore/steady.h"
#include "base/mem.h"

enum {
    MASK_EVERY_US = 500000, /* where nothing is encoded, or when there is no time */
    MASKS_SLOW_US = 8000,   /* twice what faces and people take on a machine that is not busy */
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

/* What the frame that was answered last leaves to do. */
enum rest { REST_NONE, REST_LOOK, REST_FACES, REST_PERSON, REST_LEARN };

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
    struct aura_quantizer quantizer;
    struct aura_predictor_model *screen_predictor; /* its own; NULL: none */
    struct aura_steady *steady;
    unsigned without; /* set of enum aura_stage */
    struct aura_masks *masks;
    uint64_t masked_us;      /* when they were asked last, where nothing is encoded; 0 = never */
    uint64_t masks_again_us; /* by the frames' time: not before, they were too slow */
    /* Of the frame that is, or was, at work: */
    struct aura_picture picture; /* as long as `rest` is not NONE */
    struct aura_picture shown;   /* what is encoded for it; as long */
    size_t bytes_in, coded_bytes;
    float target_quality;
    enum rest rest;
    bool begun;                 /* a frame was encoded */
    struct aura_frame_out seen; /* by the looks so far */
};

int aura_track_new(struct aura_track **tp, const struct aura_clock *clock,
                   const struct aura_models *models, unsigned without) {
    struct aura_track *t = aura_zalloc(sizeof(*t));
    if (!t) {
        return AURA_ENOMEM;
    }
    t->clock = clock;
    t->without = without;
    t->seen.quality = -1;
    int err = aura_statistics_new(&t->statistics);
    err = err ? err : aura_likeness_new(&t->likeness);
    err = err ? err : aura_steady_new(&t->steady);
    err = err ? err : aura_predictor_new(&t->predictor, models, "governor");
    err = err == AURA_ENOENT ? 0 : err;
    if (!err && t->predictor && !(without & AURA_STAGE_QUANTIZER)) {
        err = aura_predictor_new(&t->screen_predictor, models, "quantizer");
        err = err == AURA_ENOENT ? 0 : err;
    }
    err = err ? err : aura_masks_new(&t->masks, models);
    aura_governor_init(&t->governor, t->predictor ? aura_predictor_of(t->predictor) : NULL);
    aura_quantizer_init(&t->quantizer,
                        t->screen_predictor ? aura_predictor_of(t->screen_predictor) : NULL);
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
        aura_predictor_free(t->screen_predictor);
        aura_steady_free(t->steady);
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

/* @return 0: at a rate */
static unsigned choose_quantizer(const struct aura_track *t, const struct aura_frame_in *in) {
    const struct aura_picture *p = &t->picture;
    unsigned now = t->screen && !in->exact_kbps
                       ? aura_quantizer_now(&t->quantizer, p->width, p->height, in->max_kbps)
                       : 0;
    return in->exact_quantizer ? in->exact_quantizer : now;
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
    bool screen = t->screen && !(t->without & AURA_STAGE_SCREEN);
    struct aura_encoder_conf want = {
        .width = p->width, .height = p->height, .fps = fps, .kbps = kbps, .screen = screen};
    if (t->encoder && t->conf.width == want.width && t->conf.height == want.height &&
        t->conf.screen == want.screen) {
        return aura_encoder_set(t->encoder, kbps, fps);
    }
    t->encoder = aura_encoder_free(t->encoder);
    t->conf = want;
    return aura_encoder_new(&t->encoder, &want);
}

/* Raw pictures have no codec's noise, and what a camera sees is never the same. */
static int condition(struct aura_track *t) {
    t->shown = t->picture;
    if (t->screen && t->coded_bytes && !(t->without & AURA_STAGE_STEADY)) {
        return aura_steady_picture(t->steady, &t->picture, &t->shown);
    }
    aura_steady_forget(t->steady);
    return 0;
}

static int encode(struct aura_track *t, const struct aura_frame_in *in,
                  struct aura_frame_out *out) {
    int err = ensure_encoder(t, &t->shown, out->kbps, in->fps ? in->fps : FPS_ASSUMED);
    err = err ? err : aura_encoder_hold(t->encoder, choose_quantizer(t, in));
    if (err) {
        return err;
    }
    aura_encoder_hurry(t->encoder, in->hurry);
    return aura_encoder_encode(t->encoder, &t->shown, t->pts_us, in->key_frame, &out->coded);
}

static uint32_t lap(const struct aura_track *t, uint64_t *since_us) {
    uint64_t now_us = aura_now_us(t->clock), us = now_us - *since_us;
    *since_us = now_us;
    return (uint32_t)us;
}

static int look(struct aura_track *t) {
    uint64_t since_us = aura_now_us(t->clock);
    int err = aura_statistics_of(t->statistics, &t->picture, &t->seen.statistics);
    if (!err) {
        judge_content(t, &t->seen.statistics);
    }
    t->seen.step_us[AURA_STEP_ANALYSE] = lap(t, &since_us);
    return err;
}

static void look_for_faces(struct aura_track *t) {
    uint64_t since_us = aura_now_us(t->clock);
    (void)aura_masks_faces(t->masks, &t->picture, &t->seen.faces);
    t->seen.step_us[AURA_STEP_FACES] = lap(t, &since_us);
}

static void look_for_people(struct aura_track *t) {
    uint64_t since_us = aura_now_us(t->clock);
    (void)aura_masks_person(t->masks, &t->picture, &t->seen.person_share);
    t->seen.step_us[AURA_STEP_PERSON] = lap(t, &since_us);
}

/* Some frames of a second are enough to know how well it goes. */
static void measure(struct aura_track *t) {
    struct aura_picture seen;
    if (t->seen.coded.len && t->since_measured++ % MEASURE_EVERY == 0 &&
        aura_encoder_seen(t->encoder, &seen)) {
        t->seen.measured = aura_likeness_of(t->likeness, &t->shown, &seen, &t->seen.likeness) == 0;
    }
}

/* coded_bytes that came in are 0 where what is asked for is a rate for the picture's own source. */
static void learn(struct aura_track *t) {
    const struct aura_governor_frame f = {
        .pts_us = t->pts_us,
        .width = t->picture.width,
        .height = t->picture.height,
        .statistics = t->seen.statistics,
        .bytes_in = t->coded_bytes,
        .bytes_out = t->seen.coded.len,
        .measured = t->seen.measured,
        .likeness = t->seen.likeness,
        .quantizer = t->seen.coded.quantizer,
    };
    (void)aura_governor_frame(&t->governor, &f, t->target_quality);
    if (t->screen) {
        (void)aura_quantizer_frame(&t->quantizer, &f, t->target_quality);
    }
    count(t, t->bytes_in, t->seen.coded.len);
}

/* @param out  gets what is known without this frame's look */
static int begin(struct aura_track *t, const struct aura_frame_in *in, struct aura_frame_out *out) {
    uint64_t since_us = aura_now_us(t->clock);
    advance(t, in);
    int err = decode(t, in, &t->picture);
    *out = t->seen;
    out->coded = (struct aura_coded){.len = 0};
    out->step_us[AURA_STEP_DECODE] = lap(t, &since_us);
    out->step_us[AURA_STEP_CONDITION] = out->step_us[AURA_STEP_ENCODE] = 0;
    t->bytes_in = in->len;
    t->coded_bytes = in->codec == AURA_CODEC_KIND_NONE ? 0 : in->len;
    t->target_quality = in->target_quality;
    t->seen.measured = false;
    t->seen.likeness = (struct aura_likeness){.fine = 0};
    for (size_t i = 0; i < AURA_STEPS; i++) { /* those that are left out take no time */
        t->seen.step_us[i] = 0;
    }
    return err;
}

/* @param encodes  a publisher that is only advised is told a rate */
static void describe(const struct aura_track *t, const struct aura_frame_in *in, bool encodes,
                     struct aura_frame_out *out) {
    out->width = t->picture.width;
    out->height = t->picture.height;
    out->screen = t->screen;
    out->ratio = t->ratio;
    out->quality = t->governor.quality;
    out->kbps = choose_kbps(t, in, &t->picture);
    const struct aura_predictor *by = t->governor.predictor;
    if (encodes && choose_quantizer(t, in) && t->quantizer.predictor) {
        by = t->quantizer.predictor;
        out->quality = t->quantizer.quality;
    }
    if (by) {
        out->model = by->id;
        out->model_number = by->number;
    }
}

static void copy_seen(const struct aura_track *t, struct aura_frame_out *out) {
    out->statistics = t->seen.statistics;
    out->faces = t->seen.faces;
    out->person_share = t->seen.person_share;
    out->step_us[AURA_STEP_ANALYSE] = t->seen.step_us[AURA_STEP_ANALYSE];
    out->step_us[AURA_STEP_FACES] = t->seen.step_us[AURA_STEP_FACES];
    out->step_us[AURA_STEP_PERSON] = t->seen.step_us[AURA_STEP_PERSON];
}

int aura_track_look(struct aura_track *t, const struct aura_frame_in *in,
                    struct aura_frame_out *out) {
    int err = begin(t, in, out);
    err = err ? err : look(t);
    if (err) {
        return err == AURA_EAGAIN ? 0 : err;
    }
    /* Where nothing is encoded faces and people are looked for now and then: they are slow. */
    if (!t->masked_us || t->pts_us >= t->masked_us + MASK_EVERY_US) {
        t->masked_us = t->pts_us;
        look_for_faces(t);
        look_for_people(t);
    }
    /* A share of the rate that arrives would make a publisher that follows it slower and slower. */
    t->coded_bytes = 0;
    t->seen.coded = (struct aura_coded){.len = 0};
    copy_seen(t, out);
    describe(t, in, false, out);
    learn(t);
    out->quality = t->governor.quality;
    return 0;
}

int aura_track_frame(struct aura_track *t, const struct aura_frame_in *in,
                     struct aura_frame_out *out) {
    AURA_REQUIRE(t->rest == REST_NONE, AURA_EINVAL);
    int err = begin(t, in, out);
    if (!err && !t->begun) { /* nothing is known of it yet */
        err = look(t);
        look_for_faces(t);
        look_for_people(t);
        copy_seen(t, out);
    }
    if (err) {
        return err == AURA_EAGAIN ? 0 : err;
    }
    describe(t, in, true, out);
    uint64_t since_us = aura_now_us(t->clock);
    err = condition(t);
    out->step_us[AURA_STEP_CONDITION] = lap(t, &since_us);
    err = err ? err : encode(t, in, out);
    out->step_us[AURA_STEP_ENCODE] = lap(t, &since_us);
    if (err && err != AURA_EAGAIN) {
        return err;
    }
    t->seen.coded = out->coded;
    t->rest = t->begun ? REST_LOOK : REST_LEARN;
    t->begun = true;
    return 0;
}

/* Frames wait for what is begun. On a busy machine they have the time that hints can do without. */
static void spare_masks(struct aura_track *t) {
    if (t->seen.step_us[AURA_STEP_FACES] + t->seen.step_us[AURA_STEP_PERSON] > MASKS_SLOW_US) {
        t->masks_again_us = t->pts_us + MASK_EVERY_US;
    }
}

bool aura_track_rest(struct aura_track *t, bool hurry) {
    uint64_t since_us = aura_now_us(t->clock);
    switch (t->rest) {
    case REST_NONE:
        return false;
    case REST_LOOK:
        if (look(t)) { /* no memory: this frame does not count */
            t->rest = REST_NONE;
            return false;
        }
        t->rest = hurry || t->pts_us < t->masks_again_us ? REST_LEARN : REST_FACES;
        return true;
    case REST_FACES:
        look_for_faces(t);
        t->rest = REST_PERSON;
        return true;
    case REST_PERSON:
        look_for_people(t);
        spare_masks(t);
        t->rest = REST_LEARN;
        return true;
    case REST_LEARN:
        measure(t); /* in a hurry too: rates depend on it */
        learn(t);
        t->seen.step_us[AURA_STEP_LEARN] = lap(t, &since_us);
        t->rest = REST_NONE;
        return false;
    }
    return false;
}
