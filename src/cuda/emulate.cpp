/* emulate.cpp - blocks of threads as fibers. */
#include "cuda/emulate.h"

#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace
{

enum { STACK = 64 * 1024, PAGE = 4096 };
enum { RUNS, AT_BLOCK, POLLS }; /* where a fiber stands */

struct fiber {
    ucontext_t first; /* only to enter it */
    void *sp;         /* where it waits */
    char *stack;
    dim3 thread, block;
    void *shared;
    bool started, done;
    int waits;
};

fiber *all;
size_t made;
fiber *now;
void *home; /* stack pointer of the caller */
const char *fault;
const std::function<void()> *body;
#if defined(__SANITIZE_ADDRESS__)
const void *stack_bottom_of_home;
size_t stack_size_of_home;
#endif

#if defined(__x86_64__)
/* Saves the registers that a call keeps, and changes stacks: no system call, unlike swapcontext. */
extern "C" void jd_emulate_switch(void **save, void *load);
asm(R"(
.text
.globl jd_emulate_switch
.hidden jd_emulate_switch
.type jd_emulate_switch,@function
jd_emulate_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size jd_emulate_switch,.-jd_emulate_switch
)");
#else
#error "the emulation of CUDA blocks is written for x86-64"
#endif

void enter_fiber(void **save, fiber *f)
{
#if defined(__SANITIZE_ADDRESS__)
    void *fake = NULL;
    __sanitizer_start_switch_fiber(&fake, f->stack + PAGE, STACK);
#endif
    jd_emulate_switch(save, f->sp);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
}

void leave_fiber(fiber *f)
{
#if defined(__SANITIZE_ADDRESS__)
    void *fake = NULL;
    __sanitizer_start_switch_fiber(f->done ? NULL : &fake, stack_bottom_of_home, stack_size_of_home);
#endif
    jd_emulate_switch(&f->sp, home);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake, &stack_bottom_of_home, &stack_size_of_home);
#endif
}

extern "C" void jd_emulate_start()
{
    fiber *f = now;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(NULL, &stack_bottom_of_home, &stack_size_of_home);
#endif
    (*body)();
    f->done = true;
    leave_fiber(f);
    abort(); /* a fiber that is done is never entered again */
}

bool room_for(size_t n)
{
    if (n <= made) return true;
    fiber *more = (fiber *)realloc((void *)all, n * sizeof *all);
    if (!more) return false;
    all = more;
    for (; made < n; made++) {
        memset((void *)&all[made], 0, sizeof all[made]);
        /* A page below each stack that nobody may touch. */
        void *p = mmap(NULL, STACK + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p == MAP_FAILED) return false;
        mprotect(p, PAGE, PROT_NONE);
        all[made].stack = (char *)p;
    }
    return true;
}

/* When the plug-in is closed. */
__attribute__((destructor)) void give_back()
{
    for (size_t i = 0; i < made; i++) {
#if defined(__SANITIZE_ADDRESS__)
        __asan_unpoison_memory_region(all[i].stack, STACK + PAGE); /* what is mapped there next starts clean */
#endif
        munmap(all[i].stack, STACK + PAGE);
    }
    free((void *)all);
    all = NULL;
    made = 0;
}

void prepare(fiber *f)
{
    /* The first switch pops six registers and returns into jd_emulate_start, whose stack must be aligned as after a call. */
    void **top = (void **)(f->stack + PAGE + STACK - 64);
    *--top = NULL;
    *--top = (void *)jd_emulate_start;
    for (int i = 0; i < 6; i++) *--top = NULL;
    f->sp = (void *)top;
    f->done = false;
    f->waits = RUNS;
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(f->stack + PAGE + STACK - 4096, 4096);
#endif
}

void run(fiber *f)
{
    now = f;
    threadIdx = f->thread;
    blockIdx = f->block;
    f->waits = RUNS;
    enter_fiber(&home, f);
}

size_t turn(size_t i, size_t n, int order)
{
    return order == 0   ? i
           : order == 1 ? n - 1 - i
                        : (i * 7919 + 13) % n; /* 7919 is prime; mixed if it does not divide n */
}

/* After a round: a block all of whose fibers are at its barrier goes on.  False: it cannot. */
bool settle(fiber *f, size_t per, size_t *done)
{
    size_t at[3] = {0}, over = 0;
    for (size_t i = 0; i < per; i++) {
        over += f[i].done;
        at[f[i].waits] += !f[i].done;
    }
    *done += over;
    if (at[AT_BLOCK] == per)
        for (size_t i = 0; i < per; i++) f[i].waits = RUNS;
    return at[AT_BLOCK] == per || at[POLLS] || over == per;
}

/* Runs n fibers, of which `per` make a block, to their end; NULL, or why they do not come there. */
const char *run_all(size_t n, size_t per, int order)
{
    if (order == 2 && n % 7919 == 0) order = 1;
    for (;;) {
        size_t done = 0, moved = 0;
        for (size_t i = 0; i < n; i++) {
            fiber *f = &all[turn(i, n, order)];
            if (f->done || f->waits == AT_BLOCK) continue;
            const bool polled = f->waits == POLLS;
            run(f);
            moved += !polled || f->done || f->waits != POLLS;
        }
        for (size_t b = 0; b < n; b += per)
            if (!settle(&all[b], per, &done))
                return "some threads of a block wait at a barrier that others do not reach";
        if (done == n) return NULL;
        if (!moved) return "blocks wait for one another for ever";
    }
}

} // namespace

void __syncthreads()
{
    fiber *f = now;
    f->waits = AT_BLOCK;
    leave_fiber(f);
}

void jd_emulate_poll()
{
    fiber *f = now;
    f->waits = POLLS;
    leave_fiber(f);
}

void *jd_emulate_shared()
{
    return now->shared;
}

void jd_emulate_fault(const char *why)
{
    if (!fault) fault = why;
}

int jd_emulate_multiprocessors()
{
    const char *n = getenv("JACKDAW_EMULATE_MULTIPROCESSORS");
    return n ? atoi(n) : 132;
}

static int run_grid(dim3 grid, dim3 block, size_t shared, bool cooperative, int order, char *why, size_t size)
{
    const size_t per = (size_t)block.x * block.y * block.z, blocks = (size_t)grid.x * grid.y * grid.z;
    const size_t together = cooperative ? blocks : 1;
    if (per > 1024 || shared > 227 * 1024 || (cooperative && blocks > (size_t)jd_emulate_multiprocessors()) ||
        grid.y > 65535 || grid.z > 65535) {
        snprintf(why, size, "%zu threads, %zu bytes of shared memory, %zu blocks: more than a GPU has", per, shared,
                 blocks);
        return 1;
    }
    void *memory = malloc(shared * together + 1);
    if (!memory || !room_for(per * together)) {
        free(memory);
        snprintf(why, size, "out of memory");
        return 1;
    }
    const char *wrong = NULL;
    for (size_t b = 0; b < blocks && !wrong; b += together) {
        memset(memory, 0xff, shared * together); /* NaN: shared memory begins undefined */
        for (size_t t = 0; t < per * together; t++) {
            const size_t k = b + (cooperative ? turn(t / per, blocks, order) : 0), i = t % per;
            fiber *f = &all[t];
            f->block = dim3((unsigned)(k % grid.x), (unsigned)(k / grid.x % grid.y), (unsigned)(k / grid.x / grid.y));
            f->thread =
                dim3((unsigned)(i % block.x), (unsigned)(i / block.x % block.y), (unsigned)(i / block.x / block.y));
            f->shared = (char *)memory + t / per * shared;
            prepare(f);
        }
        wrong = run_all(per * together, per, order);
        if (!wrong) wrong = fault;
    }
    free(memory);
    if (wrong) snprintf(why, size, "%s", wrong);
    return wrong != NULL;
}

int jd_emulate(const char *kernel, dim3 grid, dim3 block, size_t shared, bool cooperative,
               const std::function<void()> &body_, char *why, size_t size)
{
    const char *order = getenv("JACKDAW_EMULATE_ORDER");
    char text[160];
    body = &body_;
    fault = NULL;
    gridDim = grid;
    blockDim = block;
    if (!grid.x || !grid.y || !grid.z) {
        snprintf(why, size, "%s: a grid without blocks", kernel);
        return 1;
    }
    const int bad = run_grid(grid, block, shared, cooperative, order ? atoi(order) % 3 : 0, text, sizeof text);
    if (bad) snprintf(why, size, "%s: %s", kernel, text);
    return bad;
}
