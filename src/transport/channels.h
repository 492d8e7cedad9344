/* SPDX-License-Identifier: Apache-2.0 */
/** @file channels.h  The three data channels of LiveKit's protocol. */
#ifndef AURA_TRANSPORT_CHANNELS_H
#define AURA_TRANSPORT_CHANNELS_H

/** Labels `_reliable` (ordered), `_lossy` and `_data_track` (unordered, never sent again). */
enum aura_data_channel { AURA_DATA_RELIABLE, AURA_DATA_LOSSY, AURA_DATA_TRACK, AURA_DATA_CHANNELS };

#endif
