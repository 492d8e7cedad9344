/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/twcc.h"

/* First half: the parser. Then a recorder is driven by the input; its feedback must be readable. */
static void drive(const uint8_t *data, size_t size) {
    struct aura_twcc *t = NULL;
    if (aura_twcc_new(&t)) {
        return;
    }
    uint64_t now = 1000000;
    uint16_t seq = 0;
    static struct aura_twcc_status st[AURA_TWCC_STATUSES_MAX];
    for (size_t i = 0; i + 3 <= size; i += 3) {
        seq = (uint16_t)(seq + (int8_t)data[i]);
        now += (uint64_t)data[i + 1] << (data[i + 2] & 15);
        aura_twcc_record(t, seq, now);
        if (data[i + 2] & 0x80) {
            uint8_t out[256];
            struct aura_wr w = aura_wr_of(out, 32 + (data[i + 2] & 0x7f));
            size_t n = aura_twcc_build(t, &w, 1, 2);
            struct aura_rtcp_iter it = aura_rtcp_packets(out, aura_wr_len(&w));
            struct aura_rtcp p;
            struct aura_twcc_feedback fb;
            if (n && (aura_rtcp_next(&it, &p) != 1 || aura_twcc_parse(&p, &fb, st) != (int)n)) {
                __builtin_trap();
            }
        }
    }
    aura_twcc_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_rtcp_iter it = aura_rtcp_packets(data, size);
    struct aura_rtcp p;
    struct aura_twcc_feedback fb;
    static struct aura_twcc_status st[AURA_TWCC_STATUSES_MAX];
    while (aura_rtcp_next(&it, &p) == 1) {
        volatile int n = aura_twcc_parse(&p, &fb, st);
        (void)n;
    }
    drive(data, size);
    return 0;
}
