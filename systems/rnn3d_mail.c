/* rnn3d_mail.c - see rnn3d_mail.h. */
#include "rnn3d_mail.h"

#include <string.h>

#include "jackdaw/ranks.h"

jd_status r3_mail_open(jd_ctx *ctx, const r3_grid *g, r3_mail *m)
{
    *m = (r3_mail){.ctx = ctx, .grid = *g, .P = r3_count(g)};
    r3_ring(g, m->next);
    m->counts = jd_alloc_array(ctx, (size_t)(R3_KINDS * m->P * m->P), sizeof *m->counts);
    jd_rank_share(ctx, (size_t)m->P, &m->first, &m->last);
    return jd_error(ctx);
}

void r3_mail_close(r3_mail *m)
{
    jd_free(m->ctx, m->counts);
    jd_free(m->ctx, m->post);
}

char *r3_post(r3_mail *mail, const r3_message *m)
{
    int from[R3_AXES], to[R3_AXES];
    r3_place(&mail->grid, m->from, from);
    r3_place(&mail->grid, m->to, to);
    if (m->kind == R3_HALO ? r3_distance(from, to) != 1 : mail->next[m->from] != m->to) {
        jd_fail(mail->ctx, JD_EINTERNAL, "rnn3d: process %d may not send to %d", m->from, m->to);
        return NULL;
    }
    const size_t bytes = (m->bytes + 15) / 16 * 16, need = mail->used + sizeof *m + bytes;
    if (need > mail->room) {
        const size_t more = 2 * need + 4096;
        char *larger = jd_realloc(mail->ctx, mail->post, mail->room, more);
        if (!larger) return NULL;
        mail->post = larger;
        mail->room = more;
    }
    mail->counts[(m->kind * mail->P + m->from) * mail->P + m->to] += (double)m->bytes;
    memcpy(mail->post + mail->used, m, sizeof *m);
    char *at = mail->post + mail->used + sizeof *m;
    memset(at + m->bytes, 0, bytes - m->bytes);
    mail->used = need;
    return at;
}

/* A chunk on its way round: to be added, or, the second time round, the sum. */
static void take_chunk(r3_mail *mail, const r3_message *m, const char *data)
{
    const size_t lo = mail->reduced * (size_t)(m->tile % mail->P) / (size_t)mail->P, n = m->bytes / mail->width;
    void *to = mail->sums[m->to] + lo * mail->width;
    if (m->tile >= mail->P)
        memcpy(to, data, m->bytes);
    else if (mail->exact)
        for (size_t i = 0; i < n; i++) ((int64_t *)to)[i] += ((const int64_t *)(const void *)data)[i];
    else if (mail->width == sizeof(float))
        for (size_t i = 0; i < n; i++) ((float *)to)[i] += ((const float *)(const void *)data)[i];
    else
        for (size_t i = 0; i < n; i++) ((double *)to)[i] += ((const double *)(const void *)data)[i];
}

static void hand_over(r3_mail *mail, const r3_message *m, const char *data)
{
    if (m->kind == R3_REDUCE)
        take_chunk(mail, m, data);
    else
        mail->take(mail->user, m, data);
}

static void take_all(r3_mail *mail, const char *from, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        r3_message m;
        memcpy(&m, from + at, sizeof m);
        at += sizeof m;
        if ((size_t)m.to >= mail->first && (size_t)m.to < mail->last) hand_over(mail, &m, from + at);
        at += (m.bytes + 15) / 16 * 16;
    }
}

/* Messages for processes of other ranks, sorted by rank. */
static jd_status ship(r3_mail *mail)
{
    const int ranks = jd_ranks(mail->ctx);
    size_t *bytes = jd_alloc_array(mail->ctx, 2 * (size_t)ranks, sizeof *bytes), sorted = 0;
    char *out = jd_alloc(mail->ctx, mail->used + 1);
    void *in = NULL;
    for (int r = 0; bytes && out && r < ranks; r++) {
        const size_t lo = (size_t)mail->P * (size_t)r / (size_t)ranks,
                     hi = (size_t)mail->P * (size_t)(r + 1) / (size_t)ranks;
        const size_t before = sorted;
        for (size_t at = 0; at < mail->used && r != jd_my_rank(mail->ctx);) {
            r3_message m;
            memcpy(&m, mail->post + at, sizeof m);
            const size_t all = sizeof m + (m.bytes + 15) / 16 * 16;
            if ((size_t)m.to >= lo && (size_t)m.to < hi) {
                memcpy(out + sorted, mail->post + at, all);
                sorted += all;
            }
            at += all;
        }
        bytes[r] = sorted - before;
    }
    if (bytes && out && !jd_ranks_exchange(mail->ctx, out, bytes, &in, bytes + ranks)) {
        size_t all = 0;
        for (int r = 0; r < ranks; r++) all += bytes[ranks + r];
        take_all(mail, in, all);
    }
    jd_free(mail->ctx, in);
    jd_free(mail->ctx, out);
    jd_free(mail->ctx, bytes);
    return jd_error(mail->ctx);
}

jd_status r3_deliver(r3_mail *mail)
{
    take_all(mail, mail->post, mail->used);
    if (jd_ranks(mail->ctx) > 1) ship(mail);
    mail->used = 0;
    return jd_error(mail->ctx);
}

/* Patarasuk, Yuan 2009. */
jd_status r3_all_reduce(r3_mail *mail)
{
    const int P = mail->P;
    int rank[R3_PROCESSES], p = 0;
    for (int i = 0; i < P; i++, p = mail->next[p]) rank[p] = i;
    for (int round = 0; round < 2 * (P - 1) && !jd_error(mail->ctx); round++) {
        for (size_t j = mail->first; j < mail->last; j++) {
            const bool add = round < P - 1;
            const int chunk = add ? (rank[j] - round + 2 * P) % P : (rank[j] + 1 - (round - (P - 1)) + 2 * P) % P;
            const size_t lo = mail->reduced * (size_t)chunk / (size_t)P,
                         hi = mail->reduced * (size_t)(chunk + 1) / (size_t)P;
            const r3_message m = {
                (int)j, mail->next[j], R3_REDUCE, 0, 0, chunk + (add ? 0 : P), (hi - lo) * mail->width};
            char *data = r3_post(mail, &m);
            if (!data) break;
            memcpy(data, mail->sums[j] + lo * mail->width, m.bytes);
        }
        r3_deliver(mail);
    }
    return jd_error(mail->ctx);
}

jd_status r3_over_ranks(jd_ctx *ctx, double *x, size_t n)
{
    const size_t ranks = (size_t)jd_ranks(ctx);
    if (ranks < 2) return jd_error(ctx);
    double *all = jd_alloc_array(ctx, n * ranks, sizeof *all);
    if (all) {
        memcpy(all + (size_t)jd_my_rank(ctx) * n, x, n * sizeof *x);
        memset(x, 0, n * sizeof *x);
        jd_ranks_gather(ctx, all, ranks, n * sizeof *x);
        for (size_t i = 0; i < n * ranks; i++) x[i % n] += all[i];
    }
    jd_free(ctx, all);
    return jd_error(ctx);
}
