/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of servers, and the meters. */
#include "client/meter.h"
#include "client/url.h"
#include "harness.h"

#include <string.h>

static int urls(void) {
    static const struct {
        const char *text;
        bool tls;
        const char *host;
        uint16_t port;
        const char *prefix;
    } good[] = {
        {"ws://localhost:7880", false, "localhost", 7880, ""},
        {"http://a.example", false, "a.example", 80, ""},
        {"wss://a.example", true, "a.example", 443, ""},
        {"https://a.example:1/x/y///", true, "a.example", 1, "/x/y"},
        {"ws://[::1]:65535/", false, "::1", 65535, ""},
        {"ws://[2001:db8::1]/p?q=1#f", false, "2001:db8::1", 80, "/p"},
    };
    static const char *const bad[] = {"",           "localhost:7880", "ftp://a",
                                      "ws://",      "ws://:80",       "ws://a:",
                                      "ws://a:0",   "ws://a:65536",   "ws://a:99999999999",
                                      "ws://a:80b", "ws://[::1",      "ws://[]:80",
                                      "ws://a?x"};
    struct aura_client_url u;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(aura_client_url_parse(&u, good[i].text), 0);
        assert_int_equal(u.tls, good[i].tls);
        assert_string_equal(u.host, good[i].host);
        assert_int_equal(u.port, good[i].port);
        assert_string_equal(u.prefix, good[i].prefix);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (aura_client_url_parse(&u, bad[i]) != AURA_EINVAL) {
            fail_msg("taken: '%s'", bad[i]);
        }
    }
    char lengthy[AURA_CLIENT_HOST_MAX + 16] = "ws://";
    memset(lengthy + 5, 'a', AURA_CLIENT_HOST_MAX + 1);
    assert_int_equal(aura_client_url_parse(&u, lengthy), AURA_EINVAL);
    lengthy[5 + AURA_CLIENT_HOST_MAX] = 0;
    assert_int_equal(aura_client_url_parse(&u, lengthy), 0);
    return 0;
}

/* Each value is at most 1/16 away from the middle of its bucket, and buckets rise. */
static int buckets(void) {
    size_t last = 0;
    for (uint64_t v = 0; v < UINT64_C(1) << 31; v = v < 64 ? v + 1 : v + v / 13) {
        size_t b = aura_hist_bucket(v);
        assert_true(b >= last && b < AURA_HIST_BUCKETS);
        last = b;
        uint64_t middle = aura_hist_value(b), off = middle > v ? middle - v : v - middle;
        assert_true(off * 16 <= v);
        assert_int_equal(aura_hist_bucket(middle), b);
    }
    assert_int_equal(aura_hist_bucket(UINT64_MAX), AURA_HIST_BUCKETS - 1);
    return 0;
}

static int quantiles(void) {
    struct aura_hist *h = aura_zalloc(sizeof(*h));
    if (!h) {
        return AURA_ENOMEM;
    }
    assert_int_equal(aura_hist_quantile(h, 0.5), 0);
    for (uint64_t v = 1; v <= 1000; v++) {
        aura_hist_add(h, v);
    }
    assert_int_equal(aura_hist_total(h), 1000);
    assert_in_range(aura_hist_quantile(h, 0.0), 1, 1);
    assert_in_range(aura_hist_quantile(h, 0.5), 480, 520);
    assert_in_range(aura_hist_quantile(h, 0.99), 960, 1020);
    assert_in_range(aura_hist_quantile(h, 1.0), 970, 1030);
    aura_free(h);
    return 0;
}

static int meters(void) {
    struct aura_meter *m = aura_calloc(3, sizeof(*m));
    if (!m) {
        return AURA_ENOMEM;
    }
    aura_count_add(&m[0].packets, 10);
    aura_hist_add(&m[0].video_us, 100);
    aura_meter_sum(&m[1], &m[0]); /* reading at the beginning */
    aura_count_add(&m[0].packets, 5);
    aura_count_add(&m[0].missing, UINT64_MAX);
    aura_hist_add(&m[0].video_us, 100);
    aura_hist_add(&m[0].audio_us, 7);
    aura_meter_sum(&m[2], &m[0]);
    aura_meter_since(&m[2], &m[1]);
    assert_int_equal(aura_count_get(&m[2].packets), 5);
    assert_int_equal((int64_t)aura_count_get(&m[2].missing), -1);
    assert_int_equal(aura_hist_total(&m[2].video_us), 1);
    assert_int_equal(aura_hist_total(&m[2].audio_us), 1);
    aura_free(m);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(urls), AURA_CASE(buckets), AURA_CASE(quantiles),
                                       AURA_CASE(meters)};
    return RUN_CASES("client/parts", cases);
}
