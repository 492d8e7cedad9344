/* SPDX-License-Identifier: Apache-2.0 */
/** @file presets.h  RoomConfiguration messages out of text: tokens, and `room.room_configurations`.
 */
#ifndef AURA_API_PRESETS_H
#define AURA_API_PRESETS_H

#include "api/config.h"
#include "room/rooms.h"

/** @param json  proto3 JSON; NULL gives NULL. @return 0, AURA_EMALFORMED with @p why, AURA_ENOMEM
 */
AURA_NODISCARD int aura_room_config_decode(Livekit__RoomConfiguration **out, const char *json,
                                           char *why, size_t why_cap);

/** The presets of a configuration; their names are borrowed from it. */
struct aura_presets {
    size_t count;
    struct aura_room_preset list[AURA_CONFIG_LIST_MAX];
};
/** @return as above; @p why names the preset */
AURA_NODISCARD int aura_presets_read(struct aura_presets *p, const struct aura_config *c, char *why,
                                     size_t why_cap);
void aura_presets_clear(struct aura_presets *p);

#endif
