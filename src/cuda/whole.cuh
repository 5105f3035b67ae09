/*
 * whole.cuh - recurrent layers over whole sequences by one kernel: forwards (whole.cu) and backwards (whole_grad.cu).
 *
 * A kernel keeps R in the shared memory of the multiprocessors: block (g, n) has all columns of the
 * rows of UB units, and BG samples.  Blocks of one g, a group, exchange what the next step needs through L2 and a counter;
 * groups know nothing of one another.  The numbers behind it, for B = 64 samples on an H200 (132 multiprocessors at
 * 1.98 GHz, 128 fused multiply-adds a cycle and 227 KB each; L2 about 5 TB/s, 700 cycles away; a signal and the wait for it
 * about 1500 cycles), in microseconds a step:
 *
 *     H      R in a block   products   exchange a block, forwards   backwards      hoped for, forwards / backwards
 *     256     68 KB         0.5            8 KB                      8 +  8 KB      2.4 / 2.5
 *     512    136 KB         2.1           32 KB                     32 + 32 KB      4.3 / 4.5
 *     1024   144 KB         8.3          256 KB                    256 + 256 KB    12   / 16
 *
 * Forwards a block reads the states of its group (BG H) and finds its units' gates: copies run ahead of the products in a
 * ring of 4 stages, 64 sums a thread make 64 multiply-adds of 16 numbers read, and the k are dealt to warps, whose sums meet
 * in shared memory.  Backwards the other way about: reading the errors of all gates (BG 4H) would need 4 times the traffic,
 * so a block multiplies the errors of its own units with its rows of R, leaves a part of the error of every unit (BG H), and
 * each unit adds the parts of all blocks.  The states' part of a step is thereby bound by the arithmetic up to H = 512.
 *
 * Sums over k have an order that depends on the shapes alone, but not the CPU's.
 *
 * A layer is a struct that knows its cell (lstm.cuh, gru.cuh).  A unit has four rows of R and four sums, of which a cell may
 * use fewer: that of n of a GRU is 0, a quarter of the products in vain.
 */
#ifndef JD_CUDA_WHOLE_CUH
#define JD_CUDA_WHOLE_CUH

#include "cuda/gru.cuh"
#include "cuda/lstm.cuh"

enum { WHOLE_THREADS = 256, WHOLE_BLOCKS = 128, WHOLE_SHARED = 227 * 1024, WHOLE_LAUNCHES = 8 };

/* What decides the shape of a launch; T below 2: one kernel has nothing to gain, or the layer is not for it. */
struct whole_size {
    int64_t H, T, B;
};

static inline whole_size lstm_size(const jd_call *c)
{
    const bool projection = c->in_type[6].rank >= 0;
    return {c->in_type[3].dim[0] / 4, projection ? 0 : c->in_type[0].dim[0], c->in_type[0].dim[1]};
}
static inline whole_size gru_size(const jd_call *c)
{
    return {c->in_type[3].dim[1], c->in_type[0].dim[0], c->in_type[0].dim[1]};
}

/* The cheapest of some shapes (struct P: NU, NB, samples) for all samples, in as many launches as they need. */
template <class P> struct whole_choice {
    P best;
    double least;
    void consider(const P &p, int64_t B, double cost)
    {
        const int64_t span = p.NB * p.samples, launches = (B + span - 1) / span;
        /* A little longer on half of the device: another layer may run beside it. */
        const double time = (double)launches * cost * (2 * p.NU * p.NB <= WHOLE_BLOCKS ? 1 : 1.15);
        if (launches > WHOLE_LAUNCHES || time >= least) return;
        least = time;
        best = p;
    }
};
/* Whether two such launches fit on the device at once. */
template <class P> static inline bool whole_is_half(const P &p, int64_t B)
{
    return 2 * p.NU * p.NB <= WHOLE_BLOCKS && p.NB * p.samples >= B;
}

/* $JACKDAW_CUDA_RECURRENT=step: a kernel a step instead. */
bool whole_wanted();
/* Bytes of scratch (0: not for this shape); whether two fit on the device at once. */
size_t whole_scratch(whole_size z);
size_t whole_back_scratch(whole_size z);
bool whole_half(whole_size z);
bool whole_back_half(whole_size z);
/* The launch: 0 done, 1 failed, -1 not for this shape or device, or not wanted. */
int whole(jd_cu *d, const lstm &l, void *scratch);
int whole(jd_cu *d, const gru &l, void *scratch);
int whole_back(jd_cu *d, const lstm_back &l, void *scratch);
int whole_back(jd_cu *d, const gru_back &l, void *scratch);

#endif
