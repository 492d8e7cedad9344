/* SPDX-License-Identifier: Apache-2.0 */
#include "base/password.h"
#include "harness.h"

#include <pthread.h>
#include <string.h>
#include <uv.h>

static const char good[] = "correct horse battery";

struct told {
    int count, err;
    bool elsewhere;
    pthread_t on;
    char hash[AURA_PASSWORD_HASH_BYTES];
};

static void on_told(void *arg, int err, const char *hash) {
    struct told *t = arg;
    t->count++;
    t->err = err;
    t->elsewhere = !pthread_equal(t->on, pthread_self());
    if (hash) {
        strncpy(t->hash, hash, sizeof(t->hash) - 1);
    }
}

static int blocking(void) {
    char hash[AURA_PASSWORD_HASH_BYTES], other[AURA_PASSWORD_HASH_BYTES], longest[258];
    TRY(aura_password_hash(good, hash));
    TRY(aura_password_hash(good, other));
    assert_int_equal(strncmp(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0);
    assert_string_not_equal(hash, other); /* salted */
    assert_int_equal(aura_password_verify(good, hash), 0);
    assert_int_equal(aura_password_verify("correct horse batterz", hash), AURA_EAUTH);
    assert_int_equal(aura_password_verify("", hash), AURA_EAUTH);
    assert_int_equal(aura_password_verify(good, NULL), AURA_EAUTH);
    assert_int_equal(aura_password_verify(good, ""), AURA_EAUTH);
    assert_int_equal(aura_password_verify(good, "$argon2id$v=19$m=19456,t=2,p=1$x"), AURA_EAUTH);
    memset(longest, 'p', sizeof(longest));
    longest[257] = 0;
    assert_int_equal(aura_password_hash("123456789", hash), AURA_EINVAL);
    assert_int_equal(aura_password_hash(longest, hash), AURA_EINVAL);
    assert_int_equal(aura_password_verify(longest, other), AURA_EAUTH);
    longest[256] = 0;
    TRY(aura_password_hash(longest, hash));
    assert_int_equal(aura_password_verify(longest, hash), 0);
    longest[255] = 'q';
    assert_int_equal(aura_password_verify(longest, hash), AURA_EAUTH); /* each byte counts */
    return 0;
}

static int in_threads(void) {
    uv_loop_t loop;
    struct aura_passwords *p = NULL;
    struct told made = {.on = pthread_self()}, fits = made, wrong = made, nobody = made;
    TRY(uv_loop_init(&loop));
    TRY(aura_passwords_new(&p, &loop));
    TRY(aura_passwords_hash(p, good, on_told, &made));
    assert_int_equal(made.count, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(made.count, 1);
    assert_int_equal(made.err, 0);
    assert_false(made.elsewhere);
    TRY(aura_passwords_verify(p, good, made.hash, on_told, &fits));
    TRY(aura_passwords_verify(p, "not that one", made.hash, on_told, &wrong));
    TRY(aura_passwords_verify(p, good, NULL, on_told, &nobody));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(fits.count + wrong.count + nobody.count, 3);
    assert_int_equal(fits.err, 0);
    assert_int_equal(wrong.err, AURA_EAUTH);
    assert_int_equal(nobody.err, AURA_EAUTH);
    assert_string_equal(fits.hash, "");
    assert_int_equal(aura_passwords_hash(p, "short", on_told, &made), AURA_EINVAL);
    p = aura_passwords_free(p);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

/* At the ceiling, and at the end: each is told once, none after it was freed. */
static int end(void) {
    uv_loop_t loop;
    struct aura_passwords *p = NULL;
    struct told told = {.on = pthread_self()};
    TRY(uv_loop_init(&loop));
    TRY(aura_passwords_new(&p, &loop));
    for (int i = 0; i < AURA_PASSWORD_JOBS_MAX; i++) {
        TRY(aura_passwords_verify(p, good, NULL, on_told, &told));
    }
    assert_int_equal(aura_passwords_verify(p, good, NULL, on_told, &told), AURA_ELIMIT);
    p = aura_passwords_free(p);
    assert_int_equal(told.count, AURA_PASSWORD_JOBS_MAX);
    assert_int_equal(told.err, AURA_ECLOSED);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(told.count, AURA_PASSWORD_JOBS_MAX);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static int out_of_memory(void) {
    uv_loop_t loop;
    struct aura_passwords *p = NULL;
    struct told told = {.on = pthread_self()};
    TRY(uv_loop_init(&loop));
    int err = aura_passwords_new(&p, &loop);
    err = err ? err : aura_passwords_verify(p, good, "", on_told, &told);
    p = aura_passwords_free(p);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_PLAIN(blocking), AURA_PLAIN(in_threads),
                                       AURA_PLAIN(end), AURA_CASE(out_of_memory)};
    return RUN_CASES("base/password", cases);
}
