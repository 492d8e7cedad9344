/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "rtp/dd.h"

#include <string.h>

struct put {
    uint8_t p[256];
    size_t bit;
};
static void put(struct put *w, uint32_t v, unsigned n) {
    while (n-- > 0) {
        w->p[w->bit / 8] |= (uint8_t)((v >> n & 1) << (7 - w->bit % 8));
        w->bit++;
    }
}

/*
 * L1T2 as in the specification's appendix: two targets, three templates (key, T0, T1), one chain.
 * @param mask  < 0: not present
 */
static size_t make_key(struct put *w, int mask) {
    *w = (struct put){0};
    put(w, 3, 2);
    put(w, 10, 6); /* template 0: the offset is 10 */
    put(w, 500, 16);
    put(w, 1, 1); /* structure */
    put(w, mask >= 0, 1);
    put(w, 0, 3);
    put(w, 10, 6);
    put(w, 1, 5); /* two targets */
    put(w, 0, 2);
    put(w, 1, 2);
    put(w, 3, 2); /* T0, T0, T1 */
    static const uint8_t dtis[3][2] = {{2, 2}, {2, 3}, {2, 0}};
    for (size_t i = 0; i < 3; i++) { /* target 0 = both layers, target 1 = T0 only */
        put(w, dtis[i][0], 2);
        put(w, dtis[i][1], 2);
    }
    put(w, 0, 1);    /* key: no differences */
    put(w, 0x22, 6); /* 1 0001 0: two back */
    put(w, 0x20, 6); /* 1 0000 0: one back */
    put(w, 2, 2);    /* chains: ns(3) of 1 is '10' */
    for (int i = 0; i < 2; i++) {
        put(w, 0, 0); /* protected by: ns(1) has no bits */
    }
    put(w, 0, 4);
    put(w, 2, 4);
    put(w, 1, 4);
    put(w, 1, 1); /* resolutions */
    put(w, 639, 16);
    put(w, 359, 16);
    if (mask >= 0) {
        put(w, (uint32_t)mask, 2);
    }
    return (w->bit + 7) / 8;
}

static int reads_structure_and_frames(void) {
    struct put w;
    size_t len = make_key(&w, -1);
    struct aura_dd dd;
    struct aura_dd_structure s, scratch;
    TRY(aura_dd_parse(&dd, w.p, len, NULL, &s));
    assert_true(dd.has_structure && dd.has_frame && dd.start_of_frame && dd.end_of_frame);
    assert_int_equal(dd.frame_number, 500);
    assert_int_equal(dd.active_mask, 3);
    assert_false(dd.has_active_mask);
    assert_int_equal(dd.diff_count, 0);
    assert_int_equal(dd.width, 640);
    assert_int_equal(dd.height, 360);
    assert_int_equal(s.template_count, 3);
    assert_int_equal(s.target_count, 2);
    assert_int_equal(s.chain_count, 1);
    assert_int_equal(s.target_temporal[0], 1);
    assert_int_equal(s.target_temporal[1], 0);
    assert_int_equal(s.templates[2].temporal, 1);
    assert_int_equal(dd.end_bit, w.bit);
    for (size_t n = 0; n < len; n++) {
        int err = aura_dd_parse(&dd, w.p, n, NULL, &scratch);
        assert_int_equal(err, n == 3 ? 0 : AURA_ETRUNC); /* 3 bytes are a whole descriptor */
    }
    static const uint8_t t1[] = {0xcc, 0x01, 0xf5}; /* template 12: T1 */
    TRY(aura_dd_parse(&dd, t1, 3, &s, &scratch));
    assert_true(dd.has_frame && !dd.has_structure);
    assert_int_equal(dd.temporal, 1);
    assert_int_equal(dd.diffs[0], 1);
    assert_int_equal(dd.dtis[0], AURA_DTI_SWITCH);
    assert_int_equal(dd.dtis[1], AURA_DTI_NOT_PRESENT);
    assert_int_equal(dd.chain_diffs[0], 1);
    TRY(aura_dd_parse(&dd, t1, 3, NULL, &scratch));
    assert_false(dd.has_frame);
    static const uint8_t unknown[] = {0xcd, 0x01, 0xf5};
    assert_int_equal(aura_dd_parse(&dd, unknown, 3, &s, &scratch), AURA_EMALFORMED);
    return 0;
}

static int reads_custom_fields(void) {
    struct put w;
    struct aura_dd dd;
    struct aura_dd_structure s, scratch;
    size_t len = make_key(&w, -1);
    TRY(aura_dd_parse(&dd, w.p, len, NULL, &s));
    w = (struct put){0};
    put(&w, 0, 2);
    put(&w, 11, 6);
    put(&w, 501, 16);
    put(&w, 0x0f, 5); /* mask and all customs */
    put(&w, 2, 2);    /* mask */
    put(&w, 0x6, 4);  /* dtis 1, 2 */
    put(&w, 3, 2);
    put(&w, 4095, 12); /* difference 4096 */
    put(&w, 1, 2);
    put(&w, 0, 4);
    put(&w, 0, 2);
    put(&w, 200, 8); /* chain */
    TRY(aura_dd_parse(&dd, w.p, (w.bit + 7) / 8, &s, &scratch));
    assert_true(dd.has_active_mask);
    assert_int_equal(dd.active_mask, 2);
    assert_int_equal(dd.dtis[0], 1);
    assert_int_equal(dd.dtis[1], 2);
    assert_int_equal(dd.diff_count, 2);
    assert_int_equal(dd.diffs[0], 4096);
    assert_int_equal(dd.diffs[1], 1);
    assert_int_equal(dd.chain_diffs[0], 200);
    return 0;
}

static int limits_hold(void) {
    struct aura_dd dd;
    struct aura_dd_structure s;
    struct put w = {0};
    put(&w, 0, 24);
    put(&w, 0x10, 5);
    put(&w, 0, 11);
    for (int i = 0; i < AURA_DD_TEMPLATES_MAX + 1; i++) {
        put(&w, 0, 2); /* the same layer for ever */
    }
    assert_int_equal(aura_dd_parse(&dd, w.p, sizeof(w.p), NULL, &s), AURA_ELIMIT);
    w = (struct put){0};
    put(&w, 0, 24);
    put(&w, 0x10, 5);
    put(&w, 0, 11);
    for (int i = 0; i < AURA_DD_SPATIAL_MAX; i++) {
        put(&w, 2, 2);
    }
    assert_int_equal(aura_dd_parse(&dd, w.p, sizeof(w.p), NULL, &s), AURA_EMALFORMED);
    w = (struct put){0};
    put(&w, 0, 24);
    put(&w, 0x10, 5);
    put(&w, 0, 11);
    put(&w, 3, 2);
    put(&w, 0, 2);
    for (int i = 0; i < AURA_DD_DIFFS_MAX + 1; i++) {
        put(&w, 0x10, 5);
    }
    assert_int_equal(aura_dd_parse(&dd, w.p, sizeof(w.p), NULL, &s), AURA_ELIMIT);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(reads_structure_and_frames),
        AURA_CASE(reads_custom_fields),
        AURA_CASE(limits_hold),
    };
    return RUN_CASES("dd", cases);
}
