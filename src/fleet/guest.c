/* SPDX-License-Identifier: Apache-2.0 */
/* Peers and tracks here that belong to rooms of other nodes: their calls, carried out. The sender
 * is a node, and trusted as one; what it says is bounded all the same. */
#include "base/log.h"
#include "fleet/fleet_priv.h"

#include <string.h>

static struct fleet_guest *guest(const struct aura_fleet_link *l, enum fleet_kind kind,
                                 uint64_t theirs) {
    struct fleet_guest *g = aura_map_get_u64(l->guests, theirs);
    return g && g->kind == kind ? g : NULL;
}

/* @return the id here; 0 = it has gone */
static uint64_t ours(const struct aura_fleet_link *l, enum fleet_kind kind, uint64_t theirs) {
    const struct fleet_guest *g = guest(l, kind, theirs);
    return g ? g->ours : 0;
}

static void forget(struct fleet_guest *g) {
    aura_map_del_u64(g->owner->fleet->guests, g->ours);
    aura_map_del_u64(g->owner->guests, g->theirs);
    g->owner->fleet->stats.guests -= g->kind == FLEET_PEER;
    aura_free(g);
}

static int keep(struct aura_fleet_link *l, enum fleet_kind kind, uint64_t theirs, uint64_t here,
                bool link) {
    struct aura_fleet *f = l->fleet;
    struct fleet_guest *g = aura_zalloc(sizeof(*g));
    if (!g) {
        return AURA_ENOMEM;
    }
    *g = (struct fleet_guest){
        .owner = l, .kind = kind, .theirs = theirs, .ours = here, .link = link};
    int err = aura_map_put_u64(l->guests, theirs, g);
    if (err) {
        aura_free(g);
        return err;
    }
    err = aura_map_put_u64(f->guests, here, g);
    if (err) {
        aura_map_del_u64(l->guests, theirs);
        aura_free(g);
        return err;
    }
    f->stats.guests += kind == FLEET_PEER;
    return 0;
}

/* ---- peers ---- */

static int peer_new(struct aura_fleet_link *l, const Auralink__Fleet__PeerNew *q) {
    struct aura_sfu *sfu = l->fleet->sfu;
    struct aura_sfu_peer_conf conf = {.offerer = q->offerer != 0,
                                      .open_data_channels = q->open_data_channels != 0,
                                      .negotiated_channels = q->negotiated_channels != 0,
                                      .dump = q->dump != 0,
                                      .ceiling_kbps = q->ceiling_kbps};
    aura_peer_id id;
    fleet_read_about(&conf.about, q->about);
    if (aura_map_get_u64(l->guests, q->peer)) {
        return AURA_EEXISTS;
    }
    int err = aura_sfu_peer_new_as(sfu, &conf, q->worker, q->ufrag, q->pwd, &id);
    if (err) {
        return err;
    }
    err = keep(l, FLEET_PEER, q->peer, id, false);
    if (err) {
        aura_sfu_peer_close(sfu, id);
    }
    return err;
}

static int peer_remote(struct aura_fleet_link *l, const Auralink__Fleet__PeerRemote *q) {
    struct aura_fingerprint fingerprints[AURA_DTLS_FINGERPRINTS_MAX];
    uint64_t id = ours(l, FLEET_PEER, q->peer);
    if (q->n_fingerprints > AURA_DTLS_FINGERPRINTS_MAX || q->sctp_port > UINT16_MAX) {
        return AURA_EMALFORMED;
    }
    for (size_t i = 0; i < q->n_fingerprints; i++) {
        int err = aura_fingerprint_parse(&fingerprints[i], q->fingerprints[i]);
        if (err) {
            return err;
        }
    }
    const struct aura_pc_remote remote = {.ufrag = q->ufrag,
                                          .pwd = q->pwd,
                                          .fingerprints = fingerprints,
                                          .fingerprint_count = q->n_fingerprints,
                                          .active = q->active != 0,
                                          .sctp = q->sctp != 0,
                                          .sctp_port = (uint16_t)q->sctp_port,
                                          .max_message_bytes = q->max_message_bytes};
    return id ? aura_sfu_peer_set_remote(l->fleet->sfu, id, &remote) : 0;
}

static int peer_restart(struct aura_fleet_link *l, const Auralink__Fleet__PeerRestart *q) {
    uint64_t id = ours(l, FLEET_PEER, q->peer);
    return id ? aura_sfu_peer_restart_as(l->fleet->sfu, id, q->ufrag, q->pwd) : 0;
}

/* The owner closes what hangs on a peer before. */
static void close_one(struct aura_fleet_link *l, enum fleet_kind kind, uint64_t theirs) {
    struct aura_sfu *sfu = l->fleet->sfu;
    struct fleet_guest *g = guest(l, kind, theirs);
    if (!g) {
        return;
    }
    if (kind == FLEET_PEER) {
        aura_sfu_peer_close(sfu, g->ours);
    } else if (kind == FLEET_PUB) {
        aura_sfu_pub_close(sfu, g->ours);
    } else {
        aura_sfu_sub_close(sfu, g->ours);
    }
    forget(g);
}

void fleet_guests_end(struct aura_fleet_link *l) {
    static const enum fleet_kind order[] = {FLEET_SUB, FLEET_PUB, FLEET_PEER};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        struct fleet_guest *g;
        size_t it = 0;
        while ((g = aura_map_next(l->guests, &it)) != NULL) {
            if (g->kind == order[i]) {
                close_one(l, g->kind, g->theirs);
                it = 0;
            }
        }
    }
}

/* ---- tracks ---- */

static int read_pub(struct aura_fleet_link *l, const Auralink__Fleet__PubSet *q,
                    struct aura_sfu_pub_conf *conf) {
    if (q->n_streams > AURA_MEDIA_LAYERS_MAX) {
        return AURA_EMALFORMED;
    }
    *conf = (struct aura_sfu_pub_conf){.peer = q->peer ? ours(l, FLEET_PEER, q->peer) : l->media,
                                       .stream_count = q->n_streams,
                                       .width = q->width,
                                       .height = q->height,
                                       .spatial_layers = q->spatial_layers,
                                       .encrypted = q->encrypted != 0};
    fleet_read_about(&conf->about, q->about);
    for (size_t i = 0; i < q->n_streams; i++) {
        conf->streams[i].ssrc = q->streams[i]->ssrc;
        conf->streams[i].rtx_ssrc = q->streams[i]->rtx_ssrc;
        fleet_read_text(conf->streams[i].rid, sizeof(conf->streams[i].rid), q->streams[i]->rid);
    }
    return fleet_read_media(&conf->media, q->media);
}

static int pub_set(struct aura_fleet_link *l, const Auralink__Fleet__PubSet *q) {
    struct aura_sfu *sfu = l->fleet->sfu;
    struct aura_sfu_pub_conf conf;
    uint64_t id = ours(l, FLEET_PUB, q->pub);
    int err = read_pub(l, q, &conf);
    if (err || !conf.peer) {
        return err;
    }
    if (q->update) {
        return id ? aura_sfu_pub_update(sfu, id, &conf) : 0;
    }
    err = id ? AURA_EEXISTS : aura_sfu_pub_new(sfu, &conf, &id);
    if (err) {
        return err;
    }
    err = keep(l, FLEET_PUB, q->pub, id, !q->peer);
    if (err) {
        aura_sfu_pub_close(sfu, id);
    }
    return err;
}

static int sub_new(struct aura_fleet_link *l, const Auralink__Fleet__SubNew *q) {
    struct aura_sfu *sfu = l->fleet->sfu;
    struct aura_sfu_sub_settings settings;
    struct aura_sfu_sub_conf conf = {.peer = q->peer ? ours(l, FLEET_PEER, q->peer) : l->media,
                                     .pub = ours(l, FLEET_PUB, q->pub),
                                     .ssrc = q->ssrc,
                                     .rtx_ssrc = q->rtx_ssrc,
                                     .send_mid = q->send_mid != 0,
                                     .playout = {.on = q->playout != 0,
                                                 .min_ms = (uint16_t)q->playout_min_ms,
                                                 .max_ms = (uint16_t)q->playout_max_ms}};
    aura_sub_id id;
    fleet_read_text(conf.cname, sizeof(conf.cname), q->cname);
    fleet_read_settings(&settings, q->settings);
    int err = fleet_read_media(&conf.media, q->media);
    if (err || !conf.peer || aura_map_get_u64(l->guests, q->sub)) {
        return err;
    }
    err = aura_sfu_sub_new(sfu, &conf, &settings, &id);
    if (err) {
        return err;
    }
    err = keep(l, FLEET_SUB, q->sub, id, !q->peer);
    if (err) {
        aura_sfu_sub_close(sfu, id);
    }
    return err;
}

static void sub_set(struct aura_fleet_link *l, const Auralink__Fleet__SubSet *q) {
    struct aura_sfu_sub_settings settings;
    uint64_t id = ours(l, FLEET_SUB, q->sub);
    fleet_read_settings(&settings, q->settings);
    if (id && q->move) {
        aura_sfu_sub_move(l->fleet->sfu, id, ours(l, FLEET_PUB, q->pub), &settings);
    } else if (id) {
        aura_sfu_sub_set(l->fleet->sfu, id, &settings);
    }
}

/* ---- data ---- */

static int data_send(struct aura_fleet_link *l, const Auralink__Fleet__Data *q) {
    aura_peer_id *peers = aura_calloc(q->n_peers + 1, sizeof(*peers));
    size_t count = 0;
    if (!peers) {
        return AURA_ENOMEM;
    }
    for (size_t i = 0; i < q->n_peers; i++) {
        uint64_t id = ours(l, FLEET_PEER, q->peers[i]);
        peers[count] = id;
        count += id != 0;
    }
    int err =
        q->channel >= AURA_DATA_CHANNELS
            ? AURA_EMALFORMED
            : aura_sfu_data_send(l->fleet->sfu, peers, count, (enum aura_data_channel)q->channel,
                                 q->data.data, q->data.len);
    aura_free(peers);
    return err;
}

/* ---- all of them ---- */

static void call_void(struct aura_fleet_link *l, const fleet_message *m) {
    struct aura_sfu *sfu = l->fleet->sfu;
    switch ((int)m->body_case) {
    case AURALINK__FLEET__MESSAGE__BODY_PEER_CLOSE:
        close_one(l, FLEET_PEER, m->peer_close);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_PUB_MUTED:
        aura_sfu_pub_set_muted(sfu, ours(l, FLEET_PUB, m->pub_muted->id), m->pub_muted->on);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_PUB_HUSHED:
        aura_sfu_pub_set_hushed(sfu, ours(l, FLEET_PUB, m->pub_hushed->id), m->pub_hushed->on);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_PUB_CLOSE:
        close_one(l, FLEET_PUB, m->pub_close);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_SUB_SET:
        sub_set(l, m->sub_set);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_SUB_CLOSE:
        close_one(l, FLEET_SUB, m->sub_close);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_POLL_STATS:
        aura_sfu_poll_stats(sfu);
        break;
    default: /* of a later version: it means nothing to us */
        break;
    }
}

/* A new peer that could not be made has failed, as far as its owner is concerned. */
static void say_failed(struct aura_fleet_link *l, uint64_t peer) {
    Auralink__Fleet__Number state = AURALINK__FLEET__NUMBER__INIT;
    fleet_message m = AURALINK__FLEET__MESSAGE__INIT;
    state.id = peer;
    state.value = AURA_PC_FAILED;
    m.body_case = AURALINK__FLEET__MESSAGE__BODY_PEER_STATE;
    m.peer_state = &state;
    (void)fleet_send(l, &m); /* failing ends the link */
}

void fleet_guest_call(struct aura_fleet_link *l, const fleet_message *m) {
    int err = 0;
    switch ((int)m->body_case) {
    case AURALINK__FLEET__MESSAGE__BODY_PEER_NEW:
        err = peer_new(l, m->peer_new);
        if (err) {
            say_failed(l, m->peer_new->peer);
        }
        break;
    case AURALINK__FLEET__MESSAGE__BODY_PEER_REMOTE:
        err = peer_remote(l, m->peer_remote);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_PEER_RESTART:
        err = peer_restart(l, m->peer_restart);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_PUB_SET:
        err = pub_set(l, m->pub_set);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_SUB_NEW:
        err = sub_new(l, m->sub_new);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_DATA_SEND:
        err = data_send(l, m->data_send);
        break;
    default:
        call_void(l, m);
        break;
    }
    if (err) {
        l->fleet->stats.refused++;
        AURA_LOG_LIMITED("fleet", AURA_LOG_WARN, "call_failed", AURA_S("node", l->node),
                         AURA_I("call", m->body_case), AURA_S("why", aura_err_text(err)));
    }
}
