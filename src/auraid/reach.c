/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/reach.h"

#include <string.h>

const char *aura_reach_problem(const char *pair) {
    const char *mark = strchr(pair, '>');
    if (!mark || strchr(mark + 1, '>')) {
        return "it is no pair FROM>TO of API keys";
    }
    return mark == pair || !mark[1] ? "one side is empty: * stands for any app" : NULL;
}

static bool side_fits(const char *side, size_t len, const char *app) {
    return (len == 1 && *side == '*') || (strlen(app) == len && memcmp(side, app, len) == 0);
}

static bool is_allowed(const struct aura_reach *r, const char *from, const char *to) {
    for (size_t i = 0; i < r->allow_count; i++) {
        const char *pair = r->allow[i], *mark = strchr(pair, '>');
        if (mark && side_fits(pair, (size_t)(mark - pair), from) &&
            side_fits(mark + 1, strlen(mark + 1), to)) {
            return true;
        }
    }
    return false;
}

bool aura_reach_app(const struct aura_reach *r, const char *from, const char *to,
                    enum aura_stance stance) {
    return strcmp(from, to) == 0 || is_allowed(r, from, to) ||
           r->cross_app == AURA_PRIVACY_EVERYONE ||
           (r->cross_app == AURA_PRIVACY_CONTACTS && stance == AURA_STANCE_ALLOW);
}

struct asking {
    const struct aura_reach *r;
    const char *from;
    enum aura_stance stance;
    bool has_app, may;
};

/* "livekit/KEY" or "livekit-agent/KEY" */
static const char *app_of(const char *provider) {
    static const char *const prefixes[] = {"livekit/", "livekit-agent/"};
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(prefixes[i]);
        if (strncmp(provider, prefixes[i], len) == 0) {
            return provider + len;
        }
    }
    return NULL;
}

static void on_proof(void *arg, const struct aura_proof *proof) {
    struct asking *a = arg;
    const char *to = app_of(proof->provider);
    if (to) {
        a->has_app = true;
        a->may = a->may || aura_reach_app(a->r, a->from, to, a->stance);
    }
}

int aura_reach_person(const struct aura_reach *r, const struct aura_id *caller, const char *app,
                      const struct aura_id *callee, enum aura_stance *stance) {
    struct asking a = {.r = r, .from = app};
    int err = aura_directory_may_ring(r->directory, caller, callee);
    err = err ? err : aura_directory_stance(r->directory, callee, caller, stance);
    if (!err) {
        a.stance = *stance;
        err = aura_directory_proofs(r->directory, callee, on_proof, &a);
    }
    /* Who is in no app at all (somebody of Matrix) is in another one. */
    bool may = a.has_app ? a.may : aura_reach_app(r, app, "", a.stance);
    return err ? err : may ? 0 : AURA_ENOENT;
}
