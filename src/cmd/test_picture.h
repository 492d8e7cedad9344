/* SPDX-License-Identifier: Apache-2.0 */
/** @file test_picture.h  A picture that moves and says its own number, for `auralink publish test`.
 */
#ifndef AURA_CMD_TEST_PICTURE_H
#define AURA_CMD_TEST_PICTURE_H

#include <stddef.h>
#include <stdint.h>

/**
 * Draws picture number @p n into I420 planes that lie one after the other (width × height × 3 / 2
 * bytes, sides even). The top quarter has the low 16 bits of n as blocks, then once more inverted.
 */
void test_picture_draw(uint8_t *i420, uint32_t width, uint32_t height, uint64_t n);
/** Reads the number; -1 if it cannot be read. Luma only. */
int test_picture_read(const uint8_t *luma, size_t stride, uint32_t width, uint32_t height);

#endif
