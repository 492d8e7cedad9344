/* SPDX-License-Identifier: Apache-2.0 */
/* Which codecs and header extensions a section gets. */
#include "room/negotiation_priv.h"

#include <string.h>
#include <strings.h>

static bool audio_codec(enum aura_codec codec) {
    return codec >= AURA_CODEC_OPUS && codec <= AURA_CODEC_PCMA;
}

/* The codec of an entry; NONE also for RTX, FEC and "red" over video. */
static enum aura_codec codec_of(const struct aura_sdp_section *s, const struct aura_sdp_codec *c) {
    enum aura_codec codec = aura_codec_parse(c->name);
    return audio_codec(codec) == (s->kind == AURA_SDP_AUDIO) ? codec : AURA_CODEC_NONE;
}

uint32_t aura__neg_codec_set(const struct aura_sdp_section *offer) {
    uint32_t set = 0;
    for (size_t i = 0; i < offer->codec_count; i++) {
        set |= AURA_NEG_CODEC(codec_of(offer, &offer->codecs[i]));
    }
    return set & ~AURA_NEG_CODEC(AURA_CODEC_NONE);
}

/* RFC 4588: the RTX entry whose apt is `pt`; 0 if there is none. */
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

/* RFC 6184 section 8.1 and RFC 9628 section 6 name the values of absent parameters. */
static struct aura_media_codec describe(const struct aura_sdp_section *s,
                                        const struct aura_sdp_codec *c) {
    struct aura_media_codec out = {
        .codec = codec_of(s, c), .pt = c->pt, .feedback = c->feedback, .clock_rate = c->clock_rate};
    if (out.codec == AURA_CODEC_H264) {
        out.h264_packetization_mode =
            (uint8_t)(aura_sdp_fmtp_uint(c->fmtp, "packetization-mode", 10, 0) & 3);
        out.h264_profile_level_id =
            aura_sdp_fmtp_uint(c->fmtp, "profile-level-id", 16, 0x42000a) & 0xffffff;
    } else if (out.codec == AURA_CODEC_VP9) {
        out.vp9_profile = (uint8_t)(aura_sdp_fmtp_uint(c->fmtp, "profile-id", 10, 0) & 3);
    }
    return out;
}

static bool has_pt(const struct aura_media *media, uint8_t pt) {
    for (size_t i = 0; i < media->codec_count; i++) {
        if (media->codecs[i].pt == pt) {
            return true;
        }
    }
    return false;
}

/* Adds with the RTX of the peer's; without `offer` the codec has its own already. */
static void add(struct aura_media *media, const struct aura_sdp_section *offer,
                const struct aura_media_codec *codec, uint8_t feedback) {
    if (media->codec_count < AURA_MEDIA_CODECS_MAX && !has_pt(media, codec->pt)) {
        struct aura_media_codec *slot = &media->codecs[media->codec_count++];
        *slot = *codec;
        slot->feedback &= feedback;
        slot->rtx_pt = offer ? rtx_of(offer, codec->pt) : codec->rtx_pt;
    }
}

/* Adds every entry of one codec, or of all the codecs in `set` for NONE, in the peer's order. */
static void add_all(struct aura_media *media, const struct aura_sdp_section *offer, uint32_t set,
                    enum aura_codec only, uint8_t feedback) {
    for (size_t i = 0; i < offer->codec_count; i++) {
        struct aura_media_codec c = describe(offer, &offer->codecs[i]);
        if (c.codec != AURA_CODEC_NONE && (set & AURA_NEG_CODEC(c.codec)) &&
            (only == AURA_CODEC_NONE || only == c.codec)) {
            add(media, offer, &c, feedback);
        }
    }
}

/* RED without its Opus would carry nothing that we know; no NACK where RED repairs already. */
static void add_audio(struct aura_media *media, const struct aura_sdp_section *offer, uint32_t set,
                      bool red) {
    uint8_t feedback = AURA_FB_TWCC;
    uint32_t offered = aura__neg_codec_set(offer) & set;
    if (red && (offered & AURA_NEG_CODEC(AURA_CODEC_RED)) &&
        (offered & AURA_NEG_CODEC(AURA_CODEC_OPUS))) {
        add_all(media, offer, set, AURA_CODEC_RED, feedback);
    } else {
        feedback |= AURA_FB_NACK;
    }
    add_all(media, offer, set, AURA_CODEC_OPUS, feedback);
}

size_t aura__neg_pub_codecs(struct aura_media *media, const struct aura_sdp_section *offer,
                            uint32_t enabled, const struct aura_neg_pub_options *options,
                            bool remb) {
    uint32_t set = enabled & options->codecs;
    media->codec_count = 0;
    if (offer->kind == AURA_SDP_AUDIO) {
        add_audio(media, offer, set, options->red);
        add_all(media, offer, set & ~AURA_NEG_CODEC(AURA_CODEC_RED), AURA_CODEC_NONE,
                AURA_FB_TWCC | AURA_FB_NACK);
        return media->codec_count;
    }
    uint8_t feedback = AURA_FB_TWCC | AURA_FB_FIR | AURA_FB_NACK | AURA_FB_PLI;
    feedback |= remb ? AURA_FB_REMB : 0;
    if (options->prefer != AURA_CODEC_NONE) {
        add_all(media, offer, set, options->prefer, feedback);
    }
    add_all(media, offer, set, AURA_CODEC_NONE, feedback);
    return media->codec_count;
}

/* A decoder of a higher profile group decodes the lower one; levels may differ
 * (level-asymmetry-allowed). Baseline here is always the constrained one: nobody encodes FMO. */
static bool h264_profile_match(uint32_t sent, uint32_t received) {
    return (sent >> 16) == (received >> 16);
}

static bool same_codec(const struct aura_media_codec *sent, const struct aura_media_codec *c) {
    if (sent->codec != c->codec) {
        return false;
    }
    if (sent->codec == AURA_CODEC_H264) {
        return sent->h264_packetization_mode == c->h264_packetization_mode &&
               h264_profile_match(sent->h264_profile_level_id, c->h264_profile_level_id);
    }
    return sent->codec != AURA_CODEC_VP9 || sent->vp9_profile == c->vp9_profile;
}

/* Adds what matches one codec of the publisher. @return true if there was something */
static bool add_matching(struct aura_media *media, const struct aura_sdp_section *offer,
                         uint32_t enabled, const struct aura_media_codec *sent, uint8_t feedback) {
    bool any = false;
    for (size_t i = 0; i < offer->codec_count; i++) {
        struct aura_media_codec c = describe(offer, &offer->codecs[i]);
        if ((enabled & AURA_NEG_CODEC(c.codec)) && same_codec(sent, &c)) {
            add(media, offer, &c, feedback);
            any = true;
        }
    }
    return any;
}

static bool sends(const struct aura_neg_sub *sub, enum aura_codec codec) {
    for (size_t i = 0; i < sub->codec_count; i++) {
        if (sub->codecs[i].codec == codec) {
            return true;
        }
    }
    return false;
}

size_t aura__neg_sub_codecs(struct aura_media *media, const struct aura_sdp_section *offer,
                            uint32_t enabled, const struct aura_neg_sub *sub) {
    media->codec_count = 0;
    if (sub->any) {
        bool audio = offer->kind == AURA_SDP_AUDIO;
        uint32_t set = enabled & ~AURA_NEG_CODEC(AURA_CODEC_RED);
        uint8_t wish = AURA_FB_TWCC | AURA_FB_NACK;
        wish |= audio ? 0 : AURA_FB_FIR | AURA_FB_PLI | AURA_FB_REMB;
        add_all(media, offer, set, AURA_CODEC_NONE, wish);
        return media->codec_count;
    }
    if (offer->kind == AURA_SDP_AUDIO) {
        bool red = sub->red && sends(sub, AURA_CODEC_RED);
        enum aura_codec first = sub->codec_count ? sub->codecs[0].codec : AURA_CODEC_OPUS;
        if (first == AURA_CODEC_OPUS || first == AURA_CODEC_RED) {
            add_audio(media, offer, enabled, red);
        } else {
            add_all(media, offer, enabled, first, AURA_FB_TWCC | AURA_FB_NACK);
        }
        return media->codec_count;
    }
    uint8_t feedback = AURA_FB_TWCC | AURA_FB_FIR | AURA_FB_NACK | AURA_FB_PLI | AURA_FB_REMB;
    bool usable = false;
    for (size_t i = 0; i < sub->codec_count; i++) {
        bool found = add_matching(media, offer, enabled, &sub->codecs[i], feedback);
        usable |= found && (i == 0 || sub->codecs[i].codec == sub->backup);
    }
    if (!usable) {
        media->codec_count = 0;
        return 0;
    }
    add_all(media, offer, enabled, AURA_CODEC_NONE, feedback);
    return media->codec_count;
}

static bool id_taken(const struct aura_ext_map *map, uint8_t id) {
    return memchr(map->id, id, sizeof(map->id)) != NULL;
}

void aura__neg_extensions(struct aura_ext_map *map, const struct aura_sdp_section *offer,
                          uint32_t allowed, enum aura_sdp_dir ours) {
    unsigned theirs = (unsigned)ours;
    if (ours != AURA_SDP_SENDRECV) {
        theirs = ours == AURA_SDP_SENDONLY ? AURA_SDP_RECVONLY : AURA_SDP_SENDONLY;
    }
    memset(map, 0, sizeof(*map));
    for (size_t i = 0; i < offer->extmap_count; i++) {
        const struct aura_sdp_extmap *e = &offer->extmaps[i];
        if (e->ext != AURA_EXT_COUNT && (allowed & 1u << e->ext) && ((unsigned)e->dir & theirs) &&
            map->id[e->ext] == 0 && !id_taken(map, e->id)) {
            map->id[e->ext] = e->id;
        }
    }
}

bool aura__neg_same_media(const struct aura_media *a, const struct aura_media *b) {
    if (a->codec_count != b->codec_count || a->kind != b->kind || strcmp(a->mid, b->mid) != 0 ||
        memcmp(&a->ext, &b->ext, sizeof(a->ext)) != 0) {
        return false;
    }
    for (size_t i = 0; i < a->codec_count; i++) {
        const struct aura_media_codec *x = &a->codecs[i], *y = &b->codecs[i];
        if (x->pt != y->pt || x->rtx_pt != y->rtx_pt || x->feedback != y->feedback ||
            x->clock_rate != y->clock_rate || !same_codec(x, y)) {
            return false;
        }
    }
    return true;
}

/* Numbers of ours, those that LiveKit's server uses. */
static const struct aura_media_codec own_codecs[] = {
    {.codec = AURA_CODEC_RED, .pt = 63, .clock_rate = 48000},
    {.codec = AURA_CODEC_OPUS, .pt = 111, .clock_rate = 48000},
    {.codec = AURA_CODEC_PCMU, .pt = 0, .clock_rate = 8000},
    {.codec = AURA_CODEC_PCMA, .pt = 8, .clock_rate = 8000},
    {.codec = AURA_CODEC_VP8, .pt = 96, .rtx_pt = 97, .clock_rate = 90000},
    {.codec = AURA_CODEC_VP9, .pt = 98, .rtx_pt = 99, .clock_rate = 90000},
    {.codec = AURA_CODEC_VP9, .pt = 100, .rtx_pt = 101, .vp9_profile = 1, .clock_rate = 90000},
    {.codec = AURA_CODEC_H264,
     .pt = 125,
     .rtx_pt = 126,
     .h264_profile_level_id = 0x42e01f,
     .clock_rate = 90000},
    {.codec = AURA_CODEC_H264,
     .pt = 108,
     .rtx_pt = 109,
     .h264_packetization_mode = 1,
     .h264_profile_level_id = 0x42e01f,
     .clock_rate = 90000},
    {.codec = AURA_CODEC_H264,
     .pt = 104,
     .rtx_pt = 105,
     .h264_profile_level_id = 0x42001f,
     .clock_rate = 90000},
    {.codec = AURA_CODEC_H264,
     .pt = 102,
     .rtx_pt = 103,
     .h264_packetization_mode = 1,
     .h264_profile_level_id = 0x42001f,
     .clock_rate = 90000},
    {.codec = AURA_CODEC_H264,
     .pt = 123,
     .rtx_pt = 118,
     .h264_packetization_mode = 1,
     .h264_profile_level_id = 0x640032,
     .clock_rate = 90000},
    {.codec = AURA_CODEC_AV1, .pt = 35, .rtx_pt = 36, .clock_rate = 90000},
    {.codec = AURA_CODEC_H265, .pt = 116, .rtx_pt = 117, .clock_rate = 90000},
};

static void own_extensions(struct aura_ext_map *map, enum aura_kind kind, bool playout) {
    map->id[AURA_EXT_ABS_CAPTURE_TIME] = 1;
    map->id[AURA_EXT_TWCC] = 2;
    if (kind == AURA_KIND_VIDEO) {
        map->id[AURA_EXT_ABS_SEND_TIME] = 3;
        map->id[AURA_EXT_DEPENDENCY_DESCRIPTOR] = 4;
        map->id[AURA_EXT_VIDEO_ORIENTATION] = 5;
        map->id[AURA_EXT_COLOR_SPACE] = 6;
        map->id[AURA_EXT_PLAYOUT_DELAY] = playout ? 9 : 0;
    } else {
        map->id[AURA_EXT_AUDIO_LEVEL] = 7;
    }
    map->id[AURA_EXT_AIC] = 8; /* browsers drop it from their answers */
}

/* 0 = what is sent now, 1 = what may be sent later, 2 = what the room allows besides. */
static int own_rank(const struct aura_neg_sub *sub, const struct aura_media_codec *own) {
    for (size_t i = 0; i < sub->codec_count; i++) {
        if (same_codec(&sub->codecs[i], own)) {
            return i == 0 ? 0 : 1;
        }
    }
    return 2;
}

void aura__neg_own_media(struct aura_media *media, enum aura_kind kind, const struct aura_neg *neg,
                         const struct aura_neg_sub *sub) {
    bool audio = kind == AURA_KIND_AUDIO;
    uint8_t feedback = audio
                           ? AURA_FB_TWCC
                           : AURA_FB_TWCC | AURA_FB_FIR | AURA_FB_NACK | AURA_FB_PLI | AURA_FB_REMB;
    *media = (struct aura_media){.kind = kind};
    for (int rank = 0; rank <= 2; rank++) {
        for (size_t i = 0; i < sizeof(own_codecs) / sizeof(own_codecs[0]); i++) {
            struct aura_media_codec c = own_codecs[i];
            bool usable = audio_codec(c.codec) == audio &&
                          (neg->codecs & AURA_NEG_CODEC(c.codec)) &&
                          (c.codec != AURA_CODEC_RED || (sub->red && sends(sub, c.codec)));
            if (usable && (audio ? 0 : own_rank(sub, &c)) == rank) {
                c.feedback = feedback;
                add(media, NULL, &c, feedback);
            }
        }
    }
    own_extensions(&media->ext, kind, neg->playout);
}
