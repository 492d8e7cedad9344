/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file file.h  One media file with one track, as it came: WebM (VP8, VP9, AV1, Opus), fragmented
 * MP4 (H.264) or Ogg (Opus).
 *
 * What was written more than a second before is on the disk's side of the process: a file whose
 * writer was killed plays up to there. Threading: one thread.
 */
#ifndef AURA_RECORD_FILE_H
#define AURA_RECORD_FILE_H

#include "record/head.h"

#include <stdbool.h>

struct aura_file;

enum { AURA_FILE_FLUSH_MS = 1000, AURA_FILE_PATH_MAX = 1024 };

struct aura_file_conf {
    const char *path;
    enum aura_codec codec;
    bool ogg; /* Opus: Ogg instead of WebM */
    const struct aura_head *head;
    uint32_t width, height; /* of video */
};

/** How a file of this codec ends: "webm", "mp4", "ogg". */
const char *aura_file_suffix(enum aura_codec codec, bool ogg);
/** @return 0, AURA_ENOMEM, AURA_EIO (the file cannot be made or written), AURA_EUNSUPPORTED */
AURA_NODISCARD int aura_file_open(struct aura_file **out, const struct aura_file_conf *conf);
/** @param time_us  since the file's beginning, later than the one before it.
 * @return 0, AURA_ENOMEM, AURA_EIO */
AURA_NODISCARD int aura_file_write(struct aura_file *f, const uint8_t *data, size_t len,
                                   int64_t time_us, int64_t duration_us, bool key);
/** Bytes that it takes so far. */
uint64_t aura_file_bytes(const struct aura_file *f);
/** Ends it and frees it, NULL is fine. @return 0, AURA_EIO */
int aura_file_close(struct aura_file *f);

#endif
