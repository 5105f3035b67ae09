/* c.h - what the parts of the C form share. */
#ifndef JD_EXPORT_C_H
#define JD_EXPORT_C_H

#include "export/plan.h"

typedef enum jd_export_part_kind {
    JD_PART_SIGMOID,
    JD_PART_PIXELS,
    JD_PART_NORMALISE,
    JD_PART_DENSE,
    JD_PART_CONV,
    JD_PART_MAXPOOL,
    JD_PART_AVGPOOL,
    JD_PART_TANH,
    JD_PART_LOGISTIC,
    JD_PART_RELU,
    JD_PART_SCALED_TANH,
    JD_PART_SOFTMAX,
    JD_PART_LSTM,
    JD_PART_GRU,
    JD_PART_SRN,
    JD_PART_CLOCKWORK,
    JD_PART_EMBED,
    JD_PART_HIGHWAY,
    JD_PART_AFFINE,
    JD_PART_LAYERNORM,
    JD_PART_CONCAT,
    JD_PART_POLYNOMIAL,
    JD_PART_CLAMP,
    JD_PART_WINDOW,
    JD_PART_LSTM_NORMALISED,
    JD_PART_CONTRAST,
    JD_PART_BLOCKS,
    JD_PART_COLLAPSE,
    JD_PART_MDLSTM,
    JD_PART_KINDS
} jd_export_part_kind;

typedef struct jd_export_part {
    unsigned needs; /* bits of other parts */
    const char *text;
} jd_export_part;
extern const jd_export_part jd__export_parts[JD_PART_KINDS];

/* What is being written: the C file, its header, and where in the network the writer is. */
typedef struct jd_c_writer {
    jd_buffer c, h;
    const jd_export_plan *p;
    const char *name;
    unsigned parts; /* bits of jd_export_part_kind */
    int first;      /* layers of the members before, for the weights' names */
    int at, before; /* where the values are, and those of the layer before: 0 the input, 1 a, 2 b */
    bool whole;     /* sequences are whole: work on all steps */
    bool halves;    /* matrices of halves were written */
    int64_t units, gates, line, cells, side, patch; /* that the parts' scratch must hold */
} jd_c_writer;

/* Outputs that the file computes side by side: a compiler makes vectors of them without changing the order of a sum. */
enum { JD_C_LANES = 32 };

/* c_weights.c: the constants. */
void jd__c_weights(jd_c_writer *w);

/* c_layers.c: the statements that take the input through all layers to the output. */
void jd__c_body(jd_c_writer *w);

#endif
