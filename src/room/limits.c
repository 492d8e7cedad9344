/* SPDX-License-Identifier: Apache-2.0 */
/* How much the server takes: of joins at all, and how fast of each participant. */
#include "room/room_priv.h"

#include "base/log.h"

#include <stdio.h>

enum { MEASURE_US = 2000000 };

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
    if (c->max_bytes_per_s && r->bytes.per_s >= c->max_bytes_per_s) {
        *limit = c->max_bytes_per_s;
        return "bytes a second";
    }
    if (new_room && c->max_rooms && r->stats.rooms >= c->max_rooms) {
        *limit = c->max_rooms;
        return "rooms";
    }
    return NULL;
}

static void measure(void *arg) {
    struct aura_rooms *r = arg;
    uint64_t now_us = aura_now_us(r->clock), bytes = aura_sfu_bytes(r->sfu);
    if (r->bytes.seen_us && now_us > r->bytes.seen_us) {
        r->bytes.per_s = (bytes - r->bytes.seen) * AURA_US_PER_S / (now_us - r->bytes.seen_us);
    }
    r->bytes.seen = bytes;
    r->bytes.seen_us = now_us;
    /* Without memory for it nobody is refused, rather than everybody for ever. */
    if (aura_timer_start(r->timers, &r->bytes.timer, MEASURE_US, measure, r)) {
        AURA_LOG("room", AURA_LOG_ERROR, "no_memory_for_timer",
                 AURA_S("why", "limit.bytes_per_sec is not watched until the next SIGHUP"));
        r->bytes.per_s = 0;
    }
}

void aura__limits_watch(struct aura_rooms *r) {
    bool runs = aura_timer_running(&r->bytes.timer);
    if (r->sfu && r->conf.max_bytes_per_s && !runs) {
        measure(r);
    } else if (!r->conf.max_bytes_per_s) {
        aura_timer_stop(r->timers, &r->bytes.timer);
        r->bytes.seen_us = r->bytes.per_s = 0;
    }
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
