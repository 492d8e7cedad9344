/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file residual.h  What is left of a picture once the one before has been moved to fit: the part
 * that an encoder has to send.
 */
#ifndef AURA_AICORE_RESIDUAL_H
#define AURA_AICORE_RESIDUAL_H

#include <stddef.h>
#include <stdint.h>

/**
 * A small diamond search on a quarter of the blocks.
 * @param now, before  width × height samples each, without padding
 * @return mean absolute difference after motion, 0…255; 0 if the picture is too small
 */
float aura_residual(const uint8_t *now, const uint8_t *before, size_t width, size_t height);

#endif
