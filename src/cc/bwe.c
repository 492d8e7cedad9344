/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/bwe.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cc/delay.h"
#include "cc/history.h"
#include "cc/loss.h"
#include "cc/probe.h"

enum {
    START_BPS = 5000000, /* most networks can: better to begin well than to climb in sight */
    MIN_BPS = 50000,
    MAX_BPS = 200000000,
    BUCKET_US = 25000, /* deliveries are counted in these, by arrival time */
    BUCKETS = 20,
    FAST_BUCKETS = 8,
    BACKOFF_PERCENT = 85, /* GCC section 5.5, beta */
    SPARE_PERCENT = 125,
    BACKOFF_EVERY_US = 200000,
    SILENCE_US = 1500000,
    IDLE_US = 500000,
    SILENCE_EVERY_US = 500000,
    QUEUE_LONG_US = 120000, /* above it less is sent than arrives, until it is gone */
    QUEUE_SHORT_US = 40000,
    QUEUE_FULL_US = 180000, /* with losses: it overflows */
    DRAIN_PERCENT = 60,
    DRAIN_MAX_US = 2000000,
    REF_WRAP_US = 64000, /* times 1 << 24: reference times repeat */
    CALM_US = 1000000,
};
static const double grow_per_s = 1.08; /* GCC section 5.5, eta */

struct aura_bwe {
    struct aura_bwe_conf conf;
    struct aura_history history;
    struct aura_delay delay;
    struct aura_loss loss;
    struct aura_probes probes;
    uint32_t delay_bps;    /* the delay controller's estimate */
    uint32_t capacity_bps; /* of the link, when its queue last grew; 0 = not known */
    uint32_t remb_bps, want_bps, rtt_us;
    bool draining, fed, silent;
    enum aura_bwe_limit limit;
    uint32_t backoffs;
    uint64_t drain_us; /* the draining began, or ended */
    uint32_t drain_queue_us;
    uint32_t missing; /* in the last feedback */
    uint64_t backoff_us, grown_us, silence_us, fed_us, sent_us, unanswered_since_us;
    int64_t ref_last_us, ref_base_us; /* unwrapping of reference times */
    bool has_ref;
    uint64_t bucket_at; /* newest, arrival time / BUCKET_US */
    uint32_t bucket[BUCKETS];
    bool has_bucket;
    unsigned buckets_seen;
};

const char *aura_bwe_limit_name(enum aura_bwe_limit limit) {
    static const char *const names[] = {
        [AURA_BWE_START] = "start",     [AURA_BWE_DELAY] = "delay",
        [AURA_BWE_LOSS] = "loss",       [AURA_BWE_REMB] = "remb",
        [AURA_BWE_PROBED] = "probed",   [AURA_BWE_DEMAND] = "demand",
        [AURA_BWE_CEILING] = "ceiling", [AURA_BWE_SILENCE] = "silence",
    };
    return (size_t)limit < sizeof(names) / sizeof(names[0]) ? names[limit] : "unknown";
}

int aura_bwe_new(struct aura_bwe **bp, const struct aura_bwe_conf *conf, uint64_t now_us) {
    struct aura_bwe_conf c = *conf;
    c.start_bps = c.start_bps ? c.start_bps : START_BPS;
    c.min_bps = c.min_bps ? c.min_bps : MIN_BPS;
    c.max_bps = c.max_bps ? c.max_bps : MAX_BPS;
    AURA_REQUIRE(c.min_bps <= c.start_bps && c.start_bps <= c.max_bps, AURA_EINVAL);
    struct aura_bwe *b = aura_zalloc(sizeof(*b));
    if (!b) {
        return AURA_ENOMEM;
    }
    if (aura__history_init(&b->history)) {
        aura_free(b);
        return AURA_ENOMEM;
    }
    b->conf = c;
    b->delay_bps = c.start_bps;
    b->grown_us = now_us;
    aura__delay_init(&b->delay);
    aura__loss_init(&b->loss);
    *bp = b;
    return 0;
}

struct aura_bwe *aura_bwe_free(struct aura_bwe *b) {
    if (b) {
        aura__history_free(&b->history);
        aura_free(b);
    }
    return NULL;
}

void aura_bwe_sent(struct aura_bwe *b, uint16_t seq, size_t bytes, uint64_t now_us,
                   unsigned cluster) {
    struct aura_sent sent = {.sent_us = now_us,
                             .seq = seq,
                             .bytes = (uint16_t)bytes,
                             .cluster = (uint8_t)cluster,
                             .state = AURA_SENT_WAITING};
    aura__history_add(&b->history, &sent);
    if (!b->unanswered_since_us) {
        b->unanswered_since_us = now_us;
    }
    b->sent_us = now_us;
    if (cluster) {
        aura__probe_sent(&b->probes, cluster, bytes, now_us);
    }
}

/* ---- what arrived ---- */

static void count_delivered(struct aura_bwe *b, int64_t arrival_us, uint32_t bytes) {
    uint64_t at = (uint64_t)arrival_us / BUCKET_US;
    if (!b->has_bucket || at > b->bucket_at + BUCKETS || at + BUCKETS < b->bucket_at) {
        for (unsigned i = 0; i < BUCKETS; i++) {
            b->bucket[i] = 0;
        }
        b->bucket_at = at;
        b->buckets_seen = b->has_bucket ? BUCKETS : 1;
        b->has_bucket = true;
    }
    while (b->bucket_at < at) {
        b->bucket_at++;
        b->bucket[b->bucket_at % BUCKETS] = 0;
        b->buckets_seen += b->buckets_seen < BUCKETS;
    }
    b->bucket[at % BUCKETS] += bytes;
}

/* Over the last `n` buckets; the newest is still filling and counts by its share. */
static uint32_t delivered_bps(const struct aura_bwe *b, unsigned n) {
    uint64_t bytes = 0;
    n = n < b->buckets_seen ? n : b->buckets_seen;
    if (n < 3) {
        return 0;
    }
    for (unsigned i = 1; i < n; i++) {
        bytes += b->bucket[(b->bucket_at - i) % BUCKETS];
    }
    uint64_t bps = bytes * 8 * AURA_US_PER_S / ((uint64_t)(n - 1) * BUCKET_US);
    return bps > UINT32_MAX ? UINT32_MAX : (uint32_t)bps;
}

static uint32_t fast_bps(const struct aura_bwe *b) {
    uint32_t fast = delivered_bps(b, FAST_BUCKETS), slow = delivered_bps(b, BUCKETS);
    /* A burst (a key frame) arrives as fast as the link can, which is the better witness; where
     * much less comes than before, only the last moment counts. */
    return fast && fast < slow / 2 ? fast : fast > slow ? fast : slow;
}

/* ---- the delay controller ---- */

static uint32_t bounded(const struct aura_bwe *b, uint64_t bps) {
    return bps < b->conf.min_bps   ? b->conf.min_bps
           : bps > b->conf.max_bps ? b->conf.max_bps
                                   : (uint32_t)bps;
}

static void back_off(struct aura_bwe *b, uint64_t now_us) {
    uint32_t acked = fast_bps(b);
    if (!acked || now_us < b->backoff_us + BACKOFF_EVERY_US + b->rtt_us) {
        return;
    }
    /* Where much less was sent than the estimate allows and the queue is short, a delay that rose
     * says that the path changed, not that it is full: what has just been delivered may go on. */
    bool spare =
        b->delay_bps > acked + acked / 3 && b->delay.queue_us < QUEUE_SHORT_US + b->delay.usual_us;
    uint64_t to = (uint64_t)acked * (spare ? SPARE_PERCENT : BACKOFF_PERCENT) / 100;
    b->backoff_us = now_us;
    b->grown_us = now_us;
    aura__probe_hold(&b->probes, now_us + CALM_US);
    if (to >= b->delay_bps) {
        return; /* more arrives than we believed in: no reason to go down */
    }
    b->capacity_bps = b->capacity_bps && acked < 2 * b->capacity_bps && b->capacity_bps < 2 * acked
                          ? (uint32_t)(((uint64_t)b->capacity_bps * 3 + acked) / 4)
                          : acked;
    b->delay_bps = bounded(b, to);
    b->backoffs++;
    b->limit = AURA_BWE_DELAY;
}

/* Near what the link last gave: slowly, one packet for each response time; else by a share. Never
 * much above what has been delivered: the rest was not tried. */
static void grow(struct aura_bwe *b, uint64_t now_us) {
    double s = (double)(now_us - b->grown_us) / AURA_US_PER_S;
    uint32_t acked = delivered_bps(b, BUCKETS);
    uint64_t most = (uint64_t)acked + acked / 2 + 10000;
    b->grown_us = now_us;
    if (now_us < b->backoff_us + BACKOFF_EVERY_US + b->rtt_us || b->delay_bps >= most) {
        return;
    }
    s = s > 1 ? 1 : s;
    bool near = b->capacity_bps && b->delay_bps > b->capacity_bps - b->capacity_bps / 4 &&
                b->delay_bps < b->capacity_bps + b->capacity_bps / 5;
    double response_s = (double)(b->rtt_us + 100000) / AURA_US_PER_S;
    double more = near ? 1200 * 8 / response_s * s : b->delay_bps * (grow_per_s - 1) * s;
    uint64_t to = b->delay_bps + (uint64_t)more;
    if (b->capacity_bps && to > b->capacity_bps + b->capacity_bps / 2) {
        b->capacity_bps = 0; /* it has grown: find out anew */
    }
    b->delay_bps = bounded(b, to > most ? most : to);
    if (b->limit == AURA_BWE_SILENCE || b->limit == AURA_BWE_START) {
        b->limit = AURA_BWE_DEMAND;
    }
}

static void take_probe(struct aura_bwe *b, uint64_t now_us) {
    uint32_t bps = aura__probe_result(&b->probes, aura_bwe_target_bps(b), b->rtt_us, now_us);
    if (!bps || b->delay.usage == AURA_USAGE_OVER) {
        return;
    }
    if (bps > b->delay_bps) {
        b->delay_bps = bounded(b, bps);
        b->capacity_bps = 0;
        b->limit = AURA_BWE_PROBED;
    }
    if (b->loss.bps != UINT32_MAX && bps > b->loss.bps) {
        b->loss.bps = bps;
    }
}

static void drain(struct aura_bwe *b, uint64_t now_us) {
    uint32_t usual_us = b->delay.usual_us;
    if (b->draining) {
        /* A queue that does not shrink when we send less is not ours. */
        bool vain = false;
        if (now_us > b->drain_us + DRAIN_MAX_US) {
            vain = b->delay.queue_us > b->drain_queue_us - b->drain_queue_us / 4;
            b->drain_us = now_us;
            b->drain_queue_us = b->delay.queue_us;
        }
        b->draining = !vain && b->delay.queue_us > QUEUE_SHORT_US + usual_us;
        b->drain_us = b->draining ? b->drain_us : now_us;
    } else if (b->delay.queue_us > QUEUE_LONG_US + b->rtt_us / 4 + usual_us && b->backoffs &&
               now_us > b->drain_us + DRAIN_MAX_US) {
        b->draining = true;
        b->drain_us = now_us;
        b->drain_queue_us = b->delay.queue_us;
    }
}

static void control(struct aura_bwe *b, uint64_t now_us) {
    if (b->delay.usage == AURA_USAGE_OVER) {
        back_off(b, now_us);
    } else if (b->delay.usage == AURA_USAGE_NORMAL && !b->draining) {
        grow(b, now_us);
    } else {
        b->grown_us = now_us; /* the queue empties: see first how far */
    }
    drain(b, now_us);
    if (b->draining) {
        aura__probe_hold(&b->probes, now_us + CALM_US / 4);
    }
    take_probe(b, now_us);
}

/* ---- feedback ---- */

static int64_t unwrap(struct aura_bwe *b, int64_t arrival_us) {
    const int64_t period = (int64_t)REF_WRAP_US << 24;
    if (b->has_ref && arrival_us < b->ref_last_us - period / 2) {
        b->ref_base_us += period;
    } else if (b->has_ref && arrival_us > b->ref_last_us + period / 2 && b->ref_base_us >= period) {
        return b->ref_base_us - period + arrival_us; /* late, from before the wrap */
    }
    b->ref_last_us = arrival_us;
    b->has_ref = true;
    return b->ref_base_us + arrival_us;
}

static void acked(struct aura_bwe *b, struct aura_sent *sent, int64_t arrival_us, uint64_t now_us) {
    sent->state = AURA_SENT_ACKED;
    count_delivered(b, arrival_us, sent->bytes);
    aura__delay_packet(&b->delay, sent->sent_us, arrival_us);
    if (sent->cluster) {
        aura__probe_acked(&b->probes, sent, arrival_us);
    }
    uint64_t rtt_us = now_us - sent->sent_us;
    if (rtt_us < AURA_US_PER_S * 10) {
        /* The feedback waits for its turn at the receiver: the least of a packet is nearest. */
        b->rtt_us = !b->rtt_us || rtt_us < b->rtt_us
                        ? (uint32_t)rtt_us
                        : b->rtt_us + (uint32_t)(rtt_us - b->rtt_us) / 64;
    }
}

void aura_bwe_feedback(struct aura_bwe *b, const struct aura_twcc_feedback *fb,
                       const struct aura_twcc_status *statuses, size_t count, uint64_t now_us) {
    (void)fb;
    uint32_t received = 0, missing = 0, late = 0;
    for (size_t i = 0; i < count; i++) {
        struct aura_sent *sent = aura__history_find(&b->history, statuses[i].seq);
        if (!sent || sent->state == AURA_SENT_ACKED) {
            continue;
        }
        if (!statuses[i].received) {
            missing += sent->state == AURA_SENT_WAITING;
            sent->state = AURA_SENT_LOST;
            continue;
        }
        received++;
        late += sent->state == AURA_SENT_LOST;
        acked(b, sent, unwrap(b, statuses[i].arrival_us), now_us);
    }
    b->fed = true;
    b->silent = false;
    b->fed_us = now_us;
    b->unanswered_since_us = 0;
    uint32_t before = b->loss.bps;
    /* What is missing may only be late (reordered): it counts with the next feedback. */
    uint32_t lost = b->missing > late ? b->missing - late : 0;
    b->missing = missing;
    bool queued = b->delay.queue_us > QUEUE_FULL_US;
    if (aura__loss_update(&b->loss, received, lost, aura_bwe_target_bps(b), b->rtt_us, queued,
                          now_us) &&
        b->loss.bps < before && b->loss.bps < b->delay_bps) {
        /* A link that is far too narrow may have a queue too short to show in the delay. */
        uint32_t acked = delivered_bps(b, BUCKETS);
        aura__loss_yield(&b->loss, acked ? bounded(b, acked) : 0);
        b->limit = AURA_BWE_LOSS;
        aura__probe_hold(&b->probes, now_us + CALM_US);
    }
    control(b, now_us);
}

void aura_bwe_remb(struct aura_bwe *b, uint64_t bps, uint64_t now_us) {
    b->remb_bps = bps > UINT32_MAX ? UINT32_MAX : (uint32_t)bps;
    if (!b->fed || now_us > b->fed_us + SILENCE_US) {
        /* No other word than this: it is the estimate. */
        b->delay_bps = bounded(b, bps);
        b->limit = AURA_BWE_REMB;
    }
}

void aura_bwe_report(struct aura_bwe *b, uint8_t fraction_lost, uint32_t rtt_us, uint64_t now_us) {
    if (b->fed) {
        return; /* transport-wide feedback knows better */
    }
    b->rtt_us = rtt_us ? rtt_us : b->rtt_us;
    if (aura__loss_update(&b->loss, 256u - fraction_lost, fraction_lost, aura_bwe_target_bps(b),
                          b->rtt_us, false, now_us)) {
        b->limit = AURA_BWE_LOSS;
    }
}

void aura_bwe_want(struct aura_bwe *b, uint32_t want_bps, uint64_t now_us) {
    (void)now_us;
    b->want_bps = want_bps;
}

/* Nothing is sent, so nothing is heard: what was known of queues is no longer true, and must not
 * keep the next probe from asking. */
static void forget_queue(struct aura_bwe *b) {
    b->delay.queue_us = 0;
    b->delay.usage = AURA_USAGE_NORMAL;
    b->draining = b->silent = false;
    b->unanswered_since_us = 0;
}

void aura_bwe_tick(struct aura_bwe *b, uint64_t now_us) {
    if (now_us > b->sent_us + IDLE_US) {
        forget_queue(b);
    }
    bool unanswered = b->unanswered_since_us && now_us > b->unanswered_since_us + SILENCE_US;
    if (b->fed && unanswered && now_us > b->silence_us + SILENCE_EVERY_US) {
        b->silence_us = now_us;
        b->silent = true;
        b->delay_bps = bounded(b, (uint64_t)b->delay_bps * BACKOFF_PERCENT / 100);
        b->limit = AURA_BWE_SILENCE;
    }
    if (b->fed) {
        take_probe(b, now_us);
    }
}

void aura_bwe_path_changed(struct aura_bwe *b, uint64_t now_us) {
    uint32_t now_bps = aura_bwe_target_bps(b);
    aura__delay_init(&b->delay);
    aura__loss_init(&b->loss);
    b->probes = (struct aura_probes){.begun = b->probes.begun, .answered = b->probes.answered};
    b->capacity_bps = b->rtt_us = 0;
    b->draining = false;
    b->has_bucket = false;
    b->buckets_seen = 0;
    /* The new path may be a phone's after an office's: half of the old rate is tried first. */
    b->delay_bps =
        bounded(b, now_bps / 2 > b->conf.start_bps / 2 ? now_bps / 2 : b->conf.start_bps / 2);
    b->grown_us = now_us;
    b->limit = AURA_BWE_START;
}

uint32_t aura_bwe_target_bps(const struct aura_bwe *b) {
    uint32_t bps = aura_bwe_lasting_bps(b);
    return b->draining ? bounded(b, (uint64_t)bps * DRAIN_PERCENT / 100) : bps;
}

uint32_t aura_bwe_lasting_bps(const struct aura_bwe *b) {
    uint64_t bps = b->delay_bps;
    bps = b->loss.bps < bps ? b->loss.bps : bps;
    bps = b->remb_bps && b->remb_bps < bps ? b->remb_bps : bps;
    return bounded(b, bps);
}

void aura_bwe_info(const struct aura_bwe *b, struct aura_bwe_info *out) {
    *out = (struct aura_bwe_info){.target_bps = aura_bwe_target_bps(b),
                                  .delay_bps = b->delay_bps,
                                  .loss_bps = b->loss.bps,
                                  .acked_bps = delivered_bps(b, BUCKETS),
                                  .remb_bps = b->remb_bps,
                                  .rtt_us = b->rtt_us,
                                  .queue_us = b->delay.queue_us,
                                  .loss = b->loss.fraction,
                                  .overusing = b->delay.usage == AURA_USAGE_OVER,
                                  .limit = b->limit,
                                  .probes = b->probes.begun,
                                  .probes_answered = b->probes.answered,
                                  .backoffs = b->backoffs};
    if (b->remb_bps && b->remb_bps < b->delay_bps) {
        out->limit = AURA_BWE_REMB;
    } else if (out->target_bps == b->conf.max_bps) {
        out->limit = AURA_BWE_CEILING;
    }
}

bool aura_bwe_probe_due(struct aura_bwe *b, uint64_t now_us, struct aura_bwe_probe *out) {
    bool calm = b->delay.usage != AURA_USAGE_OVER && !b->draining && !b->silent &&
                b->delay.queue_us < QUEUE_SHORT_US + b->delay.usual_us;
    uint32_t most = b->remb_bps && b->remb_bps < b->conf.max_bps ? b->remb_bps : b->conf.max_bps;
    uint32_t target_bps = aura_bwe_target_bps(b);
    /* Before the first answer there is nothing to compare with. */
    return calm && b->fed && target_bps < most &&
           aura__probe_due(&b->probes, target_bps, b->want_bps, most, now_us, out);
}
