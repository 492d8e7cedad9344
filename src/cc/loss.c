/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/loss.h"

#include "base/clock.h"

enum {
    INTERVAL_US = 200000,
    PACKETS_MIN = 20,
    INTERVAL_MAX_US = 1000000, /* fewer packets than that must do then */
};
static const float low = 0.02f, high = 0.10f; /* GCC section 6 */
static const float least_cut = 0.05f;         /* a queue that overflows has to become shorter */
static const float inherent_max = 0.30f;
static const float heavy = 0.50f;
static const float less_rate = 0.7f; /* so much less was sent … */
static const float same_loss = 0.7f; /* … and still so much of the loss is there */

void aura__loss_init(struct aura_loss *l) {
    *l = (struct aura_loss){.bps = UINT32_MAX};
}

void aura__loss_yield(struct aura_loss *l, uint32_t acked_bps) {
    if (l->fraction > heavy && acked_bps && acked_bps < l->bps) {
        l->bps = acked_bps;
        l->fraction = l->inherent;
        l->episode = false;
    }
}

/* Is it the link? Known once the rate has come down a good deal and the losses have not. */
static void judge(struct aura_loss *l, float fraction, uint32_t current_bps) {
    if (fraction <= l->inherent + low) {
        l->episode = false;
        return;
    }
    if (!l->episode) {
        l->episode = true;
        l->episode_fraction = fraction;
        l->episode_bps = current_bps;
    } else if ((float)current_bps < less_rate * (float)l->episode_bps) {
        /* Where most is lost nothing is known by that: a link that is far too narrow loses nearly
         * as much of half the rate. */
        if (fraction > same_loss * l->episode_fraction && fraction < heavy) {
            l->inherent = fraction < inherent_max ? fraction : inherent_max;
            l->bps = l->episode_bps;
        }
        l->episode = false;
    }
}

static bool apply(struct aura_loss *l, float fraction, uint32_t current_bps, uint32_t rtt_us,
                  bool queued, uint64_t now_us) {
    float excess = fraction - l->inherent;
    uint32_t before = l->bps;
    if (excess > (queued ? low : high)) {
        if (now_us > l->cut_us + 300000 + rtt_us) {
            l->bps =
                (uint32_t)((float)current_bps * (1 - (queued ? least_cut : 0) - 0.5f * excess));
            l->cut_us = now_us;
        }
    } else if (excess < low && l->bps != UINT32_MAX) {
        uint64_t more = (uint64_t)l->bps + l->bps / 20 + 1000;
        l->bps = more > current_bps + (uint64_t)current_bps / 2 ? UINT32_MAX : (uint32_t)more;
    }
    judge(l, fraction, current_bps);
    return l->bps != before;
}

bool aura__loss_update(struct aura_loss *l, uint32_t received, uint32_t lost, uint32_t current_bps,
                       uint32_t rtt_us, bool queued, uint64_t now_us) {
    if (!l->since_us) {
        l->since_us = now_us;
    }
    l->expected += received + lost;
    l->lost += lost;
    uint64_t passed_us = now_us - l->since_us;
    if (passed_us < INTERVAL_US || l->expected == 0 ||
        (l->expected < PACKETS_MIN && passed_us < INTERVAL_MAX_US)) {
        return false;
    }
    float fraction = (float)l->lost / (float)l->expected;
    l->fraction += (fraction > l->fraction ? 0.5f : 0.3f) * (fraction - l->fraction);
    if (l->fraction < l->inherent) {
        l->inherent += 0.1f * (l->fraction - l->inherent);
    }
    l->expected = l->lost = 0;
    l->since_us = now_us;
    return apply(l, l->fraction, current_bps, rtt_us, queued, now_us);
}
