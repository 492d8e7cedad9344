/* SPDX-License-Identifier: Apache-2.0 */
#include "room/trace.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

enum { HEX_TRACE = 3, HEX_SPAN = 36, HEX_FLAGS = 53, PARENT_LEN = 55 }; /* places in traceparent */

struct aura_trace {
    const struct aura_trace_conf *conf;
    uint8_t id[AURA_TRACE_ID_BYTES], root[AURA_SPAN_ID_BYTES], parent[AURA_SPAN_ID_BYTES];
    uint64_t start_us, start_wall_us;
    bool ended;
    uint64_t step_us[AURA_TRACE_STEPS][AURA_TRACE_ENDS]; /* when it began; 0 = has not */
    bool step_done[AURA_TRACE_STEPS][AURA_TRACE_ENDS];
};

/* ---- W3C Trace Context ---- */

/* Lower case only, as the recommendation says (§2.3.2). @return -1 if it is none */
static int nibble(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(uint8_t *out, size_t n, const char *text) {
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++) {
        int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
        any |= out[i];
    }
    return any != 0;
}

/* version-traceid-parentid-flags. A later version may have more behind a dash; ff is none. */
static bool read_parent(struct aura_trace *t, const char *text, bool *sampled) {
    size_t len = strlen(text);
    if (len < PARENT_LEN || text[2] != '-' || text[HEX_SPAN - 1] != '-' ||
        text[HEX_FLAGS - 1] != '-' || nibble(text[0]) < 0 || nibble(text[1]) < 0 ||
        memcmp(text, "ff", 2) == 0) {
        return false;
    }
    if (len > PARENT_LEN && (memcmp(text, "00", 2) == 0 || text[PARENT_LEN] != '-')) {
        return false;
    }
    int high = nibble(text[HEX_FLAGS]), low = nibble(text[HEX_FLAGS + 1]);
    *sampled = (low & 1) != 0;
    return high >= 0 && low >= 0 && read_hex(t->id, sizeof(t->id), text + HEX_TRACE) &&
           read_hex(t->parent, sizeof(t->parent), text + HEX_SPAN);
}

/* By the id, so that everybody who decides by it decides alike (TraceIdRatioBased). */
static bool drawn(const struct aura_trace *t, double ratio) {
    uint64_t low = 0;
    for (size_t i = 8; i < sizeof(t->id); i++) {
        low = low << 8 | t->id[i];
    }
    return (double)(low >> 1) < ratio * ldexp(1, 63);
}

struct aura_trace *aura_trace_begin(const struct aura_trace_conf *conf, const char *traceparent) {
    struct aura_trace *t = conf->fn ? aura_zalloc(sizeof(*t)) : NULL;
    bool sampled = false;
    if (!t) {
        return NULL;
    }
    t->conf = conf;
    t->start_us = aura_now_us(conf->clock);
    t->start_wall_us = aura_wall_us(conf->clock);
    if (!traceparent || !read_parent(t, traceparent, &sampled)) {
        memset(t->parent, 0, sizeof(t->parent));
        aura_rand_bytes(conf->rand, t->id, sizeof(t->id));
        sampled = drawn(t, conf->ratio);
    }
    aura_rand_bytes(conf->rand, t->root, sizeof(t->root));
    return sampled ? t : aura_trace_free(t);
}

struct aura_trace *aura_trace_free(struct aura_trace *t) {
    aura_free(t);
    return NULL;
}

/* ---- spans ---- */

static void begin_span(const struct aura_trace *t, struct aura_span *s, const char *name,
                       uint64_t start_us, const char *error) {
    memset(s, 0, sizeof(*s));
    memcpy(s->trace, t->id, sizeof(s->trace));
    s->name = name;
    s->error = error;
    /* One clock for all of them, or a step of the wall clock would make a span end before it began.
     */
    s->start_us = t->start_wall_us + (start_us - t->start_us);
    s->end_us = t->start_wall_us + (aura_now_us(t->conf->clock) - t->start_us);
}

static void child(const struct aura_trace *t, struct aura_span *s) {
    memcpy(s->parent, t->root, sizeof(s->parent));
    aura_rand_bytes(t->conf->rand, s->id, sizeof(s->id));
    t->conf->fn(t->conf->arg, s);
}

uint64_t aura_trace_now_us(const struct aura_trace *t) {
    return t ? aura_now_us(t->conf->clock) : 0;
}

void aura_trace_span(struct aura_trace *t, const char *name, uint64_t start_us, const char *error) {
    struct aura_span s;
    if (t) {
        begin_span(t, &s, name, start_us, error);
        child(t, &s);
    }
}

void aura_trace_start(struct aura_trace *t, enum aura_trace_step step, enum aura_trace_end end) {
    if (t && !t->step_us[step][end]) {
        t->step_us[step][end] = aura_now_us(t->conf->clock);
    }
}

void aura_trace_stop(struct aura_trace *t, enum aura_trace_step step, enum aura_trace_end end) {
    static const char *const names[] = {"negotiation", "ice", "dtls", "first_media"};
    static const char *const ends[] = {"publisher", "subscriber"};
    struct aura_span s;
    if (!t || !t->step_us[step][end] || t->step_done[step][end]) {
        return;
    }
    t->step_done[step][end] = true;
    begin_span(t, &s, names[step], t->step_us[step][end], NULL);
    if (step == AURA_TRACE_MEDIA &&
        s.end_us - t->start_wall_us > AURA_TRACE_MEDIA_MAX_S * AURA_US_PER_S) {
        return;
    }
    s.attrs[s.attr_count++] = (struct aura_span_attr){"connection", ends[end], 0};
    child(t, &s);
}

void aura_trace_end(struct aura_trace *t, const char *name, const char *error,
                    const struct aura_span_attr *attrs, size_t count) {
    struct aura_span s;
    if (!t || t->ended) {
        return;
    }
    t->ended = true;
    begin_span(t, &s, name, t->start_us, error);
    memcpy(s.id, t->root, sizeof(s.id));
    memcpy(s.parent, t->parent, sizeof(s.parent));
    s.root = true;
    for (size_t i = 0; i < count && i < AURA_SPAN_ATTRS_MAX; i++) {
        s.attrs[s.attr_count++] = attrs[i];
    }
    t->conf->fn(t->conf->arg, &s);
}
