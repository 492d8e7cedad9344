/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rtx.h  Retransmission payload format (RFC 4588 §4): the header moves, the payload stays.
 */
#ifndef AURA_RTP_RTX_H
#define AURA_RTP_RTX_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AURA_RTX_OSN_LEN = 2 };

/**
 * Turns an RTX packet back into the original one in place: the header moves up by two bytes.
 * @param packet, len  in/out: begin and length
 * @return 0, AURA_EIGNORED (padding only, a probe), AURA_ETRUNC, AURA_EMALFORMED
 */
AURA_NODISCARD int aura_rtx_unwrap(uint8_t **packet, size_t *len, uint8_t pt, uint32_t ssrc);
/**
 * The other way: the header moves down by two bytes, which the caller owns before @p packet.
 * @return 0, AURA_ETRUNC, AURA_EMALFORMED
 */
AURA_NODISCARD int aura_rtx_wrap(uint8_t **packet, size_t *len, uint8_t pt, uint32_t ssrc,
                                 uint16_t seq);

#endif
