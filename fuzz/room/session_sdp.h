/* SPDX-License-Identifier: Apache-2.0 */
/** @file session_sdp.h  Offers and answers of a client, made of a few bytes: what a mutation of the
 * text would hardly ever hit. */
#ifndef AURA_FUZZ_SESSION_SDP_H
#define AURA_FUZZ_SESSION_SDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SECTIONS_MAX = 14, SDP_BYTES = 48 * 1024 };

/** A client's sections so far: the kind of one that was offered stays. */
struct sections {
    size_t count;
    struct {
        uint8_t kind;  /* 0 sound, 1 video, 2 data */
        uint8_t shape; /* direction, simulcast, track id: chosen anew in each offer */
        bool offered;
    } at[SECTIONS_MAX];
};

/** @param restart  fresh ICE credentials. @return its length */
size_t session_offer(char *out, const struct sections *s, bool restart);
/** What a client answers to @p offer. @param refuse  bit per section: not wanted */
size_t session_answer(char *out, const char *offer, uint8_t refuse);

#endif
