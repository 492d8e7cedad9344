/* SPDX-License-Identifier: Apache-2.0 */
#include "api/outbox.h"

#include "../harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64], path[96];
static const char *const urls[] = {"http://one/", "http://two/"};

static void fresh_folder(void) {
    snprintf(folder, sizeof(folder), "/tmp/aura-outbox-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/sub/events.db", folder);
}

static void remove_folder(void) {
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    char name[128];
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
    snprintf(name, sizeof(name), "%s/sub", folder);
    rmdir(name);
    rmdir(folder);
}

static struct aura_outbox *open_it(size_t url_count, uint64_t max_events, uint64_t max_bytes) {
    struct aura_outbox_conf conf = {.path = path,
                                    .urls = urls,
                                    .url_count = url_count,
                                    .max_events = max_events,
                                    .max_bytes = max_bytes};
    struct aura_outbox *o = NULL;
    struct aura_buf why = AURA_BUF(256);
    int err = aura_outbox_open(&o, &conf, &why);
    if (err) {
        print_error("%s\n", aura_buf_text(&why));
    }
    aura_buf_free(&why);
    return o;
}

static struct aura_outbox_event add(struct aura_outbox *o, const char *room, const char *name) {
    static const uint8_t body[100] = "{}";
    struct aura_outbox_event e = {
        .id = "EV_1", .name = name, .room = room, .created_us = 5, .body = body, .len = 100};
    assert_int_equal(aura_outbox_begin(o), 0);
    assert_int_equal(aura_outbox_add(o, &e), 0);
    assert_int_equal(aura_outbox_trim(o), 0);
    assert_int_equal(aura_outbox_commit(o), 0);
    return e;
}

static void settle(struct aura_outbox *o, size_t url, uint64_t seq, enum aura_outbox_state state) {
    assert_int_equal(aura_outbox_begin(o), 0);
    assert_int_equal(aura_outbox_result(o, url, seq, state, 200), 0);
    assert_int_equal(aura_outbox_commit(o), 0);
}

static uint64_t head(struct aura_outbox *o, size_t url, const char *room) {
    struct aura_outbox_event e;
    int err = aura_outbox_head(o, url, room, &e);
    assert_true(err == 0 || err == AURA_ENOENT);
    return err ? 0 : e.seq;
}

static int case_order(void) {
    fresh_folder();
    struct aura_outbox *o = open_it(2, 100, 1 << 20);
    assert_non_null(o);
    struct aura_outbox_event a = add(o, "a", "first"), b = add(o, "b", "first"),
                             c = add(o, "a", "second");
    assert_int_equal(a.room_seq, 1);
    assert_int_equal(b.room_seq, 1);
    assert_int_equal(c.room_seq, 2);
    assert_true(a.seq < b.seq && b.seq < c.seq);
    assert_int_equal(head(o, 0, "a"), a.seq);
    settle(o, 0, a.seq, AURA_OUTBOX_WAITING); /* an attempt that failed: it stays the head */
    assert_int_equal(head(o, 0, "a"), a.seq);
    settle(o, 0, a.seq, AURA_OUTBOX_DELIVERED);
    assert_int_equal(head(o, 0, "a"), c.seq);
    assert_int_equal(head(o, 1, "a"), a.seq); /* the other URL has its own state */
    settle(o, 0, c.seq, AURA_OUTBOX_REFUSED);
    assert_int_equal(head(o, 0, "a"), 0);
    struct aura_outbox_stats s;
    aura_outbox_stats(o, &s);
    assert_int_equal(s.events, 3);
    assert_int_equal(s.waiting, 4);
    aura_outbox_close(o);
    remove_folder();
    return 0;
}

/* A rollback leaves nothing, and numbers are never given twice. */
static int case_restart(void) {
    fresh_folder();
    struct aura_outbox *o = open_it(1, 100, 1 << 20);
    assert_non_null(o);
    struct aura_outbox_event first = add(o, "a", "first");
    assert_int_equal(aura_outbox_begin(o), 0);
    struct aura_outbox_event lost = first;
    assert_int_equal(aura_outbox_add(o, &lost), 0);
    aura_outbox_rollback(o);
    aura_outbox_close(o);
    o = open_it(1, 100, 1 << 20);
    assert_non_null(o);
    assert_int_equal(head(o, 0, "a"), first.seq);
    struct aura_outbox_stats s;
    aura_outbox_stats(o, &s);
    assert_int_equal(s.events, 1);
    assert_int_equal(s.waiting, 1);
    struct aura_outbox_event second = add(o, "a", "second");
    assert_int_equal(second.room_seq, 2);
    assert_true(second.seq > first.seq);
    aura_outbox_close(o);
    remove_folder();
    return 0;
}

static int case_ceilings(void) {
    fresh_folder();
    struct aura_outbox *o = open_it(1, 4, 1 << 20);
    struct aura_outbox_event e[6];
    for (int i = 0; i < 4; i++) {
        e[i] = add(o, "a", "x");
    }
    settle(o, 0, e[1].seq, AURA_OUTBOX_WAITING);
    settle(o, 0, e[0].seq, AURA_OUTBOX_DELIVERED);
    e[4] = add(o, "a", "x"); /* the delivered one goes */
    struct aura_outbox_stats s;
    aura_outbox_stats(o, &s);
    assert_int_equal(s.events, 4);
    assert_int_equal(s.dropped, 0);
    e[5] = add(o, "a", "x"); /* the oldest that waits goes, and is counted */
    aura_outbox_stats(o, &s);
    assert_int_equal(s.events, 4);
    assert_int_equal(s.dropped, 1);
    assert_int_equal(s.waiting, 4);
    assert_int_equal(head(o, 0, "a"), e[2].seq);
    settle(o, 0, e[1].seq, AURA_OUTBOX_DELIVERED); /* its request was on the way: nothing happens */
    aura_outbox_stats(o, &s);
    assert_int_equal(s.waiting, 4);
    aura_outbox_close(o);
    o = open_it(1, 100, 250); /* bytes: two events of 100 */
    assert_int_equal(aura_outbox_begin(o), 0);
    assert_int_equal(aura_outbox_trim(o), 0);
    assert_int_equal(aura_outbox_commit(o), 0);
    aura_outbox_stats(o, &s);
    assert_int_equal(s.events, 2);
    assert_int_equal(s.bytes, 200);
    aura_outbox_close(o);
    remove_folder();
    return 0;
}

static void count_listed(void *arg, const struct aura_outbox_event *e,
                         const struct aura_outbox_delivery *d, size_t n) {
    size_t *count = arg;
    assert_non_null(e->name);
    assert_true(n == 0 || d[0].url == urls[0]);
    count[0]++;
    count[1] += e->body != NULL;
}

static int case_replay(void) {
    fresh_folder();
    struct aura_outbox *o = open_it(1, 100, 1 << 20);
    struct aura_outbox_event a = add(o, "a", "x"), b = add(o, "b", "x"), c = add(o, "a", "y");
    settle(o, 0, a.seq, AURA_OUTBOX_DELIVERED);
    settle(o, 0, b.seq, AURA_OUTBOX_DELIVERED);
    settle(o, 0, c.seq, AURA_OUTBOX_DELIVERED);
    aura_outbox_close(o);
    o = open_it(2, 100, 1 << 20); /* a second URL: it gets what is replayed */
    size_t seen[2] = {0, 0};
    struct aura_outbox_query q = {.from = 0, .to = UINT64_MAX, .room = "a", .limit = 10};
    assert_int_equal(aura_outbox_list(o, &q, count_listed, seen), 0);
    assert_int_equal(seen[0], 2);
    assert_int_equal(seen[1], 0);
    q.bodies = q.open_only = true;
    assert_int_equal(aura_outbox_list(o, &q, count_listed, seen), 0);
    assert_int_equal(seen[0], 2);
    uint64_t count = 0;
    q.from = c.seq;
    assert_int_equal(aura_outbox_replay(o, &q, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(head(o, 0, "a"), c.seq);
    assert_int_equal(head(o, 1, "a"), c.seq);
    assert_int_equal(head(o, 0, "b"), 0);
    struct aura_outbox_stats s;
    aura_outbox_stats(o, &s);
    assert_int_equal(s.waiting, 2);
    aura_outbox_close(o);
    o = open_it(1, 100, 1 << 20); /* the second URL is gone, and what waited for it */
    aura_outbox_stats(o, &s);
    assert_int_equal(s.waiting, 1);
    aura_outbox_close(o);
    remove_folder();
    return 0;
}

static int case_locked(void) {
    fresh_folder();
    struct aura_outbox *o = open_it(1, 4, 1 << 20), *second = NULL;
    struct aura_outbox_conf conf = {
        .path = path, .urls = urls, .url_count = 1, .max_events = 4, .max_bytes = 1 << 20};
    struct aura_buf why = AURA_BUF(256);
    assert_int_equal(aura_outbox_open(&second, &conf, &why), AURA_EEXISTS);
    aura_buf_free(&why);
    aura_outbox_close(o);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs("this is no database, but long enough to be looked at as one: 0123456789 0123456789", f);
    fclose(f);
    assert_int_equal(aura_outbox_open(&second, &conf, &why), AURA_EIO);
    aura_buf_free(&why);
    conf.url_count = AURA_OUTBOX_URLS_MAX + 1;
    assert_int_equal(aura_outbox_open(&second, &conf, &why), AURA_ELIMIT);
    aura_buf_free(&why);
    remove_folder();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        AURA_PLAIN(case_order),  AURA_PLAIN(case_restart), AURA_PLAIN(case_ceilings),
        AURA_PLAIN(case_replay), AURA_PLAIN(case_locked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
