/* pickle.c - values in pickle files (see pickle.h). */
#include "io/pickle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VALUES = 1 << 22, NONE = -1, MARK = -2 };

typedef enum kind { OTHER, NUMBER, TEXT, LIST, DICT, GLOBAL, CALL } kind;

/* A list's members are cells; a dictionary's too, keys and values in turn.  A call's: what is called, the arguments, the state. */
typedef struct value {
    kind kind;
    int64_t number;      /* NUMBER */
    const uint8_t *text; /* TEXT, GLOBAL: "module\nname" */
    size_t length;
    int64_t first, last; /* cells, or NONE */
    size_t count;
} value;

typedef struct cell {
    int64_t value, next;
} cell;

struct jd__pickle {
    jd_ctx *ctx;
    const char *name;
    const uint8_t *p;
    size_t at, bytes;
    value *value;
    cell *cell;
    int64_t *stack, *memo; /* memo: value by its number, NONE where there is none */
    size_t values, value_room, cells, cell_room, depth, stack_room, memo_room, memoised;
    int64_t root;
};

static jd_status wrong(jd__pickle *k, const char *what)
{
    return jd_error(k->ctx) ? jd_error(k->ctx)
                            : jd_fail(k->ctx, JD_EDATA, "%s: byte %zu: pickle: %s", k->name, k->at, what);
}

/* Room for one more in *room elements of `size` bytes. */
static void *grow(jd__pickle *k, void *array, size_t n, size_t *room, size_t size)
{
    if (n < *room) return array;
    const size_t more = *room ? 2 * *room : 64;
    void *larger = more > MOST_VALUES ? NULL : jd_realloc(k->ctx, array, *room * size, more * size);
    if (!larger) {
        wrong(k, "too many values; the file is damaged");
        return array;
    }
    *room = more;
    return larger;
}

/* ---- values -------------------------------------------------------------------------------------------------------------------------*/

static void push(jd__pickle *k, int64_t v)
{
    k->stack = grow(k, k->stack, k->depth, &k->stack_room, sizeof *k->stack);
    if (!jd_error(k->ctx)) k->stack[k->depth++] = v;
}

static int64_t pop(jd__pickle *k)
{
    if (k->depth && k->stack[k->depth - 1] != MARK) return k->stack[--k->depth];
    wrong(k, "a value is missing; the file is damaged");
    return NONE;
}

static int64_t make(jd__pickle *k, value v)
{
    k->value = grow(k, k->value, k->values, &k->value_room, sizeof *k->value);
    if (jd_error(k->ctx)) return NONE;
    v.first = v.last = NONE;
    k->value[k->values] = v;
    return (int64_t)k->values++;
}

static void push_new(jd__pickle *k, kind what)
{
    push(k, make(k, (value){.kind = what}));
}

static void push_number(jd__pickle *k, int64_t n)
{
    push(k, make(k, (value){.kind = NUMBER, .number = n}));
}

static void append(jd__pickle *k, int64_t list, int64_t member)
{
    k->cell = grow(k, k->cell, k->cells, &k->cell_room, sizeof *k->cell);
    if (jd_error(k->ctx) || list < 0) return;
    value *v = &k->value[list];
    k->cell[k->cells] = (cell){member, NONE};
    if (v->last == NONE)
        v->first = (int64_t)k->cells;
    else
        k->cell[v->last].next = (int64_t)k->cells;
    v->last = (int64_t)k->cells++;
    v->count++;
}

/* What lies above the last mark goes to the end of `list`; the mark goes. */
static void append_marked(jd__pickle *k, int64_t list)
{
    size_t mark = k->depth;
    while (mark && k->stack[mark - 1] != MARK) mark--;
    if (!mark) {
        wrong(k, "a mark is missing; the file is damaged");
        return;
    }
    for (size_t i = mark; i < k->depth && !jd_error(k->ctx); i++) append(k, list, k->stack[i]);
    k->depth = mark - 1;
}

static void collect(jd__pickle *k, kind what)
{
    const int64_t list = make(k, (value){.kind = what});
    append_marked(k, list);
    push(k, list);
}

static void collect_last(jd__pickle *k, int n)
{
    const int64_t list = make(k, (value){.kind = LIST});
    int64_t member[3] = {0};
    for (int i = n; i-- > 0;) member[i] = pop(k);
    for (int i = 0; i < n; i++) append(k, list, member[i]);
    push(k, list);
}

/* A call of two values, or the state of one that is there already. */
static void call(jd__pickle *k)
{
    const int64_t arguments = pop(k), what = pop(k), made = make(k, (value){.kind = CALL});
    append(k, made, what);
    append(k, made, arguments);
    push(k, made);
}

/* Marked or not, what lies on top goes into what lies below it. */
static void put_in(jd__pickle *k, kind what, int n, bool marked)
{
    int64_t member[2] = {0};
    size_t below = k->depth;
    if (marked) {
        while (below && k->stack[below - 1] != MARK) below--;
        if (below) below--;
    } else {
        for (int i = n; i-- > 0;) member[i] = pop(k);
        below = k->depth;
    }
    const int64_t list = below && !jd_error(k->ctx) ? k->stack[below - 1] : NONE;
    if (list < 0 || k->value[list].kind != what) {
        wrong(k, "members of what is no list or dictionary; the file is damaged");
        return;
    }
    for (int i = 0; !marked && i < n; i++) append(k, list, member[i]);
    if (marked) append_marked(k, list);
}

/* ---- the file -------------------------------------------------------------------------------------------------------------------------*/

static const uint8_t *take(jd__pickle *k, uint64_t n)
{
    if (n > k->bytes - k->at) {
        wrong(k, "the file ends within a value; it is cut off, fetch it again");
        return NULL;
    }
    k->at += n;
    return k->p + k->at - n;
}

static uint64_t take_le(jd__pickle *k, unsigned n)
{
    const uint8_t *p = take(k, n);
    uint64_t v = 0;
    for (unsigned i = 0; p && i < n; i++) v |= (uint64_t)p[i] << 8 * i;
    return v;
}

/* A line without its end; its length. */
static const uint8_t *take_line(jd__pickle *k, size_t *length)
{
    const uint8_t *p = k->p + k->at, *end = memchr(p, '\n', k->bytes - k->at);
    *length = end ? (size_t)(end - p) : 0;
    return take(k, end ? *length + 1 : UINT64_MAX);
}

static void push_text(jd__pickle *k, uint64_t length)
{
    const uint8_t *p = take(k, length);
    if (p) push(k, make(k, (value){.kind = TEXT, .text = p, .length = (size_t)length}));
}

/* 'text' or a text without quotes, as protocol 0 writes them. */
static void push_line(jd__pickle *k)
{
    size_t n;
    const uint8_t *p = take_line(k, &n);
    const bool quoted = p && n >= 2 && (*p == '\'' || *p == '"') && p[n - 1] == *p;
    if (p) push(k, make(k, (value){.kind = TEXT, .text = p + quoted, .length = n - 2 * (size_t)quoted}));
}

static void push_decimal(jd__pickle *k)
{
    size_t n;
    const uint8_t *p = take_line(k, &n);
    if (p) push_number(k, strtoll((const char *)p, NULL, 10)); /* it stops at the line's end */
}

static void push_global(jd__pickle *k)
{
    size_t a, b;
    const uint8_t *module = take_line(k, &a);
    if (module && take_line(k, &b)) push(k, make(k, (value){.kind = GLOBAL, .text = module, .length = a + 1 + b}));
}

/* The same out of two texts on the stack, which stand apart: it is known by its name alone. */
static void push_stack_global(jd__pickle *k)
{
    const int64_t name = pop(k);
    pop(k);
    if (name >= 0)
        push(k, make(k, (value){.kind = GLOBAL, .text = k->value[name].text, .length = k->value[name].length}));
}

static void remember(jd__pickle *k, uint64_t number)
{
    if (!k->depth || k->stack[k->depth - 1] < 0 || number > k->bytes) {
        wrong(k, "nothing to remember; the file is damaged");
        return;
    }
    while (number >= k->memo_room && !jd_error(k->ctx)) {
        const size_t before = k->memo_room;
        k->memo = grow(k, k->memo, before, &k->memo_room, sizeof *k->memo);
        for (size_t i = before; i < k->memo_room; i++) k->memo[i] = NONE;
    }
    if (!jd_error(k->ctx)) k->memo[number] = k->stack[k->depth - 1];
    k->memoised++;
}

static void recall(jd__pickle *k, uint64_t number)
{
    if (number < k->memo_room && k->memo[number] >= 0)
        push(k, k->memo[number]);
    else
        wrong(k, "a value that was not remembered; the file is damaged");
}

static uint64_t take_decimal(jd__pickle *k)
{
    size_t n;
    const uint8_t *p = take_line(k, &n);
    return p ? strtoull((const char *)p, NULL, 10) : 0;
}

/* A long of n bytes, of which only those up to 8 are told. */
static void push_long(jd__pickle *k, uint64_t n)
{
    const uint8_t *p = take(k, n);
    uint64_t v = p && n && n <= 8 && p[n - 1] & 128 ? ~(uint64_t)0 : 0;
    for (uint64_t i = n < 8 ? n : 8; p && i-- > 0;) v = v << 8 | p[i];
    if (p) push_number(k, (int64_t)v);
}

/* One instruction; false at the end. */
static bool step(jd__pickle *k)
{
    const uint8_t *code = take(k, 1);
    switch (code ? *code : '.') {
    case 0x80: take(k, 1); break; /* PROTO */
    case 0x95: take(k, 8); break; /* FRAME */
    case '(': push(k, MARK); break;
    case '.': return false;
    case '0': pop(k); break;
    case '1': /* POP_MARK */
        collect(k, OTHER);
        pop(k);
        break;
    case '2': push(k, k->depth ? k->stack[k->depth - 1] : MARK); break; /* DUP */
    case 'N': push_new(k, OTHER); break;
    case 'I':
    case 'L': push_decimal(k); break;
    case 'F': take_decimal(k), push_new(k, OTHER); break;
    case 'G': take(k, 8), push_new(k, OTHER); break;
    case 'J': push_number(k, (int32_t)take_le(k, 4)); break;
    case 'K': push_number(k, (int64_t)take_le(k, 1)); break;
    case 'M': push_number(k, (int64_t)take_le(k, 2)); break;
    case 0x88: push_number(k, 1); break;
    case 0x89: push_number(k, 0); break;
    case 0x8a: push_long(k, take_le(k, 1)); break;
    case 0x8b: push_long(k, take_le(k, 4)); break;
    case 'S':
    case 'V': push_line(k); break;
    case 'C':
    case 'U':
    case 0x8c: push_text(k, take_le(k, 1)); break;
    case 'T':
    case 'B':
    case 'X': push_text(k, take_le(k, 4)); break;
    case 0x8d:
    case 0x8e:
    case 0x96: push_text(k, take_le(k, 8)); break;
    case ']': push_new(k, LIST); break;
    case ')': push_new(k, LIST); break;
    case '}': push_new(k, DICT); break;
    case 'l':
    case 't': collect(k, LIST); break;
    case 'd': collect(k, DICT); break;
    case 0x85: collect_last(k, 1); break;
    case 0x86: collect_last(k, 2); break;
    case 0x87: collect_last(k, 3); break;
    case 'a': put_in(k, LIST, 1, false); break;
    case 'e': put_in(k, LIST, 0, true); break;
    case 's': put_in(k, DICT, 2, false); break;
    case 'u': put_in(k, DICT, 0, true); break;
    case 'c': push_global(k); break;
    case 0x93: push_stack_global(k); break;
    case 'R':
    case 0x81: call(k); break;
    case 'b': { /* BUILD: the state of what was made */
        const int64_t state = pop(k), made = k->depth && !jd_error(k->ctx) ? k->stack[k->depth - 1] : NONE;
        append(k, made, state);
        break;
    }
    case 'p': remember(k, take_decimal(k)); break;
    case 'q': remember(k, take_le(k, 1)); break;
    case 'r': remember(k, take_le(k, 4)); break;
    case 0x94: remember(k, k->memoised); break;
    case 'g': recall(k, take_decimal(k)); break;
    case 'h': recall(k, take_le(k, 1)); break;
    case 'j': recall(k, take_le(k, 4)); break;
    default: k->at--; wrong(k, "a code that lists, texts, numbers and arrays do not need; save them as .npz");
    }
    return !jd_error(k->ctx);
}

jd__pickle *jd__pickle_read(jd_ctx *ctx, const char *name, const uint8_t *data, size_t bytes)
{
    jd__pickle *k = jd_alloc(ctx, sizeof *k);
    if (!k) return NULL;
    *k = (jd__pickle){.ctx = ctx, .name = name, .p = data, .bytes = bytes};
    while (step(k))
        ;
    k->root = jd_error(ctx) ? NONE : pop(k);
    if (!jd_error(ctx)) return k;
    jd__pickle_free(k);
    return NULL;
}

void jd__pickle_free(jd__pickle *k)
{
    if (!k) return;
    jd_free(k->ctx, k->value);
    jd_free(k->ctx, k->cell);
    jd_free(k->ctx, k->stack);
    jd_free(k->ctx, k->memo);
    jd_free(k->ctx, k);
}

/* ---- looking ---------------------------------------------------------------------------------------------------------------------------*/

int64_t jd__pickle_root(const jd__pickle *k)
{
    return k->root;
}

static const value *at(const jd__pickle *k, int64_t v, kind what)
{
    return v >= 0 && k->value[v].kind == what ? &k->value[v] : NULL;
}

/* Member i of a list, dictionary or call. */
static int64_t member(const jd__pickle *k, const value *v, size_t i)
{
    int64_t c = v ? v->first : NONE;
    while (c >= 0 && i-- > 0) c = k->cell[c].next;
    return c >= 0 ? k->cell[c].value : NONE;
}

static bool reads(const value *v, const char *text)
{
    return v && v->length == strlen(text) && !memcmp(v->text, text, v->length);
}

int64_t jd__pickle_get(const jd__pickle *k, int64_t dictionary, const char *key)
{
    const value *d = at(k, dictionary, DICT);
    for (int64_t c = d ? d->first : NONE; c >= 0 && k->cell[c].next >= 0; c = k->cell[k->cell[c].next].next)
        if (reads(at(k, k->cell[c].value, TEXT), key)) return k->cell[k->cell[c].next].value;
    return NONE;
}

size_t jd__pickle_count(const jd__pickle *k, int64_t list)
{
    const value *v = at(k, list, LIST);
    return v ? v->count : 0;
}

bool jd__pickle_numbers(const jd__pickle *k, int64_t list, int64_t *out, size_t n)
{
    const value *v = at(k, list, LIST);
    size_t i = 0;
    for (int64_t c = v ? v->first : NONE; c >= 0 && i < n; c = k->cell[c].next) {
        const value *one = at(k, k->cell[c].value, NUMBER);
        if (!one) return false;
        out[i++] = one->number;
    }
    return i == n;
}

/* What a call calls, by the end of its name. */
static bool calls(const jd__pickle *k, const value *v, const char *name)
{
    const value *what = at(k, member(k, v, 0), GLOBAL);
    const size_t n = strlen(name);
    return what && what->length >= n && !memcmp(what->text + what->length - n, name, n);
}

/* _reconstruct(ndarray, (0,), 'b') with the state (version, shape, dtype, Fortran order, bytes). */
const uint8_t *jd__pickle_bytes(const jd__pickle *k, int64_t array, int *rank, int64_t dim[4])
{
    const value *a = at(k, array, CALL), *state = a ? at(k, member(k, a, 2), LIST) : NULL;
    if (!state || state->count != 5 || !calls(k, a, "_reconstruct")) return NULL;
    const int64_t shape = member(k, state, 1);
    const value *dtype = at(k, member(k, state, 2), CALL), *order = at(k, member(k, state, 3), NUMBER),
                *data = at(k, member(k, state, 4), TEXT);
    const value *arguments = dtype ? at(k, member(k, dtype, 1), LIST) : NULL;
    uint64_t n = 1;
    if (!dtype || !calls(k, dtype, "dtype") || !reads(at(k, member(k, arguments, 0), TEXT), "u1") || !order ||
        order->number || !data)
        return NULL;
    *rank = (int)jd__pickle_count(k, shape);
    if (*rank < 1 || *rank > 4 || !jd__pickle_numbers(k, shape, dim, (size_t)*rank)) return NULL;
    for (int i = 0; i < *rank; i++)
        if (dim[i] < 0 || __builtin_mul_overflow(n, (uint64_t)dim[i], &n)) return NULL;
    return n == data->length ? data->text : NULL;
}
