/*
 * number.h - numbers in files and in lines of text have a point, whatever locale the host program has set.
 */
#ifndef JD_BASE_NUMBER_H
#define JD_BASE_NUMBER_H

#include <locale.h>
#include <stdarg.h>
#include <stddef.h>

/* strtod, snprintf and vsnprintf of the C locale. */
double jd__strtod(const char *s, char **end);
int jd__snprintf(char *s, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int jd__vsnprintf(char *s, size_t size, const char *fmt, va_list args);

/* For a stretch of fprintf: this thread's numbers have points until what the first gave is given to the second. */
locale_t jd__c_numbers(void);
void jd__host_numbers(locale_t before);

#endif
