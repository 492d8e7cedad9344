/* SPDX-License-Identifier: Apache-2.0 */
/* AuraIDs of participants: made when somebody joins for the first time, shown as an attribute. */
#include "room/room_priv.h"

#include "base/log.h"
#include "room/identity.h"

#include <string.h>

static const char attribute[] = "auralink.id";

/* Whoever has one AuraID, in whatever rooms. */
struct person {
    struct aura_list participants;
};

static struct person *person_of(const struct aura_rooms *r, const struct aura_id *id) {
    char text[AURA_ID_BYTES_MAX];
    return aura_map_get_str(r->by_auraid, aura_id_text(id, text));
}

/* ---- coming and going ---- */

static int meet(struct participant *p) {
    struct aura_rooms *r = p->room->rooms;
    struct person *person = aura_map_get_str(r->by_auraid, p->auraid);
    if (!person) {
        person = aura_zalloc(sizeof(*person));
        int err = person ? aura_map_put_str(r->by_auraid, p->auraid, person) : AURA_ENOMEM;
        if (err) {
            aura_free(person);
            return err;
        }
        aura_list_init(&person->participants);
    }
    aura_list_add(&person->participants, &p->same);
    return 0;
}

void aura__auraid_forget(struct participant *p) {
    struct aura_rooms *r = p->room->rooms;
    struct person *person = p->auraid[0] ? aura_map_get_str(r->by_auraid, p->auraid) : NULL;
    aura_node_remove(&p->same);
    if (person && aura_list_empty(&person->participants)) {
        aura_map_del_str(r->by_auraid, p->auraid);
        aura_free(person);
    }
    p->auraid[0] = 0;
}

static int identify(struct participant *p, bool *is_new) {
    struct aura_identity who;
    int err = aura_identity_of(p->room->rooms->conf.directory, &p->claims, &who, is_new);
    if (err) {
        return err;
    }
    aura_id_text(&who.id, p->auraid);
    err = meet(p);
    if (err) {
        p->auraid[0] = 0;
        return err;
    }
    p->aic_off = who.aic_off;
    return 0;
}

void aura__auraid_take(struct participant *p, struct aura_trace *trace) {
    struct aura_rooms *r = p->room->rooms;
    bool is_new = false;
    if (!r->conf.directory) {
        return;
    }
    uint64_t start_us = aura_trace_now_us(trace);
    int err = identify(p, &is_new);
    if (err == AURA_EPOLICY) {
        return;
    }
    if (err) {
        AURA_LOG_LIMITED("auraid", AURA_LOG_WARN, "no_auraid", LOG_ROOM(p->room),
                         AURA_S("why", aura_err_text(err)));
    }
    r->stats.auraids += !err;
    r->stats.auraids_new += is_new;
    aura_trace_span(trace, is_new ? "auraid_create" : "auraid_get", start_us,
                    err ? aura_err_text(err) : NULL);
}

/* ---- what the directory's users need ---- */

size_t aura_rooms_person_count(const struct aura_rooms *r, const struct aura_id *id) {
    struct person *person = person_of(r, id);
    size_t n = 0;
    if (person) {
        AURA_LIST_EACH(&person->participants, struct participant, p, same) {
            n++;
        }
    }
    return n;
}

void aura_rooms_person_changed(struct aura_rooms *r, const struct aura_id *id, bool aic_off) {
    struct person *person = person_of(r, id);
    if (person) {
        AURA_LIST_EACH(&person->participants, struct participant, p, same) {
            p->aic_off = aic_off;
            aura__aic_changed(p);
        }
    }
}

void aura_rooms_person_deleted(struct aura_rooms *r, const struct aura_id *id) {
    struct person *person;
    while ((person = person_of(r, id))) {
        struct participant *p = AURA_LIST_FIRST(&person->participants, struct participant, same);
        aura__auraid_forget(p); /* with the last one `person` goes */
        p->aic_off = false;
        aura__aic_changed(p);
        aura__broadcast(p, true);
    }
}

/* ---- the attribute ---- */

size_t aura__auraid_attributes(struct aura__arena *a, const struct participant *p,
                               size_t room_bytes,
                               Livekit__ParticipantInfo__AttributesEntry **list) {
    if (!p->auraid[0] || sizeof(attribute) - 1 + strlen(p->auraid) > room_bytes) {
        return 0;
    }
    Livekit__ParticipantInfo__AttributesEntry *e = aura__arena_take(a, sizeof(*e));
    if (!e) {
        return 0;
    }
    livekit__participant_info__attributes_entry__init(e);
    e->key = (char *)(uintptr_t)attribute;
    e->value = (char *)(uintptr_t)p->auraid;
    list[0] = e;
    return 1;
}
