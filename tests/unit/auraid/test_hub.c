/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that connect, are told things in order, do not read, and come again. */
#include "auraid/hub.h"
#include "base/buf.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

static const struct aura_id alice = {"alice"}, bob = {"bob"};

struct line {
    struct aura_buf text;
    size_t queued;
    int fails, code;
};

static int sink_send(void *arg, const char *text, size_t len) {
    struct line *l = arg;
    assert_int_equal(strlen(text), len);
    aura_buf_str(&l->text, text);
    return l->fails;
}

static size_t sink_queued(void *arg) {
    return ((struct line *)arg)->queued;
}

static void sink_close(void *arg, int code, const char *reason) {
    struct line *l = arg;
    assert_true(strlen(reason) < 124); /* RFC 6455 §5.5: a close frame's */
    l->code = code;
}

static const struct aura_hub_sink sink = {sink_send, sink_queued, sink_close};

static void tell(void *arg, struct aura_hub_device *d) {
    aura_hub_tell(arg, d, "\"event\":\"x\"}");
}

static void count(void *arg, struct aura_hub_device *d) {
    (void)d;
    ++*(size_t *)arg;
}

static void close_all(struct aura_hub *h, struct aura_hub_device **devices, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (devices[i]) {
            aura_hub_closed(h, devices[i]);
        }
    }
    aura_hub_free(h);
}

static int messages_are_numbered(void) {
    struct line one = {.text = AURA_BUF(1000)}, two = {.text = AURA_BUF(1000)};
    struct aura_hub_device *d[2] = {NULL, NULL};
    struct aura_hub *h;
    int err = aura_hub_new(&h, 10);
    if (err) {
        return err;
    }
    TRY_OUT(aura_hub_open(h, &alice, "key", "phone", &sink, &one, &d[0]));
    TRY_OUT(aura_hub_open(h, &alice, "other/key", "phone", &sink, &two, &d[1]));
    assert_string_equal(d[1]->call_name, "other/key/phone");
    assert_string_equal(d[1]->name, "phone");
    aura_hub_each(h, &bob, tell, h);
    aura_hub_each(h, &alice, tell, h);
    if (aura_mem_failed()) {
        err = AURA_ENOMEM; /* who cannot be told is closed */
        assert_true(one.code == AURA_HUB_NO_MEMORY || two.code == AURA_HUB_NO_MEMORY ||
                    one.text.err || two.text.err);
        goto out;
    }
    aura_hub_tell(h, d[1], "\"event\":\"y\",\"of\":1}");
    TRY_OUT(one.text.err ? one.text.err : two.text.err);
    if (!aura_mem_failed()) {
        assert_string_equal(aura_buf_text(&one.text), "{\"seq\":1,\"event\":\"x\"}");
        assert_string_equal(aura_buf_text(&two.text),
                            "{\"seq\":1,\"event\":\"x\"}{\"seq\":2,\"event\":\"y\",\"of\":1}");
    }
out:
    close_all(h, d, 2);
    aura_buf_free(&one.text);
    aura_buf_free(&two.text);
    return err;
}

static int a_device_replaces_itself(void) {
    struct line line[3] = {
        {.text = AURA_BUF(100)}, {.text = AURA_BUF(100)}, {.text = AURA_BUF(100)}};
    struct aura_hub_device *d[3] = {NULL, NULL, NULL};
    struct aura_hub *h;
    int err = aura_hub_new(&h, 2);
    if (err) {
        return err;
    }
    TRY_OUT(aura_hub_open(h, &alice, "key", "phone", &sink, &line[0], &d[0]));
    TRY_OUT(aura_hub_open(h, &bob, "key", "phone", &sink, &line[1], &d[1]));
    TRY_OUT(aura_hub_open(h, &alice, "key", "phone", &sink, &line[2], &d[2])); /* the hub is full */
    assert_int_equal(line[0].code, AURA_HUB_REPLACED);
    assert_int_equal(line[1].code, 0);
    assert_int_equal(aura_hub_count(h), 2);
    aura_hub_tell(h, d[0], "}"); /* the old one hears nothing any more */
    assert_int_equal(line[0].text.len, 0);
    aura_hub_closed(h, d[0]);
    d[0] = NULL;
    assert_ptr_equal(aura_hub_find(h, &alice, "key/phone"), d[2]);
    assert_ptr_equal(aura_hub_find(h, &alice, "key/phon"), NULL);
    err = aura_hub_open(h, &bob, "key", "tablet", &sink, &line[0], &d[0]);
    assert_int_equal(err, aura_mem_failed() ? AURA_ENOMEM : AURA_ELIMIT);
    err = err == AURA_ELIMIT ? 0 : err;
out:
    close_all(h, d, 3);
    return err;
}

static int who_does_not_read_is_closed(void) {
    struct line slow = {.text = AURA_BUF(100)},
                broken = {.text = AURA_BUF(100), .fails = AURA_ECLOSED};
    struct line fine = {.text = AURA_BUF(100)};
    struct aura_hub_device *d[3] = {NULL, NULL, NULL};
    struct aura_hub *h;
    size_t n = 0;
    int err = aura_hub_new(&h, 5);
    if (err) {
        return err;
    }
    TRY_OUT(aura_hub_open(h, &alice, "key", "slow", &sink, &slow, &d[0]));
    TRY_OUT(aura_hub_open(h, &alice, "key", "broken", &sink, &broken, &d[1]));
    TRY_OUT(aura_hub_open(h, &alice, "key", "fine", &sink, &fine, &d[2]));
    slow.queued = AURA_HUB_QUEUE_BYTES_MAX + 1;
    aura_hub_each(h, &alice, tell, h); /* two of them leave the list meanwhile */
    if (!aura_mem_failed()) {
        assert_int_equal(slow.code, AURA_HUB_TOO_SLOW);
        assert_int_equal(slow.text.len, 0);
        assert_int_equal(broken.code, AURA_HUB_NO_MEMORY);
        assert_int_equal(fine.code, 0);
        assert_int_equal(aura_hub_slow(h), 1);
        aura_hub_each(h, &alice, count, &n);
        assert_int_equal(n, 1);
    }
    err = aura_mem_failed() ? AURA_ENOMEM : 0;
out:
    close_all(h, d, 3);
    aura_buf_free(&slow.text);
    aura_buf_free(&broken.text);
    aura_buf_free(&fine.text);
    return err;
}

static int ceilings_hold(void) {
    struct line line = {.text = AURA_BUF(100)};
    struct aura_hub_device *d[AURA_HUB_OF_ONE_MAX + 1] = {NULL};
    char name[AURA_HUB_NAME_MAX + 2], app[AURA_HUB_APP_MAX + 2], out[AURA_CALL_DEVICE_MAX];
    struct aura_hub *h;
    int err = aura_hub_new(&h, 100);
    if (err) {
        return err;
    }
    for (size_t i = 0; i < AURA_HUB_OF_ONE_MAX; i++) {
        (void)snprintf(name, sizeof(name), "d%zu", i);
        TRY_OUT(aura_hub_open(h, &alice, "key", name, &sink, &line, &d[i]));
    }
    err = aura_hub_open(h, &alice, "key", "more", &sink, &line, &d[AURA_HUB_OF_ONE_MAX]);
    assert_int_equal(err, aura_mem_failed() ? AURA_ENOMEM : AURA_ELIMIT);
    err = err == AURA_ELIMIT ? 0 : err;
    memset(name, 'n', sizeof(name));
    memset(app, 'a', sizeof(app));
    name[AURA_HUB_NAME_MAX + 1] = app[AURA_HUB_APP_MAX + 1] = 0;
    assert_int_equal(aura_hub_call_name(out, "key", name), AURA_EINVAL);
    assert_int_equal(aura_hub_call_name(out, app, "phone"), AURA_EINVAL);
    name[AURA_HUB_NAME_MAX] = app[AURA_HUB_APP_MAX] = 0;
    assert_int_equal(aura_hub_call_name(out, app, name), 0);
    assert_int_equal(strlen(out), AURA_HUB_APP_MAX + 1 + AURA_HUB_NAME_MAX);
    const char *bad[] = {"", "a/b", "a b", "\xc3\xa4", "a\"b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(aura_hub_call_name(out, "key", bad[i]), AURA_EINVAL);
    }
    assert_int_equal(aura_hub_call_name(out, "", "phone"), AURA_EINVAL);
out:
    close_all(h, d, AURA_HUB_OF_ONE_MAX + 1);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(messages_are_numbered),
        AURA_CASE(a_device_replaces_itself),
        AURA_CASE(who_does_not_read_is_closed),
        AURA_CASE(ceilings_hold),
    };
    return RUN_CASES("auraid/hub", cases);
}
