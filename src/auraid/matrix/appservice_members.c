/* SPDX-License-Identifier: Apache-2.0 */
/* Who of Matrix is in which call: a bounded table, in which the one entered longest ago goes. */
#include "auraid/matrix/appservice_priv.h"

#include <stdio.h>
#include <string.h>

static uint64_t now_ms(const struct aura_as *as) {
    return aura_wall_us(aura_timers_clock(as->conf.timers)) / AURA_US_PER_MS;
}

static bool is_of(const struct member *m, const char *room, const char *user, const char *key) {
    return m->until_ms && strcmp(m->room, room) == 0 && strcmp(m->user, user) == 0 &&
           (!key || strcmp(m->key, key) == 0);
}

/* The one that is renewed, or the next one of the table. */
static struct member *place_for(struct aura_as *as, const struct aura_as_event *e) {
    for (size_t i = 0; i < AURA_AS_MEMBERS_MAX; i++) {
        if (is_of(&as->members[i], e->room, e->sender, e->key)) {
            return &as->members[i];
        }
    }
    return &as->members[as->next_member++ % AURA_AS_MEMBERS_MAX];
}

void aura__as_member_in(struct aura_as *as, const struct aura_as_event *e) {
    struct member *m = place_for(as, e);
    (void)snprintf(m->event, sizeof(m->event), "%s", e->id);
    (void)snprintf(m->key, sizeof(m->key), "%s", e->key);
    (void)snprintf(m->room, sizeof(m->room), "%s", e->room);
    (void)snprintf(m->user, sizeof(m->user), "%s", e->sender);
    m->until_ms = e->until_ms;
}

void aura__as_member_out(struct aura_as *as, const char *room, const char *user, const char *key) {
    for (size_t i = 0; i < AURA_AS_MEMBERS_MAX; i++) {
        if (is_of(&as->members[i], room, user, key)) {
            as->members[i].until_ms = 0;
        }
    }
}

bool aura__as_others_in(const struct aura_as *as, const char *room, const char *user) {
    uint64_t now = now_ms(as);
    for (size_t i = 0; i < AURA_AS_MEMBERS_MAX; i++) {
        const struct member *m = &as->members[i];
        if (m->until_ms > now && strcmp(m->room, room) == 0 && strcmp(m->user, user) != 0) {
            return true;
        }
    }
    return false;
}

void aura__as_member_key(const struct aura_as *as, const char *event, char out[AURA_AS_TEXT_MAX]) {
    for (size_t i = 0; i < AURA_AS_MEMBERS_MAX; i++) {
        if (event[0] && strcmp(as->members[i].event, event) == 0) {
            memcpy(out, as->members[i].key, AURA_AS_TEXT_MAX);
        }
    }
}
