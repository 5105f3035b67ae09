/* onnx.h - what the files of the ONNX form share. */
#ifndef JD_EXPORT_ONNX_H
#define JD_EXPORT_ONNX_H

#include "export/onnx_graph.h"
#include "export/plan.h"

typedef struct jd_onnx_writer {
    jd_onnx g;
    const jd_export_plan *p;
    bool primitives;
    const char *mask;    /* (T,B,1): 1 while a sample lasts; NULL: all steps count */
    const char *x;       /* the value that the next layer takes */
    const char *before;  /* the input of the layer before, channels last, if that is stacked */
    bool channels_first; /* of a picture */
} jd_onnx_writer;

/* Puts a picture's channels first or last. */
void jd__onnx_layout(jd_onnx_writer *w, bool first);
void jd__onnx_activation(jd_onnx_writer *w, jd_activation act);
/* Layers of pictures (onnx_pictures.c, onnx_mdlstm.c). */
jd_status jd__onnx_picture(jd_onnx_writer *w, const jd_export_layer *x);
jd_status jd__onnx_mdlstm(jd_onnx_writer *w, const jd_export_layer *x);
/* The constant that is v (rows,columns) transposed. */
const char *jd__onnx_turned(jd_onnx_writer *w, const char *stem, const float *v, int64_t rows, int64_t columns);
/* 1, 2 .. T, as (T,1) floats, for x (T,...). */
const char *jd__onnx_time(jd_onnx *g, const char *x);
/* Zeros of the first so many dimensions of x but one, (..,n): of x (T,B,N) and from 1 (B,n), of x (H,W,B,N) and 2 (W,B,n). */
const char *jd__onnx_zeros(jd_onnx *g, const char *x, int dims, int64_t n);
/* A recurrent layer, as ONNX's operator for it, or as a Scan of primitives, which has what the operator lacks: projection and
 * normalisation (onnx_recurrent.c). */
jd_status jd__onnx_recurrent(jd_onnx_writer *w, const jd_export_layer *x);
jd_status jd__onnx_scan(jd_onnx_writer *w, const jd_export_layer *x);

#endif
