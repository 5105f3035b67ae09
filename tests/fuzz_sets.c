/* fuzz_sets.c - Netpbm pictures, and the formats of small NORB, CASIA-HWDB and CIFAR. */
#include "fuzz.h"
#include "jackdaw/sets.h"
#include "sets_help.h"

static const char *const WORDS[] = {"P2 ", "P3 ", "P5 ", "P6 ", "# ", "65535", "\x55\x4c\x3d\x1e", "\x54\x4c\x3d\x1e",
                                    NULL};

static void seeds(jd_ctx *ctx)
{
    (void)ctx;
    static uint8_t file[3 * 3073], px[256];
    for (int i = 0; i < 256; i++) px[i] = (uint8_t)(i * 7);
    fuzz_seed("P3 # x\n2 1 9\n1 2 3 4 5 6\n", 25);
    fuzz_seed("P5\n2 2 255\nabcd", 15);
    fuzz_seed("P6\n1 2 300\n\0b\0c\0d\0e\0f\0g", 23);
    fuzz_seed(file, norb_matrix(file, 4, (const uint32_t[]){2, 2, 3, 4}, px, NULL));
    fuzz_seed(file, norb_matrix(file, 2, (const uint32_t[]){2, 3}, NULL, (const int32_t[]){1, 2, 3, 4, 0, 1}));
    size_t n = gnt_record(file, 0xB0A2, 10, 6, px);
    n += gnt_record(file + n, 0xD7F9, 5, 6, px);
    fuzz_seed(file, n);
}

static jd_status answered(jd_ctx *ctx, const jd_images *im, jd_status status)
{
    fuzz_check((im->pixels == NULL) == (status != JD_OK), "pictures and an error, or neither");
    if (status) return status;
    fuzz_touch(im->pixels, im->count * (size_t)im->height * (size_t)im->width * (size_t)im->channels);
    for (size_t i = 0; i < im->count; i++) fuzz_check(im->labels[i] >= 0 && im->labels[i] < im->classes, "labels");
    jd_images copy = *im;
    jd_images_free(ctx, &copy);
    return status;
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    jd_picture p = {0};
    jd_images a = {0}, b = {0};
    jd_norb_matrix m = {0};
    if (jd_decode_picture(ctx, "x.ppm", data, bytes, 0, &p) == JD_OK)
        fuzz_touch(p.pixels, (size_t)p.height * (size_t)p.width * (size_t)p.channels);
    jd_picture_free(ctx, &p);
    const jd_status picture = jd_error(ctx);
    jd_error_clear(ctx);
    const char *path = fuzz_file(data, bytes);
    if (jd_read_norb(ctx, path, &m) == JD_OK) fuzz_touch(m.data, m.count * (m.bytes ? 1 : 4));
    jd_free(ctx, m.data);
    const jd_status matrix = jd_error(ctx);
    jd_error_clear(ctx);
    const jd_status gnt = answered(ctx, &a, jd_images_read_gnt(ctx, path, &(jd_gnt_options){.side = 12}, &a));
    jd_error_clear(ctx);
    const jd_status cifar = answered(ctx, &b, jd_images_read_cifar(ctx, &path, 1, 10, &b));
    jd_error_clear(ctx);
    if (picture == JD_ENOMEM || matrix == JD_ENOMEM || gnt == JD_ENOMEM || cifar == JD_ENOMEM)
        return jd_fail(ctx, JD_ENOMEM, "x: a reader lacked memory");
    if (picture && matrix && gnt && cifar) jd_fail(ctx, picture, "x: no reader takes it");
    return jd_error(ctx);
}

const fuzz_format fuzz_this = {
    .name = "sets", .inputs = 4000, .longest = 4096, .seeds = seeds, .read = read_input, .words = WORDS};
