/* SPDX-License-Identifier: Apache-2.0 */
/* What a homeserver PUTs as a transaction. What is told of it is within its ceilings: ids that are
 * ids, users that are users. */
#include "auraid/matrix/as_wire.h"

#include <string.h>

static void is_id(const char *text, char sigil) {
    size_t len = strlen(text);
    AURA_BUG_ON(len < 2 || len >= AURA_AS_TEXT_MAX || text[0] != sigil);
}

static int on_event(void *arg, const struct aura_as_event *e) {
    struct aura_mxid id;
    (void)arg;
    is_id(e->id, '$');
    is_id(e->room, '!');
    AURA_BUG_ON(aura_mxid_parse(&id, e->sender, strlen(e->sender)));
    AURA_BUG_ON(e->kind == AURA_AS_MEMBER && aura_mxid_parse(&id, e->who, strlen(e->who)));
    AURA_BUG_ON(e->mention_count > AURA_AS_MENTIONS_MAX);
    for (size_t i = 0; i < e->mention_count; i++) {
        AURA_BUG_ON(aura_mxid_parse(&id, e->mentions[i], strlen(e->mentions[i])));
    }
    if (e->about[0]) {
        is_id(e->about, '$');
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int err = aura_as_read(data, size, on_event, NULL);
    AURA_BUG_ON(err && err != AURA_EMALFORMED && err != AURA_ENOMEM);
    return 0;
}
