/* SPDX-License-Identifier: Apache-2.0 */
/** @file demux.h  What a datagram on a media port is, by its first bytes (RFC 7983, RFC 5761). */
#ifndef AURA_TRANSPORT_DEMUX_H
#define AURA_TRANSPORT_DEMUX_H

#include <stddef.h>
#include <stdint.h>

enum aura_datagram {
    AURA_DATAGRAM_OTHER, /* ZRTP, TURN channels, QUIC and what has no meaning: dropped */
    AURA_DATAGRAM_STUN,
    AURA_DATAGRAM_DTLS,
    AURA_DATAGRAM_RTP,
    AURA_DATAGRAM_RTCP,
};

static inline enum aura_datagram aura_datagram_kind(const uint8_t *data, size_t len) {
    if (len < 2) {
        return AURA_DATAGRAM_OTHER;
    }
    if (data[0] <= 3) {
        return AURA_DATAGRAM_STUN;
    }
    if (data[0] >= 20 && data[0] <= 63) {
        return AURA_DATAGRAM_DTLS;
    }
    if (data[0] >= 128 && data[0] <= 191) {
        /* RFC 5761 section 4: RTCP types 192..223, which payload types 64..95 must avoid. */
        return data[1] >= 192 && data[1] <= 223 ? AURA_DATAGRAM_RTCP : AURA_DATAGRAM_RTP;
    }
    return AURA_DATAGRAM_OTHER;
}

#endif
