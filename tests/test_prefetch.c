/* Prefetch threads: order, any number of threads, errors, early end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "jackdaw/data.h"

typedef struct batch {
    uint64_t number;
    uint32_t data[1000];
} batch;

typedef struct source {
    uint64_t seed, bad; /* `bad`: the batch that fails */
    int per_thread[16]; /* scratch: only its own thread may touch an entry */
} source;

static jd_status fill(void *user, int thread, uint64_t number, void *slot, char message[JD_PREFETCH_MESSAGE])
{
    source *s = user;
    batch *b = slot;
    s->per_thread[thread]++;
    if (number >= s->bad) {
        snprintf(message, JD_PREFETCH_MESSAGE, "no more than %d", (int)s->bad);
        return JD_EDATA;
    }
    if (number % 5 == 1) nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL); /* some batches are late */
    jd_rng r = jd_rng_new(s->seed, "prefetch-test", number);
    b->number = number;
    for (int i = 0; i < 1000; i++) b->data[i] = jd_rng_u32(&r);
    return JD_OK;
}

/* Consumes `count` batches and checks each against the one made directly. */
static void consume(jd_prefetch *p, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const batch *b = jd_prefetch_next(p);
        assert_non_null(b);
        assert_int_equal(b->number, first + i);
        jd_rng r = jd_rng_new(3, "prefetch-test", first + i);
        for (int k = 0; k < 1000; k++)
            if (b->data[k] != jd_rng_u32(&r)) fail_msg("batch %d, word %d", (int)(first + i), k);
    }
}

static void in_order(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    static const int threads[] = {0, 1, 2, 3, 7};
    for (int t = 0; t < 5; t++)
        for (int slots = 0; slots < 4; slots++) {
            source s = {.seed = 3, .bad = UINT64_MAX};
            jd_prefetch *p = jd_prefetch_new(ctx, &(jd_prefetch_options){.fill = fill,
                                                                         .user = &s,
                                                                         .threads = threads[t],
                                                                         .slots = slots,
                                                                         .slot_bytes = sizeof(batch),
                                                                         .first = 1000,
                                                                         .count = 60});
            assert_non_null(p);
            consume(p, 1000, 60);
            assert_null(jd_prefetch_next(p));
            assert_null(jd_prefetch_next(p));
            jd_prefetch_free(p);
            int filled = 0;
            for (int i = 0; i < 16; i++) filled += s.per_thread[i];
            assert_int_equal(filled, 60); /* each batch once */
        }
    assert_int_equal(jd_error(ctx), JD_OK);
    jd_ctx_free(ctx);
}

static void early_end(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    for (uint64_t used = 0; used < 12; used++) {
        source s = {.seed = 3, .bad = UINT64_MAX};
        jd_prefetch *p = jd_prefetch_new(
            ctx,
            &(jd_prefetch_options){.fill = fill, .user = &s, .threads = 3, .slots = 4, .slot_bytes = sizeof(batch)});
        consume(p, 0, used); /* without end: freed while threads work or wait */
        jd_prefetch_free(p);
    }
    jd_prefetch_free(NULL);
    jd_ctx_free(ctx);
}

/* All batches before the failing one arrive; then its sentence does, whatever the number of threads. */
static void failing_batch(void **state)
{
    (void)state;
    for (int threads = 0; threads < 6; threads++) {
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
        source s = {.seed = 3, .bad = 17};
        jd_prefetch *p = jd_prefetch_new(
            ctx,
            &(jd_prefetch_options){
                .fill = fill, .user = &s, .threads = threads, .slots = 6, .slot_bytes = sizeof(batch), .count = 100});
        consume(p, 0, 17);
        assert_null(jd_prefetch_next(p));
        assert_null(jd_prefetch_next(p));
        assert_int_equal(jd_error(ctx), JD_EDATA);
        assert_string_equal(jd_error_message(ctx), "prefetch: batch 17: no more than 17");
        jd_prefetch_free(p);
        jd_ctx_free(ctx);
    }
}

static void wrong_use(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    assert_null(jd_prefetch_new(ctx, &(jd_prefetch_options){.slot_bytes = 1}));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_null(jd_prefetch_new(ctx, &(jd_prefetch_options){.fill = fill, .slot_bytes = 1, .threads = -1}));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(early_end),
        cmocka_unit_test(failing_batch),
        cmocka_unit_test(wrong_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
