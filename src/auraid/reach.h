/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file reach.h  Who may ring whom across apps. An app is an API key.
 *
 * Two questions, both the callee's to answer: whether the person may be rung by the caller at all
 * (privacy, contacts, blocks: directory.h), and whether one of the apps that the person is known in
 * takes calls from the caller's. Within one app it always does. Threading: one thread.
 */
#ifndef AURA_AURAID_REACH_H
#define AURA_AURAID_REACH_H

#include "auraid/directory.h"

/** Borrowed for as long as it is used. */
struct aura_reach {
    struct aura_directory *directory;
    enum aura_privacy cross_app; /* from whom one takes calls of other apps */
    const char *const *allow;    /* "FROM>TO": API keys, or "*" for any: as if they were one app */
    size_t allow_count;
};

/** What is wrong with an entry of the list; NULL = nothing. */
const char *aura_reach_problem(const char *pair);
/** Do devices of app @p to ring for somebody who calls from app @p from?
 * @param stance  of the callee towards the caller */
bool aura_reach_app(const struct aura_reach *r, const char *from, const char *to,
                    enum aura_stance stance);
/** @param stance  out, of the callee towards the caller. @return 0, AURA_ENOENT (nobody of that
 * name, or one may not know), AURA_EIO */
AURA_NODISCARD int aura_reach_person(const struct aura_reach *r, const struct aura_id *caller,
                                     const char *app, const struct aura_id *callee,
                                     enum aura_stance *stance);

#endif
