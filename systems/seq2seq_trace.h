/* seq2seq_trace.h - the functions that a writer traces; see seq2seq.h. */
#ifndef SEQ2SEQ_TRACE_H
#define SEQ2SEQ_TRACE_H

#include "jackdaw/graph.h"

/* Inputs source and length: what seq2seq_begin makes of them.  `user` is the seq2seq_net, here and below. */
void seq2seq_read_inputs(jd_graph *g, void *user);
/* One more symbol: inputs symbol (R), parent (R), h0 c0 h1 .. (R,H), and with attention look (R,E), seen, keys, hide; results
 * ln_p (R,V), and h0' c0' .. look' to go on with. */
void seq2seq_next(jd_graph *g, void *user);

#endif
