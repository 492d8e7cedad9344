/* SPDX-License-Identifier: Apache-2.0 */
/* WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): publishing into a room and playing it by HTTP.
 */
#include "api/server_priv.h"
#include "api/whip_session.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "sfu/about.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    WHIP_SESSIONS_MAX = 20000,
    WHIP_OFFER_BYTES_MAX = 128 * 1024,
    WHIP_FRAGMENT_BYTES_MAX = 16 * 1024,
};

static const char sdp_type[] = "application/sdp";
static const char fragment_type[] = "application/trickle-ice-sdpfrag";
static const char endpoints[2][10] = {"/whip/v1", "/whep/v1"};

struct aura__whips {
    struct aura_map *by_id;
};

size_t aura__whips_count(const struct aura__whips *w) {
    return aura_map_count(w->by_id);
}

int aura__whips_new(struct aura__whips **out) {
    struct aura__whips *w = aura_zalloc(sizeof(*w));
    int err = w ? aura_map_new(&w->by_id, WHIP_SESSIONS_MAX) : AURA_ENOMEM;
    if (err) {
        aura_free(w);
        return err;
    }
    *out = w;
    return 0;
}

static void forget(struct aura__whips *w, struct aura__whip_session *session) {
    AURA_LOG("whip", AURA_LOG_INFO, "session_ended", LOG_ABOUT(aura__whip_session_about(session)),
             AURA_S("session", aura__whip_session_id(session)));
    aura_map_del_str(w->by_id, aura__whip_session_id(session));
    aura__whip_session_free(session);
}

static void on_ended(void *arg, struct aura__whip_session *session) {
    forget(arg, session);
}

struct aura__whips *aura__whips_free(struct aura__whips *w) {
    if (w) {
        struct aura__whip_session *session;
        size_t it = 0;
        while ((session = aura_map_next(w->by_id, &it))) {
            forget(w, session);
            it = 0;
        }
        aura_map_free(w->by_id);
        aura_free(w);
    }
    return NULL;
}

/* ---- paths ---- */

/* @return which endpoint, and in *id what follows its path ("" = nothing); -1 for other paths */
static int endpoint_of(const char *path, const char **id) {
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(endpoints[i]);
        if (strncmp(path, endpoints[i], n) == 0 && (!path[n] || path[n] == '/')) {
            *id = path[n] ? path + n + 1 : "";
            return i;
        }
    }
    return -1;
}

bool aura__whip_path(const char *path) {
    const char *id;
    return endpoint_of(path, &id) >= 0;
}

/* ---- answers ---- */

static void put_header(struct aura_http_req *req, const char *name, const char *value) {
    if (aura_http_answer_header(req, name, value)) {
        AURA_LOG_LIMITED("whip", AURA_LOG_WARN, "header_left_out", AURA_S("name", name));
    }
}

/* Browsers show a page only the headers that are named here. */
static void expose(struct aura_http_req *req) {
    put_header(req, "access-control-expose-headers",
               "Location, ETag, Link, Accept-Patch, Retry-After, WWW-Authenticate");
}

/* @param claims  of a token that is valid; NULL = none */
static void refuse(struct aura_http_req *req, const struct aura_claims *claims, int status,
                   const char *why) {
    expose(req);
    if (status == 401) {
        put_header(req, "www-authenticate", "Bearer");
    } else if (status == 503) {
        put_header(req, "retry-after", "5");
    }
    AURA_LOG_LIMITED(
        "whip", AURA_LOG_INFO, "refused", AURA_S("room", claims ? claims->video.room : NULL),
        AURA_S("participant", claims ? claims->identity : NULL),
        AURA_S("path", aura_http_path(req)), AURA_I("status", status), AURA_S("why", why));
    aura__respond_text(req, status, why);
}

void aura__whip_options(struct aura_http_req *req) {
    expose(req);
    put_header(req, "accept-post", sdp_type);
    put_header(req, "accept-patch", fragment_type);
}

static bool is_type(const struct aura_http_req *req, const char *type) {
    const char *given = aura_http_header(req, "content-type");
    size_t n = strlen(type);
    return given && strncasecmp(given, type, n) == 0 && (!given[n] || strchr("; ", given[n]));
}

/* ---- POST ---- */

static bool may(const struct aura_claims *c, bool plays, const char **why) {
    bool publish = c->video.can_publish != AURA_NO, subscribe = c->video.can_subscribe != AURA_NO;
    *why = plays ? "the token does not allow playing: it needs canSubscribe"
                 : "the token does not allow publishing: it needs canPublish";
    return plays ? subscribe : publish;
}

static void respond_created(struct aura_http_req *req, const struct aura__whip_session *session,
                            bool plays) {
    char location[64];
    snprintf(location, sizeof(location), "%s/%s", endpoints[plays], aura__whip_session_id(session));
    expose(req);
    put_header(req, "location", location);
    put_header(req, "etag", aura__whip_session_etag(session));
    put_header(req, "accept-patch", fragment_type);
    const char *link;
    for (size_t i = 0; (link = aura__whip_session_link(session, i)); i++) {
        put_header(req, "link", link);
    }
    const char *answer = aura__whip_session_answer(session);
    aura_http_respond(req, 201, sdp_type, answer, strlen(answer));
}

static void create(struct aura_server *s, struct aura_http_req *req,
                   const struct aura_claims *claims, bool plays) {
    size_t len;
    const char *body = (const char *)aura_http_body(req, &len);
    const struct aura_play play = {.publisher = aura_http_query(req, "publisher")};
    struct aura_denial d = {.status = 500};
    struct aura__whip_session *session;
    if (aura_map_count(s->whips->by_id) >= WHIP_SESSIONS_MAX) {
        refuse(req, claims, 503, "too many WHIP and WHEP sessions: try another server");
        return;
    }
    const struct aura__whip_conf conf = {.rooms = s->rooms,
                                         .loop = s->loop,
                                         .rand = s->conf.rand,
                                         .claims = claims,
                                         .user_agent = aura_http_header(req, "user-agent"),
                                         .play = plays ? &play : NULL,
                                         .offer = body,
                                         .ended = on_ended,
                                         .arg = s->whips};
    int err = aura__whip_session_new(&session, &conf, &d);
    if (err) {
        refuse(req, claims, d.status, d.text);
        return;
    }
    err = aura_map_put_str(s->whips->by_id, aura__whip_session_id(session), session);
    if (err) {
        aura__whip_session_free(session);
        refuse(req, claims, 503, "out of memory");
        return;
    }
    AURA_LOG("whip", AURA_LOG_INFO, plays ? "playing" : "publishing",
             LOG_ABOUT(aura__whip_session_about(session)),
             AURA_S("session", aura__whip_session_id(session)));
    respond_created(req, session, plays);
}

static void post(struct aura_server *s, struct aura_http_req *req, const struct aura_claims *claims,
                 bool plays) {
    size_t len;
    const uint8_t *body = aura_http_body(req, &len);
    const char *why;
    if (!is_type(req, sdp_type)) {
        refuse(req, claims, 415, "the body must be an SDP offer: Content-Type: application/sdp");
    } else if (!len) {
        refuse(req, claims, 400, "the body is empty: the offer must be in the POST");
    } else if (len > WHIP_OFFER_BYTES_MAX) {
        refuse(req, claims, 413, "the offer is larger than 128 KiB");
    } else if (memchr(body, 0, len)) {
        refuse(req, claims, 400, "the body is no SDP offer");
    } else if (!claims->has_video || !claims->video.room_join) {
        refuse(req, claims, 401, "permissions denied: the token needs roomJoin");
    } else if (!may(claims, plays, &why)) {
        refuse(req, claims, 403, why);
    } else {
        create(s, req, claims, plays);
    }
}

/* ---- PATCH and DELETE ---- */

static void restart(struct aura_http_req *req, struct aura__whip_session *session,
                    const struct aura_whip_ice *ice) {
    struct aura_denial d = {.status = 500};
    struct aura_buf out = AURA_BUF(WHIP_FRAGMENT_BYTES_MAX);
    if (aura__whip_session_restart(session, ice, &d)) {
        refuse(req, NULL, d.status, d.text);
        return;
    }
    aura_whip_fragment(&out, aura__whip_session_answer(session));
    expose(req);
    put_header(req, "etag", aura__whip_session_etag(session));
    if (out.err) {
        refuse(req, NULL, 500, aura_err_text(out.err));
    } else {
        aura_http_respond(req, 200, fragment_type, out.data, out.len);
    }
    aura_buf_free(&out);
}

/* RFC 9725 section 4.3: trickled candidates name the ICE session by its entity tag; a restart says
 * "*". We are ICE-lite: the client's candidates tell us nothing that its checks won't. */
static void patch(struct aura_http_req *req, struct aura__whip_session *session) {
    size_t len;
    const char *body = (const char *)aura_http_body(req, &len);
    const char *match = aura_http_header(req, "if-match");
    const struct aura_whip_ice *known = aura__whip_session_ice(session);
    struct aura_whip_ice ice;
    if (!is_type(req, fragment_type)) {
        refuse(req, NULL, 415, "the body must be a fragment: application/trickle-ice-sdpfrag");
    } else if (len > WHIP_FRAGMENT_BYTES_MAX) {
        refuse(req, NULL, 413, "the fragment is larger than 16 KiB");
    } else if (!len || aura_whip_ice_read(&ice, body, len)) {
        refuse(req, NULL, 400, "the fragment cannot be read");
    } else if (!match) {
        refuse(req, NULL, 428,
               "If-Match is missing: the ETag of the session, or * for an ICE restart");
    } else if (ice.ufrag[0] && strcmp(ice.ufrag, known->ufrag) != 0) {
        bool any = strcmp(match, "*") == 0 || strcmp(match, aura__whip_session_etag(session)) == 0;
        if (any && ice.pwd[0]) {
            restart(req, session, &ice);
        } else if (any) {
            refuse(req, NULL, 400, "an ICE restart needs a=ice-ufrag and a=ice-pwd");
        } else {
            refuse(req, NULL, 412, "If-Match is not the session's ETag: use * to restart ICE");
        }
    } else if (strcmp(match, "*") != 0 && strcmp(match, aura__whip_session_etag(session)) != 0) {
        refuse(req, NULL, 412, "the candidates are of an ICE session that has ended: see the ETag");
    } else {
        expose(req);
        aura_http_respond(req, 204, "text/plain", "", 0);
    }
}

static void on_session(struct aura_server *s, struct aura_http_req *req,
                       const struct aura_claims *claims, bool plays, const char *id) {
    const char *method = aura_http_method(req);
    struct aura__whip_session *session = aura_map_get_str(s->whips->by_id, id);
    /* Who holds another token need not learn that there is such a session. */
    if (!session || !aura__whip_session_is(session, claims, plays)) {
        refuse(req, NULL, 404, "there is no such session: it has ended, or the token is another's");
    } else if (strcmp(method, "PATCH") == 0) {
        patch(req, session);
    } else {
        forget(s->whips, session);
        expose(req);
        aura__respond_text(req, 200, "");
    }
}

void aura__whip(struct aura_server *s, struct aura_http_req *req) {
    const char *method = aura_http_method(req), *why = "", *id = "";
    int plays = endpoint_of(aura_http_path(req), &id);
    bool posting = strcmp(method, "POST") == 0 && !*id;
    bool known = *id && (strcmp(method, "PATCH") == 0 || strcmp(method, "DELETE") == 0);
    if (!posting && !known) {
        put_header(req, "allow", *id ? "PATCH, DELETE, OPTIONS" : "POST, OPTIONS");
        refuse(req, NULL, 405,
               *id ? "a session is changed by PATCH and ended by DELETE"
                   : "a session begins with a POST of an SDP offer");
        return;
    }
    struct aura_claims claims;
    aura_claims_init(&claims);
    int err = aura__authorize(s, req, &claims, &why);
    if (err) {
        refuse(req, NULL, err == AURA_EAUTH ? 401 : 503, why);
        return;
    }
    if (posting) {
        post(s, req, &claims, plays == 1);
    } else {
        on_session(s, req, &claims, plays == 1, id);
    }
    aura_claims_clear(&claims);
}
