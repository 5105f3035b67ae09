/*
 * oops.c - "oops": the optimal ordered problem solver (J. Schmidhuber, Machine Learning 54:211-254, 2004), which searches
 * for programs, and for programs that use what solved the problems before.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "claims.h"
#include "oops.h"

enum { PUBLISHED = 3232, ONES = 30, DISKS = 15, FILMED = 5, LEAST_TOKENS = 18 };
/* What the paper makes likely before each kind of problem: its own instructions, and three more. */
static const uint32_t LIKELY = 1u << OOPS_BY2 | 1u << OOPS_DEC | 1u << OOPS_BOOSTQ,
                      OF_ONES_TWOS = 1u << OOPS_C1 | 1u << OOPS_C2,
                      OF_HANOI = 1u << OOPS_C3 | 1u << OOPS_C4 | 1u << OOPS_C5;

/* ---- four tokens --------------------------------------------------------------------------------------------------------------*/

typedef struct four {
    oops4_program at_three, ordered[OOPS4_DISKS];
    int64_t nodes, tried[OOPS4_DISKS], moves[OOPS4_DISKS];
    int optimal; /* instances that the program for three disks solves in 2^n - 1 moves */
} four;

static void four_tokens(four *f)
{
    f->nodes = oops4_search(3, 3, &f->at_three);
    for (int n = 1; n <= OOPS4_DISKS; n++) {
        oops4_program *p = &f->ordered[n - 1];
        int64_t moves;
        if (n > 1) *p = f->ordered[n - 2];
        /* first what solved the one before, then programs that solve all so far */
        f->tried[n - 1] = n > 1;
        if (n == 1 || !oops4_solves(p, n, &moves)) f->tried[n - 1] += oops4_search(1, n, p);
        if (oops4_solves(&f->at_three, n, &f->moves[n - 1])) f->optimal += f->moves[n - 1] == (1 << n) - 1;
    }
}

static void draw_four(jd_run *r, const four *f)
{
    enum { SHOWN = 6, COLUMNS = 4 };
    static const int shown[SHOWN] = {1, 2, 3, 4, 5, OOPS4_DISKS};
    char cell[SHOWN][COLUMNS][64], text[64];
    const char *cells[SHOWN * COLUMNS];
    for (int i = 0; i < SHOWN; i++) {
        const int n = shown[i];
        snprintf(cell[i][0], 64, "%d", n);
        snprintf(cell[i][1], 64, "%s", oops4_text(&f->ordered[n - 1], text));
        snprintf(cell[i][2], 64, "%lld", (long long)f->tried[n - 1]);
        snprintf(cell[i][3], 64, "%lld", (long long)f->moves[n - 1]);
        for (int k = 0; k < COLUMNS; k++) cells[COLUMNS * i + k] = cell[i][k];
    }
    char caption[400];
    snprintf(caption, sizeof caption,
             "M moves a disk from S to D, SD and SA exchange what A and D, S and A mean, C calls the program on one "
             "disk less. Instances in order; the newest program is tried first, then all others on all instances so "
             "far. Alone, three disks take %lld programs: %s.",
             (long long)f->nodes, oops4_text(&f->at_three, text));
    jd_report_section(jd_run_report(r), "Four tokens");
    jd_report_table(jd_run_report(r), (const char *const[]){"disks", "program", "programs tried", "moves"}, cells,
                    SHOWN, COLUMNS, caption);
}

/* ---- the stack machine -----------------------------------------------------------------------------------------------------------*/

static bool instances(oops_solver *s, oops_kind kind, int n)
{
    for (int i = 1; i <= n; i++)
        if (!oops_solve(s, kind, i)) return false;
    return true;
}

/* Steps spent on a kind of problem. */
static int64_t spent(const oops_solver *s, oops_kind kind)
{
    int64_t steps = 0;
    for (int i = 0; i < oops_count(s); i++)
        if (oops_program(s, i)->kind == kind) steps += oops_program(s, i)->steps;
    return steps;
}

/* The last program of a kind, -1: none. */
static int last_of(const oops_solver *s, oops_kind kind)
{
    for (int i = oops_count(s) - 1; i >= 0; i--)
        if (oops_program(s, i)->kind == kind) return i;
    return -1;
}

static void draw_programs(jd_run *r, const oops_solver *s, const char *caption)
{
    enum { COLUMNS = 4, MOST = 24 };
    char cell[MOST][COLUMNS][280], text[256];
    const char *cells[MOST * COLUMNS];
    int rows = 0;
    for (int i = 0; i < oops_count(s) && rows < MOST; i++) {
        const oops_found *f = oops_program(s, i);
        /* runs of instances that the old program solves are one row */
        int last = i;
        while (f->old && last + 1 < oops_count(s) && oops_program(s, last + 1)->old &&
               oops_program(s, last + 1)->kind == f->kind)
            last++;
        const char *problem = f->kind == OOPS_HANOI ? "Hanoi" : "1^n 2^n";
        if (last > i)
            snprintf(cell[rows][0], 280, "%s, n = %d to %d", problem, f->n, oops_program(s, last)->n);
        else
            snprintf(cell[rows][0], 280, "%s, n = %d", problem, f->n);
        int64_t steps = 0;
        for (int k = i; k <= last; k++) steps += oops_program(s, k)->steps;
        snprintf(cell[rows][1], 280, "%s%s",
                 f->old       ? "the same"
                 : f->extends ? "extended: "
                              : "",
                 f->old ? "" : oops_text(s, i, text));
        snprintf(cell[rows][2], 280, "%lld", (long long)f->prefixes);
        snprintf(cell[rows][3], 280, "%lld", (long long)steps);
        for (int k = 0; k < COLUMNS; k++) cells[COLUMNS * rows + k] = cell[rows][k];
        rows++;
        i = last;
    }
    jd_report_table(jd_run_report(r), (const char *const[]){"instance", "program", "prefixes tried", "steps"}, cells,
                    (size_t)rows, COLUMNS, caption);
}

/* Disks as they are moved by a program. */
static void film(jd_run *r, oops_solver *s)
{
    enum { MOVES = (1 << FILMED) - 1, LINES = FILMED + 4, HOLD = 4, EACH = 2 };
    const int program = last_of(s, OOPS_HANOI);
    int move[2 * MOVES], at[FILMED], height[3] = {FILMED, 0, 0}, stack[3][FILMED];
    if (program < 0 || oops_moves(s, program, FILMED, move, MOVES) != MOVES) return;
    jd_ctx *ctx = jd_run_ctx(r);
    enum { FRAMES = MOVES * EACH + HOLD };
    float *p = jd_alloc_array(ctx, (size_t)FRAMES * LINES * 4, sizeof *p);
    jd_film_line line[LINES];
    for (int k = 0; k < 4; k++) line[k] = (jd_film_line){.12, JD_FILM_MUTED};
    for (int d = 0; d < FILMED; d++) {
        line[4 + d] = (jd_film_line){.55, d % 7};
        at[d] = 0;
        stack[0][FILMED - 1 - d] = d;
    }
    for (int f = 0; p && f < FRAMES; f++) {
        const int m = f / EACH;
        if (f && f % EACH == 0 && m <= MOVES) {
            const int from = move[2 * m - 2], to = move[2 * m - 1], d = stack[from][--height[from]];
            stack[to][height[to]++] = d;
            at[d] = to;
        }
        float *q = p + (size_t)f * LINES * 4;
        const float base[4] = {-1.7f, -.4f, 7.7f, -.4f};
        memcpy(q, base, sizeof base);
        for (int k = 0; k < 3; k++) {
            const float pole[4] = {3.f * (float)k, -.4f, 3.f * (float)k, 3.6f};
            memcpy(q + 4 * (k + 1), pole, sizeof pole);
        }
        for (int d = 0; d < FILMED; d++) {
            int level = 0;
            while (stack[at[d]][level] != d) level++;
            const float x = 3.f * (float)at[d], half = .15f + .22f * (float)d, y = .1f + .62f * (float)level;
            const float disk[4] = {x - half, y, x + half, y};
            memcpy(q + 4 * (4 + d), disk, sizeof disk);
        }
    }
    const jd_film show = {.x0 = -2,
                          .y0 = -1,
                          .x1 = 8,
                          .y1 = 4.2,
                          .seconds = FRAMES * .2,
                          .frames = FRAMES,
                          .lines = LINES,
                          .points = p,
                          .line = line};
    char text[256], caption[400];
    snprintf(caption, sizeof caption, "The program %s on %d disks: %d moves.", oops_text(s, program, text), FILMED,
             MOVES);
    if (p) jd_report_film(jd_run_report(r), &show, caption);
    jd_free(ctx, p);
}

static void draw_steps(jd_run *r, const oops_solver *both, const oops_solver *alone)
{
    static const struct {
        const char *label;
        bool alone;
        oops_kind kind;
    } line[] = {{"1^n 2^n", false, OOPS_ONES_TWOS},
                {"Hanoi after 1^n 2^n", false, OOPS_HANOI},
                {"Hanoi alone", true, OOPS_HANOI}};
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "instance n"},
                               &(jd_axis){.label = "steps for this kind, so far", .scale = JD_LOG}, 260);
    for (int k = 0; k < 3; k++) {
        const oops_solver *s = line[k].alone ? alone : both;
        double x[OOPS_FROZEN], y[OOPS_FROZEN], sum = 0;
        size_t n = 0;
        for (int i = 0; i < oops_count(s); i++) {
            const oops_found *f = oops_program(s, i);
            if (f->kind != line[k].kind || f->n > 16) continue;
            sum += (double)f->steps;
            x[n] = f->n;
            y[n++] = fmax(1, sum);
        }
        if (n) jd_chart_line(c, line[k].label, x, y, n, JD_MARKS);
    }
    jd_report_chart(
        jd_run_report(r), c,
        "Machine steps until instance n was solved, all searching included. Once a program is general the rest costs "
        "next to nothing. A line ends where its search was given up.");
}

/* ---- the run ---------------------------------------------------------------------------------------------------------------------*/

static bool all_disks(const oops_solver *s)
{
    const int last = last_of(s, OOPS_HANOI);
    return last >= 0 && oops_program(s, last)->n == DISKS;
}

static void judge(claims *c, const four *f, oops_solver *both, oops_solver *alone, int ones, bool hanoi)
{
    char text[256];
    claim(c, f->nodes == PUBLISHED,
          "four tokens: the program for three disks after exactly 3,232 programs, as published", "%lld",
          (long long)f->nodes);
    claim(c, f->optimal == OOPS4_DISKS, "four tokens: 2^n - 1 moves up to 15 disks", "%d of %d; %lld moves of 15 disks",
          f->optimal, OOPS4_DISKS, (long long)f->moves[OOPS4_DISKS - 1]);
    const int last = last_of(both, OOPS_ONES_TWOS);
    claim(c, last >= 0 && oops_program(both, last)->n == ones, "stack machine: one program for 1^n 2^n, up to n = 30",
          "%s; %.0f million steps", last >= 0 ? oops_text(both, last, text) : "none",
          (double)spent(both, OOPS_ONES_TWOS) / 1e6);
    if (hanoi) {
        const double after = (double)spent(both, OOPS_HANOI);
        claim(c, all_disks(both) && (double)oops_steps(alone) > after,
              "Hanoi up to 15 disks takes fewer steps after 1^n 2^n than alone",
              "%.0f million after%s, %s%.0f million alone", after / 1e6, all_disks(both) ? "" : " (not solved)",
              all_disks(alone) ? "" : "not within ", (double)oops_steps(alone) / 1e6);
        jd_run_extra(c->r, "hanoi_after", after);
        jd_run_extra(c->r, "hanoi_alone", (double)oops_steps(alone));
    }
    int64_t made, differ, more = 0, other = 0;
    oops_checks(both, &made, &differ);
    oops_checks(alone, &more, &other);
    claim(c, made > 0 && !differ && !other, "what a failed prefix changed is restored: the state's hash is the old one",
          "%lld compared, %lld differ", (long long)(made + more), (long long)(differ + other));
    jd_run_extra(c->r, "ones_twos_steps", (double)spent(both, OOPS_ONES_TWOS));
}

static void draw(jd_run *r, const four *f, oops_solver *both, oops_solver *alone, bool hanoi)
{
    draw_four(r, f);
    jd_report_section(jd_run_report(r), "The stack machine");
    film(r, both);
    draw_programs(r, both,
                  "Programs as they were found. The paper's machine of 73 tokens needed 480,000 steps for the first "
                  "instance of 1^n 2^n, and prolonged that program until, after a third of a day, a second one was "
                  "general; its solver of Hanoi begins with `c3 dec boostq`.");
    if (oops_count(alone))
        draw_programs(r, alone,
                      "Hanoi alone, until it has taken more steps than the search that had solved 1^n 2^n before. In "
                      "the paper a week was not enough for more than three disks.");
    draw_steps(r, both, alone);
    if (!hanoi) return;
    jd_report_text(
        jd_run_report(r),
        "How does the first problem help with the second? `boostq` takes the number of an old program and makes its "
        "tokens likelier: of the second program, that for 1^n 2^n, these are `defnp`, `calltp` and `endnp`, with "
        "which procedures are made that call themselves. As in the paper's search for Hanoi a problem's own "
        "instructions, and `by2`, `dec` and `boostq`, are likely from the beginning; a boost adds the number of all "
        "tokens to a token's weight, which is 1 at first.");
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int ones = (int)jd_run_setting(r, "ones"), tokens = (int)jd_run_setting(r, "tokens");
    const double limit = jd_run_setting(r, "million_steps");
    const bool hanoi = jd_run_setting(r, "hanoi") != 0;
    if (!(ones >= 1 && ones <= ONES && limit > 0 && tokens >= LEAST_TOKENS && tokens <= OOPS_TOKENS &&
          jd_run_setting(r, "verify") >= 0))
        return jd_fail(ctx, JD_EUSAGE,
                       "oops: ones is 1 to %d, million_steps above 0, tokens %d to %d, verify at least 0", ONES,
                       LEAST_TOKENS, OOPS_TOKENS);
    four f = {0};
    oops_options o = {.tokens = (1u << tokens) - 1,
                      .boost = tokens,
                      .likely = {LIKELY | OF_ONES_TWOS, LIKELY | OF_HANOI},
                      .limit = (int64_t)(limit * 1e6),
                      .instances = hanoi ? ones + DISKS : ones,
                      .verify = (int)jd_run_setting(r, "verify")};
    jd_run_stage(r, "four tokens");
    four_tokens(&f);
    oops_solver *both = oops_new(r, &o), *alone = NULL;
    bool whole = !jd_error(ctx);
    if (whole) {
        jd_run_stage(r, "1^n 2^n");
        const bool general = instances(both, OOPS_ONES_TWOS, ones);
        if (hanoi) jd_run_stage(r, "Hanoi after 1^n 2^n");
        if (hanoi && general) instances(both, OOPS_HANOI, DISKS);
        o.limit = spent(both, OOPS_HANOI);
        o.instances = DISKS;
        alone = oops_new(r, &o);
        whole = alone && !jd_run_progress(r, 1, 2, "done");
    }
    if (whole && hanoi && all_disks(both)) {
        jd_run_stage(r, "Hanoi alone");
        instances(alone, OOPS_HANOI, DISKS);
        whole = !jd_run_progress(r, 1, 1, "done");
    }
    if (whole) {
        claims c = {.r = r};
        judge(&c, &f, both, alone, ones, hanoi);
        claims_table(&c, "Counts of programs and steps: they are the same on every machine.");
        draw(r, &f, both, alone, hanoi);
        jd_run_finish(r, c.hold, c.hold < c.n ? "see the table of claims" : NULL);
    }
    oops_free(both);
    oops_free(alone);
    if (jd_error(ctx)) return jd_error(ctx);
    return whole ? JD_OK : jd_run_stopped(r);
}

static const jd_setting settings[] = {
    {"ones", {30, 30, 30}, "instances of 1^n 2^n"},
    {"tokens", {OOPS_TOKENS, OOPS_TOKENS, OOPS_TOKENS}, "of the machine, the first of the list; at least 18"},
    {"hanoi", {0, 1, 1}, "1: then Hanoi, up to 15 disks, and Hanoi alone for as many steps"},
    {"million_steps", {3000, 20000, 1e6}, "for both problems together"},
    {"verify", {10000, 10000, 100000}, "the state's hash is compared after every so many failed prefixes"},
    {NULL}};

const jd_system jd_system_oops = {
    .name = "oops",
    .year = 2004,
    .title = "Optimal ordered problem solver: searching for programs that use what solved the problems before",
    .paper = "Schmidhuber, Machine Learning 54:211-254, 2004",
    .metric = "claims that hold, of 5 (quick: 4)",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note = "paper: all thirty 1^n 2^n within a third of a day of 2002, then a general solver of Hanoi in 2 to "
                  "3 days more, with 73 tokens, where Hanoi alone had not come beyond three disks within a week; a "
                  "public remake with four tokens: 3,232 programs, 32,767 moves of 15 disks",
    .accept = {4, 5, 5},
    .about = "Programs are tried in the order of their probability, and each may run for a time in proportion to it. "
             "The programs grow while they run: what a prefix has done is kept while its continuations are tried, and "
             "taken back after. Half of the time goes to continuing the newest program, half to programs that begin "
             "afresh. Instances are solved in order; soon one program is general, and solves all that follow. An "
             "instruction makes the tokens of an old program likelier in what is still to come of the new one.",
    .data = "",
    .settings = settings,
    .run = run,
};
