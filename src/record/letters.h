/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file letters.h  Text as a mask, in the fonts of this system: Pango lays it out, with bidi,
 * shaping and another font for letters that the first one lacks.
 *
 * Threading: one thread. Memory of Pango is its own.
 */
#ifndef AURA_RECORD_LETTERS_H
#define AURA_RECORD_LETTERS_H

#include "record/canvas.h"

#include <stdbool.h>

enum { AURA_LETTERS_PX_MIN = 4, AURA_LETTERS_PX_MAX = 1024 /* height */ };

struct aura_letters;

/** @return 0, AURA_ENOENT (fontconfig knows no font that can be used), AURA_ENOMEM */
AURA_NODISCARD int aura_letters_new(struct aura_letters **out);
/** NULL is fine. */
struct aura_letters *aura_letters_free(struct aura_letters *l);
/**
 * One line. What is longer than @p width_max ends in an ellipsis; letters that no font has are
 * boxes.
 *
 * @param text  from aura_label_text() or aura_label_initials()
 * @param px    height of the letters with those parts that go below the line, about
 * @return 0, AURA_EINVAL (px, or nothing to be seen), AURA_ENOMEM
 */
AURA_NODISCARD int aura_letters_draw(struct aura_letters *l, const char *text, uint32_t px,
                                     uint32_t width_max, bool bold, struct aura_mask **out);

#endif
