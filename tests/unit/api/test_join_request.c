/* SPDX-License-Identifier: Apache-2.0 */
#include "api/base64.h"
#include "api/join_request.h"
#include "harness.h"
#include "room/rooms.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static int base64_takes_every_form(void) {
    static const struct {
        const char *text, *want;
    } good[] = {{"", ""},        {"Zg==", "f"},        {"Zg", "f"},         {"Zm8=", "fo"},
                {"Zm9v", "foo"}, {"_-8=", "\xff\xef"}, {"/+8=", "\xff\xef"}};
    static const char *const bad[] = {"Z", "Zg=a", "Z g=", "====", "Zm9vZ"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct aura_buf b = AURA_BUF(100);
        int err = aura_base64_decode(&b, good[i].text, strlen(good[i].text));
        if (!err) {
            assert_string_equal(aura_buf_text(&b), good[i].want);
        }
        aura_buf_free(&b);
        TRY(err);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct aura_buf b = AURA_BUF(100);
        assert_int_not_equal(aura_base64_decode(&b, bad[i], strlen(bad[i])), 0);
        aura_buf_free(&b);
    }
    return 0;
}

/* A wrapped request with `payload` as it is. */
static int wrap(struct aura_buf *out, bool gzip, const void *payload, size_t len) {
    Livekit__WrappedJoinRequest w = LIVEKIT__WRAPPED_JOIN_REQUEST__INIT;
    w.compression = gzip ? LIVEKIT__WRAPPED_JOIN_REQUEST__COMPRESSION__GZIP
                         : LIVEKIT__WRAPPED_JOIN_REQUEST__COMPRESSION__NONE;
    w.join_request = (ProtobufCBinaryData){.len = len, .data = (uint8_t *)(uintptr_t)payload};
    size_t n = livekit__wrapped_join_request__get_packed_size(&w);
    uint8_t *bytes = malloc(n);
    assert_non_null(bytes);
    livekit__wrapped_join_request__pack(&w, bytes);
    int err = aura_base64_encode(out, bytes, n);
    free(bytes);
    return err;
}

static size_t gzip(const void *in, size_t len, uint8_t *out, size_t cap) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in,
                  .avail_in = (uInt)len,
                  .next_out = out,
                  .avail_out = (uInt)cap};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = z.total_out;
    deflateEnd(&z);
    return n;
}

static int a_request_comes_plain_and_zipped(void) {
    Livekit__JoinRequest q = LIVEKIT__JOIN_REQUEST__INIT, *out = NULL;
    uint8_t plain[64], zipped[256];
    q.metadata = (char *)(uintptr_t) "hello";
    size_t len = livekit__join_request__pack(&q, plain);
    size_t zlen = gzip(plain, len, zipped, sizeof(zipped));
    for (int z = 0; z < 2; z++) {
        struct aura_buf text = AURA_BUF(4096);
        int err = wrap(&text, z, z ? zipped : plain, z ? zlen : len);
        err = err ? err : aura_join_request_decode(&out, aura_buf_text(&text), text.len);
        aura_buf_free(&text);
        TRY(err);
        assert_string_equal(out->metadata, "hello");
        livekit__join_request__free_unpacked(out, aura_pb_allocator());
    }
    return 0;
}

static int a_gzip_bomb_stops_at_the_limit(void) {
    size_t len = 64 << 20, cap = 1 << 20;
    uint8_t *zeros = calloc(1, len), *zipped = malloc(cap);
    struct aura_buf text = AURA_BUF(4 << 20);
    Livekit__JoinRequest *out = NULL;
    assert_true(zeros && zipped);
    size_t n = gzip(zeros, len, zipped, cap);
    assert_int_equal(wrap(&text, true, zipped, n), 0);
    assert_int_equal(aura_join_request_decode(&out, aura_buf_text(&text), text.len), AURA_ELIMIT);
    aura_buf_free(&text);
    free(zeros);
    free(zipped);
    return 0;
}

static int garbage_is_refused(void) {
    Livekit__JoinRequest *out = NULL;
    static const char *const bad[] = {"!", "Zm9v", "CAESAA=="};
    struct aura_buf text = AURA_BUF(4096);
    assert_int_equal(aura_join_request_decode(&out, bad[0], 1), AURA_EMALFORMED);
    assert_int_equal(aura_join_request_decode(&out, bad[1], 4), AURA_EMALFORMED);
    assert_int_equal(aura_join_request_decode(&out, bad[2], 8), AURA_EMALFORMED); /* empty gzip */
    assert_int_equal(wrap(&text, true, "not gzip", 8), 0);
    assert_int_equal(aura_join_request_decode(&out, aura_buf_text(&text), text.len),
                     AURA_EMALFORMED);
    aura_buf_free(&text);
    return 0;
}

static const char *query(const void *arg, const char *name) {
    static const char *const pairs[][2] = {
        {"auto_subscribe", "0"},
        {"adaptive_stream", "true"},
        {"sdk", "js"},
        {"protocol", "17"},
        {"client_protocol", "2"},
        {"version", "2.23.0"},
        {"reconnect", "1"},
        {"sid", "PA_x"},
        {"attributes", "eyJhIjoiYiJ9"},
        {"capabilities", "CAP_COMPRESSION_DEFLATE_RAW,CAP_NONSENSE"}};
    (void)arg;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (strcmp(pairs[i][0], name) == 0) {
            return pairs[i][1];
        }
    }
    return NULL;
}

static int the_query_of_v0_becomes_a_request(void) {
    Livekit__JoinRequest *q = NULL;
    TRY(aura_join_request_from_query(&q, query, NULL));
    assert_false(q->connection_settings->auto_subscribe);
    assert_true(q->connection_settings->adaptive_stream);
    assert_true(q->reconnect);
    assert_string_equal(q->participant_sid, "PA_x");
    assert_int_equal(q->client_info->sdk, LIVEKIT__CLIENT_INFO__SDK__JS);
    assert_int_equal(q->client_info->protocol, 17);
    assert_string_equal(q->client_info->version, "2.23.0");
    assert_int_equal(q->client_info->n_capabilities, 1);
    assert_int_equal(q->n_participant_attributes, 1);
    assert_string_equal(q->participant_attributes[0]->value, "b");
    livekit__join_request__free_unpacked(q, aura_pb_allocator());
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(base64_takes_every_form),           AURA_PLAIN(a_request_comes_plain_and_zipped),
        AURA_PLAIN(a_gzip_bomb_stops_at_the_limit),   AURA_PLAIN(garbage_is_refused),
        AURA_CASE(the_query_of_v0_becomes_a_request),
    };
    return RUN_CASES("join request", cases);
}
