/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and bodies of REST, and how often a password may be tried. */
#include "api/attempts.h"
#include "api/rest.h"
#include "base/clock.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

static bool fits(const char *pattern, const char *path, aura_rest_params p) {
    return aura_rest_match(pattern, path, p);
}

static int paths(void) {
    aura_rest_params p;
    char longest[400] = "/api/v1/keys/";
    assert_true(fits("/api/v1/keys", "/api/v1/keys", p));
    assert_false(fits("/api/v1/keys", "/api/v1/keys/a", p));
    assert_false(fits("/api/v1/keys", "/api/v1/key", p));
    assert_false(fits("/api/v1/keys", "/api/v1", p));
    assert_false(fits("/api/v1/keys/{key}", "/api/v1/keys/", p));
    assert_false(fits("/api/v1/keys/{key}", "/api/v1/keys", p));
    assert_true(fits("/a/{b}/c/{d}/{e}", "/a/1/c/22/333", p));
    assert_string_equal(p[0], "1");
    assert_string_equal(p[1], "22");
    assert_string_equal(p[2], "333");
    assert_false(fits("/a/{b}/{c}/{d}/{e}", "/a/1/2/3/4", p)); /* more than there is room for */
    size_t n = strlen(longest);
    memset(longest + n, 'x', AURA_REST_PARAM_BYTES_MAX + 1);
    assert_false(fits("/api/v1/keys/{key}", longest, p));
    longest[n + AURA_REST_PARAM_BYTES_MAX] = 0;
    assert_true(fits("/api/v1/keys/{key}", longest, p));
    assert_int_equal(strlen(p[0]), AURA_REST_PARAM_BYTES_MAX);
    return 0;
}

/* @return what is wrong with a body, "" = nothing */
static const char *problem(const char *text) {
    static char why[AURA_REST_WHY_BYTES];
    struct aura_rest_field f[] = {{"name", JSON_STRING, true, 8, NULL},
                                  {"on", JSON_TRUE, false, 0, NULL},
                                  {"list", JSON_ARRAY, false, 2, NULL},
                                  {"n", JSON_INTEGER, false, 0, NULL}};
    json_t *body = text ? json_loads(text, 0, NULL) : NULL;
    why[0] = 0;
    int err = aura_rest_fields(body, f, 4, "docs/x.md", why);
    assert_int_equal(err, why[0] ? AURA_EMALFORMED : 0);
    if (!err) {
        assert_string_equal(aura_rest_text(&f[0], ""), "ann");
        assert_string_equal(aura_rest_text(&f[1], "other"), "other");
    }
    json_decref(body);
    return why;
}

static int bodies(void) {
    static const struct {
        const char *body, *why;
    } rows[] = {
        {"{\"name\": \"ann\"}", ""},
        {"{\"name\": \"ann\", \"list\": [1, 2], \"n\": 7}", ""},
        {NULL, "\"name\" is missing: docs/x.md has the fields"},
        {"{}", "\"name\" is missing: docs/x.md has the fields"},
        {"{\"name\": \"\"}", "\"name\" is empty: docs/x.md has the fields"},
        {"{\"name\": null}", "\"name\" is no text: docs/x.md has the fields"},
        {"{\"name\": \"123456789\"}", "\"name\" is too long: docs/x.md has the fields"},
        {"{\"name\": \"a\\u0007\"}", "\"name\" has control characters: docs/x.md has the fields"},
        {"{\"name\": \"a\", \"on\": 1}",
         "\"on\" is neither true nor false: docs/x.md has the fields"},
        {"{\"name\": \"a\", \"list\": [1, 2, 3]}",
         "\"list\" has too many items: docs/x.md has the fields"},
        {"{\"name\": \"a\", \"list\": {}}", "\"list\" is no list: docs/x.md has the fields"},
        {"{\"name\": \"a\", \"n\": 1.5}", "\"n\" is no whole number: docs/x.md has the fields"},
        {"{\"name\": \"a\", \"more\": 1}",
         "the body has a field that is not known here: docs/x.md has them"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(problem(rows[i].body), rows[i].why);
    }
    return 0;
}

static void check_text(const char *text, size_t max, const char *want) {
    json_t *v = aura_rest_string(text, max);
    assert_string_equal(json_string_value(v), want);
    json_decref(v);
}

static int texts(void) {
    check_text("abc", 8, "abc");
    check_text("abc", 2, "ab");
    check_text("\xc3\xa4\xc3\xa4", 3, "\xc3\xa4"); /* no half of a character */
    check_text("a\xffz", 8, "a?z");
    check_text("\xc3", 8, "?");
    check_text("", 8, "");
    check_text("\x80\x80\x80", 1, "");
    return 0;
}

static struct aura_addr address(const char *text) {
    struct aura_addr a = {.family = AURA_FAMILY_NONE};
    assert_int_equal(aura_addr_parse(&a, text), 0);
    return a;
}

static size_t tried(struct aura_attempts *a, const char *from, const char *name, uint64_t now_us) {
    struct aura_addr at = address(from);
    size_t n = 0;
    while (n < 100 && aura_attempts_take(a, &at, name, now_us) == 0) {
        n++;
    }
    return n;
}

static int attempts(void) {
    struct aura_attempts *a = NULL;
    struct aura_rand_seeded rand;
    struct aura_addr one = address("192.0.2.1");
    uint64_t now_us = 9 * AURA_US_PER_S;
    aura_rand_seeded_init(&rand, 5);
    TRY(aura_attempts_new(&a, &rand.rand));
    assert_int_equal(tried(a, "192.0.2.1", "ann", now_us), AURA_ATTEMPTS_AT_ONCE);
    assert_int_equal(aura_attempts_take(a, &one, "ann", now_us), AURA_ATTEMPTS_EVERY_S + 1);
    assert_int_equal(tried(a, "192.0.2.1", "bob", now_us), 0); /* the address is spent */
    assert_int_equal(tried(a, "192.0.2.2", "ann", now_us), 0); /* the name is */
    assert_int_equal(tried(a, "192.0.2.2", "bob", now_us), AURA_ATTEMPTS_AT_ONCE);
    assert_int_equal(tried(a, "2001:db8::1", "eve", now_us), AURA_ATTEMPTS_AT_ONCE);
    assert_int_equal(tried(a, "2001:db8::2", "mallory", now_us), 0); /* the same /64 */
    now_us += 2 * AURA_ATTEMPTS_EVERY_S * AURA_US_PER_S;
    assert_int_equal(tried(a, "192.0.2.1", "ann", now_us), 2);
    aura_attempts_right(a, &one, "ann");
    assert_int_equal(tried(a, "192.0.2.1", "ann", now_us), AURA_ATTEMPTS_AT_ONCE);
    aura_attempts_free(a);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_PLAIN(paths), AURA_PLAIN(bodies), AURA_PLAIN(texts),
                                       AURA_CASE(attempts)};
    return RUN_CASES("api/rest", cases);
}
