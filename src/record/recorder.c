/* SPDX-License-Identifier: Apache-2.0 */
#include "record/recorder.h"

#include "base/mem.h"
#include "record/recorder_priv.h"

#include <inttypes.h>
#include <libavutil/log.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

enum { TICK_MS = 500 };

static const char *const end_names[] = {[AURA_RECORD_RUNS] = "",
                                        [AURA_RECORD_STOPPED] = "stopped",
                                        [AURA_RECORD_ROOM_ENDED] = "room_ended",
                                        [AURA_RECORD_LOST] = "connection_lost",
                                        [AURA_RECORD_SOURCE] = "source_ended",
                                        [AURA_RECORD_DURATION] = "max_duration",
                                        [AURA_RECORD_SIZE] = "max_size",
                                        [AURA_RECORD_DISK] = "disk_full",
                                        [AURA_RECORD_WRITE] = "write_failed",
                                        [AURA_RECORD_UNREACHABLE] = "unreachable"};

const char *aura_record_end_name(enum aura_record_end end) {
    return end_names[end];
}

int64_t aura__record_wall_us(const struct aura_recorder *r) {
    return (int64_t)aura_wall_us(aura_loop_clock(r->on.loop));
}

static uint64_t now_us(const struct aura_recorder *r) {
    return aura_now_us(aura_loop_clock(r->on.loop));
}

/* ---- the end ---- */

static void sum_up(struct aura_recorder *r) {
    struct aura_recorder_status s = {.tracks = 0};
    for (const struct aura_record_track *t = r->tracks; t; t = t->next) {
        s.tracks += t->file_count > 0;
        s.files += t->file_count;
        s.bytes += aura_record_track_bytes(t);
        s.dropped += t->dropped;
        for (size_t i = 0; i < t->file_count; i++) {
            s.frames += t->files[i].frames;
        }
    }
    pthread_mutex_lock(&r->lock);
    r->status.tracks = s.tracks;
    r->status.files = s.files;
    r->status.bytes = s.bytes;
    r->status.frames = s.frames;
    r->status.dropped = s.dropped;
    r->status.plis = aura_count_get(&r->on.meter.plis);
    r->status.nacks = aura_count_get(&r->on.meter.nacks);
    r->status.repaired = aura_count_get(&r->on.meter.repaired);
    pthread_mutex_unlock(&r->lock);
}

/* All files are ended, and the manifest is there, before anybody is told. */
void aura__record_end(struct aura_recorder *r, enum aura_record_end why, const char *text) {
    if (r->over) {
        return;
    }
    r->over = true;
    r->end = why;
    snprintf(r->why, sizeof(r->why), "%s", text);
    aura_timer_stop(aura_loop_timers(r->on.loop), &r->tick);
    aura_timer_stop(aura_loop_timers(r->on.loop), &r->again);
    for (struct aura_record_track *t = r->tracks; t; t = t->next) {
        aura_record_track_end(t);
    }
    aura__record_event(r, "ended", NULL, NULL, NULL);
    sum_up(r);
    if (aura__record_manifest(r, true) && why == AURA_RECORD_STOPPED) {
        r->end = AURA_RECORD_WRITE;
        snprintf(r->why, sizeof(r->why), "manifest.json could not be written");
    }
    pthread_mutex_lock(&r->lock);
    r->status.end = r->end;
    memcpy(r->status.why, r->why, sizeof(r->why));
    pthread_mutex_unlock(&r->lock);
}

/* ---- limits ---- */

static void check_files(struct aura_recorder *r) {
    char text[AURA__RECORD_WHY_MAX];
    for (const struct aura_record_track *t = r->tracks; t; t = t->next) {
        if (t->err && t->err != AURA_ELIMIT) {
            snprintf(text, sizeof(text), "a file of track %.60s could not be written: %s", t->sid,
                     aura_err_text(t->err));
            aura__record_end(r, AURA_RECORD_WRITE, text);
            return;
        }
    }
}

static void check_disk(struct aura_recorder *r) {
    char text[AURA__RECORD_WHY_MAX];
    struct statvfs disk;
    if (statvfs(r->folder, &disk)) {
        aura__record_end(r, AURA_RECORD_WRITE, "the folder is gone");
        return;
    }
    uint64_t left = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (left < r->conf.free_bytes_min) {
        snprintf(text, sizeof(text),
                 "the disk has %" PRIu64 " MB left, fewer than the %" PRIu64
                 " MB that must stay free: make room, or give a smaller --min-free-mb",
                 left >> 20, r->conf.free_bytes_min >> 20);
        aura__record_end(r, AURA_RECORD_DISK, text);
    }
}

static void check_limits(struct aura_recorder *r) {
    const struct aura_recorder_conf *c = &r->conf;
    if (c->duration_s_max && now_us(r) - r->begun_mono_us >= c->duration_s_max * AURA_US_PER_S) {
        aura__record_end(r, AURA_RECORD_DURATION, "the longest duration was reached");
    } else if (c->bytes_max && r->status.bytes >= c->bytes_max) {
        aura__record_end(r, AURA_RECORD_SIZE,
                         "the largest size was reached: give a larger --max-size-mb");
    } else {
        check_disk(r);
    }
}

static void on_tick(void *arg) {
    struct aura_recorder *r = arg;
    AURA_BUG_ON(aura_timer_start(aura_loop_timers(r->on.loop), &r->tick, TICK_MS * AURA_US_PER_MS,
                                 on_tick, r));
    sum_up(r);
    check_files(r);
    check_limits(r);
    if (r->conf.end_with_source && aura__record_source_ended(r)) {
        aura__record_end(r, AURA_RECORD_SOURCE, "what is recorded has ended");
    }
    if (!r->over && now_us(r) - r->manifest_us >= AURA_RECORD_MANIFEST_MS * AURA_US_PER_MS) {
        r->manifest_us = now_us(r);
        if (aura__record_manifest(r, false) == AURA_EIO) {
            aura__record_end(r, AURA_RECORD_WRITE, "manifest.json could not be written");
        }
    }
}

/* ---- from the client ---- */

static bool on_wants(void *arg, const char *sid) {
    const struct aura_recorder *r = arg;
    const struct aura_record_track *t = aura__record_find(r, sid);
    return t && t->wanted && !r->over;
}

static bool on_frame(void *arg, const struct aura_frame *frame) {
    struct aura_recorder *r = arg;
    struct aura_record_track *t = aura__record_find(r, frame->track);
    return !t || r->over || aura_record_track_frame(t, frame, aura__record_wall_us(r));
}

static void on_sound(void *arg, const struct aura_sound *s) {
    struct aura_recorder *r = arg;
    struct aura_record_track *t = aura__record_find(r, s->track);
    if (t && !r->over) {
        aura_record_track_sound(t, s->codec, s->ts, s->clock_rate, s->payload, s->len,
                                (int64_t)s->arrival_us, aura__record_wall_us(r));
    }
}

static void on_report(void *arg, const char *track, uint64_t ntp, uint32_t ts) {
    struct aura_recorder *r = arg;
    struct aura_record_track *t = aura__record_find(r, track);
    if (t && t->timeline.rate) {
        aura_timeline_report(&t->timeline, ts, ntp);
    }
}

const struct aura_receiver_watch *aura__record_watch(struct aura_recorder *r) {
    r->watch = (struct aura_receiver_watch){
        .wants = on_wants, .frame = on_frame, .sound = on_sound, .report = on_report, .arg = r};
    return &r->watch;
}

static void on_start(void *arg) {
    struct aura_recorder *r = arg;
    r->begun_us = aura__record_wall_us(r);
    r->begun_mono_us = now_us(r);
    int err = aura_timer_start(aura_loop_timers(r->on.loop), &r->tick, TICK_MS * AURA_US_PER_MS,
                               on_tick, r);
    err = err ? err : aura__record_manifest(r, false);
    if (err) {
        aura__record_end(r, AURA_RECORD_UNREACHABLE, "the recording could not be begun");
        return;
    }
    aura__record_join(r);
}

static void on_leave(void *arg) {
    struct aura_recorder *r = arg;
    aura__record_end(r, AURA_RECORD_STOPPED, "stopped");
    r->client = aura_client_free(r->client);
}

/* ---- from outside ---- */

static int copy_text(char **to, const char *from) {
    *to = from ? aura_strdup(from) : NULL;
    return from && !*to ? AURA_ENOMEM : 0;
}

static int prepare(struct aura_recorder *r, const struct aura_recorder_conf *conf) {
    struct aura_recorder_conf *c = &r->conf;
    if (strlen(conf->folder) >= sizeof(r->folder)) {
        return AURA_EINVAL;
    }
    snprintf(r->folder, sizeof(r->folder), "%s", conf->folder);
    int err = copy_text(&r->token, conf->token);
    err = err ? err : copy_text(&r->room, conf->room);
    err = err ? err : copy_text(&r->only_identity, conf->only_identity);
    err = err ? err : copy_text(&r->only_track, conf->only_track);
    err = err ? err : copy_text(&r->only_track_2, conf->only_track_2);
    c->only_identity = r->only_identity;
    c->only_track = r->only_track;
    c->only_track_2 = r->only_track_2;
    err = err ? err : aura_client_url_parse(&r->url, conf->url);
    r->participants = json_object();
    r->events = json_array();
    r->interruptions = json_array();
    err = err ? err : r->participants && r->events && r->interruptions ? 0 : AURA_ENOMEM;
    return err ? err : aura_dtls_identity_new(&r->identity);
}

static int start(struct aura_recorder *r) {
    const struct aura_client_thread_conf conf = {.tls = !r->url.tls        ? AURA_SIGNAL_PLAIN
                                                        : r->conf.insecure ? AURA_SIGNAL_TLS_ANYONE
                                                                           : AURA_SIGNAL_TLS,
                                                 .sharing = 1,
                                                 .rand = aura_rand_system(),
                                                 .identity = r->identity};
    int err = aura_client_thread_start(&r->on, &conf);
    if (!err) {
        aura_loop_post_task(r->on.loop, &r->start, on_start, r);
    }
    return err;
}

int aura_recorder_new(struct aura_recorder **out, const struct aura_recorder_conf *conf) {
    struct aura_recorder *r = aura_zalloc(sizeof(*r));
    if (!r) {
        return AURA_ENOMEM;
    }
    av_log_set_level(AV_LOG_ERROR);
    r->conf = *conf;
    pthread_mutex_init(&r->lock, NULL);
    int err = prepare(r, conf);
    err = err ? err : start(r);
    if (err) {
        aura_recorder_free(r);
        return err;
    }
    *out = r;
    return 0;
}

void aura_recorder_status(struct aura_recorder *r, struct aura_recorder_status *out) {
    pthread_mutex_lock(&r->lock);
    *out = r->status;
    pthread_mutex_unlock(&r->lock);
}

void aura_recorder_stop(struct aura_recorder *r) {
    if (r->on.loop) {
        aura_client_thread_end(&r->on, on_leave, r);
    }
}

void aura_recorder_free(struct aura_recorder *r) {
    if (!r) {
        return;
    }
    aura_recorder_stop(r);
    while (r->tracks) {
        struct aura_record_track *next = r->tracks->next;
        aura_record_track_free(r->tracks);
        r->tracks = next;
    }
    json_decref(r->participants);
    json_decref(r->events);
    json_decref(r->interruptions);
    aura_dtls_identity_free(r->identity);
    if (r->token) {
        aura_wipe(r->token, strlen(r->token));
    }
    aura_free(r->token);
    aura_free(r->room);
    aura_free(r->only_identity);
    aura_free(r->only_track);
    aura_free(r->only_track_2);
    pthread_mutex_destroy(&r->lock);
    aura_free(r);
}
