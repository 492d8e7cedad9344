/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/dtls_priv.h"

#include <pthread.h>
#include <string.h>

/* OpenSSL's memory BIO joins datagrams; this one keeps their borders. */

static int io_write(BIO *bio, const char *data, int len) {
    struct aura__dtls_io *io = BIO_get_data(bio);
    if (len > 0) {
        io->send(io->arg, (const uint8_t *)data, (size_t)len);
    }
    return len;
}

static int io_read(BIO *bio, char *out, int cap) {
    struct aura__dtls_io *io = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (!io->in) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t n = io->in_len < (size_t)cap ? io->in_len : (size_t)cap;
    memcpy(out, io->in, n);
    io->in = NULL;
    return (int)n;
}

static long io_ctrl(BIO *bio, int cmd, long num, void *ptr) {
    (void)bio;
    (void)num;
    (void)ptr;
    switch (cmd) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return AURA_DTLS_MTU;
    default:
        return 0;
    }
}

static int io_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *method;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_method(void) {
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram");
    if (m && BIO_meth_set_write(m, io_write) && BIO_meth_set_read(m, io_read) &&
        BIO_meth_set_ctrl(m, io_ctrl) && BIO_meth_set_create(m, io_create)) {
        method = m;
    } else {
        BIO_meth_free(m);
    }
}

const BIO_METHOD *aura__dtls_bio(void) {
    (void)pthread_once(&once, make_method);
    return method;
}
