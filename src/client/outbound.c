/* SPDX-License-Identifier: Apache-2.0 */
#include "client/outbound.h"

#include "rtp/rtp.h"
#include "rtp/sr.h"

#include <string.h>

enum {
    VOICE_LEVEL = 0x80 | 30, /* RFC 6464: speech at -30 dBov */
    REPORT_BYTES = 128,
    NACKS_MAX = 64,
    ITEMS_MAX = 6,
    IP_UDP_BYTES = 28,
    SRTP_BYTES = 16,
};

/* Elements of a header and their bytes. */
struct items {
    struct aura_rtp_item item[ITEMS_MAX];
    size_t count;
    uint8_t twcc[2], send_time[3];
    uint16_t twcc_seq;
};

void aura_outbound_init(struct aura_outbound *o, const struct aura_outbound_conf *conf) {
    *o = (struct aura_outbound){.conf = *conf};
    o->seq = (uint16_t)aura_rand_below(conf->rand, 32768);
    o->rtx_seq = (uint16_t)aura_rand_below(conf->rand, 32768);
}

/* ---- one packet ---- */

static void put(struct items *x, uint8_t id, size_t len, const void *data) {
    x->item[x->count++] = (struct aura_rtp_item){id, (uint8_t)len, data};
}

static void put_items(struct aura_outbound *o, const struct aura_outbound_packet *p, bool rtx,
                      uint64_t now_us, struct items *x) {
    static const uint8_t level = VOICE_LEVEL;
    const struct aura_outbound_conf *c = &o->conf;
    const uint8_t *id = c->ext.id;
    x->count = 0;
    if (!o->acknowledged || rtx) {
        put(x, id[AURA_EXT_MID], strlen(c->mid), c->mid);
        if (c->rid) {
            put(x, id[rtx ? AURA_EXT_REPAIRED_RID : AURA_EXT_RID], strlen(c->rid), c->rid);
        }
    }
    if (id[AURA_EXT_TWCC]) {
        x->twcc_seq = (*c->twcc_seq)++;
        aura_put_u16(x->twcc, x->twcc_seq);
        put(x, id[AURA_EXT_TWCC], sizeof(x->twcc), x->twcc);
    }
    if (id[AURA_EXT_ABS_SEND_TIME]) {
        /* 6.18 bits of seconds: draft-alvestrand-rmcat-remb, section 2.1 (libwebrtc's page). */
        uint32_t time = (uint32_t)((now_us << 18) / AURA_US_PER_S);
        x->send_time[0] = (uint8_t)(time >> 16);
        x->send_time[1] = (uint8_t)(time >> 8);
        x->send_time[2] = (uint8_t)time;
        put(x, id[AURA_EXT_ABS_SEND_TIME], sizeof(x->send_time), x->send_time);
    }
    if (c->voice) {
        put(x, id[AURA_EXT_AUDIO_LEVEL], 1, &level);
    }
    if (p->hint_len && id[AURA_EXT_AIC]) {
        put(x, id[AURA_EXT_AIC], p->hint_len, p->hints);
    }
}

/* @return bytes of header and payload, 0 if it could not be sent */
static size_t send_packet(struct aura_outbound *o, const struct aura_outbound_packet *p,
                          uint16_t seq, bool rtx) {
    const struct aura_outbound_conf *c = &o->conf;
    uint64_t now_us = aura_now_us(c->clock);
    struct items x;
    size_t header = 0;
    uint8_t *out = aura_wire_reserve(c->wire);
    if (!out) {
        return 0;
    }
    put_items(o, p, rtx, now_us, &x);
    struct aura_rtp_header h = {.marker = p->marker,
                                .pt = rtx ? p->rtx_pt : p->pt,
                                .seq = rtx ? o->rtx_seq : seq,
                                .ts = p->ts,
                                .ssrc = rtx ? c->rtx_ssrc : c->ssrc};
    if (aura_rtp_write_header(out, AURA_WIRE_PACKET_MAX, &header, &h, x.item, x.count)) {
        return 0;
    }
    if (rtx) {
        aura_put_u16(out + header, seq);
        header += 2;
    }
    size_t len = c->write(c->arg, &p->ref, out + header, AURA_WIRE_PACKET_MAX - header);
    if (!len || aura_wire_commit_rtp(c->wire, out, header + len)) {
        return 0;
    }
    if (c->bwe && c->ext.id[AURA_EXT_TWCC]) {
        aura_bwe_sent(c->bwe, x.twcc_seq, header + len + SRTP_BYTES + IP_UDP_BYTES, now_us, 0);
    }
    o->rtx_seq += rtx;
    return header + len;
}

void aura_outbound_send(struct aura_outbound *o, const struct aura_outbound_packet *p) {
    struct aura_outbound_sent *s = &o->history[o->seq % AURA_OUTBOUND_HISTORY];
    *s = (struct aura_outbound_sent){.used = true, .seq = o->seq, .packet = *p};
    size_t len = send_packet(o, p, o->seq, false);
    o->seq++;
    if (len) {
        o->packets++;
        o->bytes += (uint32_t)len;
        o->sent += len;
        aura_count_add(&o->conf.meter->packets_sent, 1);
        aura_count_add(&o->conf.meter->bytes_sent, len);
    }
}

/* ---- RTCP ---- */

void aura_outbound_report(struct aura_outbound *o, uint32_t rtp) {
    uint8_t *out = o->packets ? aura_wire_reserve(o->conf.wire) : NULL;
    if (!out) {
        return;
    }
    struct aura_rtcp_sender info = {.ntp = aura_ntp_of_us(aura_wall_us(o->conf.clock)),
                                    .rtp = rtp,
                                    .packets = o->packets,
                                    .bytes = o->bytes};
    struct aura_wr w = aura_wr_of(out, REPORT_BYTES);
    aura_rtcp_write_sr(&w, o->conf.ssrc, &info, NULL, 0);
    aura_rtcp_write_cname(&w, o->conf.ssrc, o->conf.cname);
    if (!w.fail && aura_wire_commit_rtcp(o->conf.wire, out, aura_wr_len(&w)) == 0) {
        aura_count_add(&o->conf.meter->rtcp_sent, 1);
    }
}

static void resend(struct aura_outbound *o, uint16_t seq, uint64_t now) {
    struct aura_outbound_sent *s = &o->history[seq % AURA_OUTBOUND_HISTORY];
    bool soon = s->resent_us && now - s->resent_us < AURA_OUTBOUND_RESEND_MS * AURA_US_PER_MS;
    if (!s->used || s->seq != seq || soon) {
        return;
    }
    s->resent_us = now;
    if (send_packet(o, &s->packet, seq, s->packet.rtx_pt && o->conf.rtx_ssrc)) {
        o->resent++;
        aura_count_add(&o->conf.meter->resent, 1);
    }
}

static void on_nack(struct aura_outbound *o, const struct aura_rtcp *packet) {
    struct aura_rtcp_nack pairs[NACKS_MAX];
    uint32_t sender, media;
    int n = aura_rtcp_parse_nack(packet, &sender, &media, pairs, NACKS_MAX);
    uint64_t now = aura_now_us(o->conf.clock);
    for (int i = 0; i < n && media == o->conf.ssrc; i++) {
        AURA_RTCP_NACK_EACH(pairs[i], seq) {
            resend(o, seq, now);
        }
    }
}

static void on_reports(struct aura_outbound *o, const struct aura_rtcp *packet) {
    struct aura_rtcp_report report;
    if (aura_rtcp_parse_report(&report, packet)) {
        return;
    }
    for (size_t i = 0; i < report.block_count; i++) {
        if (report.blocks[i].ssrc == o->conf.ssrc) {
            o->acknowledged = true;
            o->loss = report.blocks[i].fraction_lost;
        }
    }
}

static bool key_wanted(const struct aura_outbound *o, const struct aura_rtcp *packet) {
    uint32_t sender, media;
    struct aura_rtcp_fir firs[AURA_RTCP_FIRS_MAX];
    if (packet->count == AURA_PSFB_PLI) {
        return aura_rtcp_parse_pli(packet, &sender, &media) == 0 && media == o->conf.ssrc;
    }
    int n = packet->count == AURA_PSFB_FIR
                ? aura_rtcp_parse_fir(packet, &sender, firs, AURA_RTCP_FIRS_MAX)
                : 0;
    for (int i = 0; i < n; i++) {
        if (firs[i].ssrc == o->conf.ssrc) {
            return true;
        }
    }
    return false;
}

bool aura_outbound_rtcp(struct aura_outbound *o, const struct aura_rtcp *packet) {
    if (packet->type == AURA_RTCP_SR || packet->type == AURA_RTCP_RR) {
        on_reports(o, packet);
    } else if (packet->type == AURA_RTCP_RTPFB && packet->count == AURA_RTPFB_NACK) {
        on_nack(o, packet);
    } else if (packet->type == AURA_RTCP_PSFB && key_wanted(o, packet)) {
        aura_count_add(&o->conf.meter->publisher_plis, 1);
        return true;
    }
    return false;
}
