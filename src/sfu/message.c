/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/message.h"

#include "base/mem.h"
#include "net/tcp.h"
#include "sfu/packet.h"

#include <string.h>

struct aura_blob *aura__blob_new(const uint8_t *data, size_t len) {
    struct aura_blob *blob = aura_zalloc(sizeof(*blob) + len);
    if (blob) {
        atomic_init(&blob->refs, 1);
        blob->len = len;
        if (len) {
            memcpy(blob->data, data, len);
        }
    }
    return blob;
}

struct aura_blob *aura__blob_ref(struct aura_blob *blob) {
    atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
    return blob;
}

struct aura_blob *aura__blob_unref(struct aura_blob *blob) {
    if (blob && atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) == 1) {
        aura_free(blob);
    }
    return NULL;
}

void aura__msg_discard(struct aura_msg *m) {
    switch ((enum aura_msg_type)m->type) {
    case AURA_MSG_PEER_NEW:
    case AURA_MSG_PEER_REMOTE:
    case AURA_MSG_PEER_RESTART:
        aura_wipe(m->ptr, m->type == AURA_MSG_PEER_REMOTE ? sizeof(struct aura_msg_remote)
                                                          : sizeof(struct aura_msg_peer));
        aura_free(m->ptr);
        break;
    case AURA_MSG_PUB_NEW:
    case AURA_MSG_PUB_UPDATE:
    case AURA_MSG_SUB_NEW:
    case AURA_MSG_DATA_IN:
    case AURA_MSG_PUB_LAYER:
    case AURA_MSG_LEVELS:
    case AURA_MSG_PUB_STATS:
    case AURA_MSG_PEER_STATS:
    case AURA_MSG_SUB_STATS:
    case AURA_MSG_AIC:
    case AURA_MSG_ROUTE:
        aura_free(m->ptr);
        break;
    case AURA_MSG_DATA:
        aura__blob_unref(((struct aura_msg_data *)m->ptr)->blob);
        aura_free(m->ptr);
        break;
    case AURA_MSG_TCP:
        aura_tcp_close(m->ptr);
        break;
    case AURA_MSG_PACKET:
    case AURA_MSG_DATAGRAM:
        aura__packet_unref(m->ptr, NULL);
        break;
    case AURA_MSG_PEER_CLOSE:
    case AURA_MSG_PUB_MUTED:
    case AURA_MSG_PUB_HUSHED:
    case AURA_MSG_PUB_CLOSE:
    case AURA_MSG_SUB_SET:
    case AURA_MSG_SUB_MOVE:
    case AURA_MSG_SUB_CLOSE:
    case AURA_MSG_POLL_STATS:
    case AURA_MSG_REPLICA_ADD:
    case AURA_MSG_REPLICA_REMOVE:
    case AURA_MSG_REPLICA_INFO:
    case AURA_MSG_REPLICA_END:
    case AURA_MSG_REPLICA_SR:
    case AURA_MSG_KEY_FRAME:
    case AURA_MSG_PEER_STATE:
    case AURA_MSG_PEER_CEILING:
    case AURA_MSG_DATA_OPEN:
    case AURA_MSG_SUB_STARTED:
    case AURA_MSG_SUB_STATE:
        break;
    }
}

void aura__outbox_init(struct aura_outbox *o, struct aura_ring *ring) {
    *o = (struct aura_outbox){.ring = ring};
}

void aura__outbox_free(struct aura_outbox *o) {
    while (aura__outbox_waiting(o)) {
        aura__msg_discard(&o->late[o->late_at++]);
    }
    aura_free(o->late);
    *o = (struct aura_outbox){.ring = NULL};
}

static int keep(struct aura_outbox *o, const struct aura_msg *m) {
    if (o->late_count == o->late_cap && o->late_at > o->late_cap / 2) {
        memmove(o->late, o->late + o->late_at, (o->late_count - o->late_at) * sizeof(*m));
        o->late_count -= o->late_at;
        o->late_at = 0;
    }
    if (o->late_count == o->late_cap) {
        if (o->late_cap >= AURA_OUTBOX_LATE_MAX) {
            return AURA_ELIMIT;
        }
        size_t cap = o->late_cap ? o->late_cap * 2 : 256;
        struct aura_msg *late = aura_realloc(o->late, cap * sizeof(*m));
        if (!late) {
            return AURA_ENOMEM;
        }
        o->late = late;
        o->late_cap = cap;
    }
    o->late[o->late_count++] = *m;
    return 0;
}

int aura__outbox_send(struct aura_outbox *o, const struct aura_msg *m) {
    if (aura__outbox_waiting(o) && !aura__outbox_flush(o)) {
        return keep(o, m);
    }
    return aura_ring_push(o->ring, m) == 0 ? 0 : keep(o, m);
}

bool aura__outbox_flush(struct aura_outbox *o) {
    while (aura__outbox_waiting(o)) {
        if (aura_ring_push(o->ring, &o->late[o->late_at])) {
            return false;
        }
        o->late_at++;
    }
    o->late_at = o->late_count = 0;
    return true;
}
