/*
 * masks.h - pictures with a mask each, whose values say what every pixel is: found in folders, read, made classes.
 *
 * Pairs are DIR/images/NAME.* and DIR/masks/NAME.png (or image, imgs, img; mask, labels, label), in a folder `train` and a folder
 * `test` or in DIR itself, of which images.tsv (columns image, split) may tell the part; a folder of pictures and one of masks
 * given apart; or, as the Data Science Bowl has them, DIR/ID/images/ID.png and a mask for each object in DIR/ID/masks/.
 */
#ifndef JD_CMD_MASKS_H
#define JD_CMD_MASKS_H

#include "files.h"
#include "model.h"

enum { MASKS_CLASSES = 32 };

/* What values mean: each a class; or all but 0 are objects, and pixels where two touch count as background.  By themselves: as many
 * classes as the net has outputs, or objects where it has two and the values are more. */
typedef enum masks_kind { MASKS_AUTO, MASKS_CLASSES_EACH, MASKS_OBJECTS } masks_kind;
extern const char *const masks_kinds[]; /* words of --mask-values: auto, classes, objects */

typedef struct masked {
    char *name;
    int height, width;
    uint8_t *pixels; /* (height,width,channels) */
    uint8_t *label;  /* (height,width) */
} masked;

typedef struct masks {
    size_t n, skipped;
    masked *picture;
    int channels; /* 1 where all pictures are grey, else 3 */
    masks_kind kind;
    bool several;  /* there was more than one mask for a picture */
    bool softened; /* grey edges: a value above 127 is the object */
    int classes;
    char *names; /* with | between: the values, "#rrggbb" of colours, or "background|object" */
} masks;

typedef struct masks_options {
    const char *folder; /* of the masks; NULL: beside the pictures */
    jd_split split;
    masks_kind kind;
    int64_t outputs;   /* of the net, for MASKS_AUTO */
    int channels;      /* 0: what the pictures have */
    const char *names; /* of a model's classes, by which values are read; NULL: whatever there is makes the classes */
    bool skip;         /* pictures that cannot be used are passed over */
} masks_options;

/* Whether a folder holds pictures and masks by these names. */
bool masks_are(jd_ctx *ctx, const char *dir);
/* Whether it has a part to test on. */
bool masks_have_test(jd_ctx *ctx, const char *dir);
jd_status masks_load(jd_ctx *ctx, const char *dir, const masks_options *o, masks *out);
void masks_free(jd_ctx *ctx, masks *m);

/* What pictures and masks are like, by which a network is chosen for them (masks_traits.c). */
typedef struct masks_traits {
    double
        thickness; /* of the finest class: the mean over its pixels of the shorter of two runs, along the row and the column */
    double side;  /* the mean of the pictures' shorter sides */
    bool upright; /* a class lies in the upper or in the lower half of nearly all pictures: up is not down */
} masks_traits;
jd_status masks_look(jd_ctx *ctx, const masks *m, masks_traits *out);

/* Pairs of files (masks_find.c): mask.n of picture i are mask.path[first[i]] to mask.path[first[i + 1]]. */
typedef struct mask_pairs {
    file_list picture, mask;
    size_t *first; /* (picture.n + 1) */
} mask_pairs;
jd_status masks_find(jd_ctx *ctx, const char *dir, const masks_options *o, mask_pairs *out);
void masks_forget(jd_ctx *ctx, mask_pairs *p);

#endif
