/* SPDX-License-Identifier: Apache-2.0 */
/* Where recordings go: never out of their folder, whatever names people chose. */
#include "api/egress_path.h"
#include "api/recordings_place.h"
#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct aura_egress_words words = {.room_name = "../my room",
                                               .room_id = "RM_1",
                                               .publisher_identity = "..",
                                               .track_type = "video",
                                               .now_us = INT64_C(1700000000123456)};

static int path(const char *wanted, char *out) {
    const char *why;
    return aura_egress_path(out, "/srv/rec", wanted, "{room_id}-{time}", &words, &why);
}

static int templates(void) {
    static const struct {
        const char *wanted, *path;
    } cases[] = {
        {"a/{room_id}/{track_type}.mp4", "a/RM_1/video.mp4"},
        {"{room_name}/x", "_._my room/x"},
        {"{publisher_identity}", "_."},
        {"{track_id}-{nothing}", "{track_id}-{nothing}"},
        {"{time}", "2023-11-14T221320"},
        {"{utc}.webm", "20231114221320123.webm"},
        {"", "RM_1-2023-11-14T221320"},
        {"a/", "a/RM_1-2023-11-14T221320"},
        {"/srv/rec/b.mp4", "b.mp4"},
        {"a\nb", "a_b"},
        {"...", "..."},
    };
    char out[AURA_EGRESS_PATH_MAX + 1];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TRY(path(cases[i].wanted, out));
        assert_string_equal(out, cases[i].path);
    }
    return 0;
}

static int stays_inside(void) {
    static const char *const bad[] = {
        "..",          "../x", "a/../../x",       "a/..",   "./x",          "/etc/x",
        "/srv/rec2/x", "a//b", "/srv/rec//etc/x", "EG_x/y", "/srv/rec/../x"};
    char out[AURA_EGRESS_PATH_MAX + 1], deep[AURA_EGRESS_PATH_MAX + 100];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(path(bad[i], out), AURA_EINVAL);
    }
    memset(deep, 'x', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = 0;
    assert_int_equal(path(deep, out), AURA_EINVAL);
    for (size_t i = 100; i < sizeof(deep) - 1; i += 100) {
        deep[i] = '/';
    }
    assert_int_equal(path(deep, out), AURA_EINVAL); /* each name is fine, all together are not */
    deep[300] = 0;
    TRY(path(deep, out));
    return 0;
}

/* ---- files ---- */

static char folder[64], outside[64], out[512];

static void touch(const char *name) {
    char at[256];
    snprintf(at, sizeof(at), "%s/%s", folder, name);
    int fd = open(at, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static bool there(const char *where, const char *name) {
    char at[256];
    struct stat st;
    snprintf(at, sizeof(at), "%s/%s", where, name);
    return lstat(at, &st) == 0;
}

static void prepare(void) {
    char at[256];
    snprintf(folder, sizeof(folder), "/tmp/aura-place-XXXXXX");
    snprintf(outside, sizeof(outside), "/tmp/aura-place-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_non_null(mkdtemp(outside));
    snprintf(at, sizeof(at), "%s/EG_1", folder);
    assert_int_equal(mkdir(at, 0700), 0);
    snprintf(at, sizeof(at), "%s/away", folder);
    assert_int_equal(symlink(outside, at), 0);
    touch("EG_1/a.mp4");
}

static void tidy(void) {
    char command[256];
    snprintf(command, sizeof(command), "rm -r %s %s", folder, outside);
    assert_int_equal(system(command), 0);
}

static int place(const char *to, bool keep) {
    return aura__place(folder, "EG_1/a.mp4", to, ".mp4", keep, out, sizeof(out));
}

static int places(void) {
    prepare();
    assert_int_equal(place("x/y/name", true), 0);
    assert_string_equal(out, "x/y/name.mp4");
    assert_true(there(folder, "x/y/name.mp4") && there(folder, "EG_1/a.mp4"));
    assert_int_equal(place("x/y/name", false), 0); /* what is there stays */
    assert_string_equal(out, "x/y/name-2.mp4");
    assert_true(there(folder, "x/y/name-2.mp4") && !there(folder, "EG_1/a.mp4"));
    assert_int_equal(place("again", false), AURA_EIO); /* nothing left to place */
    tidy();
    return 0;
}

static int follows_no_link(void) {
    prepare();
    assert_int_equal(place("away/name", false), AURA_EPOLICY);
    assert_int_equal(place("away/deeper/name", false), AURA_EPOLICY);
    assert_int_equal(place("../name", false), AURA_EPOLICY);
    assert_int_equal(place("EG_1/a.mp4/name", false), AURA_EPOLICY);
    assert_false(there(outside, "name.mp4") || there(outside, "deeper"));
    /* A link of the file's own name is not written through either. */
    char at[256], to[256];
    snprintf(at, sizeof(at), "%s/link.mp4", folder);
    snprintf(to, sizeof(to), "%s/target", outside);
    assert_int_equal(symlink(to, at), 0);
    assert_int_equal(place("link", true), 0);
    assert_string_equal(out, "link-2.mp4");
    assert_false(there(outside, "target"));
    tidy();
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(templates), AURA_CASE(stays_inside),
                                       AURA_PLAIN(places), AURA_PLAIN(follows_no_link)};
    return RUN_CASES("api/egress_path", cases);
}
