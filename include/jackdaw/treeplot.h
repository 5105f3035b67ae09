/*
 * treeplot.h - a tree with names at its nodes as a figure of a report.
 *
 *     const jd_tree_node node[] = {{"S", -1, false}, {"NP", 0, false}, {"dogs", 1, false}, {"VP", 0, false},
 *                                  {"bark", 3, true}};
 *     jd_report_tree(report, node, 5, "A sentence.");
 */
#ifndef JACKDAW_TREEPLOT_H
#define JACKDAW_TREEPLOT_H

#include "jackdaw/report.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct jd_tree_node {
    const char *name;
    int32_t above; /* the node that it hangs from, which stands before it; -1: none */
    bool marked;   /* in another colour, such as what is wrong */
} jd_tree_node;

/* Nodes depth first: those without any below them stand from left to right in their order.  Wide trees are drawn smaller.
 * Errors: JD_EUSAGE (no nodes, more than 2000, a node above that does not stand before). */
JD_API jd_status jd_report_tree(jd_report *r, const jd_tree_node *node, size_t n, const char *caption);

#ifdef __cplusplus
}
#endif
#endif
