/* captioning.h - parts of the system captioning: figures of a net, and what the report shows. */
#ifndef CAPTIONING_H
#define CAPTIONING_H

#include "captions.h"
#include "claims.h"
#include "scenes.h"

enum { CAPTION_REFERENCES = 5, CAPTION_SEEDS = 5, CAPTION_MOST = 1000 };

/* Of one net on the test scenes, all in %. */
typedef struct caption_score {
    double bleu, exact, attributes; /* of scenes of the pairs of colour and kind seen in training */
    double shuffled;                /* BLEU-4 of the captions of other pictures */
    double new_attributes,
        new_named; /* of scenes with pairs never seen: all shapes right; shapes of those pairs named */
} caption_score;

typedef struct caption_seed {
    captions_net net, frozen;
    caption_score score, control;
} caption_seed;

/* Test scene i of a stream, and r as the painter needs it. */
scene caption_scene(uint64_t seed, const char *stream, uint64_t index, bool new, jd_rng *r);
/* The references of test scene i: word (5,SCENE_LONGEST), count (5). */
void caption_references(uint64_t seed, uint64_t index, const scene *s, int32_t *word, size_t *count);

/* `found`: captions of the first seed's test scenes, and of those with new pairs. */
void caption_report(jd_run *r, const caption_seed *s, int seeds, const jd_sequence *found, const jd_sequence *found_new,
                    size_t count, const claims *c);

#endif
