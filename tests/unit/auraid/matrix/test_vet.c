/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/matrix/vet.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

static enum aura_vet_verdict reach(const struct aura_vet *v, const char *text) {
    struct aura_addr a;
    assert_int_equal(aura_addr_parse(&a, text), 0);
    return aura_vet(v, &a);
}

/* The first and the last address of each special network, and their neighbours that are none. */
static int special_addresses(void) {
    static const char *const refused[] = {
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.0",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.0",
        "169.254.169.254",
        "169.254.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.0.255",
        "192.0.2.0",
        "192.0.2.255",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.0",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::7f00:1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.1.2.3",
        "64:ff9b:1::1",
        "100::1",
        "fc00::",
        "fd00::1",
        "fdff:ffff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "1fff:ffff::1",
        "4000::1",
        "2001::1",
        "2001:1ff::1",
        "2001:db8::1",
        "2002::1",
        "2002:7f00:1::",
        "3fff::1",
        "3fff:fff::1",
        "5f00::1",
    };
    static const char *const fine[] = {
        "1.0.0.0",        "1.1.1.1",          "8.8.8.8",      "9.255.255.255",
        "11.0.0.0",       "100.63.255.255",   "100.128.0.0",  "126.255.255.255",
        "128.0.0.0",      "169.253.255.255",  "169.255.0.0",  "172.15.255.255",
        "172.32.0.0",     "192.0.1.0",        "192.0.3.0",    "192.167.255.255",
        "192.169.0.0",    "198.17.255.255",   "198.20.0.0",   "223.255.255.255",
        "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2000::1",      "2001:200::1",
        "2001:db7::1",    "2001:db9::1",      "2003::1",      "2606:4700::1111",
        "2a01:4f8::1",    "3ffe::1",          "3fff:1000::1",
    };
    const struct aura_vet none = {.count = 0};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (reach(&none, refused[i]) != AURA_VET_REFUSED) {
            fail_msg("%s is not refused", refused[i]);
        }
    }
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        if (reach(&none, fine[i]) != AURA_VET_PUBLIC) {
            fail_msg("%s is refused", fine[i]);
        }
    }
    const struct aura_addr nothing = {.family = AURA_FAMILY_NONE};
    assert_int_equal(aura_vet(&none, &nothing), AURA_VET_REFUSED);
    return 0;
}

static int allowed(void) {
    struct aura_vet v = {.count = 0};
    assert_int_equal(aura_vet_allow(&v, "127.0.0.1"), 0);
    assert_int_equal(aura_vet_allow(&v, "10.1.0.0/20"), 0);
    assert_int_equal(aura_vet_allow(&v, "fd00:1::/33"), 0);
    assert_int_equal(reach(&v, "127.0.0.1"), AURA_VET_LISTED);
    assert_int_equal(reach(&v, "::ffff:127.0.0.1"), AURA_VET_LISTED);
    assert_int_equal(reach(&v, "127.0.0.2"), AURA_VET_REFUSED);
    assert_int_equal(reach(&v, "10.1.15.255"), AURA_VET_LISTED);
    assert_int_equal(reach(&v, "10.1.16.0"), AURA_VET_REFUSED);
    assert_int_equal(reach(&v, "10.0.255.255"), AURA_VET_REFUSED);
    assert_int_equal(reach(&v, "fd00:1:7fff::1"), AURA_VET_LISTED);
    assert_int_equal(reach(&v, "fd00:1:8000::1"), AURA_VET_REFUSED);
    assert_int_equal(reach(&v, "8.8.8.8"), AURA_VET_PUBLIC);
    assert_int_equal(aura_vet_allow(&v, "0.0.0.0/0"), 0);
    assert_int_equal(reach(&v, "192.168.1.1"), AURA_VET_LISTED);
    assert_int_equal(reach(&v, "fe80::1"), AURA_VET_REFUSED);
    return 0;
}

static int bad_networks(void) {
    static const char *const bad[] = {
        "",
        "x",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/8x",
        "10.0.0.0/1234",
        "/8",
        "::/129",
        "10.0.0.1:80",
        "[::1]:80",
        "10.0.0.0/8/8",
        "localhost",
        "11111111111111111111111111111111111111111111111111111111111111111111111111111/8",
    };
    struct aura_vet v = {.count = 0};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (aura_vet_allow(&v, bad[i]) != AURA_EINVAL) {
            fail_msg("\"%s\" is taken", bad[i]);
        }
    }
    for (size_t i = 0; i < AURA_VET_ALLOWED_MAX; i++) {
        assert_int_equal(aura_vet_allow(&v, "::1"), 0);
    }
    assert_int_equal(aura_vet_allow(&v, "::1"), AURA_ELIMIT);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(special_addresses),
        AURA_CASE(allowed),
        AURA_CASE(bad_networks),
    };
    return RUN_CASES("vet", cases);
}
