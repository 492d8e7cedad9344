/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tracing.h  Spans to an OpenTelemetry collector: OTLP over HTTP in its JSON encoding.
 *
 * A thread of our own POSTs them in batches with libcurl. The control thread only puts a text into
 * a bounded ring: what finds no place there, or what the collector does not take in time, is
 * dropped and counted. Nothing here makes a join wait.
 */
#ifndef AURA_API_TRACING_H
#define AURA_API_TRACING_H

#include "base/err.h"
#include "room/trace.h"

enum {
    AURA_TRACING_QUEUE_MAX = 4096,      /* spans on their way to the thread */
    AURA_TRACING_BATCH_MAX = 512,       /* spans in one request (OpenTelemetry's default) */
    AURA_TRACING_ATTEMPTS_MAX = 5,      /* of one batch */
    AURA_TRACING_HEADERS_MAX = 16,      /* lines of tracing.headers_file */
    AURA_TRACING_HEADER_LEN_MAX = 8192, /* bytes of one */
};

struct aura_tracing;

struct aura_tracing_conf {
    const char *endpoint; /* http:// or https://; without a path, /v1/traces is meant. Copied */
    /* "Name: value" lines, with empty ones and # comments between them; NULL = none. Copied */
    const char *headers;
    const char *node_id, *version; /* service.instance.id, service.version; copied */
    uint64_t timeout_us;           /* for one request */
    uint64_t grace_us;             /* for what is on its way at the end */
    const struct aura_clock *clock;
};

/** @param why  out: a sentence for a person, with AURA_EINVAL
 * @return 0, AURA_EINVAL (endpoint or headers), AURA_ENOMEM, AURA_EIO */
AURA_NODISCARD int aura_tracing_new(struct aura_tracing **tp, const struct aura_tracing_conf *conf,
                                    const char **why);
/** Tries for a moment to deliver what is left. Returns NULL. */
struct aura_tracing *aura_tracing_free(struct aura_tracing *t);

/** For struct aura_trace_conf.fn; @p arg is the struct aura_tracing. */
void aura_tracing_span(void *arg, const struct aura_span *span);

struct aura_tracing_stats {
    uint64_t exported; /* taken by the collector */
    uint64_t dropped;  /* no place in the queue, or no memory */
    uint64_t failed;   /* given up, or refused by the collector */
    uint64_t retries;  /* requests that were repeated */
};
void aura_tracing_stats(const struct aura_tracing *t, struct aura_tracing_stats *out);

#endif
