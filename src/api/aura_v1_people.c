/* SPDX-License-Identifier: Apache-2.0 */
/* /aura/v1/people: whom somebody can call, for a list on a screen. Of each it tells what the person
 * tells who asks, by the same rules as /aura/v1/ids/{id} and its presence. */
#include "api/aura_v1_priv.h"
#include "auraid/exchange.h"
#include "base/mem.h"
#include "room/identity.h"

#include <string.h>

enum { CONTACTS_MAX = 200, AGENTS_MAX = 50, PEOPLE_MAX = CONTACTS_MAX + AGENTS_MAX };

struct people {
    struct aura_id list[PEOPLE_MAX];
    size_t count, contacts; /* the first ones are contacts */
};

/* The directory is in the middle of a list: what it knows of them is asked afterwards. */
static void add_contact(void *arg, const struct aura_id *other) {
    struct people *p = arg;
    if (p->count < CONTACTS_MAX) {
        p->list[p->count++] = *other;
    }
}

static void add_agent(void *arg, const struct aura_identity *who) {
    struct people *p = arg;
    for (size_t i = 0; i < p->contacts; i++) {
        if (strcmp(p->list[i].name, who->id.name) == 0) {
            return;
        }
    }
    if (p->count < PEOPLE_MAX) {
        p->list[p->count++] = who->id;
    }
}

static const char *presence_of(const struct aura_v1_request *r, const struct aura_id *id) {
    return aura_rooms_person_count(r->s->rooms, id) > 0                     ? "in_call"
           : aura_exchange_connected(aura__calls_exchange(r->s->calls), id) ? "here"
                                                                            : "away";
}

/* @return 0 with *out NULL: one that does not show itself */
static int show(struct aura_v1_request *r, const struct aura_id *id, bool contact, json_t **out) {
    struct aura_directory *d = r->s->conf.directory;
    char text[AURA_ID_BYTES_MAX];
    struct aura_identity who;
    enum aura_stance stance = AURA_STANCE_NONE;
    *out = NULL;
    int err = aura_directory_may_ring(d, &r->caller.who, id);
    err = err ? err : aura_directory_stance(d, id, &r->caller.who, &stance);
    err = err ? err : aura_directory_get(d, id, &who);
    aura_id_text(id, text);
    if (err == AURA_ENOENT) {
        *out = contact ? json_pack("{s:s, s:n, s:n, s:b, s:n}", "id", text, "kind", "display",
                                   "contact", true, "presence")
                       : NULL;
        return contact && !*out ? AURA_ENOMEM : 0;
    }
    if (err) {
        return err;
    }
    bool agent = who.kind == AURA_ID_AGENT, told = !agent && stance == AURA_STANCE_ALLOW;
    *out = json_pack("{s:s, s:s, s:s, s:b, s:s?}", "id", text, "kind", agent ? "agent" : "user",
                     "display", who.display, "contact", (int)contact, "presence",
                     told ? presence_of(r, id) : NULL);
    return *out ? 0 : AURA_ENOMEM;
}

static int collect(struct aura_v1_request *r, struct people *p) {
    struct aura_directory *d = r->s->conf.directory;
    char provider[AURA_PROVIDER_BYTES];
    int err = aura_directory_stances(d, &r->caller.who, AURA_STANCE_ALLOW, add_contact, p);
    p->contacts = p->count;
    aura_identity_provider(AURA_NAMESPACE_AGENTS, r->caller.app, provider);
    return err ? err : aura_directory_known(d, provider, "", AGENTS_MAX, add_agent, p);
}

static void list_people(struct aura_v1_request *r) {
    struct people *p = aura_zalloc(sizeof(*p));
    json_t *list = json_array(), *one;
    int err = p && list ? collect(r, p) : AURA_ENOMEM;
    for (size_t i = 0; !err && i < p->count; i++) {
        err = show(r, &p->list[i], i < p->contacts, &one);
        if (!err && one && json_array_append_new(list, one)) {
            err = AURA_ENOMEM;
        }
    }
    aura_free(p);
    if (err) {
        json_decref(list);
        aura__v1_refuse_err(r, err, "");
    } else {
        aura__v1_respond(r, 200, json_pack("{s:o}", "people", list));
    }
}

static const struct aura_v1_route list[] = {
    {"GET", "/aura/v1/people", AURA_V1_SOMEBODY, list_people},
};

const struct aura_v1_routes aura__v1_people = {list, sizeof(list) / sizeof(list[0])};
