/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/demux.h"

#include "base/mem.h"
#include "sfu/candidates.h"
#include "sfu/handover.h"
#include "sfu/peer.h"
#include "transport/stun.h"

#include <string.h>

/* The socket side of a datagram: where an answer to it would leave. */
struct origin {
    struct aura_udp *udp;
    struct aura_sfu_conn *conn;
    struct aura_addr local;
    uint8_t via;
};

struct aura_sfu_path *aura__path_find(const struct aura_worker *w, const struct aura_path *path) {
    return aura_map_get(w->paths, path, sizeof(*path));
}

void aura__path_free(struct aura_worker *w, struct aura_sfu_path *path) {
    aura__peer_path_gone(path->peer, path);
    aura__handover_tell(w, path, false);
    aura_map_del(w->paths, &path->path, sizeof(path->path));
    aura_node_remove(&path->node);
    path->peer->path_count--;
    aura_free(path);
}

/* A peer's oldest 5-tuple that it does not send media on makes room for a new one. */
static void evict_path(struct aura_worker *w, struct aura_peer *peer) {
    AURA_LIST_EACH(&peer->paths, struct aura_sfu_path, path, node) {
        if (path != peer->out) {
            aura__path_free(w, path);
            return;
        }
    }
}

static struct aura_sfu_path *add_path(struct aura_worker *w, struct aura_peer *peer,
                                      const struct aura_path *path, const struct origin *origin) {
    if (peer->path_count >= AURA_SFU_PEER_PATHS_MAX) {
        evict_path(w, peer);
    }
    struct aura_sfu_path *p = aura_zalloc(sizeof(*p));
    if (!p) {
        return NULL;
    }
    p->path = *path;
    p->peer = peer;
    p->udp = origin->udp;
    p->conn = origin->conn;
    p->local = origin->local;
    if (aura_map_put(w->paths, &p->path, sizeof(p->path), p)) {
        aura_free(p);
        return NULL;
    }
    aura_list_add(&peer->paths, &p->node);
    peer->path_count++;
    p->via = origin->via;
    aura__handover_tell(w, p, true);
    return p;
}

int aura__path_dial(struct aura_peer *peer, const struct aura_addr *to) {
    struct aura_worker *w = peer->worker;
    const struct aura_path path = {.remote = *to};
    /* Answers may come to any worker's socket where all have one port. */
    struct origin origin = {.udp = NULL, .via = w->shared->conf.single_port ? AURA_VIA_ALL : 0};
    if (aura__path_find(w, &path)) {
        return 0;
    }
    for (size_t i = 0; i < w->socket_count && !origin.udp; i++) {
        bool fits = aura_udp_local(w->sockets[i].udp)->family == to->family;
        origin.udp = fits ? w->sockets[i].udp : NULL;
    }
    if (!origin.udp) {
        return AURA_ENOENT;
    }
    return add_path(w, peer, &path, &origin) ? 0 : AURA_ENOMEM;
}

enum { STUN_COOKIE = 0x2112a442 };

/* RFC 7983: STUN's first byte is 0..3; RFC 8489: and it carries a magic cookie. */
bool aura__demux_is_stun(const uint8_t *data, size_t len) {
    return len >= AURA_STUN_HEADER && data[0] < 4 && aura_get_u32(data + 4) == STUN_COOKIE;
}

/* The peer that a check names: USERNAME is "our ufrag:their ufrag" (RFC 8445 section 7.2.2). */
static struct aura_peer *peer_of_check(struct aura_worker *w, const uint8_t *data, size_t len,
                                       enum aura_sfu_drop *why) {
    const char *ufrag = NULL;
    size_t ufrag_len = 0;
    if (aura_stun_peek_ufrag(data, len, &ufrag, &ufrag_len)) {
        *why = AURA_DROP_BAD_STUN;
        return NULL;
    }
    *why = AURA_DROP_UNKNOWN_PEER;
    return ufrag_len ? aura_map_get(w->ufrags, ufrag, ufrag_len) : NULL;
}

/* Only a check that knows the password may bind a 5-tuple to a peer: the sender's address proves
 * nothing, and another peer's 5-tuple must not be taken from it by a forged one. */
static bool authentic(const struct aura_peer *peer, const uint8_t *data, size_t len) {
    struct aura_stun_msg m;
    if (aura_stun_parse(&m, data, len)) {
        return false;
    }
    return aura_stun_check_integrity(&m, peer->pwd) == 0 ||
           (peer->old_pwd[0] && aura_stun_check_integrity(&m, peer->old_pwd) == 0);
}

/* The entry of a 5-tuple on which a check came; NULL if the check must be dropped. */
static struct aura_sfu_path *path_of_check(struct aura_worker *w, struct aura_sfu_path *known,
                                           const struct aura_path *path,
                                           const struct origin *origin, const uint8_t *data,
                                           size_t len) {
    enum aura_sfu_drop why = AURA_DROP_UNKNOWN_PEER;
    struct aura_peer *peer = peer_of_check(w, data, len, &why);
    if (known && (!peer || peer == known->peer)) {
        return known; /* an indication or a response has no USERNAME */
    }
    if (!peer) {
        aura__drop(w, why);
        return NULL;
    }
    if (!authentic(peer, data, len)) {
        aura__drop(w, AURA_DROP_BAD_STUN);
        return NULL;
    }
    if (known) {
        aura__path_free(w, known); /* another peer of the same client: the port was reused */
    }
    struct aura_sfu_path *fresh = add_path(w, peer, path, origin);
    if (!fresh) {
        aura__drop(w, AURA_DROP_LIMIT);
    }
    return fresh;
}

static void demux(struct aura_worker *w, const struct aura_path *path, const struct origin *origin,
                  uint8_t *data, size_t len) {
    struct aura_sfu_path *known = aura__path_find(w, path);
    aura__count(&w->counters.packets_in, 1);
    aura__count(&w->counters.bytes_in, len);
    if (aura__demux_is_stun(data, len)) {
        known = path_of_check(w, known, path, origin, data, len);
        if (!known) {
            return;
        }
    } else if (!known) {
        aura__drop(w, AURA_DROP_UNKNOWN_PEER);
        return;
    }
    known->local = origin->local;
    aura__peer_recv(known->peer, known, data, len);
}

void aura__demux_datagram(struct aura_sfu_socket *socket, const struct aura_udp_packet *packet,
                          uint8_t via) {
    struct aura_path path = {.remote = packet->remote, .tcp = 0};
    struct origin origin = {.udp = socket->udp, .local = packet->local, .via = via};
    demux(socket->worker, &path, &origin, packet->data, packet->len);
}

void aura__demux_udp(struct aura_sfu_socket *socket, const struct aura_udp_packet *packet) {
    if (!socket->worker->shared->conf.single_port || !aura__handover(socket, packet)) {
        aura__demux_datagram(socket, packet, 0);
    }
}

static struct aura_path conn_path(const struct aura_sfu_conn *conn) {
    return (struct aura_path){.remote = conn->remote, .tcp = conn->id};
}

static void tcp_frame(void *arg, struct aura_tcp *tcp, uint8_t *data, size_t len) {
    struct aura_sfu_conn *conn = arg;
    struct aura_path path = conn_path(conn);
    struct origin origin = {.conn = conn, .local = *aura_tcp_local(tcp)};
    demux(conn->worker, &path, &origin, data, len);
}

static void conn_forget(struct aura_sfu_conn *conn) {
    struct aura_worker *w = conn->worker;
    struct aura_path path = conn_path(conn);
    struct aura_sfu_path *known = aura__path_find(w, &path);
    if (known) {
        aura__path_free(w, known);
    }
    aura_map_del_u64(w->conns, conn->id);
    aura_free(conn);
}

static void tcp_closed(void *arg, struct aura_tcp *tcp, int why) {
    (void)tcp;
    (void)why;
    conn_forget(arg);
}

static const struct aura_tcp_handlers conn_handlers = {.frame = tcp_frame, .closed = tcp_closed};

void aura__demux_tcp_adopt(struct aura_worker *w, struct aura_tcp *tcp) {
    struct aura_sfu_conn *conn = aura_zalloc(sizeof(*conn));
    if (!conn) {
        goto fail;
    }
    conn->worker = w;
    conn->tcp = tcp;
    conn->remote = *aura_tcp_remote(tcp);
    do {
        conn->id = ++w->next_conn;
    } while (conn->id == 0 || aura_map_get_u64(w->conns, conn->id));
    if (aura_map_put_u64(w->conns, conn->id, conn)) {
        goto fail;
    }
    if (aura_tcp_attach(tcp, w->loop, &conn_handlers, conn)) {
        aura_map_del_u64(w->conns, conn->id);
        goto fail;
    }
    return;
fail:
    aura__drop(w, AURA_DROP_LIMIT);
    aura_free(conn);
    aura_tcp_close(tcp);
}

void aura__demux_tcp_close_all(struct aura_worker *w) {
    size_t it = 0;
    struct aura_sfu_conn *conn;
    while ((conn = aura_map_next(w->conns, &it)) != NULL) {
        struct aura_tcp *tcp = conn->tcp;
        conn_forget(conn);
        aura_tcp_close(tcp);
    }
}

/* The first frame must be a check (RFC 6544 section 10.1); its ufrag's first character names the
 * worker. */
static void tcp_first_frame(void *arg, struct aura_tcp *tcp, uint8_t *data, size_t len) {
    struct aura_worker *w = arg;
    const char *ufrag = NULL;
    size_t ufrag_len = 0;
    if (!aura__demux_is_stun(data, len) || aura_stun_peek_ufrag(data, len, &ufrag, &ufrag_len) ||
        ufrag_len == 0) {
        aura__drop(w, AURA_DROP_BAD_STUN);
        aura_tcp_close(tcp);
        return;
    }
    int owner = aura__ufrag_worker(ufrag[0]);
    if (owner < 0 || (size_t)owner >= w->shared->worker_count) {
        aura__drop(w, AURA_DROP_UNKNOWN_PEER);
        aura_tcp_close(tcp);
        return;
    }
    aura_tcp_detach(tcp);
    if ((unsigned)owner == w->index) {
        aura__demux_tcp_adopt(w, tcp);
        return;
    }
    struct aura_msg m = {.type = AURA_MSG_TCP, .ptr = tcp};
    aura__worker_tell_worker(w, (unsigned)owner, &m);
}

static void tcp_first_closed(void *arg, struct aura_tcp *tcp, int why) {
    (void)arg;
    (void)tcp;
    (void)why;
}

const struct aura_tcp_handlers aura__demux_tcp_first = {.frame = tcp_first_frame,
                                                        .closed = tcp_first_closed};

void aura__path_send(struct aura_worker *w, struct aura_sfu_path *path, const uint8_t *data,
                     size_t len) {
    int err;
    if (path->udp) {
        err = aura_udp_send(path->udp, data, len, &path->path.remote, &path->local);
    } else {
        err = aura_tcp_send(path->conn->tcp, data, len);
    }
    if (err) {
        aura__drop(w, AURA_DROP_SEND_QUEUE);
        return;
    }
    aura__count(&w->counters.packets_out, 1);
    aura__count(&w->counters.bytes_out, len);
}
