/* gemm_tile.c - one function for each height of a tile. */
#include "cpu/gemm_tile.h"

typedef void tile_fn(int64_t K, const float *A, ptrdiff_t am, ptrdiff_t ak, const float *B, ptrdiff_t bk,
                     const jd_tile_end *e);

#define TILE(mr)                                                                                                       \
    static void tile_##mr(int64_t K, const float *A, ptrdiff_t am, ptrdiff_t ak, const float *B, ptrdiff_t bk,         \
                          const jd_tile_end *e)                                                                        \
    {                                                                                                                  \
        tile_rows(mr, K, A, am, ak, B, bk, e);                                                                         \
    }
TILE(1)
TILE(2)
TILE(3)
TILE(4)
#if VL >= 8
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

void JD_K(jd__tile)(int mr, int64_t K, const float *A, ptrdiff_t am, ptrdiff_t ak, const float *B, ptrdiff_t bk,
                    const jd_tile_end *e)
{
    static tile_fn *const table[JD_MR + 1] = {
        NULL,
        tile_1,
        tile_2,
        tile_3,
        tile_4,
#if VL >= 8
        tile_5,
        tile_6,
#endif
#if VL >= 16
        tile_7,
        tile_8,
        tile_9,
        tile_10,
        tile_11,
        tile_12,
#endif
    };
    table[mr](K, A, am, ak, B, bk, e);
}
