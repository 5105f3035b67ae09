/* read.c - `jackdaw read`: the text that a model reads in ink or pictures, or hears in recordings. */
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "reader.h"

typedef enum form { PLAIN, JSON, CSV } form;

static void print_one(const reader *m, const char *file, size_t i, form how)
{
    if (how == JSON) {
        printf("{\"file\":");
        cli_json_string(file);
        printf(",\"index\":%zu,\"%s\":", i, m->classes ? "class" : "text");
        cli_json_string(m->text);
        printf(",\"probability\":%.6g}\n", m->confidence);
    } else if (how == CSV) {
        csv_field(stdout, file);
        printf(",%zu,", i);
        csv_field(stdout, m->text);
        printf(",%.6g\n", m->confidence);
    } else {
        printf("%s:%zu  %s\n", file, i, m->text);
    }
}

static jd_status read_sound(reader *m, const char *path)
{
    jd_sound s = {0};
    if (jd_read_sound(m->ctx, path, &s)) return jd_error(m->ctx);
    reader_sound(m, s.samples, s.count, s.rate);
    jd_sound_free(m->ctx, &s);
    return jd_error(m->ctx);
}

static jd_status read_picture(reader *m, const char *path)
{
    jd_picture p = {0};
    if (jd_read_picture(m->ctx, path, 0, &p)) return jd_error(m->ctx);
    reader_picture(m, &p);
    jd_picture_free(m->ctx, &p);
    return jd_error(m->ctx);
}

/* Errors about what a file holds do not know its name. */
static jd_status named(jd_ctx *ctx, const char *path)
{
    const jd_status e = jd_error(ctx);
    char *message = e && !strstr(jd_error_message(ctx), path) ? strdup(jd_error_message(ctx)) : NULL;
    if (message) {
        jd_error_clear(ctx);
        jd_fail(ctx, e, "%s: %s", path, message);
    }
    free(message);
    return e;
}

static jd_status read_file(reader *m, const char *path, form how)
{
    jd_ctx *ctx = m->ctx;
    if (m->ear || file_is_picture(path)) {
        if (!(m->ear ? read_sound(m, path) : read_picture(m, path))) print_one(m, path, 0, how);
        return named(ctx, path);
    }
    jd_ink ink = {0};
    if (jd_read_ink(ctx, path, &ink)) return jd_error(ctx);
    for (size_t k = 0; k < ink.count && !reader_ink(m, &ink.items[k]); k++) print_one(m, path, k, how);
    jd_ink_free(ctx, &ink);
    return named(ctx, path);
}

int read_files(jd_ctx *ctx, const cli_args *a)
{
    static const char *const sounds[] = {".wav", ".flac", ".sph", NULL};
    static const char *const inks[] = {".inkml", ".txt", ".tsv", ".tsv.gz", NULL};
    static const char *const lines[] = {FILE_PICTURES, ".inkml", ".txt", ".tsv", ".tsv.gz", NULL};
    reader m;
    file_list files = {0};
    if (!reader_open(ctx, &m, a->rest[0])) {
        if (!files_list(ctx, a, m.ear ? sounds : m.ink.rows ? lines : inks, &files)) {
            const form how = cli_has(a, "json") ? JSON : cli_has(a, "csv") || files.folder ? CSV : PLAIN;
            if (how == CSV) printf(m.classes ? "file,index,class,probability\n" : "file,index,text,probability\n");
            for (size_t i = 0; i < files.n; i++) {
                read_file(&m, files.path[i], how);
                if (!files_next(ctx, &files)) break;
            }
            files_end(ctx, &files);
        }
        files_free(ctx, &files);
        reader_close(&m);
    }
    return cli_end(a->command->name, ctx);
}

int cmd_read(int argc, char **argv)
{
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    jd_ctx *ctx = cli_context(&a, &code);
    return ctx ? read_files(ctx, &a) : code;
}
