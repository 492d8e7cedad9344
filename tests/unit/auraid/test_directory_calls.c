/* SPDX-License-Identifier: Apache-2.0 */
/* Missed calls and proofs. SQLite has its own memory: no case with failing ones. */
#include "auraid/directory.h"
#include "harness.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct world {
    struct aura_clock_manual clock;
    struct aura_rand_seeded rand;
    struct aura_directory *d;
    struct aura_id ann, bob;
    char log[AURA_DIRECTORY_MISSED_MAX * 80];
};

static struct aura_id join(struct world *w, const char *name) {
    const struct aura_proof proof = {"livekit/key", name};
    struct aura_identity who;
    bool created;
    assert_int_equal(aura_directory_join(w->d, &proof, name, "", AURA_ID_USER, &who, &created), 0);
    return who.id;
}

static void begin(struct world *w) {
    struct aura_buf why = AURA_BUF(1000);
    aura_clock_manual_init(&w->clock, 1000, 1700000000000000);
    aura_rand_seeded_init(&w->rand, 7);
    const struct aura_directory_conf conf = {
        .path = ":memory:", .max_identities = 100, .clock = &w->clock.clock, .rand = &w->rand.rand};
    assert_int_equal(aura_directory_open(&w->d, &conf, &why), 0);
    aura_buf_free(&why);
    w->ann = join(w, "ann");
    w->bob = join(w, "bob");
}

static void add(struct world *w, const char *call, uint64_t at_us) {
    const struct aura_missed m = {
        .call = call, .reason = "timeout", .caller = w->bob, .video = true, .at_us = at_us};
    assert_int_equal(aura_directory_add_missed(w->d, &w->ann, &m), 0);
}

static void note(void *arg, const struct aura_missed *m) {
    struct world *w = arg;
    size_t len = strlen(w->log);
    (void)snprintf(w->log + len, sizeof(w->log) - len, "%s %s %s%s %d\n", m->call, m->caller.name,
                   m->reason, m->video ? " video" : "", (int)m->at_us);
}

static const char *list(struct world *w, const struct aura_id *who) {
    w->log[0] = 0;
    assert_int_equal(aura_directory_missed(w->d, who, note, w), 0);
    return w->log;
}

static int missed_calls_are_kept(void) {
    struct world w;
    const struct aura_id nobody = {"nobody"};
    begin(&w);
    add(&w, "CA_1", 10);
    add(&w, "CA_2", 20);
    assert_string_equal(list(&w, &w.ann), "CA_2 bob timeout video 20\nCA_1 bob timeout video 10\n");
    assert_string_equal(list(&w, &w.bob), "");
    const struct aura_missed m = {.call = "CA_3", .reason = "busy", .caller = w.bob};
    assert_int_equal(aura_directory_add_missed(w.d, &nobody, &m), AURA_ENOENT);
    struct aura_buf text = AURA_BUF(10000);
    assert_int_equal(aura_directory_export(w.d, &w.ann, &text), 0);
    json_t *json = json_loads(aura_buf_text(&text), 0, NULL);
    const json_t *first = json_array_get(json_object_get(json, "missed"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "from")), "@bob.aura");
    json_decref(json);
    aura_buf_free(&text);
    assert_int_equal(aura_directory_forget_missed(w.d, &w.ann), 0);
    assert_string_equal(list(&w, &w.ann), "");
    aura_directory_close(w.d);
    return 0;
}

static int the_oldest_go(void) {
    struct world w;
    char call[16];
    begin(&w);
    for (int i = 0; i <= AURA_DIRECTORY_MISSED_MAX; i++) {
        (void)snprintf(call, sizeof(call), "CA_%d", i);
        add(&w, call, (uint64_t)(i + 1));
    }
    const char *all = list(&w, &w.ann);
    size_t lines = 0;
    for (const char *at = all; *at; at++) {
        lines += *at == '\n';
    }
    assert_int_equal(lines, AURA_DIRECTORY_MISSED_MAX);
    assert_non_null(strstr(all, "CA_1 bob timeout video 2\n"));
    assert_null(strstr(all, "CA_0 bob"));
    aura_directory_close(w.d);
    return 0;
}

/* Who is deleted is in nobody's list any more, and has none. */
static int who_is_gone_is_gone(void) {
    struct world w;
    begin(&w);
    add(&w, "CA_1", 10);
    assert_int_equal(aura_directory_delete(w.d, &w.bob), 0);
    assert_string_equal(list(&w, &w.ann), "");
    add(&w, "CA_2", 10);
    assert_int_equal(aura_directory_delete(w.d, &w.ann), 0);
    assert_string_equal(list(&w, &w.ann), "");
    aura_directory_close(w.d);
    return 0;
}

static void note_proof(void *arg, const struct aura_proof *proof) {
    struct world *w = arg;
    (void)snprintf(w->log, sizeof(w->log), "%s %s", proof->provider, proof->subject);
}

static int proofs_are_shown(void) {
    struct world w;
    begin(&w);
    w.log[0] = 0;
    assert_int_equal(aura_directory_proofs(w.d, &w.ann, note_proof, &w), 0);
    assert_string_equal(w.log, "livekit/key ann");
    aura_directory_close(w.d);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(missed_calls_are_kept),
        AURA_PLAIN(the_oldest_go),
        AURA_PLAIN(who_is_gone_is_gone),
        AURA_PLAIN(proofs_are_shown),
    };
    return RUN_CASES("auraid/directory_calls", cases);
}
