/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "base/mem.h"
#include "room/token.h"

struct secret {
    struct secret *next;
    char *key, *text;
    char *old; /* before a rotation; NULL = none */
    int64_t old_until_s;
};

struct aura_keys {
    struct aura_map *by_key;
    struct secret *all, **end;
    /* Borrowed; these stay with the object when keys are swapped. */
    const char *matrix;
    const struct aura_keys *more;
};

int aura_keys_new(struct aura_keys **kp) {
    struct aura_keys *k = aura_zalloc(sizeof(*k));
    if (!k) {
        return AURA_ENOMEM;
    }
    k->end = &k->all;
    int err = aura_map_new(&k->by_key, AURA_KEYS_MAX);
    if (err) {
        aura_free(k);
        return err;
    }
    *kp = k;
    return 0;
}

static void wipe(char *text) {
    if (text) {
        aura_wipe(text, strlen(text));
        aura_free(text);
    }
}

static void secret_free(struct secret *s) {
    wipe(s->text);
    wipe(s->old);
    aura_free(s->key);
    aura_free(s);
}

struct aura_keys *aura_keys_free(struct aura_keys *k) {
    if (k) {
        for (struct secret *s = k->all, *next; s; s = next) {
            next = s->next;
            secret_free(s);
        }
        aura_map_free(k->by_key);
        aura_free(k);
    }
    return NULL;
}

int aura_keys_add(struct aura_keys *k, const char *key, const char *secret) {
    if (!key[0] || !secret[0]) {
        return AURA_EINVAL;
    }
    struct secret *s = aura_map_get_str(k->by_key, key);
    char *text = aura_strdup(secret);
    if (!text) {
        return AURA_ENOMEM;
    }
    if (s) {
        wipe(s->text);
        s->text = text;
        return 0;
    }
    s = aura_zalloc(sizeof(*s));
    int err = s ? 0 : AURA_ENOMEM;
    if (!err) {
        s->key = aura_strdup(key);
        err = s->key ? aura_map_put_str(k->by_key, key, s) : AURA_ENOMEM;
    }
    if (err) {
        wipe(text);
        if (s) {
            aura_free(s->key);
        }
        aura_free(s);
        return err;
    }
    s->text = text;
    *k->end = s;
    k->end = &s->next;
    return 0;
}

static const struct secret *find(const struct aura_keys *k, const char *key) {
    const struct secret *s = aura_map_get_str(k->by_key, key);
    return s || !k->more ? s : aura_map_get_str(k->more->by_key, key);
}

const char *aura_keys_secret(const struct aura_keys *k, const char *key) {
    const struct secret *s = find(k, key);
    return s ? s->text : NULL;
}

const char *aura_keys_old_secret(const struct aura_keys *k, const char *key, int64_t now_s) {
    const struct secret *s = find(k, key);
    return s && now_s < s->old_until_s ? s->old : NULL;
}

int aura_keys_rotate(struct aura_keys *k, const char *key, const char *secret,
                     int64_t old_until_s) {
    struct secret *s = aura_map_get_str(k->by_key, key);
    char *text = s && secret[0] ? aura_strdup(secret) : NULL;
    if (!text) {
        return !s ? AURA_ENOENT : secret[0] ? AURA_ENOMEM : AURA_EINVAL;
    }
    wipe(s->old);
    s->old = s->text;
    s->text = text;
    s->old_until_s = old_until_s;
    return 0;
}

void aura_keys_remove(struct aura_keys *k, const char *key) {
    struct secret *gone = aura_map_del_str(k->by_key, key), **at = &k->all;
    while (gone && *at != gone) {
        at = &(*at)->next;
    }
    if (gone) {
        *at = gone->next;
        k->end = gone->next ? k->end : at;
        secret_free(gone);
    }
}

void aura_keys_set_more(struct aura_keys *k, const struct aura_keys *more) {
    k->more = more;
}

void aura_keys_each(const struct aura_keys *k, void (*fn)(void *arg, const char *key), void *arg) {
    for (const struct secret *s = k->all; s; s = s->next) {
        fn(arg, s->key);
    }
}

void aura_keys_swap(struct aura_keys *a, struct aura_keys *b) {
    struct aura_keys held = *a;
    *a = *b;
    *b = held;
    a->end = a->all ? a->end : &a->all;
    b->end = b->all ? b->end : &b->all;
    b->matrix = a->matrix;
    b->more = a->more;
    a->matrix = held.matrix;
    a->more = held.more;
}

void aura_keys_set_matrix(struct aura_keys *k, const char *key) {
    k->matrix = key;
}

bool aura_keys_is_matrix(const struct aura_keys *k, const char *key) {
    return k->matrix && strcmp(k->matrix, key) == 0;
}

static bool same_secret(const char *a, const char *b) {
    size_t len = strlen(a);
    return len == strlen(b) && aura_secret_equal(a, b, len);
}

static const char *own_secret(const struct aura_keys *k, const char *key) {
    const struct secret *s = aura_map_get_str(k->by_key, key);
    return s ? s->text : NULL;
}

struct aura_keys_change aura_keys_compare(const struct aura_keys *before,
                                          const struct aura_keys *now) {
    struct aura_keys_change out = {.added = 0};
    for (const struct secret *s = before->all; s; s = s->next) {
        out.removed += own_secret(now, s->key) == NULL;
    }
    for (const struct secret *s = now->all; s; s = s->next) {
        const char *old = own_secret(before, s->key);
        out.added += old == NULL;
        out.changed += old && !same_secret(old, s->text);
    }
    return out;
}

size_t aura_keys_count(const struct aura_keys *k) {
    return aura_map_count(k->by_key);
}

const char *aura_keys_first(const struct aura_keys *k) {
    return k->all ? k->all->key : NULL;
}
