/* folders.h - files of classes in folders: a folder for each class, or a table index.tsv that names them. */
#ifndef JD_CMD_FOLDERS_H
#define JD_CMD_FOLDERS_H

#include "files.h"

typedef struct class_folder {
    char *path;
    const char *name;
    int class;
} class_folder;

typedef struct folder {
    file_list files; /* of all classes, class by class, or in the order of the table */
    int32_t *class;  /* (files.n) */
    char **text;     /* (files.n) what the table says of each, or NULL */
    double *box;     /* (files.n,6): orig_w orig_h roi_x1 roi_y1 roi_x2 roi_y2 of pictures, see folder_open; or NULL */
    char *names;     /* of the classes (classes.h); NULL: numbers */
    int classes;
    bool sounds; /* WAV, FLAC or SPHERE; else pictures */
    class_folder *dir;
    size_t dirs; /* scratch: the folders of classes */
} folder;

#define FILE_SOUNDS ".wav", ".flac", ".sph", ".nist"

/* texts: the table's column text, or else the others, is kept as it is, and there is one class.  What is in dir/CLASS/, where
 * dir/testing_list.txt may name those to test on (CLASS/FILE in each line), or in dir/train/CLASS/ and dir/test/CLASS/, or what a table in dir lists, index.tsv or one that is
 * called after the split, test.tsv, or labels, tab-separated or .csv with commas or semicolons.  Its column `file` names the
 * files beside it, the column class, label, word, digit or text tells the class, and `split`, where it is there, the part; of
 * pictures roi_x1 roi_y1 roi_x2 roi_y2, where they are there, are the box, inclusive, that is cut out, in a picture of
 * orig_w x orig_h pixels if these are there too.  names NULL: whatever there is makes the classes; "": numbers; else only these may occur. */
jd_status folder_open(jd_ctx *ctx, const char *dir, jd_split split, const char *names, bool texts, folder *out);
void folder_close(jd_ctx *ctx, folder *f);
/* The path of the table of a part, or NULL, for jd_free; its separator. */
char *folder_table(jd_ctx *ctx, const char *dir, jd_split split);
char folder_separator(jd_ctx *ctx, const char *table);
/* Whether there is a part to test on. */
bool folder_has_test(jd_ctx *ctx, const char *dir);

#endif
