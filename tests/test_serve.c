/* test_serve.c - `jackdaw serve` by a client on loopback: recorded ink, pictures, and requests that mean no good. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <jansson.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jackdaw/prepare.h"
#include "program.h"

#include "ctx_tmpdir.h"

/* A loop and a bar, as a pen wrote them. */
static const char strokes[] =
    "[[10,60,14,50,22,38,33,30,41,33,43,44,38,56,28,64,17,66,12,60,16,48,25,36,40,30,52,40,60,60],"
    "[70,20,70.5,31,71,44,70,58,72,70],[62,34,74,33,86,32]]";

/* ---- the server ---------------------------------------------------------------------------------------------------------- */

static pid_t server;
static int port;
static char token[64];

/* Starts the program; false where this build has no web server. */
static bool start(const char *path)
{
    int pipe_end[2];
    assert_int_equal(pipe(pipe_end), 0);
    server = fork();
    if (server == 0) {
        dup2(pipe_end[1], 1);
        close(pipe_end[0]);
        execl(program(), program(), "serve", path, "--threads", "1", (char *)NULL);
        _exit(127);
    }
    close(pipe_end[1]);
    FILE *f = fdopen(pipe_end[0], "r");
    char line[256] = "";
    const bool said = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    if (said) {
        assert_int_equal(sscanf(line, "http://127.0.0.1:%d/%32[0-9a-f]/", &port, token), 2);
        assert_int_equal(strlen(token), 32);
        return true;
    }
    int status;
    waitpid(server, &status, 0);
    assert_int_equal(WEXITSTATUS(status), JD_EABSENT);
    server = 0;
    return false;
}

static void stop(void)
{
    int status;
    kill(server, SIGTERM);
    waitpid(server, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int dial(const char *address)
{
    const int s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, address, &to.sin_addr);
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 20}, sizeof(struct timeval));
    if (connect(s, (const struct sockaddr *)&to, sizeof to) == 0) return s;
    close(s);
    return -1;
}

static char reply[1 << 20];

/* Sends bytes as they are; the status of the answer (0: the connection was closed), the answer in `reply`. */
static int send_raw(const void *data, size_t bytes)
{
    const int s = dial("127.0.0.1");
    assert_true(s >= 0);
    for (size_t at = 0; at < bytes;) {
        const ssize_t n = send(s, (const char *)data + at, bytes - at, MSG_NOSIGNAL);
        if (n <= 0) break; /* refused before all of it was sent */
        at += (size_t)n;
    }
    size_t got = 0;
    for (ssize_t n; got + 1 < sizeof reply && (n = recv(s, reply + got, sizeof reply - 1 - got, 0)) > 0;)
        got += (size_t)n;
    reply[got] = 0;
    close(s);
    int status = 0;
    sscanf(reply, "HTTP/1.%*d %d", &status);
    return status;
}

/* `path` is what follows the token's slash; `headers` lines that end with \r\n. */
static int ask(const char *method, const char *path, const char *headers, const void *body, size_t bytes)
{
    char *all = malloc(bytes + 1000);
    const int n = snprintf(
        all, 1000, "%s /%s/%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n",
        method, token, path, port, headers, bytes);
    if (bytes) memcpy(all + n, body, bytes);
    const int status = send_raw(all, (size_t)n + bytes);
    free(all);
    return status;
}

static int post(const char *path, const char *body)
{
    return ask("POST", path, "", body, strlen(body));
}

static json_t *reply_json(void)
{
    const char *at = strstr(reply, "\r\n\r\n");
    json_t *j = at ? json_loads(at + 4, 0, NULL) : NULL;
    assert_non_null(j);
    return j;
}

/* ---- ink ------------------------------------------------------------------------------------------------------------------- */

static const char net[] = "blstm 6, dense 5";
static const char config[] =
    "{\"system\":\"handwriting-online\",\"net\":\"blstm 6, dense 5\",\"alphabet\":\"ab \\u00fc\","
    "\"ink-spacing\":0.2,\"ink-stack\":4,\"ink-view\":0,\"ink-cell\":0.5,\"ink-rows\":0,"
    "\"ink-size\":0,\"ink-pen\":0,\"ink-gain\":1}";

/* The page says what `jackdaw read` says to the same strokes. */
static void reads_ink(void **state)
{
    (void)state;
    const char *model = tmpdir_file("ink.safetensors");
    jd_ink_reader *r = jd_ink_reader_new(ctx, NULL);
    const int64_t width = (int64_t)jd_ink_reader_width(r);
    jd_ink_reader_free(r);
    assert_int_equal(write_model(ctx, model, net, JD_DIMS(8, 1, width), 1.5, config), JD_OK);
    if (!start(model)) skip();

    char command[800], said[2000];
    const char *text = tmpdir_file("note.txt");
    FILE *f = fopen(text, "w");
    for (const char *c = strokes + 1; *c && c[1]; c++) { /* numbers in pairs, an empty line between strokes */
        static int numbers;
        if (*c == '[') numbers = 0;
        if (*c == ']') fputs("\n\n", f);
        if (*c == ',' && c[1] != '[') fputc(++numbers % 2 ? ' ' : '\n', f);
        if (strchr("0123456789.", *c)) fputc(*c, f);
    }
    fclose(f);
    snprintf(command, sizeof command, "'%s' read '%s' '%s' --json", program(), model, text);
    assert_int_equal(output_of(command, said, sizeof said), 0);
    json_t *read = json_loads(said, 0, NULL);
    const char *truth = json_string_value(json_object_get(read, "text"));
    assert_true(truth && *truth);

    assert_int_equal(post("ink", strokes), 200);
    json_t *j = reply_json();
    assert_string_equal(json_string_value(json_object_get(j, "text")), truth);
    assert_float_equal(json_number_value(json_object_get(j, "p")),
                       json_number_value(json_object_get(read, "probability")), 1e-6);
    assert_true(json_array_size(json_object_get(j, "best")) >= 1);
    const json_t *steps = json_object_get(j, "steps");
    assert_true(json_array_size(steps) > 3);
    for (size_t t = 0; t < json_array_size(steps); t++) {
        const double x = json_number_value(json_array_get(json_array_get(steps, t), 0));
        const double p = json_number_value(json_array_get(json_array_get(steps, t), 2));
        assert_true(x >= 10 && x <= 86 && p >= 0 && p <= 1);
    }
    json_decref(j);
    json_decref(read);
}

static void shows_its_page(void **state)
{
    (void)state;
    if (!server) skip();
    assert_int_equal(ask("GET", "", "", NULL, 0), 200);
    assert_non_null(strstr(reply, "Content-Security-Policy: default-src 'none'"));
    assert_non_null(strstr(reply, "<canvas id=\"paper\""));
    assert_null(strstr(reply, "://")); /* nothing from elsewhere */
    assert_int_equal(ask("GET", "script.js", "", NULL, 0), 200);
    assert_null(strstr(reply, "://"));
    assert_int_equal(ask("GET", "style.css", "", NULL, 0), 200);
    assert_null(strstr(reply, "://"));
    assert_int_equal(ask("GET", "model", "", NULL, 0), 200);
    json_t *j = reply_json();
    assert_string_equal(json_string_value(json_object_get(j, "kind")), "ink");
    assert_int_equal(json_array_size(json_object_get(j, "alphabet")), 4);
    json_decref(j);
    assert_int_equal(ask("HEAD", "", "", NULL, 0), 200);
}

/* ---- what must be refused ---------------------------------------------------------------------------------------------------- */

static void keeps_others_out(void **state)
{
    (void)state;
    if (!server) skip();
    char right[64], host[300];
    strcpy(right, token);
    token[31] = token[31] == '0' ? '1' : '0';
    assert_int_equal(ask("GET", "", "", NULL, 0), 404);
    token[0] = 0;
    assert_int_equal(ask("GET", "", "", NULL, 0), 404);
    strcpy(token, right);
    static const char *const paths[] = {
        "../../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "model/", "serve.html", "ink", "..", "/script.js"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) assert_int_equal(ask("GET", paths[i], "", NULL, 0), 404);
    assert_int_equal(post("model", strokes), 404);
    assert_int_equal(post("picture", strokes), 404);
    assert_int_equal(ask("PUT", "ink", "", strokes, sizeof strokes - 1), 405);
    assert_int_equal(ask("DELETE", "", "", NULL, 0), 405);
    assert_int_equal(ask("POST", "ink", "Origin: http://evil.example\r\n", strokes, sizeof strokes - 1), 403);
    snprintf(host, sizeof host, "Origin: http://127.0.0.1:%d\r\n", port);
    assert_int_equal(ask("POST", "ink", host, strokes, sizeof strokes - 1), 200);
    snprintf(host, sizeof host, "GET /%s/ HTTP/1.1\r\nHost: evil.example:%d\r\nConnection: close\r\n\r\n", token, port);
    assert_int_equal(send_raw(host, strlen(host)), 403);
    snprintf(host, sizeof host, "GET /%s/ HTTP/1.0\r\n\r\n", token);
    assert_int_equal(send_raw(host, strlen(host)), 403);
    assert_true(dial("127.0.0.2") < 0); /* bound to one address of this machine alone */
}

static void bad_bodies(void **state)
{
    (void)state;
    if (!server) skip();
    static const char *const bad[] = {"",
                                      "what",
                                      "[]",
                                      "{}",
                                      "[[]]",
                                      "[[1]]",
                                      "[[1,2,3]]",
                                      "[[1,\"2\"]]",
                                      "[[1,2],3]",
                                      "[[1,1e300]]",
                                      "[[1,1e6]]",
                                      "[[1,null]]",
                                      "[[1,2]",
                                      "[[1,2]]x",
                                      "[[1,NaN]]",
                                      "null",
                                      "\"ink\"",
                                      "[[[1,2]]]",
                                      "\xff\xfe",
                                      "[[1,2],[]]",
                                      "[[1,99999999999999999999999999999999999999999]]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(post("ink", bad[i]), 400);
        json_t *j = reply_json();
        assert_true(json_is_string(json_object_get(j, "error")));
        json_decref(j);
    }
    char *deep = malloc(200001);
    memset(deep, '[', 200000);
    deep[200000] = 0;
    assert_int_equal(post("ink", deep), 400);
    free(deep);
    assert_int_equal(ask("POST", "ink", "", "[[1,2]]\0\0", 9), 400);
    const size_t large = (1 << 20) + 1;
    char *body = calloc(1, large + 400);
    assert_int_equal(ask("POST", "ink", "", body, large), 413);
    /* The same in chunks, whose sum nobody told. */
    size_t n = (size_t)sprintf(body,
                               "POST /%s/ink HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
                               token, port, large);
    char *all = calloc(1, large + 600);
    memcpy(all, body, n);
    memset(all + n, ' ', large);
    n += large;
    n += (size_t)sprintf(all + n, "\r\n0\r\n\r\n");
    assert_int_equal(send_raw(all, n), 413);
    free(body);
    free(all);
}

/* Nothing that is sent may end the server or keep it from answering others. */
static void noise(void **state)
{
    (void)state;
    if (!server) skip();
    static const char *const junk[] = {"\r\n\r\n",
                                       "GET\r\n\r\n",
                                       "GET / HTTP/9.9\r\n\r\n",
                                       "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                                       "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                                       "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                                       "GET / HTTP/1.1\r\n: x\r\n\r\n"};
    int open[8];
    for (int i = 0; i < 8; i++) {
        open[i] = dial("127.0.0.1"); /* says a little and then nothing */
        assert_true(open[i] >= 0);
        assert_true(send(open[i], "POST /", 6, MSG_NOSIGNAL) == 6);
    }
    for (size_t i = 0; i < sizeof junk / sizeof *junk; i++) {
        const int s = dial("127.0.0.1");
        assert_true(s >= 0);
        send(s, junk[i], strlen(junk[i]), MSG_NOSIGNAL);
        shutdown(s, SHUT_WR);
        while (recv(s, reply, sizeof reply, 0) > 0) {
        }
        close(s);
    }
    assert_int_equal(post("ink", strokes), 200);
    for (int i = 0; i < 8; i++) close(open[i]);
    assert_int_equal(post("ink", strokes), 200);
    stop();
    server = 0;
}

/* ---- a committee -----------------------------------------------------------------------------------------------------------------*/

static const char COLUMN[] = "conv 3 5 tanh, maxpool 2, dense 10";

static void trace_columns(jd_graph *g, void *user)
{
    (void)user;
    static const char *const scope[] = {"a", "b"}, *const input[] = {"x", "x2"};
    jd_node p[2];
    for (int k = 0; k < 2; k++) {
        jd_scope_push(g, scope[k]);
        p[k] = jd_softmax(g, jd_net(g, COLUMN, jd_arg(g, input[k]), JD_NONE));
        jd_scope_pop(g);
    }
    jd_result(g, "p", jd_mul(g, jd_add(g, p[0], p[1]), jd_const(g, 0.5, JD_DIMS(1))));
}

/* The page's picture is prepared for each member, and the mean is what is told. */
static void asks_committee(void **state)
{
    (void)state;
    enum { SIDE = 29, GIVEN = 28 };
    static float x[2][SIDE * SIDE];
    char json[600], *body = malloc(40000);
    snprintf(json, sizeof json,
             "{\"net\":\"%s\",\"input\":\"29x29x1\",\"pictures\":\"28x28x1\",\"ink\":\"20 mass\",\"classes\":10,"
             "\"low\":-1,\"high\":1,\"members\":[{\"scope\":\"a\"},{\"scope\":\"b\",\"prepare\":\"ink-width 9\"}]}",
             COLUMN);
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, w, trace_columns, NULL);
    const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x[0], 1, SIDE, SIDE, 1),
                            JD_TENSOR("x2", JD_F32, x[1], 1, SIDE, SIDE, 1)};
    assert_int_equal(jd_fn_run(f, in, 2), JD_OK);
    const char *model = tmpdir_file("committee.safetensors");
    assert_int_equal(jd_params_save(ctx, w, model, &(jd_metadata){"jackdaw.config", json}, 1), JD_OK);
    if (!start(model)) {
        free(body);
        skip();
    }
    const size_t head = (size_t)sprintf(body, "draw 100 100\n");
    memset(body + head, 0, 10000);
    for (int y = 10; y < 70; y++) memset(body + head + 100 * y + 7 + y / 4, 255, 12);
    assert_int_equal(ask("POST", "picture", "", body, head + 10000), 200);
    json_t *j = reply_json();
    const json_t *p = json_object_get(j, "p"), *seen = json_object_get(j, "seen");
    uint8_t picture[GIVEN * GIVEN];
    for (size_t i = 0; i < sizeof picture; i++)
        picture[i] = (uint8_t)json_integer_value(json_array_get(seen, i / GIVEN * SIDE + i % GIVEN));
    jd_images one = {.count = 1, .height = GIVEN, .width = GIVEN, .channels = 1, .pixels = picture};
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < SIDE * SIDE; i++) x[k][i] = -1;
        for (int y = 0; y < GIVEN; y++) jd_pixels_to_float(picture + y * GIVEN, GIVEN, -1, 1, x[k] + y * SIDE);
        if (!k) assert_int_equal(jd_images_prepare(ctx, &one, "ink-width 9"), JD_OK);
    }
    assert_memory_not_equal(x[0], x[1], sizeof x[0]);
    assert_int_equal(jd_fn_run(f, in, 2), JD_OK);
    const float *wanted = jd_fn_result(f, "p", NULL);
    for (size_t k = 0; k < 10; k++) assert_float_equal(json_number_value(json_array_get(p, k)), wanted[k], 1e-6);
    json_decref(j);
    free(body);
    jd_fn_free(f);
    jd_params_free(w);
    stop();
    server = 0;
}

/* ---- pictures ------------------------------------------------------------------------------------------------------------------ */

static void sees_pictures(void **state)
{
    (void)state;
    static const char spec[] = "conv 3 5 tanh as first, maxpool 2, dense 10";
    char json[400], *body = malloc(40000);
    snprintf(json, sizeof json,
             "{\"system\":\"\",\"net\":\"%s\",\"input\":\"29x29x1\",\"classes\":10,\"low\":-1,\"high\":1}", spec);
    const char *model = tmpdir_file("picture.safetensors");
    assert_int_equal(write_model(ctx, model, spec, JD_DIMS(1, 29, 29, 1), 0.3, json), JD_OK);
    if (!start(model)) {
        free(body);
        skip();
    }
    /* A bar, white on black: 4 of 100 columns, 60 rows high, becomes 20 of 28 rows in the middle. */
    const size_t head = (size_t)sprintf(body, "draw 100 100\n");
    memset(body + head, 0, 10000);
    for (int y = 10; y < 70; y++) memset(body + head + 100 * y + 7, 255, 4);
    assert_int_equal(ask("POST", "picture", "", body, head + 10000), 200);
    json_t *j = reply_json();
    const json_t *p = json_object_get(j, "p"), *seen = json_object_get(j, "seen");
    double sum = 0;
    assert_int_equal(json_array_size(p), 10);
    for (size_t k = 0; k < 10; k++) sum += json_number_value(json_array_get(p, k));
    assert_float_equal(sum, 1, 1e-5);
    assert_int_equal(json_array_size(seen), 29 * 29);
    for (size_t y = 0; y < 29; y++) {
        const json_int_t v = json_integer_value(json_array_get(seen, y * 29 + 14));
        if (y >= 4 && y < 24)
            assert_int_equal(v, 255);
        else
            assert_int_equal(v, 0);
    }
    json_decref(j);
    static const char *const bad[] = {"",
                                      "draw",
                                      "draw 0 3\n",
                                      "draw 2 2\n123",
                                      "draw 2 2\n12345",
                                      "draw 2 2 2\n1234",
                                      "picture 1 1\n12",
                                      "paint 1 1\n1",
                                      "draw 9999999 1\n",
                                      "draw -1 -1\n1",
                                      "draw 2000 1\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(post("picture", bad[i]), 400);
    assert_int_equal(post("picture", "picture 1 1\n123"), 200);
    free(body);
    stop();
    server = 0;
}

static void refusals_of_the_command(void **state)
{
    (void)state;
    char command[800], said[1000];
    snprintf(command, sizeof command, "'%s' serve %s 2>&1", program(), tmpdir_file("none.safetensors"));
    const int code = output_of(command, said, sizeof said);
    assert_true(code == JD_ENOINPUT || code == JD_EABSENT);
    /* What is scanned over pictures has no page, and is told how it is used. */
    static const char *const scanned[] = {"\"scan\":\"membranes\"", "\"mask-values\":\"objects\""};
    for (int i = 0; code != JD_EABSENT && i < 2; i++) {
        char says[300];
        snprintf(says, sizeof says, "{\"net\":\"dense 2\",\"input\":\"3x3x1\",\"classes\":2,\"low\":-1,\"high\":1,%s}",
                 scanned[i]);
        assert_int_equal(write_model(ctx, tmpdir_file("scanned.safetensors"), "dense 2", JD_DIMS(1, 3, 3, 1), 1, says),
                         JD_OK);
        snprintf(command, sizeof command, "'%s' serve %s 2>&1", program(), tmpdir_file("scanned.safetensors"));
        assert_int_equal(output_of(command, said, sizeof said), JD_EUSAGE);
        assert_non_null(strstr(said, "jackdaw scan MODEL FILE"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_ink),
                                       cmocka_unit_test(shows_its_page),
                                       cmocka_unit_test(keeps_others_out),
                                       cmocka_unit_test(bad_bodies),
                                       cmocka_unit_test(noise),
                                       cmocka_unit_test(sees_pictures),
                                       cmocka_unit_test(asks_committee),
                                       cmocka_unit_test(refusals_of_the_command)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
