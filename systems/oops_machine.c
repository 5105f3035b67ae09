/*
 * oops_machine.c - the optimal ordered problem solver (J. Schmidhuber, Machine Learning 54:211-254, 2004) on a stack machine; see
 * oops.h.
 *
 * A program is a string of tokens that grows while it runs: when the machine needs an instruction that is not there yet, each
 * possible one is tried, its probability multiplied to that of the prefix.  In a phase with T steps a prefix p may use
 * P(p) T, on all problems together; then it is given up, and everything it changed is restored: the instances' stacks and
 * pegs, what has been solved, and the probabilities.  Half of T goes to extensions of the newest frozen program, on the new
 * instance alone; half to programs that begin afresh, and have to solve all instances.
 */
#include <stdio.h>
#include <string.h>

#include "oops.h"

/* One instance, as numbers: everything that an instruction can change. */
enum {
    IP,
    DEPTH,
    CALLS,
    PEG_S,
    PEG_A,
    PEG_D,
    HEIGHT0,
    HEIGHT1,
    HEIGHT2,
    DATA,
    CALL = DATA + OOPS_STACK,
    DISK = CALL + 6 * OOPS_CALLS,
    SIZE = DISK + 3 * OOPS_MOST_DISKS
};
enum { BACK, ARGUMENT, BODY, BEGAN_S, BEGAN_A, BEGAN_D }; /* of a call; the pegs as they were when it began */
enum { CURRENT, LENGTH, DEFINING, TOTAL, HEAVIEST, WEIGHT, SHARED = WEIGHT + OOPS_TOKENS };
enum { CELLS = OOPS_TASKS * SIZE + SHARED, TRAIL = 1 << 16, CHECK = 1 << 20 };
#define UNIT 1024 /* weights are whole numbers: what is taken back is so exactly */

typedef struct change {
    int32_t at, was;
} change;

struct oops_solver {
    jd_run *r;
    oops_options o;
    int32_t cell[CELLS]; /* the instances, one after the other; then what they share */
    int8_t code[OOPS_CODE];
    change trail[TRAIL];
    int changes;
    bool lasting; /* what is changed now will not be taken back */
    int *moves;   /* disks moved, from and to; or NULL */
    int made, most;
    int64_t steps, prefixes, asked; /* in all; asked: at which the run was last asked whether to go on */
    int64_t checks, differ;
    bool stopped;
    oops_kind kind;
    int n[OOPS_TASKS], tasks; /* instances that the program must solve now */
    int begin;                /* where it begins */
    oops_found found[OOPS_FROZEN];
    int count;
};

static const char *const names[OOPS_TOKENS] = {
    "defnp", "endnp", "calltp", "c1",  "c2", "boostq", "c3", "c4",  "c5",   "dec", "inc", "dup", "del", "add",
    "sub",   "mul",   "div",    "by2", "up", "geq",    "eq", "not", "skip", "ret", "arg", "mod", "nop"};

const char *oops_name(int token)
{
    return names[token];
}

static void set(oops_solver *s, int at, int32_t v)
{
    if (!s->lasting) s->trail[s->changes++] = (change){at, s->cell[at]};
    s->cell[at] = v;
}

static void restore(oops_solver *s, int to)
{
    while (s->changes > to) {
        const change *c = &s->trail[--s->changes];
        s->cell[c->at] = c->was;
    }
}

/* FNV-1a over the whole state. */
static uint64_t hash(const oops_solver *s)
{
    uint64_t h = 14695981039346656037u;
    const int length = s->cell[OOPS_TASKS * SIZE + LENGTH];
    for (int i = 0; i < CELLS; i++) h = (h ^ (uint32_t)s->cell[i]) * 1099511628211u;
    for (int i = 0; i < length; i++) h = (h ^ (uint8_t)s->code[i]) * 1099511628211u;
    return h;
}

/* ---- instructions --------------------------------------------------------------------------------------------------------------*/

static int32_t *shared(oops_solver *s)
{
    return s->cell + OOPS_TASKS * SIZE;
}

static void set_shared(oops_solver *s, int which, int32_t v)
{
    set(s, OOPS_TASKS * SIZE + which, v);
}

static bool push(oops_solver *s, int base, int32_t v)
{
    const int depth = s->cell[base + DEPTH];
    if (depth == OOPS_STACK || v > 1000000 || v < -1000000) return false;
    set(s, base + DATA + depth, v);
    set(s, base + DEPTH, depth + 1);
    return true;
}

static bool pop(oops_solver *s, int base, int32_t *v)
{
    const int depth = s->cell[base + DEPTH];
    if (!depth) return false;
    *v = s->cell[base + DATA + depth - 1];
    set(s, base + DEPTH, depth - 1);
    return true;
}

static int call_at(const oops_solver *s, int base)
{
    return base + CALL + 6 * (s->cell[base + CALLS] - 1);
}

static bool call(oops_solver *s, int base, int back, int32_t argument, int body)
{
    const int calls = s->cell[base + CALLS];
    if (calls == OOPS_CALLS) return false;
    set(s, base + CALLS, calls + 1);
    const int c = call_at(s, base);
    set(s, c + BACK, back);
    set(s, c + ARGUMENT, argument);
    set(s, c + BODY, body);
    for (int k = 0; k < 3; k++) set(s, c + BEGAN_S + k, s->cell[base + PEG_S + k]);
    set(s, base + IP, body);
    return true;
}

/* The pegs are again what they were when call c began. */
static void pegs_of(oops_solver *s, int base, int c)
{
    for (int k = 0; k < 3; k++) set(s, base + PEG_S + k, s->cell[c + BEGAN_S + k]);
}

static bool back(oops_solver *s, int base)
{
    if (!s->cell[base + CALLS]) return false;
    const int c = call_at(s, base);
    pegs_of(s, base, s->cell[base + CALLS] > 1 ? c - 6 : c);
    set(s, base + IP, s->cell[c + BACK]);
    set(s, base + CALLS, s->cell[base + CALLS] - 1);
    return true;
}

static bool move_disk(oops_solver *s, int base)
{
    const int from = s->cell[base + PEG_S], to = s->cell[base + PEG_D];
    const int a = s->cell[base + HEIGHT0 + from], b = s->cell[base + HEIGHT0 + to];
    if (!a) return false;
    const int32_t d = s->cell[base + DISK + from * OOPS_MOST_DISKS + a - 1];
    if (b && s->cell[base + DISK + to * OOPS_MOST_DISKS + b - 1] < d) return false;
    set(s, base + DISK + to * OOPS_MOST_DISKS + b, d);
    set(s, base + HEIGHT0 + from, a - 1);
    set(s, base + HEIGHT0 + to, b + 1);
    if (s->moves && s->made < s->most) s->moves[2 * s->made] = from, s->moves[2 * s->made + 1] = to;
    s->made++;
    return true;
}

static bool exchange(oops_solver *s, int base, int one, int other)
{
    const int32_t v = s->cell[base + one];
    set(s, base + one, s->cell[base + other]);
    set(s, base + other, v);
    return true;
}

/* The i-th program, from 1 on, as it was last: one that was extended is still the same; NULL: there is none. */
static const oops_found *program(const oops_solver *s, int32_t i)
{
    const oops_found *last = NULL;
    int number = 0;
    for (int k = 0; k < s->count && number <= i; k++) {
        number += !s->found[k].old && !s->found[k].extends;
        if (number == i) last = &s->found[k];
    }
    return last;
}

static bool boost(oops_solver *s, int32_t which)
{
    const oops_found *f = program(s, which);
    const int32_t more = (int32_t)(s->o.boost * UNIT);
    uint32_t seen = 0;
    for (int i = 0; f && i < f->length; i++) {
        const int t = s->code[f->begin + i];
        if (seen >> t & 1) continue;
        seen |= 1u << t;
        if (shared(s)[WEIGHT + t] > 1000 * UNIT) return false;
        set_shared(s, WEIGHT + t, shared(s)[WEIGHT + t] + more);
        set_shared(s, TOTAL, shared(s)[TOTAL] + more);
        if (shared(s)[WEIGHT + t] > shared(s)[HEAVIEST]) set_shared(s, HEAVIEST, shared(s)[WEIGHT + t]);
    }
    return f;
}

static bool arithmetic(oops_solver *s, int base, int t)
{
    int32_t a, b = 0;
    if (!pop(s, base, &a)) return false;
    const bool two = t == OOPS_ADD || t == OOPS_SUB || t == OOPS_MUL || t == OOPS_DIV || t == OOPS_MOD ||
                     t == OOPS_GEQ || t == OOPS_EQ;
    if (two && !pop(s, base, &b)) return false;
    switch (t) {
    case OOPS_DEC: return push(s, base, a - 1);
    case OOPS_INC: return push(s, base, a + 1);
    case OOPS_BY2: return push(s, base, 2 * a);
    case OOPS_NOT: return push(s, base, !a);
    case OOPS_DUP: return push(s, base, a) && push(s, base, a);
    case OOPS_ADD: return push(s, base, b + a);
    case OOPS_SUB: return push(s, base, b - a);
    case OOPS_MUL: return (a < 1001 && a > -1001 && b < 1001 && b > -1001) && push(s, base, b * a);
    case OOPS_DIV: return a && push(s, base, b / a);
    case OOPS_MOD: return a && push(s, base, b % a);
    case OOPS_GEQ: return push(s, base, b >= a);
    case OOPS_EQ: return push(s, base, b == a);
    default: return true; /* del */
    }
}

/* One instruction of an instance; false: it cannot be executed. */
static bool execute(oops_solver *s, int base, int t)
{
    int32_t v;
    switch (t) {
    case OOPS_DEFNP:
        if (s->cell[base + CALLS] || shared(s)[DEFINING] || !pop(s, base, &v) || v < 0) return false;
        set_shared(s, DEFINING, s->cell[base + IP]);
        set(s, base + CALL + 6 * OOPS_CALLS - 1, v); /* kept until endnp: no call goes so deep */
        return true;
    case OOPS_ENDNP:
    case OOPS_RETURN:
        if (t == OOPS_RETURN && (!pop(s, base, &v) || v)) return s->cell[base + CALLS] > 0;
        return back(s, base);
    case OOPS_CALLTP: {
        if (!s->cell[base + CALLS]) return false;
        const int c = call_at(s, base);
        const int32_t n = s->cell[c + ARGUMENT] - 1;
        if (n > 0) return call(s, base, s->cell[base + IP], n, s->cell[c + BODY]);
        pegs_of(s, base, c); /* it has returned at once */
        return true;
    }
    case OOPS_C1:
    case OOPS_C2: return push(s, base, t - OOPS_C1 + 1);
    case OOPS_C3:
    case OOPS_C4:
    case OOPS_C5:
        if (!s->cell[base + CALLS]) return push(s, base, t - OOPS_C3 + 3);
        return t == OOPS_C3   ? move_disk(s, base)
               : t == OOPS_C4 ? exchange(s, base, PEG_S, PEG_A)
                              : exchange(s, base, PEG_A, PEG_D);
    case OOPS_BOOSTQ: return pop(s, base, &v) && boost(s, v);
    case OOPS_UP:
        return s->cell[base + DEPTH] > 1 &&
               exchange(s, base, DATA + s->cell[base + DEPTH] - 1, DATA + s->cell[base + DEPTH] - 2);
    case OOPS_SKIP:
        if (!pop(s, base, &v)) return false;
        if (!v) set(s, base + IP, s->cell[base + IP] + 1);
        return true;
    case OOPS_BOTTOM: return s->cell[base + CALLS] && push(s, base, s->cell[call_at(s, base) + ARGUMENT]);
    case OOPS_NOP: return true;
    default: return arithmetic(s, base, t);
    }
}

/* ---- running -------------------------------------------------------------------------------------------------------------------*/

typedef enum oops_state { ASKS, FAILS, SOLVED } oops_state;

static bool goal_reached(const oops_solver *s, int task)
{
    const int base = task * SIZE, n = s->n[task];
    if (s->kind == OOPS_HANOI) return s->cell[base + HEIGHT2] == n;
    if (s->cell[base + DEPTH] != 2 * n) return false;
    for (int i = 0; i < 2 * n; i++)
        if (s->cell[base + DATA + i] != 1 + (i >= n)) return false;
    return true;
}

/*
 * Runs the program until it needs a token, cannot go on, or has solved everything.  *time counts on, up to the limit.  A token that
 * belongs to a definition is passed over when it is read for the first time on an instance; definitions are read anew on each.
 */
static oops_state go_on(oops_solver *s, double *time, double limit)
{
    for (;;) {
        const int task = shared(s)[CURRENT], base = task * SIZE, ip = s->cell[base + IP];
        if (s->changes > TRAIL - 64) return FAILS;
        if (ip >= shared(s)[LENGTH]) {
            const bool rest = !s->cell[base + CALLS] && !shared(s)[DEFINING];
            if (!rest || !goal_reached(s, task)) return s->cell[base + CALLS] ? FAILS : ASKS;
            if (task + 1 == s->tasks) return SOLVED;
            set_shared(s, CURRENT, task + 1);
            continue;
        }
        if (++*time > limit) return FAILS;
        s->steps++;
        const int t = s->code[ip];
        set(s, base + IP, ip + 1);
        const int defining = shared(s)[DEFINING];
        if (!defining) {
            if (!execute(s, base, t)) return FAILS;
        } else if (t == OOPS_ENDNP) {
            const int32_t n = s->cell[base + CALL + 6 * OOPS_CALLS - 1];
            set_shared(s, DEFINING, 0);
            if (n > 0 && !call(s, base, ip + 1, n, defining)) return FAILS;
        } else if (t == OOPS_DEFNP)
            return FAILS; /* one at a time */
    }
}

/* The run is asked now and then whether to stop. */
static bool enough(oops_solver *s)
{
    if (s->o.limit && s->steps > s->o.limit) s->stopped = true;
    if (s->steps - s->asked < CHECK * 16) return s->stopped;
    s->asked = s->steps;
    if (jd_run_progress(s->r, (double)s->count, s->o.instances, "%.0f million steps", (double)s->steps / 1e6))
        s->stopped = true;
    return s->stopped;
}

/* Depth-first: all tokens that may follow the prefix, whose probability is P. */
static bool try_tokens(oops_solver *s, double T, double P, double time)
{
    const int length = shared(s)[LENGTH], total = shared(s)[TOTAL];
    if (length - s->begin >= OOPS_DEEPEST || length + 1 >= OOPS_CODE) return false;
    if (time + 1 > P * shared(s)[HEAVIEST] / total * T) return false; /* not even the likeliest */
    for (int t = 0; t < OOPS_TOKENS; t++) {
        if (!(s->o.tokens >> t & 1)) continue;
        const double p = P * shared(s)[WEIGHT + t] / total, limit = p * T;
        double now = time;
        if (now + 1 > limit) continue;
        const int mark = s->changes;
        const bool verify = s->o.verify && s->prefixes % s->o.verify == 0;
        const uint64_t before = verify ? hash(s) : 0;
        s->prefixes++;
        s->code[length] = (int8_t)t;
        set_shared(s, LENGTH, length + 1);
        const oops_state state = go_on(s, &now, limit);
        if (state == SOLVED || (state == ASKS && try_tokens(s, T, p, now))) return true;
        restore(s, mark);
        if (verify) s->checks++, s->differ += before != hash(s);
        if (enough(s)) return false;
    }
    return false;
}

/* Instance i of those to be solved begins. */
static void prepare(oops_solver *s, int i, int n)
{
    int32_t *c = s->cell + i * SIZE;
    memset(c, 0, SIZE * sizeof *c);
    s->n[i] = n;
    c[IP] = s->begin;
    c[DEPTH] = 1;
    c[DATA] = n;
    for (int k = 0; k < 3; k++) c[PEG_S + k] = k;
    c[HEIGHT0] = s->kind == OOPS_HANOI ? n : 0;
    for (int k = 0; k < n && k < OOPS_MOST_DISKS; k++) c[DISK + k] = n - k;
}

static void bias(oops_solver *s, int length)
{
    int32_t *c = shared(s);
    memset(c, 0, SHARED * sizeof *c);
    c[LENGTH] = length;
    for (int t = 0; t < OOPS_TOKENS; t++) {
        if (!(s->o.tokens >> t & 1)) continue;
        c[WEIGHT + t] = UNIT + (s->o.likely[s->kind] >> t & 1 ? (int32_t)(s->o.boost * UNIT) : 0);
        c[TOTAL] += c[WEIGHT + t];
        if (c[WEIGHT + t] > c[HEAVIEST]) c[HEAVIEST] = c[WEIGHT + t];
    }
    s->changes = 0;
}

static int code_end(const oops_solver *s)
{
    return s->count ? s->found[s->count - 1].begin + s->found[s->count - 1].length : 1; /* 0 means "not defining" */
}

/* The newest program, then its extensions, on the new instance alone. */
static bool extensions(oops_solver *s, int n, double T, bool only_old)
{
    const oops_found *f = &s->found[s->count - 1];
    double time = 0;
    s->begin = f->begin;
    s->tasks = 1;
    prepare(s, 0, n);
    bias(s, f->begin + f->length);
    s->lasting = true;
    const oops_state state = go_on(s, &time, T);
    s->lasting = false;
    return state == SOLVED || (!only_old && state == ASKS && try_tokens(s, T, 1, time));
}

/* Programs of their own, on all instances of the problem up to n, the small ones first. */
static bool afresh(oops_solver *s, int n, double T)
{
    s->begin = code_end(s);
    s->tasks = n;
    for (int i = 0; i < n; i++) prepare(s, i, i + 1);
    bias(s, s->begin);
    return try_tokens(s, T, 1, 0);
}

bool oops_solve(oops_solver *s, oops_kind kind, int n)
{
    const int64_t steps = s->steps, prefixes = s->prefixes;
    if (s->count == OOPS_FROZEN || n > OOPS_TASKS) return false;
    s->kind = kind;
    oops_found f = {.kind = kind, .n = n, .begin = s->count ? s->found[s->count - 1].begin : 0};
    bool done = f.old = s->count && extensions(s, n, 1e9, true);
    for (double T = 1; !done && !s->stopped; T *= 2) {
        done = f.extends = s->count && extensions(s, n, T / 2, false);
        if (done || s->stopped) break;
        f.begin = code_end(s);
        done = afresh(s, n, T / 2);
        if (!done && s->count) f.begin = s->found[s->count - 1].begin;
    }
    if (!done) return false;
    f.length = shared(s)[LENGTH] - f.begin;
    f.steps = s->steps - steps;
    f.prefixes = s->prefixes - prefixes;
    s->found[s->count++] = f;
    return true;
}

/* ---- the rest --------------------------------------------------------------------------------------------------------------------*/

oops_solver *oops_new(jd_run *r, const oops_options *o)
{
    oops_solver *s = jd_alloc_array(jd_run_ctx(r), 1, sizeof *s);
    if (s) s->r = r, s->o = *o;
    return s;
}

void oops_free(oops_solver *s)
{
    if (s) jd_free(jd_run_ctx(s->r), s);
}

int oops_count(const oops_solver *s)
{
    return s->count;
}

const oops_found *oops_program(const oops_solver *s, int i)
{
    return &s->found[i];
}

const char *oops_text(const oops_solver *s, int i, char text[256])
{
    const oops_found *f = &s->found[i];
    text[0] = 0;
    for (int k = 0; k < f->length; k++)
        snprintf(text + strlen(text), 256 - strlen(text), "%s%s", k ? " " : "", names[s->code[f->begin + k]]);
    return text;
}

int64_t oops_steps(const oops_solver *s)
{
    return s->steps;
}

int oops_moves(oops_solver *s, int i, int n, int *move, int most)
{
    const int count = s->count;
    s->kind = OOPS_HANOI;
    s->count = i + 1;
    s->moves = move, s->most = most, s->made = 0;
    const bool solved = extensions(s, n, 1e9, true);
    s->count = count;
    s->moves = NULL;
    return solved ? s->made : -1;
}

void oops_checks(const oops_solver *s, int64_t *made, int64_t *differ)
{
    *made = s->checks;
    *differ = s->differ;
}
