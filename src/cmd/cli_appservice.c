/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink auraid appservice`: the file by which a homeserver knows us. */
#include "cmd/cli_appservice.h"
#include "auraid/matrix/registration.h"
#include "base/buf.h"
#include "cmd/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct {
    const char *server, *url, *output;
} which = {.output = "auralink-registration.yaml"};

const struct aura_arg cli_appservice_options[CLI_APPSERVICE_OPTIONS] = {
    {"server", AURA_ARG_STR, &which.server, "NAME",
     "the homeserver's name: what stands behind the colon of its users", NULL, 0},
    {"url", AURA_ARG_STR, &which.url, "URL", "where the homeserver finds auralink-server", NULL, 0},
    {"output", AURA_ARG_STR, &which.output, "FILE",
     "file that is written (default auralink-registration.yaml)", NULL, 0},
};

/* @return false after a message */
static bool check(void) {
    struct aura_server_name name;
    bool http = which.url &&
                (strncmp(which.url, "http://", 7) == 0 || strncmp(which.url, "https://", 8) == 0);
    if (!which.server || aura_server_name_parse(&name, which.server, strlen(which.server))) {
        cli_error("It is what stands behind the colon of the homeserver's users.",
                  "--server wants a homeserver's name, such as example.org");
        return false;
    }
    if (!http) {
        cli_error("The homeserver calls us there.",
                  "--url wants http://HOST:7880 or https://HOST, of auralink-server");
        return false;
    }
    return true;
}

static void say_what_next(void) {
    printf("wrote %s\n\n"
           "1. Let the homeserver read it, for Synapse in homeserver.yaml, and restart it:\n"
           "     app_service_config_files: [%s]\n"
           "2. Let auralink-server read it, in its configuration, and restart it:\n"
           "     matrix:\n"
           "       homeserver_url: http://localhost:8008   # of the homeserver\n"
           "       appservice:\n"
           "         registration: %s\n"
           "It holds secrets: it is readable by you alone. If homeserver and server run as other\n"
           "users, give it to a group of both (chgrp, chmod g+r).\n",
           which.output, which.output, which.output);
}

int cli_appservice(struct cli *cli, const char *const *words, size_t count) {
    struct aura_registration r;
    struct aura_buf text = AURA_BUF(AURA_REGISTRATION_BYTES_MAX);
    (void)words;
    (void)count;
    if (!check()) {
        return CLI_USAGE;
    }
    aura_registration_make(&r, which.server, aura_rand_system());
    int err = aura_registration_text(&r, which.url, &text);
    err = err ? err : aura_registration_write(which.output, aura_buf_text(&text));
    if (err == AURA_EEXISTS) {
        cli_error("Its tokens may be in use. Remove it first, or name another with --output.",
                  "%s: there is such a file", which.output);
    } else if (err) {
        cli_error(NULL, "%s: %s", which.output,
                  err == AURA_EIO ? strerror(errno) : aura_err_text(err));
    } else if (cli->json) {
        json_t *out = json_pack("{s:s}", "written", which.output);
        err = cli_print_json(out);
        json_decref(out);
    } else {
        say_what_next();
    }
    aura_registration_wipe(&r);
    aura_buf_free(&text);
    return err ? CLI_FAILED : CLI_OK;
}
