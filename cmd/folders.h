/* folders.h - files of classes in folders: a folder for each class, or a table index.tsv that names them. */
#ifndef JD_CMD_FOLDERS_H
#define JD_CMD_FOLDERS_H

#include "files.h"

typedef struct class_folder {
    char *path;
    const char *name;
    int class;
    bool held;
} class_folder;

typedef struct folder {
    file_list files; /* of all classes, class by class, or in the order of the table */
    int32_t *class;  /* (files.n) */
    bool *held;      /* (files.n) kept to validate on, of the part to train on */
    char **text;     /* (files.n) what the table says of each, or NULL */
    double *box;     /* (files.n,6): orig_w orig_h roi_x1 roi_y1 roi_x2 roi_y2 of pictures, see folder_open; or NULL */
    char *names;     /* of the classes (classes.h); NULL: numbers */
    int classes;
    bool sounds; /* WAV, FLAC or SPHERE; else pictures */
    class_folder *dir;
    size_t dirs; /* scratch: the folders of classes */
} folder;

#define FILE_SOUNDS                                                                                                    \
    ".wav", ".flac", ".sph", ".nist", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aiff", ".aif", ".aifc", ".au", ".snd"

/* What is in dir/CLASS/ and below, where dir/testing_list.txt and dir/validation_list.txt may name those to test and to validate on
 * (CLASS/FILE in each line); or in dir/train/CLASS/, dir/test/CLASS/ and perhaps dir/val/CLASS/; or what a table in dir lists:
 * index.tsv, or one that is called after the split, test.tsv, or labels, train, or the only one, tab-separated or .csv with commas or
 * semicolons; `dir` may also be such a table.  Its column file (or path, image, id...) names the files, which lie beside it or in a
 * folder there or beside that, the column class, label, word, digit, text (or the like, or the only other one) tells the class, and
 * `split`, where it is there, the part; of pictures roi_x1 roi_y1 roi_x2 roi_y2, where they are there, are the box, inclusive, that
 * is cut out, in a picture of orig_w x orig_h pixels if these are there too.  names NULL: whatever there is makes the classes;
 * "": numbers; else only these may occur.  texts: the table's column text, or else the others, is kept as it is, and there is one
 * class. */
jd_status folder_open(jd_ctx *ctx, const char *dir, jd_split split, const char *names, bool texts, folder *out);
/* Whether a name ends as those of recordings do. */
bool folder_is_sound(const char *path);
void folder_close(jd_ctx *ctx, folder *f);
/* Whether there is a part to test on. */
bool folder_has_test(jd_ctx *ctx, const char *dir);

/* folder_table.c: the path of the table of a part, or NULL, for jd_free; its separator; whether it tells a part to test on. */
char *folder_table(jd_ctx *ctx, const char *dir, jd_split split);
char folder_separator(jd_ctx *ctx, const char *table);
bool folder_table_tests(jd_ctx *ctx, const char *table);
/* Whether a file is a table that lists files which are there. */
bool folder_is_table(jd_ctx *ctx, const char *path);
/* What comes before the last / of a path, for jd_free. */
char *folder_of(jd_ctx *ctx, const char *path);
jd_status folder_read_table(jd_ctx *ctx, const char *dir, const char *table, jd_split part, const char *names,
                            bool texts, folder *f);

/* Names of the classes: those that are known or else all of word (n). */
jd_status folder_classes(jd_ctx *ctx, folder *f, const char *where, const char *names, const char *const *word,
                         size_t n);
/* The class of a name; -1 and an error for a wrong one. */
int folder_class(jd_ctx *ctx, folder *f, const char *where, const char *name);

#endif
