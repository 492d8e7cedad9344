/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cli_media.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cmd/cli_mint.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_SECONDS = 24 * 3600 };

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
    (void)number;
    interrupted = 1;
}

int cli_media_check(struct cli_media *m) {
    m->aic = strcmp(m->aic_text, "on") == 0;
    if (!m->aic && strcmp(m->aic_text, "off") != 0) {
        cli_error(NULL, "--aic wants on or off");
        return AURA_EINVAL;
    }
    return 0;
}

char *cli_media_token(struct cli_media *m, bool publish) {
    struct aura_claims claims; /* borrows its strings */
    if (m->token) {
        char *copy = aura_strdup(m->token);
        if (!copy) {
            cli_error(NULL, "out of memory");
        }
        return copy;
    }
    aura_claims_init(&claims);
    claims.identity = (char *)(uintptr_t)m->identity;
    claims.has_video = true;
    claims.video.room = (char *)(uintptr_t)m->room;
    claims.video.room_join = true;
    claims.video.can_publish = publish ? AURA_YES : AURA_NO;
    claims.video.can_subscribe = publish ? AURA_NO : AURA_YES;
    return cli_mint_join(&claims, m->cli.api_key, m->cli.api_secret, TOKEN_SECONDS);
}

void cli_media_begin(struct cli_media *m) {
    const struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    m->begun_us = aura_now_us(aura_clock_system());
}

double cli_media_seconds(const struct cli_media *m) {
    return (double)(aura_now_us(aura_clock_system()) - m->begun_us) / AURA_US_PER_S;
}

bool cli_media_is_over(const struct cli_media *m) {
    return interrupted || atomic_load(&m->ended) ||
           (m->duration_s && cli_media_seconds(m) >= (double)m->duration_s);
}

void cli_media_on_connected(void *arg) {
    struct cli_media *m = arg;
    atomic_store(&m->connected, true);
}

void cli_media_on_reconnecting(void *arg, int err, const char *why) {
    struct cli_media *m = arg;
    fprintf(stderr, "%s: connection lost: %s (%s); trying again\n", m->cli.program, why,
            aura_call_error_text(err));
}

void cli_media_on_reconnected(void *arg) {
    struct cli_media *m = arg;
    fprintf(stderr, "%s: connected again\n", m->cli.program);
}

void cli_media_on_ended(void *arg, int err, const char *why) {
    struct cli_media *m = arg;
    m->err = err;
    snprintf(m->why, sizeof(m->why), "%s", why);
    atomic_store(&m->ended, true);
}

int cli_media_status(const struct cli_media *m) {
    if (atomic_load(&m->ended)) {
        cli_error(m->err == AURA_EAUTH
                      ? "Check --api-key and --api-secret against the server's `keys`."
                      : "auralink doctor checks what a call needs.",
                  "%s (%s)", m->why, aura_call_error_text(m->err));
        return CLI_FAILED;
    }
    if (!atomic_load(&m->connected)) {
        cli_error("auralink doctor checks what a call needs.", "not connected in time");
        return CLI_FAILED;
    }
    return CLI_OK;
}

void cli_media_print_json(json_t *line) {
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(6));
    if (text) {
        printf("%s\n", text);
        fflush(stdout);
        free(text); /* library's memory */
    }
    json_decref(line);
}

double cli_media_round(double value, int digits) {
    double scale = pow(10, digits);
    return round(value * scale) / scale;
}
