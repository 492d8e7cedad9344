/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens. The fixed ones were made by an independent implementation (Python's hmac and base64). */
#include "harness.h"
#include "room/token.h"

#include <stdio.h>
#include <string.h>

/* iss key, sub alice, nbf 1000, exp 2000, secret "secret" */
static const char good[] =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJpc3MiOiJrZXkiLCJzdWIiOiJhbGljZSIsIm5hbWUiOiJBbCIsImV4cCI6MjAwMCwibmJmIjoxMDAwLCJtZXRhZGF0YS"
    "I6Im0iLCJraW5kIjoiYWdlbnQiLCJhdHRyaWJ1dGVzIjp7ImEiOiIxIn0sInZpZGVvIjp7InJvb21Kb2luIjp0cnVlLCJy"
    "b29tIjoiciIsImNhblB1Ymxpc2giOmZhbHNlLCJjYW5QdWJsaXNoU291cmNlcyI6WyJjYW1lcmEiLCJzY3JlZW5fc2hhcm"
    "UiXSwiaGlkZGVuIjp0cnVlfX0.yURH3vkMOgRBR7_Ug-vaxEzOnRKrTISk3ry8bmNaUsg";
static const char hs512[] =
    "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9."
    "eyJpc3MiOiJrZXkiLCJzdWIiOiJhbGljZSIsIm5hbWUiOiJBbCIsImV4cCI6MjAwMCwibmJmIjoxMDAwLCJtZXRhZGF0YS"
    "I6Im0iLCJraW5kIjoiYWdlbnQiLCJhdHRyaWJ1dGVzIjp7ImEiOiIxIn0sInZpZGVvIjp7InJvb21Kb2luIjp0cnVlLCJy"
    "b29tIjoiciIsImNhblB1Ymxpc2giOmZhbHNlLCJjYW5QdWJsaXNoU291cmNlcyI6WyJjYW1lcmEiLCJzY3JlZW5fc2hhcm"
    "UiXSwiaGlkZGVuIjp0cnVlfX0.egu8pXqN5Y0rFFDXfAv3sTTRVcepyBoIWTUR1xopiuc";
static const char none[] =
    "eyJhbGciOiJub25lIn0."
    "eyJpc3MiOiAia2V5IiwgInN1YiI6ICJhbGljZSIsICJuYW1lIjogIkFsIiwgImV4cCI6IDIwMDAsICJuYmYiOiAxMDAwLC"
    "AibWV0YWRhdGEiOiAibSIsICJraW5kIjogImFnZW50IiwgImF0dHJpYnV0ZXMiOiB7ImEiOiAiMSJ9LCAidmlkZW8iOiB7"
    "InJvb21Kb2luIjogdHJ1ZSwgInJvb20iOiAiciIsICJjYW5QdWJsaXNoIjogZmFsc2UsICJjYW5QdWJsaXNoU291cmNlcy"
    "I6IFsiY2FtZXJhIiwgInNjcmVlbl9zaGFyZSJdLCAiaGlkZGVuIjogdHJ1ZX19.";

static int make_keys(struct aura_keys **keys) {
    TRY(aura_keys_new(keys));
    int err = aura_keys_add(*keys, "key", "secret");
    if (err) {
        *keys = aura_keys_free(*keys);
    }
    return err;
}

static int verify(struct aura_claims *c, const char *token, int64_t now_s) {
    struct aura_keys *keys = NULL;
    const char *why = NULL;
    TRY(make_keys(&keys));
    int err = aura_token_verify(c, keys, token, strlen(token), now_s, &why);
    assert_non_null(why);
    aura_keys_free(keys);
    return err;
}

static int a_foreign_token_is_read(void) {
    struct aura_claims c;
    TRY(verify(&c, good, 1500));
    assert_string_equal(c.api_key, "key");
    assert_string_equal(c.identity, "alice");
    assert_string_equal(c.name, "Al");
    assert_string_equal(c.metadata, "m");
    assert_string_equal(c.kind, "agent");
    assert_int_equal(c.expires_s, 2000);
    assert_int_equal(c.attribute_count, 1);
    assert_string_equal(c.attributes[0].key, "a");
    assert_string_equal(c.attributes[0].value, "1");
    assert_true(c.has_video && c.video.room_join && c.video.hidden);
    assert_false(c.video.room_admin);
    assert_string_equal(c.video.room, "r");
    assert_int_equal(c.video.can_publish, AURA_NO);
    assert_int_equal(c.video.can_subscribe, AURA_UNSET);
    assert_int_equal(c.video.sources, 1u << 1 | 1u << 3);
    aura_claims_clear(&c);
    return 0;
}

static int times_have_a_minute_of_leeway(void) {
    struct aura_claims c;
    static const struct {
        int64_t now;
        int want;
    } at[] = {{939, AURA_EAUTH}, {940, 0}, {2060, 0}, {2061, AURA_EAUTH}};
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        int err = verify(&c, good, at[i].now);
        if (err == AURA_ENOMEM) {
            return err;
        }
        assert_int_equal(err, at[i].want);
        if (!err) {
            aura_claims_clear(&c);
        }
    }
    return 0;
}

static int only_hs256_is_taken(void) {
    struct aura_claims c;
    assert_int_equal(verify(&c, hs512, 1500), AURA_EAUTH);
    assert_int_equal(verify(&c, none, 1500), AURA_EAUTH);
    return 0;
}

static int every_changed_character_is_noticed(void) {
    struct aura_claims c;
    char token[sizeof(good)];
    for (size_t i = 0; i < sizeof(good) - 1; i++) {
        memcpy(token, good, sizeof(good));
        token[i] = token[i] == 'A' ? 'B' : 'A';
        int err = verify(&c, token, 1500);
        if (!err) { /* the last character of a part has bits that mean nothing: refused too */
            fail_msg("character %zu may be changed", i);
        }
    }
    for (size_t len = 0; len < sizeof(good) - 1; len++) {
        memcpy(token, good, len);
        token[len] = 0;
        assert_int_equal(verify(&c, token, 1500), AURA_EAUTH);
    }
    return 0;
}

static int unknown_keys_and_garbage_are_refused(void) {
    static const char *const bad[] = {"", ".", "..", "a.b.c", "e30.e30.e30", "....", "eyJ.eyJ.eyJ"};
    struct aura_claims c;
    struct aura_keys *keys = NULL;
    const char *why;
    assert_int_equal(aura_keys_new(&keys), 0);
    assert_int_equal(aura_token_verify(&c, keys, good, strlen(good), 1500, &why), AURA_EAUTH);
    assert_non_null(strstr(why, "API key"));
    assert_int_equal(aura_keys_add(keys, "key", "other"), 0);
    assert_int_equal(aura_token_verify(&c, keys, good, strlen(good), 1500, &why), AURA_EAUTH);
    assert_non_null(strstr(why, "signature"));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(aura_token_verify(&c, keys, bad[i], strlen(bad[i]), 1500, &why),
                         AURA_EAUTH);
    }
    aura_keys_free(keys);
    return 0;
}

static int what_is_minted_can_be_verified(void) {
    struct aura_claims in, out;
    struct aura_buf token = AURA_BUF(AURA_TOKEN_BYTES_MAX);
    aura_claims_init(&in);
    in.identity = (char *)(uintptr_t) "bob \"quoted\" ü";
    in.has_video = true;
    in.video.room = (char *)(uintptr_t) "r";
    in.video.room_join = in.video.room_admin = true;
    in.video.can_publish_data = AURA_YES;
    in.video.sources = 1u << 2;
    in.room_preset = (char *)(uintptr_t) "small";
    in.room_config = (char *)(uintptr_t) "{\"maxParticipants\":2}";
    int err = aura_token_mint(&token, &in, "key", "secret", 5000, 600);
    if (!err) {
        err = verify(&out, aura_buf_text(&token), 5300);
    }
    if (!err) {
        assert_string_equal(out.identity, in.identity);
        assert_true(out.video.room_join && out.video.room_admin && !out.video.room_create);
        assert_int_equal(out.video.can_publish_data, AURA_YES);
        assert_int_equal(out.video.can_publish, AURA_UNSET);
        assert_int_equal(out.video.sources, 1u << 2);
        assert_int_equal(out.expires_s, 5600);
        assert_string_equal(out.room_preset, "small");
        assert_non_null(strstr(out.room_config, "maxParticipants"));
        aura_claims_clear(&out);
    }
    aura_buf_free(&token);
    return err;
}

/* Of all keys but the one for Matrix the claim is an app's word. */
static int matrix_users_are_believed_of_one_key(void) {
    struct aura_keys *keys = NULL, *others = NULL;
    struct aura_claims in, out;
    struct aura_buf token = AURA_BUF(AURA_TOKEN_BYTES_MAX);
    const char *why;
    aura_claims_init(&in);
    in.identity = (char *)(uintptr_t) "x";
    in.matrix_user = (char *)(uintptr_t) "@a:example.org";
    TRY(make_keys(&keys));
    int err;
    TRY_OUT(make_keys(&others));
    TRY_OUT(aura_token_mint(&token, &in, "key", "secret", 5000, 600));
    static const char *const of[] = {NULL, "other", "key", "key"};
    for (size_t i = 0; i < 4; i++) {
        aura_keys_set_matrix(keys, of[i]);
        if (i == 3) {
            aura_keys_swap(keys, others);
        }
        TRY_OUT(aura_token_verify(&out, keys, aura_buf_text(&token), token.len, 5300, &why));
        assert_string_equal(out.matrix_user ? out.matrix_user : "", i < 2 ? "" : "@a:example.org");
        aura_claims_clear(&out);
    }
out:
    aura_buf_free(&token);
    aura_keys_free(keys);
    aura_keys_free(others);
    return err;
}

static int keys_are_replaced_and_bounded(void) {
    struct aura_keys *keys = NULL;
    TRY(aura_keys_new(&keys));
    int err;
    TRY_OUT(aura_keys_add(keys, "a", "1"));
    TRY_OUT(aura_keys_add(keys, "b", "2"));
    TRY_OUT(aura_keys_add(keys, "a", "3"));
    assert_string_equal(aura_keys_secret(keys, "a"), "3");
    assert_string_equal(aura_keys_first(keys), "a");
    assert_int_equal(aura_keys_count(keys), 2);
    assert_null(aura_keys_secret(keys, "c"));
    assert_int_equal(aura_keys_add(keys, "", "x"), AURA_EINVAL);
    assert_int_equal(aura_keys_add(keys, "x", ""), AURA_EINVAL);
out:
    aura_keys_free(keys);
    return err;
}

static const char *why_not(const struct aura_keys *keys, const char *secret, int64_t now_s) {
    struct aura_claims claims, c;
    struct aura_buf token = AURA_BUF(4096);
    const char *why = "";
    aura_claims_init(&claims);
    claims.identity = (char *)(uintptr_t) "ann";
    assert_int_equal(aura_token_mint(&token, &claims, "key", secret, now_s, 600), 0);
    int err = aura_token_verify(&c, keys, aura_buf_text(&token), token.len, now_s, &why);
    if (!err) {
        aura_claims_clear(&c);
        why = NULL;
    }
    aura_buf_free(&token);
    return why;
}

/* Two secrets for a while, then one; two sources; none. */
static int keys_change(void) {
    static const char wrong[] = "invalid token: token signature is invalid";
    struct aura_keys *keys = NULL, *more = NULL, *next = NULL;
    assert_int_equal(aura_keys_new(&keys), 0);
    assert_int_equal(aura_keys_new(&more), 0);
    assert_int_equal(aura_keys_new(&next), 0);
    assert_int_equal(aura_keys_add(more, "key", "first"), 0);
    assert_non_null(why_not(keys, "first", 1000));
    aura_keys_set_more(keys, more);
    assert_null(why_not(keys, "first", 1000));
    assert_int_equal(aura_keys_rotate(more, "key", "second", 2000), 0);
    assert_null(why_not(keys, "first", 1999));
    assert_null(why_not(keys, "second", 1999));
    assert_string_equal(why_not(keys, "first", 2000), wrong);
    assert_string_equal(why_not(keys, "third", 1999), wrong);
    assert_int_equal(aura_keys_rotate(more, "key", "third", 3000), 0);
    assert_string_equal(why_not(keys, "first", 1999), wrong); /* two back */
    assert_null(why_not(keys, "second", 1999));
    assert_int_equal(aura_keys_rotate(more, "none", "x", 0), AURA_ENOENT);
    assert_int_equal(aura_keys_rotate(more, "key", "", 0), AURA_EINVAL);
    /* A reload changes the first source alone, whose word counts. */
    assert_int_equal(aura_keys_add(next, "other", "x"), 0);
    aura_keys_swap(keys, next);
    assert_null(why_not(keys, "third", 1000));
    assert_non_null(why_not(next, "third", 1000));
    assert_int_equal(aura_keys_add(keys, "key", "config"), 0);
    assert_null(why_not(keys, "config", 1000));
    assert_string_equal(why_not(keys, "third", 1000), wrong);
    aura_keys_remove(keys, "key");
    aura_keys_remove(keys, "key");
    assert_null(why_not(keys, "third", 1000));
    aura_keys_remove(more, "key");
    assert_non_null(why_not(keys, "third", 1000));
    assert_int_equal(aura_keys_add(more, "again", "y"), 0); /* the list's end is right */
    assert_string_equal(aura_keys_first(more), "again");
    assert_string_equal(aura_keys_first(keys), "other");
    aura_keys_free(keys);
    aura_keys_free(more);
    aura_keys_free(next);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(keys_change),
        AURA_CASE(a_foreign_token_is_read),
        AURA_CASE(times_have_a_minute_of_leeway),
        AURA_PLAIN(only_hs256_is_taken),
        AURA_PLAIN(every_changed_character_is_noticed),
        AURA_PLAIN(unknown_keys_and_garbage_are_refused),
        AURA_CASE(what_is_minted_can_be_verified),
        AURA_PLAIN(matrix_users_are_believed_of_one_key),
        AURA_CASE(keys_are_replaced_and_bounded),
    };
    return RUN_CASES("token", cases);
}
