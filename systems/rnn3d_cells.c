/* rnn3d_cells.c - the cells of rnn3d_cells.h in both precisions. */
#include <string.h>

#include "jackdaw/exp.h"
#include "rnn3d_cells.h"

#define REAL    float
#define NAME(f) f##_float
#include "rnn3d_cells.h"
#undef REAL
#undef NAME

#define REAL    double
#define NAME(f) f##_double
#include "rnn3d_cells.h"
#undef REAL
#undef NAME

const r3_kernels r3_float = {sizeof(float), forward_float,   backward_float,   pack_float,
                             unpack_float,  pack_back_float, unpack_back_float};
const r3_kernels r3_double = {sizeof(double), forward_double,   backward_double,   pack_double,
                              unpack_double,  pack_back_double, unpack_back_double};
