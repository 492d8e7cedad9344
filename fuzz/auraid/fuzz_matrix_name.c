/* SPDX-License-Identifier: Apache-2.0 */
/* User ids, server names and AuraIDs of strangers: what is read can be written and read again. */
#include "auraid/name.h"

#include <string.h>

static void suggest(const char *text, size_t len) {
    struct aura_id id, again;
    char out[AURA_ID_BYTES_MAX];
    aura_id_suggest(&id, text, len, len % 2 ? "beef" : "");
    aura_id_text(&id, out);
    AURA_BUG_ON(aura_id_parse(&again, out, strlen(out)) || strcmp(id.name, again.name) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    struct aura_server_name name;
    struct aura_mxid user;
    struct aura_id id;
    char out[AURA_ID_BYTES_MAX];
    if (aura_server_name_parse(&name, text, size) == 0) {
        AURA_BUG_ON(name.host.len == 0 || name.host.len > size);
    }
    if (aura_mxid_parse(&user, text, size) == 0) {
        AURA_BUG_ON(user.local.len + user.server.len + 2 != size);
        AURA_BUG_ON(aura_mxid_id(&user, &id) == 0 && strlen(id.name) + 5 != user.local.len);
    }
    if (aura_id_parse(&id, text, size) == 0) {
        struct aura_id again;
        aura_id_text(&id, out);
        AURA_BUG_ON(aura_id_parse(&again, out, strlen(out)) || strcmp(id.name, again.name) != 0);
    }
    suggest(text, size);
    return 0;
}
