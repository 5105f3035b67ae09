/* csv.h - what reading a table (csv.c), choosing its columns (csv_columns.c) and its categories (csv_words.c) share. */
#ifndef JD_DATA_CSV_H
#define JD_DATA_CSV_H

#include "data/cells.h"
#include "data/table.h"

/* What a column holds, and its different words: `sorted` points to entries of `word`. */
typedef struct jd__csv_column {
    enum { JD__CSV_UNKNOWN, JD__CSV_NUMBERS, JD__CSV_WORDS } kind;
    size_t n, room;
    struct jd__csv_word {
        char *text;
        size_t code; /* the value of cells that hold it, until jd__csv_end_words */
    } * word;        /* (n), sorted by text */
} jd__csv_column;

typedef struct jd__csv {
    jd_ctx *ctx;
    const char *path;
    jd_csv_options o;
    char separator;
    size_t line;            /* number of the line at hand, from 1 */
    size_t fields;          /* of every line */
    char **words;           /* (fields) of the line at hand */
    jd__csv_column *column; /* (t.cols) where there may be categories, else NULL */
    const char **form;      /* (t.cols) of t.forms, or NULL */
    char *end;              /* of the text */
    bool *by_star;          /* (t.cols) which columns `*` chose */
    bool trailing;          /* lines end with a separator: the last field is no column */
    bool arff;              /* columns were named before the table */
    bool sparse;            /* LIBSVM's format: the last column, the label, is the first */
    jd_table t;
} jd__csv;

/* Whether a text is an ARFF file; the line of its columns' names, for jd_free, with *next moved to its table, or NULL; ' becomes ". */
bool jd__arff_begins(const char *text, const char *end);
char *jd__arff_header(jd__csv *c, char **next, char *end);
void jd__arff_quotes(char *line);

/* The fields of a line into words (c->fields), where it has as many; how many it has, 0 where it is none.  Cuts the line up. */
size_t jd__csv_split(const jd__csv *c, char *line, char **words);
/* A plain number that fills the field; between other separators than commas its decimals may begin with a comma. */
bool jd__csv_number(const char *field, char separator, double *value);

/* Looks through the lines from `next` on, of which the one at hand is the first unless it is a `header`: makes t.forms and, for
 * leave_out, t.left_out; `column` learns which columns hold words. */
jd_status jd__csv_survey(jd__csv *c, const char *next, bool header);
/* Makes c->form of t.forms. */
jd_status jd__csv_take_forms(jd__csv *c);

/* Whether a text is in LIBSVM's format; its table. */
bool jd__csv_is_sparse(const char *text, const char *end);
jd_status jd__csv_sparse(jd__csv *c, char *text, char *end);
#define JD_LIMIT_SPARSE ((size_t)1 << 20) /* numbers of a table, zeros too; more where the text is long */

/* Fills t.columns from the lists o.select and o.targets and the words of the first line; *named when one was chosen by its name.  `counts`:
 * the first column counts the rows if it has no name. */
jd_status jd__csv_choose(jd__csv *c, bool counts, bool *named);

/* Makes `column`, by o.known where that is given. */
jd_status jd__csv_begin_words(jd__csv *c);
/* The value of cell `word` of wanted column k, which holds words. */
jd_status jd__csv_take_word(jd__csv *c, size_t k, const char *word, double *value);
/* Values become places in sorted lists, which become t.categories. */
jd_status jd__csv_end_words(jd__csv *c);
void jd__csv_free_words(jd__csv *c);
/* A copy of a name or word, which must be UTF-8. */
char *jd__csv_text(const jd__csv *c, const char *word);

#endif
