/*
 * text.c - a growing text, escaping, and numbers as text without the locale.
 */
#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

static bool grow(jd__text *t, size_t more)
{
    size_t need, cap = t->cap ? t->cap : 4096;
    if (jd_error(t->ctx)) return false;
    if (__builtin_add_overflow(t->len, more, &need) || __builtin_add_overflow(need, (size_t)1, &need) ||
        need > SIZE_MAX / 4) {
        jd_fail(t->ctx, JD_ENOMEM, "report: the document is too large; leave out some figures");
        return false;
    }
    if (need <= t->cap) return true;
    while (cap < need) cap *= 2;
    char *p = jd_realloc(t->ctx, t->p, t->cap, cap);
    if (!p) return false;
    t->p = p;
    t->cap = cap;
    return true;
}

void jd__add_bytes(jd__text *t, const char *s, size_t n)
{
    if (!grow(t, n)) return;
    if (n) memcpy(t->p + t->len, s, n);
    t->len += n;
    t->p[t->len] = 0;
}

void jd__append(jd__text *t, const char *s)
{
    jd__add_bytes(t, s, strlen(s));
}

char *jd__text_take(jd__text *t, size_t *bytes)
{
    jd__add_bytes(t, "", 0);
    char *p = t->p;
    if (bytes) *bytes = t->len;
    if (jd_error(t->ctx)) {
        jd_free(t->ctx, p);
        p = NULL;
        if (bytes) *bytes = 0;
    }
    *t = (jd__text){.ctx = t->ctx};
    return p;
}

void jd__text_free(jd__text *t)
{
    jd_free(t->ctx, t->p);
    *t = (jd__text){.ctx = t->ctx};
}

size_t jd__utf8(const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] < 0x80) return 1;
    if (u[0] < 0xc2 || u[0] > 0xf4) return 0;
    size_t len = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    if (len > n) return 0;
    for (size_t i = 1; i < len; i++)
        if ((u[i] & 0xc0) != 0x80) return 0;
    /* overlong forms, surrogates, and what lies above U+10FFFF */
    if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) || (u[0] == 0xf0 && u[1] < 0x90) ||
        (u[0] == 0xf4 && u[1] > 0x8f))
        return 0;
    return len;
}

void jd__add_escaped(jd__text *t, const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        const char *rep = NULL;
        size_t len = jd__utf8(s + i, n - i);
        if (!len) {
            len = 1;
            rep = "\xef\xbf\xbd";
        } else if (len == 1) {
            switch (s[i]) {
            case '<': rep = "&lt;"; break;
            case '>': rep = "&gt;"; break;
            case '&': rep = "&amp;"; break;
            case '"': rep = "&quot;"; break;
            case '\'': rep = "&#39;"; break;
            case '\n':
            case '\t': break;
            default:
                if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f) rep = "\xef\xbf\xbd";
            }
        }
        if (rep)
            jd__append(t, rep);
        else
            jd__add_bytes(t, s + i, len);
        i += len;
    }
}

void jd__add_base64(jd__text *t, const uint8_t *data, size_t n)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (n > SIZE_MAX / 8 || !grow(t, (n + 2) / 3 * 4)) return;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)data[i] << 16;
        if (i + 1 < n) v |= (uint32_t)data[i + 1] << 8;
        if (i + 2 < n) v |= data[i + 2];
        t->p[t->len++] = digit[v >> 18];
        t->p[t->len++] = digit[v >> 12 & 63];
        t->p[t->len++] = i + 1 < n ? digit[v >> 6 & 63] : '=';
        t->p[t->len++] = i + 2 < n ? digit[v & 63] : '=';
    }
    t->p[t->len] = 0;
}

static void add_coordinate(jd__text *t, double v)
{
    char buf[32];
    if (!isfinite(v)) v = 0;
    v = v > 1e7 ? 1e7 : v < -1e7 ? -1e7 : v;
    long long c = llround(v * 100);
    const char *sign = c < 0 ? "-" : "";
    if (c < 0) c = -c;
    int len = snprintf(buf, sizeof buf, "%s%lld.%02d", sign, c / 100, (int)(c % 100));
    while (buf[len - 1] == '0') len--;
    if (buf[len - 1] == '.') len--;
    jd__add_bytes(t, buf, (size_t)len);
}

void jd__addf(jd__text *t, const char *fmt, ...)
{
    va_list ap;
    char buf[32];
    const char *s;
    va_start(ap, fmt);
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            size_t n = strcspn(fmt, "%");
            jd__add_bytes(t, fmt, n);
            fmt += n - 1;
            continue;
        }
        switch (*++fmt) {
        case 's':
            s = va_arg(ap, const char *);
            jd__append(t, s ? s : "");
            break;
        case 'e':
            s = va_arg(ap, const char *);
            if (s) jd__add_escaped(t, s, strlen(s));
            break;
        case 'd':
            snprintf(buf, sizeof buf, "%d", va_arg(ap, int));
            jd__append(t, buf);
            break;
        case 'z':
            snprintf(buf, sizeof buf, "%zu", va_arg(ap, size_t));
            jd__append(t, buf);
            break;
        case 'g': add_coordinate(t, va_arg(ap, double)); break;
        default: jd__append(t, "%"); break;
        }
    }
    va_end(ap);
}

double jd__text_width(const char *s, double font_size)
{
    double w = 0;
    size_t n = strlen(s);
    for (size_t i = 0; i < n;) {
        size_t len = jd__utf8(s + i, n - i);
        unsigned char c = (unsigned char)s[i];
        if (!len) len = 1;
        if (len > 1)
            w += len == 2 ? 0.58 : c >= 0xe3 && c < 0xee ? 1.0 : 0.65;
        else if (strchr("iljI.,:;'|! ", c))
            w += 0.32;
        else if (strchr("frt()[]-/\"", c))
            w += 0.4;
        else if (strchr("mwMW@%", c))
            w += 0.94;
        else if ((c >= 'A' && c <= 'Z') || strchr("&=+<>~#", c))
            w += 0.73;
        else
            w += 0.63;
        i += len;
    }
    return w * font_size;
}

/* For readers: U+2212 for '-', and thin spaces (U+2009) between groups of three when there are five digits or more. */
static void for_readers(char *out, const char *in)
{
    size_t o = 0, digits = strspn(in + (*in == '-'), "0123456789"), left = digits;
    for (; *in && o < JD__NUM - 8; in++) {
        if (*in >= '0' && *in <= '9' && left) {
            if (digits > 4 && left % 3 == 0 && left < digits) {
                memcpy(out + o, "\xe2\x80\x89", 3);
                o += 3;
            }
            left--;
        }
        if (*in == '-') {
            memcpy(out + o, "\xe2\x88\x92", 3);
            o += 3;
        } else {
            out[o++] = *in;
        }
    }
    out[o] = 0;
}

static bool not_finite(char *buf, double v)
{
    if (isfinite(v)) return false;
    snprintf(buf, JD__NUM, "%s", isnan(v) ? "\xe2\x80\x93" : v > 0 ? "\xe2\x88\x9e" : "\xe2\x88\x92\xe2\x88\x9e");
    return true;
}

char *jd__fixed(char *buf, double v, int decimals)
{
    char tmp[64];
    if (not_finite(buf, v)) return buf;
    decimals = decimals < 0 ? 0 : decimals > 12 ? 12 : decimals;
    if (fabs(v) >= 1e15) return jd__short(buf, v, 4);
    jd__snprintf(tmp, sizeof tmp, "%.*f", decimals, v);
    if (tmp[0] == '-' && strspn(tmp + 1, "0.") == strlen(tmp + 1)) memmove(tmp, tmp + 1, strlen(tmp));
    for_readers(buf, tmp);
    return buf;
}

char *jd__super(char *buf, int e)
{
    static const char *const digit[] = {"\xe2\x81\xb0", "\xc2\xb9",     "\xc2\xb2",     "\xc2\xb3",     "\xe2\x81\xb4",
                                        "\xe2\x81\xb5", "\xe2\x81\xb6", "\xe2\x81\xb7", "\xe2\x81\xb8", "\xe2\x81\xb9"};
    int p = abs(e) % 1000;
    snprintf(buf, JD__NUM, "%s%s%s%s", e < 0 ? "\xe2\x81\xbb" : "", p >= 100 ? digit[p / 100] : "",
             p >= 10 ? digit[p / 10 % 10] : "", digit[p % 10]);
    return buf;
}

char *jd__short(char *buf, double v, int digits)
{
    char tmp[64], number[JD__NUM], exponent[JD__NUM];
    if (not_finite(buf, v)) return buf;
    if (v == 0) v = 0; /* no minus zero */
    jd__snprintf(tmp, sizeof tmp, "%.*g", digits, v);
    char *e = strchr(tmp, 'e');
    if (!e) {
        for_readers(buf, tmp);
        return buf;
    }
    if (fabs(v) >= 1 && fabs(v) < 1e6) return jd__fixed(buf, v, 0);
    jd__super(exponent, atoi(e + 1));
    *e = 0;
    for_readers(number, tmp);
    if (!strcmp(number, "1"))
        snprintf(buf, JD__NUM, "10%.16s", exponent);
    else
        snprintf(buf, JD__NUM,
                 "%.24s\xc3\x97"
                 "10%.16s",
                 number, exponent);
    return buf;
}

char *jd__plain(char *buf, double v)
{
    if (isnan(v)) return strcpy(buf, "nan");
    if (isinf(v)) return strcpy(buf, v > 0 ? "inf" : "-inf");
    for (int digits = 15; digits <= 17; digits++) {
        jd__snprintf(buf, JD__NUM, "%.*g", digits, v);
        if (jd__strtod(buf, NULL) == v) break;
    }
    return buf;
}
