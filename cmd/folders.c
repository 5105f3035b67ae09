/* folders.c - pictures sorted into a folder for each class. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "classes.h"
#include "files.h"
#include "fit.h"
#include "model.h"

/* Without a size that is asked for: pictures of one size up to MOST pixels a side stay as they are, others become SIDE. */
enum { MOST = 128, SIDE = 48, PARTS = 2 };

typedef struct class_folder {
    char *path;
    const char *name;
    int class;
} class_folder;

typedef struct tree {
    jd_ctx *ctx;
    const samples_options *o;
    const char *part[PARTS]; /* the folders that hold those of the classes */
    int parts;
    class_folder *dir; /* (dirs), of all parts */
    size_t dirs;
    file_list files;
    int32_t *label; /* (files.n) */
} tree;

/* The subfolder of dir with one of the names, whatever the case; NULL where there is none. */
static char *subfolder(const char *dir, const char *const *names, char *buffer, size_t size)
{
    char *found = NULL;
    DIR *d = opendir(dir);
    for (size_t k = 0; d && !found && names[k]; k++) {
        rewinddir(d);
        for (const struct dirent *e; !found && (e = readdir(d));) {
            struct stat st;
            if (strcasecmp(e->d_name, names[k]) != 0) continue;
            snprintf(buffer, size, "%s/%s", dir, e->d_name);
            if (!stat(buffer, &st) && S_ISDIR(st.st_mode)) found = buffer;
        }
    }
    if (d) closedir(d);
    return found;
}

static const char *const train_names[] = {"train", "training", NULL};
static const char *const test_names[] = {"test", "testing", "val", "valid", "validation", NULL};

bool folder_has_test(const char *dir)
{
    char a[4096], b[4096];
    return subfolder(dir, train_names, a, sizeof a) && subfolder(dir, test_names, b, sizeof b);
}

/* The folders of the classes of one part. */
static jd_status find_classes(tree *t, const char *part)
{
    jd_ctx *ctx = t->ctx;
    DIR *d = opendir(part);
    if (!d) return jd_fail(ctx, JD_ENOINPUT, "%s: cannot be opened: %s", part, strerror(errno));
    for (const struct dirent *e; !jd_error(ctx) && (e = readdir(d));) {
        struct stat st;
        char *path = e->d_name[0] == '.' ? NULL : jd_asprintf(ctx, "%s/%s", part, e->d_name);
        if (!path || stat(path, &st) || !S_ISDIR(st.st_mode)) {
            jd_free(ctx, path);
            continue;
        }
        class_folder *more = jd_realloc(ctx, t->dir, t->dirs * sizeof *more, (t->dirs + 1) * sizeof *more);
        if (!more) {
            jd_free(ctx, path);
            break;
        }
        t->dir = more;
        t->dir[t->dirs++] = (class_folder){.path = path, .name = strrchr(path, '/') + 1};
    }
    closedir(d);
    return jd_error(ctx);
}

/* Names and numbers of the classes: those of the model or else, all there are. */
static jd_status number_classes(tree *t, const char *dir, samples *s)
{
    jd_ctx *ctx = t->ctx;
    const char *names = t->o->names;
    char some[300];
    if (names && *names) {
        s->names = jd_strdup(ctx, names);
        for (const char *p = names; p; p = strchr(p, '|'), p = p ? p + 1 : NULL) s->classes++;
    } else if (!names) {
        const char **name = jd_alloc_array(ctx, t->dirs, sizeof *name);
        for (size_t i = 0; name && i < t->dirs; i++) name[i] = t->dir[i].name;
        if (name) s->names = class_list(ctx, dir, name, t->dirs, &s->classes);
        jd_free(ctx, name);
    }
    for (size_t i = 0; !jd_error(ctx) && i < t->dirs; i++) {
        class_folder *d = &t->dir[i];
        char *end;
        const long number = strtol(d->name, &end, 10);
        d->class = s->names                                                   ? class_find(s->names, d->name)
                   : end > d->name && !*end && number >= 0 && number < 100000 ? (int)number
                                                                              : -1;
        if (d->class < 0)
            jd_fail(ctx, JD_EDATA,
                    "%s: '%s' is none of the classes %s; take the folder away, or give it one of these names", d->path,
                    d->name, s->names ? class_some(s->names, some, sizeof some) : "0, 1, 2...");
        if (d->class >= s->classes) s->classes = d->class + 1;
    }
    return jd_error(ctx);
}

static int by_class(const void *a, const void *b)
{
    const class_folder *x = a, *y = b;
    return x->class != y->class ? (x->class > y->class) - (x->class < y->class) : strcmp(x->path, y->path);
}

/* All pictures with their classes, class by class. */
static jd_status find_pictures(tree *t, const char *dir, samples *s)
{
    static const char *const endings[] = {FILE_PICTURES, NULL};
    jd_ctx *ctx = t->ctx;
    if (!t->dirs)
        return jd_fail(ctx, JD_EDATA,
                       "%s: no folders in it; put the pictures of each class into a folder that has its name", dir);
    if (number_classes(t, dir, s)) return jd_error(ctx);
    qsort(t->dir, t->dirs, sizeof *t->dir, by_class);
    for (size_t i = 0; !jd_error(ctx) && i < t->dirs; i++) {
        const size_t before = t->files.n;
        if (files_in(ctx, t->dir[i].path, endings, &t->files)) break;
        int32_t *more = jd_realloc(ctx, t->label, before * sizeof *more, t->files.n * sizeof *more);
        if (!more) break;
        t->label = more;
        for (size_t f = before; f < t->files.n; f++) t->label[f] = t->dir[i].class;
    }
    return jd_error(ctx);
}

/* A picture as the model sees it; takes what p has. */
static void fit(jd_ctx *ctx, const model *m, const char *file, jd_picture *p)
{
    samples one = {
        .count = 1,
        .rank = 3,
        .dim = {p->height, p->width, p->channels},
        .images = {.count = 1, .height = p->height, .width = p->width, .channels = p->channels, .pixels = p->pixels}};
    if (!fit_samples(ctx, m, &one)) model_check(ctx, m, &one, file);
    *p = (jd_picture){(int)one.dim[0], (int)one.dim[1], (int)one.dim[2], one.images.pixels};
}

/* Puts one picture, resized where it must be, at the end; false where another size or colour is needed for all. */
static bool add_picture(const jd_picture *p, int32_t label, samples *s)
{
    jd_images *im = &s->images;
    const size_t size = (size_t)im->height * (size_t)im->width * (size_t)im->channels;
    const bool fits = p->height == im->height && p->width == im->width;
    if (!fits && !s->resized) {
        im->height = im->width = SIDE;
        return !(s->resized = true);
    }
    if (fits)
        memcpy(im->pixels + im->count * size, p->pixels, size);
    else
        jd_resize_area(p->pixels, p->height, p->width, p->channels, im->pixels + im->count * size, im->height,
                       im->width);
    im->labels[im->count++] = label;
    return true;
}

/* Reads all pictures at the size and colours that `s` has; JD_OK with *again set when these have changed. */
static jd_status read_pictures(tree *t, samples *s, bool *again)
{
    jd_ctx *ctx = t->ctx;
    jd_images *im = &s->images;
    const bool any_colour = !t->o->size[2] && !t->o->fit;
    *again = false;
    im->count = s->skipped = 0;
    jd_free(ctx, im->pixels);
    jd_free(ctx, im->labels);
    im->pixels = NULL, im->labels = NULL;
    for (size_t i = 0; i < t->files.n && !jd_error(ctx) && !*again; i++) {
        jd_picture p = {0};
        if (jd_read_picture(ctx, t->files.path[i], im->channels == 1 && any_colour ? 0 : im->channels, &p)) {
            if (!t->o->skip || jd_error(ctx) != JD_EDATA) break;
            jd_error_clear(ctx);
            s->skipped++;
            continue;
        }
        if (t->o->fit) fit(ctx, t->o->fit, t->files.path[i], &p);
        if (!im->height) {
            const bool small = p.height <= MOST && p.width <= MOST;
            im->height = small ? p.height : SIDE, im->width = small ? p.width : SIDE;
            s->resized = !small;
        }
        if (!im->channels) im->channels = p.channels;
        if (!im->pixels) {
            im->pixels = jd_alloc_array(ctx, t->files.n, (size_t)im->height * (size_t)im->width * (size_t)im->channels);
            im->labels = jd_alloc_array(ctx, t->files.n, sizeof *im->labels);
        }
        if (p.channels > im->channels) {
            im->channels = p.channels;
            *again = true;
        } else if (!jd_error(ctx)) {
            *again = !add_picture(&p, t->label[i], s);
        }
        jd_picture_free(ctx, &p);
    }
    if (!jd_error(ctx) && !*again && !im->count)
        jd_fail(ctx, JD_EDATA, "%s: none of the %zu pictures can be used", t->part[0], t->files.n);
    return jd_error(ctx);
}

jd_status folder_load(jd_ctx *ctx, const char *dir, const samples_options *o, samples *s)
{
    tree t = {.ctx = ctx, .o = o};
    char train[4096], test[4096];
    char *first = subfolder(dir, train_names, train, sizeof train),
         *last = subfolder(dir, test_names, test, sizeof test);
    if (first && last) {
        if (o->split != JD_TEST) t.part[t.parts++] = first;
        if (o->split != JD_TRAIN) t.part[t.parts++] = last;
    } else {
        t.part[t.parts++] = first ? first : dir;
    }
    for (int i = 0; i < t.parts; i++)
        if (find_classes(&t, t.part[i])) break;
    const model *m = o->fit && o->fit->rank == 3 ? o->fit : NULL;
    if (o->fit && !m) jd_fail(ctx, JD_EUSAGE, "%s: a folder of pictures, but the model takes tables", dir);
    s->images.height = m ? (int)m->dim[0] : o->size[0];
    s->images.width = m ? (int)m->dim[1] : o->size[1];
    s->images.channels = m ? (int)m->dim[2] : o->size[2];
    s->resized = s->images.height > 0;
    bool again = true;
    if (!jd_error(ctx) && !find_pictures(&t, t.part[0], s))
        while (again && !read_pictures(&t, s, &again)) {
        }
    s->scaled = true;
    s->images.classes = s->classes;
    s->rank = 3;
    s->count = s->images.count;
    s->dim[0] = s->images.height;
    s->dim[1] = s->images.width;
    s->dim[2] = s->images.channels;
    s->label = s->images.labels;
    for (size_t i = 0; i < t.dirs; i++) jd_free(ctx, t.dir[i].path);
    jd_free(ctx, t.dir);
    jd_free(ctx, t.label);
    files_free(ctx, &t.files);
    return jd_error(ctx);
}
