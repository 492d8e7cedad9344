/* SPDX-License-Identifier: Apache-2.0 */
#include "client/live.h"

#include "base/mem.h"
#include "rtp/av1_pack.h"
#include "rtp/vp8.h"

#include <string.h>

enum {
    VP8_DESCRIPTOR = 4, /* extended, with the 15-bit picture id: browsers stumble without it */
    SLOTS = AURA_OUTBOUND_HISTORY,
};

struct slot {
    uint16_t len;
    uint8_t bytes[AURA_LIVE_PAYLOAD_MAX];
};

struct aura_live {
    struct aura_live_conf conf;
    struct aura_media media;
    char mid[AURA_MEDIA_MID_MAX + 1], cname[32];
    uint32_t first_ts, ts;
    uint64_t ts_us; /* when a frame of that timestamp came */
    uint16_t picture_id;
    uint64_t packed, sent; /* payloads made, and of them those that left */
    struct aura_outbound_packet waiting[SLOTS];
    struct aura_timer pace_timer, report_timer;
    struct aura_outbound out;
    struct slot slots[SLOTS];
};

static uint64_t now_of(const struct aura_live *l) {
    return aura_now_us(aura_timers_clock(l->conf.timers));
}

static const struct aura_media_codec *codec_of(const struct aura_live *l, enum aura_codec codec) {
    for (size_t i = 0; i < l->media.codec_count; i++) {
        if (l->media.codecs[i].codec == codec) {
            return &l->media.codecs[i];
        }
    }
    return NULL;
}

/* ---- packets leave ---- */

static size_t write_payload(void *arg, const struct aura_outbound_ref *ref, uint8_t *out,
                            size_t cap) {
    const struct aura_live *l = arg;
    const struct slot *s = &l->slots[ref->frame % SLOTS];
    if (s->len > cap) {
        return 0;
    }
    memcpy(out, s->bytes, s->len);
    return s->len;
}

static bool send_some(struct aura_live *l, unsigned budget) {
    for (; l->sent < l->packed; l->sent++, budget--) {
        if (budget == 0) {
            return true;
        }
        aura_outbound_send(&l->out, &l->waiting[l->sent % SLOTS]);
    }
    return false;
}

static void on_pace(void *arg) {
    struct aura_live *l = arg;
    if (send_some(l, AURA_OUTBOUND_BURST)) {
        /* The heap has the place that this timer just left. */
        AURA_BUG_ON(aura_timer_start(l->conf.timers, &l->pace_timer,
                                     AURA_OUTBOUND_PACE_MS * AURA_US_PER_MS, on_pace, l));
    }
}

static void send_now(struct aura_live *l) {
    if (!aura_timer_running(&l->pace_timer) && send_some(l, AURA_OUTBOUND_BURST) &&
        aura_timer_start(l->conf.timers, &l->pace_timer, AURA_OUTBOUND_PACE_MS * AURA_US_PER_MS,
                         on_pace, l)) {
        (void)send_some(l, UINT32_MAX); /* no memory for the timer: all at once */
    }
}

/* ---- frames to payloads ---- */

static void queue(struct aura_live *l, const struct aura_media_codec *codec,
                  const struct aura_live_frame *f, bool first, bool last) {
    struct aura_outbound_packet *p = &l->waiting[l->packed % SLOTS];
    *p = (struct aura_outbound_packet){.ts = l->ts,
                                       .pt = codec->pt,
                                       .rtx_pt = codec->rtx_pt,
                                       .marker = last && f->codec != AURA_CODEC_OPUS,
                                       .ref = {.frame = (uint32_t)l->packed}};
    if (f->has_hints && (first || (f->hints.flags & AURA_AIC_SWITCHED))) {
        p->hint_len = (uint8_t)aura_aic_hints_write(&f->hints, p->hints, sizeof(p->hints));
    }
    l->packed++;
}

static uint8_t *room(struct aura_live *l) {
    return l->slots[l->packed % SLOTS].bytes;
}

static int pack_av1(struct aura_live *l, const struct aura_media_codec *codec,
                    const struct aura_live_frame *f) {
    struct aura_av1_packer k;
    bool first = true, last = false;
    int err = aura_av1_pack_begin(&k, f->data, f->len, f->key_frame);
    for (size_t n; !err && (n = aura_av1_pack_next(&k, room(l), AURA_LIVE_PAYLOAD_MAX, &last)) > 0;
         first = false) {
        l->slots[l->packed % SLOTS].len = (uint16_t)n;
        queue(l, codec, f, first, last);
    }
    return err;
}

static int pack_vp8(struct aura_live *l, const struct aura_media_codec *codec,
                    const struct aura_live_frame *f) {
    const size_t cap = AURA_LIVE_PAYLOAD_MAX - VP8_DESCRIPTOR;
    l->picture_id = (l->picture_id + 1) & 0x7fff;
    for (size_t at = 0; at < f->len;) {
        size_t n = f->len - at < cap ? f->len - at : cap;
        uint8_t *out = room(l);
        out[0] = at == 0 ? 0x90 : 0x80; /* X, and S at the beginning of the partition */
        out[1] = 0x80;                  /* I */
        out[2] = (uint8_t)(0x80 | l->picture_id >> 8);
        out[3] = (uint8_t)l->picture_id;
        memcpy(out + VP8_DESCRIPTOR, f->data + at, n);
        l->slots[l->packed % SLOTS].len = (uint16_t)(n + VP8_DESCRIPTOR);
        queue(l, codec, f, at == 0, at + n == f->len);
        at += n;
    }
    return 0;
}

static int pack_opus(struct aura_live *l, const struct aura_media_codec *codec,
                     const struct aura_live_frame *f) {
    if (f->len > AURA_LIVE_PAYLOAD_MAX) {
        return AURA_ELIMIT;
    }
    memcpy(room(l), f->data, f->len);
    l->slots[l->packed % SLOTS].len = (uint16_t)f->len;
    queue(l, codec, f, true, true);
    return 0;
}

int aura_live_send(struct aura_live *l, const struct aura_live_frame *f) {
    const struct aura_media_codec *codec = codec_of(l, f->codec);
    if (!codec) {
        return AURA_EUNSUPPORTED;
    }
    if (f->len == 0 || f->len > AURA_LIVE_FRAME_MAX) {
        return AURA_ELIMIT;
    }
    (void)send_some(l, UINT32_MAX); /* what is left of the frame before */
    l->ts = l->first_ts + f->ts;
    l->ts_us = now_of(l);
    int err = AURA_EUNSUPPORTED;
    if (f->codec == AURA_CODEC_AV1) {
        err = pack_av1(l, codec, f);
    } else if (f->codec == AURA_CODEC_VP8) {
        err = pack_vp8(l, codec, f);
    } else if (f->codec == AURA_CODEC_OPUS) {
        err = pack_opus(l, codec, f);
    }
    send_now(l);
    return err;
}

/* ---- RTCP ---- */

static void on_report(void *arg) {
    struct aura_live *l = arg;
    AURA_BUG_ON(aura_timer_start(l->conf.timers, &l->report_timer,
                                 AURA_OUTBOUND_REPORT_MS * AURA_US_PER_MS, on_report, l));
    uint64_t ticks = (now_of(l) - l->ts_us) * l->media.codecs[0].clock_rate / AURA_US_PER_S;
    aura_outbound_report(&l->out, l->ts + (uint32_t)ticks);
}

void aura_live_rtcp(struct aura_live *l, const struct aura_rtcp *packet) {
    if (aura_outbound_rtcp(&l->out, packet)) {
        l->conf.key_wanted(l->conf.arg);
    }
}

void aura_live_stats(const struct aura_live *l, struct aura_live_stats *out) {
    *out = (struct aura_live_stats){.packets = l->out.packets,
                                    .bytes = l->out.sent,
                                    .resent = l->out.resent,
                                    .loss = (float)l->out.loss / 256};
}

/* ---- life ---- */

int aura_live_new(struct aura_live **out, const struct aura_live_conf *conf) {
    struct aura_live *l = aura_zalloc(sizeof(*l));
    if (!l) {
        return AURA_ENOMEM;
    }
    l->conf = *conf;
    l->media = *conf->media;
    strncpy(l->mid, conf->mid, sizeof(l->mid) - 1);
    strncpy(l->cname, conf->cname, sizeof(l->cname) - 1);
    l->first_ts = l->ts = aura_rand_u32(conf->rand);
    l->picture_id = (uint16_t)aura_rand_below(conf->rand, 0x8000);
    const struct aura_outbound_conf o = {
        .clock = aura_timers_clock(conf->timers),
        .rand = conf->rand,
        .wire = conf->wire,
        .meter = conf->meter,
        .bwe = conf->bwe,
        .twcc_seq = conf->twcc_seq,
        .mid = l->mid,
        .cname = l->cname,
        .ssrc = conf->ssrc,
        .rtx_ssrc = conf->rtx_ssrc,
        .ext = conf->media->ext,
        .voice = conf->media->kind == AURA_KIND_AUDIO,
        .write = write_payload,
        .arg = l,
    };
    aura_outbound_init(&l->out, &o);
    int err = aura_timer_start(conf->timers, &l->report_timer,
                               AURA_OUTBOUND_REPORT_MS * AURA_US_PER_MS / 4, on_report, l);
    if (err) {
        aura_live_free(l);
        return err;
    }
    *out = l;
    return 0;
}

struct aura_live *aura_live_free(struct aura_live *l) {
    if (l) {
        aura_timer_stop(l->conf.timers, &l->pace_timer);
        aura_timer_stop(l->conf.timers, &l->report_timer);
        aura_free(l);
    }
    return NULL;
}
