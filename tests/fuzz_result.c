/* fuzz_result.c - result.json and metrics.csv of a run, from which `jackdaw report` writes the report anew.  An input is
 * the one file, a NUL byte, and the other. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"
#include "jackdaw/train.h"

static const char *const WORDS[] = {
    "\"title\":", "\"metric\":", "\"value\":", "\"config\":{", "\"settings\":{", "null",          "true", "[]",
    "{}",         "\"a\":1",     "\\u0041",    "\"stages\":[", "1e308",          "\n5,a/b,1e5\n", ",",    NULL};

static void pair(const char *result, const char *metrics)
{
    char both[4096];
    const int n = snprintf(both, sizeof both, "%s%c%s", result, 0, metrics);
    fuzz_seed(both, (size_t)n);
}

static void seeds(jd_ctx *ctx)
{
    (void)ctx;
    pair(
        "{\"system\":\"lstm-order\",\"title\":\"Order\",\"source\":\"a paper\",\"about\":\"text\",\"metric\":\"error\","
        "\"value\":1.5,\"accept\":2,\"paper\":1,\"paper_note\":\"theirs\",\"better\":\"lower\",\"passed\":true,"
        "\"seconds\":12.5,\"why\":\"x\",\"environment\":{\"cpu\":\"c\",\"threads\":2},"
        "\"config\":{\"system\":\"lstm-order\",\"seed\":1,\"settings\":{\"rate\":0.1,\"n\":3}}}",
        "step,name,value\n1,train/loss,0.5\n1,test/error,3\n2,train/loss,0.25\n3,train/loss,nan\n");
    pair("{\"title\":\"t\",\"value\":null}", "step,name,value\n0,a,1e-300\n");
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    static char dir[64];
    if (!dir[0]) {
        strcpy(dir, access("/dev/shm", W_OK) ? "/tmp/jackdaw-fuzz-XXXXXX" : "/dev/shm/jackdaw-fuzz-XXXXXX");
        fuzz_check(mkdtemp(dir) != NULL, "no folder");
    }
    char path[3][96];
    static const char *const name[] = {"result.json", "metrics.csv", "report.html"};
    for (int i = 0; i < 3; i++) snprintf(path[i], sizeof path[i], "%s/%s", dir, name[i]);
    const uint8_t *nul = memchr(data, 0, bytes);
    const size_t first = nul ? (size_t)(nul - data) : bytes;
    const uint8_t *part[] = {data, nul ? nul + 1 : data};
    const size_t size[] = {first, nul ? bytes - first - 1 : 0};
    for (int i = 0; i < 2; i++) {
        const int fd = open(path[i], O_WRONLY | O_CREAT | O_TRUNC, 0600);
        fuzz_check(fd >= 0 && write(fd, part[i], size[i]) == (ssize_t)size[i] && !close(fd),
                   "a file cannot be written");
    }
    const jd_status status = jd_run_rebuild_report(ctx, dir, path[2]);
    for (int i = 0; i < 3; i++) remove(path[i]);
    rmdir(dir);
    dir[0] = 0;
    return status;
}

const fuzz_format fuzz_this = {
    .name = "result", .inputs = 500, .longest = 2048, .seeds = seeds, .read = read_input, .words = WORDS};
