/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file log.h  Structured log: an event name (stable, snake_case) with key/value pairs.
 *
 * Headers of other modules never include this. Secrets and tokens are never passed to it. Lines
 * that network input can cause use AURA_LOG_LIMITED. Thread-safe.
 */
#ifndef AURA_BASE_LOG_H
#define AURA_BASE_LOG_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum aura_log_level { AURA_LOG_DEBUG, AURA_LOG_INFO, AURA_LOG_WARN, AURA_LOG_ERROR };

struct aura_kv {
    const char *key;
    enum { AURA_KV_STR, AURA_KV_INT, AURA_KV_DBL } kind;
    const char *s;
    int64_t i;
    double d;
};

/** A text; NULL = it is not known, the line goes without it. */
#define AURA_S(k, v) ((struct aura_kv){.key = (k), .kind = AURA_KV_STR, .s = (v)})
#define AURA_I(k, v) ((struct aura_kv){.key = (k), .kind = AURA_KV_INT, .i = (int64_t)(v)})
#define AURA_D(k, v) ((struct aura_kv){.key = (k), .kind = AURA_KV_DBL, .d = (v)})

/** Lowest level that is written (default INFO); JSON lines instead of text. Thread-safe. */
void aura_log_setup(enum aura_log_level level, bool json);
/** "debug" | "info" | "warn" | "error" → level. @return 0 or AURA_EINVAL */
AURA_NODISCARD int aura_log_level_parse(const char *text, enum aura_log_level *level);
bool aura_log_on(enum aura_log_level level);
void aura_log_write(enum aura_log_level level, const char *scope, const char *event,
                    const struct aura_kv *kv, size_t n);

/** At most 5 lines a second for each call site; @return false if this one must be dropped. */
struct aura_log_limit {
    uint64_t window_s;
    uint32_t used;
};
bool aura_log_allow(struct aura_log_limit *limit);

/** AURA_LOG("room", AURA_LOG_INFO, "participant_joined", AURA_S("room", name), AURA_I("n", 3)); */
#define AURA_LOG(scope, level, event, ...)                                                         \
    do {                                                                                           \
        if (aura_log_on(level)) {                                                                  \
            const struct aura_kv kv_[] = {AURA_S("", NULL), ##__VA_ARGS__};                        \
            aura_log_write(level, scope, event, kv_ + 1, sizeof(kv_) / sizeof(kv_[0]) - 1);        \
        }                                                                                          \
    } while (0)

#define AURA_LOG_LIMITED(scope, level, event, ...)                                                 \
    do {                                                                                           \
        static _Thread_local struct aura_log_limit limit_;                                         \
        if (aura_log_on(level) && aura_log_allow(&limit_)) {                                       \
            AURA_LOG(scope, level, event, ##__VA_ARGS__);                                          \
        }                                                                                          \
    } while (0)

#endif
