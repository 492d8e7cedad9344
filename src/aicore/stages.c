/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/stages.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

unsigned aura_stages_of(const char *list) {
    static const struct {
        const char *name;
        unsigned stage;
    } known[] = {{"screen-tools", AURA_STAGE_SCREEN},
                 {"steady", AURA_STAGE_STEADY},
                 {"quantizer", AURA_STAGE_QUANTIZER}};
    unsigned found = 0;
    while (list && *list) {
        size_t len = strcspn(list, ",");
        for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
            bool is = len == strlen(known[i].name) && memcmp(list, known[i].name, len) == 0;
            found |= is ? known[i].stage : 0;
        }
        list += list[len] ? len + 1 : len;
    }
    return found;
}
