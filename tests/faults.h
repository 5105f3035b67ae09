/*
 * faults.h - allocations and system calls that fail on purpose, in the whole process: faults.c puts itself before the C
 * library, so libpng, jansson and the others are met too.
 *
 *     faults_memory(n, false);             the n-th allocation from here on fails; with `true` all after it as well
 *     status = jd_read_picture(...);
 *     if (!faults_end()) break;            fewer than n were made
 *
 * A program that faults.c is linked into takes the fault from its environment instead: JACKDAW_FAULT=memory:17, memory:17+ (all
 * from there on), or CALL:N:ERROR, as write:3:ENOSPC, fsync:1:EIO, write:2:SHORT; CALL is open, write, fsync, close, rename, link.
 * Calls are counted that concern files below $JACKDAW_FAULT_DIR (else all that write).  When it happens, its stack is written to
 * $JACKDAW_FAULT_LOG.
 */
#ifndef JD_TESTS_FAULTS_H
#define JD_TESTS_FAULTS_H

#include <stdbool.h>

void faults_memory(long n, bool forever);
bool faults_end(void);         /* no more failures; whether there was one */
long faults_allocations(void); /* since faults_memory */
long faults_live(void);        /* blocks that have been taken and not given back */

#endif
