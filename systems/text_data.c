/* text_data.c - where the texts come from; see text.h. */
#include "jackdaw/data.h"
#include "names.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEAST = 20000 };
static const size_t MOST = (size_t)1 << 28;

text_alphabet text_alphabet_of(const uint8_t *bytes, size_t n)
{
    text_alphabet a = {0};
    bool there[256] = {false};
    for (size_t i = 0; i < n; i++) there[bytes[i]] = true;
    for (int c = 0; c < 256; c++) {
        if (!there[c]) continue;
        a.code[c] = a.n;
        a.byte[a.n++] = (uint8_t)c;
    }
    a.escape = a.n++;
    for (int c = 0; c < 256; c++)
        if (!there[c]) a.code[c] = a.escape;
    return a;
}

static void copy(jd_ctx *ctx, const uint8_t *from, size_t n, text_part *out)
{
    out->bytes = jd_alloc_array(ctx, n + 1, 1);
    if (out->bytes) memcpy(out->bytes, from, n);
    out->n = out->bytes ? n : 0;
}

/* The last tenth is the test, a twentieth before it the validation. */
static void cut(jd_ctx *ctx, const uint8_t *bytes, size_t n, text_set *s)
{
    const size_t test = n / 10, valid = n / 20;
    copy(ctx, bytes, n - test - valid, &s->train);
    copy(ctx, bytes + n - test - valid, valid, &s->valid);
    copy(ctx, bytes + n - test, test, &s->test);
}

/* Texts one after the other, with a line's end between them. */
static jd_status append(jd_ctx *ctx, const char *path, uint8_t **text, size_t *n)
{
    size_t more = 0;
    uint8_t *bytes = jd_read_gz(ctx, path, MOST, &more);
    if (bytes && *n + more + 1 > MOST)
        jd_fail(ctx, JD_EDATA, "%s: with the texts before it more than %zu bytes; take some away", path, MOST);
    uint8_t *larger = bytes && !jd_error(ctx) ? jd_realloc(ctx, *text, *n, *n + more + 1) : NULL;
    if (larger) {
        *text = larger;
        memcpy(larger + *n, bytes, more);
        larger[*n + more] = '\n';
        *n += more + 1;
    }
    jd_free(ctx, bytes);
    return jd_error(ctx);
}

/* A file, or all .txt files of a folder and those below it in the order of their names. */
static jd_status read_own(jd_ctx *ctx, const char *path, text_set *s)
{
    size_t n = 0, files = 0;
    uint8_t *bytes = NULL;
    struct stat st;
    const bool folder = !stat(path, &st) && S_ISDIR(st.st_mode);
    char **file = folder ? names_below(ctx, path, ".txt", &files) : NULL;
    for (size_t i = 0; i < files && !jd_error(ctx); i++) append(ctx, file[i], &bytes, &n);
    names_free(ctx, file, files);
    if (!folder) bytes = jd_read_gz(ctx, path, MOST, &n);
    if (!jd_error(ctx) && n < LEAST)
        jd_fail(ctx, JD_EDATA, "%s: %zu bytes%s; a text to learn from has %d or more", path, n,
                folder ? " in its .txt files" : "", LEAST);
    if (!jd_error(ctx)) cut(ctx, bytes, n, s);
    snprintf(s->source, sizeof s->source, "%s", path);
    jd_free(ctx, bytes);
    return jd_error(ctx);
}

/* The speeches as NLTK has them, a file each, 1945-Truman.txt to 2006-GWBush.txt, in the parts of the set. */
static jd_status read_years(jd_ctx *ctx, const char *dir, text_part *const part[3])
{
    size_t files;
    char **file = names_below(ctx, dir, ".txt", &files);
    for (size_t i = 0; i < files && !jd_error(ctx); i++) {
        const int year = atoi(strrchr(file[i], '/') + 1), k = year <= 1998 ? 0 : year <= 2001 ? 1 : 2;
        append(ctx, file[i], &part[k]->bytes, &part[k]->n);
    }
    names_free(ctx, file, files);
    return jd_error(ctx);
}

/* Nothing, without an error, where the set is not on this machine. */
static jd_status read_speeches(jd_ctx *ctx, text_set *s)
{
    static const char *const name[] = {"train.txt", "valid.txt", "test.txt"};
    text_part *const part[] = {&s->train, &s->valid, &s->test};
    char *dir = jd_dataset_folder(ctx, "state_union", NULL);
    if (!dir && jd_error(ctx) == JD_ENOINPUT) {
        jd_error_clear(ctx);
        return JD_OK;
    }
    char *path = dir ? jd_dataset_path(ctx, dir, name[0]) : NULL;
    const bool years = path && access(path, F_OK);
    jd_free(ctx, path);
    if (years) read_years(ctx, dir, part);
    for (int k = 0; k < 3 && !years && !jd_error(ctx); k++) {
        path = jd_dataset_path(ctx, dir, name[k]);
        part[k]->bytes = path ? jd_read_gz(ctx, path, MOST, &part[k]->n) : NULL;
        jd_free(ctx, path);
    }
    for (int k = 0; k < 3 && !jd_error(ctx); k++)
        if (part[k]->n < LEAST / 20)
            jd_fail(ctx, JD_EDATA, "%s: %s: %zu bytes; %d or more are needed", dir, name[k], part[k]->n, LEAST / 20);
    jd_free(ctx, dir);
    snprintf(s->source, sizeof s->source, "speeches on the state of the union, 1945 to 2006");
    return jd_error(ctx);
}

/* Licences that every Debian machine has: 250,000 characters of dry English, cut as a text of one's own. */
static jd_status read_licences(jd_ctx *ctx, text_set *s)
{
    static const char *const name[] = {"GPL-3",   "Apache-2.0", "MPL-2.0", "GFDL-1.3", "LGPL-2.1", "Artistic",
                                       "MPL-1.1", "GFDL-1.2",   "GPL-2",   "LGPL-2",   "GPL-1"};
    uint8_t *all = jd_alloc_array(ctx, 1 << 20, 1);
    size_t n = 0;
    for (size_t k = 0; all && k < sizeof name / sizeof *name; k++) {
        char path[80];
        snprintf(path, sizeof path, "/usr/share/common-licenses/%s", name[k]);
        FILE *f = fopen(path, "rb");
        if (!f) continue;
        n += fread(all + n, 1, ((size_t)1 << 20) - n, f);
        fclose(f);
    }
    if (all && n < LEAST)
        jd_fail(
            ctx, JD_ENOINPUT,
            "no text: neither the set state_union nor Debian's licences are here; give a text file with --data FILE");
    if (!jd_error(ctx)) cut(ctx, all, n, s);
    snprintf(s->source, sizeof s->source, "the licences in /usr/share/common-licenses");
    jd_free(ctx, all);
    return jd_error(ctx);
}

jd_status text_read(jd_ctx *ctx, const char *path, text_set *out)
{
    *out = (text_set){0};
    if (path)
        read_own(ctx, path, out);
    else if (!read_speeches(ctx, out) && !out->train.n)
        read_licences(ctx, out);
    if (!jd_error(ctx)) out->alphabet = text_alphabet_of(out->train.bytes, out->train.n);
    return jd_error(ctx);
}

void text_free(jd_ctx *ctx, text_set *s)
{
    jd_free(ctx, s->train.bytes);
    jd_free(ctx, s->valid.bytes);
    jd_free(ctx, s->test.bytes);
    *s = (text_set){0};
}
