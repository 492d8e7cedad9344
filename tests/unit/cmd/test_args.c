/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/args.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dest {
    bool flag;
    const char *text;
    uint64_t port;
    struct aura_arg_list list;
};

static char said[1024], advised[1024];

static void complain(const char *text, const char *hint) {
    snprintf(said, sizeof(said), "%s", text);
    snprintf(advised, sizeof(advised), "%s", hint);
}

static unsigned manuals;

static void manual(const struct aura_command_line *line) {
    manuals += line->arg_count == 6;
}

static int parse(struct dest *d, int argc, char **argv, const char **operands, size_t *n) {
    const struct aura_arg args[] = {
        {"", AURA_ARG_FLAG, NULL, NULL, "Heading:", NULL, 0},
        {"flag", AURA_ARG_FLAG, &d->flag, NULL, "a flag", NULL, 0},
        {"text", AURA_ARG_STR, &d->text, "TEXT", "a text", "AURA_TEST_TEXT", 0},
        {"port", AURA_ARG_UINT, &d->port, "PORT", "a port", "AURA_TEST_PORT", UINT16_MAX},
        {"item", AURA_ARG_LIST, &d->list, "X", "many", NULL, 0},
        {"file", AURA_ARG_FILE_ENV, NULL, "FILE", "a file", "AURA_TEST_FILE", 0},
    };
    const struct aura_command_line line = {.program = "test",
                                           .operands = "A [B]",
                                           .about = "About.",
                                           .args = args,
                                           .arg_count = sizeof(args) / sizeof(args[0]),
                                           .operands_min = 1,
                                           .operands_max = 2,
                                           .complain = complain,
                                           .manual = manual};
    return aura_args_parse(&line, argc, argv, operands, n);
}

#define PARSE(d, operands, n, ...)                                                                 \
    parse(d, (int)(sizeof((char *[]){"test", __VA_ARGS__}) / sizeof(char *)),                      \
          (char *[]){"test", __VA_ARGS__}, operands, n)

static int options_take_values_in_both_forms(void) {
    struct dest d = {.flag = false};
    const char *operands[2];
    size_t n;
    assert_int_equal(PARSE(&d, operands, &n, "--port", "7880", "a", "--text=x=y", "--flag",
                           "--item", "1", "--item=2", "--", "--b"),
                     0);
    assert_int_equal(d.port, 7880);
    assert_string_equal(d.text, "x=y");
    assert_true(d.flag);
    assert_int_equal(d.list.count, 2);
    assert_string_equal(d.list.items[1], "2");
    assert_int_equal(n, 2);
    assert_string_equal(operands[1], "--b");
    return 0;
}

static int mistakes_are_refused(void) {
    struct dest d = {.flag = false};
    const char *operands[2];
    size_t n;
    assert_int_equal(PARSE(&d, operands, &n, "a", "--nope"), AURA_EINVAL);
    assert_string_equal(said, "unknown option: --nope");
    assert_string_equal(advised, "Try 'test --help'.");
    assert_int_equal(PARSE(&d, operands, &n, "a", "--port", "70000"), AURA_EINVAL);
    assert_int_equal(PARSE(&d, operands, &n, "a", "--port", "12x"), AURA_EINVAL);
    assert_int_equal(PARSE(&d, operands, &n, "a", "--port", "-1"), AURA_EINVAL);
    assert_int_equal(PARSE(&d, operands, &n, "a", "--port"), AURA_EINVAL);
    assert_int_equal(PARSE(&d, operands, &n, "a", "--flag=1"), AURA_EINVAL);
    assert_int_equal(PARSE(&d, operands, &n, "--flag"), AURA_EINVAL);
    assert_int_equal(PARSE(&d, operands, &n, "a", "b", "c"), AURA_EINVAL);
    return 0;
}

static int the_environment_fills_in_and_options_win(void) {
    struct dest d = {.flag = false};
    const char *operands[2];
    size_t n;
    setenv("AURA_TEST_TEXT", "from env", 1);
    assert_int_equal(PARSE(&d, operands, &n, "a"), 0);
    assert_string_equal(d.text, "from env");
    assert_int_equal(PARSE(&d, operands, &n, "a", "--text", "given"), 0);
    assert_string_equal(d.text, "given");
    unsetenv("AURA_TEST_TEXT");
    setenv("AURA_TEST_PORT", "65536", 1);
    assert_int_equal(PARSE(&d, operands, &n, "a"), AURA_EINVAL);
    assert_non_null(strstr(said, "AURA_TEST_PORT"));
    unsetenv("AURA_TEST_PORT");
    return 0;
}

static int the_manual_is_asked_for(void) {
    struct dest d = {.flag = false};
    const char *operands[2];
    size_t n;
    assert_int_equal(PARSE(&d, operands, &n, "--man"), AURA_EIGNORED);
    assert_int_equal(manuals, 1);
    manuals = 0; /* the case runs again */
    assert_int_equal(PARSE(&d, operands, &n, "--", "--man"), 0);
    assert_int_equal(manuals, 0);
    return 0;
}

static int durations_have_units(void) {
    uint64_t s = 0;
    assert_int_equal(aura_args_seconds("90", &s), 0);
    assert_int_equal(s, 90);
    assert_int_equal(aura_args_seconds("6h", &s), 0);
    assert_int_equal(s, 21600);
    assert_int_equal(aura_args_seconds("2d", &s), 0);
    assert_int_equal(s, 172800);
    assert_int_equal(aura_args_seconds("h", &s), AURA_EINVAL);
    assert_int_equal(aura_args_seconds("", &s), AURA_EINVAL);
    assert_int_equal(aura_args_seconds("1w", &s), AURA_EINVAL);
    assert_int_equal(aura_args_seconds("99999999999999999999", &s), AURA_EINVAL);
    return 0;
}

static int a_file_becomes_the_variable_that_libraries_read(void) {
    struct dest d = {.flag = false};
    const char *operands[2];
    size_t n;
    assert_int_equal(setenv("AURA_TEST_FILE", "/nowhere", 1), 0);
    assert_int_equal(PARSE(&d, operands, &n, "a"), 0); /* not ours to judge: it is not asked for */
    assert_string_equal(getenv("AURA_TEST_FILE"), "/nowhere");
    assert_int_equal(PARSE(&d, operands, &n, "a", "--file", "/nowhere"), AURA_EINVAL);
    assert_int_equal(PARSE(&d, operands, &n, "a", "--file", "/dev/null"), 0);
    assert_string_equal(getenv("AURA_TEST_FILE"), "/dev/null");
    assert_int_equal(unsetenv("AURA_TEST_FILE"), 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(a_file_becomes_the_variable_that_libraries_read),
        AURA_CASE(options_take_values_in_both_forms),
        AURA_CASE(mistakes_are_refused),
        AURA_CASE(the_environment_fills_in_and_options_win),
        AURA_CASE(the_manual_is_asked_for),
        AURA_CASE(durations_have_units),
    };
    return RUN_CASES("args", cases);
}
