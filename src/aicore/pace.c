/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/pace.h"

#include <string.h>

enum {
    WINDOW = 32,   /* frames */
    LATE_MOST = 1, /* of a window; one can be a key frame */
    SPARE_PERCENT = 65,
    PATIENCE_FIRST = 8, /* windows: about as many seconds */
    PATIENCE_MAX = 256,
};

void aura_pace_init(struct aura_pace *p) {
    memset(p, 0, sizeof(*p));
    p->patience = PATIENCE_FIRST;
}

/* A step back towards quality that was one too many is not tried again so soon. */
static void hurry(struct aura_pace *p) {
    if (p->hurry == AURA_PACE_HURRY_MAX) {
        return;
    }
    if (p->relaxed) {
        p->patience = p->patience * 2 < PATIENCE_MAX ? p->patience * 2 : PATIENCE_MAX;
    }
    p->relaxed = false;
    p->hurry++;
}

static void relax(struct aura_pace *p) {
    if (p->hurry && ++p->calm >= p->patience) {
        p->hurry--;
        p->calm = 0;
        p->relaxed = true;
    }
}

unsigned aura_pace_frame(struct aura_pace *p, uint32_t us) {
    p->sum_us += us;
    p->late += us > AURA_PACE_LATE_US;
    if (++p->frames < WINDOW) {
        return p->hurry;
    }
    uint64_t mean_us = p->sum_us / WINDOW;
    if (p->late > LATE_MOST || mean_us > AURA_PACE_MEAN_US) {
        p->calm = 0;
        hurry(p);
    } else if (!p->late && mean_us * 100 < (uint64_t)AURA_PACE_MEAN_US * SPARE_PERCENT) {
        relax(p);
    } else {
        p->calm = 0;
    }
    p->frames = p->late = 0;
    p->sum_us = 0;
    return p->hurry;
}
