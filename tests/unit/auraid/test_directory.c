/* SPDX-License-Identifier: Apache-2.0 */
/* The directory in memory and in a file. SQLite has its own memory: no case with failing ones. */
#include "auraid/directory_priv.h"
#include "base/sql_checkpoint.h"
#include "harness.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
    struct aura_clock_manual clock;
    struct aura_rand_seeded rand;
    struct aura_directory *d;
};

static struct aura_directory_conf conf_of(struct world *w, const char *path) {
    return (struct aura_directory_conf){
        .path = path, .max_identities = 100, .clock = &w->clock.clock, .rand = &w->rand.rand};
}

static void begin(struct world *w, const char *path) {
    struct aura_buf why = AURA_BUF(1000);
    aura_clock_manual_init(&w->clock, 1000, 1700000000000000);
    aura_rand_seeded_init(&w->rand, 7);
    const struct aura_directory_conf conf = conf_of(w, path);
    assert_int_equal(aura_directory_open(&w->d, &conf, &why), 0);
    aura_buf_free(&why);
}

static struct aura_id join(struct world *w, const char *provider, const char *subject,
                           const char *hint, bool is_new) {
    const struct aura_proof proof = {provider, subject};
    struct aura_identity who;
    bool created;
    assert_int_equal(aura_directory_join(w->d, &proof, hint, "Shown", AURA_ID_USER, &who, &created),
                     0);
    assert_int_equal(created, is_new);
    assert_string_equal(who.display, "Shown");
    return who.id;
}

static int joins_make_one_identity_for_each_proof(void) {
    struct world w;
    begin(&w, ":memory:");
    struct aura_id a = join(&w, "livekit", "key/alice", "alice", true);
    assert_string_equal(a.name, "alice");
    struct aura_id again = join(&w, "livekit", "key/alice", "other", false);
    assert_string_equal(again.name, "alice");
    /* The same name in another app is another person. */
    struct aura_id b = join(&w, "livekit", "key2/alice", "alice", true);
    assert_true(strncmp(b.name, "alice-", 6) == 0 && strlen(b.name) == 10);
    struct aura_id guest = join(&w, "livekit", "key/?", "?", true);
    assert_true(strncmp(guest.name, "guest-", 6) == 0);
    assert_int_equal(aura_directory_count(w.d), 3);
    struct aura_identity who;
    assert_int_equal(aura_directory_get(w.d, &a, &who), 0);
    assert_int_equal(who.created_us, 1700000000000000);
    assert_int_equal(who.privacy, AURA_PRIVACY_EVERYONE);
    const struct aura_id nobody = {"nobody"};
    assert_int_equal(aura_directory_get(w.d, &nobody, &who), AURA_ENOENT);
    /* A name that reads as an AuraID makes nobody; it may be linked to the one who has it. */
    const struct aura_proof boss = {"livekit", "@alice.aura"};
    bool created;
    assert_int_equal(aura_directory_join(w.d, &boss, "x", "", AURA_ID_USER, &who, &created),
                     AURA_EPOLICY);
    assert_int_equal(aura_directory_link(w.d, &a, &boss), 0);
    assert_int_equal(aura_directory_join(w.d, &boss, "x", "", AURA_ID_USER, &who, &created), 0);
    assert_string_equal(who.id.name, "alice");
    aura_directory_close(w.d);
    return 0;
}

static int ceilings_hold(void) {
    struct world w;
    struct aura_identity who;
    char text[AURA_DIRECTORY_TEXT_MAX + 2], name[16];
    bool created;
    begin(&w, ":memory:");
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "name%d", i);
        (void)join(&w, "livekit", name, "same", true);
    }
    const struct aura_proof more = {"livekit", "one more"}, none = {"livekit", ""};
    assert_int_equal(aura_directory_join(w.d, &more, "x", "", AURA_ID_USER, &who, &created),
                     AURA_ELIMIT);
    assert_int_equal(aura_directory_join(w.d, &none, "x", "", AURA_ID_USER, &who, &created),
                     AURA_EINVAL);
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = 0;
    const struct aura_proof large = {"livekit", text};
    assert_int_equal(aura_directory_join(w.d, &large, "x", "", AURA_ID_USER, &who, &created),
                     AURA_EINVAL);
    (void)join(&w, "livekit", "name7", "same", false);
    aura_directory_close(w.d);
    return 0;
}

static int proofs_are_linked(void) {
    struct world w;
    begin(&w, ":memory:");
    struct aura_id a = join(&w, "livekit", "key/alice", "alice", true);
    struct aura_id b = join(&w, "livekit", "key/bob", "bob", true);
    const struct aura_proof matrix = {"matrix", "@alice:example.org"},
                            first = {"livekit", "key/alice"};
    assert_int_equal(aura_directory_unlink(w.d, &a, &first), AURA_ESTATE);
    assert_int_equal(aura_directory_link(w.d, &a, &matrix), 0);
    assert_int_equal(aura_directory_link(w.d, &a, &matrix), 0);
    assert_int_equal(aura_directory_link(w.d, &b, &matrix), AURA_EEXISTS);
    assert_string_equal(join(&w, "matrix", "@alice:example.org", "x", false).name, "alice");
    assert_int_equal(aura_directory_unlink(w.d, &b, &matrix), AURA_ENOENT);
    assert_int_equal(aura_directory_unlink(w.d, &a, &first), 0);
    assert_int_equal(aura_directory_unlink(w.d, &a, &first), AURA_ENOENT);
    const struct aura_id nobody = {"nobody"};
    assert_int_equal(aura_directory_link(w.d, &nobody, &first), AURA_ENOENT);
    char subject[32];
    for (int i = 1; i < AURA_DIRECTORY_LINKS_MAX; i++) {
        (void)snprintf(subject, sizeof(subject), "@a%d:b", i);
        const struct aura_proof other = {"matrix", subject};
        assert_int_equal(aura_directory_link(w.d, &a, &other), 0);
    }
    assert_int_equal(aura_directory_link(w.d, &a, &first), AURA_ELIMIT);
    aura_directory_close(w.d);
    return 0;
}

static void join_proofs(void *arg, const struct aura_proof *proof) {
    aura_buf_printf(arg, "%s:%s ", proof->provider, proof->subject);
}

static void join_names(void *arg, const struct aura_id *other) {
    aura_buf_printf(arg, "%s ", other->name);
}

static void join_people(void *arg, const struct aura_identity *who) {
    aura_buf_printf(arg, "%s ", who->id.name);
}

static int lists_are_told_in_order(void) {
    struct world w;
    struct aura_buf text = AURA_BUF(1000);
    begin(&w, ":memory:");
    struct aura_id a = join(&w, "livekit/key", "alice", "alice", true);
    const struct aura_proof matrix = {"matrix", "@alice:example.org"};
    assert_int_equal(aura_directory_link(w.d, &a, &matrix), 0);
    assert_int_equal(aura_directory_links(w.d, &a, join_proofs, &text), 0);
    assert_string_equal(aura_buf_text(&text), "livekit/key:alice matrix:@alice:example.org ");
    assert_int_equal(aura_directory_known_by(w.d, &a, "livekit/key"), 0);
    assert_int_equal(aura_directory_known_by(w.d, &a, "livekit/other"), AURA_ENOENT);
    static const struct aura_id others[] = {{"zed"}, {"bob"}, {"eve"}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(aura_directory_set_stance(w.d, &a, &others[i],
                                                   i < 2 ? AURA_STANCE_ALLOW : AURA_STANCE_BLOCK),
                         0);
    }
    aura_buf_clear(&text);
    assert_int_equal(aura_directory_stances(w.d, &a, AURA_STANCE_ALLOW, join_names, &text), 0);
    assert_int_equal(aura_directory_stances(w.d, &a, AURA_STANCE_BLOCK, join_names, &text), 0);
    assert_string_equal(aura_buf_text(&text), "bob zed eve ");
    for (int i = 0; i < 3; i++) {
        char subject[] = {'u', 's', 'e', 'r', (char)('0' + i), 0};
        (void)join(&w, "livekit/key", subject, subject, true);
    }
    const struct aura_proof more = {"livekit/key", "again"};
    assert_int_equal(aura_directory_link(w.d, &a, &more), 0); /* is in the list once all the same */
    aura_buf_clear(&text);
    assert_int_equal(aura_directory_known(w.d, "livekit/key", "", 2, join_people, &text), 0);
    assert_int_equal(aura_directory_known(w.d, "livekit/key", "user0", 9, join_people, &text), 0);
    assert_int_equal(aura_directory_known(w.d, "livekit/other", "", 9, join_people, &text), 0);
    assert_string_equal(aura_buf_text(&text), "alice user0 user1 user2 ");
    const struct aura_id nobody = {"nobody"};
    aura_buf_clear(&text);
    assert_int_equal(aura_directory_links(w.d, &nobody, join_proofs, &text), 0);
    assert_int_equal(aura_directory_stances(w.d, &nobody, AURA_STANCE_ALLOW, join_names, &text), 0);
    assert_int_equal(text.len, 0);
    aura_buf_free(&text);
    aura_directory_close(w.d);
    return 0;
}

struct listed {
    int count;
    char first[64], last[64];
};

static void list(void *arg, const struct aura_device *device) {
    struct listed *l = arg;
    (void)snprintf(l->count++ ? l->last : l->first, sizeof(l->first), "%s/%s/%s", device->app,
                   device->id, device->push);
}

static int devices_come_and_go(void) {
    struct world w;
    struct listed l = {.count = 0};
    char name[16];
    begin(&w, ":memory:");
    struct aura_id a = join(&w, "livekit", "key/alice", "alice", true);
    for (int i = 0; i < AURA_DIRECTORY_DEVICES_MAX + 3; i++) {
        (void)snprintf(name, sizeof(name), "d%d", i);
        assert_int_equal(aura_directory_device(w.d, &a, "app", name, "token"), 0);
        aura_clock_manual_advance(&w.clock, 1000);
    }
    assert_int_equal(aura_directory_device(w.d, &a, "app", "d3", "renewed"), 0);
    assert_int_equal(aura_directory_devices(w.d, &a, list, &l), 0);
    assert_int_equal(l.count, AURA_DIRECTORY_DEVICES_MAX);
    assert_string_equal(l.first, "app/d3/renewed");
    assert_string_equal(l.last, "app/d4/token");
    assert_int_equal(aura_directory_forget_device(w.d, &a, "app", "d3"), 0);
    assert_int_equal(aura_directory_forget_device(w.d, &a, "app", "d3"), AURA_ENOENT);
    assert_int_equal(aura_directory_device(w.d, &a, "app", "", ""), AURA_EINVAL);
    const struct aura_id nobody = {"nobody"};
    assert_int_equal(aura_directory_device(w.d, &nobody, "app", "d", ""), AURA_ENOENT);
    aura_directory_close(w.d);
    return 0;
}

static int people_decide_who_rings(void) {
    static const struct {
        enum aura_privacy privacy;
        enum aura_stance stance;
        int may;
    } cases[] = {
        {AURA_PRIVACY_EVERYONE, AURA_STANCE_NONE, 0},
        {AURA_PRIVACY_EVERYONE, AURA_STANCE_ALLOW, 0},
        {AURA_PRIVACY_EVERYONE, AURA_STANCE_BLOCK, AURA_ENOENT},
        {AURA_PRIVACY_CONTACTS, AURA_STANCE_NONE, AURA_ENOENT},
        {AURA_PRIVACY_CONTACTS, AURA_STANCE_ALLOW, 0},
        {AURA_PRIVACY_CONTACTS, AURA_STANCE_BLOCK, AURA_ENOENT},
        {AURA_PRIVACY_NOBODY, AURA_STANCE_NONE, AURA_ENOENT},
        {AURA_PRIVACY_NOBODY, AURA_STANCE_ALLOW, AURA_ENOENT},
        {AURA_PRIVACY_NOBODY, AURA_STANCE_BLOCK, AURA_ENOENT},
    };
    struct world w;
    begin(&w, ":memory:");
    struct aura_id a = join(&w, "livekit", "key/alice", "alice", true);
    struct aura_id b = join(&w, "livekit", "key/bob", "bob", true);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct aura_identity who;
        assert_int_equal(aura_directory_get(w.d, &a, &who), 0);
        who.privacy = cases[i].privacy;
        assert_int_equal(aura_directory_update(w.d, &who), 0);
        assert_int_equal(aura_directory_set_stance(w.d, &a, &b, cases[i].stance), 0);
        assert_int_equal(aura_directory_may_ring(w.d, &b, &a), cases[i].may);
        assert_int_equal(aura_directory_may_ring(w.d, &a, &b), 0); /* not the other way round */
    }
    const struct aura_id nobody = {"nobody"};
    assert_int_equal(aura_directory_may_ring(w.d, &b, &nobody), AURA_ENOENT);
    assert_int_equal(aura_directory_set_stance(w.d, &nobody, &a, AURA_STANCE_BLOCK), AURA_ENOENT);
    assert_int_equal(aura_directory_set_stance(w.d, &a, &nobody, AURA_STANCE_BLOCK), 0);
    aura_directory_close(w.d);
    return 0;
}

static int people_get_their_data_and_go(void) {
    struct world w;
    struct aura_buf text = AURA_BUF(10000);
    begin(&w, ":memory:");
    struct aura_id a = join(&w, "livekit", "key/alice", "alice", true);
    struct aura_id b = join(&w, "livekit", "key/bob", "bob", true);
    assert_int_equal(aura_directory_device(w.d, &a, "app", "phone", "token"), 0);
    assert_int_equal(aura_directory_set_stance(w.d, &a, &b, AURA_STANCE_ALLOW), 0);
    assert_int_equal(aura_directory_set_stance(w.d, &b, &a, AURA_STANCE_ALLOW), 0);
    assert_int_equal(aura_directory_export(w.d, &a, &text), 0);
    json_t *json = json_loads(aura_buf_text(&text), 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "id")), "@alice.aura");
    assert_int_equal(json_array_size(json_object_get(json, "proofs")), 1);
    assert_int_equal(json_array_size(json_object_get(json, "devices")), 1);
    const json_t *contact = json_array_get(json_object_get(json, "contacts"), 0);
    assert_string_equal(json_string_value(json_object_get(contact, "id")), "@bob.aura");
    assert_string_equal(json_string_value(json_object_get(contact, "stance")), "allow");
    json_decref(json);
    assert_int_equal(aura_directory_delete(w.d, &a), 0);
    assert_int_equal(aura_directory_delete(w.d, &a), AURA_ENOENT);
    assert_int_equal(aura_directory_count(w.d), 1);
    /* Nothing is left of her with others, and who comes with her proof is somebody new. */
    aura_buf_clear(&text);
    assert_int_equal(aura_directory_export(w.d, &b, &text), 0);
    assert_null(strstr(aura_buf_text(&text), "alice"));
    (void)join(&w, "livekit", "key/alice", "alice", true);
    aura_buf_clear(&text);
    assert_int_equal(aura_directory_export(w.d, &a, &text), 0);
    assert_null(strstr(aura_buf_text(&text), "phone"));
    aura_buf_free(&text);
    aura_directory_close(w.d);
    return 0;
}

static int files_keep_it(void) {
    struct world w;
    struct aura_directory *second = NULL;
    struct aura_buf why = AURA_BUF(1000);
    char folder[] = "/tmp/auraid-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/sub/ids.db", folder);
    begin(&w, path);
    (void)join(&w, "livekit", "key/alice", "alice", true);
    const struct aura_directory_conf conf = conf_of(&w, path);
    assert_int_equal(aura_directory_open(&second, &conf, &why), AURA_EEXISTS);
    assert_non_null(strstr(aura_buf_text(&why), "another server"));
    aura_directory_close(w.d);
    begin(&w, path);
    assert_int_equal(aura_directory_count(w.d), 1);
    (void)join(&w, "livekit", "key/alice", "alice", false);
    aura_directory_close(w.d);
    aura_buf_clear(&why);
    const struct aura_directory_conf bad = conf_of(&w, "/proc/none/ids.db");
    assert_int_equal(aura_directory_open(&second, &bad, &why), AURA_EIO);
    assert_non_null(strstr(aura_buf_text(&why), "/proc/none"));
    aura_buf_free(&why);
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    return 0;
}

static int try_join(struct world *w, const char *provider, const char *subject) {
    const struct aura_proof proof = {provider, subject};
    struct aura_identity who;
    bool created;
    return aura_directory_join(w->d, &proof, subject, "", AURA_ID_USER, &who, &created);
}

/* One app fills its share, with people and agents; others are not in its way. */
static int no_app_takes_all(void) {
    struct world w;
    char folder[] = "/tmp/auraid-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/ids.db", folder);
    begin(&w, path);
    aura_directory_set_share(w.d, 3);
    assert_int_equal(try_join(&w, "livekit/one", "aaa"), 0);
    assert_int_equal(try_join(&w, "livekit/one", "bbb"), 0);
    assert_int_equal(try_join(&w, "livekit-agent/one", "ccc"), 0);
    assert_int_equal(try_join(&w, "livekit/one", "ddd"), AURA_ELIMIT);
    assert_int_equal(try_join(&w, "livekit-agent/one", "ddd"), AURA_ELIMIT);
    assert_int_equal(try_join(&w, "livekit/one", "aaa"), 0); /* is there already */
    assert_int_equal(try_join(&w, "livekit/two", "aaa"), 0);
    for (int i = 0; i < 4; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "@%d:x", i);
        assert_int_equal(try_join(&w, "matrix", name), i < 3 ? 0 : AURA_ELIMIT);
        assert_int_equal(try_join(&w, "own", name), 0); /* of the server itself */
    }
    aura_directory_close(w.d); /* it is known after a restart */
    begin(&w, path);
    aura_directory_set_share(w.d, 3);
    assert_int_equal(try_join(&w, "livekit/one", "ddd"), AURA_ELIMIT);
    const struct aura_id a = {"aaa"};
    assert_int_equal(aura_directory_delete(w.d, &a), 0);
    assert_int_equal(try_join(&w, "livekit/one", "ddd"), 0);
    assert_int_equal(try_join(&w, "livekit/one", "eee"), AURA_ELIMIT);
    aura_directory_set_share(w.d, 0);
    assert_int_equal(try_join(&w, "livekit/one", "eee"), 0);
    aura_directory_close(w.d);
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(aura_share_of(1000000, 50, 2), 500000);
    assert_int_equal(aura_share_of(7, 50, 2), 3);
    assert_int_equal(aura_share_of(1, 1, 2), 1);
    assert_int_equal(aura_share_of(1000000, 50, 1), 0);
    assert_int_equal(aura_share_of(1000000, 100, 9), 0);
    return 0;
}

/* The log is moved into the file while the directory is open, and no commit waits for that. */
static int the_log_is_moved_aside(void) {
    enum { PEOPLE = 2000, PATIENCE = 1200, PAGE = 4096 };
    struct world w;
    struct stat st = {.st_size = 0};
    char folder[] = "/tmp/auraid-XXXXXX", path[64], wal[80], name[16];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/ids.db", folder);
    (void)snprintf(wal, sizeof(wal), "%s-wal", path);
    begin(&w, path);
    w.d->conf.max_identities = PEOPLE;
    for (int i = 0; i < PEOPLE; i++) {
        (void)snprintf(name, sizeof(name), "p%d", i);
        assert_int_equal(try_join(&w, "livekit/one", name), 0);
    }
    assert_int_equal(stat(wal, &st), 0);
    assert_true(st.st_size > AURA_SQL_LOG_PAGES * PAGE &&
                st.st_size < AURA_SQL_LOG_PAGES_MAX * PAGE);
    st.st_size = 0;
    for (int i = 0; i < PATIENCE && st.st_size < 20 * PAGE; i++) {
        usleep(50000);
        assert_int_equal(stat(path, &st), 0);
    }
    assert_true(st.st_size >= 20 * PAGE);
    aura_directory_close(w.d);
    assert_int_not_equal(stat(wal, &st), 0); /* all of it is in the file */
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    return 0;
}

static const char *display_of(struct world *w, const struct aura_id *id) {
    struct aura_identity who;
    assert_int_equal(aura_directory_get(w->d, id, &who), 0);
    return who.display;
}

/* What is held is of one moment, also when somebody else writes; a change of one's own ends that,
 * and is done when it says so. */
static int reads_are_held(void) {
    static const char *const text[] = {"UPDATE identity SET display = 'Other' WHERE name = 'alice'",
                                       "SELECT 1 FROM identity WHERE name = 'bob'"};
    const struct aura_id alice = {.name = "alice"};
    struct aura_buf why = AURA_BUF(1000);
    struct aura_sql *other;
    struct world w;
    char folder[] = "/tmp/auraid-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/ids.db", folder);
    begin(&w, path);
    (void)join(&w, "livekit", "key/alice", "alice", true);
    const struct aura_sql_conf conf = {
        .path = path, .topic = "test", .schema = "", .text = text, .count = 2, .shared = true};
    assert_int_equal(aura_sql_open(&other, &conf, &why), 0);
    aura_directory_hold(w.d);
    assert_string_equal(display_of(&w, &alice), "Shown");
    aura_sql_begin(other, 0);
    assert_int_equal(aura_sql_run(other, 0), 0);
    aura_directory_hold(w.d); /* twice is once */
    assert_string_equal(display_of(&w, &alice), "Shown");
    aura_directory_release(w.d);
    aura_directory_release(w.d);
    assert_string_equal(display_of(&w, &alice), "Other");
    aura_directory_hold(w.d);
    assert_string_equal(display_of(&w, &alice), "Other");
    (void)join(&w, "livekit", "key/bob", "bob", true);
    aura_sql_begin(other, 1);
    assert_int_equal(aura_sql_row(other, 1), 0);
    aura_sql_end(other, 1);
    aura_directory_hold(w.d);
    assert_string_equal(display_of(&w, &alice), "Other");
    assert_int_equal(aura_directory_device(w.d, &alice, "one", "phone", ""), 0);
    aura_directory_release(w.d);
    aura_sql_close(other);
    aura_directory_close(w.d);
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    aura_buf_free(&why);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(no_app_takes_all),        AURA_PLAIN(the_log_is_moved_aside),
        AURA_PLAIN(reads_are_held),          AURA_PLAIN(joins_make_one_identity_for_each_proof),
        AURA_PLAIN(ceilings_hold),           AURA_PLAIN(proofs_are_linked),
        AURA_PLAIN(lists_are_told_in_order), AURA_PLAIN(devices_come_and_go),
        AURA_PLAIN(people_decide_who_rings), AURA_PLAIN(people_get_their_data_and_go),
        AURA_PLAIN(files_keep_it),
    };
    return RUN_CASES("auraid/directory", cases);
}
