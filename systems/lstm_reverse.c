/*
 * lstm_reverse.c - "lstm-reverse": what a net that reads and writes must be able to do before it translates.
 *
 * Sequences of 3 to 20 of eight symbols are to be copied, turned round and sorted, and two numbers are to be added, by the
 * reader and writer of Sutskever, Vinyals, Le, NIPS 2014, with and without the attention of Vinyals et al., NIPS 2015.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "claims.h"
#include "seq2seq.h"

enum { COPY, REVERSE, SORT, ADD, TASKS };
enum {
    SYMBOLS = 8,
    SHORTEST = 3,
    LONGEST = 20,
    LENGTHS = LONGEST - SHORTEST + 1,
    SEEDS = 10,
    HELD_OUT = 1000,
    PER_LENGTH = 60,
    ROOM = 24
};
static const char *const task_name[TASKS] = {"copy", "reverse", "sort", "add"};
/* Symbols of the sums: ten digits, + and =. */
enum { DIGIT = SEQ2SEQ_WORDS, PLUS = DIGIT + 10, EQUALS, SUM_SYMBOLS };

typedef struct measured {
    double exact, longest;     /* share of answers without an error; of those to the longest sources */
    double by_length[LENGTHS]; /* the same, by the length of the source */
    double seconds;
    int64_t steps;
} measured;

typedef struct job {
    jd_run *r;
    jd_ctx *ctx;
    int seeds[TASKS];
    double enough;         /* of a net's answers must have no error, % */
    seq2seq_pairs part[3]; /* to learn from, held out, to be tested on: of one run */
    measured with[TASKS][SEEDS], without[TASKS];
} job;

/* ---- tasks ------------------------------------------------------------------------------------------------------------------*/

/* Digits of n, the first one first; returns how many. */
static int32_t put_number(uint32_t n, int32_t *out)
{
    char text[16];
    const int k = snprintf(text, sizeof text, "%u", n);
    for (int i = 0; i < k; i++) out[i] = DIGIT + (text[i] - '0');
    return k;
}

/* A pair with a source of `length` symbols, at most `kinds` different ones; of sums all is as it comes. */
static jd_status add_pair(job *k, seq2seq_pairs *to, int task, jd_rng *rng, int32_t length, uint32_t kinds)
{
    int32_t source[ROOM], target[ROOM], n = length, m = length;
    if (task == ADD) {
        static const uint32_t below[] = {10, 100, 1000};
        const uint32_t a = jd_rng_below(rng, below[jd_rng_below(rng, 3)]),
                       b = jd_rng_below(rng, below[jd_rng_below(rng, 3)]);
        n = put_number(a, source);
        source[n++] = PLUS;
        n += put_number(b, source + n);
        source[n++] = EQUALS;
        m = put_number(a + b, target);
    } else {
        int32_t times[SYMBOLS] = {0};
        uint32_t any[SYMBOLS] = {0, 1, 2, 3, 4, 5, 6, 7};
        if (kinds < SYMBOLS) jd_rng_shuffle(rng, any, SYMBOLS);
        for (int32_t i = 0; i < n; i++) {
            const int32_t s = (int32_t)any[jd_rng_below(rng, kinds)];
            source[i] = SEQ2SEQ_WORDS + s;
            times[s]++;
        }
        for (int32_t i = 0; i < n; i++) target[i] = task == REVERSE ? source[n - 1 - i] : source[i];
        for (int32_t s = 0, i = 0; task == SORT && s < SYMBOLS; s++)
            while (times[s]-- > 0) target[i++] = SEQ2SEQ_WORDS + s;
    }
    return seq2seq_pairs_add(k->ctx, to, source, (size_t)n, target, (size_t)m);
}

/* Where nets err they write a run of one symbol too long or too short, and among eight symbols runs are rare.  So half of
 * what is learned from, and held out, has no more than two to seven different ones; what is tested has eight. */
static jd_status make(job *k, int task, uint64_t seed)
{
    static const char *const purpose[] = {"reverse/train", "reverse/valid", "reverse/test"};
    const size_t n[] = {(size_t)jd_run_setting(k->r, "pairs"), HELD_OUT, (size_t)LENGTHS * PER_LENGTH};
    for (int part = 0; part < 3; part++) {
        jd_rng rng = jd_rng_new(seed, purpose[part], (uint64_t)task);
        seq2seq_pairs_free(k->ctx, &k->part[part]);
        for (size_t i = 0; i < n[part] && !jd_error(k->ctx); i++) {
            const int32_t length =
                part == 2 ? SHORTEST + (int32_t)(i % LENGTHS) : SHORTEST + (int32_t)jd_rng_below(&rng, LENGTHS);
            const bool plain = part == 2 || jd_rng_below(&rng, 2);
            add_pair(k, &k->part[part], task, &rng, length, plain ? SYMBOLS : 2 + jd_rng_below(&rng, SYMBOLS - 2));
        }
    }
    return jd_error(k->ctx);
}

/* ---- measuring --------------------------------------------------------------------------------------------------------------*/

static bool right(const seq2seq_pair *q, const jd_sequence *a)
{
    return a->ended && a->count == (size_t)q->target_n && !memcmp(a->symbols, q->target, a->count * sizeof *a->symbols);
}

/* Answers without an error, %. */
static double score(void *user, const seq2seq_pairs *valid, const jd_sequence *found)
{
    size_t n = 0;
    (void)user;
    for (size_t i = 0; i < valid->n; i++) n += right(&valid->pair[i], &found[i]);
    return 100 * (double)n / (double)valid->n;
}

static jd_status test(job *k, seq2seq_learner *l, measured *out)
{
    const seq2seq_pairs *p = &k->part[2];
    int64_t all[LENGTHS] = {0}, good[LENGTHS] = {0};
    jd_sequence *found = jd_alloc_array(k->ctx, p->n, sizeof *found);
    const seq2seq_ask ask = {.width = 1, .longest = ROOM + 2};
    if (found && !seq2seq_answers(k->ctx, l->writer, p, 64, &ask, found)) {
        out->exact = score(NULL, p, found) / 100;
        for (size_t i = 0; i < p->n; i++) {
            const int32_t n = p->pair[i].source_n - SHORTEST;
            if (n < 0 || n >= LENGTHS) continue;
            all[n]++;
            good[n] += right(&p->pair[i], &found[i]);
        }
        for (int i = 0; i < LENGTHS; i++) {
            out->by_length[i] = all[i] ? 100 * (double)good[i] / (double)all[i] : (double)NAN;
            if (all[i]) out->longest = out->by_length[i] / 100;
        }
    }
    out->seconds = l->seconds;
    out->steps = l->steps;
    seq2seq_found_free(k->ctx, found, p->n);
    return jd_error(k->ctx);
}

/* ---- the report -------------------------------------------------------------------------------------------------------------*/

/* What the net looks at while it answers the first of the longest test sequences that it answers right. */
static void show_map(job *k, int task, seq2seq_learner *l)
{
    static const char *const symbols[] = {"a", "b", "c", "d", "e", "f", "g", "h"}, *const digits[] = {"0", "1", "2",
                                                                                                      "3", "4", "5",
                                                                                                      "6", "7", "8",
                                                                                                      "9", "+", "="},
                             *const caption[] = {
                                 "Copy: what is looked at (across) while each symbol is written (down).", "Reverse.",
                                 "Sort: each symbol looks at all places where it stands.", "Add: digits of the sum."};
    const char *const *name = task == ADD ? digits : symbols;
    const int32_t length = task == ADD ? 8 : 12;
    const char *row[ROOM + 1], *column[ROOM + 1];
    int64_t U, T;
    for (size_t i = 0; i < k->part[2].n; i++) {
        const seq2seq_pair *q = &k->part[2].pair[i];
        if (q->source_n != length) continue;
        float *w = seq2seq_attention(l, q, &U, &T);
        if (!w) return;
        for (int64_t t = 0; t < T; t++) column[t] = name[q->source[t] - SEQ2SEQ_WORDS];
        for (int64_t u = 0; u < U; u++) row[u] = u < U - 1 ? name[q->target[u] - SEQ2SEQ_WORDS] : "end";
        jd_report_matrix(jd_run_report(k->r),
                         &(jd_matrix){.values = w,
                                      .rows = (size_t)U,
                                      .columns = (size_t)T,
                                      .row_names = row,
                                      .column_names = column,
                                      .value_label = "attention"},
                         caption[task]);
        jd_free(k->ctx, w);
        return;
    }
}

static int without_error(const job *k, int task)
{
    int n = 0;
    for (int s = 0; s < k->seeds[task]; s++) n += 100 * k->with[task][s].exact >= k->enough;
    return n;
}

static void show_table(const job *k)
{
    enum { COLUMNS = 6 };
    static const char *const headings[COLUMNS] = {"task",
                                                  "count as without error, of the seeds",
                                                  "answers without an error, each seed (%)",
                                                  "no attention (%)",
                                                  "longest sources: attention, none (%)",
                                                  "seconds a seed, none"};
    char text[TASKS * COLUMNS][128];
    const char *cells[TASKS * COLUMNS];
    size_t n = 0;
    for (int task = 0; task < TASKS; task++) {
        size_t used = 0;
        double longest = 0, seconds = 0;
        snprintf(text[n++], sizeof text[0], "%s", task_name[task]);
        snprintf(text[n++], sizeof text[0], "%d of %d", without_error(k, task), k->seeds[task]);
        text[n][0] = 0;
        for (int s = 0; s < k->seeds[task]; s++) {
            used += (size_t)snprintf(text[n] + used, sizeof text[0] - used, "%s%.4g", s ? ", " : "",
                                     100 * k->with[task][s].exact);
            longest += 100 * k->with[task][s].longest / k->seeds[task];
            seconds += k->with[task][s].seconds / k->seeds[task];
        }
        n++;
        snprintf(text[n++], sizeof text[0], "%.4g", 100 * k->without[task].exact);
        snprintf(text[n++], sizeof text[0], "%.4g, %.4g", longest, 100 * k->without[task].longest);
        snprintf(text[n++], sizeof text[0], "%.0f, %.0f", seconds, k->without[task].seconds);
    }
    for (size_t i = 0; i < n; i++) cells[i] = text[i];
    jd_report_section(jd_run_report(k->r), "Who makes no mistake?");
    jd_report_table(
        jd_run_report(k->r), headings, cells, TASKS, COLUMNS,
        "Sequences of 3 to 20 symbols, 60 of each length, and sums of numbers of one to three digits, that "
        "were not learned from on purpose; answers are greedy and right if every symbol is. Half of the sequences that "
        "are learned from have two to seven different symbols, so that runs of one are counted as well. The net "
        "without attention learns as long, with the first seed.");
}

static void show_lengths(const job *k)
{
    double x[LENGTHS];
    for (int i = 0; i < LENGTHS; i++) x[i] = SHORTEST + i;
    jd_chart *c = jd_chart_new(k->ctx, &(jd_axis){.label = "symbols of the source"},
                               &(jd_axis){.label = "answers without an error (%)", .min = 0, .max = 100}, 300);
    for (int task = COPY; task < ADD && c; task++) {
        char label[64];
        snprintf(label, sizeof label, "%s", task_name[task]);
        jd_chart_line(c, label, x, k->with[task][0].by_length, LENGTHS, JD_MARKS);
        snprintf(label, sizeof label, "%s, no attention", task_name[task]);
        jd_chart_line(c, label, x, k->without[task].by_length, LENGTHS, JD_DASHED);
    }
    jd_report_chart(jd_run_report(k->r), c,
                    "First seed. Without attention everything must pass through the state after the last symbol read.");
}

/* ---- the run ----------------------------------------------------------------------------------------------------------------*/

static jd_status learn(job *k, int task, uint64_t seed, bool attend, measured *out)
{
    char name[64];
    snprintf(name, sizeof name, "%s, %s", task_name[task], attend ? "attention" : "no attention");
    const int64_t symbols = task == ADD ? SUM_SYMBOLS : SEQ2SEQ_WORDS + SYMBOLS;
    seq2seq_learner l = {.r = k->r,
                         .name = name,
                         .net = {.reads = symbols,
                                 .writes = symbols,
                                 .embed = (int64_t)jd_run_setting(k->r, "embed"),
                                 .units = (int64_t)jd_run_setting(k->r, "units"),
                                 .attend = attend ? (int64_t)jd_run_setting(k->r, "attend") : 0},
                         .train = &k->part[0],
                         .valid = &k->part[1],
                         .batch = (size_t)jd_run_setting(k->r, "batch"),
                         .longest = ROOM + 2,
                         .epochs = jd_run_setting(k->r, "epochs"),
                         .rate = jd_run_setting(k->r, "rate"),
                         .validations = 8,
                         .score_name = "exact (%)",
                         .score = score,
                         .seed = seed};
    if (!seq2seq_learn(&l)) test(k, &l, out);
    if (!jd_error(k->ctx)) {
        jd_run_note(k->r, "%s, seed %llu: %.2f %% without an error, %.1f s", name, (unsigned long long)seed,
                    100 * out->exact, l.seconds);
        if (attend && out == &k->with[task][0]) {
            if (task == COPY) jd_report_section(jd_run_report(k->r), "Where the writer looks");
            show_map(k, task, &l);
            if (task == REVERSE) jd_run_save(k->r, l.params, l.steps, true);
        }
    }
    seq2seq_forget(&l);
    return jd_error(k->ctx);
}

static jd_status run_all(job *k)
{
    jd_run *r = k->r;
    const uint64_t seed = jd_run_seed(r) * 1000;
    for (int task = 0; task < TASKS; task++)
        for (int s = 0; s < k->seeds[task]; s++) {
            jd_run_stage(r, "%s, seed %d of %d", task_name[task], s + 1, k->seeds[task]);
            if (make(k, task, seed + (uint64_t)s) || learn(k, task, seed + (uint64_t)s, true, &k->with[task][s]) ||
                (!s && learn(k, task, seed, false, &k->without[task])))
                return jd_error(k->ctx);
        }
    claims *c = jd_alloc_array(k->ctx, 1, sizeof *c);
    if (!c) return jd_error(k->ctx);
    c->r = r;
    show_table(k);
    show_lengths(k);
    for (int task = COPY; task <= REVERSE; task++) {
        char what[100];
        double slowest = 0;
        snprintf(what, sizeof what, "%s, to 20 symbols, attention: %g %% exact in every seed", task_name[task],
                 k->enough);
        claim(c, without_error(k, task) == k->seeds[task], what, "%d of %d", without_error(k, task), k->seeds[task]);
        for (int s = 0; s < k->seeds[task]; s++) slowest = fmax(slowest, k->with[task][s].seconds);
        snprintf(what, sizeof what, "%s: learned within 5 minutes", task_name[task]);
        claim(c, slowest <= 300, what, "%.0f s", slowest);
        snprintf(what, sizeof what, "%s: without attention clearly worse at 20 symbols (20 points or more)",
                 task_name[task]);
        claim(c, k->without[task].longest <= k->with[task][0].longest - 0.2, what, "%.1f %% against %.1f %%",
              100 * k->without[task].longest, 100 * k->with[task][0].longest);
    }
    claims_table(c, "What the specification says, and what was measured.");
    jd_free(k->ctx, c);
    const int n = without_error(k, COPY) + without_error(k, REVERSE), all = k->seeds[COPY] + k->seeds[REVERSE];
    return jd_run_finish(r, 100. * n / all, n < all ? "some seeds make mistakes" : NULL);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const double seeds = jd_run_setting(r, "seeds"), others = jd_run_setting(r, "other_seeds");
    if (!(seeds >= 1 && seeds <= SEEDS && others >= 1 && others <= SEEDS && jd_run_setting(r, "pairs") >= 1 &&
          jd_run_setting(r, "batch") >= 1 && jd_run_setting(r, "epochs") > 0))
        return jd_fail(ctx, JD_EUSAGE,
                       "lstm-reverse: seeds and other_seeds are 1 to %d, pairs and batch 1 or more, epochs above 0",
                       SEEDS);
    job *k = jd_alloc(ctx, sizeof *k);
    if (!k) return jd_error(ctx);
    *k = (job){.r = r,
               .ctx = ctx,
               .seeds = {(int)seeds, (int)seeds, (int)others, (int)others},
               .enough = jd_run_setting(r, "enough")};
    run_all(k);
    for (int i = 0; i < 3; i++) seq2seq_pairs_free(ctx, &k->part[i]);
    jd_free(ctx, k);
    return jd_error(ctx);
}

static const jd_setting settings[] = {
    {"seeds", {1, 5, 10}, "nets with attention for copying, and for reversing"},
    {"other_seeds", {1, 1, 10}, "for sorting and adding"},
    {"enough", {99, 100, 100}, "of its answers must have no error, for a net to count, %"},
    {"pairs", {24000, 128000, 320000}, "to learn from"},
    {"epochs", {1, 1, 1}, "passes over them"},
    {"batch", {32, 32, 64}, "pairs a step"},
    {"embed", {16, 16, 32}, "numbers for a symbol"},
    {"units", {128, 128, 256}, "of each LSTM"},
    {"attend", {64, 64, 128}, "units that compare the writer's state with what was read"},
    {"rate", {0.004, 0.0015, 0.002}, "learning rate of Adam at first"},
    {NULL, {0}, NULL}};

const jd_system jd_system_lstm_reverse = {
    .name = "lstm-reverse",
    .year = 2014,
    .title = "Copy, reverse, sort and add: one LSTM reads, another writes",
    .paper = "I. Sutskever, O. Vinyals, Q. V. Le: Sequence to sequence learning with neural networks. NIPS 2014; O. "
             "Vinyals, L. Kaiser, T. Koo, S. Petrov, I. Sutskever, G. Hinton: Grammar as a foreign language. NIPS 2015",
    .metric = "nets that copy and reverse without any error (quick: 99 % of the sequences) (%)",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note = "not in the papers: a test of what their nets must be able to do",
    .accept = {100, 100, 100},
    .about =
        "Sequences of 3 to 20 letters must be written as they are, turned round, or sorted, and sums of two numbers "
        "must be worked out, digit by digit. With attention the writer learns to walk along the source, forwards or "
        "backwards, as the pictures show; without it one state must hold twenty letters in their order, which it "
        "learns much more slowly.",
    .data = NULL,
    .settings = settings,
    .run = run,
};
