/*
 * cells.h - cells of tables as people write them: dates, times of day, decimal commas, units, currencies, per cents.
 *
 * A form says how the cells of a column become numbers; jd_read_csv (data.h) finds the forms of a table, a model's file keeps them:
 *
 *     ""                  as C writes numbers
 *     "number point kg"   1,234.5 kg: a decimal point, commas between thousands or none, and a unit behind or a currency before,
 *                         "number point" without one
 *     "number comma"      1.234,5 or 1 234,5
 *     "date y-m-d"        2026-11-22: days since the first of January 2000
 *     "date d-m-y"        22.11.2026, 22/11/26
 *     "date m-d-y"        11/22/2026
 *     "date y-m-d time"   2026-11-22T14:05:30, 2026-11-22 2:05 pm: with a fraction of the day; likewise the other orders
 *     "time"              14:05, 2:05 pm: a fraction of a day
 *     "log C S; FORM"     numbers with long tails: as FORM, but a network gets sign(x - C) ln(1 + |x - C| / S)
 *
 * Where forms are given, a line end ends one too, so that a place in a list of forms is a form.
 */
#ifndef JACKDAW_CELLS_H
#define JACKDAW_CELLS_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a cell says in this form; false where it says nothing.  A unit may be left out, but not be another one. */
JD_API bool jd_cell_value(const char *form, const char *cell, double *value);

/* How many inputs of a network a cell becomes: 1; of a date 5, with a time of day 7; of a time of day 3. */
JD_API int jd_cell_inputs(const char *form);
/* These.  Numbers as they are, or their logarithm.  Dates: days since 2000, sine and cosine of the place in the week and in the year, of a time also in the day; times of day:
 * the fraction of the day, its sine and cosine.  NaN stays NaN. */
JD_API void jd_cell_spread(const char *form, double value, float *out);
/* What input i of the column `name` is, such as "sine of the weekday of when". */
JD_API const char *jd_cell_input_name(const char *form, int i);

/* The line of a list, NULL or with \n between its lines, that column k has; "" behind its end. */
JD_API const char *jd_cell_line(const char *list, size_t k);

#ifdef __cplusplus
}
#endif
#endif
