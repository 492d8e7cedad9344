/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Runs a fuzz target without a fuzzer: replay_<name> PATH...
 *
 * Each PATH is a seed or a folder of seeds (a folder that is missing counts as empty, but there
 * must be one seed at least). After each seed come its truncations and its single-bit flips, so
 * that a plain test run already visits the error paths. Everything is deterministic.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    SEED_MAX = 1 << 20,
    SEEDS_MAX = 4096,
    TRUNCATIONS_MAX = 512,    /* every length up to this */
    FLIPS_MAX = 2048,         /* bits flipped, spread over the seed */
    FLIP_BYTES_MAX = 8 << 20, /* fewer of long seeds, so that a replay stays short */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static unsigned long seeds, runs;

/* A block of exactly this size, so that AddressSanitizer sees the first byte too far. */
static void run(const uint8_t *data, size_t len) {
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy) {
        fprintf(stderr, "replay: out of memory\n");
        exit(1);
    }
    memcpy(copy, data, len);
    LLVMFuzzerTestOneInput(copy, len);
    free(copy);
    runs++;
}

static void replay(uint8_t *data, size_t len) {
    run(data, len);
    for (size_t n = 0; n < len && n <= TRUNCATIONS_MAX; n++) {
        run(data, n);
    }
    size_t bits = len * 8;
    size_t flips = len && FLIP_BYTES_MAX / len < FLIPS_MAX ? FLIP_BYTES_MAX / len : FLIPS_MAX;
    size_t step = bits > flips ? bits / flips : 1;
    if (step % 8 == 0) {
        step++; /* not the same bit of each byte */
    }
    for (size_t bit = 0; bit < bits; bit += step) {
        uint8_t mask = (uint8_t)(1U << bit % 8);
        data[bit / 8] ^= mask;
        run(data, len);
        data[bit / 8] ^= mask;
    }
}

static int replay_file(const char *path) {
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(SEED_MAX);
    int err = 1;
    if (f && data) {
        size_t len = fread(data, 1, SEED_MAX, f);
        replay(data, len);
        seeds++;
        err = 0;
    } else {
        fprintf(stderr, "replay: cannot read %s\n", path);
    }
    if (f) {
        fclose(f);
    }
    free(data);
    return err;
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static int replay_path(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0) {
        return 0;
    }
    if (!S_ISDIR(st.st_mode)) {
        return replay_file(path);
    }
    struct dirent **names;
    int n = scandir(path, &names, is_visible, alphasort);
    int err = n < 0 || n > SEEDS_MAX;
    for (int i = 0; i < n; i++) {
        char full[4096];
        snprintf(full, sizeof(full), "%s/%s", path, names[i]->d_name);
        free(names[i]);
        err |= err ? err : replay_file(full);
    }
    if (n >= 0) {
        free(names);
    }
    return err;
}

int main(int argc, char **argv) {
    int err = 0;
    run((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        err |= replay_path(argv[i]);
    }
    if (!seeds) {
        fprintf(stderr, "replay: no seeds\n");
        err = 1;
    }
    printf("replay: %lu seeds, %lu runs\n", seeds, runs);
    return err;
}
