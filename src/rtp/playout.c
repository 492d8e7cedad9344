/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/playout.h"

#include "rtp/seq.h"

enum {
    JITTERS = 8,      /* mean deviations that a delay should cover */
    STEP_MS = 30,     /* smaller changes are not worth telling */
    DOWN_DIVISOR = 3, /* of the way down at once: a picture that hurries is seen */
};

struct aura_playout_range aura_playout_range(uint32_t min_ms, uint32_t max_ms) {
    if (min_ms && !max_ms) {
        max_ms = AURA_PLAYOUT_DEFAULT_MAX_MS;
    }
    min_ms = min_ms < AURA_PLAYOUT_MAX_MS ? min_ms : AURA_PLAYOUT_MAX_MS;
    max_ms = max_ms < AURA_PLAYOUT_MAX_MS ? max_ms : AURA_PLAYOUT_MAX_MS;
    max_ms = max_ms > min_ms ? max_ms : min_ms;
    return (struct aura_playout_range){
        .on = true, .min_ms = (uint16_t)min_ms, .max_ms = (uint16_t)max_ms};
}

/* At least what was asked for: a minimum is rounded up. */
static void set(struct aura_playout *p, uint16_t now_ms) {
    uint32_t min = (now_ms + AURA_PLAYOUT_UNIT_MS - 1u) / AURA_PLAYOUT_UNIT_MS;
    uint32_t max = p->range.max_ms / AURA_PLAYOUT_UNIT_MS;
    uint32_t both = min << 12 | (max > min ? max : min);
    p->now_ms = now_ms;
    p->state = AURA_PLAYOUT_NEW;
    p->bytes[0] = (uint8_t)(both >> 16);
    p->bytes[1] = (uint8_t)(both >> 8);
    p->bytes[2] = (uint8_t)both;
}

void aura_playout_init(struct aura_playout *p, struct aura_playout_range range) {
    *p = (struct aura_playout){.range = range};
    if (range.on) {
        set(p, range.min_ms);
    }
}

/* Within the range the least delay follows the jitter: up at once, down in steps. */
static void follow(struct aura_playout *p, uint32_t jitter_us) {
    uint64_t want = (uint64_t)jitter_us * JITTERS / 1000;
    want = want < p->range.min_ms ? p->range.min_ms : want;
    want = want > p->range.max_ms ? p->range.max_ms : want;
    if (want >= p->now_ms + (uint64_t)STEP_MS) {
        set(p, (uint16_t)want);
    } else if (want + STEP_MS <= p->now_ms) {
        set(p, (uint16_t)(p->now_ms - (p->now_ms - want) / DOWN_DIVISOR));
    }
}

void aura_playout_report(struct aura_playout *p, uint16_t highest, uint32_t jitter_us) {
    if (p->state == AURA_PLAYOUT_OFF) {
        return;
    }
    /* All from `from` on carry it: so the highest that came did. */
    if (p->state == AURA_PLAYOUT_SENT && aura_seq_diff(highest, p->from) >= 0) {
        p->state = AURA_PLAYOUT_KNOWN;
    }
    follow(p, jitter_us);
}
