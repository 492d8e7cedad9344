/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/sctp_channels.h"

#include "transport/sctp_dcep.h"

#include <string.h>

enum { NEGOTIATED_FIRST = 100 };

static const char *const labels[AURA_DATA_CHANNELS] = {
    [AURA_DATA_RELIABLE] = "_reliable",
    [AURA_DATA_LOSSY] = "_lossy",
    [AURA_DATA_TRACK] = "_data_track",
};

const char *aura__channel_label(enum aura_data_channel channel) {
    return labels[channel];
}

enum aura_data_channel aura__channel_parse(const char *label, size_t len) {
    int i = 0;
    while (i < AURA_DATA_CHANNELS &&
           (strlen(labels[i]) != len || memcmp(labels[i], label, len) != 0)) {
        i++;
    }
    return (enum aura_data_channel)i;
}

bool aura__channel_lossy(enum aura_data_channel channel) {
    return channel != AURA_DATA_RELIABLE;
}

int aura__channels_begin(struct aura__channels *c, enum aura_data_channel channel,
                         bool dtls_client) {
    /* RFC 8832 section 6: the DTLS client takes the even ids. */
    for (int i = dtls_client ? 0 : 1; i < AURA__SCTP_STREAMS; i += 2) {
        if (c->streams[i].use == AURA__STREAM_UNUSED) {
            c->streams[i] =
                (struct aura__stream){.use = AURA__STREAM_OPENING, .channel = (uint8_t)channel};
            return i;
        }
    }
    return -1;
}

void aura__channels_negotiated(struct aura__channels *c) {
    for (uint8_t i = 0; i < AURA_DATA_CHANNELS; i++) {
        c->streams[NEGOTIATED_FIRST + i] =
            (struct aura__stream){.use = AURA__STREAM_OPEN, .channel = i};
    }
}

int aura__channels_stream(const struct aura__channels *c, enum aura_data_channel channel) {
    for (int i = 0; i < AURA__SCTP_STREAMS; i++) {
        if (c->streams[i].use == AURA__STREAM_OPEN && c->streams[i].channel == (uint8_t)channel) {
            return i;
        }
    }
    return -1;
}

static void set_open(struct aura__channels *c, uint16_t stream, enum aura_data_channel channel,
                     enum aura_data_channel *opened) {
    /* A second stream with the same label is used for receiving, but is no news. */
    if (aura__channels_stream(c, channel) < 0) {
        *opened = channel;
    }
    c->streams[stream] =
        (struct aura__stream){.use = AURA__STREAM_OPEN, .channel = (uint8_t)channel};
}

bool aura__channels_dcep(struct aura__channels *c, uint16_t stream, const uint8_t *data, size_t len,
                         enum aura_data_channel *opened) {
    struct aura_dcep_open open;
    *opened = AURA_DATA_CHANNELS;
    if (stream >= AURA__SCTP_STREAMS) {
        return false;
    }
    struct aura__stream *s = &c->streams[stream];
    if (aura_dcep_type(data, len) == AURA_DCEP_ACK) {
        if (s->use == AURA__STREAM_OPENING) {
            set_open(c, stream, (enum aura_data_channel)s->channel, opened);
        }
        return false;
    }
    /* An id in use is not opened again (RFC 8832 section 6). */
    if (s->use != AURA__STREAM_UNUSED || aura_dcep_parse_open(&open, data, len)) {
        return false;
    }
    enum aura_data_channel channel = aura__channel_parse(open.label, open.label_len);
    if (channel == AURA_DATA_CHANNELS) {
        s->use = AURA__STREAM_FOREIGN;
    } else {
        set_open(c, stream, channel, opened);
    }
    return true;
}

enum aura_data_channel aura__channels_data(struct aura__channels *c, uint16_t stream,
                                           enum aura_data_channel *opened) {
    *opened = AURA_DATA_CHANNELS;
    if (stream >= AURA__SCTP_STREAMS) {
        return AURA_DATA_CHANNELS;
    }
    const struct aura__stream *s = &c->streams[stream];
    enum aura_data_channel channel = (enum aura_data_channel)s->channel;
    if (s->use == AURA__STREAM_OPENING) {
        set_open(c, stream, channel, opened);
    }
    return s->use == AURA__STREAM_OPEN ? channel : AURA_DATA_CHANNELS;
}

bool aura__channels_reset(struct aura__channels *c, uint16_t stream) {
    if (stream >= AURA__SCTP_STREAMS || c->streams[stream].use == AURA__STREAM_UNUSED) {
        return false;
    }
    c->streams[stream] = (struct aura__stream){.use = AURA__STREAM_UNUSED};
    return true;
}
