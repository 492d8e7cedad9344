/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 8192, LINES_PER_SECOND = 5 };

static _Atomic int lowest = AURA_LOG_INFO; /* may change while other threads write */
static _Atomic bool as_json;
static const char *const names[] = {"debug", "info", "warn", "error"};

void aura_log_setup(enum aura_log_level level, bool json) {
    lowest = (int)level;
    as_json = json;
}

int aura_log_level_parse(const char *text, enum aura_log_level *level) {
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            *level = (enum aura_log_level)i;
            return 0;
        }
    }
    return AURA_EINVAL;
}

bool aura_log_on(enum aura_log_level level) {
    return (int)level >= atomic_load_explicit(&lowest, memory_order_relaxed);
}

bool aura_log_allow(struct aura_log_limit *limit) {
    uint64_t second = aura_now_us(aura_clock_system()) / AURA_US_PER_S;
    if (limit->window_s != second) {
        limit->window_s = second;
        limit->used = 0;
    }
    return limit->used++ < LINES_PER_SECOND;
}

struct line {
    char text[LINE_BYTES];
    size_t len;
};

/* Two bytes stay free for the closing brace and the line end. */
static void put(struct line *l, const char *s, size_t n) {
    size_t room = sizeof(l->text) - 2 - l->len;
    n = n < room ? n : room;
    memcpy(l->text + l->len, s, n);
    l->len += n;
}

static void put_str(struct line *l, const char *s) {
    put(l, s, strlen(s));
}

/* Quoted and escaped: a peer's text can neither forge a line nor break the JSON. */
static void put_quoted(struct line *l, const char *s) {
    put(l, "\"", 1);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        char esc[8];
        if (c == '"' || c == '\\') {
            put(l, (const char[]){'\\', (char)c}, 2);
        } else if (c < 0x20 || c == 0x7f) {
            snprintf(esc, sizeof(esc), "\\u%04x", c);
            put_str(l, esc);
        } else {
            put(l, s, 1);
        }
    }
    put(l, "\"", 1);
}

static void put_value(struct line *l, const struct aura_kv *kv) {
    char number[40];
    switch (kv->kind) {
    case AURA_KV_STR:
        put_quoted(l, kv->s);
        return;
    case AURA_KV_INT:
        snprintf(number, sizeof(number), "%lld", (long long)kv->i);
        break;
    case AURA_KV_DBL:
        snprintf(number, sizeof(number), "%.6g", kv->d);
        break;
    }
    put_str(l, number);
}

static void put_time(struct line *l) {
    uint64_t wall = aura_wall_us(aura_clock_system());
    time_t s = (time_t)(wall / AURA_US_PER_S);
    struct tm tm;
    gmtime_r(&s, &tm);
    char text[40], whole[64];
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(whole, sizeof(whole), "%s.%03uZ", text, (unsigned)(wall / AURA_US_PER_MS % 1000));
    put_str(l, whole);
}

void aura_log_write(enum aura_log_level level, const char *scope, const char *event,
                    const struct aura_kv *kv, size_t n) {
    struct line l = {.len = 0};
    if (as_json) {
        put_str(&l, "{\"ts\":\"");
        put_time(&l);
        put_str(&l, "\",\"level\":\"");
        put_str(&l, names[level]);
        put_str(&l, "\",\"scope\":\"");
        put_str(&l, scope);
        put_str(&l, "\",\"event\":\"");
        put_str(&l, event);
        put_str(&l, "\"");
    } else {
        put_time(&l);
        put_str(&l, " ");
        put_str(&l, names[level]);
        put_str(&l, " ");
        put_str(&l, scope);
        put_str(&l, " ");
        put_str(&l, event);
    }
    for (size_t i = 0; i < n; i++) {
        size_t before = l.len;
        if (kv[i].kind == AURA_KV_STR && !kv[i].s) {
            continue;
        }
        put_str(&l, as_json ? ",\"" : " ");
        put_str(&l, kv[i].key);
        put_str(&l, as_json ? "\":" : "=");
        put_value(&l, &kv[i]);
        if (l.len == sizeof(l.text) - 2) {
            l.len = before; /* no room: a line without the field can still be parsed */
        }
    }
    if (as_json) {
        l.text[l.len++] = '}';
    }
    l.text[l.len++] = '\n';
    ssize_t done = write(STDERR_FILENO, l.text, l.len); /* one call: lines of threads don't mix */
    (void)done;
}
