/* SPDX-License-Identifier: Apache-2.0 */
/** @file wav_file.h  A WAV file of 16 bits at 48 kHz that is being written. Threading: one thread
 * at a time. */
#ifndef AURA_CMD_WAV_FILE_H
#define AURA_CMD_WAV_FILE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct wav_file;

enum { WAV_RATE = 48000 };

/** @return 0, AURA_EIO (errno says why), AURA_ENOMEM */
AURA_NODISCARD int wav_file_open(struct wav_file **out, const char *path, uint16_t channels);
/** @param count  of one channel, interleaved. What goes beyond 4 GB is left out. */
void wav_file_write(struct wav_file *w, const int16_t *samples, size_t count);
/** Writes how long it became. @return 0 or AURA_EIO: not all could be written */
AURA_NODISCARD int wav_file_close(struct wav_file *w);

#endif
