/* prepare.c - what is done to pictures before a network sees them, told by a line of text. */
#include "jackdaw/prepare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/given.h"
#include "base/number.h"

enum { SIDE_LIMIT = 4096 };
typedef enum kind { RESIZE, INK_WIDTH, SURROUND, IMADJUST, HISTEQ, CONORM, ADAPTHISTEQ, KINDS } kind;

static const struct {
    const char *name;
    int numbers;
    const char *usage;
} STEP[KINDS] = {
    [RESIZE] = {"resize", 2, "resize HEIGHT WIDTH"},
    [INK_WIDTH] = {"ink-width", 1, "ink-width COLUMNS"},
    [SURROUND] = {"surround", 2, "surround NARROW WIDE"},
    [IMADJUST] = {"imadjust", 0, "imadjust"},
    [HISTEQ] = {"histeq", 0, "histeq"},
    [CONORM] = {"conorm", 0, "conorm"},
    [ADAPTHISTEQ] = {"adapthisteq", 0, "adapthisteq [tile T] [clip C]"},
};

typedef struct step {
    kind kind;
    double number[2];
    double tile, clip;
} step;

typedef struct reader {
    jd_ctx *ctx;
    const char *line, *at;
    char word[32];
} reader;

/* The next word before a comma or the end; false where there is none. */
static bool next_word(reader *r)
{
    while (*r->at == ' ') r->at++;
    const size_t n = strcspn(r->at, " ,");
    snprintf(r->word, sizeof r->word, "%.*s", n < sizeof r->word ? (int)n : (int)sizeof r->word - 1, r->at);
    r->at += n;
    return n > 0;
}

static jd_status unknown(reader *r, const char *const *words, const char *usage)
{
    const char *near = jd_nearest(r->word, words);
    return jd_fail(r->ctx, JD_EUSAGE, "preparation \"%s\": unknown word \"%s\"%s%s%s%s%s", r->line, r->word,
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "", usage ? "; it is: " : "",
                   usage ? usage : "");
}

static jd_status number(reader *r, kind k, double *x)
{
    char *end = r->word;
    if (next_word(r)) *x = jd__strtod(r->word, &end);
    if (end == r->word || *end || !isfinite(*x) || *x < 0 || *x > SIDE_LIMIT)
        return jd_fail(r->ctx, JD_EUSAGE, "preparation \"%s\": \"%s\" is no number from 0 to %d; it is: %s", r->line,
                       r->word, SIDE_LIMIT, STEP[k].usage);
    return JD_OK;
}

/* One step; the reader stands behind its comma, or at the end. */
static jd_status read_step(reader *r, step *s)
{
    static const char *const switches[] = {"tile", "clip", NULL};
    const char *words[KINDS + 1] = {NULL};
    *s = (step){.kind = KINDS};
    next_word(r);
    for (int k = 0; k < KINDS; k++) {
        words[k] = STEP[k].name;
        if (!strcmp(r->word, words[k])) s->kind = (kind)k;
    }
    if (s->kind == KINDS) return unknown(r, words, NULL);
    for (int i = 0; i < STEP[s->kind].numbers; i++)
        if (number(r, s->kind, &s->number[i])) return jd_error(r->ctx);
    while (next_word(r)) {
        double *x = s->kind != ADAPTHISTEQ ? NULL : !strcmp(r->word, "tile") ? &s->tile : &s->clip;
        if (!x || (x == &s->clip && strcmp(r->word, "clip") != 0))
            return unknown(r, x ? switches : switches + 2, STEP[s->kind].usage);
        if (number(r, s->kind, x)) return jd_error(r->ctx);
    }
    if (*r->at == ',') {
        r->at++;
        if (!r->at[strspn(r->at, " ")])
            return jd_fail(r->ctx, JD_EUSAGE, "preparation \"%s\": nothing stands behind the last comma", r->line);
    }
    return JD_OK;
}

static jd_status take_step(jd_ctx *ctx, jd_images *images, const step *s)
{
    static const jd_contrast_kind contrast[KINDS] = {[IMADJUST] = JD_CONTRAST_STRETCH,
                                                     [HISTEQ] = JD_CONTRAST_HISTEQ,
                                                     [CONORM] = JD_CONTRAST_EDGES,
                                                     [ADAPTHISTEQ] = JD_CONTRAST_ADAPTIVE};
    switch (s->kind) {
    case RESIZE:
        if (images->height == (int)s->number[0] && images->width == (int)s->number[1]) return JD_OK;
        return jd_images_resize(ctx, images, (int)s->number[0], (int)s->number[1]);
    case INK_WIDTH: return jd_images_ink_width(ctx, images, (int)s->number[0]);
    case SURROUND: return jd_images_surround(ctx, images, s->number[0], s->number[1]);
    default:
        return jd_images_contrast(ctx, images,
                                  &(jd_contrast){.kind = contrast[s->kind], .tile = (int)s->tile, .clip = s->clip});
    }
}

static bool more(const reader *r)
{
    return !jd_error(r->ctx) && r->at[strspn(r->at, " ")];
}

jd_status jd_images_prepare(jd_ctx *ctx, jd_images *images, const char *line)
{
    if (!jd__given(ctx, __func__, "images", images) || !jd__given(ctx, __func__, "line", line)) return jd_error(ctx);
    reader r = {.ctx = ctx, .line = line, .at = line};
    step s;
    while (more(&r))
        if (!read_step(&r, &s)) take_step(ctx, images, &s);
    return jd_error(ctx);
}

jd_status jd_prepared_size(jd_ctx *ctx, const char *line, int *height, int *width)
{
    if (!jd__given(ctx, __func__, "line", line) || !jd__given(ctx, __func__, "height", height) ||
        !jd__given(ctx, __func__, "width", width))
        return jd_error(ctx);
    reader r = {.ctx = ctx, .line = line, .at = line};
    step s;
    while (more(&r))
        if (!read_step(&r, &s) && s.kind == RESIZE) {
            *height = (int)s.number[0];
            *width = (int)s.number[1];
        }
    return jd_error(ctx);
}
