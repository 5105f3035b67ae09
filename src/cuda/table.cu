/* table.cu - which op has which kernel. */
#include "cuda/table.h"

/* The second of what is left when JD_CUDA_WITHOUT_name is defined, and puts its comma there, or is not. */
#define JD_SECOND_(first, second, ...) second
#define JD_SECOND(...)                 JD_SECOND_(__VA_ARGS__)

const jd_cu_op *jd_cu_find(int opcode, const jd_call *c)
{
    static const jd_cu_op *const entry[JD_OP_COUNT] = {
#define X(name) JD_SECOND(JD_CUDA_WITHOUT_##name nullptr, &jd_cu_##name, ),
        JD_OPS(X)
#undef X
    };
    const jd_cu_op *op = opcode >= 0 && opcode < JD_OP_COUNT ? entry[opcode] : nullptr;
    return op && (!op->fits || op->fits(c)) ? op : nullptr;
}

bool jd_cu_kernel(int opcode, const jd_call *c, jd_precision p, jd_device_kernel *k)
{
    const jd_cu_op *op = jd_cu_find(opcode, c);
    if (!op) return false;
    k->name = op->variant ? op->variant(c, p) : op->name;
    k->scratch_bytes = op->scratch ? op->scratch(c) : 0;
    k->half = op->half && op->half(c);
    return true;
}
