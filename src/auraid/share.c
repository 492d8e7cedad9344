/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/share.h"

#include "base/map.h"
#include "base/mem.h"

#include <string.h>

struct taken {
    uint64_t count;
    char app[];
};

struct aura_share {
    struct aura_map *apps;
};

int aura_share_new(struct aura_share **sp) {
    struct aura_share *s = aura_zalloc(sizeof(*s));
    int err = s ? aura_map_new(&s->apps, AURA_SHARE_APPS_MAX) : AURA_ENOMEM;
    if (err) {
        aura_free(s);
        return err;
    }
    *sp = s;
    return 0;
}

static void forget(struct aura_share *s, struct taken *t) {
    aura_map_del_str(s->apps, t->app);
    aura_free(t);
}

struct aura_share *aura_share_free(struct aura_share *s) {
    if (s) {
        size_t it = 0;
        struct taken *t;
        while ((t = aura_map_next(s->apps, &it))) {
            forget(s, t);
        }
        aura_map_free(s->apps);
        aura_free(s);
    }
    return NULL;
}

bool aura_share_fits(const struct aura_share *s, const char *app, uint64_t max) {
    const struct taken *t = aura_map_get_str(s->apps, app);
    return !max || !t || t->count < max;
}

void aura_share_take(struct aura_share *s, const char *app, uint64_t count) {
    struct taken *t = aura_map_get_str(s->apps, app);
    if (!t) {
        size_t bytes = strlen(app) + 1;
        t = aura_zalloc(sizeof(*t) + bytes);
        if (t && aura_map_put_str(s->apps, app, t)) {
            aura_free(t);
            t = NULL;
        }
        if (t) {
            memcpy(t->app, app, bytes);
        }
    }
    if (t) {
        t->count += count;
    }
}

void aura_share_give(struct aura_share *s, const char *app) {
    struct taken *t = aura_map_get_str(s->apps, app);
    if (t && --t->count == 0) {
        forget(s, t);
    }
}

uint64_t aura_share_of(uint64_t all, unsigned percent, size_t apps) {
    uint64_t share = all / 100 * percent + all % 100 * percent / 100;
    return apps < 2 || percent >= 100 ? 0 : share ? share : 1;
}
