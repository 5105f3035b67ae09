/*
 * faults.h - allocations and system calls that fail on purpose, in the whole process: faults.c puts itself before the C
 * library, so libpng, jansson and the others are met too.
 *
 *     faults_memory(n, false);             the n-th allocation from here on fails; with `true` all after it as well
 *     status = jd_read_picture(...);
 *     if (!faults_end()) break;            fewer than n were made
 *
 * A program that faults.c is linked into may get its fault from the environment: JACKDAW_FAULT=memory:17, or memory:17+ for all
 * from there on; or CALL:N:ERROR for the N-th such system call that concerns a file opened for writing or its folder: open,
 * write, fsync, close, rename, link or mkdir with EIO, ENOSPC or EINTR, or write with SHORT, which writes half.  `+` after N
 * here too.  The stack of the call goes to $JACKDAW_FAULT_LOG.
 */
#ifndef JD_TESTS_FAULTS_H
#define JD_TESTS_FAULTS_H

#include <stdbool.h>

void faults_memory(long n, bool forever);
bool faults_end(void);         /* no more failures; whether there was one */
long faults_allocations(void); /* since faults_memory */
long faults_live(void);        /* blocks taken and not given back; 0 where LeakSanitizer counts */

#endif
