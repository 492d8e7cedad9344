/* SPDX-License-Identifier: Apache-2.0 */
/* The m-line and the attributes that describe codecs: rtpmap, fmtp, rtcp-fb. */
#include "transport/sdp_priv.h"

#include <string.h>
#include <strings.h>

static enum aura_sdp_kind kind_of(const char *media) {
    if (strcasecmp(media, "audio") == 0) {
        return AURA_SDP_AUDIO;
    }
    if (strcasecmp(media, "video") == 0) {
        return AURA_SDP_VIDEO;
    }
    return strcasecmp(media, "application") == 0 ? AURA_SDP_APPLICATION : AURA_SDP_OTHER;
}

/* Payload types that RFC 3551 names: they need no rtpmap. */
static struct aura_sdp_codec codec_of_pt(uint8_t pt) {
    struct aura_sdp_codec codec = {.pt = pt, .name = "", .fmtp = ""};
    if (pt == 0 || pt == 8) {
        codec.name = pt == 0 ? "PCMU" : "PCMA";
        codec.clock_rate = 8000;
    }
    return codec;
}

static int read_payload_types(struct aura__sdp_parser *ps, char *list) {
    struct aura_sdp_section *s = ps->section;
    for (char *word; *(word = aura__sdp_word(&list));) {
        const char *p = word;
        uint64_t pt;
        if (!aura__sdp_uint(&p, 127, &pt) || *p) {
            return AURA_EMALFORMED;
        }
        if (ps->codec_at[pt]) {
            continue; /* named twice */
        }
        struct aura_sdp_codec *codec =
            aura__sdp_push(ps, SDP_CODECS, s->codec_count, AURA_SDP_CODECS_MAX);
        if (!codec) {
            return AURA_ELIMIT;
        }
        *codec = codec_of_pt((uint8_t)pt);
        ps->codec_at[pt] = (uint8_t)++s->codec_count;
    }
    return 0;
}

static const void *pool_end(const struct aura__sdp_parser *ps, enum aura__sdp_pool_id id) {
    return ps->pools[id].base + ps->pools[id].used * ps->pools[id].elem;
}

int aura__sdp_media_line(struct aura__sdp_parser *ps, char *value) {
    struct aura_sdp_section *s =
        aura__sdp_push(ps, SDP_SECTIONS, ps->pools[SDP_SECTIONS].used, AURA_SDP_SECTIONS_MAX);
    if (!s) {
        return AURA_ELIMIT;
    }
    ps->section = s;
    memset(ps->codec_at, 0, sizeof(ps->codec_at));
    s->media = aura__sdp_word(&value);
    const char *port = aura__sdp_word(&value);
    s->protocol = aura__sdp_word(&value);
    uint64_t v;
    if (!aura__sdp_uint(&port, UINT16_MAX, &v) || (*port && *port != '/') || !*s->protocol) {
        return AURA_EMALFORMED;
    }
    s->kind = kind_of(s->media);
    s->port = (uint16_t)v;
    s->mid = s->fmt = "";
    s->dir = ps->session_dir;
    s->transport = (struct aura_sdp_transport){
        .ufrag = "",
        .pwd = "",
        .ice_options = "",
        .fingerprints = (const struct aura_fingerprint *)pool_end(ps, SDP_FINGERPRINTS)};
    s->codecs = (const struct aura_sdp_codec *)pool_end(ps, SDP_CODECS);
    s->extmaps = (const struct aura_sdp_extmap *)pool_end(ps, SDP_EXTMAPS);
    s->rids = (const struct aura_sdp_rid *)pool_end(ps, SDP_RIDS);
    s->layers = (const struct aura_sdp_layer *)pool_end(ps, SDP_LAYERS);
    s->msids = (const struct aura_sdp_msid *)pool_end(ps, SDP_MSIDS);
    s->ssrcs = (const struct aura_sdp_ssrc *)pool_end(ps, SDP_SSRCS);
    s->groups = (const struct aura_sdp_ssrc_group *)pool_end(ps, SDP_GROUPS);
    s->candidates = (const char *const *)pool_end(ps, SDP_CANDIDATES);
    if (s->kind == AURA_SDP_AUDIO || s->kind == AURA_SDP_VIDEO) {
        return read_payload_types(ps, value);
    }
    s->fmt = value + strspn(value, " \t");
    const char *fmt = s->fmt;
    if (strcasecmp(s->protocol, "DTLS/SCTP") == 0 && aura__sdp_uint(&fmt, UINT16_MAX, &v)) {
        s->sctp_port = (uint16_t)v; /* the form before RFC 8841 */
    }
    return 0;
}

/* The entry of the payload type at *value, which moves behind it; NULL if it is not in the m-line.
 */
static struct aura_sdp_codec *take_codec(struct aura__sdp_parser *ps, char **value) {
    const char *p = *value;
    uint64_t pt;
    if (!aura__sdp_uint(&p, 127, &pt) || *p != ' ' || !ps->codec_at[pt]) {
        return NULL;
    }
    *value += p - *value + 1;
    struct aura_sdp_codec *codecs = (struct aura_sdp_codec *)(void *)ps->pools[SDP_CODECS].base;
    size_t first = ps->pools[SDP_CODECS].used - ps->section->codec_count;
    return &codecs[first + ps->codec_at[pt] - 1];
}

/* "111 opus/48000/2" */
static void rtpmap(struct aura__sdp_parser *ps, char *value) {
    struct aura_sdp_codec *codec = take_codec(ps, &value);
    char *slash = codec ? strchr(value, '/') : NULL;
    if (!slash || slash == value) {
        return;
    }
    const char *p = slash + 1;
    uint64_t rate, channels = 0;
    if (!aura__sdp_uint(&p, UINT32_MAX, &rate)) {
        return;
    }
    if (*p == '/') {
        p++;
        if (!aura__sdp_uint(&p, UINT8_MAX, &channels)) {
            return;
        }
    }
    *slash = '\0';
    codec->name = value;
    codec->clock_rate = (uint32_t)rate;
    codec->channels = (uint8_t)channels;
}

static void fmtp(struct aura__sdp_parser *ps, char *value) {
    struct aura_sdp_codec *codec = take_codec(ps, &value);
    if (codec) {
        codec->fmtp = value;
    }
}

static uint8_t feedback_of(const char *text) {
    static const struct {
        const char *text;
        uint8_t bit;
    } known[] = {{"nack", AURA_FB_NACK},
                 {"nack pli", AURA_FB_PLI},
                 {"ccm fir", AURA_FB_FIR},
                 {"transport-cc", AURA_FB_TWCC},
                 {"goog-remb", AURA_FB_REMB}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcasecmp(text, known[i].text) == 0) {
            return known[i].bit;
        }
    }
    return 0;
}

/* "96 nack pli", or "* transport-cc" for all payload types of the m-line. */
static void rtcp_fb(struct aura__sdp_parser *ps, char *value) {
    size_t count = ps->section->codec_count;
    struct aura_sdp_codec *codecs = (struct aura_sdp_codec *)(void *)ps->pools[SDP_CODECS].base +
                                    (ps->pools[SDP_CODECS].used - count);
    if (value[0] == '*' && value[1] == ' ') {
        for (size_t i = 0; i < count; i++) {
            codecs[i].feedback |= feedback_of(value + 2);
        }
        return;
    }
    struct aura_sdp_codec *codec = take_codec(ps, &value);
    if (codec) {
        codec->feedback |= feedback_of(value);
    }
}

bool aura__sdp_codec_attribute(struct aura__sdp_parser *ps, const char *name, char *value) {
    if (strcmp(name, "rtpmap") == 0) {
        rtpmap(ps, value);
    } else if (strcmp(name, "fmtp") == 0) {
        fmtp(ps, value);
    } else if (strcmp(name, "rtcp-fb") == 0) {
        rtcp_fb(ps, value);
    } else {
        return false;
    }
    return true;
}
