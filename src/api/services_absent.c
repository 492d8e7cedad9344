/* SPDX-License-Identifier: Apache-2.0 */
/* Egress, Ingress and SIP: answered as LiveKit does where those components are not connected. Who
 * may not call them hears that first. */
#include "api/twirp.h"

#include "livekit_egress.pb-c.h"
#include "livekit_ingress.pb-c.h"
#include "livekit_sip.pb-c.h"

#include <string.h>

static bool may_record(const struct aura_claims *c, const ProtobufCMessage *request) {
    (void)request;
    return c->video.room_record;
}

static bool may_ingress(const struct aura_claims *c, const ProtobufCMessage *request) {
    (void)request;
    return c->video.ingress_admin;
}

static bool may_sip(const struct aura_claims *c, const ProtobufCMessage *request) {
    (void)request;
    return c->sip_admin;
}

static bool may_call(const struct aura_claims *c, const ProtobufCMessage *request) {
    (void)request;
    return c->sip_call;
}

static bool may_transfer(const struct aura_claims *c, const ProtobufCMessage *request) {
    const Livekit__TransferSIPParticipantRequest *q = (const void *)request;
    return c->sip_call && c->video.room_admin && c->video.room &&
           strcmp(c->video.room, q->room_name) == 0;
}

static int no_egress(struct aura__call *call) {
    call->why = "egress not connected (redis required)";
    return AURA_EIO;
}

static int no_ingress(struct aura__call *call) {
    call->why = "ingress not connected (redis required)";
    return AURA_EIO;
}

static int no_sip(struct aura__call *call) {
    call->why = "sip not connected (redis required)";
    return AURA_EIO;
}

#define EGRESS(name, request, response)                                                            \
    {                                                                                              \
        "livekit.Egress/" name, &livekit__##request##__descriptor,                                 \
            &livekit__##response##__descriptor, may_record, no_egress, NULL                        \
    }
#define INGRESS(name, request, response)                                                           \
    {                                                                                              \
        "livekit.Ingress/" name, &livekit__##request##__descriptor,                                \
            &livekit__##response##__descriptor, may_ingress, no_ingress, NULL                      \
    }
#define SIP(name, request, response, allowed)                                                      \
    {                                                                                              \
        "livekit.SIP/" name, &livekit__##request##__descriptor,                                    \
            &livekit__##response##__descriptor, allowed, no_sip, NULL                              \
    }

const struct aura__method aura__absent[] = {
    EGRESS("StartEgress", start_egress_request, egress_info),
    EGRESS("StartRoomCompositeEgress", room_composite_egress_request, egress_info),
    EGRESS("StartWebEgress", web_egress_request, egress_info),
    EGRESS("StartParticipantEgress", participant_egress_request, egress_info),
    EGRESS("StartTrackCompositeEgress", track_composite_egress_request, egress_info),
    EGRESS("StartTrackEgress", track_egress_request, egress_info),
    EGRESS("UpdateLayout", update_layout_request, egress_info),
    EGRESS("UpdateStream", update_stream_request, egress_info),
    EGRESS("ListEgress", list_egress_request, list_egress_response),
    EGRESS("StopEgress", stop_egress_request, egress_info),
    INGRESS("CreateIngress", create_ingress_request, ingress_info),
    INGRESS("UpdateIngress", update_ingress_request, ingress_info),
    INGRESS("ListIngress", list_ingress_request, list_ingress_response),
    INGRESS("DeleteIngress", delete_ingress_request, ingress_info),
    SIP("ListSIPTrunk", list_siptrunk_request, list_siptrunk_response, may_sip),
    SIP("CreateSIPInboundTrunk", create_sipinbound_trunk_request, sipinbound_trunk_info, may_sip),
    SIP("CreateSIPOutboundTrunk", create_sipoutbound_trunk_request, sipoutbound_trunk_info,
        may_sip),
    SIP("UpdateSIPInboundTrunk", update_sipinbound_trunk_request, sipinbound_trunk_info, may_sip),
    SIP("UpdateSIPOutboundTrunk", update_sipoutbound_trunk_request, sipoutbound_trunk_info,
        may_sip),
    SIP("GetSIPInboundTrunk", get_sipinbound_trunk_request, get_sipinbound_trunk_response, may_sip),
    SIP("GetSIPOutboundTrunk", get_sipoutbound_trunk_request, get_sipoutbound_trunk_response,
        may_sip),
    SIP("ListSIPInboundTrunk", list_sipinbound_trunk_request, list_sipinbound_trunk_response,
        may_sip),
    SIP("ListSIPOutboundTrunk", list_sipoutbound_trunk_request, list_sipoutbound_trunk_response,
        may_sip),
    SIP("DeleteSIPTrunk", delete_siptrunk_request, siptrunk_info, may_sip),
    SIP("CreateSIPDispatchRule", create_sipdispatch_rule_request, sipdispatch_rule_info, may_sip),
    SIP("UpdateSIPDispatchRule", update_sipdispatch_rule_request, sipdispatch_rule_info, may_sip),
    SIP("ListSIPDispatchRule", list_sipdispatch_rule_request, list_sipdispatch_rule_response,
        may_sip),
    SIP("DeleteSIPDispatchRule", delete_sipdispatch_rule_request, sipdispatch_rule_info, may_sip),
    SIP("CreateSIPParticipant", create_sipparticipant_request, sipparticipant_info, may_call),
    SIP("TransferSIPParticipant", transfer_sipparticipant_request, transfer_sipparticipant_response,
        may_transfer),
    {.name = NULL},
};
