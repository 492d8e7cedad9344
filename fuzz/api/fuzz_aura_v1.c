/* SPDX-License-Identifier: Apache-2.0 */
/* A body of a request below /aura/v1, against fields of each kind that there are. What gets through
 * is of its type and within its bounds. */
#include "api/aura_v1_fields.h"
#include "auraid/name.h"

#include <stdint.h>
#include <string.h>

static void check_text(const struct aura_v1_field *f) {
    const char *text = json_string_value(f->value);
    size_t len = json_string_length(f->value);
    AURA_BUG_ON(!text || len > f->bytes_max || strlen(text) != len || (f->needed && !len));
    for (size_t i = 0; i < len; i++) {
        AURA_BUG_ON((unsigned char)text[i] < 0x20 || text[i] == 0x7f);
    }
}

static void check_people(const json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        struct aura_id id;
        char again[AURA_ID_BYTES_MAX];
        if (text && aura_id_parse(&id, text, strlen(text)) == 0) {
            struct aura_id twice;
            aura_id_text(&id, again);
            AURA_BUG_ON(aura_id_parse(&twice, again, strlen(again)) ||
                        strcmp(id.name, twice.name) != 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_v1_field fields[] = {
        {"to", JSON_ARRAY, false, 31, NULL},           {"device", JSON_STRING, true, 63, NULL},
        {"display", JSON_STRING, false, 256, NULL},    {"video", JSON_TRUE, false, 0, NULL},
        {"openid_token", JSON_OBJECT, false, 0, NULL}, {"limit", JSON_INTEGER, false, 0, NULL}};
    enum { COUNT = sizeof(fields) / sizeof(fields[0]) };
    const char *name;
    json_t *body = aura_v1_read_body((const char *)data, size);
    const char *problem = aura_v1_fields_problem(body, fields, COUNT, &name);
    AURA_BUG_ON(!body && !problem); /* one is needed */
    for (size_t i = 0; i < COUNT && !problem; i++) {
        AURA_BUG_ON(fields[i].needed && !fields[i].value);
        if (fields[i].value && fields[i].type == JSON_STRING) {
            check_text(&fields[i]);
        }
        AURA_BUG_ON(fields[i].type == JSON_ARRAY && json_array_size(fields[i].value) > 31);
    }
    if (!problem) {
        check_people(fields[0].value);
    }
    json_decref(body);
    return 0;
}
