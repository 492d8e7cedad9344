/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file client.h  A participant of a LiveKit-compatible room, in C: publishes pictures and sound,
 * receives others' video and sound, with AI compression (AIC) where AI Core is there.
 *
 *     conf → aura_call_new() → add tracks → aura_call_connect() → push … → aura_call_free()
 *
 * Threads: a call has a thread of its own. Its callbacks come on that thread and must return soon;
 * inside them nothing of this header may be called for the same call, but aura_call_error_text().
 * The other functions may be called from any thread; aura_call_video_push(),
 * aura_call_audio_push() and aura_call_sound_push() from one thread at a time for each track.
 * Pictures and samples are encoded on the thread that pushes them.
 *
 * Ownership: who makes a call frees it. Everything handed over is copied unless it says otherwise;
 * everything a callback gets is borrowed until it returns. Tracks belong to their call.
 *
 * Results: 0, or a negative code for which aura_call_error_text() has words.
 */
#ifndef AURALINK_CLIENT_H
#define AURALINK_CLIENT_H

#include "auralink/aic.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct aura_call;
struct aura_call_track;

enum {
    AURA_CALL_NAME_MAX = 127, /* bytes of an identity or a track's name that are kept */
};

/** A picture: 8-bit 4:2:0, planes Y, U, V; U and V have half of both sides, rounded up. */
struct aura_call_picture {
    const uint8_t *plane[3];
    size_t stride[3]; /* bytes from one line to the next */
    uint32_t width, height;
};

enum aura_call_codec {
    AURA_CALL_VP8,
    AURA_CALL_VP9,
    AURA_CALL_H264, /* Annex B */
    AURA_CALL_AV1,  /* temporal unit without its delimiter */
};

/** One received video frame. */
struct aura_call_frame {
    const char *identity, *track; /* who sends it; the track's name, or the server's id of it */
    enum aura_call_codec codec;
    const uint8_t *data; /* as it came */
    size_t len;
    uint32_t rtp_timestamp; /* 90 kHz, with a random beginning */
    bool key_frame;
    bool has_hints; /* it carried AIC's hints */
    struct aura_aic_hints hints;
    bool restored;                    /* the picture was sharpened by the hints */
    struct aura_call_picture picture; /* width 0: not decoded, or it shows nothing */
};

/** Sound that was received: decoded, in order, what was lost made up. One call follows on the
 * other, and together they are as long as the time they took. */
struct aura_call_sound {
    const char *identity, *track; /* as in aura_call_frame */
    const int16_t *samples;       /* 48 kHz, left and right in turn */
    uint32_t count;               /* of each */
    uint64_t position;            /* of the first one, from the call's first packet on */
};

struct aura_call_handlers {
    /* The media connection is up. NULL = of no interest, as with all of them. */
    void (*connected)(void *arg);
    /* The connection was lost and is made anew, with the same tracks; frames that are pushed
     * meanwhile are dropped. It is tried for about 50 s: 10 times, soon at first. */
    void (*reconnecting)(void *arg, int err, const char *why);
    void (*reconnected)(void *arg);
    /* The last callback, unless the call was freed before: it never came to a connection, could not
     * be had again, or the server sent us away. `why` is for people. */
    void (*ended)(void *arg, int err, const char *why);
    /* Video frames of the track that is watched: see aura_call_conf.watch. */
    void (*frame)(void *arg, const struct aura_call_frame *frame);
    /* Sound of the track that is listened to: see aura_call_conf.listen. It is late by what packets
     * wait for those before them: nothing, or up to 200 ms. */
    void (*sound)(void *arg, const struct aura_call_sound *sound);
};

/** Zeroed, then what is needed is set. Texts are copied. */
struct aura_call_conf {
    const char *url, *token; /* "ws://host:7880"; a join token */
    bool insecure;           /* wss:// with any certificate */
    bool once;               /* a lost connection is the end */
    const char *ai_core;     /* "127.0.0.1:50051" or "unix:/path", on this machine; NULL = none */

    bool watch;                 /* one video track is received … */
    const char *watch_identity; /* … of whom; NULL = of the first who sends one */
    const char *watch_track;    /* … which one, by name or id; NULL = the first */
    bool decode;                /* frames come with pictures */
    bool restore;               /* pictures are restored as hints say */

    bool listen;              /* one audio track is received and decoded, of watch_identity … */
    const char *listen_track; /* … which one, by name or id; NULL = the first */
};

/** @return 0 or an error (no memory, a URL that is none) */
int aura_call_new(struct aura_call **out, const struct aura_call_conf *conf,
                  const struct aura_call_handlers *handlers, void *arg);
/** Leaves the room and waits for the thread. NULL is fine. */
void aura_call_free(struct aura_call *call);

struct aura_call_video_conf {
    const char *name; /* shown to others; NULL = "video" */
    uint32_t width, height, fps;
    bool screen;          /* a screen share instead of a camera */
    bool aic;             /* by AI Core, as AV1, whenever that is in time; needs `ai_core` */
    uint32_t native_kbps; /* of VP8 without it; 0 = what LiveKit's clients take for the size */
    float target_quality; /* VMAF for AI Core to hold; 0 = as it thinks best */
};
/** Before aura_call_connect(). */
int aura_call_add_video(struct aura_call *call, const struct aura_call_video_conf *conf,
                        struct aura_call_track **out);
/** An Opus track, 48 kHz, of packets that are ready. Before aura_call_connect(). */
int aura_call_add_audio(struct aura_call *call, const char *name, struct aura_call_track **out);

struct aura_call_sound_conf {
    const char *name;     /* shown to others; NULL = "audio" */
    uint32_t channels;    /* 1 or 2 */
    bool aic;             /* by AI Core, unless it is music, whenever that is in time */
    uint32_t native_kbps; /* of Opus without it; 0 = 48 */
};
/** The same of samples, which are encoded here. Before aura_call_connect(). */
int aura_call_add_sound(struct aura_call *call, const struct aura_call_sound_conf *conf,
                        struct aura_call_track **out);

/** Starts to join; the callbacks tell how it went. */
int aura_call_connect(struct aura_call *call);

/**
 * A picture to send. Until the track is published it is dropped without being encoded.
 * @param time_us  when it is shown, on a clock of the caller's that only goes forward
 */
int aura_call_video_push(struct aura_call_track *track, const struct aura_call_picture *picture,
                         uint64_t time_us);
/** One Opus packet. @param time_us  as above: the beginning of its sound */
int aura_call_audio_push(struct aura_call_track *track, const uint8_t *opus, size_t len,
                         uint64_t time_us);

/**
 * Samples of a track of aura_call_add_sound(). Until it is published they are dropped.
 * @param samples  48 kHz, channels interleaved @param count  of one channel, any number
 * @param time_us  as above
 */
int aura_call_sound_push(struct aura_call_track *track, const int16_t *samples, size_t count,
                         uint64_t time_us);

struct aura_call_stats {
    /* Sent. */
    bool published;     /* frames are sent */
    const char *mode;   /* AIC: "off", "warming", "active", "fallback"; static text */
    const char *reason; /* of the last fallback; "fine" = there was none */
    uint64_t pictures, native_frames, aic_frames, late, fallbacks;
    uint64_t packets, bytes, resent; /* of all tracks: headers and payload */
    uint32_t native_kbps;            /* what the size costs without AIC */
    uint32_t target_kbps;            /* what the connection bears, as estimated; 0 = not known */
    uint32_t latency_us_p50, latency_us_p95, latency_us_p99; /* of AI Core */
    float saved, vmaf, loss;            /* vmaf: predicted, negative = unknown; loss: 0…1 */
    char sent_hints[AURA_AIC_TEXT_MAX]; /* of the last frame from AI Core */

    /* Received. */
    uint64_t frames, key_frames, frame_bytes, hinted, restored, undecodable;
    uint64_t plis, nacks, repaired, missing;
    uint32_t gap_ms_max; /* longest time between two frames */
    char identity[AURA_CALL_NAME_MAX + 1], track[AURA_CALL_NAME_MAX + 1]; /* that is watched */
    uint32_t rtt_us;

    uint64_t reconnects; /* connections that were lost */

    /* Sound that was received. Of its length: taken from later packets' redundancy, made up,
     * and where nobody spoke. */
    uint64_t sound_packets, sound_bytes; /* bytes: payload */
    uint64_t sound_ms, sound_recovered_ms, sound_guessed_ms, sound_silent_ms;

    /* Sound that was sent (aura_call_add_sound()): packets of our own encoder and AI Core's. */
    const char *sound_mode; /* as `mode`, or "kept": AI Core takes it for music */
    uint64_t sound_native, sound_aic, sound_fallbacks;
    uint64_t sound_cut_ms; /* silence that was not sent */
};
/** What happened so far. */
void aura_call_stats(struct aura_call *call, struct aura_call_stats *out);

/** Words for an error code; static text. */
const char *aura_call_error_text(int err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
