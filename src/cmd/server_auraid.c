/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/server_auraid.h"

#include "base/log.h"
#include "cmd/state_path.h"

#include <stdio.h>

enum { WHY_BYTES = 512 };

int server_auraid_open(struct aura_directory **d, const struct aura_config *c) {
    static char path[STATE_PATH_BYTES]; /* must outlive the directory */
    bool named = c->auraid.directory[0];
    struct aura_buf why = AURA_BUF(WHY_BYTES);
    struct aura_directory_conf conf = {.path = path,
                                       .max_identities = c->auraid.max_identities,
                                       .clock = aura_clock_system(),
                                       .rand = aura_rand_system()};
    *d = NULL;
    if (!c->auraid.enabled) {
        return 0;
    }
    int err = named ? snprintf(path, sizeof(path), "%s", c->auraid.directory) < (int)sizeof(path)
                          ? 0
                          : AURA_EINVAL
                    : state_path(c, "auraid", path);
    err = err ? err : aura_directory_open(d, &conf, &why);
    if (err && !named) {
        AURA_LOG("auraid", AURA_LOG_WARN, "directory_in_memory", AURA_S("path", path),
                 AURA_S("why", why.len ? aura_buf_text(&why) : aura_err_text(err)),
                 AURA_S("so", "auraid.directory names another file"));
        conf.path = ":memory:";
        err = aura_directory_open(d, &conf, &why);
    }
    if (err) {
        fprintf(
            stderr,
            "auralink-server: no AuraIDs in %s: %s\n"
            "auraid.directory names another file for them, auraid.enabled: false does without.\n",
            path, why.len ? aura_buf_text(&why) : aura_err_text(err));
    } else {
        AURA_LOG("auraid", AURA_LOG_INFO, "directory", AURA_S("path", conf.path),
                 AURA_I("identities", aura_directory_count(*d)));
    }
    aura_buf_free(&why);
    return err;
}
