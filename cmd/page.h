/* page.h - the page of `jackdaw serve` (cmd/page/), as bytes inside the program. */
#ifndef JD_CMD_PAGE_H
#define JD_CMD_PAGE_H

#include <stddef.h>

extern const unsigned char serve_html[], serve_css[], serve_js[];
extern const size_t serve_html_bytes, serve_css_bytes, serve_js_bytes;

#endif
