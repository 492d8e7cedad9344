/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of several people with some of Matrix among them. They have a Matrix room of their own: a
 * seat for the ghost of everybody who is in the call, of whom the first one makes the room, and a
 * guest for everybody of Matrix who is rung there. */
#include "auraid/matrix/appservice_priv.h"

#include <stdio.h>
#include <string.h>

static bool same(const struct aura_id *a, const struct aura_id *b) {
    return strcmp(a->name, b->name) == 0;
}

struct link *aura__as_room_link(const struct aura_as *as, const char *call) {
    AURA_LIST_EACH(&as->links, struct link, l, node) {
        if (!l->over && l->media[0] && strcmp(l->call, call) == 0) {
            return l;
        }
    }
    return NULL;
}

bool aura_as_room(const struct aura_as *as, const char *room, char media[AURA_RTC_ROOM_BYTES]) {
    AURA_LIST_EACH(&as->links, const struct link, l, node) {
        if (!l->over && l->kind != AS_TWO && l->media[0] && strcmp(l->room, room) == 0) {
            memcpy(media, l->media, AURA_RTC_ROOM_BYTES);
            return true;
        }
    }
    return false;
}

/* What speaks for somebody in a call's room. */
static struct link *seat_of(const struct aura_as *as, const char *call, const struct aura_id *who) {
    AURA_LIST_EACH(&as->links, struct link, l, node) {
        if (!l->over && l->kind != AS_GUEST && strcmp(l->call, call) == 0 && same(&l->ghost, who)) {
            return l;
        }
    }
    return NULL;
}

/* @param known  a link of the same call that knows its room; NULL = it has none yet */
static struct link *new_link(struct aura_as *as, enum as_link_kind kind, const char *call,
                             const struct aura_id *ghost, const struct link *known) {
    struct link *l = aura__as_link_new(as);
    if (l) {
        l->kind = kind;
        l->ghost = *ghost;
        (void)snprintf(l->call, sizeof(l->call), "%s", call);
        (void)snprintf(l->media, sizeof(l->media), "%s", known ? known->media : call);
        memcpy(l->room, known ? known->room : "", known ? sizeof(l->room) : 1);
    }
    return l;
}

/* ---- what happens in the call ---- */

/* Where a call is on without anybody of Matrix, its people go by names that no membership has:
 * nobody of Matrix would see or hear them. */
void aura__as_group_ring(struct aura_as *as, const struct aura_call_event *e, const char *mxid) {
    const struct link *known = aura__as_room_link(as, e->call);
    if (!known && !e->on) {
        struct link *host = new_link(as, AS_SEAT, e->call, e->by, NULL);
        if (!host) {
            return;
        }
        host->host = host->wants_in = true;
        known = host;
    }
    struct link *l = new_link(as, AS_GUEST, e->call, e->by, known);
    if (l) {
        l->outgoing = true;
        l->hopeless = !known;
        l->media[0] = known ? l->media[0] : 0;
        l->peer = *e->to;
        (void)snprintf(l->mxid, sizeof(l->mxid), "%s", mxid);
    }
}

static bool is_of_matrix(const struct aura_as *as, const char *call, const struct aura_id *who) {
    AURA_LIST_EACH(&as->links, const struct link, l, node) {
        if (!l->over && strcmp(l->call, call) == 0 && l->mxid[0] && same(&l->peer, who)) {
            return true;
        }
    }
    return false;
}

static void sit_down(struct aura_as *as, const struct aura_call_event *e) {
    const struct link *known = aura__as_room_link(as, e->call);
    if (!known || is_of_matrix(as, e->call, e->to)) {
        return;
    }
    struct link *seat = seat_of(as, e->call, e->to);
    seat = seat ? seat : new_link(as, AS_SEAT, e->call, e->to, known);
    if (seat) {
        seat->left = false;
        seat->wants_in = seat->wants_in || seat->kind == AS_SEAT;
    }
}

static void stand_up(const struct aura_as *as, const struct aura_call_event *e) {
    AURA_LIST_EACH(&as->links, struct link, l, node) {
        if (strcmp(l->call, e->call) != 0) {
            continue;
        }
        if (l->kind == AS_GUEST && same(&l->peer, e->about)) {
            l->over = true;
        } else if (l->kind != AS_GUEST && same(&l->ghost, e->about)) {
            l->left = true;
        }
    }
}

void aura__as_group_event(struct aura_as *as, const struct aura_call_event *e) {
    if (e->type == AURA_CALL_JOIN) {
        sit_down(as, e);
    } else if (e->type == AURA_CALL_PERSON && e->state == AURA_LEG_ENDED) {
        stand_up(as, e);
    }
}

void aura__as_group_out(struct link *l) {
    if (l->kind == AS_SEAT) {
        l->present = l->in = l->wants_in = false;
    }
}

/* ---- what is due next ---- */

const struct aura_id *aura__as_group_host(const struct link *of) {
    AURA_LIST_EACH(&of->as->links, const struct link, l, node) {
        bool there = l->kind == AS_SEAT ? l->present : l->kind == AS_TWO && l->room[0];
        if (there && strcmp(l->call, of->call) == 0) {
            return &l->ghost;
        }
    }
    return &of->ghost;
}

static void step_seat(struct link *l) {
    bool wanted = l->wants_in && !l->over && !l->left;
    if (wanted && !l->room[0] && l->host && !l->hopeless) {
        aura__as_begin(l, AURA_AS_DO_ROOM);
    } else if (wanted && l->room[0] && !l->present) {
        aura__as_begin(l, AURA_AS_DO_BRING);
    } else if (wanted && l->present && (!l->in || l->renews)) {
        aura__as_begin(l, AURA_AS_DO_ENTER);
    } else if (!wanted && l->in) {
        aura__as_begin(l, AURA_AS_DO_LEAVE);
    } else if (l->over && l->present) {
        aura__as_begin(l, AURA_AS_DO_PART);
    } else if (l->over) {
        aura__as_link_free(l);
    }
}

static void fail(struct link *l) {
    struct aura_id peer = l->peer;
    l->rung = true;
    l->hopeless = false;
    if (!l->over) {
        aura_exchange_matrix_failed(l->as->conf.exchange, l->call, &peer);
    }
}

/* There is no room, and will be none. */
static bool has_no_room(const struct link *of) {
    AURA_LIST_EACH(&of->as->links, const struct link, l, node) {
        if (l->host && l->hopeless && strcmp(l->call, of->call) == 0) {
            return true;
        }
    }
    return false;
}

static void step_guest(struct link *l) {
    const struct link *seat = seat_of(l->as, l->call, &l->ghost);
    if (l->over) {
        aura__as_link_free(l);
    } else if (l->hopeless || (!l->rung && has_no_room(l))) {
        fail(l);
    } else if (!l->rung && seat && seat->in) {
        memcpy(l->member, seat->member, sizeof(l->member));
        aura__as_begin(l, AURA_AS_DO_RING);
    } else if (!l->rung && (!seat || (seat->kind == AS_SEAT && !seat->wants_in))) {
        fail(l);
    }
}

void aura__as_group_step(struct link *l) {
    if (l->kind == AS_SEAT) {
        step_seat(l);
    } else {
        step_guest(l);
    }
}

/* ---- what became of it ---- */

static void on_room(struct link *made, const struct aura_as_errand *e) {
    made->present = !e->err;
    made->hopeless = e->err;
    AURA_LIST_EACH(&made->as->links, struct link, l, node) {
        if (!e->err && strcmp(l->call, made->call) == 0) {
            aura__as_set_room(l, e->room);
        }
    }
}

static void on_rung(struct link *l, const struct aura_as_errand *e) {
    if (e->err) {
        fail(l);
        return;
    }
    l->rung = true;
    memcpy(l->ring, e->ring, sizeof(l->ring));
    l->as->stats.ringing++;
}

void aura__as_group_result(struct link *l, const struct aura_as_errand *e) {
    if (e->what == AURA_AS_DO_ROOM) {
        on_room(l, e);
    } else if (e->what == AURA_AS_DO_RING) {
        on_rung(l, e);
    } else if (e->what == AURA_AS_DO_BRING) {
        l->present = l->wants_in = !e->err; /* media go on without it */
    } else {
        l->present = false;
    }
}
