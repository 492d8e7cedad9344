/* SPDX-License-Identifier: Apache-2.0 */
/* Another node: the pipe to it, what it said of itself, and the media link, which the node with the
 * lower id dials. */
#include "base/log.h"
#include "fleet/fleet_priv.h"

#include <string.h>

enum { WORKERS_MAX = 255 };

/* ---- the end of one ---- */

static void far_peers_failed(struct aura_fleet *f, struct aura_list *gone) {
    struct fleet_far_peer *p;
    while ((p = AURA_LIST_FIRST(gone, struct fleet_far_peer, node)) != NULL) {
        aura_peer_id id = p->id;
        aura_node_remove(&p->node);
        aura_free(p);
        f->stats.far_peers--;
        f->handlers.peer_state(f->conf.arg, id, AURA_PC_FAILED);
    }
}

static void link_free(struct aura_fleet_link *l) {
    struct aura_fleet *f = l->fleet;
    struct aura_list gone;
    struct fleet_relay *r;
    f->links[l->slot] = NULL; /* from now on calls to it do nothing */
    f->stats.links--;
    f->stats.ready -= l->greeted && l->connected;
    aura_timer_stop(f->timers, &l->end_timer);
    aura_timer_stop(f->timers, &l->silence_timer);
    while ((r = AURA_LIST_FIRST(&l->relays, struct fleet_relay, link_node)) != NULL) {
        fleet_relay_free(r);
    }
    fleet_guests_end(l);
    if (l->media) {
        aura_sfu_peer_close(f->sfu, l->media);
    }
    aura_list_init(&gone);
    AURA_LIST_EACH(&l->far_peers, struct fleet_far_peer, p, node) {
        aura_node_remove(&p->node);
        aura_list_add(&gone, &p->node);
    }
    aura_map_free(l->guests);
    aura_free(l->workers);
    aura_wipe(l->pwd, sizeof(l->pwd));
    aura_free(l);
    far_peers_failed(f, &gone);
}

static void on_end(void *arg) {
    struct aura_fleet_link *l = arg;
    struct aura_fleet_pipe pipe = l->pipe;
    link_free(l);
    pipe.close(pipe.arg);
}

void fleet_link_break(struct aura_fleet_link *l, const char *why) {
    if (l->broken) {
        return;
    }
    l->broken = true; /* its owner may be on the stack: it ends from the loop */
    l->fleet->stats.links_lost++;
    AURA_LOG_LIMITED("fleet", AURA_LOG_WARN, "link_given_up", AURA_S("node", l->node),
                     AURA_S("why", why));
    if (aura_timer_start(l->fleet->timers, &l->end_timer, 0, on_end, l)) {
        AURA_LOG("fleet", AURA_LOG_ERROR, "no_memory_for_timer", AURA_S("for", "a link's end"));
    }
}

void aura_fleet_link_down(struct aura_fleet_link *l) {
    if (!l->broken) {
        l->fleet->stats.links_lost++;
        AURA_LOG("fleet", AURA_LOG_INFO, "link_broke", AURA_S("node", l->node));
    }
    link_free(l);
}

/* ---- sending ---- */

struct aura_fleet_link *fleet_link_of(const struct aura_fleet *f, uint64_t id) {
    unsigned slot = fleet_node_of(id);
    struct aura_fleet_link *l = slot <= AURA_FLEET_LINKS_MAX ? f->links[slot] : NULL;
    return l && !l->broken ? l : NULL;
}

int fleet_send(struct aura_fleet_link *l, const fleet_message *m) {
    struct aura_buf *out = &l->fleet->out;
    size_t len = protobuf_c_message_get_packed_size(&m->base);
    static const uint8_t zero[256];
    int err = l->broken ? AURA_ENOENT : len > AURA_FLEET_MESSAGE_BYTES_MAX ? AURA_ELIMIT : 0;
    if (err) {
        return err;
    }
    aura_buf_clear(out);
    for (size_t n = 0; n < len && !out->err; n += sizeof(zero)) {
        (void)aura_buf_add(out, zero, sizeof(zero)); /* the error is sticky */
    }
    err = out->err;
    if (!err) {
        protobuf_c_message_pack(&m->base, out->data);
        err = l->pipe.send(l->pipe.arg, out->data, len);
    }
    if (err) { /* what the other side would then believe is not known */
        fleet_link_break(l, aura_err_text(err));
    }
    return err;
}

/* ---- hello ---- */

static int own_candidates(const struct aura_fleet *f, unsigned worker,
                          struct aura_sfu_candidate out[AURA_SFU_CANDIDATES_MAX]) {
    return (int)aura_sfu_peer_candidates(f->sfu, worker, out); /* the worker is all that counts */
}

static void wire_worker(Auralink__Fleet__Worker *w, Auralink__Fleet__Candidate **list,
                        Auralink__Fleet__Candidate *c, struct aura_sfu_candidate *from, size_t n) {
    auralink__fleet__worker__init(w);
    w->n_candidates = n;
    w->candidates = list;
    for (size_t i = 0; i < n; i++) {
        list[i] = &c[i];
        auralink__fleet__candidate__init(&c[i]);
        c[i].ip = (ProtobufCBinaryData){.len = from[i].addr.family == AURA_FAMILY_V6 ? 16 : 4,
                                        .data = from[i].addr.ip};
        c[i].port = from[i].addr.port;
        c[i].tcp = from[i].tcp;
        c[i].priority = from[i].priority;
    }
}

/* All of one node's workers, while a message is made of them. */
struct workers {
    Auralink__Fleet__Worker worker, *at;
    Auralink__Fleet__Candidate c[AURA_SFU_CANDIDATES_MAX], *list[AURA_SFU_CANDIDATES_MAX];
    struct aura_sfu_candidate from[AURA_SFU_CANDIDATES_MAX];
};

static int say_hello(struct aura_fleet_link *l) {
    struct aura_fleet *f = l->fleet;
    char fingerprint[AURA_FLEET_NODE_MAX * 4];
    uint16_t ports[WORKERS_MAX];
    size_t n = aura_sfu_udp_ports(f->sfu, ports, WORKERS_MAX);
    struct workers *all = aura_calloc(n, sizeof(*all));
    Auralink__Fleet__Worker **list = aura_calloc(n, sizeof(*list));
    Auralink__Fleet__Hello hello = AURALINK__FLEET__HELLO__INIT;
    fleet_message m = AURALINK__FLEET__MESSAGE__INIT;
    int err = all && list ? 0 : AURA_ENOMEM;
    err = err ? err
              : aura_fingerprint_format(aura_sfu_fingerprint(f->sfu), fingerprint,
                                        sizeof(fingerprint));
    for (size_t i = 0; i < n && !err; i++) {
        int found = own_candidates(f, (unsigned)i, all[i].from);
        wire_worker(&all[i].worker, all[i].list, all[i].c, all[i].from, (size_t)found);
        list[i] = &all[i].worker;
    }
    if (!err) {
        hello.version = FLEET_VERSION;
        hello.fingerprint = fingerprint;
        hello.n_workers = n;
        hello.workers = list;
        hello.ufrag = l->ufrag;
        hello.pwd = l->pwd;
        hello.worker = aura_sfu_peer_affinity(l->media);
        m.body_case = AURALINK__FLEET__MESSAGE__BODY_HELLO;
        m.hello = &hello;
        err = fleet_send(l, &m);
    }
    aura_free(all);
    aura_free(list);
    return err;
}

static bool read_candidate(struct aura_sfu_candidate *out, const Auralink__Fleet__Candidate *in) {
    *out = (struct aura_sfu_candidate){.tcp = in->tcp != 0, .priority = in->priority};
    if ((in->ip.len != 4 && in->ip.len != 16) || in->port == 0 || in->port > 65535) {
        return false;
    }
    memcpy(out->addr.ip, in->ip.data, in->ip.len);
    out->addr.family = in->ip.len == 4 ? AURA_FAMILY_V4 : AURA_FAMILY_V6;
    out->addr.port = (uint16_t)in->port;
    return true;
}

static int read_workers(struct aura_fleet_link *l, const Auralink__Fleet__Hello *h) {
    if (h->n_workers == 0 || h->n_workers > WORKERS_MAX || h->worker >= h->n_workers) {
        return AURA_EMALFORMED;
    }
    l->workers = aura_calloc(h->n_workers, sizeof(*l->workers));
    if (!l->workers) {
        return AURA_ENOMEM;
    }
    l->worker_count = h->n_workers;
    for (size_t i = 0; i < h->n_workers; i++) {
        struct fleet_worker *w = &l->workers[i];
        for (size_t k = 0; k < h->workers[i]->n_candidates && w->count < AURA_SFU_CANDIDATES_MAX;
             k++) {
            w->count += read_candidate(&w->candidates[w->count], h->workers[i]->candidates[k]);
        }
    }
    return 0;
}

static const struct aura_addr *to_dial(const struct fleet_worker *w) {
    for (size_t i = 0; i < w->count; i++) {
        if (!w->candidates[i].tcp) {
            return &w->candidates[i].addr;
        }
    }
    return NULL;
}

static int greet(struct aura_fleet_link *l, const Auralink__Fleet__Hello *h) {
    struct aura_fleet *f = l->fleet;
    bool dials = strcmp(f->conf.node_id, l->node) < 0;
    int err = l->greeted || h->version != FLEET_VERSION
                  ? AURA_EUNSUPPORTED
                  : aura_fingerprint_parse(&l->fingerprint, h->fingerprint);
    err = err ? err : read_workers(l, h);
    const struct aura_addr *dial = !err && dials ? to_dial(&l->workers[h->worker]) : NULL;
    if (!err && dials && !dial) {
        err = AURA_EINVAL;
    }
    const struct aura_pc_remote remote = {.ufrag = h->ufrag,
                                          .pwd = h->pwd,
                                          .fingerprints = &l->fingerprint,
                                          .fingerprint_count = 1,
                                          .active = dials,
                                          .dial = dial};
    err = err ? err : aura_sfu_peer_set_remote(f->sfu, l->media, &remote);
    l->greeted = !err;
    f->stats.ready += l->greeted && l->connected;
    return err;
}

/* ---- the media link ---- */

static void on_silence(void *arg) {
    fleet_link_break(arg, "nothing comes over the media link");
}

bool fleet_link_state(struct aura_fleet *f, aura_peer_id peer, enum aura_pc_state state) {
    struct aura_fleet_link *l = NULL;
    for (unsigned i = 1; i <= AURA_FLEET_LINKS_MAX && !l; i++) {
        l = f->links[i] && f->links[i]->media == peer ? f->links[i] : NULL;
    }
    if (!l) {
        return false;
    }
    AURA_LOG("fleet", AURA_LOG_INFO, "media_link", AURA_S("node", l->node), AURA_I("state", state));
    if (state == AURA_PC_CONNECTED) {
        f->stats.ready += l->greeted && !l->connected;
        l->connected = true;
        aura_timer_stop(f->timers, &l->silence_timer);
    } else if (state == AURA_PC_FAILED) {
        fleet_link_break(l, "the media link failed");
    } else if (state == AURA_PC_DISCONNECTED && !aura_timer_running(&l->silence_timer) &&
               aura_timer_start(f->timers, &l->silence_timer, AURA_FLEET_PATIENCE_S * AURA_US_PER_S,
                                on_silence, l)) {
        fleet_link_break(l, "out of memory");
    }
    return true;
}

static int open_media(struct aura_fleet_link *l) {
    struct aura_sfu_peer_conf conf = {.node = true};
    fleet_read_text(conf.about.participant, sizeof(conf.about.participant), l->node);
    return aura_sfu_peer_new(l->fleet->sfu, &conf, UINT32_MAX, &l->media, l->ufrag, l->pwd);
}

/* ---- life ---- */

static unsigned free_slot(const struct aura_fleet *f, const char *node, int *err) {
    unsigned found = 0;
    *err = AURA_ELIMIT;
    for (unsigned i = AURA_FLEET_LINKS_MAX; i > 0; i--) {
        if (f->links[i] && strcmp(f->links[i]->node, node) == 0) {
            *err = AURA_EEXISTS;
            return 0;
        }
        found = f->links[i] ? found : i;
    }
    *err = found ? 0 : AURA_ELIMIT;
    return found;
}

int aura_fleet_link_up(struct aura_fleet_link **out, struct aura_fleet *f, const char *node,
                       const struct aura_fleet_pipe *pipe) {
    int err;
    unsigned slot = free_slot(f, node, &err);
    struct aura_fleet_link *l = err ? NULL : aura_zalloc(sizeof(*l));
    if (!l || aura_map_new(&l->guests, AURA_FLEET_FARS_MAX)) {
        aura_free(l);
        return err ? err : AURA_ENOMEM;
    }
    l->fleet = f;
    l->slot = slot;
    fleet_read_text(l->node, sizeof(l->node), node);
    l->pipe = *pipe;
    aura_list_init(&l->far_peers);
    aura_list_init(&l->relays);
    f->links[slot] = l;
    f->stats.links++;
    err = open_media(l);
    err = err ? err : say_hello(l);
    if (err) {
        link_free(l);
        return err;
    }
    AURA_LOG("fleet", AURA_LOG_INFO, "link", AURA_S("node", node));
    *out = l;
    return 0;
}

static void dispatch(struct aura_fleet_link *l, const fleet_message *m) {
    if (m->body_case == AURALINK__FLEET__MESSAGE__BODY_HELLO) {
        int err = greet(l, m->hello);
        if (err) {
            fleet_link_break(l, err == AURA_EUNSUPPORTED ? "another version" : aura_err_text(err));
        }
    } else if (!l->greeted) {
        fleet_link_break(l, "no hello");
    } else if (m->body_case >= AURALINK__FLEET__MESSAGE__BODY_PEER_STATE) {
        fleet_report(l, m);
    } else {
        fleet_guest_call(l, m);
    }
}

void aura_fleet_recv(struct aura_fleet_link *l, const uint8_t *data, size_t len) {
    if (l->broken) {
        return;
    }
    fleet_message *m = len <= AURA_FLEET_MESSAGE_BYTES_MAX
                           ? auralink__fleet__message__unpack(fleet_allocator(), len, data)
                           : NULL;
    if (!m) {
        fleet_link_break(l, "a message that cannot be read");
        return;
    }
    dispatch(l, m);
    auralink__fleet__message__free_unpacked(m, fleet_allocator());
}

static struct aura_fleet_link *find(const struct aura_fleet *f, const char *node) {
    for (unsigned i = 1; i <= AURA_FLEET_LINKS_MAX; i++) {
        if (f->links[i] && strcmp(f->links[i]->node, node) == 0) {
            return f->links[i];
        }
    }
    return NULL;
}

unsigned aura_fleet_node(const struct aura_fleet *f, const char *node) {
    const struct aura_fleet_link *l = find(f, node);
    return l && l->greeted && l->connected && !l->broken ? l->slot : 0;
}
