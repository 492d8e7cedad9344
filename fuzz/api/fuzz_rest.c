/* SPDX-License-Identifier: Apache-2.0 */
/* A line each: a path, a Cookie, a body. */
#include "api/dash_store.h"
#include "api/rest.h"
#include "api/web_session.h"
#include "base/mem.h"

#include <string.h>

static void paths(const char *path) {
    static const char *const patterns[] = {"/api/v1/keys", "/api/v1/keys/{key}/rotate",
                                           "/api/v1/rooms/{room}/tracks/{track}/mute",
                                           "/a/{b}/{c}/{d}/{e}"};
    aura_rest_params params;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        (void)aura_rest_match(patterns[i], path, params);
    }
}

static void cookies(const char *text) {
    static struct aura_rand_seeded rand;
    const struct aura_web_sessions_conf conf = {.kind = "operator",
                                                .idle_us = AURA_US_PER_S,
                                                .all_us = AURA_US_PER_S,
                                                .max = 4,
                                                .clock = aura_clock_system(),
                                                .rand = &rand.rand};
    struct aura_web_sessions *s;
    const struct aura_web_session *session;
    char set[AURA_WEB_SESSION_COOKIE_MAX];
    aura_rand_seeded_init(&rand, 1);
    if (aura_web_sessions_new(&s, &conf)) {
        return;
    }
    if (aura_web_session_begin(s, "ann", false, set, &session) == 0) {
        const struct aura_web_session *found = aura_web_session_find(s, text, false);
        AURA_BUG_ON(found && found != session);
    }
    (void)aura_web_session_find(s, text, true);
    aura_web_sessions_free(s);
}

static void bodies(const char *text, size_t len) {
    struct aura_rest_field f[] = {{"name", JSON_STRING, true, 63, NULL},
                                  {"on", JSON_TRUE, false, 0, NULL},
                                  {"to", JSON_ARRAY, false, 4, NULL},
                                  {"n", JSON_INTEGER, false, 0, NULL}};
    char why[AURA_REST_WHY_BYTES];
    json_t *body = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    if ((!body || json_is_object(body)) && aura_rest_fields(body, f, 4, "docs", why) == 0) {
        AURA_BUG_ON(strlen(aura_rest_text(&f[0], "")) > 63);
        (void)aura_dash_is_name(aura_rest_text(&f[0], ""));
    }
    json_decref(body);
    json_t *shown = aura_rest_string(text, 64);
    AURA_BUG_ON(!shown || json_string_length(shown) > 64);
    json_decref(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = aura_strndup((const char *)data, size);
    if (!text) {
        return 0;
    }
    char *cookie = strchr(text, '\n');
    char *body = cookie ? strchr(cookie + 1, '\n') : NULL;
    if (cookie) {
        *cookie++ = 0;
    }
    if (body) {
        *body++ = 0;
    }
    paths(text);
    cookies(cookie ? cookie : "");
    bodies(body ? body : text, strlen(body ? body : text));
    aura_free(text);
    return 0;
}
