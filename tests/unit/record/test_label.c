/* SPDX-License-Identifier: Apache-2.0 */
/* Names as they are written: what stays of them, where they are cut, and their letters. */
#include "harness.h"
#include "record/label_text.h"
#include "record/letters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void becomes(const char *name, const char *want) {
    char text[AURA_LABEL_BYTES_MAX + 1];
    size_t n = aura_label_text(text, name);
    assert_string_equal(text, want);
    assert_int_equal(n, strlen(want));
}

static int text(void) {
    becomes("", "");
    becomes(" \t\n", "");
    becomes("Anna Müller", "Anna Müller");
    becomes("  Ελένη \r\n\t Π.  ", "Ελένη Π.");
    becomes("王小明", "王小明");
    /* Controls, and what turns or hides letters. */
    becomes("a\x07"
            "b\x1b[31mc\x7f",
            "ab[31mc");
    becomes("Bob\u202egnp.exe\u2066\u200f", "Bobgnp.exe");
    becomes("a\ufeff\u00ad\u2060b\U000e0041", "ab");
    becomes("\u2028x\u3000y\u00a0z", "x y z");
    becomes("\ue000\U000f0000", "");
    /* Joiners between letters are spelling, elsewhere they are not. */
    becomes("می\u200cخواهم", "می\u200cخواهم");
    becomes("\u200da\u200d b\u200d\u200d", "a b");
    /* No UTF-8: overlong, surrogates, a lone byte, cut off. */
    becomes("a\xc0\xaf"
            "b",
            "a\ufffd\ufffdb");
    becomes("\xed\xa0\x80", "\ufffd\ufffd\ufffd");
    becomes("\x80\xff", "\ufffd\ufffd");
    becomes("x\xe7\x8e", "x\ufffd\ufffd");
    return 0;
}

static int bounds(void) {
    char name[4096], out[AURA_LABEL_BYTES_MAX + 1];
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    assert_int_equal(aura_label_text(out, name), AURA_LABEL_CHARS_MAX);
    name[0] = 0;
    for (int i = 0; i < 500; i++) {
        strncat(name, "\U0001f642", sizeof(name) - strlen(name) - 1);
    }
    size_t n = aura_label_text(out, name);
    assert_true(n <= AURA_LABEL_BYTES_MAX && n % 4 == 0 && n > AURA_LABEL_BYTES_MAX - 8);
    /* Accents: some on a letter, none without one. */
    name[0] = 0;
    strncat(name, "\u0301z", sizeof(name) - 1);
    for (int i = 0; i < 500; i++) {
        strncat(name, "\u0335", sizeof(name) - strlen(name) - 1);
    }
    strncat(name, "o", sizeof(name) - strlen(name) - 1);
    becomes(name, "z\u0335\u0335\u0335\u0335o");
    /* A space whose next letter has no room is not there. */
    memset(name, 'a', AURA_LABEL_CHARS_MAX - 1);
    memcpy(name + AURA_LABEL_CHARS_MAX - 1, " b", 3);
    assert_int_equal(aura_label_text(out, name), AURA_LABEL_CHARS_MAX - 1);
    return 0;
}

static void shortens(const char *text_of_it, const char *want) {
    char out[AURA_INITIALS_BYTES_MAX + 1];
    aura_label_initials(out, text_of_it);
    assert_string_equal(out, want);
}

static int initials(void) {
    shortens("", "?");
    shortens("anna", "A");
    shortens("anna maria müller", "A\u200cM");
    shortens("(владимир) «смирнов»", "В\u200cС");
    shortens("王小明", "王");
    shortens("... ???", ".\u200c?");
    shortens("e\u0301mile", "E\u0301");
    shortens("7 dwarfs", "7\u200cD");
    shortens("z\u0335\u0335\u0335\u0335 \U0001f642\u0335\u0335\u0335\u0335",
             "Z\u0335\u0335\u0335\u0335\u200c\U0001f642\u0335\u0335\u0335\u0335");
    return 0;
}

/* The same for an identity at any time; white can be read on all of them; they do differ. */
static int colour(void) {
    uint32_t seen[100];
    size_t others = 0;
    for (int i = 0; i < 100; i++) {
        char identity[16];
        snprintf(identity, sizeof(identity), "user-%d", i);
        seen[i] = aura_label_colour(identity);
        assert_int_equal(seen[i], aura_label_colour(identity));
        assert_in_range(aura_colour_rgb(seen[i]).y, 60, 120);
        others += seen[i] != seen[0];
    }
    assert_true(others > 50);
    (void)aura_label_colour("\xff\xfe");
    return 0;
}

static size_t ink_of(const struct aura_mask *m, uint32_t from_x) {
    size_t n = 0;
    for (size_t y = 0; y < m->height; y++) {
        for (size_t x = from_x; x < m->width; x++) {
            n += m->data[y * m->width + x] > 128;
        }
    }
    return n;
}

/* At small and large sizes: within the width that is there, with an ellipsis when it is not. */
static int letters(void) {
    struct aura_letters *l = NULL;
    struct aura_mask *m = NULL, *cut = NULL;
    char name[AURA_LABEL_BYTES_MAX + 1];
    int err = aura_letters_new(&l);
    if (err == AURA_ENOENT) {
        fail_msg("no font: tools/deps.sh installs fonts-dejavu-core");
    }
    assert_int_equal(err, 0);
    (void)aura_label_text(name, "Anna Müller, Владимир, Ελένη, 王小明, مريم \U0001f642 \ufffd");
    for (uint32_t px = 8; px <= 128; px *= 2) {
        assert_int_equal(aura_letters_draw(l, name, px, 4096, false, &m), 0);
        assert_in_range(m->height, px * 9 / 10, px * 2);
        assert_true(ink_of(m, 0) > px);
        uint32_t room = m->width / 2;
        assert_int_equal(aura_letters_draw(l, name, px, room, false, &cut), 0);
        assert_in_range(cut->width, room / 2, room);
        assert_true(ink_of(cut, cut->width - px) > 0); /* its dots */
        m = aura_mask_free(m);
        cut = aura_mask_free(cut);
    }
    aura_letters_free(l);
    return 0;
}

/* Sizes beyond all reason are refused; what shows nothing is not drawn. */
static int letters_refused(void) {
    struct aura_letters *l = NULL;
    struct aura_mask *m = NULL;
    int err = aura_letters_new(&l);
    assert_int_equal(err, 0);
    assert_int_equal(aura_letters_draw(l, "x", 0, 100, false, &m), AURA_EINVAL);
    assert_int_equal(aura_letters_draw(l, "x", AURA_LETTERS_PX_MAX + 1, 100, false, &m),
                     AURA_EINVAL);
    assert_int_equal(aura_letters_draw(l, "x", 20, UINT32_MAX, false, &m), AURA_EINVAL);
    assert_int_equal(aura_letters_draw(l, "", 20, 100, false, &m), AURA_EINVAL);
    assert_null(m);
    aura_letters_free(l);
    return 0;
}

/* Without any font it says so, where Pango would end the process. */
static int no_font(void) {
    struct aura_letters *l = NULL;
    char path[] = "/tmp/auralink-nofonts-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    fputs("<?xml version=\"1.0\"?><fontconfig></fontconfig>\n", file);
    fclose(file);
    setenv("FONTCONFIG_FILE", path, 1);
    assert_int_equal(aura_letters_new(&l), AURA_ENOENT);
    assert_null(l);
    remove(path);
    return 0;
}

int main(int argc, char **argv) {
    const struct CMUnitTest without[] = {AURA_PLAIN(no_font)};
    const struct CMUnitTest cases[] = {AURA_CASE(text),     AURA_CASE(bounds),
                                       AURA_CASE(initials), AURA_CASE(colour),
                                       AURA_PLAIN(letters), AURA_PLAIN(letters_refused)};
    if (argc > 1 && strcmp(argv[1], "without-fonts") == 0) { /* fontconfig looks once a process */
        return RUN_CASES("record/label without fonts", without);
    }
    return RUN_CASES("record/label", cases);
}
