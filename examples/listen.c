/*
 * listen.c - a word spotter in a C product: trained once, then fed by a microphone piece by piece.
 *
 * The "word" is a low tone that is followed by a high one; the other order, and noise, are none.  An LSTM learns to say so at
 * every hundredth of a second; its weights go to a file.  Then sound arrives in pieces of any length, becomes features frame
 * by frame, and jd_stream keeps the network's state in between: what it says is, bit for bit, what it would say of the whole.
 *
 *     cc -o listen listen.c $(pkg-config --cflags --libs jackdaw) -lm && ./listen model.safetensors
 */
#include <jackdaw/jackdaw.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NET "lstm 24, dense 2"
enum { RATE = 8000, FRAME = 200, SHIFT = 80, WIDTH = 13, SOUND = 2 * RATE, FRAMES = 1 + (SOUND - FRAME) / SHIFT };
enum { PIECE = 500, BATCH = 8, STEPS = 120, WORD = 3200, SAID = 25 };

/* 25 ms every 10 ms. */
static jd_frontend *ear(jd_ctx *ctx)
{
    jd_frontend_options o;
    jd_frontend_preset(ctx, "kaldi", RATE, &o);
    return jd_frontend_new(ctx, &o);
}

/* Two seconds of noise with some pairs of tones; label (FRAMES): 1 for a quarter of a second after the word. */
static void record(uint64_t index, float *sound, int32_t *label)
{
    jd_rng r = jd_rng_new(1, "listen", index);
    for (int i = 0; i < SOUND; i++) sound[i] = 0.01f * (float)jd_rng_normal(&r);
    memset(label, 0, FRAMES * sizeof *label);
    for (int at = (int)jd_rng_below(&r, 3000); at + WORD < SOUND; at += WORD + 1500 + (int)jd_rng_below(&r, 3000)) {
        const bool word = jd_rng_below(&r, 2);
        for (int i = 0; i < WORD; i++) {
            const bool high = (i >= WORD / 2) == word;
            sound[at + i] += 0.3f * sinf(6.2831853f * (high ? 1400.f : 600.f) * (float)i / RATE);
        }
        const int first = (at + WORD - FRAME) / SHIFT;
        for (int t = first; word && t < first + SAID && t < FRAMES; t++) label[t] = 1;
    }
}

static void learn(jd_graph *g, void *user)
{
    (void)user;
    const jd_node y = jd_net(g, NET, jd_arg(g, "x"), JD_NONE); /* (FRAMES,BATCH,2) */
    const jd_node loss = jd_softmax_xent(g, y, jd_arg(g, "label"));
    jd_update_adam(g, loss, jd_arg(g, "rate"), .clip = 1);
    jd_result(g, "loss", loss);
}

static jd_status train(const char *path)
{
    static float sound[SOUND], frames[FRAMES * WIDTH], x[FRAMES * BATCH * WIDTH];
    static int32_t said[FRAMES], label[FRAMES * BATCH];
    const float rate = 0.01f;
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, learn, NULL);
    jd_frontend *e = ear(ctx);
    for (int step = 0; step < STEPS && !jd_error(ctx); step++) {
        for (int b = 0; b < BATCH; b++) {
            record((uint64_t)(step * BATCH + b), sound, said);
            jd_frontend_run(e, sound, SOUND, frames);
            for (int t = 0; t < FRAMES; t++) {
                for (int k = 0; k < WIDTH; k++) x[(t * BATCH + b) * WIDTH + k] = 0.1f * frames[t * WIDTH + k];
                label[t * BATCH + b] = said[t];
            }
        }
        const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, FRAMES, BATCH, WIDTH),
                                JD_TENSOR("label", JD_I32, label, FRAMES, BATCH), JD_SCALAR_F32("rate", &rate)};
        jd_fn_run(f, in, 3);
        if (step % 40 == 39) printf("step %d: loss %.4f\n", step + 1, jd_fn_scalar(f, "loss"));
    }
    jd_params_save(ctx, p, path, (jd_metadata[]){{"net", NET}}, 1);
    const jd_status status = jd_error(ctx);
    if (status) fprintf(stderr, "%s\n", jd_error_message(ctx));
    jd_frontend_free(e);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
    return status;
}

/* What is kept from one piece of sound to the next. */
typedef struct spotter {
    jd_frontend *ear;
    jd_stream *net;
    int frames, quiet;
} spotter;

/* Takes n samples, at most PIECE, as many as the microphone gave.  Returns how many words ended within them. */
static int hear(spotter *s, const float *samples, int n)
{
    float x[(PIECE / SHIFT + 1) * WIDTH];
    const int frames = (int)jd_frontend_feed(s->ear, samples, (size_t)n, x);
    int words = 0;
    for (int t = 0; t < frames; t++) {
        for (int k = 0; k < WIDTH; k++) x[t * WIDTH + k] *= 0.1f;
        const float *y = jd_stream_feed(s->net, x + t * WIDTH, 1);
        if (!y) return words; /* jd_error tells why */
        s->frames++;
        s->quiet = y[1] > 0.5f ? s->quiet : s->quiet + 1;
        if (y[1] > 0.5f && s->quiet >= SAID / 2) {
            words++;
            printf("word at %.2f s\n", (double)s->frames * SHIFT / RATE);
        }
        if (y[1] > 0.5f) s->quiet = 0;
    }
    return words;
}

static jd_status listen(const char *path)
{
    enum { TRIALS = 10 };
    static float sound[SOUND];
    static int32_t said[FRAMES];
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_tensor_file *file = jd_safetensors_open(ctx, path);
    jd_params_load(ctx, p, file);
    jd_params_seal(p);
    const jd_stream_options o = {.net = jd_tensor_file_meta(file, "net"), .columns = WIDTH, .softmax = true};
    spotter s = {.ear = ear(ctx), .net = jd_stream_new(ctx, p, &o), .quiet = SAID};
    int found = 0, there = 0;
    for (int trial = 0; trial < TRIALS && !jd_error(ctx); trial++) {
        record(1000000u + (uint64_t)trial, sound, said);
        jd_stream_reset(s.net);
        s.frames = 0, s.quiet = SAID;
        for (int at = 0, piece = 1; at < SOUND; at += piece, piece = 1 + (at * 7) % PIECE)
            found += hear(&s, sound + at, piece < SOUND - at ? piece : SOUND - at);
        jd_frontend_end(s.ear, NULL); /* its frames have no differences, so none is waited for */
        for (int t = 1; t < FRAMES; t++) there += said[t] && !said[t - 1];
    }
    const jd_status status = jd_error(ctx);
    if (status) fprintf(stderr, "%s\n", jd_error_message(ctx));
    printf("%d words heard, %d were said\n", found, there);
    jd_stream_free(s.net);
    jd_frontend_free(s.ear);
    jd_tensor_file_close(file);
    jd_params_free(p);
    jd_ctx_free(ctx);
    return status ? status : found == there ? JD_OK : JD_EDIVERGED;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: listen MODEL.safetensors\n");
        return JD_EUSAGE;
    }
    const jd_status status = train(argv[1]);
    return (int)(status ? status : listen(argv[1]));
}
