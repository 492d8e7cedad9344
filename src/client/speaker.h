/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file speaker.h  Samples of one audio track to Opus packets: through AI Core while it is on time
 * and does not say that they are better left alone, by the client's own encoder otherwise. The mode
 * machine (aic/machine.h) decides.
 *
 * Its own packets are made in any case, and wait until AI Core has dealt with their time: when it
 * does not, they go out, and nothing is missing.
 *
 * Threading: aura_speaker_samples() on one thread at a time, everything else on any. `packet` is
 * called on that thread or on AI Core's connection's, one at a time, in the order of the stream.
 */
#ifndef AURA_CLIENT_SPEAKER_H
#define AURA_CLIENT_SPEAKER_H

#include "aic/core.h"
#include "base/clock.h"
#include "client/live.h"

struct aura_speaker;

enum {
    AURA_SPEAKER_RATE = 48000,
    AURA_SPEAKER_WAITING_MAX = 64, /* own packets that wait for AI Core; then the oldest goes out */
    AURA_SPEAKER_DEFAULT_KBPS = 48,
};

struct aura_speaker_conf {
    const struct aura_clock *clock;
    struct aura_aic_core *core; /* outlives it; NULL = its own encoder only */
    uint32_t channels;          /* 1 or 2 */
    uint32_t native_kbps;       /* 0 = AURA_SPEAKER_DEFAULT_KBPS */
    const char *name;           /* in log lines; outlives it */
    void (*packet)(void *arg, const struct aura_live_frame *packet); /* borrowed */
    void *arg;
};

struct aura_speaker_stats {
    enum aura_aic_state state;
    bool keeps;                 /* AI Core leaves it alone: music */
    uint64_t native, aic;       /* packets that left */
    uint64_t cut_ms, fallbacks; /* cut: silence that was not sent */
};

/** @return 0, AURA_ENOMEM, AURA_EINVAL (channels) */
AURA_NODISCARD int aura_speaker_new(struct aura_speaker **out,
                                    const struct aura_speaker_conf *conf);
/** No call comes any more when it returns; memory is held until AI Core's stream has ended. */
struct aura_speaker *aura_speaker_free(struct aura_speaker *s);
/**
 * @param samples  channels interleaved @param count  of one channel, any number
 * @param ts       of the first, on a clock of 48 kHz; elsewhere than the last ones' end: a gap
 */
void aura_speaker_samples(struct aura_speaker *s, const int16_t *samples, size_t count,
                          uint32_t ts);
/** What the server does not get of our packets, by its last report; once for each packet. */
void aura_speaker_loss(struct aura_speaker *s, uint32_t percent);
void aura_speaker_stats(struct aura_speaker *s, struct aura_speaker_stats *out);

#endif
