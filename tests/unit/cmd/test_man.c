/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/man.h"
#include "harness.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES = 8192, LINE_BYTES_MAX = 80 };

/* What `print` writes. */
static void capture(char out[PAGE_BYTES], void (*print)(FILE *out)) {
    FILE *f = fmemopen(out, PAGE_BYTES, "w");
    assert_non_null(f);
    print(f);
    assert_int_equal(fclose(f), 0);
}

static void hostile_text(FILE *out) {
    aura_man_text(out, ".so /etc/passwd\n'br\na\\b -x \"q\" it's `c`\n\nThe next paragraph.");
}

/* Texts come from tables that know nothing of roff: none of them is a request or an escape. */
static int texts_are_no_requests(void) {
    char page[PAGE_BYTES];
    capture(page, hostile_text);
    assert_null(strstr(page, "\n.so"));
    assert_int_not_equal(page[0], '.');
    assert_non_null(strstr(page, "\\&.so /etc/passwd"));
    assert_null(strstr(page, "\n'"));
    assert_non_null(strstr(page, "a\\eb \\-x \"q\" it\\(aqs \\(gac\\(ga"));
    assert_non_null(strstr(page, "\n.PP\nThe next paragraph.\n"));
    return 0;
}

/* A word that may not begin a line, at each place of one. */
static void long_text(FILE *out) {
    char text[PAGE_BYTES / 4] = "";
    for (size_t n = 0; n + 8 < sizeof(text); n += 8) {
        memcpy(text + n, "  .x 'y ", 9);
    }
    aura_man_text(out, text);
}

static int lines_are_short_and_begin_with_text(void) {
    char page[PAGE_BYTES];
    size_t lines = 0;
    capture(page, long_text);
    for (char *at = page, *end; (end = strchr(at, '\n')) != NULL; at = end + 1, lines++) {
        assert_true(end - at <= 2 * LINE_BYTES_MAX); /* every other letter is written as two */
        assert_true(*at != '.' && *at != '\'');
    }
    assert_true(lines > 10);
    return 0;
}

static void command(FILE *out) {
    const struct aura_arg args[] = {
        {"", AURA_ARG_FLAG, NULL, NULL, "Heading:", NULL, 0},
        {"o", AURA_ARG_STR, NULL, "FILE", "where to", NULL, 0},
        {"item", AURA_ARG_LIST, NULL, "X", "many", "AURA_ITEM", 0},
    };
    const struct aura_command_line line = {.program = "auralink test-it",
                                           .operands = "A",
                                           .about = "Does it.",
                                           .args = args,
                                           .arg_count = sizeof(args) / sizeof(args[0])};
    aura_man_command(out, &line);
    aura_man_options(out, &line);
    aura_man_environment(out, &line);
}

static int options_are_items(void) {
    char page[PAGE_BYTES];
    capture(page, command);
    assert_string_equal(page, ".SS auralink test\\-it A\nDoes it.\n"
                              ".I Heading:\n"
                              ".TP\n.B \\-o \\fIFILE\\fR\nwhere to\n"
                              ".TP\n.B \\-\\-item \\fIX\\fR\nmany\n(repeatable)\n"
                              "[environment AURA_ITEM]\n"
                              ".SH ENVIRONMENT\nRead where the option is not given:\n"
                              ".TP\n.B AURA_ITEM\n\\-\\-item\n");
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(texts_are_no_requests),
        AURA_PLAIN(lines_are_short_and_begin_with_text),
        AURA_PLAIN(options_are_items),
    };
    return RUN_CASES("man", cases);
}
