/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/nack.h"

#include "base/mem.h"

#include <string.h>

struct missing {
    uint64_t eseq, due_us;
    uint32_t interval_us;
    uint8_t tries;
};
struct aura_nack {
    bool started;
    uint64_t newest;
    struct aura_nack_stats stats;
    size_t count;
    struct missing list[AURA_NACK_OUTSTANDING_MAX]; /* ascending */
};

int aura_nack_new(struct aura_nack **np) {
    struct aura_nack *n = aura_zalloc(sizeof(*n));
    if (!n) {
        return AURA_ENOMEM;
    }
    *np = n;
    return 0;
}

struct aura_nack *aura_nack_free(struct aura_nack *n) {
    aura_free(n);
    return NULL;
}

static void drop_oldest(struct aura_nack *n, size_t k) {
    memmove(n->list, n->list + k, (n->count - k) * sizeof(n->list[0]));
    n->count -= k;
}

static void add_gap(struct aura_nack *n, uint64_t from, uint64_t to, uint64_t now_us) {
    size_t add = (size_t)(to - from);
    if (add > AURA_NACK_OUTSTANDING_MAX) {
        n->stats.given_up += add - AURA_NACK_OUTSTANDING_MAX;
        from = to - AURA_NACK_OUTSTANDING_MAX;
        add = AURA_NACK_OUTSTANDING_MAX;
    }
    if (n->count + add > AURA_NACK_OUTSTANDING_MAX) {
        size_t k = n->count + add - AURA_NACK_OUTSTANDING_MAX;
        n->stats.given_up += k;
        drop_oldest(n, k);
    }
    for (uint64_t e = from; e < to; e++) {
        n->list[n->count++] = (struct missing){.eseq = e, .due_us = now_us + AURA_NACK_REORDER_US};
    }
}

/* Index of the first entry that is not below @p eseq. */
static size_t lower_bound(const struct aura_nack *n, uint64_t eseq) {
    size_t lo = 0, hi = n->count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (n->list[mid].eseq < eseq) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

enum aura_nack_result aura_nack_received(struct aura_nack *n, uint64_t eseq, uint64_t now_us) {
    if (!n->started || eseq > n->newest) {
        if (n->started && eseq - n->newest > AURA_NACK_GAP_MAX) {
            n->stats.given_up += n->count;
            n->count = 0;
        } else if (n->started) {
            add_gap(n, n->newest + 1, eseq, now_us);
        }
        n->newest = eseq;
        n->started = true;
        return AURA_NACK_IN_ORDER;
    }
    size_t i = lower_bound(n, eseq);
    if (i == n->count || n->list[i].eseq != eseq) {
        return AURA_NACK_UNKNOWN;
    }
    bool asked = n->list[i].tries > 0;
    memmove(&n->list[i], &n->list[i + 1], (n->count - i - 1) * sizeof(n->list[0]));
    n->count--;
    n->stats.repaired += asked;
    return asked ? AURA_NACK_REPAIRED : AURA_NACK_LATE;
}

void aura_nack_key_frame(struct aura_nack *n, uint64_t eseq) {
    size_t k = lower_bound(n, eseq);
    n->stats.given_up += k;
    drop_oldest(n, k);
}

static uint32_t clamp_interval(uint64_t us) {
    return us < AURA_NACK_INTERVAL_MIN_US   ? AURA_NACK_INTERVAL_MIN_US
           : us > AURA_NACK_INTERVAL_MAX_US ? AURA_NACK_INTERVAL_MAX_US
                                            : (uint32_t)us;
}

/* Adds one number to the pairs. @return false if there is no room */
static bool emit(uint64_t eseq, uint64_t *pid, struct aura_rtcp_nack *out, size_t cap,
                 size_t *used) {
    if (*used > 0 && eseq - *pid <= 16) {
        out[*used - 1].blp |= (uint16_t)(1u << (eseq - *pid - 1));
        return true;
    }
    if (*used == cap) {
        return false;
    }
    *pid = eseq;
    out[(*used)++] = (struct aura_rtcp_nack){.pid = (uint16_t)eseq};
    return true;
}

size_t aura_nack_poll(struct aura_nack *n, uint64_t now_us, uint32_t rtt_us,
                      struct aura_rtcp_nack *out, size_t cap) {
    size_t used = 0, kept = 0;
    uint64_t pid = 0;
    bool room = true;
    for (size_t i = 0; i < n->count; i++) {
        struct missing *m = &n->list[i];
        if (m->due_us <= now_us && m->tries == AURA_NACK_TRIES_MAX) {
            n->stats.given_up++;
            continue;
        }
        if (m->due_us <= now_us && room) {
            room = emit(m->eseq, &pid, out, cap, &used);
            if (room) {
                m->interval_us = clamp_interval(m->tries ? m->interval_us * UINT64_C(3) / 2
                                                : rtt_us ? rtt_us
                                                         : 100000);
                m->due_us = now_us + m->interval_us;
                m->tries++;
                n->stats.asked++;
            }
        }
        n->list[kept++] = *m;
    }
    n->count = kept;
    return used;
}

size_t aura_nack_outstanding(const struct aura_nack *n) {
    return n->count;
}

struct aura_nack_stats aura_nack_stats(const struct aura_nack *n) {
    return n->stats;
}
