/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/derived_meter.h"

#include <stdlib.h>
#include <string.h>

enum { RECENT_STEP_US = 100, SRTP_TAG = 16 /* of AES-GCM (RFC 7714) */ };

const uint32_t aura_sfu_aic_bounds_us[AURA_SFU_AIC_BUCKETS] = {
    2000, 4000, 6000, 8000, 10000, 12000, 15000, 20000, 30000, 50000, 100000, UINT32_MAX};

void aura__meter_native(struct aura_meter *m, const struct aura_packet *p) {
    unsigned newest = (m->native_first + m->native_count + AURA_METER_FRAMES - 1);
    if (!m->native_count || m->native[newest % AURA_METER_FRAMES].ts != p->ts) {
        if (m->native_count == AURA_METER_FRAMES) {
            m->native_first++;
            m->native_count--;
        }
        newest = m->native_first + m->native_count++;
        m->native[newest % AURA_METER_FRAMES].ts = p->ts;
        m->native[newest % AURA_METER_FRAMES].bytes = 0;
        m->native[newest % AURA_METER_FRAMES].packets = 0;
    }
    m->native[newest % AURA_METER_FRAMES].bytes += p->payload_len;
    m->native[newest % AURA_METER_FRAMES].packets++;
}

/* All native frames up to the answered one: what viewers would have got by now. */
static void settle_debt(struct aura_meter *m, uint32_t ts) {
    while (m->native_count) {
        unsigned at = m->native_first % AURA_METER_FRAMES;
        if ((int32_t)(m->native[at].ts - ts) > 0) {
            return;
        }
        m->owed_bytes += m->native[at].bytes;
        m->owed_packets += m->native[at].packets;
        m->native_first++;
        m->native_count--;
    }
}

static void count_latency(struct aura_worker *w, uint32_t us) {
    size_t i = 0;
    while (us > aura_sfu_aic_bounds_us[i]) {
        i++;
    }
    aura__count(&w->counters.aic_latency[i], 1);
    aura__count(&w->counters.aic_latency_us, us);
}

void aura__meter_answer(struct aura_meter *m, struct aura_worker *w,
                        const struct aura_aic_frame_out *f, uint32_t took_us, bool shown) {
    uint32_t steps = took_us / RECENT_STEP_US;
    m->recent[m->recent_at] = (uint16_t)(steps < UINT16_MAX ? steps : UINT16_MAX);
    m->recent_at = (m->recent_at + 1) % AURA_METER_RECENT;
    m->recent_count += m->recent_count < AURA_METER_RECENT;
    count_latency(w, took_us);
    if (!shown) {
        m->owed_bytes = m->owed_packets = 0; /* they went out as they were */
    }
    settle_debt(m, f->rtp_timestamp);
    if (!shown) {
        m->owed_bytes = m->owed_packets = 0;
    }
    m->hints = f->hints;
    m->hints.mode = AURA_AIC_COMPRESSED;
    m->hints.latency_us = took_us;
    m->hints.latency_known = true;
    memcpy(m->model, f->model, sizeof(m->model) - 1);
    if (f->len) {
        m->marked = f->key_frame ? AURA_METER_MARKED_FRAMES : m->marked - (m->marked > 0);
    }
}

size_t aura__meter_hints(const struct aura_meter *m, bool first,
                         uint8_t out[AURA_AIC_HINTS_BYTES_MAX]) {
    if (!first && !m->marked) {
        return 0;
    }
    /* Subscribers come over at key frames only: for each of them the mode changes there. */
    struct aura_aic_hints hints = m->hints;
    hints.flags |= m->marked ? AURA_AIC_SWITCHED : 0;
    return aura_aic_hints_write(&hints, out, AURA_AIC_HINTS_BYTES_MAX);
}

void aura__meter_stamp(struct aura_meter *m, struct aura_packet *p) {
    p->native_bytes = m->owed_bytes;
    p->native_packets = (uint16_t)(m->owed_packets < UINT16_MAX ? m->owed_packets : UINT16_MAX);
    m->owed_bytes = m->owed_packets = 0;
}

void aura__meter_sent(struct aura_source *s, const struct aura_packet *p, size_t wire) {
    /* Native packets would have had the same headers. */
    uint64_t around = wire - p->payload_len + SRTP_TAG;
    uint64_t native = p->native_bytes + p->native_packets * around;
    s->aic_sent += wire + SRTP_TAG;
    s->aic_native += native;
    aura__count(&s->worker->counters.aic_sent, wire + SRTP_TAG);
    aura__count(&s->worker->counters.aic_native, native);
}

static int by_size(const void *a, const void *b) {
    uint16_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? -1 : x > y;
}

static void percentiles(const struct aura_meter *m, struct aura_sfu_aic *out) {
    uint16_t sorted[AURA_METER_RECENT];
    unsigned n = m->recent_count;
    if (!n) {
        return;
    }
    memcpy(sorted, m->recent, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), by_size);
    out->p50_us = sorted[(n - 1) / 2] * (uint32_t)RECENT_STEP_US;
    out->p95_us = sorted[(n - 1) * 95 / 100] * (uint32_t)RECENT_STEP_US;
}

void aura__meter_bytes(struct aura_source *s, struct aura_sfu_aic *out) {
    out->pub = s->id;
    out->bytes = true;
    out->sent_bytes = s->aic_sent;
    out->native_bytes = s->aic_native;
    s->aic_sent = s->aic_native = 0;
}

void aura__meter_report(const struct aura_meter *m, const struct aura_aic_machine *machine,
                        struct aura_sfu_aic *out) {
    out->owner = true;
    out->state = machine->state;
    out->reason = machine->reason;
    out->hints = m->hints;
    out->frames = machine->frames;
    out->late = machine->late;
    memcpy(out->fallbacks, machine->fallbacks, sizeof(out->fallbacks));
    memcpy(out->model, m->model, sizeof(out->model));
    percentiles(m, out);
}

void aura__meter_count(struct aura_meter *m, const struct aura_aic_machine *machine,
                       struct aura_worker *w) {
    aura__count(&w->counters.aic_frames, machine->frames - m->frames);
    aura__count(&w->counters.aic_late, machine->late - m->late);
    m->frames = machine->frames;
    m->late = machine->late;
    for (size_t i = 0; i < AURA_AIC_REASONS; i++) {
        aura__count(&w->counters.aic_fallbacks[i], machine->fallbacks[i] - m->fallbacks[i]);
        m->fallbacks[i] = machine->fallbacks[i];
    }
}
