/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of server discovery that need no network; with one: tests/interop/test_matrix_find.py.
 */
#include "auraid/matrix/find.h"
#include "auraid/matrix/openid.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

static int direct(void) {
    static const struct {
        const char *name, *host, *header;
        uint16_t port;
        bool direct;
    } rows[] = {
        {"example.org", "example.org", "example.org", 8448, false},
        {"example.org:443", "example.org", "example.org:443", 443, true},
        {"1.2.3.4", "1.2.3.4", "1.2.3.4", 8448, true},
        {"1.2.3.4:80", "1.2.3.4", "1.2.3.4:80", 80, true},
        {"[2a01::1]", "[2a01::1]", "[2a01::1]", 8448, true},
        {"[2a01::1]:1", "[2a01::1]", "[2a01::1]:1", 1, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct aura_server_name name;
        struct aura_route route;
        assert_int_equal(aura_server_name_parse(&name, rows[i].name, strlen(rows[i].name)), 0);
        assert_int_equal(aura__find_is_direct(&name), rows[i].direct);
        aura__find_direct(&route, &name);
        assert_string_equal(route.host, rows[i].host);
        assert_string_equal(route.header, rows[i].header);
        assert_string_equal(route.dial, "");
        assert_int_equal(route.port, rows[i].port);
    }
    return 0;
}

static int well_known(void) {
    static const char *const bad[] = {"",
                                      "{}",
                                      "[]",
                                      "{\"m.server\":5}",
                                      "{\"m.server\":\"\"}",
                                      "{\"m.server\":\"a b\"}",
                                      "{\"m.server\":\"http://a\"}",
                                      "{\"m.server\":\"a/b\"}",
                                      "{\"m.server\":\"a:0\"}",
                                      "{\"m.server\":\"a\\u0000b\"}",
                                      "{\"m.server\":\"a\",\"m.server\":\"b\"}",
                                      "<html>"};
    static const char good[] = "{\"m.server\":\"matrix.example.org:443\",\"more\":[1]}";
    char server[AURA_SERVER_BYTES_MAX] = "";
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (aura__find_well_known(bad[i], strlen(bad[i]), server) != AURA_EMALFORMED) {
            fail_msg("taken: %s", bad[i]);
        }
    }
    assert_int_equal(aura__find_well_known(good, sizeof(good) - 1, server), 0);
    assert_string_equal(server, "matrix.example.org:443");
    return 0;
}

/* An answer of DNS with the records given: priority, weight, port, name in wire form. */
struct record {
    uint16_t priority, weight, port;
    const char *name;
};

static size_t put(uint8_t *p, const void *data, size_t len) {
    memcpy(p, data, len);
    return len;
}

static size_t put16(uint8_t *p, unsigned v) {
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    return 2;
}

static size_t answer(uint8_t *p, const struct record *r, size_t count) {
    static const uint8_t question[] = "\x01s\x01x\x00\x00\x21\x00\x01";
    size_t n = put(p, "\x12\x34\x81\x80\x00\x01", 6);
    n += put16(p + n, (unsigned)count);
    n += put(p + n, "\0\0\0\0", 4);
    n += put(p + n, question, 9);
    for (size_t i = 0; i < count; i++) {
        size_t name = strlen(r[i].name) + 1;
        n += put(p + n, "\xC0\x0C\x00\x21\x00\x01\x00\x00\x00\x3C", 10);
        n += put16(p + n, (unsigned)(6 + name));
        n += put16(p + n, r[i].priority);
        n += put16(p + n, r[i].weight);
        n += put16(p + n, r[i].port);
        n += put(p + n, r[i].name, name);
    }
    return n;
}

static int srv(void) {
    static const struct record rows[] = {{20, 9, 1,
                                          "\x01"
                                          "a\x03"
                                          "org"},
                                         {10, 1, 2,
                                          "\x01"
                                          "b\x03"
                                          "org"},
                                         {10, 5, 3,
                                          "\x01"
                                          "c\x03"
                                          "org"},
                                         {0, 9, 4, ""}, /* ".": not here */
                                         {0, 9, 0,
                                          "\x01"
                                          "d"}, /* no port */
                                         {0, 9, 5,
                                          "\x03"
                                          "a b"}}; /* no name of a host */
    uint8_t bytes[1024];
    char target[AURA_SERVER_BYTES_MAX];
    uint16_t port;
    size_t n = answer(bytes, rows, 6);
    assert_int_equal(aura__find_srv(bytes, n, target, &port), 0);
    assert_string_equal(target, "c.org");
    assert_int_equal(port, 3);
    for (size_t cut = 0; cut < n; cut++) { /* what it holds of a cut answer is read inside it */
        (void)!aura__find_srv(bytes, cut, target, &port);
    }
    n = answer(bytes, rows + 3, 3);
    assert_int_equal(aura__find_srv(bytes, n, target, &port), AURA_ENOENT);
    n = answer(bytes, rows, 0);
    assert_int_equal(aura__find_srv(bytes, n, target, &port), AURA_ENOENT);
    assert_int_equal(aura__find_srv(bytes, 3, target, &port), AURA_EMALFORMED);
    return 0;
}

static int users(void) {
    static const struct {
        const char *body;
        int err;
    } rows[] = {
        {"{\"sub\":\"@a:example.org\"}", 0},
        {"{\"sub\":\"@a:example.org\",\"x\":1}", 0},
        {"{\"sub\":\"@a:example.com\"}", AURA_EAUTH},
        {"{\"sub\":\"@a:example.org:8448\"}", AURA_EAUTH},
        {"{\"sub\":\"@a:evil.example.org\"}", AURA_EAUTH},
        {"{\"sub\":\"@a:b:example.org\"}", AURA_EMALFORMED},
        {"{\"sub\":\"a:example.org\"}", AURA_EMALFORMED},
        {"{\"sub\":\"@a:example.org\\u0000\"}", AURA_EMALFORMED},
        {"{\"sub\":null}", AURA_EMALFORMED},
        {"{}", AURA_EMALFORMED},
        {"", AURA_EMALFORMED},
    };
    char user[AURA_MXID_BYTES_MAX];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int err = aura__openid_user(rows[i].body, strlen(rows[i].body), "example.org", user);
        if (err != rows[i].err) {
            fail_msg("%d, not %d: %s", err, rows[i].err, rows[i].body);
        }
    }
    assert_string_equal(user, "@a:example.org");
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(direct),
        AURA_PLAIN(well_known),
        AURA_CASE(srv),
        AURA_PLAIN(users),
    };
    return RUN_CASES("find", cases);
}
