/*
 * recipe.h - what `jackdaw train` does where no network is named: one that suits the samples, and how it is trained.
 */
#ifndef JD_CMD_RECIPE_H
#define JD_CMD_RECIPE_H

#include "masks.h"

typedef struct recipe {
    char net[480];         /* a line of the network language */
    const char *optimizer; /* a word of --optimizer */
    double rate, weight_decay;
    int64_t batch, epochs, least_epochs; /* epochs 0: by the number of steps, not fewer than least_epochs */
    int64_t steps;                       /* of pictures with masks, whose epochs follow */
} recipe;

/* The recipe for these samples; the rate falls to a hundredth along a cosine. */
recipe recipe_for(const samples *s);
/* ... for pictures and masks, which are deformed. */
recipe recipe_for_masks(const masks_traits *t, int classes);

#endif
