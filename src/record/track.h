/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file track.h  One recorded track: its packets become files. A new file begins where a player
 * could not follow: another codec, another size of H.264, other parameters of AV1, a long gap in
 * Ogg.
 *
 * Threading: the recorder's thread.
 */
#ifndef AURA_RECORD_TRACK_H
#define AURA_RECORD_TRACK_H

#include "client/frames.h"
#include "record/file.h"
#include "record/sound.h"
#include "record/timeline.h"

enum {
    AURA_TRACK_TEXT_MAX = 127,
    AURA_TRACK_FILES_MAX = 1000, /* of one track; later media is not recorded */
    AURA_TRACK_GAP_MS = 1000,    /* longer ones are counted */
    AURA_TRACK_OGG_GAP_S = 60,   /* filled with silence up to this */
};

/** What the manifest says of one file. */
struct aura_track_file {
    char name[200];
    enum aura_codec codec;
    uint32_t width, height; /* largest picture */
    bool open, captured;    /* captured: captured_us is known */
    int64_t begin_us;       /* media time of its first frame */
    int64_t arrival_us;     /* wall clock then */
    int64_t captured_us;    /* publisher's clock then; frozen when it is closed */
    int64_t end_us;         /* media time of the end of the last frame */
    uint64_t frames, key_frames, bytes, gaps, sizes;
    int64_t gap_us_max;
};

struct aura_record_track {
    struct aura_record_track *next;
    char sid[AURA_TRACK_TEXT_MAX + 1], name[AURA_TRACK_TEXT_MAX + 1];
    char identity[AURA_TRACK_TEXT_MAX + 1], owner[AURA_TRACK_TEXT_MAX + 1]; /* owner: sid */
    const char *source;
    bool video, muted, ended, encrypted, wanted;
    struct aura_timeline timeline;
    struct aura_sound_order *sound;
    struct aura_file *file;
    enum aura_codec codec; /* of `file` */
    struct aura_head head;
    uint32_t width, height;
    int64_t last_us, frame_us; /* the frame before, and how long one lasts */
    struct aura_track_file *files;
    size_t file_count, file_cap;
    bool ogg;
    const char *folder;
    uint64_t dropped; /* frames, or packets of sound, that came and are in no file */
    int64_t wall_us;  /* of the packet under way */
    int err;          /* the first failure to write; nothing more is recorded */
};

/** @param folder  borrowed, for its life. @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_record_track_new(struct aura_record_track **out, const char *sid,
                                         const char *folder);
/** Ends its file. NULL is fine; returns NULL. */
struct aura_record_track *aura_record_track_free(struct aura_record_track *t);
/** A video frame, or an audio payload. @param wall_us  when it came (µs since 1970)
 * @return false: a key frame is needed to go on */
bool aura_record_track_frame(struct aura_record_track *t, const struct aura_frame *frame,
                             int64_t wall_us);
void aura_record_track_sound(struct aura_record_track *t, enum aura_codec codec, uint32_t ts,
                             uint32_t rate, const uint8_t *payload, size_t len, int64_t arrival_us,
                             int64_t wall_us);
/** Nothing more comes: its file is ended. */
void aura_record_track_end(struct aura_record_track *t);
/** Bytes of all its files. */
uint64_t aura_record_track_bytes(const struct aura_record_track *t);

#endif
