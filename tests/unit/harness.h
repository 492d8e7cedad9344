/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file harness.h  What every unit test program shares: cmocka, and the out-of-memory mode.
 *
 * A case is `static int name(void)` that returns 0 or the error of the code under test (TRY passes
 * it on) and releases what it took on both paths. AURA_CASE(name) runs it once plainly and then
 * again with allocation 0, 1, 2 … failing until it passes; only AURA_ENOMEM may come back meanwhile
 * and no block may stay alive. Cases that cannot run so (threads, libraries with their own memory)
 * use AURA_PLAIN.
 */
#ifndef AURA_TESTS_HARNESS_H
#define AURA_TESTS_HARNESS_H

#include "base/err.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef int(aura_case_fn)(void);

void aura_case_run(void **state);       /* normal and OOM mode */
void aura_case_run_plain(void **state); /* normal mode only */

#define AURA_CASE(fn)                                                                              \
    { #fn, aura_case_run, NULL, NULL, (void *)(uintptr_t)(fn) }
#define AURA_PLAIN(fn)                                                                             \
    { #fn, aura_case_run_plain, NULL, NULL, (void *)(uintptr_t)(fn) }

#define TRY(expr)                                                                                  \
    do {                                                                                           \
        int try_err_ = (expr);                                                                     \
        if (try_err_) {                                                                            \
            return try_err_;                                                                       \
        }                                                                                          \
    } while (0)

/** Like TRY, but leaves through `out:` with `err` set. */
#define TRY_OUT(expr)                                                                              \
    do {                                                                                           \
        err = (expr);                                                                              \
        if (err) {                                                                                 \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

#define RUN_CASES(name, cases) cmocka_run_group_tests_name(name, cases, NULL, NULL)

#endif
