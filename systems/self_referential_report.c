/* self_referential_report.c - how the nets learned, and their weights in the course of an episode; see self_referential.h. */
#include "self_referential.h"

#include <stdio.h>
#include <string.h>

enum { DEMOS = 8, ARGUMENTS = 4, XOR = 6, NAND = 7, ZOOM = 9 };

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

/* What the rule is worth where nothing but the rule differs. */
static void tell_memory(self_referential *s)
{
    const trial *delta = &s->trial[TRIAL_DELTA], *add = &s->trial[TRIAL_ADD];
    double a = 0, b = 0;
    for (int i = 0; i < delta->seeds; i++) a += 100 * delta->by[i][SELFREF_D] / delta->seeds;
    for (int i = 0; i < add->seeds; i++) b += 100 * add->by[i][SELFREF_D] / add->seeds;
    char text[700];
    snprintf(text, sizeof text,
             "With the same phi and as many keys, both trained in the same way, the delta rule has %.1f %% and the "
             "additive rule %.1f %% of the signs right at 8 pairs. %s",
             a, b,
             a < b + 2 ? "As long as no key comes twice the slow net learns keys that hardly overlap, and there is "
                         "little to correct in what is found under a key: the net of 1992 is worse because its keys "
                         "stay in 8 dimensions. Where a key gets a new value, the rule decides."
                       : "");
    jd_report_text(jd_run_report(s->r), text);
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

/* Blue below 0, white, red above; (h,w) values become a picture of ZOOM times as many pixels. */
static void paint(const double *value, int h, int w, uint8_t *picture)
{
    double most = 1e-12;
    for (int i = 0; i < h * w; i++) most = fmax(most, fabs(value[i]));
    for (int i = 0; i < h * ZOOM; i++)
        for (int j = 0; j < w * ZOOM; j++) {
            const double v = value[i / ZOOM * w + j / ZOOM] / most, size = fabs(v);
            uint8_t *p = picture + 3 * (i * w * ZOOM + j);
            p[0] = (uint8_t)(v > 0 ? 255 - 45 * size : 255 - 215 * size);
            p[1] = (uint8_t)(255 - (v > 0 ? 205 : 150) * size);
            p[2] = (uint8_t)(v > 0 ? 255 - 200 * size : 255 - 65 * size);
        }
}

/* n tiles of (h,w), each with a text. */
static void show_tiles(self_referential *s, const double *value, int n, int h, int w, int columns,
                       const char *const *text, const char *caption)
{
    jd_ctx *ctx = jd_run_ctx(s->r);
    const size_t size = 3 * (size_t)(h * w) * ZOOM * ZOOM;
    uint8_t *pixels = jd_alloc_array(ctx, (size_t)n * size, 1);
    for (int t = 0; pixels && t < n; t++) paint(value + t * h * w, h, w, pixels + (size_t)t * size);
    if (pixels)
        jd_report_images(jd_run_report(s->r),
                         &(jd_tiles){.pixels = pixels,
                                     .n = (size_t)n,
                                     .h = (size_t)(h * ZOOM),
                                     .w = (size_t)(w * ZOOM),
                                     .channels = 3,
                                     .tile_captions = text,
                                     .columns = columns},
                         caption);
    jd_free(ctx, pixels);
}

/* The first W of head h, the change of each example, all of it; a row for each row of W. */
static void show_weights(self_referential *s, selfref_net *n, int h)
{
    enum { TILES = DEMOS + 2 };
    jd_ctx *ctx = jd_run_ctx(s->r);
    const int d = n->s.d, rows = n->s.rows, size = d * rows, H = n->s.heads;
    char names[DEMOS + 1][32], text[TILES][48], caption[700];
    const char *texts[TILES];
    double *tile = jd_alloc_array(ctx, (size_t)(TILES * size), sizeof *tile);
    name_examples(XOR, names);
    for (int t = 0; tile && t < TILES; t++) {
        const double *first = n->s.W + h * size, *W = n->s.W + ((t ? t - 1 : 0) * H + h) * size;
        double largest = 0;
        for (int j = 0; j < d; j++)
            for (int i = 0; i < rows; i++) {
                const int c = j * rows + i;
                const double v = t == 0 ? W[c] : t <= DEMOS ? W[H * size + c] - W[c] : W[c] - first[c];
                tile[t * size + i * d + j] = v;
                largest = fmax(largest, fabs(v));
            }
        snprintf(text[t], sizeof text[t], "%s (%.2f)",
                 t == 0       ? "first weights"
                 : t <= DEMOS ? names[t]
                              : "all changes",
                 largest);
        texts[t] = text[t];
    }
    snprintf(
        caption, sizeof caption,
        "Head %d: its first weights, what each of the eight examples changed, and all changes together; in brackets "
        "the largest value, which has the full colour (red above 0, blue below). From the top %d rows that answer, "
        "%d that make q, %d that make k, 4 that make the rates; a column for each of %d inputs. A change is of rank "
        "one: columns where the key k is, rows by what differs between q and k. Weights that make keys, queries and "
        "rates change as well.",
        h + 1, d, d, d, d);
    if (tile) show_tiles(s, tile, TILES, rows, d, 5, texts, caption);
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
        jd_report_timeline(
            jd_run_report(s->r), line,
            "The same episode: eight examples, then the questions 0 0, 0 1, 1 0, 1 1. At each step the net sets four "
            "rates for each head, and its weights move away from the first ones. Answers to examples, whose value is "
            "among the inputs, were not trained.");
    }
    jd_free(ctx, rate);
    jd_free(ctx, name);
    jd_free(ctx, names);
}

static void show_episode(self_referential *s)
{
    selfref_net *n = &s->trial[TRIAL_SRWM].kept;
    jd_report_section(jd_run_report(s->r), "One episode: exclusive or");
    table_beliefs(
        s, n, XOR,
        "What the net of 2022 would answer to each argument, 0 to 1, after so many examples. What was asked in "
        "training comes after all eight; before them it has to guess, and some values count only when they come "
        "again.");
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

/* The units of the net of 1993, as sources of connections. */
static void name_source(const srwm93 *z, int j, char name[24])
{
    static const char *const given[] = {"x1", "x2", "value", "question", "1", "eval", "val", "output"};
    const int unit = j - (z->sources - z->units) - z->outputs;
    if (unit < 0)
        snprintf(name, 24, "%s", given[j]);
    else if (unit < 2 * z->bits)
        snprintf(name, 24, "%s bit %d", unit < z->bits ? "ana" : "mod", unit % z->bits);
    else if (unit == 2 * z->bits)
        snprintf(name, 24, "delta");
    else
        snprintf(name, 24, "hidden %d", unit - 2 * z->bits);
}

/* What eight examples changed, and in which weights most. */
static void show_changes(self_referential *s, const selfref_net *n)
{
    jd_ctx *ctx = jd_run_ctx(s->r);
    const srwm93 *z = &n->z;
    const int weights = z->weights;
    const double *last = z->W + DEMOS * n->o.ticks * weights;
    double *tile = jd_alloc_array(ctx, 2 * (size_t)weights, sizeof *tile), all = 0;
    int top[2] = {0, 1};
    if (!tile) return;
    for (int c = 0; c < weights; c++) {
        tile[c] = n->w[c];
        tile[weights + c] = last[c] - n->w[c];
        all += fabs(tile[weights + c]);
    }
    const double *change = tile + weights;
    if (fabs(change[1]) > fabs(change[0])) top[0] = 1, top[1] = 0;
    for (int c = 2; c < weights; c++) {
        if (fabs(change[c]) <= fabs(change[top[1]])) continue;
        top[1] = c;
        if (fabs(change[c]) > fabs(change[top[0]])) top[1] = top[0], top[0] = c;
    }
    const double share = all > 0 ? (fabs(change[top[0]]) + fabs(change[top[1]])) / all : 0;
    char caption[600], name[4][24];
    for (int k = 0; k < 2; k++) {
        name_source(z, top[k] / z->units, name[2 * k]);
        name_source(z, z->sources - z->units + top[k] % z->units, name[2 * k + 1]);
    }
    snprintf(
        caption, sizeof caption,
        "Its %d weights, a row for each source and a column for each unit: as trained, and the change by eight "
        "examples (red above 0, blue below). Two weights have %.0f %% of all change: %s to %s (%+.2f) and %s to %s "
        "(%+.2f)%s",
        weights, 100 * share, name[0], name[1], change[top[0]], name[2], name[3], change[top[1]],
        share > .5 ? ". It has learned to point at single weights." : ".");
    show_tiles(s, tile, 2, z->sources, z->units, 2, (const char *const[]){"first weights", "changes"}, caption);
    jd_free(ctx, tile);
}

static void show_1993(self_referential *s)
{
    selfref_net *n = &s->trial[TRIAL_1993].kept;
    jd_report_section(jd_run_report(s->r), "One episode of 1993: nand");
    table_beliefs(
        s, n, NAND,
        "What the net of 1993 would answer after so many examples, its units set back before the question. Only the "
        "answers after all eight were trained.");
    ask(&s->e, order, DEMOS, NAND, 0);
    selfref_run(n, &s->e, false);
    show_addresses(s, n);
    show_changes(s, n);
}

void self_referential_report(self_referential *s)
{
    jd_report_section(jd_run_report(s->r), "Boolean functions");
    show_boolean(s);
    table_boolean(s);
    show_episode(s);
    show_1993(s);
    show_memory(s);
    tell_memory(s);
    show_linear(s);
}
