/* The Free Spoken Digit Dataset: names tell digit, speaker and take; speakers are whoever is found. */
#include "data/registry.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_LIMIT ((size_t)1 << 20)

/* "{digit}_{speaker}_{take}.wav"; the speaker is name[2 .. 2+*length-1] and may hold '_'. */
static bool parse_name(const char *name, int *digit, size_t *length, int *take)
{
    const size_t n = strlen(name);
    if (n < 9 || n > 200 || name[0] < '0' || name[0] > '9' || name[1] != '_' || strcmp(name + n - 4, ".wav") != 0)
        return false;
    size_t at = n - 4, digits = 0;
    int value = 0, scale = 1;
    while (at > 2 && name[at - 1] >= '0' && name[at - 1] <= '9' && digits < 6) {
        value += (name[--at] - '0') * scale;
        scale *= 10;
        digits++;
    }
    if (digits == 0 || at < 4 || name[at - 1] != '_') return false;
    *digit = name[0] - '0';
    *length = at - 3;
    *take = value;
    return true;
}

/* Orders file names by digit, speaker, take (as a number). */
static int compare_names(const void *pa, const void *pb)
{
    const char *a = *(char *const *)pa, *b = *(char *const *)pb;
    int da = 0, db = 0, ta = 0, tb = 0;
    size_t la = 0, lb = 0;
    parse_name(a, &da, &la, &ta);
    parse_name(b, &db, &lb, &tb);
    if (da != db) return da - db;
    const int c = memcmp(a + 2, b + 2, la < lb ? la : lb);
    if (c) return c;
    if (la != lb) return la < lb ? -1 : 1;
    return ta != tb ? ta - tb : strcmp(a, b);
}

/* The recordings in `dir` itself, not below it. */
static jd_status scan_one(jd_ctx *ctx, const char *dir, jd__fsdd_list *list)
{
    DIR *d = opendir(dir);
    if (!d) return JD_OK;
    size_t room = list->count;
    int digit, take;
    size_t length;
    for (const struct dirent *e; !jd_error(ctx) && (e = readdir(d)) != NULL;) {
        if (!parse_name(e->d_name, &digit, &length, &take)) continue;
        if (list->count == FILES_LIMIT) {
            jd_fail(ctx, JD_EDATA, "%s: more than %zu recordings; split the folder", dir, FILES_LIMIT);
            break;
        }
        if (list->count == room) {
            const size_t more = room ? 2 * room : 64;
            char **larger = jd_realloc(ctx, list->names, room * sizeof(char *), more * sizeof(char *));
            if (!larger) break;
            list->names = larger;
            room = more;
        }
        list->names[list->count] = jd_strdup(ctx, e->d_name);
        if (list->names[list->count]) list->count++;
    }
    closedir(d);
    if (jd_error(ctx)) return jd_error(ctx);
    if (list->count) {
        qsort(list->names, list->count, sizeof(char *), compare_names);
        list->dir = jd_strdup(ctx, dir);
    }
    return jd_error(ctx);
}

void jd__fsdd_list_free(jd_ctx *ctx, jd__fsdd_list *list)
{
    for (size_t i = 0; i < list->count; i++) jd_free(ctx, list->names[i]);
    jd_free(ctx, list->names);
    jd_free(ctx, list->dir);
    *list = (jd__fsdd_list){0};
}

jd_status jd__fsdd_scan(jd_ctx *ctx, const char *dir, jd__fsdd_list *out)
{
    static const char *const below[] = {"", "/wav", "/recordings"};
    jd__fsdd_list list = {0};
    for (int i = 0; i < 3 && !list.count && !jd_error(ctx); i++) {
        char *path = jd_asprintf(ctx, "%s%s", dir, below[i]);
        if (path) scan_one(ctx, path, &list);
        jd_free(ctx, path);
    }
    if (!jd_error(ctx) && !list.count)
        jd_fail(ctx, JD_ENOINPUT,
                "%s: no file {digit}_{speaker}_{take}.wav there, nor in wav/ or recordings/ below it; check the path",
                dir);
    if (jd_error(ctx))
        jd__fsdd_list_free(ctx, &list);
    else
        *out = list;
    return jd_error(ctx);
}

/* One name is enough to tell; no error either way. */
bool jd__fsdd_present(jd_ctx *ctx, const char *dir)
{
    static const char *const below[] = {"", "/wav", "/recordings"};
    bool found = false;
    for (int i = 0; i < 3 && !found; i++) {
        char *path = jd_asprintf(ctx, "%s%s", dir, below[i]);
        DIR *d = path ? opendir(path) : NULL;
        int digit, take;
        size_t length;
        for (const struct dirent *e; d && !found && (e = readdir(d)) != NULL;)
            found = parse_name(e->d_name, &digit, &length, &take);
        if (d) closedir(d);
        jd_free(ctx, path);
    }
    return found;
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The sorted list of all speakers in the folder, NULL-terminated. */
static jd_status list_speakers(jd_ctx *ctx, const jd__fsdd_list *list, char ***names, int *count)
{
    char **speakers = NULL;
    size_t n = 0;
    int digit, take;
    size_t length;
    for (size_t i = 0; i < list->count; i++) {
        parse_name(list->names[i], &digit, &length, &take);
        const char *name = list->names[i] + 2;
        bool known = false;
        for (size_t k = 0; k < n && !known; k++)
            known = strncmp(speakers[k], name, length) == 0 && !speakers[k][length];
        if (known) continue;
        if (n == 65536) return jd_fail(ctx, JD_EDATA, "%s: more than 65536 speakers; check the file names", list->dir);
        char **larger = jd_realloc(ctx, speakers, n ? (n + 1) * sizeof(char *) : 0, (n + 2) * sizeof(char *));
        if (!larger) break;
        speakers = larger;
        speakers[n + 1] = NULL;
        speakers[n] = jd_asprintf(ctx, "%.*s", (int)length, name);
        if (!speakers[n]) break;
        n++;
    }
    *names = speakers;
    *count = (int)n;
    if (jd_error(ctx)) return jd_error(ctx);
    qsort(speakers, n, sizeof(char *), compare_words);
    return JD_OK;
}

static jd_status known_speaker(jd_ctx *ctx, const char *dir, const jd_speech *s, const char *name)
{
    if (!name) return JD_OK;
    for (int k = 0; k < s->speakers; k++)
        if (strcmp(s->speaker_names[k], name) == 0) return JD_OK;
    const char *near = jd_nearest(name, (const char *const *)s->speaker_names);
    return jd_fail(ctx, JD_EUSAGE, "%s: no speaker '%s'; did you mean '%s'?", dir, name,
                   near ? near : s->speaker_names[0]);
}

static jd_status read_one(jd_ctx *ctx, const char *dir, const char *name, int speaker, jd_speech *s)
{
    char *path = jd_asprintf(ctx, "%s/%s", dir, name);
    jd_sound sound = {0};
    jd_status st = path ? jd_read_sound(ctx, path, &sound) : JD_ENOMEM;
    if (st == JD_OK && s->rate && sound.rate != s->rate)
        st = jd_fail(ctx, JD_EDATA, "%s: %d Hz, but the recordings before it have %d Hz; resample it", path, sound.rate,
                     s->rate);
    if (st == JD_OK && sound.count == 0) st = jd_fail(ctx, JD_EDATA, "%s: no samples; record it again", path);
    jd_free(ctx, path);
    if (st) {
        jd_sound_free(ctx, &sound);
        return st;
    }
    jd_utterance u = {.speaker = speaker, .count = sound.count, .samples = sound.samples};
    size_t length;
    parse_name(name, &u.digit, &length, &u.take);
    s->rate = sound.rate;
    s->items[s->count++] = u;
    return JD_OK;
}

static jd_status load(jd_ctx *ctx, const jd_fsdd_options *o, const jd__fsdd_list *list, jd_speech *s)
{
    jd_status st = list_speakers(ctx, list, &s->speaker_names, &s->speakers);
    if (st == JD_OK) st = known_speaker(ctx, list->dir, s, o->only);
    if (st == JD_OK) st = known_speaker(ctx, list->dir, s, o->without);
    if (st) return st;
    s->items = jd_alloc_array(ctx, list->count, sizeof *s->items);
    if (!s->items) return JD_ENOMEM;
    for (size_t i = 0; i < list->count && st == JD_OK; i++) {
        int digit, take, speaker = 0;
        size_t length;
        parse_name(list->names[i], &digit, &length, &take);
        while (strncmp(s->speaker_names[speaker], list->names[i] + 2, length) != 0 || s->speaker_names[speaker][length])
            speaker++;
        const char *who = s->speaker_names[speaker];
        if ((o->split == JD_TEST && take > 4) || (o->split == JD_TRAIN && take < 5)) continue;
        if ((o->only && strcmp(who, o->only) != 0) || (o->without && strcmp(who, o->without) == 0)) continue;
        st = read_one(ctx, list->dir, list->names[i], speaker, s);
        if (st && o->skip && o->skip(o->user)) st = JD_OK;
    }
    if (st == JD_OK && s->count == 0)
        st = jd_fail(ctx, JD_ENOINPUT, "%s: no recording of the split asked for; takes 0-4 are test, the others train",
                     list->dir);
    return st;
}

jd_status jd_load_fsdd(jd_ctx *ctx, const jd_fsdd_options *o, jd_speech *out)
{
    static const jd_fsdd_options defaults = {0};
    if (jd_error(ctx)) return jd_error(ctx);
    if (!o) o = &defaults;
    char *dir = o->dir ? jd_strdup(ctx, o->dir) : jd_dataset_locate(ctx, jd_dataset_find(ctx, "fsdd"));
    if (!dir) return jd_error(ctx);
    jd__fsdd_list list = {0};
    jd_speech s = {0};
    jd_status st = jd__fsdd_scan(ctx, dir, &list);
    if (st == JD_OK) st = load(ctx, o, &list, &s);
    jd__fsdd_list_free(ctx, &list);
    jd_free(ctx, dir);
    if (st)
        jd_speech_free(ctx, &s);
    else
        *out = s;
    return st;
}

void jd_speech_free(jd_ctx *ctx, jd_speech *speech)
{
    if (!speech) return;
    for (size_t i = 0; i < speech->count; i++) jd_free(ctx, speech->items[i].samples);
    for (int k = 0; k < speech->speakers; k++) jd_free(ctx, speech->speaker_names[k]);
    jd_free(ctx, speech->items);
    jd_free(ctx, speech->speaker_names);
    *speech = (jd_speech){0};
}
