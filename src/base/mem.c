/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int64_t live;
static _Thread_local uint64_t count;
static _Thread_local int64_t fail_in = -1;
static _Thread_local bool failed;

static bool must_fail(void) {
    if (fail_in < 0) {
        return false;
    }
    if (fail_in == 0) {
        failed = true;
        return true;
    }
    fail_in--;
    return false;
}

static void *counted(void *p) {
    if (p) {
        atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
        count++;
    }
    return p;
}

void *aura_zalloc(size_t bytes) {
    return must_fail() ? NULL : counted(calloc(1, bytes ? bytes : 1));
}

void *aura_calloc(size_t n, size_t bytes) {
    return must_fail() ? NULL : counted(calloc(n ? n : 1, bytes ? bytes : 1));
}

void *aura_realloc(void *p, size_t bytes) {
    if (!p) {
        return aura_zalloc(bytes);
    }
    if (must_fail()) {
        return NULL;
    }
    count++;
    return realloc(p, bytes ? bytes : 1);
}

void aura_free(void *p) {
    if (p) {
        atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
        free(p);
    }
}

char *aura_strndup(const char *s, size_t n) {
    if (!s) {
        return NULL;
    }
    char *copy = aura_zalloc(n + 1);
    if (copy) {
        memcpy(copy, s, n);
    }
    return copy;
}

char *aura_strdup(const char *s) {
    return s ? aura_strndup(s, strlen(s)) : NULL;
}

/* Sits in front of each counted object; max_align_t keeps the object aligned for anything. */
struct head {
    union {
        struct {
            aura_dtor_fn *dtor;
            uint32_t refs;
        } h;
        max_align_t align;
    } u;
};

static struct head *head_of(const void *obj) {
    return (struct head *)(uintptr_t)obj - 1;
}

void *aura_ref_new(size_t bytes, aura_dtor_fn *dtor) {
    struct head *head = aura_zalloc(sizeof(*head) + bytes);
    if (!head) {
        return NULL;
    }
    head->u.h.dtor = dtor;
    head->u.h.refs = 1;
    return head + 1;
}

void *aura_ref(void *obj) {
    if (obj) {
        AURA_BUG_ON(head_of(obj)->u.h.refs == 0);
        head_of(obj)->u.h.refs++;
    }
    return obj;
}

void *aura_unref(void *obj) {
    if (!obj) {
        return NULL;
    }
    struct head *head = head_of(obj);
    AURA_BUG_ON(head->u.h.refs == 0);
    if (--head->u.h.refs == 0) {
        if (head->u.h.dtor) {
            head->u.h.dtor(obj);
        }
        aura_free(head);
    }
    return NULL;
}

uint32_t aura_refs(const void *obj) {
    return obj ? head_of(obj)->u.h.refs : 0;
}

int64_t aura_mem_live(void) {
    return atomic_load_explicit(&live, memory_order_relaxed);
}
uint64_t aura_mem_count(void) {
    return count;
}

void aura_mem_fail_at(int64_t n) {
    fail_in = n;
    failed = false;
}

bool aura_mem_failed(void) {
    return failed;
}

void aura_wipe(void *p, size_t n) {
    explicit_bzero(p, n);
}

bool aura_secret_equal(const void *a, const void *b, size_t n) {
    const volatile uint8_t *x = a, *y = b;
    uint8_t diff = 0;
    for (size_t i = 0; i < n; i++) {
        diff |= (uint8_t)(x[i] ^ y[i]);
    }
    return diff == 0;
}
