/* SPDX-License-Identifier: Apache-2.0 */
/* What a call says, as a message and back. */
#include "fleet/fleet_priv.h"

#include <string.h>

_Static_assert((int)FLEET_CODEC_COUNT == (int)AURA_MEDIA_CODECS_MAX, "all codecs fit");

static void *take(void *arg, size_t size) {
    (void)arg;
    return aura_zalloc(size);
}

static void give(void *arg, void *p) {
    (void)arg;
    aura_free(p);
}

ProtobufCAllocator *fleet_allocator(void) {
    static ProtobufCAllocator allocator = {.alloc = take, .free = give};
    return &allocator;
}

void fleet_read_text(char *out, size_t cap, const char *in) {
    size_t n = in ? strnlen(in, cap - 1) : 0;
    if (n) {
        memcpy(out, in, n);
    }
    out[n] = 0;
}

void fleet_wire_media(struct fleet_wire_media *out, const struct aura_media *in) {
    auralink__fleet__media__init(&out->m);
    out->m.kind = in->kind;
    out->m.mid = fleet_text(in->mid);
    out->m.n_codecs = in->codec_count;
    out->m.codecs = out->list;
    for (size_t i = 0; i < in->codec_count; i++) {
        const struct aura_media_codec *c = &in->codecs[i];
        Auralink__Fleet__Codec *to = out->list[i] = &out->codecs[i];
        auralink__fleet__codec__init(to);
        to->codec = c->codec;
        to->pt = c->pt;
        to->rtx_pt = c->rtx_pt;
        to->feedback = c->feedback;
        to->h264_packetization_mode = c->h264_packetization_mode;
        to->h264_profile_level_id = c->h264_profile_level_id;
        to->vp9_profile = c->vp9_profile;
        to->clock_rate = c->clock_rate;
    }
    out->m.ext =
        (ProtobufCBinaryData){.len = sizeof(in->ext.id), .data = (uint8_t *)(uintptr_t)in->ext.id};
}

int fleet_read_media(struct aura_media *out, const Auralink__Fleet__Media *in) {
    *out = (struct aura_media){.codec_count = 0};
    if (!in || in->n_codecs > AURA_MEDIA_CODECS_MAX || in->kind > AURA_KIND_VIDEO) {
        return AURA_EMALFORMED;
    }
    out->kind = (enum aura_kind)in->kind;
    fleet_read_text(out->mid, sizeof(out->mid), in->mid);
    for (size_t i = 0; i < in->n_codecs; i++) {
        const Auralink__Fleet__Codec *c = in->codecs[i];
        if (c->codec >= AURA_CODEC_COUNT || c->pt > 127 || c->rtx_pt > 127) {
            return AURA_EMALFORMED;
        }
        out->codecs[out->codec_count++] = (struct aura_media_codec){
            .codec = (enum aura_codec)c->codec,
            .pt = (uint8_t)c->pt,
            .rtx_pt = (uint8_t)c->rtx_pt,
            .feedback = (uint8_t)c->feedback,
            .h264_packetization_mode = (uint8_t)c->h264_packetization_mode,
            .h264_profile_level_id = c->h264_profile_level_id,
            .vp9_profile = (uint8_t)c->vp9_profile,
            .clock_rate = c->clock_rate};
    }
    size_t n = in->ext.len < sizeof(out->ext.id) ? in->ext.len : sizeof(out->ext.id);
    if (n) {
        memcpy(out->ext.id, in->ext.data, n);
    }
    return 0;
}

void fleet_wire_settings(Auralink__Fleet__Settings *out, const struct aura_sfu_sub_settings *in) {
    auralink__fleet__settings__init(out);
    out->paused = in->paused;
    out->native = in->native;
    out->essential = in->essential;
    out->saver = in->saver;
    out->screen = in->screen;
    out->max_layer = in->max_layer;
    out->max_fps = in->max_fps;
    out->priority = in->priority;
    out->pixels = in->pixels;
}

void fleet_read_settings(struct aura_sfu_sub_settings *out, const Auralink__Fleet__Settings *in) {
    *out = (struct aura_sfu_sub_settings){.paused = true};
    if (in) {
        *out = (struct aura_sfu_sub_settings){.paused = in->paused != 0,
                                              .native = in->native != 0,
                                              .essential = in->essential != 0,
                                              .saver = in->saver != 0,
                                              .screen = in->screen != 0,
                                              .max_layer = (uint8_t)in->max_layer,
                                              .max_fps = (uint8_t)in->max_fps,
                                              .priority = (uint8_t)in->priority,
                                              .pixels = in->pixels};
    }
}

void fleet_wire_about(Auralink__Fleet__About *out, const struct aura_sfu_about *in) {
    auralink__fleet__about__init(out);
    out->room = fleet_text(in->room);
    out->room_sid = fleet_text(in->room_sid);
    out->participant = fleet_text(in->participant);
    out->participant_sid = fleet_text(in->participant_sid);
    out->track_sid = fleet_text(in->track_sid);
}

void fleet_read_about(struct aura_sfu_about *out, const Auralink__Fleet__About *in) {
    memset(out, 0, sizeof(*out));
    if (in) {
        fleet_read_text(out->room, sizeof(out->room), in->room);
        fleet_read_text(out->room_sid, sizeof(out->room_sid), in->room_sid);
        fleet_read_text(out->participant, sizeof(out->participant), in->participant);
        fleet_read_text(out->participant_sid, sizeof(out->participant_sid), in->participant_sid);
        fleet_read_text(out->track_sid, sizeof(out->track_sid), in->track_sid);
    }
}
