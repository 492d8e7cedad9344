/* SPDX-License-Identifier: Apache-2.0 */
#include "api/recordings.h"

#include "api/recordings_priv.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "room/rooms.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 1024 };

/* What a line is about, as everywhere (docs/operating.md). */
#define LOG_RECORDING(e)                                                                           \
    AURA_S("id", (e)->id), AURA_S("room", (e)->room), AURA_S("room_sid", known((e)->room_id)),     \
        AURA_S("participant", known((e)->identity)), AURA_S("track_sid", known((e)->track))

static const char *known(const char *text) {
    return text[0] ? text : NULL;
}

int64_t aura__recordings_now_us(const struct aura_recordings *r) {
    return (int64_t)aura_wall_us(aura_loop_clock(r->loop));
}

size_t aura_recordings_running(const struct aura_recordings *r) {
    return r->running;
}

void aura_recordings_stats(const struct aura_recordings *r, struct aura_recordings_stats *out) {
    *out = r->stats;
    for (const struct aura_recording *e = r->all; e; e = e->next) {
        if (!aura__recording_is_over(e)) {
            out->now[e->state]++;
        }
    }
}

const char *aura_recording_state_name(enum aura_recording_state state) {
    static const char *const names[] = {"starting", "active",  "ending", "complete",
                                        "failed",   "aborted", "limit"};
    return names[state];
}

bool aura__recording_is_over(const struct aura_recording *e) {
    return e->state >= AURA_RECORDING_COMPLETE;
}

void aura__recording_changed(struct aura_recording *e, enum aura_recording_event what) {
    const struct aura_recordings_conf *c = &e->owner->conf;
    e->updated_us = aura__recordings_now_us(e->owner);
    if (c->changed) {
        c->changed(c->arg, e, what);
    }
}

void aura__recording_free(struct aura_recording *e) {
    aura__recording_forget_files(e);
    if (e->asked) {
        protobuf_c_message_free_unpacked(e->asked, aura_pb_allocator());
    }
    aura_free(e);
}

static void forget_oldest(struct aura_recordings *r) {
    struct aura_recording **last = NULL;
    for (struct aura_recording **p = &r->all; *p; p = &(*p)->next) {
        last = aura__recording_is_over(*p) ? p : last;
    }
    if (last && r->ended > AURA_RECORDINGS_KEPT) {
        struct aura_recording *e = *last;
        *last = e->next;
        r->ended--;
        aura__recording_free(e);
    }
}

void aura__recording_finish(struct aura_recording *e, enum aura_recording_state state) {
    struct aura_recordings *r = e->owner;
    e->state = state;
    e->ended_us = aura__recordings_now_us(r);
    r->running--;
    r->ended++;
    r->stats.ended[state]++;
    if (e->composing && e->file_count && state != AURA_RECORDING_FAILED) {
        r->stats.composed_bytes += (uint64_t)e->files[0].bytes;
    }
    AURA_LOG("record", state == AURA_RECORDING_FAILED ? AURA_LOG_WARN : AURA_LOG_INFO,
             "recording_ended", LOG_RECORDING(e), AURA_I("files", e->file_count),
             AURA_S("error", known(e->error)));
    aura__recording_changed(e, AURA_RECORDING_ENDED);
    forget_oldest(r);
}

/* ---- starting ---- */

static int describe(struct aura_recording *e, const struct aura_recording_request *q) {
    const struct aura_recordings *r = e->owner;
    char word[AURA_RECORDING_ID_LEN + 1];
    aura_rand_text(r->conf.rand, word, AURA_RECORDING_ID_LEN);
    snprintf(e->id, sizeof(e->id), "EG_%s", word);
    snprintf(e->room, sizeof(e->room), "%s", q->room);
    snprintf(e->room_id, sizeof(e->room_id), "%s", q->room_id ? q->room_id : "");
    snprintf(e->identity, sizeof(e->identity), "%s",
             q->identity    ? q->identity
             : q->publisher ? q->publisher
                            : "");
    snprintf(e->track, sizeof(e->track), "%s", q->track ? q->track : "");
    snprintf(e->folder, sizeof(e->folder), "%s/%s", r->folder, e->id);
    snprintf(e->output, sizeof(e->output), "%s", q->output ? q->output : "");
    e->suffix = q->suffix ? q->suffix : ".mp4";
    e->kind = q->kind;
    e->layout = q->layout ? q->layout : "grid";
    e->audio_only = q->audio_only;
    e->video_only = q->video_only;
    e->width = q->width;
    e->height = q->height;
    e->fps = q->fps;
    e->kbps = q->kbps;
    e->audio_kbps = q->audio_kbps;
    e->key_frame_ms = q->key_frame_ms;
    e->asked = q->asked ? aura_pb_copy(q->asked) : NULL;
    return q->asked && !e->asked ? AURA_ENOMEM : 0;
}

int aura_recordings_start(struct aura_recordings *r, const struct aura_recording_request *q,
                          const struct aura_recording **out) {
    if (r->running >= r->conf.max) {
        return AURA_ELIMIT;
    }
    /* A word that begins with "-" would be an option of the recorder. */
    if (!q->room || !q->room[0] || q->room[0] == '-' || strlen(q->room) > AURA_RECORDING_NAME_MAX) {
        return AURA_EINVAL;
    }
    struct aura_recording *e = aura_zalloc(sizeof(*e));
    if (!e) {
        return AURA_ENOMEM;
    }
    e->owner = r;
    e->started_us = aura__recordings_now_us(r);
    int err = describe(e, q);
    err = err ? err : aura__recording_run(e, q);
    if (err) {
        aura__recording_free(e);
        return err;
    }
    e->next = r->all;
    r->all = e;
    r->running++;
    r->stats.started++;
    AURA_LOG("record", AURA_LOG_INFO, "recording_started", LOG_RECORDING(e));
    aura__recording_changed(e, AURA_RECORDING_STARTED);
    *out = e;
    return 0;
}

static struct aura_recording *find(const struct aura_recordings *r, const char *id) {
    struct aura_recording *e = r->all;
    while (e && strcmp(e->id, id) != 0) {
        e = e->next;
    }
    return e;
}

static bool runs(const struct aura_recording *e) {
    return !aura__recording_is_over(e) && e->state != AURA_RECORDING_ENDING;
}

int aura_recordings_stop(struct aura_recordings *r, const char *id,
                         const struct aura_recording **out) {
    struct aura_recording *e = find(r, id);
    *out = e;
    if (!e || !runs(e)) {
        return e ? AURA_ESTATE : AURA_ENOENT;
    }
    e->state = AURA_RECORDING_ENDING;
    e->stopped = true;
    (void)kill((pid_t)e->pid, SIGINT);
    aura__recording_changed(e, AURA_RECORDING_UPDATED);
    return 0;
}

int aura_recordings_set_layout(struct aura_recordings *r, const char *id, const char *layout,
                               const struct aura_recording **out) {
    struct aura_recording *e = find(r, id);
    *out = e;
    if (!e || !runs(e) || e->kind != AURA_RECORDING_ROOM || e->audio_only) {
        return e ? AURA_ESTATE : AURA_ENOENT;
    }
    if (e->layout_count == AURA_RECORDING_LAYOUTS_MAX) {
        return AURA_ELIMIT;
    }
    e->layouts[e->layout_count].at_us = aura__recordings_now_us(r);
    e->layouts[e->layout_count++].layout = layout;
    return 0;
}

const struct aura_recording *aura_recordings_first(const struct aura_recordings *r) {
    return r->all;
}

const char *aura_recordings_folder(const struct aura_recordings *r) {
    return r->folder;
}

/* ---- life ---- */

/* "auralink" beside /proc/self/exe. */
static char *default_program(void) {
    char path[PATH_BYTES];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("auralink"));
    char *slash = NULL;
    if (n > 0) {
        path[n] = 0;
        slash = strrchr(path, '/');
    }
    if (!slash) {
        return aura_strdup("/usr/bin/auralink");
    }
    memcpy(slash + 1, "auralink", sizeof("auralink"));
    return aura_strdup(path);
}

int aura_recordings_new(struct aura_recordings **out, const struct aura_recordings_conf *conf,
                        struct aura_loop *loop) {
    struct aura_recordings *r = aura_zalloc(sizeof(*r));
    if (!r) {
        return AURA_ENOMEM;
    }
    r->conf = *conf;
    r->loop = loop;
    r->folder = aura_strdup(conf->folder);
    r->program = conf->program[0] ? aura_strdup(conf->program) : default_program();
    r->url = aura_strdup(conf->url);
    if (!r->folder || !r->program || !r->url) {
        aura_recordings_free(r);
        return AURA_ENOMEM;
    }
    *out = r;
    return 0;
}

struct aura_recordings *aura_recordings_free(struct aura_recordings *r) {
    if (!r) {
        return NULL;
    }
    for (struct aura_recording *e = r->all, *next; e; e = next) {
        next = e->next;
        if (e->pid) { /* it ends its files by itself */
            aura__recording_leave(e);
            snprintf(e->error, sizeof(e->error),
                     "the server ended; what was recorded is in the folder %s", e->id);
            e->state = AURA_RECORDING_ABORTED;
            e->ended_us = aura__recordings_now_us(r);
            aura__recording_changed(e, AURA_RECORDING_ENDED);
        }
        aura__recording_free(e);
    }
    aura_free(r->folder);
    aura_free(r->program);
    aura_free(r->url);
    aura_free(r);
    return NULL;
}
