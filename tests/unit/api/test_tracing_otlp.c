/* SPDX-License-Identifier: Apache-2.0 */
/* What an OTLP collector reads: ids in hex, times and integers as text, statuses of errors alone.
 */
#include "api/tracing_otlp.h"
#include "harness.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static struct aura_span a_span(void) {
    struct aura_span s = {.trace = {0x0a, 0xf7, [15] = 0x9c},
                          .id = {0x01, [7] = 0xff},
                          .name = "join",
                          .start_us = UINT64_C(1700000000123456),
                          .end_us = UINT64_C(1700000000123457)};
    return s;
}

static json_t *read_back(const struct aura_span *s) {
    char *text = aura__otlp_span(s);
    json_t *o = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    assert_non_null(o);
    free(text); /* library's memory */
    return o;
}

static const char *text(const json_t *o, const char *name) {
    const char *s = json_string_value(json_object_get(o, name));
    return s ? s : "(none)";
}

static int a_span_in_json(void) {
    struct aura_span s = a_span();
    s.parent[0] = 0x22;
    s.attrs[s.attr_count++] = (struct aura_span_attr){"room", "a \"room\"\n", 0};
    s.attrs[s.attr_count++] =
        (struct aura_span_attr){"connections", NULL, INT64_C(-9007199254740993)};
    json_t *o = read_back(&s);
    assert_string_equal(text(o, "traceId"), "0af7000000000000000000000000009c");
    assert_string_equal(text(o, "spanId"), "01000000000000ff");
    assert_string_equal(text(o, "parentSpanId"), "2200000000000000");
    assert_string_equal(text(o, "name"), "join");
    assert_string_equal(text(o, "startTimeUnixNano"), "1700000000123456000");
    assert_string_equal(text(o, "endTimeUnixNano"), "1700000000123457000");
    assert_int_equal(json_integer_value(json_object_get(o, "kind")), 1); /* INTERNAL */
    assert_null(json_object_get(o, "status"));
    const json_t *list = json_object_get(o, "attributes");
    assert_int_equal(json_array_size(list), 2);
    const json_t *room = json_array_get(list, 0), *number = json_array_get(list, 1);
    assert_string_equal(text(room, "key"), "room");
    assert_string_equal(text(json_object_get(room, "value"), "stringValue"), "a \"room\"\n");
    assert_string_equal(text(json_object_get(number, "value"), "intValue"), "-9007199254740993");
    json_decref(o);
    return 0;
}

static int roots_and_errors_are_marked(void) {
    struct aura_span s = a_span();
    s.root = true;
    s.error = "no permission";
    json_t *o = read_back(&s);
    assert_int_equal(json_integer_value(json_object_get(o, "kind")), 2); /* SERVER */
    assert_null(json_object_get(o, "parentSpanId"));
    const json_t *status = json_object_get(o, "status");
    assert_int_equal(json_integer_value(json_object_get(status, "code")), 2); /* ERROR */
    assert_string_equal(text(status, "message"), "no permission");
    json_decref(o);
    return 0;
}

static int bytes_that_are_no_text_do_not_break_it(void) {
    struct aura_span s = a_span();
    s.error = "\xff\xfe";
    s.attrs[s.attr_count++] = (struct aura_span_attr){"participant", "\xc3\x28", 0};
    json_t *o = read_back(&s);
    const json_t *a = json_array_get(json_object_get(o, "attributes"), 0);
    assert_string_equal(text(json_object_get(a, "value"), "stringValue"), "(not UTF-8)");
    assert_string_equal(text(json_object_get(o, "status"), "message"), "(not UTF-8)");
    json_decref(o);
    return 0;
}

static int a_request_is_one_document(void) {
    struct aura_buf out = AURA_BUF(1 << 16);
    struct aura_span s = a_span();
    int err = aura__otlp_begin(&out, "1.2.3", "ND_x\"y");
    char *one = err ? NULL : aura__otlp_span(&s);
    for (int i = 0; one && i < 2; i++) {
        aura_buf_printf(&out, "%s%s", i ? "," : "", one);
    }
    free(one); /* library's memory */
    err = err ? err : aura__otlp_end(&out);
    if (!err) {
        json_t *o = json_loads(aura_buf_text(&out), JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(o);
        const json_t *part = json_array_get(json_object_get(o, "resourceSpans"), 0);
        const json_t *about = json_object_get(json_object_get(part, "resource"), "attributes");
        const json_t *node = json_array_get(about, 2);
        assert_int_equal(json_array_size(about), 3);
        assert_string_equal(text(node, "key"), "service.instance.id");
        assert_string_equal(text(json_object_get(node, "value"), "stringValue"), "ND_x\"y");
        const json_t *scope = json_array_get(json_object_get(part, "scopeSpans"), 0);
        assert_int_equal(json_array_size(json_object_get(scope, "spans")), 2);
        json_decref(o);
    }
    aura_buf_free(&out);
    return err;
}

static int a_request_has_a_ceiling(void) {
    struct aura_buf out = AURA_BUF(40);
    assert_int_equal(aura__otlp_begin(&out, "1", "ND_x"), AURA_ELIMIT);
    assert_int_equal(aura__otlp_end(&out), AURA_ELIMIT);
    aura_buf_free(&out);
    return 0;
}

static int refusals_are_counted(void) {
    static const struct {
        const char *answer;
        uint64_t count;
    } cases[] = {
        {"{}", 0},
        {"", 0},
        {"<html>", 0},
        {"[1]", 0},
        {"{\"partialSuccess\":{}}", 0},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"x\"}}", 3}, /* int64 */
        {"{\"partialSuccess\":{\"rejectedSpans\":4}}", 4},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"-1\"}}", 0},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"many\"}}", 0},
        {"{\"partialSuccess\":{\"rejectedSpans\":null}}", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(aura__otlp_rejected(cases[i].answer, strlen(cases[i].answer)),
                         cases[i].count);
    }
    assert_int_equal(aura__otlp_rejected("{\"partialSuccess\":{\"rejectedSpans\":4}}{", 38), 4);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(a_span_in_json),
        AURA_PLAIN(roots_and_errors_are_marked),
        AURA_PLAIN(bytes_that_are_no_text_do_not_break_it),
        AURA_CASE(a_request_is_one_document),
        AURA_PLAIN(a_request_has_a_ceiling),
        AURA_PLAIN(refusals_are_counted),
    };
    return RUN_CASES("api/tracing_otlp", cases);
}
