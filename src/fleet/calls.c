/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of sfu.h: carried out here, or said to the node that the id names. */
#include "fleet/fleet_priv.h"

#include <string.h>

static uint64_t new_id(struct aura_fleet *f, unsigned node, unsigned worker) {
    return (uint64_t)node << FLEET_NODE_SHIFT | ++f->last_id << 8 | (worker & 0xff);
}

static bool here(const struct aura_fleet_reach *r, uint64_t id) {
    return !r->fleet || fleet_node_of(id) == 0;
}

/* ---- peers ---- */

static int say_peer(struct aura_fleet_link *l, const struct aura_sfu_peer_conf *conf,
                    aura_peer_id id, unsigned worker, char *ufrag, char *pwd) {
    Auralink__Fleet__PeerNew q = AURALINK__FLEET__PEER_NEW__INIT;
    Auralink__Fleet__About about;
    fleet_message m = AURALINK__FLEET__MESSAGE__INIT;
    fleet_wire_about(&about, &conf->about);
    q.peer = id;
    q.about = &about;
    q.offerer = conf->offerer;
    q.open_data_channels = conf->open_data_channels;
    q.negotiated_channels = conf->negotiated_channels;
    q.dump = conf->dump;
    q.ceiling_kbps = conf->ceiling_kbps;
    q.worker = worker;
    q.ufrag = ufrag;
    q.pwd = pwd;
    m.body_case = AURALINK__FLEET__MESSAGE__BODY_PEER_NEW;
    m.peer_new = &q;
    return fleet_send(l, &m);
}

static int far_peer_new(struct aura_fleet *f, unsigned node, const struct aura_sfu_peer_conf *conf,
                        uint32_t affinity, aura_peer_id *peer, char ufrag[AURA_ICE_UFRAG_LEN + 1],
                        char pwd[AURA_ICE_PWD_LEN + 1]) {
    struct aura_fleet_link *l = fleet_link_of(f, (uint64_t)node << FLEET_NODE_SHIFT);
    if (!l || !l->greeted) {
        return AURA_ENOENT;
    }
    struct fleet_far_peer *p = aura_zalloc(sizeof(*p));
    if (!p) {
        return AURA_ENOMEM;
    }
    uint32_t wanted = affinity == UINT32_MAX ? l->next_worker++ : affinity;
    unsigned worker = wanted % (unsigned)l->worker_count;
    p->id = new_id(f, node, worker);
    aura_sfu_credentials(f->sfu, worker, ufrag, pwd);
    int err = say_peer(l, conf, p->id, worker, ufrag, pwd);
    if (err) {
        aura_free(p);
        return err;
    }
    aura_list_add(&l->far_peers, &p->node);
    f->stats.far_peers++;
    *peer = p->id;
    return 0;
}

int aura_fleet_peer_new(const struct aura_fleet_reach *r, unsigned node,
                        const struct aura_sfu_peer_conf *conf, uint32_t affinity,
                        aura_peer_id *peer, char ufrag[AURA_ICE_UFRAG_LEN + 1],
                        char pwd[AURA_ICE_PWD_LEN + 1]) {
    return r->fleet && node ? far_peer_new(r->fleet, node, conf, affinity, peer, ufrag, pwd)
                            : aura_sfu_peer_new(r->sfu, conf, affinity, peer, ufrag, pwd);
}

size_t aura_fleet_peer_candidates(const struct aura_fleet_reach *r, aura_peer_id peer,
                                  struct aura_sfu_candidate out[AURA_SFU_CANDIDATES_MAX]) {
    if (here(r, peer)) {
        return aura_sfu_peer_candidates(r->sfu, peer, out);
    }
    const struct aura_fleet_link *l = fleet_link_of(r->fleet, peer);
    if (!l || !l->worker_count) {
        return 0;
    }
    const struct fleet_worker *w = &l->workers[(peer & 0xff) % l->worker_count];
    memcpy(out, w->candidates, w->count * sizeof(*out));
    return w->count;
}

const struct aura_fingerprint *aura_fleet_peer_fingerprint(const struct aura_fleet_reach *r,
                                                           aura_peer_id peer) {
    const struct aura_fleet_link *l = here(r, peer) ? NULL : fleet_link_of(r->fleet, peer);
    return l ? &l->fingerprint : aura_sfu_fingerprint(r->sfu);
}

int aura_fleet_peer_set_remote(const struct aura_fleet_reach *r, aura_peer_id peer,
                               const struct aura_pc_remote *remote) {
    if (here(r, peer)) {
        return aura_sfu_peer_set_remote(r->sfu, peer, remote);
    }
    struct aura_fleet_link *l = fleet_link_of(r->fleet, peer);
    char texts[AURA_DTLS_FINGERPRINTS_MAX][AURA_FLEET_NODE_MAX * 4];
    char *list[AURA_DTLS_FINGERPRINTS_MAX];
    Auralink__Fleet__PeerRemote q = AURALINK__FLEET__PEER_REMOTE__INIT;
    fleet_message m = AURALINK__FLEET__MESSAGE__INIT;
    int err = !l                                                       ? AURA_ENOENT
              : remote->fingerprint_count > AURA_DTLS_FINGERPRINTS_MAX ? AURA_EINVAL
                                                                       : 0;
    for (size_t i = 0; !err && i < remote->fingerprint_count; i++) {
        list[i] = texts[i];
        err = aura_fingerprint_format(&remote->fingerprints[i], texts[i], sizeof(texts[i]));
    }
    if (err) {
        return err;
    }
    q.peer = peer;
    q.ufrag = fleet_text(remote->ufrag);
    q.pwd = fleet_text(remote->pwd);
    q.n_fingerprints = remote->fingerprint_count;
    q.fingerprints = list;
    q.active = remote->active;
    q.sctp = remote->sctp;
    q.sctp_port = remote->sctp_port;
    q.max_message_bytes = remote->max_message_bytes;
    m.body_case = AURALINK__FLEET__MESSAGE__BODY_PEER_REMOTE;
    m.peer_remote = &q;
    return fleet_send(l, &m);
}

int aura_fleet_peer_restart_ice(const struct aura_fleet_reach *r, aura_peer_id peer,
                                char ufrag[AURA_ICE_UFRAG_LEN + 1],
                                char pwd[AURA_ICE_PWD_LEN + 1]) {
    if (here(r, peer)) {
        return aura_sfu_peer_restart_ice(r->sfu, peer, ufrag, pwd);
    }
    struct aura_fleet_link *l = fleet_link_of(r->fleet, peer);
    if (!l) {
        return AURA_ENOENT;
    }
    Auralink__Fleet__PeerRestart q = AURALINK__FLEET__PEER_RESTART__INIT;
    fleet_message m = AURALINK__FLEET__MESSAGE__INIT;
    aura_sfu_credentials(r->sfu, (unsigned)(peer & 0xff), ufrag, pwd);
    q.peer = peer;
    q.ufrag = ufrag;
    q.pwd = pwd;
    m.body_case = AURALINK__FLEET__MESSAGE__BODY_PEER_RESTART;
    m.peer_restart = &q;
    return fleet_send(l, &m);
}

static void say_close(struct aura_fleet *f, Auralink__Fleet__Message__BodyCase what, uint64_t id) {
    struct aura_fleet_link *l = fleet_link_of(f, id);
    fleet_message m = AURALINK__FLEET__MESSAGE__INIT;
    m.body_case = what;
    m.peer_close = id; /* the members of the union that are ids are one */
    if (l) {
        (void)fleet_send(l, &m); /* failing ends the link, and with it all that is there */
    }
}

void aura_fleet_peer_close(const struct aura_fleet_reach *r, aura_peer_id peer) {
    if (here(r, peer)) {
        aura_sfu_peer_close(r->sfu, peer);
        return;
    }
    struct aura_fleet_link *l = fleet_link_of(r->fleet, peer);
    if (l) {
        AURA_LIST_EACH(&l->far_peers, struct fleet_far_peer, p, node) {
            if (p->id == peer) {
                aura_node_remove(&p->node);
                aura_free(p);
                r->fleet->stats.far_peers--;
                break;
            }
        }
    }
    say_close(r->fleet, AURALINK__FLEET__MESSAGE__BODY_PEER_CLOSE, peer);
}

/* ---- one thing, here or there ---- */

static int say_pub(struct aura_fleet_link *l, const struct aura_sfu_pub_conf *conf, bool update,
                   aura_pub_id pub) {
    Auralink__Fleet__PubSet q = AURALINK__FLEET__PUB_SET__INIT;
    Auralink__Fleet__About about;
    Auralink__Fleet__Stream streams[AURA_MEDIA_LAYERS_MAX], *list[AURA_MEDIA_LAYERS_MAX];
    struct fleet_wire_media media;
    fleet_message m = AURALINK__FLEET__MESSAGE__INIT;
    fleet_wire_about(&about, &conf->about);
    fleet_wire_media(&media, &conf->media);
    for (size_t i = 0; i < conf->stream_count; i++) {
        list[i] = &streams[i];
        auralink__fleet__stream__init(&streams[i]);
        streams[i].ssrc = conf->streams[i].ssrc;
        streams[i].rtx_ssrc = conf->streams[i].rtx_ssrc;
        streams[i].rid = fleet_text(conf->streams[i].rid);
    }
    q.pub = pub;
    q.update = update;
    q.peer = conf->peer;
    q.about = &about;
    q.media = &media.m;
    q.n_streams = conf->stream_count;
    q.streams = list;
    q.width = conf->width;
    q.height = conf->height;
    q.spatial_layers = conf->spatial_layers;
    q.encrypted = conf->encrypted;
    m.body_case = AURALINK__FLEET__MESSAGE__BODY_PUB_SET;
    m.pub_set = &q;
    return fleet_send(l, &m);
}

int fleet_put_pub(struct aura_fleet *f, unsigned node, const struct aura_sfu_pub_conf *conf,
                  bool update, aura_pub_id *pub) {
    if (!node) {
        return update ? aura_sfu_pub_update(f->sfu, *pub, conf)
                      : aura_sfu_pub_new(f->sfu, conf, pub);
    }
    struct aura_fleet_link *l = fleet_link_of(f, (uint64_t)node << FLEET_NODE_SHIFT);
    uint64_t id = update ? *pub : new_id(f, node, (unsigned)(conf->peer & 0xff));
    int err = l ? say_pub(l, conf, update, id) : AURA_ENOENT;
    *pub = err ? *pub : id;
    return err;
}

int fleet_put_sub(struct aura_fleet *f, unsigned node, const struct aura_sfu_sub_conf *conf,
                  const struct aura_sfu_sub_settings *settings, aura_sub_id *sub) {
    if (!node) {
        return aura_sfu_sub_new(f->sfu, conf, settings, sub);
    }
    struct aura_fleet_link *l = fleet_link_of(f, (uint64_t)node << FLEET_NODE_SHIFT);
    Auralink__Fleet__SubNew q = AURALINK__FLEET__SUB_NEW__INIT;
    Auralink__Fleet__Settings wire;
    struct fleet_wire_media media;
    fleet_message m = AURALINK__FLEET__MESSAGE__INIT;
    char cname[sizeof(conf->cname)];
    uint64_t id = new_id(f, node, (unsigned)(conf->peer & 0xff));
    fleet_wire_media(&media, &conf->media);
    fleet_wire_settings(&wire, settings);
    fleet_read_text(cname, sizeof(cname), conf->cname);
    q.sub = id;
    q.peer = conf->peer;
    q.pub = conf->pub;
    q.media = &media.m;
    q.ssrc = conf->ssrc;
    q.rtx_ssrc = conf->rtx_ssrc;
    q.cname = cname;
    q.send_mid = conf->send_mid;
    q.playout = conf->playout.on;
    q.playout_min_ms = conf->playout.min_ms;
    q.playout_max_ms = conf->playout.max_ms;
    q.settings = &wire;
    m.body_case = AURALINK__FLEET__MESSAGE__BODY_SUB_NEW;
    m.sub_new = &q;
    int err = l ? fleet_send(l, &m) : AURA_ENOENT;
    *sub = err ? *sub : id;
    return err;
}

static void say_flag(struct aura_fleet *f, Auralink__Fleet__Message__BodyCase what, uint64_t id,
                     bool on) {
    struct aura_fleet_link *l = fleet_link_of(f, id);
    Auralink__Fleet__Flag flag = AURALINK__FLEET__FLAG__INIT;
    fleet_message m = AURALINK__FLEET__MESSAGE__INIT;
    flag.id = id;
    flag.on = on;
    m.body_case = what;
    m.pub_muted = &flag; /* or pub_hushed: one pointer in the union */
    if (l) {
        (void)fleet_send(l, &m); /* failing ends the link */
    }
}

void fleet_put_muted(struct aura_fleet *f, aura_pub_id pub, bool muted) {
    if (fleet_node_of(pub)) {
        say_flag(f, AURALINK__FLEET__MESSAGE__BODY_PUB_MUTED, pub, muted);
    } else {
        aura_sfu_pub_set_muted(f->sfu, pub, muted);
    }
}

static void say_settings(struct aura_fleet *f, aura_sub_id sub,
                         const struct aura_sfu_sub_settings *settings, bool move, aura_pub_id pub) {
    struct aura_fleet_link *l = fleet_link_of(f, sub);
    Auralink__Fleet__SubSet q = AURALINK__FLEET__SUB_SET__INIT;
    Auralink__Fleet__Settings wire;
    fleet_message m = AURALINK__FLEET__MESSAGE__INIT;
    fleet_wire_settings(&wire, settings);
    q.sub = sub;
    q.settings = &wire;
    q.move = move;
    q.pub = pub;
    m.body_case = AURALINK__FLEET__MESSAGE__BODY_SUB_SET;
    m.sub_set = &q;
    if (l) {
        (void)fleet_send(l, &m); /* failing ends the link */
    }
}

void fleet_put_settings(struct aura_fleet *f, aura_sub_id sub,
                        const struct aura_sfu_sub_settings *settings) {
    if (fleet_node_of(sub)) {
        say_settings(f, sub, settings, false, 0);
    } else {
        aura_sfu_sub_set(f->sfu, sub, settings);
    }
}

void fleet_drop_pub(struct aura_fleet *f, aura_pub_id pub) {
    if (fleet_node_of(pub)) {
        say_close(f, AURALINK__FLEET__MESSAGE__BODY_PUB_CLOSE, pub);
    } else {
        aura_sfu_pub_close(f->sfu, pub);
    }
}

void fleet_drop_sub(struct aura_fleet *f, aura_sub_id sub) {
    if (fleet_node_of(sub)) {
        say_close(f, AURALINK__FLEET__MESSAGE__BODY_SUB_CLOSE, sub);
    } else {
        aura_sfu_sub_close(f->sfu, sub);
    }
}

/* ---- published tracks ---- */

int aura_fleet_pub_new(const struct aura_fleet_reach *r, const struct aura_sfu_pub_conf *conf,
                       aura_pub_id *pub) {
    struct aura_fleet *f = r->fleet;
    struct fleet_track *t;
    aura_pub_id id = 0;
    if (!f) {
        return aura_sfu_pub_new(r->sfu, conf, pub);
    }
    int err = fleet_put_pub(f, fleet_node_of(conf->peer), conf, false, &id);
    if (err) {
        return err;
    }
    err = fleet_track_new(f, id, conf, &t);
    if (err) {
        fleet_drop_pub(f, id);
        return err;
    }
    *pub = id;
    return 0;
}

int aura_fleet_pub_update(const struct aura_fleet_reach *r, aura_pub_id pub,
                          const struct aura_sfu_pub_conf *conf) {
    struct fleet_track *t = r->fleet ? aura_map_get_u64(r->fleet->tracks, pub) : NULL;
    if (!r->fleet) {
        return aura_sfu_pub_update(r->sfu, pub, conf);
    }
    if (t) {
        fleet_track_update(t, conf);
    }
    return fleet_put_pub(r->fleet, fleet_node_of(pub), conf, true, &pub);
}

void aura_fleet_pub_set_muted(const struct aura_fleet_reach *r, aura_pub_id pub, bool muted) {
    struct fleet_track *t = r->fleet ? aura_map_get_u64(r->fleet->tracks, pub) : NULL;
    if (!r->fleet) {
        aura_sfu_pub_set_muted(r->sfu, pub, muted);
        return;
    }
    fleet_put_muted(r->fleet, pub, muted);
    if (t) {
        fleet_track_muted(t, muted);
    }
}

void aura_fleet_pub_set_hushed(const struct aura_fleet_reach *r, aura_pub_id pub, bool hushed) {
    if (here(r, pub)) {
        aura_sfu_pub_set_hushed(r->sfu, pub, hushed);
    } else {
        say_flag(r->fleet, AURALINK__FLEET__MESSAGE__BODY_PUB_HUSHED, pub, hushed);
    }
}

void aura_fleet_pub_close(const struct aura_fleet_reach *r, aura_pub_id pub) {
    struct fleet_track *t = r->fleet ? aura_map_get_u64(r->fleet->tracks, pub) : NULL;
    if (t) {
        fleet_track_free(r->fleet, t);
    }
    if (r->fleet) {
        fleet_drop_pub(r->fleet, pub);
    } else {
        aura_sfu_pub_close(r->sfu, pub);
    }
}

/* ---- subscribed tracks ---- */

static void viewer_free(struct aura_fleet *f, aura_sub_id sub) {
    struct fleet_viewer *v = aura_map_del_u64(f->viewers, sub);
    if (v) {
        fleet_relay_unwant(&v->wish);
        aura_free(v);
    }
}

/* Makes the track reach the node of a subscription. @param out  NULL if it is there */
static int reach(struct aura_fleet *f, unsigned node, aura_pub_id pub,
                 const struct aura_sfu_sub_settings *settings, struct fleet_viewer **out,
                 aura_pub_id *use) {
    *out = NULL;
    *use = pub;
    if (!pub || fleet_node_of(pub) == node) {
        return 0;
    }
    struct fleet_viewer *v = aura_zalloc(sizeof(*v));
    int err = v ? fleet_relay_want(f, pub, node, settings, &v->wish, use) : AURA_ENOMEM;
    if (err) {
        aura_free(v);
        return err;
    }
    *out = v;
    return 0;
}

static int keep(struct aura_fleet *f, struct fleet_viewer *v, aura_sub_id sub) {
    v->sub = sub;
    int err = aura_map_put_u64(f->viewers, sub, v);
    if (err) {
        fleet_relay_unwant(&v->wish);
        aura_free(v);
    }
    return err;
}

int aura_fleet_sub_new(const struct aura_fleet_reach *r, const struct aura_sfu_sub_conf *conf,
                       const struct aura_sfu_sub_settings *settings, aura_sub_id *sub) {
    struct aura_fleet *f = r->fleet;
    struct aura_sfu_sub_conf there = *conf;
    struct fleet_viewer *v;
    if (!f) {
        return aura_sfu_sub_new(r->sfu, conf, settings, sub);
    }
    unsigned node = fleet_node_of(conf->peer);
    aura_sub_id id = 0;
    int err = reach(f, node, conf->pub, settings, &v, &there.pub);
    if (err) {
        return err;
    }
    err = fleet_put_sub(f, node, &there, settings, &id);
    if (err && v) {
        fleet_relay_unwant(&v->wish);
        aura_free(v);
    }
    if (!err && v) {
        err = keep(f, v, id);
        if (err) {
            fleet_drop_sub(f, id);
        }
    }
    *sub = err ? *sub : id;
    return err;
}

void aura_fleet_sub_set(const struct aura_fleet_reach *r, aura_sub_id sub,
                        const struct aura_sfu_sub_settings *settings) {
    struct fleet_viewer *v = r->fleet ? aura_map_get_u64(r->fleet->viewers, sub) : NULL;
    if (v) {
        fleet_relay_wish(&v->wish, settings);
    }
    if (r->fleet) {
        fleet_put_settings(r->fleet, sub, settings);
    } else {
        aura_sfu_sub_set(r->sfu, sub, settings);
    }
}

void aura_fleet_sub_move(const struct aura_fleet_reach *r, aura_sub_id sub, aura_pub_id pub,
                         const struct aura_sfu_sub_settings *settings) {
    struct aura_fleet *f = r->fleet;
    struct fleet_viewer *v;
    aura_pub_id use;
    if (!f) {
        aura_sfu_sub_move(r->sfu, sub, pub, settings);
        return;
    }
    unsigned node = fleet_node_of(sub);
    /* The new one first: what both want goes on without a gap. */
    int err = reach(f, node, pub, settings, &v, &use);
    viewer_free(f, sub);
    if (!err && v) {
        err = keep(f, v, sub);
    }
    use = err ? 0 : use;
    if (node) {
        say_settings(f, sub, settings, true, use);
    } else {
        aura_sfu_sub_move(f->sfu, sub, use, settings);
    }
}

void aura_fleet_sub_close(const struct aura_fleet_reach *r, aura_sub_id sub) {
    if (!r->fleet) {
        aura_sfu_sub_close(r->sfu, sub);
        return;
    }
    viewer_free(r->fleet, sub);
    fleet_drop_sub(r->fleet, sub);
}

/* ---- data and statistics ---- */

static int data_far(struct aura_fleet_link *l, const aura_peer_id *peers, size_t count,
                    enum aura_data_channel channel, const uint8_t *data, size_t len) {
    struct aura_fleet *f = l->fleet;
    if (channel != AURA_DATA_RELIABLE && l->pipe.queued(l->pipe.arg) > AURA_FLEET_LOSSY_BYTES_MAX) {
        f->stats.lossy_dropped++;
        return 0;
    }
    uint64_t *list = aura_calloc(count, sizeof(*list));
    if (!list) {
        return AURA_ENOMEM;
    }
    Auralink__Fleet__Data q = AURALINK__FLEET__DATA__INIT;
    fleet_message m = AURALINK__FLEET__MESSAGE__INIT;
    for (size_t i = 0; i < count; i++) {
        if (fleet_node_of(peers[i]) == l->slot) {
            list[q.n_peers++] = peers[i];
        }
    }
    q.peers = list;
    q.channel = channel;
    q.data = (ProtobufCBinaryData){.len = len, .data = (uint8_t *)(uintptr_t)data};
    m.body_case = AURALINK__FLEET__MESSAGE__BODY_DATA_SEND;
    m.data_send = &q;
    int err = q.n_peers ? fleet_send(l, &m) : 0;
    aura_free(list);
    return err;
}

int aura_fleet_data_send(const struct aura_fleet_reach *r, const aura_peer_id *peers, size_t count,
                         enum aura_data_channel channel, const uint8_t *data, size_t len) {
    struct aura_fleet *f = r->fleet;
    size_t far = 0;
    for (size_t i = 0; f && i < count; i++) {
        far += fleet_node_of(peers[i]) != 0;
    }
    /* To our SFU those of other nodes are peers that have gone. */
    int err =
        far == count && count ? 0 : aura_sfu_data_send(r->sfu, peers, count, channel, data, len);
    for (unsigned i = 1; far && i <= AURA_FLEET_LINKS_MAX; i++) {
        if (f->links[i]) {
            int one = data_far(f->links[i], peers, count, channel, data, len);
            err = err ? err : one;
        }
    }
    return err;
}

void aura_fleet_poll_stats(const struct aura_fleet_reach *r) {
    fleet_message m = AURALINK__FLEET__MESSAGE__INIT;
    m.body_case = AURALINK__FLEET__MESSAGE__BODY_POLL_STATS;
    m.poll_stats = true;
    aura_sfu_poll_stats(r->sfu);
    for (unsigned i = 1; r->fleet && i <= AURA_FLEET_LINKS_MAX; i++) {
        struct aura_fleet_link *l = r->fleet->links[i];
        if (l && !aura_list_empty(&l->far_peers)) {
            (void)fleet_send(l, &m); /* failing ends the link */
        }
    }
}
