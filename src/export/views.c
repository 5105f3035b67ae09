/* views.c - see views.h. */
#include "export/views.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "jackdaw/layers.h"
#include "jackdaw/prepare.h"
#include "jackdaw/train.h"

enum { MEMBERS = 64, LARGEST = 4096 };

static const char *text(const json_t *j, const char *key, const char *otherwise)
{
    const char *said = json_string_value(json_object_get(j, key));
    return said ? said : otherwise;
}

/* The number of the view with this preparation; a new one where there is none. */
static int view_of(jd_ctx *ctx, const char *name, jd_views *v, const char *prepare)
{
    for (int i = 0; i < v->views; i++)
        if (!strcmp(v->prepare[i], prepare)) return i;
    if (v->views == JD_VIEWS) {
        jd_fail(ctx, JD_EDATA, "%s: jackdaw.config: its members see pictures prepared in more than %d ways", name,
                JD_VIEWS);
        return 0;
    }
    v->prepare[v->views] = jd_strdup(ctx, prepare);
    return jd_error(ctx) ? 0 : v->views++;
}

static jd_status add(jd_ctx *ctx, const char *name, jd_views *v, const char *scope, const char *net,
                     const char *prepare)
{
    v->member[v->members] = (jd_export_member){jd_strdup(ctx, scope), jd_strdup(ctx, net)};
    v->sees[v->members++] = view_of(ctx, name, v, prepare);
    return jd_error(ctx);
}

static jd_status make_room(jd_ctx *ctx, jd_views *v, size_t members)
{
    v->member = jd_alloc_array(ctx, members, sizeof *v->member);
    v->sees = jd_alloc_array(ctx, members, sizeof *v->sees);
    return jd_error(ctx);
}

static jd_status read_list(jd_ctx *ctx, const char *name, const json_t *list, const char *net, jd_views *v)
{
    const size_t n = json_array_size(list);
    v->listed = true;
    if (n < 1 || n > MEMBERS)
        return jd_fail(ctx, JD_EDATA, "%s: jackdaw.config: \"members\" is no list of 1 to %d networks", name, MEMBERS);
    if (make_room(ctx, v, n)) return jd_error(ctx);
    for (size_t k = 0; k < n; k++) {
        const json_t *j = json_array_get(list, k);
        const char *scope = text(j, "scope", "");
        for (int i = 0; i < v->members; i++)
            if (!strcmp(v->member[i].scope, scope))
                return jd_fail(ctx, JD_EDATA, "%s: jackdaw.config: two members have the scope \"%s\"", name, scope);
        if (add(ctx, name, v, scope, text(j, "net", net), text(j, "prepare", ""))) return jd_error(ctx);
    }
    return JD_OK;
}

/* "pictures": "28x28x1", where they are not as the networks take them. */
static jd_status read_size(jd_ctx *ctx, const char *name, const char *size, const jd_export *e, jd_views *v)
{
    long long d[3] = {e->height, e->width, e->channels};
    int end = 0;
    if (size && (sscanf(size, "%9lldx%9lldx%9lld%n", &d[0], &d[1], &d[2], &end) != 3 || size[end] || d[0] < 1 ||
                 d[1] < 1 || d[0] > LARGEST || d[1] > LARGEST || d[2] != e->channels))
        return jd_fail(ctx, JD_EDATA, "%s: jackdaw.config: \"pictures\" is \"%.40s\", no HxWx%lld", name, size,
                       (long long)e->channels);
    v->height = d[0];
    v->width = d[1];
    return JD_OK;
}

/* Every view must come to a size that the networks can be given. */
static jd_status check(jd_ctx *ctx, const char *name, const jd_export *e, const jd_views *v)
{
    for (int i = 0; i < v->views; i++) {
        int h = (int)v->height, w = (int)v->width;
        if (!e->height && *v->prepare[i])
            return jd_fail(ctx, JD_EDATA, "%s: jackdaw.config: only pictures can be prepared", name);
        if (e->height && jd_prepared_size(ctx, v->prepare[i], &h, &w)) return jd_error(ctx);
        if (h > e->height || w > e->width)
            return jd_fail(ctx, JD_EDATA,
                           "%s: jackdaw.config: pictures of %d x %d, prepared by \"%s\", are larger than the network's "
                           "%lld x %lld",
                           name, h, w, v->prepare[i], (long long)e->height, (long long)e->width);
    }
    return JD_OK;
}

jd_status jd__views_read(jd_ctx *ctx, const char *name, const jd_tensor_file *f, const jd_export *e, jd_views *v)
{
    char *members = jd_model_setting(ctx, f, "members"), *prepare = jd_model_setting(ctx, f, "prepare"),
         *size = jd_model_setting(ctx, f, "pictures");
    json_t *list = members ? json_loads(members, 0, NULL) : NULL;
    if (!jd_error(ctx) && members) read_list(ctx, name, list, e->net, v);
    if (!jd_error(ctx) && !members && !make_room(ctx, v, 1)) add(ctx, name, v, "", e->net, prepare ? prepare : "");
    if (!jd_error(ctx) && e->height) read_size(ctx, name, size, e, v);
    if (!jd_error(ctx)) check(ctx, name, e, v);
    json_decref(list);
    jd_free(ctx, members);
    jd_free(ctx, prepare);
    jd_free(ctx, size);
    return jd_error(ctx);
}

void jd__views_free(jd_ctx *ctx, jd_views *v)
{
    for (int k = 0; k < v->members; k++) {
        jd_free(ctx, (void *)(uintptr_t)v->member[k].scope);
        jd_free(ctx, (void *)(uintptr_t)v->member[k].net);
    }
    for (int i = 0; i < v->views; i++) jd_free(ctx, v->prepare[i]);
    jd_free(ctx, v->member);
    jd_free(ctx, v->sees);
    *v = (jd_views){0};
}

const char *jd__view_input(int view, char name[JD_VIEW_NAME])
{
    snprintf(name, JD_VIEW_NAME, view ? "x%d" : "x", view + 1);
    return name;
}

static uint8_t byte_of(float v)
{
    return (uint8_t)(v >= 255 ? 255 : v > 0 ? lrintf(v) : 0); /* not a number: 0 */
}

/* Row `y` of what the networks take is row y of the picture, with background behind it. */
static void place(const jd_export *e, int64_t height, int64_t width, int64_t n, const uint8_t *bytes,
                  const float *floats, float *x)
{
    const int64_t C = e->channels, row = width * C, wide = e->width * C;
    memset(x, 0, (size_t)(n * e->height * wide) * sizeof *x);
    for (int64_t i = 0; i < n * height; i++) {
        float *to = x + (i / height * e->height + i % height) * wide;
        for (int64_t k = 0; k < row; k++) to[k] = bytes ? (float)bytes[i * row + k] : floats[i * row + k];
    }
}

/* In double, as jd_pixels_to_float: the same bits for whole numbers. */
void jd__pixels_in(const jd_export *e, const float *in, int64_t n, float *x)
{
    const double low = (double)e->low, range = (double)e->high - low;
    const bool as_they_are = !(low < 0 || low > 0 || e->high < 0 || e->high > 0);
    for (int64_t i = 0; i < n; i++) x[i] = as_they_are ? in[i] : (float)(low + range * (double)in[i] / 255.0);
}

bool jd__views_plain(const jd_views *v, const jd_export *e)
{
    return v->views == 1 && !*v->prepare[0] && v->height == e->height && v->width == e->width;
}

jd_status jd__view_see(jd_ctx *ctx, const jd_views *v, int view, const jd_export *e, const float *in, int64_t n,
                       float *x)
{
    const int64_t each = v->height * v->width * e->channels;
    jd_images some = {
        .count = (size_t)n, .height = (int)v->height, .width = (int)v->width, .channels = (int)e->channels};
    if (*v->prepare[view]) {
        some.pixels = jd_alloc_array(ctx, (size_t)n, (size_t)each);
        for (int64_t i = 0; some.pixels && i < n * each; i++) some.pixels[i] = byte_of(in[i]);
        if (some.pixels) jd_images_prepare(ctx, &some, v->prepare[view]);
    }
    if (!jd_error(ctx)) {
        place(e, some.height, some.width, n, some.pixels, in, x);
        jd__pixels_in(e, x, n * e->height * e->width * e->channels, x);
    }
    jd_free(ctx, some.pixels);
    return jd_error(ctx);
}

/* The sum goes from the first member to the last. */
jd_node jd__views_answer(jd_graph *g, const jd_views *v, bool softmax, bool halves)
{
    const jd_node length = jd_has_arg(g, "length") ? jd_arg(g, "length") : JD_NONE;
    jd_node x[JD_VIEWS], sum = JD_NONE;
    char name[JD_VIEW_NAME];
    for (int i = 0; i < v->views; i++) x[i] = jd_arg(g, jd__view_input(i, name));
    for (int k = 0; k < v->members; k++) {
        const jd_export_member *one = &v->member[k];
        if (*one->scope) jd_scope_push(g, one->scope);
        const jd_node y = jd_net(g, one->net, x[v->sees[k]], length);
        if (*one->scope) jd_scope_pop(g);
        const jd_node half = halves && v->members > 1 ? jd_const(g, 0.5, JD_DIMS(1)) : JD_NONE;
        const jd_node p = softmax                    ? jd_softmax(g, y)
                          : halves && v->members > 1 ? jd_add(g, jd_mul(g, y, half), half)
                                                     : y;
        sum = k ? jd_add(g, sum, p) : p;
    }
    return v->members > 1 ? jd_mul(g, sum, jd_const(g, 1.0 / v->members, JD_DIMS(1))) : sum;
}
