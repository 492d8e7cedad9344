/* SPDX-License-Identifier: Apache-2.0 */
#include "client/meter.h"

enum { SUB_BITS = 4, EXACT = 2 * AURA_HIST_SUB };

size_t aura_hist_bucket(uint64_t value) {
    if (value < EXACT) {
        return (size_t)value;
    }
    unsigned top = 63u - (unsigned)__builtin_clzll(value);
    size_t bucket = (top - SUB_BITS) * AURA_HIST_SUB + (size_t)(value >> (top - SUB_BITS));
    return bucket < AURA_HIST_BUCKETS ? bucket : AURA_HIST_BUCKETS - 1;
}

uint64_t aura_hist_value(size_t bucket) {
    if (bucket < EXACT) {
        return bucket;
    }
    unsigned shift = (unsigned)(bucket / AURA_HIST_SUB) - 1;
    uint64_t low = (uint64_t)(AURA_HIST_SUB + bucket % AURA_HIST_SUB) << shift;
    return low + ((UINT64_C(1) << shift) >> 1);
}

uint64_t aura_hist_total(const struct aura_hist *h) {
    uint64_t total = 0;
    for (size_t i = 0; i < AURA_HIST_BUCKETS; i++) {
        total += aura_count_get(&h->buckets[i]);
    }
    return total;
}

uint64_t aura_hist_quantile(const struct aura_hist *h, double q) {
    uint64_t total = aura_hist_total(h), seen = 0;
    double wanted = q * (double)total;
    size_t last = 0;
    for (size_t i = 0; i < AURA_HIST_BUCKETS; i++) {
        uint64_t n = aura_count_get(&h->buckets[i]);
        seen += n;
        last = n ? i : last;
        if (n && (double)seen >= wanted) {
            return aura_hist_value(i);
        }
    }
    return aura_hist_value(last);
}

static void hist_sum(struct aura_hist *sum, const struct aura_hist *h, bool minus) {
    for (size_t i = 0; i < AURA_HIST_BUCKETS; i++) {
        uint64_t n = aura_count_get(&h->buckets[i]);
        aura_count_add(&sum->buckets[i], minus ? 0 - n : n);
    }
}

void aura_meter_sum(struct aura_meter *sum, const struct aura_meter *m) {
#define SUM(name) aura_count_add(&sum->name, aura_count_get(&m->name));
    AURA_METER_TABLE(SUM)
#undef SUM
    hist_sum(&sum->audio_us, &m->audio_us, false);
    hist_sum(&sum->video_us, &m->video_us, false);
}

void aura_meter_since(struct aura_meter *m, const struct aura_meter *earlier) {
#define MINUS(name) aura_count_add(&m->name, 0 - aura_count_get(&earlier->name));
    AURA_METER_TABLE(MINUS)
#undef MINUS
    hist_sum(&m->audio_us, &earlier->audio_us, true);
    hist_sum(&m->video_us, &earlier->video_us, true);
}
