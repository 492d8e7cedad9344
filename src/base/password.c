/* SPDX-License-Identifier: Apache-2.0 */
#include "base/password.h"

#include "base/list.h"
#include "base/mem.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

_Static_assert(AURA_PASSWORD_HASH_BYTES >= crypto_pwhash_argon2id_STRBYTES, "a hash must fit");

struct aura_passwords {
    uv_loop_t *loop;
    struct aura_list jobs;
    size_t count;
};

struct job {
    uv_work_t work;
    struct aura_node node;
    struct aura_passwords *owner; /* NULL: nobody waits any more */
    aura_password_fn *fn;
    void *arg;
    bool verifies, is_somebody;
    int err;
    char password[AURA_PASSWORD_BYTES_MAX + 1], hash[AURA_PASSWORD_HASH_BYTES];
};

/* ---- blocking ---- */

/* What nobody's password is held against. */
static char nobody[AURA_PASSWORD_HASH_BYTES];
static pthread_once_t begun = PTHREAD_ONCE_INIT;

static int make_hash(const char *password, char out[AURA_PASSWORD_HASH_BYTES]) {
    memset(out, 0, AURA_PASSWORD_HASH_BYTES);
    return crypto_pwhash_argon2id_str(out, password, strlen(password), AURA_PASSWORD_PASSES,
                                      (size_t)AURA_PASSWORD_MEMORY_KIB << 10)
               ? AURA_ENOMEM
               : 0;
}

static void begin(void) {
    unsigned char random[32];
    char text[2 * sizeof(random) + 1];
    AURA_BUG_ON(sodium_init() < 0);
    randombytes_buf(random, sizeof(random));
    sodium_bin2hex(text, sizeof(text), random, sizeof(random));
    if (make_hash(text, nobody)) {
        nobody[0] = 0; /* no memory: then it is refused sooner */
    }
}

int aura_password_hash(const char *password, char out[AURA_PASSWORD_HASH_BYTES]) {
    size_t n = strlen(password);
    if (n < AURA_PASSWORD_BYTES_MIN || n > AURA_PASSWORD_BYTES_MAX) {
        return AURA_EINVAL;
    }
    pthread_once(&begun, begin);
    return make_hash(password, out);
}

int aura_password_verify(const char *password, const char *hash) {
    char padded[AURA_PASSWORD_HASH_BYTES];
    if (strlen(password) > AURA_PASSWORD_BYTES_MAX) {
        return AURA_EAUTH;
    }
    pthread_once(&begun, begin);
    if (snprintf(padded, sizeof(padded), "%s", hash ? hash : nobody) >= (int)sizeof(padded)) {
        return AURA_EAUTH;
    }
    int differs = crypto_pwhash_argon2id_str_verify(padded, password, strlen(password));
    return differs || !hash ? AURA_EAUTH : 0;
}

/* ---- in threads ---- */

static void job_free(struct job *j) {
    aura_wipe(j->password, sizeof(j->password));
    aura_wipe(j->hash, sizeof(j->hash));
    aura_free(j);
}

static void tell(struct job *j, int err) {
    bool hashed = !err && !j->verifies;
    aura_node_remove(&j->node);
    j->owner->count--;
    j->owner = NULL;
    j->fn(j->arg, err, hashed ? j->hash : NULL);
}

static void on_thread(uv_work_t *work) {
    struct job *j = work->data;
    j->err = j->verifies ? aura_password_verify(j->password, j->is_somebody ? j->hash : NULL)
                         : aura_password_hash(j->password, j->hash);
}

static void on_done(uv_work_t *work, int status) {
    struct job *j = work->data;
    if (j->owner) {
        tell(j, status ? AURA_ECLOSED : j->err);
    }
    job_free(j);
}

int aura_passwords_new(struct aura_passwords **pp, struct uv_loop_s *loop) {
    struct aura_passwords *p = aura_zalloc(sizeof(*p));
    if (!p) {
        return AURA_ENOMEM;
    }
    p->loop = loop;
    aura_list_init(&p->jobs);
    *pp = p;
    return 0;
}

struct aura_passwords *aura_passwords_free(struct aura_passwords *p) {
    if (p) {
        for (struct job *j; (j = AURA_LIST_FIRST(&p->jobs, struct job, node));) {
            (void)uv_cancel((uv_req_t *)&j->work); /* one that runs cannot be, and ends by itself */
            tell(j, AURA_ECLOSED);
        }
        aura_free(p);
    }
    return NULL;
}

static int start(struct aura_passwords *p, const char *password, const char *hash, bool verifies,
                 aura_password_fn *fn, void *arg) {
    size_t n = strlen(password);
    if (n > AURA_PASSWORD_BYTES_MAX || (!verifies && n < AURA_PASSWORD_BYTES_MIN)) {
        return AURA_EINVAL;
    }
    if (p->count == AURA_PASSWORD_JOBS_MAX) {
        return AURA_ELIMIT;
    }
    struct job *j = aura_zalloc(sizeof(*j));
    if (!j) {
        return AURA_ENOMEM;
    }
    memcpy(j->password, password, n);
    if (hash && snprintf(j->hash, sizeof(j->hash), "%s", hash) >= (int)sizeof(j->hash)) {
        j->hash[0] = 0; /* fits nothing */
    }
    j->owner = p;
    j->fn = fn;
    j->arg = arg;
    j->verifies = verifies;
    j->is_somebody = hash != NULL;
    j->work.data = j;
    if (uv_queue_work(p->loop, &j->work, on_thread, on_done)) {
        job_free(j);
        return AURA_ENOMEM;
    }
    aura_list_add(&p->jobs, &j->node);
    p->count++;
    return 0;
}

int aura_passwords_hash(struct aura_passwords *p, const char *password, aura_password_fn *fn,
                        void *arg) {
    return start(p, password, NULL, false, fn, arg);
}

int aura_passwords_verify(struct aura_passwords *p, const char *password, const char *hash,
                          aura_password_fn *fn, void *arg) {
    return start(p, password, hash, true, fn, arg);
}
