/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink operator`: who may sign in to a server's dashboard. It writes to the server's own file,
 * beside it or while it rests, so who may read that file may do this, and nobody else. */
#include "api/config.h"
#include "api/dash_store.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/cli.h"
#include "cmd/state_path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { WHY_BYTES = 512, LINE_BYTES = AURA_PASSWORD_BYTES_MAX + 2 };

static struct {
    const char *database, *config, *role, *at;
    uint64_t port;
    bool dev;
} where = {.role = "viewer", .port = 7880};

#define PLACE                                                                                       \
    {                                                                                               \
        "database", AURA_ARG_STR, &where.database, "FILE", "the server's dashboard.database", NULL, \
        0},                                                                                         \
        {"config",                                                                                  \
         AURA_ARG_STR,                                                                              \
         &where.config,                                                                             \
         "FILE",                                                                                    \
         "the server's configuration, which says "                                                  \
         "where that is",                                                                           \
         NULL,                                                                                      \
         0},                                                                                        \
        {"dev", AURA_ARG_FLAG, &where.dev, NULL, "that of `auralink dev`", NULL, 0}, {              \
        "port", AURA_ARG_UINT, &where.port, "N", "with --dev: its port (default 7880)", NULL,       \
            65535                                                                                   \
    }

/* ---- the file ---- */

static int find_path(char path[STATE_PATH_BYTES]) {
    struct aura_config c;
    struct aura_buf messages = AURA_BUF(WHY_BYTES);
    int err = aura_config_init(&c);
    if (!err && where.config) {
        err = aura_config_file(&c, where.config, &messages);
        if (err) {
            cli_error(NULL, "cannot read %s: %s", where.config,
                      messages.len ? aura_buf_text(&messages) : aura_err_text(err));
        }
    }
    c.development = c.development || where.dev;
    c.port = where.config ? c.port : (uint32_t)where.port;
    const char *named = where.database ? where.database : c.dashboard.database;
    if (!err && named[0]) {
        err = snprintf(path, STATE_PATH_BYTES, "%s", named) < STATE_PATH_BYTES ? 0 : AURA_EINVAL;
    } else if (!err) {
        err = state_path(&c, "dashboard", path);
    }
    aura_buf_free(&messages);
    aura_config_clear(&c);
    return err;
}

/* @return NULL after a message */
static struct aura_dash_store *open_store(void) {
    static char path[STATE_PATH_BYTES];
    struct aura_dash_store *s = NULL;
    struct aura_buf why = AURA_BUF(WHY_BYTES);
    const struct aura_dash_store_conf conf = {
        .path = path, .shared = true, .clock = aura_clock_system(), .rand = aura_rand_system()};
    int err = find_path(path);
    if (!err && access(path, R_OK | W_OK)) {
        cli_error("Start the server once, or name its file with --database, --config or --dev.",
                  "cannot open %s: %s", path, strerror(errno));
        err = AURA_ENOENT;
    } else if (!err) {
        err = aura_dash_store_open(&s, &conf, &why);
        if (err) {
            cli_error(NULL, "cannot open %s: %s", path,
                      why.len ? aura_buf_text(&why) : aura_err_text(err));
        }
    }
    aura_buf_free(&why);
    return err ? NULL : s;
}

static int close_with(struct aura_dash_store *s, int err, const char *name) {
    aura_dash_store_close(s);
    switch (err) {
    case 0:
        return CLI_OK;
    case AURA_ENOENT:
        cli_error("auralink operator list shows them.", "there is no operator %s", name);
        break;
    case AURA_EEXISTS:
        cli_error("auralink operator passwd changes the password.", "%s is there already", name);
        break;
    case AURA_ESTATE:
        cli_error("Make another operator an admin first.", "no admin would be left");
        break;
    case AURA_ELIMIT:
        cli_error("Remove one first.", "no more than %d operators fit", AURA_DASH_OPERATORS_MAX);
        break;
    case AURA_EINVAL:
        cli_error(NULL, "a name has 1 to 63 of a-z, 0-9, '.', '_', '@' and '-'");
        break;
    default:
        cli_error(NULL, "the database failed: %s", aura_err_text(err));
    }
    return CLI_FAILED;
}

/* For the log of what was done; without it there is none of this either. */
static int record(struct aura_dash_store *s, const char *action, const char *name,
                  const char *detail) {
    struct aura_dash_entry e = {
        .by = "cli", .action = action, .target = name, .from = "", .detail = detail};
    return aura_dash_audit_add(s, &e);
}

/* ---- passwords ---- */

static bool read_line(char line[LINE_BYTES]) {
    if (!fgets(line, LINE_BYTES, stdin)) {
        return false;
    }
    size_t n = strcspn(line, "\r\n");
    bool whole = line[n] != 0;
    line[n] = 0;
    return whole || feof(stdin);
}

/* Without showing what is typed. */
static bool ask(const char *prompt, char line[LINE_BYTES]) {
    struct termios before, silent;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        silent = before;
        silent.c_lflag &= (tcflag_t)~ECHO;
        fprintf(stderr, "%s", prompt);
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    bool read = read_line(line);
    if (terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fprintf(stderr, "\n");
    }
    return read;
}

/* @return false after a message */
static bool ask_hash(char hash[AURA_PASSWORD_HASH_BYTES]) {
    char line[LINE_BYTES] = "", again[LINE_BYTES] = "";
    bool same = ask("Password: ", line) &&
                (!isatty(STDIN_FILENO) || (ask("Again: ", again) && strcmp(line, again) == 0));
    int err = same ? aura_password_hash(line, hash) : AURA_EINVAL;
    if (!same) {
        cli_error(NULL, "no password was given, or not the same twice");
    } else if (err == AURA_EINVAL) {
        cli_error(NULL, "a password has 10 to 256 bytes");
    } else if (err) {
        cli_error(NULL, "no memory for the password's hash");
    }
    aura_wipe(line, sizeof(line));
    aura_wipe(again, sizeof(again));
    return !err;
}

/* ---- commands ---- */

static int add(struct cli *cli, const char *const *words, size_t count) {
    char hash[AURA_PASSWORD_HASH_BYTES];
    enum aura_dash_role role;
    (void)count;
    if (!aura_dash_role_of(where.role, &role)) {
        cli_error(NULL, "--role is viewer or admin");
        return CLI_USAGE;
    }
    struct aura_dash_store *s = open_store();
    if (!s) {
        return CLI_FAILED;
    }
    if (!aura_dash_is_name(words[0])) {
        return close_with(s, AURA_EINVAL, words[0]);
    }
    if (!ask_hash(hash)) {
        aura_dash_store_close(s);
        return CLI_FAILED;
    }
    int err = aura_dash_operator_add(s, words[0], role, hash);
    aura_wipe(hash, sizeof(hash));
    err = err ? err : record(s, "operator.add", words[0], aura_dash_role_name(role));
    int status = close_with(s, err, words[0]);
    return status ? status : cli_done(cli, json_object(), "added");
}

static int remove_one(struct cli *cli, const char *const *words, size_t count) {
    struct aura_dash_store *s = open_store();
    (void)count;
    if (!s) {
        return CLI_FAILED;
    }
    int err = aura_dash_operator_remove(s, words[0]);
    err = err ? err : record(s, "operator.remove", words[0], "");
    int status = close_with(s, err, words[0]);
    return status ? status : cli_done(cli, json_object(), "removed");
}

static int passwd(struct cli *cli, const char *const *words, size_t count) {
    struct aura_dash_store *s = open_store();
    char hash[AURA_PASSWORD_HASH_BYTES];
    (void)count;
    if (!s) {
        return CLI_FAILED;
    }
    if (!ask_hash(hash)) {
        aura_dash_store_close(s);
        return CLI_FAILED;
    }
    int err = aura_dash_operator_change(s, words[0], NULL, hash);
    aura_wipe(hash, sizeof(hash));
    err = err ? err : record(s, "operator.change", words[0], "password");
    int status = close_with(s, err, words[0]);
    return status ? status : cli_done(cli, json_object(), "changed");
}

static void add_one(void *arg, const struct aura_dash_operator *o) {
    json_array_append_new(arg,
                          json_pack("{s:s, s:s, s:I, s:I}", "name", o->name, "role",
                                    aura_dash_role_name(o->role), "created_us",
                                    (json_int_t)o->created_us, "seen_us", (json_int_t)o->seen_us));
}

static void show(const json_t *response) {
    static const char *const heading[] = {"NAME", "ROLE", "SINCE", "SIGNED IN"};
    struct cli_table *t = cli_table_new(CLI_COUNT(heading), heading);
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(response, "operators"), i, o) {
        char since[CLI_TIME_BYTES], seen[CLI_TIME_BYTES];
        cli_table_row(t, (const char *[]){cli_text(o, "name"), cli_text(o, "role"),
                                          cli_time(since, cli_number(o, "created_us") / 1000000),
                                          cli_time(seen, cli_number(o, "seen_us") / 1000000)});
    }
    cli_table_print(t);
}

static int list(struct cli *cli, const char *const *words, size_t count) {
    struct aura_dash_store *s = open_store();
    (void)words;
    (void)count;
    if (!s) {
        return CLI_FAILED;
    }
    json_t *all = json_array();
    int err = aura_dash_operators(s, add_one, all);
    int status = close_with(s, err, "");
    if (status) {
        json_decref(all);
        return status;
    }
    return cli_finish(cli, json_pack("{s:o}", "operators", all), show);
}

static void show_link(const json_t *response) {
    printf("%s\nIt works once, for %d minutes.\n", cli_text(response, "link"),
           AURA_DASH_SETUP_TTL_S / 60);
}

static int setup(struct cli *cli, const char *const *words, size_t count) {
    struct aura_dash_store *s = open_store();
    char token[AURA_DASH_SETUP_LEN + 1];
    (void)words;
    (void)count;
    if (!s) {
        return CLI_FAILED;
    }
    int err = aura_dash_setup_new(s, token);
    aura_dash_store_close(s);
    if (err == AURA_ESTATE) {
        cli_error("auralink operator add makes more of them.", "there is an operator already");
    } else if (err) {
        cli_error(NULL, "the database failed: %s", aura_err_text(err));
    }
    return err ? CLI_FAILED
               : cli_finish(
                     cli,
                     json_pack("{s:o}", "link",
                               json_sprintf("%s/dashboard/#setup=%s",
                                            where.at ? where.at : "http://localhost:7880", token)),
                     show_link);
}

static const struct aura_arg place_options[] = {PLACE};
static const struct aura_arg add_options[] = {
    {"role", AURA_ARG_STR, &where.role, "ROLE", "viewer or admin (default viewer)", NULL, 0},
    PLACE};
static const struct aura_arg setup_options[] = {
    {"at", AURA_ARG_STR, &where.at, "URL",
     "where browsers reach the server (default http://localhost:7880)", NULL, 0},
    PLACE};

#define ABOUT_FILE                                                                                 \
    "The server's file is written to, so run it on the server's machine as its user; the server "  \
    "need\nnot be stopped."

static const struct cli_command commands[] = {
    {.name = "add",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "let somebody sign in to the dashboard",
     .about = "Adds an operator. The password is asked for, or the first line of standard "
              "input.\n" ABOUT_FILE,
     CLI_OPTIONS(add_options),
     .run = add},
    {.name = "list",
     .operands = "",
     .summary = "list operators",
     .about = "Lists who may sign in to the dashboard.",
     CLI_OPTIONS(place_options),
     .run = list},
    {.name = "remove",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "remove an operator",
     .about = "Removes an operator; who is signed in is out with the next request.\n" ABOUT_FILE,
     CLI_OPTIONS(place_options),
     .run = remove_one},
    {.name = "passwd",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "give an operator another password",
     .about = "Sets a password. It is asked for, or the first line of standard input.\n" ABOUT_FILE,
     CLI_OPTIONS(place_options),
     .run = passwd},
    {.name = "setup",
     .operands = "",
     .summary = "make a link for the first operator",
     .about =
         "Prints a link by which the first operator, an admin, is made in a browser.\n" ABOUT_FILE,
     CLI_OPTIONS(setup_options),
     .run = setup},
};

CLI_GROUP(cli_group_operator, "operator", "who may sign in to the dashboard", commands);
