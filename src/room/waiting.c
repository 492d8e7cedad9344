/* SPDX-License-Identifier: Apache-2.0 */
/* Places for subscribed tracks (limit.subscription_limit_video, _audio), and who waits for one. */
#include "room/room_priv.h"

/* A client that gives one track up to get another says so in two messages: the place is kept so
 * long for what it asks for itself. */
enum { KEPT_US = 500000 };

/** A track that a participant gets once it has a place. */
struct waiting {
    struct aura_node node, track_node; /* in participant->waiting, track->waiting */
    struct participant *p;
    struct track *t;
};

static bool is_video(const struct track *t) {
    return t->request->type == LIVEKIT__TRACK_TYPE__VIDEO;
}

bool aura__waiting_full(const struct participant *p, const struct track *t) {
    const struct aura_rooms_conf *conf = &p->room->rooms->conf;
    uint32_t limit = is_video(t) ? conf->max_sub_video : conf->max_sub_audio, n = 0;
    AURA_LIST_EACH(&p->subs, struct subscription, s, node) {
        n += s->allowed && is_video(s->t) == is_video(t);
    }
    return limit && n >= limit;
}

static struct waiting *find(const struct participant *p, const struct track *t) {
    AURA_LIST_EACH(&p->waiting, struct waiting, w, node) {
        if (w->t == t) {
            return w;
        }
    }
    return NULL;
}

bool aura__waiting_is(const struct participant *p, const struct track *t) {
    return find(p, t) != NULL;
}

static void end(struct waiting *w) {
    aura_node_remove(&w->node);
    aura_node_remove(&w->track_node);
    aura_free(w);
}

void aura__waiting_add(struct participant *p, struct track *t) {
    struct waiting *w = find(p, t) ? NULL : aura_zalloc(sizeof(*w));
    if (w) { /* without memory it is as if nobody had asked */
        w->p = p;
        w->t = t;
        aura_list_add(&p->waiting, &w->node);
        aura_list_add(&t->waiting, &w->track_node);
    }
}

void aura__waiting_drop(struct participant *p, const struct track *t) {
    struct waiting *w = find(p, t);
    if (w) {
        end(w);
    }
}

void aura__waiting_forget(struct participant *p) {
    aura_timer_stop(p->room->rooms->timers, &p->waiting_timer);
    AURA_LIST_EACH(&p->waiting, struct waiting, w, node) {
        end(w);
    }
}

void aura__waiting_track_ends(struct track *t) {
    AURA_LIST_EACH(&t->waiting, struct waiting, w, track_node) {
        end(w);
    }
}

/* The oldest first: lists are in the order of coming. */
static void serve(void *arg) {
    struct participant *p = arg;
    AURA_LIST_EACH(&p->waiting, struct waiting, w, node) {
        struct track *t = w->t;
        if (!aura__waiting_full(p, t)) {
            end(w);
            aura__subscribe(p, t);
        }
    }
}

void aura__waiting_soon(struct participant *p) {
    if (!p->closing && !aura_list_empty(&p->waiting) && !aura_timer_running(&p->waiting_timer)) {
        /* Without memory for it the next place that becomes free tries again. */
        (void)!aura_timer_start(p->room->rooms->timers, &p->waiting_timer, KEPT_US, serve, p);
    }
}
