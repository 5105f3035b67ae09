/* columns.h - lists of a table's columns as a model keeps them: names in quotes, or numbers, with commas between. */
#ifndef JD_CMD_COLUMNS_H
#define JD_CMD_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

enum { COLUMN_NAME = 128 };

typedef struct column {
    const char *begin; /* its name or number */
    size_t length;
    bool named;
} column;

/* The next column of a list, past which *at is moved; false at its end. */
bool column_next(const char **at, column *c);
/* What column k of the list is called: its name, or "column 3"; NULL where the list (NULL: none) has no such column. */
const char *column_title(const char *list, int k, char out[COLUMN_NAME]);

#endif
