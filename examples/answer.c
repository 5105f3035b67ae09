/*
 * answer.c - a model of `jackdaw train` in a C product with threads: each line of numbers on the standard input is answered.
 *
 *     jackdaw train --data table.csv --out trained
 *     cc -o answer answer.c $(pkg-config --cflags --libs jackdaw) -lpthread
 *     ./answer trained/model.safetensors < rows.txt
 */
#include <jackdaw/model.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORKERS = 4 };

/* The rows that came in, and their answers; worker k has rows k, k + WORKERS... */
typedef struct job {
    const jd_model *model;
    const float *in; /* (rows,inputs) */
    float *out;      /* (rows,outputs) */
    int64_t rows, first;
    jd_status status;
    pthread_t thread;
} job;

/* A context of its own for each thread, and the same weights for all. */
static void *work(void *user)
{
    job *j = (job *)user;
    jd_options options = {0};
    options.threads = 1;
    jd_ctx *ctx = jd_ctx_new(&options);
    jd_model *m = jd_model_share(ctx, j->model);
    const int64_t N = jd_model_inputs(m), K = jd_model_outputs(m);
    for (int64_t i = j->first; m && i < j->rows && !jd_error(ctx); i += WORKERS)
        jd_model_run(m, j->in + i * N, 1, j->out + i * K);
    j->status = ctx ? jd_error(ctx) : JD_ENOMEM;
    if (j->status) fprintf(stderr, "%s\n", ctx ? jd_error_message(ctx) : "out of memory");
    jd_model_free(m);
    jd_ctx_free(ctx);
    return NULL;
}

/* All numbers of a file, (*n). */
static float *read_numbers(FILE *file, int64_t *n)
{
    float *v = NULL, x;
    int64_t room = 0;
    for (*n = 0; fscanf(file, "%f%*[ ,;]", &x) == 1; v[(*n)++] = x) {
        if (*n < room) continue;
        room = 2 * room + 1024;
        float *more = (float *)realloc(v, (size_t)room * sizeof *v);
        if (!more) break;
        v = more;
    }
    return v;
}

int main(int argc, char **argv)
{
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_model *m = argc == 2 ? jd_model_open(ctx, argv[1]) : NULL;
    if (!m) {
        fprintf(stderr, "%s\n", jd_error(ctx) ? jd_error_message(ctx) : "usage: answer MODEL.safetensors < NUMBERS");
        jd_ctx_free(ctx);
        return JD_EUSAGE;
    }
    const int64_t N = jd_model_inputs(m), K = jd_model_outputs(m);
    int64_t numbers;
    float *in = read_numbers(stdin, &numbers);
    const int64_t rows = numbers / N;
    float *out = (float *)calloc((size_t)(rows * K) + 1, sizeof *out);
    job jobs[WORKERS];
    int status = in && out ? 0 : JD_ENOMEM, started = 0;
    for (; started < WORKERS && !status; started++) {
        const job j = {m, in, out, rows, started, JD_OK, pthread_self()};
        jobs[started] = j;
        if (pthread_create(&jobs[started].thread, NULL, work, &jobs[started]) != 0) break;
    }
    if (started < WORKERS) status = JD_ENOMEM;
    for (int i = 0; i < started; i++) {
        pthread_join(jobs[i].thread, NULL);
        if (jobs[i].status) status = (int)jobs[i].status;
    }
    for (int64_t i = 0; i < rows * K && !status; i++) printf("%.9g%c", (double)out[i], (i + 1) % K ? ' ' : '\n');
    free(in);
    free(out);
    jd_model_free(m);
    jd_ctx_free(ctx);
    return status;
}
