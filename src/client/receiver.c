/* SPDX-License-Identifier: Apache-2.0 */
#include "client/receiver.h"

#include "base/mem.h"
#include "rtp/rtx.h"
#include "rtp/twcc.h"

enum {
    SLOTS_MIN = 16, /* of the table of SSRCs, a power of two, at most half full */
    BUFFER_BYTES = 1200,
    NACK_PAIRS = 64,
    CNAME_LEN = 12,
};

/* Whom an SSRC belongs to. */
struct slot {
    uint32_t ssrc;
    bool rtx;
    struct aura_inbound *in; /* NULL = free */
};

struct stream {
    struct aura_inbound *in;
    uint32_t ssrc, rtx_ssrc;
    bool keep, flowing, watched;
    char track[sizeof(((struct aura_desc_section *)0)->track)];
};

struct aura_receiver {
    struct aura_receiver_conf conf;
    struct stream *streams;
    size_t count, cap, flowing;
    struct slot *slots;
    size_t slot_mask;
    struct aura_twcc *twcc;
    uint8_t twcc_id;
    uint32_t ssrc;  /* ours, as sender of reports */
    uint32_t media; /* some stream's, for feedback about the whole connection */
    char cname[CNAME_LEN + 1];
    struct aura_timer tick, nack_tick;
    uint64_t report_us;
};

static uint64_t now_of(const struct aura_receiver *r) {
    return aura_now_us(aura_timers_clock(r->conf.timers));
}

/* ---- the table ---- */

static struct slot *slot_of(const struct aura_receiver *r, uint32_t ssrc) {
    size_t i = (ssrc * UINT32_C(2654435761)) >> 7 & r->slot_mask;
    while (r->slots[i].in && r->slots[i].ssrc != ssrc) {
        i = (i + 1) & r->slot_mask;
    }
    return &r->slots[i];
}

static void put_slot(struct aura_receiver *r, uint32_t ssrc, bool rtx, struct aura_inbound *in) {
    if (ssrc) {
        *slot_of(r, ssrc) = (struct slot){.ssrc = ssrc, .rtx = rtx, .in = in};
    }
}

static int rebuild(struct aura_receiver *r) {
    size_t size = SLOTS_MIN;
    while (size < r->count * 4) {
        size *= 2;
    }
    struct slot *slots = aura_calloc(size, sizeof(*slots));
    if (!slots) {
        return AURA_ENOMEM;
    }
    aura_free(r->slots);
    r->slots = slots;
    r->slot_mask = size - 1;
    for (size_t i = 0; i < r->count; i++) {
        put_slot(r, r->streams[i].ssrc, false, r->streams[i].in);
        put_slot(r, r->streams[i].rtx_ssrc, true, r->streams[i].in);
    }
    r->media = r->count ? r->streams[0].ssrc : 0;
    return 0;
}

static int add_stream(struct aura_receiver *r, const struct aura_desc_section *s) {
    if (r->count == AURA_RECEIVER_STREAMS_MAX) {
        return AURA_ELIMIT;
    }
    if (r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 8;
        struct stream *more = aura_realloc(r->streams, cap * sizeof(*more));
        if (!more) {
            return AURA_ENOMEM;
        }
        r->streams = more;
        r->cap = cap;
    }
    struct stream stream = {.ssrc = s->ssrc, .rtx_ssrc = s->rtx_ssrc, .keep = true};
    memcpy(stream.track, s->track, sizeof(stream.track));
    int err = aura_inbound_new(&stream.in, &s->media, s->ssrc, r->conf.meter);
    if (!err) {
        r->streams[r->count++] = stream;
    }
    return err;
}

static int take_section(struct aura_receiver *r, const struct aura_sdp_section *section) {
    struct aura_desc_section s;
    if (section->kind != AURA_SDP_AUDIO && section->kind != AURA_SDP_VIDEO) {
        return 0;
    }
    aura_desc_section_read(&s, section);
    if (!s.active || !(section->dir & AURA_SDP_SENDONLY) || !s.ssrc || !s.media.codec_count) {
        return 0;
    }
    r->twcc_id = s.media.ext.id[AURA_EXT_TWCC] ? s.media.ext.id[AURA_EXT_TWCC] : r->twcc_id;
    for (size_t i = 0; i < r->count; i++) {
        if (r->streams[i].ssrc == s.ssrc && r->streams[i].rtx_ssrc == s.rtx_ssrc) {
            r->streams[i].keep = true;
            return 0;
        }
    }
    return add_stream(r, &s);
}

static void drop_old(struct aura_receiver *r) {
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (r->streams[i].keep) {
            r->streams[kept++] = r->streams[i];
        } else {
            r->flowing -= r->streams[i].flowing;
            aura_inbound_free(r->streams[i].in);
        }
    }
    r->count = kept;
}

int aura_receiver_update(struct aura_receiver *r, const struct aura_sdp *offer) {
    int err = 0;
    for (size_t i = 0; i < r->count; i++) {
        r->streams[i].keep = false;
    }
    for (size_t i = 0; !err && i < offer->section_count; i++) {
        err = take_section(r, &offer->sections[i]);
    }
    drop_old(r);
    int built = rebuild(r);
    if (built && r->slots) {
        memset(r->slots, 0, (r->slot_mask + 1) * sizeof(*r->slots)); /* nothing freed is named */
    }
    return err ? err : built;
}

/* ---- sending ---- */

static void send_rtcp(struct aura_receiver *r, uint8_t *out, const struct aura_wr *w) {
    if (!w->fail && aura_wr_len(w) &&
        aura_wire_commit_rtcp(r->conf.wire, out, aura_wr_len(w)) == 0) {
        aura_count_add(&r->conf.meter->rtcp_sent, 1);
    }
}

static void send_report(struct aura_receiver *r, uint64_t now) {
    struct aura_rtcp_block blocks[AURA_RTCP_BLOCKS_MAX];
    for (size_t i = 0; i < r->count;) {
        size_t n = 0;
        for (; i < r->count && n < AURA_RTCP_BLOCKS_MAX; i++) {
            n += aura_inbound_report(r->streams[i].in, now, &blocks[n]);
        }
        uint8_t *out = n ? aura_wire_reserve(r->conf.wire) : NULL;
        if (out) {
            struct aura_wr w = aura_wr_of(out, BUFFER_BYTES);
            aura_rtcp_write_rr(&w, r->ssrc, blocks, n);
            aura_rtcp_write_cname(&w, r->ssrc, r->cname);
            send_rtcp(r, out, &w);
        }
    }
}

static void send_twcc(struct aura_receiver *r) {
    while (aura_twcc_pending(r->twcc) > 0) {
        uint8_t *out = aura_wire_reserve(r->conf.wire);
        if (!out) {
            return;
        }
        struct aura_wr w = aura_wr_of(out, BUFFER_BYTES);
        if (aura_twcc_build(r->twcc, &w, r->ssrc, r->media) == 0) {
            return;
        }
        send_rtcp(r, out, &w);
    }
}

static void send_pli(struct aura_receiver *r, uint32_t media) {
    uint8_t *out = aura_wire_reserve(r->conf.wire);
    if (out) {
        struct aura_wr w = aura_wr_of(out, BUFFER_BYTES);
        aura_rtcp_write_pli(&w, r->ssrc, media);
        send_rtcp(r, out, &w);
    }
}

static bool send_nacks(struct aura_receiver *r, uint64_t now) {
    struct aura_rtcp_nack pairs[NACK_PAIRS];
    bool gaps = false;
    for (size_t i = 0; i < r->count; i++) {
        struct aura_inbound *in = r->streams[i].in;
        if (!aura_inbound_has_gaps(in)) {
            continue;
        }
        gaps = true;
        size_t n = aura_inbound_nacks(in, now, aura_wire_rtt_us(r->conf.wire), pairs, NACK_PAIRS);
        uint8_t *out = n ? aura_wire_reserve(r->conf.wire) : NULL;
        if (out) {
            struct aura_wr w = aura_wr_of(out, BUFFER_BYTES);
            aura_rtcp_write_nack(&w, r->ssrc, r->streams[i].ssrc, pairs, n);
            send_rtcp(r, out, &w);
        }
    }
    return gaps;
}

static void on_nack_tick(void *arg) {
    struct aura_receiver *r = arg;
    if (send_nacks(r, now_of(r))) {
        /* The heap has the place that this timer just left. */
        AURA_BUG_ON(aura_timer_start(r->conf.timers, &r->nack_tick,
                                     AURA_RECEIVER_NACK_MS * AURA_US_PER_MS, on_nack_tick, r));
    }
}

static void on_tick(void *arg) {
    struct aura_receiver *r = arg;
    uint64_t now = now_of(r);
    AURA_BUG_ON(aura_timer_start(r->conf.timers, &r->tick, AURA_RECEIVER_TWCC_MS * AURA_US_PER_MS,
                                 on_tick, r));
    if (!aura_wire_connected(r->conf.wire)) {
        return;
    }
    send_twcc(r);
    for (size_t i = 0; i < r->count; i++) {
        if (aura_inbound_wants_key(r->streams[i].in, now)) {
            send_pli(r, r->streams[i].ssrc);
        }
    }
    if (now - r->report_us >= AURA_RECEIVER_REPORT_MS * AURA_US_PER_MS) {
        r->report_us = now;
        send_report(r, now);
    }
}

/* ---- receiving ---- */

static void record_twcc(struct aura_receiver *r, const struct aura_rtp *rtp, uint64_t now_us) {
    struct aura_rtp_item item;
    if (r->twcc_id && aura_rtp_find(rtp, r->twcc_id, &item) && item.len == 2) {
        aura_twcc_record(r->twcc, aura_get_u16(item.data), now_us);
    }
}

static void note_first(struct aura_receiver *r, struct aura_inbound *in) {
    if (aura_inbound_packets(in) != 1) {
        return;
    }
    for (size_t i = 0; i < r->count; i++) {
        if (r->streams[i].in == in && !r->streams[i].flowing) {
            r->streams[i].flowing = true;
            r->flowing++;
            r->conf.first(r->conf.arg, aura_inbound_kind(in));
        }
    }
}

static struct stream *stream_of(struct aura_receiver *r, const struct aura_inbound *in) {
    size_t i = 0;
    while (i < r->count && r->streams[i].in != in) {
        i++;
    }
    return i < r->count ? &r->streams[i] : NULL;
}

static void watch(struct aura_receiver *r, struct aura_inbound *in) {
    const struct aura_receiver_watch *w = &r->conf.watch;
    struct aura_frames *frames;
    struct stream *s = w->wants ? stream_of(r, in) : NULL;
    bool audio = aura_inbound_kind(in) == AURA_KIND_AUDIO;
    if (!s || s->watched || (audio && !w->sound) || !w->wants(w->arg, s->track)) {
        return;
    }
    if (audio) {
        s->watched = true;
        return;
    }
    /* Out of memory: the next packet tries again. */
    if (aura_frames_new(&frames, aura_inbound_media(in), s->track, w->frame, w->arg) == 0) {
        aura_inbound_watch(in, frames);
        s->watched = true;
    }
}

static void take_packet(struct aura_receiver *r, struct aura_inbound *in,
                        const struct aura_rtp *rtp, size_t len, bool repaired, uint64_t now_us) {
    const struct aura_receiver_watch *w = &r->conf.watch;
    const struct aura_media *media = aura_inbound_media(in);
    if (!aura_inbound_packet(in, rtp, len, repaired, now_us) || media->kind != AURA_KIND_AUDIO ||
        !w->sound || !rtp->payload_len) {
        return;
    }
    const struct stream *s = stream_of(r, in);
    for (size_t i = 0; s && s->watched && i < media->codec_count; i++) {
        if (media->codecs[i].pt == rtp->pt) {
            const struct aura_sound sound = {.track = s->track,
                                             .codec = media->codecs[i].codec,
                                             .payload = rtp->payload,
                                             .len = rtp->payload_len,
                                             .ts = rtp->ts,
                                             .clock_rate = media->codecs[i].clock_rate,
                                             .arrival_us = now_us};
            w->sound(w->arg, &sound);
            return;
        }
    }
}

static void take_rtx(struct aura_receiver *r, struct aura_inbound *in, uint8_t *packet, size_t len,
                     uint8_t pt, uint64_t now_us) {
    struct aura_rtp rtp;
    uint8_t original = aura_inbound_pt_of_rtx(in, pt);
    aura_count_add(&r->conf.meter->rtx_packets, 1);
    if (aura_rtx_unwrap(&packet, &len, original, aura_inbound_ssrc(in)) == 0 &&
        aura_rtp_parse(&rtp, packet, len) == 0) {
        take_packet(r, in, &rtp, len, true, now_us);
    }
}

void aura_receiver_rtp(struct aura_receiver *r, uint8_t *packet, size_t len, uint64_t now_us) {
    struct aura_rtp rtp;
    if (aura_rtp_parse(&rtp, packet, len)) {
        return;
    }
    record_twcc(r, &rtp, now_us);
    const struct slot *slot = r->slots ? slot_of(r, rtp.ssrc) : NULL;
    if (!slot || !slot->in) {
        aura_count_add(&r->conf.meter->unknown, 1);
        return;
    }
    struct aura_inbound *in = slot->in;
    if (slot->rtx) {
        take_rtx(r, in, packet, len, rtp.pt, now_us);
        return;
    }
    watch(r, in);
    take_packet(r, in, &rtp, len, false, now_us);
    note_first(r, in);
    /* Out of memory: the next packet starts it. */
    if (aura_inbound_has_gaps(in) && !aura_timer_running(&r->nack_tick)) {
        (void)!aura_timer_start(r->conf.timers, &r->nack_tick,
                                AURA_RECEIVER_NACK_MS * AURA_US_PER_MS, on_nack_tick, r);
    }
}

void aura_receiver_rtcp(struct aura_receiver *r, const struct aura_rtcp *packet, uint64_t now_us) {
    struct aura_rtcp_report report;
    if (packet->type != AURA_RTCP_SR || !r->slots || aura_rtcp_parse_report(&report, packet)) {
        return;
    }
    const struct slot *slot = slot_of(r, report.ssrc);
    if (!slot->in || slot->rtx) {
        return;
    }
    aura_inbound_sender_report(slot->in, &report.sender, now_us);
    const struct stream *s = r->conf.watch.report ? stream_of(r, slot->in) : NULL;
    if (s && s->watched) {
        r->conf.watch.report(r->conf.watch.arg, s->track, report.sender.ntp, report.sender.rtp);
    }
}

/* ---- life ---- */

int aura_receiver_new(struct aura_receiver **out, const struct aura_receiver_conf *conf) {
    struct aura_receiver *r = aura_zalloc(sizeof(*r));
    if (!r) {
        return AURA_ENOMEM;
    }
    r->conf = *conf;
    r->ssrc = aura_rand_u32(conf->rand);
    aura_rand_text(conf->rand, r->cname, CNAME_LEN);
    int err = aura_twcc_new(&r->twcc);
    if (!err) {
        /* Spread over the interval, so that many clients do not all report at once. */
        uint64_t in_us = aura_rand_below(conf->rand, AURA_RECEIVER_TWCC_MS * 1000) + 1;
        err = aura_timer_start(conf->timers, &r->tick, in_us, on_tick, r);
        r->report_us = now_of(r) - aura_rand_below(conf->rand, AURA_RECEIVER_REPORT_MS * 1000);
    }
    if (err) {
        aura_receiver_free(r);
        return err;
    }
    *out = r;
    return 0;
}

struct aura_receiver *aura_receiver_free(struct aura_receiver *r) {
    if (r) {
        aura_timer_stop(r->conf.timers, &r->tick);
        aura_timer_stop(r->conf.timers, &r->nack_tick);
        for (size_t i = 0; i < r->count; i++) {
            aura_inbound_free(r->streams[i].in);
        }
        aura_free(r->streams);
        aura_free(r->slots);
        aura_twcc_free(r->twcc);
        aura_free(r);
    }
    return NULL;
}

size_t aura_receiver_streams(const struct aura_receiver *r) {
    return r->count;
}

size_t aura_receiver_flowing(const struct aura_receiver *r) {
    return r->flowing;
}
