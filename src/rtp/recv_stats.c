/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/recv_stats.h"

#include "rtp/seq.h"

#include <string.h>

enum { WORDS = 4, WINDOW = 64 * WORDS };

void aura_recv_stats_init(struct aura_recv_stats *s, uint32_t clock_rate) {
    *s = (struct aura_recv_stats){.clock_rate = clock_rate};
}

static bool seen(const struct aura_recv_stats *s, uint64_t eseq) {
    return s->seen[eseq / 64 % WORDS] >> eseq % 64 & 1;
}
static void set_seen(struct aura_recv_stats *s, uint64_t eseq) {
    s->seen[eseq / 64 % WORDS] |= UINT64_C(1) << eseq % 64;
}

static void move_window(struct aura_recv_stats *s, uint64_t eseq) {
    if (eseq - s->max_eseq >= WINDOW) {
        memset(s->seen, 0, sizeof(s->seen));
    } else {
        for (uint64_t n = s->max_eseq + 1; n <= eseq; n++) {
            s->seen[n / 64 % WORDS] &= ~(UINT64_C(1) << n % 64);
        }
    }
    s->max_eseq = eseq;
}

static void begin(struct aura_recv_stats *s, uint64_t eseq) {
    s->started = true;
    s->bad_seq_set = false;
    s->base_eseq = s->max_eseq = eseq;
    s->received = s->bytes = s->duplicates = s->reordered = 0;
    s->expected_prior = s->received_prior = 0;
    s->last_arrival_us = 0;
    memset(s->seen, 0, sizeof(s->seen));
}

/* RFC 3550 A.8 in integers; arrival differences are turned into timestamp units. */
static void count(struct aura_recv_stats *s, uint64_t eseq, uint32_t ts, uint64_t now_us,
                  size_t bytes) {
    set_seen(s, eseq);
    s->received++;
    s->bytes += bytes;
    if (s->last_arrival_us && s->clock_rate) {
        int64_t arrival = (int64_t)(now_us - s->last_arrival_us) * s->clock_rate / 1000000;
        int64_t d = arrival - aura_ts_diff(ts, s->last_ts);
        /* A jump of the timestamps (a new source) is no jitter. */
        if (d < 0) {
            d = -d;
        }
        if (d < (int64_t)s->clock_rate * 10) {
            s->jitter_q4 += (uint64_t)d - ((s->jitter_q4 + 8) >> 4);
        }
    }
    s->last_arrival_us = now_us;
    s->last_ts = ts;
}

uint64_t aura_recv_stats_eseq(const struct aura_recv_stats *s, uint16_t seq) {
    struct aura_seq_unwrapper u = {.started = s->started, .newest = s->max_eseq};
    return aura_seq_unwrap_peek(&u, seq);
}

enum aura_recv_verdict aura_recv_stats_packet(struct aura_recv_stats *s, uint16_t seq, uint32_t ts,
                                              uint64_t now_us, size_t bytes, uint64_t *eseq) {
    enum aura_recv_verdict verdict = AURA_RECV_OK;
    uint16_t ahead = (uint16_t)(seq - (uint16_t)s->max_eseq);
    if (!s->started) {
        begin(s, UINT64_C(65536) + seq);
    } else if (ahead == 0) {
        s->duplicates++;
        return AURA_RECV_DUPLICATE;
    } else if (ahead < AURA_RECV_DROPOUT_MAX) {
        move_window(s, s->max_eseq + ahead);
    } else if (ahead > UINT16_MAX - AURA_RECV_MISORDER_MAX) {
        uint64_t late = s->max_eseq + ahead - 65536;
        if (late < s->base_eseq) {
            return AURA_RECV_OLD;
        }
        if (seen(s, late)) {
            s->duplicates++;
            return AURA_RECV_DUPLICATE;
        }
        s->reordered++;
        s->bad_seq_set = false;
        count(s, late, ts, now_us, bytes);
        *eseq = late;
        return AURA_RECV_OK;
    } else if (s->bad_seq_set && seq == s->bad_seq) {
        /* Two in a row: the sender began anew. Numbers go on in the next cycle. */
        s->restarts++;
        begin(s, (s->max_eseq & ~UINT64_C(0xffff)) + 65536 + seq);
        verdict = AURA_RECV_RESTART;
    } else {
        s->bad_seq = (uint16_t)(seq + 1);
        s->bad_seq_set = true;
        return AURA_RECV_OLD;
    }
    s->bad_seq_set = false;
    count(s, s->max_eseq, ts, now_us, bytes);
    *eseq = s->max_eseq;
    return verdict;
}

uint64_t aura_recv_stats_expected(const struct aura_recv_stats *s) {
    return s->started ? s->max_eseq - s->base_eseq + 1 : 0;
}

int32_t aura_recv_stats_lost(const struct aura_recv_stats *s) {
    int64_t lost = (int64_t)(aura_recv_stats_expected(s) - s->received - s->duplicates);
    return (int32_t)(lost > 0x7fffff ? 0x7fffff : lost < -0x800000 ? -0x800000 : lost);
}

uint32_t aura_recv_stats_jitter_us(const struct aura_recv_stats *s) {
    return s->clock_rate ? (uint32_t)((s->jitter_q4 >> 4) * 1000000 / s->clock_rate) : 0;
}

void aura_recv_stats_block(struct aura_recv_stats *s, uint32_t ssrc, struct aura_rtcp_block *out) {
    uint64_t expected = aura_recv_stats_expected(s);
    uint64_t received = s->received + s->duplicates;
    int64_t expected_now = (int64_t)(expected - s->expected_prior);
    int64_t lost_now = expected_now - (int64_t)(received - s->received_prior);
    s->expected_prior = expected;
    s->received_prior = received;
    int64_t fraction = expected_now > 0 && lost_now > 0 ? lost_now * 256 / expected_now : 0;
    *out = (struct aura_rtcp_block){
        .ssrc = ssrc,
        .fraction_lost = (uint8_t)(fraction > 255 ? 255 : fraction),
        .lost = aura_recv_stats_lost(s),
        .max_eseq = s->started ? (uint32_t)(s->max_eseq - 65536) : 0,
        .jitter = (uint32_t)(s->jitter_q4 >> 4),
    };
}
