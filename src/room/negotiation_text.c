/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of our descriptions, ready for the SDP writer. */
#include "room/negotiation_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void aura__neg_text_begin(struct aura__neg_text *t, const struct aura_neg *neg,
                          const struct aura__neg_section *section) {
    bool video = section->kind == AURA_KIND_VIDEO;
    memset(t, 0, sizeof(*t));
    t->s = (struct aura_sdp_section){
        .kind = video ? AURA_SDP_VIDEO : AURA_SDP_AUDIO,
        .media = video ? "video" : "audio",
        .protocol = "UDP/TLS/RTP/SAVPF",
        .fmt = "",
        .port = 9,
        .mid = section->mid,
        .dir = AURA_SDP_INACTIVE,
        .rtcp_mux = true,
        .rtcp_rsize = true,
        .transport = {.ufrag = neg->ufrag,
                      .pwd = neg->pwd,
                      .fingerprints = &neg->fingerprint,
                      .fingerprint_count = 1},
        .codecs = t->codecs,
        .extmaps = t->extmaps,
        .rids = t->rids,
        .layers = t->layers,
        .msids = &t->msid,
        .ssrcs = t->ssrcs,
        .groups = &t->group,
    };
    if (section->use == NEG_DATA) {
        t->s.kind = AURA_SDP_APPLICATION;
        t->s.media = "application";
        t->s.protocol = "UDP/DTLS/SCTP";
        t->s.fmt = "webrtc-datachannel";
        t->s.rtcp_mux = t->s.rtcp_rsize = false;
        t->s.sctp_port = 5000;
        t->s.max_message_size = AURA_NEG_MESSAGE_BYTES;
        t->s.has_max_message_size = true;
    }
}

static const char *encoding_name(enum aura_codec codec) {
    const char *slash = strchr(aura_codec_mime(codec), '/');
    return slash ? slash + 1 : "";
}

/* Parameters of our own numbers. Texts that are not constant lie in `t`. */
static const char *own_fmtp(const struct aura_media_codec *c) {
    switch ((int)c->codec) {
    case AURA_CODEC_OPUS:
        return "minptime=10;useinbandfec=1";
    case AURA_CODEC_RED:
        return "111/111";
    case AURA_CODEC_VP9:
        return c->vp9_profile == 1 ? "profile-id=1" : "profile-id=0";
    case AURA_CODEC_H264:
        break;
    default:
        return "";
    }
    bool single = c->h264_packetization_mode == 0;
    switch (c->h264_profile_level_id) {
    case 0x42e01f:
        return single ? "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f"
                      : "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
    case 0x42001f:
        return single ? "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f"
                      : "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f";
    default:
        return "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640032";
    }
}

/* "apt=NN" without a buffer for each: payload types are 7 bits. */
static const char *apt_text(uint8_t pt) {
    static const char texts[128][8] = {
#define APT_ROW(t)                                                                                 \
    "apt=" #t "0", "apt=" #t "1", "apt=" #t "2", "apt=" #t "3", "apt=" #t "4", "apt=" #t "5",      \
        "apt=" #t "6", "apt=" #t "7", "apt=" #t "8", "apt=" #t "9"
        "apt=0",    "apt=1",     "apt=2",     "apt=3",    "apt=4",    "apt=5",
        "apt=6",    "apt=7",     "apt=8",     "apt=9",    APT_ROW(1), APT_ROW(2),
        APT_ROW(3), APT_ROW(4),  APT_ROW(5),  APT_ROW(6), APT_ROW(7), APT_ROW(8),
        APT_ROW(9), APT_ROW(10), APT_ROW(11), "apt=120",  "apt=121",  "apt=122",
        "apt=123",  "apt=124",   "apt=125",   "apt=126",  "apt=127"};
#undef APT_ROW
    return texts[pt & 127];
}

static void add_codec(struct aura__neg_text *t, const struct aura_media_codec *c,
                      const struct aura_sdp_section *offer) {
    const struct aura_sdp_codec *theirs = offer ? aura_sdp_find_codec(offer, c->pt) : NULL;
    struct aura_sdp_codec *out = &t->codecs[t->s.codec_count++];
    bool stereo = c->codec == AURA_CODEC_OPUS || c->codec == AURA_CODEC_RED;
    *out = (struct aura_sdp_codec){.pt = c->pt,
                                   .feedback = c->feedback,
                                   .clock_rate = c->clock_rate,
                                   .channels = stereo ? 2 : 0,
                                   .name = theirs ? theirs->name : encoding_name(c->codec),
                                   .fmtp = theirs ? theirs->fmtp : own_fmtp(c)};
    if (theirs) {
        out->channels = theirs->channels;
    }
    if (c->rtx_pt) {
        t->codecs[t->s.codec_count++] = (struct aura_sdp_codec){
            .pt = c->rtx_pt, .clock_rate = c->clock_rate, .name = "rtx", .fmtp = apt_text(c->pt)};
    }
}

/* The answer's direction of an extension is the offer's, seen from our side (RFC 8285 section 7).
 */
static void add_extension(struct aura__neg_text *t, enum aura_ext ext, uint8_t id,
                          const struct aura_sdp_section *offer) {
    struct aura_sdp_extmap *out = &t->extmaps[t->s.extmap_count++];
    *out = (struct aura_sdp_extmap){.id = id, .ext = ext, .uri = aura_ext_uri(ext)};
    for (size_t i = 0; offer && i < offer->extmap_count; i++) {
        const struct aura_sdp_extmap *e = &offer->extmaps[i];
        if (e->ext == ext && e->id == id && e->has_dir && e->dir != AURA_SDP_SENDRECV) {
            out->has_dir = true;
            out->dir = e->dir == AURA_SDP_SENDONLY ? AURA_SDP_RECVONLY : AURA_SDP_SENDONLY;
        }
    }
}

void aura__neg_text_media(struct aura__neg_text *t, const struct aura_media *media,
                          const struct aura_sdp_section *offer) {
    for (size_t i = 0; i < media->codec_count; i++) {
        add_codec(t, &media->codecs[i], offer);
    }
    for (int ext = 0; ext < AURA_EXT_COUNT; ext++) {
        if (media->ext.id[ext]) {
            add_extension(t, (enum aura_ext)ext, media->ext.id[ext], offer);
        }
    }
}

static struct aura_sdp_codec *find_opus(struct aura__neg_text *t) {
    for (size_t i = 0; i < t->s.codec_count; i++) {
        if (strcasecmp(t->codecs[i].name, "opus") == 0) {
            return &t->codecs[i];
        }
    }
    return NULL;
}

/* RFC 7587 section 7: what we say of ourselves asks the client to encode so. */
static void opus_of_pub(struct aura__neg_text *t, const struct aura_neg_pub_options *options) {
    struct aura_sdp_codec *opus = find_opus(t);
    if (opus) {
        snprintf(t->opus, sizeof(t->opus), "minptime=10;useinbandfec=1%s%s",
                 options->dtx ? ";usedtx=1" : "",
                 options->stereo ? ";stereo=1;maxaveragebitrate=510000" : "");
        opus->fmtp = t->opus;
    }
}

void aura__neg_text_pub(struct aura__neg_text *t, const struct aura_neg_pub_options *options,
                        const struct aura_sdp_section *offer, const struct aura_neg_pub *pub) {
    t->s.dir = AURA_SDP_RECVONLY;
    opus_of_pub(t, options);
    const char *rids[AURA_MEDIA_LAYERS_MAX];
    size_t n = pub->streams[0].rid[0] ? aura__neg_send_rids(offer, rids) : 0;
    for (size_t i = 0; i < n; i++) {
        t->rids[i] = (struct aura_sdp_rid){.id = rids[i], .send = false, .params = ""};
        t->layers[i] = (struct aura_sdp_layer){.rid = rids[i], .stream = (uint8_t)i};
    }
    t->s.rid_count = n;
    t->s.layer_count = offer->layer_count ? n : 0;
}

/* sprop-stereo tells the client that the sender is stereo: it then asks its decoder for that. */
static void opus_of_sub(struct aura__neg_text *t) {
    struct aura_sdp_codec *opus = find_opus(t);
    if (opus) {
        snprintf(t->opus, sizeof(t->opus), "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1");
        opus->fmtp = t->opus;
    }
}

void aura__neg_text_sub(struct aura__neg_text *t, const struct aura_neg_sub *sub, bool rtx) {
    t->s.dir = AURA_SDP_SENDONLY;
    if (sub->stereo) {
        opus_of_sub(t);
    }
    snprintf(t->stream, sizeof(t->stream), "%s|%s", sub->participant_sid, sub->stream);
    t->msid = (struct aura_sdp_msid){.stream = t->stream, .track = sub->track_sid};
    t->s.msid_count = 1;
    for (size_t i = 0; i < 2; i++) {
        t->ssrcs[i] = (struct aura_sdp_ssrc){.ssrc = i ? sub->rtx_ssrc : sub->ssrc,
                                             .cname = sub->cname,
                                             .msid_stream = t->stream,
                                             .msid_track = sub->track_sid};
    }
    t->s.ssrc_count = rtx ? 2 : 1;
    if (rtx) {
        t->group = (struct aura_sdp_ssrc_group){
            .semantics = "FID", .count = 2, .ssrcs = {sub->ssrc, sub->rtx_ssrc}};
        t->s.group_count = 1;
    }
}

int aura_neg_candidate_format(const struct aura_sfu_candidate *candidate, size_t index, char *out,
                              size_t cap) {
    char ip[AURA_ADDR_TEXT_MAX];
    aura_addr_ip_text(&candidate->addr, ip);
    int n = snprintf(out, cap, "candidate:%zu 1 %s %" PRIu32 " %s %u typ host%s", index + 1,
                     candidate->tcp ? "tcp" : "udp", candidate->priority, ip, candidate->addr.port,
                     candidate->tcp ? " tcptype passive" : "");
    return n > 0 && (size_t)n < cap ? 0 : AURA_ELIMIT;
}
