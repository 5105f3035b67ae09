/*
 * torcs_process.c - starts the simulator, asks it for episodes, and lives through whatever becomes of them.
 *
 * Nothing here trusts the other side: an answer that does not come in time or has the wrong size ends that process.
 * Sockets are closed on exec, so the end of this process ends all of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "env/torcs.h"

extern char **environ;

enum { PATIENCE = 30 /* s */, TEXT = 512 };

/* One message of exactly `bytes` bytes within the time; 0 when the other side is gone, -1 when it is silent or wrong. */
static int receive(int fd, void *to, size_t bytes, double seconds)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    const double end = jd_now() + seconds;
    int ready;
    do {
        const double left = end - jd_now();
        ready = poll(&p, 1, left > 0 ? (int)(left * 1000) + 1 : 0);
    } while (ready < 0 && errno == EINTR && jd_now() < end);
    if (ready <= 0) return -1;
    ssize_t n;
    do n = recv(fd, to, bytes, MSG_TRUNC);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)bytes ? 1 : n <= 0 ? 0 : -1;
}

/* ---- the server ----------------------------------------------------------------------------------------------------------*/

static char **make_environment(jd_ctx *ctx, const torcs_places *p, const char *dir, char text[2][TEXT])
{
    size_t n = 0, k = 0;
    while (environ[n]) n++;
    char **env = jd_alloc_array(ctx, n + 3, sizeof *env);
    if (!env) return NULL;
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "HOME=", 5) && strncmp(environ[i], "LD_", 3)) env[k++] = environ[i];
    snprintf(text[0], TEXT, "HOME=%s", dir);
    snprintf(text[1], TEXT, "LD_LIBRARY_PATH=%s/lib", p->library);
    env[k++] = text[0];
    env[k++] = text[1];
    return env;
}

/* Runs torcs-bin with `control` as its descriptor 3 and what it prints in `log`. */
static int spawn(torcs_server *s, const torcs_places *p, const char *dir, int control, int log)
{
    char text[2][TEXT], program[TEXT], lib[TEXT], race[TEXT];
    char **env = make_environment(s->ctx, p, dir, text);
    if (!env) return ENOMEM;
    snprintf(program, sizeof program, "%s/torcs-bin", p->library);
    snprintf(lib, sizeof lib, "%s/lib", dir);
    snprintf(race, sizeof race, "%s/race.xml", dir);
    char *const argv[] = {program, "-l", (char *)dir, "-L", lib, "-D", (char *)p->data, "-r", race, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    int error = posix_spawn_file_actions_init(&files);
    if (!error) error = posix_spawnattr_init(&attributes);
    if (!error) error = posix_spawnattr_setsigmask(&attributes, &none);
    /* A group of its own: Ctrl-C in the terminal is for the run alone, which ends its episodes in order. */
    if (!error) error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    if (!error) error = posix_spawn_file_actions_adddup2(&files, log, 1);
    if (!error) error = posix_spawn_file_actions_adddup2(&files, log, 2);
    if (!error) error = posix_spawn_file_actions_adddup2(&files, control, TORCS_CONTROL);
    if (!error) error = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (!error) error = posix_spawn_file_actions_addchdir_np(&files, p->data);
    if (!error) error = posix_spawn(&s->pid, program, &files, &attributes, argv, env);
    if (error) s->pid = 0;
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    jd_free(s->ctx, env);
    return error;
}

static jd_status refused(torcs_server *s, int log, const char *why)
{
    char text[400] = "";
    const off_t size = lseek(log, 0, SEEK_END), from = size > 300 ? size - 300 : 0;
    const ssize_t n = pread(log, text, sizeof text - 1, from);
    text[n > 0 ? n : 0] = 0;
    for (char *c = text; *c; c++)
        if (*c < ' ' || *c > '~') *c = ' ';
    return jd_fail(s->ctx, JD_EIO, "torcs: the simulator does not start on track %s: %s%s%s", s->track, why,
                   *text ? "; it printed: " : "", text);
}

static const char *hear_road(torcs_server *s)
{
    static const char silent[] = "no answer from the driver";
    torcs_hello h;
    if (receive(s->control, &h, sizeof h, s->patience) <= 0 || h.magic != TORCS_MAGIC) return silent;
    h.name[sizeof h.name - 1] = 0;
    memcpy(s->road.name, h.name, sizeof s->road.name);
    if (h.sections < 3 || h.sections > TORCS_SECTIONS) return s->road.name;
    s->road.sections = h.sections;
    s->road.length = h.length;
    s->road.width = h.width;
    if (!s->road.section) s->road.section = jd_alloc(s->ctx, TORCS_SECTIONS * sizeof(torcs_section));
    if (!s->road.section) return "no memory";
    for (int i = 0; i < h.sections; i += TORCS_CHUNK) {
        const int n = h.sections - i < TORCS_CHUNK ? h.sections - i : TORCS_CHUNK;
        if (receive(s->control, s->road.section + i, (size_t)n * sizeof(torcs_section), s->patience) <= 0)
            return silent;
    }
    return NULL;
}

jd_status jd__torcs_start(torcs_server *s)
{
    torcs_places p;
    char dir[256];
    int pair[2];
    if (s->patience == 0) s->patience = PATIENCE;
    if (jd__torcs_find(s->ctx, s->track, &p) || jd__torcs_folder(s->ctx, &p, s->track, dir)) return jd_error(s->ctx);
    const int log = memfd_create("torcs", MFD_CLOEXEC);
    if (log < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        jd_fail(s->ctx, JD_EIO, "torcs: no socket: %s", strerror(errno));
    } else {
        s->control = pair[0];
        const int error = spawn(s, &p, dir, pair[1], log);
        close(pair[1]);
        const char *why = error ? strerror(error) : hear_road(s);
        if (error == ENOMEM) jd_fail(s->ctx, JD_ENOMEM, "torcs: no memory to start the simulator; free some");
        if (why) {
            refused(s, log, why);
            if (!s->pid) close(s->control);
            jd__torcs_stop(s);
        }
    }
    if (log >= 0) close(log);
    jd__torcs_folder_remove(dir);
    return jd_error(s->ctx);
}

void jd__torcs_stop(torcs_server *s)
{
    if (!s->pid) return;
    close(s->control);
    kill(s->pid, SIGKILL);
    while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR) continue;
    s->pid = 0;
}

/* ---- cars ----------------------------------------------------------------------------------------------------------------*/

/* Sends one end of a new pair; the simulator answers over the other. */
static bool ask(torcs_server *s, torcs_car *c)
{
    int pair[2];
    if (!s->pid || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) return false;
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } extra = {.bytes = {0}};
    char byte = 1;
    struct iovec part = {&byte, 1};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &extra, .msg_controllen = sizeof extra};
    struct cmsghdr *head = CMSG_FIRSTHDR(&m);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &pair[1], sizeof(int));
    const bool sent = sendmsg(s->control, &m, MSG_NOSIGNAL) == 1;
    close(pair[1]);
    *c = (torcs_car){.fd = pair[0]};
    if (!sent) jd__torcs_end(c);
    return sent;
}

jd_status jd__torcs_begin(torcs_server *s, torcs_car *c, torcs_state *first)
{
    const char *why = "it does not run";
    for (int attempt = 0; attempt < 2; attempt++) {
        jd__torcs_end(c);
        if (ask(s, c) && jd__torcs_hear(s, c, first, &why)) return JD_OK;
        if (attempt == 0) {
            jd__torcs_stop(s);
            if (jd__torcs_start(s)) return jd_error(s->ctx);
        }
    }
    return jd_fail(s->ctx, JD_EIO, "torcs: no episode begins on track %s, although the simulator was started anew: %s",
                   s->track, why);
}

void jd__torcs_end(torcs_car *c)
{
    if (c->fd >= 0) close(c->fd);
    *c = (torcs_car){.fd = -1};
}

bool jd__torcs_tell(torcs_car *c, const torcs_order *order)
{
    return c->fd >= 0 && send(c->fd, order, sizeof *order, MSG_NOSIGNAL) == (ssize_t)sizeof *order;
}

bool jd__torcs_hear(const torcs_server *s, torcs_car *c, torcs_state *state, const char **why)
{
    const int got = c->fd < 0 ? 0 : receive(c->fd, state, sizeof *state, s->patience);
    if (got > 0) {
        c->pid = state->pid;
        return true;
    }
    *why = got == 0 ? "its process ended" : "its process did not answer in time and was killed";
    if (got < 0 && c->pid > 1) kill(c->pid, SIGKILL); /* it holds the socket, so the number is still its own */
    jd__torcs_end(c);
    return false;
}
