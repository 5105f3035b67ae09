/*
 * color.c - the two colour maps: lightness rises evenly along the sequential one and falls evenly to both sides of the
 * diverging one, so that both survive grey printing; blue against red-orange stays apart for colour-blind readers.
 */
#include "internal.h"

#include <math.h>

/* Knots chosen in the L*a*b* space (equal steps of lightness) and written as sRGB. */
static const uint8_t sequential[][3] = {{13, 12, 43},   {38, 27, 92},   {50, 54, 127},  {40, 88, 143},  {28, 121, 146},
                                        {38, 152, 138}, {87, 181, 116}, {158, 205, 96}, {247, 233, 140}};
static const uint8_t diverging[][3] = {{10, 48, 97},    {28, 100, 165},  {92, 155, 204},
                                       {173, 205, 228}, {245, 245, 244}, {247, 199, 167},
                                       {229, 136, 89},  {194, 74, 31},   {110, 27, 12}};

void jd__color(jd_colors map, double s, uint8_t rgb[3])
{
    const uint8_t(*knot)[3] = map == JD_DIVERGING ? diverging : sequential;
    s = s >= 0 ? s <= 1 ? s * 8 : 8 : 0; /* eight intervals; NaN is the low end */
    int i = s >= 8 ? 7 : (int)s;
    double f = s - i;
    for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)lrint(knot[i][c] + f * (knot[i + 1][c] - knot[i][c]));
}
