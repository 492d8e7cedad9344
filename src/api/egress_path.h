/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file egress_path.h  The file that an egress shall write, as LiveKit's requests name it
 * ("{room_name}/{time}.mp4"), made a path that cannot leave the recordings' folder.
 */
#ifndef AURA_API_EGRESS_PATH_H
#define AURA_API_EGRESS_PATH_H

#include "base/err.h"

#include <stdint.h>

enum {
    AURA_EGRESS_PATH_MAX = 767,      /* bytes, without the recordings' folder */
    AURA_EGRESS_PATH_NAME_MAX = 239, /* of one folder or file in it; a suffix must still fit */
};

/** What the words in braces stand for; NULL = not known, then they stay as they are. */
struct aura_egress_words {
    const char *room_name, *room_id, *publisher_identity, *track_id, *track_type, *track_source;
    int64_t now_us; /* wall clock, for {time} and {utc} */
};

/**
 * Words are put in, with "_" for what would be another folder or nobody's character.
 * @param folder   of the recordings: a path may begin with it
 * @param wanted   "" = @p fallback; "folder/" = @p fallback in there
 * @param out      relative, without "." and ".."; a suffix is as wanted
 * @param why      what to say to the caller; a constant
 * @return 0, AURA_EINVAL
 */
AURA_NODISCARD int aura_egress_path(char out[AURA_EGRESS_PATH_MAX + 1], const char *folder,
                                    const char *wanted, const char *fallback,
                                    const struct aura_egress_words *words, const char **why);

#endif
