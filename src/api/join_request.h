/* SPDX-License-Identifier: Apache-2.0 */
/** @file join_request.h  The JoinRequest of a URL: `join_request=` of /rtc/v1, or the query of
 * /rtc. */
#ifndef AURA_API_JOIN_REQUEST_H
#define AURA_API_JOIN_REQUEST_H

#include "base/err.h"
#include "livekit_rtc.pb-c.h"

#include <stddef.h>

enum { AURA_JOIN_REQUEST_BYTES_MAX = 1 << 20 }; /* inflated; LiveKit's limit */

/**
 * URL-safe base64 of a WrappedJoinRequest, gzip'ed or not. @return 0 (free *out as unpacked),
 * AURA_EMALFORMED, AURA_ELIMIT (larger than the limit once inflated), AURA_ENOMEM
 */
AURA_NODISCARD int aura_join_request_decode(Livekit__JoinRequest **out, const char *text,
                                            size_t len);

/** How a query is asked for a parameter: its value, or NULL. */
typedef const char *(aura_query_fn)(const void *arg, const char *name);
/** From the parameters of /rtc (livekit-protocol §1.2). @return 0, AURA_ENOMEM */
AURA_NODISCARD int aura_join_request_from_query(Livekit__JoinRequest **out, aura_query_fn *query,
                                                const void *arg);

#endif
