/* SPDX-License-Identifier: Apache-2.0 */
/* What the workers report, on the control thread: handlers, counters. */
#include "base/mem.h"
#include "sfu/sfu_priv.h"

static void data_taken(struct aura_sfu *sfu, const struct aura_msg_bytes *bytes) {
    atomic_fetch_sub_explicit(&sfu->shared.data_waiting, sizeof(*bytes) + bytes->len,
                              memory_order_relaxed);
}

static void handle(void *arg, void *message) {
    struct aura_sfu *sfu = arg;
    struct aura_msg *m = message;
    const struct aura_sfu_handlers *h = &sfu->handlers;
    /* A switch over the few types that come this way; all others are bugs of ours. */
    switch (m->type) {
    case AURA_MSG_PEER_STATE:
        if (h->peer_state) {
            h->peer_state(sfu->arg, m->id, (enum aura_pc_state)m->a);
        }
        break;
    case AURA_MSG_DATA_OPEN:
        if (h->data_open) {
            h->data_open(sfu->arg, m->id, (enum aura_data_channel)m->a);
        }
        break;
    case AURA_MSG_DATA_IN:
        data_taken(sfu, m->ptr);
        if (h->data) {
            const struct aura_msg_bytes *bytes = m->ptr;
            h->data(sfu->arg, m->id, (enum aura_data_channel)m->a, bytes->data, bytes->len);
        }
        break;
    case AURA_MSG_PUB_LAYER:
        if (h->pub_layer) {
            h->pub_layer(sfu->arg, m->id, m->ptr);
        }
        break;
    case AURA_MSG_LEVELS:
        if (h->audio_levels) {
            h->audio_levels(sfu->arg, m->ptr, m->n);
        }
        break;
    case AURA_MSG_PUB_STATS:
        if (h->pub_stats) {
            h->pub_stats(sfu->arg, m->ptr);
        }
        break;
    case AURA_MSG_SUB_STATS:
        if (h->sub_stats) {
            h->sub_stats(sfu->arg, m->ptr);
        }
        break;
    case AURA_MSG_SUB_STATE:
        if (h->sub_state) {
            struct aura_sfu_sub_state state = {.sub = m->id,
                                               .paused = m->n != 0,
                                               .spatial = (int8_t)m->a,
                                               .temporal = (int8_t)m->b,
                                               .why = (enum aura_alloc_why)m->c,
                                               .bps = m->w[0],
                                               .estimate_bps = m->w[1]};
            h->sub_state(sfu->arg, &state);
        }
        break;
    case AURA_MSG_PEER_STATS:
        if (h->peer_stats) {
            h->peer_stats(sfu->arg, m->ptr);
        }
        break;
    case AURA_MSG_PEER_CEILING:
        if (h->peer_ceiling) {
            h->peer_ceiling(sfu->arg, m->id, m->a, m->n);
        }
        break;
    case AURA_MSG_AIC:
        if (h->aic) {
            h->aic(sfu->arg, m->ptr);
        }
        break;
    case AURA_MSG_SUB_STARTED:
        if (h->sub_started) {
            h->sub_started(sfu->arg, m->id);
        }
        break;
    default:
        AURA_BUG_ON(true);
    }
    aura__msg_discard(m);
}

void aura__sfu_events(void *arg, struct aura_watch *watch, unsigned events) {
    (void)watch;
    (void)events;
    struct aura_sfu *sfu = arg;
    aura_ring_drain(sfu->shared.events, 1024, handle, sfu);
}

const char *aura_sfu_drop_name(enum aura_sfu_drop drop) {
    static const char *const names[AURA_DROP_COUNT] = {
        [AURA_DROP_UNKNOWN_PEER] = "unknown_peer", [AURA_DROP_BAD_STUN] = "bad_stun",
        [AURA_DROP_BAD_DTLS] = "bad_dtls",         [AURA_DROP_SRTP_AUTH] = "srtp_auth",
        [AURA_DROP_SRTP_REPLAY] = "srtp_replay",   [AURA_DROP_BAD_RTP] = "bad_rtp",
        [AURA_DROP_BAD_RTCP] = "bad_rtcp",         [AURA_DROP_UNKNOWN_SSRC] = "unknown_ssrc",
        [AURA_DROP_UNKNOWN_PT] = "unknown_pt",     [AURA_DROP_STALE] = "stale",
        [AURA_DROP_NO_CONSENT] = "no_consent",     [AURA_DROP_SEND_QUEUE] = "send_queue",
        [AURA_DROP_RING_FULL] = "ring_full",       [AURA_DROP_LIMIT] = "limit",
        [AURA_DROP_DATA_SLOW] = "data_slow",       [AURA_DROP_CEILING] = "ceiling",
    };
    return (size_t)drop < AURA_DROP_COUNT ? names[drop] : "";
}

const uint32_t aura_sfu_forward_bounds_us[AURA_SFU_FORWARD_BUCKETS] = {
    50, 100, 250, 500, 1000, 2000, 3000, 5000, 10000, 20000, UINT32_MAX};

static uint64_t get(_Atomic uint64_t *c) {
    return atomic_load_explicit(c, memory_order_relaxed);
}

static void add_aic(struct aura_worker_counters *c, struct aura_sfu_counters *out) {
    out->aic_sent += get(&c->aic_sent);
    out->aic_native += get(&c->aic_native);
    out->aic_frames += get(&c->aic_frames);
    out->aic_late += get(&c->aic_late);
    out->aic_latency_us += get(&c->aic_latency_us);
    for (size_t i = 0; i < AURA_SFU_AIC_BUCKETS; i++) {
        out->aic_latency[i] += get(&c->aic_latency[i]);
    }
    for (size_t i = 0; i < AURA_AIC_REASONS; i++) {
        out->aic_fallbacks[i] += get(&c->aic_fallbacks[i]);
    }
}

static void add_forward(struct aura_worker_counters *c, struct aura_sfu_forward *out) {
    out->us += get(&c->forward_us);
    out->us2 += get(&c->forward_us2);
    for (size_t i = 0; i < AURA_SFU_FORWARD_BUCKETS; i++) {
        uint64_t n = get(&c->forward[i]);
        out->bucket[i] += n;
        out->count += n;
    }
}

static void add_worker(struct aura_worker *w, struct aura_sfu_counters *out, bool reset) {
    struct aura_worker_counters *c = &w->counters;
    out->packets_in += get(&c->packets_in);
    out->packets_out += get(&c->packets_out);
    out->bytes_in += get(&c->bytes_in);
    out->bytes_out += get(&c->bytes_out);
    out->handed_over += get(&c->handed_over);
    out->retransmits_out += get(&c->retransmits_out);
    out->retransmit_bytes_out += get(&c->retransmit_bytes_out);
    out->data_in += get(&c->data_in);
    out->data_out += get(&c->data_out);
    out->nack_in += get(&c->nack_in);
    out->nack_out += get(&c->nack_out);
    out->pli_in += get(&c->pli_in);
    out->pli_out += get(&c->pli_out);
    out->fir_in += get(&c->fir_in);
    out->syscalls_in += get(&c->syscalls_in);
    out->syscalls_out += get(&c->syscalls_out);
    out->allocations += get(&c->allocations);
    out->peers += get(&c->peers);
    out->pubs += get(&c->pubs);
    out->subs += get(&c->subs);
    add_aic(c, out);
    add_forward(c, &out->forward);
    for (size_t i = 0; i < AURA_DROP_COUNT; i++) {
        out->drops[i] += get(&c->drops[i]);
    }
    out->drops[AURA_DROP_SEND_QUEUE] += get(&c->send_dropped);
    struct aura_loop_stats stats;
    aura_loop_stats(w->loop, &stats, reset);
    if (stats.turn_us_max > out->loop_lag_us_max) {
        out->loop_lag_us_max = stats.turn_us_max;
    }
}

static void add_up(struct aura_sfu *sfu, struct aura_sfu_counters *out, bool reset) {
    *out = (struct aura_sfu_counters){.packets_in = 0};
    for (size_t i = 0; i < sfu->shared.worker_count; i++) {
        add_worker(sfu->shared.workers[i], out, reset);
    }
    out->drops[AURA_DROP_RING_FULL] += sfu->lost_messages;
}

void aura_sfu_counters(struct aura_sfu *sfu, struct aura_sfu_counters *out) {
    add_up(sfu, out, true);
}

void aura_sfu_peek(struct aura_sfu *sfu, struct aura_sfu_counters *out) {
    add_up(sfu, out, false);
}

uint64_t aura_sfu_bytes(const struct aura_sfu *sfu) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < sfu->shared.worker_count; i++) {
        struct aura_worker_counters *c = &sfu->shared.workers[i]->counters;
        bytes += get(&c->bytes_in) + get(&c->bytes_out);
    }
    return bytes;
}

uint64_t aura_sfu_packets(const struct aura_sfu *sfu) {
    uint64_t packets = 0;
    for (size_t i = 0; i < sfu->shared.worker_count; i++) {
        struct aura_worker_counters *c = &sfu->shared.workers[i]->counters;
        packets += get(&c->packets_in) + get(&c->packets_out);
    }
    return packets;
}
