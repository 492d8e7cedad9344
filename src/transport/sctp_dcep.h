/* SPDX-License-Identifier: Apache-2.0 */
/** @file sctp_dcep.h  Messages of the data channel establishment protocol (RFC 8832). */
#ifndef AURA_TRANSPORT_SCTP_DCEP_H
#define AURA_TRANSPORT_SCTP_DCEP_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { AURA_DCEP_ACK = 2, AURA_DCEP_OPEN = 3, AURA_DCEP_LABEL_MAX = 256, AURA_DCEP_MAX = 1024 };

enum aura_dcep_reliability {
    AURA_DCEP_RELIABLE = 0,
    AURA_DCEP_REXMIT = 1, /* at most `parameter` retransmissions */
    AURA_DCEP_TIMED = 2,  /* at most `parameter` milliseconds */
};

struct aura_dcep_open {
    enum aura_dcep_reliability reliability;
    bool unordered;
    uint16_t priority;
    uint32_t parameter;
    const char *label, *protocol; /* borrowed, not NUL-terminated */
    size_t label_len, protocol_len;
};

/** Type of a message: AURA_DCEP_ACK, AURA_DCEP_OPEN, or 0 = neither. */
int aura_dcep_type(const uint8_t *data, size_t len);
/** @return 0, AURA_ETRUNC, AURA_EMALFORMED, AURA_ELIMIT */
AURA_NODISCARD int aura_dcep_parse_open(struct aura_dcep_open *o, const uint8_t *data, size_t len);
/** @return 0 or AURA_ELIMIT */
AURA_NODISCARD int aura_dcep_build_open(const struct aura_dcep_open *o, uint8_t *out, size_t cap,
                                        size_t *len);

#endif
