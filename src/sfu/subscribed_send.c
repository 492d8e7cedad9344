/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a packet for one subscriber, straight into the socket's queue: own header, its own
 * extension ids, then the payload. */
#include "sfu/subscribed.h"

#include "base/bytes.h"
#include "rtp/red.h"

#include <string.h>

enum {
    RTP_HEADER = 12,
    EXT_ONE_BYTE = 0xbede, /* RFC 8285 section 4.2 */
    EXT_TWO_BYTE = 0x1000, /* section 4.3 */
    EXT_ONE_BYTE_ID_MAX = 14,
    EXT_ONE_BYTE_LEN_MAX = 16,
    EXT_BYTES_MAX = 512,
    VP8_PID_MASK = 0x7fff,
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
    struct ext_out list[AURA_PACKET_EXTS_MAX + 3];
    size_t count;
    bool two_byte;
    uint8_t abs_send[3], twcc[2];
};

static void ext_add(struct ext_set *set, uint8_t id, const void *data, size_t len) {
    if (id == 0) {
        return;
    }
    set->list[set->count++] = (struct ext_out){.id = id, .len = (uint8_t)len, .data = data};
    set->two_byte |= id > EXT_ONE_BYTE_ID_MAX || len > EXT_ONE_BYTE_LEN_MAX || len == 0;
}

static void ext_collect(struct ext_set *set, struct aura_subscribed *sub,
                        const struct aura_packet *p) {
    const uint8_t *id = sub->conf.media.ext.id;
    set->count = 0;
    set->two_byte = false;
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
    if (id[AURA_EXT_TWCC]) {
        aura_put_u16(set->twcc, sub->peer->twcc_next++);
        ext_add(set, id[AURA_EXT_TWCC], set->twcc, sizeof(set->twcc));
    }
    for (size_t i = 0; i < p->ext_count; i++) {
        const struct aura_packet_ext *e = &p->exts[i];
        ext_add(set, id[e->ext], p->data + e->at, e->len);
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

/* The fields of the VP8 descriptor that must run on over a switch (RFC 7741 section 4.2). They are
 * written with the width that they came in. */
static void rewrite_vp8(uint8_t *payload, const struct aura_sub_segment *seg,
                        const struct aura_packet *p) {
    if (p->vp8_pid_at) {
        uint16_t pid = (uint16_t)(p->vp8_pid + seg->pid_offset);
        if (p->vp8_pid_long) {
            aura_put_u16(payload + p->vp8_pid_at, (uint16_t)(0x8000 | (pid & VP8_PID_MASK)));
        } else {
            payload[p->vp8_pid_at] = pid & 0x7f;
        }
    }
    if (p->vp8_tl0_at) {
        payload[p->vp8_tl0_at] = (uint8_t)(p->vp8_tl0 + seg->tl0_offset);
    }
    if (p->vp8_keyidx_at) {
        uint8_t rest = payload[p->vp8_keyidx_at] & 0xe0;
        payload[p->vp8_keyidx_at] = (uint8_t)(rest | ((p->vp8_keyidx + seg->keyidx_offset) & 0x1f));
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
                         const struct ext_set *set, const struct aura_packet *p, uint8_t pt,
                         uint16_t seq, uint32_t ts, bool rtx) {
    aura_wr_u8(w, (uint8_t)(0x80 | (set->count ? 0x10 : 0)));
    aura_wr_u8(w, (uint8_t)(pt | (p->marker ? 0x80 : 0)));
    aura_wr_u16(w, seq);
    aura_wr_u32(w, ts);
    aura_wr_u32(w, rtx ? sub->conf.rtx_ssrc : sub->conf.ssrc);
    if (set->count) {
        ext_write(w, set);
    }
}

void aura__subscribed_send(struct aura_subscribed *sub, const struct aura_sub_segment *seg,
                           const struct aura_packet *p, bool repeat) {
    const struct aura_sub_pt *pt = aura__subscribed_pt(sub, p);
    if (!pt) {
        aura__drop(sub->peer->worker, AURA_DROP_UNKNOWN_PT);
        return;
    }
    uint16_t seq = (uint16_t)(seg->out_from + (p->eseq - seg->in_from));
    bool rtx = repeat && pt->rtx && sub->conf.rtx_ssrc;
    size_t cap = RTP_HEADER + EXT_BYTES_MAX + 2 + p->payload_len + AURA_SRTP_TAIL;
    cap = cap > AURA_UDP_PACKET_MAX ? AURA_UDP_PACKET_MAX : cap;
    uint8_t *out = aura__peer_reserve(sub->peer, cap);
    if (!out) {
        return;
    }
    struct ext_set set;
    set.count = 0;
    if (sub->has_ext) {
        ext_collect(&set, sub, p);
    }
    struct aura_wr w = aura_wr_of(out, cap - AURA_SRTP_TAIL);
    header_write(&w, sub, &set, p, rtx ? pt->rtx : pt->out, rtx ? sub->rtx_seq++ : seq,
                 p->ts + seg->ts_offset, rtx);
    if (rtx) {
        aura_wr_u16(&w, seq); /* RFC 4588 section 4: the original number comes first */
    }
    const uint8_t *payload;
    size_t len;
    payload_of(p, pt->unpack_red, &payload, &len);
    uint8_t *at = w.p;
    aura_wr_bytes(&w, payload, len);
    if (w.fail) {
        aura__drop(sub->peer->worker, AURA_DROP_LIMIT);
        return;
    }
    if (p->codec == AURA_CODEC_VP8 && len) {
        rewrite_vp8(at, seg, p);
    }
    if (aura__peer_commit_rtp(sub->peer, out, aura_wr_len(&w), cap)) {
        return;
    }
    if (repeat) {
        sub->retransmits++;
        aura__count(&sub->peer->worker->counters.retransmits_out, 1);
    } else {
        sub->packets++;
        sub->payload_bytes += len;
    }
    sub->bytes += aura_wr_len(&w);
}
