/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file machine.h  Decides for one track when AI Core's frames go out and when the native ones.
 *
 *     off ⇄ warming → active → fallback → warming …
 *
 * While it warms, frames go to AI Core and come back, but the native ones are sent: a cold encoder
 * is visibly worse, and a service that is slow is found out before anybody sees it. Flat state on
 * the caller's clock; all events carry the time. (docs/aic-protocol.md section 5)
 */
#ifndef AURA_AIC_MACHINE_H
#define AURA_AIC_MACHINE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_AIC_WAITING_MAX = 16, /* frames with AI Core at once; more of them and it is too slow */
};

enum aura_aic_state {
    AURA_AIC_OFF,
    AURA_AIC_WARMING,
    AURA_AIC_ACTIVE,
    AURA_AIC_FALLBACK,
    AURA_AIC_STATES,
};

/** Why it is in fallback, or was last. */
enum aura_aic_reason {
    AURA_AIC_FINE,
    AURA_AIC_LATE,     /* frames came back too late */
    AURA_AIC_SILENT,   /* none came back at all */
    AURA_AIC_BROKEN,   /* the stream ended with an error */
    AURA_AIC_REFUSED,  /* AI Core has no room for the stream */
    AURA_AIC_DRAINING, /* AI Core asks to go elsewhere */
    AURA_AIC_QUALITY,  /* below the floor */
    AURA_AIC_REASONS,
};

struct aura_aic_machine_conf {
    uint32_t late_us;        /* an answer after that is late; 20 ms */
    uint32_t late_row;       /* so many late ones in a row: leave; 3 */
    uint32_t late_percent;   /* of one second's frames: leave … ; 5 */
    uint32_t late_least;     /* … if they are at least so many; 3 */
    uint32_t silent_us;      /* no answer for so long: leave; 100 ms */
    uint32_t fresh_us;       /* a stream that nobody sees yet may be late for so long; 1 s */
    uint32_t warm_us;        /* on time for so long, then it takes over; 1.5 s */
    uint32_t backoff_min_us; /* before it tries again; doubles; 2 s */
    uint32_t backoff_max_us; /* 60 s */
    uint32_t steady_us;      /* active for so long: the back-off begins anew; 60 s */
    float min_vmaf;          /* predicted quality's floor; 0 = none */
};

struct aura_aic_machine {
    struct aura_aic_machine_conf conf;
    enum aura_aic_state state;
    enum aura_aic_reason reason;
    bool wanted, stream;
    bool holding; /* in fallback: AI Core's last picture stands until a native key frame comes */
    bool ask_key; /* the publisher is to send a key frame: taken by aura_aic_machine_take_pli() */
    uint64_t since_us;      /* in this state */
    uint64_t fresh_end_us;  /* until then the stream is a fresh one */
    uint64_t warm_since_us; /* on time since then; 0 = nothing has come back yet */
    uint64_t retry_us;
    uint32_t backoff_us;
    uint64_t sent_us[AURA_AIC_WAITING_MAX]; /* of the frames that are out, oldest first */
    unsigned sent_first, sent_count;
    unsigned key_wait;  /* answers until the key frame's that was asked for; 0 = none was */
    unsigned row;       /* late ones without one on time between them */
    uint64_t second_us; /* when the current second began */
    unsigned second_frames, second_late;
    uint64_t frames, late, fallbacks[AURA_AIC_REASONS];
};

/** @param conf  zeros are replaced by the defaults above */
void aura_aic_machine_init(struct aura_aic_machine *m, const struct aura_aic_machine_conf *conf);

/** Operator's and users' will. */
void aura_aic_machine_want(struct aura_aic_machine *m, bool wanted, uint64_t now_us);
/** The stream to AI Core opened. */
void aura_aic_machine_stream_up(struct aura_aic_machine *m, uint64_t now_us);
/** It ended, or was never had. @param reason  BROKEN, REFUSED, DRAINING */
void aura_aic_machine_stream_down(struct aura_aic_machine *m, enum aura_aic_reason reason,
                                  uint64_t now_us);
/** A frame goes to AI Core, as a key frame if aura_aic_machine_wants_key() said so. @return false:
 * it must not, for too many are there already */
bool aura_aic_machine_sent(struct aura_aic_machine *m, uint64_t now_us);

/** The oldest frame came back. @param vmaf  predicted, negative = unknown
 * @return time it took in µs, UINT32_MAX if none was out */
uint32_t aura_aic_machine_answer(struct aura_aic_machine *m, bool key_frame, float vmaf,
                                 uint64_t now_us);
/** The publisher's key frame is here: native can go on. */
void aura_aic_machine_native_key(struct aura_aic_machine *m, uint64_t now_us);
/** Time passes; call it at aura_aic_machine_due_us(). */
void aura_aic_machine_tick(struct aura_aic_machine *m, uint64_t now_us);
/** When to call aura_aic_machine_tick() next; UINT64_MAX = no need. */
uint64_t aura_aic_machine_due_us(const struct aura_aic_machine *m);

/** Frames are to be handed to AI Core (and a stream opened where there is none). */
bool aura_aic_machine_feeds(const struct aura_aic_machine *m);
/** AI Core's next frame is to be a key frame, for then it can take over. */
bool aura_aic_machine_wants_key(const struct aura_aic_machine *m, uint64_t now_us);
/** Subscribers who want it get AI Core's frames (or its last picture) now. */
bool aura_aic_machine_shows_aic(const struct aura_aic_machine *m);
/** True once whenever the publisher is to be asked for a key frame. */
bool aura_aic_machine_take_pli(struct aura_aic_machine *m);

const char *aura_aic_state_name(enum aura_aic_state state);
const char *aura_aic_reason_name(enum aura_aic_reason reason);

#endif
