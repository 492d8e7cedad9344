/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/pktbuf.h"

#include "base/mem.h"
#include "rtp/seq.h"

struct slot {
    uint64_t eseq, resent_us;
    void *pkt;
};
struct aura_pktbuf {
    aura_pktbuf_release_fn *release;
    void *arg;
    size_t mask;
    bool started;
    uint64_t newest;
    struct slot slots[];
};

int aura_pktbuf_new(struct aura_pktbuf **bp, size_t slots, aura_pktbuf_release_fn *release,
                    void *arg) {
    if (slots < 1 || slots > AURA_PKTBUF_SLOTS_MAX || !release) {
        return AURA_EINVAL;
    }
    size_t n = 1;
    while (n < slots) {
        n *= 2;
    }
    struct aura_pktbuf *b = aura_zalloc(sizeof(*b) + n * sizeof(b->slots[0]));
    if (!b) {
        return AURA_ENOMEM;
    }
    b->release = release;
    b->arg = arg;
    b->mask = n - 1;
    *bp = b;
    return 0;
}

void aura_pktbuf_clear(struct aura_pktbuf *b) {
    for (size_t i = 0; i <= b->mask; i++) {
        if (b->slots[i].pkt) {
            b->release(b->slots[i].pkt, b->arg);
            b->slots[i].pkt = NULL;
        }
    }
    b->started = false;
}

struct aura_pktbuf *aura_pktbuf_free(struct aura_pktbuf *b) {
    if (b) {
        aura_pktbuf_clear(b);
        aura_free(b);
    }
    return NULL;
}

int aura_pktbuf_put(struct aura_pktbuf *b, uint64_t eseq, void *pkt) {
    if (b->started && eseq <= b->newest && b->newest - eseq > b->mask) {
        return AURA_ESTALE;
    }
    struct slot *s = &b->slots[eseq & b->mask];
    if (s->pkt && s->eseq == eseq) {
        return AURA_EEXISTS;
    }
    if (s->pkt) {
        b->release(s->pkt, b->arg);
    }
    *s = (struct slot){.eseq = eseq, .pkt = pkt};
    if (!b->started || eseq > b->newest) {
        b->newest = eseq;
        b->started = true;
    }
    return 0;
}

static struct slot *find(const struct aura_pktbuf *b, uint64_t eseq) {
    const struct slot *s = &b->slots[eseq & b->mask];
    bool fits = s->pkt && s->eseq == eseq && b->newest - eseq <= b->mask;
    return fits ? (struct slot *)(uintptr_t)s : NULL;
}

void *aura_pktbuf_get(const struct aura_pktbuf *b, uint64_t eseq) {
    struct slot *s = find(b, eseq);
    return s ? s->pkt : NULL;
}

void *aura_pktbuf_get_seq(const struct aura_pktbuf *b, uint16_t seq, uint64_t *eseq) {
    *eseq = b->newest - (uint16_t)((uint16_t)b->newest - seq);
    return aura_pktbuf_get(b, *eseq);
}

void *aura_pktbuf_resend(struct aura_pktbuf *b, uint64_t eseq, uint64_t now_us, uint64_t min_us) {
    struct slot *s = find(b, eseq);
    if (!s || (s->resent_us && now_us - s->resent_us < min_us)) {
        return NULL;
    }
    s->resent_us = now_us;
    return s->pkt;
}
