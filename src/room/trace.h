/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file trace.h  One join as OpenTelemetry spans: where the time went between a client's request
 * and its media.
 *
 * A span is handed over when it ends; nothing is kept here but when the open ones began. All
 * functions take NULL for a join that is not traced, and none can fail: a trace that finds no
 * memory does not come into being. Threading: control thread.
 */
#ifndef AURA_ROOM_TRACE_H
#define AURA_ROOM_TRACE_H

#include "base/clock.h"
#include "base/rand.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_TRACE_ID_BYTES = 16,
    AURA_SPAN_ID_BYTES = 8,
    AURA_SPAN_ATTRS_MAX = 12,
    AURA_TRACE_MEDIA_MAX_S = 30, /* media that comes later says nothing about the join */
};

/** Key and value; @p text NULL means that the number is the value. */
struct aura_span_attr {
    const char *key, *text;
    int64_t number;
};

/** All strings are borrowed until the function returns that it is given to. */
struct aura_span {
    uint8_t trace[AURA_TRACE_ID_BYTES], id[AURA_SPAN_ID_BYTES];
    uint8_t parent[AURA_SPAN_ID_BYTES]; /* zeros = it is nobody's child */
    const char *name;
    uint64_t start_us, end_us; /* Unix time; end is never before start */
    bool root;                 /* the request itself: of OpenTelemetry's kind SERVER */
    const char *error;         /* for a person; NULL = it went well */
    struct aura_span_attr attrs[AURA_SPAN_ATTRS_MAX];
    size_t attr_count;
};

/** Whom spans are told. Outlives the traces. */
struct aura_trace_conf {
    void (*fn)(void *arg, const struct aura_span *span); /* NULL = nothing is traced */
    void *arg;
    double ratio; /* 0..1, of joins that no caller decided about */
    const struct aura_clock *clock;
    struct aura_rand *rand;
};

/** What happens once on each connection of a participant; on a single one as `PUBLISHER`. */
enum aura_trace_step {
    AURA_TRACE_NEGOTIATION, /* first offer to its answer */
    AURA_TRACE_ICE,         /* credentials known to a nominated path */
    AURA_TRACE_DTLS,        /* … to a verified handshake */
    AURA_TRACE_MEDIA,       /* … to the first media packet, in (publisher) or out (subscriber) */
    AURA_TRACE_STEPS
};
enum aura_trace_end { AURA_TRACE_PUBLISHER, AURA_TRACE_SUBSCRIBER, AURA_TRACE_ENDS };

struct aura_trace;

/**
 * A join's request has arrived. Its root span begins.
 * @param traceparent  W3C Trace Context header: the caller's span becomes the parent, its flag says
 * whether there is to be a trace; NULL or malformed = we begin one, for a share of the joins
 * @return NULL if it is not to be traced
 */
struct aura_trace *aura_trace_begin(const struct aura_trace_conf *conf, const char *traceparent);
/** Without another word. Returns NULL. */
struct aura_trace *aura_trace_free(struct aura_trace *t);

/** For aura_trace_span(); 0 without a trace. */
uint64_t aura_trace_now_us(const struct aura_trace *t);
/** A child of the root, from @p start_us until now. @param error  NULL = it went well */
void aura_trace_span(struct aura_trace *t, const char *name, uint64_t start_us, const char *error);

/** Begins a step; the first call counts. */
void aura_trace_start(struct aura_trace *t, enum aura_trace_step step, enum aura_trace_end end);
/** Ends it, if it has begun; the first call counts. */
void aura_trace_stop(struct aura_trace *t, enum aura_trace_step step, enum aura_trace_end end);

/** Ends the root span: the participant is active, or never will be (@p error). Later calls do
 * nothing; steps may still end. @param name  "join", or "resume" for a session that goes on */
void aura_trace_end(struct aura_trace *t, const char *name, const char *error,
                    const struct aura_span_attr *attrs, size_t count);

#endif
