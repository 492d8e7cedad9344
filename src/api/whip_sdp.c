/* SPDX-License-Identifier: Apache-2.0 */
#include "api/whip_sdp.h"

#include <string.h>

/* The next line without its end; false at the end of the text. */
static bool next_line(const char **at, const char *end, const char **line, size_t *len) {
    if (*at >= end) {
        return false;
    }
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    *line = *at;
    *at = stop ? stop + 1 : end;
    *len = (size_t)((stop ? stop : end) - *line);
    if (*len && (*line)[*len - 1] == '\r') {
        (*len)--;
    }
    return true;
}

/* The value of "a=ice-ufrag:" and the like, or NULL. */
static const char *value_of(const char *line, size_t len, const char *name, size_t *value_len) {
    size_t n = strlen(name);
    if (len < n || memcmp(line, name, n) != 0) {
        return NULL;
    }
    *value_len = len - n;
    return line + n;
}

static const char ufrag_name[] = "a=ice-ufrag:", pwd_name[] = "a=ice-pwd:";

static int keep_first(char out[AURA_WHIP_CREDENTIAL_MAX + 1], const char *value, size_t len) {
    if (!value || out[0]) {
        return 0;
    }
    if (len > AURA_WHIP_CREDENTIAL_MAX || memchr(value, 0, len)) {
        return AURA_EMALFORMED;
    }
    memcpy(out, value, len);
    out[len] = '\0';
    return 0;
}

int aura_whip_ice_read(struct aura_whip_ice *ice, const char *text, size_t len) {
    const char *at = text, *line;
    size_t n, value = 0;
    int err = 0;
    *ice = (struct aura_whip_ice){.ufrag = ""};
    while (!err && next_line(&at, text + len, &line, &n)) {
        const char *ufrag = value_of(line, n, ufrag_name, &value);
        err = keep_first(ice->ufrag, ufrag, value);
        const char *pwd = value_of(line, n, pwd_name, &value);
        err = err ? err : keep_first(ice->pwd, pwd, value);
    }
    return err;
}

void aura_whip_ice_replace(struct aura_buf *out, const char *sdp, const struct aura_whip_ice *ice) {
    const char *at = sdp, *line;
    size_t n, value;
    while (next_line(&at, sdp + strlen(sdp), &line, &n)) {
        if (value_of(line, n, ufrag_name, &value)) {
            (void)!aura_buf_printf(out, "%s%s\r\n", ufrag_name, ice->ufrag);
        } else if (value_of(line, n, pwd_name, &value)) {
            (void)!aura_buf_printf(out, "%s%s\r\n", pwd_name, ice->pwd);
        } else {
            (void)!aura_buf_printf(out, "%.*s\r\n", (int)n, line);
        }
    }
}

void aura_whip_fragment(struct aura_buf *out, const char *answer) {
    static const char *const kept[] = {
        "a=ice-ufrag:", "a=ice-pwd:", "a=mid:", "a=candidate:", "a=end-of-candidates"};
    const char *at = answer, *line, *m_line = NULL;
    size_t n, value;
    (void)!aura_buf_str(out, "a=ice-lite\r\n");
    while (next_line(&at, answer + strlen(answer), &line, &n)) {
        bool section = value_of(line, n, "m=", &value) != NULL;
        if (section && m_line) {
            break; /* one transport: the first section has it all */
        }
        m_line = section ? line : m_line;
        bool keep = section;
        for (size_t i = 0; m_line && i < sizeof(kept) / sizeof(kept[0]); i++) {
            keep = keep || value_of(line, n, kept[i], &value);
        }
        if (keep) {
            (void)!aura_buf_printf(out, "%.*s\r\n", (int)n, line);
        }
    }
}

bool aura_whip_flows(const char *answer) {
    return strstr(answer, "a=sendonly") || strstr(answer, "a=recvonly") ||
           strstr(answer, "a=sendrecv");
}

static char *text(const char *s) {
    return (char *)(uintptr_t)s;
}

static const char *track_id(const struct aura_sdp_section *s) {
    if (s->msid_count) {
        return s->msids[0].track;
    }
    return s->ssrc_count ? s->ssrcs[0].msid_track : "";
}

/* Names that LiveKit's clients give to layers; others are in the order of the offer. */
static int quality_of(const char *rid, size_t index) {
    static const char order[] = "qhf";
    const char *at = rid[0] && !rid[1] ? strchr(order, rid[0]) : NULL;
    return at ? (int)(at - order) : (int)index;
}

static void announce_layers(struct aura_whip_tracks *tracks, size_t at,
                            const struct aura_sdp_section *s) {
    Livekit__AddTrackRequest *q = &tracks->requests[at];
    for (size_t i = 0; i < s->rid_count && q->n_layers < 3; i++) {
        if (!s->rids[i].send) {
            continue;
        }
        Livekit__VideoLayer *layer = &tracks->layers[at][q->n_layers];
        livekit__video_layer__init(layer);
        layer->quality = (Livekit__VideoQuality)quality_of(s->rids[i].id, q->n_layers);
        layer->rid = text(s->rids[i].id);
        tracks->layer_list[at][q->n_layers++] = layer;
    }
    q->n_layers = q->n_layers > 1 ? q->n_layers : 0;
    q->layers = tracks->layer_list[at];
}

int aura_whip_tracks_read(struct aura_whip_tracks *tracks, const struct aura_sdp *offer) {
    bool seen[2] = {false, false};
    tracks->count = 0;
    for (size_t i = 0; i < offer->section_count; i++) {
        const struct aura_sdp_section *s = &offer->sections[i];
        bool video = s->kind == AURA_SDP_VIDEO;
        bool media = (video || s->kind == AURA_SDP_AUDIO) && (s->dir & AURA_SDP_SENDONLY) &&
                     (s->port || s->bundle_only);
        if (!media) {
            continue;
        }
        if (tracks->count == AURA_WHIP_TRACKS_MAX) {
            return AURA_ELIMIT;
        }
        Livekit__AddTrackRequest *q = &tracks->requests[tracks->count];
        livekit__add_track_request__init(q);
        q->cid = text(track_id(s));
        q->name = text(video ? "video" : "audio");
        q->type = video ? LIVEKIT__TRACK_TYPE__VIDEO : LIVEKIT__TRACK_TYPE__AUDIO;
        q->source = seen[video] ? LIVEKIT__TRACK_SOURCE__UNKNOWN
                    : video     ? LIVEKIT__TRACK_SOURCE__CAMERA
                                : LIVEKIT__TRACK_SOURCE__MICROPHONE;
        seen[video] = true;
        if (video) {
            announce_layers(tracks, tracks->count, s);
        }
        tracks->list[tracks->count++] = q;
    }
    return 0;
}
