/* members.c - the networks of a committee, and how pictures become what each of them sees. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/prepare.h"
#include "model.h"
#include "scan_nets.h"

enum { LARGEST = 4096 };

static const char *text(const json_t *j, const char *name, const char *fallback)
{
    const char *found = json_string_value(json_object_get(j, name));
    return found ? found : fallback;
}

/* The number of the view with this preparation; a new one where there is none. */
static int view_of(jd_ctx *ctx, model *m, const char *prepare)
{
    for (int v = 0; v < m->views; v++)
        if (!strcmp(m->view[v].prepare, prepare)) return v;
    if (m->views == MODEL_VIEWS)
        jd_fail(ctx, JD_EUSAGE, "more than %d ways to prepare pictures in one committee are not known here",
                MODEL_VIEWS);
    char *line = jd_error(ctx) ? NULL : jd_strdup(ctx, prepare);
    if (!line) return 0;
    member_view *one = &m->view[m->views];
    one->prepare = line;
    snprintf(one->input, sizeof one->input, m->views ? "x%d" : "x", m->views + 1);
    return m->views++;
}

static jd_status add(jd_ctx *ctx, model *m, const char *scope, const char *name, const char *net, const char *prepare)
{
    const member one = {
        .scope = jd_strdup(ctx, scope), .name = jd_strdup(ctx, name), .net = net ? jd_strdup(ctx, net) : NULL};
    m->member[m->members] = one;
    m->member[m->members++].view = jd_error(ctx) ? 0 : view_of(ctx, m, prepare);
    return jd_error(ctx);
}

static jd_status make_room(jd_ctx *ctx, model *m, size_t members)
{
    m->member = jd_alloc_array(ctx, members, sizeof *m->member);
    m->view = jd_alloc_array(ctx, members, sizeof *m->view);
    return jd_error(ctx);
}

jd_status model_alone(jd_ctx *ctx, model *m)
{
    m->picture[0] = m->dim[0];
    m->picture[1] = m->dim[1];
    return make_room(ctx, m, 1) ? jd_error(ctx) : add(ctx, m, "", "", NULL, "");
}

static jd_status read_list(jd_ctx *ctx, const char *path, const json_t *list, model *m)
{
    const size_t n = json_array_size(list);
    if (n < 1 || n > MODEL_MEMBERS)
        return jd_fail(ctx, JD_EDATA, "%s: jackdaw.config: \"members\" is no list of 1 to %d networks", path,
                       MODEL_MEMBERS);
    if (make_room(ctx, m, n)) return jd_error(ctx);
    for (size_t k = 0; k < n; k++) {
        const json_t *j = json_array_get(list, k);
        const char *scope = text(j, "scope", "");
        for (int i = 0; i < m->members; i++)
            if (!strcmp(m->member[i].scope, scope))
                return jd_fail(ctx, JD_EDATA, "%s: jackdaw.config: two members have the scope \"%s\"", path, scope);
        if (add(ctx, m, scope, text(j, "name", scope), text(j, "net", NULL), text(j, "prepare", "")))
            return jd_error(ctx);
    }
    return JD_OK;
}

/* Every view must come to a size that the networks can be given; `m->picture` is where it begins. */
static jd_status check_views(jd_ctx *ctx, const char *path, model *m)
{
    for (int v = 0; v < m->views; v++) {
        int h = (int)m->picture[0], w = (int)m->picture[1];
        if (jd_prepared_size(ctx, m->view[v].prepare, &h, &w)) return jd_error(ctx);
        m->resized |= h != m->picture[0] || w != m->picture[1];
        if (h > m->dim[0] || w > m->dim[1])
            return jd_fail(ctx, JD_EDATA,
                           "%s: jackdaw.config: pictures of %d x %d, prepared by \"%s\", are larger than the network's "
                           "%lld x %lld",
                           path, h, w, m->view[v].prepare, (long long)m->dim[0], (long long)m->dim[1]);
    }
    return JD_OK;
}

/* "28x28x1"; of models that do not say it, grey nets of a little more than MNIST's 28 x 28 pixels learned from these. */
static jd_status read_pictures(jd_ctx *ctx, const char *path, const json_t *j, model *m)
{
    const char *size = text(j, "pictures", NULL), *ink = text(j, "ink", NULL);
    long long d[3] = {m->dim[0], m->dim[1], m->dim[2]};
    int end = 0;
    if (!size && d[0] > 28 && d[0] <= 32 && d[1] == d[0] && d[2] == 1) d[0] = d[1] = 28;
    if (size && (sscanf(size, "%9lldx%9lldx%9lld%n", &d[0], &d[1], &d[2], &end) != 3 || size[end] || d[0] < 1 ||
                 d[1] < 1 || d[0] > LARGEST || d[1] > LARGEST || d[2] != m->dim[2]))
        return jd_fail(ctx, JD_EDATA, "%s: jackdaw.config: \"pictures\" is \"%.40s\", no HxWx%lld", path, size,
                       (long long)m->dim[2]);
    m->picture[0] = d[0];
    m->picture[1] = d[1];
    char place[8] = "";
    end = 0;
    m->scaled = ink && !strcmp(ink, "none");
    m->centred = !ink && !*m->names && m->classes == 10; /* digits, in models that do not say it */
    m->ink = (int)(d[0] < d[1] ? d[0] : d[1]) * (m->centred ? 20 : 28) / 28;
    if (!ink || m->scaled) return JD_OK;
    if (sscanf(ink, "%9d %7s%n", &m->ink, place, &end) != 2 || ink[end] || m->ink < 1 || m->ink > d[0] ||
        m->ink > d[1] || (strcmp(place, "mass") != 0 && strcmp(place, "box") != 0) || d[2] != 1)
        return jd_fail(ctx, JD_EDATA, "%s: jackdaw.config: \"ink\" is \"%.40s\", not as \"20 mass\" or \"40 box\"",
                       path, ink);
    m->drawings = true;
    m->centred = !strcmp(place, "mass");
    return JD_OK;
}

jd_status model_read_members(jd_ctx *ctx, const char *path, const void *config, model *m)
{
    const json_t *list = json_object_get(config, "members");
    const char *prepare = text(config, "prepare", "");
    if (list && read_list(ctx, path, list, m)) return jd_error(ctx);
    if (!list && (make_room(ctx, m, 1) || add(ctx, m, "", "", NULL, prepare))) return jd_error(ctx);
    if (m->rank != 3 && (m->views > 1 || *m->view[0].prepare))
        return jd_fail(ctx, JD_EDATA, "%s: jackdaw.config: only pictures can be prepared", path);
    if (m->rank != 3 || read_pictures(ctx, path, config, m)) return jd_error(ctx);
    return check_views(ctx, path, m);
}

bool model_takes(const model *m, int64_t height, int64_t width)
{
    if (height == m->picture[0] && width == m->picture[1]) return true;
    /* as large as the network's, where none is resized: they have their background already */
    return !m->resized && height == m->dim[0] && width == m->dim[1];
}

jd_status model_see(jd_ctx *ctx, const model *m, int v, const jd_images *pictures, const uint32_t *index, size_t n,
                    uint8_t *out)
{
    const size_t channels = (size_t)m->dim[2], wide = (size_t)m->dim[1] * channels;
    const size_t each = (size_t)pictures->height * (size_t)pictures->width * channels;
    jd_images some = {.count = n, .height = pictures->height, .width = pictures->width, .channels = (int)channels};
    some.pixels = jd_alloc_array(ctx, n, each);
    for (size_t i = 0; some.pixels && i < n; i++)
        memcpy(some.pixels + i * each, pictures->pixels + index[i] * each, each);
    if (!jd_error(ctx) && !jd_images_prepare(ctx, &some, m->view[v].prepare)) {
        const size_t row = (size_t)some.width * channels, high = (size_t)some.height;
        memset(out, 0, n * (size_t)model_size(m));
        for (size_t y = 0; y < n * high; y++)
            memcpy(out + (y / high * (size_t)m->dim[0] + y % high) * wide, some.pixels + y * row, row);
    }
    jd_free(ctx, some.pixels);
    return jd_error(ctx);
}

jd_status model_scanners(jd_ctx *ctx, const char *path, const model *m, jd_params *w, const jd_scan_options *how,
                         jd_scanner **scan, jd_params **weights)
{
    const char *scope[MODEL_MEMBERS];
    jd_scan_options o = *how;
    o.net = m->net;
    o.height = m->dim[0];
    o.width = m->dim[1];
    o.channels = m->dim[2];
    o.softmax = true;
    for (int k = 0; k < m->members; k++) {
        scope[k] = m->member[k].scope;
        if (m->member[k].net && strcmp(m->member[k].net, m->net) != 0)
            return jd_fail(ctx, JD_EUSAGE, "%s: a committee of nets of several kinds; only those of one are scanned",
                           path);
    }
    return scan_nets_open(ctx, w, scope, m->members, &o, scan, weights);
}
