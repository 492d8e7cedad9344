/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/governed.h"

#include "base/log.h"
#include "base/mem.h"
#include "cc/govern.h"
#include "sfu/about.h"
#include "sfu/aic_feed.h"
#include "sfu/aic_inbox.h"
#include "sfu/ceiling.h"

#include <string.h>

enum {
    LATE_US = 500000, /* advice is not in a hurry, but a queue that grows is */
    SILENT_US = 1500000,
    WARM_US = 500000,
    AUDIO_BPS = 128000, /* that REMB covers too: 48 kbps each 20 ms, twice by RED, with headers */
    QUIET_US = 1000000, /* a track silent for so long takes nothing of the ceiling */
    OVERHEAD_PERCENT = 5,
    TELL_US = 1000000, /* between two reports to the control thread */
};

struct aura_governed {
    struct aura_published *pub;
    struct aura_aic_machine machine;
    struct aura_timer timer;
    struct aura_aic_stream *stream;
    uint32_t generation;
    struct aura_aic_feed feed;
    struct aura_govern govern;
    uint32_t width, height; /* largest picture so far */
    bool announced;
    float vmaf;               /* predicted last */
    enum aura_aic_state told; /* to the control thread */
    uint64_t told_us;
};

static uint64_t now_of(const struct aura_governed *g) {
    return aura__now(g->pub->peer->worker);
}

/* ---- the ceiling of a peer ---- */

/* Streams below the one that is looked at go on as they are. */
static uint64_t others_bps(const struct aura_governed *g) {
    const struct aura_source *s = &g->pub->source;
    uint64_t bps = 0;
    for (unsigned i = 0; i < s->layer_count && s->layer_count > 1; i++) {
        for (unsigned t = 0; t < AURA_RATES_TEMPORAL && i != g->feed.layer; t++) {
            bps += s->rates.layer[i][t].bps;
        }
    }
    return bps;
}

static bool flows(const struct aura_published *pub, uint64_t now_us) {
    uint64_t newest_us = 0;
    for (unsigned i = 0; i < AURA_MEDIA_LAYERS_MAX; i++) {
        uint64_t us = pub->source.layer[i].arrival_us;
        newest_us = us > newest_us ? us : newest_us;
    }
    return newest_us && now_us < newest_us + QUIET_US && !pub->source.muted;
}

uint64_t aura__governed_peer_bps(struct aura_peer *peer) {
    uint64_t now_us = aura__now(peer->worker), video_bps = 0, audio_bps = 0;
    AURA_LIST_EACH(&peer->pubs, struct aura_published, pub, peer_node) {
        struct aura_governed *g = pub->governed;
        if (pub->source.kind == AURA_KIND_AUDIO) {
            audio_bps += AUDIO_BPS;
        } else if (flows(pub, now_us)) {
            uint64_t cap = g ? aura_govern_cap_kbps(&g->govern, now_us) : 0;
            if (!cap) {
                return 0; /* REMB is for the whole connection: it would starve this one */
            }
            video_bps += cap * 1000 + others_bps(g);
        }
    }
    return video_bps ? video_bps * (100 + OVERHEAD_PERCENT) / 100 + audio_bps : 0;
}

/* ---- the stream to AI Core follows the mode machine ---- */

static void settle(struct aura_governed *g);
static void handle(struct aura_worker *w, const struct aura_aic_event *e);

static void on_timer(void *arg) {
    struct aura_governed *g = arg;
    aura_aic_machine_tick(&g->machine, now_of(g));
    settle(g);
}

static void open_stream(struct aura_governed *g) {
    const struct aura_aic_origin from = {.inbox = g->pub->peer->worker->aic,
                                         .handle = handle,
                                         .pub = g->pub->source.id,
                                         .generation = ++g->generation};
    int err = aura__aic_open(&g->stream, &from, AURA_AIC_CALL_ANALYZE);
    if (err == AURA_ELIMIT) {
        aura_aic_machine_stream_down(&g->machine, AURA_AIC_REFUSED, now_of(g));
    }
    if (err) {
        return; /* else the next packet tries again */
    }
    aura_aic_machine_stream_up(&g->machine, now_of(g));
    aura__aic_feed_restart(&g->feed);
}

/* Governed is who has a ceiling: AI Core may look at frames for a while before that. */
static enum aura_aic_state state_of(struct aura_governed *g) {
    bool held = aura_govern_cap_kbps(&g->govern, now_of(g)) > 0;
    return held                                  ? AURA_AIC_ACTIVE
           : g->machine.state == AURA_AIC_ACTIVE ? AURA_AIC_WARMING
                                                 : g->machine.state;
}

static void tell(struct aura_governed *g, enum aura_aic_state state) {
    uint64_t now_us = now_of(g);
    if (state == g->told && (state == AURA_AIC_OFF || now_us < g->told_us + TELL_US)) {
        return;
    }
    g->told = state;
    g->told_us = now_us;
    struct aura_sfu_aic *out = aura_zalloc(sizeof(*out));
    if (out) {
        out->pub = g->pub->source.id;
        out->owner = true;
        out->state = state;
        out->reason = g->machine.reason;
        out->hints = (struct aura_aic_hints){.mode = AURA_AIC_GOVERNED, .vmaf = g->vmaf};
        out->cap_kbps = aura_govern_cap_kbps(&g->govern, now_us);
        out->frames = g->machine.frames;
        out->late = g->machine.late;
        memcpy(out->fallbacks, g->machine.fallbacks, sizeof(out->fallbacks));
        struct aura_msg m = {.type = AURA_MSG_AIC, .id = out->pub, .ptr = out};
        aura__worker_tell(g->pub->peer->worker, &m);
    }
}

static void settle(struct aura_governed *g) {
    struct aura_aic_machine *m = &g->machine;
    tell(g, state_of(g));
    if (aura_aic_machine_take_pli(m)) {
        AURA_LOG("aic", AURA_LOG_INFO, "ungoverned", LOG_ABOUT(&g->pub->conf.about),
                 AURA_I("track", g->pub->source.id),
                 AURA_S("why", aura_aic_reason_name(m->reason)));
        aura_govern_release(&g->govern);
    }
    if (aura_aic_machine_feeds(m) && !g->stream) {
        open_stream(g);
    } else if (!aura_aic_machine_feeds(m)) {
        g->stream = aura_aic_stream_free(g->stream);
    }
    struct aura_timers *timers = aura_loop_timers(g->pub->peer->worker->loop);
    uint64_t due_us = aura_aic_machine_due_us(m), now_us = now_of(g);
    if (due_us == UINT64_MAX) {
        aura_timer_stop(timers, &g->timer);
    } else {
        /* Without memory for it the next packet is in time. */
        (void)!aura_timer_start(timers, &g->timer, due_us > now_us ? due_us - now_us : 0, on_timer,
                                g);
    }
}

static void send_frame(void *arg, const struct aura_aic_frame_in *frame) {
    struct aura_governed *g = arg;
    uint64_t now_us = now_of(g);
    if (!g->stream || !aura_aic_machine_sent(&g->machine, now_us)) {
        return;
    }
    struct aura_aic_frame_in in = *frame;
    in.target_quality = aura__published_target_quality(g->pub);
    if (aura_aic_stream_send(g->stream, &in)) {
        aura_aic_machine_stream_down(&g->machine, AURA_AIC_BROKEN, now_us);
    }
}

void aura__governed_packet(struct aura_governed *g, unsigned layer, const struct aura_packet *p) {
    if (!aura__aic_feed_follows(&g->feed, layer, p)) {
        return;
    }
    aura_aic_machine_want(&g->machine, aura__aic_codec((enum aura_codec)p->codec) != 0,
                          p->arrival_us);
    aura_aic_machine_tick(&g->machine, p->arrival_us);
    settle(g);
    if (g->stream) {
        aura__aic_feed_take(&g->feed, p);
        settle(g);
    }
}

/* ---- looks come in ---- */

static void note_size(struct aura_governed *g, uint32_t width, uint32_t height) {
    if ((uint64_t)width * height > (uint64_t)g->width * g->height) {
        g->width = width;
        g->height = height;
    }
}

/* For the picture as it was announced: what arrives may be smaller because the sender has only
 * begun, or because of the ceiling itself. */
static uint32_t floor_kbps(struct aura_governed *g) {
    const struct aura_payload_state *size = &g->pub->stream[g->feed.layer].payload;
    note_size(g, g->pub->conf.width, g->pub->conf.height);
    note_size(g, size->width, size->height);
    enum aura_codec codec = (enum aura_codec)g->feed.codec;
    bool svc = codec == AURA_CODEC_AV1 || codec == AURA_CODEC_VP9;
    uint32_t layers = svc && g->pub->conf.spatial_layers ? g->pub->conf.spatial_layers : 1;
    layers = layers > AURA_MEDIA_LAYERS_MAX ? AURA_MEDIA_LAYERS_MAX : layers;
    return aura_govern_floor_kbps(codec, g->width, g->height, layers,
                                  g->pub->source.layer_count > 1);
}

static void announce(struct aura_governed *g, uint32_t kbps) {
    const struct aura_source *s = &g->pub->source;
    uint64_t bps = 0;
    for (unsigned i = 0; i < AURA_MEDIA_LAYERS_MAX; i++) {
        for (unsigned t = 0; t < AURA_RATES_TEMPORAL; t++) {
            bps += s->rates.layer[i][t].bps;
        }
    }
    g->announced = true;
    AURA_LOG("aic", AURA_LOG_INFO, "AIC Governed!", LOG_ABOUT(&g->pub->conf.about),
             AURA_I("track", s->id), AURA_I("native_kbps", bps / 1000), AURA_I("cap_kbps", kbps));
}

static void looked(struct aura_governed *g, const struct aura_aic_look *look) {
    uint64_t now_us = now_of(g);
    if (aura_aic_machine_answer(&g->machine, true, -1, now_us) == UINT32_MAX) {
        return;
    }
    g->vmaf = look->vmaf;
    uint32_t kbps = aura_govern_in_codec((enum aura_codec)g->feed.codec, look->recommended_kbps);
    aura_govern_look(&g->govern, kbps, look->vmaf, floor_kbps(g), now_us);
    uint32_t cap = aura_govern_cap_kbps(&g->govern, now_us);
    if (cap && !g->announced) {
        announce(g, cap);
    }
    if (cap) {
        aura__ceiling_soon(g->pub->peer);
    }
    settle(g);
}

static void handle(struct aura_worker *w, const struct aura_aic_event *e) {
    struct aura_published *pub = aura__published_find(w, e->from.pub);
    struct aura_governed *g = pub ? pub->governed : NULL;
    if (!g || e->from.generation != g->generation || !g->stream) {
        return;
    }
    if (e->closed) {
        g->stream = aura_aic_stream_free(g->stream);
        aura_aic_machine_stream_down(&g->machine, e->why, now_of(g));
        settle(g);
    } else {
        looked(g, &e->look);
    }
}

/* ---- its life ---- */

int aura__governed_new(struct aura_governed **gp, struct aura_published *pub) {
    const struct aura_aic_machine_conf conf = {
        .late_us = LATE_US, .silent_us = SILENT_US, .warm_us = WARM_US};
    struct aura_governed *g = aura_zalloc(sizeof(*g));
    if (!g) {
        return AURA_ENOMEM;
    }
    int err = aura__aic_feed_init(&g->feed, pub, send_frame, g);
    if (err) {
        aura_free(g);
        return err;
    }
    g->pub = pub;
    g->govern.min_vmaf = pub->peer->worker->shared->conf.aic_min_quality;
    aura_aic_machine_init(&g->machine, &conf);
    *gp = g;
    return 0;
}

struct aura_governed *aura__governed_free(struct aura_governed *g) {
    if (g) {
        tell(g, AURA_AIC_OFF);
        aura_timer_stop(aura_loop_timers(g->pub->peer->worker->loop), &g->timer);
        aura_aic_stream_free(g->stream);
        aura__aic_feed_end(&g->feed);
        aura_free(g);
    }
    return NULL;
}
