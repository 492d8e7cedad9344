/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/probe.h"

#include "base/clock.h"

enum {
    LENGTH_US = 20000, /* of a probe */
    PACKETS_MIN = 5,
    ENOUGH_PERCENT = 80, /* of a probe's packets must have arrived to be judged */
    FAIL_FIRST_US = 1000000,
    FAIL_MAX_US = 4000000,
    ANSWER_US = 500000, /* plus the round trip: then it is lost */
    AGAIN_US = 100000,
    FIRST_FACTOR = 3, /* of the start rate */
};

bool aura__probe_due(struct aura_probes *p, uint32_t target_bps, uint32_t want_bps,
                     uint32_t max_bps, uint64_t now_us, struct aura_bwe_probe *out) {
    if (want_bps <= target_bps + target_bps / 20 || p->waiting || now_us < p->next_us) {
        return false;
    }
    /* A step at a time; a little more than is wanted, so that noise does not keep it out of reach.
     */
    uint64_t rate = (uint64_t)target_bps * (p->first_done ? 2 : FIRST_FACTOR);
    uint64_t most = (uint64_t)want_bps + want_bps / 3;
    rate = rate > most ? most : rate;
    rate = rate < (uint64_t)target_bps * 13 / 10 ? (uint64_t)target_bps * 13 / 10 : rate;
    rate = rate > max_bps ? max_bps : rate;
    p->last_id = (uint8_t)(p->last_id == UINT8_MAX ? 1 : p->last_id + 1);
    p->cluster[p->last_id % AURA_PROBE_CLUSTERS] =
        (struct aura_cluster){.id = p->last_id, .rate_bps = (uint32_t)rate, .begun_us = now_us};
    p->waiting = true;
    p->first_done = true;
    p->begun++;
    *out = (struct aura_bwe_probe){.cluster = p->last_id,
                                   .rate_bps = (uint32_t)rate,
                                   .bytes = (size_t)(rate / 8 * LENGTH_US / AURA_US_PER_S),
                                   .packets_min = PACKETS_MIN};
    return true;
}

static struct aura_cluster *find(struct aura_probes *p, unsigned id) {
    struct aura_cluster *c = &p->cluster[id % AURA_PROBE_CLUSTERS];
    return id && c->id == id ? c : NULL;
}

void aura__probe_sent(struct aura_probes *p, unsigned cluster, size_t bytes, uint64_t now_us) {
    struct aura_cluster *c = find(p, cluster);
    if (c) {
        c->first_sent_us = c->sent ? c->first_sent_us : now_us;
        c->last_sent_us = now_us;
        c->last_bytes = (uint16_t)bytes;
        c->sent_bytes += bytes;
        c->sent++;
    }
}

void aura__probe_acked(struct aura_probes *p, const struct aura_sent *sent, int64_t arrival_us) {
    struct aura_cluster *c = find(p, sent->cluster);
    if (!c) {
        return;
    }
    if (!c->received || arrival_us < c->first_arrival_us) {
        c->first_arrival_us = arrival_us;
        c->first_bytes = sent->bytes;
    }
    if (!c->received || arrival_us > c->last_arrival_us) {
        c->last_arrival_us = arrival_us;
    }
    c->received++;
    c->received_bytes += sent->bytes;
}

static void failed(struct aura_probes *p, uint64_t now_us) {
    p->fail_us = p->fail_us ? p->fail_us * 2 : FAIL_FIRST_US;
    p->fail_us = p->fail_us > FAIL_MAX_US ? FAIL_MAX_US : p->fail_us;
    p->next_us = now_us + p->fail_us;
}

/* Rate between the first and the last packet: the first one's bytes had arrived before the time
 * was taken, the last one's left after it. */
static uint32_t rate_of(const struct aura_cluster *c) {
    uint64_t sent_us = c->last_sent_us - c->first_sent_us;
    int64_t arrived_us = c->last_arrival_us - c->first_arrival_us;
    if (c->received < 2 || arrived_us < 0) {
        return 0;
    }
    /* Timers and clocks are no finer than that. */
    sent_us = sent_us < 1000 ? 1000 : sent_us;
    arrived_us = arrived_us < 1000 ? 1000 : arrived_us;
    uint64_t out = (c->sent_bytes - c->last_bytes) * 8 * AURA_US_PER_S / sent_us;
    uint64_t in = (c->received_bytes - c->first_bytes) * 8 * AURA_US_PER_S / (uint64_t)arrived_us;
    if (in * 10 < out * 9) {
        return (uint32_t)(in * 95 / 100); /* the link was full: a little less than it gave */
    }
    uint64_t least = in < out ? in : out;
    return least > c->rate_bps ? c->rate_bps : (uint32_t)least;
}

uint32_t aura__probe_result(struct aura_probes *p, uint32_t target_bps, uint32_t rtt_us,
                            uint64_t now_us) {
    struct aura_cluster *c = find(p, p->last_id);
    if (!p->waiting || !c) {
        return 0;
    }
    bool sent = c->sent >= PACKETS_MIN && now_us > c->last_sent_us + LENGTH_US / 2;
    bool enough = sent && c->received * 100 >= c->sent * ENOUGH_PERCENT;
    if (!enough) {
        if (now_us > c->begun_us + ANSWER_US + rtt_us) {
            p->waiting = false;
            failed(p, now_us);
        }
        return 0;
    }
    p->waiting = false;
    p->answered++;
    uint32_t bps = rate_of(c);
    if (bps <= target_bps + target_bps / 20) {
        failed(p, now_us);
        return 0;
    }
    p->fail_us = 0;
    p->next_us = now_us + AGAIN_US + rtt_us;
    return bps;
}

void aura__probe_hold(struct aura_probes *p, uint64_t until_us) {
    p->next_us = until_us > p->next_us ? until_us : p->next_us;
}
