/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a packet for one subscriber, straight into the socket's queue: own header, its own
 * extension ids, then the payload. */
#include "sfu/subscribed.h"

#include "base/bytes.h"
#include "rtp/red.h"
#include "sfu/derived_meter.h"
#include "sfu/downlink.h"

#include <string.h>

enum {
    RTP_HEADER = 12,
    EXT_ONE_BYTE = 0xbede, /* RFC 8285 section 4.2 */
    EXT_TWO_BYTE = 0x1000, /* section 4.3 */
    EXT_ONE_BYTE_ID_MAX = 14,
    EXT_ONE_BYTE_LEN_MAX = 16,
    EXT_BYTES_MAX = 512,
    DD_MAX = 255,
    WIRE_OVERHEAD = 28, /* IPv4 and UDP */
    PID_MASK = 0x7fff,
    PADDING_MAX = 255, /* the last byte says how much */
};

/* Same codec in the same flavour; -1 = none. H.264: packetization mode and profile (the level may
 * differ, RFC 6184 section 8.2.2), at least the mode. */
static int find_codec(const struct aura_media *m, const struct aura_packet *p) {
    int same_mode = -1;
    for (size_t i = 0; i < m->codec_count; i++) {
        const struct aura_media_codec *c = &m->codecs[i];
        if (c->codec != p->codec) {
            continue;
        }
        if (c->codec == AURA_CODEC_H264) {
            if (c->h264_packetization_mode != p->h264_mode) {
                continue;
            }
            if (c->h264_profile_level_id >> 8 != p->h264_profile_level_id >> 8) {
                same_mode = same_mode < 0 ? (int)i : same_mode;
                continue;
            }
        }
        if (c->codec == AURA_CODEC_VP9 && c->vp9_profile != p->vp9_profile) {
            continue;
        }
        return (int)i;
    }
    return same_mode;
}

static const struct aura_media_codec *find_opus(const struct aura_media *m) {
    for (size_t i = 0; i < m->codec_count; i++) {
        if (m->codecs[i].codec == AURA_CODEC_OPUS) {
            return &m->codecs[i];
        }
    }
    return NULL;
}

static struct aura_sub_pt map_pt(const struct aura_subscribed *sub, const struct aura_packet *p) {
    const struct aura_media *m = &sub->conf.media;
    struct aura_sub_pt pt = {.in = p->pt, .codec = p->codec};
    int at = find_codec(m, p);
    const struct aura_media_codec *c = at >= 0 ? &m->codecs[at] : NULL;
    if (!c && p->codec == AURA_CODEC_RED) {
        c = find_opus(m);
        pt.unpack_red = c != NULL;
    }
    pt.refused = c == NULL;
    if (c) {
        pt.out = c->pt;
        pt.rtx = c->rtx_pt;
    }
    return pt;
}

const struct aura_sub_pt *aura__subscribed_pt(struct aura_subscribed *sub,
                                              const struct aura_packet *p) {
    for (size_t i = 0; i < sub->pt_count; i++) {
        if (sub->pts[i].in == p->pt && sub->pts[i].codec == p->codec) {
            return sub->pts[i].refused ? NULL : &sub->pts[i];
        }
    }
    /* More payload types than places: the last place is reused, which costs only time. */
    size_t at = sub->pt_count < AURA_SUB_PTS ? sub->pt_count++ : AURA_SUB_PTS - 1;
    sub->pts[at] = map_pt(sub, p);
    return sub->pts[at].refused ? NULL : &sub->pts[at];
}

struct ext_out {
    uint8_t id, len;
    const uint8_t *data;
};

/* What this subscriber gets: the publisher's where it negotiated them, and our own. */
struct ext_set {
    struct ext_out list[AURA_PACKET_EXTS_MAX + 4];
    size_t count;
    bool two_byte, has_twcc;
    uint8_t abs_send[3], twcc[2];
    uint8_t dd[DD_MAX];
};

static void ext_begin(struct ext_set *set) {
    set->count = 0;
    set->two_byte = set->has_twcc = false;
}

static void ext_add(struct ext_set *set, uint8_t id, const void *data, size_t len) {
    if (id == 0) {
        return;
    }
    set->list[set->count++] = (struct ext_out){.id = id, .len = (uint8_t)len, .data = data};
    set->two_byte |= id > EXT_ONE_BYTE_ID_MAX || len > EXT_ONE_BYTE_LEN_MAX || len == 0;
}

static void ext_collect_own(struct ext_set *set, struct aura_subscribed *sub) {
    const uint8_t *id = sub->conf.media.ext.id;
    if (sub->conf.send_mid) {
        ext_add(set, id[AURA_EXT_MID], sub->conf.media.mid, strlen(sub->conf.media.mid));
    }
    if (id[AURA_EXT_ABS_SEND_TIME]) {
        /* 6.18 fixed-point seconds of any clock (webrtc.org abs-send-time). */
        uint64_t t = (aura__now(sub->peer->worker) << 18) / AURA_US_PER_S;
        set->abs_send[0] = (uint8_t)(t >> 16);
        set->abs_send[1] = (uint8_t)(t >> 8);
        set->abs_send[2] = (uint8_t)t;
        ext_add(set, id[AURA_EXT_ABS_SEND_TIME], set->abs_send, sizeof(set->abs_send));
    }
    /* Without video there is nothing to choose, and feedback would cost more than the sound. */
    if (id[AURA_EXT_TWCC] && sub->peer->down) {
        aura_put_u16(set->twcc, sub->peer->twcc_next++);
        set->has_twcc = true;
        ext_add(set, id[AURA_EXT_TWCC], set->twcc, sizeof(set->twcc));
    }
}

/* The descriptor's frame number runs on over switches (AV1 RTP appendix A.8.1). */
static void ext_add_dd(struct ext_set *set, uint8_t id, const uint8_t *data, size_t len,
                       uint16_t frame) {
    if (id && len >= 3 && len <= sizeof(set->dd)) {
        memcpy(set->dd, data, len);
        aura_put_u16(set->dd + 1, frame);
        ext_add(set, id, set->dd, len);
    }
}

/* On all packets until it has arrived, for any of them may be lost. Afterwards still where a frame
 * begins that a receiver can begin with: browsers make their receiver anew when media comes before
 * the description that tells of it, and the old one has reported what the new one never saw. And on
 * those sent again: it is read in a frame's first packet, which may be what was lost. */
static void ext_add_playout(struct ext_set *set, struct aura_subscribed *sub,
                            const struct aura_packet *p, const struct aura_sub_out *o) {
    const uint8_t *delay =
        o->repeat ? sub->playout.bytes : aura_playout_next(&sub->playout, (uint16_t)o->seq);
    delay = delay || !p->key_frame ? delay : sub->playout.bytes;
    if (delay) {
        ext_add(set, sub->conf.media.ext.id[AURA_EXT_PLAYOUT_DELAY], delay, AURA_PLAYOUT_BYTES);
    }
}

static void ext_collect(struct ext_set *set, struct aura_subscribed *sub,
                        const struct aura_packet *p, const struct aura_sub_out *o) {
    const uint8_t *id = sub->conf.media.ext.id;
    ext_collect_own(set, sub);
    if (sub->playout.state != AURA_PLAYOUT_OFF) {
        ext_add_playout(set, sub, p, o);
    }
    for (size_t i = 0; i < p->ext_count && !o->padding; i++) {
        const struct aura_packet_ext *e = &p->exts[i];
        if (e->ext == AURA_EXT_DEPENDENCY_DESCRIPTOR) {
            ext_add_dd(set, id[e->ext], p->data + e->at, e->len, o->dd_frame);
        } else {
            ext_add(set, id[e->ext], p->data + e->at, e->len);
        }
    }
}

static void ext_write(struct aura_wr *w, const struct ext_set *set) {
    aura_wr_u16(w, set->two_byte ? EXT_TWO_BYTE : EXT_ONE_BYTE);
    uint8_t *words = aura_wr_skip(w, 2);
    uint8_t *from = w->p;
    for (size_t i = 0; i < set->count; i++) {
        const struct ext_out *e = &set->list[i];
        if (set->two_byte) {
            aura_wr_u8(w, e->id);
            aura_wr_u8(w, e->len);
        } else {
            aura_wr_u8(w, (uint8_t)(e->id << 4 | (e->len - 1)));
        }
        aura_wr_bytes(w, e->data, e->len);
    }
    while ((size_t)(w->p - from) % 4 && !w->fail) {
        aura_wr_u8(w, 0);
    }
    if (!w->fail) {
        aura_put_u16(words, (uint16_t)((size_t)(w->p - from) / 4));
    }
}

/* The numbers in the VP8 and VP9 descriptors (RFC 7741 section 4.2, RFC 9628 section 4.2). They are
 * written with the width that they came in. */
static void rewrite_numbers(uint8_t *payload, const struct aura_packet *p,
                            const struct aura_sub_out *o) {
    if (p->pid_at) {
        if (p->pid_long) {
            aura_put_u16(payload + p->pid_at, (uint16_t)(0x8000 | (o->pid & PID_MASK)));
        } else {
            payload[p->pid_at] = o->pid & 0x7f;
        }
    }
    if (p->tl0_at) {
        payload[p->tl0_at] = o->tl0;
    }
    if (p->keyidx_at) {
        uint8_t rest = payload[p->keyidx_at] & 0xe0;
        payload[p->keyidx_at] = (uint8_t)(rest | o->keyidx);
    }
}

/* The Opus packet inside RED (RFC 2198): the last block. Numbers and timestamps stay. */
static void payload_of(const struct aura_packet *p, bool unpack_red, const uint8_t **payload,
                       size_t *len) {
    *payload = p->data + p->payload_at;
    *len = p->payload_len;
    if (unpack_red && *len) {
        struct aura_red_block blocks[AURA_RED_BLOCKS_MAX];
        int n = aura_red_parse(*payload, *len, blocks);
        /* Malformed: an empty packet keeps the numbering. */
        *payload = n > 0 ? blocks[n - 1].data : *payload;
        *len = n > 0 ? blocks[n - 1].len : 0;
    }
}

static void header_write(struct aura_wr *w, const struct aura_subscribed *sub,
                         const struct ext_set *set, const struct aura_sub_out *o, uint8_t pt,
                         uint16_t seq, bool rtx) {
    aura_wr_u8(w, (uint8_t)(0x80 | (o->padding || o->pad ? 0x20 : 0) | (set->count ? 0x10 : 0)));
    aura_wr_u8(w, (uint8_t)(pt | (o->marker ? 0x80 : 0)));
    aura_wr_u16(w, seq);
    aura_wr_u32(w, o->ts);
    aura_wr_u32(w, rtx ? sub->conf.rtx_ssrc : sub->conf.ssrc);
    if (set->count) {
        ext_write(w, set);
    }
}

static void padding_write(struct aura_wr *w, size_t len) {
    uint8_t *at = aura_wr_skip(w, len);
    if (at) {
        memset(at, 0, len);
        at[len - 1] = (uint8_t)len;
    }
}

static void payload_write(struct aura_wr *w, const struct aura_packet *p,
                          const struct aura_sub_pt *pt, const struct aura_sub_out *o) {
    const uint8_t *payload;
    size_t len;
    if (o->padding) {
        padding_write(w, 1);
        return;
    }
    payload_of(p, pt->unpack_red, &payload, &len);
    uint8_t *at = w->p;
    aura_wr_bytes(w, payload, len);
    if (len && !w->fail) {
        rewrite_numbers(at, p, o);
    }
    if (o->pad) {
        padding_write(w, o->pad);
    }
}

/* Encrypts, queues and counts it. @return bytes on the wire, 0 = dropped */
static size_t commit(struct aura_subscribed *sub, uint8_t *data, const struct aura_wr *w,
                     size_t cap, const struct ext_set *set, unsigned cluster) {
    if (w->fail) {
        aura__drop(sub->peer->worker, AURA_DROP_LIMIT);
        return 0;
    }
    if (aura__peer_commit_rtp(sub->peer, data, aura_wr_len(w), cap)) {
        return 0;
    }
    size_t wire = aura_wr_len(w) + WIRE_OVERHEAD;
    sub->bytes += aura_wr_len(w);
    aura__downlink_sent(sub->peer, set->has_twcc ? aura_get_u16(set->twcc) : -1, wire, cluster);
    return wire;
}

/* The clock was read once for all that leave together: one reading a packet would cost more than
 * what it tells. */
static void count_forward(struct aura_worker *w, const struct aura_packet *p) {
    uint64_t us = w->sending_us > p->arrival_us ? w->sending_us - p->arrival_us : 0;
    size_t i = 0;
    while (us > aura_sfu_forward_bounds_us[i] && i < AURA_SFU_FORWARD_BUCKETS - 1) {
        i++;
    }
    aura__count(&w->counters.forward[i], 1);
    aura__count(&w->counters.forward_us, us);
    aura__count(&w->counters.forward_us2, us * us);
}

size_t aura__subscribed_send(struct aura_subscribed *sub, const struct aura_packet *p,
                             const struct aura_sub_out *o) {
    const struct aura_sub_pt *pt = aura__subscribed_pt(sub, p);
    if (!pt) {
        aura__drop(sub->peer->worker, AURA_DROP_UNKNOWN_PT);
        return 0;
    }
    bool rtx = o->repeat && pt->rtx && sub->conf.rtx_ssrc;
    size_t cap = RTP_HEADER + EXT_BYTES_MAX + 2 + p->payload_len + AURA_SRTP_TAIL;
    cap = cap > AURA_UDP_PACKET_MAX ? AURA_UDP_PACKET_MAX : cap;
    uint8_t *data = aura__peer_reserve(sub->peer, cap);
    if (!data) {
        return 0;
    }
    struct ext_set set;
    ext_begin(&set);
    if (sub->has_ext) {
        ext_collect(&set, sub, p, o);
    }
    struct aura_wr w = aura_wr_of(data, cap - AURA_SRTP_TAIL);
    header_write(&w, sub, &set, o, rtx ? pt->rtx : pt->out, rtx ? sub->rtx_seq++ : (uint16_t)o->seq,
                 rtx);
    if (rtx) {
        aura_wr_u16(&w, (uint16_t)o->seq); /* RFC 4588 section 4: the original number first */
    }
    payload_write(&w, p, pt, o);
    size_t wire = commit(sub, data, &w, cap, &set, o->cluster);
    if (wire && o->cluster && o->repeat) {
        return wire; /* only fills a probe */
    }
    if (wire && o->repeat) {
        sub->retransmits++;
        aura__count(&sub->peer->worker->counters.retransmits_out, 1);
        aura__count(&sub->peer->worker->counters.retransmit_bytes_out, aura_wr_len(&w));
    } else if (wire) {
        count_forward(sub->peer->worker, p);
        sub->packets++;
        sub->payload_bytes += p->payload_len;
        if (p->aic && sub->source) {
            aura__meter_sent(sub->source, p, wire);
        }
        if (o->seq > sub->sent.seq) {
            sub->sent = *o;
        }
    }
    return wire;
}

static uint8_t rtx_pt(const struct aura_media *m) {
    for (size_t i = 0; i < m->codec_count; i++) {
        if (m->codecs[i].rtx_pt) {
            return m->codecs[i].rtx_pt;
        }
    }
    return 0;
}

size_t aura__subscribed_pad(struct aura_subscribed *sub, unsigned cluster) {
    enum { CAP = RTP_HEADER + EXT_BYTES_MAX + PADDING_MAX + AURA_SRTP_TAIL };
    uint8_t pt = rtx_pt(&sub->conf.media);
    uint8_t *data = pt && sub->conf.rtx_ssrc ? aura__peer_reserve(sub->peer, CAP) : NULL;
    if (!data) {
        return 0;
    }
    struct aura_sub_out o = {.ts = sub->sent.ts, .padding = true};
    struct ext_set set;
    ext_begin(&set);
    ext_collect_own(&set, sub);
    struct aura_wr w = aura_wr_of(data, CAP - AURA_SRTP_TAIL);
    header_write(&w, sub, &set, &o, pt, sub->rtx_seq++, true);
    padding_write(&w, PADDING_MAX);
    return commit(sub, data, &w, CAP, &set, cluster);
}
