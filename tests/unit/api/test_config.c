/* SPDX-License-Identifier: Apache-2.0 */
#include "api/config.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int load(struct aura_config *c, const char *yaml, struct aura_buf *messages) {
    return aura_config_text(c, "f.yaml", yaml, strlen(yaml), messages);
}

static int keys_of_livekit_are_read(void) {
    struct aura_config c;
    struct aura_buf m = AURA_BUF(4096);
    TRY(aura_config_init(&c));
    int err =
        load(&c,
             "port: 1234\nbind_addresses: [127.0.0.1, '::1']\nkeys:\n  k1: s1\n  k2: s2\n"
             "rtc:\n  udp_port: 7882-7885\n  tcp_port: 0\n  pli_throttle:\n    low_quality: 250ms\n"
             "    mid_quality: 2s\n  stun_servers: []\nroom:\n  auto_create: false\n"
             "  empty_timeout: 5m\n  departure_timeout: 7\n  enabled_codecs:\n"
             "    - mime: video/vp8\n    - {mime: audio/opus, fmtp_line: ''}\n"
             "logging:\n  level: debug\n  json: true\npsrpc:\n",
             &m);
    if (!err) {
        assert_int_equal(c.port, 1234);
        assert_int_equal(c.bind_addresses.count, 2);
        assert_string_equal(c.bind_addresses.items[1], "::1");
        assert_string_equal(aura_keys_secret(c.keys, "k2"), "s2");
        assert_int_equal(c.rtc.udp_port, 7882);
        assert_int_equal(c.rtc.udp_ports, 4);
        assert_int_equal(c.rtc.tcp_port, 0);
        assert_int_equal(c.rtc.pli_low_ms, 250);
        assert_int_equal(c.rtc.pli_mid_ms, 2000);
        assert_int_equal(c.rtc.pli_high_ms, 1000);
        assert_false(c.room.auto_create);
        assert_int_equal(c.room.empty_timeout_s, 300);
        assert_int_equal(c.room.departure_timeout_s, 7);
        assert_int_equal(c.room.enabled_codecs.count, 2);
        assert_string_equal(c.room.enabled_codecs.items[0], "video/vp8");
        assert_string_equal(c.log_level, "debug");
        assert_true(c.log_json);
        if (!m.err) { /* a warning may be lost without memory */
            assert_string_equal(aura_buf_text(&m),
                                "f.yaml:23:1: warning: 'psrpc' has no effect yet\n");
        }
    }
    aura_buf_free(&m);
    aura_config_clear(&c);
    return err;
}

static int mistakes_name_their_place(void) {
    static const struct {
        const char *yaml, *message;
    } bad[] = {
        {"port: x", "f.yaml:1:7: 'port' wants a number from 0 to 65535\n"},
        {"port: 70000", "f.yaml:1:7: 'port' wants a number from 0 to 65535\n"},
        {"port: 7_", "f.yaml:1:7: 'port' wants a number from 0 to 65535\n"},
        {"limit:\n  bytes_per_sec: 99999999999999999999",
         "f.yaml:2:18: 'limit.bytes_per_sec' wants a number from 0 to 4294967295\n"},
        {"port: 7ms", "f.yaml:1:7: 'port' wants a number from 0 to 65535\n"},
        {"\nrtc:\n  udp_prot: 1", "f.yaml:3:3: unknown key 'rtc.udp_prot' (did you mean "
                                  "'rtc.udp_port'?)\n"},
        {"something_else: 1", "f.yaml:1:1: unknown key 'something_else'\n"},
        {"room: [1]", "f.yaml:1:7: wanted a map of keys here\n"},
        {"room:\n  auto_create: maybe", "f.yaml:2:16: 'room.auto_create' wants true or false\n"},
        {"rtc:\n  udp_port: 9-8", "f.yaml:2:13: 'rtc.udp_port' wants a port or a range such as "
                                  "7882-7885 (at most 64)\n"},
        {"keys: [a]", "f.yaml:1:7: API keys want a map, a line each: `key: secret`\n"},
        {"- 1", "f.yaml:1:1: wanted a map of keys here\n"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct aura_config c;
        struct aura_buf m = AURA_BUF(4096);
        assert_int_equal(aura_config_init(&c), 0);
        assert_int_equal(load(&c, bad[i].yaml, &m), AURA_EMALFORMED);
        assert_string_equal(aura_buf_text(&m), bad[i].message);
        aura_buf_free(&m);
        aura_config_clear(&c);
    }
    return 0;
}

static int numbers_may_have_bars(void) {
    struct aura_config c;
    struct aura_buf m = AURA_BUF(4096);
    int err;
    TRY_OUT(aura_config_init(&c));
    TRY_OUT(load(&c, "limit:\n  bytes_per_sec: 1_000_000_000\n  publisher_kbps: 2500\n", &m));
    assert_int_equal(c.limit.max_bytes_per_s, 1000000000);
    assert_int_equal(c.limit.publisher_kbps, 2500);
    TRY_OUT(load(&c, "room: {playout_delay: {enabled: true, min: 100, max: 2_000}}", &m));
    assert_true(c.room.playout_delay);
    assert_int_equal(c.room.playout_min_ms, 100);
    assert_int_equal(c.room.playout_max_ms, 2000);
    assert_string_equal(aura_buf_text(&m), "");
out:
    aura_buf_free(&m);
    aura_config_clear(&c);
    return err;
}

static int what_is_not_yaml_is_refused(void) {
    struct aura_config c;
    struct aura_buf m = AURA_BUF(4096);
    assert_int_equal(aura_config_init(&c), 0);
    assert_int_equal(load(&c, "a: [1, 2", &m), AURA_EMALFORMED);
    assert_non_null(strstr(aura_buf_text(&m), "f.yaml:"));
    assert_int_equal(load(&c, "", &m), 0);
    assert_int_equal(aura_config_file(&c, "/does/not/exist", &m), AURA_ENOENT);
    aura_buf_free(&m);
    aura_config_clear(&c);
    return 0;
}

static int key_files_must_not_be_public(void) {
    struct aura_config c;
    struct aura_buf m = AURA_BUF(4096);
    char path[] = "/tmp/aura-keys-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "k: s\n", 5), 5);
    close(fd);
    assert_int_equal(aura_config_init(&c), 0);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(aura_config_key_file(&c, path, &m), AURA_EPOLICY);
    assert_non_null(strstr(aura_buf_text(&m), "chmod o-rwx"));
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(aura_config_key_file(&c, path, &m), 0);
    assert_string_equal(aura_keys_secret(c.keys, "k"), "s");
    unlink(path);
    aura_buf_free(&m);
    aura_config_clear(&c);
    return 0;
}

static int secrets_of_turn_may_stand_in_files(void) {
    struct aura_config c;
    struct aura_buf m = AURA_BUF(4096);
    char path[] = "/tmp/aura-turn-XXXXXX", yaml[256];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    snprintf(yaml, sizeof(yaml), "rtc:\n  turn_servers:\n    - {host: a, secret_file: %s}\n", path);
    assert_int_equal(aura_config_init(&c), 0);
    assert_int_equal(load(&c, yaml, &m), AURA_EMALFORMED);
    assert_non_null(strstr(aura_buf_text(&m), "f.yaml:3:7: secret_file: "));
    assert_int_equal(write(fd, " pass\nnote\n", 11), 11);
    close(fd);
    assert_int_equal(load(&c, yaml, &m), 0);
    assert_string_equal(c.rtc.turn_servers[0].secret, "pass");
    assert_int_equal(chmod(path, 0604), 0);
    aura_buf_clear(&m);
    assert_int_equal(load(&c, yaml, &m), AURA_EMALFORMED);
    assert_non_null(strstr(aura_buf_text(&m), "chmod o-rwx"));
    assert_non_null(strstr(aura_buf_text(&m), "f.yaml:3:7: "));
    unlink(path);
    assert_int_equal(load(&c, yaml, &m), AURA_EMALFORMED);
    aura_buf_free(&m);
    aura_config_clear(&c);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(keys_of_livekit_are_read),      AURA_PLAIN(mistakes_name_their_place),
        AURA_CASE(numbers_may_have_bars),         AURA_PLAIN(what_is_not_yaml_is_refused),
        AURA_PLAIN(key_files_must_not_be_public), AURA_PLAIN(secrets_of_turn_may_stand_in_files),
    };
    return RUN_CASES("config", cases);
}
