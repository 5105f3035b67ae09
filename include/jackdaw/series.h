/*
 * series.h - labelled time series: the text format .ts of the UEA and UCR archives of time-series classification.
 *
 *     jd_series s;
 *     jd_read_ts(ctx, "JapaneseVowels_TRAIN.ts", &s);     // may be gzipped
 *     const float *x = s.values + s.start[7] * s.channels; // series 7: (start[8] - start[7], channels)
 *     jd_series_free(ctx, &s);
 *
 * Source: A. Bagnall et al., The UEA multivariate time series classification archive, arXiv 1811.00075, 2018.  Lines that begin
 * with # are comments, with @ what the file tells of itself; after @data each line is a series: its channels with colons
 * between, the values of each with commas, ? for one that is missing, and after a last colon its label.  With @timeStamps true
 * values are pairs (time,value); times are numbers at even steps, and not kept.
 */
#ifndef JACKDAW_SERIES_H
#define JACKDAW_SERIES_H

#include "jackdaw/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jd_series {
    size_t count;
    int64_t channels; /* C, the same for all */
    size_t *start;    /* (count + 1): where each begins, in steps; at least one step each */
    float *values;    /* (steps,C); NaN where one is missing */
    char **label;     /* (count); NULL where the file has none */
    size_t *line;     /* (count): where in the file each stands, from 1 */
    bool target;      /* labels are numbers to be foretold (@targetLabel), not classes */
} jd_series;
/* Errors: JD_ENOINPUT, JD_EIO; JD_EDATA with the line: a value that is no number, channels of different lengths or number, no
 * label where the file says there are labels, one that @classLabel does not list, times that are no numbers at even steps. */
JD_API jd_status jd_read_ts(jd_ctx *ctx, const char *path, jd_series *out);
JD_API void jd_series_free(jd_ctx *ctx, jd_series *s);

#ifdef __cplusplus
}
#endif
#endif
