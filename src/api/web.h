/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file web.h  The pages that the HTTP port shows: a folder that is read once, into memory.
 *
 * What is asked for is looked up among the names that were found, so no path of a request ever
 * reaches the file system. A file NAME.br or NAME.gz is NAME, compressed: who accepts it gets it.
 * Names below /assets/ hold a hash of their content and are kept by browsers for good; others are
 * asked about each time, by ETag (RFC 9110 section 8.8.3).
 *
 * Threading: read-only after aura_web_open().
 */
#ifndef AURA_API_WEB_H
#define AURA_API_WEB_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_WEB_FILES_MAX = 512, /* compressed ones apart */
    AURA_WEB_FILE_BYTES_MAX = 8 << 20,
    AURA_WEB_BYTES_MAX = 32 << 20, /* of all files, compressed ones too */
    AURA_WEB_NAME_BYTES_MAX = 200, /* of a file or a folder in it */
};

struct aura_web;

/**
 * Reads a folder and the folders in it, not those in them; what begins with a dot, and links, are
 * left out.
 * @return 0, AURA_ENOENT (no index.html), AURA_EIO, AURA_ELIMIT, AURA_ENOMEM
 */
AURA_NODISCARD int aura_web_open(struct aura_web **wp, const char *folder);
/** NULL is fine. Returns NULL. */
struct aura_web *aura_web_free(struct aura_web *w);
size_t aura_web_files(const struct aura_web *w);

/** What is sent. Borrowed from the aura_web. */
struct aura_web_page {
    const char *type, *etag, *cache, *encoding; /* encoding NULL = as it is */
    const uint8_t *body;
    size_t len;
    bool unchanged; /* who asks has it already: 304, without the body */
};

/**
 * @param path      of the request, decoded; "/" and "/r/ROOM" are /index.html,
 *                  "/dashboard" and what is below it /dashboard.html
 * @param accept    Accept-Encoding; NULL = none
 * @param has       If-None-Match; NULL = none
 * @return false: there is no such page
 */
bool aura_web_find(const struct aura_web *w, const char *path, const char *accept, const char *has,
                   struct aura_web_page *out);

#endif
