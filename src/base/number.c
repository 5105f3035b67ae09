/*
 * number.c - reading and printing numbers in the C locale.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"

/* Made once and kept: the C locale is an object of the C library, which costs nothing. */
static locale_t c_locale(void)
{
    static locale_t kept;
    locale_t l = __atomic_load_n(&kept, __ATOMIC_ACQUIRE), none = (locale_t)0;
    if (l) return l;
    l = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (l && !__atomic_compare_exchange_n(&kept, &none, l, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        freelocale(l);
        l = none;
    }
    return l;
}

double jd__strtod(const char *s, char **end)
{
    const locale_t l = c_locale();
    return l ? strtod_l(s, end, l) : strtod(s, end);
}

locale_t jd__c_numbers(void)
{
    return uselocale(c_locale());
}

void jd__host_numbers(locale_t before)
{
    uselocale(before);
}

int jd__vsnprintf(char *s, size_t size, const char *fmt, va_list args)
{
    const locale_t before = jd__c_numbers();
    const int n = vsnprintf(s, size, fmt, args);
    jd__host_numbers(before);
    return n;
}

int jd__snprintf(char *s, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int n = jd__vsnprintf(s, size, fmt, args);
    va_end(args);
    return n;
}
