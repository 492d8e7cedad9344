/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/admission.h"

#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>
#include <string.h>

enum {
    BURST_S = 2, /* of a client's opens */
    FORGET_US = 60000000,
    LEARN_FRAMES = 128,
    SIZES = 3,
    /* So that what one stream's end frees is seen before the next goes. */
    SHED_HOPELESS_US = 300000,
    SHED_LATE_US = 5000000,
    REST_US = 2000, /* what a thread may be at when a frame comes (aura_track_rest()) */
};

/* Streams may not fill a thread: frames come in bursts, and two that come together would wait for
 * each other. */
static const float fill = 0.8F;
static const float work_first = 13, answer_first = 9; /* ns a pixel: 720p in 12 and 8 ms */
/* One answer of a hundred takes so many times the mean. */
static const float spread = 1.3F;

/* Small pictures cost more for each pixel: what they teach is no measure for large ones. */
static const uint64_t sizes_from[SIZES] = {0, 320 * 240 + 1, 960 * 540};

struct cost {
    float work_ns, answer_ns; /* per pixel */
};

struct client {
    float tokens;
    uint64_t seen_us;
    char key[]; /* for the map's sake */
};

struct aura_admission {
    struct aura_admission_conf conf;
    const struct aura_clock *clock;
    pthread_mutex_t lock;
    struct aura_map *clients;
    uint32_t streams;
    float taken;      /* shares of a thread */
    float answers_us; /* of all streams */
    struct cost cost[SIZES];
    uint64_t shed_us; /* when a stream went last */
};

int aura_admission_new(struct aura_admission **ap, const struct aura_admission_conf *conf,
                       const struct aura_clock *clock) {
    struct aura_admission *a = aura_zalloc(sizeof(*a));
    if (!a) {
        return AURA_ENOMEM;
    }
    a->conf = *conf;
    a->clock = clock;
    for (size_t i = 0; i < SIZES; i++) {
        struct cost *c = &a->cost[i];
        c->work_ns = conf->work_ns_per_pixel > 0 ? conf->work_ns_per_pixel : work_first;
        c->answer_ns = conf->answer_ns_per_pixel > 0 ? conf->answer_ns_per_pixel : answer_first;
    }
    pthread_mutex_init(&a->lock, NULL);
    int err = aura_map_new(&a->clients, AURA_ADMISSION_CLIENTS_MAX);
    if (err) {
        aura_admission_free(a);
        return err;
    }
    *ap = a;
    return 0;
}

struct aura_admission *aura_admission_free(struct aura_admission *a) {
    if (a) {
        struct client *c;
        for (size_t it = 0; a->clients && (c = aura_map_next(a->clients, &it));) {
            aura_free(c);
        }
        aura_map_free(a->clients);
        pthread_mutex_destroy(&a->lock);
        aura_free(a);
    }
    return NULL;
}

static size_t host_len(const char *peer) {
    const char *port = strrchr(peer, ':');
    bool ip = strncmp(peer, "ipv4:", 5) == 0 || strncmp(peer, "ipv6:", 5) == 0;
    return ip && port ? (size_t)(port - peer) : strlen(peer);
}

static void forget_old(struct aura_admission *a, uint64_t now_us) {
    struct client *c;
    for (size_t it = 0; (c = aura_map_next(a->clients, &it));) {
        if (now_us > c->seen_us + FORGET_US) {
            (void)aura_map_del_str(a->clients, c->key);
            aura_free(c);
        }
    }
}

/* NULL: too many clients at once, or no memory. */
static struct client *client_of(struct aura_admission *a, const char *peer, uint64_t now_us) {
    size_t len = host_len(peer);
    struct client *c = aura_map_get(a->clients, peer, len);
    if (c) {
        return c;
    }
    if (aura_map_count(a->clients) == AURA_ADMISSION_CLIENTS_MAX) {
        forget_old(a, now_us);
    }
    c = aura_zalloc(sizeof(*c) + len + 1);
    if (!c) {
        return NULL;
    }
    memcpy(c->key, peer, len);
    c->tokens = (float)(a->conf.opens_per_s * BURST_S);
    c->seen_us = now_us;
    if (aura_map_put(a->clients, peer, len, c)) {
        aura_free(c);
        return NULL;
    }
    return c;
}

bool aura_admission_may_open(struct aura_admission *a, const char *peer) {
    uint64_t now_us = aura_now_us(a->clock);
    float rate = (float)a->conf.opens_per_s;
    bool may = false;
    pthread_mutex_lock(&a->lock);
    struct client *c = client_of(a, peer, now_us);
    if (c) {
        float gained = rate * (float)(now_us - c->seen_us) / (float)AURA_US_PER_S;
        c->tokens += gained;
        c->tokens = c->tokens < rate * BURST_S ? c->tokens : rate * BURST_S;
        c->seen_us = now_us;
        may = c->tokens >= 1;
        c->tokens -= may ? 1 : 0;
    }
    pthread_mutex_unlock(&a->lock);
    return may;
}

/* If all frames came at once: each begins when the others have left a thread free. There is one
 * stream already. */
static bool in_time(const struct aura_admission *a, const struct aura_promise *p) {
    float mean_us = a->answers_us / (float)a->streams;
    float longest_us = p->answer_us > mean_us ? p->answer_us : mean_us;
    float others_us = a->answers_us + p->answer_us - longest_us;
    bool alone = a->streams < a->conf.threads; /* on its thread */
    float wait_us = alone ? 0 : others_us / (float)a->conf.threads;
    return p->answer_us <= 0 || (wait_us + longest_us) * spread + (alone ? 0 : REST_US) <=
                                    (float)AURA_ADMISSION_BUDGET_US;
}

int aura_admission_enter(struct aura_admission *a, const struct aura_promise *p) {
    pthread_mutex_lock(&a->lock);
    float room = (float)a->conf.threads * fill;
    bool many = a->conf.max_streams && a->streams >= a->conf.max_streams;
    /* One stream is always let in, however large: nobody else suffers. */
    bool full = a->streams > 0 && (a->taken + p->share > room || !in_time(a, p));
    if (!many && !full) {
        a->streams++;
        a->taken += p->share;
        a->answers_us += p->answer_us;
    }
    pthread_mutex_unlock(&a->lock);
    return many || full ? AURA_ELIMIT : 0;
}

void aura_admission_change(struct aura_admission *a, const struct aura_promise *from,
                           const struct aura_promise *to) {
    pthread_mutex_lock(&a->lock);
    a->taken += to->share - from->share;
    a->answers_us += to->answer_us - from->answer_us;
    pthread_mutex_unlock(&a->lock);
}

bool aura_admission_shed(struct aura_admission *a, bool hopeless) {
    uint64_t now_us = aura_now_us(a->clock), pause_us = hopeless ? SHED_HOPELESS_US : SHED_LATE_US;
    pthread_mutex_lock(&a->lock);
    bool goes = a->streams > 1 && (!a->shed_us || now_us >= a->shed_us + pause_us);
    a->shed_us = goes ? now_us : a->shed_us;
    pthread_mutex_unlock(&a->lock);
    return goes;
}

void aura_admission_leave(struct aura_admission *a, const struct aura_promise *p) {
    pthread_mutex_lock(&a->lock);
    a->streams--;
    a->taken = a->streams ? a->taken - p->share : 0;
    a->answers_us = a->streams ? a->answers_us - p->answer_us : 0;
    pthread_mutex_unlock(&a->lock);
}

static struct cost *cost_of(struct aura_admission *a, uint64_t pixels) {
    size_t i = SIZES - 1;
    while (i && pixels < sizes_from[i]) {
        i--;
    }
    return &a->cost[i];
}

struct aura_promise aura_admission_expect(struct aura_admission *a, uint32_t width, uint32_t height,
                                          uint32_t fps) {
    uint64_t pixels = (uint64_t)width * height;
    pthread_mutex_lock(&a->lock);
    const struct cost *c = cost_of(a, pixels);
    struct aura_promise p = {.share = c->work_ns * (float)pixels * (float)fps / 1e9F,
                             .answer_us = c->answer_ns * (float)pixels / 1000};
    pthread_mutex_unlock(&a->lock);
    return p;
}

/* One frame is believed no more than twice, or half, of what was known: what one caller sends must
 * not decide what the others may. */
static float learned(float known, float now) {
    float most = known * 2, least = known / 2;
    now = now > most ? most : now < least ? least : now;
    return known + (now - known) / LEARN_FRAMES;
}

void aura_admission_learn(struct aura_admission *a, uint32_t width, uint32_t height,
                          uint32_t work_us, uint32_t answer_us) {
    uint64_t pixels = (uint64_t)width * height;
    float scale = 1000 / (float)pixels;
    pthread_mutex_lock(&a->lock);
    struct cost *c = cost_of(a, pixels);
    c->work_ns = learned(c->work_ns, (float)work_us * scale);
    c->answer_ns = learned(c->answer_ns, (float)answer_us * scale);
    pthread_mutex_unlock(&a->lock);
}

void aura_admission_load(struct aura_admission *a, uint32_t *streams, float *load) {
    pthread_mutex_lock(&a->lock);
    *streams = a->streams;
    *load = a->taken / (float)a->conf.threads;
    pthread_mutex_unlock(&a->lock);
}
