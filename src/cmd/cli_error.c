/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cli.h"

#include <stdarg.h>
#include <stdio.h>

enum { TEXT_BYTES = 2048 };

static const struct cli *current;
static bool said;

void cli_error_begin(const struct cli *cli) {
    current = cli;
}

bool cli_error_said(void) {
    return said;
}

void cli_error(const char *hint, const char *format, ...) {
    char text[TEXT_BYTES];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (current && current->json && !said) {
        json_t *object = json_pack("{s:s, s:s}", "error", text, "hint", hint ? hint : "");
        if (!object) { /* not UTF-8: of a file name, say */
            object = json_pack("{s:s, s:s}", "error", "see the error output", "hint",
                               "Its text cannot be written as JSON.");
        }
        json_dumpf(object, stdout, JSON_COMPACT);
        printf("\n");
        fflush(stdout);
        json_decref(object);
    }
    said = true;
    fprintf(stderr, "%s: %s\n%s%s", current ? current->program : "auralink", text, hint ? hint : "",
            hint ? "\n" : "");
}
