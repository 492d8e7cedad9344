/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file recordings.h  Recordings that the server has made: `auralink record` as a child process for
 * each, with a token for its room alone, and `auralink record compose` behind it where one file is
 * wanted.
 *
 * Children get no secret of the server, gain no rights (no_new_privs), and end with it. Threading:
 * the loop's thread.
 */
#ifndef AURA_API_RECORDINGS_H
#define AURA_API_RECORDINGS_H

#include "net/loop.h"
#include "room/token.h"

#include <protobuf-c/protobuf-c.h>

struct aura_recordings;

enum {
    AURA_RECORDINGS_KEPT = 1000, /* that ended and are still listed; the oldest go first */
    AURA_RECORDING_ID_LEN = 12,  /* behind "EG_" */
    AURA_RECORDING_NAME_MAX = 255,
    AURA_RECORDING_PATH_MAX = 1023,
    AURA_RECORDING_FILES_MAX = 64,  /* listed of one; the others are in its manifest */
    AURA_RECORDING_LAYOUTS_MAX = 8, /* changes of one while it runs */
};

struct aura_recording;

enum aura_recording_event { /* as LiveKit's webhooks have them */
                            AURA_RECORDING_STARTED,
                            AURA_RECORDING_UPDATED,
                            AURA_RECORDING_ENDED,
};
typedef void(aura_recording_fn)(void *arg, const struct aura_recording *e,
                                enum aura_recording_event what);

struct aura_recordings_conf {
    aura_recording_fn *changed; /* on the loop; NULL = of no interest */
    void *arg;
    const char *folder;  /* all recordings are folders in it */
    const char *program; /* "" = auralink beside our own program */
    const char *url;     /* of this server, as the recorder reaches it */
    bool insecure;       /* the url is ourselves on loopback: our certificate has another name */
    uint32_t max;        /* at a time */
    uint32_t max_duration_s, min_free_mb;
    bool labels;                  /* of rooms in one file: names, and who speaks */
    const struct aura_keys *keys; /* borrowed */
    struct aura_rand *rand;
};

enum aura_recording_kind {
    AURA_RECORDING_ROOM,
    AURA_RECORDING_PARTICIPANT,
    AURA_RECORDING_TRACKS, /* two, in one file */
    AURA_RECORDING_TRACK,  /* as it is */
};

enum aura_recording_state { /* in LiveKit's order (EgressStatus) */
                            AURA_RECORDING_STARTING,
                            AURA_RECORDING_ACTIVE,
                            AURA_RECORDING_ENDING, /* stopped, or its file is composed */
                            AURA_RECORDING_COMPLETE,
                            AURA_RECORDING_FAILED,
                            AURA_RECORDING_ABORTED, /* stopped before anything was recorded */
                            AURA_RECORDING_LIMIT,
};

struct aura_recording_file {
    char *name; /* path in the recordings' folder */
    int64_t start_us, duration_us, bytes;
};

enum aura_recording_source { /* of a participant */
                             AURA_RECORDING_ANY,
                             AURA_RECORDING_CAMERA, /* and microphone */
                             AURA_RECORDING_SCREEN, /* and its sound */
};

/** What is asked for; borrowed. */
struct aura_recording_request {
    enum aura_recording_kind kind;
    const char *room, *room_id, *identity, *track, *track_2; /* NULL or "" = none */
    const char *publisher; /* whose the track is, for the log; the same */
    const char *output; /* path in the folder without suffix, from aura_egress_path(); NULL = where
                           it was recorded */
    const char *suffix; /* of the composed file, a constant: ".mp4", ".webm", ".ogg" */
    enum aura_recording_source source;
    const char *layout; /* "grid", "speaker", "single-speaker", each perhaps with "-nolabels" behind
                           it; a constant, NULL = grid */
    bool audio_only, video_only;
    uint32_t width, height, fps, kbps; /* of the composed picture; 0 = default */
    uint32_t audio_kbps, key_frame_ms; /* as well */
    const ProtobufCMessage *asked;     /* the request, for who asks; copied; may be NULL */
};

/** One of them; it is read only, and valid until the loop turns. */
struct aura_recording {
    struct aura_recording *next;
    char id[3 + AURA_RECORDING_ID_LEN + 1];
    char room[AURA_RECORDING_NAME_MAX + 1], room_id[64];
    char identity[AURA_RECORDING_NAME_MAX + 1], track[64]; /* that alone; "" = no such wish */
    char folder[AURA_RECORDING_PATH_MAX + 1]; /* its own, of files as they were recorded */
    enum aura_recording_kind kind;
    enum aura_recording_state state;
    int64_t started_us, updated_us, ended_us; /* wall clock */
    char error[256];
    size_t file_count;
    struct aura_recording_file *files;
    ProtobufCMessage *asked; /* NULL = unknown */
    /* Of recordings*.c alone. */
    struct aura_recordings *owner;
    char output[AURA_RECORDING_PATH_MAX + 1]; /* "" = files stay where they are */
    const char *suffix, *layout;
    bool audio_only, video_only;
    uint32_t width, height, fps, kbps, audio_kbps, key_frame_ms;
    struct {
        int64_t at_us;
        const char *layout;
    } layouts[AURA_RECORDING_LAYOUTS_MAX];
    size_t layout_count;
    bool stopped, limited, composing;
    uint64_t bytes, frames, dropped; /* as its recorder said last */
    int64_t pid;
    struct aura_watch exit_watch, line_watch;
    size_t line_len;
    char line[2048];
};

AURA_NODISCARD int aura_recordings_new(struct aura_recordings **out,
                                       const struct aura_recordings_conf *conf,
                                       struct aura_loop *loop);
/** Asks those that run to end, and does not wait. NULL is fine. */
struct aura_recordings *aura_recordings_free(struct aura_recordings *r);

/** @return 0, AURA_ELIMIT (too many at a time), AURA_EIO, AURA_ENOMEM, AURA_EINVAL (a name) */
AURA_NODISCARD int aura_recordings_start(struct aura_recordings *r,
                                         const struct aura_recording_request *q,
                                         const struct aura_recording **out);
/** @return 0, AURA_ENOENT, AURA_ESTATE (it has ended) */
AURA_NODISCARD int aura_recordings_stop(struct aura_recordings *r, const char *id,
                                        const struct aura_recording **out);
/**
 * The layout from now on, a constant, of a room that is recorded into one file.
 * @return 0, AURA_ENOENT, AURA_ESTATE (it has ended, or has no layout), AURA_ELIMIT
 */
AURA_NODISCARD int aura_recordings_set_layout(struct aura_recordings *r, const char *id,
                                              const char *layout,
                                              const struct aura_recording **out);
/** Of all recordings. */
const char *aura_recordings_folder(const struct aura_recordings *r);
/** Newest first, by `next`. */
const struct aura_recording *aura_recordings_first(const struct aura_recordings *r);

/** How many run now. */
size_t aura_recordings_running(const struct aura_recordings *r);

/** Since the start of the server. */
struct aura_recordings_stats {
    uint64_t started;
    uint64_t ended[AURA_RECORDING_LIMIT + 1]; /* by state, from AURA_RECORDING_COMPLETE on */
    uint64_t bytes, frames, dropped; /* of what was recorded, as recorders said last; frames that
                                      * came to them and are in no file */
    uint64_t composed_bytes;
    size_t now[AURA_RECORDING_ENDING + 1]; /* that run, by state */
};
void aura_recordings_stats(const struct aura_recordings *r, struct aura_recordings_stats *out);
/** "starting", "active", "ending", "complete", "failed", "aborted", "limit". */
const char *aura_recording_state_name(enum aura_recording_state state);

#endif
