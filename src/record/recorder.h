/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file recorder.h  Records a room as a hidden participant: each track to files of its own as it
 * came, and a manifest (manifest.json) that says what they are and how they line up.
 *
 * It has a thread of its own. Threading: made, asked and freed by one thread.
 */
#ifndef AURA_RECORD_RECORDER_H
#define AURA_RECORD_RECORDER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aura_recorder;

enum {
    AURA_RECORD_TRACKS_MAX = 1024,        /* of one recording; later ones are not recorded */
    AURA_RECORD_EVENTS_MAX = 10000,       /* in the manifest; later ones are counted only */
    AURA_RECORD_INTERRUPTIONS_MAX = 1000, /* of the connection, in the manifest */
    AURA_RECORD_PATIENCE_S = 300,         /* by default */
    AURA_RECORD_MANIFEST_MS = 2000,       /* a changed manifest is written at this pace */
};

/** Zeroed, then what is needed is set. Texts are copied. */
struct aura_recorder_conf {
    const char *url, *token; /* the token has hidden, recorder and can_subscribe */
    const char *room;        /* for the manifest */
    const char *folder;      /* exists, is ours */
    bool insecure;
    bool audio, video;    /* kinds that are recorded */
    bool ogg;             /* sound as Ogg instead of WebM */
    bool camera, screen;  /* of the two only that source, with its sound; neither = both */
    bool end_with_source; /* when the participant, or the tracks, asked for are gone */
    uint64_t patience_s;  /* a lost connection is tried anew for so long; 0 = it ends */
    const char *only_identity, *only_track,
        *only_track_2;                  /* by identity, by the tracks' ids; NULL = all */
    uint64_t duration_s_max, bytes_max; /* 0 = no limit */
    uint64_t free_bytes_min;            /* of the disk */
};

enum aura_record_end {
    AURA_RECORD_RUNS,
    AURA_RECORD_STOPPED,    /* by aura_recorder_stop() */
    AURA_RECORD_ROOM_ENDED, /* the server said so: the room ended, or the recorder was sent away */
    AURA_RECORD_LOST,       /* the connection broke, and did not come back in time */
    AURA_RECORD_SOURCE,     /* what was asked for is gone */
    AURA_RECORD_DURATION,   /* the limit was reached … */
    AURA_RECORD_SIZE,
    AURA_RECORD_DISK,        /* too little space was left */
    AURA_RECORD_WRITE,       /* a file could not be written */
    AURA_RECORD_UNREACHABLE, /* never connected */
};
/** "stopped", "room_ended", "max_duration", … */
const char *aura_record_end_name(enum aura_record_end end);

struct aura_recorder_status {
    enum aura_record_end end;
    char why[192];        /* a sentence, once it ended */
    bool connected;       /* now */
    size_t tracks, files; /* of which something was recorded */
    uint64_t bytes, frames, plis, nacks, repaired;
    uint64_t dropped; /* frames and packets of sound that came and are in no file */
};

/** Makes the folder's manifest and joins. @return 0, AURA_ENOMEM, AURA_EINVAL (URL), AURA_EIO */
AURA_NODISCARD int aura_recorder_new(struct aura_recorder **out,
                                     const struct aura_recorder_conf *conf);
/** Once `end` is not AURA_RECORD_RUNS all files are complete, and nothing more happens. */
void aura_recorder_status(struct aura_recorder *r, struct aura_recorder_status *out);
/** Leaves, ends all files, writes the last manifest; its status can still be asked for. */
void aura_recorder_stop(struct aura_recorder *r);
/** Stops it if it runs. NULL is fine. */
void aura_recorder_free(struct aura_recorder *r);

#endif
