/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/twcc.h"

#include "base/mem.h"

#include <string.h>

enum { STATUSES_PER_PACKET = 512, RUN_MAX = 8191, HEADER = 20 };
enum { NOT_RECEIVED, SMALL_DELTA, LARGE_DELTA };

struct aura_twcc {
    struct aura_seq_unwrapper unwrap;
    uint64_t next; /* first number of the next feedback */
    uint8_t fb_count;
    uint64_t arrival_us[AURA_TWCC_WINDOW]; /* by number modulo the window; 0 = not received */
};

int aura_twcc_new(struct aura_twcc **tp) {
    struct aura_twcc *t = aura_zalloc(sizeof(*t));
    if (!t) {
        return AURA_ENOMEM;
    }
    *tp = t;
    return 0;
}

struct aura_twcc *aura_twcc_free(struct aura_twcc *t) {
    aura_free(t);
    return NULL;
}

void aura_twcc_record(struct aura_twcc *t, uint16_t seq, uint64_t now_us) {
    bool first = !t->unwrap.started;
    uint64_t before = t->unwrap.newest;
    uint64_t eseq = aura_seq_unwrap(&t->unwrap, seq);
    uint64_t newest = t->unwrap.newest;
    if (first) {
        t->next = eseq;
    } else if (newest - before >= AURA_TWCC_WINDOW) {
        memset(t->arrival_us, 0, sizeof(t->arrival_us));
    } else {
        for (uint64_t n = before + 1; n <= newest; n++) {
            t->arrival_us[n % AURA_TWCC_WINDOW] = 0;
        }
    }
    if (newest - eseq >= AURA_TWCC_WINDOW || t->arrival_us[eseq % AURA_TWCC_WINDOW]) {
        return;
    }
    t->arrival_us[eseq % AURA_TWCC_WINDOW] = now_us;
    /* One that was reported lost and came late is reported once more, with what follows it. */
    t->next = eseq < t->next ? eseq : t->next;
    if (newest - t->next >= AURA_TWCC_WINDOW) {
        t->next = newest - AURA_TWCC_WINDOW + 1;
    }
}

size_t aura_twcc_pending(const struct aura_twcc *t) {
    return t->unwrap.started ? (size_t)(t->unwrap.newest + 1 - t->next) : 0;
}

struct draft {
    size_t count;
    uint8_t symbols[STATUSES_PER_PACKET];
    int16_t deltas[STATUSES_PER_PACKET];
    uint32_t ref;
};

/* Reference time of the first arrival not yet reported: the newest number always is one. */
static uint64_t reference(const struct aura_twcc *t, size_t pending) {
    for (size_t i = 0; i < pending; i++) {
        uint64_t at_us = t->arrival_us[(t->next + i) % AURA_TWCC_WINDOW];
        if (at_us) {
            return at_us / AURA_TWCC_REF_US;
        }
    }
    return 0;
}

/* Takes as many statuses as `max` and the 16-bit deltas allow. */
static void collect(const struct aura_twcc *t, size_t max, struct draft *d) {
    size_t pending = aura_twcc_pending(t);
    uint64_t ref = reference(t, pending);
    int64_t last = (int64_t)(ref * (AURA_TWCC_REF_US / AURA_TWCC_TICK_US)); /* in ticks */
    d->ref = (uint32_t)(ref & 0xffffff);
    d->count = 0;
    for (size_t i = 0; i < pending && i < max; i++) {
        uint64_t at_us = t->arrival_us[(t->next + i) % AURA_TWCC_WINDOW];
        d->symbols[i] = NOT_RECEIVED;
        if (at_us) {
            int64_t tick = (int64_t)(at_us / AURA_TWCC_TICK_US);
            int64_t delta = tick - last;
            if (delta < INT16_MIN || delta > INT16_MAX) {
                return;
            }
            d->symbols[i] = delta >= 0 && delta <= 255 ? SMALL_DELTA : LARGE_DELTA;
            d->deltas[i] = (int16_t)delta;
            last = tick;
        }
        d->count = i + 1;
    }
}

static size_t run_length(const struct draft *d, size_t at) {
    size_t n = 1;
    while (at + n < d->count && n < RUN_MAX && d->symbols[at + n] == d->symbols[at]) {
        n++;
    }
    return n;
}

static bool one_bit_fits(const struct draft *d, size_t at) {
    for (size_t i = at; i < d->count && i < at + 14; i++) {
        if (d->symbols[i] == LARGE_DELTA) {
            return false;
        }
    }
    return true;
}

/* One packet status chunk. @return symbols that it covers */
static size_t write_chunk(const struct draft *d, size_t at, struct aura_wr *w) {
    size_t run = run_length(d, at);
    bool one_bit = one_bit_fits(d, at);
    size_t covers = one_bit ? 14 : 7;
    if (run >= covers || at + run == d->count) {
        aura_wr_u16(w, (uint16_t)((unsigned)d->symbols[at] << 13 | run));
        return run;
    }
    unsigned bits = one_bit ? 1 : 2;
    unsigned v = one_bit ? 0x8000 : 0xc000;
    for (size_t i = 0; i < covers && at + i < d->count; i++) {
        v |= (unsigned)d->symbols[at + i] << (14 - bits * (i + 1));
    }
    aura_wr_u16(w, (uint16_t)v);
    return covers;
}

size_t aura_twcc_build(struct aura_twcc *t, struct aura_wr *w, uint32_t sender, uint32_t media) {
    /* A status costs at most 2 bytes of delta and a seventh of a 2-byte chunk. */
    size_t room = aura_wr_left(w);
    size_t max = room < HEADER + 8 ? 0 : (room - HEADER - 5) * 7 / 16;
    struct draft d;
    collect(t, max < STATUSES_PER_PACKET ? max : STATUSES_PER_PACKET, &d);
    if (d.count == 0 || w->fail) {
        return 0;
    }
    uint8_t *begin = w->p;
    aura_wr_u8(w, 0x80 | AURA_RTPFB_TWCC);
    aura_wr_u8(w, AURA_RTCP_RTPFB);
    aura_wr_u16(w, 0);
    aura_wr_u32(w, sender);
    aura_wr_u32(w, media);
    aura_wr_u16(w, (uint16_t)t->next);
    aura_wr_u16(w, (uint16_t)d.count);
    aura_wr_u24(w, d.ref);
    aura_wr_u8(w, t->fb_count);
    for (size_t i = 0; i < d.count;) {
        i += write_chunk(&d, i, w);
    }
    for (size_t i = 0; i < d.count; i++) {
        if (d.symbols[i] == SMALL_DELTA) {
            aura_wr_u8(w, (uint8_t)d.deltas[i]);
        } else if (d.symbols[i] == LARGE_DELTA) {
            aura_wr_u16(w, (uint16_t)d.deltas[i]);
        }
    }
    size_t pad = (4 - (size_t)(w->p - begin) % 4) % 4;
    if (pad) {
        aura_wr_uint(w, pad, pad); /* zeros, then the count */
        begin[0] |= 0x20;
    }
    if (w->fail) {
        w->p = begin;
        return 0;
    }
    aura_put_u16(begin + 2, (uint16_t)((w->p - begin) / 4 - 1));
    t->next += d.count;
    t->fb_count++;
    return d.count;
}
