/* SPDX-License-Identifier: Apache-2.0 */
#include "api/recordings.h"

#include "api/recordings_child.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, TOKEN_EXTRA_S = 600, FOREVER_S = 30 * 86400, NUMBER_BYTES = 24 };

struct aura_recordings {
    struct aura_recordings_conf conf;
    char *folder, *program, *url;
    struct aura_loop *loop;
    struct aura_recording *all; /* newest first */
    size_t running, ended;
};

static int64_t wall_us(const struct aura_recordings *r) {
    return (int64_t)aura_wall_us(aura_loop_clock(r->loop));
}

static bool is_over(const struct aura_recording *e) {
    return e->state >= AURA_RECORDING_COMPLETE;
}

/* ---- children ---- */

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
    }
    return err;
}

static void take_line(struct aura_recording *e) {
    json_t *line = json_loads(e->line, 0, NULL);
    const char *why = json_string_value(json_object_get(line, "why"));
    const char *end = json_string_value(json_object_get(line, "end"));
    if (e->state == AURA_RECORDING_STARTING &&
        json_integer_value(json_object_get(line, "frames")) > 0) {
        e->state = AURA_RECORDING_ACTIVE;
        e->updated_us = wall_us(e->owner);
    }
    e->limited |= end && strncmp(end, "max_", 4) == 0;
    if (why && !e->composing) {
        snprintf(e->error, sizeof(e->error), "%s", why);
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

/* ---- what became of it ---- */

static void add_file(struct aura_recording *e, const json_t *file) {
    const char *name = json_string_value(json_object_get(file, "file"));
    if (name && e->file_count < AURA_RECORDING_FILES_MAX) {
        struct aura_recording_file *f = &e->files[e->file_count++];
        snprintf(f->name, sizeof(f->name), "%s", name);
        f->start_us = json_integer_value(json_object_get(file, "start_us"));
        f->duration_us = json_integer_value(json_object_get(file, "duration_us"));
        f->bytes = json_integer_value(json_object_get(file, "bytes"));
    }
}

static void read_files(struct aura_recording *e) {
    char path[PATH_BYTES + 32];
    size_t i, j;
    json_t *track, *file;
    snprintf(path, sizeof(path), "%s/manifest.json", e->folder);
    json_t *manifest = json_load_file(path, 0, NULL);
    e->file_count = 0;
    json_array_foreach(json_object_get(manifest, "tracks"), i, track) {
        json_array_foreach(json_object_get(track, "files"), j, file) {
            add_file(e, file);
        }
    }
    json_decref(manifest);
}

/* The composed file is the result; the tracks' files stay beside it. */
static void read_output(struct aura_recording *e) {
    char path[PATH_BYTES + AURA_RECORDING_NAME_MAX + 2];
    struct stat st;
    int64_t start = INT64_MAX, end = 0;
    for (size_t i = 0; i < e->file_count; i++) {
        int64_t until = e->files[i].start_us + e->files[i].duration_us;
        start = e->files[i].start_us < start ? e->files[i].start_us : start;
        end = until > end ? until : end;
    }
    snprintf(path, sizeof(path), "%s/%s", e->folder, e->output);
    struct aura_recording_file *f = &e->files[0];
    *f = (struct aura_recording_file){.start_us = start, .duration_us = end - start};
    snprintf(f->name, sizeof(f->name), "%s", e->output);
    f->bytes = stat(path, &st) == 0 ? st.st_size : 0;
    e->file_count = 1;
}

static void forget_oldest(struct aura_recordings *r) {
    struct aura_recording **last = NULL;
    for (struct aura_recording **p = &r->all; *p; p = &(*p)->next) {
        last = is_over(*p) ? p : last;
    }
    if (last && r->ended > AURA_RECORDINGS_KEPT) {
        struct aura_recording *e = *last;
        *last = e->next;
        r->ended--;
        aura_free(e);
    }
}

static void finish(struct aura_recording *e, bool ok) {
    struct aura_recordings *r = e->owner;
    e->ended_us = e->updated_us = wall_us(r);
    e->state = !ok             ? AURA_RECORDING_FAILED
               : e->limited    ? AURA_RECORDING_LIMIT
               : e->file_count ? AURA_RECORDING_COMPLETE
                               : AURA_RECORDING_ABORTED;
    if (ok && e->file_count) {
        e->error[0] = 0;
    }
    r->running--;
    r->ended++;
    AURA_LOG("record", ok ? AURA_LOG_INFO : AURA_LOG_WARN, "recording_ended", AURA_S("id", e->id),
             AURA_S("room", e->room), AURA_I("files", e->file_count), AURA_S("error", e->error));
    forget_oldest(r);
}

static int compose(struct aura_recording *e) {
    char path[PATH_BYTES + AURA_RECORDING_NAME_MAX + 2];
    snprintf(path, sizeof(path), "%s/%s", e->folder, e->output);
    const char *const argv[] = {"auralink", "record",   "compose",
                                e->folder,  "-o",       path,
                                "--json",   "--layout", e->speaker ? "speaker" : "grid",
                                NULL};
    e->composing = true;
    e->state = AURA_RECORDING_ENDING;
    return run_child(e, argv, NULL);
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
    if (e->composing) {
        read_files(e);
        if (ok) {
            read_output(e);
        } else {
            snprintf(e->error, sizeof(e->error), "the files could not be made one");
        }
        finish(e, ok);
        return;
    }
    read_files(e);
    ok = ok || e->limited;
    if (!ok || !e->output[0] || !e->file_count || compose(e)) {
        finish(e, ok);
    }
}

/* ---- starting ---- */

static char *mint(const struct aura_recordings *r, const struct aura_recording *e) {
    struct aura_buf token = AURA_BUF(AURA_TOKEN_BYTES_MAX);
    struct aura_claims claims; /* borrows its strings */
    struct aura_pair native = {(char *)(uintptr_t) "auralink.aic", (char *)(uintptr_t) "off"};
    const char *key = aura_keys_first(r->conf.keys);
    int64_t now_s = wall_us(r) / 1000000;
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

static int record(struct aura_recording *e, const struct aura_recording_request *q) {
    const struct aura_recordings *r = e->owner;
    const char *argv[32] = {"auralink", "record",  "--url",  r->url,
                            "-o",       e->folder, "--json", e->room};
    char seconds[NUMBER_BYTES], free_mb[NUMBER_BYTES];
    size_t n = 8;
    snprintf(seconds, sizeof(seconds), "%u", r->conf.max_duration_s);
    snprintf(free_mb, sizeof(free_mb), "%u", r->conf.min_free_mb);
    const struct {
        const char *option, *value;
    } more[] = {{"--min-free-mb", free_mb},
                {"--max-duration", r->conf.max_duration_s ? seconds : NULL},
                {"--from", q->identity},
                {"--track", q->track},
                {"--track", q->track_2},
                {"--only", q->audio_only ? "audio" : q->video_only ? "video" : NULL}};
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        if (more[i].value && more[i].value[0]) {
            argv[n++] = more[i].option;
            argv[n++] = more[i].value;
        }
    }
    if (r->conf.insecure) {
        argv[n++] = "--insecure";
    }
    char *token = mint(r, e);
    if (!token) {
        return AURA_ENOMEM;
    }
    int err = run_child(e, argv, token);
    aura_wipe(token, strlen(token));
    aura_free(token);
    return err;
}

/* A name alone: nothing leaves the recording's folder. */
static void plain_name(char out[AURA_RECORDING_NAME_MAX + 1], const char *text) {
    static const char kept[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const char *slash = strrchr(text, '/'), *name = slash ? slash + 1 : text;
    size_t n = 0;
    for (; name[n] && n < AURA_RECORDING_NAME_MAX; n++) {
        out[n] = strchr(kept, name[n]) ? name[n] : '_';
    }
    out[n] = 0;
    if (out[0] == '.') {
        out[0] = '_';
    }
}

static int name_output(struct aura_recording *e, const struct aura_recording_request *q) {
    if (q->kind == AURA_RECORDING_TRACK) {
        return 0;
    }
    plain_name(e->output, q->output ? q->output : "");
    const char *dot = strrchr(e->output, '.');
    if (!e->output[0]) {
        snprintf(e->output, sizeof(e->output), "room.mp4");
    } else if (!dot) {
        size_t len = strlen(e->output);
        snprintf(e->output + len, sizeof(e->output) - len, ".mp4");
    } else if (strcmp(dot, ".mp4") != 0 && strcmp(dot, ".webm") != 0) {
        return AURA_EUNSUPPORTED;
    }
    return 0;
}

int aura_recordings_start(struct aura_recordings *r, const struct aura_recording_request *q,
                          const struct aura_recording **out) {
    char word[AURA_RECORDING_ID_LEN + 1];
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
    aura_rand_text(r->conf.rand, word, AURA_RECORDING_ID_LEN);
    snprintf(e->id, sizeof(e->id), "EG_%s", word);
    snprintf(e->room, sizeof(e->room), "%s", q->room);
    snprintf(e->folder, sizeof(e->folder), "%s/%s", r->folder, e->id);
    e->owner = r;
    e->kind = q->kind;
    e->speaker = q->speaker;
    e->started_us = e->updated_us = wall_us(r);
    int err = name_output(e, q);
    err = err ? err : record(e, q);
    if (err) {
        aura_free(e);
        return err;
    }
    e->next = r->all;
    r->all = e;
    r->running++;
    AURA_LOG("record", AURA_LOG_INFO, "recording_started", AURA_S("id", e->id),
             AURA_S("room", e->room));
    *out = e;
    return 0;
}

int aura_recordings_stop(struct aura_recordings *r, const char *id,
                         const struct aura_recording **out) {
    struct aura_recording *e = r->all;
    while (e && strcmp(e->id, id) != 0) {
        e = e->next;
    }
    if (!e || is_over(e) || e->state == AURA_RECORDING_ENDING) {
        *out = e;
        return e ? AURA_ESTATE : AURA_ENOENT;
    }
    e->state = AURA_RECORDING_ENDING;
    e->updated_us = wall_us(r);
    e->stopped = true;
    (void)kill((pid_t)e->pid, SIGINT);
    *out = e;
    return 0;
}

const struct aura_recording *aura_recordings_first(const struct aura_recordings *r) {
    return r->all;
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
            int pidfd = e->exit_watch.fd, line = e->line_watch.fd;
            (void)kill((pid_t)e->pid, SIGTERM);
            aura_loop_remove_fd(&e->exit_watch);
            aura_loop_remove_fd(&e->line_watch);
            close(pidfd);
            close(line);
        }
        aura_free(e);
    }
    aura_free(r->folder);
    aura_free(r->program);
    aura_free(r->url);
    aura_free(r);
    return NULL;
}
