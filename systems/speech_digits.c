/*
 * speech_digits.c - free spoken digits: single words, words of a voice never heard, and strings with BLSTM and CTC.
 *
 * The CPU-sized stand-in for the line's speech recognisers (Graves, Fernandez, Gomez, Schmidhuber, ICML 2006; Fernandez,
 * Graves, Schmidhuber, IJCAI 2007, connected digits of TIDIGITS).  Splits: (A) takes 0-4 of each digit and speaker are
 * the test, the set's own rule: the speakers are known; (B) one speaker is left out of training altogether.
 */
#include "speech.h"

#include <stdio.h>
#include <string.h>

enum { SPEAKERS = 64, TEST_SEED = 2006 };

typedef struct digits {
    jd_run *r;
    jd_ctx *ctx;
    jd_speech train, test, all;
    speech_words_result words;
    speech_words_result unseen[SPEAKERS];
    int unseen_n;
    double unseen_mean, unseen_least;
    speech_strings_result strings, one_way;
} digits;

static bool skip(void *user)
{
    return jd_run_skip(user);
}

static jd_status load(digits *d)
{
    /* --data names a folder of recordings, or the registered set. */
    const char *data = jd_run_data(d->r, "fsdd"), *dir = strcmp(data, "fsdd") != 0 ? data : NULL;
    jd_run_stage(d->r, "reading recordings");
    jd_fsdd_options train = {.dir = dir, .split = JD_TRAIN, .skip = skip, .user = d->r}, test = train, all = train;
    test.split = JD_TEST;
    all.split = JD_ALL;
    if (jd_load_fsdd(d->ctx, &train, &d->train) || jd_load_fsdd(d->ctx, &test, &d->test) ||
        jd_load_fsdd(d->ctx, &all, &d->all))
        return jd_error(d->ctx);
    jd_run_config_number(d->r, "recordings", (double)d->all.count);
    jd_run_config_number(d->r, "speakers", d->all.speakers);
    return JD_OK;
}

/* Part 1: split A. */
static jd_status run_words(digits *d, speech_ear *ear)
{
    speech_bag train = {0}, test = {0};
    speech_bag *others[] = {&test};
    d->words.accuracy = (double)NAN;
    if (jd_run_setting(d->r, "words") == 0) return JD_OK;
    if (!speech_bag_words(ear, &d->train, &train) && !speech_bag_words(ear, &d->test, &test) &&
        !speech_normalise(&train, others, 1))
        speech_words(d->r, "words", "word_epochs", &train, &test, ear, &d->words);
    speech_bag_free(&train);
    speech_bag_free(&test);
    if (!jd_error(d->ctx))
        jd_run_note(d->r, "isolated digits, known speakers: %.2f %% right of %lld", d->words.accuracy,
                    (long long)d->words.count);
    return jd_error(d->ctx);
}

/* The recordings of all speakers but one, or of that one; the samples stay those of `all`. */
static jd_status choose(digits *d, int speaker, bool only, jd_speech *out)
{
    *out = d->all;
    out->count = 0;
    out->items = jd_alloc_array(d->ctx, d->all.count, sizeof *out->items);
    for (size_t i = 0; out->items && i < d->all.count; i++)
        if ((d->all.items[i].speaker == speaker) == only) out->items[out->count++] = d->all.items[i];
    return jd_error(d->ctx);
}

/* Part 2: split B, one speaker after the other. */
static jd_status run_unseen(digits *d, speech_ear *ear)
{
    d->unseen_mean = d->unseen_least = (double)NAN;
    const double wanted = jd_run_setting(d->r, "unseen");
    if (wanted == 0) return JD_OK;
    if (d->all.speakers < 2) {
        jd_run_note(d->r, "one speaker only: nobody can be left out");
        return JD_OK;
    }
    const int speakers = d->all.speakers < SPEAKERS ? d->all.speakers : SPEAKERS;
    d->unseen_n = wanted < speakers ? (int)wanted : speakers;
    double sum = 0, least = 100;
    for (int k = 0; k < d->unseen_n && !jd_error(d->ctx); k++) {
        jd_speech heard = {0}, one = {0};
        speech_bag train = {0}, test = {0};
        speech_bag *others[] = {&test};
        char name[80];
        snprintf(name, sizeof name, "unseen-%s", d->all.speaker_names[k]);
        if (!choose(d, k, false, &heard) && !choose(d, k, true, &one) && !speech_bag_words(ear, &heard, &train) &&
            !speech_bag_words(ear, &one, &test) && !speech_normalise(&train, others, 1) &&
            !speech_words(d->r, name, "unseen_epochs", &train, &test, ear, &d->unseen[k])) {
            sum += d->unseen[k].accuracy;
            least = fmin(least, d->unseen[k].accuracy);
            jd_run_note(d->r, "isolated digits of %s, never heard in training: %.1f %% right", d->all.speaker_names[k],
                        d->unseen[k].accuracy);
        }
        speech_bag_free(&train);
        speech_bag_free(&test);
        jd_free(d->ctx, heard.items);
        jd_free(d->ctx, one.items);
    }
    if (!jd_error(d->ctx)) {
        d->unseen_mean = sum / d->unseen_n;
        d->unseen_least = least;
    }
    return jd_error(d->ctx);
}

/* Part 3: strings, split A.  The test strings are the same for every seed of the run. */
static jd_status run_strings(digits *d, speech_ear *ear)
{
    d->strings.error = d->one_way.error = (double)NAN;
    const double n = jd_run_setting(d->r, "strings"), test_n = jd_run_setting(d->r, "test_strings");
    if (n == 0) return JD_OK;
    if (!(n >= 16 && n <= 1e6 && test_n >= 1 && test_n <= 1e6))
        return jd_fail(d->ctx, JD_EUSAGE, "speech-digits: strings=%g, test_strings=%g; give 16 or more, and 1 or more",
                       n, test_n);
    const jd_digits_options o = {.least = (int)jd_run_setting(d->r, "least"),
                                 .most = (int)jd_run_setting(d->r, "most"),
                                 .one_speaker = jd_run_setting(d->r, "one_speaker") != 0};
    speech_bag train = {0}, test = {0};
    speech_bag *others[] = {&test};
    jd_run_stage(d->r, "making strings of digits");
    if (!speech_bag_strings(d->r, ear, &d->train, &o, jd_run_seed(d->r) + 10000, (size_t)n, &train) &&
        !speech_bag_strings(d->r, ear, &d->test, &o, TEST_SEED, (size_t)test_n, &test) &&
        !speech_normalise(&train, others, 1)) {
        jd_report_section(jd_run_report(d->r), "Strings: what the network hears, and when it says what");
        speech_strings_options s = {.name = "strings",
                                    .show = true,
                                    .train = &train,
                                    .test = &test,
                                    .ear = jd_run_setting(d->r, "string_change") > 0 ? ear : NULL};
        speech_strings(d->r, &s, &d->strings);
        if (jd_run_setting(d->r, "control") != 0 && !jd_error(d->ctx)) {
            s.name = "strings-one-way";
            s.one_way = true;
            s.show = false;
            speech_strings(d->r, &s, &d->one_way);
        }
    }
    speech_bag_free(&train);
    speech_bag_free(&test);
    if (!jd_error(d->ctx))
        jd_run_note(d->r, "strings: %.2f %% of the digits wrong, %.1f %% of the strings right", d->strings.error,
                    d->strings.whole);
    return jd_error(d->ctx);
}

/* ---- the report ------------------------------------------------------------------------------------------------------- */

static void speaker_table(digits *d)
{
    static const char *const headings[] = {"left out", "recordings", "right (%)", "weakest digit", "right (%)"};
    enum { COLUMNS = 5 };
    char text[(SPEAKERS + 1) * COLUMNS][64];
    const char *cells[(SPEAKERS + 1) * COLUMNS];
    size_t n = 0;
    for (int k = 0; k < d->unseen_n; k++) {
        const int64_t *c = d->unseen[k].confusion;
        int weakest = 0;
        double least = 200;
        for (int i = 0; i < SPEECH_CLASSES; i++) {
            int64_t row = 0;
            for (int j = 0; j < SPEECH_CLASSES; j++) row += c[i * SPEECH_CLASSES + j];
            const double right = row ? 100.0 * (double)c[i * SPEECH_CLASSES + i] / (double)row : 100;
            if (right < least) {
                least = right;
                weakest = i;
            }
        }
        snprintf(text[n++], sizeof text[0], "%s", d->all.speaker_names[k]);
        snprintf(text[n++], sizeof text[0], "%lld", (long long)d->unseen[k].count);
        snprintf(text[n++], sizeof text[0], "%.1f", d->unseen[k].accuracy);
        snprintf(text[n++], sizeof text[0], "%d", weakest);
        snprintf(text[n++], sizeof text[0], "%.0f", least);
    }
    for (size_t i = 0; i < n; i++) cells[i] = text[i];
    char caption[300];
    snprintf(
        caption, sizeof caption,
        "Each speaker in turn is left out of training and then tested on all recordings. Mean %.1f %%, least %.1f %%; "
        "to be reached: a mean of 80 %%, %s.",
        d->unseen_mean, d->unseen_least, d->unseen_mean >= 80 ? "reached" : "not reached");
    jd_report_table(jd_run_report(d->r), headings, cells, (size_t)d->unseen_n, COLUMNS, caption);
}

static void words_report(digits *d)
{
    jd_report *rep = jd_run_report(d->r);
    char caption[300];
    if (isfinite(d->words.accuracy) || isfinite(d->unseen_mean)) jd_report_section(rep, "Isolated digits");
    if (isfinite(d->words.accuracy)) {
        snprintf(
            caption, sizeof caption,
            "Known speakers, takes 0-4: %.2f %% of %lld recordings right; to be reached: 97 %%, %s. The speakers of "
            "training and test are the same, which flatters this figure.",
            d->words.accuracy, (long long)d->words.count, d->words.accuracy >= 97 ? "reached" : "not reached");
        jd_report_confusion(rep, NULL, d->words.confusion, SPEECH_CLASSES, caption);
    }
    if (!isfinite(d->unseen_mean)) return;
    speaker_table(d);
    int64_t sum[SPEECH_CLASSES * SPEECH_CLASSES] = {0};
    for (int k = 0; k < d->unseen_n; k++)
        for (int i = 0; i < SPEECH_CLASSES * SPEECH_CLASSES; i++) sum[i] += d->unseen[k].confusion[i];
    jd_report_confusion(rep, NULL, sum, SPEECH_CLASSES, "Unheard speakers, all of them together.");
}

static void strings_report(digits *d)
{
    static const char *const headings[] = {"network",     "weights",  "digits wrong (%)", "by beam search (%)",
                                           "substituted", "left out", "put in",           "strings right (%)",
                                           "training (s)"};
    enum { COLUMNS = 9 };
    if (!isfinite(d->strings.error)) return;
    char text[2 * COLUMNS][64];
    const char *cells[2 * COLUMNS];
    size_t n = 0;
    for (int i = 0; i < (isfinite(d->one_way.error) ? 2 : 1); i++) {
        const speech_strings_result *s = i ? &d->one_way : &d->strings;
        snprintf(text[n++], sizeof text[0], "%s", i ? "LSTM, one direction" : "BLSTM");
        snprintf(text[n++], sizeof text[0], "%lld", (long long)s->weights);
        snprintf(text[n++], sizeof text[0], "%.2f", s->error);
        snprintf(text[n++], sizeof text[0], "%.2f", s->beam);
        snprintf(text[n++], sizeof text[0], "%lld", (long long)s->substitutions);
        snprintf(text[n++], sizeof text[0], "%lld", (long long)s->deletions);
        snprintf(text[n++], sizeof text[0], "%lld", (long long)s->insertions);
        snprintf(text[n++], sizeof text[0], "%.1f", s->whole);
        snprintf(text[n++], sizeof text[0], "%.0f", s->seconds);
    }
    for (size_t i = 0; i < n; i++) cells[i] = text[i];
    char caption[300];
    snprintf(caption, sizeof caption,
             "Test strings: %lld digits. Best path decoding but for the column by prefix beam search, width 30; an "
             "error is a digit substituted, left out or put in. Voices are those of training; the recordings are not.",
             (long long)d->strings.labels);
    jd_report_table(jd_run_report(d->r), headings, cells, n / COLUMNS, COLUMNS, caption);
}

static jd_status finish(digits *d)
{
    jd_run *r = d->r;
    char why[400] = "";
    if (!isfinite(d->strings.error)) snprintf(why, sizeof why, "strings=0: the strings were not trained");
    if (isfinite(d->words.accuracy)) {
        jd_run_extra(r, "isolated_accuracy", d->words.accuracy);
        jd_run_extra(r, "isolated_accept", 97);
        jd_run_extra(r, "isolated_seconds", d->words.seconds);
    }
    if (isfinite(d->unseen_mean)) {
        jd_run_extra(r, "unseen_accuracy", d->unseen_mean);
        jd_run_extra(r, "unseen_least", d->unseen_least);
        jd_run_extra(r, "unseen_speakers", d->unseen_n);
        jd_run_extra(r, "unseen_accept", 80);
        for (int k = 0; k < d->unseen_n; k++) {
            char name[96];
            snprintf(name, sizeof name, "unseen_%s", d->all.speaker_names[k]);
            jd_run_extra(r, name, d->unseen[k].accuracy);
        }
    }
    if (isfinite(d->strings.error)) {
        jd_run_extra(r, "strings_right", d->strings.whole);
        jd_run_extra(r, "beam_error", d->strings.beam);
        jd_run_extra(r, "strings_seconds", d->strings.seconds);
        jd_run_extra(r, "weights", (double)d->strings.weights);
    }
    if (isfinite(d->one_way.error)) jd_run_extra(r, "one_way_error", d->one_way.error);
    return jd_run_finish(r, d->strings.error, why[0] ? why : NULL);
}

static jd_status run(jd_run *r)
{
    digits d = {.r = r, .ctx = jd_run_ctx(r)};
    speech_ear ear = {0};
    if (!load(&d) && !speech_ear_open(d.ctx, d.all.rate, &ear) && !run_strings(&d, &ear)) {
        strings_report(&d);
        if (!run_words(&d, &ear) && !run_unseen(&d, &ear)) {
            words_report(&d);
            finish(&d);
        }
    }
    speech_ear_close(&ear);
    jd_speech_free(d.ctx, &d.train);
    jd_speech_free(d.ctx, &d.test);
    jd_speech_free(d.ctx, &d.all);
    return jd_error(d.ctx);
}

static const jd_setting settings[] = {
    {"words", {1, 1, 1}, "isolated digits of known speakers; 0: leave this part out"},
    {"word_epochs", {6, 12, 40}, "passes over the recordings, each time changed"},
    {"unseen", {2, 1000, 1000}, "how many speakers are left out in turn; 0: leave this part out"},
    {"unseen_epochs", {5, 12, 40}, "passes over the others' recordings"},
    {"word_units", {64, 64, 128}, "LSTM cells a direction and level, isolated digits"},
    {"word_levels", {1, 2, 2}, "levels of LSTM cells, isolated digits"},
    {"word_batch", {16, 16, 16}, "recordings a step"},
    {"word_rate", {4e-3, 2e-3, 2e-3}, "Adam's rate, isolated digits"},
    {"word_noise", {0.3, 0.3, 0.3}, "deviation of noise on the features"},
    {"word_dropout", {0.2, 0.3, 0.3}, "share of outputs dropped"},
    {"word_decay", {0, 0, 0}, "weight decay"},
    {"change", {1, 1, 1}, "strength of random changes of pitch, tempo, tilt and noise"},
    {"string_change", {0, 0.5, 1}, "strength of these changes on training strings; 0: none"},
    {"strings", {2000, 4000, 20000}, "training strings; 0: leave this part out"},
    {"test_strings", {200, 400, 400}, "test strings"},
    {"least", {3, 3, 3}, "digits of a string, at least"},
    {"most", {7, 7, 7}, "digits of a string, at most"},
    {"one_speaker", {0, 0, 0}, "1: a string has one voice; 0: each digit from any"},
    {"epochs", {6, 14, 20}, "passes over the strings"},
    {"units", {64, 64, 250}, "LSTM cells a direction and level"},
    {"levels", {1, 2, 3}, "levels of LSTM cells"},
    {"batch", {16, 16, 32}, "strings a step"},
    {"rate", {4e-3, 2e-3, 1e-3}, "Adam's rate"},
    {"noise", {0.3, 0.3, 0.5}, "deviation of noise on the features"},
    {"control", {0, 0, 1}, "1: also trains an LSTM of one direction on the strings"},
    {NULL},
};

const jd_system jd_system_speech_digits = {
    .name = "speech-digits",
    .year = 2006,
    .title = "Spoken digits: BLSTM for words, BLSTM and CTC for strings",
    .paper = "Graves, Fernandez, Gomez, Schmidhuber, ICML 2006; Fernandez, Graves, Schmidhuber, IJCAI 2007",
    .metric = "label error rate on strings of digits (%)",
    .higher = false,
    .paper_value = NAN,
    .paper_note = "the papers used TIMIT and TIDIGITS, which are not free; this is the Free Spoken Digit Dataset",
    .accept = {8, 4, 1.5},
    .about = "Strings of 3 to 7 digits are joined from single recordings of several speakers, with gaps, changes of "
             "loudness and noise. A bidirectional LSTM reads 39 features every 20 ms; connectionist temporal "
             "classification teaches it to name the digits without being told where they are. Beside it, single digits "
             "by known speakers (97 % to be reached) and by speakers that were left out of training (80 %).",
    .data = "fsdd",
    .settings = settings,
    .run = run,
};
