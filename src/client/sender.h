/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sender.h  Pictures of one video track to coded frames: through AI Core as AV1 while it is
 * on time, by the client's own VP8 otherwise. The mode machine (aic/machine.h) decides.
 *
 * Threading: aura_sender_picture() on one thread at a time, everything else on any. `frame` is
 * called on that thread or on AI Core's connection's, one at a time, in the order of the stream.
 */
#ifndef AURA_CLIENT_SENDER_H
#define AURA_CLIENT_SENDER_H

#include "aic/core.h"
#include "base/clock.h"
#include "client/live.h"
#include "codec/picture.h"

struct aura_sender;

enum {
    AURA_SENDER_MARKED = 5, /* frames after a change that carry hints on every packet */
    AURA_SENDER_CLOCK_RATE = 90000,
};

struct aura_sender_conf {
    const struct aura_clock *clock;
    struct aura_aic_core *core; /* outlives it; NULL = native only */
    uint32_t fps;
    uint32_t native_kbps; /* 0 = what LiveKit's clients use for the size */
    float target_quality; /* predicted VMAF to hold; 0 = as AI Core thinks best */
    const char *name;     /* in log lines; outlives it */
    void (*frame)(void *arg, const struct aura_live_frame *frame); /* borrowed */
    void *arg;
};

struct aura_sender_stats {
    enum aura_aic_state state;
    enum aura_aic_reason reason; /* of the last fallback */
    uint64_t pictures, native_frames, aic_frames, left_out, late, fallbacks;
    uint64_t native_bytes, aic_bytes;                        /* of coded frames */
    uint32_t native_kbps;                                    /* what the size costs without AIC */
    uint32_t aic_kbps;                                       /* of the last second with AIC */
    uint32_t latency_us_p50, latency_us_p95, latency_us_p99; /* AI Core's, all frames so far */
    float saved, vmaf;             /* vmaf: predicted; negative = unknown */
    char hints[AURA_AIC_TEXT_MAX]; /* of the last frame from AI Core, "" = none */
};

/** Bit rate that LiveKit's JavaScript client takes for a picture of this size (its presets). */
uint32_t aura_sender_default_kbps(uint32_t width, uint32_t height);

AURA_NODISCARD int aura_sender_new(struct aura_sender **out, const struct aura_sender_conf *conf);
/** No call comes any more when it returns; memory is held until AI Core's stream has ended. */
struct aura_sender *aura_sender_free(struct aura_sender *s);
/**
 * @param ts  on a clock of 90 kHz, later than the one before
 * @return 0, AURA_ELIMIT (sides), AURA_ENOMEM
 */
int aura_sender_picture(struct aura_sender *s, const struct aura_picture *p, uint32_t ts);
/** The next frame is to be a key frame. */
void aura_sender_want_key(struct aura_sender *s);
/** The server knows nothing of AIC: all frames are to be AV1. Before the first picture. */
void aura_sender_one_codec(struct aura_sender *s);
/** What the connection bears; 0 = not known. */
void aura_sender_target(struct aura_sender *s, uint32_t bps);
void aura_sender_stats(struct aura_sender *s, struct aura_sender_stats *out);

#endif
