/* SPDX-License-Identifier: Apache-2.0 */
/* The process of a recording, then the one that makes one file of it, and what they say. */
#include "api/recordings_child.h"
#include "api/recordings_priv.h"
#include "base/mem.h"

#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PATH_BYTES = 2048,
    TOKEN_EXTRA_S = 600,
    FOREVER_S = 30 * 86400,
    NUMBER_BYTES = 24,
    LAYOUT_BYTES = 64,
    WORDS_MAX = 48, /* of a command line */
};

static void on_exit_of(void *arg, struct aura_watch *watch, unsigned events);
static void on_line(void *arg, struct aura_watch *watch, unsigned events);

static int run_child(struct aura_recording *e, const char *const *argv, const char *token) {
    struct aura_recordings *r = e->owner;
    struct aura__child child;
    int err = aura__child_start(&child, r->program, argv, token);
    if (err) {
        return err;
    }
    e->pid = child.pid;
    e->line_len = 0;
    err = aura_loop_add_fd(r->loop, &e->exit_watch, child.pidfd, AURA_LOOP_READ, on_exit_of, e);
    err = err ? err
              : aura_loop_add_fd(r->loop, &e->line_watch, child.out, AURA_LOOP_READ, on_line, e);
    if (err) {
        aura_loop_remove_fd(&e->exit_watch);
        (void)kill((pid_t)e->pid, SIGKILL);
        (void)waitpid((pid_t)e->pid, NULL, 0);
        close(child.pidfd);
        close(child.out);
        e->pid = 0;
    }
    return err;
}

/* ---- what it says ---- */

/* Its own count grows; what it grew by is the server's. */
static void add_up(const json_t *line, const char *name, uint64_t *own, uint64_t *all) {
    json_int_t now = json_integer_value(json_object_get(line, name));
    if (now > 0 && (uint64_t)now > *own) {
        *all += (uint64_t)now - *own;
        *own = (uint64_t)now;
    }
}

static void take_line(struct aura_recording *e) {
    struct aura_recordings_stats *all = &e->owner->stats;
    json_t *line = json_loads(e->line, 0, NULL);
    const char *why = json_string_value(json_object_get(line, "why"));
    const char *end = json_string_value(json_object_get(line, "end"));
    if (!e->composing) {
        add_up(line, "bytes", &e->bytes, &all->bytes);
        add_up(line, "frames", &e->frames, &all->frames);
        add_up(line, "dropped", &e->dropped, &all->dropped);
    }
    e->limited |= end && strncmp(end, "max_", 4) == 0;
    if (why && !e->composing) {
        snprintf(e->error, sizeof(e->error), "%s", why);
    }
    if (e->state == AURA_RECORDING_STARTING &&
        json_integer_value(json_object_get(line, "frames")) > 0) {
        e->state = AURA_RECORDING_ACTIVE;
        aura__recording_changed(e, AURA_RECORDING_UPDATED);
    }
    json_decref(line);
}

static void on_line(void *arg, struct aura_watch *watch, unsigned events) {
    struct aura_recording *e = arg;
    ssize_t n = read(watch->fd, e->line + e->line_len, sizeof(e->line) - 1 - e->line_len);
    (void)events;
    if (n <= 0) {
        aura_loop_remove_fd(watch); /* its exit follows */
        return;
    }
    e->line_len += (size_t)n;
    for (char *end; (end = memchr(e->line, '\n', e->line_len)) != NULL;) {
        *end = 0;
        take_line(e);
        size_t used = (size_t)(end + 1 - e->line);
        memmove(e->line, end + 1, e->line_len - used);
        e->line_len -= used;
    }
    e->line_len = e->line_len == sizeof(e->line) - 1 ? 0 : e->line_len; /* no line of ours */
}

/* ---- one file ---- */

struct words {
    const char *list[WORDS_MAX];
    size_t count;
};

static void add(struct words *w, const char *option, const char *value) {
    if (value && value[0]) {
        w->list[w->count++] = option;
        w->list[w->count++] = value;
    }
}

static const char *only(const struct aura_recording *e) {
    return e->audio_only ? "audio" : e->video_only ? "video" : NULL;
}

/* A number, if it was asked for. */
static void add_number(struct words *w, const char *option, uint32_t value,
                       char room[NUMBER_BYTES]) {
    if (value) {
        snprintf(room, NUMBER_BYTES, "%u", value);
        add(w, option, room);
    }
}

static int compose(struct aura_recording *e) {
    char path[PATH_BYTES], size[NUMBER_BYTES] = "", numbers[4][NUMBER_BYTES];
    char layouts[AURA_RECORDING_LAYOUTS_MAX][LAYOUT_BYTES];
    struct words w = {{"auralink", "record", "compose", e->folder, "--json"}, 5};
    aura__recording_composed_path(e, path, sizeof(path));
    if (e->width && e->height) {
        snprintf(size, sizeof(size), "%ux%u", e->width, e->height);
    }
    add(&w, "-o", path);
    add(&w, "--layout", e->layout);
    add(&w, "--labels", e->kind == AURA_RECORDING_ROOM && e->owner->conf.labels ? "on" : "off");
    add(&w, "--only", only(e));
    add(&w, "--size", size);
    add_number(&w, "--fps", e->fps, numbers[0]);
    add_number(&w, "--kbps", e->kbps, numbers[1]);
    add_number(&w, "--audio-kbps", e->audio_kbps, numbers[2]);
    add_number(&w, "--key-frame-ms", e->key_frame_ms, numbers[3]);
    for (size_t i = 0; i < e->layout_count; i++) {
        snprintf(layouts[i], LAYOUT_BYTES, "%" PRId64 "=%s", e->layouts[i].at_us,
                 e->layouts[i].layout);
        add(&w, "--layout-at", layouts[i]);
    }
    int err = run_child(e, w.list, NULL);
    if (!err) {
        e->composing = true;
        if (e->state != AURA_RECORDING_ENDING) {
            e->state = AURA_RECORDING_ENDING;
            aura__recording_changed(e, AURA_RECORDING_UPDATED);
        }
    }
    return err;
}

/* ---- the end ---- */

static void finish(struct aura_recording *e, bool ok) {
    if (ok && e->file_count) {
        e->error[0] = 0;
    }
    if (ok && e->output[0] && e->file_count) {
        ok = !(e->composing ? aura__recording_place_composed(e) : aura__recording_place_tracks(e));
    }
    aura__recording_finish(e, !ok             ? AURA_RECORDING_FAILED
                              : e->limited    ? AURA_RECORDING_LIMIT
                              : e->file_count ? AURA_RECORDING_COMPLETE
                                              : AURA_RECORDING_ABORTED);
}

static void on_exit_of(void *arg, struct aura_watch *watch, unsigned events) {
    struct aura_recording *e = arg;
    int status = 0, pidfd = watch->fd;
    (void)events;
    if (waitpid((pid_t)e->pid, &status, WNOHANG) != (pid_t)e->pid) {
        return;
    }
    aura_loop_remove_fd(watch);
    close(pidfd);
    int out = e->line_watch.fd;
    while (e->line_watch.loop) { /* what it said last */
        on_line(e, &e->line_watch, AURA_LOOP_READ);
    }
    close(out);
    e->pid = 0;
    bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    aura__recording_files(e);
    if (e->composing) {
        if (!ok) {
            snprintf(e->error, sizeof(e->error), "the files could not be made one");
        }
        finish(e, ok);
        return;
    }
    ok = ok || e->limited;
    if (!ok || e->kind == AURA_RECORDING_TRACK || !e->file_count) {
        finish(e, ok);
    } else if (compose(e)) {
        snprintf(e->error, sizeof(e->error), "the files could not be made one");
        finish(e, false);
    }
}

void aura__recording_leave(struct aura_recording *e) {
    int pidfd = e->exit_watch.fd, line = e->line_watch.fd;
    (void)kill((pid_t)e->pid, SIGTERM);
    aura_loop_remove_fd(&e->exit_watch);
    aura_loop_remove_fd(&e->line_watch);
    close(pidfd);
    close(line);
    e->pid = 0;
}

/* ---- the beginning ---- */

static char *mint(const struct aura_recordings *r, const struct aura_recording *e) {
    struct aura_buf token = AURA_BUF(AURA_TOKEN_BYTES_MAX);
    struct aura_claims claims; /* borrows its strings */
    struct aura_pair native = {(char *)(uintptr_t) "auralink.aic", (char *)(uintptr_t) "off"};
    const char *key = aura_keys_first(r->conf.keys);
    int64_t now_s = aura__recordings_now_us(r) / 1000000;
    aura_claims_init(&claims);
    claims.identity = (char *)(uintptr_t)e->id;
    claims.kind = (char *)(uintptr_t) "egress";
    claims.has_video = true;
    claims.video.room = (char *)(uintptr_t)e->room;
    claims.video.room_join = claims.video.hidden = claims.video.recorder = true;
    claims.video.can_publish = claims.video.can_publish_data = AURA_NO;
    claims.video.can_subscribe = AURA_YES;
    claims.attributes = &native;
    claims.attribute_count = 1;
    int64_t ttl = r->conf.max_duration_s ? r->conf.max_duration_s + TOKEN_EXTRA_S : FOREVER_S;
    if (!key ||
        aura_token_mint(&token, &claims, key, aura_keys_secret(r->conf.keys, key), now_s, ttl)) {
        aura_buf_free(&token);
        return NULL;
    }
    return (char *)token.data;
}

int aura__recording_run(struct aura_recording *e, const struct aura_recording_request *q) {
    static const char *const sources[] = {NULL, "camera", "screen"};
    const struct aura_recordings *r = e->owner;
    struct words w = {{"auralink", "record", "--json", e->room}, 4};
    char seconds[NUMBER_BYTES] = "", free_mb[NUMBER_BYTES];
    if (r->conf.max_duration_s) {
        snprintf(seconds, sizeof(seconds), "%u", r->conf.max_duration_s);
    }
    snprintf(free_mb, sizeof(free_mb), "%u", r->conf.min_free_mb);
    add(&w, "--url", r->url);
    add(&w, "-o", e->folder);
    add(&w, "--min-free-mb", free_mb);
    add(&w, "--max-duration", seconds);
    add(&w, "--from", q->identity);
    add(&w, "--track", q->track);
    add(&w, "--track", q->track_2);
    add(&w, "--only", only(e));
    add(&w, "--source", sources[q->source]);
    if (e->kind != AURA_RECORDING_ROOM) { /* as LiveKit's, it ends with what it records */
        w.list[w.count++] = "--end-with-source";
    }
    if (r->conf.insecure) {
        w.list[w.count++] = "--insecure";
    }
    char *token = mint(r, e);
    if (!token) {
        return AURA_ENOMEM;
    }
    int err = run_child(e, w.list, token);
    aura_wipe(token, strlen(token));
    aura_free(token);
    return err;
}
