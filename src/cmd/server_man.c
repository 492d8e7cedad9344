/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/server_man.h"

#include "api/config.h"
#include "cmd/man.h"

#include <stdio.h>

enum { TEXT_BYTES = 2048, TERM_BYTES = 256 };

static void print_key(void *arg, const struct aura_config_key_text *k) {
    char term[TERM_BYTES], text[TEXT_BYTES];
    (void)arg;
    snprintf(term, sizeof(term), "%s%s%s", k->key, k->fallback[0] ? ": " : "", k->fallback);
    snprintf(text, sizeof(text), "%s%s", k->help, k->live ? " (on reload)" : "");
    aura_man_item(stdout, term, text);
}

void server_man(const struct aura_command_line *line) {
    const struct aura_man page = {
        .name = "auralink-server",
        .section = 8,
        .what = "a real-time audio, video and data server (WebRTC SFU)",
        .synopsis = "[options]",
        .description =
            "auralink-server speaks LiveKit's protocol: its SDKs connect to it unchanged, and its "
            "server API is there. No other service is needed.\n\nOptions win over environment "
            "variables, those over the file. Without keys it does not start; --dev brings a "
            "well-known pair for this machine.",
    };
    aura_man_head(stdout, &page);
    aura_man_section(stdout, "OPTIONS");
    aura_man_options(stdout, line);
    aura_man_item(stdout, "--help", "Lists the options.");
    aura_man_section(stdout, "CONFIGURATION");
    aura_man_text(stdout, "YAML with LiveKit's key names. A key that is not known stops the start, "
                          "with its line. Behind a key is its default; those \"on reload\" change "
                          "while the server runs.");
    aura_config_each_key(print_key, NULL);
    aura_man_section(stdout, "SIGNALS");
    aura_man_item(stdout, "SIGTERM, SIGINT",
                  "The server drains: clients are told to go elsewhere, and it ends when they are "
                  "gone or after drain_timeout. A second one stops it at once.");
    aura_man_item(stdout, "SIGHUP",
                  "The configuration is read anew. One that is not right changes nothing.");
    aura_man_environment(stdout, line);
    aura_man_section(stdout, "EXIT STATUS");
    aura_man_item(stdout, "0", "It has ended in good order.");
    aura_man_item(stdout, "1", "It could not start, or failed.");
    aura_man_item(stdout, "2", "The command line or the configuration is not right.");
    aura_man_section(stdout, "FILES");
    aura_man_item(stdout, "/etc/auralink/auralink.yaml", "What the systemd unit starts it with.");
    aura_man_item(stdout, "/var/lib/auralink", "What the unit lets it write.");
    aura_man_see_also(stdout, "auralink(1), auralink-aicore(8)");
}
