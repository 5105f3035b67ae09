/*
 * cores.c - how many processors this process may use: those it may run on, and no more than the quota of its control groups
 * is worth.  A container that is lent two processors of sixty-four sees all of them, and stands still most of the time when
 * sixty-four threads spend its quota.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ctx.h"

enum { TEXT = 4096 };

/* The text of a small file; false when it cannot be read. */
static bool slurp(const char *path, char text[TEXT])
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const ssize_t n = read(fd, text, TEXT - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    return n > 0;
}

static int fewer(int a, int b)
{
    return b > 0 && (a == 0 || b < a) ? b : a;
}

/* Processors that `quota` microseconds in every `period` are worth, rounded up; 0: no quota. */
static int worth(const char *quota, const char *period)
{
    const long long q = strtoll(quota, NULL, 10), p = strtoll(period, NULL, 10);
    if (q <= 0 || p <= 0 || q / p > 1000000) return 0;
    return (int)((q + p - 1) / p);
}

/* The quota of one group: "200000 100000" or "max 100000" in the second version, two files in the first. */
static int group_quota(const char *folder)
{
    char path[TEXT + 32], quota[TEXT], period[TEXT];
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (slurp(path, quota)) {
        const char *space = strchr(quota, ' ');
        return space ? worth(quota, space + 1) : 0;
    }
    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    if (!slurp(path, quota)) return 0;
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    return slurp(path, period) ? worth(quota, period) : 0;
}

/* The least quota of a group and of those that it lies in; `group` is cut short on the way. */
static int nested_quota(const char *mount, char *group)
{
    char folder[TEXT];
    int least = 0;
    for (;;) {
        const int n = snprintf(folder, sizeof folder, "%s%s", mount, group);
        if (n > 0 && n < TEXT) least = fewer(least, group_quota(folder));
        char *slash = strrchr(group, '/');
        if (!slash) return least;
        *slash = 0;
    }
}

static bool lists_cpu(const char *controllers)
{
    for (const char *c = controllers; c; c = strchr(c, ',') ? strchr(c, ',') + 1 : NULL)
        if (!strncmp(c, "cpu", 3) && (c[3] == ',' || c[3] == 0)) return true;
    return false;
}

int jd__cores_quota(const char *self, const char *root)
{
    char text[TEXT], mount[TEXT];
    if (!slurp(self, text)) return 0;
    int least = 0;
    for (char *line = text, *next; line && *line; line = next) { /* "4:cpu,cpuacct:/a/b", or "0::/a/b" */
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) continue;
        *group++ = 0;
        const bool second = !*++controllers;
        if (!second && !lists_cpu(controllers)) continue;
        const int n = snprintf(mount, sizeof mount, second ? "%s" : "%s/cpu", root);
        if (n > 0 && n < TEXT) least = fewer(least, nested_quota(mount, group));
    }
    return least;
}

int jd__cores(void)
{
    cpu_set_t set;
    const int allowed = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return fewer(allowed > 0 ? allowed : 1, jd__cores_quota("/proc/self/cgroup", "/sys/fs/cgroup"));
}
