/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As the kernel has it (sched_setattr(2)). */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static struct attributes attributes(void) {
    struct attributes a = {.size = 0};
    assert_int_equal(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0), 0);
    return a;
}

static void *look(void *arg) {
    *(struct attributes *)arg = attributes();
    return NULL;
}

static int only_the_slice_changes(void) {
    struct attributes before = attributes(), child;
    pthread_t thread;
    bool done = aura_slice_short();
    struct attributes after = attributes();
    assert_int_equal(after.policy, before.policy);
    assert_int_equal(after.nice, before.nice);
    assert_int_equal(after.flags, before.flags);
    assert_int_equal(pthread_create(&thread, NULL, look, &child), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(done, after.runtime == AURA_SLICE_NS);
    assert_int_equal(child.runtime, after.runtime); /* inherited */
    return 0;
}

static void *as_real_time(void *arg) {
    const struct sched_param p = {.sched_priority = 1};
    bool *right = arg;
    if (sched_setscheduler(0, SCHED_RR, &p) == 0) { /* else the tests may not */
        *right = !aura_slice_short() && sched_getscheduler(0) == SCHED_RR;
    }
    return NULL;
}

static int real_time_threads_stay_so(void) {
    pthread_t thread;
    bool right = true;
    assert_int_equal(pthread_create(&thread, NULL, as_real_time, &right), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(right);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(only_the_slice_changes),
        AURA_PLAIN(real_time_threads_stay_so),
    };
    return RUN_CASES("slice", cases);
}
