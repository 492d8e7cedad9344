/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/pem.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

char *aura_pem_read(const char *program, const char *what, const char *path) {
    FILE *file = fopen(path, "re");
    int problem = errno;
    char *text = file ? aura_zalloc(AURA_PEM_BYTES_MAX + 1) : NULL;
    size_t n = text ? fread(text, 1, AURA_PEM_BYTES_MAX + 1, file) : 0;
    if (!file || !text || ferror(file) || n > AURA_PEM_BYTES_MAX) {
        fprintf(stderr, "%s: %s%scannot read %s: %s\n", program, what ? what : "", what ? ": " : "",
                path, n > AURA_PEM_BYTES_MAX ? "larger than 1 MiB" : strerror(problem));
        aura_free(text);
        text = NULL;
    }
    if (file) {
        fclose(file);
    }
    return text;
}

char *aura_pem_free(char *pem) {
    if (pem) {
        aura_wipe(pem, strlen(pem));
        aura_free(pem);
    }
    return NULL;
}
