/* files.h - the files that `read` and `predict` work on, and what is done about those that cannot be used. */
#ifndef JD_CMD_FILES_H
#define JD_CMD_FILES_H

#include "cli.h"

typedef struct file_list {
    char **path; /* (n), sorted inside a folder */
    size_t n;
    bool folder; /* one of the operands was a folder */
    bool skip;   /* --skip-bad */
    size_t skipped;
    const char *command;
} file_list;

/* The operands from the second on; for a folder, the files directly in it or, where there are none, in the folders below it,
 * whose names end like one of `endings` (NULL at the end), whatever the case. */
jd_status files_list(jd_ctx *ctx, const cli_args *a, const char *const *endings, file_list *out);
/* Adds the files directly in `dir` whose names end like one of `endings`, sorted; none is an error. */
jd_status files_in(jd_ctx *ctx, const char *dir, const char *const *endings, file_list *l);
/* The same, and those in all folders below it; none is no error. */
jd_status files_all(jd_ctx *ctx, const char *dir, const char *const *endings, file_list *l);
/* Adds the folders in `dir`, sorted, without hidden ones. */
jd_status files_folders(jd_ctx *ctx, const char *dir, file_list *l);
/* Adds one; it takes `path`, which may be NULL after an error. */
jd_status files_add(jd_ctx *ctx, file_list *l, char *path);
void files_free(jd_ctx *ctx, file_list *l);
bool file_ends(const char *path, const char *ending);
/* Those that cannot be read are named too, so that their pictures are not passed over in silence. */
#define FILE_PICTURES                                                                                                  \
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".pgm", ".ppm", ".pnm", ".pbm", ".tif", ".tiff", ".bmp", ".gif",         \
        ".webp", ".avif", ".heic", ".jp2"
bool file_is_picture(const char *path);
#define FILE_VOLUMES ".nii", ".nii.gz", ".hdr", ".hdr.gz", ".tif", ".tiff"
/* After each file: true when the work may go on.  With --skip-bad a file's error is said, counted and forgotten. */
bool files_next(jd_ctx *ctx, file_list *l);
/* At the end: says how many were skipped, which is an error when nothing is left. */
void files_end(jd_ctx *ctx, file_list *l);

/* How answers are written. */
typedef enum file_form { FILES_PLAIN, FILES_JSON, FILES_CSV } file_form;
/* What is done to each of the files that a command is given and that becomes a file of its own: `heading` begins a table of the
 * answers, `each` works on file `at`, whose result is called by its stem. */
typedef struct file_work {
    const char *const *endings;
    void (*heading)(void *user);
    void (*each)(void *user, const file_list *files, size_t at, const char *stem, file_form how);
    void *user;
} file_work;
void files_work(jd_ctx *ctx, const cli_args *a, const file_work *w);

/* What results are called: each file's name without its folder and its ending, of which the last in the list that fits is
 * taken off; where two files would share it, with the folder before it: a/x.png, b/x.png -> a-x, b-x.  NULL, and an error, where these
 * agree too. */
char **files_stems(jd_ctx *ctx, const file_list *l, const char *const *endings);
void files_free_stems(jd_ctx *ctx, const file_list *l, char **stem);
/* Errors where the file `out` is one of those given. */
jd_status files_spare(jd_ctx *ctx, const file_list *l, const char *out);

/* A text file whole, gzip-ed or not, for jd_free; one with bytes 0 in it is an error. */
char *file_text(jd_ctx *ctx, const char *path);
/* Cuts the next line off a text, without its \n or \r\n; NULL at the end. */
char *file_line(char **at);

/* A field of a CSV line, quoted where it must be. */
void csv_field(FILE *f, const char *s);

/* `read`, and `predict` for models that read or hear: all of it, with an open context that it closes. */
int read_files(jd_ctx *ctx, const cli_args *a);

#endif
