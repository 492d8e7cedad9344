/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/pc.h"

#include "base/mem.h"
#include "base/prefetch.h"
#include "transport/demux.h"
#include "transport/sctp.h"

#include <string.h>

enum {
    EARLY_MAX = 8, /* DTLS datagrams that came before the peer's description */
    EARLY_BYTES = 1500,
    REAP_IDLE_S = 24 * 3600,
};

struct early {
    size_t count;
    struct {
        size_t len;
        uint8_t data[EARLY_BYTES];
    } packets[EARLY_MAX];
};

struct aura_pc {
    struct aura_pc_handlers handlers;
    void *arg;
    const struct aura_dtls_identity *identity;
    struct aura_timers *timers;
    struct aura_rand *rand;
    bool open_data_channels, negotiated_channels;
    size_t max_message_bytes;

    struct aura_ice *ice;
    struct aura_dtls *dtls;
    struct aura_srtp *srtp;
    struct aura_sctp *sctp;

    bool remote_known, dials;
    struct aura_fingerprint fingerprints[AURA_DTLS_FINGERPRINTS_MAX];
    size_t fingerprint_count;
    bool active, remote_sctp;
    uint16_t sctp_port;
    size_t remote_max_bytes;

    enum aura_pc_state state;
    bool dtls_started, dtls_failed;
    struct aura_path
        dtls_path; /* valid path of the last DTLS packet: used until one is nominated */
    bool dtls_path_known;
    struct early *early;

    bool closed;
    unsigned depth; /* of user callbacks on the stack */
    /* Lets go of the connection when it was closed inside a callback. It always runs, so that
     * bringing it forward needs no memory. */
    struct aura_timer reap;
};

/* Calls a user's handler; whatever it does, even closing, `pc` outlives the call. */
#define CALL(pc, fn, ...)                                                                          \
    do {                                                                                           \
        if (!(pc)->closed && (pc)->handlers.fn) {                                                  \
            (pc)->depth++;                                                                         \
            (pc)->handlers.fn((pc)->arg, __VA_ARGS__);                                             \
            (pc)->depth--;                                                                         \
        }                                                                                          \
    } while (0)

static enum aura_pc_state state_of(const struct aura_pc *pc) {
    enum aura_ice_state ice = aura_ice_state(pc->ice);
    if (pc->dtls_failed || ice == AURA_ICE_FAILED) {
        return AURA_PC_FAILED;
    }
    if (ice == AURA_ICE_NEW) {
        return AURA_PC_NEW;
    }
    if (ice == AURA_ICE_DISCONNECTED) {
        return AURA_PC_DISCONNECTED;
    }
    return pc->dtls && aura_dtls_connected(pc->dtls) ? AURA_PC_CONNECTED : AURA_PC_CONNECTING;
}

static void update_state(struct aura_pc *pc) {
    enum aura_pc_state state = state_of(pc);
    if (state != pc->state && !pc->closed) {
        pc->state = state;
        CALL(pc, state, state);
    }
}

/* ---- SCTP ---- */

static void sctp_send(void *arg, const uint8_t *packet, size_t len) {
    struct aura_pc *pc = arg;
    /* Not sent is as good as lost: SCTP sends it again. */
    (void)!aura_dtls_send(pc->dtls, packet, len);
}

static void sctp_data_open(void *arg, enum aura_data_channel channel) {
    struct aura_pc *pc = arg;
    CALL(pc, data_open, channel);
}

static void sctp_data(void *arg, enum aura_data_channel channel, const uint8_t *data, size_t len) {
    struct aura_pc *pc = arg;
    CALL(pc, data, channel, data, len);
}

static void sctp_drained(void *arg, enum aura_data_channel channel) {
    struct aura_pc *pc = arg;
    CALL(pc, data_drained, channel);
}

static void sctp_closed(void *arg) {
    (void)arg; /* media goes on; sending data says AURA_ESTATE from now on */
}

static void start_sctp(struct aura_pc *pc) {
    static const struct aura_sctp_handlers handlers = {sctp_send, sctp_data_open, sctp_data,
                                                       sctp_drained, sctp_closed};
    struct aura_sctp_conf conf = {.timers = pc->timers,
                                  .remote_port = pc->sctp_port,
                                  .dtls_client = pc->active,
                                  .open_channels = pc->open_data_channels,
                                  .negotiated = pc->negotiated_channels,
                                  .max_receive_bytes = pc->max_message_bytes,
                                  .max_send_bytes = pc->remote_max_bytes};
    if (pc->closed || pc->sctp || !pc->remote_sctp || !pc->dtls || !aura_dtls_connected(pc->dtls)) {
        return;
    }
    if (aura_sctp_new(&pc->sctp, &conf, &handlers, pc)) {
        pc->dtls_failed = true; /* a connection that can never open its channels is of no use */
        update_state(pc);
    }
}

/* ---- DTLS ---- */

static void dtls_send(void *arg, const uint8_t *data, size_t len) {
    struct aura_pc *pc = arg;
    const struct aura_path *selected = aura_ice_selected(pc->ice);
    if (selected || pc->dtls_path_known) {
        struct aura_path path = selected ? *selected : pc->dtls_path;
        CALL(pc, send, &path, data, len);
    }
}

static void dtls_connected(void *arg) {
    struct aura_pc *pc = arg;
    struct aura_srtp_keys keys;
    int err = aura_dtls_srtp_keys(pc->dtls, &keys);
    if (!err) {
        err = aura_srtp_new(&pc->srtp, &keys);
    }
    aura_wipe(&keys, sizeof(keys));
    /* A peer that only wants data channels offers no SRTP profile. */
    pc->dtls_failed = err && err != AURA_ENOENT;
    update_state(pc);
    start_sctp(pc);
}

static void dtls_data(void *arg, const uint8_t *data, size_t len) {
    struct aura_pc *pc = arg;
    if (pc->sctp && !pc->closed) {
        aura_sctp_recv(pc->sctp, data, len);
    }
}

static void dtls_failed(void *arg, int err) {
    struct aura_pc *pc = arg;
    (void)err;
    pc->dtls_failed = true;
    update_state(pc);
}

static void drop_early(struct aura_pc *pc) {
    aura_free(pc->early);
    pc->early = NULL;
}

static void keep_early(struct aura_pc *pc, const uint8_t *data, size_t len) {
    if (!pc->early) {
        pc->early = aura_zalloc(sizeof(*pc->early)); /* without it: the peer sends it again */
    }
    if (pc->early && pc->early->count < EARLY_MAX && len <= EARLY_BYTES) {
        memcpy(pc->early->packets[pc->early->count].data, data, len);
        pc->early->packets[pc->early->count++].len = len;
    }
}

static bool has_dtls_path(const struct aura_pc *pc) {
    return aura_ice_selected(pc->ice) || pc->dtls_path_known;
}

/* Both the peer's description and a path are needed; the time limit counts from here. */
static void maybe_start_dtls(struct aura_pc *pc) {
    if (pc->closed || pc->dtls_started || !pc->dtls || !has_dtls_path(pc)) {
        return;
    }
    pc->dtls_started = true;
    aura_dtls_start(pc->dtls);
    struct early *early = pc->early;
    pc->early = NULL;
    for (size_t i = 0; early && i < early->count && !pc->closed; i++) {
        aura_dtls_recv(pc->dtls, early->packets[i].data, early->packets[i].len);
    }
    aura_free(early);
}

static void recv_dtls(struct aura_pc *pc, const struct aura_path *path, const uint8_t *data,
                      size_t len) {
    if (!aura_ice_path_valid(pc->ice, path)) {
        return;
    }
    pc->dtls_path = *path;
    pc->dtls_path_known = true;
    if (!pc->dtls) {
        keep_early(pc, data, len);
        return;
    }
    maybe_start_dtls(pc);
    if (!pc->closed) {
        aura_dtls_recv(pc->dtls, data, len);
    }
}

/* ---- ICE ---- */

static void ice_send(void *arg, const struct aura_path *path, const uint8_t *data, size_t len) {
    struct aura_pc *pc = arg;
    CALL(pc, send, path, data, len);
}

static void ice_selected(void *arg, const struct aura_path *path) {
    struct aura_pc *pc = arg;
    CALL(pc, path, path);
}

static void ice_state(void *arg, enum aura_ice_state state) {
    struct aura_pc *pc = arg;
    (void)state;
    update_state(pc);
    maybe_start_dtls(pc);
}

/* ---- life ---- */

static void on_reap(void *arg) {
    struct aura_pc *pc = arg;
    if (pc->closed) {
        aura_unref(pc);
        return;
    }
    /* The heap has the place that this timer just left. */
    AURA_BUG_ON(aura_timer_start(pc->timers, &pc->reap, REAP_IDLE_S * AURA_US_PER_S, on_reap, pc));
}

static void pc_dtor(void *obj) {
    struct aura_pc *pc = obj;
    aura_pc_close(pc);
    aura_timer_stop(pc->timers, &pc->reap);
    aura_sctp_free(pc->sctp);
    aura_dtls_free(pc->dtls);
    aura_srtp_free(pc->srtp);
    aura_ice_free(pc->ice);
    drop_early(pc);
}

int aura_pc_new(struct aura_pc **pcp, const struct aura_pc_conf *conf,
                const struct aura_pc_handlers *handlers, void *arg) {
    static const struct aura_ice_handlers ice_handlers = {ice_send, ice_selected, ice_state};
    AURA_REQUIRE(conf->identity && conf->timers && handlers->send, AURA_EINVAL);
    struct aura_pc *pc = aura_ref_new(sizeof(*pc), pc_dtor);
    if (!pc) {
        return AURA_ENOMEM;
    }
    pc->handlers = *handlers;
    pc->arg = arg;
    pc->identity = conf->identity;
    pc->timers = conf->timers;
    pc->rand = conf->rand;
    pc->open_data_channels = conf->open_data_channels;
    pc->negotiated_channels = conf->negotiated_channels;
    pc->max_message_bytes = conf->max_message_bytes;
    int err =
        aura_ice_new(&pc->ice, pc->timers, conf->local_ufrag, conf->local_pwd, &ice_handlers, pc);
    if (!err && conf->patience_ms) {
        aura_ice_set_patience(pc->ice, conf->patience_ms);
    }
    if (!err) {
        err = aura_timer_start(pc->timers, &pc->reap, REAP_IDLE_S * AURA_US_PER_S, on_reap, pc);
    }
    if (err) {
        aura_unref(pc);
        return err;
    }
    *pcp = pc;
    return 0;
}

void aura_pc_close(struct aura_pc *pc) {
    if (!pc || pc->closed) {
        return;
    }
    /* The last packets still go out; every other callback is over. */
    pc->handlers = (struct aura_pc_handlers){.send = pc->handlers.send};
    if (pc->sctp) {
        aura_sctp_close(pc->sctp);
    }
    if (pc->dtls) {
        aura_dtls_close(pc->dtls);
    }
    pc->closed = true;
    if (pc->depth > 0) {
        aura_ref(pc);
        AURA_BUG_ON(aura_timer_start(pc->timers, &pc->reap, 0, on_reap, pc));
    }
}

static bool same_identity(const struct aura_pc *pc, const struct aura_pc_remote *remote) {
    bool same = pc->active == remote->active && pc->fingerprint_count == remote->fingerprint_count;
    for (size_t i = 0; same && i < pc->fingerprint_count; i++) {
        const struct aura_fingerprint *a = &pc->fingerprints[i], *b = &remote->fingerprints[i];
        same = a->len == b->len && strcmp(a->hash, b->hash) == 0 &&
               memcmp(a->value, b->value, a->len) == 0;
    }
    return same;
}

static int set_identity(struct aura_pc *pc, const struct aura_pc_remote *remote) {
    static const struct aura_dtls_handlers handlers = {dtls_send, dtls_connected, dtls_data,
                                                       dtls_failed};
    struct aura_dtls_conf conf = {.identity = pc->identity,
                                  .timers = pc->timers,
                                  .active = remote->active,
                                  .fingerprints = remote->fingerprints,
                                  .fingerprint_count = remote->fingerprint_count};
    int err = aura_dtls_new(&pc->dtls, &conf, &handlers, pc);
    if (!err) {
        pc->active = remote->active;
        pc->fingerprint_count = remote->fingerprint_count;
        memcpy(pc->fingerprints, remote->fingerprints,
               pc->fingerprint_count * sizeof(pc->fingerprints[0]));
    }
    return err;
}

int aura_pc_set_remote(struct aura_pc *pc, const struct aura_pc_remote *remote) {
    if (pc->closed) {
        return AURA_ESTATE;
    }
    if (!remote->pwd || !*remote->pwd || remote->fingerprint_count == 0 ||
        remote->fingerprint_count > AURA_DTLS_FINGERPRINTS_MAX) {
        return AURA_EINVAL;
    }
    int err = 0;
    if (pc->dtls) {
        err = same_identity(pc, remote) ? 0 : AURA_ESTATE;
    } else {
        err = set_identity(pc, remote);
    }
    if (!err) {
        err = aura_ice_set_remote(pc->ice, remote->ufrag);
    }
    if (!err && remote->dial && !pc->dials) {
        const struct aura_path to = {.remote = *remote->dial};
        err = aura_ice_dial(pc->ice, &to, remote->ufrag, remote->pwd, pc->rand);
        pc->dials = !err;
    }
    if (err) {
        return err;
    }
    pc->remote_sctp = pc->remote_sctp || remote->sctp;
    pc->sctp_port = remote->sctp_port;
    pc->remote_max_bytes = remote->max_message_bytes;
    aura_ref(pc); /* callbacks come from here on */
    maybe_start_dtls(pc);
    start_sctp(pc);
    aura_unref(pc);
    return 0;
}

int aura_pc_restart_ice(struct aura_pc *pc, const char *ufrag, const char *pwd) {
    return pc->closed ? AURA_ESTATE : aura_ice_restart(pc->ice, ufrag, pwd);
}

/* ---- packets ---- */

static bool media_ready(const struct aura_pc *pc) {
    return pc->srtp && !pc->closed && !pc->dtls_failed;
}

/* RFC 7675: nothing is sent without consent. */
static bool may_send(const struct aura_pc *pc) {
    enum aura_ice_state ice = aura_ice_state(pc->ice);
    return media_ready(pc) && (ice == AURA_ICE_CONNECTED || ice == AURA_ICE_DISCONNECTED);
}

void aura_pc_recv(struct aura_pc *pc, const struct aura_path *path, uint8_t *data, size_t len) {
    if (pc->closed) {
        return;
    }
    int err = 0;
    switch (aura_datagram_kind(data, len)) {
    case AURA_DATAGRAM_RTP:
        err = media_ready(pc) ? aura_srtp_unprotect(pc->srtp, data, &len) : AURA_ESTATE;
        if (!err) {
            CALL(pc, rtp, data, len);
        }
        break;
    case AURA_DATAGRAM_RTCP:
        err = media_ready(pc) ? aura_srtcp_unprotect(pc->srtp, data, &len) : AURA_ESTATE;
        if (!err) {
            CALL(pc, rtcp, data, len);
        }
        break;
    case AURA_DATAGRAM_STUN:
        aura_ice_recv(pc->ice, path, data, len);
        break;
    case AURA_DATAGRAM_DTLS:
        recv_dtls(pc, path, data, len);
        break;
    case AURA_DATAGRAM_OTHER:
        break;
    }
    if (err) {
        CALL(pc, dropped, err);
    }
}

int aura_pc_protect_rtp(struct aura_pc *pc, uint8_t *data, size_t *len, size_t cap) {
    return may_send(pc) ? aura_srtp_protect(pc->srtp, data, len, cap) : AURA_ESTATE;
}

int aura_pc_protect_rtcp(struct aura_pc *pc, uint8_t *data, size_t *len, size_t cap) {
    return may_send(pc) ? aura_srtcp_protect(pc->srtp, data, len, cap) : AURA_ESTATE;
}

void aura_pc_prefetch(const struct aura_pc *pc) {
    aura_prefetch(pc, sizeof(*pc));
    if (pc->srtp) {
        aura_srtp_prefetch(pc->srtp);
    }
}

void aura_pc_forget_ssrc(struct aura_pc *pc, uint32_t ssrc) {
    if (pc->srtp) {
        aura_srtp_forget(pc->srtp, ssrc);
    }
}

/* ---- data ---- */

int aura_pc_send_data(struct aura_pc *pc, enum aura_data_channel channel, const uint8_t *data,
                      size_t len) {
    if (pc->closed || !pc->sctp || pc->dtls_failed) {
        return AURA_ESTATE;
    }
    return aura_sctp_send(pc->sctp, channel, data, len);
}

bool aura_pc_data_open(const struct aura_pc *pc, enum aura_data_channel channel) {
    return !pc->closed && pc->sctp && !pc->dtls_failed && aura_sctp_open(pc->sctp, channel);
}

size_t aura_pc_data_buffered(const struct aura_pc *pc, enum aura_data_channel channel) {
    return pc->sctp ? aura_sctp_buffered(pc->sctp, channel) : 0;
}

enum aura_pc_state aura_pc_state(const struct aura_pc *pc) {
    return pc->state;
}

uint32_t aura_pc_rtt_us(const struct aura_pc *pc) {
    uint32_t sctp_us = pc->sctp && !pc->closed ? aura_sctp_rtt_us(pc->sctp) : 0;
    return sctp_us ? sctp_us : aura_ice_rtt_us(pc->ice);
}
