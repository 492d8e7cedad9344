/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sound.h  Opus packets in order, each once, out of packets as they arrive: late ones are
 * waited for a little, redundant ones (RED, RFC 2198) fill what was lost.
 *
 * Pure. Threading: one at a time.
 */
#ifndef AURA_RECORD_SOUND_H
#define AURA_RECORD_SOUND_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_SOUND_PACKETS_MAX = 32,  /* that wait */
    AURA_SOUND_PACKET_MAX = 1500, /* bytes; longer ones are dropped */
    AURA_SOUND_WAIT_MS = 300,     /* for one that is missing */
};

struct aura_sound_order;

/** @param time_us  media time. @param data  an Opus packet, borrowed */
typedef void(aura_sound_fn)(void *arg, int64_t time_us, int64_t duration_us, const uint8_t *data,
                            size_t len);

AURA_NODISCARD int aura_sound_new(struct aura_sound_order **out, aura_sound_fn *fn, void *arg);
struct aura_sound_order *aura_sound_free(struct aura_sound_order *s);
/** A payload of media time @p time_us. @param red  it is RED over Opus, with a clock of 48 kHz */
void aura_sound_add(struct aura_sound_order *s, int64_t time_us, const uint8_t *payload, size_t len,
                    bool red);
/** Everything that still waits goes out. */
void aura_sound_flush(struct aura_sound_order *s);

#endif
