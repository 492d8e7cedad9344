/* SPDX-License-Identifier: Apache-2.0 */
/* /aura/v1/contacts and /aura/v1/blocks: who may reach somebody. One is either or neither. Nobody
 * need exist, so that these lists tell nothing about others. */
#include "api/aura_v1_priv.h"

#include <string.h>

static const char missing[] = "it is not in the list";

static void add_id(void *arg, const struct aura_id *other) {
    char text[AURA_ID_BYTES_MAX];
    json_array_append_new(arg, json_string(aura_id_text(other, text)));
}

static void list_of(struct aura_v1_request *r, enum aura_stance stance, const char *name) {
    json_t *list = json_array();
    int err =
        list ? aura_directory_stances(r->s->conf.directory, &r->caller.who, stance, add_id, list)
             : AURA_ENOMEM;
    if (err) {
        json_decref(list);
        aura__v1_refuse_err(r, err, missing);
    } else {
        aura__v1_respond(r, 200, json_pack("{s:o}", name, list));
    }
}

/* @return false: it has been answered why not */
static bool other_of(struct aura_v1_request *r, struct aura_id *out) {
    if (!aura__v1_id(r, r->param[0], out)) {
        return false;
    }
    if (strcmp(out->name, r->caller.who.name) == 0) {
        aura__v1_refuse(r, 400, "bad_request", "that is yourself: name somebody else");
        return false;
    }
    return true;
}

static void put(struct aura_v1_request *r, enum aura_stance stance) {
    struct aura_id other;
    if (!other_of(r, &other)) {
        return;
    }
    int err = aura_directory_set_stance(r->s->conf.directory, &r->caller.who, &other, stance);
    if (err) {
        aura__v1_refuse_err(r, err, missing);
    } else {
        aura__v1_done(r);
    }
}

static void drop(struct aura_v1_request *r, enum aura_stance stance) {
    struct aura_directory *d = r->s->conf.directory;
    struct aura_id other;
    enum aura_stance now;
    if (!other_of(r, &other)) {
        return;
    }
    int err = aura_directory_stance(d, &r->caller.who, &other, &now);
    err = err ? err : now == stance ? 0 : AURA_ENOENT;
    err = err ? err : aura_directory_set_stance(d, &r->caller.who, &other, AURA_STANCE_NONE);
    if (err) {
        aura__v1_refuse_err(r, err, missing);
    } else {
        aura__v1_done(r);
    }
}

static void list_contacts(struct aura_v1_request *r) {
    list_of(r, AURA_STANCE_ALLOW, "contacts");
}
static void put_contact(struct aura_v1_request *r) {
    put(r, AURA_STANCE_ALLOW);
}
static void drop_contact(struct aura_v1_request *r) {
    drop(r, AURA_STANCE_ALLOW);
}
static void list_blocks(struct aura_v1_request *r) {
    list_of(r, AURA_STANCE_BLOCK, "blocks");
}
static void put_block(struct aura_v1_request *r) {
    put(r, AURA_STANCE_BLOCK);
}
static void drop_block(struct aura_v1_request *r) {
    drop(r, AURA_STANCE_BLOCK);
}

static const struct aura_v1_route list[] = {
    {"GET", "/aura/v1/contacts", AURA_V1_SOMEBODY, list_contacts},
    {"PUT", "/aura/v1/contacts/{id}", AURA_V1_SOMEBODY, put_contact},
    {"DELETE", "/aura/v1/contacts/{id}", AURA_V1_SOMEBODY, drop_contact},
    {"GET", "/aura/v1/blocks", AURA_V1_SOMEBODY, list_blocks},
    {"PUT", "/aura/v1/blocks/{id}", AURA_V1_SOMEBODY, put_block},
    {"DELETE", "/aura/v1/blocks/{id}", AURA_V1_SOMEBODY, drop_block},
};

const struct aura_v1_routes aura__v1_contacts = {list, sizeof(list) / sizeof(list[0])};
