/*
 * test_checkpoint.c - checkpoints: generations, damage, and every system call failing in turn.
 */
#include "io_help.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "base/ctx.h"

static float weights[300];
static const jd_tensor_entry tensors[] = {
    {.name = "W", .dtype = JD_FILE_F32, .rank = 1, .dim = {300}, .data = weights}};

static jd_status save(jd_ctx *ctx, const char *path, int step, int keep)
{
    char text[20];
    snprintf(text, sizeof text, "%d", step);
    for (int i = 0; i < 300; i++) weights[i] = (float)(step * 1000 + i);
    return jd_checkpoint_save(ctx, path, tensors, 1, &(jd_metadata){"jackdaw.step", text}, 1, keep);
}

/* The step of what loads; -1 if nothing does.  The weights must belong to the step. */
static int load(jd_ctx *ctx, const char *path, char **warning)
{
    jd_tensor_file *f = jd_checkpoint_load(ctx, path, warning);
    if (!f) return -1;
    const int step = atoi(jd_tensor_file_meta(f, "jackdaw.step"));
    const float *w = jd_tensor_file_get(f, "W")->data;
    for (int i = 0; i < 300; i++) assert_true(w[i] == (float)(step * 1000 + i));
    jd_tensor_file_close(f);
    return step;
}

/* ---- system calls that fail ---- */
enum fault { EIO_ONCE, NO_SPACE, INTERRUPTED, SHORT_WRITE, FAULTS };

static struct {
    int calls, fail_at; /* counted over all calls; -1: none fails */
    enum fault fault;
    bool hit, rename_done, renamed_before;
} injected;

static bool fails(void)
{
    if (injected.calls++ != injected.fail_at) return false;
    injected.hit = true;
    injected.renamed_before = injected.rename_done;
    errno = injected.fault == NO_SPACE ? ENOSPC : injected.fault == INTERRUPTED ? EINTR : EIO;
    return injected.fault != SHORT_WRITE;
}

static int bad_open(const char *path, int flags, mode_t mode)
{
    return fails() ? -1 : open(path, flags, mode);
}

static ssize_t bad_write(int fd, const void *data, size_t bytes)
{
    if (fails()) return -1;
    const bool now = injected.hit && injected.calls == injected.fail_at + 1;
    return write(fd, data, now && bytes > 1 ? bytes / 2 : bytes);
}

static int bad_fsync(int fd)
{
    return fails() ? -1 : fsync(fd);
}

static int bad_close(int fd)
{
    const bool bad = fails();
    const int error = errno, code = close(fd); /* closed in any case */
    errno = error;
    return bad ? -1 : code;
}

static int bad_rename(const char *from, const char *to)
{
    if (fails()) return -1;
    injected.rename_done |= strstr(from, ".tmp.") != NULL;
    return rename(from, to);
}

static int bad_link(const char *from, const char *to)
{
    return fails() ? -1 : link(from, to);
}

static const struct jd_io_ops faulty = {bad_open, bad_write, bad_fsync, bad_close, bad_rename, bad_link, unlink};

static int open_descriptors(void)
{
    return count_files("/proc/self/fd");
}

static void every_call_fails_in_turn(void **state)
{
    (void)state;
    for (int fault = 0; fault < FAULTS; fault++) {
        int failures = 0;
        for (int n = 0;; n++) {
            assert_true(n < 100);
            char dir[64], path[100];
            make_dir(dir);
            snprintf(path, sizeof path, "%s/last.ckpt", dir);
            jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
            for (int step = 1; step <= 3; step++) assert_int_equal(save(ctx, path, step, 2), JD_OK);
            const int files = count_files(dir), descriptors = open_descriptors();
            assert_int_equal(files, 3);
            memset(&injected, 0, sizeof injected);
            injected.fail_at = n;
            injected.fault = (enum fault)fault;
            ctx->io = &faulty;
            const jd_status status = save(ctx, path, 4, 2);
            ctx->io = &jd__io_system;
            assert_int_equal(open_descriptors(), descriptors);
            if (status) {
                failures++;
                assert_int_equal(status, JD_EIO);
                assert_true(injected.hit && fault != SHORT_WRITE);
                assert_non_null(strstr(jd_error_message(ctx), dir));
                jd_error_clear(ctx);
            }
            char *warning = NULL;
            /* Before the rename the old one counts, after it the new one, and neither is ever damaged. */
            assert_int_equal(load(ctx, path, &warning), status && !injected.renamed_before ? 3 : 4);
            assert_null(warning);
            DIR *d = opendir(dir);
            for (const struct dirent *e; (e = readdir(d)) != NULL;) assert_null(strstr(e->d_name, ".tmp"));
            closedir(d);
            assert_true(count_files(dir) >= 3);
            /* And the next save succeeds and puts the generations in order. */
            assert_int_equal(save(ctx, path, 5, 2), JD_OK);
            assert_int_equal(load(ctx, path, NULL), 5);
            assert_true(count_files(dir) <= 3);
            const bool done = !injected.hit;
            jd_ctx_free(ctx);
            remove_dir(dir);
            if (done) break;
        }
        /* open, 2 writes, fsync, close, 2 renames, link, rename, open and fsync of the directory */
        assert_true(fault == SHORT_WRITE ? failures == 0 : fault == INTERRUPTED ? failures >= 6 : failures >= 10);
    }
}

static void plain_files_fail_alike(void **state)
{
    (void)state;
    char dir[64], path[100];
    make_dir(dir);
    snprintf(path, sizeof path, "%s/file", dir);
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    for (int n = 0;; n++) {
        assert_int_equal(jd_write_file(ctx, path, "old", 3), JD_OK);
        memset(&injected, 0, sizeof injected);
        injected.fail_at = n;
        injected.fault = NO_SPACE;
        ctx->io = &faulty;
        const jd_status status = jd_write_file(ctx, path, "newer", 5);
        ctx->io = &jd__io_system;
        jd_error_clear(ctx);
        char *text = jd_read_file(ctx, path, 0, NULL);
        assert_string_equal(text, status && !injected.renamed_before ? "old" : "newer");
        jd_free(ctx, text);
        assert_int_equal(count_files(dir), 1);
        if (!status && !injected.hit) break;
        /* The close of the directory after its fsync carries no news. */
        if (!status) assert_int_equal(injected.calls, n + 1);
    }
    jd_ctx_free(ctx);
    remove_dir(dir);
}

static int no_link(const char *from, const char *to)
{
    (void)from;
    (void)to;
    errno = EPERM;
    return -1;
}

static void file_systems_without_links_do(void **state)
{
    (void)state;
    char dir[64], path[100], one[110];
    make_dir(dir);
    snprintf(path, sizeof path, "%s/last.ckpt", dir);
    snprintf(one, sizeof one, "%s.1", path);
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    struct jd_io_ops ops = jd__io_system;
    ops.link = no_link;
    ctx->io = &ops;
    assert_int_equal(save(ctx, path, 1, 1), JD_OK);
    assert_int_equal(save(ctx, path, 2, 1), JD_OK);
    assert_int_equal(load(ctx, path, NULL), 2);
    assert_int_equal(load(ctx, one, NULL), 1);
    /* Killed between the two renames: only PATH.1 is there. */
    unlink(path);
    char *warning;
    assert_int_equal(load(ctx, path, &warning), 1);
    assert_non_null(strstr(warning, "last.ckpt.1 is used instead"));
    jd_free(ctx, warning);
    jd_ctx_free(ctx);
    remove_dir(dir);
}

static void generations_are_kept(void **state)
{
    (void)state;
    char dir[64], path[100], name[120];
    make_dir(dir);
    snprintf(path, sizeof path, "%s/last.ckpt", dir);
    jd_ctx *ctx = jd_ctx_new(NULL);
    /* Neighbours with similar names are none of our business. */
    static const char *const others[] = {"best.ckpt",  "last.ckpt.01", "last.ckpt.1x",
                                         "last.ckpt.", "last.ckpt.x",  "last"};
    for (size_t i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "%s/%s", dir, others[i]);
        fclose(fopen(name, "w"));
    }
    for (int step = 1; step <= 6; step++) assert_int_equal(save(ctx, path, step, 3), JD_OK);
    assert_int_equal(count_files(dir), 4 + 6);
    for (int g = 1; g <= 3; g++) {
        snprintf(name, sizeof name, "%s.%d", path, g);
        assert_int_equal(load(ctx, name, NULL), 6 - g);
    }
    assert_int_equal(save(ctx, path, 7, 1), JD_OK);
    assert_int_equal(count_files(dir), 2 + 6);
    assert_int_equal(save(ctx, path, 8, 0), JD_OK);
    assert_int_equal(count_files(dir), 1 + 6);
    assert_int_equal(save(ctx, path, 9, -1), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(load(ctx, path, NULL), 8);
    jd_ctx_free(ctx);
    remove_dir(dir);
}

static void leftovers_of_the_dead_are_removed(void **state)
{
    (void)state;
    char dir[64], path[100], dead[150], alive[150];
    make_dir(dir);
    snprintf(path, sizeof path, "%s/last.ckpt", dir);
    const pid_t child = fork();
    if (child == 0) _exit(0);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    snprintf(dead, sizeof dead, "%s.tmp.%ld", path, (long)child);
    snprintf(alive, sizeof alive, "%s.tmp.%ld.5", path, (long)getppid());
    fclose(fopen(dead, "w"));
    fclose(fopen(alive, "w"));
    jd_ctx *ctx = jd_ctx_new(NULL);
    assert_int_equal(save(ctx, path, 1, 1), JD_OK);
    assert_int_not_equal(access(dead, F_OK), 0);
    assert_int_equal(access(alive, F_OK), 0);
    jd_ctx_free(ctx);
    remove_dir(dir);
}

/* No flipped bit and no truncation of a checkpoint goes unseen; the generation before it is used, the damaged one kept. */
static void every_damage_is_seen(void **state)
{
    (void)state;
    char dir[64], path[100], older[110];
    make_dir(dir);
    snprintf(path, sizeof path, "%s/last.ckpt", dir);
    snprintf(older, sizeof older, "%s.1", path);
    jd_ctx *ctx = jd_ctx_new(NULL);
    assert_int_equal(save(ctx, path, 1, 1), JD_OK);
    assert_int_equal(save(ctx, path, 2, 1), JD_OK);
    size_t n;
    unsigned char *file = jd_read_file(ctx, path, 0, &n);
    const int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    for (size_t bit = 0; bit < n * 8; bit++) {
        const unsigned char flipped = (unsigned char)(file[bit / 8] ^ (1u << bit % 8));
        assert_int_equal(pwrite(fd, &flipped, 1, (off_t)(bit / 8)), 1);
        char *warning = NULL;
        if (load(ctx, path, &warning) != 1) fail_msg("bit %zu was flipped, and the file loaded", bit);
        assert_non_null(strstr(warning, "last.ckpt: "));
        assert_non_null(strstr(warning, "last.ckpt.1 is used instead"));
        jd_free(ctx, warning);
        assert_int_equal(jd_error(ctx), JD_OK);
        assert_int_equal(pwrite(fd, &file[bit / 8], 1, (off_t)(bit / 8)), 1);
    }
    assert_int_equal(load(ctx, path, NULL), 2);
    for (size_t length = n; length-- > 0;) {
        assert_int_equal(ftruncate(fd, (off_t)length), 0);
        assert_int_equal(load(ctx, path, NULL), 1);
    }
    close(fd);
    /* Both damaged: an error that names both; nothing there: another one. */
    assert_int_equal(truncate(older, 100), 0);
    char *warning;
    assert_int_equal(load(ctx, path, &warning), -1);
    assert_null(warning);
    assert_int_equal(jd_error(ctx), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "last.ckpt.1: "));
    jd_error_clear(ctx);
    unlink(path);
    unlink(older);
    assert_int_equal(load(ctx, path, &warning), -1);
    assert_int_equal(jd_error(ctx), JD_ENOINPUT);
    jd_error_clear(ctx);
    /* Weights are not a checkpoint. */
    assert_int_equal(jd_safetensors_write(ctx, path, tensors, 1, NULL, 0), JD_OK);
    assert_int_equal(load(ctx, path, NULL), -1);
    assert_int_equal(jd_error(ctx), JD_EDATA);
    jd_error_clear(ctx);
    const jd_metadata kind = {"jackdaw.kind", "weights"};
    assert_int_equal(jd_checkpoint_save(ctx, path, tensors, 1, &kind, 1, 1), JD_EUSAGE);
    jd_free(ctx, file);
    jd_ctx_free(ctx);
    remove_dir(dir);
}

static void allocations_fail_in_turn(void **state)
{
    (void)state;
    char dir[64], path[100];
    make_dir(dir);
    snprintf(path, sizeof path, "%s/last.ckpt", dir);
    heap_watch h;
    jd_ctx *ctx = watched_ctx(&h);
    assert_int_equal(save(ctx, path, 1, 1), JD_OK);
    const int before = h.live;
    int step = 1;
    for (int n = 0;; n++) {
        assert_true(n < 1000);
        h.left = n;
        const jd_status status = save(ctx, path, step + 1, 1);
        h.left = -1;
        assert_int_equal(h.live, before);
        jd_error_clear(ctx);
        const int now = load(ctx, path, NULL);
        assert_true(now == step || now == step + 1);
        assert_true(status == JD_ENOMEM || (status == JD_OK && now == step + 1));
        step = now;
        if (!status) break;
    }
    assert_int_equal(truncate(path, 50), 0);
    for (int n = 0;; n++) {
        assert_true(n < 1000);
        h.left = n;
        char *warning;
        jd_tensor_file *f = jd_checkpoint_load(ctx, path, &warning);
        h.left = -1;
        if (!f) assert_int_equal(jd_error(ctx), JD_ENOMEM);
        jd_error_clear(ctx);
        jd_free(ctx, warning);
        jd_tensor_file_close(f);
        assert_int_equal(h.live, before);
        if (f) break;
    }
    jd_ctx_free(ctx);
    remove_dir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_fails_in_turn),          cmocka_unit_test(plain_files_fail_alike),
        cmocka_unit_test(file_systems_without_links_do),     cmocka_unit_test(generations_are_kept),
        cmocka_unit_test(leftovers_of_the_dead_are_removed), cmocka_unit_test(every_damage_is_seen),
        cmocka_unit_test(allocations_fail_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
