/* SPDX-License-Identifier: Apache-2.0 */
/* What an SFU reports, on its way to the node that owns the room: out at one end, in at the other.
 */
#include "fleet/fleet_priv.h"

#include <string.h>

/* Fields that have the same name on both sides. */
#define PUB_STATS(F)                                                                               \
    F(packets)                                                                                     \
    F(bytes)                                                                                       \
    F(packets_lost)                                                                                \
    F(packets_repaired)                                                                            \
    F(nacks_sent)                                                                                  \
    F(plis_sent)                                                                                   \
    F(frames)                                                                                      \
    F(key_frames)                                                                                  \
    F(interval_packets)                                                                            \
    F(interval_expected)                                                                           \
    F(interval_lost)                                                                               \
    F(interval_reordered)                                                                          \
    F(jitter_us)                                                                                   \
    F(rtt_us)                                                                                      \
    F(bitrate_bps)
#define SUB_STATS(F)                                                                               \
    F(packets)                                                                                     \
    F(bytes)                                                                                       \
    F(retransmits)                                                                                 \
    F(nacks_received)                                                                              \
    F(plis_received)                                                                               \
    F(interval_packets)                                                                            \
    F(interval_lost)                                                                               \
    F(jitter_us)                                                                                   \
    F(rtt_us)                                                                                      \
    F(bitrate_bps)
#define BWE(F)                                                                                     \
    F(target_bps)                                                                                  \
    F(delay_bps)                                                                                   \
    F(loss_bps)                                                                                    \
    F(acked_bps)                                                                                   \
    F(remb_bps)                                                                                    \
    F(rtt_us)                                                                                      \
    F(queue_us)                                                                                    \
    F(loss)                                                                                        \
    F(probes)                                                                                      \
    F(probes_answered)                                                                             \
    F(backoffs)
#define PEER_STATS(F)                                                                              \
    F(given_bps)                                                                                   \
    F(wanted_bps)                                                                                  \
    F(audio_bps)                                                                                   \
    F(queued_packets)                                                                              \
    F(queue_drops)

/* ---- out ---- */

/* What belongs to another node's room, and is not the media link's. */
static struct fleet_guest *guest(const struct aura_fleet *f, uint64_t id) {
    struct fleet_guest *g = aura_map_get_u64(f->guests, id);
    return g && !g->owner->broken ? g : NULL;
}

/* One thing or the other: ours go on to the rooms. */
#define MESSAGE(name, what)                                                                        \
    fleet_message name = AURALINK__FLEET__MESSAGE__INIT;                                           \
    (name).body_case = AURALINK__FLEET__MESSAGE__BODY_##what

static void say(const struct fleet_guest *g, const fleet_message *m) {
    if (!g->link) {
        (void)fleet_send(g->owner, m); /* failing ends the link */
    }
}

static void on_peer_state(void *arg, aura_peer_id peer, enum aura_pc_state state) {
    struct aura_fleet *f = arg;
    const struct fleet_guest *g = guest(f, peer);
    if (g) {
        Auralink__Fleet__Number n = AURALINK__FLEET__NUMBER__INIT;
        MESSAGE(m, PEER_STATE);
        n.id = g->theirs;
        n.value = state;
        m.peer_state = &n;
        say(g, &m);
    } else if (!fleet_link_state(f, peer, state)) {
        f->handlers.peer_state(f->conf.arg, peer, state);
    }
}

static void on_data_open(void *arg, aura_peer_id peer, enum aura_data_channel channel) {
    struct aura_fleet *f = arg;
    const struct fleet_guest *g = guest(f, peer);
    if (g) {
        Auralink__Fleet__Number n = AURALINK__FLEET__NUMBER__INIT;
        MESSAGE(m, DATA_OPEN);
        n.id = g->theirs;
        n.value = channel;
        m.data_open = &n;
        say(g, &m);
    } else if (f->handlers.data_open) {
        f->handlers.data_open(f->conf.arg, peer, channel);
    }
}

static void on_data(void *arg, aura_peer_id peer, enum aura_data_channel channel,
                    const uint8_t *data, size_t len) {
    struct aura_fleet *f = arg;
    const struct fleet_guest *g = guest(f, peer);
    if (!g) {
        f->handlers.data(f->conf.arg, peer, channel, data, len);
        return;
    }
    struct aura_fleet_link *l = g->owner;
    if (channel != AURA_DATA_RELIABLE && l->pipe.queued(l->pipe.arg) > AURA_FLEET_LOSSY_BYTES_MAX) {
        f->stats.lossy_dropped++;
        return;
    }
    uint64_t id = g->theirs;
    Auralink__Fleet__Data d = AURALINK__FLEET__DATA__INIT;
    MESSAGE(m, DATA);
    d.n_peers = 1;
    d.peers = &id;
    d.channel = channel;
    d.data = (ProtobufCBinaryData){.len = len, .data = (uint8_t *)(uintptr_t)data};
    m.data = &d;
    say(g, &m);
}

static void on_layer(void *arg, aura_pub_id pub, const struct aura_sfu_layer *layer) {
    struct aura_fleet *f = arg;
    const struct fleet_guest *g = guest(f, pub);
    if (!g) {
        f->handlers.pub_layer(f->conf.arg, pub, layer);
        return;
    }
    Auralink__Fleet__Layer q = AURALINK__FLEET__LAYER__INIT;
    MESSAGE(m, PUB_LAYER);
    q.pub = g->theirs;
    q.codec = layer->codec;
    q.pt = layer->pt;
    q.ssrc = layer->ssrc;
    q.rtx_ssrc = layer->rtx_ssrc;
    q.rid = fleet_text(layer->rid);
    m.pub_layer = &q;
    say(g, &m);
}

static void say_level(const struct fleet_guest *g, const struct aura_sfu_level *level) {
    Auralink__Fleet__Levels all = AURALINK__FLEET__LEVELS__INIT;
    Auralink__Fleet__Level q = AURALINK__FLEET__LEVEL__INIT, *list = &q;
    MESSAGE(m, AUDIO_LEVELS);
    q.pub = g->theirs;
    q.level = level->level;
    q.active = level->active;
    all.n_levels = 1;
    all.levels = &list;
    m.audio_levels = &all;
    say(g, &m);
}

static void on_levels(void *arg, const struct aura_sfu_level *levels, size_t count) {
    struct aura_fleet *f = arg;
    for (size_t i = 0; i < count; i++) {
        const struct fleet_guest *g = guest(f, levels[i].pub);
        if (g) {
            say_level(g, &levels[i]);
        }
    }
    f->handlers.audio_levels(f->conf.arg, levels, count); /* what is not theirs they leave out */
}

#define OUT(field) q.field = s->field;
#define OUT_BWE(field) q.field = s->bwe.field;

static void on_pub_stats(void *arg, const struct aura_sfu_pub_stats *s) {
    struct aura_fleet *f = arg;
    const struct fleet_guest *g = guest(f, s->pub);
    if (!g) {
        f->handlers.pub_stats(f->conf.arg, s);
        return;
    }
    Auralink__Fleet__PubStats q = AURALINK__FLEET__PUB_STATS__INIT;
    MESSAGE(m, PUB_STATS);
    PUB_STATS(OUT)
    q.pub = g->theirs;
    q.layers_active = s->layers_active;
    m.pub_stats = &q;
    say(g, &m);
}

static void on_sub_stats(void *arg, const struct aura_sfu_sub_stats *s) {
    struct aura_fleet *f = arg;
    const struct fleet_guest *g = guest(f, s->sub);
    if (!g) {
        f->handlers.sub_stats(f->conf.arg, s);
        return;
    }
    Auralink__Fleet__SubStats q = AURALINK__FLEET__SUB_STATS__INIT;
    MESSAGE(m, SUB_STATS);
    SUB_STATS(OUT)
    q.sub = g->theirs;
    q.aic = s->aic;
    m.sub_stats = &q;
    say(g, &m);
}

static void on_sub_started(void *arg, aura_sub_id sub) {
    struct aura_fleet *f = arg;
    const struct fleet_guest *g = guest(f, sub);
    if (g) {
        MESSAGE(m, SUB_STARTED);
        m.sub_started = g->theirs;
        say(g, &m);
    } else {
        f->handlers.sub_started(f->conf.arg, sub);
    }
}

static void on_sub_state(void *arg, const struct aura_sfu_sub_state *s) {
    struct aura_fleet *f = arg;
    const struct fleet_guest *g = guest(f, s->sub);
    if (!g) {
        f->handlers.sub_state(f->conf.arg, s);
        return;
    }
    Auralink__Fleet__SubState q = AURALINK__FLEET__SUB_STATE__INIT;
    MESSAGE(m, SUB_STATE);
    q.sub = g->theirs;
    q.paused = s->paused;
    q.spatial = s->spatial;
    q.temporal = s->temporal;
    q.why = s->why;
    q.bps = s->bps;
    q.estimate_bps = s->estimate_bps;
    m.sub_state = &q;
    say(g, &m);
}

static void on_peer_stats(void *arg, const struct aura_sfu_peer_stats *s) {
    struct aura_fleet *f = arg;
    const struct fleet_guest *g = guest(f, s->peer);
    if (!g) {
        f->handlers.peer_stats(f->conf.arg, s);
        return;
    }
    Auralink__Fleet__PeerStats q = AURALINK__FLEET__PEER_STATS__INIT;
    MESSAGE(m, PEER_STATS);
    BWE(OUT_BWE)
    PEER_STATS(OUT)
    q.peer = g->theirs;
    q.overusing = s->bwe.overusing;
    q.limit = s->bwe.limit;
    m.peer_stats = &q;
    say(g, &m);
}

static void on_ceiling(void *arg, aura_peer_id peer, bool dropping, uint32_t sent_kbps) {
    struct aura_fleet *f = arg;
    const struct fleet_guest *g = guest(f, peer);
    if (!g) {
        f->handlers.peer_ceiling(f->conf.arg, peer, dropping, sent_kbps);
        return;
    }
    Auralink__Fleet__Ceiling q = AURALINK__FLEET__CEILING__INIT;
    MESSAGE(m, PEER_CEILING);
    q.peer = g->theirs;
    q.dropping = dropping;
    q.sent_kbps = sent_kbps;
    m.peer_ceiling = &q;
    say(g, &m);
}

/* Tracks of other nodes' rooms are not compressed here yet, so all reports are ours. */
static void on_aic(void *arg, const struct aura_sfu_aic *report) {
    struct aura_fleet *f = arg;
    f->handlers.aic(f->conf.arg, report);
}

const struct aura_sfu_handlers *aura_fleet_sfu_handlers(void) {
    static const struct aura_sfu_handlers handlers = {.peer_state = on_peer_state,
                                                      .data_open = on_data_open,
                                                      .data = on_data,
                                                      .pub_layer = on_layer,
                                                      .audio_levels = on_levels,
                                                      .pub_stats = on_pub_stats,
                                                      .sub_stats = on_sub_stats,
                                                      .sub_started = on_sub_started,
                                                      .sub_state = on_sub_state,
                                                      .peer_stats = on_peer_stats,
                                                      .peer_ceiling = on_ceiling,
                                                      .aic = on_aic};
    return &handlers;
}

/* ---- in: a node speaks of what is at that node, and of nothing else ---- */

#define IN(field) s.field = q->field;
#define IN_BWE(field) s.bwe.field = q->field;

static bool there(const struct aura_fleet_link *l, uint64_t id) {
    return fleet_node_of(id) == l->slot;
}

static void in_layer(struct aura_fleet_link *l, const Auralink__Fleet__Layer *q) {
    struct aura_fleet *f = l->fleet;
    struct aura_sfu_layer layer = {.pt = (uint8_t)q->pt, .ssrc = q->ssrc, .rtx_ssrc = q->rtx_ssrc};
    if (there(l, q->pub) && q->codec < AURA_CODEC_COUNT) {
        layer.codec = (enum aura_codec)q->codec;
        fleet_read_text(layer.rid, sizeof(layer.rid), q->rid);
        f->handlers.pub_layer(f->conf.arg, q->pub, &layer);
    }
}

static void in_levels(struct aura_fleet_link *l, const Auralink__Fleet__Levels *q) {
    struct aura_fleet *f = l->fleet;
    for (size_t i = 0; i < q->n_levels; i++) {
        const struct aura_sfu_level level = {q->levels[i]->pub, q->levels[i]->level,
                                             q->levels[i]->active != 0};
        if (there(l, level.pub)) {
            f->handlers.audio_levels(f->conf.arg, &level, 1);
        }
    }
}

static void in_pub_stats(struct aura_fleet_link *l, const Auralink__Fleet__PubStats *q) {
    struct aura_sfu_pub_stats s = {.pub = q->pub, .layers_active = (uint8_t)q->layers_active};
    PUB_STATS(IN)
    if (there(l, q->pub)) {
        l->fleet->handlers.pub_stats(l->fleet->conf.arg, &s);
    }
}

static void in_sub_stats(struct aura_fleet_link *l, const Auralink__Fleet__SubStats *q) {
    struct aura_sfu_sub_stats s = {.sub = q->sub, .aic = q->aic != 0};
    SUB_STATS(IN)
    if (there(l, q->sub)) {
        l->fleet->handlers.sub_stats(l->fleet->conf.arg, &s);
    }
}

static void in_sub_state(struct aura_fleet_link *l, const Auralink__Fleet__SubState *q) {
    const struct aura_sfu_sub_state s = {
        .sub = q->sub,
        .paused = q->paused != 0,
        .spatial = (int8_t)q->spatial,
        .temporal = (int8_t)q->temporal,
        .why = q->why <= AURA_ALLOC_SETTLING ? (enum aura_alloc_why)q->why : AURA_ALLOC_NO_MEDIA,
        .bps = q->bps,
        .estimate_bps = q->estimate_bps};
    if (there(l, q->sub)) {
        l->fleet->handlers.sub_state(l->fleet->conf.arg, &s);
    }
}

static void in_peer_stats(struct aura_fleet_link *l, const Auralink__Fleet__PeerStats *q) {
    struct aura_sfu_peer_stats s = {.peer = q->peer};
    BWE(IN_BWE)
    PEER_STATS(IN)
    s.bwe.overusing = q->overusing != 0;
    s.bwe.limit = q->limit <= AURA_BWE_SILENCE ? (enum aura_bwe_limit)q->limit : AURA_BWE_START;
    if (there(l, q->peer)) {
        l->fleet->handlers.peer_stats(l->fleet->conf.arg, &s);
    }
}

static void in_data(struct aura_fleet_link *l, const Auralink__Fleet__Data *q) {
    struct aura_fleet *f = l->fleet;
    if (q->n_peers == 1 && there(l, q->peers[0]) && q->channel < AURA_DATA_CHANNELS) {
        f->handlers.data(f->conf.arg, q->peers[0], (enum aura_data_channel)q->channel, q->data.data,
                         q->data.len);
    }
}

static void in_small(struct aura_fleet_link *l, const fleet_message *m) {
    struct aura_fleet *f = l->fleet;
    switch ((int)m->body_case) {
    case AURALINK__FLEET__MESSAGE__BODY_PEER_STATE:
        if (there(l, m->peer_state->id) && m->peer_state->value <= AURA_PC_FAILED) {
            f->handlers.peer_state(f->conf.arg, m->peer_state->id,
                                   (enum aura_pc_state)m->peer_state->value);
        }
        break;
    case AURALINK__FLEET__MESSAGE__BODY_DATA_OPEN:
        if (there(l, m->data_open->id) && m->data_open->value < AURA_DATA_CHANNELS &&
            f->handlers.data_open) {
            f->handlers.data_open(f->conf.arg, m->data_open->id,
                                  (enum aura_data_channel)m->data_open->value);
        }
        break;
    case AURALINK__FLEET__MESSAGE__BODY_SUB_STARTED:
        if (there(l, m->sub_started)) {
            f->handlers.sub_started(f->conf.arg, m->sub_started);
        }
        break;
    case AURALINK__FLEET__MESSAGE__BODY_PEER_CEILING:
        if (there(l, m->peer_ceiling->peer)) {
            f->handlers.peer_ceiling(f->conf.arg, m->peer_ceiling->peer, m->peer_ceiling->dropping,
                                     m->peer_ceiling->sent_kbps);
        }
        break;
    default: /* of a later version */
        break;
    }
}

void fleet_report(struct aura_fleet_link *l, const fleet_message *m) {
    switch ((int)m->body_case) {
    case AURALINK__FLEET__MESSAGE__BODY_DATA:
        in_data(l, m->data);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_PUB_LAYER:
        in_layer(l, m->pub_layer);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_AUDIO_LEVELS:
        in_levels(l, m->audio_levels);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_PUB_STATS:
        in_pub_stats(l, m->pub_stats);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_SUB_STATS:
        in_sub_stats(l, m->sub_stats);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_SUB_STATE:
        in_sub_state(l, m->sub_state);
        break;
    case AURALINK__FLEET__MESSAGE__BODY_PEER_STATS:
        in_peer_stats(l, m->peer_stats);
        break;
    default:
        in_small(l, m);
        break;
    }
}
