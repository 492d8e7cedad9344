/* SPDX-License-Identifier: Apache-2.0 */
#include "auralink/aic.h"
#include "base/err.h"
#include "base/rand.h"
#include "harness.h"

#include <math.h>
#include <string.h>

static const struct aura_aic_hints example = {
    .mode = AURA_AIC_COMPRESSED,
    .flags = AURA_AIC_FACES | AURA_AIC_SWITCHED,
    .model = 0x0102,
    .saved = 0.8F,
    .vmaf = 91,
    .latency_us = 6200,
    .latency_known = true,
    .scale_q4 = 24,
    .restore = 77,
};

static int layout(void) {
    static const uint8_t wire[] = {0x12, 0x05, 0x01, 0x02, 160, 182, 0, 62, 24, 77};
    uint8_t out[AURA_AIC_HINTS_BYTES_MAX];
    struct aura_aic_hints odd = example;
    assert_int_equal(aura_aic_hints_write(&example, out, sizeof(out)), AURA_AIC_HINTS_BYTES);
    assert_int_equal(sizeof(wire), AURA_AIC_HINTS_BYTES);
    assert_true(AURA_AIC_HINTS_BYTES <= AURA_AIC_HINTS_BYTES_MAX);
    assert_memory_equal(out, wire, sizeof(wire));
    odd.flags = 0xff;
    assert_int_equal(aura_aic_hints_write(&odd, out, sizeof(out)), AURA_AIC_HINTS_BYTES);
    assert_int_equal(out[1], AURA_AIC_FLAGS_KNOWN);
    assert_int_equal(aura_aic_hints_write(&example, out, AURA_AIC_HINTS_BYTES - 1), 0);
    return 0;
}

static int values_are_clamped(void) {
    uint8_t out[AURA_AIC_HINTS_BYTES];
    struct aura_aic_hints h = {.saved = 7,
                               .vmaf = 300,
                               .latency_us = UINT32_MAX,
                               .latency_known = true},
                          back;
    assert_int_equal(aura_aic_hints_write(&h, out, sizeof(out)), sizeof(out));
    assert_int_equal(aura_aic_hints_read(&back, out, sizeof(out)), 0);
    assert_true(back.saved == 1 && back.vmaf == 100);
    assert_true(back.latency_known);
    assert_int_equal(back.latency_us, 6553400);
    h = (struct aura_aic_hints){.saved = -1, .vmaf = NAN};
    assert_int_equal(aura_aic_hints_write(&h, out, sizeof(out)), sizeof(out));
    assert_int_equal(aura_aic_hints_read(&back, out, sizeof(out)), 0);
    assert_true(back.saved == 0 && back.vmaf == -1 && !back.latency_known);
    out[4] = 255; /* what nobody should send */
    out[5] = 201;
    assert_int_equal(aura_aic_hints_read(&back, out, sizeof(out)), 0);
    assert_true(back.saved == 1 && back.vmaf == -1);
    return 0;
}

static int identity(void) {
    struct aura_rand_seeded r;
    aura_rand_seeded_init(&r, 3);
    for (int i = 0; i < 20000; i++) {
        uint8_t wire[AURA_AIC_HINTS_BYTES], again[AURA_AIC_HINTS_BYTES];
        struct aura_aic_hints a, b;
        aura_rand_bytes(&r.rand, wire, sizeof(wire));
        wire[0] = (uint8_t)(AURA_AIC_VERSION << 4 | (wire[0] & 3));
        assert_int_equal(aura_aic_hints_read(&a, wire, sizeof(wire)), 0);
        assert_int_equal(aura_aic_hints_write(&a, again, sizeof(again)), sizeof(again));
        assert_int_equal(aura_aic_hints_read(&b, again, sizeof(again)), 0);
        assert_int_equal(a.mode, b.mode);
        assert_int_equal(a.flags, b.flags);
        assert_int_equal(a.model, b.model);
        assert_true(a.saved == b.saved && a.vmaf == b.vmaf);
        assert_int_equal(a.latency_us, b.latency_us);
        assert_int_equal(a.latency_known, b.latency_known);
        assert_int_equal(a.scale_q4, b.scale_q4);
        assert_int_equal(a.restore, b.restore);
    }
    return 0;
}

static int others_are_refused(void) {
    uint8_t wire[AURA_AIC_HINTS_BYTES];
    struct aura_aic_hints h;
    assert_int_equal(aura_aic_hints_write(&example, wire, sizeof(wire)), sizeof(wire));
    for (size_t len = 0; len < sizeof(wire); len++) {
        assert_int_equal(aura_aic_hints_read(&h, wire, len), AURA_ETRUNC);
    }
    for (int first = 0; first < 256; first++) {
        wire[0] = (uint8_t)first;
        bool known = first >> 4 == AURA_AIC_VERSION && (first & 15) <= AURA_AIC_ENHANCED;
        assert_int_equal(aura_aic_hints_read(&h, wire, sizeof(wire)),
                         known ? 0 : AURA_EUNSUPPORTED);
    }
    return 0;
}

static int future_is_ignored(void) {
    uint8_t wire[16] = {0};
    struct aura_aic_hints h;
    assert_int_equal(aura_aic_hints_write(&example, wire, sizeof(wire)), AURA_AIC_HINTS_BYTES);
    wire[1] |= 0xe0;
    memset(wire + AURA_AIC_HINTS_BYTES, 0xff, sizeof(wire) - AURA_AIC_HINTS_BYTES);
    assert_int_equal(aura_aic_hints_read(&h, wire, sizeof(wire)), 0);
    assert_int_equal(h.flags, example.flags);
    assert_int_equal(h.restore, example.restore);
    return 0;
}

static int text(void) {
    char out[AURA_AIC_TEXT_MAX];
    size_t n = aura_aic_hints_text(&example, "seg-1", out);
    assert_string_equal(out, "ratio:0.80 vmaf:91 model:seg-1 lat:6.2ms");
    assert_int_equal(n, strlen(out));
    struct aura_aic_hints h = {.vmaf = -1};
    assert_int_equal(aura_aic_hints_text(&h, NULL, out), strlen("ratio:0.00"));
    h.model = 9;
    (void)aura_aic_hints_text(&h, NULL, out);
    assert_string_equal(out, "ratio:0.00 model:9");
    assert_string_equal(aura_aic_mode_name(AURA_AIC_COMPRESSED), "compressed");
    assert_string_equal(aura_aic_mode_name((enum aura_aic_mode)9), "unknown");
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(layout),
        AURA_CASE(values_are_clamped),
        AURA_CASE(identity),
        AURA_CASE(others_are_refused),
        AURA_CASE(future_is_ignored),
        AURA_CASE(text),
    };
    return RUN_CASES("hints", cases);
}
