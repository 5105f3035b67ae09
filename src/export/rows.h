/* rows.h - rows of a table as people write them, for a model that learned from one (model.h). */
#ifndef JD_EXPORT_ROWS_H
#define JD_EXPORT_ROWS_H

#include "jackdaw/io.h"

/* A column: its name in the model's file, the form of its cells (cells.h), or the words that it may hold, sorted. */
typedef struct jd__row_column {
    char *name;
    const char *form;
    const char **word; /* (words), each ended by | or a line's end */
    size_t words;
} jd__row_column;

typedef struct jd__rows {
    char *columns, *categories, *forms; /* of the file, or NULL */
    jd__row_column *column;             /* (n) */
    size_t n;
} jd__rows;

/* What a file says of its table; n is 0 where it says nothing, or nothing that gives so many inputs. */
jd_status jd__rows_read(jd_ctx *ctx, const jd_tensor_file *f, int64_t inputs, jd__rows *r);
void jd__rows_free(jd_ctx *ctx, jd__rows *r);
/* cells (n) -> in (inputs); NaN for those that are missing. */
jd_status jd__rows_take(jd_ctx *ctx, const jd__rows *r, const char *const *cells, float *in);

#endif
