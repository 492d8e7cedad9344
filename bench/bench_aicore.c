/* SPDX-License-Identifier: Apache-2.0 */
/* AI Core's work on a file of coded frames, without gRPC and without other threads: how long each
 * step takes.
 *
 *     build/tests/unit/aicore/bench_aicore FILE.ivf [MODELS|- [KBPS [WITHOUT]]]
 *
 * For instruction counts, which other programs do not disturb: valgrind --tool=callgrind, or perf
 * stat. */
#include "aicore/track.h"
#include "base/bytes.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES_MAX = 4096, HEADER = 32, FRAME_HEADER = 12, COLD = 30 };

enum { ANSWER = AURA_STEPS, ALL, ROWS };

struct times {
    uint32_t us[ROWS][FRAMES_MAX];
    size_t n;
};

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print(const char *name, uint32_t *us, size_t n) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += us[i];
    }
    qsort(us, n, sizeof(*us), by_size);
    printf("%-10s mean %6.2f  p50 %6.2f  p95 %6.2f  p99 %6.2f ms\n", name,
           (double)sum / (double)n / 1e3, us[n / 2] / 1e3, us[n * 95 / 100] / 1e3,
           us[n * 99 / 100] / 1e3);
}

static uint32_t le32(const uint8_t *p) {
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static enum aura_codec_kind kind_of(const uint8_t *fourcc) {
    return memcmp(fourcc, "VP80", 4) == 0   ? AURA_CODEC_KIND_VP8
           : memcmp(fourcc, "VP90", 4) == 0 ? AURA_CODEC_KIND_VP9
                                            : AURA_CODEC_KIND_AV1;
}

static int play(struct aura_track *t, const uint8_t *data, size_t len, uint32_t kbps,
                struct times *times) {
    size_t at = HEADER, frames = 0;
    int err = 0;
    for (; !err && at + FRAME_HEADER <= len && times->n < FRAMES_MAX; frames++) {
        uint32_t bytes = le32(data + at);
        struct aura_frame_out out;
        const struct aura_frame_in in = {.data = data + at + FRAME_HEADER,
                                         .len = bytes,
                                         .codec = kind_of(data + 8),
                                         .rtp_timestamp = (uint32_t)(3000 * frames),
                                         .exact_kbps = kbps,
                                         .key_frame = frames == 0};
        at += FRAME_HEADER + bytes;
        if (at > len) {
            break;
        }
        uint64_t began_us = aura_now_us(aura_clock_system());
        err = aura_track_frame(t, &in, &out);
        uint32_t us = (uint32_t)(aura_now_us(aura_clock_system()) - began_us);
        while (!err && aura_track_rest(t, false)) {
        }
        uint32_t all_us = (uint32_t)(aura_now_us(aura_clock_system()) - began_us);
        if (frames >= COLD) {
            for (size_t i = 0; i < AURA_STEPS; i++) {
                times->us[i][times->n] = out.step_us[i];
            }
            times->us[ANSWER][times->n] = us;
            times->us[ALL][times->n++] = all_us;
        }
    }
    return err;
}

int main(int argc, char **argv) {
    static struct times times;
    static const char *const names[ROWS] = {"decode", "analyse", "faces",  "person",
                                            "encode", "learn",   "answer", "all"};
    char why[AURA_MANIFEST_WHY_MAX] = "";
    struct aura_models *models = NULL;
    struct aura_track *track = NULL;
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (!file) {
        fprintf(stderr, "bench_aicore FILE.ivf [MODELS|- [KBPS [WITHOUT]]]\n");
        return 2;
    }
    size_t cap = 64 << 20;
    uint8_t *data = aura_zalloc(cap);
    size_t len = data ? fread(data, 1, cap, file) : 0;
    (void)fclose(file);
    int err = len > HEADER ? 0 : AURA_EMALFORMED;
    if (!err && argc > 2 && strcmp(argv[2], "-") != 0) {
        err = aura_models_new(&models, argv[2], argc > 4 ? argv[4] : NULL, why);
    }
    err = err ? err : aura_track_new(&track, aura_clock_system(), models, 0);
    err = err ? err
              : play(track, data, len, argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0, &times);
    for (size_t i = 0; i < ROWS && times.n; i++) {
        print(names[i], times.us[i], times.n);
    }
    if (err) {
        fprintf(stderr, "bench_aicore: %s %s\n", aura_err_text(err), why);
    }
    aura_track_free(track);
    aura_models_free(models);
    aura_free(data);
    return err != 0;
}
