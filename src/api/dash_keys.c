/* SPDX-License-Identifier: Apache-2.0 */
/* API keys: made, rotated and revoked here, or read from the configuration and only shown. What
 * verifies tokens (token.h) follows at once. */
#include "api/dash_priv.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { OVERLAP_S = 86400, OVERLAP_MAX_S = 30 * 86400 };

static const char missing[] = "there is no such key: GET /api/v1/keys lists them";

static json_t *show(const struct aura__dash *d, const struct aura_dash_key *k) {
    bool rotating = k->old[0] && aura__dash_now_us(d) < k->old_until_us;
    return json_pack("{s:s, s:o, s:s, s:s, s:I, s:s, s:o, s:o, s:o}", "key", k->key, "project",
                     aura_rest_string(k->project, AURA_DASH_PROJECT_MAX), "source", "dashboard",
                     "state",
                     k->revoked_us ? "revoked"
                     : rotating    ? "rotating"
                                   : "active",
                     "created_us", (json_int_t)k->created_us, "created_by", k->by, "rotated_us",
                     aura__dash_time(k->rotated_us), "old_until_us",
                     rotating ? json_integer((json_int_t)k->old_until_us) : json_null(),
                     "revoked_us", aura__dash_time(k->revoked_us));
}

static json_t *show_configured(const char *key) {
    return json_pack("{s:o, s:s, s:s, s:s, s:n, s:n, s:n, s:n, s:n}", "key",
                     aura_rest_string(key, 256), "project", "", "source", "config", "state",
                     "active", "created_us", "created_by", "rotated_us", "old_until_us",
                     "revoked_us");
}

/* ---- the list: the configuration's first ---- */

struct listing {
    const struct aura__dash *d;
    const char *after;
    bool behind; /* the one named by `after` has been seen */
    size_t limit, count;
    json_t *list;
    char last[257];
    bool more;
};

static bool take(struct listing *l, const char *key) {
    if (l->count == l->limit) {
        l->more = true;
        return false;
    }
    l->count++;
    (void)snprintf(l->last, sizeof(l->last), "%s", key);
    return true;
}

static void add_configured(void *arg, const char *key) {
    struct listing *l = arg;
    if (!l->behind) {
        l->behind = strcmp(key, l->after) == 0;
    } else if (take(l, key)) {
        json_array_append_new(l->list, show_configured(key));
    }
}

static void add_stored(void *arg, const struct aura_dash_key *k) {
    struct listing *l = arg;
    if (take(l, k->key)) {
        json_array_append_new(l->list, show(l->d, k));
    }
}

static void list(struct dash_request *r) {
    struct aura_rooms_page page;
    struct aura_dash_key after;
    if (!aura__dash_page(r, &page)) {
        return;
    }
    struct listing l = {.d = r->d, .after = page.after, .behind = !page.after, .limit = page.limit};
    int err = page.after ? aura_dash_key_get(r->d->store, page.after, &after) : AURA_ENOENT;
    aura_wipe(&after, sizeof(after));
    bool stored = !err; /* the page begins among those */
    l.list = json_array();
    if (!stored) {
        aura_keys_each(r->d->conf->config_keys, add_configured, &l);
    }
    if (!stored && !l.behind) {
        json_decref(l.list);
        aura__dash_refuse(r, 404, "not_found", "?after= is gone: begin the list anew");
        return;
    }
    err = aura_dash_keys(r->d->store, stored ? page.after : NULL, l.limit - l.count + 1, add_stored,
                         &l);
    if (err) {
        json_decref(l.list);
        aura__dash_refuse_err(r, err, "");
        return;
    }
    aura__dash_respond(
        r, 200,
        json_pack("{s:o, s:o}", "keys", l.list, "next", aura__dash_next(l.more ? l.last : NULL)));
}

/* ---- changes ---- */

static void respond_secret(struct dash_request *r, int status, const struct aura_dash_key *k) {
    aura__dash_respond(r, status,
                       json_pack("{s:o, s:s}", "key", show(r->d, k), "secret", k->secret));
}

/* Keys of the configuration are not the dashboard's. @return true: it has been answered */
static bool is_configured(struct dash_request *r, const char *key) {
    struct aura_dash_key k;
    int err = aura_dash_key_get(r->d->store, key, &k);
    aura_wipe(&k, sizeof(k));
    if (err == AURA_ENOENT && aura_keys_secret(r->d->conf->config_keys, key)) {
        aura__dash_refuse(r, 409, "read_only",
                          "this key is in the configuration file: change it there, then reload");
        return true;
    }
    return false;
}

static void refuse(struct dash_request *r, int err) {
    if (err == AURA_ESTATE) {
        aura__dash_refuse(r, 409, "conflict", "the key has been revoked: make another");
    } else if (err == AURA_EINVAL) {
        aura__dash_refuse(r, 400, "bad_request", "\"project\" has 1 to 128 bytes");
    } else {
        aura__dash_refuse_err(r, err, missing);
    }
}

static void make(struct dash_request *r) {
    struct aura_rest_field f[] = {{"project", JSON_STRING, true, AURA_DASH_PROJECT_MAX, NULL}};
    struct aura_dash_key k;
    if (!aura__dash_fields(r, f, 1)) {
        return;
    }
    int err = aura_dash_key_make(r->d->store, aura_rest_text(&f[0], ""), r->who.name, &k);
    if (err) {
        refuse(r, err);
        return;
    }
    err = aura_keys_add(r->d->conf->keys, k.key, k.secret);
    if (err) { /* nobody has seen its secret */
        (void)!aura_dash_key_revoke(r->d->store, k.key, &k);
        aura__dash_refuse_err(r, err, "");
    } else {
        aura__dash_audit(r, "key.create", k.key, k.project);
        respond_secret(r, 201, &k);
    }
    aura_wipe(&k, sizeof(k));
}

static void rename_one(struct dash_request *r) {
    struct aura_rest_field f[] = {{"project", JSON_STRING, true, AURA_DASH_PROJECT_MAX, NULL}};
    struct aura_dash_key k;
    if (!aura__dash_fields(r, f, 1) || is_configured(r, r->param[0])) {
        return;
    }
    int err = aura_dash_key_rename(r->d->store, r->param[0], aura_rest_text(&f[0], ""));
    err = err ? err : aura_dash_key_get(r->d->store, r->param[0], &k);
    if (err) {
        refuse(r, err);
        return;
    }
    aura__dash_audit(r, "key.rename", k.key, k.project);
    aura__dash_respond(r, 200, show(r->d, &k));
    aura_wipe(&k, sizeof(k));
}

static void rotate(struct dash_request *r) {
    struct aura_rest_field f[] = {{"overlap_s", JSON_INTEGER, false, 0, NULL}};
    struct aura_dash_key k;
    char detail[48];
    if (!aura__dash_fields(r, f, 1) || is_configured(r, r->param[0])) {
        return;
    }
    json_int_t overlap_s = f[0].value ? json_integer_value(f[0].value) : OVERLAP_S;
    if (overlap_s < 0 || overlap_s > OVERLAP_MAX_S) {
        aura__dash_refuse(r, 400, "bad_request", "\"overlap_s\" is from 0 to 2592000 (30 days)");
        return;
    }
    int err =
        aura_dash_key_rotate(r->d->store, r->param[0], (uint64_t)overlap_s * AURA_US_PER_S, &k);
    err = err ? err
              : aura_keys_rotate(r->d->conf->keys, k.key, k.secret,
                                 (int64_t)(k.old_until_us / AURA_US_PER_S));
    if (err) {
        refuse(r, err);
        return;
    }
    (void)snprintf(detail, sizeof(detail), "overlap %lld s", (long long)overlap_s);
    aura__dash_audit(r, "key.rotate", k.key, detail);
    respond_secret(r, 200, &k);
    aura_wipe(&k, sizeof(k));
}

static void revoke(struct dash_request *r) {
    struct aura_rest_field f[] = {{"disconnect", JSON_TRUE, false, 0, NULL}};
    struct aura_dash_key k;
    char detail[48] = "";
    size_t gone = 0;
    if (!aura__dash_fields(r, f, 1) || is_configured(r, r->param[0])) {
        return;
    }
    int err = aura_dash_key_revoke(r->d->store, r->param[0], &k);
    if (err) {
        refuse(r, err);
        return;
    }
    aura_keys_remove(r->d->conf->keys, k.key);
    if (json_is_true(f[0].value)) {
        gone = aura_rooms_disconnect_key(r->s->rooms, k.key);
        (void)snprintf(detail, sizeof(detail), "%zu disconnected", gone);
    }
    aura__dash_audit(r, "key.revoke", k.key, detail);
    aura__dash_respond(
        r, 200, json_pack("{s:o, s:I}", "key", show(r->d, &k), "disconnected", (json_int_t)gone));
}

static const struct dash_route routes[] = {
    {"GET", "/api/v1/keys", DASH_VIEW, list},
    {"POST", "/api/v1/keys", DASH_CHANGE, make},
    {"PATCH", "/api/v1/keys/{key}", DASH_CHANGE, rename_one},
    {"POST", "/api/v1/keys/{key}/rotate", DASH_CHANGE, rotate},
    {"POST", "/api/v1/keys/{key}/revoke", DASH_CHANGE, revoke},
};
DASH_ROUTES(aura__dash_key_routes, routes);
