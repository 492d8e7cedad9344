/* SPDX-License-Identifier: Apache-2.0 */
/** @file clip_priv.h  Shared by clip.c (formats) and clip_parts.c (payloads). */
#ifndef AURA_CLIENT_CLIP_PRIV_H
#define AURA_CLIENT_CLIP_PRIV_H

#include "client/clip.h"

/** A clip while it is made: the arrays grow. */
struct aura__clip_maker {
    struct aura_clip *clip;
    struct aura_clip_frame *frames;
    struct aura_clip_part *parts;
    size_t frame_cap, part_cap;
    int err;
};

/** Begins a frame; parts follow. */
void aura__clip_frame(struct aura__clip_maker *m, bool key);
void aura__clip_part(struct aura__clip_maker *m, const struct aura_clip_part *part);
/** Parts of the frame just begun, from bytes of the clip: one codec each. */
void aura__clip_cut_vp8(struct aura__clip_maker *m, size_t at, size_t len);
/** One NAL unit, without its start code. */
void aura__clip_cut_nal(struct aura__clip_maker *m, size_t at, size_t len);
/** Splits the Annex B stream into access units and NAL units. */
int aura__clip_annexb(struct aura__clip_maker *m);

#endif
