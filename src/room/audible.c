/* SPDX-License-Identifier: Apache-2.0 */
/* In huge rooms only so many microphones are forwarded: those that spoke last. Who begins to speak
 * takes the place of who has been silent longest, and for a while at least keeps it. */
#include "room/room_priv.h"

enum { STAYS_US = 2000000, LOOK_AGAIN_US = 500000 };

static bool counts(const struct track *t) {
    return t->request->type == LIVEKIT__TRACK_TYPE__AUDIO && t->live && t->enc[0].pub;
}

static void hush(struct track *t, bool hushed) {
    if (t->hushed != hushed) {
        t->hushed = hushed;
        aura_fleet_pub_set_hushed(&t->p->room->rooms->reach, t->enc[0].pub, hushed);
    }
}

static uint64_t now_us(const struct room *room) {
    return aura_now_us(room->rooms->clock);
}

struct places {
    size_t heard;
    struct track *quietest; /* heard, and silent for the longest time */
    struct track *waiting;  /* speaks, loudest of those not heard */
};

static struct places look(struct room *room) {
    struct places x = {.heard = 0};
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        AURA_LIST_EACH(&p->tracks, struct track, t, node) {
            if (!counts(t)) {
                continue;
            }
            if (t->hushed) {
                bool louder = t->speaking && (!x.waiting || t->level > x.waiting->level);
                x.waiting = louder ? t : x.waiting;
            } else {
                x.heard++;
                x.quietest = !x.quietest || t->spoke_us < x.quietest->spoke_us ? t : x.quietest;
            }
        }
    }
    return x;
}

static void on_time(void *arg) {
    aura__audible_update(arg);
}

/* Somebody speaks and waits: levels that stay as they are bring no news. */
static void look_again(struct room *room) {
    if (!aura_timer_running(&room->audible_timer)) {
        /* Without memory for it the next change of a level will do. */
        (void)!aura_timer_start(room->rooms->timers, &room->audible_timer, LOOK_AGAIN_US, on_time,
                                room);
    }
}

void aura__audible_update(struct room *room) {
    size_t max = room->rooms->conf.max_audible;
    if (!max) {
        return;
    }
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        AURA_LIST_EACH(&p->tracks, struct track, t, node) {
            t->spoke_us = t->speaking ? now_us(room) : t->spoke_us;
        }
    }
    for (struct places x = look(room); x.waiting; x = look(room)) {
        if (x.heard >= max) {
            if (!x.quietest || x.quietest->speaking ||
                now_us(room) < x.quietest->spoke_us + STAYS_US) {
                look_again(room);
                return;
            }
            hush(x.quietest, true);
        }
        x.waiting->spoke_us = now_us(room);
        hush(x.waiting, false);
    }
}

void aura__audible_add(struct track *t) {
    size_t max = t->p->room->rooms->conf.max_audible;
    if (max && counts(t)) {
        struct places x = look(t->p->room);
        hush(t, x.heard > max); /* it is among those counted */
    }
}
