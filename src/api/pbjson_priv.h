/* SPDX-License-Identifier: Apache-2.0 */
/** @file pbjson_priv.h  Shared by the two directions of pbjson. */
#ifndef AURA_API_PBJSON_PRIV_H
#define AURA_API_PBJSON_PRIV_H

#include <protobuf-c/protobuf-c.h>

#include <stdbool.h>
#include <stddef.h>

enum { AURA__PBJSON_NAME_MAX = 128 };

/** A map<string, …> field, which protobuf-c keeps as repeated key/value messages. */
bool aura__pbjson_is_map(const ProtobufCFieldDescriptor *f);
/** snake_case → camelCase, cut at cap. */
void aura__pbjson_camel(const char *snake, char *out, size_t cap);
/** Bytes of one value in a repeated field. */
size_t aura__pbjson_size(ProtobufCType type);

#endif
