/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/admission.h"

#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>
#include <string.h>

enum {
    BURST_S = 2, /* of a client's opens */
    FORGET_US = 60000000,
    SHED_EVERY_US = 300000, /* so that what one stream's end frees is seen before the next goes */
};

/* Streams may not fill a thread: frames come in bursts, and two that come together would wait for
 * each other. */
static const float fill = 0.8F;
static const float ns_per_pixel_first = 9; /* before a frame was measured: 720p in 8 ms */

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
    float taken; /* shares of a thread */
    float ns_per_pixel;
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
    a->ns_per_pixel = conf->ns_per_pixel > 0 ? conf->ns_per_pixel : ns_per_pixel_first;
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

int aura_admission_enter(struct aura_admission *a, float share) {
    pthread_mutex_lock(&a->lock);
    float room = (float)a->conf.threads * fill;
    bool many = a->conf.max_streams && a->streams >= a->conf.max_streams;
    /* One stream is always let in, however large: nobody else suffers. */
    bool full = a->streams > 0 && a->taken + share > room;
    if (!many && !full) {
        a->streams++;
        a->taken += share;
    }
    pthread_mutex_unlock(&a->lock);
    return many || full ? AURA_ELIMIT : 0;
}

void aura_admission_change(struct aura_admission *a, float from, float to) {
    pthread_mutex_lock(&a->lock);
    a->taken += to - from;
    pthread_mutex_unlock(&a->lock);
}

bool aura_admission_shed(struct aura_admission *a) {
    uint64_t now_us = aura_now_us(a->clock);
    pthread_mutex_lock(&a->lock);
    bool goes = a->streams > 1 && now_us >= a->shed_us + SHED_EVERY_US;
    a->shed_us = goes ? now_us : a->shed_us;
    pthread_mutex_unlock(&a->lock);
    return goes;
}

void aura_admission_leave(struct aura_admission *a, float share) {
    pthread_mutex_lock(&a->lock);
    a->streams--;
    a->taken = a->streams ? a->taken - share : 0;
    pthread_mutex_unlock(&a->lock);
}

float aura_admission_expect(struct aura_admission *a, uint32_t width, uint32_t height,
                            uint32_t fps) {
    pthread_mutex_lock(&a->lock);
    float ns = a->ns_per_pixel * (float)width * (float)height;
    pthread_mutex_unlock(&a->lock);
    return ns * (float)fps / 1e9F;
}

void aura_admission_learn(struct aura_admission *a, uint32_t width, uint32_t height, uint32_t us) {
    float ns = (float)us * 1000 / ((float)width * (float)height);
    pthread_mutex_lock(&a->lock);
    a->ns_per_pixel += (ns - a->ns_per_pixel) / 256;
    pthread_mutex_unlock(&a->lock);
}

void aura_admission_load(struct aura_admission *a, uint32_t *streams, float *load) {
    pthread_mutex_lock(&a->lock);
    *streams = a->streams;
    *load = a->taken / (float)a->conf.threads;
    pthread_mutex_unlock(&a->lock);
}
