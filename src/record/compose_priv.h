/* SPDX-License-Identifier: Apache-2.0 */
/** @file compose_priv.h  What compose.c is made of: files that are read, and the one written. */
#ifndef AURA_RECORD_COMPOSE_PRIV_H
#define AURA_RECORD_COMPOSE_PRIV_H

#include "record/compose.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>

enum { AURA__SOUND_RATE = 48000 };

/** One file of the recording, decoded as time goes by. */
struct aura__source {
    bool video, screen, broken, ended;
    char identity[128];
    int64_t start_us; /* since the beginning of the composed file */
    int64_t end_us;   /* as the manifest says */
    int lane;         /* of its track: files of one track have the same place */
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

/** A place in the picture, in pixels; even numbers. */
struct aura__tile {
    uint32_t x, y, width, height;
};
/** Where the i-th of n is. @param main  the large one, or -1: all are equal */
struct aura__tile aura__tile_of(uint32_t width, uint32_t height, size_t n, size_t i, int main);

#endif
