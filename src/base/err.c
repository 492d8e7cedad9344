/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static const struct entry {
    int code;
    const char *name, *text;
    int http;
    const char *twirp;
} table[] = {
#define ROW(name, value, text, http, twirp) {value, #name, text, http, twirp},
    AURA_ERR_TABLE(ROW)
#undef ROW
};

static const struct entry *find(int err) {
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].code == err) {
            return &table[i];
        }
    }
    return NULL;
}

const char *aura_err_text(int err) {
    const struct entry *e = find(err);
    return err == 0 ? "success" : e ? e->text : "unknown error";
}

const char *aura_err_name(int err) {
    const struct entry *e = find(err);
    return err == 0 ? "OK" : e ? e->name : "UNKNOWN";
}

int aura_err_http(int err) {
    const struct entry *e = find(err);
    return err == 0 ? 200 : e ? e->http : 500;
}

const char *aura_err_twirp(int err) {
    const struct entry *e = find(err);
    return err == 0 ? "ok" : e ? e->twirp : "internal";
}

void aura_bug(const char *file, int line, const char *what) {
    fprintf(stderr, "auralink: BUG at %s:%d: %s\n", file, line, what);
    abort();
}
