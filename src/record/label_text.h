/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file label_text.h  What is written of a name: bounded, one line, nothing that would move or
 * hide other letters. Pure functions.
 */
#ifndef AURA_RECORD_LABEL_TEXT_H
#define AURA_RECORD_LABEL_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_LABEL_BYTES_MAX = 255,   /* of UTF-8 */
    AURA_LABEL_CHARS_MAX = 64,    /* shown of a name */
    AURA_LABEL_MARKS_MAX = 4,     /* accents on one letter */
    AURA_INITIALS_BYTES_MAX = 63, /* of UTF-8 */
};

/**
 * The name as it is written: valid UTF-8 (what is not becomes U+FFFD), white space and line ends
 * as one space, no control or format characters (so no bidi overrides; joiners between letters
 * stay), no letter with more than AURA_LABEL_MARKS_MAX accents.
 *
 * @return its length; 0 if nothing is left
 */
size_t aura_label_text(char out[AURA_LABEL_BYTES_MAX + 1], const char *name);
/** Of the first and the last word of what aura_label_text() gave, in capitals; "?" of nothing. */
void aura_label_initials(char out[AURA_INITIALS_BYTES_MAX + 1], const char *text);
/** A colour (0xRRGGBB) of an identity's own, on which white is readable. */
uint32_t aura_label_colour(const char *identity);

#endif
