/* SPDX-License-Identifier: Apache-2.0 */
/* AuraIDs of participants: made when somebody joins for the first time, shown as an attribute. */
#include "room/room_priv.h"

#include "auraid/directory.h"
#include "base/log.h"

#include <string.h>

static const char attribute[] = "auralink.id";

bool aura__auraid_attribute_is_ours(const char *key) {
    return strcmp(key, attribute) == 0;
}

/* People only: who records or watches unseen is nobody, and an agent's identity is of one job. */
static bool is_somebody(const struct participant *p) {
    return aura__participant_kind(p) == LIVEKIT__PARTICIPANT_INFO__KIND__STANDARD &&
           !p->may.hidden && !p->may.recorder && !p->may.agent;
}

/* A homeserver has said whose the token is (docs/matrix.md): the same in all calls, whatever name
 * LiveKit knows the device by. */
static int identify_matrix(const struct participant *p, struct aura_identity *who, bool *is_new) {
    const struct aura_proof proof = {"matrix", p->claims.matrix_user};
    char hint[AURA_MXID_BYTES_MAX];
    return aura_directory_join(p->room->rooms->conf.directory, &proof,
                               aura_mxid_hint(p->claims.matrix_user, hint), "", AURA_ID_USER, who,
                               is_new);
}

/* A token proves that an app calls somebody so: the same name in another app is somebody else. */
static int identify(const struct participant *p, struct aura_identity *who, bool *is_new) {
    const struct aura_claims *c = &p->claims;
    struct aura_buf provider = AURA_BUF(AURA_DIRECTORY_TEXT_MAX + 1);
    int err = aura_buf_printf(&provider, "livekit/%s", c->api_key);
    const struct aura_proof proof = {aura_buf_text(&provider), c->identity};
    err = err ? err
              : aura_directory_join(p->room->rooms->conf.directory, &proof, c->identity, c->name,
                                    AURA_ID_USER, who, is_new);
    aura_buf_free(&provider);
    return err;
}

void aura__auraid_take(struct participant *p, struct aura_trace *trace) {
    struct aura_rooms *r = p->room->rooms;
    struct aura_identity who;
    bool is_new = false;
    if (!r->conf.directory || !is_somebody(p)) {
        return;
    }
    uint64_t start_us = aura_trace_now_us(trace);
    int err =
        p->claims.matrix_user ? identify_matrix(p, &who, &is_new) : identify(p, &who, &is_new);
    if (err) {
        AURA_LOG("auraid", AURA_LOG_WARN, "no_auraid", LOG_ROOM(p->room),
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
