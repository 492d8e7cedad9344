/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink webhooks`: what became of events, and sending them again. */
#include "base/buf.h"
#include "cmd/cli.h"

#include <curl/curl.h>

#include <inttypes.h>
#include <stdio.h>

enum { PATH_BYTES_MAX = 4096, CELL_BYTES = 96 };

static struct {
    uint64_t from, to, limit;
    const char *room;
    bool waiting, bodies;
} which = {.limit = 100};

static void put_query(struct aura_buf *path) {
    if (which.from) {
        aura_buf_printf(path, "&from=%" PRIu64, which.from);
    }
    if (which.to) {
        aura_buf_printf(path, "&to=%" PRIu64, which.to);
    }
    char *escaped = which.room ? curl_easy_escape(NULL, which.room, 0) : NULL;
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

static void show(const json_t *response) {
    static const char *const heading[] = {"SEQ", "TIME", "EVENT", "ROOM", "DELIVERED (ATTEMPTS)"};
    struct cli_table *t = cli_table_new(CLI_COUNT(heading), heading);
    size_t i;
    json_t *e;
    json_array_foreach(json_object_get(response, "events"), i, e) {
        char seq[24], created[CLI_TIME_BYTES], state[CELL_BYTES * 4];
        snprintf(seq, sizeof(seq), "%" PRId64, cli_number(e, "seq"));
        (void)cli_time(created, cli_number(e, "created_ms") / 1000);
        deliveries_text(e, state, sizeof(state));
        cli_table_row(
            t, (const char *[]){seq, created, cli_text(e, "event"), cli_text(e, "room"), state});
    }
    cli_table_print(t);
}

static void show_json(const json_t *response) {
    (void)cli_print_json(response);
}

static const struct aura_arg list_options[] = {
    {"from", AURA_ARG_UINT, &which.from, "SEQ", "first sequence number", NULL, INT64_MAX},
    {"to", AURA_ARG_UINT, &which.to, "SEQ", "last sequence number", NULL, INT64_MAX},
    {"room", AURA_ARG_STR, &which.room, "NAME", "events of this room only", NULL, 0},
    {"limit", AURA_ARG_UINT, &which.limit, "N", "at most so many (default 100)", NULL, 1000},
    {"waiting", AURA_ARG_FLAG, &which.waiting, NULL, "only those not delivered everywhere yet",
     NULL, 0},
    {"bodies", AURA_ARG_FLAG, &which.bodies, NULL, "with the events themselves (JSON)", NULL, 0},
};

static int list(struct cli *cli, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    struct aura_buf path = AURA_BUF(PATH_BYTES_MAX);
    aura_buf_printf(&path, "webhooks?limit=%" PRIu64 "&waiting=%d&bodies=%d", which.limit,
                    which.waiting, which.bodies);
    put_query(&path);
    json_t *response = cli_get(cli, aura_buf_text(&path), NULL);
    aura_buf_free(&path);
    return cli_finish(cli, response, which.bodies ? show_json : show);
}

static const struct aura_arg replay_options[] = {
    {"from", AURA_ARG_UINT, &which.from, "SEQ", "first sequence number (needed)", NULL, INT64_MAX},
    {"to", AURA_ARG_UINT, &which.to, "SEQ", "last sequence number", NULL, INT64_MAX},
    {"room", AURA_ARG_STR, &which.room, "NAME", "events of this room only", NULL, 0},
};

static void show_replayed(const json_t *response) {
    printf("%" PRId64 " events go again\n", cli_number(response, "replayed"));
}

static int replay(struct cli *cli, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    if (!which.from) {
        cli_error("auralink webhooks list shows them.", "from which sequence number? --from SEQ");
        return CLI_USAGE;
    }
    struct aura_buf path = AURA_BUF(PATH_BYTES_MAX);
    aura_buf_str(&path, "webhooks/replay?");
    put_query(&path);
    json_t *response = cli_post(cli, aura_buf_text(&path));
    aura_buf_free(&path);
    return cli_finish(cli, response, show_replayed);
}

static const struct cli_command commands[] = {
    {.name = "list",
     .operands = "",
     .summary = "show events and what became of them",
     .about = "Lists events that the server keeps, oldest first, and what became of them.",
     CLI_OPTIONS(list_options),
     .flags = CLI_SERVER,
     .grants = CLI_GRANT_ROOM_LIST,
     .run = list},
    {.name = "replay",
     .operands = "",
     .summary = "send events again",
     .about = "Sends kept events again, delivered or not, with their old ids and sequence numbers.",
     CLI_OPTIONS(replay_options),
     .flags = CLI_SERVER,
     .grants = CLI_GRANT_ROOM_LIST | CLI_GRANT_ROOM_CREATE,
     .run = replay},
};

CLI_GROUP(cli_group_webhooks, "webhooks", "events, and what became of them", commands);
