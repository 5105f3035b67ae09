/*
 * nearest.c - "did you mean": Damerau-Levenshtein distance (insert, delete, replace, swap of neighbours), upper and
 * lower case alike.  A word that was not finished counts as one mistake.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "jackdaw/base.h"

enum { LONGEST = 96 };

static int lower(char c)
{
    return tolower((unsigned char)c);
}

static int min3(int a, int b, int c)
{
    const int m = a < b ? a : b;
    return m < c ? m : c;
}

/* Both words are at most LONGEST characters. */
static int distance(const char *a, size_t na, const char *b, size_t nb)
{
    int rows[3][LONGEST + 1]; /* d(i-2), d(i-1), d(i) in turn */
    for (size_t j = 0; j <= nb; j++) rows[0][j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        int *row = rows[i % 3];
        const int *prev = rows[(i + 2) % 3], *prev2 = rows[(i + 1) % 3];
        row[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            const int same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = min3(prev[j] + 1, row[j - 1] + 1, prev[j - 1] + !same);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]) &&
                prev2[j - 2] + 1 < row[j])
                row[j] = prev2[j - 2] + 1;
        }
    }
    return rows[na % 3][nb];
}

const char *jd_nearest(const char *word, const char *const *words)
{
    if (!word || !words) return NULL;
    const size_t n = strlen(word);
    if (n > LONGEST) return NULL;
    const char *best = NULL;
    int best_distance = 1 + (int)(n > 9 ? 9 : n) / 3; /* 1 for a word of two letters, 4 for nine and more */
    for (; *words; words++) {
        const size_t m = strlen(*words);
        if (m > LONGEST) continue;
        const bool begun = n > 2 && n < m && !strncasecmp(word, *words, n);
        const int d = begun ? 1 : distance(word, n, *words, m);
        if (d >= (int)(n > m ? n : m)) continue; /* nothing in common */
        if (d < best_distance + (best == NULL)) {
            best = *words;
            best_distance = d;
        }
    }
    return best;
}
