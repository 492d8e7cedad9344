/* SPDX-License-Identifier: Apache-2.0 */
/* What is written of a name, out of any bytes: bounded, valid, and the same when written again. */
#include "base/mem.h"
#include "record/label_text.h"

#include <glib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char name[NAME_MAX_BYTES + 1];
    char text[AURA_LABEL_BYTES_MAX + 1], again[AURA_LABEL_BYTES_MAX + 1];
    char initials[AURA_INITIALS_BYTES_MAX + 1];
    size = size < NAME_MAX_BYTES ? size : NAME_MAX_BYTES;
    memcpy(name, data, size);
    name[size] = 0;
    size_t n = aura_label_text(text, name);
    AURA_BUG_ON(n != strlen(text) || !g_utf8_validate(text, -1, NULL));
    AURA_BUG_ON(g_utf8_strlen(text, -1) > AURA_LABEL_CHARS_MAX);
    AURA_BUG_ON(aura_label_text(again, text) != n || strcmp(again, text) != 0);
    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        AURA_BUG_ON(g_unichar_iscntrl(g_utf8_get_char(at)));
    }
    aura_label_initials(initials, text);
    AURA_BUG_ON(!initials[0] || !g_utf8_validate(initials, -1, NULL));
    (void)aura_label_colour(name);
    return 0;
}
