/* SPDX-License-Identifier: Apache-2.0 */
/* What an AuraID adds to a join: bench_auraid [FILE [IDENTITIES]] fills a directory in FILE (made
 * anew; default /tmp/bench-auraid.db, 100,000) and prints how long single calls took. "filling" is
 * first joins without a pause between them, "first join" one every 300 us. */
#include "auraid/directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { IDENTITIES = 100000, SAMPLES = 100000, PACED = 20000, PAUSE_US = 300 };

struct bench {
    struct aura_directory *d;
    uint32_t *took; /* ns */
    long count;
    int err;
};

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* So that half of the names are taken. */
static long names_of(const struct bench *b) {
    return b->count > 1 ? b->count / 2 : 1;
}

static void first_join(struct bench *b, long i) {
    char subject[32], hint[32];
    struct aura_identity who;
    bool created;
    (void)snprintf(subject, sizeof(subject), "user-%ld", i);
    (void)snprintf(hint, sizeof(hint), "person %ld", i % names_of(b));
    const struct aura_proof proof = {"livekit/devkey", subject};
    b->err = aura_directory_join(b->d, &proof, hint, "Some Person", AURA_ID_USER, &who, &created);
}

static void join_again(struct bench *b, long i) {
    (void)i;
    first_join(b, (long)(aura_rand_u32(aura_rand_system()) % (unsigned long)b->count));
}

static void may_ring(struct bench *b, long i) {
    struct aura_id a, c;
    char name[32];
    (void)snprintf(name, sizeof(name), "person %ld", i % names_of(b));
    aura_id_suggest(&a, name, strlen(name), "");
    (void)snprintf(name, sizeof(name), "person %ld", (i * 7919 + 1) % names_of(b));
    aura_id_suggest(&c, name, strlen(name), "");
    b->err = aura_directory_may_ring(b->d, &a, &c);
}

static void another_join(struct bench *b, long i) {
    first_join(b, b->count + i);
}

static void measure(struct bench *b, const char *what, void (*fn)(struct bench *b, long i), long n,
                    useconds_t pause_us) {
    for (long i = 0; i < n && !b->err; i++) {
        uint64_t start = now_ns();
        fn(b, i);
        b->took[i] = (uint32_t)(now_ns() - start);
        if (pause_us) {
            usleep(pause_us);
        }
    }
    if (!b->err) {
        qsort(b->took, (size_t)n, sizeof(*b->took), by_value);
        printf("%-14s p50 %7.1f us   p99 %7.1f us   max %9.1f us   of %ld\n", what,
               b->took[n / 2] / 1e3, b->took[n * 99 / 100] / 1e3, b->took[n - 1] / 1e3, n);
    }
}

static void remove_old(const char *path) {
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    char name[4096];
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        (void)unlink(name);
    }
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "/tmp/bench-auraid.db";
    struct bench b = {.count = argc > 2 ? strtol(argv[2], NULL, 10) : IDENTITIES};
    struct aura_buf why = AURA_BUF(1000);
    const struct aura_directory_conf conf = {.path = path,
                                             .max_identities = UINT64_MAX,
                                             .clock = aura_clock_system(),
                                             .rand = aura_rand_system()};
    if (b.count < 1 || b.count > 10000000) {
        fprintf(stderr, "bench_auraid [FILE [IDENTITIES, to ten million]]\n");
        return 2;
    }
    b.took = calloc((size_t)(b.count > SAMPLES ? b.count : SAMPLES), sizeof(*b.took));
    remove_old(path);
    b.err = b.took ? aura_directory_open(&b.d, &conf, &why) : AURA_ENOMEM;
    if (!b.err) {
        printf("directory of %ld identities in %s\n", b.count, path);
        measure(&b, "filling", first_join, b.count, 0);
        measure(&b, "first join", another_join, PACED, PAUSE_US);
        measure(&b, "join again", join_again, SAMPLES, 0);
        measure(&b, "may ring", may_ring, SAMPLES, 0);
    }
    if (b.err) {
        fprintf(stderr, "bench_auraid: %s %s\n", aura_err_text(b.err), aura_buf_text(&why));
    }
    aura_directory_close(b.d);
    aura_buf_free(&why);
    free(b.took);
    remove_old(path);
    return b.err ? 1 : 0;
}
