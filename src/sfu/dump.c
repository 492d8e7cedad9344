/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/dump.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/mem.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    CACHE_LINE = 64,
    PCAP_RAW_IP = 101, /* LINKTYPE_RAW */
    PCAP_HEAD = 24,
    PCAP_RECORD = 16,
    IP4_HEAD = 20,
    IP6_HEAD = 40,
    UDP_HEAD = 8,
    HEADS_MAX = PCAP_RECORD + IP6_HEAD + UDP_HEAD,
    UDP = 17,
    TTL = 64,
    LOOK_NS = 10000000, /* between two looks at the rings */
};

static const uint32_t pcap_magic_us = 0xa1b2c3d4;

struct slot {
    uint64_t wall_us;
    struct aura_addr from, to;
    uint16_t len;
    uint8_t data[AURA_DUMP_PACKET_BYTES];
};

struct lane {
    struct slot *slots;
    _Atomic uint64_t dropped;
    _Atomic uint32_t head; /* the worker's */
    uint8_t apart[CACHE_LINE];
    _Atomic uint32_t tail; /* the thread's */
};

struct aura_dump {
    const struct aura_clock *clock;
    FILE *file;
    uint64_t bytes_max;
    _Atomic uint64_t packets, bytes, refused;
    atomic_bool full;
    pthread_t thread;
    bool started, stopping; /* stopping: under the lock */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    unsigned lane_count;
    struct lane *lanes;
};

void aura_dump_packet(struct aura_dump *d, unsigned lane, const struct aura_addr *from,
                      const struct aura_addr *to, const uint8_t *data, size_t len) {
    struct lane *l = &d->lanes[lane];
    uint32_t head = atomic_load_explicit(&l->head, memory_order_relaxed);
    if (head - atomic_load_explicit(&l->tail, memory_order_acquire) == AURA_DUMP_SLOTS ||
        atomic_load_explicit(&d->full, memory_order_relaxed)) {
        atomic_store_explicit(&l->dropped,
                              atomic_load_explicit(&l->dropped, memory_order_relaxed) + 1,
                              memory_order_relaxed);
        return;
    }
    struct slot *s = &l->slots[head % AURA_DUMP_SLOTS];
    s->wall_us = aura_wall_us(d->clock);
    s->from = *from;
    s->to = *to;
    s->len = (uint16_t)(len < sizeof(s->data) ? len : sizeof(s->data));
    memcpy(s->data, data, s->len);
    atomic_store_explicit(&l->head, head + 1, memory_order_release);
}

/* ---- the file ---- */

/* RFC 1071, over whole 16-bit words; an odd last byte counts as if a zero followed. */
static uint32_t sum_up(uint32_t sum, const uint8_t *data, size_t len) {
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
    }
    return sum;
}

static uint16_t folded(uint32_t sum) {
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static void put_ip4(struct aura_wr *w, const struct slot *s, uint16_t udp_len) {
    uint8_t *at = w->p;
    aura_wr_u16(w, 0x4500);
    aura_wr_u16(w, (uint16_t)(IP4_HEAD + udp_len));
    aura_wr_u32(w, 0x00004000); /* id 0, do not fragment */
    aura_wr_u8(w, TTL);
    aura_wr_u8(w, UDP);
    aura_wr_u16(w, 0);
    aura_wr_bytes(w, s->from.ip, 4);
    aura_wr_bytes(w, s->to.ip, 4);
    aura_put_u16(at + 10, folded(sum_up(0, at, IP4_HEAD)));
}

static void put_ip6(struct aura_wr *w, const struct slot *s, uint16_t udp_len) {
    aura_wr_u32(w, UINT32_C(6) << 28);
    aura_wr_u16(w, udp_len);
    aura_wr_u8(w, UDP);
    aura_wr_u8(w, TTL);
    aura_wr_bytes(w, s->from.ip, 16);
    aura_wr_bytes(w, s->to.ip, 16);
}

static void put_udp(struct aura_wr *w, const struct slot *s, uint16_t udp_len) {
    size_t ip = s->from.family == AURA_FAMILY_V6 ? 16 : 4;
    uint8_t *at = w->p;
    aura_wr_u16(w, s->from.port);
    aura_wr_u16(w, s->to.port);
    aura_wr_u16(w, udp_len);
    aura_wr_u16(w, 0);
    uint32_t sum = sum_up(sum_up(UDP + udp_len, s->from.ip, ip), s->to.ip, ip);
    uint16_t check = folded(sum_up(sum_up(sum, at, UDP_HEAD), s->data, s->len));
    aura_put_u16(at + 6, check ? check : 0xffff);
}

static bool write_slot(struct aura_dump *d, const struct slot *s) {
    uint8_t heads[HEADS_MAX];
    struct aura_wr w = aura_wr_of(heads, sizeof(heads));
    uint16_t udp_len = (uint16_t)(UDP_HEAD + s->len);
    bool v6 = s->from.family == AURA_FAMILY_V6;
    uint32_t len = udp_len + (v6 ? IP6_HEAD : (uint32_t)IP4_HEAD);
    aura_wr_u32(&w, (uint32_t)(s->wall_us / AURA_US_PER_S));
    aura_wr_u32(&w, (uint32_t)(s->wall_us % AURA_US_PER_S));
    aura_wr_u32(&w, len);
    aura_wr_u32(&w, len);
    if (v6) {
        put_ip6(&w, s, udp_len);
    } else {
        put_ip4(&w, s, udp_len);
    }
    put_udp(&w, s, udp_len);
    uint64_t size = aura_wr_len(&w) + s->len;
    uint64_t before = atomic_load_explicit(&d->bytes, memory_order_relaxed);
    if (before + size > d->bytes_max || fwrite(heads, aura_wr_len(&w), 1, d->file) != 1 ||
        (s->len && fwrite(s->data, s->len, 1, d->file) != 1)) {
        return false;
    }
    atomic_store_explicit(&d->bytes, before + size, memory_order_relaxed);
    atomic_fetch_add_explicit(&d->packets, 1, memory_order_relaxed);
    return true;
}

static void write_lane(struct aura_dump *d, struct lane *l) {
    uint32_t tail = atomic_load_explicit(&l->tail, memory_order_relaxed);
    uint32_t head = atomic_load_explicit(&l->head, memory_order_acquire);
    for (; tail != head; tail++) {
        bool full = atomic_load_explicit(&d->full, memory_order_relaxed);
        if (full || !write_slot(d, &l->slots[tail % AURA_DUMP_SLOTS])) {
            atomic_fetch_add_explicit(&d->refused, 1, memory_order_relaxed);
            if (!full) {
                atomic_store_explicit(&d->full, true, memory_order_relaxed);
                AURA_LOG("dump", AURA_LOG_WARN, "dump_ends",
                         AURA_I("bytes", atomic_load_explicit(&d->bytes, memory_order_relaxed)));
            }
        }
        atomic_store_explicit(&l->tail, tail + 1, memory_order_release);
    }
}

static void *thread_main(void *arg) {
    struct aura_dump *d = arg;
    bool stopping = false;
    while (!stopping) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&d->lock);
        while (!d->stopping && pthread_cond_timedwait(&d->wake, &d->lock, &until) == 0) {
        }
        stopping = d->stopping;
        pthread_mutex_unlock(&d->lock);
        for (unsigned i = 0; i < d->lane_count; i++) {
            write_lane(d, &d->lanes[i]);
        }
        fflush(d->file);
    }
    return NULL;
}

/* ---- its life ---- */

static int open_file(struct aura_dump *d, const char *path) {
    uint8_t head[PCAP_HEAD];
    struct aura_wr w = aura_wr_of(head, sizeof(head));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    d->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!d->file) {
        if (fd >= 0) {
            close(fd);
        }
        return AURA_EIO;
    }
    aura_wr_u32(&w, pcap_magic_us);
    aura_wr_u32(&w, 2 << 16 | 4); /* version 2.4 */
    aura_wr_u32(&w, 0);
    aura_wr_u32(&w, 0);
    aura_wr_u32(&w, UINT16_MAX);
    aura_wr_u32(&w, PCAP_RAW_IP);
    atomic_init(&d->bytes, sizeof(head));
    return fwrite(head, sizeof(head), 1, d->file) == 1 && fflush(d->file) == 0 ? 0 : AURA_EIO;
}

static int start_thread(struct aura_dump *d) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&d->thread, NULL, thread_main, d) ? AURA_ENOMEM : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    d->started = err == 0;
    return err;
}

static int make_lanes(struct aura_dump *d, unsigned lanes) {
    d->lanes = aura_calloc(lanes, sizeof(*d->lanes));
    d->lane_count = d->lanes ? lanes : 0;
    for (unsigned i = 0; i < d->lane_count; i++) {
        d->lanes[i].slots = aura_calloc(AURA_DUMP_SLOTS, sizeof(struct slot));
        if (!d->lanes[i].slots) {
            return AURA_ENOMEM;
        }
    }
    return d->lanes ? 0 : AURA_ENOMEM;
}

int aura_dump_new(struct aura_dump **dp, const char *path, uint64_t bytes_max, unsigned lanes,
                  const struct aura_clock *clock) {
    if (lanes == 0 || lanes > AURA_DUMP_LANES_MAX) {
        return AURA_ELIMIT;
    }
    struct aura_dump *d = aura_zalloc(sizeof(*d));
    if (!d) {
        return AURA_ENOMEM;
    }
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    d->clock = clock;
    d->bytes_max = bytes_max;
    int err = make_lanes(d, lanes);
    err = err ? err : open_file(d, path);
    err = err ? err : start_thread(d);
    if (err) {
        aura_dump_free(d);
        return err;
    }
    *dp = d;
    return 0;
}

void aura_dump_finish(struct aura_dump *d) {
    if (d->started) {
        pthread_mutex_lock(&d->lock);
        d->stopping = true;
        pthread_cond_signal(&d->wake);
        pthread_mutex_unlock(&d->lock);
        pthread_join(d->thread, NULL);
        d->started = false;
    }
}

struct aura_dump *aura_dump_free(struct aura_dump *d) {
    if (!d) {
        return NULL;
    }
    aura_dump_finish(d);
    if (d->file) {
        fclose(d->file);
    }
    for (unsigned i = 0; i < d->lane_count; i++) {
        aura_free(d->lanes[i].slots);
    }
    aura_free(d->lanes);
    pthread_cond_destroy(&d->wake);
    pthread_mutex_destroy(&d->lock);
    aura_free(d);
    return NULL;
}

void aura_dump_stats(const struct aura_dump *d, struct aura_dump_stats *out) {
    out->packets = atomic_load_explicit(&d->packets, memory_order_relaxed);
    out->bytes = atomic_load_explicit(&d->bytes, memory_order_relaxed);
    out->dropped = atomic_load_explicit(&d->refused, memory_order_relaxed);
    for (unsigned i = 0; i < d->lane_count; i++) {
        out->dropped += atomic_load_explicit(&d->lanes[i].dropped, memory_order_relaxed);
    }
}
