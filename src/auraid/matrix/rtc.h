/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file rtc.h  What clients of MatrixRTC ask a LiveKit authorisation service for: bodies and names.
 *
 * Two dialects: /get_token (room_id, slot_id, member) and the older /sfu/get (room, device_id).
 * All that MSC4195 and its clients may still change about them is in this file and api/matrix.c.
 *
 * Pure functions on text that is not trusted. (MSC4195; fields and errors as lk-jwt-service has
 * them, docs/matrix.md)
 */
#ifndef AURA_AURAID_MATRIX_RTC_H
#define AURA_AURAID_MATRIX_RTC_H

#include "auraid/name.h"
#include "base/buf.h"

enum {
    AURA_RTC_BODY_BYTES_MAX = 16 * 1024,
    AURA_RTC_TEXT_MAX = 256,   /* a room, slot, device or member id, with the NUL */
    AURA_RTC_TOKEN_MAX = 4096, /* an OpenID token, with the NUL */
    AURA_RTC_URL_MAX = 1024,
    AURA_RTC_ROOM_BYTES = 44, /* 43 letters of base64 and the NUL */
    AURA_RTC_IDENTITY_BYTES = AURA_MXID_BYTES_MAX + AURA_RTC_TEXT_MAX, /* "user:device" */
    AURA_RTC_DELAY_MAX_MS = 3600 * 1000,
};

enum aura_rtc_kind { AURA_RTC_GET_TOKEN, AURA_RTC_SFU_GET, AURA_RTC_DELEGATE };

struct aura_rtc_request {
    enum aura_rtc_kind kind;
    char room[AURA_RTC_TEXT_MAX], slot[AURA_RTC_TEXT_MAX];
    char device[AURA_RTC_TEXT_MAX], member[AURA_RTC_TEXT_MAX]; /* member "" with SFU_GET */
    char user[AURA_MXID_BYTES_MAX];                            /* claimed; "" with SFU_GET */
    char server[AURA_SERVER_BYTES_MAX], token[AURA_RTC_TOKEN_MAX];
    int64_t expires_in_s; /* of the token; 0 = it does not say */
    /* The delayed leave that we are to keep off and then send; id "" = none. */
    char delay_id[AURA_RTC_TEXT_MAX], delay_url[AURA_RTC_URL_MAX];
    uint32_t delay_ms;
};

/**
 * @param why  out: what is wrong with it, for people
 * @return 0, AURA_EMALFORMED (not JSON, or with fields that are not known), AURA_EINVAL (a field is
 * missing or is not what it must be), AURA_ENOMEM
 */
AURA_NODISCARD int aura_rtc_read(struct aura_rtc_request *out, enum aura_rtc_kind kind,
                                 const void *body, size_t len, const char **why);

/**
 * A name that tells nobody what it is of: base64 without padding of the SHA-256 of @p parts as a
 * JSON array, written as Go writes it. @return 0 or AURA_ENOMEM
 */
AURA_NODISCARD int aura_rtc_name(const char *const *parts, size_t count,
                                 char out[AURA_RTC_ROOM_BYTES]);
/** That array, as text. @return 0, AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura_rtc_array(struct aura_buf *out, const char *const *parts, size_t count);
/** LiveKit's room of a request. */
AURA_NODISCARD int aura_rtc_room(const struct aura_rtc_request *r, char out[AURA_RTC_ROOM_BYTES]);
/** LiveKit's identity of who asked. @param user  as the homeserver says */
AURA_NODISCARD int aura_rtc_identity(const struct aura_rtc_request *r, const char *user,
                                     char out[AURA_RTC_IDENTITY_BYTES]);

#endif
