/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/peer.h"

#include "base/mem.h"
#include "base/prefetch.h"
#include "sfu/downlink.h"
#include "sfu/dump.h"
#include "sfu/published.h"
#include "sfu/subscribed.h"
#include "transport/pc.h"

#include <string.h>

static void on_send(void *arg, const struct aura_path *path, const uint8_t *data, size_t len) {
    struct aura_peer *peer = arg;
    struct aura_sfu_path *to = aura__path_find(peer->worker, path);
    if (to && to->peer == peer) {
        aura__path_send(peer->worker, to, data, len);
    }
}

static void on_path(void *arg, const struct aura_path *path) {
    struct aura_peer *peer = arg;
    struct aura_sfu_path *to = aura__path_find(peer->worker, path);
    if (to && to->peer == peer) {
        bool moved = peer->out && peer->out != to;
        peer->out = to;
        if (moved) {
            aura__downlink_path_changed(peer);
        }
    }
}

static void on_state(void *arg, enum aura_pc_state state) {
    struct aura_peer *peer = arg;
    bool was = peer->connected;
    /* A short silence does not stop media; only the end of consent does (RFC 7675). */
    peer->connected = state == AURA_PC_CONNECTED || state == AURA_PC_DISCONNECTED;
    struct aura_msg m = {.type = AURA_MSG_PEER_STATE, .id = peer->id, .a = (uint8_t)state};
    aura__worker_tell(peer->worker, &m);
    if (peer->connected && !was) {
        AURA_LIST_EACH(&peer->subs, struct aura_subscribed, sub, peer_node) {
            aura__subscribed_begin(sub);
        }
        AURA_LIST_EACH(&peer->pubs, struct aura_published, pub, peer_node) {
            aura__published_begin(pub);
        }
    }
}

static void dump(const struct aura_peer *peer, bool out, const uint8_t *data, size_t len) {
    const struct aura_sfu_path *path = peer->out;
    if (path) {
        const struct aura_addr *own = &path->local, *other = &path->path.remote;
        aura_dump_packet(peer->worker->shared->conf.dump, peer->worker->index, out ? own : other,
                         out ? other : own, data, len);
    }
}

static void on_rtp(void *arg, uint8_t *packet, size_t len) {
    const struct aura_peer *peer = arg;
    if (peer->dump) {
        dump(peer, false, packet, len);
    }
    aura__published_receive(arg, packet, len);
}

static void on_rtcp(void *arg, uint8_t *packet, size_t len) {
    const struct aura_peer *peer = arg;
    if (peer->dump) {
        dump(peer, false, packet, len);
    }
    aura__rtcp_receive(arg, packet, len);
}

static void on_data_open(void *arg, enum aura_data_channel channel) {
    struct aura_peer *peer = arg;
    struct aura_msg m = {.type = AURA_MSG_DATA_OPEN, .id = peer->id, .a = (uint8_t)channel};
    aura__worker_tell(peer->worker, &m);
    aura__peer_data_flush(peer);
}

/* Counted until the control thread has handled it: a flood of data must not fill the memory. */
static bool count_waiting(struct aura_worker *w, enum aura_data_channel channel, size_t bytes) {
    _Atomic uint64_t *waiting = &w->shared->data_waiting;
    uint64_t limit = channel == AURA_DATA_RELIABLE ? AURA_SFU_DATA_WAITING : AURA_SFU_LOSSY_WAITING;
    if (atomic_load_explicit(waiting, memory_order_relaxed) + bytes > limit) {
        return false;
    }
    atomic_fetch_add_explicit(waiting, bytes, memory_order_relaxed);
    return true;
}

static void on_data(void *arg, enum aura_data_channel channel, const uint8_t *data, size_t len) {
    struct aura_peer *peer = arg;
    struct aura_worker *w = peer->worker;
    struct aura_msg_bytes *bytes = aura_zalloc(sizeof(*bytes) + len);
    if (!bytes || !count_waiting(w, channel, sizeof(*bytes) + len)) {
        aura_free(bytes);
        aura__drop(w, AURA_DROP_DATA_SLOW);
        return;
    }
    bytes->len = len;
    if (len) {
        memcpy(bytes->data, data, len);
    }
    aura__count(&w->counters.data_in, 1);
    struct aura_msg m = {
        .type = AURA_MSG_DATA_IN, .id = peer->id, .a = (uint8_t)channel, .ptr = bytes};
    aura__worker_tell(w, &m);
}

static void on_data_drained(void *arg, enum aura_data_channel channel) {
    if (channel == AURA_DATA_RELIABLE) {
        aura__peer_data_flush(arg);
    }
}

static void on_dropped(void *arg, int why) {
    struct aura_peer *peer = arg;
    aura__drop(peer->worker, why == AURA_EAUTH    ? AURA_DROP_SRTP_AUTH
                             : why == AURA_ESTALE ? AURA_DROP_SRTP_REPLAY
                             : why == AURA_ELIMIT ? AURA_DROP_LIMIT
                             : why == AURA_ESTATE ? AURA_DROP_BAD_DTLS
                                                  : AURA_DROP_BAD_RTP);
}

static const struct aura_pc_handlers handlers = {
    .dropped = on_dropped,
    .send = on_send,
    .state = on_state,
    .path = on_path,
    .rtp = on_rtp,
    .rtcp = on_rtcp,
    .data_open = on_data_open,
    .data = on_data,
    .data_drained = on_data_drained,
};

static void peer_free(struct aura_peer *peer) {
    struct aura_worker *w = peer->worker;
    aura__peer_data_free(peer);
    aura_unref(peer->pc);
    aura_map_free(peer->remote);
    aura_map_free(peer->local);
    aura_wipe(peer->pwd, sizeof(peer->pwd));
    aura_wipe(peer->old_pwd, sizeof(peer->old_pwd));
    aura__count(&w->counters.peers_closed, 1);
    aura__count(&w->counters.peers, (uint64_t)-1);
    aura_free(peer);
}

static int peer_register(struct aura_peer *peer) {
    struct aura_worker *w = peer->worker;
    int err = aura_map_put_u64(w->peers, peer->id, peer);
    if (!err) {
        err = aura_map_put_str(w->ufrags, peer->ufrag, peer);
        if (err) {
            aura_map_del_u64(w->peers, peer->id);
        }
    }
    return err;
}

int aura__peer_new(struct aura_worker *w, aura_peer_id id, const struct aura_msg_peer *conf) {
    struct aura_peer *peer = aura_zalloc(sizeof(*peer));
    if (!peer) {
        aura__count(&w->counters.peers_closed, 1);
        return AURA_ENOMEM;
    }
    aura__count(&w->counters.peers, 1);
    peer->id = id;
    peer->worker = w;
    aura_list_init(&peer->paths);
    aura_list_init(&peer->pubs);
    aura_list_init(&peer->subs);
    peer->about = conf->conf.about;
    peer->dump = conf->conf.dump && w->shared->conf.dump;
    peer->police.bps = UINT64_C(1000) * conf->conf.ceiling_kbps;
    peer->pending_end = &peer->pending;
    memcpy(peer->ufrag, conf->ufrag, sizeof(peer->ufrag));
    memcpy(peer->pwd, conf->pwd, sizeof(peer->pwd));
    peer->rtcp_ssrc = aura_rand_u32(w->shared->rand) | 1;
    peer->twcc_next = (uint16_t)aura_rand_below(w->shared->rand, 0x8000);
    struct aura_pc_conf pc = {
        .local_ufrag = peer->ufrag,
        .local_pwd = peer->pwd,
        .identity = w->shared->identity,
        .timers = aura_loop_timers(w->loop),
        .rand = w->shared->rand,
        .offerer = conf->conf.offerer,
        .open_data_channels = conf->conf.open_data_channels,
        .negotiated_channels = conf->conf.negotiated_channels,
        .max_message_bytes = AURA_SFU_MESSAGE_BYTES,
        .patience_ms = conf->conf.node ? AURA_SFU_NODE_PATIENCE_MS : 0,
    };
    int err = aura_map_new(&peer->remote, AURA_SFU_PEER_SSRCS_MAX);
    err = err ? err : aura_map_new(&peer->local, (size_t)AURA_SFU_PEER_SUBS_MAX * 2);
    err = err ? err : aura_pc_new(&peer->pc, &pc, &handlers, peer);
    err = err ? err : peer_register(peer);
    if (err) {
        if (peer->pc) {
            aura_pc_close(peer->pc);
        }
        peer_free(peer);
    }
    return err;
}

struct aura_peer *aura__peer_find(const struct aura_worker *w, aura_peer_id id) {
    return aura_map_get_u64(w->peers, id);
}

void aura__peer_close(struct aura_peer *peer) {
    struct aura_worker *w = peer->worker;
    while (!aura_list_empty(&peer->subs)) {
        aura__subscribed_free(AURA_LIST_FIRST(&peer->subs, struct aura_subscribed, peer_node));
    }
    while (!aura_list_empty(&peer->pubs)) {
        aura__published_free(AURA_LIST_FIRST(&peer->pubs, struct aura_published, peer_node));
    }
    aura__rtcp_stop(peer);
    aura__downlink_free(peer);
    aura_pc_close(peer->pc); /* still sends: paths and sockets must be there */
    aura_map_del_u64(w->peers, peer->id);
    aura_map_del_str(w->ufrags, peer->ufrag);
    if (peer->old_ufrag[0]) {
        aura_map_del_str(w->ufrags, peer->old_ufrag);
    }
    while (!aura_list_empty(&peer->paths)) {
        aura__path_free(w, AURA_LIST_FIRST(&peer->paths, struct aura_sfu_path, node));
    }
    peer_free(peer);
}

void aura__peer_restart(struct aura_peer *peer, const struct aura_msg_peer *conf) {
    struct aura_worker *w = peer->worker;
    if (aura_map_put_str(w->ufrags, conf->ufrag, peer)) {
        aura__drop(w, AURA_DROP_LIMIT);
        return;
    }
    if (aura_pc_restart_ice(peer->pc, conf->ufrag, conf->pwd)) {
        aura_map_del_str(w->ufrags, conf->ufrag);
        return;
    }
    if (peer->old_ufrag[0]) {
        aura_map_del_str(w->ufrags, peer->old_ufrag);
    }
    memcpy(peer->old_ufrag, peer->ufrag, sizeof(peer->ufrag));
    memcpy(peer->old_pwd, peer->pwd, sizeof(peer->pwd));
    memcpy(peer->ufrag, conf->ufrag, sizeof(peer->ufrag));
    memcpy(peer->pwd, conf->pwd, sizeof(peer->pwd));
}

void aura__peer_set_remote(struct aura_peer *peer, const struct aura_pc_remote *remote) {
    int err = remote->dial ? aura__path_dial(peer, remote->dial) : 0;
    err = err ? err : aura_pc_set_remote(peer->pc, remote);
    if (err) {
        /* The description cannot work with this connection: the room has to give it up. */
        struct aura_msg m = {
            .type = AURA_MSG_PEER_STATE, .id = peer->id, .a = (uint8_t)AURA_PC_FAILED};
        aura__worker_tell(peer->worker, &m);
    }
}

void aura__peer_recv(struct aura_peer *peer, const struct aura_sfu_path *path, uint8_t *data,
                     size_t len) {
    /* The entry may go while the peer works on the datagram: hand out a copy. */
    struct aura_path copy = path->path;
    aura_pc_recv(peer->pc, &copy, data, len);
}

void aura__peer_path_gone(struct aura_peer *peer, const struct aura_sfu_path *path) {
    if (peer->out == path) {
        peer->out = NULL;
    }
}

void aura__peer_prefetch(const struct aura_peer *peer) {
    aura_prefetch(peer->out, sizeof(*peer->out));
    aura_pc_prefetch(peer->pc);
    aura_prefetch(peer->down, sizeof(*peer->down));
}

uint8_t *aura__peer_reserve(struct aura_peer *peer, size_t cap) {
    struct aura_worker *w = peer->worker;
    if (!peer->out || !peer->connected) {
        aura__drop(w, AURA_DROP_NO_CONSENT);
        return NULL;
    }
    if (!peer->out->udp) {
        return cap <= sizeof(w->scratch) ? w->scratch : NULL;
    }
    return aura_udp_reserve(peer->out->udp, cap);
}

static void commit(struct aura_peer *peer, const uint8_t *data, size_t len) {
    struct aura_worker *w = peer->worker;
    struct aura_sfu_path *to = peer->out;
    if (to->udp) {
        aura_udp_commit(to->udp, len, &to->path.remote, &to->local);
    } else if (aura_tcp_send(to->conn->tcp, data, len)) {
        aura__drop(w, AURA_DROP_SEND_QUEUE);
        return;
    }
    aura__count(&w->counters.packets_out, 1);
    aura__count(&w->counters.bytes_out, len);
}

int aura__peer_commit_rtp(struct aura_peer *peer, uint8_t *data, size_t len, size_t cap) {
    if (peer->dump) {
        dump(peer, true, data, len);
    }
    int err = aura_pc_protect_rtp(peer->pc, data, &len, cap);
    if (err) {
        aura__drop(peer->worker, err == AURA_ESTATE ? AURA_DROP_NO_CONSENT : AURA_DROP_LIMIT);
        return err;
    }
    commit(peer, data, len);
    return 0;
}

void aura__peer_send_rtcp(struct aura_peer *peer, const uint8_t *data, size_t len) {
    size_t cap = len + AURA_SRTP_TAIL;
    uint8_t *out = aura__peer_reserve(peer, cap);
    if (!out) {
        return;
    }
    memcpy(out, data, len);
    if (peer->dump) {
        dump(peer, true, data, len);
    }
    if (aura_pc_protect_rtcp(peer->pc, out, &len, cap)) {
        aura__drop(peer->worker, AURA_DROP_NO_CONSENT);
        return;
    }
    commit(peer, out, len);
}
