/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/matrix/leave.h"

#include "base/map.h"
#include "base/mem.h"

#include <string.h>

enum { KEY_BYTES = AURA_RTC_ROOM_BYTES + AURA_RTC_IDENTITY_BYTES, RETRIES_SHIFT_MAX = 16 };

enum state { WAITING, CONNECTED, GONE };

struct job {
    struct aura_leaves *all;
    struct aura_timer look, act; /* into the room; at the homeserver */
    uint64_t id, until_us;       /* waiting and gone: the end of trying */
    enum state state;
    bool busy, restarting; /* a request is under way; it is a restart */
    uint32_t failures, delay_ms;
    size_t key_len;
    char key[KEY_BYTES]; /* room, NUL, identity, NUL */
    char delay_id[AURA_RTC_TEXT_MAX], url[AURA_RTC_URL_MAX];
};

struct aura_leaves {
    struct aura_leaves_conf conf;
    struct aura_map *by_id, *by_key;
    struct aura_leaves_stats stats;
    uint64_t last_id;
};

static uint64_t now_us(const struct aura_leaves *l) {
    return aura_now_us(aura_timers_clock(l->conf.timers));
}

static void end(struct job *j) {
    struct aura_leaves *l = j->all;
    aura_timer_stop(l->conf.timers, &j->look);
    aura_timer_stop(l->conf.timers, &j->act);
    aura_map_del_u64(l->by_id, j->id);
    aura_map_del(l->by_key, j->key, j->key_len);
    aura_wipe(j->delay_id, sizeof(j->delay_id));
    aura_free(j);
}

static void act_now(void *arg);
static void look(void *arg);

/* Without memory for a timer nothing would go on: the homeserver's own delay then ends it.
 * @return false: the job is gone */
static bool start(struct job *j, struct aura_timer *t, uint64_t ms, aura_timer_fn *fn) {
    bool runs = !aura_timer_start(j->all->conf.timers, t, ms * AURA_US_PER_MS, fn, j);
    if (!runs) {
        j->all->stats.given_up++;
        end(j);
    }
    return runs;
}

static uint64_t backoff_ms(uint32_t failures) {
    uint64_t ms = AURA_LEAVE_RETRY_MS;
    for (uint32_t i = 1; i < failures && i < RETRIES_SHIFT_MAX; i++) {
        ms += ms / 2;
    }
    return ms < AURA_LEAVE_RETRY_MAX_MS ? ms : AURA_LEAVE_RETRY_MAX_MS;
}

/* Afterwards the job may be gone. */
static void retry(struct job *j) {
    struct aura_leaves *l = j->all;
    uint64_t ms = backoff_ms(++j->failures);
    if (j->state == GONE && now_us(l) + ms * AURA_US_PER_MS > j->until_us) {
        l->stats.given_up++;
        end(j);
        return;
    }
    l->stats.retries++;
    (void)start(j, &j->act, ms, act_now);
}

/* Afterwards the job may be gone. */
static void act_now(void *arg) {
    struct job *j = arg;
    struct aura_leaves *l = j->all;
    if (j->busy) {
        return; /* its result leads on */
    }
    j->busy = true;
    j->restarting = j->state != GONE;
    enum aura_leave_act what = j->state == GONE ? AURA_LEAVE_SEND : AURA_LEAVE_RESTART;
    if (l->conf.act(l->conf.arg, j->id, what, j->url, j->delay_id)) {
        j->busy = false;
        retry(j);
    }
}

static void go(struct job *j) {
    struct aura_leaves *l = j->all;
    uint64_t ms = j->delay_ms;
    ms = ms < AURA_LEAVE_LAST_MIN_MS   ? AURA_LEAVE_LAST_MIN_MS
         : ms > AURA_LEAVE_LAST_MAX_MS ? AURA_LEAVE_LAST_MAX_MS
                                       : ms;
    j->state = GONE;
    j->failures = 0;
    j->until_us = now_us(l) + ms * AURA_US_PER_MS;
    aura_timer_stop(l->conf.timers, &j->act);
    act_now(j);
}

static void look(void *arg) {
    struct job *j = arg;
    struct aura_leaves *l = j->all;
    const char *identity = j->key + strlen(j->key) + 1;
    bool present = l->conf.is_present(l->conf.arg, j->key, identity);
    if (j->state == CONNECTED && !present) {
        go(j);
        return;
    }
    if (j->state == WAITING && !present && now_us(l) >= j->until_us) {
        l->stats.given_up++;
        end(j);
        return;
    }
    if (start(j, &j->look, AURA_LEAVE_LOOK_MS, look) && j->state == WAITING && present) {
        j->state = CONNECTED;
        act_now(j);
    }
}

void aura_leaves_result(struct aura_leaves *l, uint64_t id, int status) {
    struct job *j = aura_map_get_u64(l->by_id, id);
    if (!j) {
        return;
    }
    j->busy = false;
    bool good = status >= 200 && status < 300;
    if (status == 404) { /* sent already, or cancelled by the client */
        l->stats.unknown++;
        end(j);
    } else if (j->state == GONE && j->restarting) { /* it left while that was under way */
        act_now(j);
    } else if (j->state == GONE && good) {
        l->stats.sent++;
        end(j);
    } else if (good) {
        j->failures = 0;
        l->stats.restarts++;
        (void)start(j, &j->act, (uint64_t)j->delay_ms * 4 / 5, act_now);
    } else {
        retry(j);
    }
}

static void set_key(struct job *j, const char *room, const char *identity) {
    size_t a = strlen(room) + 1, b = strlen(identity) + 1;
    memcpy(j->key, room, a);
    memcpy(j->key + a, identity, b);
    j->key_len = a + b;
}

int aura_leaves_add(struct aura_leaves *l, const char *room, const char *identity,
                    const struct aura_rtc_request *request) {
    AURA_REQUIRE(strlen(room) < AURA_RTC_ROOM_BYTES, AURA_EINVAL);
    AURA_REQUIRE(strlen(identity) < AURA_RTC_IDENTITY_BYTES, AURA_EINVAL);
    struct job *j = aura_zalloc(sizeof(*j));
    if (!j) {
        return AURA_ENOMEM;
    }
    j->all = l;
    j->id = ++l->last_id;
    j->delay_ms = request->delay_ms;
    j->until_us = now_us(l) + (uint64_t)request->delay_ms * AURA_US_PER_MS;
    memcpy(j->delay_id, request->delay_id, sizeof(j->delay_id));
    memcpy(j->url, request->delay_url, sizeof(j->url));
    set_key(j, room, identity);
    struct job *before = aura_map_get(l->by_key, j->key, j->key_len);
    if (before) {
        end(before);
    }
    int err = aura_timer_start(l->conf.timers, &j->look, 0, look, j);
    err = err ? err : aura_map_put_u64(l->by_id, j->id, j);
    err = err ? err : aura_map_put(l->by_key, j->key, j->key_len, j);
    if (err) {
        end(j);
        return err;
    }
    l->stats.taken++;
    return 0;
}

int aura_leaves_new(struct aura_leaves **lp, const struct aura_leaves_conf *conf) {
    struct aura_leaves *l = aura_zalloc(sizeof(*l));
    if (!l) {
        return AURA_ENOMEM;
    }
    l->conf = *conf;
    int err = aura_map_new(&l->by_id, AURA_LEAVES_MAX);
    err = err ? err : aura_map_new(&l->by_key, AURA_LEAVES_MAX);
    if (err) {
        aura_leaves_free(l);
        return err;
    }
    *lp = l;
    return 0;
}

struct aura_leaves *aura_leaves_free(struct aura_leaves *l) {
    if (l) {
        size_t it = 0;
        for (struct job *j; l->by_id && (j = aura_map_next(l->by_id, &it));) {
            end(j);
        }
        aura_map_free(l->by_id);
        aura_map_free(l->by_key);
        aura_free(l);
    }
    return NULL;
}

size_t aura_leaves_count(const struct aura_leaves *l) {
    return aura_map_count(l->by_id);
}

void aura_leaves_stats(const struct aura_leaves *l, struct aura_leaves_stats *out) {
    *out = l->stats;
}
