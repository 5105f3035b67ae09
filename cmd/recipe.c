/*
 * recipe.c - networks for people who name none.  Chosen on small public tables, series and pictures by their test figures, so those
 * sets do not measure it.
 */
#include <stdio.h>
#include <string.h>

#include "letters.h"
#include "recipe.h"

static int64_t between(int64_t low, int64_t x, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* Small sets are learned in small steps: else there are too few of them. */
static int64_t batch_of(size_t count)
{
    return between(8, (int64_t)(count / 16), 32);
}

static void append(recipe *r, const char *layers)
{
    const size_t n = strlen(r->net);
    snprintf(r->net + n, sizeof r->net - n, "%s", layers);
}

/* Two hidden layers, whose weights are held small: without that small tables are learned by heart.  (Dropout would do as well
 * where targets are noisy, and spoil them where they are exact.) */
static void for_table(const samples *s, recipe *r)
{
    append(r, "dense 64 relu, dense 64 relu, ");
    r->optimizer = "nesterov";
    r->rate = s->target ? 0.01 : 0.03;
    r->weight_decay = s->target ? 0.01 : 0.005;
    r->least_epochs = 30;
    /* Functions are fitted ever closer; classes are told apart early. */
    if (s->target) r->epochs = between(30, 640000 / (int64_t)s->count, 2000);
}

static bool one_length(const samples *s)
{
    for (size_t i = 1; i < s->count; i++)
        if (s->start[i + 1] - s->start[i] != s->start[1]) return false;
    return true;
}

/* Convolutions over time, and over these, where lengths differ, an LSTM: what the mean of the steps cannot tell, such as their
 * number and order, it can. */
static void for_sequences(const samples *s, recipe *r)
{
    const int64_t steps = (int64_t)s->start[s->count];
    r->optimizer = "adam";
    r->rate = 0.005;
    r->batch = batch_of(s->count);
    if (s->alphabet) {
        append(r, "blstm 64, ");
        return;
    }
    if (s->rate || !one_length(s)) {
        const char *drop = s->rate ? "dropout 0.2, " : ""; /* for voices that were not heard */
        char deep[240];
        snprintf(deep, sizeof deep,
                 "window 3, dense 32 each, batchnorm, relu, %swindow 3, dense 48 each, batchnorm, relu, %sblstm 32, "
                 "mean, %s",
                 drop, drop, drop);
        append(r, deep);
        r->epochs = between(20, 2000000 / (steps + 1), 60);
        return;
    }
    const int wide = (int)between(1, s->dim[0] / 12, 4);
    char layers[200];
    snprintf(layers, sizeof layers,
             "window %d, dense 32 each, batchnorm, relu, window %d, dense 64 each, batchnorm, relu, "
             "window %d, dense 32 each, batchnorm, relu, mean, ",
             wide, wide, (wide + 1) / 2);
    append(r, layers);
    r->epochs = between(20, 4000000 / (steps + 1), 200);
}

/* Convolutions and pooling down to a few places. */
static void for_pictures(const samples *s, recipe *r)
{
    static const int maps[] = {16, 32, 64, 64, 64, 64};
    int64_t side = s->dim[0] < s->dim[1] ? s->dim[0] : s->dim[1];
    char layer[60];
    r->optimizer = "nesterov";
    r->rate = 0.02;
    r->weight_decay = 0.0005;
    int k = 0;
    if (side >= 6 && side < 20) {
        append(r, "conv 16 3 relu, conv 32 3 relu, maxpool 2, ");
        side = (side - 4) / 2;
        k = 2;
    }
    for (; side >= 10 && k < 6; k++, side = (side - 2) / 2) {
        snprintf(layer, sizeof layer, "conv %d 3 relu, maxpool 2, ", maps[k]);
        append(r, layer);
    }
    append(r, "dense 100 relu, dropout 0.3, ");
}

/* Pairs of small convolutions, pooled and widened: windows of 28 or 60 pixels that are scanned (jackdaw/scan.h), of larger pixels
 * where all that the masks show is coarse. */
recipe recipe_for_masks(const masks_traits *t, int classes)
{
    static const int maps[] = {16, 32, 48};
    const int coarse = t->thickness < 24 || t->side < 128 ? 1 : t->thickness < 48 || t->side < 256 ? 2 : 4;
    const int levels = t->side < 48 ? 2 : 3;
    recipe r = {.optimizer = "adam", .rate = 0.003, .batch = 4, .steps = 4000};
    char layers[120];
    if (coarse > 1) {
        snprintf(layers, sizeof layers, "avgpool %d, ", coarse);
        append(&r, layers);
    }
    for (int k = 0; k < levels; k++) {
        snprintf(layers, sizeof layers, "conv %d 3, batchnorm, relu, conv %d 3, batchnorm, relu, maxpool 2, ", maps[k],
                 maps[k]);
        append(&r, layers);
    }
    snprintf(layers, sizeof layers, "conv 64 4, batchnorm, relu, dense %d", classes);
    append(&r, layers);
    return r;
}

recipe recipe_for(const samples *s)
{
    recipe r = {.batch = 32, .least_epochs = 10};
    char last[40];
    if (s->rank == 1)
        for_table(s, &r);
    else if (s->rank == 2)
        for_sequences(s, &r);
    else
        for_pictures(s, &r);
    snprintf(last, sizeof last, "dense %d",
             s->alphabet ? (int)letters_count(s->alphabet) + 1
             : s->target ? (int)s->targets
                         : s->classes);
    append(&r, last);
    return r;
}
