/*
 * committee_human.c - "committee-human": committees of nets beside people, on digits, traffic signs and Chinese characters.
 *
 * D. Ciresan, U. Meier, J. Schmidhuber, Multi-column deep neural networks for image classification, CVPR 2012, and the
 * contests of 2011 to 2013.  Small committees are trained here in the same way on each task; and where a folder beside this
 * run's holds the result of one of the larger systems (mnist-committee, traffic-signs...), that stands beside them.
 */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "committee.h"
#include "jackdaw/system.h"

enum { TASKS = 4, TRAINED = 3, COLUMNS = 6 };

static const jd_setting settings[] = {
    {"columns", {3, 5, 7}, "columns of each committee"},
    {"limit", {6000, 10000, 0}, "learn from the first so many pictures of each task only; 0: all"},
    {"epochs", {4, 8, 30}, "epochs of a column"},
    {"batch", {25, 25, 25}, "pictures in a step"},
    {"lr", {0.02, 0.02, 0.02}, "learning rate at the start; it falls to 0 along a half cosine"},
    {"momentum", {0.9, 0.9, 0.9}, "of the gradient descent"},
    {"loaders", {1, 1, 1}, "threads that deform pictures ahead of their use"},
    {NULL, {0}, NULL},
};

/* Errors in %.  Where each comes from stands in `source`. */
typedef struct task {
    const char *name, *data, *net, *system, *extra; /* extra: of the stored result, instead of its value */
    int side;
    double human, paper, factor; /* factor: from the stored figure to per cent */
    const char *source;
} task;

static const task tasks[TASKS] = {
    {"digits", "mnist",
     "conv 20 4 scaled-tanh, maxpool 2, conv 40 5 scaled-tanh, maxpool 3, dense 150 scaled-tanh, dense 10",
     "mnist-committee", NULL, 29, 0.2, 0.23, 1, "35 columns, CVPR 2012; people: about 0.2, as that paper quotes"},
    {"traffic signs", "gtsrb32",
     "conv 16 5 scaled-tanh, maxpool 2, conv 32 3 scaled-tanh, maxpool 2, conv 48 3 scaled-tanh, maxpool 2, dense 100 "
     "scaled-tanh, dense 43",
     "traffic-signs", NULL, 32, 1.16, 0.54, 1, "25 columns, Neural Networks 32, 2012; people: the contest's own study"},
    {"Chinese characters", "hwdb100",
     "conv 16 3 scaled-tanh, maxpool 2, conv 24 2 scaled-tanh, maxpool 2, conv 32 2 scaled-tanh, maxpool 2, conv 48 2 "
     "scaled-tanh, maxpool 2, dense 100 scaled-tanh, dense 100",
     "chinese-characters", NULL, 48, 3.87, 4.215, 1, "IDSIA-05-13, 3,755 classes of ICDAR 2013; people: that contest"},
    {"membranes (pixels)", NULL, NULL, "em-segmentation", "pixel_error", 0, 6.7, 6.0, 100,
     "NIPS 2012, hidden slices of ISBI 2012; people: the second of its experts"},
};

typedef struct outcome {
    double single, committee; /* trained here, or NAN */
    double stored;            /* of a larger system, or NAN */
    char scale[16];
} outcome;

/* Columns of digits see other widths, columns of signs other contrasts. */
static void prepare(const void *user, int column, char line[COMMITTEE_LINE], char name[COMMITTEE_NAME])
{
    static const char *const width[] = {
        "", "ink-width 20", "ink-width 16", "ink-width 12", "ink-width 18", "ink-width 14", "ink-width 10"};
    static const char *const contrast[] = {"", "histeq", "imadjust", "adapthisteq tile 8 clip 0.03", "conorm"};
    const task *t = user;
    snprintf(line, COMMITTEE_LINE, "%s",
             t == &tasks[0]   ? width[column % 7]
             : t == &tasks[1] ? contrast[column % 5]
                              : "");
    snprintf(name, COMMITTEE_NAME, "%s %d", t->name, column + 1);
}

static jd_status train(jd_run *r, const task *t, outcome *o)
{
    const float scale = 15, angle = t == &tasks[1] ? 10 : 15;
    const committee_options options = {
        .pictures = {.side = t->side,
                     .ink = t == &tasks[0]   ? "20 mass"
                            : t == &tasks[1] ? NULL
                                             : "40 box",
                     .limit = (size_t)jd_run_setting(r, "limit"),
                     .batch = (int64_t)jd_run_setting(r, "batch"),
                     .loaders = (int)jd_run_setting(r, "loaders"),
                     .deform = {.angle = angle,
                                .angle_small = angle / 2,
                                .small_classes = t == &tasks[0] ? 1u << 1 | 1u << 7 : 0,
                                .scale_max = scale,
                                .shift = t->side > 30 ? 2 : 1,
                                .edge = t == &tasks[1]},
                     .seed = jd_run_seed(r)},
        .line = t->net,
        .net = {.momentum = jd_run_setting(r, "momentum"), .weight_decay = 1e-4},
        .columns = (int)jd_run_setting(r, "columns"),
        .prepare = prepare,
        .user = t,
    };
    committee *c = committee_open(r, t->data, &options);
    if (!c) return jd_error(jd_run_ctx(r));
    committee_train(c, jd_run_setting(r, "epochs"), (jd_schedule){.kind = JD_COSINE, .rate = jd_run_setting(r, "lr")});
    o->single = c->single;
    o->committee = c->error[COMMITTEE_MEAN];
    committee_close(c);
    return jd_error(jd_run_ctx(r));
}

/* ---- stored results ------------------------------------------------------------------------------------------------------*/

/* What follows `"name": ` in a result.json; NULL where it is not there. */
static const char *field(const char *text, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\": ", name);
    const char *at = strstr(text, key);
    return at ? at + strlen(key) : NULL;
}

/* The best figure of a system in the folders beside this run's. */
static void look(jd_ctx *ctx, const char *path, outcome o[TASKS])
{
    size_t bytes;
    char *text = jd_read_file(ctx, path, 1 << 20, &bytes);
    if (!text) {
        jd_error_clear(ctx); /* a folder without a result */
        return;
    }
    for (int i = 0; i < TASKS; i++) {
        const task *t = &tasks[i];
        const char *system = field(text, "system"), *value = field(text, t->extra ? t->extra : "value");
        const char *scale = field(text, "scale");
        const size_t n = strlen(t->system);
        if (!system || !value || strncmp(system + 1, t->system, n) != 0 || system[n + 1] != '"') continue;
        const double v = t->factor * strtod(value, NULL);
        if (!(v > 0) || v >= o[i].stored) continue;
        o[i].stored = v;
        snprintf(o[i].scale, sizeof o[i].scale, "%.*s", scale ? (int)strcspn(scale + 1, "\"") : 0,
                 scale ? scale + 1 : "");
    }
    jd_free(ctx, text);
}

static void stored_results(jd_run *r, outcome o[TASKS])
{
    jd_ctx *ctx = jd_run_ctx(r);
    char *folder = jd_asprintf(ctx, "%s/..", jd_run_dir(r));
    DIR *d = folder ? opendir(folder) : NULL;
    for (const struct dirent *e; d && (e = readdir(d)) != NULL && !jd_error(ctx);) {
        if (e->d_name[0] == '.') continue;
        char *path = jd_asprintf(ctx, "%s/%s/result.json", folder, e->d_name);
        if (path) look(ctx, path, o);
        jd_free(ctx, path);
    }
    if (d) closedir(d);
    jd_free(ctx, folder);
}

/* ---- report --------------------------------------------------------------------------------------------------------------*/

static void put(char *text, size_t bytes, double v)
{
    snprintf(text, bytes, isfinite(v) ? "%.2f" : "–", v);
}

static void table(jd_run *r, const outcome *o)
{
    static const char *const heading[COLUMNS] = {
        "task", "people", "paper's committee", "ours, larger run", "ours here: committee", "mean of its columns"};
    char text[TASKS * COLUMNS][64], caption[1200];
    const char *cell[TASKS * COLUMNS];
    size_t at = 0;
    at += (size_t)snprintf(caption, sizeof caption, "Errors in %%. ");
    for (int i = 0; i < TASKS; i++) {
        char(*row)[64] = text + i * COLUMNS;
        snprintf(row[0], 64, "%s", tasks[i].name);
        put(row[1], 64, tasks[i].human);
        put(row[2], 64, tasks[i].paper);
        put(row[3], 64, o[i].stored);
        if (isfinite(o[i].stored)) snprintf(row[3] + strlen(row[3]), 64 - strlen(row[3]), " (%s)", o[i].scale);
        put(row[4], 64, o[i].committee);
        put(row[5], 64, o[i].single);
        at += (size_t)snprintf(caption + at, sizeof caption - at, "%s: %s. ", tasks[i].name, tasks[i].source);
    }
    for (int i = 0; i < TASKS * COLUMNS; i++) cell[i] = text[i];
    snprintf(
        caption + at, sizeof caption - at,
        "The sets here are smaller than the papers' (a sixth of the signs at 32 x 32 pixels, 100 of 3,755 characters "
        "that look alike, five of the labelled slices), so the columns show an order, not a race. A larger run is the "
        "best result of that system in the folders beside this one.");
    jd_report_section(jd_run_report(r), "People and committees");
    jd_report_table(jd_run_report(r), heading, cell, TASKS, COLUMNS, caption);
}

static void chart(jd_run *r, const outcome *o)
{
    static const char *const label[] = {"people", "paper's committee", "ours, larger run", "committee here",
                                        "columns here"};
    jd_chart *c = jd_chart_new(
        jd_run_ctx(r), &(jd_axis){.label = "1 digits, 2 signs, 3 characters, 4 membranes", .min = 0.5, .max = 4.9},
        &(jd_axis){.label = "error (%)", .scale = JD_LOG}, 360);
    for (int k = 0; k < 5; k++) {
        double x[TASKS], y[TASKS];
        size_t n = 0;
        for (int i = 0; i < TASKS; i++) {
            const double v = k == 0   ? tasks[i].human
                             : k == 1 ? tasks[i].paper
                             : k == 2 ? o[i].stored
                             : k == 3 ? o[i].committee
                                      : o[i].single;
            if (!isfinite(v) || v <= 0) continue;
            x[n] = i + 1 + 0.08 * (k - 2);
            y[n++] = v;
        }
        if (n) jd_chart_points(c, label[k], x, y, NULL, NULL, n, k == 4 ? JD_HOLLOW : 0);
    }
    jd_report_chart(jd_run_report(r), c, "The same figures. Lower is better; each step of the grid is a factor.");
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    outcome o[TASKS];
    double ratio = 0;
    for (int i = 0; i < TASKS; i++) o[i] = (outcome){(double)NAN, (double)NAN, (double)INFINITY, ""};
    for (int i = 0; i < TRAINED; i++) {
        if (train(r, &tasks[i], &o[i])) return jd_error(ctx);
        ratio += o[i].committee / o[i].single / TRAINED;
    }
    static const char *const name[TRAINED][2] = {{"digits_committee", "digits_single"},
                                                 {"signs_committee", "signs_single"},
                                                 {"characters_committee", "characters_single"}};
    for (int i = 0; i < TRAINED; i++) {
        jd_run_extra(r, name[i][0], o[i].committee);
        jd_run_extra(r, name[i][1], o[i].single);
    }
    stored_results(r, o);
    for (int i = 0; i < TASKS; i++)
        if (!isfinite(o[i].stored)) o[i].stored = (double)NAN;
    table(r, o);
    chart(r, o);
    return jd_run_finish(r, ratio, NULL);
}

const jd_system jd_system_committee_human = {
    .name = "committee-human",
    .year = 2012,
    .title = "Committees of nets beside people",
    .paper = "Ciresan, Meier, Schmidhuber, CVPR 2012; Ciresan, Meier, Masci, Schmidhuber, Neural Networks 32, 2012; "
             "Ciresan, Schmidhuber, IDSIA-05-13, 2013",
    .metric = "error of the committee, as a share of its columns' mean error, mean of three tasks",
    .higher = false,
    .paper_value = (double)NAN,
    .paper_note = "the report of 2013 says 23.75 % fewer errors than single nets on characters, a share of 0.76",
    .accept = {0.85, 0.85, 0.85},
    .about = "In 2011 a committee of nets for the first time recognised traffic signs better than people; on digits "
             "and Chinese characters committees came near them. Here small committees learn the three tasks in the "
             "same way, each column from pictures prepared in another way and from other first weights, and the "
             "averages are set beside what people and the papers reached.",
    .settings = settings,
    .run = run,
};
