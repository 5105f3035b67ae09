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
    char *names;     /* of the classes (classes.h); NULL: numbers */
    int classes;
    bool sounds; /* WAV, FLAC or SPHERE; else pictures */
    class_folder *dir;
    size_t dirs; /* scratch: the folders of classes */
} folder;

#define FILE_SOUNDS ".wav", ".flac", ".sph", ".nist"

/* What is in dir/CLASS/, or in dir/train/CLASS/ and dir/test/CLASS/, or what dir/index.tsv lists: its column `file` names the
 * files beside it, the column class, label, word, digit or text tells the class, and `split`, where it is there, the part.
 * names NULL: whatever there is makes the classes; "": numbers; else only these may occur. */
jd_status folder_open(jd_ctx *ctx, const char *dir, jd_split split, const char *names, folder *out);
void folder_close(jd_ctx *ctx, folder *f);
/* Whether there is a part to test on. */
bool folder_has_test(jd_ctx *ctx, const char *dir);

#endif
