/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file slice.h  Threads that work for a moment and sleep again run at once, on a busy machine too.
 *
 * Linux since 6.12 lets a thread ask for shorter slices of a processor: it gets no more of it, but
 * when it wakes up it goes before threads with longer ones instead of waiting for theirs to end. It
 * needs no rights, and takes nothing from others but the order.
 */
#ifndef AURA_BASE_SLICE_H
#define AURA_BASE_SLICE_H

#include <stdbool.h>

enum { AURA_SLICE_NS = 100000 }; /* the shortest that there is */

/**
 * For the calling thread and those that it starts from now on, whatever their priority.
 * @return false: this kernel has no such thing, or the thread is a real-time one
 */
bool aura_slice_short(void);

#endif
