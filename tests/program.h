/* program.h - for tests of the `jackdaw` program: running it, and model files with random weights. */
#ifndef JD_TESTS_PROGRAM_H
#define JD_TESTS_PROGRAM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/jackdaw.h"

/* The program under test; ctest gives its path. */
static inline const char *program(void)
{
    const char *path = getenv("JACKDAW_PROGRAM");
    return path ? path : "JACKDAW_PROGRAM is not set;";
}

/* What a shell command line prints, at most n-1 bytes; returns its exit status. */
static inline int output_of(const char *command, char *out, size_t n)
{
    FILE *f = popen(command, "r");
    size_t got = 0;
    while (f && got + 1 < n) {
        const size_t k = fread(out + got, 1, n - 1 - got, f);
        if (!k) break;
        got += k;
    }
    out[got] = 0;
    const int status = f ? pclose(f) : -1;
    return status < 0 ? status : status >> 8;
}

struct program_net {
    const char *spec;
};
static inline void program_trace(jd_graph *g, void *user)
{
    const struct program_net *n = user;
    jd_result(g, "y", jd_net(g, n->spec, jd_arg(g, "x"), JD_NONE));
}

/* Writes a model of the net `spec`, for inputs of the shape `input`, with weights and biases uniform in +-scale and the
 * text `config` as its jackdaw.config. */
static inline jd_status write_model(jd_ctx *ctx, const char *path, const char *spec, jd_dims input, double scale,
                                    const char *config)
{
    struct program_net net = {spec};
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, program_trace, &net);
    jd_tensor in = {"x", {JD_F32, input.rank, {0}}, NULL};
    memcpy(in.type.dim, input.dim, sizeof input.dim);
    if (jd_fn_plan(f, &in, 1)) {
        float *w = jd_params_data(p);
        jd_rng rng = jd_rng_new(7, "tests/model", 0);
        for (size_t i = 0; i < jd_params_count(p); i++) w[i] = (float)(scale * (2 * jd_rng_uniform64(&rng) - 1));
        jd_params_save(ctx, p, path, (jd_metadata[]){{"jackdaw.config", config}}, 1);
    }
    jd_fn_free(f);
    jd_params_free(p);
    return jd_error(ctx);
}

#endif
