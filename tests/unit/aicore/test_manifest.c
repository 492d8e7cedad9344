/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/manifest.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHA_OF_ABC                                                                                 \
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* FIPS 180-2 */
#define MODEL(id, number, more)                                                                    \
    "{\"id\":\"" id "\",\"version\":\"1\",\"number\":" number                                      \
    ",\"purpose\":\"governor\",\"file\":\"a.onnx\",\"sha256\":\"" SHA_OF_ABC                       \
    "\",\"licence\":\"MIT\",\"typical_ms\":0.5,\"inputs\":[[32,12]],\"outputs\":[[32,1]]" more "}"
#define MANIFEST(models) "{\"runtime\":\"runtime/lib.so\",\"models\":[" models "]}"

static int parse(struct aura_manifest *m, const char *text, char *why) {
    return aura_manifest_parse(m, text, strlen(text), why);
}

static int a_good_one_is_read(void) {
    struct aura_manifest m;
    char why[AURA_MANIFEST_WHY_MAX];
    TRY(parse(&m, MANIFEST(MODEL("a", "1", "") "," MODEL("b", "65535", ",\"source\":\"x\"")), why));
    assert_int_equal(m.count, 2);
    assert_string_equal(m.runtime, "runtime/lib.so");
    assert_string_equal(m.model[0].id, "a");
    assert_string_equal(m.model[0].purpose, "governor");
    assert_int_equal(m.model[0].input_count, 1);
    assert_int_equal(m.model[0].input[0].rank, 2);
    assert_int_equal(m.model[0].input[0].side[1], 12);
    assert_int_equal(m.model[1].number, 65535);
    return 0;
}

static int bad_ones_are_refused_with_the_place(void) {
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "manifest.json:1:"},
        {"{\"runtime\":\"a\",\n\"models\":[}", "manifest.json:2:"},
        {"[]", "must be an object"},
        {MANIFEST(""), "models must be a list"},
        {"{\"models\":[]}", "it.runtime"},
        {"{\"runtime\":\"/lib.so\",\"models\":[" MODEL("a", "1", "") "]}", "outside"},
        {"{\"runtime\":\"../lib.so\",\"models\":[" MODEL("a", "1", "") "]}", "outside"},
        {MANIFEST(MODEL("a", "0", "")), "models[0] needs a number"},
        {MANIFEST(MODEL("a", "65536", "")), "models[0] needs a number"},
        {MANIFEST(MODEL("", "1", "")), "models[0].id"},
        {MANIFEST(MODEL("a234567890123456789012345678901234", "1", "")), "models[0].id"},
        {MANIFEST(MODEL("a", "1", ",\"colour\":1")), "models[0].colour is not known"},
        {MANIFEST(MODEL("a", "1", "") "," MODEL("a", "2", "")), "models[1] has the id"},
        {MANIFEST(MODEL("a", "1", "") "," MODEL("b", "1", "")), "models[1] has the id"},
        {MANIFEST(MODEL("a", "1", ",\"id\":\"b\"")), "duplicate"},
        {MANIFEST("7"), "models[0] must be an object"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct aura_manifest m;
        char why[AURA_MANIFEST_WHY_MAX];
        int err = parse(&m, cases[i].text, why);
        if (err == AURA_ENOMEM) {
            return err;
        }
        assert_int_equal(err, AURA_EMALFORMED);
        if (!strstr(why, cases[i].why)) {
            fail_msg("\"%s\" does not say \"%s\"", why, cases[i].why);
        }
    }
    return 0;
}

static int write_file(const char *folder, const char *name, const char *text) {
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    return fclose(file);
}

static int files_are_checked_by_their_hash(void) {
    char folder[] = "/tmp/aura-manifest-XXXXXX", path[256], why[AURA_MANIFEST_WHY_MAX];
    struct aura_manifest m;
    assert_non_null(mkdtemp(folder));
    int err = aura_manifest_read(&m, folder, why);
    assert_int_equal(err, AURA_ENOENT);
    assert_non_null(strstr(why, folder));
    assert_int_equal(write_file(folder, "manifest.json", MANIFEST(MODEL("a", "1", ""))), 0);
    err = aura_manifest_read(&m, folder, why);
    assert_int_equal(err, 0);
    assert_int_equal(aura_manifest_verify(&m.model[0], folder, why), AURA_ENOENT);
    assert_non_null(strstr(why, "a.onnx"));
    assert_int_equal(write_file(folder, "a.onnx", "abd"), 0);
    assert_int_equal(aura_manifest_verify(&m.model[0], folder, why), AURA_EMALFORMED);
    assert_non_null(strstr(why, SHA_OF_ABC));
    assert_int_equal(write_file(folder, "a.onnx", "abc"), 0);
    assert_int_equal(aura_manifest_verify(&m.model[0], folder, why), 0);
    (void)snprintf(path, sizeof(path), "%s/a.onnx", folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/manifest.json", folder);
    (void)unlink(path);
    (void)rmdir(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(a_good_one_is_read),
        AURA_CASE(bad_ones_are_refused_with_the_place),
        AURA_PLAIN(files_are_checked_by_their_hash),
    };
    return RUN_CASES("aicore/manifest", cases);
}
