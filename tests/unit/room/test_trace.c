/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "room/trace.h"

#include <stdio.h>
#include <string.h>

enum { SPANS_MAX = 16 };

/* A clock that stands still, and the spans that were told. */
struct world {
    struct aura_clock_manual clock;
    struct aura_rand_seeded rand;
    struct aura_trace_conf conf;
    struct aura_span spans[SPANS_MAX];
    char names[SPANS_MAX][32], errors[SPANS_MAX][32];
    size_t count;
};

static void take(void *arg, const struct aura_span *span) {
    struct world *w = arg;
    assert_true(w->count < SPANS_MAX);
    snprintf(w->names[w->count], sizeof(w->names[0]), "%s", span->name);
    snprintf(w->errors[w->count], sizeof(w->errors[0]), "%s", span->error ? span->error : "");
    w->spans[w->count] = *span;
    w->spans[w->count++].name = NULL; /* borrowed */
}

static void world_start(struct world *w, double ratio) {
    memset(w, 0, sizeof(*w));
    aura_clock_manual_init(&w->clock, 1000000, UINT64_C(1700000000000000));
    aura_rand_seeded_init(&w->rand, 7);
    w->conf = (struct aura_trace_conf){
        .fn = take, .arg = w, .ratio = ratio, .clock = &w->clock.clock, .rand = &w->rand.rand};
}

static void pass_ms(struct world *w, uint64_t ms) {
    aura_clock_manual_advance(&w->clock, ms * AURA_US_PER_MS);
}

static const char caller[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

static int steps_are_children_of_the_join(void) {
    struct world w;
    world_start(&w, 1);
    struct aura_trace *t = aura_trace_begin(&w.conf, NULL);
    if (!t) {
        return AURA_ENOMEM;
    }
    uint64_t start_us = aura_trace_now_us(t);
    pass_ms(&w, 2);
    aura_trace_span(t, "token_check", start_us, NULL);
    aura_trace_start(t, AURA_TRACE_ICE, AURA_TRACE_SUBSCRIBER);
    pass_ms(&w, 5);
    aura_trace_start(t, AURA_TRACE_ICE, AURA_TRACE_SUBSCRIBER); /* the first call counts */
    pass_ms(&w, 5);
    aura_trace_stop(t, AURA_TRACE_ICE, AURA_TRACE_PUBLISHER); /* has not begun */
    aura_trace_stop(t, AURA_TRACE_ICE, AURA_TRACE_SUBSCRIBER);
    aura_trace_stop(t, AURA_TRACE_ICE, AURA_TRACE_SUBSCRIBER); /* the same */
    const struct aura_span_attr attrs[] = {{"room", "r", 0}, {"connections", NULL, 2}};
    aura_trace_end(t, "join", NULL, attrs, 2);
    aura_trace_end(t, "join", "too late", attrs, 2);
    aura_trace_free(t);

    assert_int_equal(w.count, 3);
    assert_string_equal(w.names[0], "token_check");
    assert_string_equal(w.names[1], "ice");
    assert_string_equal(w.names[2], "join");
    const struct aura_span *check = &w.spans[0], *ice = &w.spans[1], *join = &w.spans[2];
    assert_int_equal(check->start_us, UINT64_C(1700000000000000));
    assert_int_equal(check->end_us - check->start_us, 2000);
    assert_int_equal(ice->start_us, check->end_us);
    assert_int_equal(ice->end_us - ice->start_us, 10000);
    assert_int_equal(join->end_us - join->start_us, 12000);
    assert_int_equal(ice->attr_count, 1);
    assert_string_equal(ice->attrs[0].key, "connection");
    assert_string_equal(ice->attrs[0].text, "subscriber");
    assert_int_equal(join->attr_count, 2);
    assert_null(join->attrs[1].text);
    assert_int_equal(join->attrs[1].number, 2);
    static const uint8_t none[AURA_SPAN_ID_BYTES];
    assert_true(join->root && !check->root && !ice->root);
    assert_memory_equal(join->parent, none, sizeof(none));
    assert_string_equal(w.errors[2], "");
    for (size_t i = 0; i < 2; i++) {
        assert_memory_equal(w.spans[i].parent, join->id, sizeof(join->id));
        assert_memory_equal(w.spans[i].trace, join->trace, sizeof(join->trace));
        assert_memory_not_equal(w.spans[i].id, join->id, sizeof(join->id));
    }
    assert_memory_not_equal(check->id, ice->id, sizeof(ice->id));
    return 0;
}

static int a_caller_decides_and_is_the_parent(void) {
    struct world w;
    static const uint8_t trace[] = {0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd,
                                    0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c};
    static const uint8_t parent[] = {0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31};
    world_start(&w, 0); /* of our own we would begin none */
    struct aura_trace *t = aura_trace_begin(&w.conf, caller);
    if (!t) {
        return AURA_ENOMEM;
    }
    aura_trace_end(t, "resume", "refused", NULL, 0);
    aura_trace_free(t);
    assert_int_equal(w.count, 1);
    assert_memory_equal(w.spans[0].trace, trace, sizeof(trace));
    assert_memory_equal(w.spans[0].parent, parent, sizeof(parent));
    assert_string_equal(w.names[0], "resume");
    assert_string_equal(w.errors[0], "refused");

    world_start(&w, 1); /* its flag says no, whatever our share */
    assert_null(
        aura_trace_begin(&w.conf, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"));
    return 0;
}

/* W3C Trace Context section 3.2: what cannot be read is as if it was not there. */
static int headers_are_read_or_ignored(void) {
    static const struct {
        const char *header;
        bool taken;
    } cases[] = {
        {caller, true},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff", true}, /* unknown flags */
        {"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true}, /* a later version */
        {"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", true},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false},
        {"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more", false},
        {"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
        {"00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01", false}, /* upper case */
        {"00-00000000000000000000000000000000-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x", false},
        {"0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w;
        world_start(&w, 0);
        struct aura_trace *t = aura_trace_begin(&w.conf, cases[i].header);
        if ((t != NULL) != cases[i].taken) {
            fail_msg("%s", cases[i].header);
        }
        aura_trace_free(t);
    }
    return 0;
}

static int a_share_of_the_joins_is_traced(void) {
    struct world w;
    size_t traced = 0;
    world_start(&w, 0.25);
    for (size_t i = 0; i < 4000; i++) {
        struct aura_trace *t = aura_trace_begin(&w.conf, NULL);
        traced += t != NULL;
        aura_trace_free(t);
    }
    assert_true(traced > 850 && traced < 1150); /* of a seeded generator: always the same */
    w.conf.fn = NULL;
    w.conf.ratio = 1;
    assert_null(aura_trace_begin(&w.conf, caller)); /* nobody listens */
    return 0;
}

static int late_media_says_nothing(void) {
    struct world w;
    world_start(&w, 1);
    struct aura_trace *t = aura_trace_begin(&w.conf, NULL);
    if (!t) {
        return AURA_ENOMEM;
    }
    aura_trace_start(t, AURA_TRACE_MEDIA, AURA_TRACE_PUBLISHER);
    aura_trace_start(t, AURA_TRACE_MEDIA, AURA_TRACE_SUBSCRIBER);
    aura_trace_end(t, "join", NULL, NULL, 0);
    pass_ms(&w, AURA_TRACE_MEDIA_MAX_S * 1000);
    aura_trace_stop(t, AURA_TRACE_MEDIA, AURA_TRACE_PUBLISHER); /* steps may end after the root */
    pass_ms(&w, 1);
    aura_trace_stop(t, AURA_TRACE_MEDIA, AURA_TRACE_SUBSCRIBER);
    aura_trace_free(t);
    assert_int_equal(w.count, 2);
    assert_string_equal(w.names[1], "first_media");
    assert_string_equal(w.spans[1].attrs[0].text, "publisher");
    return 0;
}

static int no_trace_is_fine_everywhere(void) {
    aura_trace_start(NULL, AURA_TRACE_ICE, AURA_TRACE_PUBLISHER);
    aura_trace_stop(NULL, AURA_TRACE_ICE, AURA_TRACE_PUBLISHER);
    aura_trace_span(NULL, "x", 0, NULL);
    aura_trace_end(NULL, "join", NULL, NULL, 0);
    assert_int_equal(aura_trace_now_us(NULL), 0);
    assert_null(aura_trace_free(NULL));
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(steps_are_children_of_the_join), AURA_CASE(a_caller_decides_and_is_the_parent),
        AURA_PLAIN(headers_are_read_or_ignored),   AURA_PLAIN(a_share_of_the_joins_is_traced),
        AURA_CASE(late_media_says_nothing),        AURA_CASE(no_trace_is_fine_everywhere),
    };
    return RUN_CASES("room/trace", cases);
}
