/* oom_files.c - what is written and read back: see oom.h.  The readers of strangers' files are met in fuzz_main.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "jackdaw/csvlog.h"
#include "jackdaw/jackdaw.h"
#include "oom.h"

static const float numbers[6] = {1, -2, 3.5f, 0, 1e30f, -1e-30f};
static const jd_tensor_entry tensors[] = {
    {.name = "layer/W", .dtype = JD_FILE_F32, .rank = 2, .dim = {2, 3}, .data = numbers},
    {.name = "layer/b", .dtype = JD_FILE_F32, .rank = 1, .dim = {3}, .data = numbers}};

static void add_file(uint64_t *sum, jd_tensor_file *f)
{
    for (size_t i = 0; i < jd_tensor_file_count(f); i++)
        oom_add(sum, jd_tensor_file_entry(f, i)->data, (size_t)jd_tensor_file_entry(f, i)->bytes);
    for (size_t i = 0; i < jd_tensor_file_metadata_count(f); i++)
        oom_add(sum, jd_tensor_file_metadata(f, i)->value, strlen(jd_tensor_file_metadata(f, i)->value));
    jd_tensor_file_close(f);
}

static void checkpoint(jd_ctx *ctx, uint64_t *sum)
{
    const jd_metadata note = {"jackdaw.note", "a longer text with \"quotes\" and \\ and \xc3\xa4"};
    const char *path = oom_path("last.ckpt");
    char *warning = NULL;
    for (int i = 0; i < 3; i++) jd_checkpoint_save(ctx, path, tensors, 2, &note, 1, 1);
    jd_tensor_file *f = jd_checkpoint_load(ctx, path, &warning);
    if (f) add_file(sum, f);
    jd_free(ctx, warning);
}

static void arrays(jd_ctx *ctx, uint64_t *sum)
{
    jd_tensor_file *f = NULL;
    if (!jd_npy_write(ctx, oom_path("a.npy"), tensors)) f = jd_npy_open(ctx, oom_path("a.npy"));
    if (f) add_file(sum, f);
    f = NULL;
    if (!jd_npz_write(ctx, oom_path("a.npz"), tensors, 2)) f = jd_npz_open(ctx, oom_path("a.npz"));
    if (f) add_file(sum, f);
    f = NULL;
    if (!jd_safetensors_write(ctx, oom_path("a.safetensors"), tensors, 2, NULL, 0))
        f = jd_safetensors_open(ctx, oom_path("a.safetensors"));
    if (f) add_file(sum, f);
}

static void pictures(jd_ctx *ctx, uint64_t *sum)
{
    uint8_t pixels[3 * 4 * 5];
    for (int i = 0; i < 60; i++) pixels[i] = (uint8_t)(i * 37);
    jd_picture p = {4, 5, 3, pixels}, got = {0};
    if (!jd_write_png(ctx, oom_path("a.png"), &p) && !jd_read_picture(ctx, oom_path("a.png"), 0, &got))
        oom_add(sum, got.pixels, 60);
    jd_picture_free(ctx, &got);
    jd_images images = {.count = 3, .height = 4, .width = 5, .channels = 1, .pixels = jd_alloc(ctx, 60)};
    if (images.pixels) memcpy(images.pixels, pixels, 60);
    if (images.pixels &&
        !jd_images_prepare(ctx, &images, "resize 6 6, ink-width 3, histeq, adapthisteq tile 3 clip 0.1"))
        oom_add(sum, images.pixels, 108);
    jd_images_free(ctx, &images);
    size_t bytes;
    uint8_t *png = jd_png_encode(ctx, pixels, 5, 4, 3, &bytes);
    if (png) oom_add(sum, png, bytes);
    jd_free(ctx, png);
}

static void sounds(jd_ctx *ctx, uint64_t *sum)
{
    static float x[4000];
    for (int i = 0; i < 4000; i++) x[i] = (float)sin(i * 0.1) / 2;
    jd_sound s = {.rate = 8000, .count = 4000, .samples = x}, got = {0};
    jd_frontend_options o;
    jd_frontend *f = NULL;
    if (!jd_write_wav(ctx, oom_path("a.wav"), &s) && !jd_read_sound(ctx, oom_path("a.wav"), &got) &&
        !jd_frontend_preset(ctx, "mfcc39", 8000, &o) && (f = jd_frontend_new(ctx, &o)) != NULL) {
        const size_t T = jd_frontend_frames(f, got.count);
        float *y = jd_alloc_array(ctx, T * 39, sizeof *y);
        if (y) jd_frontend_run(f, got.samples, got.count, y);
        if (y) oom_add(sum, y, T * 39 * sizeof *y);
        jd_free(ctx, y);
    }
    jd_frontend_free(f);
    jd_sound_free(ctx, &got);
    jd_ear *ear = jd_ear_new(ctx, &(jd_ear_options){.preset = "mfcc39", .rate = 8000, .skip = 1});
    const size_t T = ear ? jd_ear_hear(ear, x, 4000, 16000, 0) : 0;
    if (T && !jd_error(ctx)) oom_add(sum, jd_ear_steps(ear), T * (size_t)jd_ear_width(ear) * sizeof(float));
    jd_ear_free(ear);
}

static void volumes(jd_ctx *ctx, uint64_t *sum)
{
    float voxels[24];
    for (int i = 0; i < 24; i++) voxels[i] = (float)(i * i);
    const jd_volume v = {.frames = 1, .depth = 2, .height = 3, .width = 4, .voxels = voxels};
    jd_volume got = {0};
    if (!jd_write_nifti(ctx, oom_path("a.nii.gz"), &v, JD_NIFTI_F32) &&
        !jd_read_volume(ctx, oom_path("a.nii.gz"), &got) && !jd_volume_normalise(ctx, &got))
        oom_add(sum, got.voxels, sizeof voxels);
    jd_volume_free(ctx, &got);
}

static void tables(jd_ctx *ctx, uint64_t *sum)
{
    static const char csv[] = "a,b,c\n1,2,x\n3,?,y\n", tsv[] = "id\ttext\n1\tone\n2\ttwo\n";
    jd_table t = {0};
    jd_tsv w = {0};
    if (!jd_write_file(ctx, oom_path("a.csv"), csv, sizeof csv - 1) &&
        !jd_read_csv(ctx, oom_path("a.csv"),
                     &(jd_csv_options){.missing_is_nan = true, .last_words = true, .select = "c,1-2,c"}, &t))
        oom_add(sum, t.values, t.rows * t.cols * sizeof *t.values);
    jd_error(ctx) == JD_ENOMEM ? (void)0 : jd_error_clear(ctx);
    jd_table_free(ctx, &t);
    static const char people[] = "d;w;n\n1.2.2024;1,5 kg;x\n13.2.2024;2 kg;y\n";
    if (!jd_write_file(ctx, oom_path("p.csv"), people, sizeof people - 1) &&
        !jd_read_csv(ctx, oom_path("p.csv"),
                     &(jd_csv_options){.missing_is_nan = true, .categories = true, .forms = true, .leave_out = true},
                     &t))
        oom_add(sum, t.values, t.rows * t.cols * sizeof *t.values);
    jd_error(ctx) == JD_ENOMEM ? (void)0 : jd_error_clear(ctx);
    jd_table_free(ctx, &t);
    if (!jd_write_file(ctx, oom_path("a.tsv"), tsv, sizeof tsv - 1) && !jd_read_tsv(ctx, oom_path("a.tsv"), &w))
        oom_add(sum, w.fields[3], strlen(w.fields[3]));
    jd_tsv_free(ctx, &w);
}

static void music(jd_ctx *ctx, uint64_t *sum)
{
    jd_midi_note notes[3] = {{0, 10, 60, 100, 0}, {5, 10, 64, 90, 1}, {20, 5, 67, 80, 0}};
    const jd_midi m = {.division = 96, .tempo = 120, .count = 3, .notes = notes};
    jd_midi got = {0};
    if (!jd_write_midi(ctx, oom_path("a.mid"), &m) && !jd_read_midi(ctx, oom_path("a.mid"), &got))
        oom_add(sum, &got.count, sizeof got.count);
    jd_midi_free(ctx, &got);
}

static void events(jd_ctx *ctx, uint64_t *sum)
{
    static const uint8_t pixels[12] = {1, 2, 3};
    jd_events *e = jd_events_new(ctx, oom_path("events"));
    char path[300] = "";
    if (e) {
        snprintf(path, sizeof path, "%s", jd_events_path(e));
        jd_events_scalar(e, "loss", 1, 0.5f);
        jd_events_image(e, "picture", 2, pixels, 2, 2, 3);
    }
    jd_events_close(e);
    jd_event_reader *r = jd_error(ctx) ? NULL : jd_event_reader_open(ctx, path);
    jd_event one;
    while (r && jd_event_reader_next(r, &one)) oom_add(sum, one.tag, strlen(one.tag));
    jd_event_reader_close(r);
    if (*path) remove(path);
}

static void csv_log(jd_ctx *ctx, uint64_t *sum)
{
    static const char *const columns[] = {"step", "name, with comma"};
    for (int resumed = 0; resumed < 2; resumed++) {
        jd_csv_log *log = jd_csv_log_open(ctx, oom_path("metrics.csv"), columns, 2, resumed ? 1 : -1);
        jd_csv_log_append(log, (double[]){1 + resumed, 0.5});
        jd_csv_log_append_text(log, (const char *const[]){"3", "\"quoted\""});
        jd_csv_log_close(log);
    }
    size_t bytes;
    char *text = jd_read_file(ctx, oom_path("metrics.csv"), 0, &bytes);
    if (text) oom_add(sum, text, bytes);
    jd_free(ctx, text);
}

static void report_figures(jd_ctx *ctx, jd_report *r)
{
    static const double x[4] = {0, 1, 2, 3}, y[4] = {4, 2, 1, 0.5};
    static const float values[12] = {1, 2, 3, 4, 0, -1, 2, 0, 1, 1, 0, 1};
    static const char *const names[3] = {"a", "b", "c"};
    static const uint8_t pixels[2 * 3 * 3] = {200, 3};
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "x"}, &(jd_axis){.label = "y", .scale = JD_LOG}, 0);
    jd_chart_line(c, "line", x, y, 4, JD_MARKS);
    jd_chart_hline(c, "level", 1, 0);
    jd_report_chart(r, c, "A chart.");
    jd_timeline *t = jd_timeline_new(ctx, "s", 0, 1);
    jd_timeline_map(t, &(jd_map){.label = "map", .values = values, .T = 4, .H = 3, .vmin = -1, .vmax = 4});
    jd_timeline_lines(t, "lines", values, 4, 3, names, -1, 4);
    jd_timeline_spikes(t, "spikes", values, 4, 3, names, 0);
    jd_timeline_text(t, "text", "words", NULL);
    jd_report_timeline(r, t, "A timeline.");
    jd_report_confusion(r, names, (const int64_t[]){5, 0, 1, 0, 4, 0, 0, 0, 3}, 3, "Confusion.");
    jd_report_images(r, &(jd_tiles){.pixels = pixels, .n = 2, .h = 3, .w = 3, .channels = 1, .columns = 2}, "Tiles.");
    jd_report_filters(r, values, 3, 2, 2, 1, true, "Filters.");
    jd_report_matrix(
        r,
        &(jd_matrix){
            .values = values, .rows = 1, .columns = 3, .row_names = names, .column_names = names, .vmin = 0, .vmax = 4},
        "Matrix.");
    jd_report_table(r, names, (const char *const[]){"1", "2", "3"}, 1, 3, "Table.");
    jd_report_pairs(r, "Pairs", names, names, 3);
    jd_report_tree(r, (const jd_tree_node[]){{"S", -1, false}, {"NP", 0, true}, {"dogs", 1, false}}, 3, "A tree.");
}

static void report(jd_ctx *ctx, uint64_t *sum)
{
    const double value = 1.5;
    jd_report *r = jd_report_new(ctx, "Title", "subtitle");
    jd_report_result(
        r, &(jd_result_row){
               .metric = "error", .unit = "%", .paper = 2, .values = &value, .n = 1, .accept = 2, .passed = true});
    jd_report_section(r, "Section");
    jd_report_text(r, "A text.");
    report_figures(ctx, r);
    jd_report_write(r, oom_path("report.html"));
    size_t bytes;
    char *html = jd_report_html(r, &bytes);
    if (html) oom_add(sum, html, bytes);
    jd_free(ctx, html);
    jd_report_free(r);
    char *spark = jd_sparkline(ctx, &value, 1, 10);
    jd_free(ctx, spark);
}

static void trace_net(jd_graph *g, void *user)
{
    jd_result(g, "y", jd_net(g, user, jd_arg(g, "x"), JD_NONE));
}

static void export_one(jd_ctx *ctx, jd_export e, const jd_tensor *x, const char *name, uint64_t *sum)
{
    char spec[160];
    snprintf(spec, sizeof spec, "%s", e.net);
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *f = w ? jd_fn_new(ctx, w, trace_net, spec) : NULL;
    char file[64];
    snprintf(file, sizeof file, "%s.onnx", name);
    e.params = w;
    if (f && jd_fn_plan(f, x, 1) && !jd_export_c(ctx, &e, oom_path("c"), name) &&
        !jd_export_onnx(ctx, &e, oom_path(file), e.sequence)) {
        size_t bytes;
        void *data = jd_read_file(ctx, oom_path(file), 0, &bytes);
        if (data) oom_add(sum, data, bytes);
        jd_free(ctx, data);
    }
    jd_fn_free(f);
    jd_params_free(w);
}

static void export(jd_ctx *ctx, uint64_t *sum)
{
    const float mean[4] = {0}, factor[4] = {1, 1, 1, 1};
    export_one(ctx,
               (jd_export){.net = "conv 3 3 tanh, maxpool 2, dense 4 relu, dense 2",
                           .height = 7,
                           .width = 7,
                           .channels = 1,
                           .softmax = true,
                           .high = 1},
               &JD_TENSOR("x", JD_F32, NULL, 1, 7, 7, 1), "picture", sum);
    export_one(
        ctx,
        (jd_export){
            .net = "blstm 3 peepholes, gru 2, dense 2", .columns = 4, .sequence = true, .mean = mean, .factor = factor},
        &JD_TENSOR("x", JD_F32, NULL, 3, 1, 4), "sequence", sum);
    export_one(ctx,
               (jd_export){.net = "conv 2 2 fan 1 dilate 2 pad 1 places, contrast 3, block 2 2, mdlstm 1 peepholes, "
                                  "collapse, lstm 2 layernorm, window 1, dense 2",
                           .height = 5,
                           .width = 5,
                           .channels = 2},
               &JD_TENSOR("x", JD_F32, NULL, 1, 5, 5, 2), "line", sum);
    export_one(ctx, (jd_export){.net = "embed 3 2, dense 2", .columns = 1}, &JD_TENSOR("x", JD_I32, NULL, 1), "symbol",
               sum);
}

static void model(jd_ctx *ctx, uint64_t *sum)
{
    static const char config[] =
        "{\"net\":\"lstm 2, dense 2\",\"input\":\"5x3\",\"classes\":0,\"mean\":\"1 2 3\",\"factor\":"
        "\"1 1 2\",\"targets\":2,\"target-mean\":\"1 2\",\"target-factor\":\"2 3\",\"class-names\":\"a|b\"}";
    const float x[15] = {1, 2, 3, 4};
    float y[10] = {0};
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *f = w ? jd_fn_new(ctx, w, trace_net, "lstm 2, dense 2") : NULL;
    const jd_tensor in = JD_TENSOR("x", JD_F32, x, 5, 1, 3);
    if (f && jd_fn_plan(f, &in, 1))
        jd_params_save(ctx, w, oom_path("model"), (jd_metadata[]){{"jackdaw.config", config}}, 1);
    jd_fn_free(f);
    jd_params_free(w);
    jd_model *m = jd_model_open(ctx, oom_path("model")), *other = jd_model_share(ctx, m);
    jd_stream *s = jd_model_stream(m, 1);
    if (!jd_model_run_sequences(other, x, NULL, 5, 1, y)) oom_add(sum, y, sizeof y);
    const float *fed = jd_stream_feed(s, x, 5);
    if (fed) oom_add(sum, fed, sizeof y);
    jd_stream_free(s);
    jd_model_free(other);
    jd_model_free(m);
}

const oom_scenario oom_files[] = {{"checkpoint", checkpoint},
                                  {"arrays", arrays},
                                  {"pictures", pictures},
                                  {"sounds", sounds},
                                  {"volumes", volumes},
                                  {"tables", tables},
                                  {"music", music},
                                  {"events", events},
                                  {"csv-log", csv_log},
                                  {"report", report},
                                  {"export", export},
                                  {"model", model},
                                  {0}};
