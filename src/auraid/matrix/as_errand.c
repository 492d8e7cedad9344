/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/matrix/as_errand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one request ---- */

/* What may stand in a path or query as it is: RFC 3986's unreserved. */
static void put_escaped(struct aura_buf *out, const char *text) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text; text++) {
        aura_buf_printf(out, strchr(plain, *text) ? "%c" : "%%%02X", (unsigned char)*text);
    }
}

struct request {
    const char *method;
    struct aura_buf path; /* behind /_matrix/client/v3, escaped */
    json_t *body;         /* owned */
    json_t *answer;       /* owned by the caller of ask(), if it is set to be wanted */
    bool wants;
    char code[32]; /* out: Matrix's name of an error */
};

static struct request request_of(const char *method, const char *path, json_t *body) {
    struct request q = {.method = method, .path = AURA_BUF(AURA_AS_URL_MAX - 512), .body = body};
    aura_buf_str(&q.path, path);
    return q;
}

/* "/rooms/ROOM" and what follows. */
static struct request in_room(const char *method, const struct aura_as_errand *e, const char *then,
                              json_t *body) {
    struct request q = request_of(method, "/rooms/", body);
    put_escaped(&q.path, e->room);
    aura_buf_str(&q.path, then);
    return q;
}

static void judge(struct aura_as_errand *e, struct request *q, const struct aura_fetched *got) {
    e->status = got->status;
    if (got->status >= 200 && got->status < 300) {
        q->answer = q->wants ? json_loadb(aura_buf_text(&got->body), got->body.len, 0, NULL) : NULL;
        e->err = q->wants && !q->answer ? AURA_EIO : 0;
        e->why = "its answer is not JSON";
        return;
    }
    json_t *said = json_loadb(aura_buf_text(&got->body), got->body.len, 0, NULL);
    const char *code = json_string_value(json_object_get(said, "errcode"));
    (void)snprintf(q->code, sizeof(q->code), "%s", code ? code : "");
    json_decref(said);
    bool refused = got->status >= 400 && got->status < 500 && got->status != 429;
    e->err = refused ? AURA_EPOLICY : got->status == 429 ? AURA_EAGAIN : AURA_EIO;
    e->why = got->status == 401   ? "it does not know our as_token: has it read the registration?"
             : got->status == 403 ? "it does not let the ghost do that"
             : got->status == 429 ? "it says that we ask too often: rate_limited: false is missing"
             : refused            ? "it refuses that"
                                  : "it answers with an error of its own";
}

/* Takes the request. @param user  as whom; NULL = the service itself. @return e->err */
static int ask(const struct aura_as_home *home, struct aura_as_errand *e, struct request *q,
               const char *user) {
    struct aura_buf url = AURA_BUF(AURA_AS_URL_MAX - 1);
    struct aura_fetched got = {.body = AURA_BUF(AURA_FETCH_BODY_BYTES_MAX)};
    bool gets = strcmp(q->method, "GET") == 0;
    char *body = q->body ? json_dumps(q->body, JSON_COMPACT) : NULL;
    aura_buf_printf(&url, "%s/_matrix/client/v3%s", home->url, aura_buf_text(&q->path));
    if (user) {
        aura_buf_str(&url, "?user_id=");
        put_escaped(&url, user);
    }
    e->status = 0;
    e->why = "there is no memory for it";
    e->err = url.err ? url.err : q->path.err ? q->path.err : body || gets ? 0 : AURA_ENOMEM;
    if (!e->err) {
        const struct aura_fetch f = {.url = aura_buf_text(&url),
                                     .method = q->method,
                                     .bearer = home->token,
                                     .body = body,
                                     .until_us = aura_now_us(home->fetch.clock) + home->timeout_us};
        e->err = aura_fetch(&home->fetch, &f, &got);
        e->why = got.why;
    }
    if (!e->err) {
        judge(e, q, &got);
    }
    free(body); /* library's memory */
    json_decref(q->body);
    aura_buf_free(&q->path);
    aura_buf_free(&url);
    aura_buf_free(&got.body);
    return e->err;
}

/* An id out of an answer. @param answer  taken */
static int take_id(struct aura_as_errand *e, json_t *answer, const char *key,
                   char out[AURA_AS_TEXT_MAX]) {
    const char *id = json_string_value(json_object_get(answer, key));
    size_t len = id ? strnlen(id, AURA_AS_TEXT_MAX) : 0;
    e->err = len > 0 && len < AURA_AS_TEXT_MAX ? 0 : AURA_EIO;
    e->why = "its answer has no id";
    if (!e->err) {
        memcpy(out, id, len + 1);
    }
    json_decref(answer);
    return e->err;
}

/* ---- what is asked ---- */

static int name_ghost(const struct aura_as_home *home, struct aura_as_errand *e) {
    struct request q =
        request_of("PUT", "/profile/", json_pack("{s:s}", "displayname", e->display));
    put_escaped(&q.path, e->ghost);
    aura_buf_str(&q.path, "/displayname");
    return ask(home, e, &q, e->ghost);
}

static int do_register(const struct aura_as_home *home, struct aura_as_errand *e) {
    char local[AURA_MXID_BYTES_MAX];
    (void)snprintf(local, sizeof(local), "%.*s", (int)strcspn(e->ghost + 1, ":"), e->ghost + 1);
    struct request q =
        request_of("POST", "/register",
                   json_pack("{s:s, s:s, s:b}", "type", "m.login.application_service", "username",
                             local, "inhibit_login", 1));
    int err = ask(home, e, &q, NULL);
    if (err == AURA_EPOLICY && strcmp(q.code, "M_USER_IN_USE") == 0) {
        e->err = 0;
    } else if (!err && e->display[0] && name_ghost(home, e)) {
        e->err = 0; /* a ghost without its name is one all the same */
    }
    return e->err;
}

/* Homeservers of others invite ghosts that ours has never asked us about. */
static int do_join(const struct aura_as_home *home, struct aura_as_errand *e) {
    if (do_register(home, e)) {
        return e->err;
    }
    struct request q = in_room("POST", e, "/join", json_object());
    return ask(home, e, &q, e->ghost);
}

static int leave_room(const struct aura_as_home *home, struct aura_as_errand *e,
                      const char *reason) {
    struct request q =
        in_room("POST", e, "/leave", reason ? json_pack("{s:s}", "reason", reason) : json_object());
    return ask(home, e, &q, e->ghost);
}

static int do_refuse(const struct aura_as_home *home, struct aura_as_errand *e) {
    return do_register(home, e)
               ? e->err
               : leave_room(home, e,
                            "AuraIDs cannot be in encrypted rooms: call from a room without "
                            "encryption");
}

/* That it is not there any more is as good. */
static int part(const struct aura_as_home *home, struct aura_as_errand *e, const json_t *rooms) {
    size_t count = json_array_size(rooms);
    e->more = count > AURA_AS_PARTINGS_MAX;
    for (size_t i = 0; i < count && i < AURA_AS_PARTINGS_MAX; i++) {
        const char *room = json_string_value(json_array_get(rooms, i));
        if (!room || strnlen(room, sizeof(e->room)) == sizeof(e->room)) {
            continue;
        }
        memcpy(e->room, room, strlen(room) + 1);
        if (leave_room(home, e, NULL) && e->err != AURA_EPOLICY) {
            return e->err;
        }
    }
    return e->err = 0;
}

static int do_forget(const struct aura_as_home *home, struct aura_as_errand *e) {
    struct request q = request_of("GET", "/joined_rooms", NULL);
    q.wants = true;
    if (ask(home, e, &q, e->ghost) == 0) {
        int err = part(home, e, json_object_get(q.answer, "joined_rooms"));
        json_decref(q.answer);
        e->display[0] = 0;
        return err || e->more ? err : name_ghost(home, e);
    }
    if (e->err == AURA_EPOLICY && e->status == 403) {
        e->err = 0; /* the homeserver has never heard of it */
    }
    return e->err;
}

static int put_member(const struct aura_as_home *home, struct aura_as_errand *e, bool in,
                      char event[AURA_AS_TEXT_MAX]) {
    struct request q =
        in_room("PUT", e, "/state/",
                in ? aura_as_member(e->device, e->room, home->service, e->term) : json_object());
    aura_buf_printf(&q.path, "%s/", aura_as_member_type);
    put_escaped(&q.path, "_");
    put_escaped(&q.path, e->ghost);
    put_escaped(&q.path, "_");
    put_escaped(&q.path, e->device);
    q.wants = true;
    return ask(home, e, &q, e->ghost) ? e->err : take_id(e, q.answer, "event_id", event);
}

static int send_event(const struct aura_as_home *home, struct aura_as_errand *e, const char *type,
                      json_t *content, char event[AURA_AS_TEXT_MAX]) {
    struct request q = in_room("PUT", e, "/send/", content);
    aura_buf_printf(&q.path, "%s/", type);
    put_escaped(&q.path, e->txn);
    q.wants = true;
    return ask(home, e, &q, e->ghost) ? e->err : take_id(e, q.answer, "event_id", event);
}

static int make_room(const struct aura_as_home *home, struct aura_as_errand *e) {
    struct request q = request_of("POST", "/createRoom",
                                  e->peer[0] ? aura_as_direct_room(e->peer) : aura_as_group_room());
    q.wants = true;
    return ask(home, e, &q, e->ghost) ? e->err : take_id(e, q.answer, "room_id", e->room);
}

static int send_ring(const struct aura_as_home *home, struct aura_as_errand *e) {
    uint64_t now_ms = aura_wall_us(home->fetch.clock) / AURA_US_PER_MS;
    return send_event(home, e, aura_as_ring_type,
                      aura_as_ring(e->peer, e->member, now_ms, e->lifetime_ms), e->ring);
}

static int do_call(const struct aura_as_home *home, struct aura_as_errand *e) {
    return put_member(home, e, true, e->member) ? e->err : send_ring(home, e);
}

/* Who is in the room already may not be invited. @return whether to go on */
static bool invite(const struct aura_as_home *home, struct aura_as_errand *e, const char *by,
                   const char *user) {
    struct request q = in_room("POST", e, "/invite", json_pack("{s:s}", "user_id", user));
    int err = ask(home, e, &q, by);
    return !err || (err == AURA_EPOLICY && strcmp(q.code, "M_FORBIDDEN") == 0);
}

static int do_bring(const struct aura_as_home *home, struct aura_as_errand *e) {
    if (do_register(home, e) || !invite(home, e, e->host, e->ghost)) {
        return e->err;
    }
    struct request q = in_room("POST", e, "/join", json_object());
    return ask(home, e, &q, e->ghost);
}

static int do_ring(const struct aura_as_home *home, struct aura_as_errand *e) {
    return invite(home, e, e->ghost, e->peer) ? send_ring(home, e) : e->err;
}

void aura_as_errand_run(const struct aura_as_home *home, struct aura_as_errand *e) {
    char event[AURA_AS_TEXT_MAX];
    e->why = "";
    switch (e->what) {
    case AURA_AS_DO_REGISTER:
        e->err = do_register(home, e);
        break;
    case AURA_AS_DO_JOIN:
        e->err = do_join(home, e);
        break;
    case AURA_AS_DO_ROOM:
        e->err = do_register(home, e) ? e->err : make_room(home, e);
        break;
    case AURA_AS_DO_CALL:
        e->err = do_call(home, e);
        break;
    case AURA_AS_DO_ENTER:
        e->err = put_member(home, e, true, e->member);
        break;
    case AURA_AS_DO_LEAVE:
        e->err = put_member(home, e, false, event);
        break;
    case AURA_AS_DO_DECLINE:
        e->err = send_event(home, e, aura_as_decline_type, aura_as_decline(e->ring), event);
        break;
    case AURA_AS_DO_REFUSE:
        e->err = do_refuse(home, e);
        break;
    case AURA_AS_DO_FORGET:
        e->err = do_forget(home, e);
        break;
    case AURA_AS_DO_BRING:
        e->err = do_bring(home, e);
        break;
    case AURA_AS_DO_RING:
        e->err = do_ring(home, e);
        break;
    case AURA_AS_DO_PART:
        e->err = leave_room(home, e, NULL);
        break;
    }
}
