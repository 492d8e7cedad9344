/* SPDX-License-Identifier: Apache-2.0 */
#include "client/publisher.h"

#include "base/mem.h"
#include "rtp/rtp.h"
#include "rtp/sr.h"

enum {
    SR_MS = 1000,
    CATCH_UP_FRAMES = 5,     /* later than this, and the clock starts anew */
    VOICE_LEVEL = 0x80 | 30, /* RFC 6464: speech at -30 dBov */
    REPORT_BYTES = 128,
    NACKS_MAX = 64,
};

/* Enough of a sent packet to make it again. */
struct sent {
    bool used;
    uint16_t seq, part;
    uint32_t ts, frame;
    struct aura_clip_vp8 vp8;
    bool marker;
    uint64_t stamp_us, resent_us;
};

struct layer {
    struct aura_publisher_layer conf;
    bool on, wants_key, acknowledged; /* acknowledged: a report named it, no more mid and rid */
    size_t frame;                     /* of the clip, being sent or sent last */
    uint16_t next_part, part_count;   /* of that frame; equal: all sent */
    uint16_t seq, rtx_seq;
    uint32_t ts;
    struct aura_clip_vp8 vp8;
    uint32_t packets, bytes; /* for sender reports */
    struct sent history[AURA_PUBLISHER_HISTORY];
};

struct aura_publisher {
    struct aura_timers *timers;
    struct aura_wire *wire;
    struct aura_meter *meter;
    uint16_t *twcc_seq;
    char mid[AURA_MEDIA_MID_MAX + 1], cname[32];
    uint8_t pt, rtx_pt;
    struct aura_ext_map ext;
    struct aura_timer frame_timer, pace_timer, report_timer;
    uint64_t due_us, frame_us;
    size_t layer_count;
    struct layer layers[];
};

static uint64_t now_of(const struct aura_publisher *p) {
    return aura_now_us(aura_timers_clock(p->timers));
}

/* ---- one packet ---- */

static size_t put_items(const struct aura_publisher *p, const struct layer *l, bool rtx,
                        uint8_t twcc[2], struct aura_rtp_item items[4]) {
    static const uint8_t level = VOICE_LEVEL;
    enum aura_ext rid = rtx ? AURA_EXT_REPAIRED_RID : AURA_EXT_RID;
    size_t n = 0;
    if (!l->acknowledged || rtx) {
        items[n++] = (struct aura_rtp_item){p->ext.id[AURA_EXT_MID], (uint8_t)strlen(p->mid),
                                            (const uint8_t *)p->mid};
        if (l->conf.rid) {
            items[n++] = (struct aura_rtp_item){p->ext.id[rid], (uint8_t)strlen(l->conf.rid),
                                                (const uint8_t *)l->conf.rid};
        }
    }
    if (p->ext.id[AURA_EXT_TWCC]) {
        uint16_t seq = (*p->twcc_seq)++;
        twcc[0] = (uint8_t)(seq >> 8);
        twcc[1] = (uint8_t)seq;
        items[n++] = (struct aura_rtp_item){p->ext.id[AURA_EXT_TWCC], 2, twcc};
    }
    if (l->conf.clip->codec == AURA_CODEC_OPUS) {
        items[n++] = (struct aura_rtp_item){p->ext.id[AURA_EXT_AUDIO_LEVEL], 1, &level};
    }
    return n;
}

/* @return bytes of header and payload, 0 if it could not be sent */
static size_t send_packet(struct aura_publisher *p, struct layer *l, const struct sent *s,
                          bool rtx) {
    struct aura_rtp_item items[4];
    uint8_t twcc[2];
    size_t header = 0;
    uint8_t *out = aura_wire_reserve(p->wire);
    if (!out) {
        return 0;
    }
    size_t n = put_items(p, l, rtx, twcc, items);
    struct aura_rtp_header h = {.marker = s->marker,
                                .pt = rtx ? p->rtx_pt : p->pt,
                                .seq = rtx ? l->rtx_seq : s->seq,
                                .ts = s->ts,
                                .ssrc = rtx ? l->conf.rtx_ssrc : l->conf.ssrc};
    if (aura_rtp_write_header(out, AURA_WIRE_PACKET_MAX, &header, &h, items, n)) {
        return 0;
    }
    if (rtx) {
        aura_put_u16(out + header, s->seq);
        header += 2;
    }
    size_t len = aura_clip_write(l->conf.clip, s->frame, s->part, &s->vp8, s->stamp_us,
                                 out + header, AURA_WIRE_PACKET_MAX - header);
    if (!len || aura_wire_commit_rtp(p->wire, out, header + len)) {
        return 0;
    }
    l->rtx_seq += rtx;
    return header + len;
}

static void send_next(struct aura_publisher *p, struct layer *l, uint64_t now) {
    struct sent *s = &l->history[l->seq % AURA_PUBLISHER_HISTORY];
    *s = (struct sent){.used = true,
                       .seq = l->seq,
                       .part = l->next_part,
                       .ts = l->ts,
                       .frame = (uint32_t)l->frame,
                       .vp8 = l->vp8,
                       .stamp_us = now};
    l->next_part++;
    s->marker = l->conf.clip->codec != AURA_CODEC_OPUS && l->next_part == l->part_count;
    size_t len = send_packet(p, l, s, false);
    l->seq++;
    if (len) {
        l->packets++;
        l->bytes += (uint32_t)len;
        aura_count_add(&p->meter->packets_sent, 1);
        aura_count_add(&p->meter->bytes_sent, len);
    }
}

/* ---- frames ---- */

static void next_frame(struct layer *l) {
    const struct aura_clip *clip = l->conf.clip;
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
    if (send_some(p, AURA_PUBLISHER_BURST)) {
        /* The heap has the place that this timer just left. */
        AURA_BUG_ON(aura_timer_start(p->timers, &p->pace_timer,
                                     AURA_PUBLISHER_PACE_MS * AURA_US_PER_MS, on_pace, p));
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
    bool more = send_some(p, AURA_PUBLISHER_BURST);
    if (more && aura_timer_start(p->timers, &p->pace_timer, AURA_PUBLISHER_PACE_MS * AURA_US_PER_MS,
                                 on_pace, p)) {
        (void)send_some(p, UINT32_MAX);
    }
}

/* ---- RTCP ---- */

static void on_report(void *arg) {
    struct aura_publisher *p = arg;
    AURA_BUG_ON(
        aura_timer_start(p->timers, &p->report_timer, SR_MS * AURA_US_PER_MS, on_report, p));
    for (size_t i = 0; i < p->layer_count; i++) {
        struct layer *l = &p->layers[i];
        uint8_t *out = l->packets ? aura_wire_reserve(p->wire) : NULL;
        if (!out) {
            continue;
        }
        const struct aura_clock *clock = aura_timers_clock(p->timers);
        uint64_t behind_us = now_of(p) + p->frame_us - p->due_us; /* since the frame's time */
        uint64_t ticks = behind_us < p->frame_us ? behind_us * l->conf.clip->clock_rate : 0;
        struct aura_rtcp_sender info = {.ntp = aura_ntp_of_us(aura_wall_us(clock)),
                                        .rtp = l->ts + (uint32_t)(ticks / AURA_US_PER_S),
                                        .packets = l->packets,
                                        .bytes = l->bytes};
        struct aura_wr w = aura_wr_of(out, REPORT_BYTES);
        aura_rtcp_write_sr(&w, l->conf.ssrc, &info, NULL, 0);
        aura_rtcp_write_cname(&w, l->conf.ssrc, p->cname);
        if (!w.fail && aura_wire_commit_rtcp(p->wire, out, aura_wr_len(&w)) == 0) {
            aura_count_add(&p->meter->rtcp_sent, 1);
        }
    }
}

static struct layer *find(struct aura_publisher *p, uint32_t ssrc) {
    for (size_t i = 0; i < p->layer_count; i++) {
        if (p->layers[i].conf.ssrc == ssrc) {
            return &p->layers[i];
        }
    }
    return NULL;
}

static void resend(struct aura_publisher *p, struct layer *l, uint16_t seq, uint64_t now) {
    struct sent *s = &l->history[seq % AURA_PUBLISHER_HISTORY];
    bool soon = s->resent_us && now - s->resent_us < AURA_PUBLISHER_RESEND_MS * AURA_US_PER_MS;
    if (!s->used || s->seq != seq || soon) {
        return;
    }
    s->resent_us = now;
    if (send_packet(p, l, s, p->rtx_pt && l->conf.rtx_ssrc)) {
        aura_count_add(&p->meter->resent, 1);
    }
}

static void on_nack(struct aura_publisher *p, const struct aura_rtcp *packet) {
    struct aura_rtcp_nack pairs[NACKS_MAX];
    uint32_t sender, media;
    int n = aura_rtcp_parse_nack(packet, &sender, &media, pairs, NACKS_MAX);
    struct layer *l = n > 0 ? find(p, media) : NULL;
    uint64_t now = now_of(p);
    for (int i = 0; l && i < n; i++) {
        AURA_RTCP_NACK_EACH(pairs[i], seq) {
            resend(p, l, seq, now);
        }
    }
}

static void want_key(struct aura_publisher *p, uint32_t ssrc) {
    struct layer *l = find(p, ssrc);
    if (l) {
        l->wants_key = true;
        aura_count_add(&p->meter->publisher_plis, 1);
    }
}

static void on_reports(struct aura_publisher *p, const struct aura_rtcp *packet) {
    struct aura_rtcp_report report;
    if (aura_rtcp_parse_report(&report, packet)) {
        return;
    }
    for (size_t i = 0; i < report.block_count; i++) {
        struct layer *l = find(p, report.blocks[i].ssrc);
        if (l) {
            l->acknowledged = true;
        }
    }
}

void aura_publisher_rtcp(struct aura_publisher *p, const struct aura_rtcp *packet) {
    uint32_t sender, media;
    struct aura_rtcp_fir firs[AURA_RTCP_FIRS_MAX];
    if (packet->type == AURA_RTCP_SR || packet->type == AURA_RTCP_RR) {
        on_reports(p, packet);
    } else if (packet->type == AURA_RTCP_RTPFB && packet->count == AURA_RTPFB_NACK) {
        on_nack(p, packet);
    } else if (packet->type == AURA_RTCP_PSFB && packet->count == AURA_PSFB_PLI) {
        if (aura_rtcp_parse_pli(packet, &sender, &media) == 0) {
            want_key(p, media);
        }
    } else if (packet->type == AURA_RTCP_PSFB && packet->count == AURA_PSFB_FIR) {
        int n = aura_rtcp_parse_fir(packet, &sender, firs, AURA_RTCP_FIRS_MAX);
        for (int i = 0; i < n; i++) {
            want_key(p, firs[i].ssrc);
        }
    }
}

void aura_publisher_enable(struct aura_publisher *p, size_t layer, bool on) {
    if (layer < p->layer_count && p->layers[layer].on != on) {
        p->layers[layer].on = on;
        p->layers[layer].wants_key = on;
    }
}

/* ---- life ---- */

static void init_layer(struct layer *l, const struct aura_publisher_layer *conf,
                       struct aura_rand *rand) {
    l->conf = *conf;
    l->on = true;
    l->frame = conf->clip->frame_count - 1; /* the first one is a key frame */
    l->seq = (uint16_t)aura_rand_below(rand, 32768);
    l->rtx_seq = (uint16_t)aura_rand_below(rand, 32768);
    l->ts = aura_rand_u32(rand);
    l->vp8.pid = (uint16_t)aura_rand_below(rand, 32768);
    l->vp8.tl0 = (uint8_t)aura_rand_u32(rand);
}

int aura_publisher_new(struct aura_publisher **out, const struct aura_publisher_conf *conf) {
    AURA_REQUIRE(conf->layer_count > 0 && conf->layer_count <= AURA_MEDIA_LAYERS_MAX, AURA_EINVAL);
    const struct aura_clip *clip = conf->layers[0].clip;
    struct aura_publisher *p = aura_zalloc(sizeof(*p) + conf->layer_count * sizeof(struct layer));
    if (!p) {
        return AURA_ENOMEM;
    }
    p->timers = conf->timers;
    p->wire = conf->wire;
    p->meter = conf->meter;
    p->twcc_seq = conf->twcc_seq;
    p->pt = conf->pt;
    p->rtx_pt = conf->rtx_pt;
    p->ext = conf->ext;
    strncpy(p->mid, conf->mid, sizeof(p->mid) - 1);
    strncpy(p->cname, conf->cname, sizeof(p->cname) - 1);
    p->layer_count = conf->layer_count;
    for (size_t i = 0; i < p->layer_count; i++) {
        init_layer(&p->layers[i], &conf->layers[i], conf->rand);
    }
    p->frame_us = (uint64_t)clip->ticks * AURA_US_PER_S / clip->clock_rate;
    /* Publishers that start together must not all send in the same millisecond. */
    uint64_t wait = aura_rand_below(conf->rand, (uint32_t)p->frame_us);
    p->due_us = now_of(p) + wait;
    int err = aura_timer_start(p->timers, &p->frame_timer, wait, on_frame, p);
    if (!err) {
        err =
            aura_timer_start(p->timers, &p->report_timer, SR_MS * AURA_US_PER_MS / 4, on_report, p);
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
