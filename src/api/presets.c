/* SPDX-License-Identifier: Apache-2.0 */
#include "api/presets.h"

#include "api/pbjson.h"

#include <stdio.h>
#include <string.h>

int aura_room_config_decode(Livekit__RoomConfiguration **out, const char *json, char *why,
                            size_t why_cap) {
    json_error_t where;
    *out = NULL;
    if (!json) {
        return 0;
    }
    json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, &where);
    if (!object) {
        snprintf(why, why_cap, "%s", where.text);
        return AURA_EMALFORMED;
    }
    ProtobufCMessage *message = NULL;
    int err = aura_pbjson_decode(&livekit__room_configuration__descriptor, object,
                                 aura_pb_allocator(), &message, why, why_cap);
    json_decref(object);
    *out = (Livekit__RoomConfiguration *)message;
    return err;
}

int aura_presets_read(struct aura_presets *p, const struct aura_config *c, char *why,
                      size_t why_cap) {
    p->count = 0;
    for (size_t i = 0; i < c->room.presets.count; i++) {
        char text[160] = "";
        Livekit__RoomConfiguration *config;
        int err =
            aura_room_config_decode(&config, c->room.preset_json.items[i], text, sizeof(text));
        if (err) {
            snprintf(why, why_cap, "room.room_configurations.%s: %s", c->room.presets.items[i],
                     err == AURA_EMALFORMED ? text : aura_err_text(err));
            aura_presets_clear(p);
            return err;
        }
        p->list[p->count++] =
            (struct aura_room_preset){.name = c->room.presets.items[i], .config = config};
    }
    return 0;
}

void aura_presets_clear(struct aura_presets *p) {
    for (size_t i = 0; i < p->count; i++) {
        protobuf_c_message_free_unpacked((ProtobufCMessage *)(uintptr_t)p->list[i].config,
                                         aura_pb_allocator());
    }
    p->count = 0;
}
