/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file media.h  What a negotiated media section says, in the form that the packet path uses.
 *
 * Filled by the negotiation (control thread), read by the SFU (media workers): plain data, no
 * pointers.
 */
#ifndef AURA_RTP_MEDIA_H
#define AURA_RTP_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum aura_kind { AURA_KIND_AUDIO, AURA_KIND_VIDEO };

enum aura_codec {
    AURA_CODEC_NONE,
    AURA_CODEC_OPUS,
    AURA_CODEC_RED, /* audio/red over Opus, RFC 2198 */
    AURA_CODEC_PCMU,
    AURA_CODEC_PCMA,
    AURA_CODEC_VP8,
    AURA_CODEC_VP9,
    AURA_CODEC_H264,
    AURA_CODEC_H265,
    AURA_CODEC_AV1,
    AURA_CODEC_COUNT
};

/** "video/VP8"-like MIME type as LiveKit spells it ("audio/opus", "audio/red", "video/H264"), or
 * "". */
const char *aura_codec_mime(enum aura_codec codec);
/** From a MIME type or a bare SDP encoding name, any case; AURA_CODEC_NONE if unknown. */
enum aura_codec aura_codec_parse(const char *name);

enum aura_ext {
    AURA_EXT_MID,
    AURA_EXT_RID,
    AURA_EXT_REPAIRED_RID,
    AURA_EXT_AUDIO_LEVEL,
    AURA_EXT_TWCC,
    AURA_EXT_ABS_SEND_TIME,
    AURA_EXT_ABS_CAPTURE_TIME,
    AURA_EXT_DEPENDENCY_DESCRIPTOR,
    AURA_EXT_VIDEO_ORIENTATION,
    AURA_EXT_PLAYOUT_DELAY,
    AURA_EXT_COLOR_SPACE,
    AURA_EXT_VIDEO_CONTENT_TYPE,
    AURA_EXT_VIDEO_TIMING,
    AURA_EXT_TOFFSET,
    AURA_EXT_VIDEO_LAYERS_ALLOCATION,
    AURA_EXT_AIC, /* hints: docs/aic-protocol.md */
    AURA_EXT_COUNT
};

/** URI of an extension as in a=extmap. */
const char *aura_ext_uri(enum aura_ext ext);
/** @return the extension, or AURA_EXT_COUNT if the URI is not one we know */
enum aura_ext aura_ext_parse(const char *uri);

/** Header extension ids of one media section, 1..255; 0 = not negotiated. */
struct aura_ext_map {
    uint8_t id[AURA_EXT_COUNT];
};

enum { AURA_FB_NACK = 1, AURA_FB_PLI = 2, AURA_FB_FIR = 4, AURA_FB_TWCC = 8, AURA_FB_REMB = 16 };

struct aura_media_codec {
    enum aura_codec codec;
    uint8_t pt;       /* 0..127 */
    uint8_t rtx_pt;   /* 0 = no RTX */
    uint8_t feedback; /* AURA_FB_* */
    uint8_t h264_packetization_mode;
    uint32_t h264_profile_level_id;
    uint8_t vp9_profile;
    uint32_t clock_rate;
};

enum {
    AURA_MEDIA_CODECS_MAX = 24,
    AURA_MEDIA_MID_MAX = 16, /* longest mid that we take, RFC 8843 recommends 3 bytes */
    AURA_MEDIA_RID_MAX = 16,
    AURA_MEDIA_LAYERS_MAX = 3
};

struct aura_media {
    enum aura_kind kind;
    char mid[AURA_MEDIA_MID_MAX + 1];
    size_t codec_count;
    struct aura_media_codec codecs[AURA_MEDIA_CODECS_MAX]; /* in order of preference */
    struct aura_ext_map ext;
};

#endif
