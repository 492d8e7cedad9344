/* SPDX-License-Identifier: Apache-2.0 */
/* Tracks that cross a link: once, however many want them behind it, with the greatest of their
 * wishes. The node that owns the room is one end of each relay, so a track that goes from one other
 * node to a second one crosses two: the end of the first is itself a track, of which the second one
 * is a relay. */
#include "base/log.h"
#include "fleet/fleet_priv.h"

#include <string.h>

/* ---- what it carries ---- */

/* Extensions that mean something beyond the hop, and those that the hop's own control needs. */
static struct aura_ext_map link_ext(void) {
    struct aura_ext_map map = {.id = {0}};
    map.id[AURA_EXT_TWCC] = 1;
    map.id[AURA_EXT_AUDIO_LEVEL] = 2;
    map.id[AURA_EXT_ABS_CAPTURE_TIME] = 3;
    map.id[AURA_EXT_DEPENDENCY_DESCRIPTOR] = 4;
    map.id[AURA_EXT_VIDEO_ORIENTATION] = 5;
    map.id[AURA_EXT_COLOR_SPACE] = 6;
    map.id[AURA_EXT_VIDEO_CONTENT_TYPE] = 7;
    map.id[AURA_EXT_VIDEO_TIMING] = 8;
    map.id[AURA_EXT_AIC] = 9;
    return map;
}

/* As the publisher sends it, but found by its SSRC alone. */
static struct aura_media link_media(const struct fleet_track *t) {
    struct aura_media m = t->media;
    memset(m.mid, 0, sizeof(m.mid));
    m.ext = link_ext();
    for (size_t i = 0; i < m.codec_count; i++) {
        uint8_t video = AURA_FB_NACK | AURA_FB_PLI | AURA_FB_TWCC;
        m.codecs[i].feedback = m.kind == AURA_KIND_VIDEO ? video : AURA_FB_NACK | AURA_FB_TWCC;
    }
    return m;
}

/* ---- wishes ---- */

static void merge(struct aura_sfu_sub_settings *all, const struct aura_sfu_sub_settings *one,
                  bool first) {
    if (first) {
        *all = *one;
        return;
    }
    all->native = all->native && one->native;
    all->saver = all->saver && one->saver;
    all->essential = all->essential || one->essential;
    all->screen = all->screen || one->screen;
    all->max_layer = one->max_layer > all->max_layer ? one->max_layer : all->max_layer;
    bool any_fps = all->max_fps == 0 || one->max_fps == 0; /* 0 = all of them */
    uint8_t fps = one->max_fps > all->max_fps ? one->max_fps : all->max_fps;
    all->max_fps = any_fps ? 0 : fps;
    all->priority = one->priority > all->priority ? one->priority : all->priority;
    all->pixels = one->pixels > all->pixels ? one->pixels : all->pixels;
}

static bool same(const struct aura_sfu_sub_settings *a, const struct aura_sfu_sub_settings *b) {
    return a->paused == b->paused && a->native == b->native && a->essential == b->essential &&
           a->saver == b->saver && a->screen == b->screen && a->max_layer == b->max_layer &&
           a->max_fps == b->max_fps && a->priority == b->priority && a->pixels == b->pixels;
}

static struct aura_sfu_sub_settings greatest(const struct fleet_relay *r) {
    struct aura_sfu_sub_settings all = r->settings;
    bool first = true;
    AURA_LIST_EACH(&r->wishes, struct fleet_wish, w, node) {
        if (!w->settings.paused) {
            merge(&all, &w->settings, first);
            first = false;
        }
    }
    all.paused = first;
    return all;
}

static void on_linger(void *arg) {
    fleet_relay_free(arg);
}

/* Wishes came, went or changed. */
static void renew(struct fleet_relay *r) {
    struct aura_fleet *f = r->fleet;
    struct aura_sfu_sub_settings all = greatest(r);
    if (!same(&all, &r->settings)) {
        f->stats.relays_wanted += r->settings.paused && !all.paused;
        f->stats.relays_wanted -= !r->settings.paused && all.paused;
        r->settings = all;
        fleet_put_settings(f, r->send, &all);
        fleet_relay_wish(&r->up, &all);
    }
    if (!aura_list_empty(&r->wishes)) {
        aura_timer_stop(f->timers, &r->linger_timer);
    } else if (!aura_timer_running(&r->linger_timer) &&
               aura_timer_start(f->timers, &r->linger_timer, AURA_FLEET_LINGER_S * AURA_US_PER_S,
                                on_linger, r)) {
        fleet_relay_free(r);
    }
}

static void join(struct fleet_wish *w, struct fleet_relay *r,
                 const struct aura_sfu_sub_settings *settings) {
    w->relay = r;
    w->settings = *settings;
    aura_list_add(&r->wishes, &w->node);
    renew(r);
}

void fleet_relay_wish(struct fleet_wish *w, const struct aura_sfu_sub_settings *settings) {
    if (w->relay) {
        w->settings = *settings;
        renew(w->relay);
    }
}

void fleet_relay_unwant(struct fleet_wish *w) {
    struct fleet_relay *r = w->relay;
    if (r) {
        aura_node_remove(&w->node);
        w->relay = NULL;
        renew(r);
    }
}

/* ---- relays ---- */

void fleet_relay_free(struct fleet_relay *r) {
    struct aura_fleet *f = r->fleet;
    struct fleet_track *end = r->take ? aura_map_get_u64(f->tracks, r->take) : NULL;
    aura_timer_stop(f->timers, &r->linger_timer);
    AURA_LIST_EACH(&r->wishes, struct fleet_wish, w, node) {
        aura_node_remove(&w->node);
        w->relay = NULL; /* it sees nothing from now on, as of a track that has ended */
    }
    if (end) {
        fleet_track_free(f, end);
    }
    fleet_drop_sub(f, r->send);
    fleet_drop_pub(f, r->take);
    aura_node_remove(&r->track_node);
    aura_node_remove(&r->link_node);
    fleet_relay_unwant(&r->up);
    f->stats.relays--;
    f->stats.relays_wanted -= !r->settings.paused;
    aura_free(r);
}

static int open_ends(struct fleet_relay *r, aura_pub_id from) {
    struct aura_fleet *f = r->fleet;
    const struct fleet_track *t = r->track;
    struct aura_sfu_pub_conf take = {.media = link_media(t),
                                     .stream_count = 1,
                                     .encrypted = t->encrypted,
                                     .width = t->width,
                                     .height = t->height};
    struct aura_sfu_sub_conf send = {.pub = from, .media = take.media, .cname = "relay"};
    uint32_t random = aura_rand_u32(f->conf.rand);
    bool rtx = t->media.kind == AURA_KIND_VIDEO;
    /* Nobody counts those of a link: with random ones a clash is as unlikely as RFC 3550 has it. */
    send.ssrc = random | 1u << 31;
    send.rtx_ssrc = rtx ? (random ^ 0x5a5a5a5a) & ~(1u << 31) : 0;
    send.rtx_ssrc += rtx && !send.rtx_ssrc;
    take.streams[0] = (struct aura_sfu_stream){.ssrc = send.ssrc, .rtx_ssrc = send.rtx_ssrc};
    /* The peer is the media link, which the end that is not here knows as 0. */
    take.peer = r->to ? 0 : r->link->media;
    send.peer = r->to ? r->link->media : 0;
    int err = fleet_put_pub(f, r->to, &take, false, &r->take);
    err = err ? err : fleet_put_sub(f, r->to ? 0 : r->link->slot, &send, &r->settings, &r->send);
    if (!err && t->muted) {
        fleet_put_muted(f, r->take, true);
    }
    struct fleet_track *end;
    return err || r->to ? err : fleet_track_new(f, r->take, &take, &end);
}

static int make(struct aura_fleet *f, struct fleet_track *t, unsigned to,
                struct fleet_relay **out) {
    uint64_t over = (uint64_t)to << FLEET_NODE_SHIFT;
    struct aura_fleet_link *l = fleet_link_of(f, to ? over : t->id);
    struct fleet_relay *r = l ? aura_zalloc(sizeof(*r)) : NULL;
    if (!r) {
        return l ? AURA_ENOMEM : AURA_ENOENT;
    }
    r->fleet = f;
    r->track = t;
    r->link = l;
    r->to = to;
    r->settings.paused = true;
    aura_list_init(&r->wishes);
    aura_list_add(&t->relays, &r->track_node);
    aura_list_add(&l->relays, &r->link_node);
    f->stats.relays++;
    f->stats.relays_made++;
    int err = open_ends(r, t->id);
    if (err) {
        fleet_relay_free(r);
        return err;
    }
    AURA_LOG("fleet", AURA_LOG_DEBUG, "relay", AURA_S("node", l->node),
             AURA_S("way", to ? "there" : "here"));
    *out = r;
    return 0;
}

static int relay_of(struct aura_fleet *f, struct fleet_track *t, unsigned to,
                    struct fleet_relay **out) {
    AURA_LIST_EACH(&t->relays, struct fleet_relay, r, track_node) {
        if (r->to == to) {
            *out = r;
            return 0;
        }
    }
    return make(f, t, to, out);
}

/* A relay whose track comes from a third node wants it to come here too. */
static int chain(struct aura_fleet *f, struct fleet_track *t, unsigned to,
                 struct fleet_relay **out) {
    struct fleet_relay *first;
    int err = relay_of(f, t, 0, &first);
    struct fleet_track *here = err ? NULL : aura_map_get_u64(f->tracks, first->take);
    if (!here) {
        return err ? err : AURA_ENOENT;
    }
    err = relay_of(f, here, to, out);
    if (err) {
        renew(first); /* nobody wants it, perhaps */
    } else if (!(*out)->up.relay) {
        join(&(*out)->up, first, &(*out)->settings);
    }
    return err;
}

int fleet_relay_want(struct aura_fleet *f, aura_pub_id pub, unsigned to,
                     const struct aura_sfu_sub_settings *settings, struct fleet_wish *wish,
                     aura_pub_id *use) {
    unsigned at = fleet_node_of(pub);
    struct fleet_track *t = aura_map_get_u64(f->tracks, pub);
    struct fleet_relay *r = NULL;
    *use = pub;
    if (at == to || !pub) {
        return 0;
    }
    int err = !t ? AURA_ENOENT : at && to ? chain(f, t, to, &r) : relay_of(f, t, to, &r);
    if (!err) {
        join(wish, r, settings);
        *use = r->take;
    }
    return err;
}

/* ---- tracks ---- */

int fleet_track_new(struct aura_fleet *f, aura_pub_id id, const struct aura_sfu_pub_conf *conf,
                    struct fleet_track **out) {
    struct fleet_track *t = aura_zalloc(sizeof(*t));
    if (!t) {
        return AURA_ENOMEM;
    }
    t->id = id;
    aura_list_init(&t->relays);
    fleet_track_update(t, conf);
    int err = aura_map_put_u64(f->tracks, id, t);
    if (err) {
        aura_free(t);
        return err;
    }
    *out = t;
    return 0;
}

void fleet_track_update(struct fleet_track *t, const struct aura_sfu_pub_conf *conf) {
    t->encrypted = conf->encrypted;
    t->width = conf->width;
    t->height = conf->height;
    t->media = conf->media;
}

static void end_muted(struct aura_fleet *f, const struct fleet_relay *r, bool muted) {
    struct fleet_track *end = aura_map_get_u64(f->tracks, r->take);
    fleet_put_muted(f, r->take, muted);
    if (end) { /* of a chain: one level, as its own relays end elsewhere */
        end->muted = muted;
        AURA_LIST_EACH(&end->relays, struct fleet_relay, next, track_node) {
            fleet_put_muted(f, next->take, muted);
        }
    }
}

void fleet_track_muted(struct fleet_track *t, bool muted) {
    t->muted = muted;
    AURA_LIST_EACH(&t->relays, struct fleet_relay, r, track_node) {
        end_muted(r->fleet, r, muted);
    }
}

void fleet_track_free(struct aura_fleet *f, struct fleet_track *t) {
    struct fleet_relay *r;
    aura_map_del_u64(f->tracks, t->id);
    while ((r = AURA_LIST_FIRST(&t->relays, struct fleet_relay, track_node)) != NULL) {
        fleet_relay_free(r);
    }
    aura_free(t);
}
