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

#include "base/span.h"

/* Compares a span with a string and prints both when they differ. */
#define assert_span(s, cstr)                                                                       \
    do {                                                                                           \
        span assert_span_ = (s);                                                                   \
        char *assert_copy_ = strndup(assert_span_.ptr ? assert_span_.ptr : "", assert_span_.len);  \
        assert_string_equal(assert_copy_, cstr);                                                   \
        free(assert_copy_);                                                                        \
    } while (0)

#endif
