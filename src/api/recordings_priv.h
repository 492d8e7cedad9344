/* SPDX-License-Identifier: Apache-2.0 */
/** @file recordings_priv.h  Shared by recordings.c (which there are) and recordings_run.c (their
 * processes, and what became of them). */
#ifndef AURA_API_RECORDINGS_PRIV_H
#define AURA_API_RECORDINGS_PRIV_H

#include "api/recordings.h"

struct aura_recordings {
    struct aura_recordings_conf conf;
    char *folder, *program, *url;
    struct aura_loop *loop;
    struct aura_recording *all; /* newest first */
    size_t running, ended;
    struct aura_recordings_stats stats;
};

int64_t aura__recordings_now_us(const struct aura_recordings *r); /* wall clock */
void aura__recording_changed(struct aura_recording *e, enum aura_recording_event what);
/** It has ended, and is told. */
void aura__recording_finish(struct aura_recording *e, enum aura_recording_state state);
bool aura__recording_is_over(const struct aura_recording *e);
void aura__recording_free(struct aura_recording *e);

/* ---- recordings_run.c ---- */
/** Starts the recorder. @return 0, AURA_EIO, AURA_ENOMEM */
AURA_NODISCARD int aura__recording_run(struct aura_recording *e,
                                       const struct aura_recording_request *q);
/** The server ends: its recorder is asked to, and nobody waits. */
void aura__recording_leave(struct aura_recording *e);
/* ---- recordings_files.c ---- */
/** What the manifest says of the files, anew. */
void aura__recording_files(struct aura_recording *e);
/** The one file that was composed, as it was asked for; else files stay, and e->error says why.
 * @return 0, AURA_ENOMEM, AURA_EIO, AURA_EPOLICY, AURA_EEXISTS, AURA_ELIMIT */
AURA_NODISCARD int aura__recording_place_composed(struct aura_recording *e);
/** The same for a track's own files. */
AURA_NODISCARD int aura__recording_place_tracks(struct aura_recording *e);
void aura__recording_forget_files(struct aura_recording *e);
/** The path of the file that is composed, before it is placed. */
void aura__recording_composed_path(const struct aura_recording *e, char *out, size_t size);

#endif
