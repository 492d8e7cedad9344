/* SPDX-License-Identifier: Apache-2.0 */
/* From a row of the table to the command line that args.h understands. */
#include "base/err.h"
#include "base/mem.h"
#include "cmd/cli.h"

#include <stdio.h>
#include <string.h>

void cli_defaults(struct cli *cli) {
    *cli =
        (struct cli){.url = "http://localhost:7880", .api_key = "devkey", .api_secret = "secret"};
}

static void add(struct cli_line *l, const struct aura_arg *args, size_t count) {
    AURA_BUG_ON(l->line.arg_count + count > CLI_OPTIONS_MAX);
    memcpy(l->args + l->line.arg_count, args, count * sizeof(*args));
    l->line.arg_count += count;
}

static void add_server(struct cli_line *l, struct cli *cli) {
    const struct aura_arg args[] = {
        {"", AURA_ARG_FLAG, NULL, NULL, "Server:", NULL, 0},
        {"url", AURA_ARG_STR, &cli->url, "URL", "server (default http://localhost:7880)",
         "LIVEKIT_URL", 0},
        {"api-key", AURA_ARG_STR, &cli->api_key, "KEY", "API key (default devkey)",
         "LIVEKIT_API_KEY", 0},
        {"api-secret", AURA_ARG_STR, &cli->api_secret, "SECRET",
         "its secret (default that of --dev)", "LIVEKIT_API_SECRET", 0},
        {"ca-file", AURA_ARG_FILE_ENV, NULL, "FILE",
         "trust these authorities (PEM), not the system's", "SSL_CERT_FILE", 0},
    };
    add(l, args, CLI_COUNT(args));
}

void cli_line_make(struct cli_line *out, struct cli *cli, const struct cli_group *group,
                   const struct cli_command *command) {
    const struct aura_arg json[] = {
        {"", AURA_ARG_FLAG, NULL, NULL, "Output:", NULL, 0},
        {"json", AURA_ARG_FLAG, &cli->json, NULL, "print JSON, of errors too", NULL, 0},
    };
    snprintf(out->program, sizeof(out->program), "auralink %s%s%s", group->name,
             command->name[0] ? " " : "", command->name);
    out->line = (struct aura_command_line){.program = out->program,
                                           .operands = command->operands,
                                           .about = command->about,
                                           .args = out->args,
                                           .operands_min = command->operands_min,
                                           .operands_max = command->operands_max};
    add(out, command->options, command->option_count);
    if (command->flags & CLI_SERVER) {
        add_server(out, cli);
    }
    add(out, json, CLI_COUNT(json));
    cli->program = out->program;
    cli->grants = command->grants;
}
