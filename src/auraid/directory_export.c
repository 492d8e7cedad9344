/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a person, for the person (GDPR articles 15 and 20). */
#include "auraid/account.h"
#include "auraid/directory_priv.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const kinds[] = {"user", "agent"};
static const char *const privacies[] = {"everyone", "contacts", "nobody"};
static const char *const stances[] = {"none", "allow", "block"};

/* Texts of the directory are UTF-8 that was checked when it came in; what is not becomes null. */
static int append(json_t *list, json_t *item) {
    return json_array_append_new(list, item) ? AURA_ENOMEM : 0;
}

static int each(struct aura_directory *d, size_t which, const struct aura_id *id, json_t *list,
                json_t *(*item)(struct aura_sql *sql)) {
    aura_sql_begin(d->sql, which);
    aura_sql_text(d->sql, which, 1, id->name);
    int err;
    while ((err = aura_sql_row(d->sql, which)) == 0) {
        if (append(list, item(d->sql))) {
            aura_sql_end(d->sql, which);
            return AURA_ENOMEM;
        }
    }
    return err == AURA_ENOENT ? 0 : err;
}

static json_t *proof_of(struct aura_sql *sql) {
    return json_pack("{s:s, s:s}", "provider", aura_sql_get_text(sql, ST_PROOFS, 0), "subject",
                     aura_sql_get_text(sql, ST_PROOFS, 1));
}

static json_t *device_of(struct aura_sql *sql) {
    return json_pack("{s:s, s:s, s:s, s:I}", "id", aura_sql_get_text(sql, ST_DEVICES, 0), "app",
                     aura_sql_get_text(sql, ST_DEVICES, 1), "push",
                     aura_sql_get_text(sql, ST_DEVICES, 2), "seen_us",
                     (json_int_t)aura_sql_get_int(sql, ST_DEVICES, 3));
}

static json_t *contact_of(struct aura_sql *sql) {
    struct aura_id other = {.name = ""};
    char text[AURA_ID_BYTES_MAX];
    const char *name = aura_sql_get_text(sql, ST_STANCES, 0);
    for (size_t i = 0; i < AURA_NAME_MAX && name[i]; i++) {
        other.name[i] = name[i];
    }
    int64_t stance = aura_sql_get_int(sql, ST_STANCES, 1);
    return json_pack("{s:s, s:s}", "id", aura_id_text(&other, text), "stance",
                     stances[stance >= 0 && stance <= AURA_STANCE_BLOCK ? stance : 0]);
}

static json_t *missed_of(struct aura_sql *sql) {
    struct aura_id caller;
    char text[AURA_ID_BYTES_MAX];
    const char *name = aura_sql_get_text(sql, ST_MISSED, 1);
    (void)snprintf(caller.name, sizeof(caller.name), "%s", name);
    return json_pack("{s:s, s:s, s:b, s:s, s:I}", "call", aura_sql_get_text(sql, ST_MISSED, 0),
                     "from", aura_id_text(&caller, text), "video",
                     (int)aura_sql_get_int(sql, ST_MISSED, 2), "reason",
                     aura_sql_get_text(sql, ST_MISSED, 3), "at_us",
                     (json_int_t)aura_sql_get_int(sql, ST_MISSED, 4));
}

static json_t *room_of(struct aura_sql *sql) {
    return json_pack("{s:s, s:s}", "room", aura_sql_get_text(sql, ST_ROOMS, 0), "with",
                     aura_sql_get_text(sql, ST_ROOMS, 1));
}

/* Neither a password's hash nor a passkey's key is any use to the person. */
static void add_key(void *arg, const struct aura_passkey *p) {
    (void)json_array_append_new(arg, json_pack("{s:s, s:s, s:I, s:I}", "name", p->name, "site",
                                               p->rp, "created_us", (json_int_t)p->created_us,
                                               "used_us", (json_int_t)p->used_us));
}

static int set_account(struct aura_directory *d, const struct aura_id *id, json_t *person) {
    struct aura_account a;
    int err = aura_account_by_name(d, id, &a);
    if (err == AURA_ENOENT) {
        return json_object_set_new(person, "account", json_null()) ? AURA_ENOMEM : 0;
    }
    json_t *keys = err ? NULL : json_array();
    err = err ? err : keys ? aura_passkeys(d, a.handle, add_key, keys) : AURA_ENOMEM;
    if (err) {
        json_decref(keys);
        return err;
    }
    json_t *account = json_pack("{s:b, s:I, s:o}", "password", a.password[0] != 0, "created_us",
                                (json_int_t)a.created_us, "passkeys", keys);
    return json_object_set_new(person, "account", account) ? AURA_ENOMEM : 0;
}

static json_t *person_of(const struct aura_identity *who) {
    char text[AURA_ID_BYTES_MAX];
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:[], s:[], s:[], s:[], s:[]}", "id",
                     aura_id_text(&who->id, text), "kind", kinds[who->kind == AURA_ID_AGENT],
                     "display", who->display, "home_region", who->home_region, "privacy",
                     privacies[who->privacy <= AURA_PRIVACY_NOBODY ? who->privacy : 0], "aic_off",
                     who->aic_off, "created_us", (json_int_t)who->created_us, "proofs", "devices",
                     "contacts", "missed", "matrix_rooms");
}

int aura_directory_export(struct aura_directory *d, const struct aura_id *id,
                          struct aura_buf *json) {
    struct aura_identity who;
    int err = aura_directory_get(d, id, &who);
    if (err) {
        return err;
    }
    json_t *person = person_of(&who);
    err = person ? 0 : AURA_ENOMEM;
    err = err ? err : each(d, ST_PROOFS, id, json_object_get(person, "proofs"), proof_of);
    err = err ? err : each(d, ST_DEVICES, id, json_object_get(person, "devices"), device_of);
    err = err ? err : each(d, ST_STANCES, id, json_object_get(person, "contacts"), contact_of);
    err = err ? err : each(d, ST_MISSED, id, json_object_get(person, "missed"), missed_of);
    err = err ? err : each(d, ST_ROOMS, id, json_object_get(person, "matrix_rooms"), room_of);
    err = err ? err : set_account(d, id, person);
    char *text = err ? NULL : json_dumps(person, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    err = err ? err : text ? aura_buf_str(json, text) : AURA_ENOMEM;
    free(text); /* library's memory */
    json_decref(person);
    return err;
}
