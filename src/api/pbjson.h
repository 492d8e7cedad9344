/* SPDX-License-Identifier: Apache-2.0 */
/** @file pbjson.h  Protobuf-c messages as proto3 JSON, by walking their descriptors. */
#ifndef AURA_API_PBJSON_H
#define AURA_API_PBJSON_H

#include "base/err.h"

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

enum { AURA_PBJSON_DEPTH_MAX = 32 };

enum aura_pbjson_mode {
    AURA_PBJSON_TWIRP,   /* snake_case names, default values written (Twirp) */
    AURA_PBJSON_COMPACT, /* camelCase names, no default values (webhooks) */
};

/** @return a new object, NULL without memory. 64-bit integers are texts, bytes are base64. */
json_t *aura_pbjson_encode(const ProtobufCMessage *message, enum aura_pbjson_mode mode);

/**
 * Both spellings of names are taken, unknown names ignored, null means the default.
 * @param out  unpacked with @p allocator. @param why  text of what is wrong
 * @return 0, AURA_EMALFORMED, AURA_ELIMIT (too deep), AURA_ENOMEM
 */
AURA_NODISCARD int aura_pbjson_decode(const ProtobufCMessageDescriptor *descriptor,
                                      const json_t *json, ProtobufCAllocator *allocator,
                                      ProtobufCMessage **out, char *why, size_t why_cap);

#endif
