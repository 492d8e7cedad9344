/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"

#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct sched_attr of sched_setattr(2), in its first version. A name of our own: older libcs have
 * none, newer ones and the kernel's headers have the same. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static bool get(struct attributes *a) {
    return syscall(SYS_sched_getattr, 0, a, sizeof(*a), 0) == 0;
}

bool aura_slice_short(void) {
    struct attributes a = {.size = 0}, after = {.size = 0};
    if (!get(&a) || a.policy != SCHED_OTHER) {
        return false;
    }
    a.size = sizeof(a);
    a.runtime = AURA_SLICE_NS;
    /* Older kernels take it and do nothing. */
    return syscall(SYS_sched_setattr, 0, &a, 0) == 0 && get(&after) &&
           after.runtime == AURA_SLICE_NS;
}
