/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/server_matrix.h"

#include "auraid/name.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WHY_BYTES = 1024 };

static const char *key_of(const struct aura_config *c) {
    return c->matrix.api_key[0] ? c->matrix.api_key : aura_keys_first(c->keys);
}

static bool allow_all(struct aura_vet *v, const struct aura_config *c) {
    *v = (struct aura_vet){.count = 0};
    for (size_t i = 0; i < c->matrix.allow_addresses.count; i++) {
        if (aura_vet_allow(v, c->matrix.allow_addresses.items[i])) {
            return false;
        }
    }
    return true;
}

/* "*" beside names would make them look like a limit. */
static bool are_servers(const struct aura_config_list *l) {
    struct aura_server_name name;
    if (l->count == 1 && strcmp(l->items[0], "*") == 0) {
        return true;
    }
    for (size_t i = 0; i < l->count; i++) {
        if (aura_server_name_parse(&name, l->items[i], strlen(l->items[i]))) {
            return false;
        }
    }
    return true;
}

static bool is_http(const char *url) {
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

static const char *appservice_problem(const struct aura_config *c) {
    if (!c->matrix.registration[0]) {
        return NULL;
    }
    if (!c->matrix.enabled) {
        return "matrix.appservice.registration: it needs matrix.enabled, as calls of Matrix get "
               "their tokens there";
    }
    if (!c->auraid.enabled) {
        return "matrix.appservice.registration: without auraid.enabled there is nobody to be found";
    }
    if (!is_http(c->matrix.homeserver_url) ||
        strlen(c->matrix.homeserver_url) >= AURA_AS_TEXT_MAX) {
        return "matrix.homeserver_url: wanted http://HOST:PORT or https://HOST, the homeserver "
               "that has the registration";
    }
    return strlen(c->matrix.url) < AURA_AS_TEXT_MAX ? NULL : "matrix.url: it is too long";
}

const char *server_matrix_problem(const struct aura_config *c) {
    struct aura_vet vet;
    const char *url = c->matrix.url, *key = key_of(c);
    if (!c->matrix.enabled) {
        return appservice_problem(c);
    }
    if (strncmp(url, "wss://", 6) != 0 && strncmp(url, "ws://", 5) != 0) {
        return "matrix.url: wanted wss://HOST, where clients find this server";
    }
    if (!key || !aura_keys_secret(c->keys, key)) {
        return "matrix.api_key: name one of `keys`: its secret signs the tokens";
    }
    if (!are_servers(&c->matrix.full_access)) {
        return "matrix.full_access: wanted names of homeservers, or * alone";
    }
    if (!allow_all(&vet, c)) {
        return "matrix.allow_addresses: wanted addresses and networks like 10.1.0.0/16";
    }
    if (c->matrix.ca_file[0] && access(c->matrix.ca_file, R_OK) != 0) {
        return "matrix.ca_file: it cannot be read";
    }
    return appservice_problem(c);
}

/* The operator names the homeserver, which may well be on this machine or network: so there all
 * addresses may be dialled, and no other URL ever is. */
static int allow_any(struct aura_vet *v) {
    *v = (struct aura_vet){.count = 0};
    int err = aura_vet_allow(v, "0.0.0.0/0");
    return err ? err : aura_vet_allow(v, "::/0");
}

/* Without the slashes at its end. */
static void take_url(char out[AURA_AS_TEXT_MAX], const char *scheme, const char *rest) {
    (void)snprintf(out, AURA_AS_TEXT_MAX, "%s%s", scheme, rest);
    for (size_t len = strlen(out); len && out[len - 1] == '/'; len--) {
        out[len - 1] = 0;
    }
}

int server_appservice_start(struct server_appservice *s, const struct aura_config *c,
                            const struct aura_appservice_conf **out) {
    const char *path = c->matrix.registration;
    struct aura_buf why = AURA_BUF(WHY_BYTES);
    bool tls = strncmp(c->matrix.url, "wss", 3) == 0;
    *out = NULL;
    if (!path[0]) {
        return 0;
    }
    int err = aura_registration_read(&s->registration, path, &why);
    if (err) {
        fprintf(stderr, "auralink-server: matrix.appservice.registration: %s: %s\n", path,
                aura_buf_text(&why));
    }
    aura_buf_free(&why);
    take_url(s->url, "", c->matrix.homeserver_url);
    take_url(s->service, tls ? "https" : "http", c->matrix.url + (tls ? 3 : 2));
    s->conf = (struct aura_appservice_conf){
        .server = s->registration.server,
        .hs_token = s->registration.hs_token,
        .home = {.url = s->url,
                 .token = s->registration.as_token,
                 .service = s->service,
                 .fetch = {.ca_file = c->matrix.ca_file, .clock = aura_clock_system()},
                 .timeout_us = c->matrix.timeout_s * AURA_US_PER_S}};
    err = err ? err : allow_any(&s->conf.home.fetch.vet);
    if (!err) {
        *out = &s->conf;
        AURA_LOG("matrix", AURA_LOG_INFO, "application_service",
                 AURA_S("server", s->registration.server), AURA_S("homeserver", s->url));
    }
    return err;
}

const struct aura_matrix_conf *server_matrix_conf(struct aura_matrix_conf *conf,
                                                  const struct aura_config *c) {
    if (!c->matrix.enabled) {
        return NULL;
    }
    *conf = (struct aura_matrix_conf){
        .url = c->matrix.url,
        .api_key = c->matrix.api_key,
        .full_access = c->matrix.full_access.items,
        .full_access_count = c->matrix.full_access.count,
        .fetch = {.ca_file = c->matrix.ca_file, .clock = aura_clock_system()},
        .timeout_us = c->matrix.timeout_s * AURA_US_PER_S,
    };
    if (c->matrix.api_key[0]) { /* one that apps may have too is not believed */
        aura_keys_set_matrix(c->keys, c->matrix.api_key);
    }
    (void)allow_all(&conf->fetch.vet, c); /* server_matrix_problem() has looked at it */
    if (c->room.auto_create) {
        AURA_LOG("matrix", AURA_LOG_WARN, "anybody_makes_rooms",
                 AURA_S("why", "room.auto_create is on, so matrix.full_access limits nobody"));
    }
    if (!c->matrix.full_access.count) {
        AURA_LOG("matrix", AURA_LOG_WARN, "nobody_makes_rooms",
                 AURA_S("why", "matrix.full_access names no homeserver"));
    }
    AURA_LOG("matrix", AURA_LOG_INFO, "authorisation_service", AURA_S("url", conf->url),
             AURA_I("full_access", conf->full_access_count));
    return conf;
}
