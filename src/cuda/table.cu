/* table.cu - which op has which kernel. */
#include "cuda/table.h"

const jd_cu_op *jd_cu_find(int opcode, const jd_call *c)
{
    static const jd_cu_op *const entry[] = {
#define X(name) &jd_cu_##name,
        JD_CUDA_OPS(X)
#undef X
    };
    static const int code[] = {
#define X(name) JD_OP_##name,
        JD_CUDA_OPS(X)
#undef X
    };
    for (size_t i = 0; i < sizeof code / sizeof *code; i++)
        if (code[i] == opcode) return !entry[i]->fits || entry[i]->fits(c) ? entry[i] : nullptr;
    return nullptr;
}

bool jd_cu_kernel(int opcode, const jd_call *c, jd_precision p, jd_device_kernel *k)
{
    const jd_cu_op *op = jd_cu_find(opcode, c);
    if (!op) return false;
    k->name = op->variant ? op->variant(c, p) : op->name;
    k->scratch_bytes = op->scratch ? op->scratch(c) : 0;
    return true;
}
