/* forms.h - in words: the forms of a table's columns (jackdaw/cells.h), and what reading a table found. */
#ifndef JD_CMD_FORMS_H
#define JD_CMD_FORMS_H

#include "columns.h"
#include "model.h"

enum { FORM_WORDS = 120 };

/* "dates, day.month.year", "numbers with a decimal comma, in kg"; "" for plain numbers. */
const char *form_words(const char *form, char out[FORM_WORDS]);
/* What input k of a model of a table is: the name of its column, of a date "sine of the day of the week of when". */
const char *input_title(const model *m, int k, char out[COLUMN_NAME]);
/* What a run tells of the columns: those left out, those with forms, words that are new in the test. */
void forms_note(jd_run *r, const samples *s);
/* The section of a report that lists the columns and what became of them. */
void forms_report(jd_ctx *ctx, jd_report *rep, const samples *s);
/* Prints what each column of a table holds, as `jackdaw inspect` does; false where it is no table that can be learned from. */
bool forms_list(jd_ctx *ctx, const char *path, bool json);
/* On standard error, words that the model never saw. */
void forms_warn(const char *command, const char *file, const samples *s);

#endif
