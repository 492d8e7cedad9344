/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file aic.h  AIC hints: what was done to a frame, in an RTP header extension (RFC 8285).
 *
 * The normative text is docs/aic-protocol.md. Everything here is a pure function on bytes: it
 * allocates nothing and keeps nothing.
 */
#ifndef AURALINK_AIC_H
#define AURALINK_AIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** URI of the extension in SDP's a=extmap. */
#define AURA_AIC_URI "urn:x-auralink:rtp-hdrext:aic:1"

enum {
    AURA_AIC_VERSION = 1,
    AURA_AIC_HINTS_BYTES = 10,     /* of version 1; later ones may be longer */
    AURA_AIC_HINTS_BYTES_MAX = 12, /* so that the one-byte form always has room */
    AURA_AIC_TEXT_MAX = 96,        /* text form, with the NUL */
    AURA_AIC_SCALE_ONE = 16,       /* aura_aic_hints.scale_q4 of a frame in its own size */
    AURA_AIC_MODEL_NONE = 0,
};

/** How the frame came about. */
enum aura_aic_mode {
    AURA_AIC_NATIVE = 0,     /* the sender's own codec, untouched */
    AURA_AIC_GOVERNED = 1,   /* the sender's own codec at a rate that a model chose */
    AURA_AIC_COMPRESSED = 2, /* encoded by AI Core; any decoder of that codec shows it */
    AURA_AIC_ENHANCED = 3,   /* the same, and the receiver is meant to restore it */
};

/** What a receiver may use; unknown bits are ignored. */
enum aura_aic_flag {
    AURA_AIC_SWITCHED = 1 << 0,  /* among the first frames after a change of mode */
    AURA_AIC_SCREEN = 1 << 1,    /* a screen or text, not a camera */
    AURA_AIC_FACES = 1 << 2,     /* at least one face is in it */
    AURA_AIC_SHARPENED = 1 << 3, /* before encoding: do not sharpen again */
    AURA_AIC_SILENCE = 1 << 4,   /* audio: no speech */
    AURA_AIC_FLAGS_KNOWN = 0x1f,
};

/** Hints of one frame. Zeroed, it says: native, nothing known. */
struct aura_aic_hints {
    enum aura_aic_mode mode;
    uint8_t flags;       /* enum aura_aic_flag */
    uint16_t model;      /* number in AI Core's manifest; AURA_AIC_MODEL_NONE */
    float saved;         /* 0…1 of the native frame's bytes; steps of 1/200 */
    float vmaf;          /* predicted quality 0…100 in steps of 0.5; negative = unknown */
    uint32_t latency_us; /* added by the AI, steps of 100 µs, ceiling 6.5534 s */
    bool latency_known;
    uint8_t scale_q4; /* source width over coded width, in sixteenths; 0 = unknown */
    uint8_t restore;  /* strength of the restoration that fits, 0…255; 0 = none */
};

/**
 * Writes the extension's data. Values out of range are put on the nearest one that fits.
 * @return bytes written (AURA_AIC_HINTS_BYTES), or 0 if `cap` is too small
 */
size_t aura_aic_hints_write(const struct aura_aic_hints *h, uint8_t *out, size_t cap);

/**
 * Reads the extension's data; longer data of the same version is read as far as it is known.
 * @return 0; negative: too short, or of another version (then the frame is taken as it is)
 */
int aura_aic_hints_read(struct aura_aic_hints *h, const uint8_t *data, size_t len);

/**
 * Text for people and logs: "ratio:0.80 vmaf:91 model:seg-1 lat:6.2ms"; what is unknown is left
 * out.
 * @param model  name of the model, NULL = its number
 * @return characters written, without the NUL that is always there
 */
size_t aura_aic_hints_text(const struct aura_aic_hints *h, const char *model,
                           char out[AURA_AIC_TEXT_MAX]);

/** "native", "governed", "compressed", "enhanced"; never NULL. */
const char *aura_aic_mode_name(enum aura_aic_mode mode);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
