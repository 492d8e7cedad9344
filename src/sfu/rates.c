/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/rates.h"

#include "base/clock.h"

enum { QUIET_WINDOWS = 3 }; /* so long without a packet, and the layer does not flow */

static uint32_t mean(uint32_t old, uint64_t now) {
    now = now > UINT32_MAX ? UINT32_MAX : now;
    return old ? (uint32_t)(((uint64_t)old + now) / 2) : (uint32_t)now;
}

static void close_window(struct aura_rate *l, uint64_t us) {
    uint64_t bps = (uint64_t)l->bytes * 8 * AURA_US_PER_S / us;
    uint64_t fps_x4 = (uint64_t)l->frames * 4 * AURA_US_PER_S / us;
    l->empty = l->bytes ? 0 : (uint8_t)(l->empty + 1);
    l->bps = l->empty < QUIET_WINDOWS ? mean(l->bps, bps) : 0;
    l->fps_x4 = (uint16_t)mean(l->fps_x4, fps_x4 > 4000 ? 4000 : fps_x4);
    l->bytes = 0;
    l->frames = 0;
}

void aura__rates_roll(struct aura_rates *r, uint64_t now_us) {
    uint64_t us = now_us > r->since_us ? now_us - r->since_us : 0;
    if (!r->since_us || us < (r->measured ? AURA_RATES_WINDOW_US : AURA_RATES_FIRST_US)) {
        return;
    }
    bool quiet = us > (uint64_t)QUIET_WINDOWS * AURA_RATES_WINDOW_US;
    for (size_t s = 0; s < AURA_MEDIA_LAYERS_MAX; s++) {
        for (size_t t = 0; t < AURA_RATES_TEMPORAL; t++) {
            struct aura_rate *l = &r->layer[s][t];
            if (quiet) {
                *l = (struct aura_rate){.bps = 0};
            } else if (l->bytes || l->bps) {
                close_window(l, us);
            }
        }
    }
    r->since_us = now_us;
    r->measured = true;
}

void aura__rates_add(struct aura_rates *r, unsigned spatial, unsigned temporal, size_t bytes,
                     bool frame, uint64_t now_us) {
    if (!r->since_us) {
        r->since_us = now_us;
    }
    aura__rates_roll(r, now_us);
    struct aura_rate *l = &r->layer[spatial][temporal];
    l->bytes += (uint32_t)bytes;
    l->frames += frame;
}
