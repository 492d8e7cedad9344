/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/wav_file.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { HEAD = 44, FORMAT_BYTES = 16, PCM = 1, SAMPLE_BYTES = 2, SLICE = 1024 };

struct wav_file {
    FILE *file;
    uint16_t channels;
    uint32_t bytes; /* of samples */
    bool failed;
};

static uint8_t *put16(uint8_t *at, uint16_t v) {
    at[0] = (uint8_t)v;
    at[1] = (uint8_t)(v >> 8);
    return at + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t v) {
    return put16(put16(at, (uint16_t)v), (uint16_t)(v >> 16));
}

static uint8_t *put_tag(uint8_t *at, const char tag[5]) {
    memcpy(at, tag, 4);
    return at + 4;
}

static void write_head(struct wav_file *w) {
    uint8_t head[HEAD], *at = head;
    uint16_t block = (uint16_t)(w->channels * SAMPLE_BYTES);
    at = put_tag(put32(put_tag(at, "RIFF"), HEAD - 8 + w->bytes), "WAVE");
    at = put16(put16(put32(put_tag(at, "fmt "), FORMAT_BYTES), PCM), w->channels);
    at = put32(put32(at, WAV_RATE), (uint32_t)WAV_RATE * block);
    at = put16(put16(at, block), SAMPLE_BYTES * 8);
    put32(put_tag(at, "data"), w->bytes);
    w->failed |= fwrite(head, 1, sizeof(head), w->file) != sizeof(head);
}

int wav_file_open(struct wav_file **out, const char *path, uint16_t channels) {
    struct wav_file *w = aura_zalloc(sizeof(*w));
    if (!w) {
        return AURA_ENOMEM;
    }
    w->channels = channels;
    w->file = fopen(path, "wb");
    if (!w->file) {
        aura_free(w);
        return AURA_EIO;
    }
    write_head(w);
    *out = w;
    return 0;
}

void wav_file_write(struct wav_file *w, const int16_t *samples, size_t count) {
    uint8_t bytes[SLICE * SAMPLE_BYTES];
    size_t total = count * w->channels;
    for (size_t done = 0; done < total && !w->failed;) {
        size_t n = total - done < SLICE ? total - done : SLICE;
        for (size_t i = 0; i < n; i++) {
            put16(bytes + i * SAMPLE_BYTES, (uint16_t)samples[done + i]);
        }
        if (w->bytes > UINT32_MAX - HEAD - sizeof(bytes)) {
            return;
        }
        w->failed = fwrite(bytes, SAMPLE_BYTES, n, w->file) != n;
        w->bytes += (uint32_t)(n * SAMPLE_BYTES);
        done += n;
    }
}

int wav_file_close(struct wav_file *w) {
    /* A pipe keeps the head that says 0. */
    if (fseek(w->file, 0, SEEK_SET) == 0) {
        write_head(w);
    }
    bool ok = fclose(w->file) == 0 && !w->failed;
    aura_free(w);
    return ok ? 0 : AURA_EIO;
}
