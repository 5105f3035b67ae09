/*
 * rnn3d_mail.h - the one way by which processes reach each other: messages to face neighbours, and sums round a ring of them.
 *
 * post() counts, and refuses any other way.  Messages posted before a deliver() are there after it.  All processes may live in
 * one program, or be shared out over ranks (ranks.h); every rank must deliver as often as the others.
 */
#ifndef RNN3D_MAIL_H
#define RNN3D_MAIL_H

#include "rnn3d.h"

typedef struct r3_message {
    int from, to, kind;   /* kind: r3_kind */
    int scan, what, tile; /* for the receiver; of the ring: tile is the chunk */
    size_t bytes;
} r3_message;

typedef struct r3_mail {
    jd_ctx *ctx;
    r3_grid grid;
    int P, next[R3_PROCESSES]; /* round the ring */
    size_t first, last;        /* the processes that live here */
    double *counts;            /* (kinds,P,P) bytes */
    char *post;                /* messages and their bytes, one after the other */
    size_t used, room;
    void (*take)(void *user, const r3_message *m, const char *data);
    void *user;
    /* the ring's */
    char *sums[R3_PROCESSES];
    size_t reduced, width;
    bool exact;
} r3_mail;

/* What makes a double an integer: gradients of a mean loss are far below 32. */
#define R3_UNIT 288230376151711744. /* 2^58 */

jd_status r3_mail_open(jd_ctx *ctx, const r3_grid *g, r3_mail *m);
void r3_mail_close(r3_mail *m);
/* Room for a message's bytes, which the caller fills in at once.  NULL and an error: that is no way that messages may go. */
char *r3_post(r3_mail *m, const r3_message *what);
jd_status r3_deliver(r3_mail *m);
/* sums[p] (reduced) of every process p becomes the sum over all of them: once round to add up, once to tell, chunk after chunk.
 * Numbers are integers (`exact`), else of `width` bytes, float or double. */
jd_status r3_all_reduce(r3_mail *m);
/* Adds up what ranks know: arrays in which each has only its own. */
jd_status r3_over_ranks(jd_ctx *ctx, double *x, size_t n);

#endif
