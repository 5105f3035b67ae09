/* table.h - the ops that have CUDA kernels; JD_CUDA_OPS(X) names them, src/cuda/NAME.cu defines jd_cu_NAME. */
#ifndef JD_CUDA_TABLE_H
#define JD_CUDA_TABLE_H

#include "cuda/cu.h"

/* X(name) */
#define JD_CUDA_OPS(X)                                                                                                 \
    X(pointwise)                                                                                                       \
    X(transpose)                                                                                                       \
    X(broadcast)                                                                                                       \
    X(slice)                                                                                                           \
    X(pad)                                                                                                             \
    X(concat)                                                                                                          \
    X(reverse)                                                                                                         \
    X(sum)                                                                                                             \
    X(amax)                                                                                                            \
    X(argmax)                                                                                                          \
    X(matmul)                                                                                                          \
    X(matmul_update)                                                                                                   \
    X(gather)                                                                                                          \
    X(scatter_add)                                                                                                     \
    X(onehot)                                                                                                          \
    X(random)                                                                                                          \
    X(conv2d)                                                                                                          \
    X(conv2d_dx)                                                                                                       \
    X(conv2d_dw)                                                                                                       \
    X(maxpool)                                                                                                         \
    X(unpool)                                                                                                          \
    X(pool_gather)                                                                                                     \
    X(avgpool)                                                                                                         \
    X(avgpool_dx)                                                                                                      \
    X(softmax)                                                                                                         \
    X(softmax_xent)                                                                                                    \
    X(softmax_xent_grad)                                                                                               \
    X(ctc)                                                                                                             \
    X(ctc_grad)                                                                                                        \
    X(lstm)                                                                                                            \
    X(lstm_grad)                                                                                                       \
    X(gru)                                                                                                             \
    X(gru_grad)                                                                                                        \
    X(srn)                                                                                                             \
    X(srn_grad)                                                                                                        \
    X(update_sgd)                                                                                                      \
    X(update_adam)                                                                                                     \
    X(update_rmsprop)                                                                                                  \
    X(update_rprop)                                                                                                    \
    X(mdlstm)                                                                                                          \
    X(mdlstm_grad)

#define JD_CUDA_DECLARE_(name) extern const jd_cu_op jd_cu_##name;
JD_CUDA_OPS(JD_CUDA_DECLARE_)
#undef JD_CUDA_DECLARE_

/* NULL: none; the op, or this shape of it, runs on the CPU. */
const jd_cu_op *jd_cu_find(int opcode, const jd_call *c);
bool jd_cu_kernel(int opcode, const jd_call *c, jd_precision p, jd_device_kernel *k);

#endif
