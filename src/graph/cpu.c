/* cpu.c - finds the kernel table of an instruction set. */
#include <string.h>

#include "cpu/cpu.h"

static const jd_cpu reference = {.name = "reference"};

const jd_cpu *jd__cpu_find(const char *name)
{
    static const jd_cpu *const all[] = {
        &reference,
#ifdef JD_HAVE_scalar
        &jd__cpu_scalar,
#endif
#ifdef JD_HAVE_avx2
        &jd__cpu_avx2,
#endif
#ifdef JD_HAVE_avx512
        &jd__cpu_avx512,
#endif
#ifdef JD_HAVE_neon
        &jd__cpu_neon,
#endif
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i]->name, name)) return all[i];
    return NULL;
}
