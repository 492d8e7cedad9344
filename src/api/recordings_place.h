/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file recordings_place.h  A recorded file gets the name that was asked for, somewhere below the
 * recordings' folder, and nowhere else: no link on the way is followed, no file is written over.
 */
#ifndef AURA_API_RECORDINGS_PLACE_H
#define AURA_API_RECORDINGS_PLACE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { AURA__PLACE_TRIES = 100 }; /* numbers that are tried where a name is taken */

/**
 * @param folder  of all recordings
 * @param from    the file now: "EG_…/name"
 * @param to      the path in @p folder, without its suffix; folders that are missing are made
 * @param keep    under its old name too, where the file system knows hard links
 * @param out     "to.suffix", or "to-2.suffix" … where that was taken
 * @return 0, AURA_EPOLICY (something on the way is no folder, or a link), AURA_EEXISTS, AURA_EIO
 */
AURA_NODISCARD int aura__place(const char *folder, const char *from, const char *to,
                               const char *suffix, bool keep, char *out, size_t out_size);

#endif
