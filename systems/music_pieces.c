/* music_pieces.c - pieces as the notes that sound in every quarter, from text, JSON or MIDI files; see music_pieces.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jackdaw/data.h"
#include "jackdaw/midi.h"
#include "music_pieces.h"
#include "names.h"

enum { STEPS_MOST = 4096 };

/* One line: steps with blanks between, notes with commas between.  With `out` NULL it only counts.  Returns the steps. */
static int32_t read_piece(jd_ctx *ctx, const char *path, size_t line, const char *s, uint8_t *out)
{
    int32_t steps = 0;
    while (*s && !jd_error(ctx)) {
        if (*s == ' ') {
            s++;
            continue;
        }
        if (steps == STEPS_MOST) {
            jd_fail(ctx, JD_EDATA, "%s: line %zu: more than %d steps", path, line, STEPS_MOST);
            break;
        }
        while (*s && *s != ' ') {
            char *end;
            const long note = strtol(s, &end, 10);
            if (*s == '-' && (s[1] == ' ' || !s[1])) {
                s++;
                break;
            }
            if (end == s || (*end && *end != ' ' && *end != ',') || note < PIECES_LOWEST ||
                note >= PIECES_LOWEST + PIECES_NOTES) {
                jd_fail(ctx, JD_EDATA, "%s: line %zu, step %d: '%.12s' is no note from %d to %d", path, line, steps + 1,
                        s, PIECES_LOWEST, PIECES_LOWEST + PIECES_NOTES - 1);
                return 0;
            }
            if (out) out[(int64_t)steps * PIECES_NOTES + note - PIECES_LOWEST] = 1;
            s = *end == ',' ? end + 1 : end;
        }
        steps++;
    }
    return steps;
}

/* The part "train", "valid" or "test" of jsb-chorales-quarter.json, which has a list of pieces for each, of steps, of notes: as lines
 * of text like those of the files; what is no note, -1 or NaN, is left out.  NULL and an error where it is not of that form. */
static char *part_of_json(jd_ctx *ctx, const char *path, const char *json, size_t bytes, const char *part)
{
    char key[16];
    snprintf(key, sizeof key, "\"%s\"", part);
    const char *at = strstr(json, key);
    char *text = at ? jd_alloc(ctx, 2 * bytes + 1) : NULL, *to = text;
    int depth = 0;
    bool note = false; /* in this step */
    if (at) at += strlen(key) + strspn(at + strlen(key), " \t\r\n:");
    while (text && *at) {
        if (*at == '[') {
            if (++depth > 3) break;
            note = false;
        } else if (*at == ']') {
            if (depth == 3 && !note) *to++ = '-';
            if (depth == 3) *to++ = ' ';
            if (depth == 2) *to++ = '\n';
            if (--depth == 0) break;
        } else if (depth == 3 && *at >= '0' && *at <= '9') {
            if (note) *to++ = ',';
            for (note = true; *at >= '0' && *at <= '9'; at++) *to++ = *at;
            at += strspn(at, ".0");
            continue;
        } else if (*at == '-') { /* of a negative number */
            at += strspn(at, "-.0123456789");
            continue;
        } else if (!strchr(" \t\r\n,NanuIfity", *at)) {
            break;
        }
        at++;
    }
    if (!jd_error(ctx) && (!text || depth || *at != ']'))
        jd_fail(ctx, JD_EDATA,
                "%s: byte %zu: it has no list %s of pieces, which are lists of steps, which are lists of notes", path,
                at ? (size_t)(at - json) : bytes, key);
    if (!jd_error(ctx)) return text;
    jd_free(ctx, text);
    return NULL;
}

/* What sounds at the beginning of each quarter of a MIDI file, as a line. */
static char *line_of_midi(jd_ctx *ctx, const char *path)
{
    jd_midi m = {0};
    int64_t end = 0;
    if (jd_read_midi(ctx, path, &m)) return NULL;
    for (size_t i = 0; i < m.count; i++)
        if (m.notes[i].start + m.notes[i].length > end) end = m.notes[i].start + m.notes[i].length;
    const int64_t T =
        (end + m.division - 1) / m.division < STEPS_MOST ? (end + m.division - 1) / m.division : STEPS_MOST;
    uint8_t *on = jd_alloc_array(ctx, (size_t)T + 1, PIECES_NOTES);
    char *line = jd_alloc(ctx, (size_t)T * PIECES_NOTES * 4 + 2), *to = line;
    for (size_t i = 0; on && line && i < m.count; i++) {
        const jd_midi_note *n = &m.notes[i];
        const int key = n->pitch - PIECES_LOWEST;
        if (key < 0 || key >= PIECES_NOTES || n->channel == 9) continue;
        for (int64_t t = (n->start + m.division - 1) / m.division; t < T && t * m.division < n->start + n->length; t++)
            on[t * PIECES_NOTES + key] = 1;
    }
    for (int64_t t = 0; on && line && t < T; t++) {
        const char *const begin = to;
        for (int k = 0; k < PIECES_NOTES; k++)
            if (on[t * PIECES_NOTES + k]) to += sprintf(to, "%s%d", to > begin ? "," : "", k + PIECES_LOWEST);
        if (to == begin) *to++ = '-';
        *to++ = t + 1 < T ? ' ' : '\n';
    }
    jd_free(ctx, on);
    jd_midi_free(ctx, &m);
    return line;
}

/* All MIDI files of a folder and those below it, a line each. */
static char *text_of_midis(jd_ctx *ctx, const char *dir)
{
    size_t n, bytes = 0;
    char **file = names_below(ctx, dir, ".mid", &n), *text = NULL;
    for (size_t i = 0; i < n && !jd_error(ctx); i++) {
        char *line = line_of_midi(ctx, file[i]);
        const size_t more = line ? strlen(line) : 0;
        char *larger = line ? jd_realloc(ctx, text, text ? bytes + 1 : 0, bytes + more + 1) : NULL;
        if (larger) {
            text = larger;
            memcpy(text + bytes, line, more + 1);
            bytes += more;
        }
        jd_free(ctx, line);
    }
    names_free(ctx, file, n);
    if (!jd_error(ctx) && !n) jd_fail(ctx, JD_ENOINPUT, "%s: no MIDI file (.mid) in it", dir);
    if (!jd_error(ctx)) return text;
    jd_free(ctx, text);
    return NULL;
}

/* The text of quarter.PART.txt or, where that is not there, of the part in jsb-chorales-quarter.json, or of the MIDI files in the
 * folder PART. */
static char *read_part(jd_run *r, const char *part, char **path)
{
    jd_ctx *ctx = jd_run_ctx(r);
    size_t bytes;
    char *dir = jd_dataset_folder(ctx, "jsb_chorales", jd_run_data(r, "jsb_chorales"));
    char *file = dir ? jd_asprintf(ctx, "quarter.%s.txt", part) : NULL, *text = NULL;
    *path = file ? jd_dataset_path(ctx, dir, file) : NULL;
    char *json = *path && access(*path, F_OK) ? jd_dataset_path(ctx, dir, "jsb-chorales-quarter.json") : NULL;
    if (json && !access(json, F_OK)) {
        jd_free(ctx, *path);
        *path = json;
        char *all = jd_read_gz(ctx, json, 1 << 26, &bytes);
        if (all) text = part_of_json(ctx, json, all, bytes, part);
        jd_free(ctx, all);
    } else if (json) {
        char *folder = jd_asprintf(ctx, "%s/%s", dir, part);
        jd_free(ctx, json);
        if (folder && !access(folder, F_OK)) {
            jd_free(ctx, *path);
            *path = folder;
            text = text_of_midis(ctx, folder);
        } else {
            jd_free(ctx, folder);
            jd_fail(ctx, JD_ENOINPUT,
                    "%s: not there, and neither is jsb-chorales-quarter.json nor a folder %s of MIDI files", *path,
                    part);
        }
    } else {
        if (*path) text = jd_read_gz(ctx, *path, 1 << 26, &bytes);
    }
    jd_free(ctx, file);
    jd_free(ctx, dir);
    return text;
}

jd_status pieces_read(jd_run *r, const char *part, pieces *out)
{
    jd_ctx *ctx = jd_run_ctx(r);
    char *path = NULL, *text = read_part(r, part, &path);
    for (int pass = 0; text && pass < 2 && !jd_error(ctx); pass++) {
        int64_t steps = 0;
        size_t n = 0, line = 1;
        for (char *s = text; *s && !jd_error(ctx); line++) {
            char *end = s + strcspn(s, "\n");
            const char kept = *end;
            *end = 0;
            const int32_t here = read_piece(ctx, path, line, s, pass ? out->memory + steps * PIECES_NOTES : NULL);
            if (pass && here) out->items[n] = (song){here, out->memory + steps * PIECES_NOTES};
            n += here > 0;
            steps += here;
            *end = kept;
            s = kept ? end + 1 : end;
        }
        if (!pass && !n && !jd_error(ctx)) jd_fail(ctx, JD_EDATA, "%s: no piece in it", path);
        if (pass || jd_error(ctx)) break;
        *out = (pieces){.n = n, .steps = steps, .items = jd_alloc_array(ctx, n, sizeof *out->items)};
        out->memory = jd_alloc_array(ctx, (size_t)steps, PIECES_NOTES);
    }
    jd_free(ctx, text);
    jd_free(ctx, path);
    return jd_error(ctx);
}

void pieces_free(jd_ctx *ctx, pieces *p)
{
    jd_free(ctx, p->items);
    jd_free(ctx, p->memory);
}
