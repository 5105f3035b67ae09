/*
 * sanitized.h - where a test need not do all of its work: sanitizers make it ten times slower and look at other things.
 *
 *     enum { CHAINS = SANITIZED ? 5000 : 100000 };
 */
#ifndef JD_TESTS_SANITIZED_H
#define JD_TESTS_SANITIZED_H

#if defined(__has_feature)
#define SANITIZED_BY(what) __has_feature(what)
#else
#define SANITIZED_BY(what) 0
#endif

#if defined(__SANITIZE_THREAD__) || SANITIZED_BY(thread_sanitizer)
#define SANITIZED_THREADS 1 /* only what runs on several threads is of interest */
#else
#define SANITIZED_THREADS 0
#endif

#if SANITIZED_THREADS || defined(__SANITIZE_ADDRESS__) || SANITIZED_BY(address_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#endif
