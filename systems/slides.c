/* slides.c - nuclei from files, and crops to learn from. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jackdaw/scan.h"
#include "names.h"
#include "slides.h"

void slide_free(jd_ctx *ctx, slide *s)
{
    jd_free(ctx, s->rgb);
    jd_free(ctx, s->core);
    jd_free(ctx, s->score);
    jd_free(ctx, s->truth);
    *s = (slide){0};
}

void slides_free(jd_ctx *ctx, slides *s)
{
    for (size_t i = 0; i < s->n && s->s; i++) slide_free(ctx, &s->s[i]);
    jd_free(ctx, s->s);
    *s = (slides){0};
}

/* Stretches the values so that the darkest 1 % become 0 and the brightest 0.5 % become 255. */
static void stretch(uint8_t *v, size_t n)
{
    size_t count[256] = {0}, below = 0;
    int low = 0, high = 255;
    for (size_t i = 0; i < n; i++) count[v[i]]++;
    while (low < 255 && below + count[low] <= n / 100) below += count[low++];
    for (below = 0; high > 0 && below + count[high] <= n / 200;) below += count[high--];
    if (high <= low) return;
    for (size_t i = 0; i < n; i++) {
        const int x = v[i] < low ? 0 : v[i] > high ? high - low : v[i] - low;
        v[i] = (uint8_t)((x * 255 + (high - low) / 2) / (high - low));
    }
}

/* Stained nuclei are dark on a bright ground, fluorescent ones bright on a dark one: turns the first into the second.  Stained
 * tissue has colours, fluorescence is grey; bright grey pictures are stained as well. */
static void make_ground_dark(uint8_t *v, size_t pixels)
{
    double sum = 0, chroma = 0;
    for (size_t i = 0; i < pixels; i++) {
        const int r = v[3 * i], g = v[3 * i + 1], b = v[3 * i + 2];
        const int most = r > g ? (r > b ? r : b) : (g > b ? g : b), least = r < g ? (r < b ? r : b) : (g < b ? g : b);
        sum += (r + g + b) / 3.0;
        chroma += most - least;
    }
    const double n = (double)pixels;
    if (sum > 127.5 * n || chroma > 12 * n)
        for (size_t i = 0; i < 3 * pixels; i++) v[i] = (uint8_t)(255 - v[i]);
}

static void mark(slide *s, const jd_point *p, double radius)
{
    for (int64_t y = (int64_t)((double)p->y - radius); (double)y <= (double)p->y + radius; y++)
        for (int64_t x = (int64_t)((double)p->x - radius); (double)x <= (double)p->x + radius; x++)
            if (y >= 0 && y < s->H && x >= 0 && x < s->W &&
                hypot((double)y - (double)p->y, (double)x - (double)p->x) <= radius)
                s->core[y * s->W + x] = 1;
}

/* Takes the pixels of p. */
static jd_status prepare(jd_ctx *ctx, jd_picture *p, bool stretched, slide *s)
{
    const size_t pixels = (size_t)p->height * (size_t)p->width;
    if (stretched) {
        stretch(p->pixels, 3 * pixels);
        make_ground_dark(p->pixels, pixels);
    }
    *s = (slide){.H = p->height, .W = p->width, .rgb = p->pixels};
    s->core = jd_alloc_array(ctx, pixels, 1);
    return jd_error(ctx);
}

jd_status slide_take(jd_ctx *ctx, const jd_picture *p, bool stretched, slide *s)
{
    jd_picture copy = *p;
    const size_t bytes = 3 * (size_t)p->height * (size_t)p->width;
    copy.pixels = jd_alloc(ctx, bytes);
    if (!copy.pixels) return jd_error(ctx);
    memcpy(copy.pixels, p->pixels, bytes);
    return prepare(ctx, &copy, stretched, s);
}

/* Takes the path, which may be NULL after an error. */
static jd_status open_named(jd_ctx *ctx, char *path, bool stretched, slide *s)
{
    jd_picture p = {0};
    if (path && !jd_read_picture(ctx, path, 3, &p)) prepare(ctx, &p, stretched, s);
    jd_free(ctx, path);
    return jd_error(ctx);
}

static jd_status read_slide(jd_ctx *ctx, const char *dir, const char *name, bool stretched, slide *s)
{
    if (strchr(name, '/')) return jd_fail(ctx, JD_EDATA, "%s: its tables name the picture \"%s\", a path", dir, name);
    return open_named(ctx, jd_asprintf(ctx, "%s/image/%s.png", dir, name), stretched, s);
}

/* A nucleus of so many pixels around a point. */
static void add_point(slide *s, double x, double y, double area, double share)
{
    s->truth[s->n] = (jd_point){(float)y, (float)x, 0};
    mark(s, &s->truth[s->n++], fmin(10, fmax(2, share * sqrt(area / 3.14159265358979))));
}

/* The rows of the table that belong to `name`. */
static jd_status read_points(jd_ctx *ctx, const jd_tsv *t, const int column[4], const char *name, double share,
                             slide *s)
{
    size_t n = 0;
    for (size_t r = 0; r < t->rows; r++) n += !strcmp(t->fields[r * t->cols + (size_t)column[0]], name);
    s->truth = jd_alloc_array(ctx, n + 1, sizeof *s->truth);
    for (size_t r = 0; r < t->rows && s->truth; r++) {
        char *const *f = t->fields + r * t->cols;
        if (strcmp(f[column[0]], name) != 0) continue;
        const double x = strtod(f[column[1]], NULL), y = strtod(f[column[2]], NULL), area = strtod(f[column[3]], NULL);
        if (!(x >= 0 && x < (double)s->W && y >= 0 && y < (double)s->H && area > 0))
            return jd_fail(ctx, JD_EDATA, "points of %s: (%g, %g) with area %g on a picture of %lld x %lld", name, x, y,
                           area, (long long)s->W, (long long)s->H);
        add_point(s, x, y, area, share);
    }
    return jd_error(ctx);
}

/* The table of points of a split, and its columns. */
static jd_status read_table(jd_ctx *ctx, const char *dir, const char *split, jd_tsv *points, int column[4])
{
    static const char *const names[] = {"image", "x", "y", "area"};
    char *path = jd_asprintf(ctx, "%s/%s_points.tsv", dir, split), *other = jd_asprintf(ctx, "%s/points.tsv", dir);
    if (path && other && !jd_read_tsv(ctx, access(path, F_OK) && !access(other, F_OK) ? other : path, points))
        for (int k = 0; k < 4; k++) column[k] = jd_tsv_column(ctx, points, names[k]);
    jd_free(ctx, path);
    jd_free(ctx, other);
    return jd_error(ctx);
}

/* The names of a table's pictures, each once; of the rows whose `split` is the given one, where there is that column. */
static jd_status add_names(jd_ctx *ctx, const jd_tsv *t, const char *split, char **name, size_t *n)
{
    const int column = jd_tsv_column(ctx, t, "image"), part = split ? jd_tsv_column(ctx, t, "split") : -1;
    for (size_t r = 0; r < t->rows && !jd_error(ctx); r++) {
        char *const *f = t->fields + r * t->cols;
        size_t i = 0;
        if (part >= 0 && strcmp(f[part], split) != 0) continue;
        while (i < *n && strcmp(name[i], f[column]) != 0) i++;
        if (i == *n) name[(*n)++] = f[column];
    }
    return jd_error(ctx);
}

static jd_status load_listed(jd_ctx *ctx, const char *dir, const char *split, double share, bool stretched, slides *out)
{
    jd_tsv images = {0}, points = {0};
    char *list = jd_asprintf(ctx, "%s/images.tsv", dir), **name = NULL;
    slides s = {0};
    size_t n = 0;
    int column[4];
    if (!list || (!access(list, F_OK) && jd_read_tsv(ctx, list, &images)) ||
        read_table(ctx, dir, split, &points, column))
        goto end;
    name = jd_alloc_array(ctx, images.rows + points.rows + 1, sizeof *name);
    if (!name || (images.rows && add_names(ctx, &images, split, name, &n)) || add_names(ctx, &points, NULL, name, &n))
        goto end;
    s.s = jd_alloc_array(ctx, n + 1, sizeof *s.s);
    for (size_t i = 0; i < n && s.s; i++) {
        slide *one = &s.s[s.n++];
        if (read_slide(ctx, dir, name[i], stretched, one) || read_points(ctx, &points, column, name[i], share, one))
            break;
    }
    if (!jd_error(ctx) && !s.n) jd_fail(ctx, JD_EDATA, "%s: no picture of the split \"%s\"", dir, split);
end:
    if (jd_error(ctx)) slides_free(ctx, &s);
    jd_tsv_free(ctx, &images);
    jd_tsv_free(ctx, &points);
    jd_free(ctx, list);
    jd_free(ctx, name);
    *out = s;
    return jd_error(ctx);
}

/* ---- as the contest gives them: ID/images/ID.png, and in ID/masks/ a picture for each nucleus, white on black ---------------*/

static jd_status add_mask(jd_ctx *ctx, const char *path, double share, slide *s)
{
    jd_picture p = {0};
    double x = 0, y = 0, n = 0;
    if (jd_read_picture(ctx, path, 1, &p)) return jd_error(ctx);
    for (int64_t i = 0; i < (int64_t)p.height * p.width; i++)
        if (p.pixels[i]) x += (double)(i % p.width), y += (double)(i / p.width), n++;
    if (p.height != s->H || p.width != s->W)
        jd_fail(ctx, JD_EDATA, "%s: a mask of %d x %d pixels for a picture of %lld x %lld", path, p.width, p.height,
                (long long)s->W, (long long)s->H);
    else if (n > 0)
        add_point(s, x / n, y / n, n, share);
    jd_picture_free(ctx, &p);
    return jd_error(ctx);
}

static jd_status read_bowl_slide(jd_ctx *ctx, const char *root, const char *id, double share, bool stretched, slide *s)
{
    char *images = jd_asprintf(ctx, "%s/%s/images", root, id), *masks = jd_asprintf(ctx, "%s/%s/masks", root, id);
    size_t pictures = 0, n = 0;
    char **image = images ? names_in(ctx, images, ".png", &pictures) : NULL;
    char **mask = masks ? names_in(ctx, masks, ".png", &n) : NULL;
    if (!jd_error(ctx) && pictures != 1)
        jd_fail(ctx, JD_EDATA, "%s: %zu pictures (.png); there should be one, and its masks in the folder beside",
                images, pictures);
    else if (!jd_error(ctx) && access(masks, F_OK))
        jd_fail(ctx, JD_ENOINPUT,
                "%s: no such folder; a mask for each nucleus is needed to learn from or to measure by", masks);
    else if (!jd_error(ctx) && !open_named(ctx, jd_asprintf(ctx, "%s/%s", images, image[0]), stretched, s))
        s->truth = jd_alloc_array(ctx, n + 1, sizeof *s->truth);
    for (size_t i = 0; i < n && !jd_error(ctx); i++) {
        char *path = jd_asprintf(ctx, "%s/%s", masks, mask[i]);
        if (path) add_mask(ctx, path, share, s);
        jd_free(ctx, path);
    }
    names_free(ctx, image, pictures);
    names_free(ctx, mask, n);
    jd_free(ctx, images);
    jd_free(ctx, masks);
    return jd_error(ctx);
}

/* The contest's training set, whose own test set has no masks: in the order of their names every fifth is a test.  A folder that
 * holds such pictures itself is all one part. */
static jd_status load_bowl(jd_ctx *ctx, const char *root, const char *split, double share, bool stretched, slides *s)
{
    size_t n = 0;
    char **id = names_in(ctx, root, NULL, &n);
    s->s = jd_alloc_array(ctx, n + 1, sizeof *s->s);
    for (size_t i = 0; i < n && !jd_error(ctx); i++)
        if (!split || !strcmp(split, "all") || (i % 5 == 4) == !strcmp(split, "test"))
            read_bowl_slide(ctx, root, id[i], share, stretched, &s->s[s->n++]);
    names_free(ctx, id, n);
    if (!jd_error(ctx) && !s->n)
        jd_fail(ctx, JD_EDATA, "%s: %zu folders of pictures, too few for the split \"%s\"", root, n,
                split ? split : "all");
    return jd_error(ctx);
}

/* The folder of the contest's pictures that `dir` holds, or is; for jd_free, or NULL. */
static char *bowl_in(jd_ctx *ctx, const char *dir, bool *itself)
{
    char *root = jd_asprintf(ctx, "%s/stage1_train", dir);
    *itself = false;
    if (!root || !access(root, F_OK)) return root;
    jd_free(ctx, root);
    size_t n = 0;
    char **id = names_in(ctx, dir, NULL, &n);
    char *images = !jd_error(ctx) && n ? jd_asprintf(ctx, "%s/%s/images", dir, id[0]) : NULL;
    *itself = images && !access(images, F_OK);
    jd_free(ctx, images);
    names_free(ctx, id, n);
    return *itself ? jd_strdup(ctx, dir) : NULL;
}

jd_status slides_load_nuclei(jd_ctx *ctx, const char *dir, const char *split, double share, bool stretched, slides *out)
{
    bool itself;
    char *root = bowl_in(ctx, dir, &itself);
    slides s = {0};
    if (!root) return jd_error(ctx) ? jd_error(ctx) : load_listed(ctx, dir, split, share, stretched, out);
    if (load_bowl(ctx, root, itself ? NULL : split, share, stretched, &s)) slides_free(ctx, &s);
    jd_free(ctx, root);
    *out = s;
    return jd_error(ctx);
}

/* ---- crops --------------------------------------------------------------------------------------------------------------*/

/* Where a point of the crop, counted from its middle, lies in the slide. */
typedef struct placement {
    double y, x, a[2][2];
} placement;

static placement draw_view(jd_rng *r, const slide *s, const slide_crop_options *o)
{
    const double zoom = pow(1 + o->zoom, 2 * jd_rng_uniform64(r) - 1);
    const uint32_t turn = jd_rng_below(r, 8);
    const double fy = turn & 1 ? -zoom : zoom, fx = turn & 2 ? -zoom : zoom;
    placement v = {.y = (double)jd_rng_below(r, (uint32_t)s->H), .x = (double)jd_rng_below(r, (uint32_t)s->W)};
    v.a[0][turn & 4 ? 1 : 0] = fy;
    v.a[1][turn & 4 ? 0 : 1] = fx;
    return v;
}

/* What another stain might show: each channel moves towards a random blend of the three.  Grey stays as it is. */
static void draw_stain(jd_rng *r, double most, float mix[3][3])
{
    const float move = (float)most * jd_rng_uniform(r);
    for (int c = 0; c < 3; c++) {
        float part[3], sum = 0;
        for (int k = 0; k < 3; k++) sum += part[k] = 1e-6f - logf(1 - jd_rng_uniform(r));
        for (int k = 0; k < 3; k++) mix[c][k] = move * part[k] / sum + (c == k ? 1 - move : 0);
    }
}

static void fetch(const slide *s, double y, double x, float rgb[3])
{
    const double fy = floor(y), fx = floor(x);
    const float dy = (float)(y - fy), dx = (float)(x - fx);
    const int64_t y0 = jd_scan_mirror((int64_t)fy, s->H), y1 = jd_scan_mirror((int64_t)fy + 1, s->H);
    const int64_t x0 = jd_scan_mirror((int64_t)fx, s->W), x1 = jd_scan_mirror((int64_t)fx + 1, s->W);
    for (int c = 0; c < 3; c++) {
        const float a = (float)s->rgb[(y0 * s->W + x0) * 3 + c], b = (float)s->rgb[(y0 * s->W + x1) * 3 + c];
        const float d = (float)s->rgb[(y1 * s->W + x0) * 3 + c], e = (float)s->rgb[(y1 * s->W + x1) * 3 + c];
        rgb[c] = (1 - dy) * ((1 - dx) * a + dx * b) + dy * ((1 - dx) * d + dx * e);
    }
}

static int32_t label_of(const slide *s, const slide_crop_options *o, int64_t p, double chance)
{
    if (s->core[p]) return 1;
    const double drawn = s->score && o->mean_score > 0 ? (double)s->score[p] / o->mean_score : 1;
    return chance < o->keep * (1 - o->hard + o->hard * drawn) ? 0 : -1;
}

void slide_crop(const slides *all, const slide_crop_options *o, uint64_t seed, int64_t index, float *x, int32_t *label)
{
    jd_rng r = jd_rng_new(seed, "slide crop", (uint64_t)index);
    const slide *s = &all->s[jd_rng_below(&r, (uint32_t)all->n)];
    const placement v = draw_view(&r, s, o);
    float factor[3], shift[3], mix[3][3];
    for (int c = 0; c < 3; c++) {
        factor[c] = 1 + (float)o->contrast * (2 * jd_rng_uniform(&r) - 1);
        shift[c] = (float)o->contrast * (2 * jd_rng_uniform(&r) - 1);
    }
    draw_stain(&r, o->colour, mix);
    const int64_t side = o->side + o->window - 1, middle = o->side / 2 + o->window / 2;
    for (int64_t i = 0; i < side; i++)
        for (int64_t j = 0; j < side; j++) {
            const double dy = (double)(i - middle), dx = (double)(j - middle);
            float rgb[3];
            fetch(s, v.y + v.a[0][0] * dy + v.a[0][1] * dx, v.x + v.a[1][0] * dy + v.a[1][1] * dx, rgb);
            for (int c = 0; c < 3; c++) {
                const float shown = mix[c][0] * rgb[0] + mix[c][1] * rgb[1] + mix[c][2] * rgb[2];
                x[(i * side + j) * 3 + c] = factor[c] * (shown / 127.5f - 1) + shift[c];
            }
        }
    const int64_t every = o->every;
    for (int64_t i = 0; i < o->side; i += every)
        for (int64_t j = 0; j < o->side; j += every) {
            const double dy = (double)(i - o->side / 2), dx = (double)(j - o->side / 2), chance = jd_rng_uniform64(&r);
            const int64_t y = (int64_t)floor(v.y + v.a[0][0] * dy + v.a[0][1] * dx + 0.5);
            const int64_t c = (int64_t)floor(v.x + v.a[1][0] * dy + v.a[1][1] * dx + 0.5);
            const bool in = y >= 0 && y < s->H && c >= 0 && c < s->W;
            label[i / every * (o->side / every) + j / every] = in ? label_of(s, o, y * s->W + c, chance) : -1;
        }
}
