/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pcm_slicer.h  Decoded sound of any form to slices of 20 ms, 48 kHz, two channels.
 * Threading: one thread.
 */
#ifndef AURA_CMD_PCM_SLICER_H
#define AURA_CMD_PCM_SLICER_H

#include "base/err.h"

#include <libavutil/frame.h>

#include <stddef.h>
#include <stdint.h>

struct pcm_slicer;

enum {
    PCM_SLICES_MAX = 512,    /* that wait; older ones are dropped */
    PCM_SLICE_SAMPLES = 960, /* of each channel */
    PCM_CHANNELS = 2,
};

struct pcm_slice {
    const int16_t *samples; /* interleaved */
    uint64_t time_us;
};

/** @return 0 or AURA_ENOMEM */
AURA_NODISCARD int pcm_slicer_new(struct pcm_slicer **out);
struct pcm_slicer *pcm_slicer_free(struct pcm_slicer *p);
/** @param time_us  of its first sample; gaps stay gaps */
AURA_NODISCARD int pcm_slicer_add(struct pcm_slicer *p, const AVFrame *sound, uint64_t time_us);
/** The oldest slice; borrowed until the second pcm_slicer_pop() from now. */
bool pcm_slicer_peek(const struct pcm_slicer *p, struct pcm_slice *out);
void pcm_slicer_pop(struct pcm_slicer *p);

#endif
