/* SPDX-License-Identifier: Apache-2.0 */
#include "api/egress_path.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TIME_BYTES = 40, US_PER_S = 1000000, US_PER_MS = 1000 };

struct text {
    char *to;
    size_t len;
    bool full;
};

static void add(struct text *t, char c) {
    if (t->len == AURA_EGRESS_PATH_MAX) {
        t->full = true;
        return;
    }
    t->to[t->len++] = c;
}

static bool is_control(char c) {
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Identities and names of rooms are what people chose: a part of a name, and no more. */
static void add_word(struct text *t, const char *word) {
    for (size_t i = 0; word[i]; i++) {
        bool dot = i == 0 && word[i] == '.';
        add(t, dot || word[i] == '/' || word[i] == '\\' || is_control(word[i]) ? '_' : word[i]);
    }
}

static void add_time(struct text *t, int64_t us, bool utc) {
    char text[TIME_BYTES];
    time_t seconds = (time_t)(us / US_PER_S);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts)) {
        return;
    }
    size_t n = strftime(text, sizeof(text), utc ? "%Y%m%d%H%M%S" : "%Y-%m-%dT%H%M%S", &parts);
    if (utc) {
        snprintf(text + n, sizeof(text) - n, "%03d", (int)(us % US_PER_S / US_PER_MS));
    }
    add_word(t, text);
}

/* @return bytes of the template that were understood */
static size_t replace(struct text *t, const char *at, const struct aura_egress_words *w) {
    const struct {
        const char *word, *text;
    } known[] = {{"{room_name}", w->room_name},
                 {"{room_id}", w->room_id},
                 {"{publisher_identity}", w->publisher_identity},
                 {"{track_id}", w->track_id},
                 {"{track_type}", w->track_type},
                 {"{track_source}", w->track_source}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t n = strlen(known[i].word);
        if (known[i].text && strncmp(at, known[i].word, n) == 0) {
            add_word(t, known[i].text);
            return n;
        }
    }
    if (strncmp(at, "{time}", 6) == 0 || strncmp(at, "{utc}", 5) == 0) {
        add_time(t, w->now_us, at[1] == 'u');
        return at[1] == 'u' ? 5 : 6;
    }
    return 0;
}

static void fill(struct text *t, const char *from, const struct aura_egress_words *words) {
    while (*from) {
        size_t n = *from == '{' ? replace(t, from, words) : 0;
        if (!n) {
            add(t, is_control(*from) ? '_' : *from);
            n = 1;
        }
        from += n;
    }
}

/* Every part between slashes is the name of something below. */
static const char *problem(const char *path) {
    if (strncmp(path, "EG_", 3) == 0) {
        return "filepath: names that begin with EG_ are the recordings' own";
    }
    for (const char *at = path; *at;) {
        size_t n = strcspn(at, "/");
        if (n == 0 || (n == 1 && at[0] == '.') || (n == 2 && at[0] == '.' && at[1] == '.')) {
            return "filepath: it must stay in the server's recordings folder, without \"..\"";
        }
        if (n > AURA_EGRESS_PATH_NAME_MAX) {
            return "filepath: a name in it is too long";
        }
        at += n + (at[n] == '/');
    }
    return NULL;
}

int aura_egress_path(char out[AURA_EGRESS_PATH_MAX + 1], const char *folder, const char *wanted,
                     const char *fallback, const struct aura_egress_words *words,
                     const char **why) {
    struct text t = {.to = out};
    size_t in = strlen(folder);
    if (in && strncmp(wanted, folder, in) == 0 && wanted[in] == '/') {
        wanted += in + 1;
    }
    if (wanted[0] == '/') {
        *why = "filepath: give it relative to the server's recordings folder";
        return AURA_EINVAL;
    }
    fill(&t, wanted, words);
    if (!t.len || out[t.len - 1] == '/') {
        fill(&t, fallback, words);
    }
    out[t.len] = 0;
    *why = t.full ? "filepath: too long" : problem(out);
    return *why ? AURA_EINVAL : 0;
}
