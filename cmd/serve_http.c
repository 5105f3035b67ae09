/*
 * serve_http.c - the HTTP side of `jackdaw serve`, on GNU libmicrohttpd.
 *
 * Whoever can run a program on this machine can connect to 127.0.0.1, and so can any web page that its browser shows.
 * Hence: a random token in the path; the Host header must be the server's own address (else a foreign name that resolves
 * to 127.0.0.1 would count as the same origin); a foreign Origin is refused; bodies and their time are limited; the page
 * may load nothing from elsewhere.
 */
#include <string.h>

#include "serve.h"

#ifdef JD_HAVE_MICROHTTPD

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/random.h>

#include "page.h"

enum { TOKEN = 32, CONNECTIONS = 32, SECONDS = 30 };

struct serve_http {
    jd_ctx *ctx;
    serve_model *m;
    struct MHD_Daemon *daemon;
    int port;
    char token[TOKEN + 1];
    char url[96];
};

typedef struct request {
    char *body;
    size_t bytes, room;
    bool too_large;
} request;

static const struct page {
    const char *path, *type;
    const unsigned char *data;
    const size_t *bytes;
} pages[] = {
    {"", "text/html; charset=utf-8", serve_html, &serve_html_bytes},
    {"style.css", "text/css; charset=utf-8", serve_css, &serve_css_bytes},
    {"script.js", "text/javascript; charset=utf-8", serve_js, &serve_js_bytes},
};

static enum MHD_Result queue(struct MHD_Connection *c, unsigned status, struct MHD_Response *r, const char *type)
{
    static const char *const headers[][2] = {
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                                    "img-src 'self' data: blob:; media-src blob:; base-uri 'none'; form-action 'none'; "
                                    "frame-ancestors 'none'"},
    };
    if (!r) return MHD_NO;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        MHD_add_response_header(r, headers[i][0], headers[i][1]);
    MHD_add_response_header(r, "Content-Type", type);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) MHD_add_response_header(r, "Allow", "GET, HEAD, POST");
    const enum MHD_Result done = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return done;
}

/* A refusal: the page shows the text. */
static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *why)
{
    char text[200];
    snprintf(text, sizeof text, "{\"error\":\"%s\"}\n", why);
    return queue(c, status, MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_COPY),
                 "application/json");
}

static enum MHD_Result send_json(struct MHD_Connection *c, unsigned status, char *json)
{
    if (!json) return refuse(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
    return queue(c, status, MHD_create_response_from_buffer(strlen(json), json, MHD_RESPMEM_MUST_FREE),
                 "application/json");
}

/* Equal, in a time that does not tell how far. */
static bool same_token(const char *a, const char *b)
{
    unsigned char differ = 0;
    for (size_t i = 0; i < TOKEN; i++) differ |= (unsigned char)(a[i] ^ b[i]);
    return differ == 0;
}

/* The rest of the path after "/TOKEN/"; NULL where it does not begin so. */
static const char *below_token(const serve_http *s, const char *url)
{
    if (strlen(url) < TOKEN + 2 || url[0] != '/' || url[TOKEN + 1] != '/' || !same_token(url + 1, s->token))
        return NULL;
    return url + TOKEN + 2;
}

static bool own_address(const serve_http *s, const char *host)
{
    char own[2][32];
    snprintf(own[0], sizeof own[0], "127.0.0.1:%d", s->port);
    snprintf(own[1], sizeof own[1], "localhost:%d", s->port);
    return host && (!strcmp(host, own[0]) || !strcmp(host, own[1]));
}

static bool own_origin(const serve_http *s, const char *origin)
{
    return !origin || (!strncmp(origin, "http://", 7) && own_address(s, origin + 7));
}

static enum MHD_Result answer_get(serve_http *s, struct MHD_Connection *c, const char *path)
{
    if (!strcmp(path, "model")) return send_json(c, MHD_HTTP_OK, serve_describe(s->m));
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (!strcmp(path, pages[i].path))
            return queue(c, MHD_HTTP_OK,
                         MHD_create_response_from_buffer(*pages[i].bytes, (void *)(uintptr_t)pages[i].data,
                                                         MHD_RESPMEM_PERSISTENT),
                         pages[i].type);
    return refuse(c, MHD_HTTP_NOT_FOUND, "no such page");
}

/* What can be said before the body is there; 0 when all is well. */
static unsigned early_refusal(serve_http *s, struct MHD_Connection *c, const char *path, bool post, const char **why)
{
    const char *length = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length");
    *why = "no such page";
    if (!own_address(s, MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host")) ||
        !own_origin(s, MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Origin"))) {
        *why = "this server answers only its own page";
        return MHD_HTTP_FORBIDDEN;
    }
    if (!path || (post && strcmp(path, serve_path(s->m)) != 0)) return MHD_HTTP_NOT_FOUND;
    *why = "the body is too large";
    if (post && length && strtoull(length, NULL, 10) > serve_limit(s->m)) return MHD_HTTP_CONTENT_TOO_LARGE;
    return 0;
}

static void take(serve_http *s, request *r, const char *data, size_t n)
{
    const size_t limit = serve_limit(s->m);
    if (r->too_large || n > limit - r->bytes) {
        r->too_large = true;
        return;
    }
    if (r->bytes + n > r->room) {
        const size_t room = 2 * (r->bytes + n);
        char *more = realloc(r->body, room);
        r->too_large = !more;
        if (!more) return;
        r->body = more;
        r->room = room;
    }
    memcpy(r->body + r->bytes, data, n);
    r->bytes += n;
}

/* MHD calls this first with *state NULL when the headers are there, then with each piece of the body, then with none. */
static enum MHD_Result handle(void *server, struct MHD_Connection *c, const char *url, const char *method,
                              const char *version, const char *data, size_t *bytes, void **state)
{
    (void)version;
    serve_http *s = server;
    request *r = *state;
    const char *path = below_token(s, url), *why;
    const bool post = !strcmp(method, "POST");
    if (!r) {
        if (!post && strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
            return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and POST are possible");
        const unsigned status = early_refusal(s, c, path, post, &why);
        if (status) return refuse(c, status, why);
        *state = calloc(1, sizeof *r);
        return *state ? MHD_YES : MHD_NO;
    }
    if (*bytes) {
        take(s, r, data, *bytes);
        *bytes = 0;
        return MHD_YES;
    }
    if (!post) return answer_get(s, c, path);
    if (r->too_large) return refuse(c, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large");
    int status;
    char *json = serve_answer(s->m, r->body, r->bytes, &status);
    return send_json(c, (unsigned)status, json);
}

static void finished(void *server, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode code)
{
    (void)server, (void)c, (void)code;
    request *r = *state;
    if (r) free(r->body);
    free(r);
    *state = NULL;
}

static jd_status make_token(serve_http *s)
{
    unsigned char random[TOKEN / 2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return jd_fail(s->ctx, JD_EINTERNAL, "serve: the system gives no random numbers: %s", strerror(errno));
    for (size_t i = 0; i < sizeof random; i++) snprintf(s->token + 2 * i, 3, "%02x", random[i]);
    return JD_OK;
}

static void silent(void *user, const char *format, va_list args)
{
    (void)user, (void)format, (void)args;
}

serve_http *serve_start(jd_ctx *ctx, serve_model *m, int port)
{
    serve_http *s = jd_alloc(ctx, sizeof *s);
    if (!s) return NULL;
    *s = (serve_http){.ctx = ctx, .m = m, .port = port};
    const struct sockaddr_in here = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (!make_token(s))
        s->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ERROR_LOG, (uint16_t)port,
                                     NULL, NULL, handle, s, MHD_OPTION_EXTERNAL_LOGGER, silent, NULL,
                                     MHD_OPTION_SOCK_ADDR, (const struct sockaddr *)&here, MHD_OPTION_CONNECTION_LIMIT,
                                     (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SECONDS,
                                     MHD_OPTION_NOTIFY_COMPLETED, finished, NULL, MHD_OPTION_END);
    const union MHD_DaemonInfo *info = s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info) {
        jd_fail(ctx, JD_EIO, "port %d of 127.0.0.1 cannot be opened: %s; another --port, or none for a free one", port,
                strerror(errno));
        serve_stop(s);
        return NULL;
    }
    s->port = info->port;
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d/%s/", s->port, s->token);
    return s;
}

const char *serve_url(const serve_http *s)
{
    return s->url;
}

void serve_stop(serve_http *s)
{
    if (s->daemon) MHD_stop_daemon(s->daemon);
    jd_free(s->ctx, s);
}

bool serve_built_in(void)
{
    return true;
}

#else

serve_http *serve_start(jd_ctx *ctx, serve_model *m, int port)
{
    (void)ctx, (void)m, (void)port;
    return NULL;
}

const char *serve_url(const serve_http *s)
{
    (void)s;
    return "";
}

void serve_stop(serve_http *s)
{
    (void)s;
}

bool serve_built_in(void)
{
    return false;
}

#endif
