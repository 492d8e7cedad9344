/* SPDX-License-Identifier: Apache-2.0 */
/* What the homeserver tells: invitations, rings, and what becomes of them. */
#include "auraid/matrix/appservice_priv.h"
#include "base/log.h"
#include "base/mem.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>

static const char provider[] = "matrix";

/* ---- ghosts ---- */

int aura__as_ghost(const struct aura_as *as, const char *user, struct aura_id *out) {
    struct aura_mxid id;
    if (aura_mxid_parse(&id, user, strlen(user)) || !aura_slice_equal(id.server, as->conf.server)) {
        return AURA_ENOENT;
    }
    return aura_mxid_id(&id, out);
}

void aura__as_ghost_name(const struct aura_as *as, const struct aura_id *id,
                         char out[AURA_MXID_BYTES_MAX]) {
    (void)snprintf(out, AURA_MXID_BYTES_MAX, "@%s.aura:%s", id->name, as->conf.server);
}

int aura_as_user(struct aura_as *as, const char *user, struct aura_as_errand *errand) {
    struct aura_identity who;
    struct aura_id id;
    int err = aura__as_ghost(as, user, &id);
    err = err ? err : aura_directory_get(as->conf.directory, &id, &who);
    /* Who asks is not told: so only those are there whom everybody may find. */
    if (err || who.privacy != AURA_PRIVACY_EVERYONE) {
        return AURA_ENOENT;
    }
    *errand = (struct aura_as_errand){.what = AURA_AS_DO_REGISTER};
    aura__as_ghost_name(as, &id, errand->ghost);
    (void)snprintf(errand->display, sizeof(errand->display), "%s", who.display);
    return 0;
}

/* ---- rooms ---- */

/* Who has no AuraID yet is a stranger to everybody. */
static int may_ring(struct aura_as *as, const char *user, const struct aura_id *ghost) {
    struct aura_reach reach = aura_exchange_reach(as->conf.exchange);
    struct aura_identity who = {.id = {.name = ""}};
    const struct aura_proof proof = {provider, user};
    enum aura_stance stance;
    int err = aura_directory_find(as->conf.directory, &proof, &who);
    struct aura_id caller = who.id;
    if (err && err != AURA_ENOENT) {
        return err;
    }
    return aura_reach_person(&reach, &caller, "", ghost, &stance);
}

/* What a ghost does about a room. */
static void do_about(struct aura_as *as, enum aura_as_do what, const struct aura_as_event *e,
                     const struct aura_id *ghost) {
    struct aura_as_errand errand = {.what = what};
    struct aura_identity who;
    aura__as_ghost_name(as, ghost, errand.ghost);
    if (aura_directory_get(as->conf.directory, ghost, &who) == 0) {
        (void)snprintf(errand.display, sizeof(errand.display), "%s", who.display);
    }
    (void)snprintf(errand.room, sizeof(errand.room), "%s", e->room);
    (void)snprintf(errand.peer, sizeof(errand.peer), "%s", e->direct ? e->sender : "");
    as->stats.errands++;
    int err = as->conf.act(as->conf.arg, 0, &errand);
    if (err) {
        AURA_LOG_LIMITED("matrix", AURA_LOG_WARN, "invitation_lost",
                         AURA_S("why", aura_err_text(err)));
    }
}

static void on_invite(struct aura_as *as, const struct aura_as_event *e,
                      const struct aura_id *ghost) {
    struct aura_id own;
    if (aura__as_ghost(as, e->sender, &own) == 0) {
        return; /* who brings it into a call's room sees to it */
    }
    if (may_ring(as, e->sender, ghost)) {
        return; /* it stays open, as with somebody who does not look */
    }
    do_about(as, e->encrypted ? AURA_AS_DO_REFUSE : AURA_AS_DO_JOIN, e, ghost);
}

/* Ghosts have no keys: what is said there they cannot read, and nobody would hear them. */
static int on_encrypted(struct aura_as *as, const struct aura_as_event *e) {
    struct aura_id in[AURA_DIRECTORY_ROOM_PEOPLE_MAX];
    size_t count;
    int err = aura_directory_in_room(as->conf.directory, e->room, in, &count);
    for (size_t i = 0; i < count && !err; i++) {
        do_about(as, AURA_AS_DO_REFUSE, e, &in[i]);
    }
    return err;
}

void aura__as_end_link(struct link *l) {
    struct aura_exchange *x = l->as->conf.exchange;
    char call[AURA_CALL_ID_BYTES];
    struct aura_id peer = l->peer;
    memcpy(call, l->call, sizeof(call));
    if (l->outgoing && !l->answered) {
        int err = aura_exchange_matrix_decline(x, call, &peer);
        (void)err; /* it may be over just now */
    } else {
        aura_exchange_matrix_left(x, call, &peer);
    }
}

static void end_links_of_ghost(struct aura_as *as, const char *room, const struct aura_id *ghost) {
    AURA_LIST_EACH(&as->links, struct link, l, node) {
        if (l->over || strcmp(l->room, room) != 0 || strcmp(l->ghost.name, ghost->name) != 0) {
            continue;
        }
        if (l->kind == AS_TWO) {
            aura__as_end_link(l);
        } else {
            aura__as_group_out(l);
        }
    }
}

/* Somebody of Matrix has gone from a room's call. In a group it goes on without who has rung, until
 * the last one of Matrix has gone.
 * @param key  of the membership that has ended; NULL = of all */
static void on_gone(struct aura_as *as, const char *room, const char *user, const char *key) {
    aura__as_member_out(as, room, user, key);
    AURA_LIST_EACH(&as->links, struct link, l, node) {
        bool theirs =
            strcmp(l->mxid, user) == 0 && (!key || !l->key[0] || strcmp(l->key, key) == 0);
        if (l->over || strcmp(l->room, room) != 0) {
            continue;
        }
        l->alone = l->alone || (theirs && !l->outgoing);
        if ((theirs || l->alone) && (l->outgoing || !aura__as_others_in(as, room, l->mxid))) {
            aura__as_end_link(l);
        }
    }
}

static int on_ghost(struct aura_as *as, const struct aura_as_event *e,
                    const struct aura_id *ghost) {
    int err = 0;
    if (e->membership == AURA_AS_INVITED) {
        on_invite(as, e, ghost);
    } else if (e->membership == AURA_AS_JOINED) {
        err = aura_directory_enter_room(as->conf.directory, ghost, e->room, "");
        if (err == AURA_ELIMIT) {
            AURA_LOG_LIMITED("matrix", AURA_LOG_WARN, "too_many_rooms",
                             AURA_S("so", "rings there do not reach the ghost"));
        }
        err = err == AURA_EIO ? err : 0;
    } else {
        err = aura_directory_leave_room(as->conf.directory, ghost, e->room);
        end_links_of_ghost(as, e->room, ghost);
    }
    return err;
}

static int on_member(struct aura_as *as, const struct aura_as_event *e) {
    struct aura_id ghost;
    if (aura__as_ghost(as, e->who, &ghost) == 0) {
        return on_ghost(as, e, &ghost);
    }
    if (e->membership == AURA_AS_GONE) {
        on_gone(as, e->room, e->who, NULL);
    }
    return 0;
}

/* ---- rings ---- */

static bool is_linked(const struct aura_as *as, const struct aura_as_event *e,
                      const struct aura_id *ghost) {
    AURA_LIST_EACH(&as->links, const struct link, l, node) {
        if (!l->over && strcmp(l->room, e->room) == 0 && strcmp(l->ghost.name, ghost->name) == 0 &&
            (l->kind == AS_SEAT || strcmp(l->mxid, e->sender) == 0)) {
            return true;
        }
    }
    return false;
}

static int peer_of(struct aura_as *as, const char *user, struct aura_id *out) {
    char hint[AURA_MXID_BYTES_MAX];
    const struct aura_proof proof = {provider, user};
    struct aura_identity who;
    bool created;
    int err = aura_directory_join(as->conf.directory, &proof, aura_mxid_hint(user, hint), "",
                                  AURA_ID_USER, &who, &created);
    *out = err ? *out : who.id;
    return err;
}

static void ring_one(struct aura_as *as, const struct aura_as_event *e, const struct aura_id *ghost,
                     uint64_t left_ms) {
    struct aura_exchange_rung rung;
    struct aura_id peer;
    /* Who may not ring is not even given an AuraID. */
    if (is_linked(as, e, ghost) || may_ring(as, e->sender, ghost) ||
        peer_of(as, e->sender, &peer) || strcmp(peer.name, ghost->name) == 0) {
        return;
    }
    struct link *l = aura__as_link_new(as);
    if (!l) {
        return;
    }
    l->ghost = *ghost;
    l->peer = peer;
    (void)snprintf(l->mxid, sizeof(l->mxid), "%s", e->sender);
    aura__as_set_room(l, e->room);
    (void)snprintf(l->ring, sizeof(l->ring), "%s", e->id);
    /* Which of the caller's devices it is: one that is not in the call any more ends nothing. */
    aura__as_member_key(as, e->about, l->key);
    as->beginning = l;
    int err = aura_exchange_matrix_ring(as->conf.exchange, &peer, ghost, &rung);
    as->beginning = NULL;
    if (err || (l->call[0] == 0)) { /* refused; or it was the answer to the ghost's own ring */
        aura__as_link_free(l);
        return;
    }
    as->stats.rung++;
    aura__as_expire_at(l, left_ms * AURA_US_PER_MS);
}

static bool is_meant(const struct aura_as *as, const struct aura_as_event *e,
                     const struct aura_id *ghost) {
    struct aura_id id;
    for (size_t i = 0; i < e->mention_count; i++) {
        if (aura__as_ghost(as, e->mentions[i], &id) == 0 && strcmp(id.name, ghost->name) == 0) {
            return true;
        }
    }
    return e->everybody;
}

static int on_ring(struct aura_as *as, const struct aura_as_event *e) {
    struct aura_id in[AURA_DIRECTORY_ROOM_PEOPLE_MAX], self;
    size_t count;
    uint64_t now_ms = aura_wall_us(aura_timers_clock(as->conf.timers)) / AURA_US_PER_MS;
    if (e->until_ms <= now_ms || aura__as_ghost(as, e->sender, &self) == 0) {
        return 0; /* too old, or of our own */
    }
    int err = aura_directory_in_room(as->conf.directory, e->room, in, &count);
    for (size_t i = 0; i < count && !err; i++) {
        if (is_meant(as, e, &in[i])) {
            ring_one(as, e, &in[i], e->until_ms - now_ms);
        }
    }
    return err;
}

/* ---- what the Matrix user does in a call ---- */

static void on_call_member(struct aura_as *as, const struct aura_as_event *e) {
    struct aura_id ghost;
    if (aura__as_ghost(as, e->sender, &ghost) == 0) {
        return; /* we have written it */
    }
    if (!e->in) { /* of an outgoing one it may be any, until one has answered */
        on_gone(as, e->room, e->sender, e->key);
        return;
    }
    aura__as_member_in(as, e);
    AURA_LIST_EACH(&as->links, struct link, l, node) {
        if (l->over || strcmp(l->room, e->room) != 0 || strcmp(l->mxid, e->sender) != 0) {
            continue;
        }
        l->alone = false; /* who had gone is back */
        if (l->outgoing && (!l->answered || (l->by_media && !l->key[0]))) {
            struct aura_id peer = l->peer;
            (void)snprintf(l->key, sizeof(l->key), "%s", e->key);
            l->answered =
                l->answered || aura_exchange_matrix_accept(as->conf.exchange, l->call, &peer) == 0;
        }
    }
}

/* It may come before we know what our own ring is called. */
static bool is_about(const struct link *l, const char *ring) {
    return l->ring[0] ? strcmp(l->ring, ring) == 0 : l->busy;
}

static void on_decline(struct aura_as *as, const struct aura_as_event *e) {
    AURA_LIST_EACH(&as->links, struct link, l, node) {
        if (l->outgoing && !l->answered && !l->over && strcmp(l->room, e->room) == 0 &&
            strcmp(l->mxid, e->sender) == 0 && is_about(l, e->about)) {
            aura__as_end_link(l);
        }
    }
}

static int on_event(void *arg, const struct aura_as_event *e) {
    struct aura_as *as = arg;
    int err = aura_directory_event(as->conf.directory, e->id);
    if (err) {
        as->stats.replayed += err == AURA_EEXISTS;
        return err == AURA_EEXISTS ? 0 : err;
    }
    switch (e->kind) {
    case AURA_AS_MEMBER:
        return on_member(as, e);
    case AURA_AS_RING:
        return on_ring(as, e);
    case AURA_AS_CALL_MEMBER:
        on_call_member(as, e);
        break;
    case AURA_AS_DECLINE:
        on_decline(as, e);
        break;
    case AURA_AS_ENCRYPTED:
        return on_encrypted(as, e);
    }
    return 0;
}

/* ---- transactions ---- */

static int hash_of(const char *txn, const void *body, size_t len, uint8_t out[AS_HASH_BYTES]) {
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool fine = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) &&
                EVP_DigestUpdate(c, txn, strlen(txn) + 1) && EVP_DigestUpdate(c, body, len) &&
                EVP_DigestFinal_ex(c, out, NULL);
    EVP_MD_CTX_free(c);
    return fine ? 0 : AURA_ENOMEM;
}

static bool was_taken(const struct aura_as *as, const uint8_t *hash, uint64_t now_us) {
    for (size_t i = 0; i < AURA_AS_TRANSACTIONS_MAX; i++) {
        const struct taken *t = &as->taken[i];
        if (t->until_us > now_us && memcmp(t->hash, hash, AS_HASH_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

int aura_as_transaction(struct aura_as *as, const char *txn, const void *body, size_t len) {
    uint64_t now_us = aura_now_us(aura_timers_clock(as->conf.timers));
    uint8_t hash[AS_HASH_BYTES];
    int err = hash_of(txn, body, len, hash);
    if (err) {
        return err;
    }
    if (was_taken(as, hash, now_us)) {
        as->stats.replayed++;
        return 0;
    }
    err = aura_as_read(body, len, on_event, as);
    if (!err) {
        struct taken *t = &as->taken[as->next_taken++ % AURA_AS_TRANSACTIONS_MAX];
        memcpy(t->hash, hash, sizeof(t->hash));
        t->until_us = now_us + AURA_AS_TRANSACTION_S * AURA_US_PER_S;
        as->stats.transactions++;
    }
    return err;
}
