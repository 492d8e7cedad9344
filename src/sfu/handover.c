/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/handover.h"

#include "base/mem.h"
#include "sfu/candidates.h"
#include "transport/stun.h"

#include <string.h>

/* In front of a datagram on its way between workers. */
struct envelope {
    struct aura_addr remote, local;
};

static int owner_of(const struct aura_worker *w, const struct aura_udp_packet *packet) {
    const char *ufrag = NULL;
    size_t len = 0;
    if (aura__demux_is_stun(packet->data, packet->len) &&
        aura_stun_peek_ufrag(packet->data, packet->len, &ufrag, &len) == 0 && len) {
        int owner = aura__ufrag_worker(ufrag[0]);
        return owner >= 0 && (size_t)owner < w->shared->worker_count ? owner : (int)w->index;
    }
    const struct aura_path path = {.remote = packet->remote, .tcp = 0};
    if (aura__path_find(w, &path)) {
        return (int)w->index;
    }
    uintptr_t route = (uintptr_t)aura_map_get(w->routes, &packet->remote, sizeof(packet->remote));
    return route ? (int)route - 1 : (int)w->index;
}

bool aura__handover(struct aura_sfu_socket *socket, const struct aura_udp_packet *packet) {
    struct aura_worker *w = socket->worker;
    int owner = owner_of(w, packet);
    if ((unsigned)owner == w->index) {
        return false;
    }
    const struct envelope head = {packet->remote, packet->local};
    struct aura_packet *copy = aura__packet_new(w->pool, sizeof(head) + packet->len);
    if (!copy) {
        aura__drop(w, AURA_DROP_LIMIT);
        return true;
    }
    memcpy(copy->data, &head, sizeof(head));
    memcpy(copy->data + sizeof(head), packet->data, packet->len);
    copy->len = (uint16_t)(sizeof(head) + packet->len);
    struct aura_msg m = {
        .type = AURA_MSG_DATAGRAM, .a = (uint8_t)(socket - w->sockets), .n = w->index, .ptr = copy};
    aura__worker_share(w, (unsigned)owner, &m);
    aura__count(&w->counters.handed_over, 1);
    aura__packet_unref(copy, w->pool);
    return true;
}

void aura__handover_receive(struct aura_worker *w, const struct aura_msg *m) {
    struct aura_packet *copy = m->ptr;
    struct envelope head;
    if (m->a >= w->socket_count || copy->len < sizeof(head)) {
        return;
    }
    memcpy(&head, copy->data, sizeof(head));
    const struct aura_udp_packet packet = {.data = copy->data + sizeof(head),
                                           .len = copy->len - sizeof(head),
                                           .remote = head.remote,
                                           .local = head.local};
    aura__demux_datagram(&w->sockets[m->a], &packet, (uint8_t)(m->n + 1));
}

static void tell(struct aura_worker *w, unsigned to, const struct aura_sfu_path *path, bool comes) {
    struct aura_addr *remote = aura_zalloc(sizeof(*remote));
    if (!remote) {
        aura__drop(w, AURA_DROP_LIMIT);
        return;
    }
    *remote = path->path.remote;
    struct aura_msg m = {.type = AURA_MSG_ROUTE, .a = comes, .ptr = remote};
    aura__worker_tell_worker(w, to, &m);
}

void aura__handover_tell(struct aura_worker *w, const struct aura_sfu_path *path, bool comes) {
    for (unsigned i = 0; path->via && i < w->shared->worker_count; i++) {
        if (i != w->index && (path->via == AURA_VIA_ALL || path->via == i + 1)) {
            tell(w, i, path, comes);
        }
    }
}

void aura__handover_route(struct aura_worker *w, const struct aura_msg *m) {
    const struct aura_addr *remote = m->ptr;
    void *owner = (void *)(uintptr_t)(m->n + 1);
    const struct aura_path path = {.remote = *remote, .tcp = 0};
    if (!m->a) {
        if (aura_map_get(w->routes, remote, sizeof(*remote)) == owner) {
            aura_map_del(w->routes, remote, sizeof(*remote));
        }
        return;
    }
    struct aura_sfu_path *known = aura__path_find(w, &path);
    if (known) {
        aura__path_free(w, known); /* the client's port is another peer's now */
    }
    if (aura_map_put(w->routes, remote, sizeof(*remote), owner)) {
        aura__drop(w, AURA_DROP_LIMIT);
    }
}
