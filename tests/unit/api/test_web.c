/* SPDX-License-Identifier: Apache-2.0 */
/* What of a folder is shown, and in which form. */
#include "api/meet.h"
#include "api/web.h"
#include "harness.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void put(const char *name, const char *text) {
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static void make(const char *name) {
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    (void)mkdir(path, 0700);
}

static void setup(void) {
    if (folder[0]) {
        return; /* made for the case before */
    }
    (void)snprintf(folder, sizeof(folder), "/tmp/aura-web-XXXXXX");
    assert_non_null(mkdtemp(folder));
    make("assets");
    make("assets/deeper");
    put("index.html", "<!doctype html>");
    put("dashboard.html", "<!doctype html><p>");
    put("assets/app.js", "console.log(1); console.log(1)");
    put("assets/app.js.br", "BR");
    put("assets/app.js.gz", "GZ");
    put("assets/lonely.js.br", "BR");
    put("assets/deeper/secret.txt", "x");
    put(".hidden", "x");
    char link[256];
    (void)snprintf(link, sizeof(link), "%s/passwd", folder);
    assert_int_equal(symlink("/etc/passwd", link), 0);
}

static void expect(const struct aura_web *w, const char *path, const char *accept, const char *text,
                   const char *encoding) {
    struct aura_web_page p;
    assert_true(aura_web_find(w, path, accept, NULL, &p));
    assert_int_equal(p.len, strlen(text));
    assert_memory_equal(p.body, text, p.len);
    assert_true(encoding ? p.encoding && strcmp(p.encoding, encoding) == 0 : !p.encoding);
    assert_false(p.unchanged);
}

static int finds(void) {
    static const char plain[] = "console.log(1); console.log(1)";
    struct aura_web *w = NULL;
    setup();
    TRY(aura_web_open(&w, folder));
    expect(w, "/", NULL, "<!doctype html>", NULL);
    expect(w, "/r/a room/../x", NULL, "<!doctype html>", NULL);
    expect(w, "/dashboard", NULL, "<!doctype html><p>", NULL);
    expect(w, "/dashboard/rooms/a/../x", NULL, "<!doctype html><p>", NULL);
    expect(w, "/assets/app.js", NULL, plain, NULL);
    expect(w, "/assets/app.js", "gzip, deflate, br", "BR", "br");
    expect(w, "/assets/app.js", "deflate, GZIP;q=0.5", "GZ", "gzip");
    expect(w, "/assets/app.js", "br;q=0, gzip", "GZ", "gzip");
    expect(w, "/assets/app.js", "br;q=0.000,gzip; q=0", plain, NULL);
    expect(w, "/assets/app.js", "br;q=0.01", "BR", "br");
    expect(w, "/assets/app.js", "brotli, x-gzip, ,;q", plain, NULL);
    aura_web_free(w);
    return 0;
}

static int shows_nothing_else(void) {
    static const char *const none[] = {"/passwd",
                                       "/.hidden",
                                       "/assets/deeper/secret.txt",
                                       "/assets/lonely.js",
                                       "/assets/lonely.js.br",
                                       "/assets/app.js.br",
                                       "/assets/",
                                       "/assets",
                                       "",
                                       "/..",
                                       "/assets/../index.html",
                                       "/../../etc/passwd",
                                       "/r",
                                       "/dashboards"};
    struct aura_web *w = NULL;
    struct aura_web_page p;
    setup();
    TRY(aura_web_open(&w, folder));
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_false(aura_web_find(w, none[i], "br", NULL, &p));
    }
    aura_web_free(w);
    return 0;
}

static int caches(void) {
    struct aura_web *w = NULL;
    struct aura_web_page p, again;
    char list[64];
    setup();
    TRY(aura_web_open(&w, folder));
    assert_true(aura_web_find(w, "/assets/app.js", "br", NULL, &p));
    assert_non_null(strstr(p.cache, "immutable"));
    assert_string_equal(p.type, "text/javascript; charset=utf-8");
    (void)snprintf(list, sizeof(list), "\"other\", W/%s", p.etag);
    assert_true(aura_web_find(w, "/assets/app.js", "br", list, &again));
    assert_true(again.unchanged);
    assert_true(aura_web_find(w, "/assets/app.js", "gzip", list, &again));
    assert_false(again.unchanged); /* another form has another tag */
    assert_true(aura_web_find(w, "/", NULL, "*", &again));
    assert_true(again.unchanged);
    assert_string_equal(again.cache, "no-cache");
    aura_web_free(w);
    return 0;
}

static int is_absent(void) {
    struct aura_web *w = NULL;
    char path[128];
    setup();
    (void)snprintf(path, sizeof(path), "%s/none", folder);
    int err = aura_web_open(&w, path);
    assert_true(err == AURA_ENOENT || err == AURA_ENOMEM);
    (void)snprintf(path, sizeof(path), "%s/assets", folder);
    int other = aura_web_open(&w, path); /* no index.html */
    assert_true(other == AURA_ENOENT || other == AURA_ENOMEM);
    assert_null(w);
    return err == AURA_ENOMEM || other == AURA_ENOMEM ? AURA_ENOMEM : 0;
}

static int rooms(void) {
    static const char *const some[] = {"lobby", "meet-*"}, *const all[] = {"*"},
                             *const odd[] = {""};
    struct aura_meet_conf c = {.rooms = some, .room_count = 2};
    assert_true(aura_meet_is_open(&c, "lobby"));
    assert_true(aura_meet_is_open(&c, "meet-1"));
    assert_true(aura_meet_is_open(&c, "meet-"));
    assert_false(aura_meet_is_open(&c, "meet"));
    assert_false(aura_meet_is_open(&c, "lobby2"));
    assert_false(aura_meet_is_open(&c, "Lobby"));
    assert_false(aura_meet_is_open(&c, "x meet-1"));
    c = (struct aura_meet_conf){.rooms = all, .room_count = 1};
    assert_true(aura_meet_is_open(&c, "anything"));
    c = (struct aura_meet_conf){.rooms = odd, .room_count = 1};
    assert_false(aura_meet_is_open(&c, "lobby"));
    c.room_count = 0;
    assert_false(aura_meet_is_open(&c, "lobby"));
    return 0;
}

static int drop(const char *path, const struct stat *about, int flag, struct FTW *at) {
    (void)about;
    (void)flag;
    (void)at;
    return remove(path);
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(finds), AURA_CASE(shows_nothing_else),
                                       AURA_CASE(caches), AURA_CASE(is_absent), AURA_CASE(rooms)};
    int failed = RUN_CASES("api/web", cases);
    if (folder[0]) {
        (void)nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS);
    }
    return failed;
}
