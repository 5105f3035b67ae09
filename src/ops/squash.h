/* squash.h - the squashing functions of the LSTM cell (jd_squash) and of simple recurrent units (0 tanh, 1 sigmoid, 2 relu,
 * 3 linear), and their slopes as functions of their value; included once for each REAL, see real.h.  4 sigma(x) - 2 and
 * 2 sigma(x) - 1 belong to the 1997 cell. */
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

static inline REAL FN(rnn_act)(int act, REAL x)
{
    if (act == 0) return R_TANH(x);
    if (act == 1) return R_SIGMOID(x);
    return act == 2 && !(x > 0) ? 0 : x;
}

static inline REAL FN(rnn_slope)(int act, REAL y)
{
    if (act == 0) return 1 - y * y;
    if (act == 1) return y * (1 - y);
    return act == 2 && !(y > 0) ? 0 : 1;
}
