/* SPDX-License-Identifier: Apache-2.0 */
/* AuraIDs of participants: made when somebody joins for the first time, shown as an attribute. */
#include "room/room_priv.h"

#include "base/log.h"
#include "room/identity.h"

#include <string.h>

static const char attribute[] = "auralink.id";

bool aura__auraid_attribute_is_ours(const char *key) {
    return strcmp(key, attribute) == 0;
}

void aura__auraid_take(struct participant *p, struct aura_trace *trace) {
    struct aura_rooms *r = p->room->rooms;
    struct aura_identity who;
    bool is_new = false;
    if (!r->conf.directory) {
        return;
    }
    uint64_t start_us = aura_trace_now_us(trace);
    int err = aura_identity_of(r->conf.directory, &p->claims, &who, &is_new);
    if (err == AURA_EPOLICY) {
        return;
    }
    if (err) {
        AURA_LOG_LIMITED("auraid", AURA_LOG_WARN, "no_auraid", LOG_ROOM(p->room),
                         AURA_S("why", aura_err_text(err)));
    } else {
        aura_id_text(&who.id, p->auraid);
    }
    r->stats.auraids += !err;
    r->stats.auraids_new += is_new;
    aura_trace_span(trace, is_new ? "auraid_create" : "auraid_get", start_us,
                    err ? aura_err_text(err) : NULL);
}

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
