/* SPDX-License-Identifier: Apache-2.0 */
#include "client/listen.h"

#include "base/clock.h"
#include "base/mem.h"
#include "codec/opus_decoder.h"
#include "rtp/red.h"
#include "rtp/seq.h"

#include <string.h>

enum {
    PER_MS = AURA_LISTEN_RATE / 1000,
    CHUNK = AURA_OPUS_PACKET_SAMPLES_MAX,
    /* Less than that is no gap: decoders make up no shorter one. */
    QUANTUM = AURA_LISTEN_RATE / 400,
};

struct waiting {
    int64_t at;
    uint64_t arrival_us;
    size_t len;
    uint8_t data[AURA_LISTEN_PACKET_BYTES_MAX];
};

struct aura_listen {
    aura_listen_fn *fn;
    void *arg;
    uint32_t channels;
    struct aura_opus_decoder *decoder;

    /* Positions are samples from the first packet on. */
    bool began, other; /* other: of a stream whose timestamps are not known yet */
    uint64_t began_us;
    uint32_t newest_ts;
    int64_t newest, next; /* next: the end of what came out */
    bool quiet;           /* the last packet said that nobody speaks */
    struct aura_listen_stats stats;

    size_t count;
    struct waiting *order[AURA_LISTEN_PACKETS_MAX]; /* oldest first; behind them free ones */
    struct waiting packets[AURA_LISTEN_PACKETS_MAX];
    int16_t out[2 * CHUNK];
};

int aura_listen_new(struct aura_listen **out, uint32_t channels, aura_listen_fn *fn, void *arg) {
    struct aura_listen *l = aura_zalloc(sizeof(*l));
    if (!l) {
        return AURA_ENOMEM;
    }
    l->fn = fn;
    l->arg = arg;
    l->channels = channels;
    for (size_t i = 0; i < AURA_LISTEN_PACKETS_MAX; i++) {
        l->order[i] = &l->packets[i];
    }
    int err = aura_opus_decoder_new(&l->decoder, channels, true);
    if (err) {
        aura_listen_free(l);
        return err;
    }
    *out = l;
    return 0;
}

struct aura_listen *aura_listen_free(struct aura_listen *l) {
    if (l) {
        aura_opus_decoder_free(l->decoder);
        aura_free(l);
    }
    return NULL;
}

void aura_listen_stats(const struct aura_listen *l, struct aura_listen_stats *out) {
    *out = l->stats;
}

/* ---- samples ---- */

static void give(struct aura_listen *l, uint32_t from, uint32_t count) {
    l->next += count;
    l->stats.samples += count;
    l->fn(l->arg, l->out + (size_t)from * l->channels, count);
}

static void be_still(struct aura_listen *l, int64_t count) {
    memset(l->out, 0, sizeof(l->out));
    while (count > 0) {
        uint32_t n = count < CHUNK ? (uint32_t)count : CHUNK;
        l->stats.silent += n;
        give(l, 0, n);
        count -= n;
    }
}

static void make_up(struct aura_listen *l, uint32_t count, const struct waiting *w) {
    enum aura_opus_source from =
        aura_opus_decoder_recover(l->decoder, count, w ? w->data : NULL, w ? w->len : 0, l->out);
    *(l->quiet                    ? &l->stats.silent
      : from == AURA_OPUS_GUESSED ? &l->stats.guessed
                                  : &l->stats.recovered) += count;
    give(l, 0, count);
}

/* The end of a gap lies within reach of the next packet's redundancy, its beginning goes on as it
 * was. */
static void fill(struct aura_listen *l, int64_t gap, const struct waiting *w) {
    gap -= gap % QUANTUM;
    int64_t last = gap < CHUNK ? gap : CHUNK, rest = gap - last;
    int64_t invented = AURA_LISTEN_INVENT_MS_MAX * PER_MS - last;
    invented = rest < invented ? rest : invented;
    for (int64_t done = 0; done < invented;) {
        uint32_t n = invented - done < CHUNK ? (uint32_t)(invented - done) : CHUNK;
        make_up(l, n, NULL);
        done += n;
    }
    be_still(l, rest - invented);
    make_up(l, (uint32_t)last, l->quiet ? NULL : w);
}

static void let_out(struct aura_listen *l) {
    struct waiting *w = l->order[0];
    memmove(l->order, l->order + 1, (AURA_LISTEN_PACKETS_MAX - 1) * sizeof(l->order[0]));
    l->order[AURA_LISTEN_PACKETS_MAX - 1] = w;
    l->count--;
    if (w->at >= l->next + QUANTUM) {
        fill(l, w->at - l->next, w);
    }
    uint32_t count = 0;
    if (aura_opus_decoder_decode(l->decoder, w->data, w->len, l->out, &count)) {
        l->stats.broken++;
        return; /* a gap for the next one to fill */
    }
    /* Another layer of the stream may have cut it elsewhere: what was heard is not heard again. */
    int64_t known = l->next - w->at;
    uint32_t skip = known < QUANTUM ? 0 : known < count ? (uint32_t)known : count;
    l->quiet = aura_opus_packet_is_silence(w->len);
    l->stats.packets++;
    l->stats.silent += l->quiet ? count - skip : 0;
    if (skip < count) {
        give(l, skip, count - skip);
    }
}

/* ---- order ---- */

static void put(struct aura_listen *l, int64_t at, const uint8_t *data, size_t len,
                uint64_t now_us) {
    uint32_t samples;
    if (len > AURA_LISTEN_PACKET_BYTES_MAX || aura_opus_packet_samples(data, len, &samples) ||
        at + samples < l->next + QUANTUM) {
        return;
    }
    size_t i = l->count;
    while (i > 0 && l->order[i - 1]->at > at) {
        i--;
    }
    if (i > 0 && l->order[i - 1]->at == at) {
        return;
    }
    struct waiting *w = l->order[l->count];
    memmove(l->order + i + 1, l->order + i, (l->count - i) * sizeof(l->order[0]));
    l->order[i] = w;
    l->count++;
    w->at = at;
    w->arrival_us = now_us;
    w->len = len;
    memcpy(w->data, data, len);
}

static void pump(struct aura_listen *l, uint64_t now_us) {
    while (l->count > 0) {
        const struct waiting *w = l->order[0];
        bool follows = w->at < l->next + QUANTUM;
        bool waited = l->newest - w->at >= AURA_LISTEN_WAIT_MS * PER_MS ||
                      now_us - w->arrival_us >= AURA_LISTEN_WAIT_MS * AURA_US_PER_MS;
        if (!follows && !waited && l->count < AURA_LISTEN_PACKETS_MAX) {
            return;
        }
        let_out(l);
    }
}

static void flush(struct aura_listen *l) {
    while (l->count > 0) {
        let_out(l);
    }
}

static int64_t by_arrival(const struct aura_listen *l, uint64_t now_us) {
    return (int64_t)((now_us - l->began_us) * PER_MS / AURA_US_PER_MS);
}

/* Where a packet belongs: by its timestamp, unless that is far from when it came. */
static int64_t place(struct aura_listen *l, uint32_t ts, uint64_t now_us) {
    if (!l->began) {
        l->began = true;
        l->began_us = now_us;
        l->newest_ts = ts;
    }
    int64_t at = l->newest + aura_ts_diff(ts, l->newest_ts), arrived = by_arrival(l, now_us);
    if (l->other || at - arrived > AURA_LISTEN_JUMP_MS_MAX * PER_MS ||
        arrived - at > AURA_LISTEN_JUMP_MS_MAX * PER_MS) {
        flush(l);
        at = arrived > l->next ? arrived : l->next;
        l->other = false;
        l->newest = at;
        l->newest_ts = ts;
    } else if (at > l->newest) {
        l->newest = at;
        l->newest_ts = ts;
    }
    return at;
}

void aura_listen_packet(struct aura_listen *l, uint32_t ts, const uint8_t *payload, size_t len,
                        bool red, uint64_t now_us) {
    struct aura_red_block blocks[AURA_RED_BLOCKS_MAX];
    int n = red ? aura_red_parse(payload, len, blocks) : 1;
    if (!red) {
        blocks[0] = (struct aura_red_block){.data = payload, .len = len};
    }
    if (n <= 0 || !len) {
        return;
    }
    int64_t at = place(l, ts, now_us);
    for (int i = 0; i < n; i++) {
        if (l->count == AURA_LISTEN_PACKETS_MAX) {
            let_out(l);
        }
        put(l, at - blocks[i].ts_offset, blocks[i].data, blocks[i].len, now_us);
    }
    pump(l, now_us);
}

void aura_listen_restart(struct aura_listen *l) {
    l->other = l->began;
}

void aura_listen_end(struct aura_listen *l, uint64_t now_us) {
    flush(l);
    if (l->began) {
        be_still(l, by_arrival(l, now_us) - l->next);
    }
}
