/* fuzz_ink.c - handwriting: tables, plain strokes, InkML; and the frames of what was read. */

#include "fuzz.h"
#include "jackdaw/ink.h"

static const char *const WORDS[] = {
    "\t", ";", " ",        "\n",    "-",      "strokes", "<trace>",  "</trace>", ",",       "'",   "\"",  "*",
    "!",  "?", "# text: ", "<ink>", "</ink>", "&lt;",    "<channel", "name='X'", "9999999", "1e7", "nan", NULL};

static void text(const char *s)
{
    fuzz_seed(s, strlen(s));
}

static void seeds(jd_ctx *ctx)
{
    (void)ctx;
    text("id\twriter\ttext\tstrokes\na#0\tme\tHi\t3 100 -3 10 5 -9;7 8\nb\t\tx\t0 0 3 4 5 6\n");
    text("# text: Hi\n1 2\n3 4.5 7\n\n-1e2 5\n");
    text(".COORD X Y T\n.PEN_DOWN\n1 2 3\n4 5 6\n.PEN_UP\n.SEGMENT WORD 0:1-0,0 OK \"a \\\"b\"\n");
    text("<WhiteboardCaptureSession><Stroke><Point x='1' y='2'/></Stroke></WhiteboardCaptureSession>");
    jd_ink ink = {0};
    const char *inkml = "<ink><annotation type='truth'>Hi</annotation><traceFormat><channel name='X'/>"
                        "<channel name='Y'/></traceFormat><trace>1 2,'3'4,\"1 -1</trace><trace>5 6</trace></ink>";
    if (jd_read_ink(ctx, fuzz_file(inkml, strlen(inkml)), &ink) == JD_OK) text(inkml);
    jd_ink_free(ctx, &ink);
    jd_error_clear(ctx);
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    jd_ink ink = {0};
    const jd_status status = jd_read_ink(ctx, fuzz_file(data, bytes), &ink);
    fuzz_check((ink.items == NULL) == (status != JD_OK), "ink and an error, or neither");
    jd_ink_reader *r = status ? NULL : jd_ink_reader_new(ctx, &(jd_ink_options){.view = 2, .rows = bytes % 2 ? 20 : 0});
    for (size_t i = 0; r && i < ink.count; i++) {
        const jd_ink_sample *s = &ink.items[i];
        fuzz_touch(s->text, strlen(s->text));
        fuzz_touch(s->writer, strlen(s->writer));
        fuzz_check(s->strokes > 0 && s->start[s->strokes] > s->start[0], "a sample without a point");
        fuzz_touch(s->xy + 2 * s->start[0], (s->start[s->strokes] - s->start[0]) * 2 * sizeof *s->xy);
        const size_t T = jd_ink_frames(r, s, NULL, 0);
        fuzz_check(T > 0 || jd_error(ctx), "no frame");
        fuzz_touch(jd_ink_reader_frames(r), T * jd_ink_reader_width(r) * sizeof(float));
    }
    jd_ink_reader_free(r);
    jd_ink_free(ctx, &ink);
    return jd_error(ctx);
}

const fuzz_format fuzz_this = {.name = "ink",
                               .inputs = 20000,
                               .longest = 512,
                               .seeds = seeds,
                               .read = read_input,
                               .words = WORDS,
                               .also = JD_EABSENT};
