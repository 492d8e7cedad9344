/* SPDX-License-Identifier: Apache-2.0 */
/* auralink aic top: the tracks that AI Core compresses, those that save most first. */
#include "base/mem.h"
#include "cmd/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    FIRST_LOOKS_MS = 300, /* each look has the server count anew for the next one */
    EVERY_MS = 1000,
    CELL = 48,
};

/* One line; rates are since the look before. */
struct row {
    const json_t *track;
    double native_kbps, sent_kbps, saved_kbps;
};

static const json_t *find(const json_t *answer, const json_t *track) {
    const json_t *list = json_object_get(answer, "aic");
    size_t i;
    json_t *other;
    json_array_foreach(list, i, other) {
        if (strcmp(cli_text(other, "track"), cli_text(track, "track")) == 0 &&
            strcmp(cli_text(other, "codec"), cli_text(track, "codec")) == 0) {
            return other;
        }
    }
    return NULL;
}

static double kbps(const json_t *now, const json_t *before, const char *name) {
    int64_t bytes = cli_number(now, name) - cli_number(before, name);
    int64_t us = cli_number(now, "counted_us") - cli_number(before, "counted_us");
    return before && us > 0 && bytes > 0 ? (double)bytes * 8000 / (double)us : 0;
}

static int by_saving(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    if (x->saved_kbps != y->saved_kbps) {
        return x->saved_kbps < y->saved_kbps ? 1 : -1;
    }
    int64_t p = cli_number(x->track, "saved_bytes"), q = cli_number(y->track, "saved_bytes");
    return p < q   ? 1
           : p > q ? -1
                   : strcmp(cli_text(x->track, "track"), cli_text(y->track, "track"));
}

/* @return the rows, sorted; *count of them */
static struct row *rows_of(const json_t *answer, const json_t *before, const char *room,
                           size_t *count) {
    const json_t *list = json_object_get(answer, "aic");
    struct row *rows = aura_calloc(json_array_size(list) + 1, sizeof(*rows));
    size_t i;
    json_t *track;
    AURA_BUG_ON(!rows);
    *count = 0;
    json_array_foreach(list, i, track) {
        if (room && strcmp(cli_text(track, "room"), room) != 0) {
            continue;
        }
        const json_t *old = find(before, track);
        struct row *r = &rows[(*count)++];
        r->track = track;
        r->native_kbps = kbps(track, old, "native_bytes");
        r->sent_kbps = kbps(track, old, "sent_bytes");
        r->saved_kbps = r->native_kbps - r->sent_kbps;
    }
    qsort(rows, *count, sizeof(*rows), by_saving);
    return rows;
}

static void print_json_rows(const struct row *rows, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *o = json_deep_copy(rows[i].track);
        json_object_set_new(o, "native_kbps", json_real(rows[i].native_kbps));
        json_object_set_new(o, "sent_kbps", json_real(rows[i].sent_kbps));
        json_array_append_new(list, o);
    }
    json_dumpf(list, stdout, JSON_COMPACT);
    printf("\n");
    json_decref(list);
}

static int64_t fallbacks(const json_t *track) {
    int64_t n = 0;
    const char *reason;
    json_t *times;
    json_object_foreach(json_object_get(track, "fallbacks"), reason, times) {
        n += json_integer_value(times);
    }
    return n;
}

static void print_table(const struct row *rows, size_t count) {
    static const char *const heading[] = {"ROOM",     "PUBLISHER",   "TRACK",     "STATE",
                                          "VIEWERS",  "NATIVE kbps", "SENT",      "SAVED",
                                          "TOTAL MB", "LATENCY ms",  "FELL BACK", "MODEL"};
    struct cli_table *t = cli_table_new(CLI_COUNT(heading), heading);
    for (size_t i = 0; i < count; i++) {
        const json_t *k = rows[i].track;
        char cell[7][CELL];
        bool moves = rows[i].native_kbps > 0;
        double ratio = moves ? rows[i].saved_kbps / rows[i].native_kbps
                             : json_number_value(json_object_get(k, "ratio"));
        const char *reason = cli_text(k, "reason");
        int64_t cap = cli_number(k, "cap_kbps");
        if (cap) {
            snprintf(cell[0], CELL, "governed: %" PRId64 " kbps", cap);
        } else {
            snprintf(cell[0], CELL, "%s%s%s", cli_text(k, "state"), reason[0] ? ": " : "", reason);
        }
        snprintf(cell[1], CELL, "%" PRId64, cli_number(k, "viewers"));
        snprintf(cell[2], CELL, "%.0f", rows[i].native_kbps);
        snprintf(cell[3], CELL, "%.0f", rows[i].sent_kbps);
        snprintf(cell[4], CELL, "%.0f%%", ratio * 100);
        snprintf(cell[5], CELL, "%.1f", (double)cli_number(k, "saved_bytes") / 1e6);
        snprintf(cell[6], CELL, "%" PRId64, fallbacks(k));
        char latency[CELL];
        snprintf(latency, CELL, "%.1f / %.1f",
                 json_number_value(json_object_get(k, "latency_p50_ms")),
                 json_number_value(json_object_get(k, "latency_p95_ms")));
        cli_table_row(t,
                      (const char *[]){cli_text(k, "room"), cli_text(k, "publisher"),
                                       cli_text(k, "track"), cell[0], cell[1], cell[2], cell[3],
                                       cell[4], cell[5], latency, cell[6], cli_text(k, "model")});
    }
    cli_table_print(t);
}

static void wait_ms(long ms) {
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

static json_t *look(const struct cli *cli) {
    return cli_get(cli, "debug/aic", NULL);
}

static void show(const struct cli *cli, bool once, const json_t *answer, const json_t *before,
                 const char *room) {
    size_t count = 0;
    struct row *rows = rows_of(answer, before, room, &count);
    if (cli->json) {
        print_json_rows(rows, count);
    } else {
        if (!once && isatty(STDOUT_FILENO)) {
            printf("\033[H\033[2J"); /* from the top of an empty screen */
        }
        print_table(rows, count);
    }
    fflush(stdout);
    aura_free(rows);
}

static bool once;
static const struct aura_arg options[] = {
    {"once", AURA_ARG_FLAG, &once, NULL, "print one table and stop", NULL, 0},
};

static int top(struct cli *cli, const char *const *words, size_t count) {
    json_t *before = look(cli), *answer = NULL;
    if (before) {
        json_decref(before);
        wait_ms(FIRST_LOOKS_MS);
        before = look(cli);
    }
    for (long ms = 2 * FIRST_LOOKS_MS; before; ms = EVERY_MS) {
        wait_ms(ms);
        answer = look(cli);
        if (answer) {
            show(cli, once, answer, before, count ? words[0] : NULL);
        }
        json_decref(before);
        before = answer;
        if (once) {
            break;
        }
    }
    int status = before ? CLI_OK : CLI_FAILED;
    json_decref(before);
    return status;
}

static const struct cli_command commands[] = {
    {.name = "top",
     .operands = "[ROOM]",
     .operands_max = 1,
     .summary = "show what AI compression saves, live",
     .about = "Shows each second what AI compression does to the tracks of a server, or of one "
              "room:\nwhat their viewers get, what that had cost natively, and how long AI Core "
              "takes.\nThose that save most come first. With --json each second is one line.",
     CLI_OPTIONS(options),
     .flags = CLI_SERVER,
     .grants = CLI_GRANT_ROOM_LIST,
     .run = top},
};

CLI_GROUP(cli_group_aic, "aic", "AI compression", commands);
