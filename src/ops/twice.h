/* twice.h - includes JD_SELF for float and for double; see real.h. */
#define REAL        float
#define REAL_SUFFIX f32
#include JD_SELF
#undef REAL
#undef REAL_SUFFIX
#define REAL        double
#define REAL_SUFFIX f64
#include JD_SELF
#undef REAL
#undef REAL_SUFFIX
#undef JD_SELF
