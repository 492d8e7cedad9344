/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/alloc.h"

#include "base/clock.h"

enum {
    RAISE_EVERY_US = 500000,   /* one track goes up at most so often */
    RAISE_AFTER_US = 2000000,  /* … and only so long after it had to go down */
    RESUME_AFTER_US = 1000000, /* a pause hurts more than a change */
    MARGIN_SHIFT = 3,          /* a step up needs an eighth of its rate to spare */
    TOLERANCE_PERCENT = 5,     /* media is uneven: what was given stays this far over budget */
};

const char *aura_alloc_why_name(enum aura_alloc_why why) {
    switch (why) {
    case AURA_ALLOC_NO_MEDIA:
        return "no_media";
    case AURA_ALLOC_DISABLED:
        return "disabled";
    case AURA_ALLOC_BEST:
        return "best_there_is";
    case AURA_ALLOC_AS_WISHED:
        return "as_wished";
    case AURA_ALLOC_BANDWIDTH:
        return "bandwidth";
    case AURA_ALLOC_NO_ROOM:
        return "no_room";
    case AURA_ALLOC_SETTLING:
        return "settling";
    }
    return "unknown";
}

/* A choice of layers, ordered by quality: spatial first. */
struct step {
    int8_t s, t;
};

struct share {
    uint64_t left_bps;  /* of the budget */
    uint64_t slack_bps; /* by which what was given before may exceed it */
    uint64_t now_us;
    bool limited;
    struct aura_alloc_result *out;
};

static uint32_t cost(const struct aura_alloc_track *a, struct step x) {
    return x.s < 0 ? 0 : a->bps[x.s][x.t];
}

static bool above(struct step a, struct step b) {
    return a.s > b.s || (a.s == b.s && a.t > b.t);
}

/* Cameras skip the slowest picture rate of the higher layers: sharp but jerky is worse than what
 * the layer below gives. For text it is the other way round. */
static bool worth(const struct aura_alloc_track *a, int s, int t) {
    bool lower_flows = s > 0 && (a->bps[s - 1][0] || a->bps[0][0]);
    bool faster = t + 1 < AURA_ALLOC_TEMPORAL && a->bps[s][t + 1] && t + 1 <= a->max_temporal;
    return a->screen || t > 0 || !faster || !lower_flows;
}

/* @return false if nothing better is wished for and there */
static bool step_up(const struct aura_alloc_track *a, struct step from, struct step *to) {
    for (int s = from.s < 0 ? 0 : from.s; s < AURA_ALLOC_SPATIAL && s <= a->max_spatial; s++) {
        for (int t = 0; t < AURA_ALLOC_TEMPORAL && t <= a->max_temporal; t++) {
            struct step x = {(int8_t)s, (int8_t)t};
            if (a->bps[s][t] && above(x, from) && worth(a, s, t)) {
                *to = x;
                return true;
            }
        }
    }
    return false;
}

/* The least that can be sent: of the wished layers, or else whatever flows. */
static bool lowest(const struct aura_alloc_track *a, struct step *to) {
    static const struct step none = {AURA_ALLOC_PAUSED, AURA_ALLOC_PAUSED};
    if (step_up(a, none, to)) {
        return true;
    }
    for (int8_t s = 0; s < AURA_ALLOC_SPATIAL; s++) {
        for (int8_t t = 0; t < AURA_ALLOC_TEMPORAL; t++) {
            if (a->bps[s][t]) {
                *to = (struct step){s, t};
                return true;
            }
        }
    }
    return false;
}

static bool before(const struct aura_alloc_track *a, const struct aura_alloc_track *b) {
    if (a->screen != b->screen) {
        return a->screen;
    }
    if (a->priority != b->priority) {
        return a->priority > b->priority;
    }
    return a->pixels > b->pixels;
}

static bool same_class(const struct aura_alloc_track *a, const struct aura_alloc_track *b) {
    return a->screen == b->screen && a->priority == b->priority;
}

/* Insertion: the order hardly changes from one call to the next, and equals keep theirs. */
static void sort(struct aura_alloc_track **list, size_t n) {
    for (size_t i = 1; i < n; i++) {
        struct aura_alloc_track *a = list[i];
        size_t k = i;
        for (; k > 0 && before(a, list[k - 1]); k--) {
            list[k] = list[k - 1];
        }
        list[k] = a;
    }
}

static bool settled(const struct aura_alloc_track *a, uint64_t now_us) {
    uint64_t after_us = a->spatial < 0 ? RESUME_AFTER_US : RAISE_AFTER_US;
    return !a->started || ((!a->raised_us || now_us >= a->raised_us + RAISE_EVERY_US) &&
                           (!a->lowered_us || now_us >= a->lowered_us + after_us));
}

/* Takes the step if it fits. @param was  what the track had before this allocation */
static bool take(struct share *share, struct aura_alloc_track *a, struct step was, struct step *at,
                 struct step to) {
    uint64_t from_bps = cost(a, *at), to_bps = cost(a, to);
    uint64_t more = to_bps > from_bps ? to_bps - from_bps : 0;
    bool raise = a->started && above(to, was);
    uint64_t room = share->left_bps + (raise || !a->started ? 0 : share->slack_bps);
    uint64_t need = more + (raise ? to_bps >> MARGIN_SHIFT : 0);
    if (share->limited && need > room) {
        uint64_t total = share->out->given_bps + need;
        if (!share->out->next_bps || total < share->out->next_bps) {
            share->out->next_bps = total > UINT32_MAX ? UINT32_MAX : (uint32_t)total;
        }
        a->why = AURA_ALLOC_BANDWIDTH;
        return false;
    }
    if (share->limited && raise && !settled(a, share->now_us)) {
        a->why = AURA_ALLOC_SETTLING;
        return false;
    }
    uint64_t over = more > share->left_bps ? more - share->left_bps : 0;
    share->left_bps -= more - over;
    share->slack_bps -= over < share->slack_bps ? over : share->slack_bps;
    share->out->given_bps += (uint32_t)more;
    *at = to;
    return true;
}

static enum aura_alloc_why why_top(const struct aura_alloc_track *a, struct step at) {
    for (int s = AURA_ALLOC_SPATIAL - 1; s >= 0; s--) {
        for (int t = AURA_ALLOC_TEMPORAL - 1; t >= 0; t--) {
            if (a->bps[s][t] && above((struct step){(int8_t)s, (int8_t)t}, at)) {
                return AURA_ALLOC_AS_WISHED;
            }
        }
    }
    return AURA_ALLOC_BEST;
}

void aura_alloc_replace(struct aura_alloc_track *a, unsigned top, uint32_t bps) {
    if (!bps || top > a->max_spatial || top >= AURA_ALLOC_SPATIAL) {
        return;
    }
    for (unsigned s = 0; s <= top; s++) {
        for (unsigned t = 0; t < AURA_ALLOC_TEMPORAL; t++) {
            uint32_t *rate = &a->bps[s][t];
            if (s == top) {
                *rate = *rate ? bps : 0;
            } else if (*rate >= bps) {
                *rate = 0;
            }
        }
    }
}

static uint32_t best_bps(const struct aura_alloc_track *a) {
    struct step at, up;
    if (a->disabled || !lowest(a, &at)) {
        return 0;
    }
    while (step_up(a, at, &up)) {
        at = up;
    }
    return cost(a, at);
}

static void settle(struct share *share, struct aura_alloc_track *a, struct step was,
                   struct step at) {
    share->out->changed |= !a->started || at.s != was.s || at.t != was.t;
    if (a->started && above(at, was)) {
        a->raised_us = share->now_us;
    } else if (a->started && above(was, at) && cost(a, was)) {
        a->lowered_us = share->now_us; /* not when a layer has merely ended */
    }
    a->spatial = at.s;
    a->temporal = at.t;
    a->started = true;
}

static struct step was_of(const struct aura_alloc_track *a) {
    return a->started ? (struct step){a->spatial, a->temporal}
                      : (struct step){AURA_ALLOC_PAUSED, AURA_ALLOC_PAUSED};
}

/* The lowest layer for everybody, by rank. The choice so far is kept in `next_*`. */
static void give_lowest(struct share *share, struct aura_alloc_track *a) {
    struct step at = {AURA_ALLOC_PAUSED, AURA_ALLOC_PAUSED}, to;
    a->next_spatial = a->next_temporal = AURA_ALLOC_PAUSED;
    if (a->disabled) {
        a->why = AURA_ALLOC_DISABLED;
        return;
    }
    if (!lowest(a, &to)) {
        /* Not measured yet, or silent for a moment: ready for whatever comes. */
        bool keep = a->started && a->spatial >= 0;
        a->why = AURA_ALLOC_NO_MEDIA;
        a->next_spatial = keep ? a->spatial : 0;
        a->next_temporal = keep ? a->temporal : AURA_ALLOC_TEMPORAL - 1;
        return;
    }
    a->why = AURA_ALLOC_BEST;
    bool taken = take(share, a, was_of(a), &at, to);
    if (!taken && a->essential) {
        uint32_t bps = cost(a, to);
        share->left_bps -= bps < share->left_bps ? bps : share->left_bps;
        share->out->given_bps += bps;
        at = to;
    } else if (!taken && a->why == AURA_ALLOC_BANDWIDTH) {
        a->why = AURA_ALLOC_NO_ROOM;
    }
    a->next_spatial = at.s;
    a->next_temporal = at.t;
}

/* @return true if the track was raised and may be again */
static bool raise_one(struct share *share, struct aura_alloc_track *a) {
    struct step at = {a->next_spatial, a->next_temporal}, to;
    if (at.s < 0 || a->why == AURA_ALLOC_NO_MEDIA || a->blocked) {
        return false;
    }
    if (!step_up(a, at, &to)) {
        a->why = why_top(a, at);
        a->blocked = true;
        return false;
    }
    if (!take(share, a, was_of(a), &at, to)) {
        a->blocked = true;
        return false;
    }
    a->next_spatial = at.s;
    a->next_temporal = at.t;
    return true;
}

void aura_alloc(struct aura_alloc_track **tracks, size_t count, uint32_t budget_bps,
                uint32_t least_bps, uint64_t now_us, struct aura_alloc_result *out) {
    *out = (struct aura_alloc_result){.given_bps = 0};
    struct share share = {.left_bps = least_bps,
                          .slack_bps = (uint64_t)least_bps * TOLERANCE_PERCENT / 100,
                          .now_us = now_us,
                          .limited = budget_bps != UINT32_MAX,
                          .out = out};
    sort(tracks, count);
    for (size_t i = 0; i < count; i++) {
        uint64_t wanted = (uint64_t)out->wanted_bps + best_bps(tracks[i]);
        out->wanted_bps = wanted > UINT32_MAX ? UINT32_MAX : (uint32_t)wanted;
        tracks[i]->blocked = false;
        give_lowest(&share, tracks[i]);
    }
    share.left_bps = budget_bps > out->given_bps ? budget_bps - out->given_bps : 0;
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && same_class(tracks[from], tracks[to]); to++) {
        }
        bool again = true;
        while (again) {
            again = false;
            for (size_t i = from; i < to; i++) {
                again |= raise_one(&share, tracks[i]);
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct aura_alloc_track *a = tracks[i];
        settle(&share, a, was_of(a), (struct step){a->next_spatial, a->next_temporal});
    }
}
