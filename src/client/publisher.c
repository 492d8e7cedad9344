/* SPDX-License-Identifier: Apache-2.0 */
#include "client/publisher.h"

#include "base/mem.h"
#include "client/outbound.h"

enum { CATCH_UP_FRAMES = 5 }; /* later than this, and the clock starts anew */

struct layer {
    const struct aura_clip *clip;
    char rid[AURA_MEDIA_RID_MAX + 1];
    bool on, wants_key;
    size_t frame;                   /* of the clip, being sent or sent last */
    uint16_t next_part, part_count; /* of that frame; equal: all sent */
    uint32_t ts;
    struct aura_clip_vp8 vp8;
    struct aura_outbound out;
};

struct aura_publisher {
    struct aura_timers *timers;
    char mid[AURA_MEDIA_MID_MAX + 1], cname[32];
    uint8_t pt, rtx_pt;
    struct aura_timer frame_timer, pace_timer, report_timer;
    uint64_t due_us, frame_us;
    size_t layer_count;
    struct layer layers[];
};

static uint64_t now_of(const struct aura_publisher *p) {
    return aura_now_us(aura_timers_clock(p->timers));
}

static size_t write_payload(void *arg, const struct aura_outbound_ref *ref, uint8_t *out,
                            size_t cap) {
    const struct aura_clip *clip = arg;
    return aura_clip_write(clip, ref->frame, ref->part, &ref->vp8, ref->stamp_us, out, cap);
}

static void send_next(struct aura_publisher *p, struct layer *l, uint64_t now) {
    struct aura_outbound_packet packet = {
        .ts = l->ts,
        .pt = p->pt,
        .rtx_pt = p->rtx_pt,
        .ref = {.frame = (uint32_t)l->frame, .part = l->next_part, .vp8 = l->vp8, .stamp_us = now}};
    l->next_part++;
    packet.marker = l->clip->codec != AURA_CODEC_OPUS && l->next_part == l->part_count;
    aura_outbound_send(&l->out, &packet);
}

/* ---- frames ---- */

static void next_frame(struct layer *l) {
    const struct aura_clip *clip = l->clip;
    l->ts += clip->ticks;
    l->vp8.pid = (l->vp8.pid + 1) & 0x7fff;
    l->vp8.tl0++;
    if (!l->on) {
        return;
    }
    l->frame =
        l->wants_key ? aura_clip_next_key(clip, l->frame) : (l->frame + 1) % clip->frame_count;
    l->wants_key = false;
    l->next_part = 0;
    l->part_count = clip->frames[l->frame].part_count;
}

static bool send_some(struct aura_publisher *p, unsigned budget) {
    uint64_t now = now_of(p);
    for (size_t i = 0; i < p->layer_count; i++) {
        struct layer *l = &p->layers[i];
        for (; l->next_part < l->part_count; budget--) {
            if (budget == 0) {
                return true;
            }
            send_next(p, l, now);
        }
    }
    return false;
}

static void on_pace(void *arg) {
    struct aura_publisher *p = arg;
    if (send_some(p, AURA_OUTBOUND_BURST)) {
        /* The heap has the place that this timer just left. */
        AURA_BUG_ON(aura_timer_start(p->timers, &p->pace_timer,
                                     AURA_OUTBOUND_PACE_MS * AURA_US_PER_MS, on_pace, p));
    }
}

static void on_frame(void *arg) {
    struct aura_publisher *p = arg;
    uint64_t now = now_of(p);
    (void)send_some(p, UINT32_MAX); /* what is left of the frame before */
    for (size_t i = 0; i < p->layer_count; i++) {
        next_frame(&p->layers[i]);
    }
    p->due_us += p->frame_us;
    if (now > p->due_us + CATCH_UP_FRAMES * p->frame_us) {
        p->due_us = now + p->frame_us;
    }
    uint64_t wait = p->due_us > now ? p->due_us - now : 0;
    AURA_BUG_ON(aura_timer_start(p->timers, &p->frame_timer, wait, on_frame, p));
    bool more = send_some(p, AURA_OUTBOUND_BURST);
    if (more && aura_timer_start(p->timers, &p->pace_timer, AURA_OUTBOUND_PACE_MS * AURA_US_PER_MS,
                                 on_pace, p)) {
        (void)send_some(p, UINT32_MAX);
    }
}

/* ---- RTCP ---- */

static void on_report(void *arg) {
    struct aura_publisher *p = arg;
    AURA_BUG_ON(aura_timer_start(p->timers, &p->report_timer,
                                 AURA_OUTBOUND_REPORT_MS * AURA_US_PER_MS, on_report, p));
    uint64_t behind_us = now_of(p) + p->frame_us - p->due_us; /* since the frame's time */
    for (size_t i = 0; i < p->layer_count; i++) {
        struct layer *l = &p->layers[i];
        uint64_t ticks = behind_us < p->frame_us ? behind_us * l->clip->clock_rate : 0;
        aura_outbound_report(&l->out, l->ts + (uint32_t)(ticks / AURA_US_PER_S));
    }
}

void aura_publisher_rtcp(struct aura_publisher *p, const struct aura_rtcp *packet) {
    for (size_t i = 0; i < p->layer_count; i++) {
        p->layers[i].wants_key |= aura_outbound_rtcp(&p->layers[i].out, packet);
    }
}

void aura_publisher_enable(struct aura_publisher *p, size_t layer, bool on) {
    if (layer < p->layer_count && p->layers[layer].on != on) {
        p->layers[layer].on = on;
        p->layers[layer].wants_key = on;
    }
}

/* ---- life ---- */

static void init_layer(struct aura_publisher *p, size_t i, const struct aura_publisher_conf *conf) {
    struct layer *l = &p->layers[i];
    const struct aura_publisher_layer *from = &conf->layers[i];
    l->clip = from->clip;
    if (from->rid) {
        strncpy(l->rid, from->rid, AURA_MEDIA_RID_MAX);
    }
    const struct aura_outbound_conf out = {
        .clock = aura_timers_clock(conf->timers),
        .rand = conf->rand,
        .wire = conf->wire,
        .meter = conf->meter,
        .twcc_seq = conf->twcc_seq,
        .mid = p->mid,
        .cname = p->cname,
        .rid = from->rid ? l->rid : NULL,
        .ssrc = from->ssrc,
        .rtx_ssrc = from->rtx_ssrc,
        .ext = conf->ext,
        .voice = from->clip->codec == AURA_CODEC_OPUS,
        .write = write_payload,
        .arg = (void *)(uintptr_t)from->clip,
    };
    aura_outbound_init(&l->out, &out);
    l->on = true;
    l->frame = from->clip->frame_count - 1; /* the first one is a key frame */
    l->ts = aura_rand_u32(conf->rand);
    l->vp8.pid = (uint16_t)aura_rand_below(conf->rand, 32768);
    l->vp8.tl0 = (uint8_t)aura_rand_u32(conf->rand);
}

int aura_publisher_new(struct aura_publisher **out, const struct aura_publisher_conf *conf) {
    AURA_REQUIRE(conf->layer_count > 0 && conf->layer_count <= AURA_MEDIA_LAYERS_MAX, AURA_EINVAL);
    const struct aura_clip *clip = conf->layers[0].clip;
    struct aura_publisher *p = aura_zalloc(sizeof(*p) + conf->layer_count * sizeof(struct layer));
    if (!p) {
        return AURA_ENOMEM;
    }
    p->timers = conf->timers;
    p->pt = conf->pt;
    p->rtx_pt = conf->rtx_pt;
    strncpy(p->mid, conf->mid, sizeof(p->mid) - 1);
    strncpy(p->cname, conf->cname, sizeof(p->cname) - 1);
    p->layer_count = conf->layer_count;
    for (size_t i = 0; i < p->layer_count; i++) {
        init_layer(p, i, conf);
    }
    p->frame_us = (uint64_t)clip->ticks * AURA_US_PER_S / clip->clock_rate;
    /* Publishers that start together must not all send in the same millisecond. */
    uint64_t wait = aura_rand_below(conf->rand, (uint32_t)p->frame_us);
    p->due_us = now_of(p) + wait;
    int err = aura_timer_start(p->timers, &p->frame_timer, wait, on_frame, p);
    if (!err) {
        err = aura_timer_start(p->timers, &p->report_timer,
                               AURA_OUTBOUND_REPORT_MS * AURA_US_PER_MS / 4, on_report, p);
    }
    if (err) {
        aura_publisher_free(p);
        return err;
    }
    *out = p;
    return 0;
}

struct aura_publisher *aura_publisher_free(struct aura_publisher *p) {
    if (p) {
        aura_timer_stop(p->timers, &p->frame_timer);
        aura_timer_stop(p->timers, &p->pace_timer);
        aura_timer_stop(p->timers, &p->report_timer);
        aura_free(p);
    }
    return NULL;
}
