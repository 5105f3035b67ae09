/* own_files.h - for tests of the program on a person's own files: running it, small models, sounds and volumes. */
#ifndef TESTS_OWN_FILES_H
#define TESTS_OWN_FILES_H

#include <math.h>

#include "program.h"
#include "tmpdir.h"

static jd_ctx *ctx;
static char said[1 << 16], wrong[1 << 14];

static inline int setup(void **state)
{
    ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 1});
    return ctx ? tmpdir_setup(state) : -1;
}

static inline int teardown(void **state)
{
    jd_ctx_free(ctx);
    return tmpdir_teardown(state);
}

/* Runs `jackdaw ARGUMENTS` in the test's folder; its standard output is in `said`, the other in `wrong`. */
static inline int jackdaw(const char *arguments)
{
    char command[6000], full[4096];
    assert_non_null(realpath(program(), full));
    snprintf(command, sizeof command, "cd '%s' && '%s' %s 2>err.txt", tmpdir_path, full, arguments);
    const int code = output_of(command, said, sizeof said);
    size_t n = 0;
    char *text = jd_read_file(ctx, tmpdir_file("err.txt"), sizeof wrong - 1, &n);
    memcpy(wrong, text, n);
    wrong[n] = 0;
    jd_free(ctx, text);
    return code;
}

static inline size_t lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += *text == '\n';
    return n;
}

/* Two tones, one after the other. */
static inline void write_tones(const char *name, int rate)
{
    jd_sound s = {.rate = rate, .count = (size_t)rate / 2};
    s.samples = calloc(s.count, sizeof(float));
    for (size_t i = 0; i < s.count; i++) {
        const double t = (double)i / rate;
        s.samples[i] = (float)(0.4 * sin(2 * 3.14159265358979 * (t < 0.25 ? 500 : 1300) * t));
    }
    assert_int_equal(jd_write_wav(ctx, tmpdir_file(name), &s), JD_OK);
    free(s.samples);
}

static inline void sound_model(const char *name, const char *net, const char *answer)
{
    char config[3000], mean[400] = "0", factor[400] = "0.2";
    for (int i = 1; i < 39; i++) strcat(mean, " 0"), strcat(factor, " 0.2");
    snprintf(config, sizeof config,
             "{\"net\":\"%s\",\"sound-preset\":\"mfcc39\",\"sound-rate\":8000,\"sound-level\":0.1,\"sound-skip\":2,"
             "\"sound-prior\":40,\"mean\":\"%s\",\"factor\":\"%s\",%s}",
             net, mean, factor, answer);
    assert_int_equal(write_model(ctx, tmpdir_file(name), net, JD_DIMS(6, 1, 39), 0.8, config), JD_OK);
}

enum { DEPTH = 3, HEIGHT = 4, WIDTH = 5, VOXELS = DEPTH * HEIGHT * WIDTH };

/* Frame f is bright, 900 to 959, where its voxel's place is divisible by 3, dark, 100 to 159, elsewhere. */
static inline void write_scan(const char *name, int64_t frames, jd_volume_space *space)
{
    float voxels[2 * VOXELS];
    for (int i = 0; i < 2 * VOXELS; i++) voxels[i] = (float)((i % 3 ? 100 : 900) + i % VOXELS);
    const jd_volume v = {.frames = frames,
                         .depth = DEPTH,
                         .height = HEIGHT,
                         .width = WIDTH,
                         .voxels = voxels,
                         .space = {.step = {0.5f, 2, 3},
                                   .qfac = -1,
                                   .units = 2,
                                   .qform = 1,
                                   .sform = 2,
                                   .quatern = {0.1f, 0.2f, 0.3f},
                                   .offset = {-9, 8, 7},
                                   .srow = {0.5f, 0, 0.25f, -90, 0, 2, 0, 126, 0, 0.125f, 3, -72}}};
    *space = v.space;
    assert_int_equal(jd_write_nifti(ctx, tmpdir_file(name), &v, JD_NIFTI_I16), JD_OK);
}

/* A net of one layer that says 1 where a voxel is brighter than the mean, and 0 elsewhere. */
static inline void threshold_model(const char *name)
{
    static const float W[4] = {0, 0, 1, 0}, b[2] = {0};
    assert_int_equal(write_model(ctx, tmpdir_file(name), "dense 2 each", JD_DIMS(1, 2, 2, 2, 2), 1, "{}"), JD_OK);
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_tensor_file *f = jd_safetensors_open(ctx, tmpdir_file(name));
    assert_int_equal(jd_params_load(ctx, p, f), JD_OK);
    memcpy((float *)jd_params_data(p) + jd_params_find(p, "dense1/W")->offset, W, sizeof W);
    memcpy((float *)jd_params_data(p) + jd_params_find(p, "dense1/b")->offset, b, sizeof b);
    const jd_metadata config = {"jackdaw.config", "{\"input\":\"volume\",\"net\":\"dense 2 each\",\"classes\":2}"};
    assert_int_equal(jd_params_save(ctx, p, tmpdir_file(name), &config, 1), JD_OK);
    jd_tensor_file_close(f);
    jd_params_free(p);
}

static inline void write_text(const char *name, const char *text)
{
    tmpdir_write(tmpdir_file(name), text, strlen(text));
}

#endif
