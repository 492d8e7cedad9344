/* SPDX-License-Identifier: Apache-2.0 */
/** @file about.h  What a line of the log is about, under the same names as in src/room (docs/
 * operating.md); with base/log.h. */
#ifndef AURA_SFU_ABOUT_H
#define AURA_SFU_ABOUT_H

#include "sfu/sfu.h"

/** NULL where it is not known: the line goes without it. */
static inline const char *aura_sfu_known(const char *text) {
    return text[0] ? text : NULL;
}

/** @param a  struct aura_sfu_about * */
#define LOG_ABOUT(a)                                                                               \
    AURA_S("room", aura_sfu_known((a)->room)), AURA_S("room_sid", aura_sfu_known((a)->room_sid)),  \
        AURA_S("participant", aura_sfu_known((a)->participant)),                                   \
        AURA_S("participant_sid", aura_sfu_known((a)->participant_sid)),                           \
        AURA_S("track_sid", aura_sfu_known((a)->track_sid))

#endif
