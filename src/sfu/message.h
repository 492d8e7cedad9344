/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file message.h  What the control thread and the media workers tell each other.
 *
 * Messages are small and copied through the ring; larger content hangs on `ptr`, is allocated by
 * the sender and freed by the receiver (or by aura__msg_discard()).
 */
#ifndef AURA_SFU_MESSAGE_H
#define AURA_SFU_MESSAGE_H

#include "net/ring.h"
#include "sfu/sfu.h"

#include <stdatomic.h>

struct aura_packet;
struct aura_tcp;

enum aura_msg_type {
    /* control → worker; `id` is the object's */
    AURA_MSG_PEER_NEW,     /* ptr: struct aura_msg_peer */
    AURA_MSG_PEER_REMOTE,  /* ptr: struct aura_msg_remote */
    AURA_MSG_PEER_RESTART, /* ptr: struct aura_msg_peer */
    AURA_MSG_PEER_CLOSE,
    AURA_MSG_PUB_NEW,    /* ptr: struct aura_sfu_pub_conf */
    AURA_MSG_PUB_UPDATE, /* ptr: struct aura_sfu_pub_conf */
    AURA_MSG_PUB_MUTED,  /* a: muted */
    AURA_MSG_PUB_HUSHED, /* a: hushed */
    AURA_MSG_PUB_CLOSE,
    AURA_MSG_SUB_NEW,  /* ptr: struct aura_msg_sub */
    AURA_MSG_SUB_SET,  /* settings */
    AURA_MSG_SUB_MOVE, /* v: published track, 0 = none; settings */
    AURA_MSG_SUB_CLOSE,
    AURA_MSG_DATA, /* ptr: struct aura_msg_data */
    AURA_MSG_POLL_STATS,
    /* worker → worker; `id` is the published track, n: the sending worker */
    AURA_MSG_REPLICA_ADD,
    AURA_MSG_REPLICA_REMOVE,
    AURA_MSG_REPLICA_INFO, /* a: kind, b: encrypted, c: muted, w[0]: layers, w[1]: key frames wait
                            */
    AURA_MSG_REPLICA_END,
    AURA_MSG_REPLICA_SR, /* a: layer, w[0]: RTP timestamp, u: NTP time, v: arrival, monotonic us */
    AURA_MSG_KEY_FRAME,  /* a: layer, b: urgent */
    AURA_MSG_TCP,        /* ptr: struct aura_tcp, detached */
    AURA_MSG_ROUTE,      /* ptr: struct aura_addr; n: its owner, a: comes (else goes) */
    /* worker → worker, media ring */
    AURA_MSG_PACKET,   /* ptr: struct aura_packet, one reference; a: layer, b: kind */
    AURA_MSG_DATAGRAM, /* ptr: struct aura_packet (handover.c); a: socket, n: who received it */
    /* worker → control */
    AURA_MSG_PEER_STATE, /* a: enum aura_pc_state */
    AURA_MSG_DATA_OPEN,  /* a: channel */
    AURA_MSG_DATA_IN,    /* a: channel, ptr: struct aura_msg_bytes */
    AURA_MSG_PUB_LAYER,  /* ptr: struct aura_sfu_layer */
    AURA_MSG_LEVELS,     /* ptr: struct aura_sfu_level[n] */
    AURA_MSG_PUB_STATS,  /* ptr: struct aura_sfu_pub_stats */
    AURA_MSG_SUB_STATS,  /* ptr: struct aura_sfu_sub_stats */
    AURA_MSG_SUB_STARTED,
    AURA_MSG_SUB_STATE,    /* a: spatial, b: temporal, c: why, n: starved, w: bps, estimate */
    AURA_MSG_PEER_STATS,   /* ptr: struct aura_sfu_peer_stats */
    AURA_MSG_AIC,          /* ptr: struct aura_sfu_aic */
    AURA_MSG_PEER_CEILING, /* a: packets are dropped, n: kbps that it sends */
};

struct aura_msg {
    uint8_t type, a, b, c;
    uint32_t n;
    uint64_t id;
    union {
        void *ptr;
        uint64_t u;
        struct aura_sfu_sub_settings settings;
    };
    uint32_t w[2];
    uint64_t v;
};

struct aura_msg_peer {
    struct aura_sfu_peer_conf conf;
    char ufrag[AURA_ICE_UFRAG_LEN + 1], pwd[AURA_ICE_PWD_LEN + 1];
};

/** A copy of struct aura_pc_remote with what it points at. */
struct aura_msg_remote {
    struct aura_pc_remote remote;
    char ufrag[AURA_ICE_UFRAG_MAX + 1], pwd[AURA_ICE_PWD_MAX + 1];
    struct aura_fingerprint fingerprints[AURA_DTLS_FINGERPRINTS_MAX];
    struct aura_addr dial;
};

struct aura_msg_sub {
    struct aura_sfu_sub_conf conf;
    struct aura_sfu_sub_settings settings;
};

struct aura_msg_bytes {
    size_t len;
    uint8_t data[];
};

/** Message bytes shared by all receivers, on any worker. */
struct aura_blob {
    _Atomic uint32_t refs;
    size_t len;
    uint8_t data[];
};
/** @return a copy of the bytes with one reference, or NULL on no memory */
struct aura_blob *aura__blob_new(const uint8_t *data, size_t len);
struct aura_blob *aura__blob_ref(struct aura_blob *blob);
struct aura_blob *aura__blob_unref(struct aura_blob *blob);

struct aura_msg_data {
    struct aura_blob *blob; /* one reference */
    enum aura_data_channel channel;
    size_t count;
    aura_peer_id peers[];
};

/** Frees what hangs on a message that nobody will handle. */
void aura__msg_discard(struct aura_msg *m);

/**
 * The sending end of a ring that loses nothing: what the ring does not take waits here, in order,
 * until aura__outbox_flush(). Threading: belongs to the sending thread.
 */
struct aura_outbox {
    struct aura_ring *ring;
    struct aura_msg *late;
    size_t late_at, late_count, late_cap; /* late[late_at .. late_count) are waiting */
};

enum { AURA_OUTBOX_LATE_MAX = 1 << 20 };

void aura__outbox_init(struct aura_outbox *o, struct aura_ring *ring);
/** Discards what still waits. */
void aura__outbox_free(struct aura_outbox *o);
/** @return 0, AURA_ENOMEM, AURA_ELIMIT: the message is then still the caller's */
AURA_NODISCARD int aura__outbox_send(struct aura_outbox *o, const struct aura_msg *m);
/** Pushes what waits. @return true if nothing waits any more */
bool aura__outbox_flush(struct aura_outbox *o);
static inline bool aura__outbox_waiting(const struct aura_outbox *o) {
    return o->late_at < o->late_count;
}

#endif
