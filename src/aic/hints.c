/* SPDX-License-Identifier: Apache-2.0 */
#include "auralink/aic.h"

#include "base/bytes.h"

#include <math.h>
#include <stdio.h>

/*
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * | version| mode  |     flags     |             model             |
 * |     saved     |    quality    |            latency            |
 * |     scale     |    restore    |
 */

enum {
    SAVED_STEPS = 200,
    QUALITY_STEPS = 2, /* of one VMAF point */
    QUALITY_UNKNOWN = 0xff,
    LATENCY_STEP_US = 100,
    LATENCY_UNKNOWN = 0xffff,
};

static uint8_t steps_of(float value, float steps, float most) {
    float n = value > 0 ? roundf(value * steps) : 0; /* a NaN is none either */
    return (uint8_t)(n > most ? most : n);
}

size_t aura_aic_hints_write(const struct aura_aic_hints *h, uint8_t *out, size_t cap) {
    struct aura_wr w = aura_wr_of(out, cap);
    uint32_t latency = h->latency_us / LATENCY_STEP_US;
    bool quality_known = h->vmaf >= 0;
    aura_wr_u8(&w, (uint8_t)(AURA_AIC_VERSION << 4 | (h->mode & 0x0f)));
    aura_wr_u8(&w, h->flags & AURA_AIC_FLAGS_KNOWN);
    aura_wr_u16(&w, h->model);
    aura_wr_u8(&w, steps_of(h->saved, SAVED_STEPS, SAVED_STEPS));
    aura_wr_u8(&w, quality_known ? steps_of(h->vmaf, QUALITY_STEPS, 100 * QUALITY_STEPS)
                                 : QUALITY_UNKNOWN);
    latency = latency < LATENCY_UNKNOWN ? latency : LATENCY_UNKNOWN - 1;
    aura_wr_u16(&w, h->latency_known ? (uint16_t)latency : LATENCY_UNKNOWN);
    aura_wr_u8(&w, h->scale_q4);
    aura_wr_u8(&w, h->restore);
    return w.fail ? 0 : aura_wr_len(&w);
}

int aura_aic_hints_read(struct aura_aic_hints *h, const uint8_t *data, size_t len) {
    struct aura_cur c = aura_cur_of(data, len);
    uint8_t first = aura_cur_u8(&c), flags = aura_cur_u8(&c);
    uint16_t model = aura_cur_u16(&c);
    uint8_t saved = aura_cur_u8(&c), quality = aura_cur_u8(&c);
    uint16_t latency = aura_cur_u16(&c);
    uint8_t scale = aura_cur_u8(&c), restore = aura_cur_u8(&c);
    if (len > 0 && first >> 4 != AURA_AIC_VERSION) {
        return AURA_EUNSUPPORTED;
    }
    if (c.fail) {
        return AURA_ETRUNC;
    }
    if ((first & 0x0f) > AURA_AIC_ENHANCED) {
        return AURA_EUNSUPPORTED;
    }
    *h = (struct aura_aic_hints){
        .mode = (enum aura_aic_mode)(first & 0x0f),
        .flags = flags & AURA_AIC_FLAGS_KNOWN,
        .model = model,
        .saved = (float)(saved < SAVED_STEPS ? saved : SAVED_STEPS) / SAVED_STEPS,
        .vmaf = quality <= 100 * QUALITY_STEPS ? (float)quality / QUALITY_STEPS : -1,
        .latency_known = latency != LATENCY_UNKNOWN,
        .latency_us = latency != LATENCY_UNKNOWN ? latency * (uint32_t)LATENCY_STEP_US : 0,
        .scale_q4 = scale,
        .restore = restore,
    };
    return 0;
}

size_t aura_aic_hints_text(const struct aura_aic_hints *h, const char *model,
                           char out[AURA_AIC_TEXT_MAX]) {
    char number[8], quality[16] = "", name[48] = "", latency[24] = "";
    snprintf(number, sizeof(number), "%u", h->model);
    if (h->vmaf >= 0) {
        snprintf(quality, sizeof(quality), " vmaf:%.0f", (double)h->vmaf);
    }
    if (h->model != AURA_AIC_MODEL_NONE) {
        snprintf(name, sizeof(name), " model:%.32s", model ? model : number);
    }
    if (h->latency_known) {
        snprintf(latency, sizeof(latency), " lat:%.1fms", (double)h->latency_us / 1000);
    }
    int n = snprintf(out, AURA_AIC_TEXT_MAX, "ratio:%.2f%s%s%s", (double)h->saved, quality, name,
                     latency);
    return n > 0 && n < AURA_AIC_TEXT_MAX ? (size_t)n : AURA_AIC_TEXT_MAX - 1;
}

const char *aura_aic_mode_name(enum aura_aic_mode mode) {
    static const char *const names[] = {[AURA_AIC_NATIVE] = "native",
                                        [AURA_AIC_GOVERNED] = "governed",
                                        [AURA_AIC_COMPRESSED] = "compressed",
                                        [AURA_AIC_ENHANCED] = "enhanced"};
    return (unsigned)mode < sizeof(names) / sizeof(*names) ? names[mode] : "unknown";
}
