/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/sfu.h"

#include "base/mem.h"
#include "sfu/candidates.h"
#include "sfu/sfu_priv.h"
#include "sfu/worker.h"

#include <string.h>
#include <unistd.h>

static unsigned worker_of(uint64_t id) {
    return (unsigned)(id & 0xff);
}

static uint64_t new_id(struct aura_sfu *sfu, unsigned worker) {
    return ++sfu->last_id << 8 | worker;
}

static void flush_late(void *arg) {
    struct aura_sfu *sfu = arg;
    bool waiting = false;
    for (size_t i = 0; i < sfu->shared.worker_count; i++) {
        waiting |= !aura__outbox_flush(&sfu->out[i]);
    }
    if (waiting && aura_timer_start(aura_loop_timers(sfu->loop), &sfu->flush_timer,
                                    5 * AURA_US_PER_MS, flush_late, sfu)) {
        return; /* the next message tries again */
    }
}

/* Sends to the worker that the id names. On error what hangs on the message is freed. */
static int tell(struct aura_sfu *sfu, struct aura_msg *m) {
    unsigned to = worker_of(m->id);
    int err = AURA_ENOENT;
    if (to < sfu->shared.worker_count) {
        err = aura__outbox_send(&sfu->out[to], m);
        if (err == 0 && aura__outbox_waiting(&sfu->out[to]) &&
            !aura_timer_running(&sfu->flush_timer)) {
            flush_late(sfu);
        }
    }
    if (err) {
        aura__msg_discard(m);
    }
    return err;
}

/* As tell(), for calls that cannot report. Only a full ring together with no memory loses one. */
static void tell_void(struct aura_sfu *sfu, struct aura_msg m) {
    if (m.id && tell(sfu, &m)) {
        sfu->lost_messages++;
    }
}

static int tell_copy(struct aura_sfu *sfu, enum aura_msg_type type, uint64_t id, const void *src,
                     size_t len) {
    void *copy = aura_zalloc(len);
    if (!copy) {
        return AURA_ENOMEM;
    }
    memcpy(copy, src, len);
    struct aura_msg m = {.type = (uint8_t)type, .id = id, .ptr = copy};
    return tell(sfu, &m);
}

static void defaults(struct aura_sfu_conf *c) {
    static const uint32_t throttle_us[AURA_MEDIA_LAYERS_MAX] = {500000, 1000000, 1000000};
    if (c->workers == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        c->workers = cores > 0 ? (size_t)cores : 1;
    }
    c->workers = c->workers > AURA_SFU_WORKERS_MAX ? AURA_SFU_WORKERS_MAX : c->workers;
    c->nack_ring_video = c->nack_ring_video ? c->nack_ring_video : 512;
    c->nack_ring_audio = c->nack_ring_audio ? c->nack_ring_audio : 256;
    for (size_t i = 0; i < AURA_MEDIA_LAYERS_MAX; i++) {
        c->pli_throttle_us[i] = c->pli_throttle_us[i] ? c->pli_throttle_us[i] : throttle_us[i];
    }
    c->audio_update_us = c->audio_update_us ? c->audio_update_us : 400000;
    c->audio_active_level = c->audio_active_level ? c->audio_active_level : 35;
    c->audio_min_percentile = c->audio_min_percentile ? c->audio_min_percentile : 40;
}

static int start_workers(struct aura_sfu *sfu, const struct aura_sfu_conf *conf) {
    struct aura_sfu_shared *s = &sfu->shared;
    int err = 0;
    for (unsigned i = 0; !err && i < s->conf.workers; i++) {
        err = aura__worker_new(&s->workers[i], s, i, conf->bind, conf->bind_count);
        if (!err) {
            s->worker_count++;
            aura__outbox_init(&sfu->out[i], s->workers[i]->inbox);
        }
    }
    for (size_t i = 0; !err && i < s->worker_count; i++) {
        aura__worker_connect(s->workers[i]);
    }
    if (!err) {
        err = aura__candidates_collect(sfu->base, &sfu->base_count, conf);
    }
    for (size_t i = 0; !err && i < s->worker_count; i++) {
        err = aura__worker_start(s->workers[i]);
    }
    return err;
}

int aura_sfu_new(struct aura_sfu **sfup, const struct aura_sfu_conf *conf, struct aura_loop *loop,
                 const struct aura_sfu_handlers *handlers, void *arg) {
    AURA_REQUIRE(sfup && conf && loop && handlers, AURA_EINVAL);
    struct aura_sfu *sfu = aura_zalloc(sizeof(*sfu));
    if (!sfu) {
        return AURA_ENOMEM;
    }
    sfu->loop = loop;
    sfu->handlers = *handlers;
    sfu->arg = arg;
    sfu->shared.conf = *conf;
    sfu->shared.conf.bind = sfu->shared.conf.advertise = NULL;
    sfu->shared.conf.bind_count = sfu->shared.conf.advertise_count = 0;
    defaults(&sfu->shared.conf);
    sfu->shared.clock = conf->clock ? conf->clock : aura_clock_system();
    sfu->shared.rand = conf->rand ? conf->rand : aura_rand_system();
    int err = aura_dtls_identity_new(&sfu->shared.identity);
    if (!err) {
        err = aura_ring_new(&sfu->shared.events, AURA_SFU_EVENT_SLOTS, sizeof(struct aura_msg));
    }
    if (!err) {
        err = aura_loop_add_fd(loop, &sfu->events_watch, aura_ring_fd(sfu->shared.events),
                               AURA_LOOP_READ, aura__sfu_events, sfu);
    }
    if (!err) {
        err = start_workers(sfu, conf);
    }
    if (err) {
        aura_sfu_free(sfu);
        return err;
    }
    *sfup = sfu;
    return 0;
}

static void discard_all(struct aura_ring *ring) {
    struct aura_msg m;
    while (ring && aura_ring_pop(ring, &m)) {
        aura__msg_discard(&m);
    }
}

struct aura_sfu *aura_sfu_free(struct aura_sfu *sfu) {
    if (!sfu) {
        return NULL;
    }
    struct aura_sfu_shared *s = &sfu->shared;
    aura_timer_stop(aura_loop_timers(sfu->loop), &sfu->flush_timer);
    aura_loop_remove_fd(&sfu->events_watch);
    for (size_t i = 0; i < s->worker_count; i++) {
        aura__worker_stop(s->workers[i]);
    }
    for (size_t i = 0; i < s->worker_count; i++) {
        discard_all(s->workers[i]->inbox);
        discard_all(s->workers[i]->media);
        aura__outbox_free(&sfu->out[i]);
    }
    discard_all(s->events);
    for (size_t i = 0; i < s->worker_count; i++) {
        s->workers[i] = aura__worker_free(s->workers[i]);
    }
    aura_ring_free(s->events);
    aura_dtls_identity_free(s->identity);
    aura_free(sfu);
    return NULL;
}

const struct aura_fingerprint *aura_sfu_fingerprint(const struct aura_sfu *sfu) {
    return aura_dtls_identity_fingerprint(sfu->shared.identity);
}

/* The worker with the fewest peers, counting those that it has not made yet. */
static unsigned least_loaded(struct aura_sfu *sfu, uint64_t *load) {
    unsigned best = 0;
    *load = UINT64_MAX;
    for (unsigned i = 0; i < sfu->shared.worker_count; i++) {
        uint64_t n = sfu->peers_made[i] -
                     atomic_load_explicit(&sfu->shared.workers[i]->counters.peers_closed,
                                          memory_order_relaxed);
        if (n < *load) {
            best = i;
            *load = n;
        }
    }
    return best;
}

void aura_sfu_credentials(struct aura_sfu *sfu, unsigned worker, char ufrag[AURA_ICE_UFRAG_LEN + 1],
                          char pwd[AURA_ICE_PWD_LEN + 1]) {
    aura_rand_text(sfu->shared.rand, ufrag, AURA_ICE_UFRAG_LEN);
    aura_rand_text(sfu->shared.rand, pwd, AURA_ICE_PWD_LEN);
    ufrag[0] = aura__ufrag_char(worker);
}

static bool credentials_ok(const char *ufrag, const char *pwd, unsigned worker) {
    return strlen(ufrag) == AURA_ICE_UFRAG_LEN && strlen(pwd) == AURA_ICE_PWD_LEN &&
           ufrag[0] == aura__ufrag_char(worker);
}

static int make_peer(struct aura_sfu *sfu, const struct aura_msg_peer *p, unsigned worker,
                     aura_peer_id *peer) {
    aura_peer_id id = new_id(sfu, worker);
    int err = tell_copy(sfu, AURA_MSG_PEER_NEW, id, p, sizeof(*p));
    if (!err) {
        sfu->peers_made[worker]++;
        *peer = id;
    }
    return err;
}

int aura_sfu_peer_new(struct aura_sfu *sfu, const struct aura_sfu_peer_conf *conf,
                      uint32_t affinity, aura_peer_id *peer, char ufrag[AURA_ICE_UFRAG_LEN + 1],
                      char pwd[AURA_ICE_PWD_LEN + 1]) {
    AURA_REQUIRE(sfu && conf && peer && ufrag && pwd, AURA_EINVAL);
    uint64_t load;
    unsigned worker = least_loaded(sfu, &load);
    if (affinity != UINT32_MAX) {
        worker = (unsigned)(affinity % sfu->shared.worker_count);
    }
    if (load >= AURA_SFU_PEERS_MAX) {
        return AURA_ELIMIT;
    }
    struct aura_msg_peer p = {.conf = *conf};
    aura_sfu_credentials(sfu, worker, p.ufrag, p.pwd);
    int err = make_peer(sfu, &p, worker, peer);
    if (!err) {
        memcpy(ufrag, p.ufrag, sizeof(p.ufrag));
        memcpy(pwd, p.pwd, sizeof(p.pwd));
    }
    aura_wipe(&p, sizeof(p));
    return err;
}

int aura_sfu_peer_new_as(struct aura_sfu *sfu, const struct aura_sfu_peer_conf *conf,
                         uint32_t affinity, const char *ufrag, const char *pwd,
                         aura_peer_id *peer) {
    AURA_REQUIRE(sfu && conf && peer && ufrag && pwd, AURA_EINVAL);
    uint64_t load;
    (void)least_loaded(sfu, &load);
    if (load >= AURA_SFU_PEERS_MAX) {
        return AURA_ELIMIT;
    }
    if (affinity >= sfu->shared.worker_count || !credentials_ok(ufrag, pwd, affinity)) {
        return AURA_EINVAL;
    }
    struct aura_msg_peer p = {.conf = *conf};
    memcpy(p.ufrag, ufrag, AURA_ICE_UFRAG_LEN);
    memcpy(p.pwd, pwd, AURA_ICE_PWD_LEN);
    int err = make_peer(sfu, &p, affinity, peer);
    aura_wipe(&p, sizeof(p));
    return err;
}

uint32_t aura_sfu_peer_affinity(aura_peer_id peer) {
    return (uint32_t)(peer & 0xff);
}

size_t aura_sfu_peer_candidates(const struct aura_sfu *sfu, aura_peer_id peer,
                                struct aura_sfu_candidate out[AURA_SFU_CANDIDATES_MAX]) {
    unsigned worker = worker_of(peer);
    if (worker >= sfu->shared.worker_count) {
        return 0;
    }
    return aura__candidates_of(sfu->shared.workers[worker], sfu->shared.workers[0], sfu->base,
                               sfu->base_count, out);
}

int aura_sfu_peer_set_remote(struct aura_sfu *sfu, aura_peer_id peer,
                             const struct aura_pc_remote *remote) {
    AURA_REQUIRE(sfu && remote && remote->ufrag && remote->pwd, AURA_EINVAL);
    if (strlen(remote->ufrag) > AURA_ICE_UFRAG_MAX || strlen(remote->pwd) > AURA_ICE_PWD_MAX ||
        remote->fingerprint_count > AURA_DTLS_FINGERPRINTS_MAX) {
        return AURA_EINVAL;
    }
    struct aura_msg_remote *copy = aura_zalloc(sizeof(*copy));
    if (!copy) {
        return AURA_ENOMEM;
    }
    copy->remote = *remote;
    memcpy(copy->ufrag, remote->ufrag, strlen(remote->ufrag));
    memcpy(copy->pwd, remote->pwd, strlen(remote->pwd));
    for (size_t i = 0; i < remote->fingerprint_count; i++) {
        copy->fingerprints[i] = remote->fingerprints[i];
    }
    copy->remote.ufrag = copy->ufrag;
    copy->remote.pwd = copy->pwd;
    copy->remote.fingerprints = copy->fingerprints;
    if (remote->dial) {
        copy->dial = *remote->dial;
        copy->remote.dial = &copy->dial;
    }
    struct aura_msg m = {.type = AURA_MSG_PEER_REMOTE, .id = peer, .ptr = copy};
    return tell(sfu, &m);
}

int aura_sfu_peer_restart_as(struct aura_sfu *sfu, aura_peer_id peer, const char *ufrag,
                             const char *pwd) {
    AURA_REQUIRE(sfu && ufrag && pwd, AURA_EINVAL);
    if (!credentials_ok(ufrag, pwd, worker_of(peer))) {
        return AURA_EINVAL;
    }
    struct aura_msg_peer p = {.conf = {.offerer = false}};
    memcpy(p.ufrag, ufrag, AURA_ICE_UFRAG_LEN);
    memcpy(p.pwd, pwd, AURA_ICE_PWD_LEN);
    int err = tell_copy(sfu, AURA_MSG_PEER_RESTART, peer, &p, sizeof(p));
    aura_wipe(&p, sizeof(p));
    return err;
}

int aura_sfu_peer_restart_ice(struct aura_sfu *sfu, aura_peer_id peer,
                              char ufrag[AURA_ICE_UFRAG_LEN + 1], char pwd[AURA_ICE_PWD_LEN + 1]) {
    AURA_REQUIRE(sfu && ufrag && pwd, AURA_EINVAL);
    aura_sfu_credentials(sfu, worker_of(peer), ufrag, pwd);
    return aura_sfu_peer_restart_as(sfu, peer, ufrag, pwd);
}

void aura_sfu_peer_close(struct aura_sfu *sfu, aura_peer_id peer) {
    tell_void(sfu, (struct aura_msg){.type = AURA_MSG_PEER_CLOSE, .id = peer});
}

static bool pub_conf_ok(const struct aura_sfu_pub_conf *conf) {
    return conf->stream_count <= AURA_MEDIA_LAYERS_MAX &&
           conf->media.codec_count <= AURA_MEDIA_CODECS_MAX;
}

int aura_sfu_pub_new(struct aura_sfu *sfu, const struct aura_sfu_pub_conf *conf, aura_pub_id *pub) {
    AURA_REQUIRE(sfu && conf && pub && pub_conf_ok(conf), AURA_EINVAL);
    aura_pub_id id = new_id(sfu, worker_of(conf->peer));
    int err = tell_copy(sfu, AURA_MSG_PUB_NEW, id, conf, sizeof(*conf));
    if (!err) {
        *pub = id;
    }
    return err;
}

int aura_sfu_pub_update(struct aura_sfu *sfu, aura_pub_id pub,
                        const struct aura_sfu_pub_conf *conf) {
    AURA_REQUIRE(sfu && conf && pub_conf_ok(conf), AURA_EINVAL);
    return tell_copy(sfu, AURA_MSG_PUB_UPDATE, pub, conf, sizeof(*conf));
}

void aura_sfu_pub_set_muted(struct aura_sfu *sfu, aura_pub_id pub, bool muted) {
    tell_void(sfu, (struct aura_msg){.type = AURA_MSG_PUB_MUTED, .id = pub, .a = muted});
}

void aura_sfu_pub_set_hushed(struct aura_sfu *sfu, aura_pub_id pub, bool hushed) {
    tell_void(sfu, (struct aura_msg){.type = AURA_MSG_PUB_HUSHED, .id = pub, .a = hushed});
}

void aura_sfu_pub_close(struct aura_sfu *sfu, aura_pub_id pub) {
    tell_void(sfu, (struct aura_msg){.type = AURA_MSG_PUB_CLOSE, .id = pub});
}

int aura_sfu_sub_new(struct aura_sfu *sfu, const struct aura_sfu_sub_conf *conf,
                     const struct aura_sfu_sub_settings *settings, aura_sub_id *sub) {
    AURA_REQUIRE(sfu && conf && settings && sub, AURA_EINVAL);
    if (conf->media.codec_count > AURA_MEDIA_CODECS_MAX || conf->ssrc == 0) {
        return AURA_EINVAL;
    }
    struct aura_msg_sub copy = {.conf = *conf, .settings = *settings};
    copy.conf.cname[sizeof(copy.conf.cname) - 1] = '\0';
    aura_sub_id id = new_id(sfu, worker_of(conf->peer));
    int err = tell_copy(sfu, AURA_MSG_SUB_NEW, id, &copy, sizeof(copy));
    if (!err) {
        *sub = id;
    }
    return err;
}

void aura_sfu_sub_set(struct aura_sfu *sfu, aura_sub_id sub,
                      const struct aura_sfu_sub_settings *settings) {
    tell_void(sfu, (struct aura_msg){.type = AURA_MSG_SUB_SET, .id = sub, .settings = *settings});
}

void aura_sfu_sub_move(struct aura_sfu *sfu, aura_sub_id sub, aura_pub_id pub,
                       const struct aura_sfu_sub_settings *settings) {
    tell_void(sfu, (struct aura_msg){
                       .type = AURA_MSG_SUB_MOVE, .id = sub, .v = pub, .settings = *settings});
}

void aura_sfu_sub_close(struct aura_sfu *sfu, aura_sub_id sub) {
    tell_void(sfu, (struct aura_msg){.type = AURA_MSG_SUB_CLOSE, .id = sub});
}

void aura_sfu_poll_stats(struct aura_sfu *sfu) {
    for (unsigned i = 0; i < sfu->shared.worker_count; i++) {
        struct aura_msg m = {.type = AURA_MSG_POLL_STATS, .id = i};
        if (tell(sfu, &m)) {
            sfu->lost_messages++;
        }
    }
}

static int data_to_worker(struct aura_sfu *sfu, unsigned worker, const aura_peer_id *peers,
                          size_t count, enum aura_data_channel channel, struct aura_blob *blob) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        n += worker_of(peers[i]) == worker;
    }
    if (n == 0) {
        return 0;
    }
    struct aura_msg_data *d = aura_zalloc(sizeof(*d) + n * sizeof(d->peers[0]));
    if (!d) {
        return AURA_ENOMEM;
    }
    d->blob = aura__blob_ref(blob);
    d->channel = channel;
    for (size_t i = 0; i < count; i++) {
        if (worker_of(peers[i]) == worker) {
            d->peers[d->count++] = peers[i];
        }
    }
    struct aura_msg m = {.type = AURA_MSG_DATA, .id = worker, .ptr = d};
    return tell(sfu, &m);
}

int aura_sfu_data_send(struct aura_sfu *sfu, const aura_peer_id *peers, size_t count,
                       enum aura_data_channel channel, const uint8_t *data, size_t len) {
    AURA_REQUIRE(sfu && (peers || !count) && (data || !len), AURA_EINVAL);
    if (len > AURA_SFU_MESSAGE_BYTES) {
        return AURA_ELIMIT;
    }
    struct aura_blob *blob = aura__blob_new(data, len);
    if (!blob) {
        return AURA_ENOMEM;
    }
    int err = 0;
    for (unsigned i = 0; i < sfu->shared.worker_count; i++) {
        int one = data_to_worker(sfu, i, peers, count, channel, blob);
        err = err ? err : one;
    }
    aura__blob_unref(blob);
    return err;
}

size_t aura_sfu_udp_ports(const struct aura_sfu *sfu, uint16_t *out, size_t max) {
    size_t n = 0;
    for (size_t i = 0; i < sfu->shared.worker_count && n < max; i++) {
        const struct aura_worker *w = sfu->shared.workers[i];
        if (w->socket_count) {
            out[n++] = aura_udp_local(w->sockets[0].udp)->port;
        }
    }
    return n;
}
