/* SPDX-License-Identifier: Apache-2.0 */
/* The registration: what is written is what is read, and what is wrong is named. */
#include "auraid/matrix/registration.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_and_read(void) {
    struct aura_rand_seeded rand;
    struct aura_registration r, back;
    struct aura_buf text = AURA_BUF(AURA_REGISTRATION_BYTES_MAX), why = AURA_BUF(1000);
    char path[] = "/tmp/test-registration-XXXXXX", file[64];
    struct stat st;
    assert_non_null(mkdtemp(path));
    (void)snprintf(file, sizeof(file), "%s/r.yaml", path);
    aura_rand_seeded_init(&rand, 7);
    aura_registration_make(&r, "matrix.example.org:8448", &rand.rand);
    assert_int_equal(aura_registration_text(&r, "http://it's:7880", &text), 0);
    assert_non_null(strstr(aura_buf_text(&text),
                           "regex: '@[a-z0-9_\\-]+\\.aura:matrix\\.example\\.org:8448'\n"));
    assert_non_null(strstr(aura_buf_text(&text), "url: 'http://it''s:7880'\n"));
    assert_int_equal(aura_registration_write(file, aura_buf_text(&text)), 0);
    assert_int_equal(aura_registration_write(file, "x"), AURA_EEXISTS);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(aura_registration_read(&back, file, &why), 0);
    assert_memory_equal(&r, &back, sizeof(r));
    assert_int_equal(strlen(back.as_token), AURA_REGISTRATION_TOKEN_CHARS);
    assert_int_equal(chmod(file, 0604), 0);
    assert_int_equal(aura_registration_read(&back, file, &why), AURA_EPOLICY);
    assert_non_null(strstr(aura_buf_text(&why), "chmod o-rwx"));
    assert_int_equal(unlink(file), 0);
    assert_int_equal(aura_registration_read(&back, file, &why), AURA_EIO);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(aura_registration_write(file, "x"), AURA_EIO);
    aura_buf_free(&text);
    aura_buf_free(&why);
    return 0;
}

#define TOKENS "as_token: aaaaaaaaaaaaaaaa\nhs_token: bbbbbbbbbbbbbbbb\n"

static int problems_are_named(void) {
    static const char *const all[][2] = {
        {"", "it is not a registration"},
        {"[a, b]", "it is not a registration"},
        {"a: 'b", "it is not YAML"},
        {"a: b\n", "as_token:"},
        {"as_token: short\n", "as_token:"},
        {"as_token: [aaaaaaaaaaaaaaaa]\n", "as_token:"},
        {"as_token: aaaaaaaaaaaaaaaa\n", "hs_token:"},
        {"as_token: aaaaaaaaaaaaaaaa\nhs_token: aaaaaaaaaaaaaaaa\n", "the same"},
        {TOKENS, "auralink_server_name:"},
        {TOKENS "auralink_server_name: 'no name'\n", "auralink_server_name:"}};
    struct aura_registration r;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct aura_buf why = AURA_BUF(1000);
        assert_int_equal(aura_registration_parse(&r, all[i][0], strlen(all[i][0]), &why),
                         AURA_EMALFORMED);
        assert_non_null(strstr(aura_buf_text(&why), all[i][1]));
        assert_null(strstr(aura_buf_text(&why), "aaaaaaaa")); /* secrets are not told */
        aura_buf_free(&why);
    }
    struct aura_buf why = AURA_BUF(1000);
    static const char fine[] = TOKENS "auralink_server_name: a.b\nother: {x: [1]}\n";
    assert_int_equal(aura_registration_parse(&r, fine, sizeof(fine) - 1, &why), 0);
    assert_string_equal(r.server, "a.b");
    aura_buf_free(&why);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_PLAIN(write_and_read), AURA_PLAIN(problems_are_named)};
    return RUN_CASES("auraid/matrix_registration", cases);
}
