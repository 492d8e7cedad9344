/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file track.h  One track's way through AI Core: decode, choose, encode; then, when the answer is
 * out, look at the picture and learn for the next one.
 *
 * Threading: one thread at a time each. Time comes in with the frames.
 */
#ifndef AURA_AICORE_TRACK_H
#define AURA_AICORE_TRACK_H

#include "aicore/governor.h"
#include "aicore/masks.h"
#include "aicore/stages.h"
#include "aicore/statistics.h"
#include "aicore/steps.h"
#include "base/clock.h"
#include "codec/decoder.h"
#include "codec/encoder.h"

struct aura_frame_in {
    const uint8_t *data;
    size_t len;
    enum aura_codec_kind codec; /* NONE: a raw picture of width × height, I420 without padding */
    uint32_t width, height;
    uint32_t rtp_timestamp;   /* 90 kHz; if it never changes, frames are taken as of now */
    uint32_t max_kbps;        /* 0 = as the track chooses */
    uint32_t exact_kbps;      /* 0 = as the track chooses */
    unsigned exact_quantizer; /* as encoder.h counts them; 0 = as the track chooses */
    uint32_t fps;             /* 0 = as they come */
    float target_quality;     /* VMAF against what came in; 0 = the default */
    bool key_frame;           /* the answer is to be one */
    unsigned hurry;           /* the encoder is to be so many steps faster (pace.h) */
};

/**
 * What was seen (statistics to person_share, quality, and the times of these steps) is of the frame
 * before: the answer does not wait for it. A track's first answer is of its own frame.
 */
struct aura_frame_out {
    struct aura_coded coded; /* len 0: nothing to send for this frame */
    uint32_t width, height;
    bool screen;
    struct aura_statistics statistics;
    struct aura_faces faces;
    bool measured; /* that frame's likeness was: not each one is */
    struct aura_likeness likeness;
    float person_share;    /* of the picture; 0 without a model for that */
    uint32_t kbps;         /* what it aims at */
    float quality;         /* predicted VMAF against what came in; negative = unknown */
    const char *model;     /* that chose the rate; NULL = none */
    uint16_t model_number; /* 0 = none */
    float ratio;           /* saved share of the last second's bytes; 0 if there is no saving */
    uint32_t step_us[AURA_STEPS];
};

struct aura_track;

/**
 * @param models  that it uses, borrowed; NULL = none: then the rate is a fixed share of what comes
 * in
 * @param without  set of enum aura_stage that is left out
 * @return 0, AURA_ENOMEM, AURA_EMALFORMED (a model has not the shapes that its purpose needs)
 */
AURA_NODISCARD int aura_track_new(struct aura_track **tp, const struct aura_clock *clock,
                                  const struct aura_models *models, unsigned without);
struct aura_track *aura_track_free(struct aura_track *t);
/**
 * @param in   its data is borrowed until aura_track_rest() says that nothing is left
 * @param out  its data is borrowed until the next call of this
 * @return 0, AURA_EMALFORMED, AURA_ELIMIT (sides), AURA_EUNSUPPORTED (codec, pixel format),
 * AURA_ENOMEM. After an error the next frame may go well.
 */
AURA_NODISCARD int aura_track_frame(struct aura_track *t, const struct aura_frame_in *in,
                                    struct aura_frame_out *out);
/**
 * One piece (a millisecond or two) of what a frame leaves to do: its picture is looked at for the
 * next one. All of it is to be done before the next aura_track_frame().
 * @param hurry  time is short: faces and people are left out this time
 * @return true: call again
 */
bool aura_track_rest(struct aura_track *t, bool hurry);
/** Looks only, encodes nothing; what it says is of this frame. @return as above */
AURA_NODISCARD int aura_track_look(struct aura_track *t, const struct aura_frame_in *in,
                                   struct aura_frame_out *out);

#endif
