/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file packet.h  A received RTP packet that many subscribers and workers share, read-only.
 *
 * Packets come from the pool of the worker that received them, in two sizes (audio, video), and go
 * back to it from any thread. Threading: the count is atomic; the content is written before the
 * packet is first shared and never after. Private to src/sfu.
 */
#ifndef AURA_SFU_PACKET_H
#define AURA_SFU_PACKET_H

#include "base/err.h"
#include "rtp/media.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_PACKET_SMALL = 384,
    AURA_PACKET_LARGE = 1600,           /* longest RTP packet that is taken */
    AURA_PACKET_EXTS_MAX = 8,           /* forwardable header extensions remembered */
    AURA_PACKET_POOL_BYTES = 512 << 20, /* ceiling of one worker's pool */
};

struct aura_packet_pool;

/** Where a header extension that subscribers may get lies in the packet. */
struct aura_packet_ext {
    uint8_t ext; /* enum aura_ext */
    uint8_t len;
    uint16_t at;
};

struct aura_packet {
    struct aura_packet_pool *pool;
    struct aura_packet *next; /* in a free list */
    _Atomic uint32_t refs;
    bool large;

    /* What the receiving worker found out; valid on every worker. */
    uint8_t codec; /* enum aura_codec */
    uint8_t pt;
    uint8_t epoch; /* counts the restarts of the stream under another SSRC */
    uint8_t h264_mode, vp9_profile;
    uint32_t h264_profile_level_id;
    uint32_t clock_rate;
    bool marker;
    bool key_frame;   /* holds the beginning of a key frame: a switch may happen here */
    bool frame_start; /* first packet of a frame, as far as the payload's clear part tells */
    bool recovered;   /* came by RTX */
    bool frame_end;   /* last packet of a frame (of one spatial layer) */
    uint8_t ext_count;
    uint8_t spatial, temporal;
    uint8_t up_from; /* see struct aura_payload */
    bool up_spatial;
    int8_t up_to[AURA_MEDIA_LAYERS_MAX];
    uint16_t payload_at, payload_len; /* padding excluded */
    uint16_t len;
    uint16_t samples; /* of sound, that it stands for; 0 = not known */
    uint32_t ts;
    uint64_t eseq; /* extended by wraps, per stream */
    uint64_t arrival_us;
    struct aura_packet_ext exts[AURA_PACKET_EXTS_MAX];
    /* Numbers in the payload descriptor that count frames (VP8, VP9); *_at: in the payload, 0 =
     * absent. */
    uint8_t pid_at, tl0_at, keyidx_at;
    bool pid_long;
    uint8_t tl0, keyidx;
    uint64_t pid;      /* extended by wraps, per stream; from 1 << 16 */
    uint16_t dd_frame; /* number in the dependency descriptor */
    /* AI Core's: on the first packet of a frame what its subscribers would have got natively. */
    bool aic;
    uint16_t native_packets;
    uint32_t native_bytes;
    uint8_t data[];
};

AURA_NODISCARD int aura__packet_pool_new(struct aura_packet_pool **poolp);
/** All its packets must be back. Returns NULL. */
struct aura_packet_pool *aura__packet_pool_free(struct aura_packet_pool *pool);
/**
 * Owner thread: a packet with room for @p len bytes and one reference.
 * @return NULL without memory, at the ceiling, or if @p len > AURA_PACKET_LARGE
 */
struct aura_packet *aura__packet_new(struct aura_packet_pool *pool, size_t len);
/** Any thread. */
static inline struct aura_packet *aura__packet_ref(struct aura_packet *p) {
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}
/** Any thread. @param mine  the pool of the calling worker, NULL on other threads. Returns NULL. */
struct aura_packet *aura__packet_unref(struct aura_packet *p, struct aura_packet_pool *mine);
/** Packets that are out (for tests). Owner thread, others quiet. */
size_t aura__packet_pool_out(struct aura_packet_pool *pool);

#endif
