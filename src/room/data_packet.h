/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file data_packet.h  Packets of data tracks, which travel on the channel `_data_track`.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     | V=0 |S|F|X|    reserved     |            handle               |
 *     |        sequence number      |         frame number            |
 *     |                          timestamp                            |
 *     | if X: words of extensions, less one | (id, length, data)… | 0… |
 *
 * S and F: the packet begins, ends a frame. Extensions are padded to a multiple of four bytes, the
 * two bytes of their size included. (livekit-protocol §5.3)
 */
#ifndef AURA_ROOM_DATA_PACKET_H
#define AURA_ROOM_DATA_PACKET_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { AURA_DATA_PACKET_HEADER = 12 };

/**
 * Looks at a packet that came in.
 * @param handle  what its publisher calls the track
 * @return 0 or AURA_EMALFORMED
 */
AURA_NODISCARD int aura_data_packet_read(const uint8_t *data, size_t len, uint16_t *handle);
/** @param data  a packet that was read */
void aura_data_packet_set_handle(uint8_t *data, uint16_t handle);

#endif
