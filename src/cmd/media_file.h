/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file media_file.h  Any file that libavformat opens as I420 pictures and samples of sound, in
 * the order of their times. Threading: one thread.
 */
#ifndef AURA_CMD_MEDIA_FILE_H
#define AURA_CMD_MEDIA_FILE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct media_file;

enum { MEDIA_SIDE_MAX = 4096, MEDIA_WAITING_MAX = 32 }; /* pictures read ahead */

struct media_file_info {
    bool video, audio;
    uint32_t width, height; /* even; a last odd line or column is left out */
    uint32_t fps;           /* rounded */
};

/** A picture, or 20 ms of sound; borrowed until the next call. */
struct media_item {
    bool video;
    uint64_t time_us; /* from the beginning of the file; goes on where it begins again */
    const uint8_t *plane[3];
    size_t stride[3];
    const int16_t *samples; /* PCM_SLICE_SAMPLES of each of PCM_CHANNELS, 48 kHz */
};

/** @param audio  its sound is of interest. Says on stderr what is wrong. @return 0 or an error */
AURA_NODISCARD int media_file_open(struct media_file **out, const char *path, bool audio);
struct media_file *media_file_close(struct media_file *m);
const struct media_file_info *media_file_info(const struct media_file *m);
/** @param loop  at its end it begins again
 * @return 0, AURA_ECLOSED (the end), AURA_EIO, AURA_ENOMEM, AURA_EUNSUPPORTED */
AURA_NODISCARD int media_file_next(struct media_file *m, bool loop, struct media_item *out);

#endif
