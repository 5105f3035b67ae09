/*
 * serve.h - a model behind a local web page: what the page asks, and the HTTP server that carries it.
 *
 * The page lives at http://127.0.0.1:PORT/TOKEN/ and posts to /TOKEN/ink, /TOKEN/picture or /TOKEN/sound; answers are JSON.
 */
#ifndef JD_CMD_SERVE_H
#define JD_CMD_SERVE_H

#include "model.h"
#include "reader.h"

typedef enum serve_kind { SERVE_INK, SERVE_PICTURE, SERVE_SOUND } serve_kind;

typedef struct serve_model {
    jd_ctx *ctx;
    const char *path;
    serve_kind kind;
    reader reader; /* SERVE_INK, SERVE_SOUND */
    model model;   /* SERVE_PICTURE, and what follows */
    jd_params *params;
    jd_fn *f;
    char *system; /* that made the model, or "" */
} serve_model;
jd_status serve_open(jd_ctx *ctx, serve_model *m, const char *path);
void serve_close(serve_model *m);

/* The path below the token that the model's inputs are posted to, "ink", and the bytes that a body may have. */
const char *serve_path(const serve_model *m);
size_t serve_limit(const serve_model *m);
/* What the page must know, and what the net says to a body: JSON for free().  *status is that of HTTP: 200, or 400 with
 * {"error":...}.  The body is not trusted. */
char *serve_describe(const serve_model *m);
char *serve_answer(serve_model *m, const void *body, size_t bytes, int *status);

/* The server.  It listens on 127.0.0.1 only, and answers only those who know the token; NULL, and an error on the context,
 * when it cannot.  All answers are computed in one thread of its own: the context is the server's until it is stopped. */
typedef struct serve_http serve_http;
serve_http *serve_start(jd_ctx *ctx, serve_model *m, int port);
const char *serve_url(const serve_http *s);
void serve_stop(serve_http *s);
bool serve_built_in(void);

#endif
