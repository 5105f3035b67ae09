/* The clips of Speech Commands, by speaker. */
#include "keywords.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const keywords_names[KEYWORDS_CLASSES] = {"yes", "no",  "up",   "down", "left",    "right",
                                                      "on",  "off", "stop", "go",   "silence", "unknown"};

typedef struct loading {
    jd_run *r;
    jd_ctx *ctx;
    const char *dir;
    jd_tsv index;
    int file, word, speaker, split, second; /* columns; second is -1 where clips are whole files */
    bool own_valid;                         /* the index says what to validate on */
    jd_sound noise;                         /* the last long recording, */
    const char *noise_file;                 /* and its name */
    const char **names;                     /* the training part's speakers, each once */
    int names_n;
    uint32_t *order; /* (names): shuffled; the first `held_out` are for validation */
    int held_out;
} loading;

static const char *field(const loading *l, size_t row, int column)
{
    return l->index.fields[row * l->index.cols + (size_t)column];
}

static int class_of(loading *l, size_t row)
{
    const char *word = field(l, row, l->word);
    for (int c = 0; c < KEYWORDS_CLASSES; c++)
        if (!strcmp(word, keywords_names[c])) return c;
    jd_fail(l->ctx, JD_EDATA,
            "%s/index.tsv: line %zu: the word '%.40s'; known are ten keywords, silence, unknown; `jackdaw train` "
            "learns others",
            l->dir, row + 2, word);
    return -1;
}

static bool nobody(const char *speaker)
{
    return !strcmp(speaker, "none");
}

static int speaker_number(const loading *l, const char *name)
{
    for (int i = 0; i < l->names_n; i++)
        if (!strcmp(l->names[i], name)) return i;
    return -1;
}

static jd_status list_speakers(loading *l)
{
    l->names = jd_alloc_array(l->ctx, l->index.rows + 1, sizeof *l->names);
    for (size_t i = 0; l->names && i < l->index.rows; i++) {
        const char *name = field(l, i, l->speaker);
        if (!strcmp(field(l, i, l->split), "train") && !nobody(name) && speaker_number(l, name) < 0)
            l->names[l->names_n++] = name;
    }
    l->order = jd_alloc_array(l->ctx, (size_t)l->names_n + 1, sizeof *l->order);
    if (!l->names || !l->order || l->own_valid) return jd_error(l->ctx);
    if (l->held_out < 1 || l->held_out >= l->names_n)
        return jd_fail(l->ctx, JD_EUSAGE, "held_out=%d of %d speakers; give one or more, not all", l->held_out,
                       l->names_n);
    for (int i = 0; i < l->names_n; i++) l->order[i] = (uint32_t)i;
    jd_rng rng = jd_rng_new(1, "keywords/held out", 0);
    jd_rng_shuffle(&rng, l->order, (size_t)l->names_n);
    return JD_OK;
}

/* 0: train, 1: valid, 2: test */
static int part_of(const loading *l, size_t row)
{
    if (!strcmp(field(l, row, l->split), "test")) return 2;
    if (l->own_valid) return !strcmp(field(l, row, l->split), "valid");
    const char *name = field(l, row, l->speaker);
    const int who = nobody(name) ? (int)(row % (size_t)l->names_n) : speaker_number(l, name);
    for (int i = 0; i < l->held_out; i++)
        if ((int)l->order[i] == who) return 1;
    return 0;
}

/* The sound of a row: a file, or one second of it. */
static jd_status read_row(loading *l, size_t row, const char *path, jd_sound *out)
{
    const char *file = field(l, row, l->file);
    const double second = l->second < 0 ? -1 : atof(field(l, row, l->second));
    if (second < 0) return jd_read_sound(l->ctx, path, out);
    if (!l->noise_file || strcmp(l->noise_file, file) != 0) {
        jd_sound_free(l->ctx, &l->noise);
        l->noise_file = NULL;
        if (jd_read_sound(l->ctx, path, &l->noise)) return jd_error(l->ctx);
        l->noise_file = file;
    }
    const size_t n = (size_t)l->noise.rate, at = (size_t)(second * l->noise.rate);
    if (at + n > l->noise.count) return jd_fail(l->ctx, JD_EDATA, "%s: ends before second %g", path, second + 1);
    *out = (jd_sound){.rate = l->noise.rate, .count = n, .samples = jd_alloc_array(l->ctx, n, sizeof *out->samples)};
    if (out->samples) memcpy(out->samples, l->noise.samples + at, n * sizeof *out->samples);
    return jd_error(l->ctx);
}

static jd_status read_clip(loading *l, size_t row, jd_speech *out)
{
    jd_sound sound = {0};
    char *path = jd_asprintf(l->ctx, "%s/%s", l->dir, field(l, row, l->file));
    const int class = class_of(l, row);
    if (path && class >= 0 && !read_row(l, row, path, &sound)) {
        if (out->count && sound.rate != out->rate) {
            jd_fail(l->ctx, JD_EDATA, "%s: %d samples a second, the others have %d; resample it", path, sound.rate,
                    out->rate);
            jd_sound_free(l->ctx, &sound);
        } else {
            out->rate = sound.rate;
            out->items[out->count++] =
                (jd_utterance){.digit = class, .speaker = (int)row, .count = sound.count, .samples = sound.samples};
        }
    }
    jd_free(l->ctx, path);
    return jd_error(l->ctx);
}

static jd_status read_clips(loading *l, keywords_data *out)
{
    jd_speech *part[] = {&out->train, &out->valid, &out->test};
    for (int k = 0; k < 3; k++) part[k]->items = jd_alloc_array(l->ctx, l->index.rows, sizeof *part[k]->items);
    for (size_t i = 0; i < l->index.rows && !jd_error(l->ctx); i++) {
        if (jd_run_progress(l->r, (double)(i + 1), (double)l->index.rows, "clips")) return jd_run_stopped(l->r);
        if (read_clip(l, i, part[part_of(l, i)]) && !jd_run_skip(l->r)) break;
    }
    if (!jd_error(l->ctx) && (!out->train.count || !out->valid.count || !out->test.count))
        jd_fail(l->ctx, JD_EDATA,
                "%s/index.tsv: %zu clips to train, %zu to validate, %zu to test; there must be some of "
                "each",
                l->dir, out->train.count, out->valid.count, out->test.count);
    return jd_error(l->ctx);
}

/* Different speakers of a part. */
static int speakers_of(const loading *l, int part)
{
    const char **name = jd_alloc_array(l->ctx, l->index.rows + 1, sizeof *name);
    int n = 0;
    for (size_t i = 0; name && i < l->index.rows; i++) {
        const char *who = field(l, i, l->speaker);
        bool first = !nobody(who) && part_of(l, i) == part;
        for (int k = 0; first && k < n; k++) first = strcmp(name[k], who) != 0;
        if (first) name[n++] = who;
    }
    jd_free(l->ctx, name);
    return n;
}

jd_status keywords_load(jd_run *r, int held_out, keywords_data *out)
{
    char *dir = jd_dataset_folder(jd_run_ctx(r), "speech_commands12", jd_run_data(r, "speech_commands12"));
    if (!dir) return jd_error(jd_run_ctx(r));
    loading l = {.r = r, .ctx = jd_run_ctx(r), .dir = dir, .held_out = held_out};
    char *path = jd_asprintf(l.ctx, "%s/index.tsv", dir), *lists = jd_asprintf(l.ctx, "%s/testing_list.txt", dir);
    jd_run_stage(r, "reading clips");
    l.own_valid = path && lists && access(path, F_OK) && !access(lists, F_OK);
    if (path && lists &&
        !(l.own_valid ? keywords_list_folder(l.ctx, dir, &l.index) : jd_read_tsv(l.ctx, path, &l.index))) {
        l.file = jd_tsv_column(l.ctx, &l.index, "file");
        l.word = jd_tsv_column(l.ctx, &l.index, "word");
        l.speaker = jd_tsv_column(l.ctx, &l.index, "speaker");
        l.split = jd_tsv_column(l.ctx, &l.index, "split");
        l.second = l.own_valid ? jd_tsv_column(l.ctx, &l.index, "second") : -1;
        if (!jd_error(l.ctx) && !list_speakers(&l) && !read_clips(&l, out))
            for (int k = 0; k < 3; k++) out->speakers[k] = speakers_of(&l, k);
    }
    jd_free(l.ctx, lists);
    jd_sound_free(l.ctx, &l.noise);
    jd_free(l.ctx, path);
    jd_free(l.ctx, l.names);
    jd_free(l.ctx, l.order);
    jd_tsv_free(l.ctx, &l.index);
    jd_free(l.ctx, dir);
    return jd_error(l.ctx);
}

void keywords_free(jd_ctx *ctx, keywords_data *d)
{
    jd_speech_free(ctx, &d->train);
    jd_speech_free(ctx, &d->valid);
    jd_speech_free(ctx, &d->test);
}
