/* SPDX-License-Identifier: Apache-2.0 */
/* A part of the YAML tree as JSON text, for values that are messages (room presets). */
#include "api/config_yaml.h"

#include <jansson.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* YAML's core schema, as far as messages need it: texts in quotes stay texts. */
static json_t *scalar_json(const yaml_node_t *node) {
    const char *s = (const char *)node->data.scalar.value;
    char *end = NULL;
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        return json_string(s);
    }
    if (strcmp(s, "true") == 0 || strcmp(s, "false") == 0) {
        return json_boolean(s[0] == 't');
    }
    if (s[0] == 0 || strcmp(s, "null") == 0 || strcmp(s, "~") == 0) {
        return json_null();
    }
    errno = 0;
    long long v = strtoll(s, &end, 10);
    return errno == 0 && !*end ? json_integer(v) : json_string(s);
}

static json_t *node_json(yaml_document_t *doc, const yaml_node_t *node, int depth);

static json_t *map_json(yaml_document_t *doc, const yaml_node_t *node, int depth) {
    json_t *out = json_object();
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
         p++) {
        const yaml_node_t *key = yaml_document_get_node(doc, p->key);
        json_t *value = key->type == YAML_SCALAR_NODE
                            ? node_json(doc, yaml_document_get_node(doc, p->value), depth + 1)
                            : NULL;
        if (!value || json_object_set_new(out, (const char *)key->data.scalar.value, value)) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static json_t *list_json(yaml_document_t *doc, const yaml_node_t *node, int depth) {
    json_t *out = json_array();
    for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top;
         i++) {
        json_t *value = node_json(doc, yaml_document_get_node(doc, *i), depth + 1);
        if (!value || json_array_append_new(out, value)) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static json_t *node_json(yaml_document_t *doc, const yaml_node_t *node, int depth) {
    if (depth > AURA_CONFIG_DEPTH_MAX) {
        return NULL;
    }
    return node->type == YAML_SCALAR_NODE    ? scalar_json(node)
           : node->type == YAML_MAPPING_NODE ? map_json(doc, node, depth)
                                             : list_json(doc, node, depth);
}

char *aura__config_json(yaml_document_t *doc, const yaml_node_t *node) {
    json_t *json = node->type == YAML_MAPPING_NODE ? node_json(doc, node, 0) : NULL;
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}
