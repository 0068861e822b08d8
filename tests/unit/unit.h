/* The include every unit test begins with: cmocka and what it needs before it. */
#ifndef WEIR_UNIT_H
#define WEIR_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

#include <stdio.h>

/* Compares a span with a string and prints both when they differ. */
#define assert_span(s, cstr)                                                                       \
    do {                                                                                           \
        span assert_span_ = (s);                                                                   \
        char *assert_copy_ = strndup(assert_span_.ptr ? assert_span_.ptr : "", assert_span_.len);  \
        assert_string_equal(assert_copy_, cstr);                                                   \
        free(assert_copy_);                                                                        \
    } while (0)

/* Path of a file of the source tree, into path; tests run in any folder. */
static inline const char *unit_source(const char *name, char path[4096]) {
    const char *root = getenv("WEIR_SOURCE");
    snprintf(path, 4096, "%s/%s", root ? root : WEIR_SOURCE_ROOT, name);
    return path;
}

/* Reads a whole file; fails the test when it is not there. The caller frees with buf_done(). */
static inline buf unit_read(const char *path) {
    buf text = BUF_EMPTY;
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("cannot open %s", path);
    for (size_t n; (n = fread(buf_reserve(&text, 4096), 1, 4096, f)) > 0;)
        buf_grow(&text, n);
    fclose(f);
    (void)buf_cstr(&text);
    return text;
}

#endif
