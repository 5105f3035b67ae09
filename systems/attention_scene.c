/* attention_scene.c - scenes and the retina; see attention_scene.h. */
#include "attention_scene.h"

#include <math.h>
#include <string.h>

const char *const at_kind_name[AT_THINGS] = {"triangle", "disc", "letter T"};

/* ---- scenes ------------------------------------------------------------------------------------------------------------------*/

enum { CORNERS = AT_SIDE + 1, REACH = 40, SQUARE = 8 };

/* u right, v down, from the thing's point. */
static bool inside(at_kind kind, double u, double v)
{
    static const double height = 56.568542494923804; /* sqrt(60^2 - 20^2) */
    if (kind == AT_DISC) return u * u + v * v <= 30. * 30;
    if (kind == AT_TRIANGLE) return v <= height / 3 && fabs(u) <= 20 * (v / height + 2. / 3);
    return fabs(v) <= 25 && fabs(u) <= (v <= -11 ? 25 : 7);
}

static void grow(at_scene *s, int x0, int y0, int x1, int y1)
{
    s->x0 = x0 < s->x0 ? x0 : s->x0;
    s->y0 = y0 < s->y0 ? y0 : s->y0;
    s->x1 = x1 > s->x1 ? x1 : s->x1;
    s->y1 = y1 > s->y1 ? y1 : s->y1;
}

static int within(int i)
{
    return i < 0 ? 0 : i > AT_SIDE ? AT_SIDE : i;
}

static void draw_thing(at_scene *s, const at_thing *t)
{
    const double c = cos(t->at.angle), si = sin(t->at.angle);
    const int x0 = within((int)t->at.x - REACH), x1 = within((int)t->at.x + REACH);
    const int y0 = within((int)t->at.y - REACH), y1 = within((int)t->at.y + REACH);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            const double dx = x + .5 - t->at.x, dy = y + .5 - t->at.y;
            if (inside(t->kind, dx * c + dy * si, dy * c - dx * si)) s->pixels[y * AT_SIDE + x] = 1;
        }
    grow(s, x0, y0, x1, y1);
}

static void draw_clutter(at_scene *s, const at_thing *thing, int n, double clutter, jd_rng *r)
{
    const int squares = (int)(clutter * AT_SIDE * AT_SIDE / (SQUARE * SQUARE));
    for (int i = 0; i < squares;) {
        const int x = (int)jd_rng_below(r, AT_SIDE - SQUARE), y = (int)jd_rng_below(r, AT_SIDE - SQUARE);
        bool clear = true;
        for (int k = 0; k < n; k++)
            clear = clear && hypot(x + SQUARE / 2. - thing[k].at.x, y + SQUARE / 2. - thing[k].at.y) > AT_CLEAR;
        if (!clear) continue;
        for (int v = 0; v < SQUARE; v++) memset(s->pixels + (y + v) * AT_SIDE + x, 1, SQUARE);
        i++;
    }
    if (squares) grow(s, 0, 0, AT_SIDE, AT_SIDE);
}

static void place_fields(at_field field[AT_FIELDS])
{
    enum { RINGS = 5 };
    static const struct {
        int n;
        double distance, radius;
    } ring[RINGS] = {{1, 0, 3}, {6, 4, 3}, {9, 10, 5}, {12, 18, 7}, {12, 28, 10}};
    for (int k = 0, i = 0; k < RINGS; k++)
        for (int j = 0; j < ring[k].n; j++) {
            const double angle = 2 * AT_PI * j / ring[k].n;
            field[i++] =
                (at_field){ring[k].distance * sin(angle), -ring[k].distance * cos(angle), 1.77 * ring[k].radius};
        }
}

jd_status at_scene_new(jd_ctx *ctx, at_scene *s)
{
    *s = (at_scene){.x0 = 0};
    s->pixels = jd_alloc_array(ctx, AT_SIDE * AT_SIDE, 1);
    s->sum = jd_alloc_array(ctx, CORNERS * CORNERS, sizeof *s->sum);
    place_fields(s->field);
    return jd_error(ctx);
}

void at_scene_free(jd_ctx *ctx, at_scene *s)
{
    jd_free(ctx, s->pixels);
    jd_free(ctx, s->sum);
    *s = (at_scene){.x0 = 0};
}

void at_scene_draw(at_scene *s, const at_thing *thing, int n, double clutter, jd_rng *r)
{
    for (int y = s->y0; y < s->y1; y++) memset(s->pixels + y * AT_SIDE + s->x0, 0, (size_t)(s->x1 - s->x0));
    s->x0 = s->y0 = AT_SIDE;
    s->x1 = s->y1 = 0;
    for (int i = 0; i < n; i++) draw_thing(s, &thing[i]);
    if (clutter > 0) draw_clutter(s, thing, n, clutter, r);
    if (s->x0 >= s->x1 || s->y0 >= s->y1) s->x0 = s->y0 = 0, s->x1 = s->y1 = 1; /* one white pixel */
    for (int x = s->x0; x <= s->x1; x++) s->sum[s->y0 * CORNERS + x] = 0;
    for (int y = s->y0; y < s->y1; y++) {
        const uint32_t *above = s->sum + y * CORNERS;
        uint32_t *below = s->sum + (y + 1) * CORNERS, row = 0;
        below[s->x0] = 0;
        for (int x = s->x0; x < s->x1; x++) {
            row += s->pixels[y * AT_SIDE + x];
            below[x + 1] = above[x + 1] + row;
        }
    }
}

/* ---- the retina --------------------------------------------------------------------------------------------------------------*/

/* How much is dark above and left of a point, which may lie between pixels. */
static double dark(const at_scene *s, double x, double y)
{
    x = x < s->x0 ? s->x0 : x > s->x1 ? s->x1 : x;
    y = y < s->y0 ? s->y0 : y > s->y1 ? s->y1 : y;
    const int i = (int)x < s->x1 ? (int)x : s->x1 - 1, j = (int)y < s->y1 ? (int)y : s->y1 - 1;
    const uint32_t *at = s->sum + j * CORNERS + i;
    const double u = x - i, v = y - j;
    return (1 - v) * ((1 - u) * at[0] + u * at[1]) + v * ((1 - u) * at[CORNERS] + u * at[CORNERS + 1]);
}

void at_look(const at_scene *s, at_pose eye, double *x)
{
    const at_field *field = s->field;
    const double c = cos(eye.angle), si = sin(eye.angle);
    for (int i = 0; i < AT_FIELDS; i++) {
        const double half = field[i].side / 2, mx = eye.x + field[i].x * c - field[i].y * si,
                     my = eye.y + field[i].x * si + field[i].y * c;
        const double x0 = mx - half, x1 = mx + half, y0 = my - half, y1 = my + half;
        if (x1 <= s->x0 || x0 >= s->x1 || y1 <= s->y0 || y0 >= s->y1)
            x[i] = 0;
        else
            x[i] = (dark(s, x1, y1) - dark(s, x0, y1) - dark(s, x1, y0) + dark(s, x0, y0)) / (4 * half * half);
    }
}

at_pose at_moved(at_pose eye, const double *a, int actions)
{
    const double u = AT_MOVE * (a[3] - a[2]), v = AT_MOVE * (a[1] - a[0]);
    const double c = cos(eye.angle), s = sin(eye.angle);
    eye.x += u * c - v * s;
    eye.y += u * s + v * c;
    if (actions == 6) eye.angle += AT_TURN * AT_PI / 180 * (a[4] - a[5]);
    return eye;
}
