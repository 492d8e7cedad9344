/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file compose.h  One file out of a recording's many: pictures side by side, sound mixed.
 *
 * Offline: reads a folder with a manifest.json (docs/recording.md). Threading: one thread.
 */
#ifndef AURA_RECORD_COMPOSE_H
#define AURA_RECORD_COMPOSE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AURA_COMPOSE_SIDE_MAX = 4096,
    AURA_COMPOSE_FPS_MAX = 60,
    AURA_COMPOSE_AUDIO_KBPS_MAX = 510,
    AURA_COMPOSE_KEY_FRAME_MS_MAX = 60000,
    AURA_COMPOSE_FILES_MAX = 4096, /* of a recording */
    AURA_COMPOSE_STALE_MS = 2000,  /* a picture that stands longer is not shown any more */
    AURA_COMPOSE_TILES_MAX = 25,   /* beyond that those without a picture get no tile */
};

enum aura_compose_layout {
    AURA_COMPOSE_GRID,    /* all are equal */
    AURA_COMPOSE_SPEAKER, /* who speaks is large, or a shared screen */
    AURA_COMPOSE_SINGLE,  /* who speaks, alone */
};

/** From then on. */
struct aura_compose_change {
    int64_t at_us; /* wall clock, as the manifest's times */
    enum aura_compose_layout layout;
    bool bare; /* pictures alone: no names, no borders, nobody without a picture */
};

struct aura_compose_conf {
    const char *folder, *output; /* "….mp4": H.264, AAC; "….webm": VP8, Opus; "….ogg": Opus alone */
    bool no_sound, no_picture;
    enum aura_compose_layout layout;           /* at first */
    bool bare;                                 /* at first; as in a change */
    bool always_bare;                          /* whatever changes say */
    const struct aura_compose_change *changes; /* in the order of time */
    size_t change_count;
    uint32_t width, height, fps;               /* even sides */
    uint32_t kbps;                             /* of the picture; 0 = by size */
    uint32_t audio_kbps;                       /* 0 = 96 */
    uint32_t key_frame_ms;                     /* at most from one to the next; 0 = 2000 */
    void (*progress)(void *arg, double share); /* 0…1, some times a second; NULL is fine */
    bool (*stop)(void *arg);                   /* true: end now, with a whole file; NULL is fine */
    void *arg;
};

struct aura_compose_result {
    int64_t duration_us;
    uint64_t pictures;
    size_t files, unreadable;
    size_t shown_max; /* tiles side by side, at most; 0 without a picture */
    char why[192];    /* what went wrong, for people */
};

/** @return 0; AURA_EINVAL, AURA_ENOENT (no recording there), AURA_EMALFORMED (its manifest),
 * AURA_EUNSUPPORTED (no such encoder), AURA_EIO, AURA_ENOMEM */
AURA_NODISCARD int aura_compose(const struct aura_compose_conf *conf,
                                struct aura_compose_result *out);

#endif
