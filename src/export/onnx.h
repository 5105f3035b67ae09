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

/* The constant that is v (rows,columns) transposed. */
const char *jd__onnx_turned(jd_onnx_writer *w, const char *stem, const float *v, int64_t rows, int64_t columns);
/* 1, 2 .. T, as (T,1) floats; T is the input's. */
const char *jd__onnx_time(jd_onnx *g);
/* A recurrent layer, as ONNX's operator for it, or as a Scan of primitives (onnx_recurrent.c). */
jd_status jd__onnx_recurrent(jd_onnx_writer *w, const jd_export_layer *x);
jd_status jd__onnx_scan(jd_onnx_writer *w, const jd_export_layer *x);

#endif
