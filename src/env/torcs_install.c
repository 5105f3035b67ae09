/*
 * torcs_install.c - where TORCS is, and the folder from which it is started.
 *
 * The folder has links to the installed libraries, copies of the settings that the simulator reads, our driver, and a race
 * with one car.  Nothing is written outside of it; when the race waits to begin, it is no longer needed.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env/torcs.h"

enum { PATH = 512 };

static bool is_there(const char *dir, const char *name)
{
    char path[PATH];
    return snprintf(path, sizeof path, "%s/%s", dir, name) < PATH && !access(path, R_OK);
}

static bool find_installation(torcs_places *out)
{
    const char *own = getenv("JACKDAW_TORCS");
    const char *const library[] = {own, "/usr/lib/x86_64-linux-gnu/torcs", "/usr/lib/torcs", "/usr/local/lib/torcs"};
    const char *const data[] = {"/usr/share/games/torcs", "/usr/local/share/games/torcs"};
    const size_t last = own ? 1 : 4;
    for (size_t i = own ? 0 : 1; i < last; i++)
        for (size_t k = 0; k < 2; k++)
            if (is_there(library[i], "torcs-bin") && is_there(library[i], "modules/simu/simuv2.so") &&
                is_there(data[k], "config/raceengine.xml") && strlen(library[i]) < sizeof out->library) {
                snprintf(out->library, sizeof out->library, "%s", library[i]);
                snprintf(out->data, sizeof out->data, "%s", data[k]);
                return true;
            }
    return false;
}

jd_status jd__torcs_find(jd_ctx *ctx, const char *track, torcs_places *out)
{
    static const char *const category[] = {"road", "oval", "dirt"};
    if (!jd__torcs_driver_bytes)
        return jd_fail(ctx, JD_EABSENT, "torcs: the driver for the simulator exists for Linux on x86-64 only");
    if (!find_installation(out))
        return jd_fail(ctx, JD_EABSENT,
                       "torcs: the race simulator is not installed; on Debian: apt-get install torcs (TORCS 1.3.7; "
                       "$JACKDAW_TORCS may name the folder that holds torcs-bin)");
    char path[PATH];
    for (size_t k = 0; k < sizeof category / sizeof *category; k++) {
        snprintf(path, sizeof path, "tracks/%s/%s/%s.xml", category[k], track, track);
        if (!strpbrk(track, "/\"<>&") && strlen(track) < 64 && is_there(out->data, path)) {
            snprintf(out->category, sizeof out->category, "%s", category[k]);
            return JD_OK;
        }
    }
    return jd_fail(ctx, JD_EUSAGE,
                   "torcs: no track \"%.80s\"; the tracks are the folders in %s/tracks/road, oval and dirt", track,
                   out->data);
}

/* ---- the folder ----------------------------------------------------------------------------------------------------------*/

static bool write_all(const char *dir, const char *name, const void *data, size_t bytes)
{
    char path[PATH];
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= PATH) return false;
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    const bool ok = write(fd, data, bytes) == (ssize_t)bytes;
    return close(fd) == 0 && ok;
}

static bool make_dir(const char *dir, const char *name)
{
    char path[PATH];
    return snprintf(path, sizeof path, "%s/%s", dir, name) < PATH && !mkdir(path, 0700);
}

static bool make_link(const char *to_dir, const char *to, const char *dir, const char *name)
{
    char target[PATH], path[PATH];
    return snprintf(target, sizeof target, "%s/%s", to_dir, to) < PATH &&
           snprintf(path, sizeof path, "%s/%s", dir, name) < PATH && !symlink(target, path);
}

static bool copy_file(jd_ctx *ctx, const char *from, const char *dir, const char *name)
{
    char path[PATH];
    size_t bytes = 0;
    if (snprintf(path, sizeof path, "%s/%s", from, name) >= PATH) return false;
    void *data = jd_read_file(ctx, path, 1 << 20, &bytes);
    const bool ok = data && write_all(dir, name, data, bytes);
    jd_free(ctx, data);
    return ok;
}

static bool write_race(const char *dir, const torcs_places *p, const char *track)
{
    static const char robot[] =
        "<?xml version=\"1.0\"?>\n<params name=\"jd\" type=\"robotdef\"><section name=\"Robots\"><section "
        "name=\"index\"><section name=\"1\">\n<attstr name=\"name\" val=\"jd\"/><attstr name=\"desc\" val=\"jd\"/>"
        "<attstr name=\"team\" val=\"jd\"/><attstr name=\"author\" val=\"jd\"/>\n<attstr name=\"car name\" "
        "val=\"car1-trb1\"/><attnum name=\"race number\" val=\"1\"/><attnum name=\"red\" val=\"1\"/>\n"
        "<attnum name=\"green\" val=\"1\"/><attnum name=\"blue\" val=\"1\"/></section></section></section></params>\n";
    static const char race[] =
        "<?xml version=\"1.0\"?>\n<params name=\"Quick Race\" type=\"param\" mode=\"mw\">\n<section name=\"Header\">"
        "<attstr name=\"name\" val=\"Quick Race\"/><attstr name=\"description\" val=\"Quick Race\"/></section>\n"
        "<section name=\"Tracks\"><attnum name=\"maximum number\" val=\"1\"/><section name=\"1\"><attstr name=\"name\" "
        "val=\"%s\"/><attstr name=\"category\" val=\"%s\"/></section></section>\n<section name=\"Races\"><section "
        "name=\"1\"><attstr name=\"name\" val=\"Quick Race\"/></section></section>\n<section name=\"Quick Race\">"
        "<attnum name=\"distance\" val=\"0\"/><attstr name=\"type\" val=\"race\"/><attstr name=\"starting order\" "
        "val=\"drivers list\"/><attnum name=\"laps\" val=\"10000\"/>\n<section name=\"Starting Grid\"><attnum "
        "name=\"rows\" val=\"2\"/><attnum name=\"distance to start\" val=\"25\"/><attnum name=\"distance between "
        "columns\" val=\"20\"/><attnum name=\"offset within a column\" val=\"10\"/><attnum name=\"initial speed\" "
        "val=\"0\"/><attnum name=\"initial height\" val=\"0.2\"/></section></section>\n<section name=\"Drivers\">"
        "<attnum name=\"maximum number\" val=\"1\"/><attstr name=\"focused module\" val=\"jd\"/><attnum name=\"focused "
        "idx\" val=\"1\"/><section name=\"1\"><attnum name=\"idx\" val=\"1\"/><attstr name=\"module\" val=\"jd\"/>"
        "</section></section></params>\n";
    char text[sizeof race + 100];
    const int n = snprintf(text, sizeof text, race, track, p->category);
    return write_all(dir, "drivers/jd/jd.xml", robot, sizeof robot - 1) && write_all(dir, "race.xml", text, (size_t)n);
}

jd_status jd__torcs_folder(jd_ctx *ctx, const torcs_places *p, const char *track, char *dir)
{
    const char *tmp = getenv("TMPDIR");
    if (!tmp || !*tmp) tmp = "/tmp";
    if (snprintf(dir, 256, "%s/jackdaw-torcs-XXXXXX", tmp) >= 256 || !mkdtemp(dir))
        return jd_fail(ctx, JD_EIO, "torcs: no folder can be made in %.200s: %s; set TMPDIR", tmp, strerror(errno));
    const bool ok =
        make_dir(dir, "drivers") && make_dir(dir, "drivers/jd") && make_dir(dir, "lib") &&
        make_dir(dir, "lib/drivers") && make_dir(dir, "lib/drivers/jd") && make_dir(dir, "config") &&
        make_link(p->library, "lib", dir, "lib/lib") && make_link(p->library, "modules", dir, "lib/modules") &&
        copy_file(ctx, p->data, dir, "config/raceengine.xml") &&
        write_all(dir, "lib/drivers/jd/jd.so", jd__torcs_driver, jd__torcs_driver_bytes) && write_race(dir, p, track);
    if (ok) return JD_OK;
    jd_fail(ctx, JD_EIO, "torcs: %s cannot be filled: %s; set TMPDIR to a folder with some room", dir, strerror(errno));
    jd__torcs_folder_remove(dir);
    return jd_error(ctx);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

void jd__torcs_folder_remove(const char *dir)
{
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
