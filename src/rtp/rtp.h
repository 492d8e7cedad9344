/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rtp.h  RTP packets (RFC 3550 §5.1) and their header extensions (RFC 8285).
 *
 * Parsing gives views into the caller's bytes; nothing is copied or allocated.
 */
#ifndef AURA_RTP_RTP_H
#define AURA_RTP_RTP_H

#include "base/err.h"
#include "rtp/media.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_RTP_HEADER_LEN = 12,
    AURA_RTP_CSRC_MAX = 15,
    AURA_RTP_EXT_BYTES_MAX = 1024, /* of an extension block that we take; own policy */
    AURA_RTP_ITEMS_MAX = 32,       /* extension elements walked in a block; own policy */
    AURA_RTP_EXT_ONE_BYTE = 0xBEDE,
    AURA_RTP_EXT_TWO_BYTE = 0x1000, /* the low 4 bits are appbits */
};

struct aura_rtp {
    bool marker;
    uint8_t pt;
    uint16_t seq;
    uint32_t ts, ssrc;
    uint8_t csrc_count;
    uint8_t padding_len;  /* with its count byte */
    uint16_t ext_profile; /* 0 = no extension block */
    uint16_t ext_len;     /* bytes behind the 4-byte block header */
    size_t header_len;    /* where the payload begins */
    const uint8_t *csrc;  /* csrc_count × 4 bytes */
    const uint8_t *ext;
    const uint8_t *payload; /* padding excluded; may be empty */
    size_t payload_len;
};

/** True if it can be RTP or RTCP by its version bits. */
static inline bool aura_rtp_version_ok(const uint8_t *data, size_t len) {
    return len > 0 && data[0] >> 6 == 2;
}

/**
 * Parses a whole packet; @p r points into @p data.
 * @return 0, AURA_ETRUNC, AURA_EMALFORMED (version, padding longer than the packet), AURA_ELIMIT
 */
AURA_NODISCARD int aura_rtp_parse(struct aura_rtp *r, const uint8_t *data, size_t len);

struct aura_rtp_item {
    uint8_t id;
    uint8_t len;
    const uint8_t *data;
};

/** Walks the elements of an extension block. Zero it, then set by aura_rtp_items(). */
struct aura_rtp_iter {
    const uint8_t *p, *end;
    bool two_byte;
    uint8_t walked;
};
struct aura_rtp_iter aura_rtp_items(const struct aura_rtp *r);
/** @return true with @p item filled; false at the end or where the block is malformed */
bool aura_rtp_next(struct aura_rtp_iter *it, struct aura_rtp_item *item);
/** The first element with this id (1..255). */
bool aura_rtp_find(const struct aura_rtp *r, uint8_t id, struct aura_rtp_item *item);

/** All extensions that were negotiated and found, by one walk. */
struct aura_rtp_exts {
    uint32_t present; /* bit 1 << enum aura_ext; only well-formed values have it */
    struct {
        const uint8_t *data; /* in the packet */
        uint8_t len;
    } at[AURA_EXT_COUNT];
    uint8_t audio_level_dbov; /* RFC 6464: 0 loudest … 127 silent */
    bool voice;
    bool camera_back, flip; /* video orientation: 3GPP TS 26.114 */
    uint8_t rotation;       /* in quarter turns */
    uint16_t twcc_seq;
    uint32_t abs_send_time; /* 24 bits, 6.18 s */
    uint64_t abs_capture_ntp;
    int64_t abs_capture_offset_q32; /* estimated sender clock offset; 0 if not there */
    uint16_t playout_min_ms, playout_max_ms;
};
static inline bool aura_rtp_has(const struct aura_rtp_exts *x, enum aura_ext ext) {
    return (x->present & UINT32_C(1) << ext) != 0;
}
/** Fills @p out (always whole); elements of a wrong size count as absent. */
void aura_rtp_ext_parse_all(const struct aura_rtp *r, const struct aura_ext_map *map,
                            struct aura_rtp_exts *out);

struct aura_rtp_header {
    bool marker, padding;
    uint8_t pt;
    uint16_t seq;
    uint32_t ts, ssrc;
};
/** Bytes that aura_rtp_write_header() will need; 0 if an element is not allowed. */
size_t aura_rtp_header_size(const struct aura_rtp_item *items, size_t count);
/**
 * Writes a header without CSRCs; one-byte form unless an element needs the two-byte form (id > 14,
 * empty or longer than 16 bytes). Elements with id 0 are left out.
 * @return 0 with @p len set, AURA_ELIMIT (no room), AURA_EINVAL (too many or too long)
 */
AURA_NODISCARD int aura_rtp_write_header(uint8_t *out, size_t cap, size_t *len,
                                         const struct aura_rtp_header *h,
                                         const struct aura_rtp_item *items, size_t count);

#endif
