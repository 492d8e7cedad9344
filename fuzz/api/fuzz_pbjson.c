/* SPDX-License-Identifier: Apache-2.0 */
/* JSON → message → JSON → message: the second message must be the first. */
#include "api/pbjson.h"
#include "room/rooms.h"

#include <string.h>

static ProtobufCMessage *decode(const json_t *json) {
    char why[160];
    ProtobufCMessage *m = NULL;
    return aura_pbjson_decode(&livekit__signal_response__descriptor, json, aura_pb_allocator(), &m,
                              why, sizeof(why)) == 0
               ? m
               : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *json = json_loadb((const char *)data, size, 0, NULL);
    ProtobufCMessage *first = json ? decode(json) : NULL;
    json_decref(json);
    if (first) {
        json_t *again = aura_pbjson_encode(first, AURA_PBJSON_COMPACT);
        ProtobufCMessage *second = again ? decode(again) : NULL;
        AURA_BUG_ON(again && !second);
        if (second) {
            protobuf_c_message_free_unpacked(second, aura_pb_allocator());
        }
        json_decref(again);
        protobuf_c_message_free_unpacked(first, aura_pb_allocator());
    }
    return 0;
}
