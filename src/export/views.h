/*
 * views.h - the networks of a model, one or those of a committee, and how each of them sees a picture.
 *
 * A view is a picture after a line of preparation (prepare.h), in the upper left of what the networks take, background, 0, below
 * and to the right.  Members that are prepared alike share a view.
 */
#ifndef JD_EXPORT_VIEWS_H
#define JD_EXPORT_VIEWS_H

#include "jackdaw/export.h"
#include "jackdaw/io.h"

enum { JD_VIEWS = 15, JD_VIEW_NAME = 8 };

typedef struct jd_views {
    jd_export_member *member; /* at least one; the list may be the file's, else it is the net alone */
    int members;
    bool listed;
    int *sees;               /* (members) the view of each */
    char *prepare[JD_VIEWS]; /* (views) all different; "": nothing is done */
    int views;               /* one, unless the model takes pictures */
    int64_t height, width;   /* of pictures before anything is done to them */
} jd_views;

/* What the file says of the model `e`, of which .net and the input are known.  Errors: JD_EDATA. */
jd_status jd__views_read(jd_ctx *ctx, const char *name, const jd_tensor_file *f, const jd_export *e, jd_views *v);
void jd__views_free(jd_ctx *ctx, jd_views *v);

/* The name of the input that takes a view: "x", "x2", "x3"... */
const char *jd__view_input(int view, char name[JD_VIEW_NAME]);

/* Whether the networks take pictures as they are. */
bool jd__views_plain(const jd_views *v, const jd_export *e);
/* n pictures (n,height,width,channels) of 0 to 255 as a view shows them and the networks take them: x (n,e->height,e->width,
 * e->channels).  Preparation is arithmetic of bytes, so the pixels are rounded before it. */
jd_status jd__view_see(jd_ctx *ctx, const jd_views *v, int view, const jd_export *e, const float *in, int64_t n,
                       float *x);
/* n pixels of 0 to 255 -> the range of e; x may be `in`. */
void jd__pixels_in(const jd_export *e, const float *in, int64_t n, float *x);

/* The answer to the views, of a committee the mean of its members'.  `halves`: their outputs are in [-1,1], and a committee's
 * become probabilities before the mean. */
jd_node jd__views_answer(jd_graph *g, const jd_views *v, bool softmax, bool halves);

#endif
