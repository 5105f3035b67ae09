/* Connected online handwriting: the strokes of a pen, a bidirectional LSTM, CTC. */
#include "handwriting.h"

#include <stdio.h>

enum { LEVELS = 4 };

/* "noise 0.1, blstm 96, dropout 0.1, blstm 128, dropout 0.1": what comes before the output layer. */
static void describe(jd_run *r, int levels, char *net, size_t room)
{
    static const char *const units[LEVELS] = {"units1", "units2", "units3", "units3"};
    const double dropout = jd_run_setting(r, "dropout"), noise = jd_run_setting(r, "noise");
    int n = noise > 0 ? snprintf(net, room, "noise %g", noise) : 0;
    for (int i = 0; i < levels; i++) {
        n += snprintf(net + n, room - (size_t)n, "%sblstm %g", n ? ", " : "", jd_run_setting(r, units[i]));
        if (dropout > 0) n += snprintf(net + n, room - (size_t)n, ", dropout %g", dropout);
    }
}

static jd_status run(jd_run *r)
{
    const int levels = (int)jd_run_setting(r, "levels");
    if (levels < 1 || levels > LEVELS)
        return jd_fail(jd_run_ctx(r), JD_EUSAGE, "handwriting-online: %d levels; 1 to %d are possible", levels, LEVELS);
    hand_net net = {.ink = {.spacing = (float)jd_run_setting(r, "spacing"),
                            .stack = (int)jd_run_setting(r, "stack"),
                            .view = (int)jd_run_setting(r, "view"),
                            .view_cell = (float)jd_run_setting(r, "cell")},
                    .per = 1};
    describe(r, levels, net.spec, sizeof net.spec);
    return hand_run(r, &net);
}

static const jd_setting settings[] = {
    HAND_SETTINGS,
    {"epochs", {4, 8, 40}, "passes over the training samples"},
    {"lines", {0, 1, 1}, "1: lines of text are trained and measured too, with the same net"},
    {"spacing", {0.2, 0.2, 0.2}, "way between points, in heights of writing"},
    {"stack", {4, 4, 4}, "points a frame"},
    {"view", {0, 5, 5}, "cells to a side of the picture around each frame; 0: none"},
    {"cell", {0.5, 0.5, 0.5}, "side of such a cell, in heights of writing"},
    {"levels", {2, 2, 3}, "levels of bidirectional LSTM"},
    {"units1", {64, 96, 128}, "cells a direction, first level"},
    {"units2", {96, 128, 256}, "cells a direction, second level"},
    {"units3", {96, 128, 256}, "cells a direction, further levels"},
    {"dropout", {0, 0.1, 0.3}, "share of outputs dropped after each level"},
    {"noise", {0, 0, 0}, "deviation of noise on the features"},
    {"rate", {4e-3, 3e-3, 2e-3}, "Adam's rate"},
    {NULL},
};

const jd_system jd_system_handwriting_online = {
    .name = "handwriting-online",
    .year = 2009,
    .title = "Connected online handwriting: BLSTM and CTC on words and lines",
    .paper = "Graves, Liwicki, Fernandez, Bertolami, Bunke, Schmidhuber, TPAMI 31(5), 2009",
    .metric = "character error rate on words by unseen writers (%)",
    .higher = false,
    .paper_value = NAN,
    .paper_note =
        "the paper reads lines of IAM-OnDB, which needs registration: 79.7 % of the words right with a dictionary "
        "of 20,000 words and bigrams; this is UNIPEN, without a dictionary",
    .accept = {60, 12, 8},
    .about = "The strokes of a pen, resampled to points a fixed way apart and gathered into frames of a few points "
             "each, are read by a bidirectional LSTM; connectionist temporal classification teaches it to write down "
             "the text without being told where one letter ends and the next begins. Training, validation and test "
             "have different writers. Nothing but the net reads: no dictionary, no language model. Look at the spikes "
             "under the ink: the net says most letters where they end, and dots and bars that come late change what "
             "it said long before.",
    .data = "unipen",
    .settings = settings,
    .run = run,
};
