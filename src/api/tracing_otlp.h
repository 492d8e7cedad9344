/* SPDX-License-Identifier: Apache-2.0 */
/** @file tracing_otlp.h  OTLP 1.x in JSON (opentelemetry-proto, "JSON Protobuf Encoding"). */
#ifndef AURA_API_TRACING_OTLP_H
#define AURA_API_TRACING_OTLP_H

#include "base/buf.h"
#include "room/trace.h"

/** One span as a JSON object. @return NULL without memory; freed with free() */
char *aura__otlp_span(const struct aura_span *span);
/** What stands before the spans of a request, which are separated by commas.
 * @return 0, AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura__otlp_begin(struct aura_buf *out, const char *version, const char *node_id);
AURA_NODISCARD int aura__otlp_end(struct aura_buf *out);
/** How many spans of a request a collector refused, by its answer's partialSuccess. */
uint64_t aura__otlp_rejected(const char *answer, size_t len);

#endif
