/* scan_points.h - `jackdaw scan` of a model that finds points. */
#ifndef JD_CMD_SCAN_POINTS_H
#define JD_CMD_SCAN_POINTS_H

#include "cli.h"
#include "scanning.h"

/* OUT.csv: a table of all points in all pictures; else each picture with its points circled, as OUT.png or in the folder OUT. */
jd_status scan_points(scanning *s, const cli_args *a, const char *out);

#endif
