/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "base/list.h"

#include <time.h>

static uint64_t read_clock(clockid_t id) {
    struct timespec ts;
    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * AURA_US_PER_S + (uint64_t)ts.tv_nsec / 1000;
}

static uint64_t system_mono(const struct aura_clock *c) {
    (void)c;
    return read_clock(CLOCK_MONOTONIC) + 1;
}

static uint64_t system_wall(const struct aura_clock *c) {
    (void)c;
    return read_clock(CLOCK_REALTIME);
}

const struct aura_clock *aura_clock_system(void) {
    static const struct aura_clock clock = {.mono_us = system_mono, .wall_us = system_wall};
    return &clock;
}

static const struct aura_clock_manual *manual_of(const struct aura_clock *c) {
    return (const struct aura_clock_manual *)(const void *)c;
}

static uint64_t manual_mono(const struct aura_clock *c) {
    return manual_of(c)->now_us;
}
static uint64_t manual_wall(const struct aura_clock *c) {
    return manual_of(c)->now_us + manual_of(c)->wall_offset_us;
}

void aura_clock_manual_init(struct aura_clock_manual *m, uint64_t mono_us, uint64_t wall_us) {
    m->clock = (struct aura_clock){.mono_us = manual_mono, .wall_us = manual_wall};
    m->now_us = mono_us;
    m->wall_offset_us = wall_us - mono_us;
}

void aura_clock_manual_advance(struct aura_clock_manual *m, uint64_t us) {
    m->now_us += us;
}
