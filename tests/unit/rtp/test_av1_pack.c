/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rand.h"
#include "harness.h"
#include "rtp/av1.h"
#include "rtp/av1_pack.h"

#include <string.h>

enum { TU_MAX = 20000 };

static size_t put_obu(uint8_t *out, uint8_t type, size_t size, struct aura_rand *rand) {
    size_t n = 0, left = size;
    out[n++] = (uint8_t)(type << 3 | 2);
    do {
        out[n++] = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        left >>= 7;
    } while (left);
    aura_rand_bytes(rand, out + n, size);
    return n + size;
}

/* Puts payloads together again as a receiver would: elements with their lengths, of which the last
 * of W needs none, Z and Y. */
struct receiver {
    uint8_t bytes[TU_MAX];
    size_t len;
    bool open;
};

static void take_payload(struct receiver *r, const uint8_t *p, size_t len) {
    const uint8_t *end = p + len;
    uint8_t aggregate = *p++;
    unsigned counted = aggregate >> 4 & 3, count = 0;
    assert_int_equal(aggregate >> 7, r->open);
    while (p < end) {
        size_t n = 0, shift = 0;
        bool sized = ++count != counted;
        n = sized ? 0 : (size_t)(end - p);
        while (sized) {
            n |= (size_t)(*p & 0x7f) << shift;
            shift += 7;
            sized = *p++ & 0x80;
        }
        assert_true(n > 0 && n <= (size_t)(end - p));
        memcpy(r->bytes + r->len, p, n);
        r->len += n;
        p += n;
    }
    assert_true(counted ? count == counted : count > 3);
    r->open = aggregate & 0x40;
}

static int units_are_whole_at_the_other_end(void) {
    static uint8_t tu[TU_MAX], wanted[TU_MAX];
    struct aura_rand_seeded seeded;
    aura_rand_seeded_init(&seeded, 4);
    for (int round = 0; round < 2000; round++) {
        static const uint8_t types[] = {AURA_OBU_TEMPORAL_DELIMITER, AURA_OBU_SEQUENCE_HEADER,
                                        AURA_OBU_METADATA, AURA_OBU_FRAME, 15};
        size_t len = 0, expected = 0, cap = 64 + aura_rand_below(&seeded.rand, 1200);
        for (size_t i = 0; i < sizeof(types); i++) {
            size_t size = types[i] == AURA_OBU_TEMPORAL_DELIMITER
                              ? 0
                              : 1 + aura_rand_below(&seeded.rand, i == 3 ? 9000 : 90);
            uint8_t *at = tu + len;
            len += put_obu(at, types[i], size, &seeded.rand);
            if (types[i] != AURA_OBU_TEMPORAL_DELIMITER && types[i] != 15) {
                wanted[expected++] = at[0] & (uint8_t)~2;
                memcpy(wanted + expected, tu + len - size, size);
                expected += size;
            }
        }
        struct aura_av1_packer k;
        struct receiver r = {.len = 0};
        uint8_t payload[2000];
        bool last = false, key = round & 1;
        TRY(aura_av1_pack_begin(&k, tu, len, key));
        for (size_t i = 0, n; (n = aura_av1_pack_next(&k, payload, cap, &last)); i++) {
            struct aura_av1 parsed;
            assert_true(n <= cap);
            TRY(aura_av1_parse(&parsed, payload, n));
            assert_int_equal(parsed.new_sequence, key && i == 0);
            take_payload(&r, payload, n);
        }
        assert_true(last && !r.open);
        assert_int_equal(r.len, expected);
        assert_memory_equal(r.bytes, wanted, expected);
    }
    return 0;
}

static int broken_units_are_refused(void) {
    static const uint8_t no_size[] = {AURA_OBU_FRAME << 3, 1, 2, 3};
    static const uint8_t too_long[] = {AURA_OBU_FRAME << 3 | 2, 5, 1, 2};
    static const uint8_t endless[] = {AURA_OBU_FRAME << 3 | 2, 0x80, 0x80};
    static const uint8_t delimiter[] = {AURA_OBU_TEMPORAL_DELIMITER << 3 | 2, 0};
    struct aura_av1_packer k;
    uint8_t payload[100];
    bool last;
    assert_int_equal(aura_av1_pack_begin(&k, no_size, sizeof(no_size), false), AURA_EMALFORMED);
    assert_int_equal(aura_av1_pack_begin(&k, too_long, sizeof(too_long), false), AURA_EMALFORMED);
    assert_int_equal(aura_av1_pack_begin(&k, endless, sizeof(endless), false), AURA_EMALFORMED);
    assert_int_equal(aura_av1_pack_begin(&k, delimiter, sizeof(delimiter), false), 0);
    assert_int_equal(aura_av1_pack_next(&k, payload, sizeof(payload), &last), 0);
    assert_int_equal(aura_av1_pack_begin(&k, NULL, 0, false), 0);
    assert_int_equal(aura_av1_pack_next(&k, payload, sizeof(payload), &last), 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(units_are_whole_at_the_other_end),
        AURA_CASE(broken_units_are_refused),
    };
    return RUN_CASES("av1_pack", cases);
}
