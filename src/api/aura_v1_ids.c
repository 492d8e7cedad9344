/* SPDX-License-Identifier: Apache-2.0 */
/* /aura/v1/ids: one's own identity, and what others may see of one. */
#include "api/aura_v1_priv.h"
#include "auraid/exchange.h"
#include "auraid/matrix/appservice.h"

#include "room/identity.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {[AURA_ID_USER] = "user", [AURA_ID_AGENT] = "agent"};
static const char *const privacies[] = {[AURA_PRIVACY_EVERYONE] = "everyone",
                                        [AURA_PRIVACY_CONTACTS] = "contacts",
                                        [AURA_PRIVACY_NOBODY] = "nobody"};

enum { PRIVACIES = sizeof(privacies) / sizeof(privacies[0]), LIST_DEFAULT = 100, LIST_MAX = 1000 };

/* Of a person who is private nobody learns more than of one who is not there. */
static const char nobody[] = "there is no such AuraID, or it does not show itself to you";

static json_t *own_view(const struct aura_identity *who) {
    char text[AURA_ID_BYTES_MAX];
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:I}", "id", aura_id_text(&who->id, text),
                     "kind", kinds[who->kind], "display", who->display, "privacy",
                     privacies[who->privacy], "home_region", who->home_region, "aic_off",
                     (int)who->aic_off, "created_us", (json_int_t)who->created_us);
}

static void respond_own(struct aura_v1_request *r, const struct aura_id *id, bool created) {
    struct aura_identity who;
    int err = aura_directory_get(r->s->conf.directory, id, &who);
    if (err) {
        aura__v1_refuse_err(r, err, nobody);
    } else {
        aura__v1_respond(r, created ? 201 : 200, own_view(&who));
    }
}

static void get_me(struct aura_v1_request *r) {
    respond_own(r, &r->caller.who, false);
}

/* ---- making ---- */

static void create_for_app(struct aura_v1_request *r, const char *identity, const char *agent,
                           const char *name) {
    char provider[AURA_PROVIDER_BYTES];
    const char *subject = identity ? identity : agent;
    aura_identity_provider(agent ? AURA_NAMESPACE_AGENTS : AURA_NAMESPACE_PEOPLE, r->caller.app,
                           provider);
    const struct aura_proof proof = {provider, subject};
    struct aura_identity who;
    bool created;
    int err = aura_directory_join(r->s->conf.directory, &proof, subject, name,
                                  agent ? AURA_ID_AGENT : AURA_ID_USER, &who, &created);
    if (err == AURA_ELIMIT) {
        aura__v1_refuse(r, 503, "full",
                        "the directory of AuraIDs is full: the operator raises "
                        "auraid.max_identities");
        return;
    }
    if (err) {
        aura__v1_refuse_err(r, err, nobody);
        return;
    }
    r->s->auraids_created += created;
    aura__v1_respond(r, created ? 201 : 200, own_view(&who));
}

/* Asking again gives the same: the proof decides. A person's own token has made it by being shown.
 */
static void create(struct aura_v1_request *r) {
    enum { IDENTITY, AGENT, NAME, FIELDS };
    struct aura_v1_field f[FIELDS] = {
        [IDENTITY] = {"identity", JSON_STRING, false, AURA_DIRECTORY_TEXT_MAX, NULL},
        [AGENT] = {"agent", JSON_STRING, false, AURA_DIRECTORY_TEXT_MAX, NULL},
        [NAME] = {"display", JSON_STRING, false, AURA_DIRECTORY_TEXT_MAX, NULL}};
    if (!aura__v1_fields(r, f, FIELDS)) {
        return;
    }
    const char *identity = aura__v1_text(&f[IDENTITY], NULL);
    const char *agent = aura__v1_text(&f[AGENT], NULL);
    if (!r->caller.admin && (identity || agent || f[NAME].value)) {
        aura__v1_refuse(r, 403, "forbidden",
                        "only an app's own token (roomCreate and roomList) names somebody: leave "
                        "the body away for yourself");
    } else if (!r->caller.admin) {
        respond_own(r, &r->caller.who, r->caller.created);
    } else if (!identity == !agent) {
        aura__v1_refuse(r, 400, "bad_request",
                        "give \"identity\" (of a person in this app) or \"agent\" (its name)");
    } else {
        create_for_app(r, identity, agent, aura__v1_text(&f[NAME], ""));
    }
}

/* ---- those of an app ---- */

static void add_own(void *arg, const struct aura_identity *who) {
    json_array_append_new(arg, own_view(who));
}

/* @return false: what was asked for is no page */
static bool page_of(const struct aura_v1_request *r, size_t *limit, struct aura_id *after) {
    const char *many = aura_http_query(r->req, "limit"), *from = aura_http_query(r->req, "after");
    char *end = "";
    long n = many ? strtol(many, &end, 10) : LIST_DEFAULT;
    *limit = n < 1 || n > LIST_MAX ? 0 : (size_t)n;
    after->name[0] = 0;
    return *limit && !*end && (!from || !aura_id_parse(after, from, strlen(from)));
}

static void list_for_app(struct aura_v1_request *r) {
    char provider[AURA_PROVIDER_BYTES];
    const char *kind = aura_http_query(r->req, "kind");
    bool agents = kind && strcmp(kind, kinds[AURA_ID_AGENT]) == 0;
    struct aura_id after;
    size_t limit;
    if (!r->caller.admin) {
        aura__v1_refuse(r, 403, "forbidden",
                        "only an app's own token (roomCreate and roomList) lists its identities");
        return;
    }
    if (!page_of(r, &limit, &after) || (kind && !agents && strcmp(kind, kinds[AURA_ID_USER]))) {
        aura__v1_refuse(r, 400, "bad_request",
                        "?limit= is 1 to 1000, ?after= an AuraID, ?kind= user or agent");
        return;
    }
    aura_identity_provider(agents ? AURA_NAMESPACE_AGENTS : AURA_NAMESPACE_PEOPLE, r->caller.app,
                           provider);
    json_t *list = json_array();
    int err = list ? aura_directory_known(r->s->conf.directory, provider, after.name, limit,
                                          add_own, list)
                   : AURA_ENOMEM;
    if (err) {
        json_decref(list);
        aura__v1_refuse_err(r, err, nobody);
    } else {
        aura__v1_respond(r, 200, json_pack("{s:o}", "ids", list));
    }
}

/* ---- changing ---- */

static int privacy_of(const char *name, enum aura_privacy *out) {
    for (size_t i = 0; i < PRIVACIES; i++) {
        if (strcmp(name, privacies[i]) == 0) {
            *out = (enum aura_privacy)i;
            return 0;
        }
    }
    return AURA_EINVAL;
}

static void patch_me(struct aura_v1_request *r) {
    enum { DISPLAY, PRIVACY, AIC_OFF, REGION, FIELDS };
    struct aura_v1_field f[FIELDS] = {
        [DISPLAY] = {"display", JSON_STRING, false, AURA_DIRECTORY_TEXT_MAX, NULL},
        [PRIVACY] = {"privacy", JSON_STRING, false, AURA_DIRECTORY_TEXT_MAX, NULL},
        [AIC_OFF] = {"aic_off", JSON_TRUE, false, 0, NULL},
        [REGION] = {"home_region", JSON_STRING, false, AURA_DIRECTORY_TEXT_MAX, NULL}};
    struct aura_identity who;
    if (!aura__v1_fields(r, f, FIELDS)) {
        return;
    }
    int err = aura_directory_get(r->s->conf.directory, &r->caller.who, &who);
    if (err) {
        aura__v1_refuse_err(r, err, nobody);
        return;
    }
    if (privacy_of(aura__v1_text(&f[PRIVACY], privacies[who.privacy]), &who.privacy)) {
        aura__v1_refuse(r, 400, "bad_request",
                        "\"privacy\" is neither everyone, contacts nor nobody");
        return;
    }
    who.display = aura__v1_text(&f[DISPLAY], who.display);
    who.home_region = aura__v1_text(&f[REGION], who.home_region);
    who.aic_off = f[AIC_OFF].value ? json_is_true(f[AIC_OFF].value) : who.aic_off;
    bool aic_off = who.aic_off;
    err = aura_directory_update(r->s->conf.directory, &who);
    if (err) {
        aura__v1_refuse_err(r, err, nobody);
    } else {
        aura_rooms_person_changed(r->s->rooms, &r->caller.who, aic_off);
        respond_own(r, &r->caller.who, false);
    }
}

/* Calls end first: what others miss by that goes with the rest. */
static void delete_me(struct aura_v1_request *r) {
    struct aura_as *as = aura__appservice_of(r->s);
    aura_exchange_forget(aura__calls_exchange(r->s->calls), &r->caller.who);
    if (as) {
        aura_as_forget(as, &r->caller.who);
    }
    aura__accounts_forget(r->s, &r->caller.who);
    int err = aura_directory_delete(r->s->conf.directory, &r->caller.who);
    if (err) {
        aura__v1_refuse_err(r, err, nobody);
    } else {
        aura_rooms_person_deleted(r->s->rooms, &r->caller.who);
        aura__v1_done(r);
    }
}

static void export_me(struct aura_v1_request *r) {
    struct aura_buf json = AURA_BUF(AURA_HTTP_ANSWER_BYTES_MAX);
    int err = aura_directory_export(r->s->conf.directory, &r->caller.who, &json);
    if (err) {
        aura__v1_refuse_err(r, err, nobody);
    } else {
        aura__v1_respond(r, 200, json_loadb(aura_buf_text(&json), json.len, 0, NULL));
    }
    aura_buf_free(&json);
}

/* ---- others ---- */

/* An app sees who is known in it; people see who lets them. */
static int may_see(struct aura_v1_request *r, const struct aura_id *whom) {
    struct aura_directory *d = r->s->conf.directory;
    const struct aura_v1_caller *c = &r->caller;
    if (!c->is_somebody) {
        return aura__v1_app_knows(r->s, c->app, whom);
    }
    return strcmp(c->who.name, whom->name) == 0 ? 0 : aura_directory_may_ring(d, &c->who, whom);
}

static void get_other(struct aura_v1_request *r) {
    char text[AURA_ID_BYTES_MAX];
    struct aura_id id;
    struct aura_identity who;
    if (!aura__v1_id(r, r->param[0], &id)) {
        return;
    }
    int err = may_see(r, &id);
    err = err ? err : aura_directory_get(r->s->conf.directory, &id, &who);
    if (err) {
        aura__v1_refuse_err(r, err, nobody);
        return;
    }
    aura__v1_respond(r, 200,
                     json_pack("{s:s, s:s, s:s}", "id", aura_id_text(&who.id, text), "kind",
                               kinds[who.kind], "display", who.display));
}

/* Where somebody is at the moment is for those alone whom they keep as a contact. */
static int may_see_presence(struct aura_v1_request *r, const struct aura_id *whom) {
    const struct aura_v1_caller *c = &r->caller;
    enum aura_stance stance;
    if (!c->is_somebody) {
        return aura__v1_app_knows(r->s, c->app, whom);
    }
    if (strcmp(c->who.name, whom->name) == 0) {
        return 0;
    }
    int err = aura_directory_may_ring(r->s->conf.directory, &c->who, whom);
    err = err ? err : aura_directory_stance(r->s->conf.directory, whom, &c->who, &stance);
    return err ? err : stance == AURA_STANCE_ALLOW ? 0 : AURA_ENOENT;
}

static void get_presence(struct aura_v1_request *r) {
    char text[AURA_ID_BYTES_MAX];
    struct aura_id id;
    if (strcmp(r->param[0], "me") == 0 && r->caller.is_somebody) {
        id = r->caller.who;
    } else if (!aura__v1_id(r, r->param[0], &id)) {
        return;
    }
    int err = may_see_presence(r, &id);
    if (err) {
        aura__v1_refuse_err(r, err,
                            "there is no such AuraID, or it does not have you among its contacts");
        return;
    }
    bool online = aura_rooms_person_count(r->s->rooms, &id) > 0;
    aura__v1_respond(r, 200,
                     json_pack("{s:s, s:b}", "id", aura_id_text(&id, text), "online", (int)online));
}

static const struct aura_v1_route list[] = {
    {"POST", "/aura/v1/ids", AURA_V1_TOKEN, create},
    {"GET", "/aura/v1/ids", AURA_V1_TOKEN, list_for_app},
    {"GET", "/aura/v1/ids/me", AURA_V1_SOMEBODY, get_me},
    {"PATCH", "/aura/v1/ids/me", AURA_V1_SOMEBODY, patch_me},
    {"DELETE", "/aura/v1/ids/me", AURA_V1_SOMEBODY, delete_me},
    {"GET", "/aura/v1/ids/me/export", AURA_V1_SOMEBODY, export_me},
    {"GET", "/aura/v1/ids/{id}", AURA_V1_TOKEN, get_other},
    {"GET", "/aura/v1/ids/{id}/presence", AURA_V1_TOKEN, get_presence},
};

const struct aura_v1_routes aura__v1_ids = {list, sizeof(list) / sizeof(list[0])};
