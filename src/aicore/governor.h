/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file governor.h  The rate that a track needs: the lowest at which predicted quality holds.
 *
 * Once a second a small learned model is asked what quality each of a ladder of rates would give
 * for what was in the pictures lately; what the encoder's own distortion says about the rate that
 * was really used corrects it (a closed loop on a learned plant). Without a model it is a fixed
 * share of what came in. Flat state on the caller's clock.
 */
#ifndef AURA_AICORE_GOVERNOR_H
#define AURA_AICORE_GOVERNOR_H

#include "aicore/likeness.h"
#include "aicore/statistics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One row of the model's input; tools/governor trains on the same order. */
enum aura_feature {
    AURA_FEATURE_PIXELS,    /* log2 of width × height */
    AURA_FEATURE_FPS,       /* frames per second */
    AURA_FEATURE_MOTION,    /* log2 of 1 + statistics.motion; so the next three */
    AURA_FEATURE_RESIDUAL,  /* … residual */
    AURA_FEATURE_TEXTURE,   /* … texture */
    AURA_FEATURE_NOISE,     /* … noise */
    AURA_FEATURE_FLAT,      /* statistics.flat */
    AURA_FEATURE_RAW,       /* 1: pictures came in raw; 0: coded */
    AURA_FEATURE_NATIVE,    /* log2 of bits per pixel that came in; 0 for raw */
    AURA_FEATURE_BITS,      /* log2 of bits per pixel sent */
    AURA_FEATURE_MEASURED,  /* 1: the next four are measured; 0: they are 0 */
    AURA_FEATURE_FINE,      /* likeness.fine */
    AURA_FEATURE_COARSE,    /* likeness.coarse */
    AURA_FEATURE_EDGES,     /* likeness.edges */
    AURA_FEATURE_QUANTIZER, /* 0…1 */
    AURA_FEATURES,
};

enum {
    AURA_GOVERNOR_ROWS = 32
}; /* of one question to the model: one measured, the others a ladder
    */

/**
 * What predicts quality for each row: 100 less the VMAF that is lost on the way through AI Core.
 * For coded frames that is the loss to who would have seen these, against the source that nobody
 * has here; for raw ones plainly VMAF against them.
 */
struct aura_predictor {
    /**
     * @param rows  AURA_GOVERNOR_ROWS × AURA_FEATURES
     * @param quality  one for each row
     * @return 0; negative: the track goes on without a model
     */
    int (*predict)(void *arg, const float *rows, float *quality);
    void *arg;
    const char *id; /* in the manifest */
    uint16_t number;
};

struct aura_governor_frame {
    uint64_t pts_us;
    uint32_t width, height;
    struct aura_statistics statistics;
    size_t bytes_in;  /* 0: raw */
    size_t bytes_out; /* 0: not encoded */
    bool measured;
    struct aura_likeness likeness; /* if measured */
    uint8_t quantizer;
};

struct aura_governor_window {
    uint64_t began_us;
    unsigned frames, coded, measured;
    uint64_t bytes_in, bytes_out;
    struct aura_statistics sum;
    struct aura_likeness likeness; /* sum */
    unsigned quantizer;
};

struct aura_governor {
    const struct aura_predictor *predictor; /* NULL = none */
    struct aura_governor_window window;
    uint32_t kbps;        /* decided; 0 = nothing known yet */
    uint32_t native_kbps; /* that came in, 0 = raw */
    float quality;        /* predicted for the last second; negative = unknown */
    float fps;
    bool settled; /* a whole second has been measured */
};

/** @param predictor  borrowed; NULL = a fixed share */
void aura_governor_init(struct aura_governor *g, const struct aura_predictor *predictor);
/**
 * Counts a frame; once a second it decides anew.
 * @param target  quality to hold, 0…100; 0 = the default: 95.5 for coded frames, 92 for raw ones
 * @return true: there is a new decision
 */
bool aura_governor_frame(struct aura_governor *g, const struct aura_governor_frame *frame,
                         float target);
/** The rate for the next frame. */
uint32_t aura_governor_kbps(const struct aura_governor *g, uint32_t width, uint32_t height);

#endif
