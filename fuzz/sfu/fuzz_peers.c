/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call as the media workers see it: one who publishes sound, simulcast and layers in one stream,
 * and three who subscribe, one of them on another worker. The bytes are everything that can happen
 * to them: checks, RTP and RTCP as they come out of decryption, data messages, the end of DTLS,
 * renegotiation, layer wishes, moves, mutes, and time. All is real but the cipher and SCTP, which
 * are wrapped: what leaves is looked at where it would be encrypted.
 *
 * Input: [op, arguments …]; bytes that are missing count as 0.
 */
#include "base/bytes.h"
#include "rtp/rtcp.h"
#include "rtp/rtp.h"
#include "sfu/published.h"
#include "sfu/subscribed.h"
#include "threadless.h"
#include "transport/stun.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEERS = 4, PUBS = 4, SUBS = 10, STEPS_MAX = 400, DATAGRAM = 1500, SEQS = 64 };

struct peer {
    aura_peer_id id;
    char ufrag[AURA_ICE_UFRAG_LEN + 1], pwd[AURA_ICE_PWD_LEN + 1];
    const struct aura_pc_handlers *handlers; /* of its struct aura_pc, and … */
    void *arg;                               /* … their argument; NULL: it is closed */
};

static struct threadless t;
static struct peer peers[PEERS];
static aura_pub_id pubs[PUBS];
static aura_sub_id subs[SUBS];
static size_t sub_count;
static struct {
    uint16_t seqs[SEQS], twcc;
    uint8_t feedback;
} counts;            /* of what was sent to us */
static int data_err; /* what SCTP says to the next message */
static struct peer *made;

/* ---- what is wrapped (see meson.build) ---- */

int __real_aura_pc_new(struct aura_pc **pcp, const struct aura_pc_conf *conf,
                       const struct aura_pc_handlers *handlers, void *arg);
int __wrap_aura_pc_new(struct aura_pc **pcp, const struct aura_pc_conf *conf,
                       const struct aura_pc_handlers *handlers, void *arg);
int __wrap_aura_pc_protect_rtp(struct aura_pc *pc, uint8_t *data, size_t *len, size_t cap);
int __wrap_aura_pc_protect_rtcp(struct aura_pc *pc, uint8_t *data, size_t *len, size_t cap);
int __wrap_aura_pc_send_data(struct aura_pc *pc, enum aura_data_channel channel,
                             const uint8_t *data, size_t len);

int __wrap_aura_pc_new(struct aura_pc **pcp, const struct aura_pc_conf *conf,
                       const struct aura_pc_handlers *handlers, void *arg) {
    made->handlers = handlers;
    made->arg = arg;
    return __real_aura_pc_new(pcp, conf, handlers, arg);
}

int __wrap_aura_pc_protect_rtp(struct aura_pc *pc, uint8_t *data, size_t *len, size_t cap) {
    struct aura_rtp rtp;
    (void)pc;
    AURA_BUG_ON(aura_rtp_parse(&rtp, data, *len));    /* whatever came, what leaves is RTP … */
    AURA_BUG_ON(rtp.ssrc < 1000 || rtp.ssrc >= 3000); /* … of a source that was signalled */
    AURA_BUG_ON(*len + AURA_SRTP_TAIL > cap);
    *len += 16;
    return 0;
}

int __wrap_aura_pc_protect_rtcp(struct aura_pc *pc, uint8_t *data, size_t *len, size_t cap) {
    (void)pc;
    AURA_BUG_ON(*len < 8 || *len % 4 || data[0] >> 6 != 2 || *len + AURA_SRTP_TAIL > cap);
    *len += 20;
    return 0;
}

int __wrap_aura_pc_send_data(struct aura_pc *pc, enum aura_data_channel channel,
                             const uint8_t *data, size_t len) {
    (void)pc;
    AURA_BUG_ON(channel >= AURA_DATA_CHANNELS || (!data && len));
    return data_err;
}

/* ---- the control thread ---- */

static void on_data(void *arg, aura_peer_id peer, enum aura_data_channel channel,
                    const uint8_t *data, size_t len) {
    aura_peer_id others[PEERS];
    size_t n = 0;
    (void)arg;
    for (size_t i = 0; i < PEERS; i++) {
        if (peers[i].id != peer) {
            others[n++] = peers[i].id;
        }
    }
    (void)!aura_sfu_data_send(&t.sfu, others, n, channel, data, len);
}

static void on_layer(void *arg, aura_pub_id pub, const struct aura_sfu_layer *layer) {
    (void)arg;
    (void)pub;
    AURA_BUG_ON(layer->codec == AURA_CODEC_NONE || layer->codec >= AURA_CODEC_COUNT);
    AURA_BUG_ON(strlen(layer->rid) > AURA_MEDIA_RID_MAX);
}

static void on_state(void *arg, const struct aura_sfu_sub_state *s) {
    (void)arg;
    AURA_BUG_ON(s->spatial >= 8 || s->temporal >= 8);
}

static void on_stats(void *arg, const struct aura_sfu_peer_stats *s) {
    (void)arg;
    AURA_BUG_ON(s->bwe.loss < 0 || s->bwe.loss > 1);
}

static const struct aura_sfu_handlers handlers = {
    .data = on_data, .pub_layer = on_layer, .sub_state = on_state, .peer_stats = on_stats};

/* ---- the call ---- */

static void add_codec(struct aura_media *m, enum aura_codec codec, uint8_t pt, uint8_t rtx_pt,
                      uint8_t feedback) {
    m->codecs[m->codec_count++] =
        (struct aura_media_codec){.codec = codec,
                                  .pt = pt,
                                  .rtx_pt = rtx_pt,
                                  .h264_packetization_mode = 1,
                                  .clock_rate = m->kind == AURA_KIND_AUDIO ? 48000 : 90000,
                                  .feedback = feedback};
}

/* Sections 0 (sound), 1 (simulcast), 2 and 3 (one stream). */
static struct aura_media media(size_t pub, uint8_t feedback) {
    struct aura_media m = {.kind = pub == 0 ? AURA_KIND_AUDIO : AURA_KIND_VIDEO};
    m.mid[0] = (char)('0' + pub);
    if (pub == 0) {
        add_codec(&m, AURA_CODEC_RED, 63, 0, feedback);
        add_codec(&m, AURA_CODEC_OPUS, 111, 0, feedback);
    } else {
        add_codec(&m, AURA_CODEC_VP8, 96, 97, feedback);
        add_codec(&m, AURA_CODEC_VP9, 98, 99, feedback);
        add_codec(&m, AURA_CODEC_H264, 102, 103, feedback);
        add_codec(&m, AURA_CODEC_AV1, 45, 46, feedback);
        add_codec(&m, AURA_CODEC_H265, 49, 50, feedback);
    }
    for (size_t i = 0; i < AURA_EXT_COUNT; i++) {
        m.ext.id[i] = (uint8_t)(i + 1);
    }
    return m;
}

static struct aura_sfu_pub_conf pub_conf(size_t pub, uint8_t flags) {
    struct aura_sfu_pub_conf c = {.peer = peers[0].id,
                                  .media = media(pub, 15),
                                  .encrypted = flags & 1,
                                  .width = 1280,
                                  .height = 720};
    if (pub == 1) {
        static const char rids[] = "qhf";
        c.stream_count = flags & 2 ? 2 : 3;
        for (size_t i = 0; i < c.stream_count; i++) {
            c.streams[i].rid[0] = rids[i];
        }
    } else if (flags & 2) {
        c.stream_count = 1;
        c.streams[0].ssrc = 10 + (uint32_t)pub;
        c.streams[0].rtx_ssrc = pub ? 20 + (uint32_t)pub : 0;
    }
    c.spatial_layers = pub == 3 ? 3 : 0;
    return c;
}

static void publish(size_t pub, uint8_t flags) {
    struct aura_sfu_pub_conf c = pub_conf(pub, flags);
    aura_sfu_pub_close(&t.sfu, pubs[pub]);
    pubs[pub] = 0;
    (void)!aura_sfu_pub_new(&t.sfu, &c, &pubs[pub]);
}

/* Peer 1 gives transport-wide feedback, 2 REMB, 3 (on the other worker) neither. */
static void subscribe(size_t peer, size_t pub, uint8_t flags) {
    static const uint8_t feedback[PEERS] = {15, 15, 7 | AURA_FB_REMB, 7};
    struct aura_sfu_sub_settings set = {.max_layer = 2, .native = flags & 4};
    size_t at = sub_count++ % SUBS;
    struct aura_sfu_sub_conf c = {.peer = peers[peer].id,
                                  .pub = pubs[pub],
                                  .media = media(pub, feedback[peer]),
                                  .ssrc = (uint32_t)(1000 + sub_count % 900),
                                  .rtx_ssrc = pub ? (uint32_t)(2000 + sub_count % 900) : 0,
                                  .cname = "publisher",
                                  .send_mid = !(flags & 1)};
    if (pub == 0 && flags & 2) {
        c.media.codecs[0] = c.media.codecs[1]; /* Opus only: RED is unpacked */
        c.media.codec_count = 1;
    }
    aura_sfu_sub_close(&t.sfu, subs[at]);
    subs[at] = 0;
    (void)!aura_sfu_sub_new(&t.sfu, &c, &set, &subs[at]);
}

static struct aura_worker *worker_of(const struct peer *p) {
    return t.sfu.shared.workers[p->id & 0xff];
}

/* A check on one of four paths, with the right password or a wrong one. */
static void check(const struct peer *p, uint8_t flags) {
    char user[64];
    uint8_t out[AURA_STUN_MAX];
    size_t n = 0;
    struct aura_worker *w = worker_of(p);
    int len = snprintf(user, sizeof(user), "%s:remote", p->ufrag);
    struct aura_stun_msg m = {.cls = AURA_STUN_REQUEST,
                              .method = AURA_STUN_BINDING,
                              .username = user,
                              .username_len = (size_t)len,
                              .has_priority = true,
                              .use_candidate = flags & 1,
                              .controlling = true};
    AURA_BUG_ON(aura_stun_build(&m, flags & 2 ? "wrong" : p->pwd, out, sizeof(out), &n));
    struct aura_udp_packet packet = {.data = out,
                                     .len = n,
                                     .remote = {.ip = {127, 0, 1, (uint8_t)(p - peers)},
                                                .port = (uint16_t)(9 + (flags >> 2) % 4),
                                                .family = AURA_FAMILY_V4},
                                     .local = *aura_udp_local(w->sockets[0].udp)};
    aura__demux_datagram(&w->sockets[0], &packet, 0);
}

static void set_remote(const struct peer *p, bool active) {
    struct aura_pc_remote remote = {.ufrag = "remote",
                                    .pwd = "remoteremoteremoteremote",
                                    .fingerprints =
                                        aura_dtls_identity_fingerprint(t.sfu.shared.identity),
                                    .fingerprint_count = 1,
                                    .active = active,
                                    .sctp = true};
    (void)!aura_sfu_peer_set_remote(&t.sfu, p->id, &remote);
}

static void open_peer(size_t i) {
    const struct aura_sfu_peer_conf conf = {.offerer = i & 1};
    struct peer *p = made = &peers[i];
    AURA_BUG_ON(aura_sfu_peer_new(&t.sfu, &conf, i == 3, &p->id, p->ufrag, p->pwd));
    set_remote(p, false);
    threadless_pass(&t, 1000);
}

/* Only through what the connection calls; gone with it. */
static bool is_open(const struct peer *p) {
    return p->id && aura__peer_find(worker_of(p), p->id) == p->arg;
}

static void set_up(uint8_t flags) {
    sub_count = 0;
    data_err = 0;
    memset(&counts, 0, sizeof(counts));
    memset(pubs, 0, sizeof(pubs));
    memset(subs, 0, sizeof(subs));
    for (size_t i = 0; i < PEERS; i++) {
        open_peer(i);
        check(&peers[i], 1);
        peers[i].handlers->state(peers[i].arg, AURA_PC_CONNECTED);
    }
    for (size_t i = 0; i < PUBS; i++) {
        publish(i, flags);
    }
    for (size_t i = 0; i < 2 * PUBS; i++) {
        subscribe(1 + i % 3, i % PUBS, flags);
    }
    threadless_pass(&t, 1000);
}

/* ---- packets ---- */

static const uint8_t pts[16] = {111, 63, 96, 98, 102, 45, 97, 49, 111, 63, 96, 98, 102, 45, 99, 46};

/* Header extensions as the section has them, behind a header. */
static void put_header(struct aura_wr *w, const struct aura_rtp_header *head, uint8_t which,
                       struct aura_cur *c) {
    static const char rids[] = "qhf";
    uint8_t number[2], level = which, dd[8], mid = (uint8_t)('0' + (which & 3));
    uint8_t rid = (uint8_t)rids[(which >> 6) % 3];
    struct aura_rtp_item items[5];
    size_t n = 0, len = 0;
    aura_put_u16(number, counts.twcc++);
    items[n++] = (struct aura_rtp_item){.id = AURA_EXT_MID + 1, .len = 1, .data = &mid};
    items[n++] = (struct aura_rtp_item){.id = AURA_EXT_TWCC + 1, .len = 2, .data = number};
    if (which & 4) {
        items[n++] = (struct aura_rtp_item){
            .id = (which & 8 ? AURA_EXT_REPAIRED_RID : AURA_EXT_RID) + 1, .len = 1, .data = &rid};
    }
    if (which & 16) {
        items[n++] =
            (struct aura_rtp_item){.id = AURA_EXT_AUDIO_LEVEL + 1, .len = 1, .data = &level};
    }
    if (which & 32) {
        size_t dd_len = 3 + aura_cur_u8(c) % 6;
        for (size_t i = 0; i < dd_len; i++) {
            dd[i] = aura_cur_u8(c);
        }
        items[n++] = (struct aura_rtp_item){
            .id = AURA_EXT_DEPENDENCY_DESCRIPTOR + 1, .len = (uint8_t)dd_len, .data = dd};
    }
    AURA_BUG_ON(aura_rtp_write_header(w->p, aura_wr_left(w), &len, head, items, n));
    (void)aura_wr_skip(w, len);
}

/* The first bytes of a payload that a codec's reader would believe; what follows is the input's. */
static void put_payload(struct aura_wr *w, uint8_t pt, bool key, uint16_t frame,
                        struct aura_cur *c) {
    static const uint8_t vp8_key[] = {0x10, 2, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1};
    size_t more = aura_cur_u8(c) & 63;
    if (pt == 96) {
        aura_wr_u8(w, 0x90);
        aura_wr_u8(w, 0xe0);
        aura_wr_u16(w, 0x8000 | frame);
        aura_wr_u8(w, (uint8_t)frame);
        aura_wr_u8(w, (uint8_t)(frame << 6));
        aura_wr_bytes(w, vp8_key + (key ? 0 : 9), key ? sizeof(vp8_key) : 1);
    } else if (pt == 98) {
        aura_wr_u8(w, key ? 0xaa : 0xea); /* I, L, B, V; P where it is no key frame */
        aura_wr_u16(w, 0x8000 | frame);
        aura_wr_u8(w, aura_cur_u8(c));
        aura_wr_u8(w, (uint8_t)frame);
    } else if (pt == 102) {
        aura_wr_u8(w, key ? 0x67 : 0x41);
    } else if (pt == 45) {
        aura_wr_u8(w, key ? 0x18 : 0x10);
        aura_wr_u8(w, key ? 0x0a : 0x32);
    }
    for (size_t i = 0; i < more; i++) {
        aura_wr_u8(w, aura_cur_u8(c));
    }
}

static void rtp(struct peer *p, struct aura_cur *c) {
    uint8_t which = aura_cur_u8(c), shape = aura_cur_u8(c), exts = aura_cur_u8(c);
    uint8_t pt = pts[which & 15], out[DATAGRAM];
    uint32_t ssrc = 10 + (which >> 4) + 10 * (shape & 1);
    uint16_t *seq = &counts.seqs[ssrc % SEQS], frame = *seq;
    struct aura_wr w = aura_wr_of(out, sizeof(out));
    *seq = (uint16_t)(*seq + (shape & 2 ? aura_cur_u8(c) : 1) - (shape & 4 ? 3 : 0));
    frame = shape & 8 ? frame : *seq;
    const struct aura_rtp_header head = {
        .pt = pt, .marker = shape & 16, .seq = *seq, .ts = frame * 3000u, .ssrc = ssrc};
    put_header(&w, &head, exts, c);
    if (pt == 97 || pt == 99 || pt == 46) {
        aura_wr_u16(&w, (uint16_t)(*seq - 2)); /* RTX: what it repeats */
    }
    put_payload(&w, pt, shape & 32, frame, c);
    if (!w.fail) {
        p->handlers->rtp(p->arg, out, aura_wr_len(&w));
    }
}

static void raw(struct peer *p, bool rtcp, struct aura_cur *c) {
    uint8_t out[DATAGRAM];
    size_t len = aura_cur_u8(c) * 4u;
    len = len < aura_cur_left(c) ? len : aura_cur_left(c);
    const uint8_t *at = aura_cur_take(c, len);
    if (!at || len == 0) {
        return;
    }
    memcpy(out, at, len);
    (rtcp ? p->handlers->rtcp : p->handlers->rtp)(p->arg, out, len);
}

/* RTCP with the right names in it: what only bytes would seldom hit. */
static void feedback(struct peer *p, struct aura_cur *c) {
    uint8_t out[256], what = aura_cur_u8(c), n = aura_cur_u8(c);
    uint32_t media_ssrc = 1000 + (uint32_t)(1 + n % SUBS) % 900;
    struct aura_wr w = aura_wr_of(out, sizeof(out));
    static const uint8_t heads[8][2] = {{0x81, 206}, {0x81, 205}, {0x8f, 205}, {0x81, 201},
                                        {0x80, 200}, {0x84, 206}, {0x81, 203}, {0x8f, 206}};
    const uint8_t *head = heads[what & 7];
    size_t words = 2 + (what >> 3) % 16;
    aura_wr_u8(&w, head[0]);
    aura_wr_u8(&w, head[1]);
    aura_wr_u16(&w, (uint16_t)words);
    aura_wr_u32(&w, what & 128 ? 10 : 1);
    aura_wr_u32(&w, media_ssrc);
    for (size_t i = 0; i + 2 < words; i++) {
        uint32_t v = aura_cur_u32(c);
        aura_wr_u32(&w, (what & 7) == 7 && i == 0 ? 0x52454d42 : v); /* "REMB" */
    }
    if (!w.fail) {
        p->handlers->rtcp(p->arg, out, aura_wr_len(&w));
    }
}

/* What came before it over the air: transport-wide feedback that names packets that were sent. */
static void twcc(struct peer *p, struct aura_cur *c) {
    const struct aura_peer *peer = p->arg;
    uint8_t out[64], n = (uint8_t)(1 + aura_cur_u8(c) % 14), lost = aura_cur_u8(c);
    struct aura_wr w = aura_wr_of(out, sizeof(out));
    aura_wr_u8(&w, 0x8f);
    aura_wr_u8(&w, 205);
    aura_wr_u16(&w, 9);
    aura_wr_u32(&w, 1);
    aura_wr_u32(&w, 1000);
    aura_wr_u16(&w, (uint16_t)(peer->twcc_next - n));
    aura_wr_u16(&w, n);
    aura_wr_u32(&w, aura_cur_u32(c) & 0xffffff00u);
    out[19] = counts.feedback++;
    uint16_t chunk = 0x8000; /* one bit for each of 14 */
    for (unsigned i = 0; i < n; i++) {
        chunk = (uint16_t)(chunk | (lost & 1u << i % 8 ? 0 : 1u << (13 - i)));
    }
    aura_wr_u16(&w, chunk);
    for (unsigned i = 0; i < 18; i++) {
        aura_wr_u8(&w, aura_cur_u8(c));
    }
    if (!w.fail) {
        p->handlers->rtcp(p->arg, out, aura_wr_len(&w));
    }
}

static void data_message(struct peer *p, struct aura_cur *c) {
    uint8_t how = aura_cur_u8(c);
    size_t len = aura_cur_u8(c);
    static const int answers[4] = {0, AURA_EAGAIN, AURA_ESTATE, AURA_ELIMIT};
    enum aura_data_channel channel = how % AURA_DATA_CHANNELS;
    len = len < aura_cur_left(c) ? len : aura_cur_left(c);
    const uint8_t *at = aura_cur_take(c, len);
    data_err = answers[how >> 6];
    if (how & 8) {
        p->handlers->data_open(p->arg, channel);
    } else if (how & 16) {
        p->handlers->data_drained(p->arg, channel);
    } else if (at) {
        p->handlers->data(p->arg, channel, at, len);
    }
}

/* ---- what the control thread does meanwhile ---- */

static void wish(struct aura_cur *c) {
    uint8_t a = aura_cur_u8(c), b = aura_cur_u8(c);
    struct aura_sfu_sub_settings s = {.paused = a >> 7,
                                      .essential = a & 64,
                                      .screen = a & 32,
                                      .saver = a & 16,
                                      .max_layer = b & 3,
                                      .max_fps = (uint8_t)((b >> 2) % 8 * 8),
                                      .priority = (uint8_t)((b >> 5) * 30),
                                      .pixels = (uint32_t)b * 4096};
    aura_sub_id sub = subs[a % SUBS];
    if (b >> 7) {
        aura_sfu_sub_move(&t.sfu, sub, pubs[b % PUBS], &s);
    } else {
        aura_sfu_sub_set(&t.sfu, sub, &s);
    }
}

static void track(struct aura_cur *c) {
    uint8_t a = aura_cur_u8(c), pub = (a >> 3) % PUBS;
    struct aura_sfu_pub_conf conf = pub_conf(pub, a >> 5);
    switch (a & 7) {
    case 0:
        aura_sfu_pub_set_muted(&t.sfu, pubs[pub], a >> 7);
        break;
    case 1:
        aura_sfu_pub_set_hushed(&t.sfu, pubs[pub], a >> 7);
        break;
    case 2:
        (void)!aura_sfu_pub_update(&t.sfu, pubs[pub], &conf);
        break;
    case 3:
        publish(pub, a >> 5);
        break;
    case 4:
        aura_sfu_pub_close(&t.sfu, pubs[pub]);
        break;
    case 5:
        aura_sfu_sub_close(&t.sfu, subs[(a >> 3) % SUBS]);
        break;
    case 6:
        aura_sfu_poll_stats(&t.sfu);
        break;
    default:
        subscribe(1 + (a >> 5) % 3, pub, aura_cur_u8(c));
        break;
    }
}

static void connection(size_t i, struct aura_cur *c) {
    uint8_t a = aura_cur_u8(c);
    struct peer *p = &peers[i];
    switch (a & 7) {
    case 0:
        aura_sfu_peer_close(&t.sfu, p->id);
        threadless_pass(&t, 0);
        open_peer(i);
        break;
    case 1:
        aura_sfu_peer_close(&t.sfu, p->id); /* and stays so, until case 0 */
        threadless_pass(&t, 0);
        break;
    case 2:
        (void)!aura_sfu_peer_restart_ice(&t.sfu, p->id, p->ufrag, p->pwd);
        break;
    case 3:
        set_remote(p, a >> 7);
        break;
    default:
        check(p, a >> 3);
        break;
    }
}

static void let_time_pass(struct aura_cur *c) {
    static const uint32_t steps_us[8] = {1, 1000, 5000, 20000, 100000, 500000, 2000000, 11000000};
    threadless_pass(&t, steps_us[aura_cur_u8(c) & 7]);
}

static void step(struct aura_cur *c) {
    uint8_t op = aura_cur_u8(c);
    bool media = (op & 15) < 4 && !(op & 32); /* most of it comes from the publisher */
    struct peer *p = media ? &peers[0] : &peers[op >> 6];
    bool open = is_open(p);
    switch (op & 15) {
    case 0:
    case 1:
    case 2:
    case 3:
        if (open) {
            rtp(p, c);
        }
        break;
    case 4:
    case 5:
        if (open) {
            raw(p, op & 1, c);
        }
        break;
    case 6:
        if (open) {
            feedback(p, c);
        }
        break;
    case 7:
        if (open) {
            twcc(p, c);
        }
        break;
    case 8:
        if (open) {
            data_message(p, c);
        }
        break;
    case 9:
        wish(c);
        break;
    case 10:
        track(c);
        break;
    case 11:
        connection(op >> 6, c);
        break;
    case 12:
        if (open) {
            p->handlers->state(p->arg, (enum aura_pc_state)((op >> 4 & 3) + 1));
        }
        break;
    default:
        let_time_pass(c);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_cur c = aura_cur_of(data, size);
    if (!t.loop) {
        threadless_start(&t, 2, &handlers);
    }
    threadless_reset(&t);
    set_up(aura_cur_u8(&c));
    for (unsigned i = 0; i < STEPS_MAX && aura_cur_left(&c) && !c.fail; i++) {
        step(&c);
    }
    for (size_t i = 0; i < PEERS; i++) {
        aura_sfu_peer_close(&t.sfu, peers[i].id);
    }
    threadless_pass(&t, 0);
    threadless_pass(&t, 20000000);
    threadless_check_empty(&t);
    return 0;
}
