/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts in the directory. SQLite has its own memory: no case with failing ones. */
#include "auraid/account.h"
#include "harness.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char ann_handle[] = "00112233445566778899aabbccddeeff";
static const char bob_handle[] = "ffeeddccbbaa99887766554433221100";
static const struct aura_id ann = {"ann"}, bob = {"bob"};
static const uint8_t key_id[] = {0, 1, 2, 0, 255}, key[] = {9, 0, 8};

struct world {
    struct aura_clock_manual clock;
    struct aura_rand_seeded rand;
    struct aura_directory *d;
};

static void begin(struct world *w) {
    struct aura_buf why = AURA_BUF(1000);
    aura_clock_manual_init(&w->clock, 1000, 1700000000000000);
    aura_rand_seeded_init(&w->rand, 7);
    const struct aura_directory_conf conf = {
        .path = ":memory:", .max_identities = 3, .clock = &w->clock.clock, .rand = &w->rand.rand};
    assert_int_equal(aura_directory_open(&w->d, &conf, &why), 0);
    aura_buf_free(&why);
}

static struct aura_passkey passkey(void) {
    return (struct aura_passkey){.id = key_id,
                                 .id_len = sizeof(key_id),
                                 .key = key,
                                 .key_len = sizeof(key),
                                 .alg = -7,
                                 .rp = "localhost",
                                 .count = 4};
}

static int sign_up(struct world *w, const struct aura_id *id, const char *handle,
                   const char *password, const struct aura_passkey *p) {
    const struct aura_account_new a = {
        .id = *id, .display = "Shown", .handle = handle, .password = password, .passkey = p};
    return aura_account_create(w->d, &a);
}

static int an_account_is_a_proof_of_an_identity(void) {
    struct world w;
    struct aura_account a;
    struct aura_identity who;
    const struct aura_proof proof = {"local", ann_handle};
    begin(&w);
    assert_int_equal(sign_up(&w, &ann, ann_handle, "hash", NULL), 0);
    assert_int_equal(aura_directory_find(w.d, &proof, &who), 0);
    assert_string_equal(who.id.name, "ann");
    assert_string_equal(who.display, "Shown");
    assert_int_equal(aura_account_by_name(w.d, &ann, &a), 0);
    assert_string_equal(a.handle, ann_handle);
    assert_string_equal(a.password, "hash");
    assert_int_equal(aura_account_by_handle(w.d, ann_handle, &a), 0);
    assert_string_equal(a.id.name, "ann");
    assert_int_equal(aura_account_by_handle(w.d, bob_handle, &a), AURA_ENOENT);
    assert_int_equal(aura_account_by_name(w.d, &bob, &a), AURA_ENOENT);
    /* Names are given once, and nothing of a refused account stays. */
    assert_int_equal(sign_up(&w, &ann, bob_handle, "hash", NULL), AURA_EEXISTS);
    assert_int_equal(aura_account_by_handle(w.d, bob_handle, &a), AURA_ENOENT);
    assert_int_equal(aura_directory_count(w.d), 1);
    aura_directory_close(w.d);
    return 0;
}

static int what_is_no_account(void) {
    struct world w;
    char long_hash[AURA_ACCOUNT_HASH_BYTES + 1];
    const struct aura_id carl = {"carl"}, dora = {"dora"};
    struct aura_passkey bad = passkey();
    begin(&w);
    memset(long_hash, 'x', sizeof(long_hash) - 1);
    long_hash[sizeof(long_hash) - 1] = 0;
    assert_int_equal(sign_up(&w, &ann, ann_handle, NULL, NULL), AURA_EINVAL); /* nobody gets in */
    assert_int_equal(sign_up(&w, &ann, "0011", "hash", NULL), AURA_EINVAL);
    assert_int_equal(sign_up(&w, &ann, ann_handle, long_hash, NULL), AURA_EINVAL);
    bad.id_len = AURA_PASSKEY_ID_BYTES_MAX + 1;
    assert_int_equal(sign_up(&w, &ann, ann_handle, NULL, &bad), AURA_EINVAL);
    bad = passkey();
    bad.key_len = 0;
    assert_int_equal(sign_up(&w, &ann, ann_handle, NULL, &bad), AURA_EINVAL);
    assert_int_equal(aura_directory_count(w.d), 0);
    assert_int_equal(sign_up(&w, &ann, ann_handle, "h", NULL), 0);
    assert_int_equal(sign_up(&w, &bob, bob_handle, "h", NULL), 0);
    assert_int_equal(sign_up(&w, &carl, "00000000000000000000000000000000", "h", NULL), 0);
    assert_int_equal(sign_up(&w, &dora, "00000000000000000000000000000001", "h", NULL),
                     AURA_ELIMIT);
    aura_directory_close(w.d);
    return 0;
}

static int passkeys_are_found_and_counted(void) {
    struct world w;
    struct aura_passkey p = passkey(), found;
    char handle[AURA_ACCOUNT_HANDLE_BYTES];
    begin(&w);
    assert_int_equal(sign_up(&w, &ann, ann_handle, NULL, &p), 0);
    assert_int_equal(aura_passkey_find(w.d, key_id, sizeof(key_id), &found, handle), 0);
    assert_string_equal(handle, ann_handle);
    assert_int_equal(found.key_len, sizeof(key));
    assert_memory_equal(found.key, key, sizeof(key));
    assert_int_equal(found.alg, -7);
    assert_int_equal(found.count, 4);
    assert_string_equal(found.rp, "localhost");
    aura_clock_manual_advance(&w.clock, 5);
    assert_int_equal(aura_passkey_used(w.d, key_id, sizeof(key_id), UINT32_MAX), 0);
    assert_int_equal(aura_passkey_find(w.d, key_id, sizeof(key_id), &found, handle), 0);
    assert_int_equal(found.count, UINT32_MAX);
    assert_int_equal(found.used_us - found.created_us, 5);
    assert_int_equal(aura_passkey_find(w.d, key_id, 3, &found, handle), AURA_ENOENT);
    /* It leads to one account alone. */
    assert_int_equal(sign_up(&w, &bob, bob_handle, NULL, &p), AURA_EEXISTS);
    assert_int_equal(aura_passkey_add(w.d, ann_handle, &p), AURA_EEXISTS);
    assert_int_equal(aura_passkey_add(w.d, bob_handle, &p), AURA_ENOENT);
    for (uint8_t i = 1; i < AURA_ACCOUNT_PASSKEYS_MAX; i++) {
        p.id = &i;
        p.id_len = 1;
        assert_int_equal(aura_passkey_add(w.d, ann_handle, &p), 0);
    }
    const uint8_t last = 200;
    p.id = &last;
    assert_int_equal(aura_passkey_add(w.d, ann_handle, &p), AURA_ELIMIT);
    aura_directory_close(w.d);
    return 0;
}

static const char *first_name;

static void note_name(void *arg, const struct aura_passkey *p) {
    int *count = arg;
    static char kept[AURA_PASSKEY_NAME_BYTES_MAX + 1];
    if (!(*count)++) {
        (void)snprintf(kept, sizeof(kept), "%s", p->name);
        first_name = kept;
    }
}

static int names_of(struct world *w) {
    int count = 0;
    assert_int_equal(aura_passkeys(w->d, ann_handle, note_name, &count), 0);
    return count;
}

static int passkeys_are_named_and_dropped(void) {
    struct world w;
    struct aura_passkey p = passkey();
    const uint8_t second = 7;
    char long_name[AURA_PASSKEY_NAME_BYTES_MAX + 2];
    begin(&w);
    assert_int_equal(sign_up(&w, &ann, ann_handle, NULL, &p), 0);
    assert_int_equal(sign_up(&w, &bob, bob_handle, "hash", NULL), 0);
    assert_int_equal(names_of(&w), 1);
    assert_string_equal(first_name, "");
    assert_int_equal(aura_passkey_rename(w.d, ann_handle, key_id, sizeof(key_id), "Phone"), 0);
    assert_int_equal(aura_passkey_rename(w.d, ann_handle, key_id, sizeof(key_id), "My phone"), 0);
    assert_int_equal(names_of(&w), 1);
    assert_string_equal(first_name, "My phone");
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = 0;
    assert_int_equal(aura_passkey_rename(w.d, ann_handle, key_id, sizeof(key_id), long_name),
                     AURA_EINVAL);
    /* Others have no hand in it, and the last way in stays. */
    assert_int_equal(aura_passkey_rename(w.d, bob_handle, key_id, sizeof(key_id), "Mine"),
                     AURA_ENOENT);
    assert_int_equal(aura_passkey_drop(w.d, bob_handle, key_id, sizeof(key_id)), AURA_ENOENT);
    assert_int_equal(aura_passkey_drop(w.d, ann_handle, key_id, sizeof(key_id)), AURA_ESTATE);
    p.id = &second;
    p.id_len = 1;
    p.name = "Key";
    assert_int_equal(aura_passkey_add(w.d, ann_handle, &p), 0);
    assert_int_equal(aura_passkey_drop(w.d, ann_handle, key_id, sizeof(key_id)), 0);
    assert_int_equal(aura_passkey_drop(w.d, ann_handle, key_id, sizeof(key_id)), AURA_ENOENT);
    assert_int_equal(names_of(&w), 1);
    assert_string_equal(first_name, "Key");
    assert_int_equal(aura_account_set_password(w.d, ann_handle, "hash"), 0);
    assert_int_equal(aura_passkey_drop(w.d, ann_handle, &second, 1), 0);
    assert_int_equal(names_of(&w), 0);
    /* A key that comes back has no old name. */
    p.name = NULL;
    assert_int_equal(aura_passkey_add(w.d, ann_handle, &p), 0);
    assert_int_equal(names_of(&w), 1);
    assert_string_equal(first_name, "");
    aura_directory_close(w.d);
    return 0;
}

static int wrong_passwords_are_counted(void) {
    struct world w;
    struct aura_account a;
    begin(&w);
    assert_int_equal(sign_up(&w, &ann, ann_handle, "hash", NULL), 0);
    assert_int_equal(aura_account_tried(w.d, ann_handle, false), 0);
    aura_clock_manual_advance(&w.clock, 7);
    assert_int_equal(aura_account_tried(w.d, ann_handle, false), 0);
    assert_int_equal(aura_account_by_name(w.d, &ann, &a), 0);
    assert_int_equal(a.failures, 2);
    assert_int_equal(a.tried_us, 1700000000000007);
    assert_int_equal(aura_account_tried(w.d, ann_handle, true), 0);
    assert_int_equal(aura_account_by_name(w.d, &ann, &a), 0);
    assert_int_equal(a.failures, 0);
    assert_int_equal(aura_account_set_password(w.d, ann_handle, "other"), 0);
    assert_int_equal(aura_account_set_password(w.d, bob_handle, "other"), AURA_ENOENT);
    assert_int_equal(aura_account_by_name(w.d, &ann, &a), 0);
    assert_string_equal(a.password, "other");
    aura_directory_close(w.d);
    return 0;
}

static json_t *exported(struct world *w, const struct aura_id *id) {
    struct aura_buf text = AURA_BUF(10000);
    assert_int_equal(aura_directory_export(w->d, id, &text), 0);
    assert_null(strstr(aura_buf_text(&text), "hash"));
    json_t *all = json_loads(aura_buf_text(&text), 0, NULL);
    assert_non_null(all);
    aura_buf_free(&text);
    return all;
}

static int export_and_deletion_cover_it(void) {
    struct world w;
    struct aura_account a;
    struct aura_passkey p = passkey(), found;
    struct aura_identity who;
    char handle[AURA_ACCOUNT_HANDLE_BYTES];
    const struct aura_proof other = {"livekit/key", "bob"}, local = {"local", bob_handle};
    bool created;
    begin(&w);
    assert_int_equal(sign_up(&w, &ann, ann_handle, "hash", &p), 0);
    json_t *all = exported(&w, &ann), *account = json_object_get(all, "account");
    assert_true(json_is_true(json_object_get(account, "password")));
    assert_int_equal(json_array_size(json_object_get(account, "passkeys")), 1);
    json_decref(all);
    assert_int_equal(aura_directory_delete(w.d, &ann), 0);
    assert_int_equal(aura_account_by_handle(w.d, ann_handle, &a), AURA_ENOENT);
    assert_int_equal(aura_passkey_find(w.d, key_id, sizeof(key_id), &found, handle), AURA_ENOENT);
    /* Who takes the proof away takes the account away. */
    assert_int_equal(sign_up(&w, &bob, bob_handle, NULL, &p), 0);
    assert_int_equal(aura_directory_link(w.d, &bob, &other), 0);
    assert_int_equal(aura_directory_unlink(w.d, &bob, &local), 0);
    assert_int_equal(aura_account_by_name(w.d, &bob, &a), AURA_ENOENT);
    assert_int_equal(aura_passkey_find(w.d, key_id, sizeof(key_id), &found, handle), AURA_ENOENT);
    assert_int_equal(aura_directory_join(w.d, &other, "x", "", AURA_ID_USER, &who, &created), 0);
    assert_string_equal(who.id.name, "bob");
    all = exported(&w, &bob);
    assert_true(json_is_null(json_object_get(all, "account")));
    json_decref(all);
    aura_directory_close(w.d);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(an_account_is_a_proof_of_an_identity), AURA_PLAIN(what_is_no_account),
        AURA_PLAIN(passkeys_are_found_and_counted),       AURA_PLAIN(wrong_passwords_are_counted),
        AURA_PLAIN(passkeys_are_named_and_dropped),       AURA_PLAIN(export_and_deletion_cover_it),
    };
    return RUN_CASES("auraid/account", cases);
}
