/* meta_programs.c - programs as trees, operators that edit them, and problems; see meta_evolution.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "meta_evolution.h"

enum { X, Y, ONE, TWO, HALF, ADD, SUBTRACT, TIMES, DIVIDE, SINE, COSINE, EXPONENTIAL, LOGARITHM };
const me_alphabet ME_TWO = {.n = 13,
                            .leaves = 5,
                            .arity = {0, 0, 0, 0, 0, 2, 2, 2, 2, 1, 1, 1, 1},
                            .name = {"x", "y", "1", "2", "0.5", "+", "-", "*", "/", "sin", "cos", "exp", "log"}};
/* The same symbols; y is x again. */
const me_alphabet ME_ONE = {.n = 13,
                            .leaves = 5,
                            .arity = {0, 0, 0, 0, 0, 2, 2, 2, 2, 1, 1, 1, 1},
                            .name = {"x", "x", "1", "2", "0.5", "+", "-", "*", "/", "sin", "cos", "exp", "log"}};

/* Each of two trees, A and B, has a cursor; there is a clipboard. */
enum {
    A_DOWN,
    A_NEXT,
    A_UP,
    A_ANY,
    A_INNER,
    B_DOWN,
    B_NEXT,
    B_UP,
    B_ANY,
    B_INNER,
    COPY_A,
    COPY_B,
    PASTE_A,
    PASTE_B,
    SWAP,
    CHANGE,
    GROW,
    TURN,
    NOTHING,
    SEQUENCE,
    IF_LARGER,
    IF_LEAF,
    IF_EVEN,
    REPEAT,
    EDITS
};
const me_alphabet ME_EDIT = {.n = EDITS,
                             .leaves = SEQUENCE,
                             .arity = {[SEQUENCE] = 2, [IF_LARGER] = 2, [IF_LEAF] = 2, [IF_EVEN] = 2, [REPEAT] = 1},
                             .name = {"A.down",  "A.next",  "A.up",      "A.any",    "A.inner", "B.down",
                                      "B.next",  "B.up",    "B.any",     "B.inner",  "copy-A",  "copy-B",
                                      "paste-A", "paste-B", "swap",      "change-A", "grow",    "exchange",
                                      "-",       "do",      "if-larger", "if-leaf",  "either",  "repeat"}};

/* ---- trees ---------------------------------------------------------------------------------------------------------------------*/

int me_end(const me_alphabet *a, const me_tree *t, int at)
{
    for (int open = 1; open && at < t->n; at++) open += a->arity[t->node[at]] - 1;
    return at;
}

static void grow(const me_alphabet *a, me_tree *t, int depth, bool full, jd_rng *r)
{
    const bool leaf =
        depth <= 1 || t->n > ME_NODES / 2 || (!full && jd_rng_below(r, (uint32_t)a->n) < (uint32_t)a->leaves);
    const uint32_t inner = (uint32_t)(a->n - a->leaves);
    const int symbol = leaf ? (int)jd_rng_below(r, (uint32_t)a->leaves) : a->leaves + (int)jd_rng_below(r, inner);
    t->node[t->n++] = (uint8_t)symbol;
    for (int k = 0; k < a->arity[symbol]; k++) grow(a, t, depth - 1, full, r);
}

void me_random(const me_alphabet *a, me_tree *t, int depth, bool full, jd_rng *r)
{
    t->n = 0;
    grow(a, t, depth, full, r);
}

bool me_graft(const me_alphabet *al, me_tree *to, int a, const me_tree *from, int b)
{
    uint8_t piece[ME_NODES];
    const int end = me_end(al, to, a), size = me_end(al, from, b) - b;
    if (to->n - (end - a) + size > ME_NODES) return false;
    memcpy(piece, from->node + b, (size_t)size);
    memmove(to->node + a + size, to->node + end, (size_t)(to->n - end));
    memcpy(to->node + a, piece, (size_t)size);
    to->n += size - (end - a);
    return true;
}

static int write(const me_alphabet *a, const me_tree *t, int at, char *text, size_t size)
{
    const int symbol = t->node[at++];
    const size_t have = strlen(text);
    snprintf(text + have, size - have, a->arity[symbol] ? "(%s" : "%s", a->name[symbol]);
    for (int k = 0; k < a->arity[symbol]; k++) {
        snprintf(text + strlen(text), size - strlen(text), " ");
        at = write(a, t, at, text, size);
    }
    if (a->arity[symbol]) snprintf(text + strlen(text), size - strlen(text), ")");
    return at;
}

char *me_text(const me_alphabet *a, const me_tree *t, char *text, size_t size)
{
    text[0] = 0;
    write(a, t, 0, text, size);
    return text;
}

/* ---- operators -------------------------------------------------------------------------------------------------------------------*/

enum { ACTIONS = 40 };
typedef struct editor {
    const me_alphabet *a;
    me_tree tree[2], clip;
    int at[2], left;
    jd_rng *r;
} editor;

static int any_node(const editor *e, const me_tree *t, bool inner)
{
    int node = (int)jd_rng_below(e->r, (uint32_t)t->n);
    for (int tries = 0; inner && tries < 8 && !e->a->arity[t->node[node]]; tries++)
        node = (int)jd_rng_below(e->r, (uint32_t)t->n);
    return node;
}

static int parent_of(const editor *e, const me_tree *t, int at)
{
    for (int p = at - 1; p >= 0; p--)
        if (me_end(e->a, t, p) > at) return p;
    return 0;
}

static void move_cursor(editor *e, int which, int way)
{
    const me_tree *t = &e->tree[which];
    int *at = &e->at[which];
    switch (way) {
    case A_DOWN: *at += e->a->arity[t->node[*at]] > 0; break;
    case A_NEXT: {
        const int next = me_end(e->a, t, *at);
        if (next < t->n && *at && parent_of(e, t, next) == parent_of(e, t, *at)) *at = next;
        break;
    }
    case A_UP: *at = parent_of(e, t, *at); break;
    default: *at = any_node(e, t, way == A_INNER);
    }
}

static void copy(editor *e, int which)
{
    const me_tree *t = &e->tree[which];
    const int at = e->at[which];
    e->clip.n = me_end(e->a, t, at) - at;
    memcpy(e->clip.node, t->node + at, (size_t)e->clip.n);
}

static void swap(editor *e)
{
    me_tree one = e->tree[0], other = e->tree[1];
    if (!me_graft(e->a, &one, e->at[0], &e->tree[1], e->at[1]) ||
        !me_graft(e->a, &other, e->at[1], &e->tree[0], e->at[0]))
        return;
    e->tree[0] = one, e->tree[1] = other;
}

static void change(editor *e)
{
    uint8_t *node = &e->tree[0].node[e->at[0]];
    const int arity = e->a->arity[*node];
    int symbol;
    do symbol = (int)jd_rng_below(e->r, (uint32_t)e->a->n);
    while (e->a->arity[symbol] != arity);
    *node = (uint8_t)symbol;
}

static void act(editor *e, int what)
{
    switch (what) {
    case COPY_A: copy(e, 0); break;
    case COPY_B: copy(e, 1); break;
    case PASTE_A:
    case PASTE_B: {
        const int k = what == PASTE_B;
        if (e->clip.n) me_graft(e->a, &e->tree[k], e->at[k], &e->clip, 0);
        break;
    }
    case SWAP: swap(e); break;
    case CHANGE: change(e); break;
    case GROW: me_random(e->a, &e->clip, 3, false, e->r); break;
    case TURN: {
        const me_tree t = e->tree[0];
        const int at = e->at[0];
        e->tree[0] = e->tree[1], e->at[0] = e->at[1];
        e->tree[1] = t, e->at[1] = at;
        break;
    }
    case NOTHING: break;
    default: move_cursor(e, what >= B_DOWN, what >= B_DOWN ? what - B_DOWN : what);
    }
}

/* Runs the operator's subtree at `at`; returns where it ends. */
static int interpret(editor *e, const me_tree *op, int at)
{
    const int what = op->node[at], first = at + 1;
    if (!ME_EDIT.arity[what]) {
        if (e->left-- > 0) act(e, what);
        return first;
    }
    if (what == REPEAT) {
        const int times = 2 + (int)jd_rng_below(e->r, 7);
        for (int k = 0; k < times && e->left > 0; k++) interpret(e, op, first);
        return me_end(&ME_EDIT, op, first);
    }
    const int second = me_end(&ME_EDIT, op, first), end = me_end(&ME_EDIT, op, second);
    bool yes = true;
    if (what == IF_LARGER) yes = e->tree[0].n > e->tree[1].n;
    if (what == IF_LEAF) yes = !e->a->arity[e->tree[0].node[e->at[0]]];
    if (what == IF_EVEN) yes = jd_rng_below(e->r, 2);
    if (what == SEQUENCE || yes) interpret(e, op, first);
    if (what == SEQUENCE || !yes) interpret(e, op, second);
    return end;
}

void me_edit(const me_tree *op, const me_alphabet *a, const me_tree *one, const me_tree *two, jd_rng *r, me_tree *child)
{
    editor e = {.a = a, .tree = {*one, *two}, .left = ACTIONS, .r = r};
    for (int k = 0; k < 2; k++) e.at[k] = any_node(&e, &e.tree[k], true);
    interpret(&e, op, 0);
    *child = e.tree[0];
}

void me_koza(const me_alphabet *a, const me_tree *one, const me_tree *two, jd_rng *r, me_tree *child)
{
    editor e = {.a = a, .tree = {*one, *two}, .r = r};
    e.at[0] = any_node(&e, one, jd_rng_below(r, 10) > 0);
    if (jd_rng_below(r, 10)) {
        e.at[1] = any_node(&e, two, jd_rng_below(r, 10) > 0);
        copy(&e, 1);
    } else
        me_random(a, &e.clip, 4, false, r);
    act(&e, PASTE_A);
    *child = e.tree[0];
}

/* ---- problems ----------------------------------------------------------------------------------------------------------------------*/

static double target(int task, double x, double y)
{
    switch (task) {
    case 0: return x * x * x * x + x * x * x + x * x + x;
    case 1: return x * x * x * x * x * x - 2 * x * x * x * x + x * x;
    case 2: return x * y + sin((x - 1) * (y - 1));
    case 3: return x * x * x * x - x * x * x + y * y / 2 - y;
    case 4: return 8 / (2 + x * x + y * y);
    case 5: return x * x * x / 5 + y * y * y / 2 - y - x;
    case 6: return x * x * x * x * x - 2 * x * x * x + x;
    case 7: return 6 * sin(x) * cos(y);
    default: return pow(x, y);
    }
}

/* Koza's quartic and sextic on -1..1, those of Keijzer (EuroGP 2003) in two variables on -3..3, x^y on 0..1. */
void me_task_new(me_task *t, int number, uint64_t seed)
{
    static const char *const label[ME_ALL] = {"x^4 + x^3 + x^2 + x",   "x^6 - 2 x^4 + x^2",   "x y + sin((x-1)(y-1))",
                                              "x^4 - x^3 + y^2/2 - y", "8 / (2 + x^2 + y^2)", "x^3/5 + y^3/2 - y - x",
                                              "x^5 - 2 x^3 + x",       "6 sin x cos y",       "x^y"};
    const bool single = number < 2 || number == 6;
    const double low = single ? -1 : number == 8 ? 0 : -3, high = single || number == 8 ? 1 : 3;
    jd_rng r = jd_rng_new(seed, "meta-evolution/task", (uint64_t)number);
    *t = (me_task){.label = label[number], .alphabet = single ? &ME_ONE : &ME_TWO};
    for (int i = 0; i < ME_CASES; i++) {
        t->x[i] = low + (high - low) * jd_rng_uniform64(&r);
        t->y[i] = single ? t->x[i] : low + (high - low) * jd_rng_uniform64(&r);
        t->z[i] = target(number, t->x[i], t->y[i]);
    }
}

static int evaluate(const me_task *t, const me_tree *p, int at, double v[ME_CASES])
{
    const int symbol = p->node[at++];
    double w[ME_CASES];
    switch (symbol) {
    case X: memcpy(v, t->x, sizeof t->x); return at;
    case Y: memcpy(v, t->y, sizeof t->y); return at;
    case ONE:
    case TWO:
    case HALF:
        for (int i = 0; i < ME_CASES; i++) v[i] = symbol == ONE ? 1 : symbol == TWO ? 2 : .5;
        return at;
    default: break;
    }
    at = evaluate(t, p, at, v);
    if (symbol < SINE) at = evaluate(t, p, at, w);
    for (int i = 0; i < ME_CASES; i++) switch (symbol) {
        case ADD: v[i] += w[i]; break;
        case SUBTRACT: v[i] -= w[i]; break;
        case TIMES: v[i] *= w[i]; break;
        case DIVIDE: v[i] = fabs(w[i]) < 1e-9 ? 1 : v[i] / w[i]; break;
        case SINE: v[i] = sin(v[i]); break;
        case COSINE: v[i] = cos(v[i]); break;
        case EXPONENTIAL: v[i] = exp(fmin(50, v[i])); break;
        default: v[i] = fabs(v[i]) < 1e-9 ? 0 : log(fabs(v[i])); break;
        }
    return at;
}

double me_fitness(const me_task *t, const me_tree *p)
{
    double v[ME_CASES], sum = 0;
    evaluate(t, p, 0, v);
    for (int i = 0; i < ME_CASES; i++) sum += fabs(v[i] - t->z[i]);
    return isfinite(sum) ? 1 / (1 + sum) : 0;
}
