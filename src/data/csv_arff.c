/*
 * csv_arff.c - the head of ARFF files (Weka, University of Waikato): % begins comments, "@attribute NAME TYPE" names a column,
 * and "@data" comes before a table with commas, in which quotes are ' or ".
 */
#include "data/csv.h"

#include <string.h>
#include <strings.h>

/* The value of an entry "@word value", or NULL. */
static char *entry(char *line, const char *word)
{
    const size_t n = strlen(word);
    return !strncasecmp(line, word, n) && (!line[n] || line[n] == ' ' || line[n] == '\t') ? line + n : NULL;
}

void jd__arff_quotes(char *line)
{
    for (; *line; line++)
        if (*line == '\'') *line = '"';
}

bool jd__arff_begins(const char *text, const char *end)
{
    while (text < end && (*text == '%' || *text == '\n' || *text == '\r' || *text == ' ')) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        text = stop && (*text == '%' || *text == '\n' || *text == '\r') ? stop + 1 : *text == ' ' ? text + 1 : end;
    }
    return end - text > 9 && !strncasecmp(text, "@relation", 9);
}

/* The first word of an attribute, in quotes or not; its length. */
static const char *name_of(const char *at, size_t *length)
{
    at += strspn(at, " \t");
    const bool quoted = *at == '"';
    at += quoted;
    *length = strcspn(at, quoted ? "\"" : " \t");
    return at;
}

char *jd__arff_header(jd__csv *c, char **next, char *end)
{
    char *header = jd_strdup(c->ctx, ""), *line;
    while (!jd_error(c->ctx) && (line = jd__cut_line(next, end)) != NULL) {
        c->line++;
        line += strspn(line, " \t");
        if (entry(line, "@data")) return header;
        char *attribute = entry(line, "@attribute");
        if (!attribute) continue;
        size_t n;
        jd__arff_quotes(attribute);
        const char *name = name_of(attribute, &n);
        char *more = jd_asprintf(c->ctx, "%s%s\"%.*s\"", header, *header ? "," : "", (int)n, name);
        jd_free(c->ctx, header);
        header = more;
    }
    if (!jd_error(c->ctx)) jd_fail(c->ctx, JD_EDATA, "%s: line %zu: no @data in this ARFF file", c->path, c->line);
    jd_free(c->ctx, header);
    return NULL;
}
