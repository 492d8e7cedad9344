/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static int fail(struct aura_buf *b, int err) {
    if (!b->err) {
        b->err = err;
    }
    return b->err;
}

static int reserve(struct aura_buf *b, size_t n) {
    if (b->err) {
        return b->err;
    }
    if (n > b->max || b->len > b->max - n) {
        return fail(b, AURA_ELIMIT);
    }
    size_t need = b->len + n + 1;
    if (need <= b->cap) {
        return 0;
    }
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need) {
        cap *= 2;
    }
    uint8_t *data = aura_realloc(b->data, cap);
    if (!data) {
        return fail(b, AURA_ENOMEM);
    }
    b->data = data;
    b->cap = cap;
    return 0;
}

void aura_buf_free(struct aura_buf *b) {
    aura_free(b->data);
    *b = AURA_BUF(b->max);
}

void aura_buf_clear(struct aura_buf *b) {
    b->len = 0;
    b->err = 0;
    if (b->data) {
        b->data[0] = 0;
    }
}

int aura_buf_add(struct aura_buf *b, const void *src, size_t n) {
    int err = reserve(b, n);
    if (err) {
        return err;
    }
    if (n) {
        memcpy(b->data + b->len, src, n);
    }
    b->len += n;
    b->data[b->len] = 0;
    return 0;
}

int aura_buf_str(struct aura_buf *b, const char *s) {
    return aura_buf_add(b, s, strlen(s));
}

int aura_buf_vprintf(struct aura_buf *b, const char *fmt, va_list ap) {
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0) {
        return fail(b, AURA_EINVAL);
    }
    int err = reserve(b, (size_t)n);
    if (err) {
        return err;
    }
    vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
    b->len += (size_t)n;
    return 0;
}

int aura_buf_printf(struct aura_buf *b, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int err = aura_buf_vprintf(b, fmt, ap);
    va_end(ap);
    return err;
}

void aura_buf_drain(struct aura_buf *b, size_t n) {
    AURA_BUG_ON(n > b->len);
    if (n) {
        memmove(b->data, b->data + n, b->len - n + 1);
        b->len -= n;
    }
}

const char *aura_buf_text(const struct aura_buf *b) {
    return b->data ? (const char *)b->data : "";
}
