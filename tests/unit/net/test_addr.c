/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static struct aura_addr addr_of(const char *text) {
    struct aura_addr a;
    assert_int_equal(aura_addr_parse(&a, text), 0);
    return a;
}

static int text_forms(void) {
    static const struct {
        const char *in, *out, *ip;
        uint16_t port;
    } rows[] = {
        {"1.2.3.4", "1.2.3.4", "1.2.3.4", 0},
        {"1.2.3.4:65535", "1.2.3.4:65535", "1.2.3.4", 65535},
        {"::1", "::1", "::1", 0},
        {"[::1]", "::1", "::1", 0},
        {"[::1]:7882", "[::1]:7882", "::1", 7882},
        {"2001:db8::5", "2001:db8::5", "2001:db8::5", 0},
        {"::ffff:10.0.0.1", "10.0.0.1", "10.0.0.1", 0}, /* mapped is IPv4 */
        {"[fe80::1:2:3:4]:1", "[fe80::1:2:3:4]:1", "fe80::1:2:3:4", 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[AURA_ADDR_TEXT_MAX];
        struct aura_addr a = addr_of(rows[i].in);
        assert_int_equal(a.port, rows[i].port);
        assert_string_equal(aura_addr_text(&a, text), rows[i].out);
        assert_string_equal(aura_addr_ip_text(&a, text), rows[i].ip);
        struct aura_addr again = addr_of(rows[i].out);
        assert_true(aura_addr_equal(&a, &again));
        assert_int_equal(aura_addr_hash(&a), aura_addr_hash(&again));
    }
    return 0;
}

static int bad_text(void) {
    static const char *const rows[] = {
        "",
        "x",
        "1.2.3",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3.4:1x",
        "[::1",
        "[::1]7882",
        "[::1]:",
        "[::1]:99999",
        "[]:1",
        "::g",
        "fe80::1%eth0",
        "1.2.3.4:5:6",
        "localhost:1",
        "1.2.3.4:000000080",
        "11111111111111111111111111111111111111111111111111111111111111111111111111111111",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct aura_addr a = {.port = 77};
        assert_int_equal(aura_addr_parse(&a, rows[i]), AURA_EINVAL);
        assert_int_equal(a.port, 77);
    }
    return 0;
}

static int socket_forms(void) {
    static const char *const rows[] = {"1.2.3.4:5", "[2001:db8::1]:6", "0.0.0.0", "::"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct aura_addr a = addr_of(rows[i]), b;
        struct sockaddr_storage sa;
        size_t len = aura_addr_to_sockaddr(&a, &sa);
        assert_int_equal(aura_addr_from_sockaddr(&b, (struct sockaddr *)&sa, len), 0);
        assert_true(aura_addr_equal(&a, &b));
        assert_int_equal(aura_addr_from_sockaddr(&b, (struct sockaddr *)&sa, len - 1), AURA_EINVAL);
        assert_int_equal(aura_addr_from_sockaddr(&b, (struct sockaddr *)&sa, 1), AURA_EINVAL);
    }
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    inet_pton(AF_INET6, "::ffff:9.8.7.6", &mapped.sin6_addr);
    struct aura_addr a, want = addr_of("9.8.7.6:9"), none = {0};
    assert_int_equal(aura_addr_from_sockaddr(&a, (struct sockaddr *)&mapped, sizeof(mapped)), 0);
    assert_true(aura_addr_equal(&a, &want));
    struct sockaddr_storage sa = {.ss_family = AF_UNIX};
    assert_int_equal(aura_addr_from_sockaddr(&a, (struct sockaddr *)&sa, sizeof(sa)), AURA_EINVAL);
    assert_int_equal(aura_addr_to_sockaddr(&none, &sa), 0);
    return 0;
}

static int kinds(void) {
    enum { ANY = 1, LOOP = 2, LINK = 4, PRIVATE = 8 };
    static const struct {
        const char *ip;
        unsigned kind;
    } rows[] = {
        {"0.0.0.0", ANY},        {"::", ANY},
        {"127.0.0.1", LOOP},     {"127.255.0.1", LOOP},
        {"::1", LOOP},           {"169.254.1.1", LINK},
        {"fe80::1", LINK},       {"febf::1", LINK},
        {"fec0::1", 0},          {"10.255.1.1", PRIVATE},
        {"172.16.0.1", PRIVATE}, {"172.31.9.9", PRIVATE},
        {"172.32.0.1", 0},       {"192.168.3.4", PRIVATE},
        {"192.169.3.4", 0},      {"100.64.0.1", PRIVATE},
        {"100.128.0.1", 0},      {"fd00::1", PRIVATE},
        {"fc00::1", PRIVATE},    {"fe00::1", 0},
        {"8.8.8.8", 0},          {"2001:db8::1", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct aura_addr a = addr_of(rows[i].ip);
        unsigned kind = (aura_addr_is_any(&a) ? ANY : 0) | (aura_addr_is_loopback(&a) ? LOOP : 0) |
                        (aura_addr_is_link_local(&a) ? LINK : 0) |
                        (aura_addr_is_private(&a) ? PRIVATE : 0);
        if (kind != rows[i].kind) {
            fail_msg("%s is of kind %u, not %u", rows[i].ip, kind, rows[i].kind);
        }
    }
    struct aura_addr a = addr_of("1.1.1.1:1"), b = addr_of("1.1.1.1:2"), c = addr_of("1.1.1.2:1");
    assert_true(aura_addr_same_ip(&a, &b));
    assert_false(aura_addr_equal(&a, &b));
    assert_false(aura_addr_same_ip(&a, &c));
    return 0;
}

static int interfaces(void) {
    struct aura_addr_interface list[AURA_ADDR_INTERFACES_MAX];
    int n = aura_addr_interfaces(list, AURA_ADDR_INTERFACES_MAX);
    bool loopback = false;
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        assert_int_equal(list[i].addr.port, 0);
        assert_false(aura_addr_is_any(&list[i].addr));
        loopback |= list[i].loopback && aura_addr_is_loopback(&list[i].addr);
    }
    assert_true(loopback);
    assert_int_equal(aura_addr_interfaces(list, 1), 1);
    assert_int_equal(aura_addr_interfaces(list, 0), 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(text_forms), AURA_CASE(bad_text),
                                       AURA_CASE(socket_forms), AURA_CASE(kinds),
                                       AURA_CASE(interfaces)};
    return RUN_CASES("net/addr", cases);
}
