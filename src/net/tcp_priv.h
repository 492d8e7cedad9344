/* SPDX-License-Identifier: Apache-2.0 */
/** @file tcp_priv.h  What the listener and its connections share. */
#ifndef AURA_NET_TCP_PRIV_H
#define AURA_NET_TCP_PRIV_H

#include "base/list.h"
#include "net/tcp.h"

/* Counts connections of one listener on whatever thread they live; freed with the last user. */
struct aura__tcp_quota {
    uint32_t users;             /* atomic: the listener and each connection */
    uint32_t open, max;         /* open: atomic */
    uint64_t accepted, refused; /* atomic */
    uint64_t idle_us, first_us;
};

bool aura__tcp_quota_take(struct aura__tcp_quota *q);
void aura__tcp_quota_give(struct aura__tcp_quota *q);
void aura__tcp_quota_drop_user(struct aura__tcp_quota *q);

/**
 * A connection over an accepted socket, detached. Takes the socket on success only, and one place
 * of the quota that the caller has taken.
 */
AURA_NODISCARD int aura__tcp_new(struct aura_tcp **cp, int fd, struct aura__tcp_quota *q);
/** The connection's node in the list of its listener; unlinked by detach and at the end. */
struct aura_node *aura__tcp_node(struct aura_tcp *c);
struct aura_tcp *aura__tcp_of_node(struct aura_node *n);

#endif
