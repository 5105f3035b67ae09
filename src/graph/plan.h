/*
 * plan.h (internal) - from a graph to a flat array of instructions over one arena.
 *
 *   fuse.c    which ops run, and which run together (products with bias and squashing, point-wise chains, SGD steps)
 *   lower.c   the instructions, in order, with their operands as values
 *   memory.c  which value lies where: views, concatenations written in place, offsets from liveness
 *   exec.c    running, on one thread or the team
 */
#ifndef JD_GRAPH_PLAN_H
#define JD_GRAPH_PLAN_H

#include "cpu/cpu.h"
#include "graph/graph.h"
#include "ops/attrs.h"
#include "ops/pointwise.h"

typedef struct jd__instr {
    jd_call call;
    jd_kernel *kernel;
    uint32_t *value;  /* in values, then out values (graph numbers) */
    const char *name; /* of the first output, or "" */
    size_t scratch_bytes;
    bool parallel;
    bool fast;          /* the kernel is not the reference kernel */
    const char *device; /* on a device: its kernel; NULL: this instruction runs on the CPU */
    size_t device_scratch;
    bool device_half; /* another instruction may run beside it */
    jd_opcode code;
    double flop, bytes, seconds;
} jd__instr;

/* A pointer of an instruction that follows the parameter store when that moves. */
typedef struct jd__bind {
    void **where;
    int64_t state; /* >= 0: state buffer; -1: parameter vector */
    size_t offset; /* bytes */
} jd__bind;

typedef struct jd__io {
    const char *name;
    jd_type type;
    void *data;
    bool used;
    uint64_t read; /* on a device: the number of the run whose value was copied back */
} jd__io;

struct jd_plan {
    jd_ctx *ctx;
    jd_params *params;
    const jd_cpu *cpu;
    uint64_t generation;
    jd__instr *instr;
    int ninstr;
    bool parallel; /* at least one instruction is worth the team */
    int end;       /* how many instructions this run has */
    int exchange;  /* the instruction behind the one that waits for the other shards; 0: none */
    unsigned char *arena;
    size_t arena_bytes;
    jd__bind *bind;
    int nbind;
    jd__io *input, *result;
    int ninput, nresult;
    void *memory; /* everything above but the arena: one block */
    size_t memory_used, memory_size;
    double trace_seconds, compile_seconds;
    struct jd__offload *off; /* on a device, see offload.h; NULL: on the CPU */
    bool held;               /* jd_fn_plan has given it out */
    struct jd_plan *next;
};

/* What fuse.c decides.  Arrays are indexed by op or value; memory is the graph's. */
enum { JD_ROLE_NONE, JD_ROLE_PLAIN, JD_ROLE_PRODUCT, JD_ROLE_CONV, JD_ROLE_GROUP, JD_ROLE_INSIDE, JD_ROLE_SGD };
typedef struct jd__fusion {
    uint8_t *role;    /* per op: how it is run; NONE: dead, a leaf or a view; INSIDE: within another instruction */
    uint32_t *use_at; /* per value: its users are use[use_at[v] .. use_at[v + 1] - 1], op numbers */
    uint32_t *use;
    uint8_t *is_result;             /* per value */
    uint32_t *fold_out, *fold_bias; /* per product or convolution: the value it ends in, the bias value or 0 */
    uint32_t *fold_pool;            /* per convolution: the max pooling that follows, or UINT32_MAX */
    uint8_t *fold_act;
    uint32_t *group; /* per op: the last member of its point-wise group */
    uint32_t *next;  /* per op: another member of its group, from the last one on; UINT32_MAX ends the list */
} jd__fusion;
jd_status jd__fuse(jd_graph *g, jd__fusion *f);
/* A slice along the outermost axis is a view. */
bool jd__is_outer_slice(const jd_graph *g, uint32_t o);

/* Instructions while they are listed: `at` orders them. */
typedef struct jd__item {
    uint64_t at;
    jd_opcode code;
    uint32_t op; /* the graph op it stands for, for its name */
    const uint32_t *in, *out;
    uint32_t nin, nout;
    const jd_type *in_type; /* NULL: the values' own */
    const void *attr;
    size_t attr_bytes;
} jd__item;
jd_status jd__lower(jd_graph *g, jd__fusion *f, jd__item **items, uint32_t *n);

/* Lays out every value and binds the instructions' pointers. */
jd_status jd__layout(jd_graph *g, const jd__fusion *f, jd_plan *p, const jd__item *items);
/* Instruction k and the next may run side by side on a device, if they do not depend on one another. */
static inline bool jd__may_pair(const jd_plan *p, int k)
{
    const jd__instr *i = &p->instr[k];
    return k >= 0 && k + 1 < p->ninstr && i->device_half && i[1].device_half && i->code == i[1].code;
}
/* Points the bound operands at the store's present memory. */
void jd__plan_rebind(jd_plan *p);

jd_status jd__compile(jd_graph *g, jd_plan **out);
void jd__plan_free(jd_plan *p);
void jd__run_instr(jd_plan *p, jd__instr *i);
/* Where this run ends: with shards to come, where the gradient is known. */
int jd__plan_end(const jd_plan *p);

#endif
