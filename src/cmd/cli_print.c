/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cmd/cli.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COLUMNS_MAX = 12 };

struct row {
    struct row *next;
    char *cells[COLUMNS_MAX];
};

struct cli_table {
    size_t columns, width[COLUMNS_MAX];
    struct row *first, **last;
};

int cli_print_json(const json_t *value) {
    int err = json_dumpf(value, stdout, JSON_INDENT(2));
    printf("\n");
    return err ? CLI_FAILED : CLI_OK;
}

int cli_finish(const struct cli *cli, json_t *response, cli_show_fn *show) {
    int status = response ? CLI_OK : CLI_FAILED;
    if (response && cli->json) {
        status = cli_print_json(response);
    } else if (response) {
        show(response);
    }
    json_decref(response);
    return status;
}

int cli_done(const struct cli *cli, json_t *response, const char *text) {
    int status = response ? CLI_OK : CLI_FAILED;
    if (response && cli->json) {
        status = cli_print_json(response);
    } else if (response) {
        printf("%s\n", text);
    }
    json_decref(response);
    return status;
}

const char *cli_time(char out[CLI_TIME_BYTES], int64_t seconds) {
    time_t at = (time_t)seconds;
    struct tm tm;
    out[0] = 0;
    if (seconds > 0) {
        strftime(out, CLI_TIME_BYTES, "%Y-%m-%d %H:%M:%SZ", gmtime_r(&at, &tm));
    }
    return out;
}

/* Columns that a text takes: code points, not bytes. */
static size_t width_of(const char *s) {
    size_t n = 0;
    for (; *s; s++) {
        n += ((unsigned char)*s & 0xc0) != 0x80;
    }
    return n;
}

/* Names come from peers: control characters must not reach the terminal. */
static void clean(char *s) {
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            *s = '?';
        }
    }
}

struct cli_table *cli_table_new(size_t columns, const char *const *headings) {
    AURA_BUG_ON(columns > COLUMNS_MAX);
    struct cli_table *t = aura_zalloc(sizeof(*t));
    AURA_BUG_ON(!t);
    t->columns = columns;
    t->last = &t->first;
    cli_table_row(t, headings);
    return t;
}

void cli_table_row(struct cli_table *t, const char *const *cells) {
    struct row *r = aura_zalloc(sizeof(*r));
    AURA_BUG_ON(!r);
    for (size_t i = 0; i < t->columns; i++) {
        r->cells[i] = aura_strdup(cells[i] ? cells[i] : "");
        AURA_BUG_ON(!r->cells[i]);
        clean(r->cells[i]);
        size_t w = width_of(r->cells[i]);
        t->width[i] = w > t->width[i] ? w : t->width[i];
    }
    *t->last = r;
    t->last = &r->next;
}

void cli_table_print(struct cli_table *t) {
    for (struct row *r = t->first, *next; r; r = next) {
        next = r->next;
        for (size_t i = 0; i < t->columns; i++) {
            bool last = i + 1 == t->columns;
            size_t pad = last ? 0 : t->width[i] - width_of(r->cells[i]) + 2;
            printf("%s%*s", r->cells[i], (int)pad, "");
            aura_free(r->cells[i]);
        }
        printf("\n");
        aura_free(r);
    }
    aura_free(t);
}

const char *cli_text(const json_t *object, const char *name) {
    const char *s = json_string_value(json_object_get(object, name));
    return s ? s : "";
}

int64_t cli_number(const json_t *object, const char *name) {
    const json_t *v = json_object_get(object, name);
    if (json_is_string(v)) {
        return strtoll(json_string_value(v), NULL, 10);
    }
    return json_integer_value(v);
}

json_t *cli_pairs(const struct aura_arg_list *list) {
    json_t *object = json_object();
    for (size_t i = 0; i < list->count; i++) {
        const char *eq = strchr(list->items[i], '=');
        if (!eq) {
            cli_error(NULL, "'%s' should read name=value", list->items[i]);
            json_decref(object);
            return NULL;
        }
        char *key = aura_strndup(list->items[i], (size_t)(eq - list->items[i]));
        AURA_BUG_ON(!key || json_object_set_new_nocheck(object, key, json_string_nocheck(eq + 1)));
        aura_free(key);
    }
    return object;
}

json_t *cli_data_request(const char *room, const char *text, bool lossy) {
    size_t len = strlen(text);
    char *data = aura_zalloc((len + 2) / 3 * 4 + 1);
    AURA_BUG_ON(!data);
    EVP_EncodeBlock((unsigned char *)data, (const unsigned char *)text, (int)len);
    json_t *request = json_pack("{s:s, s:s, s:s}", "room", room, "data", data, "kind",
                                lossy ? "LOSSY" : "RELIABLE");
    aura_free(data);
    return request;
}

json_t *cli_strings(const char *const *texts, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, json_string_nocheck(texts[i]));
    }
    return array;
}

void cli_set_text(json_t *request, const char *name, const char *text) {
    if (text) {
        /* If it is no UTF-8 the request cannot be written, which is told then. */
        json_object_set_new(request, name, json_string_nocheck(text));
    }
}

json_t *cli_object(const char *option, const char *text) {
    json_error_t where;
    json_t *value = json_loads(text, 0, &where);
    if (!value || !json_is_object(value)) {
        cli_error(NULL, "%s wants a JSON object: %s", option,
                  value ? "this is something else" : where.text);
        json_decref(value);
        return NULL;
    }
    return value;
}
