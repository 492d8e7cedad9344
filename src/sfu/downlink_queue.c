/* SPDX-License-Identifier: Apache-2.0 */
/* Video that waits for its turn. Entries come from the worker's list of spares, so that nothing is
 * allocated once a worker has seen its worst moment. */
#include "sfu/downlink.h"

#include "base/mem.h"

static struct aura_queued *take(struct aura_worker *w) {
    struct aura_queued *q = w->spare_queued;
    if (q) {
        w->spare_queued = q->next;
        return q;
    }
    return aura_zalloc(sizeof(*q));
}

static void give_back(struct aura_worker *w, struct aura_queued *q) {
    aura__packet_unref(q->p, w->pool);
    q->next = w->spare_queued;
    w->spare_queued = q;
}

void aura__queue_free_spares(struct aura_worker *w) {
    while (w->spare_queued) {
        struct aura_queued *q = w->spare_queued;
        w->spare_queued = q->next;
        aura_free(q);
    }
}

void aura__queue_put(struct aura_downlink *d, struct aura_subscribed *sub,
                     const struct aura_packet *p, const struct aura_sub_out *out) {
    struct aura_worker *w = d->peer->worker;
    struct aura_queued *q = d->queued < AURA_DOWNLINK_QUEUE_MAX ? take(w) : NULL;
    if (!q) {
        aura__drop(w, AURA_DROP_LIMIT);
        d->queue_drops++;
        return;
    }
    *q = (struct aura_queued){.sub = sub,
                              .p = aura__packet_ref((struct aura_packet *)(uintptr_t)p),
                              .out = *out,
                              .since_us = aura__now(w)};
    if (out->repeat) {
        q->next = d->head;
        d->head = q;
        d->tail = d->tail == &d->head ? &q->next : d->tail;
    } else {
        *d->tail = q;
        d->tail = &q->next;
    }
    d->queued++;
    d->queued_bytes += p->len;
    aura__downlink_arm(d);
}

static struct aura_queued *unlink_head(struct aura_downlink *d) {
    struct aura_queued *q = d->head;
    d->head = q->next;
    if (!d->head) {
        d->tail = &d->head;
    }
    d->queued--;
    d->queued_bytes -= q->p->len;
    return q;
}

void aura__downlink_forget(struct aura_subscribed *sub) {
    struct aura_downlink *d = sub->peer->down;
    if (!d || !d->head) {
        return;
    }
    struct aura_queued **at = &d->head;
    while (*at) {
        struct aura_queued *q = *at;
        if (q->sub == sub) {
            *at = q->next;
            d->queued--;
            d->queued_bytes -= q->p->len;
            give_back(d->peer->worker, q);
        } else {
            at = &q->next;
        }
    }
    d->tail = at;
    sub->newest = sub->sent; /* the numbers of what was taken out are free again */
    sub->running = false;
}

void aura__queue_clear(struct aura_downlink *d) {
    while (d->head) {
        give_back(d->peer->worker, unlink_head(d));
    }
}

/* What waited too long is dropped with all that follows it in its stream: parts of it would only
 * make the next picture come later still. */
static void drop_stale(struct aura_downlink *d, uint64_t now_us) {
    while (d->head && now_us > d->head->since_us + AURA_DOWNLINK_WAIT_US) {
        struct aura_subscribed *sub = d->head->sub;
        size_t before = d->queued;
        aura__downlink_forget(sub);
        d->queue_drops += before - d->queued;
        aura__subscribed_dropped(sub);
    }
}

void aura__queue_drain(struct aura_downlink *d) {
    struct aura_worker *w = d->peer->worker;
    uint64_t now_us = aura__now(w);
    drop_stale(d, now_us);
    w->sending_us = aura_now_us(w->shared->clock);
    while (d->head && aura_pacer_may_send(&d->pacer, now_us)) {
        struct aura_queued *q = unlink_head(d);
        q->out.cluster = (uint8_t)d->probe.cluster;
        (void)aura__subscribed_send(q->sub, q->p, &q->out);
        give_back(w, q);
    }
    aura__downlink_arm(d);
}
