/* captioning_report.c - pictures with what was said of them, mistakes, filters; see captioning.h. */
#include "captioning.h"

#include <stdio.h>
#include <string.h>

enum { ZOOM = 4, TILE = SCENE_SIDE * ZOOM, SHOWN = 9, TEXT = 360 };

/* Scene `index` of a stream, enlarged. */
static void paint(uint64_t seed, const char *stream, size_t index, bool new, uint8_t *out /* (TILE,TILE,3) */)
{
    float rgb[SCENE_PIXELS];
    jd_rng r;
    const scene s = caption_scene(seed, stream, index, new, &r);
    scene_paint(&s, &r, rgb);
    for (int i = 0; i < TILE * TILE; i++)
        for (int c = 0; c < 3; c++) {
            const float v = rgb[(i / TILE / ZOOM * SCENE_SIDE + i % TILE / ZOOM) * 3 + c];
            out[3 * i + c] = (uint8_t)lrintf(255 * fminf(1, fmaxf(0, v)));
        }
}

/* Appends the first reference to what was said. */
static void add_truth(uint64_t seed, const char *stream, size_t index, bool new, char *text /* (TEXT) */)
{
    jd_rng r;
    int32_t word[CAPTION_REFERENCES * SCENE_LONGEST];
    size_t n[CAPTION_REFERENCES];
    const scene s = caption_scene(seed, stream, index, new, &r);
    caption_references(seed, index, &s, word, n);
    const size_t at = strlen(text);
    snprintf(text + at, TEXT - at, " - in truth: ");
    scene_text(word, n[0], text + strlen(text), TEXT - strlen(text));
}

static void gallery(jd_run *r, uint64_t seed, const char *stream, bool new, const size_t *index, size_t n,
                    const jd_sequence *found, bool truth, const char *caption)
{
    enum { BYTES = TILE * TILE * 3 };
    jd_ctx *ctx = jd_run_ctx(r);
    uint8_t *pixels = jd_alloc_array(ctx, SHOWN, BYTES);
    char text[SHOWN][TEXT];
    const char *captions[SHOWN];
    for (size_t i = 0; pixels && i < n; i++) {
        paint(seed, stream, index[i], new, pixels + i * BYTES);
        scene_text(found[index[i]].symbols, found[index[i]].count, text[i], TEXT);
        if (truth) add_truth(seed, stream, index[i], new, text[i]);
        captions[i] = text[i];
    }
    if (pixels && n)
        jd_report_images(
            jd_run_report(r),
            &(jd_tiles){
                .pixels = pixels, .n = n, .h = TILE, .w = TILE, .channels = 3, .tile_captions = captions, .columns = 3},
            caption);
    jd_free(ctx, pixels);
}

/* The captions that are wrong, the surest ones first. */
static size_t mistakes(uint64_t seed, const char *stream, bool new, const jd_sequence *found, size_t count,
                       size_t *index)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        jd_rng r;
        const scene s = caption_scene(seed, stream, i, new, &r);
        if (scene_judge(&s, found[i].symbols, found[i].count).exact) continue;
        size_t at = n < SHOWN ? n++ : SHOWN;
        for (; at > 0 && found[index[at - 1]].ln_p < found[i].ln_p; at--)
            if (at < SHOWN) index[at] = index[at - 1];
        if (at < SHOWN) index[at] = i;
    }
    return n;
}

static void references_table(jd_run *r, uint64_t seed, const jd_sequence *found)
{
    enum { ROWS = 4, EACH = CAPTION_REFERENCES + 1 };
    char text[ROWS * EACH][2][TEXT];
    const char *cells[ROWS * EACH * 2];
    for (size_t i = 0; i < ROWS; i++) {
        int32_t word[CAPTION_REFERENCES * SCENE_LONGEST];
        size_t n[CAPTION_REFERENCES];
        jd_rng rng;
        const scene s = caption_scene(seed, "scenes/test", i, false, &rng);
        caption_references(seed, i, &s, word, n);
        for (size_t k = 0; k < EACH; k++) {
            char(*row)[TEXT] = text[i * EACH + k];
            snprintf(row[0], TEXT, k ? "reference" : "picture %zu: the net", i + 1);
            if (k)
                scene_text(word + (k - 1) * SCENE_LONGEST, n[k - 1], row[1], TEXT);
            else
                scene_text(found[i].symbols, found[i].count, row[1], TEXT);
            cells[(i * EACH + k) * 2] = row[0];
            cells[(i * EACH + k) * 2 + 1] = row[1];
        }
    }
    jd_report_table(jd_run_report(r), (const char *const[]){"of", "caption"}, cells, ROWS * EACH, 2,
                    "The first four of these pictures with the five references that BLEU compares with.");
}

static void table(jd_run *r, const caption_seed *s, int seeds)
{
    enum { COLUMNS = 8, CELL = 40, ROWS = 2 * CAPTION_SEEDS };
    char room[ROWS][COLUMNS][CELL];
    const char *cells[ROWS * COLUMNS];
    for (int i = 0; i < 2 * seeds; i++) {
        const caption_seed *one = &s[i / 2];
        const caption_score *v = i % 2 ? &one->control : &one->score;
        const double value[COLUMNS - 2] = {v->bleu,     v->exact,          v->attributes,
                                           v->shuffled, v->new_attributes, v->new_named};
        snprintf(room[i][0], CELL, "%s", i % 2 ? "encoder left random" : "all trained");
        snprintf(room[i][1], CELL, "%d", i / 2 + 1);
        for (int c = 2; c < COLUMNS; c++) snprintf(room[i][c], CELL, "%.1f", value[c - 2]);
        for (int c = 0; c < COLUMNS; c++) cells[i * COLUMNS + c] = room[i][c];
    }
    jd_report_table(
        jd_run_report(r),
        (const char *const[]){"net", "seed", "BLEU-4", "exact (%)", "shapes right (%)", "BLEU-4, other pictures",
                              "new pairs: shapes right (%)", "new pairs named (%)"},
        cells, (size_t)(2 * seeds), COLUMNS,
        "Test pictures. Exact: the shapes, their order and how they stand to each other are right. Shapes right: "
        "each is named with size and colour, in any order. New pairs: scenes with red triangles, blue circles or "
        "yellow squares, which training never shows.");
}

void caption_report(jd_run *r, const caption_seed *s, int seeds, const jd_sequence *found, const jd_sequence *found_new,
                    size_t count, const claims *c)
{
    const uint64_t seed = jd_run_seed(r) * 1000 + 1;
    jd_report *report = jd_run_report(r);
    size_t first[SHOWN], wrong[SHOWN];
    for (size_t i = 0; i < SHOWN; i++) first[i] = i;
    const size_t n = count < SHOWN ? count : SHOWN;
    claims_table(c, "What the sheet of the task asks for, and what was measured.");
    table(r, s, seeds);
    jd_report_section(report, "What it says of pictures it never saw");
    gallery(r, seed, "scenes/test", false, first, n, found, false,
            "The first test pictures, each with the caption that beam search found.");
    if (count >= 4) references_table(r, seed, found);
    gallery(r, seed, "scenes/new", true, first, n, found_new, false,
            "Pictures with red triangles, blue circles or yellow squares, which no picture of training has.");
    jd_report_section(report, "Its worst mistakes");
    const size_t mistaken = mistakes(seed, "scenes/test", false, found, count, wrong);
    if (!mistaken) jd_report_text(report, "None of the captions of test pictures is wrong.");
    gallery(r, seed, "scenes/test", false, wrong, mistaken, found, true,
            "Captions of test pictures that are wrong, the surest ones first.");
    const size_t mistaken_new = mistakes(seed, "scenes/new", true, found_new, count, wrong);
    gallery(r, seed, "scenes/new", true, wrong, mistaken_new, found_new, true,
            "Captions of pictures with pairs never seen that are wrong, the surest ones first.");
    jd_report_section(report, "What its first layer looks for");
    const jd_range *range = jd_params_find(s[0].net.params, "see/conv1/W");
    const float *w = jd_params_get(s[0].net.params, "see/conv1/W");
    if (range && w)
        jd_report_filters(report, w, (size_t)range->type.dim[0], 5, 5, 3, false,
                          "The filters of the first convolution, in colour; grey is zero.");
}
