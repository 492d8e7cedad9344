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

/* Whoever had written it is not there any more, and does not say so. */
static void on_lapse(void *arg);

static void wait_for_lapse(struct aura_as *as) {
    uint64_t now = now_ms(as), next = UINT64_MAX;
    for (size_t i = 0; i < AURA_AS_MEMBERS_MAX; i++) {
        const struct member *m = &as->members[i];
        next = m->until_ms && m->until_ms < next ? m->until_ms : next;
    }
    aura_timer_stop(as->conf.timers, &as->lapse);
    if (next != UINT64_MAX) {
        uint64_t in_us = next > now ? (next - now) * AURA_US_PER_MS : 0;
        int err = aura_timer_start(as->conf.timers, &as->lapse, in_us, on_lapse, as);
        (void)err; /* without memory the next one that is written reminds us */
    }
}

/* Where its media are, the user is: that ends when they do. */
static void on_lapse(void *arg) {
    struct aura_as *as = arg;
    uint64_t now = now_ms(as);
    for (size_t i = 0; i < AURA_AS_MEMBERS_MAX; i++) {
        struct member *m = &as->members[i];
        if (!m->until_ms || m->until_ms > now) {
            continue;
        }
        m->until_ms = 0;
        AURA_LIST_EACH(&as->links, struct link, l, node) {
            if (!l->over && strcmp(l->room, m->room) == 0 && !aura__as_others_in(as, m->room, "")) {
                aura__as_away(l, 0);
            }
        }
    }
    wait_for_lapse(as);
}

/* Who has just come may not have media yet. */
static void put_off(struct aura_as *as, const char *room) {
    AURA_LIST_EACH(&as->links, struct link, l, node) {
        if (aura_timer_running(&l->away) && strcmp(l->room, room) == 0) {
            aura__as_away(l, aura_exchange_grace_us(as->conf.exchange));
        }
    }
}

void aura__as_member_in(struct aura_as *as, const struct aura_as_event *e) {
    struct member *m = place_for(as, e);
    (void)snprintf(m->event, sizeof(m->event), "%s", e->id);
    (void)snprintf(m->key, sizeof(m->key), "%s", e->key);
    (void)snprintf(m->room, sizeof(m->room), "%s", e->room);
    (void)snprintf(m->user, sizeof(m->user), "%s", e->sender);
    m->until_ms = e->until_ms;
    put_off(as, e->room);
    wait_for_lapse(as);
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
