/* SPDX-License-Identifier: Apache-2.0 */
#include "api/config_priv.h"
#include "base/mem.h"

#include "api/config_yaml.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PATH_BYTES = 200 };

struct aura_config_owned {
    struct aura_config_owned *next;
    char text[];
};

enum { TURN_TTL_S = 86400, SECRET_BYTES_MAX = 4096 };

struct reader {
    struct aura_config *c;
    const char *name;
    struct aura_buf *messages;
    yaml_document_t doc;
    int err;
};

int aura_config_init(struct aura_config *c) {
    *c = (struct aura_config){
        .port = 7880,
        .region = "",
        .log_level = "info",
        .rtc = {.allow_pause = true,
                .udp_port = 7882,
                .tcp_port = 7881,
                .packet_buffer_video = 512,
                .packet_buffer_audio = 256,
                .pli_low_ms = 500,
                .pli_mid_ms = 1000,
                .pli_high_ms = 1000},
        .turn = {.domain = "",
                 .secret = "",
                 .cert_file = "",
                 .key_file = "",
                 .udp_port = 3478,
                 .relay_first = 30000,
                 .relay_last = 40000,
                 .ttl_s = TURN_TTL_S,
                 .user_quota = 12},
        .room = {.auto_create = true,
                 .data_tracks = true,
                 .empty_timeout_s = 300,
                 .departure_timeout_s = 20},
        .auraid = {.enabled = true,
                   .directory = "",
                   .max_identities = 1000000,
                   .max_share = 50,
                   .calls = {.url = "",
                             .cross_app = "contacts",
                             .ring_timeout_s = 30,
                             .device_grace_s = 60,
                             .busy_in_call = true,
                             .rings_per_minute = 30,
                             .strangers_per_minute = 10,
                             .max_calls = 10000,
                             .max_devices = 100000}},
        .matrix = {.url = "",
                   .api_key = "",
                   .ca_file = "",
                   .timeout_s = 2,
                   .homeserver_url = "",
                   .registration = ""},
        .web = {.enabled = true, .folder = ""},
        .meet = {.api_key = "", .accounts = "", .origin = "", .fresh_sign_in_s = 15 * 60},
        .dashboard = {.enabled = true,
                      .database = "",
                      .session_idle_s = 8 * 3600,
                      .session_max_s = 24 * 3600},
        .aic = {.saver_quality = 85,
                .audio = true,
                .mode = "compress",
                .default_mode = "on",
                .address = "127.0.0.1:50051",
                .tls_ca = "",
                .tls_certificate = "",
                .tls_key = ""},
        .audio = {.active_level = 35, .min_percentile = 40, .update_interval_ms = 400},
        .limit = {.max_metadata_bytes = 512 * 1024,
                  .max_attributes_bytes = 64 * 1024,
                  .max_room_name = 256,
                  .max_identity = 256,
                  .max_name = 256,
                  .max_tracks = 64,
                  .signal_rate = 200,
                  .data_rate = 5000,
                  .addresses = {{[AURA_GATE_REQUESTS] = 500,
                                 [AURA_GATE_REFUSALS] = 50,
                                 [AURA_GATE_GUESTS] = 5,
                                 [AURA_GATE_SIGN_INS] = 2}}},
        .record =
            {.folder = "", .program = "", .url = "", .max = 10, .min_free_mb = 500, .labels = true},
        .webhook = {.api_key = "",
                    .outbox = "",
                    .max_events = 100000,
                    .max_mb = 256,
                    .max_age_s = 3 * 86400,
                    .timeout_s = 10},
        .redis = {.address = "",
                  .username = "",
                  .password = "",
                  .sentinel_master = "",
                  .sentinel_username = "",
                  .sentinel_password = "",
                  .tls_ca = "",
                  .tls_cert = "",
                  .tls_key = "",
                  .tls_server_name = ""},
        .cluster = {.port = 7900, .address = "", .ca = "", .certificate = "", .key = ""},
        .tracing = {.endpoint = "", .headers_file = "", .sample_ratio = "1", .timeout_s = 10},
        .tls = {.cert_file = "", .key_file = "", .check_interval_s = 60},
        .drain_timeout_s = 10,
    };
    return aura_keys_new(&c->keys);
}

void aura_config_clear(struct aura_config *c) {
    for (struct aura_config_owned *o = c->owned, *next; o; o = next) {
        next = o->next;
        aura_free(o);
    }
    aura_keys_free(c->keys);
    *c = (struct aura_config){.port = 0};
}

static const char *own_text(struct reader *r, const char *text, size_t len) {
    struct aura_config_owned *o = aura_zalloc(sizeof(*o) + len + 1);
    if (!o) {
        r->err = AURA_ENOMEM;
        return "";
    }
    memcpy(o->text, text, len);
    o->next = r->c->owned;
    r->c->owned = o;
    return o->text;
}

static const char *own(struct reader *r, const yaml_node_t *node) {
    return own_text(r, (const char *)node->data.scalar.value, node->data.scalar.length);
}

/* ---- messages ---- */

__attribute__((format(printf, 3, 4))) static int fail(struct reader *r, const yaml_node_t *at,
                                                      const char *fmt, ...) {
    va_list ap;
    aura_buf_printf(r->messages, "%s:%zu:%zu: ", r->name, at->start_mark.line + 1,
                    at->start_mark.column + 1);
    va_start(ap, fmt);
    aura_buf_vprintf(r->messages, fmt, ap);
    va_end(ap);
    aura_buf_str(r->messages, "\n");
    return r->err = r->err ? r->err : AURA_EMALFORMED;
}

static void warn_ignored(struct reader *r, const yaml_node_t *at, const char *path) {
    aura_buf_printf(r->messages, "%s:%zu:%zu: warning: '%s' has no effect yet\n", r->name,
                    at->start_mark.line + 1, at->start_mark.column + 1, path);
}

/* Letters to change to get from one word to the other (Levenshtein), for "did you mean". */
static size_t distance(const char *a, const char *b) {
    size_t row[PATH_BYTES], n = strlen(b);
    if (n >= PATH_BYTES) {
        return PATH_BYTES;
    }
    for (size_t k = 0; k <= n; k++) {
        row[k] = k;
    }
    for (size_t i = 1; *a; a++, i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t k = 1; k <= n; k++) {
            size_t change = corner + (*a != b[k - 1]);
            corner = row[k];
            size_t grow = (row[k] < row[k - 1] ? row[k] : row[k - 1]) + 1;
            row[k] = change < grow ? change : grow;
        }
    }
    return row[n];
}

static int unknown_key(struct reader *r, const yaml_node_t *at, const char *path) {
    const char *nearest = NULL;
    size_t best = 4;
    for (size_t i = 0; i < aura__config_key_count; i++) {
        size_t d = distance(path, aura__config_keys[i].path);
        if (d < best) {
            best = d;
            nearest = aura__config_keys[i].path;
        }
    }
    return nearest ? fail(r, at, "unknown key '%s' (did you mean '%s'?)", path, nearest)
                   : fail(r, at, "unknown key '%s'", path);
}

/* ---- values ---- */

static const char *scalar(const yaml_node_t *node) {
    return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static int take_bool(struct reader *r, const yaml_node_t *node, const char *path, bool *out) {
    const char *s = scalar(node);
    bool yes = s && (strcasecmp(s, "true") == 0 || strcasecmp(s, "yes") == 0);
    bool no = s && (strcasecmp(s, "false") == 0 || strcasecmp(s, "no") == 0);
    if (!yes && !no) {
        return fail(r, node, "'%s' wants true or false", path);
    }
    *out = yes;
    return 0;
}

/* Also 1_000_000_000, as YAML 1.1 and LiveKit's sample write it. */
static bool number(const char *s, uint64_t *out, const char **rest) {
    if (!s || !isdigit((unsigned char)s[0])) {
        return false;
    }
    uint64_t v = 0;
    for (; isdigit((unsigned char)*s) || (*s == '_' && isdigit((unsigned char)s[1])); s++) {
        if (*s == '_') {
            continue;
        }
        if (v > (UINT64_MAX - 9) / 10) {
            return false;
        }
        v = v * 10 + (uint64_t)(*s - '0');
    }
    *out = v;
    *rest = s;
    return true;
}

static int take_number(struct reader *r, const yaml_node_t *node, const struct aura__config_key *k,
                       uint32_t *out) {
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    uint64_t v = 0;
    const char *rest = "";
    bool time = k->type == CONFIG_MS || k->type == CONFIG_SECONDS;
    bool ok = number(scalar(node), &v, &rest) && v <= UINT32_MAX;
    if (ok && *rest) {
        bool found = false;
        for (size_t i = 0; time && i < sizeof(units) / sizeof(units[0]); i++) {
            if (strcmp(rest, units[i].unit) == 0) {
                v = v * units[i].ms / (k->type == CONFIG_MS ? 1 : 1000);
                found = true;
            }
        }
        ok = found;
    }
    if (!ok || v < k->min || v > k->max) {
        return fail(r, node, "'%s' wants %s from %u to %u%s", k->path,
                    time ? "a time such as 500ms or 10s," : "a number", k->min, k->max,
                    k->type == CONFIG_MS        ? " ms"
                    : k->type == CONFIG_SECONDS ? " s"
                                                : "");
    }
    *out = (uint32_t)v;
    return 0;
}

static int take_ports(struct reader *r, const yaml_node_t *node, const struct aura__config_key *k,
                      uint32_t *out) {
    uint64_t first = 0, last = 0;
    const char *rest = "";
    bool ok = number(scalar(node), &first, &rest);
    last = first;
    if (ok && *rest == '-') {
        ok = number(rest + 1, &last, &rest);
    }
    if (!ok || *rest || last > k->max || last < first || last - first >= 64) {
        return fail(r, node, "'%s' wants a port or a range such as 7882-7885 (at most 64)",
                    k->path);
    }
    out[0] = (uint32_t)first;
    out[1] = last > first ? (uint32_t)(last - first + 1) : 0;
    return 0;
}

static int take_list(struct reader *r, const yaml_node_t *node, const char *path,
                     struct aura_config_list *list) {
    if (node->type != YAML_SEQUENCE_NODE) {
        return fail(r, node, "'%s' wants a list", path);
    }
    list->count = 0;
    for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top;
         i++) {
        const yaml_node_t *item = yaml_document_get_node(&r->doc, *i);
        if (!scalar(item) || list->count == AURA_CONFIG_LIST_MAX) {
            return fail(r, item, "'%s' wants at most %d texts", path, AURA_CONFIG_LIST_MAX);
        }
        list->items[list->count++] = own(r, item);
    }
    return r->err;
}

static const yaml_node_t *member(struct reader *r, const yaml_node_t *map, const char *name) {
    if (map->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        const char *key = scalar(yaml_document_get_node(&r->doc, p->key));
        if (key && strcmp(key, name) == 0) {
            return yaml_document_get_node(&r->doc, p->value);
        }
    }
    return NULL;
}

static int take_codecs(struct reader *r, const yaml_node_t *node, const char *path,
                       struct aura_config_list *list) {
    if (node->type != YAML_SEQUENCE_NODE) {
        return fail(r, node, "'%s' wants a list of {mime: …}", path);
    }
    list->count = 0;
    for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top;
         i++) {
        const yaml_node_t *item = yaml_document_get_node(&r->doc, *i),
                          *mime = member(r, item, "mime");
        if (!mime || !scalar(mime) || list->count == AURA_CONFIG_LIST_MAX) {
            return fail(r, item, "'%s' wants entries such as {mime: video/vp8}", path);
        }
        list->items[list->count++] = own(r, mime);
    }
    return r->err;
}

static const char *text_of(struct reader *r, const yaml_node_t *map, const char *name,
                           const char *fallback) {
    const yaml_node_t *node = member(r, map, name);
    return node && scalar(node) ? own(r, node) : fallback;
}

static bool number_of(struct reader *r, const yaml_node_t *map, const char *name, uint32_t max,
                      uint32_t *out) {
    const yaml_node_t *node = member(r, map, name);
    uint64_t v = *out;
    const char *rest = "";
    bool ok = !node || (number(scalar(node), &v, &rest) && !*rest && v && v <= max);
    *out = ok ? (uint32_t)v : 0;
    return ok;
}

/* A secret that stands in a file, so that the configuration may be shown around. */
static const char *secret_of(struct reader *r, const yaml_node_t *item) {
    const char *secret = text_of(r, item, "secret", ""),
               *path = text_of(r, item, "secret_file", "");
    struct aura_buf text = AURA_BUF(SECRET_BYTES_MAX);
    if (*secret || !*path) {
        return secret;
    }
    if (aura__config_read(path, true, &text, r->messages)) {
        fail(r, item, "its secret_file cannot be used");
    } else {
        const char *at = aura_buf_text(&text) + strspn(aura_buf_text(&text), " \t\r\n");
        secret = own_text(r, at, strcspn(at, " \t\r\n"));
        if (!*secret) {
            fail(r, item, "secret_file: %s holds nothing", path);
        }
    }
    if (text.data) {
        aura_wipe(text.data, text.len);
    }
    aura_buf_free(&text);
    return secret;
}

static int take_turn(struct reader *r, const yaml_node_t *node, const char *path) {
    if (node->type != YAML_SEQUENCE_NODE) {
        return fail(r, node, "'%s' wants a list of {host: …, port: …, protocol: …}", path);
    }
    r->c->rtc.turn_server_count = 0;
    for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top;
         i++) {
        const yaml_node_t *item = yaml_document_get_node(&r->doc, *i);
        char url[AURA_TURN_URL_MAX];
        struct aura_turn_server t = {.host = text_of(r, item, "host", ""),
                                     .protocol = text_of(r, item, "protocol", "udp"),
                                     .secret = secret_of(r, item),
                                     .username = text_of(r, item, "username", ""),
                                     .credential = text_of(r, item, "credential", ""),
                                     .ttl_s = TURN_TTL_S};
        t.port = strcmp(t.protocol, "tls") == 0 ? 5349 : 3478;
        bool numbers = number_of(r, item, "port", 65535, &t.port) &&
                       number_of(r, item, "ttl", UINT32_MAX, &t.ttl_s);
        if (!numbers || !*t.host || aura_turn_url(&t, url, sizeof(url)) ||
            r->c->rtc.turn_server_count == AURA_TURN_SERVERS_MAX) {
            return fail(r, item,
                        "'%s' wants at most %d entries such as {host: turn.example.com, port: "
                        "3478, protocol: udp, secret: …, ttl: 3600}",
                        path, AURA_TURN_SERVERS_MAX);
        }
        r->c->rtc.turn_servers[r->c->rtc.turn_server_count++] = t;
    }
    return r->err;
}

static int take_presets(struct reader *r, const yaml_node_t *node, const char *path,
                        struct aura_config_list *names) {
    struct aura_config_list *texts = names + 1;
    if (node->type != YAML_MAPPING_NODE) {
        return fail(r, node, "'%s' wants a map of names", path);
    }
    names->count = texts->count = 0;
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
         p++) {
        const yaml_node_t *key = yaml_document_get_node(&r->doc, p->key);
        char *json = aura__config_json(&r->doc, yaml_document_get_node(&r->doc, p->value));
        if (!scalar(key) || !json || names->count == AURA_CONFIG_LIST_MAX) {
            free(json); /* library's memory */
            return fail(r, key, "'%s' wants at most %d entries, each a map", path,
                        AURA_CONFIG_LIST_MAX);
        }
        texts->items[texts->count++] = own_text(r, json, strlen(json));
        names->items[names->count++] = own(r, key);
        free(json); /* library's memory */
    }
    return r->err;
}

static int take_keys(struct reader *r, const yaml_node_t *node, struct aura_keys *keys) {
    if (node->type != YAML_MAPPING_NODE) {
        return fail(r, node, "API keys want a map, a line each: `key: secret`");
    }
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
         p++) {
        const yaml_node_t *key = yaml_document_get_node(&r->doc, p->key);
        const yaml_node_t *secret = yaml_document_get_node(&r->doc, p->value);
        if (!scalar(key) || !scalar(secret)) {
            return fail(r, key, "API keys want a line each: `key: secret`");
        }
        int err = aura_keys_add(keys, scalar(key), scalar(secret));
        if (err) {
            return fail(r, key, "cannot take this API key: %s", aura_err_text(err));
        }
    }
    return 0;
}

static int take_value(struct reader *r, const yaml_node_t *key, const yaml_node_t *node,
                      const struct aura__config_key *k) {
    void *at = (char *)r->c + k->offset;
    switch (k->type) {
    case CONFIG_BOOL:
        return take_bool(r, node, k->path, at);
    case CONFIG_UINT:
    case CONFIG_MS:
    case CONFIG_SECONDS:
        return take_number(r, node, k, at);
    case CONFIG_PORTS:
        return take_ports(r, node, k, at);
    case CONFIG_TEXT:
        if (!scalar(node)) {
            return fail(r, node, "'%s' wants a text", k->path);
        }
        *(const char **)at = own(r, node);
        return r->err;
    case CONFIG_LIST:
        return take_list(r, node, k->path, at);
    case CONFIG_CODECS:
        return take_codecs(r, node, k->path, at);
    case CONFIG_TURN:
        return take_turn(r, node, k->path);
    case CONFIG_KEYS:
        return take_keys(r, node, r->c->keys);
    case CONFIG_PRESETS:
        return take_presets(r, node, k->path, at);
    case CONFIG_IGNORED:
        warn_ignored(r, key, k->path);
        return 0;
    }
    return AURA_EBUG;
}

/* ---- the tree ---- */

static const struct aura__config_key *find(const char *path) {
    for (size_t i = 0; i < aura__config_key_count; i++) {
        if (strcmp(aura__config_keys[i].path, path) == 0) {
            return &aura__config_keys[i];
        }
    }
    return NULL;
}

static bool is_section(const char *path) {
    size_t len = strlen(path);
    for (size_t i = 0; i < aura__config_key_count; i++) {
        const char *other = aura__config_keys[i].path;
        if (strncmp(other, path, len) == 0 && other[len] == '.') {
            return true;
        }
    }
    return false;
}

/* An empty value (`rtc:` with nothing below) is an empty section. */
static bool is_empty(const yaml_node_t *node) {
    return scalar(node) && node->data.scalar.length == 0;
}

static int walk(struct reader *r, const yaml_node_t *map, const char *prefix, int depth) {
    if (map->type != YAML_MAPPING_NODE) {
        return is_empty(map) ? 0 : fail(r, map, "wanted a map of keys here");
    }
    if (depth > AURA_CONFIG_DEPTH_MAX) {
        return fail(r, map, "nested too deeply");
    }
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        const yaml_node_t *key = yaml_document_get_node(&r->doc, p->key);
        const yaml_node_t *node = yaml_document_get_node(&r->doc, p->value);
        char path[PATH_BYTES];
        const char *name = scalar(key);
        if (!name || snprintf(path, sizeof(path), "%s%s%s", prefix, prefix[0] ? "." : "", name) >=
                         (int)sizeof(path)) {
            fail(r, key, "a key should be a short word");
            continue;
        }
        const struct aura__config_key *k = find(path);
        if (k) {
            take_value(r, key, node, k);
        } else if (is_section(path)) {
            walk(r, node, path, depth + 1);
        } else {
            unknown_key(r, key, path);
        }
    }
    return r->err;
}

static int load(struct reader *r, const char *text, size_t len,
                int (*root)(struct reader *r, const yaml_node_t *node)) {
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        return AURA_ENOMEM;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (yaml_parser_load(&parser, &r->doc)) {
        yaml_node_t *node = yaml_document_get_root_node(&r->doc);
        r->err = node ? root(r, node) : 0; /* an empty file is fine */
        yaml_document_delete(&r->doc);
    } else {
        aura_buf_printf(r->messages, "%s:%zu:%zu: not YAML: %s\n", r->name,
                        parser.problem_mark.line + 1, parser.problem_mark.column + 1,
                        parser.problem ? parser.problem : "unreadable");
        r->err = AURA_EMALFORMED;
    }
    yaml_parser_delete(&parser);
    return r->err;
}

static int root_config(struct reader *r, const yaml_node_t *node) {
    return walk(r, node, "", 0);
}

static int root_keys(struct reader *r, const yaml_node_t *node) {
    return take_keys(r, node, r->c->keys);
}

int aura_config_text(struct aura_config *c, const char *name, const char *text, size_t len,
                     struct aura_buf *messages) {
    struct reader r = {.c = c, .name = name, .messages = messages};
    if (len > AURA_CONFIG_BYTES_MAX) {
        aura_buf_printf(messages, "%s: larger than %d bytes\n", name, AURA_CONFIG_BYTES_MAX);
        return AURA_ELIMIT;
    }
    return load(&r, text, len, root_config);
}

int aura_config_keys(struct aura_config *c, const char *name, const char *text,
                     struct aura_buf *messages) {
    struct reader r = {.c = c, .name = name, .messages = messages};
    return load(&r, text, strlen(text), root_keys);
}
