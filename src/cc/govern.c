/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/govern.h"

enum {
    FPS = 30,
    MEAN_SHIFT = 3,
    LEAST_KBPS = 100,
};

/* Thousandths of a bit for each pixel of a picture, 30 times a second. The largest of several
 * streams is left out by libwebrtc below 600 kbps at 720 lines. */
static uint32_t millibits(enum aura_codec codec, bool simulcast) {
    return simulcast ? 22 : codec == AURA_CODEC_AV1 ? 10 : 18;
}

uint32_t aura_govern_in_codec(enum aura_codec codec, uint32_t av1_kbps) {
    uint64_t percent = codec == AURA_CODEC_AV1 ? 100 : codec == AURA_CODEC_VP9 ? 130 : 180;
    uint64_t kbps = av1_kbps * percent / 100;
    return kbps < UINT32_MAX ? (uint32_t)kbps : UINT32_MAX;
}

static uint64_t root(uint64_t n) {
    uint64_t r = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1) {
        r = (r | bit) * (r | bit) <= n ? r | bit : r;
    }
    return r;
}

/* What libwebrtc wants at least for spatial layers, each half as wide as the next (VP9 and AV1):
 * 600 √pixels − 95000 bps for each of them; an eighth more, for at the edge it goes to and fro. */
static uint64_t layers_bps(uint64_t pixels, unsigned layers) {
    uint64_t bps = 0;
    for (unsigned i = 0; i < layers; i++, pixels /= 4) {
        uint64_t least = 600 * root(pixels);
        bps += least > 95000 ? least - 95000 : 0;
    }
    return bps + bps / 8;
}

uint32_t aura_govern_floor_kbps(enum aura_codec codec, uint32_t width, uint32_t height,
                                unsigned layers, bool simulcast) {
    uint64_t pixels = (uint64_t)width * height;
    uint64_t bps = pixels * FPS * millibits(codec, simulcast) / 1000;
    uint64_t all_bps = layers > 1 && !simulcast ? layers_bps(pixels, layers) : 0;
    bps = all_bps > bps ? all_bps : bps;
    uint64_t kbps = bps / 1000 < LEAST_KBPS ? LEAST_KBPS : bps / 1000;
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
