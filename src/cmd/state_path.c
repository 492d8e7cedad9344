/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/state_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int development_path(uint32_t port, const char *name, char out[STATE_PATH_BYTES]) {
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (xdg && xdg[0] == '/') {
        return snprintf(out, STATE_PATH_BYTES, "%s/auralink/%s-%u.db", xdg, name, port);
    }
    if (home && home[0] == '/') {
        return snprintf(out, STATE_PATH_BYTES, "%s/.cache/auralink/%s-%u.db", home, name, port);
    }
    return snprintf(out, STATE_PATH_BYTES, "/tmp/auralink-%u/%s-%u.db", getuid(), name, port);
}

static int production_path(const char *name, char out[STATE_PATH_BYTES]) {
    const char *state = getenv("STATE_DIRECTORY"), *home = getenv("HOME");
    const char *xdg = getenv("XDG_STATE_HOME");
    if (state && state[0] == '/') {
        return snprintf(out, STATE_PATH_BYTES, "%.*s/%s.db", (int)strcspn(state, ":"), state, name);
    }
    if (xdg && xdg[0] == '/') {
        return snprintf(out, STATE_PATH_BYTES, "%s/auralink/%s.db", xdg, name);
    }
    if (home && home[0] == '/' && getuid() != 0) {
        return snprintf(out, STATE_PATH_BYTES, "%s/.local/state/auralink/%s.db", home, name);
    }
    return snprintf(out, STATE_PATH_BYTES, "/var/lib/auralink/%s.db", name);
}

int state_path(const struct aura_config *c, const char *name, char out[STATE_PATH_BYTES]) {
    int n = c->development ? development_path(c->port, name, out) : production_path(name, out);
    return n > 0 && n < STATE_PATH_BYTES ? 0 : AURA_EINVAL;
}
