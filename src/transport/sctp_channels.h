/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sctp_channels.h  Which streams carry which labelled channel (RFC 8832), and DCEP's answers.
 *
 * Pure state: what has to be sent is told by return values.
 */
#ifndef AURA_TRANSPORT_SCTP_CHANNELS_H
#define AURA_TRANSPORT_SCTP_CHANNELS_H

#include "transport/channels.h"
#include "transport/sctp_priv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum aura__stream_use {
    AURA__STREAM_UNUSED,
    AURA__STREAM_OPENING, /* our OPEN waits for its ACK */
    AURA__STREAM_OPEN,
    AURA__STREAM_FOREIGN, /* opened by the peer with a label that means nothing to us */
};

struct aura__stream {
    uint8_t use;     /* enum aura__stream_use */
    uint8_t channel; /* enum aura_data_channel, where OPENING or OPEN */
};

struct aura__channels {
    struct aura__stream streams[AURA__SCTP_STREAMS];
};

/** Label of a channel, and back: AURA_DATA_CHANNELS = not one of ours. */
const char *aura__channel_label(enum aura_data_channel channel);
enum aura_data_channel aura__channel_parse(const char *label, size_t len);
/** True for the channels that are neither ordered nor sent again. */
bool aura__channel_lossy(enum aura_data_channel channel);

/** Takes a free stream of our parity for a channel. @return its id, or -1 = none is free */
int aura__channels_begin(struct aura__channels *c, enum aura_data_channel channel,
                         bool dtls_client);
/** The ids 100, 101, 102 are open by agreement. */
void aura__channels_negotiated(struct aura__channels *c);
/** The stream to send a channel on: our own or the peer's, the lowest open one; -1 = none. */
int aura__channels_stream(const struct aura__channels *c, enum aura_data_channel channel);
/**
 * A DCEP message came on a stream. @param opened  set to the channel that can be used from now on
 * (else AURA_DATA_CHANNELS). @return true if an ACK must be sent on that stream
 */
bool aura__channels_dcep(struct aura__channels *c, uint16_t stream, const uint8_t *data, size_t len,
                         enum aura_data_channel *opened);
/** The channel that data on a stream belongs to (AURA_DATA_CHANNELS = none of ours); data on a
 * stream that we open shows that the peer knows it. @param opened  as above */
enum aura_data_channel aura__channels_data(struct aura__channels *c, uint16_t stream,
                                           enum aura_data_channel *opened);
/** The peer reset its stream. @return true if we must reset ours */
bool aura__channels_reset(struct aura__channels *c, uint16_t stream);

#endif
