/* SPDX-License-Identifier: Apache-2.0 */
#include "record/timeline.h"

#include "rtp/sr.h"

#define US_PER_S INT64_C(1000000)

static int64_t media_of(const struct aura_timeline *t, int64_t ext) {
    return t->base_us + (ext - t->base_ext) * US_PER_S / t->rate;
}

static int64_t extend(const struct aura_timeline *t, uint32_t ts) {
    return t->ext + (int32_t)(ts - t->last_ts);
}

/* The sender counts anew: time goes on by what passed between the arrivals. */
static void begin_anew(struct aura_timeline *t, int64_t media_us, int64_t ext) {
    t->base_us = media_us;
    t->base_ext = ext;
    t->has_report = false;
}

int64_t aura_timeline_packet(struct aura_timeline *t, uint32_t ts, int64_t arrival_us) {
    if (!t->started) {
        t->started = true;
        t->last_ts = ts;
        t->arrival_us = arrival_us;
        return 0;
    }
    int64_t ext = extend(t, ts), before_us = media_of(t, t->ext),
            passed = arrival_us - t->arrival_us;
    int64_t off = media_of(t, ext) - before_us - passed;
    if (off > AURA_TIMELINE_JUMP_MS * 1000 || off < -AURA_TIMELINE_JUMP_MS * 1000) {
        begin_anew(t, before_us + passed, ext);
        t->jumps++;
        off = 0;
    }
    if (ext > t->ext) {
        t->ext = ext;
        t->last_ts = ts;
        t->arrival_us = arrival_us;
    }
    return media_of(t, ext);
}

void aura_timeline_report(struct aura_timeline *t, uint32_t ts, uint64_t ntp) {
    uint64_t us = aura_ntp_to_us(ntp);
    if (t->started && us) {
        t->report_us = media_of(t, extend(t, ts));
        t->ntp_us = (int64_t)us;
        t->has_report = true;
    }
}

bool aura_timeline_captured(const struct aura_timeline *t, int64_t media_us, int64_t *out_us) {
    *out_us = t->ntp_us + media_us - t->report_us;
    return t->has_report;
}

void aura_timeline_seen(struct aura_timeline *t, int64_t media_us, int64_t wall_us) {
    int64_t captured;
    if (aura_timeline_captured(t, media_us, &captured) &&
        (!t->has_offset || wall_us - captured < t->offset_us)) {
        t->has_offset = true;
        t->offset_us = wall_us - captured;
    }
}
