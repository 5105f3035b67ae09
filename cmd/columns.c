/* columns.c - see columns.h. */
#include "columns.h"

#include <stdio.h>
#include <string.h>

bool column_next(const char **at, column *c)
{
    const char *p = *at;
    if (!*p) return false;
    c->named = *p == '"';
    c->begin = p + c->named;
    c->length = strcspn(c->begin, c->named ? "\"" : ",");
    p = c->begin + c->length;
    p += strcspn(p, ",");
    *at = p + (*p == ',');
    return true;
}

const char *column_title(const char *list, int k, char out[COLUMN_NAME])
{
    const char *at = list ? list : "";
    column c;
    for (int i = 0; column_next(&at, &c); i++) {
        if (i < k || !c.length) continue;
        snprintf(out, COLUMN_NAME, "%s%.*s", c.named ? "" : "column ",
                 c.length < COLUMN_NAME ? (int)c.length : COLUMN_NAME, c.begin);
        return out;
    }
    return NULL;
}
