/* SPDX-License-Identifier: Apache-2.0 */
/* AuraIDs, Matrix user ids and server names. */
#include "auraid/name.h"
#include "harness.h"

#include <string.h>

static int ids_have_one_form(void) {
    static const char *const good[] = {"@alice.aura", "alice.aura", "@ALICE.aura", "Alice.aura"};
    char text[AURA_ID_BYTES_MAX];
    struct aura_id id;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        TRY(aura_id_parse(&id, good[i], strlen(good[i])));
        assert_string_equal(aura_id_text(&id, text), "@alice.aura");
    }
    static const char longest[] = "@a-23456789_12345678901234567890_.aura";
    assert_int_equal(aura_id_parse(&id, longest, strlen(longest)), 0);
    assert_int_equal(strlen(id.name), AURA_NAME_MAX);
    assert_string_equal(aura_id_text(&id, text), longest);
    return 0;
}

static int bad_ids_are_refused(void) {
    static const char *const bad[] = {"",
                                      "@",
                                      "@.aura",
                                      "@al.aura",
                                      "@alice",
                                      "@alice.AURA",
                                      "@-lice.aura",
                                      "@_lice.aura",
                                      "@al ice.aura",
                                      "@@alice.aura",
                                      "@al.ice.aura",
                                      "@alice.aura:example.org",
                                      "@alic\xc3\xa9.aura",
                                      "alice.aura ",
                                      "@a-23456789_1234567890123456789012_.aura"};
    struct aura_id id = {.name = "before"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(aura_id_parse(&id, bad[i], strlen(bad[i])), AURA_EMALFORMED);
    }
    assert_int_equal(aura_id_parse(&id, "ali\0e.aura", 10), AURA_EMALFORMED);
    assert_string_equal(id.name, "before");
    return 0;
}

static int names_are_suggested(void) {
    static const struct {
        const char *from, *tag, *name;
    } cases[] = {
        {"Alice", "", "alice"},
        {"alice@example.org", "", "alice-example-org"},
        {"  --Al  Ice__ ", "", "al-ice"},
        {"Al", "1f", "guest-1f"},
        {"", "abcd", "guest-abcd"},
        {"\xd0\x90\xd0\xbd\xd0\xbd\xd0\xb0", "77", "guest-77"},
        {"____", "77", "guest-77"},
        {"a234567890123456789012345678901234567890", "", "a2345678901234567890123456789012"},
        {"a234567890123456789012345678901234567890", "12345678",
         "a2345678901234567890123-12345678"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct aura_id id, again;
        char text[AURA_ID_BYTES_MAX];
        aura_id_suggest(&id, cases[i].from, strlen(cases[i].from), cases[i].tag);
        assert_string_equal(id.name, cases[i].name);
        aura_id_text(&id, text);
        assert_int_equal(aura_id_parse(&again, text, strlen(text)), 0);
        assert_string_equal(again.name, id.name);
    }
    return 0;
}

static int servers_are_read(void) {
    static const struct {
        const char *text, *host;
        enum aura_host_kind kind;
        uint16_t port;
    } good[] = {
        {"example.org", "example.org", AURA_HOST_DNS, 0},
        {"example.org:8448", "example.org", AURA_HOST_DNS, 8448},
        {"localhost:1", "localhost", AURA_HOST_DNS, 1},
        {"1.2.3.4:65535", "1.2.3.4", AURA_HOST_V4, 65535},
        {"[::1]", "::1", AURA_HOST_V6, 0},
        {"[2001:db8::1]:8448", "2001:db8::1", AURA_HOST_V6, 8448},
        {"1a.example", "1a.example", AURA_HOST_DNS, 0},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        struct aura_server_name name;
        assert_int_equal(aura_server_name_parse(&name, good[i].text, strlen(good[i].text)), 0);
        assert_true(aura_slice_equal(name.host, good[i].host));
        assert_int_equal(name.kind, good[i].kind);
        assert_int_equal(name.port, good[i].port);
    }
    static const char *const bad[] = {
        "",    ":1",        "a:",     "a:0",    "a:65536",     "a:123456",  "a:1:2",
        "a b", "a/b",       "a@b",    "1.2.3",  "1.2.3.4.5",   "256.1.1.1", "[::1",
        "[]",  "[1.2.3.4]", "[::1]1", "[::1]:", "[fe80::1%1]", "a_b",       "\xc3\xa9.fr",
        "a#",  "a?b",       "a:+1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct aura_server_name name;
        assert_int_equal(aura_server_name_parse(&name, bad[i], strlen(bad[i])), AURA_EMALFORMED);
    }
    return 0;
}

static int users_are_read(void) {
    struct aura_mxid id;
    struct aura_id ours;
    static const char global[] = "@alice.aura:example.org:8448", other[] = "@b/ob!:[::1]";
    assert_int_equal(aura_mxid_parse(&id, global, strlen(global)), 0);
    assert_true(aura_slice_equal(id.local, "alice.aura"));
    assert_true(aura_slice_equal(id.server, "example.org:8448"));
    assert_int_equal(id.parsed.port, 8448);
    assert_int_equal(aura_mxid_id(&id, &ours), 0);
    assert_string_equal(ours.name, "alice");
    assert_int_equal(aura_mxid_parse(&id, other, strlen(other)), 0);
    assert_true(aura_slice_equal(id.local, "b/ob!"));
    assert_int_equal(aura_mxid_id(&id, &ours), AURA_ENOENT);
    /* Another user than @alice.aura, on servers that have such old ids. */
    assert_int_equal(aura_mxid_parse(&id, "@Alice.aura:a", 13), 0);
    assert_int_equal(aura_mxid_id(&id, &ours), AURA_ENOENT);
    assert_int_equal(aura_mxid_parse(&id, "@@bob.aura:a", 12), 0);
    assert_int_equal(aura_mxid_id(&id, &ours), AURA_ENOENT);
    char text[300];
    memset(text, 'a', sizeof(text));
    text[0] = '@';
    text[250] = ':';
    assert_int_equal(aura_mxid_parse(&id, text, 255), 0);
    assert_int_equal(aura_mxid_parse(&id, text, 256), AURA_EMALFORMED);
    static const char *const bad[] = {"",    "@",      "@a",       "a:b",         "@:b",
                                      "@a:", "@a b:c", "@a\x7f:c", "@\xc3\xa9:c", "@a:b:c:d"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(aura_mxid_parse(&id, bad[i], strlen(bad[i])), AURA_EMALFORMED);
    }
    return 0;
}

static int hints(void) {
    static const char *const rows[][2] = {{"@bob:example.org", "bob"},
                                          {"@alice.aura:example.org", "alice"},
                                          {"@.aura:example.org", ".aura"},
                                          {"@a.aura.b:x", "a.aura.b"},
                                          {"bob", ""},
                                          {"", ""}};
    char out[AURA_MXID_BYTES_MAX];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(aura_mxid_hint(rows[i][0], out), rows[i][1]);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(hints),
        AURA_CASE(ids_have_one_form),
        AURA_CASE(bad_ids_are_refused),
        AURA_CASE(names_are_suggested),
        AURA_CASE(servers_are_read),
        AURA_CASE(users_are_read),
    };
    return RUN_CASES("auraid/name", cases);
}
