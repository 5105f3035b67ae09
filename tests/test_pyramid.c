/* The system pyramid-lstm: volumes read, drawn, cropped and scored. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "../systems/em_crop.c"
#include "../systems/em_data.c"
#include "../systems/names.c"
#include "../systems/volumes.c"
#include "../systems/volumes_draw.c"

#include "ctx_tmpdir.h"

/* The label of a voxel is the sign of its value, so a crop that moves one without the other shows. */
static void crops(void **state)
{
    (void)state;
    enum { ALL_D = 7, ALL_H = 9, ALL_W = 8, N_ALL = ALL_D * ALL_H * ALL_W };
    static float x[N_ALL * 2], a[4 * 5 * 6 * 2], b[4 * 5 * 6 * 2];
    static uint8_t label[N_ALL];
    int32_t la[4 * 5 * 6], lb[4 * 5 * 6];
    jd_rng r = jd_rng_new(4, "volume", 0);
    for (int i = 0; i < N_ALL; i++) {
        x[2 * i] = (float)jd_rng_normal(&r);
        x[2 * i + 1] = -x[2 * i];
        label[i] = x[2 * i] > 0;
    }
    volume v = {.D = ALL_D, .H = ALL_H, .W = ALL_W, .x = x, .label = label};
    const volumes s = {.n = 1, .classes = 2, .v = &v};
    volume_crop_options o = {.size = {4, 5, 6}, .flips = 7};
    int32_t extent[3];
    int differ = 0;
    for (int k = 0; k < 50; k++) {
        volume_crop(&s, &o, 3, k, a, la, extent);
        for (int i = 0; i < 4 * 5 * 6; i++) {
            assert_int_equal(la[i], a[2 * i] > 0);
            assert_true(a[2 * i + 1] == -a[2 * i]);
        }
        volume_crop(&s, &o, 3, k, b, lb, extent);
        assert_memory_equal(a, b, sizeof a);
        volume_crop(&s, &o, 3, k + 1, b, lb, extent);
        differ += memcmp(a, b, sizeof a) != 0;
    }
    assert_int_equal(differ, 50);
    /* the whole volume, not flipped, is the volume */
    static float whole[N_ALL * 2];
    static int32_t whole_label[N_ALL];
    o = (volume_crop_options){.size = {ALL_D, ALL_H, ALL_W}};
    volume_crop(&s, &o, 3, 9, whole, whole_label, extent);
    assert_memory_equal(whole, x, sizeof whole);
    for (int i = 0; i < N_ALL; i++) assert_int_equal(whole_label[i], label[i]);
    /* arrays larger than the volume, and sides cut away */
    enum { ROOM = 10 };
    static float room[ROOM * ROOM * ROOM * 2];
    static int32_t room_label[ROOM * ROOM * ROOM];
    o = (volume_crop_options){.size = {ROOM, ROOM, ROOM}, .trim = 2};
    for (int k = 0; k < 20; k++) {
        volume_crop(&s, &o, 3, k, room, room_label, extent);
        assert_in_range(extent[0], ALL_D - 4, ALL_D);
        assert_in_range(extent[2], ALL_W - 4, ALL_W);
        for (int i = 0; i < ROOM * ROOM * ROOM; i++) {
            const bool in = i / 100 < extent[0] && i / 10 % 10 < extent[1] && i % 10 < extent[2];
            assert_int_equal(room_label[i], in ? room[2 * i] > 0 : -1);
            assert_true(in || (room[2 * i] == 0 && room[2 * i + 1] == 0));
        }
    }
}

static void dice(void **state)
{
    (void)state;
    const uint8_t a[8] = {0, 1, 1, 2, 2, 2, 0, 0}, b[8] = {0, 1, 2, 2, 2, 0, 0, 1};
    assert_true(volume_dice(a, b, 8, 1) == 0.5);
    assert_true(volume_dice(a, b, 8, 2) == 4. / 6);
    assert_true(volume_dice(a, a, 8, 2) == 1);
    assert_true(volume_dice(a, b, 8, 3) == 1);
}

/* Membranes separate cells: voxels of a plane that touch and are no membrane belong to one cell, and the picture is darker on
 * membranes, but not all over them. */
static void cells(void **state)
{
    (void)state;
    volumes s = {0}, again = {0};
    assert_int_equal(volumes_draw_cells(ctx, 7, 1, &s), JD_OK);
    assert_int_equal(volumes_draw_cells(ctx, 6, 2, &again), JD_OK);
    const volume *v = &s.v[0];
    assert_memory_equal(v->label, again.v[1].label, N);
    assert_memory_equal(v->x, again.v[1].x, N * 2 * sizeof(float));
    assert_true(memcmp(v->label, again.v[0].label, N) != 0);
    static uint8_t cell[N];
    jd_rng r = jd_rng_new(7, "cells in a volume", 0);
    find_cells(&r, cell);
    double on = 0, dark = 0, bright = 0;
    for (int i = 0; i < N; i++) {
        on += v->label[i];
        *(v->label[i] ? &dark : &bright) += (double)v->x[2 * i];
        if (i % SIDE + 1 < SIDE && !v->label[i] && !v->label[i + 1]) assert_int_equal(cell[i], cell[i + 1]);
    }
    assert_true(on > 0.2 * N && on < 0.7 * N);
    assert_true(dark / on < bright / (N - on) - 0.8);
    volumes_free(ctx, &s);
    volumes_free(ctx, &again);
}

static void write_pair(const char *const folder[2], const char *name, int depth, float label)
{
    float voxels[60];
    for (int i = 0; i < 60; i++) voxels[i] = (float)(i * 3 % 17);
    jd_volume v = {.frames = 1, .depth = depth, .height = 4, .width = 3, .voxels = voxels};
    char path[96];
    snprintf(path, sizeof path, "%s/%s", folder[0], name);
    assert_int_equal(jd_write_nifti(ctx, tmpdir_file(path), &v, JD_NIFTI_F32), JD_OK);
    for (int i = 0; i < 60; i++) voxels[i] = i % 5 == 0 ? label : 0;
    snprintf(path, sizeof path, "%s/%s", folder[1], name);
    assert_int_equal(jd_write_nifti(ctx, tmpdir_file(path), &v, JD_NIFTI_F32), JD_OK);
}

static void folders(void **state)
{
    (void)state;
    static const char *const folder[2] = {"image", "label"};
    mkdir(tmpdir_file("image"), 0700);
    mkdir(tmpdir_file("label"), 0700);
    write_pair(folder, "a.nii.gz", 5, 2);
    write_pair(folder, "b.nii.gz", 2, 1);
    static const char list[] = "file\tsplit\na.nii.gz\ttrain\nb.nii.gz\ttrain\n";
    tmpdir_write(tmpdir_file("train.tsv"), list, strlen(list));
    volumes s = {0}, held = {0};
    assert_int_equal(volumes_load_hippocampus(ctx, tmpdir_path, "train", &s), JD_OK);
    assert_int_equal(s.n, 2);
    assert_string_equal(s.v[1].name, "b");
    assert_int_equal(s.v[0].label[5], 2);
    int64_t size[3];
    volumes_extent(&s, &held, size);
    assert_int_equal(size[0], 5);
    assert_int_equal(size[2], 3);
    assert_int_equal(volumes_hold_out(ctx, &s, 2, &held), JD_OK);
    assert_int_equal(s.n, 1);
    assert_int_equal(held.n, 1);
    assert_string_equal(held.v[0].name, "b");
    volumes_free(ctx, &s);
    volumes_free(ctx, &held);
    /* a label that there is not */
    write_pair(folder, "b.nii.gz", 2, 3);
    assert_int_equal(volumes_load_hippocampus(ctx, tmpdir_path, "train", &s), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "label/b.nii.gz: voxel 0 has the label 3"));
    jd_error_clear(ctx);
    assert_null(s.v);
}

/* The decathlon's own folder: every fifth volume is a test, hidden files are left out. */
static void decathlon(void **state)
{
    (void)state;
    static const char *const folder[2] = {"imagesTr", "labelsTr"};
    char name[32];
    remove(tmpdir_file("train.tsv"));
    for (int k = 0; k < 2; k++) mkdir(tmpdir_file(folder[k]), 0700);
    volumes s = {0};
    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof name, "h_%02d.nii.gz", 3 * i);
        write_pair(folder, name, 5, 2);
    }
    assert_int_equal(volumes_load_hippocampus(ctx, tmpdir_path, "train", &s), JD_EDATA); /* too few */
    jd_error_clear(ctx);
    write_pair(folder, "h_99.nii.gz", 5, 1);
    tmpdir_write(tmpdir_file("imagesTr/._h_00.nii.gz"), "x", 1);
    assert_int_equal(volumes_load_hippocampus(ctx, tmpdir_path, "train", &s), JD_OK);
    assert_int_equal(s.n, 8);
    assert_string_equal(s.v[4].name, "h_15");
    volumes_free(ctx, &s);
    assert_int_equal(volumes_load_hippocampus(ctx, tmpdir_path, "test", &s), JD_OK);
    assert_int_equal(s.n, 2);
    assert_string_equal(s.v[1].name, "h_99");
    volumes_free(ctx, &s);
}

/* Where $JACKDAW_DATA has it as its archive unpacks, it is found, and so it is in a folder that is given. */
static void unpacked(void **state)
{
    (void)state;
    setenv("JACKDAW_DATA", tmpdir_path, 1);
    mkdir(tmpdir_file("msd_hippocampus"), 0700);
    mkdir(tmpdir_file("msd_hippocampus/Task04_Hippocampus"), 0700);
    mkdir(tmpdir_file("msd_hippocampus/Task04_Hippocampus/imagesTr"), 0700);
    char *set = jd_dataset_folder(ctx, "msd_hippocampus", NULL),
         *given = jd_dataset_folder(ctx, "msd_hippocampus", tmpdir_file("msd_hippocampus"));
    assert_string_equal(set, tmpdir_file("msd_hippocampus/Task04_Hippocampus"));
    assert_string_equal(given, set);
    assert_int_equal(jd_dataset_verify(ctx, jd_dataset_find(ctx, "msd_hippocampus"), set, NULL, NULL), JD_OK);
    jd_free(ctx, set);
    jd_free(ctx, given);
    assert_null(jd_dataset_folder(ctx, "msd_hippocampus", tmpdir_file("nowhere")));
    assert_non_null(strstr(jd_error_message(ctx), "nowhere: no such folder; for the set msd_hippocampus, unpack"));
    jd_error_clear(ctx);
    /* A path in the place of a name is a folder laid out like a set. */
    tmpdir_write(tmpdir_file("quarter.test.txt"), "60\n", 3);
    char *file = jd_dataset_path(ctx, tmpdir_path, "quarter.test.txt");
    assert_string_equal(file, tmpdir_file("quarter.test.txt"));
    jd_free(ctx, file);
    /* Pictures as torchvision leaves them: MNIST/raw. */
    static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9},
                         labels[] = {0, 0, 8, 1, 0, 0, 0, 1, 3};
    char folder[96];
    snprintf(folder, sizeof folder, "%s/tv", tmpdir_path);
    mkdir(folder, 0700), mkdir(tmpdir_file("tv/MNIST"), 0700), mkdir(tmpdir_file("tv/MNIST/raw"), 0700);
    for (int k = 0; k < 2; k++) {
        tmpdir_write(tmpdir_file(k ? "tv/MNIST/raw/t10k-images-idx3-ubyte" : "tv/MNIST/raw/train-images-idx3-ubyte"),
                     images, sizeof images);
        tmpdir_write(tmpdir_file(k ? "tv/MNIST/raw/t10k-labels-idx1-ubyte" : "tv/MNIST/raw/train-labels-idx1-ubyte"),
                     labels, sizeof labels);
    }
    jd_images im = {0};
    if (jd_load_images(ctx, folder, JD_TEST, &im)) fail_msg("%s", jd_error_message(ctx));
    assert_true(im.count == 1 && im.width == 2 && im.pixels[1] == 9 && im.labels[0] == 3 && im.classes == 4);
    jd_images_free(ctx, &im);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(crops),     cmocka_unit_test(dice),
                                       cmocka_unit_test(cells),     cmocka_unit_test(folders),
                                       cmocka_unit_test(decathlon), cmocka_unit_test(unpacked)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
