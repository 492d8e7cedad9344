/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/pace.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { MINUTE_US = 60000000, NO_ROOM_S = 5 };

struct budget {
    uint64_t full_us; /* when all of it is there again */
    char who[];
};

struct aura_pace {
    struct aura_map *budgets;
    size_t max;
    uint64_t swept_us;
};

int aura_pace_new(struct aura_pace **pp, size_t max) {
    struct aura_pace *p = aura_zalloc(sizeof(*p));
    int err = p ? aura_map_new(&p->budgets, max) : AURA_ENOMEM;
    if (err) {
        aura_free(p);
        return err;
    }
    p->max = max;
    *pp = p;
    return 0;
}

static void forget(struct aura_pace *p, struct budget *b) {
    aura_map_del_str(p->budgets, b->who);
    aura_free(b);
}

struct aura_pace *aura_pace_free(struct aura_pace *p) {
    if (p) {
        size_t it = 0;
        struct budget *b;
        while ((b = aura_map_next(p->budgets, &it))) {
            forget(p, b);
        }
        aura_map_free(p->budgets);
        aura_free(p);
    }
    return NULL;
}

/* At most once a second: with a table full of people who do use it, each newcomer would walk it. */
static void sweep(struct aura_pace *p, uint64_t now_us) {
    size_t it = 0;
    struct budget *b;
    if (p->swept_us && now_us - p->swept_us < AURA_US_PER_S) {
        return;
    }
    p->swept_us = now_us;
    while ((b = aura_map_next(p->budgets, &it))) {
        if (b->full_us <= now_us) {
            forget(p, b);
        }
    }
}

static struct budget *budget_of(struct aura_pace *p, const char *who, uint64_t now_us) {
    struct budget *b = aura_map_get_str(p->budgets, who);
    if (!b) {
        if (aura_map_count(p->budgets) >= p->max) {
            sweep(p, now_us);
        }
        size_t bytes = strlen(who) + 1;
        b = aura_zalloc(sizeof(*b) + bytes);
        if (b && aura_map_put_str(p->budgets, who, b)) {
            aura_free(b);
            b = NULL;
        }
        if (b) {
            memcpy(b->who, who, bytes);
        }
    }
    return b;
}

uint32_t aura_pace_take(struct aura_pace *p, const char *who, uint32_t per_minute,
                        uint64_t now_us) {
    if (!per_minute) {
        return 0;
    }
    struct budget *b = budget_of(p, who, now_us);
    if (!b) {
        return NO_ROOM_S;
    }
    uint64_t from_us = b->full_us > now_us ? b->full_us : now_us;
    uint64_t then_us = from_us + MINUTE_US / per_minute;
    if (then_us - now_us > MINUTE_US) {
        return (uint32_t)((then_us - now_us - MINUTE_US + AURA_US_PER_S - 1) / AURA_US_PER_S);
    }
    b->full_us = then_us;
    return 0;
}
