/* scan_nets.c - see scan_nets.h. */
#include "scan_nets.h"

#include <string.h>

jd_status scan_nets_add(jd_ctx *ctx, jd_params *all, const char *scope, jd_params *net)
{
    for (int i = 0; i < jd_params_ranges(net) && !jd_error(ctx); i++) {
        const jd_range *r = jd_params_range(net, i);
        char *name = jd_asprintf(ctx, "%s%s%s", scope, *scope ? "/" : "", r->name);
        if (name) jd_params_set(all, name, &r->type, jd_params_get(net, r->name));
        jd_free(ctx, name);
    }
    return jd_error(ctx);
}

static jd_params *take(jd_ctx *ctx, jd_params *all, const char *scope)
{
    jd_params *w = jd_params_new(ctx, jd_params_dtype(all));
    const size_t length = strlen(scope);
    for (int i = 0; w && i < jd_params_ranges(all) && !jd_error(ctx); i++) {
        const jd_range *r = jd_params_range(all, i);
        if (length && (strncmp(r->name, scope, length) != 0 || r->name[length] != '/')) continue;
        jd_params_set(w, r->name + (length ? length + 1 : 0), &r->type, jd_params_get(all, r->name));
    }
    return w;
}

jd_status scan_nets_open(jd_ctx *ctx, jd_params *all, const char *const *scope, int n, const jd_scan_options *o,
                         jd_scanner **scan, jd_params **weights)
{
    for (int k = 0; k < n; k++) scan[k] = NULL, weights[k] = NULL;
    for (int k = 0; k < n && !jd_error(ctx); k++) {
        weights[k] = take(ctx, all, scope[k]);
        if (weights[k]) scan[k] = jd_scanner_new(ctx, weights[k], o);
    }
    return jd_error(ctx);
}
