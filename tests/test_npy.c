/*
 * test_npy.c - npy and npz: files that NumPy wrote, our own, and hostile ones.
 */
#include "io_help.h"

#include <zlib.h>

/* np.save of [[0,1,2],[3,4,5]], '<f4', in Fortran order. */
static const char fortran_f4[] =
    "934e554d5059010076007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a20547275652c202773"
    "68617065273a2028322c2033292c207d202020202020202020202020202020202020202020202020202020202020202020202020"
    "20202020202020202020202020202020202020202020200a00000000000040400000803f00008040000000400000a040";
/* np.save of [1,-2,300], '>i2'. */
static const char big_i2[] =
    "934e554d5059010076007b276465736372273a20273e6932272c2027666f727472616e5f6f72646572273a2046616c73652c2027"
    "7368617065273a2028332c292c207d20202020202020202020202020202020202020202020202020202020202020202020202020"
    "20202020202020202020202020202020202020202020200a0001fffe012c";
/* The first bytes of np.save of an object array. */
static const char object[] =
    "934e554d5059010076007b276465736372273a20277c4f272c2027666f727472616e5f6f72646572273a2046616c73652c202773"
    "68617065273a2028312c292c207d2020202020202020202020202020202020202020202020202020202020202020202020202020"
    "20202020202020202020202020202020202020202020200a8004958a00000000";
/* np.savez(b = 2.5, a = [True, False]). */
static const char stored[] =
    "504b03042d00000000000000210035b43a93ffffffffffffffff05001400622e6e70790100100088000000000000008800000000"
    "000000934e554d5059010076007b276465736372273a20273c6638272c2027666f727472616e5f6f72646572273a2046616c7365"
    "2c20277368617065273a2028292c207d202020202020202020202020202020202020202020202020202020202020202020202020"
    "20202020202020202020202020202020202020202020202020200a0000000000000440504b03042d000000000000002100ee19bb"
    "5dffffffffffffffff05001400612e6e70790100100082000000000000008200000000000000934e554d5059010076007b276465"
    "736372273a20277c6231272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a2028322c292c20"
    "7d202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020"
    "2020202020202020200a0100504b01022d032d00000000000000210035b43a938800000088000000050000000000000000000000"
    "800100000000622e6e7079504b01022d032d000000000000002100ee19bb5d820000008200000005000000000000000000000080"
    "01bf000000612e6e7079504b0506000000000200020066000000780100000000";
/* np.savez_compressed(x = arange(40), '<i8'). */
static const char deflated[] =
    "504b03042d00000008000000210032c81ff0ffffffffffffffff05001400782e6e707901001000c0010000000000009c00000000"
    "0000009dccb90ac2400084e1c4fbbeef733d572185858588b59d62636125c14414c4c8466cc4a7f0858df0fb024ef33153cc7bbd"
    "5d6d76baf6d09ed2b2dd8392732117e79934843c3aeaaeccebde5196fddd97e6c5b5bddd3d9937dbeba3e9c4181be225fe4f4c23"
    "3afad08f010c6208c318c128fe0ee398c024a6308d19cc620ef358c02296b08c15ac620debd8c026b6b08d023bd8c51ef6718043"
    "94f801504b01022d032d00000008000000210032c81ff09c000000c0010000050000000000000000000000800100000000782e6e"
    "7079504b0506000000000100010033000000d30000000000";

static size_t from_hex(const char *hex, unsigned char *to)
{
    size_t n = 0;
    for (; hex[2 * n]; n++) {
        unsigned v;
        assert_int_equal(sscanf(hex + 2 * n, "%2x", &v), 1);
        to[n] = (unsigned char)v;
    }
    return n;
}

static jd_tensor_file *parse_hex(jd_ctx *ctx, parse_function *parse, const char *hex)
{
    unsigned char file[1024];
    const size_t n = from_hex(hex, file);
    return parse(ctx, "file", file, n);
}

static void files_of_numpy_are_read(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_tensor_file *f = parse_hex(ctx, jd_npy_parse, fortran_f4);
    const jd_tensor_entry *t = jd_tensor_file_entry(f, 0);
    assert_non_null(t);
    assert_string_equal(t->name, "");
    assert_true(t->dtype == JD_FILE_F32 && t->rank == 2 && t->dim[0] == 2 && t->dim[1] == 3 && t->bytes == 24);
    for (int i = 0; i < 6; i++) assert_true(((const float *)t->data)[i] == (float)i);
    jd_tensor_file_close(f);

    f = parse_hex(ctx, jd_npy_parse, big_i2);
    t = jd_tensor_file_get(f, "");
    assert_non_null(t);
    const int16_t *s = t->data;
    assert_true(t->dtype == JD_FILE_I16 && s[0] == 1 && s[1] == -2 && s[2] == 300);
    jd_tensor_file_close(f);

    assert_null(parse_hex(ctx, jd_npy_parse, object));
    assert_int_equal(jd_error(ctx), JD_EDATA);
    assert_non_null(strstr(jd_error_message(ctx), "pickle"));
    jd_error_clear(ctx);

    f = parse_hex(ctx, jd_npz_parse, stored);
    assert_int_equal(jd_tensor_file_count(f), 2);
    t = jd_tensor_file_get(f, "a");
    assert_true(t->dtype == JD_FILE_BOOL && t->rank == 1 && !memcmp(t->data, "\1\0", 2));
    t = jd_tensor_file_get(f, "b");
    assert_true(t->dtype == JD_FILE_F64 && t->rank == 0 && *(const double *)t->data == 2.5);
    jd_tensor_file_close(f);

    f = parse_hex(ctx, jd_npz_parse, deflated);
    t = jd_tensor_file_get(f, "x");
    assert_non_null(t);
    for (int64_t i = 0; i < 40; i++) assert_true(((const int64_t *)t->data)[i] == i);
    jd_tensor_file_close(f);
    jd_ctx_free(ctx);
}

/* An npy file with this header and this many data bytes; returns its size. */
static size_t build(unsigned char *to, int major, const char *header, size_t data)
{
    const size_t n = strlen(header), start = major == 1 ? 10 : 12;
    memcpy(to, "\x93NUMPY", 6);
    to[6] = (unsigned char)major;
    to[7] = 0;
    for (size_t i = 8; i < start; i++) to[i] = (unsigned char)(n >> (8 * (i - 8)));
    memcpy(to + start, header, n);
    memset(to + start + n, 1, data);
    return start + n + data;
}

static void headers_in_other_spellings(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }\n",
        "{\"shape\": (1 , ) ,\"fortran_order\":True,\"descr\":\"<i4\"}",
        " { 'shape':(1L,2L,),'descr':'|u1','fortran_order' : False } ",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (4, 1)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 7)}",
        "{'descr': '=f2', 'fortran_order': True, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1)}",
    };
    static const size_t data[] = {4, 4, 2, 4, 0, 2, 4};
    static const struct {
        const char *header, *says;
    } wrong[] = {
        {"", "'{' expected"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (1)}", "comma"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': 1}", "'(' expected"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (1,}", "whole number"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (,)}", "whole number"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (1,,)}", "whole number"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (-1,)}", "whole number"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (1 1)}", "',' or ')'"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (1,), 'x': 1}", "unknown key \"x\""},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (1,)} x", "follows"},
        {"{'descr': '<i4', 'fortran_order': False}", "must all be there"},
        {"{'descr': '<i4', 'descr': '<i4', 'fortran_order': False, 'shape': (1,)}", "twice"},
        {"{'descr': '<i4' 'fortran_order': False, 'shape': (1,)}", "',' or '}'"},
        {"{'descr': '<i4', 'fortran_order': 0, 'shape': (1,)}", "True or False"},
        {"{'descr' '<i4', 'fortran_order': 0, 'shape': (1,)}", "':' expected"},
        {"{descr: '<i4', 'fortran_order': False, 'shape': (1,)}", "key in quotes"},
        {"{'descr': 4, 'fortran_order': False, 'shape': (1,)}", "string expected"},
        {"{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,)}", "structured"},
        {"{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", "word 0 is no Unicode text"},
        {"{'descr': '<U0', 'fortran_order': False, 'shape': (1,)}", "\"<U0\" is not read"},
        {"{'descr': '|S', 'fortran_order': False, 'shape': (1,)}", "\"|S\" is not read"},
        {"{'descr': '<U99999999', 'fortran_order': False, 'shape': (1,)}", "is not read"},
        {"{'descr': '|S2', 'fortran_order': False, 'shape': (1,)}", "needs 2 bytes of data, the file has 4"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "\"<c8\" is not read"},
        {"{'descr': '<M8', 'fortran_order': False, 'shape': (1,)}", "\"<M8\" is not read"},
        {"{'descr': '|i4', 'fortran_order': False, 'shape': (1,)}", "\"|i4\" is not read"},
        {"{'descr': '', 'fortran_order': False, 'shape': (1,)}", "is not read"},
        {"{'descr': 'O', 'fortran_order': False, 'shape': (1,)}", "pickle"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (2,)}", "needs 8 bytes of data, the file has 4"},
        {"{'descr': '<i2', 'fortran_order': False, 'shape': (1,)}", "needs 2 bytes of data, the file has 4"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (2147483648,)}", "the limit is 2147483647"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (99999999999999999999999,)}", "the limit is 2147483647"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (2147483647,2147483647,2147483647)}", "needs"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", "more than 8"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (1,)", "'}'"},
    };
    heap_watch h;
    jd_ctx *ctx = watched_ctx(&h);
    unsigned char file[300];
    for (int major = 1; major <= 4; major++)
        for (size_t i = 0; i < sizeof good / sizeof *good; i++)
            assert_int_equal(try_parse(ctx, &h, jd_npy_parse, file, build(file, major, good[i], data[i])),
                             major <= 3 ? JD_OK : JD_EDATA);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_null(jd_npy_parse(ctx, "x.npy", file, build(file, 1, wrong[i].header, 4)));
        assert_int_equal(jd_error(ctx), JD_EDATA);
        if (!strstr(jd_error_message(ctx), wrong[i].says)) fail_msg("%s: %s", wrong[i].header, jd_error_message(ctx));
        jd_error_clear(ctx);
    }
    assert_true(h.largest < 1 << 16);
    jd_ctx_free(ctx);
}

static void header_length_limit(void **state)
{
    (void)state;
    heap_watch h;
    jd_ctx *ctx = watched_ctx(&h);
    static char header[10100];
    static unsigned char file[10200];
    for (size_t n = 9999; n <= 10001; n++) {
        memset(header, ' ', sizeof header);
        static const char dict[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}";
        memcpy(header, dict, sizeof dict - 1);
        header[n] = 0;
        for (int major = 1; major <= 2; major++)
            assert_int_equal(try_parse(ctx, &h, jd_npy_parse, file, build(file, major, header, 1)),
                             n <= 10000 ? JD_OK : JD_EDATA);
    }
    jd_ctx_free(ctx);
}

/* Labels that are words: four bytes a character in either order, or bytes of UTF-8; zeros fill up. */
static void text_is_read_as_words(void **state)
{
    (void)state;
    unsigned char file[300];
    static const uint32_t word[4][2] = {{'a', 0}, {0xFC, 'b'}, {0x65E5, 0x1F600}, {0, 0}};
    jd_ctx *ctx = jd_ctx_new(NULL);
    for (int big = 0; big < 2; big++) {
        char header[] = "{'descr': '<U2', 'fortran_order': True, 'shape': (2, 2)}";
        header[11] = big ? '>' : '<';
        const size_t n = build(file, 1, header, 32);
        for (int i = 0; i < 8; i++)
            for (int k = 0; k < 4; k++)
                file[n - 32 + (size_t)(4 * i + k)] = (unsigned char)(word[i / 2][i % 2] >> 8 * (big ? 3 - k : k));
        jd_tensor_file *f = jd_npy_parse(ctx, "x", file, n);
        const jd_tensor_entry *t = jd_tensor_file_entry(f, 0);
        assert_true(!t->data && t->words && t->rank == 2 && t->bytes == 32);
        assert_string_equal(t->words[0], "a");
        assert_string_equal(t->words[1], "\xE6\x97\xA5\xF0\x9F\x98\x80");
        assert_string_equal(t->words[2], "\xC3\xBC"
                                         "b");
        assert_string_equal(t->words[3], "");
        assert_null(jd_tensor_file_get(f, "")); /* no numbers */
        jd_error_clear(ctx);
        jd_tensor_file_close(f);
        file[n - (big ? 32 : 29)] = 1; /* U+1000061 */
        assert_null(jd_npy_parse(ctx, "x", file, n));
        assert_non_null(strstr(jd_error_message(ctx), "word 0 is no Unicode text"));
        jd_error_clear(ctx);
    }
    const size_t n = build(file, 1, "{'descr': '|S3', 'fortran_order': False, 'shape': (2,)}", 6);
    memcpy(file + n - 6, "\xC3\xBC\0xyz", 6);
    jd_tensor_file *f = jd_npy_parse(ctx, "x", file, n);
    const jd_tensor_entry *t = jd_tensor_file_entry(f, 0);
    assert_string_equal(t->words[0], "\xC3\xBC");
    assert_string_equal(t->words[1], "xyz");
    jd_tensor_file_close(f);
    file[n - 5] = 'x';
    assert_null(jd_npy_parse(ctx, "x", file, n));
    jd_ctx_free(ctx);
}

static void transposition_of_rank_three(void **state)
{
    (void)state;
    unsigned char file[300];
    const size_t n = build(file, 1, "{'descr': '<u2', 'fortran_order': True, 'shape': (2, 3, 4)}", 48);
    for (unsigned i = 0; i < 24; i++) file[n - 48 + 2 * i] = (unsigned char)i, file[n - 47 + 2 * i] = 0;
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_tensor_file *f = jd_npy_parse(ctx, "x", file, n);
    const uint16_t *x = jd_tensor_file_get(f, "")->data;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 4; k++) assert_int_equal(x[(i * 3 + j) * 4 + k], i + 2 * j + 6 * k);
    jd_tensor_file_close(f);
    jd_ctx_free(ctx);
}

static void round_trips(void **state)
{
    (void)state;
    char dir[64], path[100];
    make_dir(dir);
    snprintf(path, sizeof path, "%s/file", dir);
    jd_ctx *ctx = jd_ctx_new(NULL);
    static const double values[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    for (int type = 0; type < JD_FILE_OTHER; type++)
        for (int rank = 0; rank <= 3; rank++) {
            const jd_tensor_entry t = {.dtype = (jd_file_dtype)type, .rank = rank, .dim = {3, 2, 2}, .data = values};
            const bool can = type != JD_FILE_BF16;
            assert_int_equal(jd_npy_write(ctx, path, &t), can ? JD_OK : JD_EUSAGE);
            jd_error_clear(ctx);
            if (!can) continue;
            jd_tensor_file *f = jd_npy_open(ctx, path);
            const jd_tensor_entry *got = jd_tensor_file_get(f, "");
            assert_non_null(got);
            assert_true(got->dtype == t.dtype && got->rank == rank);
            static const size_t counts[] = {1, 3, 6, 12};
            assert_int_equal(got->bytes, counts[rank] * jd_file_dtype_size(t.dtype));
            assert_memory_equal(got->data, values, (size_t)got->bytes);
            jd_tensor_file_close(f);
        }
    const jd_tensor_entry two[] = {{.name = "z", .dtype = JD_FILE_F64, .rank = 1, .dim = {12}, .data = values},
                                   {.name = "a/b", .dtype = JD_FILE_U8, .rank = 1, .dim = {0}}};
    const jd_tensor_entry swapped[] = {two[1], two[0]};
    assert_int_equal(jd_npz_write(ctx, path, two, 2), JD_OK);
    size_t na, nb;
    char *a = jd_read_file(ctx, path, 0, &na);
    assert_int_equal(jd_npz_write(ctx, path, swapped, 2), JD_OK);
    char *b = jd_read_file(ctx, path, 0, &nb);
    assert_int_equal(na, nb);
    assert_memory_equal(a, b, na);
    jd_free(ctx, a);
    jd_free(ctx, b);
    jd_tensor_file *f = jd_npz_open(ctx, path);
    assert_int_equal(jd_tensor_file_count(f), 2);
    assert_string_equal(jd_tensor_file_entry(f, 0)->name, "a/b");
    assert_memory_equal(jd_tensor_file_get(f, "z")->data, values, sizeof values);
    assert_int_equal(jd_tensor_file_get(f, "a/b")->bytes, 0);
    jd_tensor_file_close(f);
    assert_int_equal(jd_npz_write(ctx, path, NULL, 0), JD_OK);
    f = jd_npz_open(ctx, path);
    assert_non_null(f);
    assert_int_equal(jd_tensor_file_count(f), 0);
    jd_tensor_file_close(f);
    jd_tensor_entry wrong[] = {two[0], two[0]};
    assert_int_equal(jd_npz_write(ctx, path, wrong, 2), JD_EUSAGE);
    jd_error_clear(ctx);
    static const char *const names[] = {"/a", "../a", "", "a..b"};
    for (int i = 0; i < 4; i++) {
        wrong[0].name = names[i];
        assert_int_equal(jd_npz_write(ctx, path, wrong, 1), JD_EUSAGE);
        jd_error_clear(ctx);
    }
    assert_int_equal(count_files(dir), 1);
    remove_dir(dir);
    jd_ctx_free(ctx);
}

static void attacks(void **state)
{
    (void)state;
    static const struct {
        parse_function *parse;
        const char *hex;
    } files[] = {{jd_npy_parse, fortran_f4}, {jd_npy_parse, big_i2}, {jd_npz_parse, stored}, {jd_npz_parse, deflated}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        unsigned char file[1024];
        const size_t n = from_hex(files[i].hex, file);
        attack(files[i].parse, file, n);
    }
}

/* Changes `n` bytes at `at` of the stored archive; it must be refused with these words. */
static void refuse_archive(jd_ctx *ctx, const char *hex, size_t at, const char *bytes, size_t n, const char *says)
{
    unsigned char file[1024];
    const size_t size = from_hex(hex, file);
    memcpy(file + at, bytes, n);
    assert_null(jd_npz_parse(ctx, "x.npz", file, size));
    assert_int_equal(jd_error(ctx), JD_EDATA);
    if (!strstr(jd_error_message(ctx), says)) fail_msg("wanted \"%s\": %s", says, jd_error_message(ctx));
    jd_error_clear(ctx);
}

static void hostile_archives(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    /* Central headers of `stored` stand at 376 and 427, the end record at 478. */
    refuse_archive(ctx, stored, 376 + 8, "\1", 1, "encrypted");
    refuse_archive(ctx, stored, 376 + 10, "\14", 1, "compression method");
    refuse_archive(ctx, stored, 376 + 16, "\0", 1, "CRC-32");
    refuse_archive(ctx, stored, 376 + 20, "\377\377\377\377\377\377\377\377", 8, "Zip64 field");
    refuse_archive(ctx, stored, 376 + 24, "\377", 1, "impossible sizes");
    refuse_archive(ctx, stored, 376 + 34, "\1", 1, "several disks");
    refuse_archive(ctx, stored, 376 + 42, "\1", 1, "no local header");
    refuse_archive(ctx, stored, 376 + 46, "/", 1, "leaves the archive");
    refuse_archive(ctx, stored, 376 + 46, "..", 2, "leaves the archive");
    refuse_archive(ctx, stored, 376 + 46, "\0", 1, "UTF-8 without NUL");
    refuse_archive(ctx, stored, 376 + 46 + 3, "z", 1, "is not an .npy file");
    refuse_archive(ctx, stored, 376 + 46, "q", 1, "disagree");
    refuse_archive(ctx, stored, 427 + 42, "\0", 1, "disagree"); /* both at the first member */
    refuse_archive(ctx, stored, 478 + 4, "\1", 1, "several disks");
    refuse_archive(ctx, stored, 478 + 8, "\3\0\3\0", 4, "more members");
    refuse_archive(ctx, stored, 478 + 8, "\1\0\1\0", 4, "longer than its members");
    refuse_archive(ctx, stored, 478 + 8, "\377\377\377\377", 4, "Zip64");
    refuse_archive(ctx, stored, 478 + 12, "\377", 1, "does not fit");
    /* A small file that promises 1 TB: refused by the ratio; one that promises too little or too much. */
    refuse_archive(ctx, deflated, 211 + 24, "\377\377\377\377", 4, "Zip64");
    refuse_archive(ctx, deflated, 211 + 24, "\0\0\0\20", 4, "impossible sizes");
    refuse_archive(ctx, deflated, 211 + 24, "\277", 1, "inflating");
    refuse_archive(ctx, deflated, 211 + 24, "\301", 1, "inflating");
    refuse_archive(ctx, deflated, 211 + 20, "\233", 1, "inflating");

    /* Two members of one name: rename "a" to "b" in both headers. */
    unsigned char file[1024];
    const size_t n = from_hex(stored, file);
    file[191 + 30] = file[427 + 46] = 'b';
    assert_null(jd_npz_parse(ctx, "x.npz", file, n));
    assert_non_null(strstr(jd_error_message(ctx), "is there twice"));
    jd_error_clear(ctx);
    /* Two members, one range: the second's local header inside the first's data would need matching bytes, so both
     * central headers point at one local header. */
    from_hex(stored, file);
    memcpy(file + 427, file + 376, 51);
    assert_null(jd_npz_parse(ctx, "x.npz", file, n));
    assert_non_null(strstr(jd_error_message(ctx), "overlap"));
    jd_ctx_free(ctx);
}

/* `stored` as an archive of Zip64: the first member with all its sizes in the extra field, behind another field, the
 * second with one, and everything of the end record in its long form.  Returns its size. */
static size_t make_zip64(unsigned char *file)
{
    unsigned char old[1024];
    from_hex(stored, old);
    memcpy(file, old, 376);
    unsigned char *p = file + 376;
    for (int i = 0; i < 2; i++) {
        const unsigned char *h = old + 376 + 51 * i;
        const size_t extra = i ? 12 : 4 + 1 + 28;
        memset(p, 0, 51 + extra);
        memcpy(p, h, 51);
        p[30] = (unsigned char)extra;
        memset(p + 24, 255, 4);
        if (!i) memset(p + 20, 255, 4), memset(p + 42, 255, 4);
        unsigned char *e = p + 51;
        if (!i) memcpy(e, "UT\1\0x", 5), e += 5;
        e[0] = 1, e[2] = i ? 8 : 24;
        memcpy(e + 4, h + 24, 4);
        if (!i) memcpy(e + 12, h + 20, 4), memcpy(e + 20, h + 42, 4);
        p += 51 + extra;
    }
    const size_t end = (size_t)(p - file);
    memset(p, 0, 56 + 20 + 22);
    memcpy(p, "PK\6\6\54", 5);
    p[24] = p[32] = 2;
    p[40] = (unsigned char)(end - 376);
    p[48] = 376 & 255, p[49] = 376 >> 8;
    memcpy(p + 56, "PK\6\7", 4);
    p[64] = (unsigned char)end, p[65] = (unsigned char)(end >> 8), p[72] = 1;
    memcpy(p + 76, "PK\5\6\0\0\0\0\377\377\377\377\377\377\377\377\377\377\377\377", 20);
    return end + 98;
}

static void zip64(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    unsigned char file[1024], torn[1024];
    const size_t n = make_zip64(file), end = n - 98;
    jd_tensor_file *f = jd_npz_parse(ctx, "x.npz", file, n);
    assert_string_equal(jd_error_message(ctx), "");
    assert_int_equal(jd_tensor_file_count(f), 2);
    assert_true(*(const double *)jd_tensor_file_get(f, "b")->data == 2.5);
    assert_true(!memcmp(jd_tensor_file_get(f, "a")->data, "\1\0", 2));
    jd_tensor_file_close(f);
    attack(jd_npz_parse, file, n);
    static const struct {
        size_t back; /* bytes before the long end record */
        const char *says;
    } wrong[] = {{12, "Zip64 field missing"}, {10, "Zip64 field too short"}, {8, "impossible sizes"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memcpy(torn, file, n);
        torn[end - wrong[i].back] = 7;
        assert_null(jd_npz_parse(ctx, "x.npz", torn, n));
        if (!strstr(jd_error_message(ctx), wrong[i].says)) fail_msg("%s: %s", wrong[i].says, jd_error_message(ctx));
        jd_error_clear(ctx);
    }
    memcpy(torn, file, n);
    torn[end + 64]++;
    assert_null(jd_npz_parse(ctx, "x.npz", torn, n));
    assert_non_null(strstr(jd_error_message(ctx), "not where the locator says"));
    jd_error_clear(ctx);
    assert_int_equal(jd_npz_write(ctx, "x.npz", NULL, 65535), JD_EUSAGE); /* would need the long form */
    jd_ctx_free(ctx);
}

/* A megabyte of zeros deflates a thousand times; memory must follow what comes out. */
static void a_large_member_inflates(void **state)
{
    (void)state;
    enum { BYTES = 1 << 20 };
    static unsigned char npy[BYTES + 200], packed[8192], file[9000];
    const size_t n = build(npy, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1048576,)}", BYTES);
    z_stream s = {0};
    assert_int_equal(deflateInit2(&s, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
    s.next_in = npy;
    s.avail_in = (uInt)n;
    s.next_out = packed;
    s.avail_out = sizeof packed;
    assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
    const uint32_t crc = (uint32_t)crc32(0, npy, (uInt)n), size = (uint32_t)s.total_out, full = (uint32_t)n;
    deflateEnd(&s);
    unsigned char *p = file;
    memcpy(p, "PK\3\4\24\0\0\0\10\0\0\0\41\0", 14); /* version, flags, method, time, date */
    memcpy(p + 14, &crc, 4);
    memcpy(p + 18, &size, 4);
    memcpy(p + 22, &full, 4);
    memcpy(p + 26, "\5\0\0\0x.npy", 9);
    memcpy(p + 35, packed, size);
    p += 35 + size;
    const uint32_t central = (uint32_t)(p - file);
    memset(p, 0, 46);
    memcpy(p, "PK\1\2\24\0\24\0\0\0\10\0\0\0\41\0", 16);
    memcpy(p + 16, file + 14, 12);
    memcpy(p + 28, "\5", 1);
    memcpy(p + 46, "x.npy", 5);
    p += 51;
    memset(p, 0, 22);
    memcpy(p, "PK\5\6\0\0\0\0\1\0\1\0\63", 13);
    memcpy(p + 16, &central, 4);
    p += 22;
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_tensor_file *f = jd_npz_parse(ctx, "x.npz", file, (size_t)(p - file));
    assert_string_equal(jd_error_message(ctx), "");
    const jd_tensor_entry *t = jd_tensor_file_get(f, "x");
    assert_int_equal(t->bytes, BYTES);
    assert_int_equal(((const unsigned char *)t->data)[BYTES - 1], 1);
    jd_tensor_file_close(f);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_numpy_are_read),
        cmocka_unit_test(headers_in_other_spellings),
        cmocka_unit_test(header_length_limit),
        cmocka_unit_test(text_is_read_as_words),
        cmocka_unit_test(transposition_of_rank_three),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(attacks),
        cmocka_unit_test(hostile_archives),
        cmocka_unit_test(zip64),
        cmocka_unit_test(a_large_member_inflates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
