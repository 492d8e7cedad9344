/* SPDX-License-Identifier: Apache-2.0 */
/** @file openapi.h  docs/openapi/api.json as it is served; made by tools/embed.py. */
#ifndef AURA_API_OPENAPI_H
#define AURA_API_OPENAPI_H

#include <stddef.h>

extern const char aura__openapi_json[];
extern const size_t aura__openapi_json_len;

#endif
