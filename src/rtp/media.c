/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/media.h"

#include <string.h>
#include <strings.h>

static const char *const mimes[AURA_CODEC_COUNT] = {
    [AURA_CODEC_NONE] = "",           [AURA_CODEC_OPUS] = "audio/opus",
    [AURA_CODEC_RED] = "audio/red",   [AURA_CODEC_PCMU] = "audio/PCMU",
    [AURA_CODEC_PCMA] = "audio/PCMA", [AURA_CODEC_VP8] = "video/VP8",
    [AURA_CODEC_VP9] = "video/VP9",   [AURA_CODEC_H264] = "video/H264",
    [AURA_CODEC_H265] = "video/H265", [AURA_CODEC_AV1] = "video/AV1",
};

static const char *const uris[AURA_EXT_COUNT] = {
    [AURA_EXT_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
    [AURA_EXT_RID] = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    [AURA_EXT_REPAIRED_RID] = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    [AURA_EXT_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    [AURA_EXT_TWCC] = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    [AURA_EXT_ABS_SEND_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    [AURA_EXT_ABS_CAPTURE_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    [AURA_EXT_DEPENDENCY_DESCRIPTOR] =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    [AURA_EXT_VIDEO_ORIENTATION] = "urn:3gpp:video-orientation",
    [AURA_EXT_PLAYOUT_DELAY] = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    [AURA_EXT_COLOR_SPACE] = "http://www.webrtc.org/experiments/rtp-hdrext/color-space",
    [AURA_EXT_VIDEO_CONTENT_TYPE] =
        "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
    [AURA_EXT_VIDEO_TIMING] = "http://www.webrtc.org/experiments/rtp-hdrext/video-timing",
    [AURA_EXT_TOFFSET] = "urn:ietf:params:rtp-hdrext:toffset",
    [AURA_EXT_VIDEO_LAYERS_ALLOCATION] =
        "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
    [AURA_EXT_AIC] = "urn:x-auralink:rtp-hdrext:aic:1",
};

const char *aura_codec_mime(enum aura_codec codec) {
    return (unsigned)codec < AURA_CODEC_COUNT ? mimes[codec] : "";
}

enum aura_codec aura_codec_parse(const char *name) {
    if (!name || !*name) {
        return AURA_CODEC_NONE;
    }
    bool bare = strchr(name, '/') == NULL;
    for (int i = AURA_CODEC_NONE + 1; i < AURA_CODEC_COUNT; i++) {
        const char *known = bare ? strchr(mimes[i], '/') + 1 : mimes[i];
        if (strcasecmp(name, known) == 0) {
            return (enum aura_codec)i;
        }
    }
    return AURA_CODEC_NONE;
}

const char *aura_ext_uri(enum aura_ext ext) {
    return (unsigned)ext < AURA_EXT_COUNT ? uris[ext] : "";
}

enum aura_ext aura_ext_parse(const char *uri) {
    for (int i = 0; uri && i < AURA_EXT_COUNT; i++) {
        if (strcmp(uri, uris[i]) == 0) {
            return (enum aura_ext)i;
        }
    }
    return AURA_EXT_COUNT;
}
