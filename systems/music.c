/* Notes as tables of steps: drawn, sampled, written as MIDI files. */
#include "music.h"

#include <string.h>

enum { TICKS = 480 }; /* a quarter */

jd_status music_roll_new(jd_ctx *ctx, int64_t T, int64_t N, music_roll *out)
{
    *out = (music_roll){.T = T, .N = N, .on = jd_alloc_array(ctx, (size_t)T, (size_t)N)};
    return jd_error(ctx);
}

void music_roll_free(jd_ctx *ctx, music_roll *roll)
{
    jd_free(ctx, roll->on);
    *roll = (music_roll){0};
}

jd_status music_write(jd_ctx *ctx, const char *path, const music_roll *roll, const music_voice *v)
{
    const int64_t T = roll->T, N = roll->N, ticks = TICKS / v->per_quarter;
    size_t count = 0;
    for (int64_t i = 0; i < T * N; i++) count += roll->on[i];
    jd_midi m = {.division = TICKS, .tempo = v->tempo, .notes = jd_alloc_array(ctx, count + 1, sizeof *m.notes)};
    memcpy(m.program, v->program, sizeof m.program);
    for (int64_t n = 0; m.notes && n < N; n++) {
        const uint8_t channel = v->channel ? v->channel[n] : 0;
        const int hold = v->hold_channel < 0 || v->hold_channel == channel ? v->hold : 1;
        for (int64_t t = 0; t < T; t++) {
            if (!roll->on[t * N + n]) continue;
            const int64_t begin = t;
            while (t + 1 < T && roll->on[(t + 1) * N + n] && (t + 1) % hold != 0) t++;
            m.notes[m.count++] = (jd_midi_note){.start = begin * ticks,
                                                .length = (t + 1 - begin) * ticks,
                                                .pitch = v->pitch[n],
                                                .velocity = v->velocity[channel],
                                                .channel = channel};
        }
    }
    if (m.notes) jd_write_midi(ctx, path, &m);
    jd_midi_free(ctx, &m);
    return jd_error(ctx);
}

void music_draw(jd_rng *r, const float *p, int64_t N, uint8_t *on)
{
    for (int64_t n = 0; n < N; n++) on[n] = jd_rng_uniform(r) < p[n];
}

int music_draw_one(jd_rng *r, const float *p, int64_t N, double temperature)
{
    double weight[128], sum = 0, all = 0;
    if (N > 128) N = 128;
    for (int64_t n = 0; n < N; n++) sum += (double)p[n];
    double none = sum < 1 ? 1 - sum : 0;
    int best = -1;
    double most = none;
    for (int64_t n = 0; n < N; n++) {
        weight[n] = (double)p[n];
        if (weight[n] > most) {
            most = weight[n];
            best = (int)n;
        }
    }
    if (!r) return best;
    const double power = 1 / temperature;
    none = pow(none, power);
    for (int64_t n = 0; n < N; n++) all += weight[n] = pow(weight[n], power);
    double u = jd_rng_uniform64(r) * (all + none);
    for (int64_t n = 0; n < N; n++)
        if ((u -= weight[n]) < 0) return (int)n;
    return -1;
}

void music_show(jd_ctx *ctx, jd_timeline *t, const char *label, const float *values, int64_t T, int64_t N,
                int64_t first, int64_t n, double y0, const char *const *names, double height)
{
    float *part = jd_alloc_array(ctx, (size_t)T, (size_t)n * sizeof *part);
    for (int64_t i = 0; part && i < T; i++) memcpy(part + i * n, values + i * N + first, (size_t)n * sizeof *part);
    if (part)
        jd_timeline_map(t, &(jd_map){.label = label,
                                     .value_label = "p",
                                     .values = part,
                                     .T = (size_t)T,
                                     .H = (size_t)n,
                                     .y0 = names ? 0 : y0,
                                     .y1 = names ? 0 : y0 + (double)n,
                                     .vmin = 0,
                                     .vmax = 1,
                                     .upward = true,
                                     .row_names = names,
                                     .height = height});
    jd_free(ctx, part);
}

void music_show_roll(jd_ctx *ctx, jd_timeline *t, const char *label, const music_roll *roll, int64_t begin,
                     int64_t steps, int64_t first, int64_t n, double y0, const char *const *names, double height)
{
    float *values = jd_alloc_array(ctx, (size_t)steps, (size_t)roll->N * sizeof *values);
    for (int64_t i = 0; values && i < steps * roll->N; i++) values[i] = roll->on[begin * roll->N + i];
    if (values) music_show(ctx, t, label, values, steps, roll->N, first, n, y0, names, height);
    jd_free(ctx, values);
}
