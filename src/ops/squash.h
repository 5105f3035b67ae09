/* squash.h - the squashing functions of the LSTM cell (jd_squash) and their slopes as functions of their value; included
 * once for each REAL, see real.h.  4 sigma(x) - 2 and 2 sigma(x) - 1 belong to the 1997 cell. */
static inline REAL FN(squash)(int kind, REAL x)
{
    switch (kind) {
    case JD_SQUASH_LINEAR: return x;
    case JD_SQUASH_4SIGM2: return 4 * R_SIGMOID(x) - 2;
    case JD_SQUASH_2SIGM1: return 2 * R_SIGMOID(x) - 1;
    default: return R_TANH(x);
    }
}

static inline REAL FN(squash_slope)(int kind, REAL y)
{
    switch (kind) {
    case JD_SQUASH_LINEAR: return 1;
    case JD_SQUASH_4SIGM2: return 1 - y * y / 4;
    case JD_SQUASH_2SIGM1: return (1 - y * y) / 2;
    default: return 1 - y * y;
    }
}
