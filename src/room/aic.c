/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a say in AI compression: the operator (aic.enabled), and each participant by an
 * attribute, which holds for what it publishes and for what it gets (docs/aic-protocol.md section
 * 6). */
#include "room/room_priv.h"

#include <string.h>

static const char attribute[] = "auralink.aic";

bool aura__aic_wanted(const struct participant *p) {
    const struct aura_claims *c = &p->claims;
    for (size_t i = 0; i < c->attribute_count; i++) {
        if (strcmp(c->attributes[i].key, attribute) == 0) {
            return p->room->rooms->conf.aic && strcmp(c->attributes[i].value, "off") != 0;
        }
    }
    return p->room->rooms->conf.aic;
}

void aura__aic_changed(struct participant *p) {
    bool native = !aura__aic_wanted(p);
    if (p->native == native) {
        return;
    }
    p->native = native;
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        aura__publish_renew(t);
    }
    AURA_LIST_EACH(&p->subs, struct subscription, s, node) {
        s->settings.native = native;
        if (s->sub) {
            aura_sfu_sub_set(p->room->rooms->sfu, s->sub, &s->settings);
        }
    }
}
