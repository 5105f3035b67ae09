/* version.c - `jackdaw version`. */
#include <string.h>

#include "cli.h"
#include "jackdaw/data.h"
#include "jackdaw/device.h"

static const struct feature {
    const char *name, *state, *how;
} features[] = {
    {"png, pgm, ppm", "yes", ""}, {"wav, flac, ogg", "yes", ""},
#ifdef JD_HAVE_WEBP
    {"webp", "yes", ""},
#else
    {"webp", "no", "apt-get install libwebp-dev, then build again"},
#endif
#ifdef JD_HAVE_MPG123
    {"mp3", "yes", ""},
#else
    {"mp3", "no", "apt-get install libmpg123-dev, then build again"},
#endif
#ifdef JD_HAVE_MICROHTTPD
    {"serve", "yes", ""},
#else
    {"serve", "no", "apt-get install libmicrohttpd-dev, then build again"},
#endif
#ifdef JD_HAVE_MPI
    {"mpi", "yes", ""},
#else
    {"mpi", "no", "apt-get install libopenmpi-dev openmpi-bin, then build again"},
#endif
};

/* Whether a GPU answers, and if not, why. */
static void show_cuda(void)
{
    jd_ctx *ctx = jd_ctx_new_on(&(jd_options){.threads = 1}, &(jd_device_options){.device = "cuda"});
    printf("%-14s %-4s %s\n", "cuda", jd_error(ctx) ? "no" : "yes",
           jd_error(ctx) ? jd_error_message(ctx) : jd_ctx_device_text(ctx));
    jd_ctx_free(ctx);
}

int cmd_version(int argc, char **argv)
{
    cli_args a;
    int code = cli_parse(&a, argc, argv);
    if (code >= 0) return code;
    jd_ctx *ctx = cli_context(&a, &code);
    if (!ctx) return code;
    if (cli_has(&a, "json")) {
        printf("{\"version\":\"%s\",\"isa\":\"%s\",\"threads\":%d}\n", jd_version(), jd_ctx_isa(ctx),
               jd_ctx_threads(ctx));
    } else {
        printf("jackdaw %s\n", jd_version());
        if (cli_has(&a, "features")) {
            printf("%-14s %s\n%-14s %d\n", "cpu kernels", jd_ctx_isa(ctx), "threads", jd_ctx_threads(ctx));
            const bool jpeg = jd_picture_can("jpeg");
            printf("%-14s %-4s %s\n", "jpeg", jpeg ? "yes" : "no", jpeg ? "" : "build it with libjpeg62-turbo-dev");
            const bool tiff = jd_has_tiff();
            printf("%-14s %-4s %s\n", "tiff", tiff ? "yes" : "no", tiff ? "" : "build it with libtiff-dev");
            for (size_t i = 0; i < sizeof features / sizeof *features; i++)
                printf("%-14s %-4s %s\n", features[i].name, features[i].state, features[i].how);
            show_cuda();
        }
    }
    return cli_end("version", ctx);
}
