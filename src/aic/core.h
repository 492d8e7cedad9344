/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file core.h  AI Core from its caller's side: one connection, a stream for each track.
 *
 * Threading: handlers run on the connection's own thread; everything else may come from any thread.
 */
#ifndef AURA_AIC_CORE_H
#define AURA_AIC_CORE_H

#include "aic/machine.h"
#include "auralink/aic.h"

enum {
    AURA_AIC_FRAME_BYTES_MAX = 4 << 20,    /* of a coded frame, either way */
    AURA_AIC_PICTURE_BYTES_MAX = 24 << 20, /* of a raw one: 4096 × 4096 */
};

struct aura_aic_core;
struct aura_aic_stream;

/** The address is on this machine: plain text may go there. */
bool aura_aic_address_is_near(const char *address);

struct aura_aic_core_conf {
    const char *address;                /* as in grpc_client.h */
    const char *ca, *certificate, *key; /* PEM text; NULL = none */
    uint32_t max_streams;               /* at once; 0 = as many as AI Core takes */
};

enum aura_aic_codec {
    AURA_AIC_VP8 = 1, /* numbers of proto/aicore.proto */
    AURA_AIC_VP9 = 2,
    AURA_AIC_H264 = 3,
    AURA_AIC_AV1 = 4,
    AURA_AIC_I420 = 5, /* a raw picture: planes one after the other, sides even */
    AURA_AIC_OPUS = 6, /* one packet */
    AURA_AIC_PCM = 7,  /* 48 kHz, 16 bits little endian, channels interleaved, 10 or 20 ms */
};

struct aura_aic_frame_in {
    const uint8_t *data; /* one coded frame, or picture */
    size_t len;
    enum aura_aic_codec codec;
    uint32_t width, height; /* of a raw picture */
    uint32_t max_kbps, fps; /* 0 = as AI Core thinks best */
    uint32_t rtp_timestamp;
    bool key_frame; /* the answer is to be one */
    float target_quality;
    /* Of sound: */
    uint32_t packet_ms; /* that an answer is to stand for, 20…120; 0 = as AI Core thinks best */
    uint32_t loss_percent; /* on the way to the receivers */
    bool redundancy;       /* they can use DRED */
    uint32_t channels;     /* of AURA_AIC_PCM */
};

/** An answer; borrowed. Sound is answered packet by packet, but mostly by nothing: until so much is
 * together as an answer stands for, and while nobody speaks. */
struct aura_aic_frame_out {
    const uint8_t *data; /* AV1 temporal unit, Opus packet; len 0: nothing to send for this frame */
    size_t len;
    uint32_t samples; /* of sound, at 48 kHz, from rtp_timestamp on, that are dealt with by it: with
                         len 0 they are silence */
    bool keep;        /* of sound: it is music, which is better sent as it came */
    float speech;     /* how likely somebody speaks, 0…1 */
    uint32_t rtp_timestamp;
    bool key_frame, draining;
    uint32_t bytes_in;
    struct aura_aic_hints hints; /* without mode and latency, which the caller knows */
    char model[33];
};

enum aura_aic_call {
    AURA_AIC_CALL_COMPRESS, /* CompressStream: frames come back */
    AURA_AIC_CALL_ANALYZE,  /* Analyze: looks come back */
};

/** What Analyze says of one frame. */
struct aura_aic_look {
    uint32_t rtp_timestamp;
    uint32_t recommended_kbps; /* 0 = it does not know */
    float vmaf;                /* predicted at that rate; negative = unknown */
    bool screen;
};

struct aura_aic_stream_handlers {
    void (*frame)(void *arg, const struct aura_aic_frame_out *frame); /* NULL: Analyze only */
    void (*look)(void *arg, const struct aura_aic_look *look); /* NULL: CompressStream only */
    /* The last call for the stream, in any case. `why` is BROKEN, REFUSED or DRAINING; `text` is
     * empty after aura_aic_stream_free(). */
    void (*closed)(void *arg, enum aura_aic_reason why, const char *text);
};

/** Connects with the first stream. @return 0, AURA_ENOMEM, AURA_EINVAL (certificates) */
AURA_NODISCARD int aura_aic_core_new(struct aura_aic_core **cp,
                                     const struct aura_aic_core_conf *conf);
/** Waits for the ends of its streams, which must all have been freed. */
struct aura_aic_core *aura_aic_core_free(struct aura_aic_core *c);

/** @return 0, AURA_ENOMEM, AURA_ECLOSED, AURA_ELIMIT (of max_streams) */
AURA_NODISCARD int aura_aic_stream_open(struct aura_aic_stream **sp, struct aura_aic_core *c,
                                        enum aura_aic_call call,
                                        const struct aura_aic_stream_handlers *handlers, void *arg);
/** Copies the frame. @return 0, AURA_ENOMEM, AURA_ECLOSED, AURA_ELIMIT (too large, or too many
 * wait) */
int aura_aic_stream_send(struct aura_aic_stream *s, const struct aura_aic_frame_in *frame);
/** Ends it; `closed` may still come. NULL is fine. */
struct aura_aic_stream *aura_aic_stream_free(struct aura_aic_stream *s);

#endif
