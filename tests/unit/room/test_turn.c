/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "room/turn.h"

#include <string.h>

static int urls_name_the_protocol(void) {
    static const struct {
        const char *host, *protocol, *want;
        uint32_t port;
    } rows[] = {{"turn.example.com", "udp", "turn:turn.example.com:3478?transport=udp", 3478},
                {"turn.example.com", "tcp", "turn:turn.example.com:3478?transport=tcp", 3478},
                {"192.0.2.1", "tls", "turns:192.0.2.1:443?transport=tcp", 443},
                {"2001:db8::1", "udp", "turn:[2001:db8::1]:3478?transport=udp", 3478},
                {"[2001:db8::1]", "udp", "turn:[2001:db8::1]:3478?transport=udp", 3478}};
    char url[AURA_TURN_URL_MAX];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct aura_turn_server s = {
            .host = rows[i].host, .protocol = rows[i].protocol, .port = rows[i].port};
        assert_int_equal(aura_turn_url(&s, url, sizeof(url)), 0);
        assert_string_equal(url, rows[i].want);
        assert_int_equal(aura_turn_url(&s, url, strlen(rows[i].want)), AURA_ELIMIT);
    }
    struct aura_turn_server sctp = {.host = "x", .protocol = "sctp", .port = 1};
    assert_int_equal(aura_turn_url(&sctp, url, sizeof(url)), AURA_EINVAL);
    return 0;
}

/* The password: printf 1700003600:PA_x | openssl dgst -sha1 -hmac north -binary | base64 */
static int credentials_are_those_of_coturn(void) {
    const struct aura_turn_server s = {.secret = "north", .ttl_s = 3600};
    char user[AURA_TURN_USER_MAX], password[AURA_TURN_PASSWORD_MAX], name[AURA_TURN_USER_MAX];
    assert_int_equal(aura_turn_credentials(&s, "PA_x", 1700000000, user, password), 0);
    assert_string_equal(user, "1700003600:PA_x");
    assert_string_equal(password, "tA50pxOTHHdD4r0oNHoos0M90wI=");
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(aura_turn_credentials(&s, name, 1700000000, user, password), AURA_ELIMIT);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(urls_name_the_protocol),
        AURA_PLAIN(credentials_are_those_of_coturn),
    };
    return RUN_CASES("TURN servers", cases);
}
