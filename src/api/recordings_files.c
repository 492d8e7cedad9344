/* SPDX-License-Identifier: Apache-2.0 */
/* What files a recording has, and where they go. */
#include "api/recordings_place.h"
#include "api/recordings_priv.h"
#include "base/mem.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 2048 };

void aura__recording_forget_files(struct aura_recording *e) {
    for (size_t i = 0; i < e->file_count; i++) {
        aura_free(e->files[i].name);
    }
    aura_free(e->files);
    e->files = NULL;
    e->file_count = 0;
}

static void add_file(struct aura_recording *e, const json_t *file) {
    char path[PATH_BYTES];
    const char *name = json_string_value(json_object_get(file, "file"));
    if (!name || strchr(name, '/') || e->file_count == AURA_RECORDING_FILES_MAX) {
        return;
    }
    snprintf(path, sizeof(path), "%s/%s", e->id, name);
    struct aura_recording_file *more =
        aura_realloc(e->files, (e->file_count + 1) * sizeof(*e->files));
    char *copy = more ? aura_strdup(path) : NULL;
    e->files = more ? more : e->files;
    if (copy) {
        e->files[e->file_count++] = (struct aura_recording_file){
            .name = copy,
            .start_us = json_integer_value(json_object_get(file, "start_us")),
            .duration_us = json_integer_value(json_object_get(file, "duration_us")),
            .bytes = json_integer_value(json_object_get(file, "bytes"))};
    }
}

void aura__recording_files(struct aura_recording *e) {
    char path[PATH_BYTES];
    size_t i, j;
    json_t *track, *file;
    snprintf(path, sizeof(path), "%s/manifest.json", e->folder);
    json_t *manifest = json_load_file(path, 0, NULL);
    aura__recording_forget_files(e);
    json_array_foreach(json_object_get(manifest, "tracks"), i, track) {
        json_array_foreach(json_object_get(track, "files"), j, file) {
            add_file(e, file);
        }
    }
    json_decref(manifest);
}

void aura__recording_composed_path(const struct aura_recording *e, char *out, size_t size) {
    snprintf(out, size, "%s/composed%s", e->folder, e->suffix);
}

static int place(struct aura_recording *e, const char *from, const char *suffix, bool keep,
                 char *out, size_t size) {
    int err =
        aura__place(aura_recordings_folder(e->owner), from, e->output, suffix, keep, out, size);
    if (err) {
        snprintf(e->error, sizeof(e->error), "the file stays in %s: %.100s cannot be written (%s)",
                 e->id, e->output,
                 err == AURA_EPOLICY ? "no folder, or a link, is on the way" : aura_err_text(err));
        snprintf(out, size, "%s", from);
    }
    return err;
}

int aura__recording_place_composed(struct aura_recording *e) {
    char from[PATH_BYTES], to[PATH_BYTES];
    struct stat st;
    int64_t start = INT64_MAX, end = 0;
    for (size_t i = 0; i < e->file_count; i++) {
        int64_t until = e->files[i].start_us + e->files[i].duration_us;
        start = e->files[i].start_us < start ? e->files[i].start_us : start;
        end = until > end ? until : end;
    }
    aura__recording_composed_path(e, from, sizeof(from));
    int64_t bytes = stat(from, &st) == 0 ? st.st_size : 0;
    snprintf(from, sizeof(from), "%s/composed%s", e->id, e->suffix);
    int err = place(e, from, e->suffix, false, to, sizeof(to));
    char *name = aura_strdup(to);
    struct aura_recording_file *one = name ? aura_zalloc(sizeof(*one)) : NULL;
    if (!one) {
        aura_free(name);
        return AURA_ENOMEM;
    }
    aura__recording_forget_files(e);
    *one = (struct aura_recording_file){
        .name = name, .start_us = start, .duration_us = end - start, .bytes = bytes};
    e->files = one;
    e->file_count = 1;
    return err;
}

int aura__recording_place_tracks(struct aura_recording *e) {
    char to[PATH_BYTES];
    int err = 0;
    for (size_t i = 0; !err && i < e->file_count; i++) {
        const char *dot = strrchr(e->files[i].name, '.');
        err = place(e, e->files[i].name, dot ? dot : "", true, to, sizeof(to));
        char *name = err ? NULL : aura_strdup(to);
        if (name) {
            aura_free(e->files[i].name);
            e->files[i].name = name;
        }
    }
    return err;
}
