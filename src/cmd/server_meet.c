/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/server_meet.h"

#include "base/log.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *server_meet_problem(const struct aura_config *c) {
    if (!c->meet.enabled && !c->development) {
        return NULL;
    }
    if (!c->meet.rooms.count && !c->development) {
        return "meet.rooms: name the rooms that guests may join, as [lobby, \"meet-*\"]; \"*\" = "
               "all";
    }
    if (c->meet.api_key[0] && !aura_keys_secret(c->keys, c->meet.api_key)) {
        return "meet.api_key: name one of `keys`: its secret signs guests' tokens";
    }
    return NULL;
}

const struct aura_meet_conf *server_meet_conf(struct aura_meet_conf *conf,
                                              const struct aura_config *c) {
    static const char *const everywhere[] = {"*"};
    if (!c->meet.enabled && !c->development) {
        return NULL;
    }
    /* Everybody knows the development key, so no door is opened by letting guests in. */
    bool any = c->development && !c->meet.rooms.count;
    *conf = (struct aura_meet_conf){
        .api_key = c->meet.api_key,
        .rooms = any ? everywhere : c->meet.rooms.items,
        .room_count = any ? 1 : c->meet.rooms.count,
    };
    if (!c->development) {
        AURA_LOG("meet", AURA_LOG_INFO, "guests_are_let_in", AURA_I("patterns", conf->room_count));
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
