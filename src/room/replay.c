/* SPDX-License-Identifier: Apache-2.0 */
/* Reliable messages of the last seconds: who resumes says what he has had of each sender, and gets
 * the rest, in order and once (livekit-protocol §5.2). */
#include "room/room_priv.h"

#include <string.h>

enum {
    KEEP_US = 10000000, /* LiveKit's numbers */
    KEEP_BYTES = 100 * 1024,
    KEEP_BYTES_EACH = 64 * 1024,
};

struct kept {
    struct aura_node node;
    uint64_t at_us;
    char sender[SID_CAP];
    uint32_t sequence;
    size_t len;
    uint8_t bytes[]; /* as it was sent */
};

static void drop(struct room *room, struct kept *k) {
    room->kept_bytes -= k->len;
    aura_node_remove(&k->node);
    aura_free(k);
}

void aura__replay_clear(struct room *room) {
    while (!aura_list_empty(&room->kept)) {
        drop(room, AURA_LIST_FIRST(&room->kept, struct kept, node));
    }
}

static uint64_t now_us(const struct room *room) {
    return aura_now_us(room->rooms->clock);
}

static void forget_old(struct room *room) {
    struct kept *k;
    while ((k = AURA_LIST_FIRST(&room->kept, struct kept, node)) != NULL &&
           (room->kept_bytes > KEEP_BYTES || now_us(room) > k->at_us + KEEP_US)) {
        drop(room, k);
    }
}

void aura__replay_keep(struct room *room, const char *sender_sid, uint32_t sequence,
                       const uint8_t *bytes, size_t len) {
    struct kept *k = len <= KEEP_BYTES_EACH ? aura_zalloc(sizeof(*k) + len) : NULL;
    if (!k) {
        return; /* who is away just now may miss it */
    }
    k->at_us = now_us(room);
    k->sequence = sequence;
    k->len = len;
    memcpy(k->sender, sender_sid, strnlen(sender_sid, SID_CAP - 1));
    memcpy(k->bytes, bytes, len);
    aura_list_add(&room->kept, &k->node);
    room->kept_bytes += len;
    forget_old(room);
}

/* @return the last message that the client has had of a sender; 0 = none */
static uint32_t last_had(const Livekit__SyncState *q, const char *sender) {
    for (size_t i = 0; i < q->n_datachannel_receive_states; i++) {
        if (strcmp(q->datachannel_receive_states[i]->publisher_sid, sender) == 0) {
            return q->datachannel_receive_states[i]->last_seq;
        }
    }
    return 0;
}

void aura__replay_to(struct participant *p, const Livekit__SyncState *q) {
    struct room *room = p->room;
    aura_peer_id peer = aura__connect_down(p)->peer;
    forget_old(room);
    AURA_LIST_EACH(&room->kept, struct kept, k, node) {
        if (strcmp(k->sender, p->sid) == 0 || k->sequence <= last_had(q, k->sender) ||
            k->at_us < p->joined_us) {
            continue;
        }
        Livekit__DataPacket *d =
            livekit__data_packet__unpack(aura_pb_allocator(), k->len, k->bytes);
        if (d && aura__data_wanted(p, d)) {
            /* What does not fit into his channel any more is lost to him, as if it were old. */
            (void)!aura_fleet_data_send(&room->rooms->reach, &peer, 1, AURA_DATA_RELIABLE, k->bytes,
                                        k->len);
        }
        aura__pb_free(d);
    }
}
