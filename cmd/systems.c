/* systems.c - `jackdaw systems`: what there is to run, by year, and how the last runs went. */
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

typedef struct last_run {
    double value;
    bool found, passed;
    char scale[16];
} last_run;

/* The newest result of `system` below `dir`. */
static void find_last(const char *dir, const char *system, last_run *out)
{
    DIR *d = opendir(dir);
    struct timespec newest = {0};
    *out = (last_run){.value = (double)NAN};
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;) {
        char path[4096];
        struct stat st;
        if (strncmp(e->d_name, system, strlen(system))) continue;
        const int n = snprintf(path, sizeof path, "%s/%s/result.json", dir, e->d_name);
        if (n < 0 || (size_t)n >= sizeof path || stat(path, &st)) continue;
        if (out->found && (st.st_mtim.tv_sec < newest.tv_sec ||
                           (st.st_mtim.tv_sec == newest.tv_sec && st.st_mtim.tv_nsec <= newest.tv_nsec)))
            continue;
        json_t *j = json_load_file(path, 0, NULL);
        const char *name = json_string_value(json_object_get(j, "system"));
        const json_t *value = json_object_get(j, "value");
        if (name && !strcmp(name, system) && json_is_number(value)) {
            const char *scale = json_string_value(json_object_get(j, "scale"));
            *out = (last_run){
                .value = json_number_value(value), .found = true, .passed = json_is_true(json_object_get(j, "passed"))};
            snprintf(out->scale, sizeof out->scale, "%s", scale ? scale : "");
            newest = st.st_mtim;
        }
        json_decref(j);
    }
    if (d) closedir(d);
}

static void figure(char out[32], double x)
{
    if (isnan(x))
        snprintf(out, 32, "-");
    else
        snprintf(out, 32, "%.4g", x);
}

static void print_json(const jd_system *s, const last_run *last)
{
    printf("{\"system\":\"%s\",\"year\":%d,\"title\":", s->name, s->year);
    cli_json_string(s->title);
    printf(",\"source\":");
    cli_json_string(s->paper);
    printf(",\"metric\":");
    cli_json_string(s->metric);
    printf(",\"better\":\"%s\",\"paper\":", s->higher ? "higher" : "lower");
    cli_json_number(s->paper_value);
    printf(",\"accept\":[");
    for (int i = 0; i < 3; i++) {
        if (i) putchar(',');
        cli_json_number(s->accept[i]);
    }
    printf("],\"last\":");
    cli_json_number(last->value);
    printf("}\n");
}

static void print_settings(const jd_system *s)
{
    for (const jd_setting *k = s->settings; k && k->name; k++)
        printf("    %-22s %10.6g %10.6g %10.6g  %s\n", k->name, k->value[0], k->value[1], k->value[2], k->doc);
}

static void print_system(const jd_system *s, const last_run *last)
{
    char paper[32], ours[32], accept[3][32];
    figure(paper, s->paper_value);
    figure(ours, last->value);
    for (int k = 0; k < 3; k++) figure(accept[k], s->accept[k]);
    printf(
        "%-22s %d  %s\n    %s\n    %s (%s is better): paper %s, ours %s%s%s%s; to reach: quick %s, cpu %s, full %s\n",
        s->name, s->year, s->title, s->paper, s->metric, s->higher ? "higher" : "lower", paper, ours,
        last->found ? " (" : "", last->found ? last->scale : "", last->found ? (last->passed ? ", passed)" : ")") : "",
        accept[0], accept[1], accept[2]);
}

static int by_year(const void *a, const void *b)
{
    const jd_system *const *x = a, *const *y = b;
    if ((*x)->year != (*y)->year) return (*x)->year < (*y)->year ? -1 : 1;
    return strcmp((*x)->name, (*y)->name);
}

/* Whether a word stands in the name, year, title, paper or description. */
static bool speaks_of(const jd_system *s, const char *word)
{
    char year[16];
    snprintf(year, sizeof year, "%d", s->year);
    return strcasestr(s->name, word) || !strcmp(year, word) || strcasestr(s->title, word) ||
           strcasestr(s->paper, word) || (s->about && strcasestr(s->about, word));
}

int cmd_systems(int argc, char **argv)
{
    enum { MOST = 512 };
    const jd_system *list[MOST];
    size_t n = 0, named = 0;
    cli_args a;
    const int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    const char *dir = cli_text(&a, "runs", "runs"), *word = a.n ? a.rest[0] : NULL;
    for (int i = 0; cli_systems[i]; i++) named += word && !strcmp(cli_systems[i]->name, word);
    for (int i = 0; cli_systems[i] && n < MOST; i++)
        if (!word || (named ? !strcmp(cli_systems[i]->name, word) : speaks_of(cli_systems[i], word)))
            list[n++] = cli_systems[i];
    if (!n) {
        cli_system("systems", word); /* says that there is none, and which name is nearest */
        return JD_EUSAGE;
    }
    qsort(list, n, sizeof *list, by_year);
    for (size_t i = 0; i < n; i++) {
        last_run last;
        if (cli_has(&a, "brief")) {
            printf("%d  %-24s %s\n", list[i]->year, list[i]->name, list[i]->title);
            continue;
        }
        find_last(dir, list[i]->name, &last);
        if (cli_has(&a, "json"))
            print_json(list[i], &last);
        else
            print_system(list[i], &last);
    }
    if (named && !cli_has(&a, "json") && !cli_has(&a, "brief")) {
        printf("\n%s\n\n    %-22s %10s %10s %10s\n", list[0]->about ? list[0]->about : "", "setting", "quick", "cpu",
               "full");
        print_settings(list[0]);
    }
    return 0;
}
