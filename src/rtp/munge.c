/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/munge.h"

#include "rtp/seq.h"

void aura_munge_init(struct aura_munge *m, uint16_t first_seq, uint32_t first_ts) {
    *m = (struct aura_munge){0};
    m->out_newest = UINT64_C(65536) + first_seq - 1;
    m->ts_newest = first_ts;
}

void aura_munge_switch(struct aura_munge *m, uint64_t eseq, uint32_t ts, uint32_t out_ts) {
    aura_gapmap_start(&m->gaps, eseq);
    m->started = true;
    m->out_base = m->out_newest + 1;
    if (!m->sent) {
        out_ts = m->ts_newest;
    } else if (!aura_ts_newer(out_ts, m->ts_newest)) {
        out_ts = m->ts_newest + 1;
    }
    m->ts_offset = out_ts - ts;
}

uint32_t aura_munge_ts_now(const struct aura_munge *m, uint64_t now_us, uint32_t clock_rate) {
    uint64_t since = m->sent && now_us > m->sent_us ? now_us - m->sent_us : 0;
    return m->ts_newest + (uint32_t)(since / 1000 * clock_rate / 1000);
}

bool aura_munge_rtp(struct aura_munge *m, uint64_t eseq, uint32_t ts, uint64_t now_us,
                    uint16_t *out_seq, uint32_t *out_ts) {
    uint64_t mapped;
    if (!m->started || !aura_gapmap_map(&m->gaps, eseq, &mapped)) {
        return false;
    }
    uint64_t out = mapped + m->out_base;
    *out_seq = (uint16_t)out;
    *out_ts = ts + m->ts_offset;
    if (out > m->out_newest) {
        m->out_newest = out;
        /* Never back: B-frames and late layers must not pull the reference of a switch. */
        if (!m->sent || aura_ts_newer(*out_ts, m->ts_newest)) {
            m->ts_newest = *out_ts;
            m->sent_us = now_us;
        }
        m->sent = true;
    }
    return true;
}

void aura_munge_drop(struct aura_munge *m, uint64_t eseq) {
    if (m->started) {
        (void)aura_gapmap_drop(&m->gaps, eseq);
    }
}

bool aura_munge_own(struct aura_munge *m, uint16_t *out_seq, uint32_t *out_ts) {
    if (!m->sent) {
        return false;
    }
    /* A new stretch begins behind it: what is late from before has no number any more. */
    aura_gapmap_start(&m->gaps, m->gaps.newest + 1);
    m->out_newest++;
    m->out_base = m->out_newest + 1;
    *out_seq = (uint16_t)m->out_newest;
    *out_ts = m->ts_newest;
    return true;
}
