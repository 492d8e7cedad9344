/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file compose_priv.h  What compose.c is made of: files that are read, who is in the room when,
 * the look of a tile, the picture, and the file that is written.
 */
#ifndef AURA_RECORD_COMPOSE_PRIV_H
#define AURA_RECORD_COMPOSE_PRIV_H

#include "record/canvas.h"
#include "record/compose.h"
#include "record/label_text.h"
#include "record/letters.h"

#include <jansson.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>

enum { AURA__SOUND_RATE = 48000 };

/** One file of the recording, decoded as time goes by. */
struct aura__source {
    bool video, broken, ended;
    int64_t start_us; /* since the beginning of the composed file */
    int64_t end_us;   /* as the manifest says */
    size_t lane;      /* of its track: files of one track have the same place */
    float level;      /* loudness of late, of sound */

    AVFormatContext *format;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *now, *next; /* now: shown; next: decoded, not due yet. Sound uses `next` alone */
    bool has_now, has_next;
    int64_t now_us, next_us;
    struct SwsContext *scale;
};

/** @return 0, AURA_EMALFORMED (a file that cannot be read), AURA_ENOMEM */
int aura__source_open(struct aura__source *s, const char *path);
void aura__source_close(struct aura__source *s);
/** The picture at that time, borrowed; NULL = none, or it is stale. */
const AVFrame *aura__source_picture(struct aura__source *s, int64_t us);
/** Adds sound from sample @p from (48 kHz) on to @p mix: stereo, interleaved. */
void aura__source_mix(struct aura__source *s, int64_t from, float *mix, int samples);

/** The file that is written. */
struct aura__sink {
    AVFormatContext *format;
    AVCodecContext *video, *audio;
    AVStream *video_stream, *audio_stream;
    AVFrame *picture, *sound;
    AVPacket *packet;
    bool began;
};

int aura__sink_open(struct aura__sink *k, const struct aura_compose_conf *conf, char *why,
                    size_t why_size);
/** k->picture, and k->sound, as they are now. @return 0, AURA_EIO, AURA_ENOMEM */
int aura__sink_picture(struct aura__sink *k, int64_t number);
int aura__sink_sound(struct aura__sink *k, int64_t sample, const float *mix, int samples);
int aura__sink_close(struct aura__sink *k, bool whole);

/** One track of the recording. */
struct aura__lane {
    size_t person;
    bool video, screen, microphone;
    bool here, muted; /* at the time of aura__people_at() */
    int64_t muted_us;
};

/** What is drawn once and kept; another key means that it has to be drawn anew. */
struct aura__drawn {
    uint64_t key;                 /* 0 = not yet */
    struct aura_sticker *sticker; /* NULL = nothing is to be seen */
};

/** All participants of one identity. Strings are the manifest's. */
struct aura__person {
    const char *identity, *name;
    bool here;     /* with a track other than a screen's */
    bool silent;   /* the microphone is muted */
    bool pictured; /* has a picture other than a screen's, now */
    struct aura__drawn tag, screen_tag, initials;
};

struct aura__turn;

/** Who is in the room, with which tracks, as time goes by. */
struct aura__people {
    struct aura__person *list;
    struct aura__lane *lanes; /* as the manifest lists its tracks */
    struct aura__turn *turns;
    size_t count, lane_count, turn_count, turn;
};

/** @param first_us  wall clock of the composed file's beginning. The manifest must stay as it is.
 * @return 0, AURA_ENOMEM; release with aura__people_close() all the same */
int aura__people_open(struct aura__people *p, const json_t *manifest, int64_t first_us);
void aura__people_close(struct aura__people *p);
/** Goes on to that time since the beginning. */
void aura__people_at(struct aura__people *p, int64_t us);

/** A place in the picture, in pixels; even numbers. */
struct aura__tile {
    uint32_t x, y, width, height;
};
/** Where the i-th of n is. @param main  the large one, or -1: all are equal */
struct aura__tile aura__tile_of(uint32_t width, uint32_t height, size_t n, size_t i, int main);

/** How names are written; without a font they are not. */
struct aura__look {
    struct aura_letters *letters;
};

/** Says once in the log if there is no font. @return 0, AURA_ENOMEM */
int aura__look_open(struct aura__look *l);
void aura__look_close(struct aura__look *l);
/** The tile of somebody without a picture. */
int aura__look_stand_in(struct aura__look *l, struct aura__person *who, const struct aura_canvas *c,
                        struct aura__tile t);
/** The name. @param place  of the tile: how large it is  @param t  what is drawn there */
int aura__look_tag(struct aura__look *l, struct aura__person *who, bool screen,
                   const struct aura_canvas *c, struct aura__tile place, struct aura__tile t);
/** Of who speaks, around what is drawn there. */
void aura__look_border(const struct aura_canvas *c, struct aura__tile place, struct aura__tile t);

enum { AURA__NOBODY = -1 };

/** A composition under way. */
struct aura__compose {
    const struct aura_compose_conf *conf;
    struct aura_compose_result *out;
    json_t *manifest;
    struct aura__source *sources;
    size_t count;
    struct aura__people people;
    struct aura__look look;
    struct aura__shown *shown;
    int64_t first_us, end_us; /* wall clock of the beginning; since it */
    struct aura__sink sink;
    int64_t speaker; /* a person, or AURA__NOBODY */
    int64_t speaker_us, spoke_us;
};

/** Room for what is shown at a time. @return 0, AURA_ENOMEM; release with aura_free(c->shown) */
int aura__picture_open(struct aura__compose *c);
/** Draws the picture of that time on the sink's. @return 0, AURA_ENOMEM */
int aura__picture_draw(struct aura__compose *c, int64_t us);

#endif
