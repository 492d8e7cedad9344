/* SPDX-License-Identifier: Apache-2.0 */
#include "api/recordings_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_BYTES = 256, DIRECTORY = O_PATH | O_DIRECTORY | O_CLOEXEC };

static int error_of(int number) {
    return number == EEXIST                       ? AURA_EEXISTS
           : number == ELOOP || number == ENOTDIR ? AURA_EPOLICY
                                                  : AURA_EIO;
}

/* Takes `dir`, gives the folder in it. */
static int enter(int *dir, const char *name) {
    int err = mkdirat(*dir, name, 0750) && errno != EEXIST ? error_of(errno) : 0;
    int next = err ? -1 : openat(*dir, name, DIRECTORY | O_NOFOLLOW);
    err = err ? err : next < 0 ? error_of(errno) : 0;
    close(*dir);
    *dir = next;
    return err;
}

/* The folder that holds `to`, made if need be. @param last  out: its last part */
static int walk(const char *folder, const char *to, int *dir, const char **last) {
    char name[NAME_BYTES];
    *dir = open(folder, DIRECTORY);
    if (*dir < 0) {
        return AURA_EIO;
    }
    for (const char *slash; (slash = strchr(to, '/')) != NULL; to = slash + 1) {
        size_t n = (size_t)(slash - to);
        if (n >= sizeof(name)) {
            close(*dir);
            return AURA_ELIMIT;
        }
        memcpy(name, to, n);
        name[n] = 0;
        bool below = n && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
        int err = below ? enter(dir, name) : AURA_EPOLICY;
        if (err) {
            if (*dir >= 0) {
                close(*dir);
            }
            return err;
        }
    }
    *last = to;
    return 0;
}

/* Neither writes over what is there. */
static int give(int base, const char *from, int dir, const char *name, bool keep) {
    if (linkat(base, from, dir, name, 0) == 0) {
        return keep || unlinkat(base, from, 0) == 0 ? 0 : AURA_EIO;
    }
    bool without_links = errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK;
    if (without_links && renameat2(base, from, dir, name, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    return error_of(errno);
}

int aura__place(const char *folder, const char *from, const char *to, const char *suffix, bool keep,
                char *out, size_t out_size) {
    char name[NAME_BYTES + 16];
    const char *last;
    int dir;
    int err = walk(folder, to, &dir, &last);
    if (err) {
        return err;
    }
    int base = open(folder, DIRECTORY);
    size_t before = (size_t)(last - to);
    err = base < 0 ? AURA_EIO : AURA_EEXISTS;
    for (int i = 1; err == AURA_EEXISTS && i <= AURA__PLACE_TRIES; i++) {
        char number[16] = "";
        if (i > 1) {
            snprintf(number, sizeof(number), "-%d", i);
        }
        int n = snprintf(name, sizeof(name), "%s%s%s", last, number, suffix);
        int m = snprintf(out, out_size, "%.*s%s", (int)before, to, name);
        bool fits = n > 0 && (size_t)n < sizeof(name) && m > 0 && (size_t)m < out_size;
        err = fits ? give(base, from, dir, name, keep) : AURA_ELIMIT;
    }
    if (base >= 0) {
        close(base);
    }
    close(dir);
    return err;
}
