/* SPDX-License-Identifier: Apache-2.0 */
/* GET /webhooks and POST /webhooks/replay: what became of events, and sending them again. They tell
 * of all rooms, so the token needs roomList, and roomCreate too for the second. */
#include "api/server_priv.h"
#include "api/webhooks.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 100 };

static void respond(void *arg, int err, const json_t *answer) {
    struct aura_http_later *later = arg;
    char *text = err ? NULL : json_dumps(answer, JSON_COMPACT);
    if (text) {
        aura_http_later_respond(later, 200, "application/json", text, strlen(text));
    } else {
        const char *why = err ? aura_err_text(err) : "out of memory";
        aura_http_later_respond(later, 503, "text/plain; charset=utf-8", why, strlen(why));
    }
    free(text); /* library's memory */
}

static bool number(const struct aura_http_req *req, const char *name, uint64_t *out) {
    const char *text = aura_http_query(req, name);
    char *end = NULL;
    if (!text) {
        return true;
    }
    errno = 0;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && !*end && errno == 0;
}

static bool allowed(const struct aura_server *s, struct aura_http_req *req, bool replay) {
    struct aura_claims claims;
    const char *why = "";
    aura_claims_init(&claims);
    int err = aura__authorize(s, req, &claims, &why);
    bool may = !err && claims.video.room_list && (!replay || claims.video.room_create);
    aura_claims_clear(&claims);
    if (!may) {
        aura__respond_text(req, err ? 401 : 403,
                           err      ? why
                           : replay ? "the token needs roomList and roomCreate"
                                    : "the token needs roomList");
    }
    return may;
}

void aura__webhooks_request(struct aura_server *s, struct aura_http_req *req, bool replay) {
    struct aura_outbox_query q = {.from = 0, .to = UINT64_MAX, .limit = LIMIT};
    uint64_t limit = LIMIT, open = 0, bodies = 0;
    if (!allowed(s, req, replay)) {
        return;
    }
    if (!s->conf.webhooks) {
        aura__respond_text(req, 404, "no webhook.urls are configured");
        return;
    }
    bool good = number(req, "from", &q.from) && number(req, "to", &q.to) &&
                number(req, "limit", &limit) && number(req, "waiting", &open) &&
                number(req, "bodies", &bodies);
    if (!good || (replay && !aura_http_query(req, "from"))) {
        aura__respond_text(req, 400,
                           "from, to and limit are numbers; a replay wants 'from' at least");
        return;
    }
    q.room = aura_http_query(req, "room");
    q.limit = limit < AURA_OUTBOX_LIST_MAX ? (size_t)limit : AURA_OUTBOX_LIST_MAX;
    q.open_only = open != 0;
    q.bodies = bodies != 0;
    struct aura_http_later *later = aura_http_later(req);
    int err = later ? aura_webhooks_ask(s->conf.webhooks, &q, replay, respond, later) : AURA_ENOMEM;
    if (err && later) {
        respond(later, err, NULL);
    } else if (err) {
        aura__respond_text(req, 503, aura_err_text(err));
    }
}
