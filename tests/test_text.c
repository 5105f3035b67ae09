/* The system text-compression: codes that lose nothing, and what other methods take. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "../systems/names.c"
#include "../systems/text_coder.c"
#include "../systems/text_data.c"
#include "../systems/text_nets.c"
#include "../systems/text_pieces.c"

#include "ctx_tmpdir.h"

/* Symbols of skewed shares, thousands of them: long runs of carries occur, and the length is that of their information. */
static void shares_come_back(void **state)
{
    (void)state;
    enum { K = 5, N = 20000 };
    static const uint32_t freq[K] = {1, TEXT_TOTAL - 1006, 1000, 4, 1};
    static uint8_t out[TEXT_LONGEST * N + 8];
    static int symbol[N];
    double bits = 0;
    text_coder c;
    coder_begin(&c, out);
    for (int i = 0; i < N; i++) {
        jd_rng r = jd_rng_new(7, "symbols", (uint64_t)i);
        const uint32_t u = jd_rng_below(&r, 100);
        symbol[i] = u < 90 ? 1 : u < 96 ? 2 : u < 97 ? 0 : u < 99 ? 3 : 4;
        coder_put(&c, start_of(freq, symbol[i]), freq[symbol[i]]);
        bits += 16 - log2(freq[symbol[i]]);
    }
    const size_t n = coder_end(&c);
    assert_true((double)n >= bits / 8 - 1 && (double)n < bits / 8 * 1.001 + 8);
    text_decoder d;
    decoder_begin(&d, out, n);
    for (int i = 0; i < N; i++) {
        const uint32_t at = decoder_at(&d);
        int s = 0;
        while (start_of(freq, s) + freq[s] <= at) s++;
        assert_int_equal(s, symbol[i]);
        decoder_take(&d, start_of(freq, s), freq[s]);
    }
    /* Only the last share, again and again: the code's upper end. */
    coder_begin(&c, out);
    for (int i = 0; i < 100; i++) coder_put(&c, TEXT_TOTAL - 1, 1);
    assert_in_range(coder_end(&c), 199, 208);
}

static void shares_fill_the_total(void **state)
{
    (void)state;
    const float p[4] = {1.0000001f, 0, NAN, 1e-9f}, q[3] = {1.f / 3, 1.f / 3, 1.f / 3};
    uint32_t freq[4];
    text_shares(p, 4, freq);
    assert_int_equal(freq[0] + freq[1] + freq[2] + freq[3], TEXT_TOTAL);
    for (int i = 1; i < 4; i++) assert_int_equal(freq[i], 1);
    text_shares(q, 3, freq);
    assert_int_equal(freq[0] + freq[1] + freq[2], TEXT_TOTAL);
    assert_true(freq[1] > 21800 && freq[2] > 21800);
}

static void other_methods(void **state)
{
    (void)state;
    /* a 4, b 2, c 1, d 1: 1, 2, 3 and 3 bits, 14 in all. */
    assert_int_equal(text_huffman((const uint8_t *)"aababcad", 8), 7 + 3 + 4 + 2);
    assert_int_equal(text_huffman((const uint8_t *)"aaaaaaaa", 8), 7 + 1 + 1 + 1);
    /* a, b, ab, aba, rest ba: 5 codes of 9 bits. */
    assert_int_equal(text_lzw(ctx, (const uint8_t *)"abababab", 8), 3 + 6);
    static uint8_t same[100000];
    assert_true(text_lzw(ctx, same, sizeof same) < 700);
    assert_true(text_gzip(ctx, same, sizeof same) < 200);
}

static void check_net(int window)
{
    static const char train[] = "the old man and the sea, the sea and the old man; ";
    static const char *const texts[3] = {"the sea and the man", "zebra \xc3\xa4 the", ""};
    text_set set = {.train = {(uint8_t *)(uintptr_t)train, sizeof train - 1},
                    .alphabet = text_alphabet_of((const uint8_t *)train, sizeof train - 1)};
    text_net p = {
        .ctx = ctx, .set = &set, .name = "net", .window = window, .units = 7, .embed = 5, .layers = 2, .B = 1, .T = 1};
    text_part text[3], back[3], alone;
    text_code code[3];
    float bits[64];
    assert_int_equal(text_net_new(&p), JD_OK);
    for (int i = 0; i < 3; i++) text[i] = (text_part){(uint8_t *)(uintptr_t)texts[i], strlen(texts[i])};
    assert_int_equal(text_encode(&p, text, 3, code, bits), JD_OK);
    assert_int_equal(text_decode(&p, code, 3, back), JD_OK);
    assert_int_equal(text_decode(&p, code + 1, 1, &alone), JD_OK);
    for (int i = 0; i < 3; i++) assert_memory_equal(back[i].bytes, text[i].bytes, text[i].n);
    assert_memory_equal(alone.bytes, text[1].bytes, text[1].n);
    /* What the characters took is what the code is long. */
    double sum = 0;
    for (size_t i = 0; i < text[0].n; i++) sum += bits[i];
    assert_true((double)code[0].n * 8 >= sum - 8 && (double)code[0].n * 8 <= sum + 40);
    for (int i = 0; i < 3; i++) {
        jd_free(ctx, code[i].bytes);
        jd_free(ctx, back[i].bytes);
    }
    jd_free(ctx, alone.bytes);
    text_net_free(&p);
}

static void nets_lose_nothing(void **state)
{
    (void)state;
    check_net(0);
    check_net(5);
}

/* A folder of texts is one text; the speeches as NLTK has them are divided by their years. */
static void folders_of_texts(void **state)
{
    (void)state;
    static char page[12000];
    static const char *const name[] = {"1945-Truman.txt", "1998-Clinton.txt", "2001-GWBush-1.txt", "2006-GWBush.txt"};
    char path[80];
    for (int k = 0; k < 4; k++) {
        for (size_t i = 0; i < sizeof page; i++) page[i] = (char)('a' + k);
        mkdir(tmpdir_file("state_union"), 0700);
        snprintf(path, sizeof path, "state_union/%s", name[k]);
        tmpdir_write(tmpdir_file(path), page, sizeof page);
    }
    text_set s;
    assert_int_equal(text_read(ctx, tmpdir_file("state_union"), &s), JD_OK);
    assert_int_equal(s.train.n + s.valid.n + s.test.n, 4 * (sizeof page + 1));
    assert_true(s.train.bytes[0] == 'a' && s.train.bytes[sizeof page] == '\n' && s.test.bytes[0] == 'd');
    text_free(ctx, &s);
    setenv("JACKDAW_DATA", tmpdir_path, 1);
    assert_int_equal(text_read(ctx, NULL, &s), JD_OK);
    assert_true(s.train.n == 2 * (sizeof page + 1) && s.valid.n == sizeof page + 1 && s.test.n == sizeof page + 1);
    assert_true(s.train.bytes[sizeof page + 1] == 'b' && s.valid.bytes[0] == 'c' && s.test.bytes[0] == 'd');
    text_free(ctx, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_come_back),  cmocka_unit_test(shares_fill_the_total), cmocka_unit_test(other_methods),
        cmocka_unit_test(nets_lose_nothing), cmocka_unit_test(folders_of_texts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
