/* SPDX-License-Identifier: Apache-2.0 */
/** @file clock.h  The only way to learn the time; replaceable, so that everything runs in
 * simulation. */
#ifndef AURA_BASE_CLOCK_H
#define AURA_BASE_CLOCK_H

#include <stdint.h>

#define AURA_US_PER_MS UINT64_C(1000)
#define AURA_US_PER_S UINT64_C(1000000)

struct aura_clock {
    uint64_t (*mono_us)(const struct aura_clock *); /* monotonic, arbitrary origin, never 0 */
    uint64_t (*wall_us)(const struct aura_clock *); /* since the Unix epoch */
};

/** The system's clocks. */
const struct aura_clock *aura_clock_system(void);

/** A clock for tests that stands still until told; `wall` runs along with `mono`. */
struct aura_clock_manual {
    struct aura_clock clock;
    uint64_t now_us, wall_offset_us;
};
void aura_clock_manual_init(struct aura_clock_manual *m, uint64_t mono_us, uint64_t wall_us);
void aura_clock_manual_advance(struct aura_clock_manual *m, uint64_t us);

static inline uint64_t aura_now_us(const struct aura_clock *c) {
    return c->mono_us(c);
}
static inline uint64_t aura_wall_us(const struct aura_clock *c) {
    return c->wall_us(c);
}

#endif
