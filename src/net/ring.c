/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ring.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * Each slot has a turn number. A slot with turn == n is free for the producer that claimed position
 * n; with turn == n + 1 it holds the message of position n. Producers claim positions by
 * compare-and-swap on `tail`, so a full ring is seen before anything is claimed and nobody ever
 * waits.
 */
struct slot {
    _Atomic uint64_t turn;
    unsigned char message[];
};

enum { CACHE_LINE = 64 };

struct aura_ring {
    unsigned char *slots;
    size_t stride, bytes, mask;
    int fd;
    /* Cache lines of their own: written by producers, by the consumer, by both. */
    unsigned char apart0[CACHE_LINE];
    _Atomic uint64_t tail;
    _Atomic uint64_t overflows;
    unsigned char apart1[CACHE_LINE];
    uint64_t head;
    unsigned char apart2[CACHE_LINE];
    _Atomic bool awake; /* the consumer will look again before it sleeps */
    unsigned char apart3[CACHE_LINE];
};

static struct slot *slot_at(const struct aura_ring *r, uint64_t position) {
    return (struct slot *)(void *)(r->slots + (position & r->mask) * r->stride);
}

static size_t pow2_at_least(size_t n) {
    size_t p = 2;
    while (p < n) {
        p *= 2;
    }
    return p;
}

int aura_ring_new(struct aura_ring **rp, size_t slots, size_t bytes) {
    AURA_REQUIRE(rp, AURA_EINVAL);
    if (!slots || slots > AURA_RING_SLOTS_MAX || !bytes || bytes > AURA_RING_MESSAGE_MAX) {
        return AURA_EINVAL;
    }
    int err = AURA_ENOMEM;
    struct aura_ring *r = aura_zalloc(sizeof(*r));
    if (!r) {
        return AURA_ENOMEM;
    }
    r->fd = -1;
    slots = pow2_at_least(slots);
    r->mask = slots - 1;
    r->bytes = bytes;
    r->stride = (sizeof(struct slot) + bytes + 7) & ~(size_t)7;
    r->slots = aura_calloc(slots, r->stride);
    if (!r->slots) {
        goto out;
    }
    for (size_t i = 0; i < slots; i++) {
        atomic_init(&slot_at(r, i)->turn, i);
    }
    r->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (r->fd < 0) {
        err = AURA_EIO;
        goto out;
    }
    *rp = r;
    return 0;
out:
    aura_ring_free(r);
    return err;
}

struct aura_ring *aura_ring_free(struct aura_ring *r) {
    if (r) {
        if (r->fd >= 0) {
            close(r->fd);
        }
        aura_free(r->slots);
        aura_free(r);
    }
    return NULL;
}

int aura_ring_push_quiet(struct aura_ring *r, const void *message) {
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    struct slot *slot;
    for (;;) {
        slot = slot_at(r, tail);
        uint64_t turn = atomic_load_explicit(&slot->turn, memory_order_acquire);
        if (turn == tail) {
            if (atomic_compare_exchange_weak_explicit(&r->tail, &tail, tail + 1,
                                                      memory_order_relaxed, memory_order_relaxed)) {
                break;
            }
        } else if (turn < tail) { /* still holds the message of one lap ago */
            atomic_fetch_add_explicit(&r->overflows, 1, memory_order_relaxed);
            return AURA_EAGAIN;
        } else {
            tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
        }
    }
    memcpy(slot->message, message, r->bytes);
    atomic_store_explicit(&slot->turn, tail + 1, memory_order_release);
    return 0;
}

void aura_ring_wake(struct aura_ring *r) {
    /* Pairs with the exchange in aura_ring_rest(): of push and rest one sees the other. */
    if (!atomic_exchange_explicit(&r->awake, true, memory_order_acq_rel)) {
        uint64_t one = 1;
        /* Fails only if the counter is at its ceiling, and then the fd is readable anyway. */
        if (write(r->fd, &one, sizeof(one)) < 0) {
            return;
        }
    }
}

int aura_ring_push(struct aura_ring *r, const void *message) {
    int err = aura_ring_push_quiet(r, message);
    /* When it is full the consumer must run, whoever forgot to wake it. */
    aura_ring_wake(r);
    return err;
}

static bool has_message(const struct aura_ring *r) {
    return atomic_load_explicit(&slot_at(r, r->head)->turn, memory_order_acquire) == r->head + 1;
}

bool aura_ring_pop(struct aura_ring *r, void *message) {
    if (!has_message(r)) {
        return false;
    }
    struct slot *slot = slot_at(r, r->head);
    memcpy(message, slot->message, r->bytes);
    atomic_store_explicit(&slot->turn, r->head + r->mask + 1, memory_order_release);
    r->head++;
    return true;
}

bool aura_ring_rest(struct aura_ring *r) {
    if (has_message(r)) {
        return false;
    }
    uint64_t count;
    if (read(r->fd, &count, sizeof(count)) < 0) {
        count = 0; /* nobody had to wake us */
    }
    atomic_exchange_explicit(&r->awake, false, memory_order_acq_rel);
    if (!has_message(r)) {
        return true;
    }
    /* It came between the look and the flag: awake again, with the fd readable for the caller who
     * goes to sleep nevertheless. */
    aura_ring_wake(r);
    return false;
}

size_t aura_ring_drain(struct aura_ring *r, size_t max, aura_ring_fn *fn, void *arg) {
    union {
        unsigned char bytes[AURA_RING_MESSAGE_MAX];
        max_align_t align;
    } message;
    size_t n = 0;
    do {
        while (n < max && aura_ring_pop(r, &message)) {
            fn(arg, &message);
            n++;
        }
    } while (n < max && !aura_ring_rest(r));
    return n;
}

int aura_ring_fd(const struct aura_ring *r) {
    return r->fd;
}

uint64_t aura_ring_overflows(const struct aura_ring *r) {
    return atomic_load_explicit(&r->overflows, memory_order_relaxed);
}
