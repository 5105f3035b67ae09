/* layers.h (internal) - what the layer files share. */
#ifndef JD_LAYERS_LAYERS_H
#define JD_LAYERS_LAYERS_H

#include "jackdaw/layers.h"

/* `given`, or the default for a layer with this activation. */
jd_init jd__default_init(jd_init given, jd_activation act);

/* false, with an error that names the layer, unless n >= 1. */
bool jd__size_ok(jd_graph *g, const char *name, const char *what, int64_t n);

#endif
