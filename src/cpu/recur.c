/* recur.c - see recur.h. */
#include "cpu/recur.h"

#include <float.h>

/* Below so many FLOPs of a whole call, or of one step shared by units, a second thread costs more than it gives. */
static const double least_call = 1e6, least_step = 6e4;
/* Recurrent weights of so many floats fit the second-level cache beside the rows they meet. */
enum { CACHED = 96 * 1024, CHUNK = 96 };
/* So few rows in all, as when sequences arrive step by step, are multiplied sooner than weights are packed. */
enum { RAW = 4 };
enum { MEMBERS = 64 }; /* larger teams get samples in turn */

/* Samples by falling length (ties by number); each goes to the member that would have done its samples first. */
static void deal(jd_recur *r, const int32_t *length, int32_t *count)
{
    const jd_worker one = {0, 1, NULL}, *w = r->by_units ? &one : &r->w;
    const int T = r->T, B = r->B, id = w->id;
    int32_t *order = r->row; /* not in use yet */
    double time[MEMBERS];
    memset(count, 0, (size_t)(T + 2) * sizeof *count);
    for (int b = 0; b < B; b++) count[(size_t)T - jd__length(length, (size_t)b, (size_t)T) + 1]++;
    for (int t = 0; t <= T; t++) count[t + 1] += count[t];
    for (int b = 0; b < B; b++) order[count[(size_t)T - jd__length(length, (size_t)b, (size_t)T)]++] = b;
    for (int i = 0; i < w->count && i < MEMBERS; i++) time[i] = 0;
    r->n = 0;
    for (int j = 0; j < B; j++) {
        const double steps = 1 + (double)jd__length(length, (size_t)order[j], (size_t)T);
        int who = 0;
        if (w->count > MEMBERS) {
            who = j % w->count;
        } else {
            double first = DBL_MAX;
            for (int i = 0; i < w->count; i++) {
                const double then = time[i] + steps / jd_team_part(w, i);
                if (then < first) who = i, first = then;
            }
            time[who] = first;
        }
        if (who == id) r->sample[r->n++] = order[j];
        r->base += who < id;
        r->of += (size_t)steps;
        r->got += who == id ? (size_t)steps : 0;
    }
}

bool JD_K(jd__recur_init)(jd_recur *r, const jd_call *c, const jd_worker *w, const jd_rec_space *space, bool reverse,
                          int H, int P, double step_flop)
{
    memset(r, 0, sizeof *r);
    r->T = (int)c->in_type[0].dim[0];
    r->B = (int)c->in_type[0].dim[1];
    r->H = H;
    r->P = P;
    r->reverse = reverse;
    const int32_t *length = c->in[1];
    r->given = length;
    r->period = 1;
    r->ragged = length != NULL;
    r->w = *w;
    const double weights = step_flop / 2;
    r->by_units = w->count > 1 && (r->B < w->count || (r->B < 6 * w->count && weights > CACHED));
    if (step_flop * r->T * r->B < least_call || (r->by_units && step_flop * r->B < least_step)) {
        if (w->id) return false;
        r->w = (jd_worker){0, 1, NULL};
        r->by_units = false;
    }
    const size_t B = (size_t)r->B;
    char *at = (char *)space->plan + (size_t)w->id * space->plan_bytes;
    r->a = (const float **)(void *)at;
    r->c = (float **)(void *)(at + (B + 256) * sizeof(float *));
    int32_t *ints = (int32_t *)(void *)(at + 2 * (B + 256) * sizeof(float *));
    r->sample = ints;
    r->length = ints + B;
    r->first = ints + 2 * B;
    r->row = ints + 3 * B;
    r->prev = ints + 4 * B;
    r->chunk = r->B > CHUNK ? r->B : CHUNK;
    if (r->ragged) {
        deal(r, length, ints + 5 * B);
        for (int b = 0; b < r->B; b++) {
            r->first[b] = r->rows;
            r->rows += (int)jd__length(length, (size_t)b, (size_t)r->T);
        }
    } else {
        size_t begin = 0, end = B;
        if (!r->by_units) jd_share(&r->w, B, 1, &begin, &end);
        r->base = (int)begin;
        r->n = (int)(end - begin);
        r->got = (size_t)r->n;
        r->of = B;
        for (int i = 0; i < r->n; i++) r->sample[i] = (int32_t)begin + i;
        r->rows = r->T * r->B;
    }
    for (int i = 0; i < r->n; i++) r->length[i] = (int32_t)jd__length(length, (size_t)r->sample[i], (size_t)r->T);
    const jd_worker one = {0, 1, NULL}, *share = r->by_units ? &r->w : &one;
    size_t begin, end;
    jd_share(share, (size_t)jd__row_blocks(H), 1, &begin, &end);
    r->u0 = (int)begin;
    r->u1 = (int)end;
    if (r->by_units) {
        r->got = end - begin;
        r->of = (size_t)jd__row_blocks(H);
    }
    jd_share(share, (size_t)jd__row_blocks(P), 1, &begin, &end);
    r->p0 = (int)begin;
    r->p1 = (int)end;
    return true;
}

bool JD_K(jd__recur_init_samples)(jd_recur *r, const jd_call *c, const jd_worker *w, const jd_rec_space *space,
                                  bool reverse, int H, double step_flop)
{
    const jd_worker one = {0, 1, NULL};
    const bool alone = c->in_type[0].dim[1] < w->count;
    if (alone && w->id) return false;
    /* weights that fit the cache are what division by samples asks for */
    if (step_flop > 2. * CACHED) step_flop = 2. * CACHED;
    return JD_K(jd__recur_init)(r, c, alone ? &one : w, space, reverse, H, H, step_flop);
}

int JD_K(jd__recur_step)(jd_recur *r, int s)
{
    int i = 0;
    for (; i < r->n && r->length[i] > s; i++) {
        const int last = r->length[i] - 1, t = r->reverse ? last - s : s;
        r->row[i] = t * r->B + r->sample[i];
        r->prev[i] = s ? (r->reverse ? t + 1 : t - 1) * r->B + r->sample[i] : -1;
    }
    return i;
}

int JD_K(jd__recur_input)(jd_recur *r, int s0, const float *x, int N, const jd_panels *W, int q0, int q1,
                          const float *bias, float *out, int ldo)
{
    int rows = 0, s = s0;
    for (; s < r->T; s++) {
        int n = 0;
        while (n < r->n && r->length[n] > s) n++;
        if (rows && rows + n > r->chunk) break;
        for (int i = 0; i < n; i++, rows++) {
            const int t = r->reverse ? r->length[i] - 1 - s : s;
            const size_t row = (size_t)t * (size_t)r->B + (size_t)r->sample[i];
            r->a[rows] = x + row * (size_t)N;
            r->c[rows] = out + row * (size_t)ldo;
        }
    }
    JD_K(jd__rows_mul)(W, q0, q1, rows, r->a, r->c, bias, 0);
    return s;
}

void JD_K(jd__recur_clear)(const jd_recur *r, float *out, int n)
{
    if (!r->ragged) return;
    for (int i = 0; i < r->n; i++) {
        if (r->by_units && r->sample[i] % r->w.count != r->w.id) continue;
        for (int t = r->length[i]; t < r->T; t++)
            memset(out + ((size_t)t * (size_t)r->B + (size_t)r->sample[i]) * (size_t)n, 0, (size_t)n * sizeof(float));
    }
}

void JD_K(jd__recur_last)(const jd_recur *r, const float *all, const float *first, float *last, int n)
{
    for (int i = 0; i < r->n; i++) {
        if (r->by_units && r->sample[i] % r->w.count != r->w.id) continue;
        const int b = r->sample[i], t = r->reverse ? 0 : r->length[i] - 1;
        const size_t bytes = (size_t)n * sizeof(float);
        float *to = last + (size_t)b * (size_t)n;
        if (r->length[i])
            memcpy(to, all + ((size_t)t * (size_t)r->B + (size_t)b) * (size_t)n, bytes);
        else if (first)
            memcpy(to, first + (size_t)b * (size_t)n, bytes);
        else
            memset(to, 0, bytes);
    }
}

void JD_K(jd__recur_start)(const jd_recur *r, const float *from, float *to, int n)
{
    for (int i = 0; i < r->n; i++) {
        const size_t at = (size_t)r->sample[i] * (size_t)n, bytes = (size_t)n * sizeof(float);
        if (r->by_units && r->sample[i] % r->w.count != r->w.id) continue;
        if (from)
            memcpy(to + at, from + at, bytes);
        else
            memset(to + at, 0, bytes);
    }
}

void JD_K(jd__recur_pack)(const jd_recur *r, jd_panels *p, const float *b, size_t sk, size_t sn)
{
    size_t begin, end;
    if (sk == 1 && sn == (size_t)p->K && r->T * r->B <= RAW) {
        p->raw = b;
        return;
    }
    jd_share(&r->w, (size_t)(jd__row_blocks(p->n) * p->G), 1, &begin, &end);
    JD_K(jd__rows_pack)(p, b, sk, sn, (int)begin, (int)end);
}

void JD_K(jd__recur_reduce)(const jd_recur *r, const float *sum, size_t ld, int n, float *out)
{
    size_t begin, end;
    jd_share(&r->w, (size_t)n, 16, &begin, &end);
    for (size_t k = begin; k < end; k += VL) {
        const int left = (int)(end - k);
        vf s = vf_zero();
        for (size_t b = 0; b < (size_t)r->B; b++) s = vf_add(s, vf_loadn(sum + b * ld + k, left));
        vf_storen(out + k, s, left);
    }
}

/* Where the rows k0..k0+n-1 of a term stand; NULL for a state that is zero. */
static void term_rows(const jd_recur *r, const jd_outer *e, int k0, int n, const float **at)
{
    const int B = r->B;
    const size_t ld = (size_t)(e->ld ? e->ld : e->n);
    int b = 0;
    while (r->ragged && b + 1 < B && r->first[b + 1] <= k0) b++;
    for (int k = 0; k < n; k++) {
        int row = k0 + k;
        bool start;
        if (r->ragged) {
            while (b + 1 < B && r->first[b + 1] <= k0 + k) b++;
            const int s = (k0 + k - r->first[b]) * r->period;
            row = (r->reverse ? (int)jd__length(r->given, (size_t)b, (size_t)r->T) - 1 - s : s) * B + b;
            start = s == 0;
        } else {
            b = row % B;
            start = r->reverse ? row >= (r->T - 1) * B : row < B;
        }
        if (e->before && start)
            at[k] = e->first ? e->first + (size_t)b * ld : NULL;
        else
            at[k] = e->all + (size_t)(e->before ? (r->reverse ? row + B : row - B) : row) * ld;
    }
}

/* Packs n rows into panels for a product over these rows. */
static void pack_rows(const float *const *row, int n, int width, float *out)
{
    for (int j = 0; j < width; j += JD_RW)
        for (int k = 0; k < n; k++, out += JD_RW)
            for (int h = 0; h < JD_RW; h += VL) {
                const int left = width - j - h;
                vf_store(out + h, row[k] && left > 0 ? vf_loadn(row[k] + j + h, left) : vf_zero());
            }
}

#if VL >= 8
/* An 8 x 8 block; only moves, no arithmetic. */
static void turn8(const float *a, size_t ld, float *out)
{
    __m256 r[8], t[8];
    for (int l = 0; l < 8; l++) r[l] = _mm256_loadu_ps(a + (size_t)l * ld);
    for (int l = 0; l < 8; l += 2) {
        t[l] = _mm256_unpacklo_ps(r[l], r[l + 1]);
        t[l + 1] = _mm256_unpackhi_ps(r[l], r[l + 1]);
    }
    for (int l = 0; l < 8; l += 4) {
        r[l] = _mm256_shuffle_ps(t[l], t[l + 2], 0x44);
        r[l + 1] = _mm256_shuffle_ps(t[l], t[l + 2], 0xee);
        r[l + 2] = _mm256_shuffle_ps(t[l + 1], t[l + 3], 0x44);
        r[l + 3] = _mm256_shuffle_ps(t[l + 1], t[l + 3], 0xee);
    }
    for (int l = 0; l < 4; l++) {
        _mm256_storeu_ps(out + l * JD_OUTER_ROWS, _mm256_permute2f128_ps(r[l], r[l + 4], 0x20));
        _mm256_storeu_ps(out + (l + 4) * JD_OUTER_ROWS, _mm256_permute2f128_ps(r[l], r[l + 4], 0x31));
    }
}
#endif

/* out (m, n) = the transpose of a (n, ld) */
static void turn(const float *a, size_t ld, int n, int m, float *out)
{
    int k = 0;
#if VL >= 8
    for (; k + 8 <= n && m % 8 == 0; k += 8)
        for (int i = 0; i < m; i += 8) turn8(a + (size_t)k * ld + i, ld, out + i * JD_OUTER_ROWS + k);
#endif
    for (; k < n; k++)
        for (int i = 0; i < m; i++) out[(size_t)i * JD_OUTER_ROWS + (size_t)k] = a[(size_t)k * ld + (size_t)i];
}

/* One block of error columns m0..m1-1 against one term. */
static void outer_block(const jd_outer *e, const jd_panels *p, const float *turned, int m0, int m1, int add)
{
    const float *a[JD_OUTER_COLUMNS];
    float *c[JD_OUTER_COLUMNS];
    int m = 0;
    for (int i = m0 > e->lo ? m0 : e->lo; i < m1 && i < e->hi; i++, m++) {
        a[m] = turned + (size_t)(i - m0) * JD_OUTER_ROWS;
        c[m] = e->out + (size_t)(i - e->lo) * (size_t)e->n;
    }
    JD_K(jd__rows_mul)(p, 0, jd__row_blocks(p->n), m, a, c, NULL, add);
}

void JD_K(jd__recur_outer)(const jd_recur *r, const float *error, int ld, const jd_outer *term, int terms, float *room)
{
    float *turned = room, *packed = room + JD_OUTER_COLUMNS * JD_OUTER_ROWS;
    size_t begin, end;
    int columns = 0;
    for (int e = 0; e < terms; e++) columns = term[e].hi > columns ? term[e].hi : columns;
    jd_share(&r->w, (size_t)columns, 8, &begin, &end);
    for (int k0 = 0; k0 < r->rows || !k0; k0 += JD_OUTER_ROWS) {
        const int n = r->rows - k0 < JD_OUTER_ROWS ? r->rows - k0 : JD_OUTER_ROWS;
        jd_panels p[4];
        float *to = packed;
        for (int e = 0; e < terms; e++) {
            const float *at[JD_OUTER_ROWS];
            if (e && term[e].again) {
                p[e] = p[e - 1];
                continue;
            }
            p[e] = (jd_panels){.data = to, .K = n, .G = 1, .n = term[e].n};
            to += (size_t)n * (size_t)(jd__row_blocks(term[e].n) * JD_RW);
            term_rows(r, &term[e], k0, n, at);
            pack_rows(at, n, term[e].n, p[e].data);
        }
        for (int m0 = (int)begin; m0 < (int)end; m0 += JD_OUTER_COLUMNS) {
            const int m1 = m0 + JD_OUTER_COLUMNS < (int)end ? m0 + JD_OUTER_COLUMNS : (int)end;
            turn(error + (size_t)k0 * (size_t)ld + m0, (size_t)ld, n, m1 - m0, turned);
            for (int e = 0; e < terms; e++) outer_block(&term[e], &p[e], turned, m0, m1, k0 > 0);
        }
    }
}

void JD_K(jd__recur_dx)(const jd_recur *r, const float *error, int ld, const jd_panels *W, float *dx, int N)
{
    enum { ROWS = 96 };
    const jd_outer e = {.n = N, .all = dx};
    const float *a[ROWS];
    size_t begin, end;
    JD_K(jd__recur_clear)(r, dx, N);
    jd_share(&r->w, (size_t)r->rows, 6, &begin, &end);
    for (int k0 = (int)begin; k0 < (int)end; k0 += ROWS) {
        const int n = (int)end - k0 < ROWS ? (int)end - k0 : ROWS;
        const float *to[ROWS];
        float *c[ROWS];
        term_rows(r, &e, k0, n, to);
        for (int i = 0; i < n; i++) {
            a[i] = error + (size_t)(k0 + i) * (size_t)ld;
            c[i] = dx + (to[i] - dx);
        }
        JD_K(jd__rows_mul)(W, 0, jd__row_blocks(W->n), n, a, c, NULL, 0);
    }
}
