/* SPDX-License-Identifier: Apache-2.0 */
/* A room as it is, for /debug: who gets what, and why. */
#include "room/series.h"

static void show_link(const struct participant *p,
                      void (*link)(void *arg, const struct aura_rooms_link_view *view), void *arg) {
    const struct transport *t = p->single || !p->sub.peer ? &p->pub : &p->sub;
    struct aura_rooms_link_view view = {.identity = p->claims.identity, .stats = &t->stats};
    if (t->stats.peer) {
        link(arg, &view);
    }
}

static void show_sub(const struct subscription *s,
                     void (*sub)(void *arg, const struct aura_rooms_sub_view *view), void *arg) {
    struct aura_rooms_sub_view view;
    aura__sub_view(s, &view);
    sub(arg, &view);
}

int aura_rooms_inspect(struct aura_rooms *r, const char *name,
                       void (*link)(void *arg, const struct aura_rooms_link_view *view),
                       void (*sub)(void *arg, const struct aura_rooms_sub_view *view), void *arg) {
    struct room *room = aura_map_get_str(r->by_name, name);
    if (!room) {
        return AURA_ENOENT;
    }
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        if (link) {
            show_link(p, link, arg);
        }
        AURA_LIST_EACH(&p->subs, struct subscription, s, node) {
            if (sub) {
                show_sub(s, sub, arg);
            }
        }
    }
    aura_fleet_poll_stats(&r->reach);
    return 0;
}
