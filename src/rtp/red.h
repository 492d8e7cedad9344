/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file red.h  Redundant audio (RFC 2198).
 */
#ifndef AURA_RTP_RED_H
#define AURA_RTP_RED_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AURA_RED_BLOCKS_MAX = 8, AURA_RED_OFFSET_MAX = 0x3fff, AURA_RED_BLOCK_BYTES_MAX = 0x3ff };

struct aura_red_block {
    uint8_t pt;
    uint16_t ts_offset; /* how much older than the packet, 14 bits; 0 for the primary */
    const uint8_t *data;
    size_t len;
};
/**
 * Blocks oldest first; the last one is the primary.
 * @return how many, AURA_ETRUNC, AURA_ELIMIT
 */
AURA_NODISCARD int aura_red_parse(const uint8_t *payload, size_t len,
                                  struct aura_red_block out[AURA_RED_BLOCKS_MAX]);
/** Writes a RED payload. @return 0 with @p len set, AURA_ELIMIT, AURA_EINVAL */
AURA_NODISCARD int aura_red_write(uint8_t *out, size_t cap, size_t *len,
                                  const struct aura_red_block *blocks, size_t count);

#endif
