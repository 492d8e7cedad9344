/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does with the messages that it gets. */
#include "base/log.h"
#include "base/mem.h"
#include "sfu/about.h"
#include "sfu/demux.h"
#include "sfu/handover.h"
#include "sfu/peer.h"
#include "sfu/published.h"
#include "sfu/source.h"
#include "sfu/stats.h"
#include "sfu/subscribed.h"
#include "transport/pc.h"

static void refused(struct aura_worker *w, const char *event, const struct aura_sfu_about *about,
                    uint64_t id, int err) {
    aura__drop(w, AURA_DROP_LIMIT);
    AURA_LOG_LIMITED("sfu", AURA_LOG_WARN, event, LOG_ABOUT(about), AURA_I("id", id),
                     AURA_S("error", aura_err_name(err)));
}

static void peer_new(struct aura_worker *w, const struct aura_msg *m) {
    const struct aura_msg_peer *conf = m->ptr;
    int err = aura__peer_new(w, m->id, conf);
    if (err) {
        struct aura_msg failed = {
            .type = AURA_MSG_PEER_STATE, .id = m->id, .a = (uint8_t)AURA_PC_FAILED};
        refused(w, "peer_refused", &conf->conf.about, m->id, err);
        aura__worker_tell(w, &failed);
    }
}

static void pub_new(struct aura_worker *w, const struct aura_msg *m) {
    const struct aura_sfu_pub_conf *conf = m->ptr;
    struct aura_peer *peer = aura__peer_find(w, conf->peer);
    int err = peer ? aura__published_new(peer, m->id, conf) : 0;
    if (err) {
        refused(w, "published_track_refused", &conf->about, m->id, err);
    }
}

static void sub_new(struct aura_worker *w, const struct aura_msg *m) {
    const struct aura_msg_sub *conf = m->ptr;
    struct aura_peer *peer = aura__peer_find(w, conf->conf.peer);
    int err = peer ? aura__subscribed_new(peer, m->id, conf) : 0;
    if (err) {
        refused(w, "subscribed_track_refused", &peer->about, m->id, err);
    }
}

static void data(struct aura_worker *w, const struct aura_msg *m) {
    const struct aura_msg_data *d = m->ptr;
    for (size_t i = 0; i < d->count; i++) {
        struct aura_peer *peer = aura__peer_find(w, d->peers[i]);
        if (peer) {
            aura__peer_data(peer, d->channel, d->blob);
        }
    }
}

static void on_peer(struct aura_worker *w, const struct aura_msg *m) {
    struct aura_peer *peer = aura__peer_find(w, m->id);
    if (!peer) {
        return;
    }
    if (m->type == AURA_MSG_PEER_REMOTE) {
        const struct aura_msg_remote *r = m->ptr;
        aura__peer_set_remote(peer, &r->remote);
    } else if (m->type == AURA_MSG_PEER_RESTART) {
        aura__peer_restart(peer, m->ptr);
    } else {
        aura__peer_close(peer);
    }
}

static void on_pub(struct aura_worker *w, const struct aura_msg *m) {
    struct aura_published *pub = aura__published_find(w, m->id);
    if (!pub) {
        return;
    }
    if (m->type == AURA_MSG_PUB_UPDATE) {
        aura__published_update(pub, m->ptr);
    } else if (m->type == AURA_MSG_PUB_MUTED) {
        aura__published_set_muted(pub, m->a);
    } else if (m->type == AURA_MSG_PUB_HUSHED) {
        aura__source_set_hushed(&pub->source, m->a);
    } else if (m->type == AURA_MSG_REPLICA_ADD) {
        aura__published_replica(pub, m->n, true);
    } else if (m->type == AURA_MSG_REPLICA_REMOVE) {
        aura__published_replica(pub, m->n, false);
    } else if (m->type == AURA_MSG_KEY_FRAME) {
        if (m->a < AURA_SOURCE_LAYERS) {
            (m->b ? aura__source_hurry_key : aura__source_want_key)(&pub->source, m->a);
        }
    } else {
        aura__published_free(pub);
    }
}

static void on_sub(struct aura_worker *w, const struct aura_msg *m) {
    struct aura_subscribed *sub = aura__subscribed_find(w, m->id);
    if (!sub) {
        return;
    }
    if (m->type == AURA_MSG_SUB_SET) {
        aura__subscribed_set(sub, &m->settings);
    } else if (m->type == AURA_MSG_SUB_MOVE) {
        aura__subscribed_move(sub, m->v, &m->settings);
    } else {
        aura__subscribed_free(sub);
    }
}

static void packet(struct aura_worker *w, const struct aura_msg *m) {
    struct aura_source *s = aura__source_find(w, m->id);
    if (s && s->replica && m->a < AURA_SOURCE_LAYERS) {
        /* Media may overtake the description, which comes through another ring. */
        s->kind = (enum aura_kind)m->b;
        if (m->a >= s->layer_count && m->a < AURA_MEDIA_LAYERS_MAX) {
            s->layer_count = (uint8_t)(m->a + 1);
        }
        aura__source_packet(s, m->a, m->ptr);
    }
    aura__packet_unref(m->ptr, w->pool);
}

void aura__worker_handle(struct aura_worker *w, struct aura_msg *m) {
    switch ((enum aura_msg_type)m->type) {
    case AURA_MSG_PACKET:
        packet(w, m);
        return; /* its reference is used up */
    case AURA_MSG_DATAGRAM:
        aura__handover_receive(w, m);
        aura__packet_unref(m->ptr, w->pool);
        return;
    case AURA_MSG_TCP:
        aura__demux_tcp_adopt(w, m->ptr);
        return; /* so is the connection */
    case AURA_MSG_ROUTE:
        aura__handover_route(w, m);
        break;
    case AURA_MSG_PEER_NEW:
        peer_new(w, m);
        break;
    case AURA_MSG_PEER_REMOTE:
    case AURA_MSG_PEER_RESTART:
    case AURA_MSG_PEER_CLOSE:
        on_peer(w, m);
        break;
    case AURA_MSG_PUB_NEW:
        pub_new(w, m);
        break;
    case AURA_MSG_PUB_UPDATE:
    case AURA_MSG_PUB_MUTED:
    case AURA_MSG_PUB_HUSHED:
    case AURA_MSG_PUB_CLOSE:
    case AURA_MSG_REPLICA_ADD:
    case AURA_MSG_REPLICA_REMOVE:
    case AURA_MSG_KEY_FRAME:
        on_pub(w, m);
        break;
    case AURA_MSG_SUB_NEW:
        sub_new(w, m);
        break;
    case AURA_MSG_SUB_SET:
    case AURA_MSG_SUB_MOVE:
    case AURA_MSG_SUB_CLOSE:
        on_sub(w, m);
        break;
    case AURA_MSG_DATA:
        data(w, m);
        break;
    case AURA_MSG_POLL_STATS:
        aura__stats_report(w);
        break;
    case AURA_MSG_REPLICA_INFO:
    case AURA_MSG_REPLICA_END:
    case AURA_MSG_REPLICA_SR:
        aura__replica_message(w, m);
        break;
    case AURA_MSG_PEER_STATE:
    case AURA_MSG_PEER_CEILING:
    case AURA_MSG_DATA_OPEN:
    case AURA_MSG_DATA_IN:
    case AURA_MSG_PUB_LAYER:
    case AURA_MSG_LEVELS:
    case AURA_MSG_PUB_STATS:
    case AURA_MSG_SUB_STATS:
    case AURA_MSG_SUB_STARTED:
    case AURA_MSG_SUB_STATE:
    case AURA_MSG_PEER_STATS:
    case AURA_MSG_AIC:
        AURA_BUG_ON(true); /* these go to the control thread */
    }
    aura__msg_discard(m);
}
