/*
 * test_safetensors.c - reading and writing safetensors.
 */
#include "io_help.h"

static const float w[6] = {1, -2, 3.5f, 0, 1e30f, -0.f};
static const double d[2] = {3.141592653589793, -1};
static const int8_t bytes3[3] = {-1, 0, 127};
static const int64_t big = INT64_MIN;

static const jd_tensor_entry sample[] = {
    {.name = "b/W", .dtype = JD_FILE_F32, .rank = 2, .dim = {2, 3}, .data = w},
    {.name = "a", .dtype = JD_FILE_I8, .rank = 1, .dim = {3}, .data = bytes3},
    {.name = "d", .dtype = JD_FILE_F64, .rank = 1, .dim = {2}, .data = d},
    {.name = "c\"\\\n\xc3\xa9", .dtype = JD_FILE_I64, .rank = 0, .data = &big},
    {.name = "empty", .dtype = JD_FILE_F32, .rank = 3, .dim = {4, 0, 2}},
};
enum { SAMPLES = sizeof sample / sizeof *sample };

static const jd_metadata pairs[] = {
    {"jackdaw.step", "17"}, {"jackdaw.config", "{\"lr\": 0.1}"}, {"\x01", "\xe2\x82\xac"}};

/* A file made by hand; returns its size. */
static size_t build(unsigned char *to, const char *header, size_t data)
{
    const size_t n = strlen(header);
    for (int i = 0; i < 8; i++) to[i] = (unsigned char)((uint64_t)n >> (8 * i));
    memcpy(to + 8, header, n);
    for (size_t i = 0; i < data; i++) to[8 + n + i] = (unsigned char)i;
    return 8 + n + data;
}

static jd_tensor_file *parse_text(jd_ctx *ctx, const char *header, size_t data)
{
    static unsigned char file[1 << 18];
    assert_true(strlen(header) + data + 8 <= sizeof file);
    return jd_safetensors_parse(ctx, "hand.safetensors", file, build(file, header, data));
}

static void round_trip(void **state)
{
    (void)state;
    char dir[64], path[100], again[100];
    make_dir(dir);
    snprintf(path, sizeof path, "%s/a.safetensors", dir);
    snprintf(again, sizeof again, "%s/b.safetensors", dir);
    jd_ctx *ctx = jd_ctx_new(NULL);
    assert_int_equal(jd_safetensors_write(ctx, path, sample, SAMPLES, pairs, 3), JD_OK);
    assert_int_equal(count_files(dir), 1);
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    assert_non_null(f);
    assert_int_equal(jd_tensor_file_count(f), SAMPLES);
    for (int i = 0; i < SAMPLES; i++) {
        const jd_tensor_entry *t = jd_tensor_file_get(f, sample[i].name);
        assert_non_null(t);
        assert_int_equal(t->dtype, sample[i].dtype);
        assert_int_equal(t->rank, sample[i].rank);
        assert_memory_equal(t->dim, sample[i].dim, sizeof t->dim);
        assert_int_equal((uintptr_t)t->data % jd_file_dtype_size(t->dtype), 0);
        if (t->bytes) assert_memory_equal(t->data, sample[i].data, (size_t)t->bytes);
    }
    assert_int_equal(jd_tensor_file_get(f, "b/W")->bytes, 24);
    /* Descending element size, then name. */
    static const char *const order[] = {"c\"\\\n\xc3\xa9", "d", "b/W", "empty", "a"};
    for (size_t i = 0; i < SAMPLES; i++) assert_string_equal(jd_tensor_file_entry(f, i)->name, order[i]);
    assert_null(jd_tensor_file_entry(f, SAMPLES));
    for (int i = 0; i < 3; i++) assert_string_equal(jd_tensor_file_meta(f, pairs[i].key), pairs[i].value);
    assert_string_equal(jd_tensor_file_meta(f, "format"), "jackdaw");
    assert_string_equal(jd_tensor_file_meta(f, "jackdaw.kind"), "weights");
    assert_int_equal(strlen(jd_tensor_file_meta(f, "jackdaw.xxh3")), 16);
    assert_null(jd_tensor_file_meta(f, "nothing"));

    /* Other order, same bytes; and the metadata of a read file can be handed on. */
    jd_tensor_entry reversed[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) reversed[i] = sample[SAMPLES - 1 - i];
    const size_t m = jd_tensor_file_metadata_count(f);
    assert_int_equal(m, 8);
    jd_metadata copy[8];
    for (size_t i = 0; i < m; i++) copy[i] = *jd_tensor_file_metadata(f, i);
    assert_int_equal(jd_safetensors_write(ctx, again, reversed, SAMPLES, copy, m), JD_OK);
    jd_tensor_file_close(f);
    size_t na, nb;
    char *a = jd_read_file(ctx, path, 0, &na), *b = jd_read_file(ctx, again, 0, &nb);
    assert_int_equal(na, nb);
    assert_memory_equal(a, b, na);
    uint64_t header;
    memcpy(&header, a, 8);
    assert_int_equal((8 + header) % 64, 0);
    assert_memory_equal(a + 8, "{\"__metadata__\":{\"\\u0001\":\"\xe2\x82\xac\",\"format\":\"jackdaw\",", 50);
    jd_free(ctx, a);
    jd_free(ctx, b);
    remove_dir(dir);
    jd_ctx_free(ctx);
}

static void a_foreign_file_loads(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    /* Spaces, another key order, no metadata, misaligned tensors, types that are listed only. */
    jd_tensor_file *f = parse_text(ctx,
                                   "{ \"x\" : {\"data_offsets\":[1,9], \"shape\":[2], \"dtype\":\"F32\"},\n"
                                   "\"y\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                                   "\"z\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[9,11]},"
                                   "\"s\":{\"dtype\":\"F6_E2M3\",\"shape\":[4],\"data_offsets\":[11,14]},"
                                   "\"n\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[14,16]}}   ",
                                   16);
    assert_non_null(f);
    assert_int_equal(jd_tensor_file_count(f), 5);
    const jd_tensor_entry *x = jd_tensor_file_get(f, "x");
    assert_int_equal((uintptr_t)x->data % 4, 0);
    static const unsigned char expected[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    assert_memory_equal(x->data, expected, 8);
    assert_int_equal(jd_tensor_file_metadata_count(f), 0);
    const jd_tensor_entry *z = jd_tensor_file_find(f, "z");
    assert_int_equal(z->dtype, JD_FILE_OTHER);
    assert_null(z->data);
    assert_string_equal(z->stored, "F8_E4M3");
    assert_null(jd_tensor_file_get(f, "z"));
    assert_non_null(strstr(jd_error_message(ctx), "F8_E4M3"));
    jd_error_clear(ctx);
    assert_null(jd_tensor_file_get(f, "xx"));
    assert_non_null(strstr(jd_error_message(ctx), "has no tensor \"xx\""));
    jd_error_clear(ctx);
    jd_tensor_file_close(f);
    f = parse_text(ctx, "{}", 0);
    assert_non_null(f);
    jd_tensor_file_close(f);
    jd_ctx_free(ctx);
}

#define T(shape, begin, end) "{\"dtype\":\"U8\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

static void wrong_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header, *says;
        size_t data;
    } wrong[] = {
        {"[]", "must begin with '{'", 0},
        {" {}", "must begin with '{'", 0},
        {"{", "header length 1", 0},
        {"{ ", "a name in quotes", 0},
        {"{}}", "something follows", 0},
        {"{}\n", "something follows", 0},
        {"{\"a\":}", "does not end", 0},
        {"{\"a\" 1}", "':' expected", 0},
        {"{\"a\":1}", "must be an object", 0},
        {"{\"a\":" T("[1]", "0", "1") ",}", "a name in quotes", 1},
        {"{\"a\":" T("[1]", "0", "1") " \"b\":" T("[0]", "1", "1") "}", "',' or '}'", 1},
        {"{\"a\":" T("[1]", "0", "1") ",\"a\":" T("[1]", "1", "2") "}", "is there twice", 2},
        {"{\"a\":" T("[1]", "0", "1") ",\"\\u0061\":" T("[1]", "1", "2") "}", "is there twice", 2},
        {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", "duplicate", 1},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"more\":1}}", "nothing else", 1},
        {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", "dtype", 1},
        {"{\"a\":{\"dtype\":\"U9\",\"shape\":[1],\"data_offsets\":[0,1]}}", "\"U9\" is not a type", 1},
        {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", "shape", 1},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", "data_offsets", 1},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,1]}}", "data_offsets", 1},
        {"{\"\":" T("[1]", "0", "1") "}", "a name of 0 bytes", 1},
        {"{\"a\\u0000b\":" T("[1]", "0", "1") "}", "header", 1},
        {"{\"a\xff\":" T("[1]", "0", "1") "}", "UTF-8", 1},
        {"{\"a\":" T("[1.0]", "0", "1") "}", "whole numbers", 1},
        {"{\"a\":" T("[1e0]", "0", "1") "}", "whole numbers", 1},
        {"{\"a\":" T("[-1]", "0", "1") "}", "negative", 1},
        {"{\"a\":" T("[1]", "-0", "1") "}", "negative", 1},
        {"{\"a\":" T("[\"1\"]", "0", "1") "}", "whole numbers", 1},
        {"{\"a\":" T("[9223372036854775808]", "0", "1") "}", "too big", 1},
        {"{\"a\":" T("[1099511627777]", "0", "1") "}", "1099511627777, the limit is 1099511627776", 1},
        {"{\"a\":" T("[1,1,1,1,1,1,1,1,1]", "0", "1") "}", "rank 9", 1},
        {"{\"a\":" T("[1099511627776,1099511627776]", "0", "1") "}", "data_offsets hold 1 bytes", 1},
        {"{\"a\":" T("[4294967296,4294967296]", "0", "0") "}", "data_offsets hold 0 bytes", 0},
        {"{\"a\":" T("[1]", "1", "2") "}", "must begin at 0", 2},
        {"{\"a\":" T("[1]", "0", "1") ",\"b\":" T("[1]", "2", "3") "}", "must begin at 1", 3},
        {"{\"a\":" T("[2]", "0", "2") ",\"b\":" T("[2]", "1", "3") "}", "must begin at 2", 3},
        {"{\"a\":" T("[2]", "2", "0") "}", "must begin at 0", 2},
        {"{\"a\":" T("[2]", "0", "1") "}", "hold 1 bytes", 1},
        {"{\"a\":" T("[1]", "0", "1") ",\"b\":" T("[2]", "1", "2") "}", "hold 1 bytes, but shape and type U8 need 16",
         2},
        {"{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", "need 12 bits", 2},
        {"{\"a\":" T("[2]", "0", "2") "}", "need 2 bytes of data, the file has 1", 1},
        {"{\"a\":" T("[2]", "0", "2") "}", "need 2 bytes of data, the file has 3", 3},
        {"{}", "need 0 bytes of data, the file has 1", 1},
        {"{\"__metadata__\":[]}", "must be an object", 0},
        {"{\"__metadata__\":{\"a\":1}}", "must be a string", 0},
        {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", "a key twice", 0},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", "is there twice", 0},
        {"{\"__metadata__\":{\"jackdaw.xxh3\":\"0123456789abcdef\"}}", "jackdaw.xxh3", 0},
        {"{\"__metadata__\":{\"jackdaw.xxh3.header\":\"0123456789abcdef\"}}", "jackdaw.xxh3.header", 0},
        {"{\"__metadata__\":{\"jackdaw.xxh3.header\":\"\"}}", "jackdaw.xxh3.header", 0},
    };
    heap_watch h;
    jd_ctx *ctx = watched_ctx(&h);
    const int before = h.live;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_null(parse_text(ctx, wrong[i].header, wrong[i].data));
        assert_int_equal(jd_error(ctx), JD_EDATA);
        if (!strstr(jd_error_message(ctx), wrong[i].says)) fail_msg("%s: %s", wrong[i].header, jd_error_message(ctx));
        assert_non_null(strstr(jd_error_message(ctx), "hand.safetensors: "));
        jd_error_clear(ctx);
        assert_int_equal(h.live, before);
    }
    jd_ctx_free(ctx);
}

static void limits_are_exact(void **state)
{
    (void)state;
    heap_watch h;
    jd_ctx *ctx = watched_ctx(&h);
    static char header[1 << 17];
    for (int n = 1023; n <= 1025; n++) { /* bytes of a name */
        char name[1100];
        memset(name, 'n', sizeof name);
        name[n] = 0;
        snprintf(header, sizeof header, "{\"%s\":" T("[1]", "0", "1") "}", name);
        jd_tensor_file *f = parse_text(ctx, header, 1);
        assert_true((f != NULL) == (n <= 1024));
        jd_tensor_file_close(f);
        jd_error_clear(ctx);
    }
    for (int n = 7; n <= 9; n++) { /* rank */
        char shape[40] = "[1";
        for (int i = 1; i < n; i++) strcat(shape, ",1");
        snprintf(header, sizeof header, "{\"a\":{\"dtype\":\"U8\",\"shape\":%s],\"data_offsets\":[0,1]}}", shape);
        jd_tensor_file *f = parse_text(ctx, header, 1);
        assert_true((f != NULL) == (n <= 8));
        jd_tensor_file_close(f);
        jd_error_clear(ctx);
    }
    /* A dimension may be 2^40 beside a dimension 0. */
    jd_tensor_file *f = parse_text(ctx, "{\"a\":" T("[1099511627776,0]", "0", "0") "}", 0);
    assert_non_null(f);
    jd_tensor_file_close(f);
    /* Nesting far beyond the limit must not use the stack. */
    strcpy(header, "{\"a\":");
    memset(header + 5, '[', 100000);
    header[100005] = 0;
    assert_null(parse_text(ctx, header, 0));
    assert_non_null(strstr(jd_error_message(ctx), "nested deeper than 64"));
    jd_error_clear(ctx);
    /* Header lengths: beyond the file, beyond the limit, wrapping. */
    unsigned char file[16] = {9, 0, 0, 0, 0, 0, 0, 0, '{', '}', ' ', ' ', ' ', ' ', ' ', ' '};
    assert_int_equal(try_parse(ctx, &h, jd_safetensors_parse, file, 16), JD_EDATA);
    file[0] = 8;
    assert_int_equal(try_parse(ctx, &h, jd_safetensors_parse, file, 16), JD_OK);
    memset(file, 0xff, 8);
    assert_int_equal(try_parse(ctx, &h, jd_safetensors_parse, file, 16), JD_EDATA);
    assert_true(h.largest < 1 << 20);
    jd_ctx_free(ctx);
}

static void every_damage_is_seen(void **state)
{
    (void)state;
    char dir[64], path[100];
    make_dir(dir);
    snprintf(path, sizeof path, "%s/a.safetensors", dir);
    jd_ctx *ctx = jd_ctx_new(NULL);
    assert_int_equal(jd_safetensors_write(ctx, path, sample, 3, pairs, 1), JD_OK);
    size_t n;
    unsigned char *file = jd_read_file(ctx, path, 0, &n);
    const int accepted = attack(jd_safetensors_parse, file, n);
    /* Only a flip in the spelling of a checksum's own key can hide: it makes the file one without that checksum, and
     * the other one still covers the header unless that is the one that is gone. */
    assert_true(accepted <= 19 * 8);
    jd_free(ctx, file);
    remove_dir(dir);
    jd_ctx_free(ctx);
}

static void wrong_use_is_refused(void **state)
{
    (void)state;
    char dir[64], path[100];
    make_dir(dir);
    snprintf(path, sizeof path, "%s/a.safetensors", dir);
    jd_ctx *ctx = jd_ctx_new(NULL);
    const jd_tensor_entry good = sample[0];
    jd_tensor_entry bad[9];
    for (int i = 0; i < 9; i++) bad[i] = good;
    char longer[1026];
    memset(longer, 'a', 1025);
    longer[1025] = 0;
    bad[0].name = "";
    bad[1].name = longer;
    bad[2].name = "\xc0\x80";
    bad[3].name = "__metadata__";
    bad[4].rank = 9;
    bad[5].dim[0] = -1;
    bad[6].dtype = JD_FILE_U32;
    bad[7].data = NULL;
    bad[8].dim[0] = bad[8].dim[1] = (int64_t)1 << 40;
    for (int i = 0; i < 9; i++) {
        assert_int_equal(jd_safetensors_write(ctx, path, &bad[i], 1, NULL, 0), JD_EUSAGE);
        jd_error_clear(ctx);
    }
    jd_tensor_entry twice[3] = {good, sample[2], good};
    twice[2].dtype = JD_FILE_I8;
    assert_int_equal(jd_safetensors_write(ctx, path, twice, 3, NULL, 0), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "given twice"));
    jd_error_clear(ctx);
    const jd_metadata doubled[] = {{"k", "1"}, {"k", "2"}}, invalid[] = {{"k", "\xff"}};
    assert_int_equal(jd_safetensors_write(ctx, path, NULL, 0, doubled, 2), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_safetensors_write(ctx, path, NULL, 0, invalid, 1), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(count_files(dir), 0);
    assert_int_equal(jd_safetensors_write(ctx, path, NULL, 0, NULL, 0), JD_OK);
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    assert_non_null(f);
    jd_tensor_file_close(f);
    assert_null(jd_safetensors_open(ctx, dir));
    assert_int_equal(jd_error(ctx), JD_ENOINPUT);
    remove_dir(dir);
    jd_ctx_free(ctx);
    assert_int_equal(jd_tensor_file_count(NULL), 0);
    assert_null(jd_tensor_file_get(NULL, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(a_foreign_file_loads),
        cmocka_unit_test(wrong_headers_are_refused),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(every_damage_is_seen),
        cmocka_unit_test(wrong_use_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
