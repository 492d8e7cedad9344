/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/govern.h"

enum {
    FPS = 30,
    MEAN_SHIFT = 3,
    LEAST_KBPS = 100,
};

/* Thousandths of a bit for each pixel of a picture, 30 times a second: measured in Chromium as what
 * keeps the picture's size (docs/aic-protocol.md section 9). */
static uint32_t millibits(enum aura_codec codec, bool alone) {
    if (codec == AURA_CODEC_AV1) {
        return alone ? 10 : 27;
    }
    return alone ? 18 : 27;
}

uint32_t aura_govern_floor_kbps(enum aura_codec codec, uint32_t width, uint32_t height,
                                bool alone) {
    uint64_t bits = (uint64_t)width * height * FPS * millibits(codec, alone) / 1000;
    uint64_t kbps = bits / 1000;
    kbps = kbps < LEAST_KBPS ? LEAST_KBPS : kbps;
    return kbps < UINT32_MAX ? (uint32_t)kbps : UINT32_MAX;
}

void aura_govern_release(struct aura_govern *g) {
    *g = (struct aura_govern){.min_vmaf = g->min_vmaf, .held_off_us = g->held_off_us};
}

static bool is_bad(struct aura_govern *g, float vmaf, uint64_t now_us) {
    if (vmaf < 0 || vmaf >= g->min_vmaf) {
        g->bad_us = 0;
        return false;
    }
    g->bad_us = g->bad_us ? g->bad_us : now_us;
    return now_us >= g->bad_us + AURA_GOVERN_BAD_US;
}

static void move(struct aura_govern *g, uint32_t target, uint64_t now_us) {
    uint64_t cap = g->cap_kbps;
    if (!cap || target > cap + cap * AURA_GOVERN_RAISE_PERCENT / 100) {
        g->cap_kbps = target;
        g->lowered_us = now_us;
    } else if (target < cap - cap * AURA_GOVERN_RAISE_PERCENT / 100 &&
               now_us >= g->lowered_us + AURA_GOVERN_LOWER_US) {
        uint32_t least = (uint32_t)(cap - cap * AURA_GOVERN_LOWER_PERCENT / 100);
        g->cap_kbps = target > least ? target : least;
        g->lowered_us = now_us;
    }
}

void aura_govern_look(struct aura_govern *g, uint32_t kbps, float vmaf, uint32_t floor_kbps,
                      uint64_t now_us) {
    if (!kbps) {
        return;
    }
    if (is_bad(g, vmaf, now_us)) {
        aura_govern_release(g);
        g->held_off_us = now_us + AURA_GOVERN_HOLD_OFF_US;
        return;
    }
    if (now_us < g->held_off_us) {
        return;
    }
    if (!g->first_us || now_us > g->heard_us + AURA_GOVERN_SILENT_US) {
        aura_govern_release(g);
        g->first_us = now_us;
        g->mean_kbps = kbps;
    }
    g->heard_us = now_us;
    int64_t step = ((int64_t)kbps - (int64_t)g->mean_kbps) / (1 << MEAN_SHIFT);
    g->mean_kbps = (uint32_t)((int64_t)g->mean_kbps + step);
    if (now_us >= g->first_us + AURA_GOVERN_SETTLE_US) {
        move(g, g->mean_kbps > floor_kbps ? g->mean_kbps : floor_kbps, now_us);
    }
}

uint32_t aura_govern_cap_kbps(struct aura_govern *g, uint64_t now_us) {
    if (g->cap_kbps && now_us > g->heard_us + AURA_GOVERN_SILENT_US) {
        aura_govern_release(g);
    }
    return g->cap_kbps;
}

uint64_t aura_remb_ceiling_next(struct aura_remb_ceiling *r, uint64_t wanted_bps) {
    if (wanted_bps) {
        r->bps = wanted_bps;
        r->left = AURA_REMB_FREE_TIMES;
        return wanted_bps;
    }
    if (!r->left) {
        r->bps = 0;
        return 0;
    }
    r->left--;
    r->bps = AURA_REMB_FREE_BPS;
    return r->bps;
}
