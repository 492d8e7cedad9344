/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file listen.h  Opus packets as they come, late, twice or not at all, to one unbroken line of
 * samples that is as long as the time it took. Threading: one thread at a time each.
 *
 * A packet waits for those before it until it is clear that they do not come. What is missing then
 * is taken from the next packet's redundancy, or made up; longer silence is noise like the last
 * that was heard, then nothing. Timestamps are believed as far as packets' arrival agrees.
 */
#ifndef AURA_CLIENT_LISTEN_H
#define AURA_CLIENT_LISTEN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_LISTEN_RATE = 48000,
    AURA_LISTEN_PACKETS_MAX = 64,        /* that wait for others before them */
    AURA_LISTEN_PACKET_BYTES_MAX = 1500, /* larger ones are left out */
    AURA_LISTEN_WAIT_MS = 200,           /* for a packet that has been overtaken */
    AURA_LISTEN_INVENT_MS_MAX = 1000,    /* of each gap; the rest is still */
    AURA_LISTEN_JUMP_MS_MAX = 5000,      /* that timestamps may differ from arrival */
};

struct aura_listen;

struct aura_listen_stats {
    uint64_t packets, broken;
    /* Samples of one channel: all, from redundancy, made up, without anybody speaking. */
    uint64_t samples, recovered, guessed, silent;
};

/** @param samples  at 48 kHz, channels interleaved; borrowed @param count  of one channel */
typedef void aura_listen_fn(void *arg, const int16_t *samples, uint32_t count);

/** @param channels  that come out, 1 or 2 @return 0, AURA_ENOMEM, AURA_EINVAL */
AURA_NODISCARD int aura_listen_new(struct aura_listen **out, uint32_t channels, aura_listen_fn *fn,
                                   void *arg);
struct aura_listen *aura_listen_free(struct aura_listen *l);
/** @param ts  48 kHz @param red  the payload is RFC 2198's */
void aura_listen_packet(struct aura_listen *l, uint32_t ts, const uint8_t *payload, size_t len,
                        bool red, uint64_t now_us);
/** The next packet is of another stream, whose timestamps are its own. */
void aura_listen_restart(struct aura_listen *l);
/** All that waits comes out, and silence up to now. */
void aura_listen_end(struct aura_listen *l, uint64_t now_us);
void aura_listen_stats(const struct aura_listen *l, struct aura_listen_stats *out);

#endif
