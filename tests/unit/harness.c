/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

enum { OOM_ROUNDS = 20000 };

static void check_plain(aura_case_fn *fn) {
    aura_mem_fail_at(-1); /* a case before may have left in the middle of its OOM round */
    int64_t live = aura_mem_live();
    int err = fn();
    if (err) {
        fail_msg("case failed: %s", aura_err_text(err));
    }
    if (aura_mem_live() != live) {
        fail_msg("case leaked %lld blocks", (long long)(aura_mem_live() - live));
    }
}

void aura_case_run_plain(void **state) {
    check_plain((aura_case_fn *)(uintptr_t)*state);
}

void aura_case_run(void **state) {
    aura_case_fn *fn = (aura_case_fn *)(uintptr_t)*state;
    check_plain(fn);
    for (int64_t n = 0; n < OOM_ROUNDS; n++) {
        int64_t live = aura_mem_live();
        aura_mem_fail_at(n);
        int err = fn();
        bool injected = aura_mem_failed();
        aura_mem_fail_at(-1);
        if (aura_mem_live() != live) {
            fail_msg("allocation %lld failing leaks %lld blocks", (long long)n,
                     (long long)(aura_mem_live() - live));
        }
        if (!injected) {
            assert_int_equal(err, 0);
            return;
        }
        if (err && err != AURA_ENOMEM) {
            fail_msg("allocation %lld failing gives: %s", (long long)n, aura_err_text(err));
        }
    }
    fail_msg("still failing after %d allocations", OOM_ROUNDS);
}
