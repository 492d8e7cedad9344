/* SPDX-License-Identifier: Apache-2.0 */
/* Media rooms of calls with people of Matrix: who comes in has answered. And ghosts whose people
 * are no more: they leave their rooms at the homeserver. */
#include "auraid/matrix/appservice_priv.h"
#include "base/log.h"

#include <string.h>

/* ---- media rooms ---- */

bool aura_as_is_media(const struct aura_as *as, const char *room) {
    AURA_LIST_EACH(&as->links, const struct link, l, node) {
        if (!l->over && l->media[0] && strcmp(l->media, room) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_agent(struct aura_as *as, const struct aura_id *id) {
    struct aura_identity who;
    return aura_directory_get(as->conf.directory, id, &who) == 0 && who.kind == AURA_ID_AGENT;
}

static void on_agent(struct link *l, bool joined) {
    struct aura_exchange *x = l->as->conf.exchange;
    struct aura_id ghost = l->ghost;
    if (joined) {
        aura_exchange_agent_joined(x, l->call, &ghost);
    } else {
        aura_exchange_agent_left(x, l->call, &ghost);
    }
}

/* Who has written a membership hangs up by that; a connection may be lost and come back. */
static void on_peer(struct link *l, bool joined) {
    struct aura_id peer = l->peer;
    if (joined && !l->answered) {
        l->answered = l->by_media =
            aura_exchange_matrix_accept(l->as->conf.exchange, l->call, &peer) == 0;
    } else if (!joined && l->by_media && !l->key[0]) {
        aura__as_end_link(l);
    }
}

bool aura_as_is_ghost(const struct aura_as *as, const char *identity) {
    char user[AURA_MXID_BYTES_MAX];
    struct aura_id id;
    const char *device = strrchr(identity, ':');
    size_t len = device ? (size_t)(device - identity) : sizeof(user);
    if (len >= sizeof(user)) {
        return false;
    }
    memcpy(user, identity, len);
    user[len] = 0;
    return aura__as_ghost(as, user, &id) == 0;
}

static void on_away(void *arg) {
    struct link *l = arg;
    struct aura_as *as = l->as;
    if (!l->over && l->answered && !as->conf.others(as->conf.arg, l->media)) {
        aura__as_end_link(l);
        aura__as_turn(as);
    }
}

void aura__as_away(struct link *l, uint64_t in_us) {
    struct aura_timers *timers = l->as->conf.timers;
    aura_timer_stop(timers, &l->away);
    if (l->as->conf.others && l->media[0] &&
        aura_timer_start(timers, &l->away, in_us, on_away, l)) {
        AURA_LOG_LIMITED("matrix", AURA_LOG_WARN, "call_without_matrix",
                         AURA_S("why", aura_err_text(AURA_ENOMEM)),
                         AURA_S("so", "it goes on until who is in it hangs up"));
    }
}

void aura_as_in_media(struct aura_as *as, const char *room, const struct aura_id *who,
                      bool joined) {
    AURA_LIST_EACH(&as->links, struct link, l, node) {
        if (l->over || l->kind == AS_SEAT || strcmp(l->media, room) != 0) {
            continue;
        }
        if (!joined && strcmp(l->ghost.name, who->name) != 0) {
            aura__as_away(l, aura_exchange_grace_us(as->conf.exchange));
        }
        if (l->outgoing && strcmp(l->peer.name, who->name) == 0) {
            on_peer(l, joined);
        } else if (!l->outgoing && strcmp(l->ghost.name, who->name) == 0 && is_agent(as, who)) {
            on_agent(l, joined);
        }
    }
}

/* ---- ghosts that end ---- */

/* Out of the room it could not empty its membership any more, and would be shown there as hung. */
static bool is_leaving_call(const struct aura_as *as, const struct aura_id *ghost) {
    AURA_LIST_EACH(&as->links, const struct link, l, node) {
        if (l->over && l->in && strcmp(l->ghost.name, ghost->name) == 0) {
            return true;
        }
    }
    return false;
}

static void on_gone(void *arg) {
    struct aura_as *as = arg;
    struct aura_as_errand e = {.what = AURA_AS_DO_FORGET};
    struct aura_id id;
    if (as->ending || aura_directory_gone(as->conf.directory, &id)) {
        return;
    }
    if (is_leaving_call(as, &id)) {
        aura__as_end_ghosts(as, (uint64_t)AURA_AS_RETRY_MS * AURA_US_PER_MS);
        return;
    }
    aura__as_ghost_name(as, &id, e.ghost);
    as->ending = true;
    as->stats.errands++;
    int err = as->conf.act(as->conf.arg, 0, &e);
    if (err) {
        e.err = err;
        e.why = aura_err_text(err);
        aura__as_on_forgotten(as, &e);
    }
}

void aura__as_end_ghosts(struct aura_as *as, uint64_t in_us) {
    if (aura_timer_start(as->conf.timers, &as->gone, in_us, on_gone, as)) {
        AURA_LOG_LIMITED("matrix", AURA_LOG_WARN, "ghost_not_ended",
                         AURA_S("why", aura_err_text(AURA_ENOMEM)));
    }
}

/* Each of them may have to wait for the one before: one homeserver, which does not answer. */
void aura__as_on_forgotten(struct aura_as *as, const struct aura_as_errand *e) {
    struct aura_id id;
    int err = aura__as_ghost(as, e->ghost, &id);
    as->ending = false;
    if (e->err) {
        aura__as_say_failed(as, e, true);
    } else if (!e->more && !err) {
        err = aura_directory_drop_gone(as->conf.directory, &id);
    }
    bool again = e->err || err;
    aura__as_end_ghosts(as, again ? AURA_AS_GONE_RETRY_S * AURA_US_PER_S : 0);
}

void aura_as_forget(struct aura_as *as, const struct aura_id *who) {
    int err = aura_directory_add_gone(as->conf.directory, who);
    if (err) {
        AURA_LOG_LIMITED("matrix", AURA_LOG_WARN, "ghost_not_ended",
                         AURA_S("why", aura_err_text(err)));
    } else if (!as->ending) {
        aura__as_end_ghosts(as, 0);
    }
}
