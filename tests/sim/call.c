/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cc/pacer.h"
#include "rtp/rtcp.h"

#include <stdlib.h>
#include <string.h>

enum {
    STEP_US = 1000,
    FPS = 25,
    AUDIO_BYTES = 120 + 50, /* 48 kbps Opus with headers, every 20 ms */
    MTU = 1200,
    OVERHEAD = 60,
    KEY_FACTOR = 8,
    KEY_EVERY_US = 5000000, /* somebody else joins */
    PLI_US = 120000,        /* until the key frame of another layer comes */
    QUEUE_MAX = 4096,
    QUEUE_WAIT_US = 400000,
    FLIGHT_MAX = 16384,
    WAITS_MAX = 65536,
};

enum kind { AUDIO, VIDEO, PADDING, CROSS };

struct packet {
    uint64_t due_us, sent_us, since_us;
    uint16_t seq, bytes;
    uint8_t kind, track, flow;
};

struct tcp { /* Reno, about */
    double window;
    unsigned flying;
    uint64_t cut_us;
};

struct world {
    struct call *c;
    struct aura_bwe *bwe;
    struct aura_pacer pacer;
    struct aura_alloc_track track[CALL_TRACKS_MAX];
    uint64_t switch_us[CALL_TRACKS_MAX]; /* the new layer's key frame */
    struct aura_alloc_track sending[CALL_TRACKS_MAX];
    bool key[CALL_TRACKS_MAX];
    struct packet queue[QUEUE_MAX];
    size_t head, queued;
    struct packet flight[FLIGHT_MAX];
    size_t flying;
    struct aura_twcc *twcc;
    struct {
        uint64_t due_us;
        size_t len;
        uint8_t data[1200];
    } feedback[16];
    size_t feedbacks;
    struct aura_bwe_probe probe;
    uint64_t probe_us;
    size_t probe_sent, probe_packets;
    uint32_t allocated_bps;
    struct tcp tcp[4];
    uint16_t seq;
    struct aura_rand_seeded rand;
    uint32_t *waits;
    size_t wait_count;
    uint64_t now_us;
    double cross_debt;
};

static const uint32_t layer_bps[AURA_ALLOC_SPATIAL] = {150000, 500000, 1700000};

static struct call_slot *slot(struct world *w) {
    size_t i = (size_t)(w->now_us / (CALL_SLOT_MS * AURA_US_PER_MS));
    i = i < CALL_SLOTS_MAX ? i : CALL_SLOTS_MAX - 1;
    w->c->slots = i + 1;
    return &w->c->slot[i];
}

static void transmit(struct world *w, struct packet *p) {
    struct link *l = &w->c->conf.down;
    unsigned cluster = p->kind != CROSS ? w->probe.cluster : 0;
    p->sent_us = w->now_us;
    if (p->kind != CROSS) {
        p->seq = w->seq++;
        aura_bwe_sent(w->bwe, p->seq, p->bytes, w->now_us, cluster);
        aura_pacer_sent(&w->pacer, p->bytes, w->now_us);
        w->probe_sent += cluster ? p->bytes : 0;
        w->probe_packets += cluster != 0;
    }
    w->c->audio_sent += p->kind == AUDIO;
    w->c->video_sent += p->kind == VIDEO;
    w->c->pad_bytes += p->kind == PADDING ? p->bytes : 0;
    p->due_us = link_send(l, p->bytes, w->now_us);
    uint64_t queue_us = link_queue_us(l, w->now_us);
    struct call_slot *s = slot(w);
    s->queue_us = queue_us > s->queue_us ? (uint32_t)queue_us : s->queue_us;
    if (!p->due_us) {
        w->c->audio_lost += p->kind == AUDIO;
        w->c->video_lost += p->kind == VIDEO;
        if (p->kind == CROSS) {
            struct tcp *t = &w->tcp[p->flow];
            t->flying--;
            if (w->now_us > t->cut_us + 2 * l->delay_us + 50000) {
                t->window = t->window > 4 ? t->window / 2 : 2;
                t->cut_us = w->now_us;
            }
        }
        return;
    }
    AURA_BUG_ON(w->flying == FLIGHT_MAX);
    w->flight[w->flying++] = *p;
}

static void send_video(struct world *w, unsigned track, size_t bytes) {
    while (bytes) {
        size_t part = bytes > MTU ? MTU : bytes;
        struct packet p = {.kind = VIDEO,
                           .track = (uint8_t)track,
                           .bytes = (uint16_t)(part + OVERHEAD),
                           .since_us = w->now_us};
        bytes -= part;
        if (w->queued == 0 && aura_pacer_may_send(&w->pacer, w->now_us)) {
            transmit(w, &p);
        } else if (w->queued < QUEUE_MAX) {
            w->queue[(w->head + w->queued++) % QUEUE_MAX] = p;
        } else {
            w->c->own_drops++;
        }
    }
}

static void drain(struct world *w) {
    while (w->queued) {
        struct packet *p = &w->queue[w->head];
        bool stale = w->now_us > p->since_us + QUEUE_WAIT_US;
        if (!stale && !aura_pacer_may_send(&w->pacer, w->now_us)) {
            return;
        }
        if (stale) {
            w->c->own_drops++;
            w->key[p->track] = true;
        } else {
            transmit(w, p);
        }
        w->head = (w->head + 1) % QUEUE_MAX;
        w->queued--;
    }
}

static void frames(struct world *w) {
    if (w->now_us % (20 * AURA_US_PER_MS) == 0 && !w->c->conf.no_audio) {
        struct packet p = {.kind = AUDIO, .bytes = AUDIO_BYTES};
        transmit(w, &p);
    }
    for (unsigned i = 0; i < w->c->conf.cameras; i++) {
        if ((w->now_us + i * 7000) % (AURA_US_PER_S / FPS) != 0) {
            continue;
        }
        struct aura_alloc_track *s = &w->sending[i];
        if (s->spatial != w->track[i].spatial && w->now_us >= w->switch_us[i]) {
            w->key[i] = w->track[i].spatial >= 0;
            *s = w->track[i];
        }
        w->key[i] |= (w->now_us + i * 1300000) % KEY_EVERY_US < AURA_US_PER_S / FPS;
        if (s->spatial < 0 || w->track[i].spatial < 0) {
            continue;
        }
        size_t bytes = layer_bps[s->spatial] / 8 / FPS;
        bytes = bytes * (80 + aura_rand_below(&w->rand.rand, 41)) / 100;
        bytes *= w->key[i] ? KEY_FACTOR : 1;
        w->key[i] = false;
        send_video(w, i, bytes);
    }
}

static void share_out(struct world *w) {
    struct aura_alloc_track *list[CALL_TRACKS_MAX];
    struct aura_alloc_result r;
    uint32_t audio_bps = AUDIO_BYTES * 8 * 50;
    uint32_t target = aura_bwe_target_bps(w->bwe);
    uint64_t budget = (uint64_t)target * 95 / 100;
    for (unsigned i = 0; i < w->c->conf.cameras; i++) {
        list[i] = &w->track[i];
    }
    int8_t before[CALL_TRACKS_MAX];
    for (unsigned i = 0; i < w->c->conf.cameras; i++) {
        before[i] = w->track[i].spatial;
    }
    uint64_t least = (uint64_t)aura_bwe_lasting_bps(w->bwe) * 95 / 100;
    aura_alloc(list, w->c->conf.cameras, budget > audio_bps ? (uint32_t)budget - audio_bps : 0,
               least > audio_bps ? (uint32_t)least - audio_bps : 0, w->now_us, &r);
    for (unsigned i = 0; i < w->c->conf.cameras; i++) {
        if (before[i] != w->track[i].spatial) {
            w->switch_us[i] = w->now_us + PLI_US;
        }
    }
    uint32_t want = r.wanted_bps > r.given_bps ? r.wanted_bps + audio_bps : 0;
    aura_bwe_want(w->bwe, (uint32_t)((uint64_t)want * 100 / 95), w->now_us);
    w->allocated_bps = target;
}

static void set_pacer(struct world *w) {
    aura_pacer_set(&w->pacer, (uint32_t)((uint64_t)aura_bwe_target_bps(w->bwe) * 5 / 2), 10000);
}

static void probe(struct world *w) {
    if (!w->probe.cluster && aura_bwe_probe_due(w->bwe, w->now_us, &w->probe)) {
        w->probe_us = w->now_us;
        w->probe_sent = w->probe_packets = 0;
    }
    if (!w->probe.cluster) {
        return;
    }
    uint64_t due = (w->now_us - w->probe_us) * w->probe.rate_bps / 8 / AURA_US_PER_S;
    while (w->probe_sent <= due &&
           (w->probe_sent < w->probe.bytes || w->probe_packets < w->probe.packets_min)) {
        size_t bytes = w->probe.bytes / w->probe.packets_min;
        struct packet p = {.kind = PADDING, .bytes = (uint16_t)(bytes > MTU ? MTU : bytes)};
        transmit(w, &p);
    }
    if (w->probe_sent >= w->probe.bytes && w->probe_packets >= w->probe.packets_min) {
        w->probe.cluster = 0;
    }
}

static void arrive(struct world *w) {
    for (size_t i = 0; i < w->flying;) {
        struct packet p = w->flight[i];
        if (p.due_us > w->now_us) {
            i++;
            continue;
        }
        w->flight[i] = w->flight[--w->flying];
        struct call_slot *s = slot(w);
        s->video_bytes += p.kind == VIDEO ? p.bytes : 0;
        s->audio_bytes += p.kind == AUDIO ? p.bytes : 0;
        s->cross_bytes += p.kind == CROSS ? p.bytes : 0;
        if (p.kind == CROSS) {
            w->tcp[p.flow].flying--;
            w->tcp[p.flow].window += 1 / w->tcp[p.flow].window;
        } else {
            aura_twcc_record(w->twcc, p.seq, p.due_us + 777000000);
        }
        if (p.kind == AUDIO && w->wait_count < WAITS_MAX) {
            w->waits[w->wait_count++] = (uint32_t)(p.due_us - p.sent_us - w->c->conf.down.delay_us);
        }
    }
}

static void send_feedback(struct world *w) {
    uint32_t every_ms = w->c->conf.feedback_ms ? w->c->conf.feedback_ms : 100;
    if (w->now_us % (every_ms * AURA_US_PER_MS) != 0) {
        return;
    }
    while (aura_twcc_pending(w->twcc) && w->feedbacks < 16) {
        struct aura_wr wr = aura_wr_of(w->feedback[w->feedbacks].data, 1200);
        if (aura_twcc_build(w->twcc, &wr, 1, 2) == 0) {
            break;
        }
        double chance = (double)aura_rand_u32(&w->rand.rand) / 4294967296.0;
        if (chance >= w->c->conf.up_loss) {
            w->feedback[w->feedbacks].len = aura_wr_len(&wr);
            w->feedback[w->feedbacks++].due_us = w->now_us + w->c->conf.up_delay_us;
        }
    }
}

static void take_feedback(struct world *w) {
    while (w->feedbacks && w->feedback[0].due_us <= w->now_us) {
        static struct aura_twcc_status statuses[AURA_TWCC_STATUSES_MAX];
        struct aura_twcc_feedback fb;
        struct aura_rtcp p;
        struct aura_rtcp_iter it = aura_rtcp_packets(w->feedback[0].data, w->feedback[0].len);
        int n = aura_rtcp_next(&it, &p) == 1 ? aura_twcc_parse(&p, &fb, statuses) : -1;
        AURA_BUG_ON(n < 0);
        aura_bwe_feedback(w->bwe, &fb, statuses, (size_t)n, w->now_us);
        w->feedbacks--;
        memmove(&w->feedback[0], &w->feedback[1], w->feedbacks * sizeof(w->feedback[0]));
        set_pacer(w);
        if (aura_bwe_target_bps(w->bwe) < w->allocated_bps - w->allocated_bps / 32) {
            share_out(w);
        }
    }
}

static void compete(struct world *w) {
    for (unsigned i = 0; i < w->c->conf.tcp_flows; i++) {
        struct tcp *t = &w->tcp[i];
        while (t->flying < (unsigned)t->window) {
            struct packet p = {.kind = CROSS, .flow = (uint8_t)i, .bytes = 1500};
            uint64_t drops = w->c->conf.down.tail_drops;
            t->flying++;
            transmit(w, &p);
            if (w->c->conf.down.tail_drops != drops) {
                break; /* learns of it in the next step */
            }
        }
    }
    w->cross_debt += (double)w->c->conf.constant_bps / 8 / 1000;
    if (w->cross_debt >= 1200) {
        w->cross_debt -= 1200;
        (void)link_send(&w->c->conf.down, 1200, w->now_us);
    }
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void note_slot(struct world *w) {
    struct call_slot *s = slot(w);
    s->target_bps = aura_bwe_target_bps(w->bwe);
    s->capacity_bps = link_bps(&w->c->conf.down, w->now_us);
    for (unsigned i = 0; i < w->c->conf.cameras; i++) {
        s->layers[i] = w->track[i].spatial;
    }
}

void call_run(struct call *c) {
    static struct world world;
    struct world *w = &world;
    const struct aura_bwe_conf bwe = {.start_bps = 0};
    memset(w, 0, sizeof(*w));
    memset(c->slot, 0, sizeof(c->slot));
    w->c = c;
    w->now_us = STEP_US;
    w->waits = aura_calloc(WAITS_MAX, sizeof(*w->waits));
    aura_rand_seeded_init(&w->rand, c->conf.seed);
    aura_rand_seeded_init(&c->conf.down.rand, c->conf.seed + 1);
    AURA_BUG_ON(!w->waits || aura_bwe_new(&w->bwe, &bwe, w->now_us) || aura_twcc_new(&w->twcc));
    for (unsigned i = 0; i < c->conf.cameras; i++) {
        w->track[i] = (struct aura_alloc_track){.max_spatial = 2, .max_temporal = 0};
        for (int s = 0; s < AURA_ALLOC_SPATIAL; s++) {
            w->track[i].bps[s][0] = layer_bps[s] + layer_bps[s] / 20;
        }
        w->sending[i].spatial = AURA_ALLOC_PAUSED;
    }
    for (unsigned i = 0; i < c->conf.tcp_flows; i++) {
        w->tcp[i].window = 4;
    }
    w->seq = 65000; /* wraps early */
    set_pacer(w);
    share_out(w);
    for (; w->now_us < c->conf.seconds * AURA_US_PER_S; w->now_us += STEP_US) {
        arrive(w);
        send_feedback(w);
        take_feedback(w);
        if (w->now_us % (100 * AURA_US_PER_MS) == 0) {
            aura_bwe_tick(w->bwe, w->now_us);
            set_pacer(w);
            share_out(w);
            note_slot(w);
        }
        probe(w);
        frames(w);
        drain(w);
        compete(w);
    }
    aura_bwe_info(w->bwe, &c->info);
    qsort(w->waits, w->wait_count, sizeof(*w->waits), by_size);
    c->audio_wait_p95_us = w->wait_count ? w->waits[w->wait_count * 95 / 100] : 0;
    aura_bwe_free(w->bwe);
    aura_twcc_free(w->twcc);
    aura_free(w->waits);
}
