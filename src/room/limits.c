/* SPDX-License-Identifier: Apache-2.0 */
/* How much the server takes: of joins at all, and how fast of each participant. */
#include "room/room_priv.h"

#include <stdio.h>

static const char *full(const struct aura_rooms *r, bool new_room, uint32_t *limit) {
    const struct aura_rooms_conf *c = &r->conf;
    if (c->max_server_participants && r->stats.participants >= c->max_server_participants) {
        *limit = c->max_server_participants;
        return "participants";
    }
    if (c->max_server_tracks && r->stats.tracks >= c->max_server_tracks) {
        *limit = c->max_server_tracks;
        return "published tracks";
    }
    if (new_room && c->max_rooms && r->stats.rooms >= c->max_rooms) {
        *limit = c->max_rooms;
        return "rooms";
    }
    return NULL;
}

bool aura__limits_admit(const struct aura_rooms *r, bool new_room, struct aura_denial *d) {
    uint32_t limit = 0;
    const char *what = full(r, new_room, &limit);
    if (what) {
        d->status = 503;
        snprintf(d->text, sizeof(d->text),
                 "the server has reached its limit of %u %s: try again later, or another server",
                 limit, what);
    }
    return !what;
}

bool aura__pace_take(struct pace *p, uint32_t rate, uint32_t weight, uint64_t now_us) {
    if (!rate) {
        return true;
    }
    uint64_t cost_us = weight * AURA_US_PER_S / rate;
    uint64_t from_us = p->free_us > now_us ? p->free_us : now_us;
    if (from_us + cost_us > now_us + PACE_BURST_S * AURA_US_PER_S) {
        return false;
    }
    p->free_us = from_us + cost_us;
    return true;
}
