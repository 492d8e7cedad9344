/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.json: what the files of a recording are, and how they line up. */
#include "record/recorder_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The publisher's clock against ours: the track whose packets came by the shortest way knows best.
 */
static bool offset_of(const struct aura_recorder *r, const char *owner, int64_t *out_us) {
    bool found = false;
    for (const struct aura_record_track *t = r->tracks; t; t = t->next) {
        if (t->timeline.has_offset && strcmp(t->owner, owner) == 0 &&
            (!found || t->timeline.offset_us < *out_us)) {
            *out_us = t->timeline.offset_us;
            found = true;
        }
    }
    return found;
}

static json_t *file_json(const struct aura_recorder *r, const struct aura_record_track *t,
                         const struct aura_track_file *f) {
    int64_t captured = f->captured_us, offset = 0;
    bool aligned =
        f->open ? aura_timeline_captured(&t->timeline, f->begin_us, &captured) : f->captured;
    aligned = aligned && offset_of(r, t->owner, &offset);
    int64_t start = aligned ? captured + offset : f->arrival_us;
    uint64_t bytes = f->open ? aura_file_bytes(t->file) : f->bytes;
    const char *mime = aura_codec_mime(f->codec);
    json_t *j = json_pack(
        "{s:s, s:s, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "file", f->name, "codec",
        strchr(mime, '/') ? strchr(mime, '/') + 1 : mime, "start_us", (json_int_t)start, "aligned",
        aligned, "arrival_us", (json_int_t)f->arrival_us, "duration_us",
        (json_int_t)(f->end_us - f->begin_us), "frames", (json_int_t)f->frames, "bytes",
        (json_int_t)bytes, "gaps", (json_int_t)f->gaps, "gap_us_max", (json_int_t)f->gap_us_max);
    if (j && t->video) {
        json_object_set_new(j, "key_frames", json_integer((json_int_t)f->key_frames));
        json_object_set_new(j, "width", json_integer(f->width));
        json_object_set_new(j, "height", json_integer(f->height));
        json_object_set_new(j, "size_changes", json_integer((json_int_t)f->sizes));
    }
    return j;
}

static json_t *track_json(const struct aura_recorder *r, const struct aura_record_track *t) {
    json_t *files = json_array();
    for (size_t i = 0; i < t->file_count; i++) {
        json_array_append_new(files, file_json(r, t, &t->files[i]));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "sid", t->sid, "name", t->name, "kind",
                     t->video ? "video" : "audio", "source", t->source, "identity", t->identity,
                     "participant_sid", t->owner, "files", files);
}

static json_t *all(struct aura_recorder *r, bool complete) {
    json_t *tracks = json_array(), *participants = json_array(), *p;
    const char *sid;
    for (const struct aura_record_track *t = r->tracks; t; t = t->next) {
        if (t->wanted || t->file_count) {
            json_array_insert_new(tracks, 0, track_json(r, t)); /* in the order they came */
        }
    }
    json_object_foreach(r->participants, sid, p) {
        json_array_append(participants, p);
    }
    return json_pack("{s:i, s:s, s:I, s:I, s:b, s:s, s:s, s:o, s:o, s:O, s:O, s:I}", "version", 1,
                     "room", r->room ? r->room : "", "started_us", (json_int_t)r->begun_us,
                     "written_us", (json_int_t)aura__record_wall_us(r), "complete", complete, "end",
                     aura_record_end_name(r->end), "why", r->why, "participants", participants,
                     "tracks", tracks, "events", r->events, "interruptions", r->interruptions,
                     "events_left_out", (json_int_t)r->events_left_out);
}

int aura__record_manifest(struct aura_recorder *r, bool complete) {
    char path[AURA_FILE_PATH_MAX], part[AURA_FILE_PATH_MAX];
    snprintf(path, sizeof(path), "%s/manifest.json", r->folder);
    snprintf(part, sizeof(part), "%s/.manifest.json", r->folder);
    json_t *value = all(r, complete);
    char *text = value ? json_dumps(value, JSON_INDENT(1)) : NULL;
    json_decref(value);
    if (!text) {
        return AURA_ENOMEM;
    }
    FILE *out = fopen(part, "wb");
    bool ok = out && fwrite(text, 1, strlen(text), out) == strlen(text) && fputc('\n', out) != EOF;
    ok = out && fflush(out) == 0 && fsync(fileno(out)) == 0 && ok;
    ok = out && fclose(out) == 0 && ok;
    ok = ok && rename(part, path) == 0;
    free(text); /* library's memory */
    r->dirty = r->dirty && !ok;
    return ok ? 0 : AURA_EIO;
}
