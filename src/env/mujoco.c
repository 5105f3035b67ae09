/*
 * mujoco.c - environments whose physics MuJoCo computes (https://mujoco.org, its C interface of version 2.2.2).
 *
 * The library is opened at run time, so that a program runs without it.  What a step does is a function of the state's row:
 * each thread puts rows into its own data, steps, and takes them out again.
 */
#include <math.h>
#include <string.h>

#include "env/mujoco.h"

#ifdef JD_HAVE_MUJOCO

#include <dlfcn.h>
#include <mujoco/mujoco.h>
#include <stdlib.h>

/* The functions used, by their names in the library. */
typedef struct mj_library {
    void *handle;
    int (*version)(void);
    void (*default_vfs)(mjVFS *);
    int (*make_file)(mjVFS *, const char *, int);
    int (*find_file)(const mjVFS *, const char *);
    void (*delete_vfs)(mjVFS *);
    mjModel *(*load)(const char *, const mjVFS *, char *, int);
    void (*delete_model)(mjModel *);
    mjData *(*make_data)(const mjModel *);
    void (*delete_data)(mjData *);
    void (*reset)(const mjModel *, mjData *);
    void (*step)(const mjModel *, mjData *);
    void (*kinematics)(const mjModel *, mjData *);
} mj_library;

typedef struct mj_world {
    mj_library lib;
    const mj_task *task;
    mjModel *model;
    mjData **data; /* one for each thread */
    int threads;
} mj_world;

/* In place of a file in the working directory; a state that became wild ends its episode (wild). */
static void no_warning(const char *text)
{
    (void)text;
}

static bool open_library(mj_library *l)
{
    static const char *const file[] = {"libmujoco.so.2.2.2", "libmujoco.so"};
    const struct {
        const char *name;
        void *to;
    } symbol[] = {{"mj_version", &l->version},
                  {"mj_defaultVFS", &l->default_vfs},
                  {"mj_makeEmptyFileVFS", &l->make_file},
                  {"mj_findFileVFS", &l->find_file},
                  {"mj_deleteVFS", &l->delete_vfs},
                  {"mj_loadXML", &l->load},
                  {"mj_deleteModel", &l->delete_model},
                  {"mj_makeData", &l->make_data},
                  {"mj_deleteData", &l->delete_data},
                  {"mj_resetData", &l->reset},
                  {"mj_step", &l->step},
                  {"mj_kinematics", &l->kinematics}};
    for (size_t i = 0; i < 2 && !l->handle; i++) l->handle = dlopen(file[i], RTLD_NOW | RTLD_LOCAL);
    if (!l->handle) return false;
    for (size_t i = 0; i < sizeof symbol / sizeof *symbol; i++) {
        void *const f = dlsym(l->handle, symbol[i].name);
        if (!f) return false;
        memcpy(symbol[i].to, &f, sizeof f);
    }
    void (**warning)(const char *);
    void *const w = dlsym(l->handle, "mju_user_warning");
    if (!w || l->version() != mjVERSION_HEADER) return false;
    memcpy(&warning, &w, sizeof warning);
    *warning = no_warning;
    return true;
}

static mjModel *load_model(const mj_library *l, const char *text, char *error, int room)
{
    mjVFS *vfs = malloc(sizeof *vfs);
    if (!vfs) return NULL;
    l->default_vfs(vfs);
    const int bytes = (int)strlen(text);
    mjModel *m = NULL;
    if (l->make_file(vfs, "model.xml", bytes) == 0) {
        memcpy(vfs->filedata[l->find_file(vfs, "model.xml")], text, (size_t)bytes);
        m = l->load("model.xml", vfs, error, room);
    }
    l->delete_vfs(vfs);
    free(vfs);
    return m;
}

static void close_world(jd_env *e)
{
    mj_world *w = e->outside;
    if (!w) return;
    for (int i = 0; w->data && i < w->threads; i++)
        if (w->data[i]) w->lib.delete_data(w->data[i]);
    if (w->model) w->lib.delete_model(w->model);
    if (w->lib.handle) dlclose(w->lib.handle);
    jd_free(e->ctx, w->data);
    jd_free(e->ctx, w);
    e->outside = NULL;
}

static jd_status open_world(jd_env *e)
{
    char why[300] = "";
    const mj_task *task = jd__mujoco_task(e);
    mj_world *w = e->outside = jd_alloc(e->ctx, sizeof *w);
    if (!w) return jd_error(e->ctx);
    w->task = task;
    e->observation = task->observation;
    e->low = task->low;
    e->high = task->high;
    if (!open_library(&w->lib))
        return jd_fail(e->ctx, JD_EABSENT,
                       "env: %s: MuJoCo %d.%d.%d is not there; on Debian: apt-get install libmujoco2.2.2",
                       e->kind->name, mjVERSION_HEADER / 100, mjVERSION_HEADER / 10 % 10, mjVERSION_HEADER % 10);
    w->model = load_model(&w->lib, task->model, why, sizeof why);
    if (!w->model || w->model->nq != task->nq || w->model->nv != task->nv || w->model->nu != task->nu)
        return jd_fail(e->ctx, JD_EINTERNAL, "env: %s: MuJoCo does not take the model: %s", e->kind->name, why);
    w->data = jd_alloc_array(e->ctx, (size_t)e->ctx->threads, sizeof *w->data);
    for (; w->data && w->threads < e->ctx->threads; w->threads++) {
        w->data[w->threads] = w->lib.make_data(w->model);
        if (!w->data[w->threads]) return jd_fail(e->ctx, JD_ENOMEM, "env: %s: no memory for MuJoCo", e->kind->name);
    }
    return jd_error(e->ctx);
}

static jd_status start(jd_env *e, size_t i, uint64_t seed, double *state)
{
    const mj_world *w = e->outside;
    jd_rng r = jd_rng_new(seed, "env/mujoco", 0);
    (void)i;
    memset(state, 0, (size_t)e->kind->state * sizeof *state);
    w->task->start(state, &r);
    return JD_OK;
}

static void put_row(const mj_world *w, mjData *d, const double *s)
{
    const size_t nq = (size_t)w->task->nq, nv = (size_t)w->task->nv;
    w->lib.reset(w->model, d);
    memcpy(d->qpos, s, nq * sizeof *s);
    memcpy(d->qvel, s + nq, nv * sizeof *s);
    memcpy(d->qacc_warmstart, s + nq + nv, nv * sizeof *s);
}

static void take_row(const mj_world *w, const mjData *d, double *s)
{
    const size_t nq = (size_t)w->task->nq, nv = (size_t)w->task->nv;
    memcpy(s, d->qpos, nq * sizeof *s);
    memcpy(s + nq, d->qvel, nv * sizeof *s);
    memcpy(s + nq + nv, d->qacc_warmstart, nv * sizeof *s);
}

/* Not a number, or so large that MuJoCo starts anew by itself. */
static bool wild(const mj_world *w, const double *s)
{
    for (int k = 0; k < w->task->nq + 2 * w->task->nv; k++)
        if (!(fabs(s[k]) < 1e9)) return true;
    return false;
}

typedef struct steps {
    jd_env *e;
    const uint8_t *go;
    const float *action;
    double *state;
    float *reward;
    uint8_t *ended;
} steps;

static void step_share(void *user, const jd_worker *worker)
{
    const steps *j = user;
    const mj_world *w = j->e->outside;
    const mj_task *task = w->task;
    mjData *d = w->data[worker->id];
    size_t begin, end;
    jd_share(worker, j->e->o.count, 1, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        if (!j->go[i]) continue;
        double *s = j->state + i * (size_t)j->e->kind->state, before[JD_ENV_STATE];
        float action[3];
        memcpy(before, s, (size_t)j->e->kind->state * sizeof *s);
        put_row(w, d, s);
        for (int k = 0; k < task->nu; k++) {
            const float a = j->action[i * (size_t)task->nu + (size_t)k];
            action[k] = !(a == a) ? 0 : a;
            d->ctrl[k] = (double)action[k];
        }
        for (int f = 0; f < task->frames; f++) w->lib.step(w->model, d);
        take_row(w, d, s);
        const bool lost = wild(w, s) || d->warning[mjWARN_BADQPOS].number || d->warning[mjWARN_BADQVEL].number ||
                          d->warning[mjWARN_BADQACC].number;
        if (lost) memcpy(s, before, (size_t)j->e->kind->state * sizeof *s);
        j->reward[i] = 0;
        j->ended[i] = lost || task->judge(s, before, action, &j->reward[i]);
    }
}

static void step(jd_env *e, const uint8_t *go, const float *action, double *state, float *reward, uint8_t *ended)
{
    steps j = {e, go, action, state, reward, ended};
    jd_team *team = jd__ctx_team(e->ctx);
    if (team) jd_team_run(team, step_share, &j);
}

static void look(const jd_env *e, const double *state, float *obs)
{
    jd__mujoco_task(e)->look(state, obs);
}

void jd__mujoco_draw(const jd_env *e, const double *s, jd_canvas *c)
{
    const mj_world *w = e->outside;
    const mj_task *t = w->task;
    mjData *d = w->data[0];
    double row[JD_ENV_STATE];
    for (int k = 0; k < e->kind->state; k++) row[k] = s[k * JD_LANES];
    put_row(w, d, row);
    w->lib.kinematics(w->model, d);
    const double shift = t->follow ? d->xpos[3] : 0;
    const int up = t->from_above ? 1 : 2;
    jd__canvas_view(c, t->view[0], t->view[1], t->view[2], t->view[3]);
    if (!t->from_above) jd__canvas_box(c, -10, -10, 10, t->ground, 0xDCDCD6);
    for (int g = 0; g < w->model->ngeom; g++) {
        if (w->model->geom_type[g] != mjGEOM_CAPSULE) continue;
        const double *at = d->geom_xpos + 3 * g, *turn = d->geom_xmat + 9 * g, half = w->model->geom_size[3 * g + 1];
        const double dx = turn[2] * half, dy = turn[3 * up + 2] * half;
        jd__canvas_line(c, at[0] - shift - dx, at[up] - dy, at[0] - shift + dx, at[up] + dy,
                        2 * w->model->geom_size[3 * g], g % 2 ? 0x2A6FBB : 0x3B4B5C);
    }
    if (t->from_above) {
        const double *target = row + t->nq + 2 * t->nv;
        jd__canvas_line(c, target[0], target[1], target[0], target[1], .02, 0xC8553D);
    }
}

#else

static jd_status open_world(jd_env *e)
{
    return jd_fail(
        e->ctx, JD_EABSENT,
        "env: %s: Jackdaw was built without MuJoCo; on Debian: apt-get install libmujoco-dev, then build again",
        e->kind->name);
}

static void close_world(jd_env *e)
{
    (void)e;
}

static jd_status start(jd_env *e, size_t i, uint64_t seed, double *state)
{
    (void)i, (void)seed, (void)state;
    return open_world(e);
}

static void step(jd_env *e, const uint8_t *go, const float *action, double *state, float *reward, uint8_t *ended)
{
    (void)go, (void)action, (void)state, (void)reward, (void)ended;
    open_world(e);
}

static void look(const jd_env *e, const double *state, float *obs)
{
    (void)e, (void)state, (void)obs;
}

void jd__mujoco_draw(const jd_env *e, const double *s, jd_canvas *c)
{
    (void)e, (void)s, (void)c;
}

#endif

/* Angles are turned into sines: they must not be so large that nothing is left of them. */
bool jd__mujoco_valid(const jd_env *e, const double *s)
{
    for (int k = 0; k < e->kind->state; k++)
        if (!(fabs(s[k * JD_LANES]) < 1e9)) return false;
    const mj_task *t = jd__mujoco_task(e);
    for (int k = 0; k < t->nq; k++)
        if (!(fabs(s[k * JD_LANES]) < 1e5)) return false;
    return true;
}

const jd_env_outside jd__mujoco_outside = {
    .open = open_world, .close = close_world, .start = start, .step = step, .look = look, .whole = true};
