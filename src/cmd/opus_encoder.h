/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file opus_encoder.h  Decoded sound of any form to Opus packets of 20 ms, 48 kHz. Threading: one
 * thread.
 */
#ifndef AURA_CMD_OPUS_ENCODER_H
#define AURA_CMD_OPUS_ENCODER_H

#include "base/err.h"

#include <libavutil/frame.h>

#include <stddef.h>
#include <stdint.h>

struct opus_encoder;

enum { OPUS_PACKETS_MAX = 512 }; /* that wait; older ones are dropped */

struct opus_packet {
    const uint8_t *data;
    size_t len;
    uint64_t time_us;
};

/** @return 0 or AURA_ENOMEM */
AURA_NODISCARD int opus_encoder_new(struct opus_encoder **out);
struct opus_encoder *opus_encoder_free(struct opus_encoder *e);
/** @param time_us  of its first sample; gaps stay gaps */
AURA_NODISCARD int opus_encoder_add(struct opus_encoder *e, const AVFrame *sound, uint64_t time_us);
/** The oldest packet; borrowed until the second opus_encoder_pop() from now. */
bool opus_encoder_peek(const struct opus_encoder *e, struct opus_packet *out);
void opus_encoder_pop(struct opus_encoder *e);

#endif
