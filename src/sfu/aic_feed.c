/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/aic_feed.h"

enum {
    LOST_US = 250000,    /* a packet missing for so long will not come: go on with a key frame */
    CHOOSE_US = 2000000, /* between two layers that are followed */
};

enum aura_aic_codec aura__aic_codec(enum aura_codec codec) {
    static const uint8_t of[AURA_CODEC_COUNT] = {[AURA_CODEC_VP8] = AURA_AIC_VP8,
                                                 [AURA_CODEC_VP9] = AURA_AIC_VP9,
                                                 [AURA_CODEC_H264] = AURA_AIC_H264,
                                                 [AURA_CODEC_AV1] = AURA_AIC_AV1};
    return (unsigned)codec < AURA_CODEC_COUNT ? (enum aura_aic_codec)of[codec] : 0;
}

int aura__aic_feed_init(struct aura_aic_feed *f, struct aura_published *pub,
                        aura_aic_feed_fn *frame, void *arg) {
    *f = (struct aura_aic_feed){.pub = pub, .frame = frame, .arg = arg};
    return aura_assembler_new(&f->assembler, AURA_AIC_FRAME_BYTES_MAX);
}

void aura__aic_feed_end(struct aura_aic_feed *f) {
    f->assembler = aura_assembler_free(f->assembler);
}

void aura__aic_feed_restart(struct aura_aic_feed *f) {
    f->synced = false;
    aura__source_want_key(&f->pub->source, f->layer);
}

static void give(struct aura_aic_feed *f, uint32_t ts) {
    struct aura_aic_frame_in in = {.codec = aura__aic_codec((enum aura_codec)f->codec),
                                   .rtp_timestamp = ts};
    int err = aura_assembler_end(f->assembler, &in.data, &in.len);
    if (!err) {
        f->frame(f->arg, &in);
    } else if (err != AURA_ETRUNC) {
        aura__aic_feed_restart(f); /* what refers to it cannot be decoded either */
    }
}

static void take_packet(struct aura_aic_feed *f, const struct aura_packet *p) {
    aura_assembler_add(f->assembler, p->data + p->payload_at, p->payload_len);
    f->next = p->eseq + 1;
    f->missing_since_us = 0;
    if (p->marker) {
        give(f, p->ts);
    }
}

static void pump(struct aura_aic_feed *f, uint64_t now_us) {
    const struct aura_source *s = &f->pub->source;
    const struct aura_packet *p;
    while (f->synced && (p = aura__source_kept(s, f->layer, f->next)) != NULL &&
           p->codec == f->codec) {
        take_packet(f, p);
    }
    if (!f->synced || s->layer[f->layer].newest_eseq < f->next) {
        return;
    }
    f->missing_since_us = f->missing_since_us ? f->missing_since_us : now_us;
    if (now_us > f->missing_since_us + LOST_US) {
        aura__aic_feed_restart(f);
    }
}

/* The largest picture that flows. A larger one than so far is taken after a while only: each change
 * costs a key frame. */
static void choose_layer(struct aura_aic_feed *f, uint64_t now_us) {
    unsigned best = aura__source_pick(&f->pub->source, AURA_MEDIA_LAYERS_MAX - 1, now_us);
    if (best == f->layer || (f->chosen_us && now_us < f->chosen_us + CHOOSE_US)) {
        return;
    }
    f->chosen_us = now_us;
    f->layer = best;
    aura__aic_feed_restart(f);
}

bool aura__aic_feed_follows(struct aura_aic_feed *f, unsigned layer, const struct aura_packet *p) {
    choose_layer(f, p->arrival_us);
    return layer == f->layer;
}

void aura__aic_feed_take(struct aura_aic_feed *f, const struct aura_packet *p) {
    bool other = p->codec != f->codec;
    if ((!f->synced || other) && p->key_frame && !p->recovered) {
        f->synced = true;
        f->codec = p->codec;
        f->next = p->eseq;
        f->missing_since_us = 0;
        aura_assembler_begin(f->assembler, (enum aura_codec)p->codec);
    }
    if (f->synced) {
        pump(f, p->arrival_us);
    }
}
