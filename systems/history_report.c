/* history_report.c - what the history compressor did, as pictures and tables; see history.h. */
#include "history.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN = 3 * LAG_STEPS, MOST_BLOCKS = 2000 };

/* Right answers against sequences. */
static void show_learning(history *h)
{
    jd_ctx *ctx = jd_run_ctx(h->r);
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "sequences seen", .scale = JD_LOG},
                               &(jd_axis){.label = "answers right (%)", .min = 40, .max = 100}, 300);
    double x[MOST_BLOCKS], y[MOST_BLOCKS];
    for (int kind = 0; kind < 3; kind++) {
        const int seeds = kind == 2 ? h->plain_seeds : h->seeds;
        for (int s = 0; s < seeds; s++) {
            const size_t blocks = kind == 2 ? h->plain_blocks : h->lag[s].blocks,
                         n = blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS;
            const double *from = kind == 2 ? h->plain[s] : kind ? h->lag[s].single : h->lag[s].right;
            for (size_t b = 0; b < n; b++) {
                x[b] = (double)((b + 1) * HISTORY_BLOCK);
                y[b] = 100 * from[b];
            }
            static const char *const label[] = {"two nets", "the first alone", "plain net"};
            jd_chart_line(c, label[kind], x, y, n, s ? JD_NO_LABEL : 0);
        }
    }
    jd_report_chart(
        jd_run_report(h->r), c,
        "A lag of 20 steps. Answers to what the sequence began with, in blocks of 1,000 sequences, a line for each "
        "pair of nets until the first can do without the second. The plain net has the units, the learning rate and "
        "the three steps of error flow of the first net.");
}

/* Three sequences, as the pair sees them: what surprises, and how the first net comes to hold what the second knows. */
static jd_status show_pair(history *h)
{
    jd_ctx *ctx = jd_run_ctx(h->r);
    pair *p = &h->shown;
    const size_t H = (size_t)p->o.hidden, C = (size_t)p->o.chunker_hidden;
    float *hidden = jd_alloc_array(ctx, SHOWN * H, sizeof *hidden),
          *state = jd_alloc_array(ctx, SHOWN * C, sizeof *state), *said = jd_alloc_array(ctx, SHOWN * C, sizeof *said),
          *flag = jd_alloc_array(ctx, SHOWN * 2, sizeof *flag);
    char text[4 * SHOWN] = "";
    double at[4 * SHOWN];
    for (int t = 0; !jd_error(ctx) && t < SHOWN; t++) {
        const int place = t % LAG_STEPS, first = t / LAG_STEPS % 2, symbol = place ? place + 1 : first; /* a, x, a */
        const double teacher = place == LAG_STEPS - 1 ? 1 - first : -1;
        const pair_step step = pair_see(p, symbol, teacher);
        const double *now = p->a.h + (size_t)((p->a.steps - 1) % p->o.window) * H;
        for (size_t k = 0; k < H; k++) hidden[(size_t)t * H + k] = (float)now[k];
        for (size_t k = 0; k < C; k++) {
            state[(size_t)t * C + k] = (float)p->s[k];
            said[(size_t)t * C + k] = (float)p->a.y[LAG_SYMBOLS + 1 + k];
        }
        flag[2 * t] = step.surprise;
        flag[2 * t + 1] = teacher >= 0;
        text[t] = symbol == 0 ? 'a' : symbol == 1 ? 'x' : '.';
        at[t] = t;
    }
    jd_timeline *line = jd_error(ctx) ? NULL : jd_timeline_new(ctx, "symbol", 0, SHOWN);
    if (line) {
        static const char *const rows[] = {"surprise", "teacher"};
        jd_timeline_text(line, "symbol", text, at);
        jd_timeline_map(line, &(jd_map){.label = "events",
                                        .value_label = "there",
                                        .values = flag,
                                        .T = SHOWN,
                                        .H = 2,
                                        .vmin = 0,
                                        .vmax = 1,
                                        .row_names = rows,
                                        .height = 40});
        const struct {
            const char *label;
            const float *values;
            size_t rows;
            double height;
        } map[] = {{"second net", state, C, 90}, {"told by the first", said, C, 90}, {"first net", hidden, H, 180}};
        for (int k = 0; k < 3; k++)
            jd_timeline_map(line, &(jd_map){.label = map[k].label,
                                            .value_label = "value",
                                            .values = map[k].values,
                                            .T = SHOWN,
                                            .H = map[k].rows,
                                            .vmin = -1,
                                            .vmax = 1,
                                            .colors = JD_DIVERGING,
                                            .height = map[k].height});
        jd_report_timeline(
            jd_run_report(h->r), line,
            "Three sequences after learning; dots are b1 to b20. The units of the second net change only when "
            "the first was surprised. Below, what the first net tells of them, and its own units, some of which "
            "now hold the beginning over twenty steps.");
    }
    void *all[] = {hidden, state, said, flag};
    for (int k = 0; k < 4; k++) jd_free(ctx, all[k]);
    return jd_error(ctx);
}

static void show_depths(history *h)
{
    enum { COLUMNS = 5 };
    char room[HISTORY_DEPTHS][COLUMNS][48];
    const char *cells[HISTORY_DEPTHS * COLUMNS];
    for (int d = 0; d < h->depths; d++) {
        double recall = 0, least = 1, surprises = 0, plain = 0;
        for (int s = 0; s < h->depth_seeds; s++) {
            const depth_run *x = &h->depth[d][s];
            recall += x->recall / h->depth_seeds;
            least = fmin(least, x->recall);
            surprises += x->surprises / h->depth_seeds;
            plain += x->plain / h->depth_seeds;
        }
        snprintf(room[d][0], sizeof room[d][0], "%d", h->depth[d][0].T);
        snprintf(room[d][1], sizeof room[d][1], "%.2f", surprises);
        snprintf(room[d][2], sizeof room[d][2], "%.1f", 100 * recall);
        snprintf(room[d][3], sizeof room[d][3], "%.1f", 100 * least);
        room[d][4][0] = 0;
        if (!isnan(plain)) snprintf(room[d][4], sizeof room[d][4], "%.1f", 100 * plain);
        for (int k = 0; k < COLUMNS; k++) cells[d * COLUMNS + k] = room[d][k];
    }
    jd_report_section(jd_run_report(h->r), "Depth");
    jd_report_table(
        jd_run_report(h->r),
        (const char *const[]){"lag", "surprises a sequence", "recalled (%)", "worst seed (%)", "plain net (%)"}, cells,
        (size_t)h->depths, COLUMNS,
        "One of two symbols, a cycle of five others, and after `lag` steps the first symbol again, 100 sequences that "
        "were not in training. The second level sees two symbols a sequence instead of hundreds. The plain net learns "
        "from the same sequences nothing but their last symbol, with errors that flow back through all of them; chance "
        "is 50 %.");
}

static void show_levels(history *h, const levels_run *l, const char *const names[], bool bits, const char *caption)
{
    enum { COLUMNS = 4 };
    char room[HISTORY_LEVELS + 1][COLUMNS][48];
    const char *cells[(HISTORY_LEVELS + 1) * COLUMNS];
    const int rows = l->levels + 1;
    for (int k = 0; k < rows; k++) {
        snprintf(room[k][0], sizeof room[k][0], "%s", names[k]);
        snprintf(room[k][1], sizeof room[k][1], "%zu", l->symbols[k]);
        snprintf(room[k][2], sizeof room[k][2], "%.2f", 100.0 * (double)l->symbols[k] / (double)l->symbols[0]);
        room[k][3][0] = 0;
        if (k < l->levels) snprintf(room[k][3], sizeof room[k][3], "%.3f", l->bits[k]);
        for (int i = 0; i < COLUMNS - !bits; i++) cells[k * (COLUMNS - !bits) + i] = room[k][i];
    }
    jd_report_table(jd_run_report(h->r),
                    (const char *const[]){"level", "symbols that reach it", "% of all", "bits a character"}, cells,
                    (size_t)rows, (size_t)(COLUMNS - !bits), caption);
}

void history_report(history *h)
{
    static const char *const words[] = {"letters", "words", "sentences"}, *const text[] = {"characters", "second level",
                                                                                           "third level",
                                                                                           "what is left"};
    char caption[600];
    jd_report *r = jd_run_report(h->r);
    jd_report_section(r, "Two nets and a lag of twenty steps");
    show_learning(h);
    if (show_pair(h)) return;
    show_depths(h);
    jd_report_section(r, "Levels");
    snprintf(caption, sizeof caption,
             "Words of five letters, sentences of four words of four kinds: how many symbols of the test reach each "
             "level. Asked at each sentence for the kind of the sentence before the last, the top is right in %.1f %% "
             "of the cases; a plain net that reads the letters, with errors that flow back through three sentences, "
             "in %.1f %%; chance is 25 %%.",
             100 * h->sentences.right, 100 * h->sentences.plain);
    show_levels(h, &h->sentences, words, false, caption);
    if (!h->text_bytes) return;
    snprintf(
        caption, sizeof caption,
        "Plain text of %zu characters, the one that was learned: how many symbols each level leaves to the next, and "
        "the bits a character if what reaches a level is coded with its probabilities (weights and the table of rare "
        "symbols not counted). By their frequency alone characters take %.3f bits.",
        h->text_bytes, h->order0);
    show_levels(h, &h->text, text, true, caption);
}
