/* vocabulary.c - texts as words, and words as numbers; see vocabulary.h. */
#include "vocabulary.h"

#include <string.h>

enum { WORD_ROOM = 256 };

typedef struct entry {
    char *text;
    size_t count;
} entry;

struct vocabulary {
    jd_ctx *ctx;
    int32_t first; /* the number of entry 0 */
    size_t n, room;
    entry *item;
    size_t slots;  /* a power of two */
    int32_t *slot; /* (slots): entry + 1, 0 where there is none */
};

vocabulary *vocabulary_new(jd_ctx *ctx)
{
    vocabulary *v = jd_alloc(ctx, sizeof *v);
    if (v) v->ctx = ctx;
    return v;
}

void vocabulary_free(vocabulary *v)
{
    if (!v) return;
    for (size_t i = 0; i < v->n; i++) jd_free(v->ctx, v->item[i].text);
    jd_free(v->ctx, v->item);
    jd_free(v->ctx, v->slot);
    jd_free(v->ctx, v);
}

size_t vocabulary_size(const vocabulary *v)
{
    return v->n;
}

/* ---- the table ------------------------------------------------------------------------------------------------------------*/

/* FNV-1a. */
static uint64_t hash(const char *s)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *s; s++) h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return h ^ h >> 29;
}

/* The slot in which the word is, or would be. */
static size_t slot_of(const vocabulary *v, const char *word)
{
    size_t i = hash(word) & (v->slots - 1);
    while (v->slot[i] && strcmp(v->item[v->slot[i] - 1].text, word)) i = (i + 1) & (v->slots - 1);
    return i;
}

static jd_status enlarge(vocabulary *v)
{
    const size_t more = v->room ? 2 * v->room : 512;
    entry *item = jd_realloc(v->ctx, v->item, v->room * sizeof *item, more * sizeof *item);
    if (!item) return jd_error(v->ctx);
    v->item = item;
    v->room = more;
    jd_free(v->ctx, v->slot);
    v->slots = 2 * more;
    v->slot = jd_alloc_array(v->ctx, v->slots, sizeof *v->slot);
    for (size_t i = 0; v->slot && i < v->n; i++) v->slot[slot_of(v, v->item[i].text)] = (int32_t)i + 1;
    return jd_error(v->ctx);
}

int32_t vocabulary_add(vocabulary *v, const char *word)
{
    if (v->n == v->room && enlarge(v)) return -1;
    const size_t s = slot_of(v, word);
    if (!v->slot[s]) {
        v->item[v->n] = (entry){.text = jd_strdup(v->ctx, word)};
        if (!v->item[v->n].text) return -1;
        v->slot[s] = (int32_t)++v->n;
    }
    v->item[v->slot[s] - 1].count++;
    return v->first + v->slot[s] - 1;
}

int32_t vocabulary_find(const vocabulary *v, const char *word)
{
    const int32_t i = v->slots ? v->slot[slot_of(v, word)] : 0;
    return i ? v->first + i - 1 : -1;
}

const char *vocabulary_text(const vocabulary *v, int32_t number)
{
    return number >= v->first && (size_t)(number - v->first) < v->n ? v->item[number - v->first].text : "?";
}

vocabulary *vocabulary_pick(const vocabulary *v, int32_t first, size_t most, size_t least)
{
    vocabulary *out = vocabulary_new(v->ctx);
    size_t top = 0;
    if (!out) return NULL;
    out->first = first;
    for (size_t i = 0; i < v->n; i++) top = v->item[i].count > top ? v->item[i].count : top;
    /* From the highest count down to the next lower one that is there. */
    while (top >= least && top > 0 && out->n < most && !jd_error(v->ctx)) {
        size_t next = 0;
        for (size_t i = 0; i < v->n && out->n < most; i++) {
            const size_t c = v->item[i].count;
            if (c == top && vocabulary_add(out, v->item[i].text) < 0) break;
            if (c < top && c > next) next = c;
        }
        top = next;
    }
    if (!jd_error(v->ctx)) return out;
    vocabulary_free(out);
    return NULL;
}

/* ---- texts ----------------------------------------------------------------------------------------------------------------*/

/* Bytes of the character at s: of UTF-8 by its first byte, as far as they are there. */
static size_t character(const char *s)
{
    const unsigned char c = (unsigned char)*s;
    const size_t want = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    size_t n = 1;
    while (n < want && ((unsigned char)s[n] & 0xc0) == 0x80) n++;
    return n;
}

static bool is_space(const char *s)
{
    return *s == ' ' || (*s >= '\t' && *s <= '\r') || !strncmp(s, "\xc2\xa0", 2);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Letters, digits; of what is not ASCII all but the marks U+00A1-00BF and U+2000-206F. */
static bool is_letter(const char *s)
{
    const unsigned char c = (unsigned char)*s, d = c ? (unsigned char)s[1] : 0;
    if (c < 0x80) return is_digit(*s) || ((c | 32) >= 'a' && (c | 32) <= 'z');
    return !(c == 0xc2 || (c == 0xe2 && (d == 0x80 || d == 0x81)));
}

/* ' or U+2019: its bytes. */
static size_t apostrophe(const char *s)
{
    return *s == '\'' ? 1 : !strncmp(s, "\xe2\x80\x99", 3) ? 3 : 0;
}

/* Small letters: A-Z, the capitals U+00C0-00DE, and those of U+0100-017F, of which each second one is a capital. */
static void put_small(const char *s, size_t n, char *out)
{
    memcpy(out, s, n);
    const unsigned char c = (unsigned char)s[0], d = n > 1 ? (unsigned char)s[1] : 0;
    if (n == 1 && c >= 'A' && c <= 'Z') out[0] = (char)(c + 32);
    if (c == 0xc3 && d >= 0x80 && d <= 0x9e && d != 0x97) out[1] = (char)(d + 0x20);
    if (c == 0xc5 && d == 0x92) out[1] = (char)0x93; /* OE */
}

const char *vocabulary_word(const char *s, char *word, size_t room)
{
    size_t n = 0;
    while (*s && is_space(s)) s += character(s);
    if (!*s || room < 8) return NULL;
    if (!is_letter(s)) { /* a mark */
        n = character(s);
        memcpy(word, s, n);
        word[n] = 0;
        return s + n;
    }
    for (;;) {
        const size_t k = character(s);
        if (n + k + 2 > room) break; /* a longer one is cut */
        put_small(s, k, word + n);
        n += k;
        s += k;
        const bool joined =
            (*s == '-' && is_letter(s + 1)) || ((*s == '.' || *s == ',') && is_digit(s[-1]) && is_digit(s[1]));
        if (apostrophe(s)) {
            s += apostrophe(s);
            word[n++] = '\'';
            break;
        }
        if (!joined && !is_letter(s)) break;
    }
    word[n] = 0;
    return s;
}

jd_status vocabulary_count(vocabulary *v, const char *text)
{
    char word[WORD_ROOM];
    while ((text = vocabulary_word(text, word, sizeof word)) != NULL)
        if (vocabulary_add(v, word) < 0) break;
    return jd_error(v->ctx);
}

size_t vocabulary_encode(const vocabulary *v, const char *text, int32_t *word, size_t room)
{
    char w[WORD_ROOM];
    size_t n = 0;
    while (n < room && (text = vocabulary_word(text, w, sizeof w)) != NULL) {
        const int32_t k = vocabulary_find(v, w);
        word[n++] = k < 0 ? 0 : k;
    }
    return n;
}

/* Whether a blank stands between two words: not after an apostrophe or an opening bracket, not before a closing mark. */
static bool apart(const char *before, const char *word)
{
    const size_t n = strlen(before);
    if (!n || before[n - 1] == '\'' || !strcmp(before, "(")) return false;
    return !(strlen(word) == 1 && strchr(".,!?;:)", word[0]));
}

char *vocabulary_decode(jd_ctx *ctx, const vocabulary *v, const int32_t *word, size_t n)
{
    size_t bytes = 1;
    for (size_t i = 0; i < n; i++) bytes += strlen(vocabulary_text(v, word[i])) + 1;
    char *text = jd_alloc(ctx, bytes), *at = text;
    for (size_t i = 0; text && i < n; i++) {
        const char *w = vocabulary_text(v, word[i]);
        if (i && apart(vocabulary_text(v, word[i - 1]), w)) *at++ = ' ';
        memcpy(at, w, strlen(w));
        at += strlen(w);
    }
    return text;
}

char *vocabulary_list(jd_ctx *ctx, const vocabulary *v)
{
    size_t bytes = 1;
    for (size_t i = 0; i < v->n; i++) bytes += strlen(v->item[i].text) + 1;
    char *text = jd_alloc(ctx, bytes), *at = text;
    for (size_t i = 0; text && i < v->n; i++) {
        const size_t n = strlen(v->item[i].text);
        if (i) *at++ = ' ';
        memcpy(at, v->item[i].text, n);
        at += n;
    }
    return text;
}

vocabulary *vocabulary_read(jd_ctx *ctx, const char *list, int32_t first)
{
    vocabulary *v = vocabulary_new(ctx);
    char word[WORD_ROOM];
    if (!v) return NULL;
    v->first = first;
    while (*list) {
        const size_t n = strcspn(list, " ");
        if (n && n < sizeof word) {
            memcpy(word, list, n);
            word[n] = 0;
            vocabulary_add(v, word);
        }
        list += n + (list[n] == ' ');
    }
    if (!jd_error(ctx)) return v;
    vocabulary_free(v);
    return NULL;
}
