/* view.c - what a run tells, for a person at a terminal, for a log, for a program. */
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

volatile int cli_stop;

static void on_signal(int number)
{
    if (cli_stop) _exit(128 + number);
    cli_stop = number;
}

void cli_catch_signals(void)
{
    static const int caught[] = {SIGINT, SIGTERM, SIGUSR1};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) sigaction(caught[i], &action, NULL);
}

void cli_json_string(const char *s)
{
    putchar('"');
    for (; *s; s++) {
        const unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

void cli_json_number(double x)
{
    if (isfinite(x))
        printf("%.15g", x);
    else
        printf("null");
}

void cli_view_init(cli_view *v, const cli_args *a)
{
    const char *term = getenv("TERM");
    *v = (cli_view){.json = cli_has(a, "json"), .quiet = cli_has(a, "quiet")};
    v->terminal = isatty(STDERR_FILENO) && !v->json && !v->quiet && term && strcmp(term, "dumb");
}

static int width(void)
{
    struct winsize w;
    const char *columns = getenv("COLUMNS");
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0) return w.ws_col;
    const int n = columns ? atoi(columns) : 0;
    return n > 0 ? n : 80;
}

static void duration(char out[24], double seconds)
{
    const long s = seconds < 0 || !(seconds < 1e8) ? 0 : (long)(seconds + 0.5);
    if (s < 3600)
        snprintf(out, 24, "%ld:%02ld", s / 60, s % 60);
    else
        snprintf(out, 24, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

static void magnitude(char out[24], double x)
{
    if (x >= 1e6)
        snprintf(out, 24, "%.2fM", x / 1e6);
    else if (x >= 1e4)
        snprintf(out, 24, "%.1fk", x / 1e3);
    else
        snprintf(out, 24, "%.4g", x);
}

void cli_view_close(cli_view *v)
{
    if (v->open) fputc('\n', stderr);
    v->open = false;
}

/* A bar with eighths of a character, 20 wide. */
static void draw_bar(char out[128], double share)
{
    static const char *const eighth[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const int filled = (int)(share * 160);
    out[0] = 0;
    for (int i = 0; i < 20; i++)
        strcat(out, filled >= 8 * (i + 1) ? "█" : filled > 8 * i ? eighth[filled - 8 * i] : " ");
}

static void show_progress(cli_view *v, const jd_run_event *e)
{
    const double now = jd_now();
    if (v->begun == 0) {
        v->begun = now;
        v->done0 = e->done;
        v->drawn = v->terminal || v->json ? 0 : now; /* a log's first line comes after its interval */
    }
    const bool end = e->done >= e->total;
    const double wait = v->terminal ? 0.1 : v->json ? 1 : 30;
    if (now - v->drawn < wait && !end) return;
    if (v->quiet && !v->json) return;
    v->drawn = now;
    const double seconds = now - v->begun, made = e->done - v->done0;
    const double rate = seconds > 0 ? made / seconds : 0,
                 share = e->total > 0 ? fmin(1, fmax(0, e->done / e->total)) : 0;
    const double left = rate > 0 ? (e->total - e->done) / rate : 0;
    char rate_text[24], left_text[24], bar[128], line[512];
    magnitude(rate_text, rate);
    duration(left_text, end ? seconds : left);
    if (v->json) {
        printf("{\"event\":\"progress\",\"stage\":");
        cli_json_string(v->stage);
        printf(",\"done\":%.15g,\"total\":%.15g,\"rate\":%.6g,\"eta\":%.4g,\"text\":", e->done, e->total, rate, left);
        cli_json_string(e->text);
        printf("}\n");
        fflush(stdout);
        return;
    }
    snprintf(line, sizeof line, "%s %3.0f%%  %s  %s/s  %s %s", v->stage, 100 * share, e->text, rate_text,
             end ? "took" : "left", left_text);
    if (!v->terminal) {
        fprintf(stderr, "%s\n", line);
        return;
    }
    const int columns = width();
    draw_bar(bar, share);
    fprintf(stderr, "\r%s %.*s\033[K", bar, columns > 22 ? columns - 22 : 0, line);
    v->open = true;
    if (end) cli_view_close(v);
}

static void json_event(const char *kind, const jd_run_event *e)
{
    printf("{\"event\":\"%s\",", kind);
    if (e->kind == JD_EVENT_METRIC) {
        printf("\"name\":");
        cli_json_string(e->name);
        printf(",\"step\":%" PRId64 ",\"value\":", e->step);
        cli_json_number(e->value);
    } else {
        printf("\"text\":");
        cli_json_string(e->text);
    }
    printf("}\n");
    fflush(stdout);
}

void cli_view_event(void *view, const jd_run_event *e)
{
    cli_view *v = view;
    switch (e->kind) {
    case JD_EVENT_STAGE:
        cli_view_close(v);
        snprintf(v->stage, sizeof v->stage, "%s", e->text);
        v->begun = 0;
        if (v->json)
            json_event("stage", e);
        else if (!v->quiet && !v->terminal)
            fprintf(stderr, "%s\n", e->text);
        break;
    case JD_EVENT_PROGRESS: show_progress(v, e); break;
    case JD_EVENT_NOTE:
        cli_view_close(v);
        if (v->json)
            json_event("note", e);
        else if (!v->quiet)
            fprintf(stderr, "%s\n", e->text);
        break;
    case JD_EVENT_WARNING: /* --quiet or not */
        cli_view_close(v);
        if (v->json)
            json_event("warning", e);
        else
            fprintf(stderr, "warning: %s\n", e->text);
        break;
    case JD_EVENT_METRIC:
        if (v->json) json_event("metric", e);
        break;
    case JD_EVENT_RESULT: cli_view_close(v); break;
    }
}
