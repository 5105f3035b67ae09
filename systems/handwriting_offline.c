/* The same handwriting without its strokes: a picture, LSTM in two dimensions, CTC. */
#include "handwriting.h"

#include <stdio.h>

enum { PER = 4 }; /* columns a step: 2 at the entrance, 2 after the first scan */

/* Graves and Schmidhuber, NIPS 2008: blocks of pixels, then three times four scans, with blocks and a map between. */
static void describe(jd_run *r, char *net, size_t room)
{
    const double clip = jd_run_setting(r, "cell_clip"), dropout = jd_run_setting(r, "dropout");
    int n =
        snprintf(net, room,
                 "block 2 2, mdlstm %g peepholes clip %g, block 4 2, dense %g tanh each, "
                 "mdlstm %g peepholes clip %g, block 2 1, dense %g tanh each, mdlstm %g peepholes clip %g, collapse",
                 jd_run_setting(r, "units1"), clip, jd_run_setting(r, "map1"), jd_run_setting(r, "units2"), clip,
                 jd_run_setting(r, "map2"), jd_run_setting(r, "units3"), clip);
    if (dropout > 0) snprintf(net + n, room - (size_t)n, ", dropout %g", dropout);
}

static jd_status run(jd_run *r)
{
    hand_net net = {
        .ink = {.rows = (int)jd_run_setting(r, "rows"), .size = (float)jd_run_setting(r, "size"), .pen = 1.5f},
        .per = PER,
        .gain = jd_run_setting(r, "gain")};
    if (net.ink.rows < 16 || net.ink.rows > 64)
        return jd_fail(jd_run_ctx(r), JD_EUSAGE, "handwriting-offline: rows=%d; 16 to 64 are possible", net.ink.rows);
    describe(r, net.spec, sizeof net.spec);
    return hand_run(r, &net);
}

static const jd_setting settings[] = {
    HAND_SETTINGS,
    {"epochs", {12, 16, 40}, "passes over the training samples"},
    {"lines", {0, 0, 1}, "1: lines of text are trained and measured too, with the same net"},
    {"rows", {32, 32, 48}, "height of the picture"},
    {"size", {9, 9, 14}, "rows that a height of writing takes up"},
    {"units1", {2, 4, 4}, "cells a direction, first scan"},
    {"map1", {6, 12, 12}, "units of the map after it"},
    {"units2", {10, 16, 20}, "cells a direction, second scan"},
    {"map2", {20, 32, 40}, "units of the map after it"},
    {"units3", {32, 50, 100}, "cells a direction, third scan"},
    {"dropout", {0, 0.1, 0.3}, "share of the last scan's outputs dropped"},
    {"gain", {3, 3, 3}, "what ink of 1 counts as: about one deviation is 1 then"},
    {"cell_clip", {1, 1, 1}, "largest error of a pre-activation; RNNLIB's is 1"},
    {"rate", {4e-3, 3e-3, 2e-3}, "Adam's rate"},
    {NULL},
};

const jd_system jd_system_handwriting_offline = {
    .name = "handwriting-offline",
    .year = 2008,
    .title = "Handwriting from pictures: multi-dimensional LSTM and CTC",
    .paper = "Graves, Schmidhuber, NIPS 2008",
    .metric = "character error rate on words by unseen writers (%)",
    .higher = false,
    .paper_value = NAN,
    .paper_note =
        "the paper reads Arabic town names (IFN/ENIT, 91.4 % right with a dictionary), which need registration; "
        "these are the words of UNIPEN, drawn",
    .accept = {NAN, 30, 18},
    .about = "The ink of handwriting-online drawn onto a picture 32 pixels high, so that neither the order nor the "
             "direction of the strokes is known. LSTM cells in two dimensions scan it from all four corners, at three "
             "levels with blocks between; the last is added up over the height and read by connectionist temporal "
             "classification. Training, validation and test have different writers; no dictionary, no language model.",
    .data = "unipen",
    .settings = settings,
    .run = run,
};
