/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file peer.h  One peer connection on its worker: the way in for its RTP and RTCP, the way out for
 * everything that goes to it.
 *
 * Threading: worker-affine. Private to src/sfu.
 */
#ifndef AURA_SFU_PEER_H
#define AURA_SFU_PEER_H

#include "base/list.h"
#include "cc/govern.h"
#include "cc/police.h"
#include "rtp/twcc.h"
#include "sfu/demux.h"
#include "sfu/worker.h"

struct aura_downlink;
struct aura_published;
struct aura_stream;
struct aura_subscribed;

enum {
    AURA_PEER_RTCP_MAX = 1200, /* longest compound that we send */
    AURA_PEER_PENDING_MAX = 4096,
};

/** What a remote SSRC of this peer is. */
struct aura_ssrc {
    uint32_t ssrc;
    bool rtx;
    struct aura_stream *stream;
};

/** A reliable message that waits for its channel. */
struct aura_pending {
    struct aura_pending *next;
    struct aura_blob *blob;
};

struct aura_peer {
    aura_peer_id id;
    struct aura_worker *worker;
    struct aura_pc *pc;
    char ufrag[AURA_ICE_UFRAG_LEN + 1], pwd[AURA_ICE_PWD_LEN + 1];
    char old_ufrag[AURA_ICE_UFRAG_LEN + 1], old_pwd[AURA_ICE_PWD_LEN + 1]; /* "" = none */
    struct aura_list paths;
    size_t path_count;
    struct aura_sfu_path *out; /* the nominated one, NULL before */
    bool connected;
    bool dump; /* its media goes into the dump */
    struct aura_sfu_about about;

    struct aura_list pubs, subs; /* struct aura_published.peer_node, aura_subscribed.peer_node */
    size_t pub_count, sub_count;
    struct aura_map *remote; /* SSRC → struct aura_ssrc */
    struct aura_ssrc *last;  /* most packets come in runs */
    struct aura_map *local;  /* our SSRC → struct aura_subscribed */

    uint32_t rtcp_ssrc;         /* that our feedback to it comes from */
    uint8_t twcc_id;            /* extension id on what it sends; 0 = not negotiated */
    bool remb;                  /* only goog-remb was negotiated */
    uint16_t twcc_next;         /* transport-wide number of the next packet to it */
    struct aura_downlink *down; /* from its first subscribed video on, else NULL */
    struct aura_twcc *twcc;
    struct aura_due twcc_due, report_due, nack_due, ceiling_due;
    struct aura_remb_ceiling ceiling; /* that it is held at (ceiling.h) */
    struct aura_police police;        /* of what it sends; bps 0 = no ceiling */
    uint64_t remb_bytes, report_us;   /* received since the last report, and when that was */
    uint32_t rrtr_ssrc,
        rrtr_ntp; /* middle of the peer's last XR receiver reference time; 0 = none */
    uint64_t rrtr_arrival_us;

    struct aura_pending *pending, **pending_end;
    size_t pending_bytes, pending_count;
};

/** @return 0, AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura__peer_new(struct aura_worker *w, aura_peer_id id,
                                  const struct aura_msg_peer *conf);
/** Ends its tracks and frees it. Not from inside its own callbacks. */
void aura__peer_close(struct aura_peer *peer);
struct aura_peer *aura__peer_find(const struct aura_worker *w, aura_peer_id id);
void aura__peer_restart(struct aura_peer *peer, const struct aura_msg_peer *conf);
void aura__peer_set_remote(struct aura_peer *peer, const struct aura_pc_remote *remote);

/** One datagram for it (demux.c). */
void aura__peer_recv(struct aura_peer *peer, const struct aura_sfu_path *path, uint8_t *data,
                     size_t len);
/** A 5-tuple of it goes. */
void aura__peer_path_gone(struct aura_peer *peer, const struct aura_sfu_path *path);

/**
 * Room for one packet to the peer, straight in the socket's queue; valid until the next send on
 * this worker. @return NULL if nothing can be sent to it now (not connected: counted)
 */
uint8_t *aura__peer_reserve(struct aura_peer *peer, size_t cap);
/** Asks the processor for what the next two calls read. */
void aura__peer_prefetch(const struct aura_peer *peer);
/** Encrypts what was written there and queues it. @return 0 or why it was dropped (counted) */
int aura__peer_commit_rtp(struct aura_peer *peer, uint8_t *data, size_t len, size_t cap);
/** Encrypts and queues one RTCP compound; `data` is copied. */
void aura__peer_send_rtcp(struct aura_peer *peer, const uint8_t *data, size_t len);

/** Data channels (data.c). */
void aura__peer_data(struct aura_peer *peer, enum aura_data_channel channel,
                     struct aura_blob *blob);
void aura__peer_data_flush(struct aura_peer *peer);
void aura__peer_data_free(struct aura_peer *peer);

/** RTCP (rtcp_in.c, rtcp_out.c). */
void aura__rtcp_receive(struct aura_peer *peer, const uint8_t *data, size_t len);
void aura__rtcp_report_soon(struct aura_peer *peer); /* receiver reports while media arrives */
void aura__rtcp_twcc_soon(struct aura_peer *peer);
void aura__rtcp_nack_soon(struct aura_peer *peer);
void aura__rtcp_stop(struct aura_peer *peer);

#endif
