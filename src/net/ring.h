/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ring.h  Bounded lock-free ring of fixed-size messages: many producers, one consumer.
 *
 * The consumer sleeps on an eventfd. A producer makes the system call only when the consumer has
 * said that it may sleep: while it is busy, pushes cost no system call.
 */
#ifndef AURA_NET_RING_H
#define AURA_NET_RING_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct aura_ring;

enum { AURA_RING_SLOTS_MAX = 1 << 20, AURA_RING_MESSAGE_MAX = 4096 };

/**
 * @param slots  messages it holds, rounded up to a power of two
 * @param bytes  of one message, copied in and out (a pointer, or a small struct)
 * @return 0, AURA_EINVAL, AURA_ENOMEM, AURA_EIO (no eventfd)
 */
AURA_NODISCARD int aura_ring_new(struct aura_ring **rp, size_t slots, size_t bytes);
/** Frees it; messages still inside are forgotten, so pop them first. Returns NULL. */
struct aura_ring *aura_ring_free(struct aura_ring *r);

/** Any thread: adds a message and wakes the consumer. @return 0 or AURA_EAGAIN (full; counted) */
AURA_NODISCARD int aura_ring_push(struct aura_ring *r, const void *message);
/** As aura_ring_push() without the wake-up: for a batch, followed by one aura_ring_wake(). */
AURA_NODISCARD int aura_ring_push_quiet(struct aura_ring *r, const void *message);
/** Any thread: wakes the consumer unless it is awake. */
void aura_ring_wake(struct aura_ring *r);

/** Consumer: takes the oldest message. @return false if there is none */
bool aura_ring_pop(struct aura_ring *r, void *message);
/**
 * Consumer: before it sleeps. @return true if the next push will make aura_ring_fd() readable;
 * false if a message has come meanwhile: pop again first.
 */
bool aura_ring_rest(struct aura_ring *r);

typedef void(aura_ring_fn)(void *arg, void *message);
/**
 * Consumer, when aura_ring_fd() is readable: hands out at most @p max messages and rests. If more
 * are left the fd stays readable. @return how many
 */
size_t aura_ring_drain(struct aura_ring *r, size_t max, aura_ring_fn *fn, void *arg);

/** Readable when there are messages and the consumer rests. Borrowed. */
int aura_ring_fd(const struct aura_ring *r);
/** Pushes refused since the start; any thread. */
uint64_t aura_ring_overflows(const struct aura_ring *r);

#endif
