/* SPDX-License-Identifier: Apache-2.0 */
/* A track's frames to AI Core and back as the server does it: by the clock, through its client and
 * its mode machine, to a thread that sleeps in poll(). How long answers take, how many are late in
 * the first second and later, and what the mode machine makes of it.
 *
 *     build/tests/unit/aicore/bench_aic_stream ADDRESS FILE.ivf [SECONDS [FPS]]
 *
 * Beside programs that need the processor too; where the time goes: perf sched, or
 * /proc/PID/task/TID/schedstat (run, waited to run, times). */
#include "aic/core.h"
#include "aic/machine.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/mem.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { FRAMES_MAX = 1 << 15, HEADER = 32, FRAME_HEADER = 12, LATE_US = 20000, WAITING = 1024 };

struct answer {
    bool key_frame, closed;
    float vmaf;
    uint32_t rtp_timestamp;
    enum aura_aic_reason why;
};

struct bench {
    struct aura_aic_core *core;
    struct aura_aic_stream *stream;
    struct aura_aic_machine machine;
    const uint8_t *file;
    size_t file_len, at;
    uint64_t began_us;
    uint32_t fps, sent, first_of_stream; /* frames */
    uint64_t sent_us[FRAMES_MAX];
    uint32_t took_us[FRAMES_MAX]; /* 0 = no answer */
    unsigned streams;
    uint64_t active_us, first_active_us, last_us;
    uint32_t fresh_late, fresh; /* frames of the first second of a stream */

    int wake;
    pthread_mutex_t lock; /* of what follows */
    struct answer inbox[WAITING];
    size_t inbox_count;
};

static uint64_t now(void) {
    return aura_now_us(aura_clock_system());
}

static void post(struct bench *b, const struct answer *a) {
    const uint64_t one = 1;
    pthread_mutex_lock(&b->lock);
    if (b->inbox_count < WAITING) {
        b->inbox[b->inbox_count++] = *a;
    }
    pthread_mutex_unlock(&b->lock);
    (void)!write(b->wake, &one, sizeof(one));
}

static void on_frame(void *arg, const struct aura_aic_frame_out *f) {
    const struct answer a = {
        .key_frame = f->key_frame, .vmaf = f->hints.vmaf, .rtp_timestamp = f->rtp_timestamp};
    post(arg, &a);
}

static void on_closed(void *arg, enum aura_aic_reason why, const char *text) {
    const struct answer a = {.closed = true, .why = why};
    if (text[0]) { /* else it was ended by us */
        fprintf(stderr, "stream ended: %s\n", text);
        post(arg, &a);
    }
}

static void follow(struct bench *b) {
    static const struct aura_aic_stream_handlers handlers = {.frame = on_frame,
                                                             .closed = on_closed};
    uint64_t now_us = now();
    struct aura_aic_machine *m = &b->machine;
    aura_aic_machine_tick(m, now_us);
    if (m->state == AURA_AIC_ACTIVE) {
        b->active_us += now_us - b->last_us;
        b->first_active_us = b->first_active_us ? b->first_active_us : now_us - b->began_us;
    }
    b->last_us = now_us;
    if (aura_aic_machine_feeds(m) && !b->stream) {
        if (aura_aic_stream_open(&b->stream, b->core, AURA_AIC_CALL_COMPRESS, &handlers, b)) {
            aura_aic_machine_stream_down(m, AURA_AIC_REFUSED, now_us);
            return;
        }
        b->streams++;
        b->first_of_stream = b->sent;
        aura_aic_machine_stream_up(m, now_us);
    } else if (!aura_aic_machine_feeds(m)) {
        b->stream = aura_aic_stream_free(b->stream);
        aura_aic_machine_native_key(m, now_us);
    }
}

/* The file over and over; a stream begins with its first frame, which is a key frame. */
static void send_next(struct bench *b) {
    if (b->at + FRAME_HEADER > b->file_len || b->first_of_stream == b->sent) {
        b->at = HEADER;
    }
    const uint8_t *h = b->file + b->at;
    uint32_t len = h[0] | (uint32_t)h[1] << 8 | (uint32_t)h[2] << 16 | (uint32_t)h[3] << 24;
    const struct aura_aic_frame_in in = {
        .data = h + FRAME_HEADER,
        .len = len,
        .codec = memcmp(b->file + 8, "VP90", 4) == 0 ? AURA_AIC_VP9 : AURA_AIC_VP8,
        .fps = b->fps,
        .rtp_timestamp = b->sent * (90000 / b->fps),
        .key_frame = aura_aic_machine_wants_key(&b->machine, now()),
    };
    b->at += FRAME_HEADER + len;
    uint64_t now_us = now();
    b->sent_us[b->sent] = now_us;
    if (b->stream && aura_aic_machine_sent(&b->machine, now_us) &&
        aura_aic_stream_send(b->stream, &in)) {
        aura_aic_machine_stream_down(&b->machine, AURA_AIC_BROKEN, now_us);
    }
    b->sent++;
}

static void take(struct bench *b, const struct answer *a) {
    uint64_t now_us = now();
    if (a->closed) {
        if (b->stream) {
            b->stream = aura_aic_stream_free(b->stream);
            aura_aic_machine_stream_down(&b->machine, a->why, now_us);
        }
        return;
    }
    uint32_t n = a->rtp_timestamp / (90000 / b->fps);
    b->took_us[n] = (uint32_t)(now_us - b->sent_us[n]);
    if (n >= b->first_of_stream && n < b->first_of_stream + b->fps) {
        b->fresh++;
        b->fresh_late += b->took_us[n] > LATE_US;
    }
    if (n >= b->first_of_stream && b->stream) {
        (void)aura_aic_machine_answer(&b->machine, a->key_frame, a->vmaf, now_us);
    }
}

static void take_all(struct bench *b) {
    static struct answer all[WAITING];
    uint64_t count;
    (void)!read(b->wake, &count, sizeof(count));
    pthread_mutex_lock(&b->lock);
    size_t n = b->inbox_count;
    memcpy(all, b->inbox, n * sizeof(*all));
    b->inbox_count = 0;
    pthread_mutex_unlock(&b->lock);
    for (size_t i = 0; i < n; i++) {
        take(b, &all[i]);
    }
}

static void play(struct bench *b, uint32_t seconds) {
    b->began_us = b->last_us = now();
    aura_aic_machine_want(&b->machine, true, b->began_us);
    while (b->sent < seconds * b->fps && b->sent < FRAMES_MAX) {
        uint64_t next_us = b->began_us + (uint64_t)b->sent * AURA_US_PER_S / b->fps;
        uint64_t due_us = aura_aic_machine_due_us(&b->machine), now_us = now();
        uint64_t until_us = due_us < next_us ? due_us : next_us;
        struct pollfd p = {.fd = b->wake, .events = POLLIN};
        const struct timespec wait = {
            .tv_nsec = (long)(until_us > now_us ? (until_us - now_us) * 1000 % 1000000000 : 0)};
        if (ppoll(&p, 1, &wait, NULL) > 0) {
            take_all(b);
        }
        follow(b);
        if (now() >= next_us) {
            send_next(b);
        }
    }
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report(struct bench *b) {
    uint32_t n = 0, late = 0;
    for (uint32_t i = 0; i < b->sent; i++) {
        late += b->took_us[i] > LATE_US;
        if (b->took_us[i]) {
            b->took_us[n++] = b->took_us[i];
        }
    }
    if (!n) {
        printf("no answers\n");
        return;
    }
    qsort(b->took_us, n, sizeof(*b->took_us), by_size);
    printf("answers %u of %u p50 %.1f p95 %.1f p99 %.1f ms late %.1f%% fresh-late %u/%u streams %u "
           "fallbacks late %llu silent %llu active %.0f%% first-active %.1f s\n",
           n, b->sent, b->took_us[n / 2] / 1e3, b->took_us[n * 95 / 100] / 1e3,
           b->took_us[n * 99 / 100] / 1e3, 100.0 * late / n, b->fresh_late, b->fresh, b->streams,
           (unsigned long long)b->machine.fallbacks[AURA_AIC_LATE],
           (unsigned long long)b->machine.fallbacks[AURA_AIC_SILENT],
           100.0 * (double)b->active_us / (double)(b->last_us - b->began_us),
           (double)b->first_active_us / 1e6);
}

static uint8_t *read_file(const char *path, size_t *len) {
    size_t cap = 64 << 20;
    FILE *file = fopen(path, "rb");
    uint8_t *data = file ? aura_zalloc(cap) : NULL;
    *len = data ? fread(data, 1, cap, file) : 0;
    if (file) {
        (void)fclose(file);
    }
    return data;
}

int main(int argc, char **argv) {
    static struct bench b = {.fps = 30, .lock = PTHREAD_MUTEX_INITIALIZER};
    const struct aura_aic_machine_conf machine = {.min_vmaf = 0};
    if (argc < 3) {
        fprintf(stderr, "bench_aic_stream ADDRESS FILE.ivf [SECONDS [FPS]]\n");
        return 2;
    }
    const struct aura_aic_core_conf conf = {.address = argv[1]};
    uint8_t *file = read_file(argv[2], &b.file_len);
    uint32_t seconds = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 20;
    b.fps = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : b.fps;
    b.file = file;
    b.at = HEADER;
    b.wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (b.file_len <= HEADER || b.wake < 0 || !b.fps || aura_aic_core_new(&b.core, &conf)) {
        fprintf(stderr, "bench_aic_stream: %s cannot be read, or there is no memory\n", argv[2]);
        return 1;
    }
    aura_aic_machine_init(&b.machine, &machine);
    play(&b, seconds);
    report(&b);
    aura_aic_stream_free(b.stream);
    aura_aic_core_free(b.core);
    (void)close(b.wake);
    aura_free(file);
    return 0;
}
