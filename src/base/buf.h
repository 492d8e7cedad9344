/* SPDX-License-Identifier: Apache-2.0 */
/** @file buf.h  Growing byte buffer with a hard ceiling; also the text builder. */
#ifndef AURA_BASE_BUF_H
#define AURA_BASE_BUF_H

#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/** Init with AURA_BUF(max); `data` is NUL-terminated behind `len` whenever it is not NULL. */
struct aura_buf {
    uint8_t *data;
    size_t len, cap, max;
    int err; /* sticky: first failure (AURA_ENOMEM, AURA_ELIMIT); later appends do nothing */
};

#define AURA_BUF(max_bytes) ((struct aura_buf){.max = (max_bytes)})

/** Frees the content and makes the buffer usable again. */
void aura_buf_free(struct aura_buf *b);
/** Forgets the content, keeps the memory, clears the sticky error. */
void aura_buf_clear(struct aura_buf *b);
/** Appends bytes. @return 0, AURA_ENOMEM, AURA_ELIMIT (also sticky in b->err). */
int aura_buf_add(struct aura_buf *b, const void *src, size_t n);
/** Appends a C string. */
int aura_buf_str(struct aura_buf *b, const char *s);
/** Appends formatted text. */
__attribute__((format(printf, 2, 3))) int aura_buf_printf(struct aura_buf *b, const char *fmt, ...);
__attribute__((format(printf, 2, 0))) int aura_buf_vprintf(struct aura_buf *b, const char *fmt,
                                                           va_list ap);
/** Removes @p n bytes from the front. */
void aura_buf_drain(struct aura_buf *b, size_t n);
/** The content as a string: never NULL, "" when empty. Borrowed. */
const char *aura_buf_text(const struct aura_buf *b);

#endif
