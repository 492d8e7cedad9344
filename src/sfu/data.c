/* SPDX-License-Identifier: Apache-2.0 */
/* Data channel messages to one peer: reliable ones wait for the channel, lossy ones never do. */
#include "sfu/peer.h"

#include "base/mem.h"
#include "transport/pc.h"

static void keep_pending(struct aura_peer *peer, struct aura_blob *blob) {
    struct aura_worker *w = peer->worker;
    if (peer->pending_bytes + blob->len > AURA_SFU_PENDING_BYTES ||
        peer->pending_count >= AURA_PEER_PENDING_MAX) {
        aura__drop(w, AURA_DROP_DATA_SLOW);
        return;
    }
    struct aura_pending *p = aura_zalloc(sizeof(*p));
    if (!p) {
        aura__drop(w, AURA_DROP_LIMIT);
        return;
    }
    p->blob = aura__blob_ref(blob);
    *peer->pending_end = p;
    peer->pending_end = &p->next;
    peer->pending_bytes += blob->len;
    peer->pending_count++;
}

static void drop_first(struct aura_peer *peer) {
    struct aura_pending *p = peer->pending;
    peer->pending = p->next;
    if (!peer->pending) {
        peer->pending_end = &peer->pending;
    }
    peer->pending_bytes -= p->blob->len;
    peer->pending_count--;
    aura__blob_unref(p->blob);
    aura_free(p);
}

void aura__peer_data(struct aura_peer *peer, enum aura_data_channel channel,
                     struct aura_blob *blob) {
    struct aura_worker *w = peer->worker;
    bool reliable = channel == AURA_DATA_RELIABLE;
    if (reliable && peer->pending) {
        keep_pending(peer, blob); /* order: behind those that wait already */
        return;
    }
    if (!reliable && aura_pc_data_buffered(peer->pc, channel) > AURA_SFU_LOSSY_BYTES) {
        aura__drop(w, AURA_DROP_DATA_SLOW);
        return;
    }
    int err = aura_pc_send_data(peer->pc, channel, blob->data, blob->len);
    if (err == 0) {
        aura__count(&w->counters.data_out, 1);
    } else if (reliable && (err == AURA_ESTATE || err == AURA_EAGAIN)) {
        keep_pending(peer, blob);
    } else {
        aura__drop(w, err == AURA_ELIMIT ? AURA_DROP_LIMIT : AURA_DROP_DATA_SLOW);
    }
}

void aura__peer_data_flush(struct aura_peer *peer) {
    while (peer->pending) {
        const struct aura_blob *blob = peer->pending->blob;
        int err = aura_pc_send_data(peer->pc, AURA_DATA_RELIABLE, blob->data, blob->len);
        if (err == AURA_ESTATE || err == AURA_EAGAIN) {
            return;
        }
        if (err) {
            aura__drop(peer->worker, AURA_DROP_LIMIT);
        } else {
            aura__count(&peer->worker->counters.data_out, 1);
        }
        drop_first(peer);
    }
}

void aura__peer_data_free(struct aura_peer *peer) {
    while (peer->pending) {
        drop_first(peer);
    }
}
