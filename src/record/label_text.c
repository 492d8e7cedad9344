/* SPDX-License-Identifier: Apache-2.0 */
#include "record/label_text.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

enum {
    REPLACEMENT = 0xfffd,
    NON_JOINER = 0x200c,
    JOINER = 0x200d,
    UTF8_MAX = 6 /* bytes that GLib may write of a character */
};

struct line {
    char *out;
    size_t len, chars, marks;
    bool space; /* one is due before the next letter */
    gunichar joiner;
};

/* One character, of any bytes. */
static gunichar next(const char **at) {
    gunichar c = g_utf8_get_char_validated(*at, -1);
    if (c >= (gunichar)-2) { /* no UTF-8, or cut off */
        ++*at;
        return REPLACEMENT;
    }
    *at = g_utf8_next_char(*at);
    return c;
}

static bool put(struct line *l, gunichar c) {
    char bytes[UTF8_MAX];
    size_t n = (size_t)g_unichar_to_utf8(c, bytes);
    if (l->chars == AURA_LABEL_CHARS_MAX || l->len + n > AURA_LABEL_BYTES_MAX) {
        return false;
    }
    memcpy(l->out + l->len, bytes, n);
    l->len += n;
    l->chars++;
    return true;
}

/* @return false: the line is full */
static bool add(struct line *l, gunichar c) {
    GUnicodeType type = g_unichar_type(c);
    if (g_unichar_isspace(c) || type == G_UNICODE_LINE_SEPARATOR ||
        type == G_UNICODE_PARAGRAPH_SEPARATOR || type == G_UNICODE_SPACE_SEPARATOR) {
        l->space = l->len > 0;
        l->joiner = 0;
        return true;
    }
    if (c == JOINER || c == NON_JOINER) {
        l->joiner = l->len && !l->space ? c : 0;
        return true;
    }
    if (type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_PRIVATE_USE ||
        type == G_UNICODE_SURROGATE) {
        return true;
    }
    bool mark = g_unichar_ismark(c);
    l->marks = mark ? l->marks + 1 : 0;
    if (mark && (l->marks > AURA_LABEL_MARKS_MAX || !l->len || l->space)) {
        return true;
    }
    size_t before = l->len;
    bool ok = (!l->space || put(l, ' ')) && (!l->joiner || put(l, l->joiner)) && put(l, c);
    l->len = ok ? l->len : before; /* what joins or parts needs a letter behind it */
    l->space = false;
    l->joiner = 0;
    return ok;
}

size_t aura_label_text(char out[AURA_LABEL_BYTES_MAX + 1], const char *name) {
    struct line l = {.out = out};
    while (*name && add(&l, next(&name))) {
    }
    out[l.len] = 0;
    return l.len;
}

/* The first letter or digit of a word, else what it begins with, with its accents. */
static size_t initial(char *out, const char *word) {
    const char *at = word;
    while (*at && *at != ' ' && !g_unichar_isalnum(g_utf8_get_char(at))) {
        at = g_utf8_next_char(at);
    }
    at = *at && *at != ' ' ? at : word;
    size_t n = (size_t)g_unichar_to_utf8(g_unichar_totitle(g_utf8_get_char(at)), out);
    for (at = g_utf8_next_char(at); g_unichar_ismark(g_utf8_get_char(at));
         at = g_utf8_next_char(at)) {
        n += (size_t)g_unichar_to_utf8(g_utf8_get_char(at), out + n);
    }
    return n;
}

void aura_label_initials(char out[AURA_INITIALS_BYTES_MAX + 1], const char *text) {
    const char *last = strrchr(text, ' ');
    size_t n = 0;
    if (!text[0]) {
        text = "?";
    }
    n += initial(out, text);
    if (last && last[1]) { /* letters that join would look like a word */
        n += (size_t)g_unichar_to_utf8(NON_JOINER, out + n);
        n += initial(out + n, last + 1);
    }
    out[n] = 0;
}

uint32_t aura_label_colour(const char *identity) {
    static const uint32_t colours[] = {0x9c3b52, 0x7d4a2d, 0x6f5a1e, 0x4f6526, 0x2f6b45, 0x226b6b,
                                       0x2a6183, 0x3d5693, 0x564b9a, 0x70438f, 0x863c78, 0x56616d};
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *identity; identity++) {
        hash = (hash ^ (uint8_t)*identity) * 16777619u;
    }
    return colours[(hash ^ hash >> 16) % (sizeof(colours) / sizeof(colours[0]))];
}
