/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pktbuf.h  Ring of recent packets by extended sequence number, for retransmission.
 *
 * Holds opaque packets (usually counted references): a packet that leaves is given to `release`.
 */
#ifndef AURA_RTP_PKTBUF_H
#define AURA_RTP_PKTBUF_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AURA_PKTBUF_SLOTS_MAX = 16384 };

struct aura_pktbuf;
typedef void(aura_pktbuf_release_fn)(void *pkt, void *arg);
/**
 * @param slots  rounded up to a power of two, 1..AURA_PKTBUF_SLOTS_MAX
 * @return 0, AURA_ENOMEM, AURA_EINVAL
 */
AURA_NODISCARD int aura_pktbuf_new(struct aura_pktbuf **bp, size_t slots,
                                   aura_pktbuf_release_fn *release, void *arg);
/** Releases all. Returns NULL. */
struct aura_pktbuf *aura_pktbuf_free(struct aura_pktbuf *b);
/**
 * Takes over @p pkt if it returns 0. Late packets within the window find their place.
 * @return 0, AURA_EEXISTS (a duplicate), AURA_ESTALE (older than the window)
 */
AURA_NODISCARD int aura_pktbuf_put(struct aura_pktbuf *b, uint64_t eseq, void *pkt);
/** Borrowed, valid until the next put; NULL if not there. */
void *aura_pktbuf_get(const struct aura_pktbuf *b, uint64_t eseq);
/** By 16-bit number, taken as the one nearest below the newest. */
void *aura_pktbuf_get_seq(const struct aura_pktbuf *b, uint16_t seq, uint64_t *eseq);
/**
 * As get, but NULL if it was given out by this function less than @p min_us ago (answers to a
 * NACK storm; RFC 4588 §6.3).
 */
void *aura_pktbuf_resend(struct aura_pktbuf *b, uint64_t eseq, uint64_t now_us, uint64_t min_us);
void aura_pktbuf_clear(struct aura_pktbuf *b);

#endif
