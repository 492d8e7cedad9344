/* SPDX-License-Identifier: Apache-2.0 */
/** @file sdp_fixture.h  Descriptions recorded from real clients
 * (tests/unit/transport/fixtures/sdp).
 *
 * Their names say which client and when; candidates' addresses are replaced. AURA_SDP_FIXTURES is
 * the folder.
 */
#ifndef AURA_TESTS_SDP_FIXTURE_H
#define AURA_TESTS_SDP_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

static const char *const sdp_fixtures[] = {
    "chromium_answer_data", "chromium_answer_reuse",      "chromium_answer_three",
    "chromium_ice_restart", "chromium_publish_subscribe", "chromium_recvonly",
    "chromium_vp9_svc",     "firefox_answer_data",        "firefox_answer_three",
    "firefox_recvonly",     "firefox_publish_subscribe",  "firefox_unpublish",
    "rust_sdk_join",
};
enum { SDP_FIXTURES = sizeof(sdp_fixtures) / sizeof(sdp_fixtures[0]) };

/** The text; valid until the next call. Ends the program if the file is not there. */
static inline const char *sdp_fixture(const char *name, size_t *len) {
    static char text[64 * 1024];
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s.sdp", AURA_SDP_FIXTURES, name);
    FILE *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "no fixture %s\n", path);
        abort();
    }
    *len = fread(text, 1, sizeof(text) - 1, f);
    text[*len] = '\0';
    fclose(f);
    return text;
}

#endif
