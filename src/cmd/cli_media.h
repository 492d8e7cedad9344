/* SPDX-License-Identifier: Apache-2.0 */
/** @file cli_media.h  What `auralink publish` and `auralink subscribe` share. */
#ifndef AURA_CMD_CLI_MEDIA_H
#define AURA_CMD_CLI_MEDIA_H

#include "auralink/client.h"
#include "cmd/cli.h"

#include <semaphore.h>
#include <stdatomic.h>

enum { CLI_MEDIA_PACKET_OVERHEAD = 16 + 8 + 20 }; /* SRTP's tag, UDP, IPv4: on the wire */

struct cli_media {
    struct cli cli; /* a copy of what the command was run with */
    const char *room, *identity, *token, *aic_text;
    bool insecure, aic;
    uint64_t duration_s;

    /* While it runs. */
    atomic_bool connected, ended;
    int err;
    char why[160];
    uint64_t begun_us;
};

/* Rows for the option tables. */
#define CLI_MEDIA_ARGS(m)                                                                          \
    {"room", AURA_ARG_STR, &(m)->room, "NAME", "room to join", NULL, 0},                           \
        {"identity", AURA_ARG_STR, &(m)->identity, "ID", "who joins", NULL, 0},                    \
        {"token",                                                                                  \
         AURA_ARG_STR,                                                                             \
         &(m)->token,                                                                              \
         "JWT",                                                                                    \
         "a join token instead of --room, --identity, key and secret",                             \
         NULL,                                                                                     \
         0},                                                                                       \
        {"insecure",                                                                               \
         AURA_ARG_FLAG,                                                                            \
         &(m)->insecure,                                                                           \
         NULL,                                                                                     \
         "accept any certificate of a wss:// server",                                              \
         NULL,                                                                                     \
         0},                                                                                       \
    {                                                                                              \
        "duration", AURA_ARG_UINT, &(m)->duration_s, "SECONDS",                                    \
            "end after so long (default: at the end, or Ctrl-C)", NULL, 86400                      \
    }

/** Checks what was given, makes the token. @return the token (aura_free()) or NULL after a message
 */
char *cli_media_token(struct cli_media *m, bool publish);
/** --aic on|off. @return 0 or AURA_EINVAL after a message */
int cli_media_check(struct cli_media *m);
/** Ctrl-C and SIGTERM end it in good order. */
void cli_media_begin(struct cli_media *m);
/** Interrupted, over, or --duration has passed. */
bool cli_media_is_over(const struct cli_media *m);
/** Seconds since it began. */
double cli_media_seconds(const struct cli_media *m);
/** For aura_call_handlers; `arg` is the struct cli_media. */
void cli_media_on_connected(void *arg);
void cli_media_on_reconnecting(void *arg, int err, const char *why);
void cli_media_on_reconnected(void *arg);
void cli_media_on_ended(void *arg, int err, const char *why);
/** @return the exit status; says what went wrong */
int cli_media_status(const struct cli_media *m);
/** Prints and frees @p line as one line of JSON. */
void cli_media_print_json(json_t *line);
/** "3.2" seconds and the like without a locale. */
double cli_media_round(double value, int digits);

#endif
