/*
 * eval_reader.c - `jackdaw eval` of a model that reads or hears: label errors, texts read wrong, or the error of a choice.
 *
 * Recordings and pictures are listed by a table (index.tsv of a folder) with a column `file` and one that tells the truth;
 * ink tells its own text.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "eval.h"
#include "folders.h"
#include "handwriting.h"
#include "reader.h"

enum { SHOWN = 60 }; /* wrong answers in the report */

typedef struct answer {
    char *item, *truth, *found;
    double confidence;
} answer;

typedef struct tally {
    reader m;
    const char *data;
    jd_split split;
    size_t items, wrong, labels, edits, strange; /* strange: truths with letters that the model does not know */
    int64_t *confusion;                          /* (classes,classes): truth in rows */
    answer shown[SHOWN];                         /* the wrong ones of which the model was surest, surest first */
    int nshown;
} tally;

static const char *text_of(const jd_tsv *t, size_t row, int column)
{
    return t->fields[row * t->cols + (size_t)column];
}

/* The labels of a text; a letter that the model does not know is no label that it can find. */
static size_t labels_of(const reader *m, const char *text, int32_t *out, bool *strange)
{
    size_t n = 0;
    for (const char *at = text; *at; n++) {
        size_t bytes = 1;
        while (((unsigned char)at[bytes] & 0xC0) == 0x80) bytes++;
        int k = 0;
        while (k < m->letters && (strlen(m->letter[k]) != bytes || strncmp(m->letter[k], at, bytes))) k++;
        *strange |= k == m->letters;
        out[n] = k < m->letters ? k : -1;
        at += bytes;
    }
    return n;
}

/* The class called so, or with that number; -1: none. */
static int class_of(const reader *m, const char *name)
{
    for (int k = 0; k < m->classes; k++) {
        size_t n;
        const char *at = reader_class(m, k, &n);
        if (strlen(name) == n && !strncmp(at, name, n)) return k;
    }
    char *end;
    const long k = strtol(name, &end, 10);
    return *name && !*end && k >= 0 && k < m->classes ? (int)k : -1;
}

static void show(tally *t, const char *item, const char *truth)
{
    jd_ctx *ctx = t->m.ctx;
    int at = t->nshown < SHOWN ? t->nshown++ : SHOWN;
    if (at == SHOWN) {
        answer *last = &t->shown[SHOWN - 1];
        if (last->confidence >= t->m.confidence) return;
        jd_free(ctx, last->item);
        jd_free(ctx, last->truth);
        jd_free(ctx, last->found);
        at = SHOWN - 1;
    }
    for (; at > 0 && t->shown[at - 1].confidence < t->m.confidence; at--) t->shown[at] = t->shown[at - 1];
    t->shown[at] = (answer){jd_strdup(ctx, item), jd_strdup(ctx, truth), jd_strdup(ctx, t->m.text), t->m.confidence};
}

/* Counts what the reader has just read. */
static jd_status count(tally *t, const char *item, const char *truth)
{
    reader *m = &t->m;
    bool wrong;
    if (m->classes) {
        const int k = class_of(m, truth);
        if (k < 0)
            return jd_fail(m->ctx, JD_EDATA,
                           "%s: the class '%.60s', which the model does not know; its classes are %.200s", item, truth,
                           m->names);
        wrong = k != m->found[0];
        t->confusion[k * m->classes + m->found[0]]++;
    } else {
        int32_t *target = jd_alloc_array(m->ctx, strlen(truth) + 1, sizeof *target);
        bool strange = false;
        if (!target) return jd_error(m->ctx);
        const size_t n = labels_of(m, truth, target, &strange);
        const jd_edits e = jd_edit_distance(m->ctx, target, n, m->found, m->count);
        jd_free(m->ctx, target);
        if (jd_error(m->ctx)) return jd_error(m->ctx);
        wrong = e.total > 0;
        t->edits += e.total;
        t->labels += n;
        t->strange += strange;
    }
    t->items++;
    t->wrong += wrong;
    if (wrong) show(t, item, truth);
    return jd_error(m->ctx);
}

static jd_status eval_samples(tally *t, const char *path, const jd_ink *ink)
{
    jd_ctx *ctx = t->m.ctx;
    for (size_t k = 0; k < ink->count; k++) {
        const jd_ink_sample *s = &ink->items[k];
        if (!*s->text)
            jd_fail(ctx, JD_EDATA,
                    "%s: sample %zu tells no text; without it nothing can be measured (try `jackdaw read`)", path, k);
        if (jd_error(ctx) || reader_ink(&t->m, s) || count(t, *s->id ? s->id : path, s->text)) break;
    }
    return jd_error(ctx);
}

static jd_status eval_ink(tally *t, const char *path)
{
    jd_ink ink = {0};
    if (!jd_read_ink(t->m.ctx, path, &ink)) eval_samples(t, path, &ink);
    jd_ink_free(t->m.ctx, &ink);
    return jd_error(t->m.ctx);
}

/* One recording or picture. */
static jd_status eval_file(tally *t, const char *path, const char *truth)
{
    reader *m = &t->m;
    if (m->ear) {
        jd_sound s = {0};
        if (!jd_read_sound(m->ctx, path, &s)) reader_sound(m, s.samples, s.count, s.rate);
        jd_sound_free(m->ctx, &s);
    } else {
        jd_picture p = {0};
        if (!jd_read_picture(m->ctx, path, 0, &p)) reader_picture(m, &p);
        jd_picture_free(m->ctx, &p);
    }
    return jd_error(m->ctx) ? jd_error(m->ctx) : count(t, path, truth);
}

/* The column that tells what is said or written. */
static int truth_column(jd_ctx *ctx, const jd_tsv *index, const char *path)
{
    static const char *const names[] = {"text", "word", "digit", "label", "class", NULL};
    for (int k = 0; names[k]; k++)
        for (size_t c = 0; c < index->cols; c++)
            if (!strcmp(index->names[c], names[k])) return (int)c;
    jd_fail(ctx, JD_EDATA, "%s: no column tells the truth; it is called text, word, digit, label or class", path);
    return -1;
}

static jd_status eval_index(tally *t, const char *path)
{
    jd_ctx *ctx = t->m.ctx;
    jd_tsv index = {0};
    if (jd_read_tsv(ctx, path, &index)) return jd_error(ctx);
    const int file = jd_tsv_column(ctx, &index, "file");
    const int truth = file < 0 ? -1 : truth_column(ctx, &index, path);
    int split = -1;
    for (size_t c = 0; c < index.cols; c++)
        if (!strcmp(index.names[c], "split")) split = (int)c;
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; i < index.rows && !jd_error(ctx); i++) {
        if (split >= 0 && t->split != JD_ALL && strcmp(text_of(&index, i, split), eval_splits[t->split]) != 0) continue;
        char *name = jd_asprintf(ctx, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, text_of(&index, i, file));
        if (name) eval_file(t, name, text_of(&index, i, truth));
        jd_free(ctx, name);
    }
    jd_tsv_free(ctx, &index);
    return jd_error(ctx);
}

/* A folder with a folder of recordings for each class. */
static jd_status eval_classes(tally *t, const char *dir)
{
    jd_ctx *ctx = t->m.ctx;
    folder f;
    if (folder_open(ctx, dir, t->split, t->m.names, false, &f)) return jd_error(ctx);
    for (size_t i = 0; i < f.files.n && !jd_error(ctx); i++) {
        size_t n;
        const char *name = reader_class(&t->m, f.class[i], &n);
        char *truth = jd_asprintf(ctx, "%.*s", (int)n, name);
        if (truth) eval_file(t, f.files.path[i], truth);
        jd_free(ctx, truth);
    }
    folder_close(ctx, &f);
    return jd_error(ctx);
}

/* Recordings whose names begin with what is said in them, as those of the free spoken digits: 7_jackson_3.wav. */
static jd_status eval_named(tally *t, const char *dir)
{
    static const char *const endings[] = {FILE_SOUNDS, NULL};
    jd_ctx *ctx = t->m.ctx;
    file_list files = {0};
    files_all(ctx, dir, endings, &files);
    for (size_t i = 0; i < files.n && !jd_error(ctx); i++) {
        const char *name = strrchr(files.path[i], '/') + 1, *end = strchr(name, '_');
        char *truth = end ? jd_asprintf(ctx, "%.*s", (int)(end - name), name) : NULL;
        if (!end)
            jd_fail(ctx, JD_EDATA,
                    "%s: what is said in it? name it so that it begins with that and '_', or write a table index.tsv "
                    "with the columns file and text",
                    files.path[i]);
        if (truth) eval_file(t, files.path[i], truth);
        jd_free(ctx, truth);
    }
    files_free(ctx, &files);
    return jd_error(ctx);
}

static bool wanted(const tally *t, int part)
{
    return t->split == JD_ALL || part == (t->split == JD_TEST ? 2 : 0);
}

/* The words and the lines of a set as it is distributed. */
static jd_status eval_distributed(tally *t, const char *dir, hand_set set)
{
    jd_ctx *ctx = t->m.ctx;
    for (int lines = set == HAND_IAM; lines < 2; lines++)
        for (int part = 0; part < 3; part++) {
            jd_ink ink = {0};
            if (wanted(t, part) && !hand_load_folder(ctx, NULL, dir, set, lines, part, &ink))
                eval_samples(t, dir, &ink);
            jd_ink_free(ctx, &ink);
            if (jd_error(ctx)) return jd_error(ctx);
        }
    return JD_OK;
}

/* The words and the lines of a folder of ink, or all files of ink in it and below it. */
static jd_status eval_ink_folder(tally *t, const char *dir)
{
    static const char *const kinds[] = {"words", "lines"}, *const parts[] = {"train", "valid", "test"};
    static const char *const endings[] = {".inkml", ".xml", ".dat", ".ink", NULL};
    jd_ctx *ctx = t->m.ctx;
    const hand_set set = hand_set_in(dir);
    bool any = false;
    if (set != HAND_TABLES) return eval_distributed(t, dir, set);
    for (int k = 0; k < 2; k++)
        for (int p = 0; p < 3; p++) {
            char *name = jd_asprintf(ctx, "%s_%s.tsv", kinds[k], parts[p]);
            char *path = name && wanted(t, p) ? jd_dataset_path(ctx, dir, name) : NULL;
            struct stat st;
            if (path && !stat(path, &st)) {
                any = true;
                eval_ink(t, path);
            }
            jd_free(ctx, name);
            jd_free(ctx, path);
            if (jd_error(ctx)) return jd_error(ctx);
        }
    file_list files = {0};
    if (!any) files_all(ctx, dir, endings, &files);
    for (size_t i = 0; i < files.n && !jd_error(ctx); i++) eval_ink(t, files.path[i]);
    any = any || files.n;
    files_free(ctx, &files);
    return any || jd_error(ctx)
               ? jd_error(ctx)
               : jd_fail(
                     ctx, JD_ENOINPUT,
                     "%s: neither words_%s.tsv nor lines_%s.tsv is in it, nor InkML, UNIPEN (.dat) or IAM-OnDB files",
                     dir, eval_splits[t->split], eval_splits[t->split]);
}

static jd_status eval_all(tally *t)
{
    jd_ctx *ctx = t->m.ctx;
    char *place = eval_place(ctx, t->data), *index = place ? jd_asprintf(ctx, "%s/index.tsv", place) : NULL;
    struct stat st;
    if (!index) {
        jd_free(ctx, place);
        return jd_error(ctx);
    }
    const bool is_folder = !stat(place, &st) && S_ISDIR(st.st_mode), indexed = is_folder && !stat(index, &st);
    if (is_folder && !indexed && !t->m.ear)
        eval_ink_folder(t, place);
    else if (is_folder && !indexed && t->m.classes)
        eval_classes(t, place);
    else if (is_folder && !indexed)
        eval_named(t, place);
    else if (is_folder)
        eval_index(t, index);
    else if (t->m.ear)
        eval_index(t, place);
    else
        eval_ink(t, place);
    if (!jd_error(ctx) && !t->items)
        jd_fail(ctx, JD_EDATA, "%s: no samples of the part '%s'", place, eval_splits[t->split]);
    jd_free(ctx, place);
    jd_free(ctx, index);
    return jd_error(ctx);
}

static void print_confusion(const tally *t)
{
    const reader *m = &t->m;
    printf("\n%-12s", "true\\answer");
    for (int i = -1; i < m->classes; i++) {
        size_t n;
        if (i >= 0) {
            const char *name = reader_class(m, i, &n);
            printf("%-12.*s", n < 12 ? (int)n : 12, name);
        }
        for (int k = 0; k < m->classes; k++) {
            const char *head = reader_class(m, k, &n);
            if (i < 0)
                printf("%8.*s", n < 7 ? (int)n : 7, head);
            else
                printf("%8lld", (long long)t->confusion[i * m->classes + k]);
        }
        printf("\n");
    }
}

static void print(const tally *t, bool json)
{
    const bool choice = t->m.classes > 0;
    const double wrong = 100.0 * (double)t->wrong / (double)t->items;
    const double labels = t->labels ? 100.0 * (double)t->edits / (double)t->labels : t->edits ? (double)INFINITY : 0;
    if (json) {
        printf("{\"data\":");
        cli_json_string(t->data);
        printf(",\"samples\":%zu,\"metric\":\"%s\",\"value\":", t->items, choice ? "error (%)" : "label error (%)");
        cli_json_number(choice ? wrong : labels);
        printf(",\"wrong\":%zu", t->wrong);
        if (!choice) printf(",\"labels\":%zu,\"edits\":%zu,\"unknown_letters\":%zu", t->labels, t->edits, t->strange);
        printf("}\n");
        return;
    }
    if (choice) {
        printf("error (%%) %.4g on %zu samples\n", wrong, t->items);
        if (t->m.classes <= 24) print_confusion(t);
        return;
    }
    printf("label error (%%) %.4g: %zu edits for %zu labels\n", labels, t->edits, t->labels);
    printf("read wrong (%%) %.4g of %zu samples\n", wrong, t->items);
    if (t->strange) printf("%zu samples hold letters that the model does not know\n", t->strange);
}

static void write_report(tally *t, const char *model, const char *path)
{
    jd_ctx *ctx = t->m.ctx;
    jd_report *rep = jd_report_new(ctx, model, t->data);
    const char *cells[3 * SHOWN];
    if (t->m.classes && t->m.classes <= 400) {
        jd_report_section(rep, "Confusion");
        jd_report_confusion(rep, NULL, t->confusion, (size_t)t->m.classes, "True classes in rows, answers in columns.");
    }
    for (int i = 0; i < t->nshown; i++) {
        cells[3 * i] = t->shown[i].item;
        cells[3 * i + 1] = t->shown[i].truth;
        cells[3 * i + 2] = t->shown[i].found;
    }
    jd_report_section(rep, "The worst mistakes");
    if (t->nshown)
        jd_report_table(rep, (const char *const[]){"sample", "truth", "answer"}, cells, (size_t)t->nshown, 3,
                        "The wrong answers of which the model was surest.");
    jd_report_write(rep, path);
    jd_report_free(rep);
}

int eval_reader(jd_ctx *ctx, const cli_args *a, const char *data, jd_split split)
{
    tally t = {.data = data, .split = split};
    const char *out = cli_text(a, "output", NULL);
    if (!reader_open(ctx, &t.m, a->rest[0])) {
        const size_t classes = (size_t)t.m.classes;
        t.confusion = jd_alloc_array(ctx, classes * classes + 1, sizeof *t.confusion);
        if (t.confusion && !eval_all(&t)) {
            print(&t, cli_has(a, "json"));
            if (out) write_report(&t, a->rest[0], out);
        }
        for (int i = 0; i < t.nshown; i++) {
            jd_free(ctx, t.shown[i].item);
            jd_free(ctx, t.shown[i].truth);
            jd_free(ctx, t.shown[i].found);
        }
        jd_free(ctx, t.confusion);
        reader_close(&t.m);
    }
    return cli_end("eval", ctx);
}
