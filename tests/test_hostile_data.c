/*
 * Hostile files: every prefix and every single-bit flip of small files of each format.  A reader must answer with data or
 * with JD_EDATA, never crash, never hand out memory on failure, and never ask for more than 16 MiB.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sndfile.h>
#include <zlib.h>

#include "jackdaw/data.h"
#include "jackdaw/ink.h"
#include "jackdaw/midi.h"
#include "jackdaw/ngram.h"
#include "jackdaw/protein.h"
#include "jackdaw/volume.h"
#include "jackdaw/sets.h"
#include "jpeg_help.h"
#include "picture_files.h"
#include "sets_help.h"
#include "tiff_file.h"
#include "tmpdir.h"

/* An allocator that counts what is out and notes the largest wish. */
typedef struct counter {
    long out;
    size_t largest;
    long left; /* allocations until one fails; negative: none does */
} counter;

static void *count_alloc(void *user, size_t bytes)
{
    counter *c = user;
    if (bytes > c->largest) c->largest = bytes;
    if (bytes > (size_t)64 << 20 || (c->left >= 0 && c->left-- == 0)) return NULL;
    c->out++;
    void *p = NULL;
    return posix_memalign(&p, 64, bytes) == 0 ? p : NULL;
}

static void count_free(void *user, void *p)
{
    ((counter *)user)->out--;
    free(p);
}

static counter count = {.left = -1};
static jd_ctx *ctx;

static int setup(void **state)
{
    ctx = jd_ctx_new(&(jd_options){.threads = 1, .alloc = count_alloc, .free = count_free, .alloc_user = &count});
    return ctx ? tmpdir_setup(state) : -1;
}

static int teardown(void **state)
{
    jd_ctx_free(ctx);
    return tmpdir_teardown(state);
}

typedef enum kind {
    IDX,
    PNG,
    SOUND,
    CSV,
    TSV,
    ARPA,
    INK,
    MOSAICS,
    NORB,
    GNT,
    BLOB,
    GTSRB,
    NIFTI,
    TIFF,
    CHAINS,
    MIDI
} kind;

/* Reads the file and frees what came. */
static jd_status read_one(kind k, const char *path)
{
    jd_idx idx = {0};
    jd_picture picture = {0};
    jd_sound sound = {0};
    jd_table table = {0};
    jd_tsv tsv = {0};
    jd_ngram *ngram = NULL;
    jd_ink ink = {0};
    jd_images images = {0};
    jd_volume volume = {0};
    jd_chains chains = {0};
    jd_midi midi = {0};
    jd_status st = JD_EUSAGE;
    switch (k) {
    case IDX: st = jd_read_idx(ctx, path, &idx); break;
    case PNG: st = jd_read_picture(ctx, path, 3, &picture); break;
    case SOUND: st = jd_read_sound(ctx, path, &sound); break;
    case CSV: st = jd_read_csv(ctx, path, NULL, &table); break;
    case TSV: st = jd_read_tsv(ctx, path, &tsv); break;
    case ARPA:
        ngram = jd_arpa_read(ctx, path);
        st = jd_error(ctx);
        break;
    case INK: st = jd_read_ink(ctx, path, &ink); break;
    case NORB: {
        char cat[128];
        snprintf(cat, sizeof cat, "%s/cat", tmpdir_path);
        st = jd_images_read_norb(ctx, path, cat, NULL, 5, &images);
        break;
    }
    case GNT: st = jd_images_read_gnt(ctx, path, &(jd_gnt_options){.side = 8}, &images); break;
    case BLOB: st = jd_images_read_blob(ctx, path, 1, 2, &images); break;
    case GTSRB: st = jd_images_read_gtsrb(ctx, path, 4, 43, &images); break;
    case MOSAICS: st = jd_images_read_mosaics(ctx, path, 4, 9, &images); break;
    case NIFTI: st = jd_read_nifti(ctx, path, &volume); break;
    case TIFF: st = jd_read_tiff(ctx, path, &volume); break;
    case CHAINS: st = jd_read_chains(ctx, path, &chains); break;
    case MIDI: st = jd_read_midi(ctx, path, &midi); break;
    }
    if (st) { /* the caller's objects stay as they were */
        assert_null(idx.data);
        assert_null(picture.pixels);
        assert_null(sound.samples);
        assert_null(table.values);
        assert_null(tsv.text);
        assert_null(ngram);
        assert_null(ink.items);
        assert_null(images.pixels);
        assert_null(volume.voxels);
        assert_null(chains.items);
        assert_null(midi.notes);
    }
    jd_idx_free(ctx, &idx);
    jd_picture_free(ctx, &picture);
    jd_sound_free(ctx, &sound);
    jd_table_free(ctx, &table);
    jd_tsv_free(ctx, &tsv);
    jd_ngram_free(ngram);
    jd_ink_free(ctx, &ink);
    jd_images_free(ctx, &images);
    jd_volume_free(ctx, &volume);
    jd_chains_free(ctx, &chains);
    jd_midi_free(ctx, &midi);
    return st;
}

/* Reads the file `path`; the answer is JD_OK or JD_EDATA with the file's name in the sentence. */
static jd_status try_file(kind k, const char *path, const char *what, size_t at)
{
    const long out = count.out;
    count.largest = 0;
    const jd_status st = read_one(k, path);
    const bool index = k == MOSAICS || k == BLOB || k == GTSRB || k == NORB; /* may name other files */
    if (st != JD_OK && st != JD_EDATA && !(index && st == JD_ENOINPUT))
        fail_msg("%s %zu: %s", what, at, jd_error_message(ctx));
    if (st && !strstr(jd_error_message(ctx), index ? tmpdir_path : path))
        fail_msg("%s %zu: no file name: %s", what, at, jd_error_message(ctx));
    assert_int_equal(jd_error(ctx), st);
    jd_error_clear(ctx);
    if (count.out != out) fail_msg("%s %zu: memory is lost", what, at);
    if (count.largest > (size_t)16 << 20) fail_msg("%s %zu: %zu bytes asked for", what, at, count.largest);
    return st;
}

/* All bit flips, then all prefixes; `must_fail`: every prefix is an error.  The file is changed in place: making some
 * thousand new ones would take most of the time. */
static void torture(kind k, const char *path, bool must_fail)
{
    size_t bytes = 0;
    uint8_t *data = jd_read_file(ctx, path, 1 << 20, &bytes);
    assert_non_null(data);
    assert_in_range(bytes, 1, 3000);
    if (try_file(k, path, "whole", bytes)) fail_msg("%s cannot be read", path);
    const int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        const uint8_t flipped = data[bit / 8] ^ (uint8_t)(1u << bit % 8);
        assert_int_equal(pwrite(fd, &flipped, 1, (off_t)(bit / 8)), 1);
        try_file(k, path, "bit", bit);
        assert_int_equal(pwrite(fd, &data[bit / 8], 1, (off_t)(bit / 8)), 1);
    }
    for (size_t n = bytes; n-- > 0;) {
        assert_int_equal(ftruncate(fd, (off_t)n), 0);
        if (try_file(k, path, "prefix", n) == JD_OK && must_fail)
            fail_msg("%s: a prefix of %zu bytes is taken", path, n);
    }
    close(fd);
    jd_free(ctx, data);
}

static void make_gz(const char *path, const void *data, size_t bytes)
{
    gzFile f = gzopen(path, "wb9");
    assert_int_equal(gzwrite(f, data, (unsigned)bytes), (int)bytes);
    gzclose(f);
}

static void idx(void **state)
{
    (void)state;
    const char *plain = tmpdir_file("a.idx"), *gz = tmpdir_file("a.gz");
    int32_t values[60];
    for (int i = 0; i < 60; i++) values[i] = i * 1000003;
    jd_write_idx(ctx, plain, &(jd_idx){.type = JD_IDX_I32, .rank = 3, .size = {3, 4, 5}, .data = values});
    size_t bytes;
    void *data = jd_read_file(ctx, plain, 0, &bytes);
    make_gz(gz, data, bytes);
    jd_free(ctx, data);
    torture(IDX, plain, true);
    torture(IDX, gz, true);
}

static void png(void **state)
{
    (void)state;
    uint8_t px[12 * 11 * 3];
    for (int i = 0; i < 396; i++) px[i] = (uint8_t)(i * 5);
    for (int ch = 1; ch <= 3; ch += 2) {
        const char *path = tmpdir_file("a.png");
        jd_write_png(ctx, path, &(jd_picture){.height = 11, .width = 12, .channels = ch, .pixels = px});
        torture(PNG, path, true);
    }
}

static void sound(void **state)
{
    (void)state;
    const char *wav = tmpdir_file("a.wav"), *packed = tmpdir_file("a.snd");
    float x[150];
    for (int i = 0; i < 150; i++) x[i] = (float)(i * 37 % 200 - 100) / 128.f;
    jd_write_wav(ctx, wav, &(jd_sound){.rate = 8000, .count = 150, .samples = x});
    torture(SOUND, wav, true);
    static const struct {
        int format;
        bool whole; /* what is cut off is noticed at every byte */
    } other[] = {{SF_FORMAT_FLAC | SF_FORMAT_PCM_16, false},
                 {SF_FORMAT_AIFF | SF_FORMAT_PCM_16, true},
                 {SF_FORMAT_AU | SF_FORMAT_ULAW, true},
                 {SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, false}};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        SF_INFO info = {.samplerate = 8000, .channels = 1, .format = other[i].format};
        SNDFILE *f = sf_open(packed, SFM_WRITE, &info);
        if (!f && !sf_format_check(&info)) continue; /* libsndfile may have been built without MP3 */
        assert_int_equal(sf_write_float(f, x, 150), 150);
        sf_close(f);
        torture(SOUND, packed, other[i].whole);
    }
}

static void volumes(void **state)
{
    (void)state;
    float voxels[24];
    for (int i = 0; i < 24; i++) voxels[i] = (float)(i * 10);
    const jd_volume v = {.frames = 1, .depth = 2, .height = 4, .width = 3, .voxels = voxels};
    const char *plain = tmpdir_file("a.nii"), *gz = tmpdir_file("a.nii.gz");
    jd_write_nifti(ctx, plain, &v, JD_NIFTI_I16);
    jd_write_nifti(ctx, gz, &v, JD_NIFTI_F32);
    torture(NIFTI, plain, true);
    torture(NIFTI, gz, true);
}

static void tiffs(void **state)
{
    (void)state;
    static const tiff_kind stack[] = {{false, 8, 1, 1, 2, 5, 7, false}, {true, 16, 1, 0, 1, 9, 11, true}};
    uint8_t file[1024];
    uint32_t value[128];
    for (uint32_t i = 0; i < 128; i++) value[i] = i * 3;
    for (int k = 0; k < 2; k++) {
        const char *path = tmpdir_file("a.tif");
        tmpdir_write(path, file, tiff_file(&stack[k], value, file));
        if (read_one(TIFF, path) == JD_EABSENT) {
            jd_error_clear(ctx);
            return;
        }
        torture(TIFF, path, false); /* the link to a next picture may be missing */
    }
    const char *path = tmpdir_file("one.tif");
    tmpdir_write(path, file, tiff_file(&(tiff_kind){false, 16, 1, 1, 1, 5, 7, false}, value, file));
    torture(PNG, path, false); /* as a picture */
}

static void tables(void **state)
{
    (void)state;
    const char *path = tmpdir_file("a.txt"), *gz = tmpdir_file("a.txt.gz");
    static const char csv[] = "x,y,z\n1,2.5,-3e7\n4,nan,6\n# note\n7,8,9\n", tsv[] = "a\tbb\tccc\n1\tx\t\n\n2\ty\tz\n";
    tmpdir_write(path, csv, strlen(csv));
    torture(CSV, path, false);
    make_gz(gz, csv, strlen(csv));
    torture(CSV, gz, true);
    tmpdir_write(path, tsv, strlen(tsv));
    torture(TSV, path, false);
}

static const char NGRAMS[] = "\\data\\\nngram 1=3\nngram 2=2\n\n\\1-grams:\n-1 <unk>\n-0.5\ta\t-0.25\n-0.75 b\n\n"
                             "\\2-grams:\n-0.2 a b\n-0.1 a a\n\n\\end\\\n";

static void ngrams(void **state)
{
    (void)state;
    const char *path = tmpdir_file("a.arpa"), *gz = tmpdir_file("a.arpa.gz");
    tmpdir_write(path, NGRAMS, strlen(NGRAMS));
    torture(ARPA, path, false); /* the last line end may be missing */
    make_gz(gz, NGRAMS, strlen(NGRAMS));
    torture(ARPA, gz, true);
}

static const char ink_tsv[] = "id\twriter\ttext\tstrokes\na\tme\tHi\t3 100 -3 10 5 -9;7 8\nb\t\tx\t0 0\n";
static const char ink_text[] = "# text: Hi\n1 2\n3 4.5 7\n\n-1e2 5\n";
static const char ink_xml[] = "<ink><annotation type='truth'>Hi</annotation><traceFormat><channel name='X'/>"
                              "<channel name='Y'/></traceFormat><trace>1 2,'3'4,\"1 -1</trace></ink>";

static bool reads_inkml(void)
{
    tmpdir_write(tmpdir_file("xml"), ink_xml, strlen(ink_xml));
    const bool yes = read_one(INK, tmpdir_file("xml")) == JD_OK;
    jd_error_clear(ctx);
    return yes;
}

static void inks(void **state)
{
    (void)state;
    const char *path = tmpdir_file("ink"), *gz = tmpdir_file("ink.gz");
    tmpdir_write(path, ink_tsv, strlen(ink_tsv));
    if (reads_inkml()) torture(INK, path, false); /* else a flipped bit may ask for it */
    tmpdir_write(path, ink_text, strlen(ink_text));
    if (reads_inkml()) torture(INK, path, false);
    make_gz(gz, ink_tsv, strlen(ink_tsv));
    torture(INK, gz, true);
    tmpdir_write(path, ink_xml, strlen(ink_xml));
    if (reads_inkml()) torture(INK, path, true);
}

/* Two mosaics of 2 x 3 tiles beside an index. */
static void make_mosaics(const char *index, const char *text)
{
    uint8_t px[8 * 12 * 3];
    for (int i = 0; i < 288; i++) px[i] = (uint8_t)(i * 7);
    for (int k = 0; k < 2; k++)
        jd_write_png(ctx, tmpdir_file(k ? "m1.png" : "m0.png"),
                     &(jd_picture){.height = 8, .width = 12, .channels = 3, .pixels = px});
    tmpdir_write(index, text, strlen(text));
}

static const char MOSAIC_INDEX[] = "mosaic\ttile\tclass\ttrack\torig_w\torig_h\troi_x1\troi_y1\troi_x2\troi_y2\n"
                                   "m0.png\t5\t8\t0\t40\t30\t5\t5\t34\t24\nm1.png\t0\t1\t-1\t9\t9\t1\t1\t7\t7\n";

static void mosaics(void **state)
{
    (void)state;
    const char *path = tmpdir_file("a.tsv");
    make_mosaics(path, MOSAIC_INDEX);
    /* a flipped bit may name a mosaic that is not there: JD_ENOINPUT, with the mosaic's name */
    torture(MOSAICS, path, false);
}

static void jpegs(void **state)
{
    (void)state;
    uint8_t px[8 * 11 * 3];
    for (int i = 0; i < (int)sizeof px; i++) px[i] = (uint8_t)(i * 5);
    for (int colour = 0; colour < 2; colour++) { /* gray; progressive colour */
        size_t bytes;
        uint8_t *file = jpeg_file(px, 8, 11, colour ? 3 : 1, colour, &bytes);
        if (!file) return;
        const char *path = tmpdir_file("a.jpg");
        tmpdir_write(path, file, bytes);
        free(file);
        torture(PNG, path, false); /* without the end mark all pixels may be there */
    }
}

static void netpbm(void **state)
{
    (void)state;
    const char *path = tmpdir_file("a.ppm");
    tmpdir_write(path, "P6\n2 2 255\nabcdefghijkl", sizeof "P6\n2 2 255\nabcdefghijkl" - 1);
    torture(PNG, path, true);
    tmpdir_write(path, "P2 # gray\n2 2 99 1 2 30 98\n", sizeof "P2 # gray\n2 2 99 1 2 30 98\n" - 1);
    torture(PNG, path, false); /* a shorter last number, or no line end */
    tmpdir_write(path, GIF_FILE, sizeof GIF_FILE);
    torture(PNG, path, false); /* what follows the first picture is not looked at */
    tmpdir_write(path, WEBP_FILE, sizeof WEBP_FILE);
    if (read_one(PNG, path) != JD_EABSENT) torture(PNG, path, false);
    jd_error_clear(ctx);
    uint8_t bmp[70] = {0};
    const int n = bmp_header(bmp, 3, -2, 4, 0, 2);
    tmpdir_write(path, bmp, (size_t)n + 16);
    torture(PNG, path, true);
}

static void sets(void **state)
{
    (void)state;
    static uint8_t file[512], px[128];
    for (int i = 0; i < 128; i++) px[i] = (uint8_t)(i * 3);
    tmpdir_write(tmpdir_file("cat"), file, norb_matrix(file, 1, (const uint32_t[]){2}, NULL, (const int32_t[]){3, 0}));
    const char *path = tmpdir_file("a.mat");
    tmpdir_write(path, file, norb_matrix(file, 4, (const uint32_t[]){2, 2, 3, 4}, px, NULL));
    torture(NORB, path, true);
    size_t n = gnt_record(file, 0xB0A2, 10, 6, px);
    n += gnt_record(file + n, 0xD7F9, 5, 6, px);
    path = tmpdir_file("a.gnt");
    tmpdir_write(path, file, n);
    torture(GNT, path, false); /* the first record alone is a file */
    tmpdir_write(tmpdir_file("a.bin"), "P5\n2 1 255\nabP5\n2 1 255\ncd", sizeof "P5\n2 1 255\nabP5\n2 1 255\ncd" - 1);
    path = tmpdir_file("a.tsv");
    tmpdir_write(path, "offset\tlength\tlabel\n13\t13\t1\n0\t13\t0\n",
                 sizeof "offset\tlength\tlabel\n13\t13\t1\n0\t13\t0\n" - 1);
    torture(BLOB, path, false);
    tmpdir_write(tmpdir_file("1_2.ppm"), "P6\n2 2 255\nabcdefghijkl", sizeof "P6\n2 2 255\nabcdefghijkl" - 1);
    path = tmpdir_file("a.csv");
    static const char signs[] = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n1_2.ppm;2;2;0;0;1;1;7\n";
    tmpdir_write(path, signs, strlen(signs));
    torture(GTSRB, path, false);
}

static const char FASTA[] = ">one first\nMKV-LA\nacdx*\n>two\nW\n";
static const char CHAINS_TABLE[] = "id\tsequence\tdssp3\tdssp8\tmask\na\tMKVL\tHHEC\tHGE-\t1101\nb\tW\tC\tT\t1\n";

static void chains(void **state)
{
    (void)state;
    const char *path = tmpdir_file("chains"), *gz = tmpdir_file("chains.gz");
    tmpdir_write(path, FASTA, strlen(FASTA));
    torture(CHAINS, path, false);
    tmpdir_write(path, CHAINS_TABLE, strlen(CHAINS_TABLE));
    torture(CHAINS, path, false);
    make_gz(gz, FASTA, strlen(FASTA));
    torture(CHAINS, gz, true);
}

static const jd_midi_note NOTES[] = {
    {0, 480, 60, 90, 0}, {0, 960, 64, 1, 3}, {480, 200000, 60, 127, 0}, {9, 1, 127, 5, 9}};

static void midis(void **state)
{
    (void)state;
    const char *path = tmpdir_file("a.mid");
    jd_write_midi(ctx, path, &(jd_midi){.division = 480, .tempo = 90, .count = 4, .notes = (jd_midi_note *)NOTES});
    torture(MIDI, path, true);
}

/* Lets each allocation in turn fail: the answer is JD_ENOMEM, and nothing is lost. */
static void starve(kind k, const char *path)
{
    const long out = count.out;
    for (long n = 0; n < 100; n++) {
        count.left = n;
        const jd_status st = read_one(k, path);
        const bool failed = count.left < 0;
        count.left = -1;
        if (st != (failed ? JD_ENOMEM : JD_OK)) fail_msg("%s, allocation %ld: %s", path, n, jd_error_message(ctx));
        assert_int_equal(jd_error(ctx), st);
        jd_error_clear(ctx);
        assert_int_equal(count.out, out);
        if (!failed) return;
        assert_true(n < 99);
    }
}

static void out_of_memory(void **state)
{
    (void)state;
    static const char csv[] = "x,y,z\n1,2.5,-3e7\n", tsv[] = "a\tb\n1\t2\n";
    uint8_t px[12] = {1, 2, 3};
    float x[4] = {0.f};
    tmpdir_write(tmpdir_file("csv"), csv, strlen(csv));
    tmpdir_write(tmpdir_file("tsv"), tsv, strlen(tsv));
    make_gz(tmpdir_file("csv.gz"), csv, strlen(csv));
    jd_write_idx(ctx, tmpdir_file("idx"), &(jd_idx){.type = JD_IDX_U8, .rank = 1, .size = {12}, .data = px});
    jd_write_png(ctx, tmpdir_file("png"), &(jd_picture){.height = 2, .width = 2, .channels = 3, .pixels = px});
    jd_write_wav(ctx, tmpdir_file("wav"), &(jd_sound){.rate = 8000, .count = 4, .samples = x});
    tmpdir_write(tmpdir_file("ink.tsv"), ink_tsv, strlen(ink_tsv));
    tmpdir_write(tmpdir_file("ink.txt"), ink_text, strlen(ink_text));
    starve(INK, tmpdir_file("ink.tsv"));
    starve(INK, tmpdir_file("ink.txt"));
    if (reads_inkml()) starve(INK, tmpdir_file("xml"));
    make_mosaics(tmpdir_file("index"), MOSAIC_INDEX);
    starve(MOSAICS, tmpdir_file("index"));
    starve(CSV, tmpdir_file("csv"));
    tmpdir_write(tmpdir_file("arpa"), NGRAMS, strlen(NGRAMS));
    starve(ARPA, tmpdir_file("arpa"));
    starve(CSV, tmpdir_file("csv.gz"));
    starve(TSV, tmpdir_file("tsv"));
    starve(IDX, tmpdir_file("idx"));
    starve(PNG, tmpdir_file("png"));
    tmpdir_write(tmpdir_file("fasta"), FASTA, strlen(FASTA));
    starve(CHAINS, tmpdir_file("fasta"));
    tmpdir_write(tmpdir_file("chains"), CHAINS_TABLE, strlen(CHAINS_TABLE));
    starve(CHAINS, tmpdir_file("chains"));
    jd_write_midi(ctx, tmpdir_file("mid"),
                  &(jd_midi){.division = 480, .tempo = 90, .count = 4, .notes = (jd_midi_note *)NOTES});
    starve(MIDI, tmpdir_file("mid"));
    starve(SOUND, tmpdir_file("wav"));
    static uint8_t file[512];
    size_t bytes;
    uint8_t *jpeg = jpeg_file(px, 2, 2, 3, false, &bytes);
    if (jpeg) tmpdir_write(tmpdir_file("jpg"), jpeg, bytes), starve(PNG, tmpdir_file("jpg"));
    free(jpeg);
    tmpdir_write(tmpdir_file("gnt"), file, gnt_record(file, 0xB0A1, 3, 4, px));
    starve(GNT, tmpdir_file("gnt"));
    tmpdir_write(tmpdir_file("cat"), file, norb_matrix(file, 1, (const uint32_t[]){1}, NULL, (const int32_t[]){3}));
    tmpdir_write(tmpdir_file("mat"), file, norb_matrix(file, 4, (const uint32_t[]){1, 2, 2, 3}, px, NULL));
    starve(NORB, tmpdir_file("mat"));
    tmpdir_write(tmpdir_file("s.bin"), "P5\n2 1 255\nab", sizeof "P5\n2 1 255\nab" - 1);
    tmpdir_write(tmpdir_file("s.tsv"), "offset\tlength\tlabel\n0\t13\t0\n",
                 sizeof "offset\tlength\tlabel\n0\t13\t0\n" - 1);
    starve(BLOB, tmpdir_file("s.tsv"));
}

/* One huge line, thousands of fields, a gzip bomb. */
static void large_claims(void **state)
{
    (void)state;
    enum { BIG = 1 << 20 };
    const char *path = tmpdir_file("large");
    uint8_t *data = malloc(BIG);
    assert_non_null(data);
    memset(data, ',', BIG);
    tmpdir_write(path, data, BIG);
    assert_int_equal(try_file(CSV, path, "commas", BIG), JD_EDATA);
    memset(data, '\t', BIG);
    tmpdir_write(path, data, BIG);
    assert_int_equal(try_file(TSV, path, "tabs", BIG), JD_EDATA);
    memset(data, '9', BIG);
    tmpdir_write(path, data, BIG);
    assert_int_equal(try_file(CSV, path, "digits", BIG), JD_OK); /* one number: infinity */
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idx),           cmocka_unit_test(png),     cmocka_unit_test(sound),
        cmocka_unit_test(volumes),       cmocka_unit_test(tiffs),   cmocka_unit_test(tables),
        cmocka_unit_test(ngrams),        cmocka_unit_test(inks),    cmocka_unit_test(large_claims),
        cmocka_unit_test(out_of_memory), cmocka_unit_test(mosaics), cmocka_unit_test(jpegs),
        cmocka_unit_test(netpbm),        cmocka_unit_test(sets),    cmocka_unit_test(chains),
        cmocka_unit_test(midis),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
