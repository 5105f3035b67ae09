/* self_referential_report.c - how the nets learned, and their weights in the course of an episode; see self_referential.h. */
#include "self_referential.h"

#include <stdio.h>
#include <string.h>

enum { DEMOS = 8, ARGUMENTS = 4, XOR = 6, NAND = 7 };

static const char *const argument_names[ARGUMENTS] = {"0 0", "0 1", "1 0", "1 1"};

/* ---- curves ------------------------------------------------------------------------------------------------------------------*/

static void draw_learning(jd_chart *c, const trial *t, double factor)
{
    double y[TRIAL_SEEDS * TRIAL_POINTS];
    for (int i = 0; i < t->seeds; i++)
        for (int k = 0; k < t->points; k++) y[i * t->points + k] = factor * t->curve[i][k];
    jd_chart_seeds(c, t->label, t->at, y, (size_t)t->seeds, (size_t)t->points, 0);
}

static void show_boolean(self_referential *s)
{
    jd_ctx *ctx = jd_run_ctx(s->r);
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "updates of the first weights"},
                               &(jd_axis){.label = "questions right (%)", .min = 40, .max = 100}, 260);
    draw_learning(c, &s->trial[TRIAL_SRWM], 100);
    draw_learning(c, &s->trial[TRIAL_1993], 100);
    jd_chart_hline(c, "chance", 50, JD_DASHED | JD_NEUTRAL);
    jd_report_chart(
        jd_run_report(s->r), c,
        "Learning to learn Boolean functions: a line for each net. 2022: all 16 functions; 1993: and, nand, "
        "or, nor. An episode shows each argument twice with its value, then asks for all four; functions "
        "and order are drawn anew.");
}

static void table_boolean(self_referential *s)
{
    enum { COLUMNS = 6 };
    char room[2 * TRIAL_SEEDS][COLUMNS][32];
    const char *cells[2 * TRIAL_SEEDS * COLUMNS];
    int rows = 0;
    for (int k = 0; k < 2; k++) {
        const trial *t = &s->trial[k];
        for (int i = 0; i < t->seeds; i++, rows++) {
            snprintf(room[rows][0], 32, "%s, net %d", t->label, i + 1);
            snprintf(room[rows][1], 32, "%s", k ? "4" : "16");
            snprintf(room[rows][2], 32, "%zu", t->kept.n);
            snprintf(room[rows][3], 32, "%.2f", 100 * t->right[i]);
            snprintf(room[rows][4], 32, "%.2f", 100 * t->frozen[i]);
            snprintf(room[rows][5], 32, "%.1f", t->seconds / t->seeds);
        }
    }
    for (int i = 0; i < rows * COLUMNS; i++) cells[i] = room[i / COLUMNS][i % COLUMNS];
    jd_report_table(
        jd_run_report(s->r),
        (const char *const[]){"net", "functions", "trained weights", "right (%)", "weights not changed (%)", "seconds"},
        cells, (size_t)rows, COLUMNS,
        "Answers to the four questions of new episodes. Beside them the control: the same trained nets, but "
        "nothing changes their weights during the episode. No state but the weights lasts from an example to "
        "a question: the layer of 2022 has none, the units of 1993 are set back before the first question.");
}

static void draw_capacity(jd_chart *c, const trial *t, int most, int flags)
{
    double x[SELFREF_PAIRS], y[TRIAL_SEEDS * SELFREF_PAIRS];
    for (int n = 1; n <= most; n++) x[n - 1] = n;
    for (int i = 0; i < t->seeds; i++)
        for (int n = 1; n <= most; n++) y[i * most + n - 1] = 100 * t->by[i][n];
    jd_chart_seeds(c, t->label, x, y, (size_t)t->seeds, (size_t)most, flags);
}

static void show_memory(self_referential *s)
{
    jd_ctx *ctx = jd_run_ctx(s->r);
    jd_report *r = jd_run_report(s->r);
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "pairs stored"},
                               &(jd_axis){.label = "signs right (%)", .min = 75, .max = 100}, 300);
    for (int k = TRIAL_DELTA; k <= TRIAL_1992; k++) draw_capacity(c, &s->trial[k], SELFREF_PAIRS, JD_MARKS);
    jd_chart_vline(c, "8 = length of a key", SELFREF_D, JD_DASHED | JD_NEUTRAL);
    jd_report_section(r, "Fast weights as a memory");
    jd_report_chart(r, c,
                    "Random keys and values of 8 signs, written once, then all asked for. The additive rule of 1992 "
                    "writes the key as a slow net gives it; the other two write phi(k), positive numbers of sum 1, and "
                    "differ in their rule alone.");
    c = jd_chart_new(ctx, &(jd_axis){.label = "keys, each written twice"},
                     &(jd_axis){.label = "signs right (%)", .min = 60, .max = 100}, 260);
    for (int k = TRIAL_DELTA_AGAIN; k <= TRIAL_ADD_AGAIN; k++) draw_capacity(c, &s->trial[k], TRIAL_AGAIN, JD_MARKS);
    jd_chart_hline(c, "sum of both values", 75, JD_DASHED | JD_NEUTRAL);
    jd_report_chart(
        r, c,
        "Each key comes twice, with two values; the last one is asked for. The delta rule takes out what it "
        "finds under a key before it writes. The sum of both values, all that addition can keep, gives 75 %: "
        "the values agree in half of the signs, the rest is guessed.");
}

static void show_linear(self_referential *s)
{
    jd_ctx *ctx = jd_run_ctx(s->r);
    const trial *t = &s->trial[TRIAL_LINEAR];
    double x[SELFREF_EXAMPLES], y[TRIAL_SEEDS * SELFREF_EXAMPLES];
    for (int i = 0; i < SELFREF_EXAMPLES; i++) x[i] = i + 1;
    for (int i = 0; i < t->seeds; i++) memcpy(y + i * SELFREF_EXAMPLES, t->error[i], sizeof t->error[i]);
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "example"},
                               &(jd_axis){.label = "squared error", .scale = JD_LOG, .min = 1e-3, .max = 10}, 280);
    jd_chart_seeds(c, t->label, x, y, (size_t)t->seeds, SELFREF_EXAMPLES, 0);
    jd_chart_line(c, "ridge", x, t->ridge, SELFREF_EXAMPLES, JD_NEUTRAL);
    jd_report_section(jd_run_report(s->r), "A linear function");
    jd_report_chart(jd_run_report(s->r), c,
                    "y = w'x with w and x of four random numbers, new in each episode: the error of each answer before "
                    "the value is heard. Ridge regression knows that the function is linear, that w comes from N(0,1) "
                    "and that there is no noise: nothing is left to learn for it after four examples. The net had to "
                    "find a rule of learning.");
}

/* ---- one episode of the net of 2022 ----------------------------------------------------------------------------------------*/

/* The first `shown` examples of one function, then one question. */
static void ask(selfref_episode *e, const int *order, int shown, int kind, int argument)
{
    *e = (selfref_episode){.T = shown + 1, .reset = shown, .kind = kind};
    for (int t = 0; t <= shown; t++) {
        const int a = t < shown ? order[t] : argument, value = kind >> a & 1;
        double *u = e->u + t * SELFREF_BOOLEAN;
        u[0] = a & 2 ? 1 : -1;
        u[1] = a & 1 ? 1 : -1;
        u[2] = t < shown ? 2 * value - 1 : 0;
        u[3] = t == shown;
        e->target[t] = value;
        e->told[t] = t < shown;
        e->asked[t] = t == shown;
    }
}

/* believed (DEMOS+1,ARGUMENTS): what the net would answer after so many examples. */
static void believe(self_referential *s, selfref_net *n, const int *order, int kind, float *believed)
{
    for (int shown = 0; shown <= DEMOS; shown++)
        for (int a = 0; a < ARGUMENTS; a++) {
            ask(&s->e, order, shown, kind, a);
            selfref_run(n, &s->e, false);
            believed[shown * ARGUMENTS + a] = (float)n->said[shown];
        }
}

static const int order[DEMOS] = {1, 3, 0, 2, 2, 0, 3, 1};

/* Examples as "01>1": the text beside step t of what is believed. */
static void name_examples(int kind, char names[DEMOS + 1][32])
{
    snprintf(names[0], sizeof names[0], "before");
    for (int t = 0; t < DEMOS; t++)
        snprintf(names[t + 1], sizeof names[t + 1], "%d %d is %d", order[t] >> 1, order[t] & 1, kind >> order[t] & 1);
}

static void table_beliefs(self_referential *s, selfref_net *n, int kind, const char *caption)
{
    enum { COLUMNS = ARGUMENTS + 1, ROWS = DEMOS + 2 };
    float believed[(DEMOS + 1) * ARGUMENTS];
    char names[DEMOS + 1][32], room[ROWS][ARGUMENTS][16];
    const char *cells[ROWS * COLUMNS];
    believe(s, n, order, kind, believed);
    name_examples(kind, names);
    for (int t = 0; t < ROWS; t++) {
        cells[t * COLUMNS] = t <= DEMOS ? names[t] : "the function";
        for (int a = 0; a < ARGUMENTS; a++) {
            if (t <= DEMOS)
                snprintf(room[t][a], sizeof room[t][a], "%.2f", (double)believed[t * ARGUMENTS + a]);
            else
                snprintf(room[t][a], sizeof room[t][a], "%d", kind >> a & 1);
            cells[t * COLUMNS + 1 + a] = room[t][a];
        }
    }
    jd_report_table(
        jd_run_report(s->r),
        (const char *const[]){"example", argument_names[0], argument_names[1], argument_names[2], argument_names[3]},
        cells, ROWS, COLUMNS, caption);
}

/* Tiles (1 + DEMOS): the first W of head h, then the change of each step; rows of a tile are rows of W. */
static void show_weights(self_referential *s, selfref_net *n, int h)
{
    jd_ctx *ctx = jd_run_ctx(s->r);
    const int d = n->s.d, rows = n->s.rows, size = d * rows, H = n->s.heads;
    float *tile = jd_alloc_array(ctx, (size_t)((1 + DEMOS) * size), sizeof *tile);
    for (int t = 0; tile && t <= DEMOS; t++)
        for (int j = 0; j < d; j++)
            for (int i = 0; i < rows; i++) {
                const double *W = n->s.W + ((t ? t - 1 : 0) * H + h) * size, *next = W + H * size;
                const double v = t ? next[j * rows + i] - W[j * rows + i] : W[j * rows + i];
                tile[t * size + j * rows + i] = (float)v;
            }
    char caption[700];
    snprintf(caption, sizeof caption,
             "Head %d: on the left its first weights, %d columns (from left: %d that answer, %d that make q, %d that "
             "make k, 4 that make the rates) and a row for each of its %d inputs; beside them what each of the eight "
             "examples of the episode changed, each picture scaled by its largest change (grey: none). Every change is "
             "of rank one: rows where the key k is, columns by what differs under q and k. Weights that make keys, "
             "queries and rates change as well.",
             h + 1, rows, d, d, d, d);
    if (tile) jd_report_filters(jd_run_report(s->r), tile, 1 + DEMOS, (size_t)d, (size_t)rows, 1, false, caption);
    jd_free(ctx, tile);
}

/* Rates and sizes of changes over the eight examples and four questions. */
static void show_rates(self_referential *s, selfref_net *n)
{
    enum { T = DEMOS + ARGUMENTS };
    static const char *const blocks[4] = {"answer", "q", "k", "rates"};
    jd_ctx *ctx = jd_run_ctx(s->r);
    const int d = n->s.d, rows = n->s.rows, size = d * rows, H = n->s.heads;
    float *rate = jd_alloc_array(ctx, (size_t)(T * H * 4), sizeof *rate), said[T], far[T * 4] = {0};
    char(*name)[24] = jd_alloc_array(ctx, (size_t)(H * 4), sizeof *name);
    const char **names = jd_alloc_array(ctx, (size_t)(H * 4), sizeof *names);
    for (int t = 0; name && names && rate && t < T; t++) {
        for (int h = 0; h < H; h++)
            for (int b = 0; b < 4; b++) {
                rate[(t * H + h) * 4 + b] = (float)n->s.a[(t * H + h) * rows + 3 * d + b];
                snprintf(name[h * 4 + b], sizeof name[0], "%s, head %d", blocks[b], h + 1);
                names[h * 4 + b] = name[h * 4 + b];
            }
        for (int i = 0; i < H * size; i++) {
            const double moved = n->s.W[(t + 1) * H * size + i] - n->s.W[i];
            const int row = i % rows, b = row / d < 3 ? row / d : 3;
            far[t * 4 + b] += (float)(moved * moved);
        }
        for (int b = 0; b < 4; b++) far[t * 4 + b] = (float)sqrt((double)far[t * 4 + b]);
        said[t] = (float)n->said[t];
    }
    jd_timeline *line = jd_error(ctx) ? NULL : jd_timeline_new(ctx, "step", 0, T);
    if (line) {
        double at[T];
        for (int t = 0; t < T; t++) at[t] = t + .5;
        jd_timeline_text(line, "value shown", "10011001????", at);
        jd_timeline_text(line, "right answer",
                         "10011001"
                         "0110",
                         at);
        jd_timeline_map(line, &(jd_map){.label = "rates",
                                        .value_label = "beta",
                                        .values = rate,
                                        .T = T,
                                        .H = (size_t)(H * 4),
                                        .vmin = 0,
                                        .vmax = 1,
                                        .row_names = names,
                                        .height = 18. * H * 4});
        jd_timeline_lines(line, "way from the first weights", far, T, 4, blocks, 0, 0);
        jd_timeline_lines(line, "answer", said, T, 1, (const char *const[]){"answer"}, 0, 1);
        jd_report_timeline(jd_run_report(s->r), line,
                           "The same episode: eight examples, then the questions 0 0, 0 1, 1 0, 1 1. At each step the "
                           "net sets four rates a head, and its weights leave where they were. Answers to examples, "
                           "whose value is among the inputs, were not trained.");
    }
    jd_free(ctx, rate);
    jd_free(ctx, name);
    jd_free(ctx, names);
}

static void show_episode(self_referential *s)
{
    selfref_net *n = &s->trial[TRIAL_SRWM].kept;
    jd_report_section(jd_run_report(s->r), "One episode: exclusive or");
    table_beliefs(s, n, XOR,
                  "What the net of 2022 would answer to each argument, 0 to 1, after so many examples: it holds the "
                  "values of what it has seen, and a guess where it has seen nothing.");
    ask(&s->e, order, DEMOS, XOR, 0); /* and the other three questions behind the first */
    s->e.T = DEMOS + ARGUMENTS;
    for (int a = 1; a < ARGUMENTS; a++) {
        double *u = s->e.u + (DEMOS + a) * SELFREF_BOOLEAN;
        u[0] = a & 2 ? 1 : -1, u[1] = a & 1 ? 1 : -1, u[2] = 0, u[3] = 1;
        s->e.target[DEMOS + a] = XOR >> a & 1;
        s->e.asked[DEMOS + a] = true;
    }
    selfref_run(n, &s->e, false);
    for (int h = 0; h < n->s.heads; h++) show_weights(s, n, h);
    show_rates(s, n);
}

/* ---- one episode of the net of 1993 ----------------------------------------------------------------------------------------*/

static void show_addresses(self_referential *s, selfref_net *n)
{
    jd_ctx *ctx = jd_run_ctx(s->r);
    const srwm93 *z = &n->z;
    const int T = DEMOS * n->o.ticks, A = z->bits, O = z->outputs, first = z->sources - z->units;
    float *unit = jd_alloc_array(ctx, (size_t)(T * 2 * A), sizeof *unit),
          *line3 = jd_alloc_array(ctx, (size_t)(T * 3), sizeof *line3);
    for (int t = 0; unit && line3 && t < T; t++) {
        const double *l = z->l + t * z->sources;
        for (int k = 0; k < 2 * A; k++) unit[t * 2 * A + k] = (float)l[first + O + k];
        line3[3 * t] = (float)l[first + O + 2 * A];
        line3[3 * t + 1] = (float)l[first - 1];
        line3[3 * t + 2] = (float)l[first - 1 - O];
    }
    jd_timeline *line = jd_error(ctx) ? NULL : jd_timeline_new(ctx, "tick", 0, T);
    if (line) {
        double at[DEMOS];
        for (int t = 0; t < DEMOS; t++) at[t] = (t + .5) * n->o.ticks;
        jd_timeline_text(line, "value shown", "10111101", at);
        jd_timeline_map(line, &(jd_map){.label = "analysing, modifying units",
                                        .value_label = "bit of an address",
                                        .values = unit,
                                        .T = (size_t)T,
                                        .H = (size_t)(2 * A),
                                        .vmin = 0,
                                        .vmax = 1,
                                        .height = 9. * 2 * A});
        jd_timeline_lines(line, "delta, val, eval", line3, (size_t)T, 3, (const char *const[]){"delta", "val", "eval"},
                          0, 0);
        jd_report_timeline(jd_run_report(s->r), line,
                           "The net of 1993 while it is shown nand, two ticks an example: the address that it reads "
                           "(upper half), the address that it changes (lower half), by how much (delta), what it read "
                           "(val) and the error that it is told (eval).");
    }
    jd_free(ctx, unit);
    jd_free(ctx, line3);
}

static void show_1993(self_referential *s)
{
    jd_ctx *ctx = jd_run_ctx(s->r);
    selfref_net *n = &s->trial[TRIAL_1993].kept;
    const int weights = n->z.weights;
    jd_report_section(jd_run_report(s->r), "One episode of 1993: nand");
    table_beliefs(
        s, n, NAND,
        "What the net of 1993 would answer after so many examples, its units set back before the question. It "
        "knows that the function is one of four, so that it need not see every argument.");
    ask(&s->e, order, DEMOS, NAND, 0);
    selfref_run(n, &s->e, false);
    show_addresses(s, n);
    float *tile = jd_alloc_array(ctx, 2 * (size_t)weights, sizeof *tile);
    const double *last = n->z.W + DEMOS * n->o.ticks * weights;
    double largest = 0, all = 0;
    for (int c = 0; tile && c < weights; c++) {
        const double change = last[c] - n->w[c];
        tile[c] = (float)n->w[c];
        tile[weights + c] = (float)change;
        largest = fmax(largest, fabs(change));
        all += fabs(change);
    }
    char caption[400];
    snprintf(
        caption, sizeof caption,
        "Its %d weights, a row for each source and a column for each unit: on the left as trained, on the right the "
        "change by eight examples. The weight that changed most, by %.2f, has %.0f %% of all change.",
        weights, largest, all > 0 ? 100 * largest / all : 0);
    if (tile)
        jd_report_filters(jd_run_report(s->r), tile, 2, (size_t)n->z.sources, (size_t)n->z.units, 1, false, caption);
    jd_free(ctx, tile);
}

void self_referential_report(self_referential *s)
{
    jd_report_section(jd_run_report(s->r), "Boolean functions");
    show_boolean(s);
    table_boolean(s);
    show_episode(s);
    show_1993(s);
    show_memory(s);
    show_linear(s);
}
