/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink webhooks`: what became of events, and sending them again. */
#include "base/buf.h"
#include "cmd/cli.h"

#include <curl/curl.h>

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { PATH_BYTES_MAX = 4096, CELL_BYTES = 96 };

static void put_query(struct aura_buf *path, uint64_t from, uint64_t to, const char *room) {
    if (from) {
        aura_buf_printf(path, "&from=%" PRIu64, from);
    }
    if (to) {
        aura_buf_printf(path, "&to=%" PRIu64, to);
    }
    char *escaped = room ? curl_easy_escape(NULL, room, 0) : NULL;
    if (escaped) {
        aura_buf_printf(path, "&room=%s", escaped);
    }
    curl_free(escaped);
}

/* "delivered 200", or for each of several URLs. */
static void deliveries_text(const json_t *event, char *out, size_t cap) {
    size_t i, at = 0;
    json_t *d;
    out[0] = 0;
    json_array_foreach(json_object_get(event, "deliveries"), i, d) {
        int64_t status = cli_number(d, "status");
        char code[24] = "-";
        if (status) {
            snprintf(code, sizeof(code), "%" PRId64, status);
        }
        int n = snprintf(out + at, cap - at, "%s%s %s (%" PRId64 ")", i ? ", " : "",
                         cli_text(d, "state"), code, cli_number(d, "attempts"));
        at = n < 0 || at + (size_t)n >= cap ? cap - 1 : at + (size_t)n;
    }
}

static void show(const json_t *events) {
    static const char *const heading[] = {"SEQ", "TIME", "EVENT", "ROOM", "DELIVERED (ATTEMPTS)"};
    struct cli_table *t = cli_table_new(COUNT(heading), heading);
    size_t i;
    json_t *e;
    json_array_foreach(events, i, e) {
        char seq[24], created[40] = "", state[CELL_BYTES * 4];
        time_t at = (time_t)(cli_number(e, "created_ms") / 1000);
        struct tm tm;
        snprintf(seq, sizeof(seq), "%" PRId64, cli_number(e, "seq"));
        strftime(created, sizeof(created), "%Y-%m-%d %H:%M:%SZ", gmtime_r(&at, &tm));
        deliveries_text(e, state, sizeof(state));
        cli_table_row(
            t, (const char *[]){seq, created, cli_text(e, "event"), cli_text(e, "room"), state});
    }
    cli_table_print(t);
}

int cli_webhooks_list(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    uint64_t from = 0, to = 0, limit = 100;
    const char *room = NULL;
    bool waiting = false, bodies = false;
    const struct aura_arg args[] = {
        {"from", AURA_ARG_UINT, &from, "SEQ", "first sequence number", NULL, INT64_MAX},
        {"to", AURA_ARG_UINT, &to, "SEQ", "last sequence number", NULL, INT64_MAX},
        {"room", AURA_ARG_STR, &room, "NAME", "events of this room only", NULL, 0},
        {"limit", AURA_ARG_UINT, &limit, "N", "at most so many (default 100)", NULL, 1000},
        {"waiting", AURA_ARG_FLAG, &waiting, NULL, "only those not delivered everywhere yet", NULL,
         0},
        {"bodies", AURA_ARG_FLAG, &bodies, NULL, "with the events themselves (JSON)", NULL, 0},
        CLI_ARGS(&cli)};
    const struct aura_command_line line = {
        "auralink webhooks list",
        "",
        "Lists events that the server keeps, oldest first, and what became of them.",
        args,
        COUNT(args),
        0,
        0};
    size_t n = 0;
    int status;
    if (cli_ends(aura_args_parse(&line, argc, argv, NULL, &n), &status)) {
        return status;
    }
    struct aura_buf path = AURA_BUF(PATH_BYTES_MAX);
    json_t *response = NULL;
    aura_buf_printf(&path, "webhooks?limit=%" PRIu64 "&waiting=%d&bodies=%d", limit, waiting,
                    bodies);
    put_query(&path, from, to, room);
    int err = cli_get(&cli, aura_buf_text(&path), CLI_GRANT_ROOM_LIST, &response);
    aura_buf_free(&path);
    if (err) {
        return CLI_FAILED;
    }
    if (cli.json || bodies) {
        status = cli_print_json(response);
    } else {
        show(json_object_get(response, "events"));
        status = CLI_OK;
    }
    json_decref(response);
    return status;
}

int cli_webhooks_replay(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    uint64_t from = 0, to = 0;
    const char *room = NULL;
    const struct aura_arg args[] = {
        {"from", AURA_ARG_UINT, &from, "SEQ", "first sequence number (needed)", NULL, INT64_MAX},
        {"to", AURA_ARG_UINT, &to, "SEQ", "last sequence number", NULL, INT64_MAX},
        {"room", AURA_ARG_STR, &room, "NAME", "events of this room only", NULL, 0},
        CLI_ARGS(&cli)};
    const struct aura_command_line line = {
        "auralink webhooks replay",
        "",
        "Sends kept events again, delivered or not, with their old ids and sequence numbers.",
        args,
        COUNT(args),
        0,
        0};
    size_t n = 0;
    int status;
    if (cli_ends(aura_args_parse(&line, argc, argv, NULL, &n), &status)) {
        return status;
    }
    if (!from) {
        fprintf(stderr, "auralink webhooks replay: from which sequence number? --from SEQ\n");
        return CLI_USAGE;
    }
    struct aura_buf path = AURA_BUF(PATH_BYTES_MAX);
    json_t *response = NULL;
    aura_buf_str(&path, "webhooks/replay?");
    put_query(&path, from, to, room);
    int err = cli_post(&cli, aura_buf_text(&path), CLI_GRANT_ROOM_LIST | CLI_GRANT_ROOM_CREATE,
                       &response);
    aura_buf_free(&path);
    if (err) {
        return CLI_FAILED;
    }
    if (cli.json) {
        status = cli_print_json(response);
    } else {
        printf("%" PRId64 " events go again\n", cli_number(response, "replayed"));
        status = CLI_OK;
    }
    json_decref(response);
    return status;
}
