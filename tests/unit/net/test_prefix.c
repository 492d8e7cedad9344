/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include "net/prefix.h"

static bool has(const char *prefix, const char *text) {
    struct aura_prefix p;
    struct aura_addr a;
    assert_int_equal(aura_prefix_parse(&p, prefix), 0);
    assert_int_equal(aura_addr_parse(&a, text), 0);
    return aura_prefix_has(&p, &a);
}

static int what_is_inside(void) {
    assert_true(has("10.0.0.0/8", "10.255.255.255"));
    assert_true(has("10.0.0.0/8", "10.1.2.3:99"));
    assert_false(has("10.0.0.0/8", "11.0.0.0"));
    assert_true(has("172.16.0.0/12", "172.31.0.1"));
    assert_false(has("172.16.0.0/12", "172.32.0.1"));
    assert_true(has("172.17.5.5/12", "172.16.0.1")); /* bits behind the prefix */
    assert_true(has("192.0.2.7", "192.0.2.7"));
    assert_false(has("192.0.2.7", "192.0.2.6"));
    assert_true(has("0.0.0.0/0", "8.8.8.8"));
    assert_false(has("0.0.0.0/0", "::1"));
    assert_true(has("fd00::/8", "fdff::1"));
    assert_false(has("fd00::/8", "fe00::1"));
    assert_true(has("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(has("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(has("::1/128", "::1"));
    return 0;
}

static int what_is_none(void) {
    static const char *const bad[] = {
        "",       "10.0.0.0/",     "10.0.0.0/33",  "10.0.0.0/-1", "10.0.0.0/8 ",  "10.0.0/8",
        "::/129", "10.0.0.0:80/8", "10.0.0.0/08x", "example.org", "10.0.0.0/8/8", "/8"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct aura_prefix p = {.bits = 77};
        assert_int_equal(aura_prefix_parse(&p, bad[i]), AURA_EINVAL);
        assert_int_equal(p.bits, 77);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(what_is_inside),
        AURA_PLAIN(what_is_none),
    };
    return RUN_CASES("prefix", cases);
}
