/* masks.c - pictures and their masks in memory (masks.h). */
#include "masks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"

const char *const masks_kinds[] = {"auto", "classes", "objects", NULL};

void masks_free(jd_ctx *ctx, masks *m)
{
    for (size_t i = 0; m->picture && i < m->n; i++) {
        jd_free(ctx, m->picture[i].name);
        jd_free(ctx, m->picture[i].pixels);
        jd_free(ctx, m->picture[i].label);
    }
    jd_free(ctx, m->picture);
    jd_free(ctx, m->names);
    *m = (masks){0};
}

/* ---- reading -----------------------------------------------------------------------------------------------------------------*/

/* One picture and what its masks hold: of several, each object's number. */
typedef struct raw {
    jd_picture picture;
    jd_mask mask;
    bool several;
    const char *path; /* of the mask, for messages */
} raw;

static jd_status read_masks(jd_ctx *ctx, const mask_pairs *p, size_t i, raw *r)
{
    const size_t first = p->first[i], n = p->first[i + 1] - first;
    const char *picture = p->picture.path[i];
    r->several = n > 1;
    r->path = p->mask.path[first];
    for (size_t k = 0; k < n && !jd_error(ctx); k++) {
        jd_mask m = {0};
        const char *path = p->mask.path[first + k];
        if (jd_read_mask(ctx, path, &m)) break;
        if (m.height != r->picture.height || m.width != r->picture.width) {
            jd_fail(ctx, JD_EDATA, "%s: %d x %d pixels, but the picture %s has %d x %d; they must fit", path, m.width,
                    m.height, picture, r->picture.width, r->picture.height);
        } else if (!r->several) {
            r->mask = m;
            return JD_OK;
        } else if (!k) {
            r->mask =
                (jd_mask){m.height, m.width, jd_alloc_array(ctx, (size_t)m.height, (size_t)m.width * sizeof *m.value)};
        }
        for (int64_t q = 0; r->mask.value && q < (int64_t)m.height * m.width; q++)
            if (m.value[q]) r->mask.value[q] = (uint32_t)k + 1;
        jd_mask_free(ctx, &m);
    }
    return jd_error(ctx);
}

/* ---- values ------------------------------------------------------------------------------------------------------------------*/

/* The different values of all masks, sorted, as far as there is room. */
typedef struct values {
    uint32_t value[MASKS_CLASSES + 1];
    int n;
    bool colours;        /* one is beyond what a number of 16 bits can be */
    size_t ends, pixels; /* how many are 0 or 255; all */
    uint32_t most;
} values;

static void add_values(values *v, const jd_mask *m)
{
    const int64_t pixels = (int64_t)m->height * m->width;
    v->pixels += (size_t)pixels;
    for (int64_t i = 0; i < pixels; i++) {
        const uint32_t x = m->value[i];
        v->ends += x == 0 || x == 255;
        v->most = x > v->most ? x : v->most;
        v->colours |= x > 65535;
        int at = 0;
        while (at < v->n && v->value[at] < x) at++;
        if ((at < v->n && v->value[at] == x) || v->n > MASKS_CLASSES) continue;
        memmove(v->value + at + 1, v->value + at, (size_t)(v->n - at) * sizeof *v->value);
        v->value[at] = x;
        v->n++;
    }
}

static char *value_text(jd_ctx *ctx, uint32_t value, bool colour)
{
    return colour ? jd_asprintf(ctx, "#%06x", value) : jd_asprintf(ctx, "%u", value);
}

/* What the values mean, where no model says so. */
static jd_status choose_classes(jd_ctx *ctx, const char *dir, const values *v, bool several, const masks_options *o,
                                masks *m)
{
    const bool many = v->n > MASKS_CLASSES;
    m->softened = many && v->most == 255 && (double)v->ends > 0.9 * (double)v->pixels;
    if (o->kind != MASKS_AUTO)
        m->kind = o->kind;
    else if (several || (!m->softened && (many || (o->outputs == 2 && v->n > 2 && !v->value[0]))))
        m->kind = MASKS_OBJECTS;
    else
        m->kind = MASKS_CLASSES_EACH;
    if (m->kind == MASKS_OBJECTS) m->softened = false;
    if (v->n < 2)
        return jd_fail(ctx, JD_EDATA, "%s: the masks hold nothing but the value %u; at least two are needed", dir,
                       v->n ? v->value[0] : 0);
    if (m->kind == MASKS_CLASSES_EACH && many && !m->softened)
        return jd_fail(
            ctx, JD_EDATA,
            "%s: the masks hold more than %d different values, too many classes; if they number objects, use "
            "--mask-values objects",
            dir, MASKS_CLASSES);
    m->classes = m->kind == MASKS_OBJECTS || m->softened ? 2 : v->n;
    if (m->kind == MASKS_OBJECTS || m->softened) m->names = jd_strdup(ctx, m->softened ? "0|255" : "background|object");
    for (int k = 0; !jd_error(ctx) && m->kind == MASKS_CLASSES_EACH && !m->softened && k < v->n; k++) {
        char *text = value_text(ctx, v->value[k], v->colours),
             *more = text ? jd_asprintf(ctx, "%s%s%s", k ? m->names : "", k ? "|" : "", text) : NULL;
        jd_free(ctx, text);
        jd_free(ctx, m->names);
        m->names = more;
    }
    return jd_error(ctx);
}

/* Pixels of objects; those beside another one count as background, so that objects stay apart. */
static void label_objects(const jd_mask *m, uint8_t *label)
{
    const int H = m->height, W = m->width;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            const uint32_t *v = m->value + (size_t)y * (size_t)W + x;
            bool apart = *v != 0;
            apart = apart && !(x > 0 && v[-1] && v[-1] != *v) && !(x + 1 < W && v[1] && v[1] != *v);
            apart = apart && !(y > 0 && v[-W] && v[-W] != *v) && !(y + 1 < H && v[W] && v[W] != *v);
            label[(size_t)y * (size_t)W + (size_t)x] = apart;
        }
}

/* The class of each value.  Masks of two values, of which one is 0, agree whatever the other is. */
static jd_status label_classes(jd_ctx *ctx, const raw *r, const values *v, const masks *m, uint8_t *label)
{
    const size_t n = (size_t)r->mask.height * (size_t)r->mask.width;
    const bool two = m->classes == 2 && m->names[0] == '0' && v->n <= 2 && v->value[0] == 0;
    uint32_t known = 0;
    int known_class = -1;
    char some[300];
    for (size_t i = 0; i < n; i++) {
        const uint32_t x = r->mask.value[i];
        if (m->softened || two) {
            label[i] = m->softened ? x > 127 : x > 0;
            continue;
        }
        if (known_class < 0 || x != known) {
            char *text = value_text(ctx, x, x > 65535 || m->names[0] == '#');
            known = x;
            known_class = text ? class_find(m->names, text) : -1;
            if (text && known_class < 0)
                jd_fail(ctx, JD_EDATA,
                        "%s: the value %s, but the classes are %s; correct the mask, or see --mask-values", r->path,
                        text, class_some(m->names, some, sizeof some));
            jd_free(ctx, text);
            if (jd_error(ctx)) return jd_error(ctx);
        }
        label[i] = (uint8_t)known_class;
    }
    return JD_OK;
}

/* ---- all ---------------------------------------------------------------------------------------------------------------------*/

/* The picture with the channels that all have. */
static jd_status take_picture(jd_ctx *ctx, raw *r, int channels, masked *to)
{
    jd_picture *p = &r->picture;
    to->height = p->height;
    to->width = p->width;
    if (p->channels != channels) { /* grey among colours */
        const size_t n = (size_t)p->height * (size_t)p->width;
        uint8_t *wide = jd_alloc_array(ctx, n, 3);
        for (size_t i = 0; wide && i < 3 * n; i++) wide[i] = p->pixels[i / 3];
        jd_free(ctx, p->pixels);
        p->pixels = wide;
    }
    to->pixels = p->pixels;
    p->pixels = NULL;
    return jd_error(ctx);
}

static jd_status read_all(jd_ctx *ctx, const mask_pairs *p, const masks_options *o, raw *r, values *v, bool *several,
                          masks *m)
{
    for (size_t i = 0; i < p->picture.n && !jd_error(ctx); i++) {
        raw *one = &r[m->n];
        if (!jd_read_picture(ctx, p->picture.path[i], o->channels, &one->picture)) read_masks(ctx, p, i, one);
        if (!jd_error(ctx) && (m->picture[m->n].name = jd_strdup(ctx, p->picture.path[i]))) {
            add_values(v, &one->mask);
            *several |= one->several;
            m->n++;
            continue;
        }
        jd_picture_free(ctx, &one->picture);
        jd_mask_free(ctx, &one->mask);
        if (!o->skip || jd_error(ctx) == JD_ENOMEM) break;
        jd_error_clear(ctx);
        m->skipped++;
    }
    return jd_error(ctx);
}

jd_status masks_load(jd_ctx *ctx, const char *dir, const masks_options *o, masks *out)
{
    mask_pairs p;
    masks m = {0};
    values v = {0};
    bool several = false;
    *out = (masks){0};
    if (masks_find(ctx, dir, o, &p)) return jd_error(ctx);
    const size_t n = p.picture.n;
    raw *r = jd_alloc_array(ctx, n, sizeof *r);
    m.picture = jd_alloc_array(ctx, n, sizeof *m.picture);
    m.skipped = p.picture.skipped;
    if (!jd_error(ctx)) read_all(ctx, &p, o, r, &v, &several, &m);
    if (!jd_error(ctx) && !m.n) jd_fail(ctx, JD_EDATA, "%s: no picture can be used", dir);
    if (!jd_error(ctx) && o->names) {
        m.names = jd_strdup(ctx, o->names);
        m.classes = class_count(o->names);
        m.kind = o->kind;
        m.softened = o->kind != MASKS_OBJECTS && m.classes == 2 && v.n > MASKS_CLASSES && v.most == 255;
    } else if (!jd_error(ctx)) {
        choose_classes(ctx, dir, &v, several, o, &m);
    }
    m.several = several;
    m.channels = 1;
    for (size_t i = 0; i < m.n; i++)
        if (r[i].picture.channels > m.channels) m.channels = r[i].picture.channels;
    for (size_t i = 0; i < m.n && !jd_error(ctx); i++) {
        masked *to = &m.picture[i];
        to->label = jd_alloc_array(ctx, (size_t)r[i].mask.height, (size_t)r[i].mask.width);
        if (take_picture(ctx, &r[i], m.channels, to)) break;
        if (m.kind == MASKS_OBJECTS)
            label_objects(&r[i].mask, to->label);
        else
            label_classes(ctx, &r[i], &v, &m, to->label);
    }
    for (size_t i = 0; r && i < n; i++) {
        jd_picture_free(ctx, &r[i].picture);
        jd_mask_free(ctx, &r[i].mask);
    }
    jd_free(ctx, r);
    masks_forget(ctx, &p);
    if (jd_error(ctx))
        masks_free(ctx, &m);
    else
        *out = m;
    return jd_error(ctx);
}
