/* gemm_tile.c - one function for each height of a tile, and for packed rows another, whose strides are constants. */
#include "cpu/gemm_tile.h"

typedef void tile_fn(int64_t K, const float *A, ptrdiff_t am, ptrdiff_t ak, const float *B, const jd_tile_end *e);

#define TILE(mr)                                                                                                       \
    static void tile_##mr(int64_t K, const float *A, ptrdiff_t am, ptrdiff_t ak, const float *B, const jd_tile_end *e) \
    {                                                                                                                  \
        tile_rows(mr, K, A, am, ak, B, e);                                                                             \
    }                                                                                                                  \
    static void packed_##mr(int64_t K, const float *A, ptrdiff_t am, ptrdiff_t ak, const float *B,                     \
                            const jd_tile_end *e)                                                                      \
    {                                                                                                                  \
        (void)am;                                                                                                      \
        (void)ak;                                                                                                      \
        tile_rows(mr, K, A, 1, mr, B, e);                                                                              \
    }
TILE(1)
TILE(2)
TILE(3)
TILE(4)
#if VL >= 4
TILE(5)
TILE(6)
#endif
#if VL >= 16
TILE(7)
TILE(8)
TILE(9)
TILE(10)
TILE(11)
TILE(12)
#endif

#define ROW(mr)                                                                                                        \
    {                                                                                                                  \
        tile_##mr, packed_##mr                                                                                         \
    }
void JD_K(jd__tile)(int mr, int64_t K, const float *A, ptrdiff_t am, ptrdiff_t ak, const float *B, const jd_tile_end *e)
{
    static tile_fn *const table[JD_MR + 1][2] = {
        {NULL},
        ROW(1),
        ROW(2),
        ROW(3),
        ROW(4),
#if VL >= 4
        ROW(5),
        ROW(6),
#endif
#if VL >= 16
        ROW(7),
        ROW(8),
        ROW(9),
        ROW(10),
        ROW(11),
        ROW(12),
#endif
    };
    table[mr][am == 1 && ak == mr](K, A, am, ak, B, e);
}
