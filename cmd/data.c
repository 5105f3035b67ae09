/* data.c - `jackdaw data`: the registry of data sets. */
#include <string.h>

#include "cli.h"
#include "windows.h"

static void say(void *user, const char *line)
{
    (void)user;
    fprintf(stderr, "%s\n", line);
}

static void list_one(jd_ctx *ctx, const jd_dataset *set, bool json)
{
    char *dir = jd_dataset_locate(ctx, set);
    if (!dir) jd_error_clear(ctx); /* not there is an answer here */
    if (json) {
        printf("{\"name\":\"%s\",\"title\":", set->name);
        cli_json_string(set->title);
        printf(",\"home\":");
        cli_json_string(set->home);
        printf(",\"licence\":");
        cli_json_string(set->licence);
        printf(",\"classes\":%d,\"directory\":", set->classes);
        if (dir)
            cli_json_string(dir);
        else
            printf("null");
        printf("}\n");
    } else {
        printf("%-16s %s\n%-16s licence %s, home %s\n%-16s %s%s\n", set->name, set->title, "", set->licence, set->home,
               "", dir ? "here: " : "not here; ", dir ? dir : set->obtain);
    }
    jd_free(ctx, dir);
}

int cmd_data(int argc, char **argv)
{
    static const char *const actions[] = {"list", "get", "verify", "locate", "windows", NULL};
    cli_args a;
    int code = cli_parse(&a, argc, argv), action = 0;
    if (code >= 0) return code;
    while (actions[action] && strcmp(actions[action], a.rest[0]) != 0) action++;
    if (!actions[action])
        return cli_unknown("data", "action", a.rest[0], actions, "it is list, get, verify, locate or windows");
    const bool windows = !strcmp(actions[action], "windows");
    if (windows && a.n != 2)
        return cli_fail("data", JD_EUSAGE,
                        "windows needs one table, such as: jackdaw data windows power.csv --target load -o load.csv");
    if (action > 0 && a.n < 2)
        return cli_fail("data", JD_EUSAGE, "%s needs the name of a data set; `jackdaw data list` shows them",
                        actions[action]);
    jd_ctx *ctx = cli_context(&a, &code);
    if (!ctx) return code;
    const bool json = cli_has(&a, "json");
    if (windows) {
        windows_write(ctx, &a);
        return cli_end("data", ctx);
    }
    if (action == 0 && a.n < 2)
        for (int i = 0; jd_dataset_at(i); i++) list_one(ctx, jd_dataset_at(i), json);
    for (int i = 1; i < a.n && !jd_error(ctx); i++) {
        const jd_dataset *set = jd_dataset_find(ctx, a.rest[i]);
        if (!set) break;
        if (action == 0) {
            list_one(ctx, set, json);
            continue;
        }
        char *dir = action == 1 ? jd_dataset_get(ctx, set, cli_text(&a, "from", NULL)) : jd_dataset_locate(ctx, set);
        if (dir && action == 2) jd_dataset_verify(ctx, set, dir, cli_has(&a, "quiet") ? NULL : say, NULL);
        if (dir && !jd_error(ctx) && json) {
            printf("{\"name\":\"%s\",\"directory\":", set->name);
            cli_json_string(dir);
            printf("%s}\n", action == 2 ? ",\"verified\":true" : "");
        } else if (dir && !jd_error(ctx)) {
            printf("%s%s\n", dir, action == 2 ? ": verified" : "");
        }
        jd_free(ctx, dir);
    }
    return cli_end("data", ctx);
}
