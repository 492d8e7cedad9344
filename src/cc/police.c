/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/police.h"

enum { SECOND_US = 1000000, LEAST_DIVISOR = 10 };

/* A second is over. */
static void judge(struct aura_police *p, uint64_t us) {
    uint64_t bps = p->bytes * 8 * SECOND_US / us;
    bool over = bps > p->bps * (100 + AURA_POLICE_TOLERANCE_PERCENT) / 100;
    uint64_t sound_bps = p->sound * 8 * SECOND_US / us, before_bps = p->sound_bps * 3 / 4;
    p->sound_bps = sound_bps > before_bps ? sound_bps : before_bps;
    p->kbps = bps / 1000 < UINT32_MAX ? (uint32_t)(bps / 1000) : UINT32_MAX;
    p->row = over != p->active ? (uint8_t)(p->row + 1) : 0;
    if (p->row == AURA_POLICE_PATIENCE) {
        p->active = over;
        p->changed = true;
        p->row = 0;
    }
}

/* Time instead of tokens: `full_us` moves on by what a packet takes at the ceiling's rate. */
static bool take(struct aura_police *p, size_t bytes, bool video, uint64_t now_us) {
    uint64_t cost_us = bytes * 8 * SECOND_US / p->bps;
    uint64_t from_us = p->full_us > now_us ? p->full_us : now_us;
    uint64_t room_us = AURA_POLICE_BUCKET_US;
    room_us -= video ? room_us * AURA_POLICE_RESERVE_PERCENT / 100 : 0;
    if (from_us + cost_us > now_us + room_us) {
        return false;
    }
    p->full_us = from_us + cost_us;
    return true;
}

uint64_t aura_police_told_bps(const struct aura_police *p) {
    uint64_t least_bps = p->bps / LEAST_DIVISOR;
    return p->bps > p->sound_bps + least_bps ? p->bps - p->sound_bps : least_bps;
}

bool aura_police_packet(struct aura_police *p, size_t bytes, bool video, uint64_t now_us) {
    if (!p->bps) {
        return false;
    }
    if (!p->from_us || now_us > p->seen_us + AURA_POLICE_QUIET_US) {
        p->from_us = now_us;
        p->bytes = p->sound = 0;
        p->row = p->active ? p->row : 0;
    }
    p->seen_us = now_us;
    if (now_us >= p->from_us + SECOND_US) {
        judge(p, now_us - p->from_us);
        p->from_us = now_us;
        p->bytes = p->sound = 0;
    }
    p->bytes += bytes;
    p->sound += video ? 0 : bytes;
    return p->active && !take(p, bytes, video, now_us);
}
