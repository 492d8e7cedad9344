/* SPDX-License-Identifier: Apache-2.0 */
#include "record/letters.h"

#include "base/mem.h"

#include <fontconfig/fontconfig.h>
#include <pango/pangofc-fontmap.h>
#include <pango/pangoft2.h>
#include <string.h>

enum { GRAYS = 256, DPI = 72 /* so that a point is a pixel */ };

struct aura_letters {
    FcConfig *config;
    PangoFontMap *fonts;
    PangoContext *context;
};

/* The system's fonts but those in colour, of which Pango draws nothing here: of a letter that only
 * such a font has there is a box then, and no gap. */
static FcConfig *load_config(void) {
    static const char without_colour[] =
        "<fontconfig><selectfont><rejectfont><pattern><patelt name=\"color\"><bool>true</bool>"
        "</patelt></pattern></rejectfont></selectfont></fontconfig>";
    FcConfig *config = FcInitLoadConfig();
    if (config &&
        !(FcConfigParseAndLoadFromMemory(config, (const FcChar8 *)without_colour, FcTrue) &&
          FcConfigBuildFonts(config))) {
        FcConfigDestroy(config);
        return NULL;
    }
    return config;
}

/* Without any font that it can use Pango would end the process. */
static bool has_fonts(FcConfig *config) {
    const FcFontSet *fonts = FcConfigGetFonts(config, FcSetSystem);
    for (int i = 0; fonts && i < fonts->nfont; i++) {
        FcChar8 *format = NULL;
        if (FcPatternGetString(fonts->fonts[i], FC_FONTFORMAT, 0, &format) == FcResultMatch &&
            (strcmp((const char *)format, "TrueType") == 0 ||
             strcmp((const char *)format, "CFF") == 0)) {
            return true;
        }
    }
    return false;
}

int aura_letters_new(struct aura_letters **out) {
    struct aura_letters *l = aura_zalloc(sizeof(*l));
    if (!l) {
        return AURA_ENOMEM;
    }
    l->config = load_config();
    if (!l->config || !has_fonts(l->config)) {
        (void)aura_letters_free(l);
        return AURA_ENOENT;
    }
    l->fonts = pango_ft2_font_map_new();
    pango_fc_font_map_set_config(PANGO_FC_FONT_MAP(l->fonts), l->config);
    pango_ft2_font_map_set_resolution(PANGO_FT2_FONT_MAP(l->fonts), DPI, DPI);
    l->context = pango_font_map_create_context(l->fonts);
    *out = l;
    return 0;
}

struct aura_letters *aura_letters_free(struct aura_letters *l) {
    if (l) {
        g_clear_object(&l->context);
        g_clear_object(&l->fonts);
        if (l->config) {
            FcConfigDestroy(l->config);
        }
        aura_free(l);
    }
    return NULL;
}

static PangoLayout *lay_out(struct aura_letters *l, const char *text, uint32_t px,
                            uint32_t width_max, bool bold) {
    PangoLayout *layout = pango_layout_new(l->context);
    PangoFontDescription *font = pango_font_description_new();
    pango_font_description_set_family_static(font, "Sans");
    pango_font_description_set_absolute_size(font, (double)px * PANGO_SCALE);
    pango_font_description_set_weight(font, bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_layout_set_font_description(layout, font);
    pango_font_description_free(font);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_text(layout, text, -1);
    pango_layout_set_width(layout, (int)width_max * PANGO_SCALE);
    pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
    return layout;
}

/* What stands out of its line (piled accents) is cut off. */
static int draw(PangoLayout *layout, struct aura_mask **out) {
    PangoRectangle ink, line;
    pango_layout_get_pixel_extents(layout, &ink, &line);
    if (ink.width <= 0 || line.width <= 0 || line.height <= 0) {
        return AURA_EINVAL;
    }
    int err = aura_mask_new(out, (uint32_t)line.width, (uint32_t)line.height);
    if (!err) {
        FT_Bitmap bitmap = {.rows = (*out)->height,
                            .width = (*out)->width,
                            .pitch = (int)(*out)->width,
                            .buffer = (*out)->data,
                            .num_grays = GRAYS,
                            .pixel_mode = FT_PIXEL_MODE_GRAY};
        pango_ft2_render_layout(&bitmap, layout, -line.x, -line.y);
    }
    return err;
}

int aura_letters_draw(struct aura_letters *l, const char *text, uint32_t px, uint32_t width_max,
                      bool bold, struct aura_mask **out) {
    if (px < AURA_LETTERS_PX_MIN || px > AURA_LETTERS_PX_MAX || !width_max ||
        width_max > AURA_STICKER_SIDE_MAX) {
        return AURA_EINVAL;
    }
    PangoLayout *layout = lay_out(l, text, px, width_max, bold);
    int err = draw(layout, out);
    g_object_unref(layout);
    return err;
}
