/*
 * scan_nets.h - several nets of one kind in one set of weights, whose maps of a picture are averaged: net k's "conv1/W" is
 * called SCOPE/conv1/W there, or keeps its name where the scope is "".
 *
 *     scan_nets_add(ctx, all, "net1", w);                          // to be saved
 *     scan_nets_open(ctx, all, scope, 2, &options, scan, weights); // after loading
 */
#ifndef SCAN_NETS_H
#define SCAN_NETS_H

#include "jackdaw/scan.h"

/* Copies the parameters of one net into `all`. */
jd_status scan_nets_add(jd_ctx *ctx, jd_params *all, const char *scope, jd_params *net);
/* The scanners of n nets and weights of their own (n each), to be freed by the caller, after an error too. */
jd_status scan_nets_open(jd_ctx *ctx, jd_params *all, const char *const *scope, int n, const jd_scan_options *o,
                         jd_scanner **scan, jd_params **weights);

#endif
