/* cells.h - what a cell may be, for the survey of a table (csv_survey.c). */
#ifndef JD_DATA_CELLS_H
#define JD_DATA_CELLS_H

#include "jackdaw/cells.h"

enum {
    JD__CELL_POINT = 1, /* a number with a decimal point, or with none */
    JD__CELL_COMMA = 2,
    JD__CELL_YMD = 4,
    JD__CELL_DMY = 8,
    JD__CELL_MDY = 16,
    JD__CELL_CLOCK = 32,
    JD__CELL_NUMBER = JD__CELL_POINT | JD__CELL_COMMA,
    JD__CELL_DATE = JD__CELL_YMD | JD__CELL_DMY | JD__CELL_MDY
};
enum { JD__UNIT = 24 }; /* bytes of a unit with its end */

typedef struct jd__cell {
    unsigned kinds;      /* what it may be */
    double value[2];     /* as a number with a point, with a comma */
    double days[3];      /* as a date of each order */
    double clock;        /* a fraction of a day */
    bool timed;          /* a date with a time of the day */
    bool points, commas; /* its number holds some */
    char unit[JD__UNIT];
} jd__cell;

jd__cell jd__cell_read(const char *text);
/* The form that cells are read by: without the "log C S; " that what they say is spread by. */
const char *jd__cell_form(const char *form);
/* "", ?, NA, null and their like. */
bool jd__cell_missing(const char *text);
/* "-" and its like, which stand for nothing among numbers, but may be a word among words. */
bool jd__cell_dash(const char *text);

#endif
