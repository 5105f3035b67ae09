/* table.h - the kernel of each op: jd_cu_NAME in src/cuda/NAME.cu, for every op of JD_OPS but those named here. */
#ifndef JD_CUDA_TABLE_H
#define JD_CUDA_TABLE_H

#include "cuda/cu.h"

/* Ops without a kernel.  Leaves and views have none anywhere: */
#define JD_CUDA_WITHOUT_arg      ~,
#define JD_CUDA_WITHOUT_param    ~,
#define JD_CUDA_WITHOUT_state    ~,
#define JD_CUDA_WITHOUT_constant ~,
#define JD_CUDA_WITHOUT_iota     ~,
#define JD_CUDA_WITHOUT_reshape  ~,
#define JD_CUDA_WITHOUT_stop     ~,
/* and what passes between ranks runs on the CPU: */
#define JD_CUDA_WITHOUT_exchange ~,

#define JD_CUDA_DECLARE_(name) extern const jd_cu_op jd_cu_##name;
JD_OPS(JD_CUDA_DECLARE_)
#undef JD_CUDA_DECLARE_

/* NULL: none; the op, or this shape of it, runs on the CPU. */
const jd_cu_op *jd_cu_find(int opcode, const jd_call *c);
bool jd_cu_kernel(int opcode, const jd_call *c, jd_precision p, jd_device_kernel *k);

#endif
