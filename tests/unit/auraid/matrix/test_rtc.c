/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/matrix/rtc.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

static int array_is(const char *a, const char *b, const char *want) {
    const char *const parts[] = {a, b};
    struct aura_buf out = AURA_BUF(1000);
    int err = aura_rtc_array(&out, parts, 2);
    if (!err) {
        assert_string_equal(aura_buf_text(&out), want);
    }
    aura_buf_free(&out);
    return err;
}

/* What Go's encoding/json makes of them. */
static int arrays(void) {
    TRY(array_is("a", "b", "[\"a\",\"b\"]"));
    TRY(array_is("", "\"\\/", "[\"\",\"\\\"\\\\/\"]"));
    TRY(array_is("<>&", "\x7f", "[\"\\u003c\\u003e\\u0026\",\"\x7f\"]"));
    TRY(array_is("\b\f\n\r\t", "\x01\x1f", "[\"\\b\\f\\n\\r\\t\",\"\\u0001\\u001f\"]"));
    TRY(array_is("\xE2\x80\xA8", "\xE2\x80\xA9", "[\"\\u2028\",\"\\u2029\"]"));
    TRY(array_is("\xE2\x80\xA7", "\xE2\x80\xAA", "[\"\xE2\x80\xA7\",\"\xE2\x80\xAA\"]"));
    TRY(array_is("\xC3\xA4", "\xF0\x9F\x98\x80", "[\"\xC3\xA4\",\"\xF0\x9F\x98\x80\"]"));
    return array_is("\xE2", "\xE2\x80", "[\"\xE2\",\"\xE2\x80\"]"); /* stays inside */
}

/* Measured at lk-jwt-service and with openssl. */
static int names(void) {
    struct aura_rtc_request r = {.kind = AURA_RTC_GET_TOKEN,
                                 .room = "!abc:localhost:18448",
                                 .slot = "m.call#ROOM",
                                 .device = "ALICEDEV",
                                 .member = "mem1"};
    static const char alice[] = "@alice:localhost:18448";
    char room[AURA_RTC_ROOM_BYTES], identity[AURA_RTC_IDENTITY_BYTES];
    TRY(aura_rtc_room(&r, room));
    TRY(aura_rtc_identity(&r, alice, identity));
    assert_string_equal(room, "RaKTb/DT2LiCtZjvxH4W50UfpNhZ7ZShO7imB6HML4Q");
    assert_string_equal(identity, "luNE6b4SUMBGq5EkaJn4ClwWBtHdAIpZBT/e+fi09KA");
    r.kind = AURA_RTC_SFU_GET;
    TRY(aura_rtc_identity(&r, alice, identity));
    assert_string_equal(identity, "@alice:localhost:18448:ALICEDEV");
    return 0;
}

#define TOKEN                                                                                      \
    "\"openid_token\":{\"access_token\":\"T\",\"token_type\":\"Bearer\",\"matrix_server_name\":"   \
    "\"example.org\",\"expires_in\":3600}"
#define MEMBER                                                                                     \
    "\"member\":{\"id\":\"m\",\"claimed_user_id\":\"@a:example.org\",\"claimed_device_id\":\"D\"}"
#define NOW "\"room_id\":\"!r:example.org\",\"slot_id\":\"m.call#ROOM\"," TOKEN "," MEMBER
#define DELAY(ms) "\"delay_id\":\"d\",\"delay_timeout\":" ms ",\"delay_cs_api_url\":\"https://x\""

static int reads(enum aura_rtc_kind kind, const char *body, struct aura_rtc_request *r) {
    const char *why;
    return aura_rtc_read(r, kind, body, strlen(body), &why);
}

/* jansson has its own memory, so these run plainly. */
static int bodies(void) {
    struct aura_rtc_request r;
    assert_int_equal(reads(AURA_RTC_GET_TOKEN, "{" NOW "}", &r), 0);
    assert_string_equal(r.room, "!r:example.org");
    assert_string_equal(r.user, "@a:example.org");
    assert_string_equal(r.device, "D");
    assert_string_equal(r.member, "m");
    assert_string_equal(r.server, "example.org");
    assert_string_equal(r.token, "T");
    assert_int_equal(r.expires_in_s, 3600);
    assert_string_equal(r.delay_id, "");
    assert_int_equal(reads(AURA_RTC_DELEGATE, "{" NOW "}", &r), AURA_EINVAL);
    assert_int_equal(reads(AURA_RTC_DELEGATE, "{" NOW "," DELAY("8000") "}", &r), 0);
    assert_int_equal(r.delay_ms, 8000);
    assert_string_equal(r.delay_url, "https://x");
    assert_int_equal(reads(AURA_RTC_GET_TOKEN, "{" NOW "," DELAY("1") "}", &r), 0);
    assert_int_equal(
        reads(AURA_RTC_SFU_GET, "{\"room\":\"!r:x\",\"device_id\":\"D\"," TOKEN "}", &r), 0);
    assert_string_equal(r.slot, "m.call#ROOM");
    assert_string_equal(r.user, "");
    return 0;
}

static int bad_bodies(void) {
    static const struct {
        const char *body;
        int err;
    } rows[] = {
        {"", AURA_EMALFORMED},
        {"{", AURA_EMALFORMED},
        {"[]", AURA_EMALFORMED},
        {"{" NOW ",\"x\":1}", AURA_EMALFORMED},
        {"{" NOW ",\"room_id\":\"!q:x\"}", AURA_EMALFORMED}, /* twice */
        {"{" NOW "} {}", AURA_EMALFORMED},
        {"{}", AURA_EINVAL},
        {"{\"room_id\":7}", AURA_EMALFORMED},
        {"{\"room_id\":\"a\\u0000b\"}", AURA_EMALFORMED},
        {"{\"room_id\":\"a\\u0007b\",\"slot_id\":\"s\"," TOKEN "," MEMBER "}", AURA_EINVAL},
        {"{\"room_id\":\"!r:x\",\"slot_id\":\"s\"," MEMBER "}", AURA_EINVAL},
        {"{\"room_id\":\"!r:x\",\"slot_id\":\"s\"," TOKEN "}", AURA_EINVAL},
        {"{\"room_id\":\"!r:x\",\"slot_id\":\"s\"," MEMBER ",\"openid_token\":\"T\"}",
         AURA_EMALFORMED},
        {"{\"room_id\":\"!r:x\",\"slot_id\":\"s\"," TOKEN ",\"member\":{\"id\":\"m\","
         "\"claimed_user_id\":\"a:example.org\",\"claimed_device_id\":\"D\"}}",
         AURA_EINVAL},
        {"{" NOW "," DELAY("0") "}", AURA_EINVAL},
        {"{" NOW "," DELAY("3600001") "}", AURA_EINVAL},
        {"{" NOW "," DELAY("99999999999999999999") "}", AURA_EMALFORMED},
        {"{" NOW "," DELAY("1.5") "}", AURA_EMALFORMED},
        {"{" NOW ",\"delay_id\":\"d\"}", AURA_EINVAL},
        {"{" NOW ",\"delay_timeout\":5}", AURA_EINVAL},
    };
    struct aura_rtc_request r;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int err = reads(AURA_RTC_GET_TOKEN, rows[i].body, &r);
        if (err != rows[i].err) {
            fail_msg("%d, not %d: %s", err, rows[i].err, rows[i].body);
        }
    }
    return 0;
}

/* At the ceilings, and one above them. */
static int ceilings(void) {
    char body[2 * AURA_RTC_BODY_BYTES_MAX], text[AURA_RTC_TEXT_MAX + 1];
    struct aura_rtc_request r;
    memset(text, 'r', sizeof(text));
    for (int over = 0; over < 2; over++) {
        text[AURA_RTC_TEXT_MAX - 1 + over] = 0;
        snprintf(body, sizeof(body), "{\"room\":\"%s\",\"device_id\":\"D\"," TOKEN "}", text);
        assert_int_equal(reads(AURA_RTC_SFU_GET, body, &r), over ? AURA_EINVAL : 0);
        text[AURA_RTC_TEXT_MAX - 1] = 'r';
    }
    for (int over = 0; over < 2; over++) {
        int n = snprintf(body, sizeof(body), "{\"room\":\"R\",\"device_id\":\"D\"," TOKEN);
        memset(body + n, ' ', sizeof(body) - (size_t)n);
        body[AURA_RTC_BODY_BYTES_MAX - 1 + over] = '}';
        body[AURA_RTC_BODY_BYTES_MAX + over] = 0;
        assert_int_equal(reads(AURA_RTC_SFU_GET, body, &r), over ? AURA_EMALFORMED : 0);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(arrays),      AURA_CASE(names),     AURA_PLAIN(bodies),
        AURA_PLAIN(bad_bodies), AURA_PLAIN(ceilings),
    };
    return RUN_CASES("rtc", cases);
}
