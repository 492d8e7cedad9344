/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file clip.h  Encoded media from a file, cut into RTP payloads beforehand: IVF (VP8), H.264 Annex
 * B, Ogg Opus. Immutable after loading, so that any number of publishers share it between threads.
 */
#ifndef AURA_CLIENT_CLIP_H
#define AURA_CLIENT_CLIP_H

#include "base/err.h"
#include "rtp/media.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_CLIP_BYTES_MAX = 256 << 20,
    AURA_CLIP_PAYLOAD_MAX = 1130, /* of one part; leaves room for headers, stamp and tag in 1200 */
    AURA_CLIP_FPS_DEFAULT = 30,   /* of Annex B, which does not say */
    AURA_STAMP_BYTES = 12,
    AURA_CLIP_PREFIX_MAX = 6,
};

/** What one RTP packet takes of a frame. */
struct aura_clip_part {
    uint32_t at;  /* in the clip's bytes */
    uint16_t len; /* 0: only the stamp (H.264 filler) */
    uint8_t prefix_len;
    uint8_t prefix[2]; /* FU-A indicator and header */
};

struct aura_clip_frame {
    uint32_t first_part;
    uint16_t part_count;
    bool key;
};

struct aura_clip {
    enum aura_codec codec;
    uint32_t clock_rate;
    uint32_t ticks;         /* of the clock, from one frame to the next */
    uint16_t width, height; /* 0 = not known */
    size_t frame_count, part_count, bytes_len;
    const uint8_t *bytes;
    const struct aura_clip_frame *frames;
    const struct aura_clip_part *parts;
};

/**
 * Takes over @p bytes (from aura_zalloc() or the like), also on failure.
 * @return 0, AURA_ENOMEM, AURA_EMALFORMED, AURA_EUNSUPPORTED (neither of the formats, or a codec
 * that is not supported), AURA_ELIMIT
 */
AURA_NODISCARD int aura_clip_parse(struct aura_clip **out, uint8_t *bytes, size_t len);
/** @return as aura_clip_parse(), AURA_ENOENT, AURA_EIO */
AURA_NODISCARD int aura_clip_load(struct aura_clip **out, const char *path);
struct aura_clip *aura_clip_free(struct aura_clip *clip);
/** The next frame behind @p frame that is a key frame, going round. */
size_t aura_clip_next_key(const struct aura_clip *clip, size_t frame);

/** Counters that a VP8 payload descriptor carries. */
struct aura_clip_vp8 {
    uint16_t pid;
    uint8_t tl0;
};
/**
 * Writes one payload. The last of a frame carries @p stamp (a time in microseconds) where decoders
 * ignore it: behind the VP8 frame, in a filler unit of H.264, in the padding of Opus.
 * @return its length, 0 if @p cap is too small
 */
size_t aura_clip_write(const struct aura_clip *clip, size_t frame, size_t part,
                       const struct aura_clip_vp8 *vp8, uint64_t stamp, uint8_t *out, size_t cap);
/** Reads the stamp at the end of a payload. @return false if there is none */
bool aura_stamp_read(const uint8_t *payload, size_t len, uint64_t *stamp);

#endif
