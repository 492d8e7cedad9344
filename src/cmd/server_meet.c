/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/server_meet.h"

#include "base/log.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const accounts[] = {[AURA_MEET_ACCOUNTS_OFF] = "off",
                                       [AURA_MEET_ACCOUNTS_CLOSED] = "closed",
                                       [AURA_MEET_ACCOUNTS_OPEN] = "open"};

/* @return -1: it is none of the words */
static int accounts_of(const struct aura_config *c) {
    const char *word = c->meet.accounts;
    if (!*word) {
        return c->development ? AURA_MEET_ACCOUNTS_OPEN : AURA_MEET_ACCOUNTS_OFF;
    }
    for (int i = 0; i <= AURA_MEET_ACCOUNTS_OPEN; i++) {
        if (strcmp(word, accounts[i]) == 0) {
            return i;
        }
    }
    return -1;
}

/* As browsers write them: nothing behind the host and the port. */
static bool is_origin(const char *text) {
    const char *behind = strstr(text, "://");
    bool web = strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
    return web && behind[3] && !strpbrk(behind + 3, "/?# ");
}

const char *server_meet_problem(const struct aura_config *c) {
    int with = accounts_of(c);
    if (with < 0) {
        return "meet.accounts: neither open, closed nor off";
    }
    if (c->meet.origin[0] && !is_origin(c->meet.origin)) {
        return "meet.origin: write it as browsers do, as https://meet.example.org, without a path";
    }
    if (with != AURA_MEET_ACCOUNTS_OFF && *c->meet.accounts && !c->auraid.enabled) {
        return "meet.accounts: accounts are AuraIDs: auraid.enabled has to be true";
    }
    if (c->meet.enabled && !c->meet.rooms.count && !c->development) {
        return "meet.rooms: name the rooms that guests may join, as [lobby, \"meet-*\"]; \"*\" = "
               "all";
    }
    if ((c->meet.enabled || c->development || with != AURA_MEET_ACCOUNTS_OFF) &&
        c->meet.api_key[0] && !aura_keys_secret(c->keys, c->meet.api_key)) {
        return "meet.api_key: name one of `keys`: its secret signs guests' tokens";
    }
    return NULL;
}

const struct aura_meet_conf *server_meet_conf(struct aura_meet_conf *conf,
                                              const struct aura_config *c) {
    static const char *const everywhere[] = {"*"};
    int with = accounts_of(c);
    bool guests = c->meet.enabled || c->development;
    if (!guests && with == AURA_MEET_ACCOUNTS_OFF) {
        return NULL;
    }
    /* Everybody knows the development key, so no door is opened by letting guests in. */
    bool any = c->development && !c->meet.rooms.count;
    *conf = (struct aura_meet_conf){
        .guests = guests,
        .accounts = (enum aura_meet_accounts)with,
        .origin = c->meet.origin,
        .fresh_sign_in_s = c->meet.fresh_sign_in_s,
        .api_key = c->meet.api_key,
        .rooms = any ? everywhere : c->meet.rooms.items,
        .room_count = any ? 1 : c->meet.rooms.count,
    };
    if (guests && !c->development) {
        AURA_LOG("meet", AURA_LOG_INFO, "guests_are_let_in", AURA_I("patterns", conf->room_count));
    }
    if (with != AURA_MEET_ACCOUNTS_OFF && !c->development) {
        AURA_LOG("meet", AURA_LOG_INFO, "accounts", AURA_S("sign_up", accounts[with]));
    }
    return conf;
}

/* Installed as DIR/bin/auralink-server the pages are in DIR/share/auralink/web. */
static bool installed(char folder[PATH_MAX]) {
    static const char beside[] = "/share/auralink/web";
    char own[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
    own[n > 0 ? n : 0] = 0;
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(own, '/');
        if (!slash) {
            return false;
        }
        *slash = 0;
    }
    return snprintf(folder, PATH_MAX, "%s%s", own, beside) < PATH_MAX && access(folder, R_OK) == 0;
}

int server_web_open(struct aura_web **wp, const struct aura_config *c) {
    char found[PATH_MAX];
    bool named = c->web.folder[0];
    const char *folder = named ? c->web.folder : installed(found) ? found : AURA_WEB_DIR;
    if (!c->web.enabled) {
        return 0;
    }
    int err = aura_web_open(wp, folder);
    if (err == AURA_ENOENT && !named) {
        return 0; /* built without Node: a server for the clients of others */
    }
    if (err) {
        fprintf(stderr, "auralink-server: web.folder: cannot show %s: %s\n", folder,
                err == AURA_ENOENT   ? "there is no index.html"
                : err == AURA_ELIMIT ? "it holds more than a web app would (docs/limits.md)"
                                     : aura_err_text(err));
        return err;
    }
    AURA_LOG("web", AURA_LOG_INFO, "pages", AURA_S("folder", folder),
             AURA_I("files", aura_web_files(*wp)));
    return 0;
}
