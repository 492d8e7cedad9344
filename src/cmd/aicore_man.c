/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/aicore_man.h"

#include "cmd/man.h"

#include <stdio.h>

void aicore_man(const struct aura_command_line *line) {
    const struct aura_man page = {
        .name = "auralink-aicore",
        .section = 8,
        .what = "compresses media by ML models, for auralink-server and auralink publish",
        .synopsis = "[options]",
        .description =
            "auralink-aicore takes encoded or raw media over gRPC and gives smaller media back. "
            "It knows nothing of rooms or people. A server uses it where aic.enabled is set; "
            "whenever it is late or gone, media goes on as the publisher sent it.\n\nBeyond "
            "loopback and unix sockets it wants TLS. Once it has started it gives up the rights to "
            "open files, start programs and connect.",
    };
    aura_man_head(stdout, &page);
    aura_man_section(stdout, "OPTIONS");
    aura_man_options(stdout, line);
    aura_man_item(stdout, "--help", "Lists the options.");
    aura_man_section(stdout, "SIGNALS");
    aura_man_item(stdout, "SIGTERM, SIGINT",
                  "It drains: new streams are refused, running ones are told to move. A second one "
                  "stops it at once.");
    aura_man_environment(stdout, line);
    aura_man_section(stdout, "EXIT STATUS");
    aura_man_item(stdout, "0", "It has ended in good order.");
    aura_man_item(stdout, "1", "It could not start, or failed.");
    aura_man_item(stdout, "2", "The command line is not right.");
    aura_man_see_also(stdout, "auralink(1), auralink-server(8)");
}
