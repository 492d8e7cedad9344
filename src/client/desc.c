/* SPDX-License-Identifier: Apache-2.0 */
#include "client/desc.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MEDIA_PROTOCOL "UDP/TLS/RTP/SAVPF"
#define DATA_PROTOCOL "UDP/DTLS/SCTP"
enum { DISCARD_PORT = 9, SCTP_PORT = 5000, MESSAGE_BYTES = 262144 };

/* ---- the offer ---- */

static const struct {
    enum aura_codec codec;
    uint8_t pt, rtx_pt, channels;
    uint32_t clock_rate;
    const char *name, *fmtp;
} offered[] = {
    {AURA_CODEC_OPUS, 111, 0, 2, 48000, "opus", "minptime=10;useinbandfec=1"},
    {AURA_CODEC_VP8, 96, 97, 0, 90000, "VP8", ""},
    {AURA_CODEC_H264, 106, 107, 0, 90000, "H264",
     "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
    {AURA_CODEC_AV1, 45, 46, 0, 90000, "AV1", "level-idx=5;profile=0;tier=0"},
};

static size_t row_of(enum aura_codec codec) {
    size_t i = 0;
    while (i < sizeof(offered) / sizeof(offered[0]) && offered[i].codec != codec) {
        i++;
    }
    AURA_BUG_ON(i == sizeof(offered) / sizeof(offered[0]));
    return i;
}

uint8_t aura_desc_pt(enum aura_codec codec) {
    return offered[row_of(codec)].pt;
}

uint8_t aura_desc_rtx_pt(enum aura_codec codec) {
    return offered[row_of(codec)].rtx_pt;
}

static const struct aura_sdp_extmap audio_exts[] = {
    {.id = 1, .ext = AURA_EXT_AUDIO_LEVEL},
    {.id = 3, .ext = AURA_EXT_TWCC},
    {.id = 4, .ext = AURA_EXT_MID},
};
static const struct aura_sdp_extmap video_exts[] = {
    {.id = 3, .ext = AURA_EXT_TWCC},
    {.id = 4, .ext = AURA_EXT_MID},
    {.id = 10, .ext = AURA_EXT_RID},
    {.id = 11, .ext = AURA_EXT_REPAIRED_RID},
};
/* Of live tracks besides. */
static const struct aura_sdp_extmap live_exts[] = {
    {.id = 5, .ext = AURA_EXT_ABS_SEND_TIME},
    {.id = 6, .ext = AURA_EXT_AIC},
};
enum { EXTS_MAX = 6, CODECS_MAX = 4 };

/* Everything that a section's arrays need while it is written. */
struct scratch {
    struct aura_sdp_codec codecs[CODECS_MAX];
    char apt[CODECS_MAX][16];
    struct aura_sdp_extmap exts[EXTS_MAX];
    struct aura_sdp_rid rids[AURA_MEDIA_LAYERS_MAX];
    struct aura_sdp_layer layers[AURA_MEDIA_LAYERS_MAX];
    struct aura_sdp_ssrc ssrcs[2];
    struct aura_sdp_ssrc_group group;
    struct aura_sdp_msid msid;
};

static void add_codec(struct scratch *x, struct aura_sdp_section *s, enum aura_codec codec,
                      uint8_t feedback) {
    size_t row = row_of(codec);
    if (offered[row].rtx_pt) {
        feedback |= AURA_FB_NACK | AURA_FB_PLI | AURA_FB_FIR;
    }
    x->codecs[s->codec_count++] = (struct aura_sdp_codec){.pt = offered[row].pt,
                                                          .channels = offered[row].channels,
                                                          .feedback = feedback,
                                                          .clock_rate = offered[row].clock_rate,
                                                          .name = offered[row].name,
                                                          .fmtp = offered[row].fmtp};
    if (offered[row].rtx_pt) {
        char *apt = x->apt[s->codec_count];
        snprintf(apt, sizeof(x->apt[0]), "apt=%u", offered[row].pt);
        x->codecs[s->codec_count++] = (struct aura_sdp_codec){.pt = offered[row].rtx_pt,
                                                              .clock_rate = offered[row].clock_rate,
                                                              .name = "rtx",
                                                              .fmtp = apt};
    }
}

static void fill_codecs(struct scratch *x, struct aura_sdp_section *s,
                        const struct aura_desc_track *t) {
    uint8_t feedback = AURA_FB_TWCC | (t->live ? AURA_FB_REMB : 0);
    s->codecs = x->codecs;
    add_codec(x, s, t->codec, feedback);
    if (t->other != AURA_CODEC_NONE) {
        add_codec(x, s, t->other, feedback);
    }
}

static void add_exts(struct scratch *x, struct aura_sdp_section *s,
                     const struct aura_sdp_extmap *from, size_t count) {
    for (size_t i = 0; i < count; i++) {
        x->exts[s->extmap_count] = from[i];
        x->exts[s->extmap_count++].uri = aura_ext_uri(from[i].ext);
    }
}

static void fill_exts(struct scratch *x, struct aura_sdp_section *s, bool audio, bool live) {
    s->extmaps = x->exts;
    if (audio) {
        add_exts(x, s, audio_exts, sizeof(audio_exts) / sizeof(audio_exts[0]));
    } else {
        add_exts(x, s, video_exts, sizeof(video_exts) / sizeof(video_exts[0]));
    }
    if (live && !audio) {
        add_exts(x, s, live_exts, sizeof(live_exts) / sizeof(live_exts[0]));
    }
}

static void fill_sources(struct scratch *x, struct aura_sdp_section *s,
                         const struct aura_desc_track *t) {
    x->msid = (struct aura_sdp_msid){.stream = t->cname, .track = t->cid};
    s->msids = &x->msid;
    s->msid_count = 1;
    if (t->layer_count > 1) {
        for (size_t i = 0; i < t->layer_count; i++) {
            x->rids[i] = (struct aura_sdp_rid){.id = t->rids[i], .send = true, .params = ""};
            x->layers[i] =
                (struct aura_sdp_layer){.rid = t->rids[i], .send = true, .stream = (uint8_t)i};
        }
        s->rids = x->rids;
        s->layers = x->layers;
        s->rid_count = s->layer_count = t->layer_count;
        return;
    }
    uint32_t ssrcs[2] = {t->ssrcs[0], t->rtx_ssrcs[0]};
    s->ssrc_count = ssrcs[1] ? 2 : 1;
    for (size_t i = 0; i < s->ssrc_count; i++) {
        x->ssrcs[i] = (struct aura_sdp_ssrc){
            .ssrc = ssrcs[i], .cname = t->cname, .msid_stream = t->cname, .msid_track = t->cid};
    }
    s->ssrcs = x->ssrcs;
    if (ssrcs[1]) {
        x->group = (struct aura_sdp_ssrc_group){.semantics = "FID", .count = 2};
        memcpy(x->group.ssrcs, ssrcs, sizeof(ssrcs));
        s->groups = &x->group;
        s->group_count = 1;
    }
}

static struct aura_sdp_transport transport_of(const struct aura_desc_local *local,
                                              enum aura_sdp_setup setup) {
    return (struct aura_sdp_transport){.ufrag = local->ufrag,
                                       .pwd = local->pwd,
                                       .ice_options = "",
                                       .setup = setup,
                                       .fingerprints = local->fingerprint,
                                       .fingerprint_count = 1};
}

static struct aura_sdp_section data_section(const char *mid,
                                            const struct aura_sdp_transport *transport) {
    return (struct aura_sdp_section){.kind = AURA_SDP_APPLICATION,
                                     .media = "application",
                                     .protocol = DATA_PROTOCOL,
                                     .fmt = "webrtc-datachannel",
                                     .port = DISCARD_PORT,
                                     .mid = mid,
                                     .bundle = 1,
                                     .dir = AURA_SDP_SENDRECV,
                                     .transport = *transport,
                                     .sctp_port = SCTP_PORT,
                                     .max_message_size = MESSAGE_BYTES,
                                     .has_max_message_size = true};
}

int aura_desc_offer(struct aura_buf *out, const struct aura_desc_local *local,
                    const struct aura_desc_track *tracks, size_t count) {
    struct scratch scratch[AURA_DESC_TRACKS_MAX] = {0};
    struct aura_sdp_section sections[AURA_DESC_TRACKS_MAX + 1] = {0};
    struct aura_sdp_transport transport = transport_of(local, AURA_SDP_SETUP_ACTPASS);
    if (count > AURA_DESC_TRACKS_MAX) {
        return AURA_ELIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        struct aura_sdp_section *s = &sections[i];
        bool audio = tracks[i].codec == AURA_CODEC_OPUS;
        s->kind = audio ? AURA_SDP_AUDIO : AURA_SDP_VIDEO;
        s->media = audio ? "audio" : "video";
        s->protocol = MEDIA_PROTOCOL;
        s->fmt = "";
        s->port = DISCARD_PORT;
        s->mid = tracks[i].mid;
        s->bundle = 1;
        s->dir = AURA_SDP_SENDONLY;
        s->rtcp_mux = s->rtcp_rsize = true;
        s->transport = transport;
        fill_codecs(&scratch[i], s, &tracks[i]);
        fill_exts(&scratch[i], s, audio, tracks[i].live);
        fill_sources(&scratch[i], s, &tracks[i]);
    }
    sections[count] = data_section("data", &transport);
    struct aura_sdp sdp = {.origin_id = local->id,
                           .origin_version = local->version,
                           .extmap_allow_mixed = true,
                           .sections = sections,
                           .section_count = count + 1};
    return aura_sdp_write(&sdp, out);
}

/* ---- reading ---- */

static uint8_t rtx_of(const struct aura_sdp_section *s, uint8_t pt) {
    for (size_t i = 0; i < s->codec_count; i++) {
        const struct aura_sdp_codec *c = &s->codecs[i];
        if (strcasecmp(c->name, "rtx") == 0 &&
            aura_sdp_fmtp_uint(c->fmtp, "apt", 10, UINT32_MAX) == pt) {
            return c->pt;
        }
    }
    return 0;
}

static void read_codecs(struct aura_media *m, const struct aura_sdp_section *s) {
    for (size_t i = 0; i < s->codec_count && m->codec_count < AURA_MEDIA_CODECS_MAX; i++) {
        const struct aura_sdp_codec *c = &s->codecs[i];
        enum aura_codec codec = aura_codec_parse(c->name);
        if (codec != AURA_CODEC_NONE) {
            m->codecs[m->codec_count++] = (struct aura_media_codec){.codec = codec,
                                                                    .pt = c->pt,
                                                                    .rtx_pt = rtx_of(s, c->pt),
                                                                    .feedback = c->feedback,
                                                                    .clock_rate = c->clock_rate};
        }
    }
}

static void read_sources(struct aura_desc_section *out, const struct aura_sdp_section *s) {
    if (s->ssrc_count) {
        out->ssrc = s->ssrcs[0].ssrc;
    }
    for (size_t i = 0; i < s->group_count; i++) {
        if (strcmp(s->groups[i].semantics, "FID") == 0 && s->groups[i].count == 2) {
            out->ssrc = s->groups[i].ssrcs[0];
            out->rtx_ssrc = s->groups[i].ssrcs[1];
            break;
        }
    }
    const char *track = s->msid_count ? s->msids[0].track : "";
    if (!*track && s->ssrc_count) {
        track = s->ssrcs[0].msid_track;
    }
    strncpy(out->track, track, sizeof(out->track) - 1);
}

void aura_desc_section_read(struct aura_desc_section *out, const struct aura_sdp_section *s) {
    memset(out, 0, sizeof(*out));
    out->media.kind = s->kind == AURA_SDP_VIDEO ? AURA_KIND_VIDEO : AURA_KIND_AUDIO;
    out->active = s->dir != AURA_SDP_INACTIVE && (s->port || s->bundle_only);
    strncpy(out->media.mid, s->mid, AURA_MEDIA_MID_MAX);
    read_codecs(&out->media, s);
    for (size_t i = 0; i < s->extmap_count; i++) {
        if (s->extmaps[i].ext < AURA_EXT_COUNT) {
            out->media.ext.id[s->extmaps[i].ext] = s->extmaps[i].id;
        }
    }
    read_sources(out, s);
}

const struct aura_sdp_transport *aura_desc_transport(const struct aura_sdp *sdp) {
    for (size_t i = 0; i < sdp->section_count; i++) {
        const struct aura_sdp_transport *t = &sdp->sections[i].transport;
        if (sdp->sections[i].port && *t->ufrag && *t->pwd && t->fingerprint_count) {
            return t;
        }
    }
    return *sdp->transport.ufrag && sdp->transport.fingerprint_count ? &sdp->transport : NULL;
}

/* ---- the answer ---- */

struct answer {
    struct aura_sdp_section *sections;
    struct aura_sdp_codec *codecs; /* room for all of the offer */
    struct aura_sdp_extmap *exts;
    size_t codec_count, ext_count;
};

static bool takes(const struct aura_sdp_section *s, const struct aura_sdp_codec *c) {
    if (strcasecmp(c->name, "rtx") == 0) {
        uint32_t apt = aura_sdp_fmtp_uint(c->fmtp, "apt", 10, UINT32_MAX);
        const struct aura_sdp_codec *of = apt < 128 ? aura_sdp_find_codec(s, (uint8_t)apt) : NULL;
        return of && aura_codec_parse(of->name) != AURA_CODEC_NONE;
    }
    /* Plain Opus: half the bytes, and the stamps of our own publishers stay readable. */
    enum aura_codec codec = aura_codec_parse(c->name);
    return codec != AURA_CODEC_NONE && codec != AURA_CODEC_RED;
}

static void answer_media(struct answer *a, struct aura_sdp_section *to,
                         const struct aura_sdp_section *from) {
    to->codecs = a->codecs + a->codec_count;
    for (size_t i = 0; i < from->codec_count; i++) {
        if (takes(from, &from->codecs[i])) {
            a->codecs[a->codec_count++] = from->codecs[i];
            to->codec_count++;
        }
    }
    to->extmaps = a->exts + a->ext_count;
    for (size_t i = 0; i < from->extmap_count; i++) {
        if (from->extmaps[i].ext < AURA_EXT_COUNT) {
            a->exts[a->ext_count++] = from->extmaps[i];
            to->extmap_count++;
        }
    }
    to->dir = from->dir & AURA_SDP_SENDONLY ? AURA_SDP_RECVONLY : AURA_SDP_INACTIVE;
    to->rtcp_mux = true;
    to->rtcp_rsize = from->rtcp_rsize;
    to->fmt = "";
}

static void answer_section(struct answer *a, size_t i, const struct aura_sdp_section *from,
                           const struct aura_sdp_transport *transport) {
    struct aura_sdp_section *to = &a->sections[i];
    bool media = from->kind == AURA_SDP_AUDIO || from->kind == AURA_SDP_VIDEO;
    if (from->kind == AURA_SDP_APPLICATION) {
        *to = data_section(from->mid, transport);
    } else {
        *to = (struct aura_sdp_section){.kind = from->kind,
                                        .media = from->media,
                                        .protocol = from->protocol,
                                        .fmt = from->fmt,
                                        .mid = from->mid,
                                        .transport = *transport};
    }
    if (media) {
        answer_media(a, to, from);
        to->port = to->codec_count ? DISCARD_PORT : 0;
    }
    to->bundle = to->port ? 1 : 0;
}

int aura_desc_answer(struct aura_buf *out, const struct aura_desc_local *local,
                     const struct aura_sdp *offer) {
    struct aura_sdp_transport transport = transport_of(local, AURA_SDP_SETUP_ACTIVE);
    size_t codecs = 1, exts = 1;
    for (size_t i = 0; i < offer->section_count; i++) {
        codecs += offer->sections[i].codec_count;
        exts += offer->sections[i].extmap_count;
    }
    struct answer a = {
        .sections = aura_calloc(offer->section_count + 1, sizeof(struct aura_sdp_section)),
        .codecs = aura_calloc(codecs, sizeof(struct aura_sdp_codec)),
        .exts = aura_calloc(exts, sizeof(struct aura_sdp_extmap)),
    };
    int err = AURA_ENOMEM;
    if (a.sections && a.codecs && a.exts) {
        for (size_t i = 0; i < offer->section_count; i++) {
            answer_section(&a, i, &offer->sections[i], &transport);
        }
        struct aura_sdp sdp = {.origin_id = local->id,
                               .origin_version = local->version,
                               .extmap_allow_mixed = offer->extmap_allow_mixed,
                               .sections = a.sections,
                               .section_count = offer->section_count};
        err = aura_sdp_write(&sdp, out);
    }
    aura_free(a.sections);
    aura_free(a.codecs);
    aura_free(a.exts);
    return err;
}
