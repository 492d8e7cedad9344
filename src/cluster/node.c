/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/node.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

int aura_node_write(const struct aura_cluster_node *n, struct aura_buf *out) {
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b}", "id", n->id, "region", n->region,
                  "address", n->address, "packets_s", (json_int_t)n->packets_s, "cpu_permille",
                  (json_int_t)n->cpu_permille, "rooms", (json_int_t)n->rooms, "participants",
                  (json_int_t)n->participants, "drain", (int)n->drain);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    int err = text ? aura_buf_str(out, text) : AURA_ENOMEM;
    free(text); /* library's memory */
    json_decref(o);
    return err;
}

static bool text_of(const json_t *o, const char *key, char *out, size_t bytes) {
    const char *text = json_string_value(json_object_get(o, key));
    size_t len = text ? strlen(text) : 0;
    if (len >= bytes) {
        return false;
    }
    if (text) {
        memcpy(out, text, len);
    }
    out[len] = 0;
    return true;
}

static uint32_t number_of(const json_t *o, const char *key) {
    json_int_t n = json_integer_value(json_object_get(o, key));
    return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

int aura_node_read(struct aura_cluster_node *n, const char *text) {
    size_t len = strlen(text);
    json_t *o = len <= AURA_NODE_RECORD_MAX ? json_loadb(text, len, 0, NULL) : NULL;
    memset(n, 0, sizeof(*n));
    bool fine = json_is_object(o) && text_of(o, "id", n->id, sizeof(n->id)) && n->id[0] &&
                text_of(o, "region", n->region, sizeof(n->region)) &&
                text_of(o, "address", n->address, sizeof(n->address));
    if (fine) {
        n->packets_s = number_of(o, "packets_s");
        n->cpu_permille = number_of(o, "cpu_permille");
        n->rooms = number_of(o, "rooms");
        n->participants = number_of(o, "participants");
        n->drain = json_is_true(json_object_get(o, "drain"));
    }
    json_decref(o);
    return fine ? 0 : AURA_EMALFORMED;
}
